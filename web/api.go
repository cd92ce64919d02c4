package web

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"idbroker/broker"
	"idbroker/broker/local"
)

// Whoever reads JSON gets from the same handlers what people get as pages: show
// gives what the page says, redirect says where to go on, and an error is a
// problem (RFC 9457). docs/api.md is the manual.

// wantsJSON tells whether the client reads JSON and no pages.
func wantsJSON(r *http.Request) bool {
	if v := visitOf(r); v != nil && v.onlyJSON {
		return true
	}
	accept := r.Header.Get("Accept")
	if strings.Contains(accept, "text/html") {
		return false
	}
	return strings.Contains(accept, "json") || r.Method == http.MethodPost && sentType(r) == jsonMediaType
}

// pageJSON is a page for a program.
type pageJSON struct {
	Page      string         `json:"page"`      // its name: what data holds
	Title     string         `json:"title"`     // in the person's language
	SignedIn  bool           `json:"signed_in"` // somebody is
	Notice    *noticeJSON    `json:"notice,omitempty"`
	Challenge *challengeJSON `json:"challenge,omitempty"`
	Data      any            `json:"data"`
}

// noticeJSON is what is said once, above a page.
type noticeJSON struct {
	Kind string `json:"kind"` // "ok", "info" or "problem"
	Code string `json:"code"` // catalog key
	Text string `json:"text"` // in the person's language
}

// challengeJSON is work that a form wants done before it is sent: a number with
// which the SHA-256 of "text:number" begins with so many zero bits. Text goes into
// the field "challenge", the number into "solution".
type challengeJSON struct {
	Text    string `json:"text"`
	Bits    int    `json:"bits"`
	Seconds int    `json:"seconds"` // whoever waits so long need not solve it

	Captcha *captchaJSON `json:"captcha,omitempty"` // stands in for it
}

// captchaJSON is a captcha that the operator has asked for. What its script gives
// goes into the field that is named.
type captchaJSON struct {
	SiteKey string `json:"site_key"`
	Script  string `json:"script"` // URL
	Action  string `json:"action"`
	Field   string `json:"field"`
}

// locationJSON is where to go on: a path of ours, to be asked as this one was, or
// (leaves) an address elsewhere, where a browser has to go.
type locationJSON struct {
	Location string `json:"location"`
	Leaves   bool   `json:"leaves"`
}

// problemJSON is an error (RFC 9457). Beyond the members of the RFC, code is the
// catalog key of what happened, which no translation changes; page and data are
// the form that was sent, where it was one.
type problemJSON struct {
	Type      string         `json:"type"`
	Title     string         `json:"title"`
	Status    int            `json:"status"`
	Detail    string         `json:"detail"`
	Instance  string         `json:"instance"`
	Code      string         `json:"code"`
	Reference string         `json:"reference"` // number of the request in the log
	Errors    []fieldProblem `json:"errors,omitempty"`
	Actions   []actionJSON   `json:"actions,omitempty"`
	Location  string         `json:"location,omitempty"` // where to prove who is there, before it is tried again
	Challenge *challengeJSON `json:"challenge,omitempty"`
	Page      string         `json:"page,omitempty"`
	Data      any            `json:"data,omitempty"`
}

// fieldProblem is what is wrong with a field of the request.
type fieldProblem struct {
	Field   string `json:"field"`   // its name
	Pointer string `json:"pointer"` // to it, in the body (RFC 6901)
	Code    string `json:"code"`    // catalog key
	Detail  string `json:"detail"`  // in the person's language
}

// actionJSON is a way on.
type actionJSON struct {
	Label  string            `json:"label"` // in the person's language
	Method string            `json:"method"`
	URL    string            `json:"url"`
	Fields map[string]string `json:"fields,omitempty"` // of a POST
}

// problemType is what the type of a problem begins with; its code stands behind.
// It names, and leads nowhere: docs/api.md says what codes mean.
const problemType = "urn:idbroker:problem:"

// requestURN is what names a request; its number stands behind.
const requestURN = "urn:idbroker:request:"

// render answers with a page, or with what a program reads of it.
func (s *Server) render(w http.ResponseWriter, r *http.Request, status int, p page) error {
	if s.onPage != nil {
		s.onPage(r.Pattern, p)
	}
	w.Header().Add("Vary", "Accept")
	if !wantsJSON(r) {
		return s.pages.render(w, status, p)
	}
	b := p.top()
	if status >= http.StatusBadRequest {
		return s.giveProblem(w, r, problemOfPage(p, status))
	}
	answer := pageJSON{
		Page: p.template(), Title: titleOf(p), SignedIn: b.User != nil,
		Challenge: challengeFor(b.Challenge), Data: dataOf(p),
	}
	if b.Flash != nil {
		answer.Notice = &noticeJSON{b.Flash.Kind, b.Flash.Message, b.Say(b.Flash.Message, b.Flash.Args)}
	}
	return s.give(w, r, status, jsonMediaType, answer)
}

