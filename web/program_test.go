package web

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
	"github.com/pb33f/libopenapi-validator/errors"
)

// contract is the OpenAPI document as a judge of requests and answers, and which
// operations have been judged. It is stricter than the document: an answer has
// no member that does not stand there.
type contract struct {
	v    validator.Validator
	mu   sync.Mutex
	seen map[string]bool // patterns that gave a good answer
}

var theContract = sync.OnceValues(func() (*contract, error) {
	body, err := (&Server{operations: operations()}).describe()
	if err != nil {
		return nil, err
	}
	var doc map[string]any
	if err := json.Unmarshal(body, &doc); err != nil {
		return nil, err
	}
	doc["servers"] = []any{map[string]any{"url": "/"}}
	closed(doc["components"])
	if body, err = json.Marshal(doc); err != nil {
		return nil, err
	}
	parsed, err := libopenapi.NewDocument(body)
	if err != nil {
		return nil, err
	}
	v, errs := validator.NewValidator(parsed, config.WithFormatAssertions())
	if len(errs) > 0 {
		return nil, errs[0]
	}
	return &contract{v: v, seen: map[string]bool{}}, nil
})

// closed forbids unknown members of every object with known ones.
func closed(v any) {
	switch v := v.(type) {
	case map[string]any:
		if _, ok := v["properties"].(map[string]any); ok && v["additionalProperties"] == nil && v["type"] == "object" {
			v["additionalProperties"] = false
		}
		for _, member := range v {
			closed(member)
		}
	case []any:
		for _, member := range v {
			closed(member)
		}
	}
}

// program is a client that reads and writes JSON, with the cookies of a browser.
type program struct {
	*browser
	c *contract
}

func (w *world) program() *program {
	w.t.Helper()
	c, err := theContract()
	must(w.t, err)
	return &program{w.browser(), c}
}

// said is an answer in JSON.
type said struct {
	answer
	Location  string
	Leaves    bool
	Page      string
	SignedIn  bool `json:"signed_in"`
	Notice    *noticeJSON
	Challenge *challengeJSON
	Data      map[string]any
	Title     string
	Code      string
	Detail    string
	Reference string
	Errors    []fieldProblem
	Actions   []actionJSON
}

