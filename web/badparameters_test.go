package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"idbroker/broker/inputtest"
)

// tooLong is more code points than any parameter of a specification may have here.
const tooLong = 40_000

func jsonInto(text string, v any) error { return json.Unmarshal([]byte(text), v) }

// TestBadInputInEveryParameter puts the corpus into each parameter, member and header
// that the endpoints of specifications read: their own kind of error names it, and
// no table changes.
func TestBadInputInEveryParameter(t *testing.T) {
	eachBadWorld(t, func(w *badWorld, same func(string) bool, sent func() bool) {
		for pattern, e := range w.standards() {
			for _, q := range e.asks {
				methods, path := w.served(pattern, "demo")
				if !slices.Contains(methods, q.method) {
					t.Fatalf("%s is not served by %q", q.method, pattern)
				}
				path = strings.Replace(path, registerPath+"/demo", registerPath+"/"+w.registered, 1)
				s := &badSender{w: w, t: t, q: q, path: path, sent: sent}
				s.refusals()
				same(pattern)
				s.tolerated()
				same("")
			}
		}
		for path, scheme := range map[string]string{
			"POST /oauth2/token": "Basic", "POST /oauth2/introspect": "Basic", "POST /oauth2/revoke": "Basic", "POST /oauth2/par": "Basic",
			"GET /oauth2/userinfo": "Bearer", "POST /oauth2/userinfo": "Bearer", "POST " + registerPath: "Bearer", "GET " + registerPath + "/" + w.registered: "Bearer", "DELETE " + registerPath + "/" + w.registered: "Bearer",
		} {
			method, path, _ := strings.Cut(path, " ")
			for _, credentials := range inputtest.Credentials(scheme) {
				header := with("Authorization", credentials)
				body := ""
				if scheme == "Basic" {
					header.Set("Content-Type", formMediaType)
					body = "grant_type=refresh_token&refresh_token=x&token=x"
				}
				if a := w.send(w.browser(), method, path, body, header); a.status != http.StatusUnauthorized && a.status != http.StatusBadRequest {
					t.Errorf("%s %s, Authorization %.60q: %d %.200s", method, path, credentials, a.status, a.body)
				}
			}
			same(path + " with bad credentials")
		}
	}, 3)
}

// badSender sends an endpoint's request with something bad in it.
type badSender struct {
	w    *badWorld
	t    *testing.T
	q    asked
	path string
	sent func() bool
}

// do sends the request with other values of a parameter.
func (s *badSender) do(name string, values ...string) answer {
	s.t.Helper()
	header := with("Accept", "application/json")
	if s.q.auth != "" {
		header.Set("Authorization", s.q.auth)
	}
	put := func(all url.Values) string {
		sent := url.Values{}
		for k, v := range all {
			if len(v) > 0 {
				sent[k] = v
			}
		}
		if _, ok := all[name]; ok {
			sent[name] = values
		}
		return sent.Encode()
	}
	path, body := s.path, put(s.q.form)
	if s.q.query != nil {
		path += "?" + put(s.q.query)
	}
	if s.q.form != nil {
		header.Set("Content-Type", formMediaType)
	}
	return s.w.send(s.w.browser(), s.q.method, path, body, header)
}

// object sends the JSON object with other text in place of a member's value, or
// another body.
func (s *badSender) object(name, value, body string) answer {
	s.t.Helper()
	header := with("Accept", "application/json", "Content-Type", jsonMediaType)
	if s.q.auth != "" {
		header.Set("Authorization", s.q.auth)
	}
	if body == "" {
		var members []string
		for k, v := range s.q.object {
			if k == name {
				v = value
			}
			if v != "" {
				members = append(members, fmt.Sprintf("%q: %s", k, v))
			}
		}
		body = "{" + strings.Join(members, ", ") + "}"
	}
	return s.w.send(s.w.browser(), s.q.method, s.path, body, header)
}

// named fails the test where an answer is no refusal that names a parameter.
func (s *badSender) named(a answer, name, what string, itself bool) {
	s.t.Helper()
	var e struct {
		Error       string
		Description string `json:"error_description"`
		Errors      []fieldProblem
	}
	var moved struct{ Location string }
	if s.q.page && a.status == http.StatusOK && jsonInto(a.body, &moved) == nil { // as programs are told
		a.location = moved.Location
	}
	switch {
	case strings.HasPrefix(a.location, callbackURL+"?error="):
		e.Error, e.Description = a.param("error"), a.param("error_description")
	case a.status/100 == 4:
		if err := jsonInto(a.body, &e); err != nil {
			s.t.Errorf("%s %s, %s %s: %d is no JSON: %v %.300s", s.q.method, s.path, name, what, a.status, err, a.body)
		}
	}
	plain, _, _ := strings.Cut(name, "#")
	good := strings.Contains(e.Description, plain) || len(e.Errors) == 1 && e.Errors[0].Field == name ||
		itself && (names[name] != "" && names[name] == e.Error || a.status == http.StatusRequestEntityTooLarge || a.status == http.StatusRequestURITooLong)
	if !good {
		s.t.Errorf("%s %s, %s %s: %d %s %.300s", s.q.method, s.path, name, what, a.status, a.location, a.body)
	}
}

