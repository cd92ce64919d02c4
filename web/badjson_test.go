package web

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"idbroker/broker/inputtest"
	"idbroker/store/storetest"
	"idbroker/tokens"
)

// badValues are values that a field of some kind cannot have. JSON of that kind is
// refused for the field's own sake.
func badValues(f field) map[string]string {
	quoted := func(s string) string {
		b, _ := json.Marshal(s)
		return string(b)
	}
	bad := map[string]string{}
	for _, v := range inputtest.Values() {
		if fits := map[fieldKind]string{flagField: "boolean", listField: "array"}[f.kind]; v.Type != fits || v.Name == "list in list" || v.Name == "list of numbers" || v.Name == "list with null" {
			bad[v.Name] = v.JSON
		}
	}
	switch f.kind {
	case flagField:
		bad["text"], bad["number as text"] = `"true"`, `"1"`
		return bad
	case listField:
		return bad
	}
	for _, t := range badTexts(f) {
		if utf8.ValidString(t.Value) {
			bad[t.Name] = quoted(t.Value)
		}
	}
	if f.kind == choiceField {
		bad["another"], bad["case"] = quoted("x"), quoted(strings.ToUpper(f.choices[0]))
	}
	return bad
}

// badTexts are those that a field cannot have, before its handler looks at them.
func badTexts(f field) []inputtest.Text {
	kinds := []inputtest.Kind{inputtest.NoText, inputtest.Long}
	switch f.kind {
	case idField, listField, choiceField:
		kinds = append(kinds, inputtest.Unseen, inputtest.Rubbish)
	case nameField:
		kinds = append(kinds, inputtest.Unseen)
	}
	texts := inputtest.Of(inputtest.Texts(f.longest()), kinds...)
	if f.kind == choiceField && f.longest() > 0 { // it is none of the choices, however long
		texts = inputtest.Of(texts, inputtest.NoText, inputtest.Unseen, inputtest.Rubbish)
	}
	return texts
}

// TestBadInputInJSON sends it to every route, as somebody who is signed in and as
// somebody who is not: the field is named, and no row of any table is another one.
func TestBadInputInJSON(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		w := worldOn(t, storetest.Open(t, dsn), tokens.Options{Phone: true, Address: true, Registration: tokens.Registration{Mode: tokens.RegisterOpen}})
		raw := storetest.Raw(t, dsn)
		w.user("ada")
		w.client()
		visitor, member := w.program(), w.program()
		member.signIn("ada@example.org")
		visitor.get("/login/?next=%2Fx") // has the cookie of a browser
		before := storetest.Contents(t, raw)
		n := 0
		every := 1
		if !strings.HasPrefix(dsn, "sqlite:") { // what shows there alone is the same in every route
			every = 5
		}
		for pattern, op := range w.server.operations {
			method, path, _ := strings.Cut(pattern, " ")
			path = wildcard.ReplaceAllString(strings.TrimSuffix(path, "{$}"), "demo")
			if method == http.MethodPost && op.takesJSON() {
				for _, p := range []*program{visitor, member} {
					n += p.refusesAll(path, op.fields, every)
				}
			}
			if op.takesJSON() {
				n += member.refusesQueries(method, path, op.query, every)
			}
			if after := storetest.Contents(t, raw); after != before {
				t.Fatalf("%s: tables\n%s\nbecame\n%s", pattern, before, after)
			}
		}
		if n < 1000 {
			t.Errorf("%d requests only", n)
		}
		if log := w.log.String(); strings.Contains(log, "level=ERROR") || strings.Contains(log, "level=WARN") {
			t.Errorf("log:\n%s", log)
		}
	})
}

// refusesAll sends what a route must refuse, one for so many as every says, and
// returns how much there is.
func (p *program) refusesAll(path string, fields []field, every int) int {
	t := p.w.t
	t.Helper()
	n := 0
	refused := func(name, kind, body, about string) {
		t.Helper()
		if n++; n%every != 0 {
			return
		}
		a := p.send(path, kind, []byte(body), false)
		if a.status/100 != 4 || about != "" && a.status != http.StatusRequestEntityTooLarge && (len(a.Errors) != 1 || a.Errors[0].Field != about || !strings.Contains(a.Detail, about)) {
			t.Errorf("POST %s, %s of %q: %d %.500s", path, name, about, a.status, a.body)
		}
	}
	for _, d := range inputtest.Documents() {
		refused(d.Name, d.Type, d.Text, "")
	}
	refused("too large", jsonMediaType, `{"email": "`+strings.Repeat("x", maxBody)+`"}`, "")
	refused("unknown", jsonMediaType, `{"nobody": {"a": [[]]}}`, "nobody")
	refused("another case", jsonMediaType, `{"EMAIL": "x"}`, "EMAIL")
	for _, f := range fields {
		for name, value := range badValues(f) {
			refused(name, jsonMediaType, `{"`+f.name+`": `+value+`}`, f.name)
		}
		value := `"x"`
		switch f.kind {
		case flagField:
			value = `false`
		case choiceField:
			value = `"` + f.choices[0] + `"`
		}
		for _, d := range inputtest.Twice(f.name, value)[:2] { // the third has a type that is wrong by itself
			refused(d.Name, d.Type, d.Text, f.name)
		}
		refused("twice in a form", formMediaType, f.name+"=x&"+f.name+"=x", f.name)
		if f.kind == flagField {
			continue
		}
		for _, text := range badTexts(f) {
			refused(text.Name+" in a form", formMediaType, f.name+"="+url.QueryEscape(text.Value), f.name)
		}
	}
	refused("escape in a form", formMediaType, "email=%zz", "")
	refused("semicolon in a form", formMediaType, "email=a;email=b", "")
	refused("name that is not UTF-8 in a form", formMediaType, "%ff=x", "")
	return n
}