func (p *program) ask(r *http.Request, body []byte, valid bool) said {
	t := p.w.t
	t.Helper()
	r.Header.Set("Accept", "application/json")
	sent := r.Clone(r.Context())
	sent.Body = io.NopCloser(bytes.NewReader(body))
	res, err := p.browser.c.Do(r)
	must(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	must(t, err)
	a := said{answer: answer{t, res.StatusCode, res.Header.Get("Location"), string(text), res.Header, res.Cookies()}}
	h := res.Header
	if err := json.Unmarshal(text, &a); err != nil || h.Get("Location") != "" || h.Get("X-Content-Type-Options") != "nosniff" ||
		!strings.Contains(h.Get("Cache-Control"), "no-store") || h.Get("Content-Security-Policy") != machinePolicy && h.Get("Content-Disposition") == "" {
		t.Fatalf("%s %s: %d %v\n%.500s", r.Method, r.URL.Path, res.StatusCode, h, text)
	}
	if problem := h.Get("Content-Type") == problemMediaType; problem != (res.StatusCode >= 400) || problem && (a.Code == "" || a.Reference != h.Get("X-Request-Id")) {
		t.Fatalf("%s %s: %d %s\n%s", r.Method, r.URL.Path, res.StatusCode, h.Get("Content-Type"), text)
	}
	_, pattern := p.w.server.mux.Handler(r)
	op := p.w.server.operations[pattern]
	if op.does == "" || op.standard != "" {
		return a
	}
	report := func(what string, problems []*errors.ValidationError) {
		for _, e := range problems {
			t.Errorf("%s of %s %s: %s: %s\n%.600s", what, r.Method, r.URL.Path, e.Message, e.Reason, text)
			for _, s := range e.SchemaValidationErrors {
				t.Errorf("  %s (%s)", s.Reason, s.FieldPath)
			}
		}
	}
	if valid {
		if _, problems := p.c.v.GetRequestBodyValidator().ValidateRequestBody(sent); problems != nil {
			report("request", problems)
		}
		if _, problems := p.c.v.GetParameterValidator().ValidateQueryParams(sent); problems != nil {
			report("query", problems)
		}
	}
	res.Body = io.NopCloser(bytes.NewReader(text))
	if _, problems := p.c.v.ValidateHttpResponse(sent, res); problems != nil {
		report("answer", problems)
	}
	if res.StatusCode == http.StatusOK {
		p.c.mu.Lock()
		p.c.seen[pattern] = true
		p.c.mu.Unlock()
	}
	return a
}

func (p *program) get(path string) said {
	p.w.t.Helper()
	return p.ask(p.request("GET", path, nil), nil, true)
}

// post sends members, names and values in turn.
func (p *program) post(path string, members ...any) said {
	p.w.t.Helper()
	object := map[string]any{}
	for i := 0; i+1 < len(members); i += 2 {
		object[members[i].(string)] = members[i+1]
	}
	body, err := json.Marshal(object)
	must(p.w.t, err)
	return p.send(path, jsonMediaType, body, true)
}

// send posts a body; valid tells that it keeps to the document.
func (p *program) send(path, kind string, body []byte, valid bool) said {
	p.w.t.Helper()
	r := p.request("POST", path, bytes.NewReader(body))
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return p.ask(r, body, valid)
}

// to fails the test where the answer does not lead to what begins with prefix.
func (a said) to(prefix string) said {
	a.t.Helper()
	if a.status != http.StatusOK || !strings.HasPrefix(a.Location, prefix) || a.Leaves != !strings.HasPrefix(a.Location, "/") {
		a.t.Fatalf("%d leads to %q (leaves: %v), want %q\n%s", a.status, a.Location, a.Leaves, prefix, a.body)
	}
	return a
}

// page fails the test where the answer is not that page.
func (a said) page(name string) said {
	a.t.Helper()
	if a.status != http.StatusOK || a.Page != name || a.Title == "" {
		a.t.Fatalf("%d page %q, want %q\n%s", a.status, a.Page, name, a.body)
	}
	return a
}

// refused fails the test where the answer is not that problem, about those fields.
func (a said) refused(status int, code string, fields ...string) said {
	a.t.Helper()
	var names []string
	for _, e := range a.Errors {
		names = append(names, e.Field)
		if e.Pointer != "#/"+e.Field || e.Code == "" || e.Detail == "" {
			a.t.Errorf("field %+v", e)
		}
	}
	if a.status != status || a.Code != code || !slices.Equal(names, fields) || a.Detail == "" {
		a.t.Fatalf("%d %s about %v, want %d %s about %v\n%s", a.status, a.Code, names, status, code, fields, a.body)
	}
	return a
}

// text is a member of the page's data that is a text; "" none.
func (a said) text(name string) string {
	s, _ := a.Data[name].(string)
	return s
}

// rows are a member of the page's data that is a list of objects.
func (a said) rows(name string) []map[string]any {
	list, _ := a.Data[name].([]any)
	var rows []map[string]any
	for _, row := range list {
		object, _ := row.(map[string]any)
		rows = append(rows, object)
	}
	return rows
}

// next is a parameter of where the answer leads.
func (a said) next(name string) string {
	moved := a.answer
	moved.location = a.Location
	return moved.param(name)
}

// signIn signs a user of world.user in.
func (p *program) signIn(email string) {
	p.w.t.Helper()
	p.post("/login/", "email", email, "password", password).to("/")
}

// nobody fails the test where somebody is signed in.
func (p *program) nobody() {
	p.w.t.Helper()
	p.get(mePath).refused(http.StatusUnauthorized, "error.sign_in")
}
