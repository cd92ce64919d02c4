package oidf

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func mustURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// TestCookies holds the jar to RFC 6265bis.
func TestCookies(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	for _, tt := range []struct {
		set, at, to, method string
		from                origin
		later               time.Duration
		want                bool
	}{
		{"a=1", "https://op.example/x/y", "https://op.example/x/z", "GET", origin{}, 0, true},
		{"a=1", "https://op.example/x/y", "https://op.example/z", "GET", origin{}, 0, false}, // default path
		{"a=1; Path=/x", "https://op.example/", "https://op.example/xy", "GET", origin{}, 0, false},
		{"a=1; Path=/", "https://op.example/", "https://other.example/", "GET", origin{}, 0, false},
		{"a=1; Path=/", "https://op.example/", "https://sub.op.example/", "GET", origin{}, 0, false},
		{"a=1; Path=/; Domain=op.example", "https://op.example/", "https://sub.op.example/", "GET", origin{}, 0, true},
		{"a=1; Path=/; Domain=op.example", "https://sub.op.example/", "https://op.example/", "GET", origin{}, 0, true},
		{"a=1; Path=/; Domain=com", "https://op.com/", "https://evil.com/", "GET", origin{}, 0, false},
		{"a=1; Path=/; Domain=other.example", "https://op.example/", "https://other.example/", "GET", origin{}, 0, false},
		{"a=1; Path=/; Secure", "https://op.example/", "http://op.example/", "GET", origin{}, 0, false},
		{"a=1; Path=/; Secure", "http://op.example/", "https://op.example/", "GET", origin{}, 0, false},
		{"__Host-a=1; Path=/", "https://op.example/", "https://op.example/", "GET", origin{}, 0, false},
		{"__Host-a=1; Path=/; Secure", "https://op.example/", "https://op.example/", "GET", origin{}, 0, true},
		{"a=1; Path=/; Max-Age=60", "https://op.example/", "https://op.example/", "GET", origin{}, time.Minute, false},
		{"a=1; Path=/; Max-Age=60", "https://op.example/", "https://op.example/", "GET", origin{}, time.Second, true},
		{"a=1; Path=/", "https://op.example/", "https://op.example/", "GET", origin{crossSite: true}, 0, true},
		{"a=1; Path=/", "https://op.example/", "https://op.example/", "POST", origin{crossSite: true}, 0, false}, // Lax by default
		{"a=1; Path=/; SameSite=Lax", "https://op.example/", "https://op.example/", "POST", origin{crossSite: true}, 0, false},
		{"a=1; Path=/; SameSite=Lax", "https://op.example/", "https://op.example/", "GET", origin{crossSite: true, frame: true}, 0, false},
		{"a=1; Path=/; SameSite=Strict", "https://op.example/", "https://op.example/", "GET", origin{crossSite: true}, 0, false},
		{"a=1; Path=/; SameSite=Strict", "https://op.example/", "https://op.example/", "POST", origin{}, 0, true},
		{"a=1; Path=/; SameSite=None; Secure", "https://op.example/", "https://op.example/", "POST", origin{crossSite: true}, 0, true},
		{"a=1; Path=/; SameSite=None", "https://op.example/", "https://op.example/", "POST", origin{}, 0, false},
	} {
		j := &jar{}
		j.take(mustURL(t, tt.at), http.Header{"Set-Cookie": {tt.set}}, now)
		if got := len(j.give(mustURL(t, tt.to), tt.method, tt.from, now.Add(tt.later))) == 1; got != tt.want {
			t.Errorf("%s of %s to %s %s %+v: %v", tt.set, tt.at, tt.method, tt.to, tt.from, got)
		}
	}
	j := &jar{}
	j.take(mustURL(t, "https://op.example/"), http.Header{"Set-Cookie": {"a=1; Path=/", "a=2; Path=/x", "b=3; Path=/"}}, now)
	j.take(mustURL(t, "https://op.example/"), http.Header{"Set-Cookie": {"b=; Path=/; Max-Age=0"}}, now)
	if got := j.give(mustURL(t, "https://op.example/x"), "GET", origin{}, now); len(got) != 2 || got[0].Value != "2" {
		t.Errorf("%v", got)
	}
}