// refusesQueries does it for what stands in the query.
func (p *program) refusesQueries(method, path string, fields []field, every int) int {
	t := p.w.t
	t.Helper()
	n := 0
	refused := func(query, about string) {
		t.Helper()
		if n++; n%every != 0 {
			return
		}
		a := p.ask(p.request(method, path+"?"+query, nil), nil, false)
		if a.status/100 != 4 || about != "" && a.status != http.StatusRequestEntityTooLarge && (len(a.Errors) != 1 || a.Errors[0].Field != about) {
			t.Errorf("%s %s?%s: %d %.500s", method, path, query, a.status, a.body)
		}
	}
	refused("x=%zz", "")
	refused("x=%ff", "x")
	refused("x=%00", "x")
	refused("%ff=x", "")
	refused("a;b", "")
	for _, f := range fields {
		refused(f.name+"=1&"+f.name+"=1", f.name)
		for _, text := range badTexts(f) {
			if text.Kind != inputtest.Long || f.longest() < maxQueryPath { // longer ones do not fit into the line
				refused(f.name+"="+url.QueryEscape(text.Value), f.name)
			}
		}
	}
	return n
}

// TestUnreadableText: what changes the direction of text or cannot be seen has no
// place where people are named, and the field is told.
func TestUnreadableText(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		w := worldOn(t, storetest.Open(t, dsn), tokens.Options{Phone: true, Address: true})
		raw := storetest.Raw(t, dsn)
		w.user("ada")
		p := w.program()
		p.signIn("ada@example.org")
		newcomer := map[string]any{"email": "new@example.org", "name": "New", "username": "new", "password": password}
		profile := map[string]any{
			"name": "Ada", "phone": "+41227676111", "street_address": "1 Esplanade", "postal_code": "1211", "locality": "Geneva", "region": "GE", "country": "CH",
		}
		before := storetest.Contents(t, raw)
		for path, good := range map[string]map[string]any{"/signup/": newcomer, profilePath: profile, emailPath: {"email": "new@example.org"}, "/lost-password/": {"email": "new@example.org"}} {
			for name, value := range good {
				if name == "password" {
					continue // whoever can type it may have it
				}
				for _, r := range []rune{'\u202e', '\u2066', '\u200b', '\u200d', '\ufeff', '\u00ad', '\u0007', '\u001b', '\ue000', '\U000e0041'} {
					sent := map[string]any{}
					for k, v := range good {
						sent[k] = v
					}
					text := value.(string)
					sent[name] = text[:1] + string(r) + text[1:]
					body, err := json.Marshal(sent)
					must(t, err)
					a := w.jsonOf(p, path).send(path, jsonMediaType, body, true)
					if a.status != http.StatusUnprocessableEntity || len(a.Errors) != 1 || a.Errors[0].Field != name {
						t.Errorf("%s, %U in %s: %d %.300s", path, r, name, a.status, a.body)
					}
				}
			}
		}
		if after := storetest.Contents(t, raw); after != before {
			t.Errorf("tables\n%s\nbecame\n%s", before, after)
		}
	})
}

// jsonOf is who sends something: p, or nobody where a form is for newcomers.
func (w *world) jsonOf(p *program, path string) *program {
	if strings.HasPrefix(path, "/account/") {
		return p
	}
	return w.program()
}

// TestJSONFromOtherSites: what another site makes a browser send is refused, however
// it calls it; where the browser says nothing, the origin counts.
func TestJSONFromOtherSites(t *testing.T) {
	w := newWorld(t)
	w.user("ada")
	p := w.program()
	p.signIn("ada@example.org")
	for _, header := range []http.Header{
		with("Sec-Fetch-Site", "cross-site"), with("Sec-Fetch-Site", "same-site"), with("Origin", "https://evil.example"), with("Origin", "null"),
		with("Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"),
	} {
		for _, kind := range []string{jsonMediaType, "text/plain", formMediaType} {
			for _, path := range []string{"/logout/", profilePath, "/account/settings/sessions/", dataPath + "export/", "/login/"} {
				r := p.request("POST", path, strings.NewReader(`{"others": true}`))
				for name, values := range header {
					r.Header[name] = values
				}
				r.Header.Set("Content-Type", kind)
				p.ask(r, nil, false).refused(http.StatusForbidden, "error.cross_origin")
			}
		}
	}
	r := p.request("GET", mePath, nil)
	r.Header.Set("Origin", "https://evil.example")
	me := p.ask(r, nil, false)
	if me.status != 200 || me.header.Get("Access-Control-Allow-Origin") != "" || me.header.Get("Cross-Origin-Resource-Policy") != "same-origin" {
		t.Errorf("%d %v", me.status, me.header)
	}
	// A body that a browser sends without asking us first is never read as JSON.
	sent := []byte(`{"name": "Mallory", "username": "ada"}`)
	for _, kind := range []string{"text/plain", "text/plain; charset=utf-8", "", formMediaType, "multipart/form-data; boundary=x"} {
		if a := p.send(profilePath, kind, sent, false); kind != formMediaType && a.status != 400 {
			t.Errorf("%q: %d %s", kind, a.status, a.body)
		}
	}
	if u, err := w.db.UserByEmail(t.Context(), "ada@example.org"); err != nil || u.Name == "Mallory" {
		t.Errorf("%+v %v", u, err)
	}
}