// give writes JSON.
func (s *Server) give(w http.ResponseWriter, r *http.Request, status int, mediaType string, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", mediaType)
	h.Set("Content-Language", s.language(r))
	h.Set("Content-Security-Policy", machinePolicy)
	w.WriteHeader(status)
	_, err = w.Write(append(body, '\n'))
	return err
}

// giveLocation tells a program where to go on. Where the person must prove first
// that they are there nothing was done, and that is an error.
func (s *Server) giveLocation(w http.ResponseWriter, r *http.Request, to string) error {
	w.Header().Add("Vary", "Accept")
	if strings.HasPrefix(to, proveAgain("")) {
		b := s.base(r)
		p := problemOf(errorOf(b, http.StatusUnauthorized, errProveAgain, broker.RequestOf(r.Context()).ID))
		p.Location = to
		return s.giveProblem(w, r, p)
	}
	return s.give(w, r, http.StatusOK, jsonMediaType, locationJSON{to, broker.LocalPath(to) == ""})
}

// errProveAgain: the sign-in is too old for what was asked for.
var errProveAgain = &broker.Error{Kind: broker.KindUnauthenticated, Message: "error.prove_again"}

// leaving lets a room that redirects by itself answer a program, too.
func (s *Server) leaving(w http.ResponseWriter, r *http.Request) http.ResponseWriter {
	if !wantsJSON(r) {
		return w
	}
	return &redirectReader{w, s, r}
}

// redirectReader makes the answer to a program of a redirect.
type redirectReader struct {
	http.ResponseWriter
	s *Server
	r *http.Request
}

func (w *redirectReader) WriteHeader(status int) {
	to := w.Header().Get("Location")
	if status/100 != 3 || to == "" {
		w.ResponseWriter.WriteHeader(status)
		return
	}
	w.Header().Del("Location")
	if err := w.s.giveLocation(w.ResponseWriter, w.r, to); err != nil {
		w.s.log.ErrorContext(w.r.Context(), "answer failed", "err", err)
	}
}

func (s *Server) giveProblem(w http.ResponseWriter, r *http.Request, p problemJSON) error {
	id := broker.RequestOf(r.Context()).ID
	p.Type, p.Instance, p.Reference = problemType+p.Code, requestURN+id, id
	return s.give(w, r, p.Status, problemMediaType, p)
}

// problemOf tells an error.
func problemOf(p errorPage) problemJSON {
	out := problemJSON{
		Title: p.title(), Status: p.Status, Detail: p.Say(p.Message, p.Args), Code: p.Message, Challenge: challengeFor(p.Challenge),
	}
	for _, a := range p.Ways() {
		act := actionJSON{Label: p.Say(a.Label, a.Args), Method: http.MethodGet, URL: a.URL}
		if a.Post {
			act.Method, act.Fields = http.MethodPost, map[string]string{}
			for _, f := range a.Fields {
				act.Fields[f.Name] = f.Value
			}
		}
		out.Actions = append(out.Actions, act)
	}
	return out
}

// errFields: there is something wrong with several fields.
var errFields = &broker.Error{Kind: broker.KindInvalid, Message: "error.fields"}

// problemOfPage tells what is wrong with a form, which the page shows again.
func problemOfPage(p page, status int) problemJSON {
	b := p.top()
	wrong := problemsIn(p)
	main := wrong.Form()
	names := make([]string, 0, len(wrong))
	for name := range wrong {
		if name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	switch {
	case main != nil:
	case b.Refusal != nil:
		main = b.Refusal
	case len(names) == 1:
		main = wrong[names[0]]
	default:
		main = errFields
	}
	out := problemOf(errorOf(*b, status, main, ""))
	out.Actions = nil // the form is the way on
	out.Page, out.Data = p.template(), dataOf(p)
	for _, name := range names {
		out.Errors = append(out.Errors, problemAt(*b, wrong[name], name))
	}
	return out
}

func problemAt(b base, e *broker.Error, name string) fieldProblem {
	member := name
	if strings.HasPrefix(name, local.FieldPrefix) { // the text of an object, into which no pointer leads
		member = fieldsName
	}
	return fieldProblem{Field: name, Pointer: "#/" + pointerEscape.Replace(member), Code: e.Message, Detail: b.Say(e.Words(), e.Args)}
}

// pointerEscape makes a reference token of a name (RFC 6901, section 3).
var pointerEscape = strings.NewReplacer("~", "~0", "/", "~1")

func challengeFor(c *challengeView) *challengeJSON {
	if c == nil {
		return nil
	}
	j := &challengeJSON{Text: c.Text.Reveal(), Bits: c.Bits, Seconds: c.Seconds}
	if w := c.Captcha; w != nil {
		j.Captcha = &captchaJSON{w.SiteKey, w.Script, w.Action, w.Field}
	}
	return j
}