func TestSite(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		same bool
	}{
		{"https://a.op.example.com", "https://b.op.example.com", true}, {"https://op.example.com", "http://op.example.com", false},
		{"https://a.co.uk", "https://b.co.uk", false}, {"https://127.0.0.1:1", "https://127.0.0.1:2", true}, {"https://localhost", "https://127.0.0.1", false},
	} {
		if got := site(mustURL(t, tt.a)) == site(mustURL(t, tt.b)); got != tt.same {
			t.Errorf("%s and %s: %v", tt.a, tt.b, got)
		}
	}
}

func TestSelectors(t *testing.T) {
	p, err := parsePage(mustURL(t, "https://op.example/"), 200, nil, []byte(`<main id="m"><div class="field wide"><input name="password"></div><p></p>
<button class="go" data-x="a b">Go</button><a href="/x">x</a></main>`))
	if err != nil {
		t.Fatal(err)
	}
	for sel, want := range map[string]string{
		"button": "button", ".field ~ button": "button", ".field + button": "", ".field + p": "p", "#m > button.go": "button", "main input": "input", "#m > input": "",
		`[data-x="a b"]`: "button", `button[data-x='a b'].go`: "button", "[name=password]": "input", "a[href]": "a", "*": "html", ".wide.field": "div", "div.narrow": "", "#m .field input[name]": "input",
	} {
		got := ""
		if n := p.find("css", sel); n != nil {
			got = n.Data
		}
		if got != want {
			t.Errorf("%s finds %q instead of %q", sel, got, want)
		}
	}
	for _, bad := range []string{"", " ", ">", "a >", "a:hover", "[x", `[x="y]`, "#", "a..b", "a,b", "[=x]", "a{"} {
		if _, err := parseSelector(bad); err == nil {
			t.Errorf("%q is a selector", bad)
		}
	}
}

const formPage = `<title>Form</title><form method="post" action="/save?x=1"><input type="hidden" name="h" value="1"><input name="t" value="old"><input name="off" disabled value="no">
<input type="checkbox" name="c1" checked><input type="checkbox" name="c2"><input type="radio" name="r" value="a" checked><input type="radio" name="r" value="b" id="rb">
<select name="s"><option value="1">one<option value="2" selected>two</select><textarea name="ta">text</textarea><button name="b" value="go" id="go">Go</button><button id="dead" disabled>Dead</button></form>
<input form="far" name="outside" value="yes"><form id="far" action="/get?gone=1"><button id="far-button">Far</button></form><button id="alone">Alone</button>`

func TestForms(t *testing.T) {
	op := newOP(t)
	op.mux.HandleFunc("GET /form", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, formPage) })
	op.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		fmt.Fprintf(w, "<p id=got>%s %s %s %s</p>", r.Method, r.URL.Path, r.Form.Encode(), r.Header.Get("Origin"))
	})
	s := op.suite(t, false)
	for want, commands := range map[string][]Command{
		"POST /save b=go&c1=on&h=1&r=a&s=2&t=new&ta=text&x=1 " + op.URL:       {{Verb: "text", By: "name", Target: "t", Value: "new"}, {Verb: "click", By: "id", Target: "go"}},
		"POST /save b=go&c1=on&c2=on&h=1&r=b&s=2&t=old&ta=text&x=1 " + op.URL: {{Verb: "click", By: "name", Target: "c2"}, {Verb: "click", By: "id", Target: "rb"}, {Verb: "click", By: "id", Target: "go"}},
		"GET /get outside=yes ": {{Verb: "click", By: "id", Target: "far-button"}},
		"!disabled":             {{Verb: "click", By: "id", Target: "dead"}},
		"!is in no form":        {{Verb: "click", By: "id", Target: "alone"}},
		"!no element with id":   {{Verb: "click", By: "id", Target: "nothing"}},
		"":                      {{Verb: "click", By: "id", Target: "nothing", Optional: true}},
		"!waited for":           {{Verb: "wait", By: "contains", Target: "/elsewhere"}},
	} {
		op.run(s, func(r *Run) {
			b := r.Browser
			if err := b.Open(r.ctx, op.URL+"/form"); err != nil {
				t.Fatal(err)
			}
			_, err := b.perform(r.ctx, Task{Commands: commands})
			if problem, bad := strings.CutPrefix(want, "!"); bad {
				if err == nil || !strings.Contains(err.Error(), problem) {
					t.Errorf("%v instead of %q", err, problem)
				}
				return
			}
			got := ""
			if n := b.page.find("id", "got"); n != nil {
				got = text(n)
			}
			if err != nil || got != strings.TrimSpace(want) {
				t.Errorf("%q %v instead of %q", got, err, want)
			}
		})
	}
}