// TestWhoGetsJSON: pages are for who asks for them, and nothing keeps an answer for
// somebody who asked for the other.
func TestWhoGetsJSON(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	for accept, want := range map[string]string{
		"": "text/html; charset=utf-8", "*/*": "text/html; charset=utf-8", "text/html": "text/html; charset=utf-8", "text/html,application/json;q=0.9": "text/html; charset=utf-8",
		"application/json": jsonMediaType, "application/problem+json, application/json": jsonMediaType, "application/json, */*;q=0.1": jsonMediaType,
	} {
		for path, status := range map[string]int{"/login/": 200, "/nowhere/": 404} {
			r := b.request("GET", path, nil)
			r.Header.Set("Accept", accept)
			want := want
			if status == 404 && want == jsonMediaType {
				want = problemMediaType
			}
			if a := b.do(r); a.status != status || a.header.Get("Content-Type") != want || !slices.Contains(a.header.Values("Vary"), "Accept") {
				t.Errorf("%s as %q: %d %v", path, accept, a.status, a.header)
			}
		}
	}
	r := b.request("GET", mePath, nil) // has no page
	r.Header.Set("Accept", "text/html")
	if a := b.do(r); a.status != 401 || a.header.Get("Content-Type") != problemMediaType {
		t.Errorf("%d %v", a.status, a.header)
	}
	r = b.request("POST", "/login/", strings.NewReader(`{"email": "ada@example.org"}`)) // says what it reads
	r.Header.Set("Content-Type", "application/json; charset=UTF-8")
	if a := b.do(r); a.status != 422 || a.header.Get("Content-Type") != problemMediaType {
		t.Errorf("%d %v", a.status, a.header)
	}
}

// TestLimitsInJSON: who tried too often gets the challenge with the problem, and
// its solution counts; then they wait.
func TestLimitsInJSON(t *testing.T) {
	w := limited(t, 100)
	w.user("ada")
	p := w.program()
	for range 3 {
		p.post("/login/", "email", "ada@example.org", "password", "x").refused(422, "login.wrong")
	}
	a := p.post("/login/", "email", "ada@example.org", "password", password).refused(429, "limits.challenge")
	if a.Challenge == nil || a.Challenge.Text == "" || a.header.Get("Retry-After") == "" {
		t.Fatalf("%v %s", a.header, a.body)
	}
	p.post("/login/", "email", "ada@example.org", "password", password, "challenge", a.Challenge.Text, "solution", solve(a.Challenge)).to("/")
}

// FuzzJSON: whatever is sent becomes values of the fields, or an error about one of
// them or about the whole, and nothing panics.
func FuzzJSON(f *testing.F) {
	for _, d := range inputtest.Documents() {
		f.Add([]byte(d.Text))
	}
	for _, s := range []string{`{"email": "a@b.example", "login": "x", "all": true, "which": ["a", "b"]}`, `{"login": "\u0041"}`, `{"all": null}`, `{"which": []}`, `{"how": "link"}`} {
		f.Add([]byte(s))
	}
	table := []field{typed("email"), ident("login"), toggle("all"), {name: "which", kind: listField}, oneOf("how", "link", "skip"), named("client"), pathTo("next")}
	f.Fuzz(func(t *testing.T, body []byte) {
		form, err := parseJSON(body, table)
		if err != nil {
			if status := statusOf(err); status != http.StatusBadRequest {
				t.Errorf("%q: %d %v", body, status, err)
			}
			return
		}
		// What was taken is what every other reader takes it for.
		var object map[string]any
		if err := json.Unmarshal(body, &object); err != nil {
			t.Fatalf("%q was taken: %v", body, err)
		}
		for name, value := range object {
			want := url.Values{}
			switch v := value.(type) {
			case string:
				want.Add(name, v)
			case bool:
				if v {
					want.Add(name, "1")
				}
			case []any:
				for _, one := range v {
					s, _ := one.(string)
					want.Add(name, s)
				}
			}
			if !slices.Equal(form[name], want[name]) {
				t.Errorf("%q: %s is %q, want %q", body, name, form[name], want[name])
			}
		}
		if len(form) > len(object) || checkAll(table, form) != nil || textual(form) != nil {
			t.Errorf("%q became %q", body, form)
		}
	})
}