// refusals sends what must be refused whatever the parameter is for.
func (s *badSender) refusals() {
	s.t.Helper()
	for _, all := range []url.Values{s.q.query, s.q.form} {
		for name := range all {
			for _, text := range inputtest.Texts(tooLong) {
				if name == "claims" && text.Name == "JSON" { // it has no member that we know, and they are ignored
					continue
				}
				if strings.Contains(" "+s.q.takes+" ", " "+name+" ") && (text.Kind == inputtest.Rubbish || text.Kind != inputtest.NoText && !s.strict()) || !s.sent() {
					continue
				}
				s.named(s.do(name, text.Value), name, text.Name, text.Kind != inputtest.NoText)
			}
			if s.path != authorizePath && s.path != "/oauth2/logout" || s.q.method != http.MethodPost { // the GET that it turns into says so
				s.named(s.do(name, "x", "x"), name, "twice", name == "request_uri")
				s.named(s.do(name, "x", ""), name, "twice, once empty", name == "request_uri")
			}
		}
	}
	for name, good := range s.q.object {
		for _, v := range inputtest.Values() {
			if v.Type == "null" || strings.HasPrefix(good, "[") && v.Name == "empty list" || good == "60" && (v.JSON == "1" || v.JSON == "-0") || (good == "true" || good == "false") && v.Type == "boolean" || good == "" && name == "jwks" && v.Type == "object" && v.JSON != "{}" || !s.sent() {
				continue
			}
			if strings.HasPrefix(good, "[") && v.Name == "list of texts" && strings.Contains(s.q.takes, name) {
				continue
			}
			s.named(s.object(name, v.JSON, ""), name, v.Name, true)
		}
		for _, text := range inputtest.Texts(tooLong) {
			if strings.Contains(" "+s.q.takes+" ", " "+name+" ") && text.Kind == inputtest.Rubbish || good == "true" || good == "false" || good == "60" || !s.sent() {
				continue
			}
			quoted, _ := json.Marshal(text.Value)
			if text.Kind == inputtest.NoText && !strings.ContainsRune(text.Value, 0) {
				quoted = []byte(`"` + text.Value + `"`) // as it is
			}
			if strings.HasPrefix(good, "[") {
				quoted = []byte("[" + string(quoted) + "]")
			}
			s.named(s.object(name, string(quoted), ""), name, text.Name, true)
		}
		if good != "" {
			for _, body := range inputtest.Twice(name, good) {
				s.named(s.object("", "", body.Text), name, body.Name, true)
			}
		}
	}
	if s.q.object != nil {
		for _, d := range inputtest.Documents() {
			header := with("Content-Type", d.Type, "Authorization", s.q.auth)
			if s.q.auth == "" {
				header.Del("Authorization")
			}
			if a := s.w.send(s.w.browser(), s.q.method, s.path, d.Text, header); a.status/100 != 4 || !strings.Contains(a.body, "error_description") {
				s.t.Errorf("%s %s, %s: %d %.300s", s.q.method, s.path, d.Name, a.status, a.body)
			}
		}
	}
}

// strict tells whether an authorization request is meant: what nobody can see has no
// place in any parameter of it.
func (s *badSender) strict() bool {
	return s.path == "/oauth2/par" || s.path == authorizePath && s.q.method == http.MethodGet || s.path == "/oauth2/logout" && s.q.method == http.MethodGet
}

// tolerated sends the rest: what the specification has ignored is no error of ours.
func (s *badSender) tolerated() {
	s.t.Helper()
	for name := range strings.FieldsSeq(s.q.takes) {
		for _, text := range inputtest.Of(inputtest.Texts(tooLong), inputtest.Unseen, inputtest.Long, inputtest.Rubbish) {
			if !s.sent() {
				continue
			}
			var a answer
			if s.q.object != nil {
				quoted, _ := json.Marshal(text.Value)
				if strings.HasPrefix(s.q.object[name], "[") {
					quoted = []byte("[" + string(quoted) + "]")
				}
				a = s.object(name, string(quoted), "")
			} else {
				a = s.do(name, text.Value)
			}
			if a.status >= 500 {
				s.t.Errorf("%s %s, %s %s: %d %.300s", s.q.method, s.path, name, text.Name, a.status, a.body)
			}
		}
	}
}