// TestArrivals comes back to the application in the three ways that there are.
func TestArrivals(t *testing.T) {
	op := newOP(t)
	s := op.suite(t, false)
	back := s.o.BaseURL + "/test/a/a/callback"
	op.mux.HandleFunc("GET /authorize", func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Query().Get("response_mode") {
		case "fragment":
			http.Redirect(w, r, back+"#code=c&state=s%26t", http.StatusSeeOther)
		case "form_post":
			fmt.Fprintf(w, `<form method="post" action="%s"><input type="hidden" name="code" value="c"><input type="hidden" name="state" value="s&amp;t"></form>`, back)
		default:
			http.Redirect(w, r, back+"?code=c&state=s%26t", http.StatusFound)
		}
	})
	for _, mode := range []string{"query", "fragment", "form_post"} {
		got := op.run(s, func(r *Run) {
			p := r.Params(r.Visit(r.Request(With("response_mode", mode), With("state", "s&t"))))
			r.Check(p.Get("code") == "c", "test", "the code is there")
		})
		if got.Outcome != Passed {
			t.Errorf("%s: %s %s", mode, got.Outcome, got.Reason)
		}
	}
	// An answer in the wrong place, or with another state, is told.
	for want, changes := range map[string][]Change{
		"the response is in the": {With("response_mode", "fragment"), func(v url.Values) { v.Set("response_type", "code token") }},
		"state comes back":       {With("state", "other")},
	} {
		got := op.run(s, func(r *Run) {
			a := r.Visit(r.Request(changes...))
			if a.Request.Get("response_mode") == "fragment" {
				a.Request.Set("response_mode", "query")
			}
			r.Params(a)
		})
		if got.Outcome != Failed || !strings.Contains(got.Reason, want) {
			t.Errorf("%s: %s %s", want, got.Outcome, got.Reason)
		}
	}
}

// TestMasking: what is secret in traffic does not reach the report.
func TestMasking(t *testing.T) {
	const secret = "abcdefghijklmnopqrstuvwxyz0123456789"
	op := newOP(t)
	op.mux.HandleFunc("POST /token", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Set-Cookie", "sid="+secret)
		w.Header().Set("Location", "https://x.example/?code="+secret+"#id_token="+secret)
		fmt.Fprintf(w, `{"access_token":%q,"deep":[{"refresh_token":%q}],"scope":"openid"}`, secret, secret)
	})
	s := op.suite(t, false)
	got := op.run(s, func(r *Run) {
		req, err := newRequest(r.ctx, http.MethodPost, op.URL+"/token?code="+secret, url.Values{"client_secret": {secret}, "password": {secret}, "scope": {"openid"}})
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth("client", secret)
		r.Send(req)
	})
	var b strings.Builder
	if err := NewReport("", time.Time{}, time.Time{}, []Result{got}).JSON(&b); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), secret) || strings.Contains(b.String(), "Y2xpZW50O") {
		t.Errorf("a secret in\n%s", b.String())
	}
	if !strings.Contains(b.String(), "abcd…[masked]") || !strings.Contains(b.String(), "scope=openid") {
		t.Errorf("nothing to understand in\n%s", b.String())
	}
}
