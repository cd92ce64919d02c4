package visitor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const page = `<!doctype html><title>A  page</title><style>p{}</style><body><script>no()</script>
<p data-x="y">Some <b>words</b></p><a>no link</a><a href="/second?a=b&amp;c=d">Second page</a>
<form action="/search"><input name="q" value="old"><button>Search</button></form>
<form method="post" action="/save"><input type="hidden" name="login" value="1&quot;2"><input name="email" type="email">
<input type="checkbox" name="no"><input type="checkbox" name="yes" checked><input type="radio" name="r" value="1"><input type="radio" name="r" value="2" checked>
<select name="s"><option>first</option><option value="2" selected>second</option></select><select name="s2"><option>only</option></select>
<textarea name="t">text</textarea><input name="off" disabled value="x"><input type="submit" name="sub" value="x"><input value="nameless">
<button name="decision" value="allow">Allow it</button><button name="decision" value="deny">Deny</button><button disabled>Off</button></form>`

func serve(t *testing.T) *httptest.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "c", Value: "v"})
		fmt.Fprint(w, page)
	})
	mux.HandleFunc("/second", func(w http.ResponseWriter, r *http.Request) {
		c, _ := r.Cookie("c")
		fmt.Fprintf(w, "cookie %v query %s", c, r.URL.RawQuery)
	})
	mux.HandleFunc("/search", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Method, " ", r.URL.RawQuery) })
	mux.HandleFunc("/save", func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		fmt.Fprint(w, r.Method, " ", r.PostForm.Encode(), " ", r.Header.Get("Origin"), " ", r.Header.Get("Sec-Fetch-Site"))
	})
	mux.HandleFunc("/loop", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", http.StatusFound) })
	mux.HandleFunc("/out", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://app.example/callback?code=x", http.StatusSeeOther)
	})
	mux.HandleFunc("/large", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, strings.Repeat("x", maxPage+1)) })
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func TestVisit(t *testing.T) {
	s, ctx := serve(t), context.Background()
	v := New(Transport(1))
	home := func() {
		t.Helper()
		if err := v.Open(ctx, s.URL+"/"); err != nil {
			t.Fatal(err)
		}
	}
	home()
	if v.Title() != "A page" || !v.Has("Some words") || v.Has("no()") || v.Status != 200 || v.TextOf("data-x", "y") != "Some words" || v.TextOf("data-x", "z") != "" {
		t.Errorf("title %q, text %q", v.Title(), v.Text())
	}
	if l := v.Links(); len(l) != 1 || l[0] != s.URL+"/second?a=b&c=d" {
		t.Errorf("links %q", l)
	}
	if err := v.Click(ctx, "Second"); err != nil || v.Text() != "cookie c=v query a=b&c=d" {
		t.Errorf("%v: %s", err, v.Text())
	}
	home()
	if err := v.Press(ctx, "Search", Fill{"q": "new words"}); err != nil || v.Text() != "GET q=new+words" {
		t.Errorf("%v: %s", err, v.Text())
	}
	want := "POST decision=%s&email=a%%40b&login=1%%222&r=2&s=2&s2=only&t=text&yes=on " + s.URL + " same-origin"
	for button, decision := range map[string]string{"Allow": "allow", "decision=deny": "deny"} {
		home()
		if err := v.Press(ctx, button, Fill{"email": "a@b"}); err != nil || v.Text() != fmt.Sprintf(want, decision) {
			t.Errorf("%v: %s", err, v.Text())
		}
	}
	home()
	if err := v.PressFirst(ctx, Fill{"email": "a@b"}); err != nil || v.Text() != fmt.Sprintf(want, "allow") {
		t.Errorf("%v: %s", err, v.Text())
	}
}

func TestLost(t *testing.T) {
	s, ctx := serve(t), context.Background()
	v := New(Transport(1))
	if err := v.Open(ctx, s.URL+"/"); err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{
		"no link":          v.Click(ctx, "Third"),
		"no button":        v.Press(ctx, "Nothing", nil),
		"no form":          v.PressFirst(ctx, Fill{"password": "x"}),
		"no field":         v.Press(ctx, "Search", Fill{"w": "x"}),
		"disabled":         v.Press(ctx, "Off", nil),
		"20 redirects":     v.Open(ctx, s.URL+"/loop"),
		"larger than":      v.Open(ctx, s.URL+"/large"),
		"invalid control":  v.Open(ctx, "\x00"),
		"connection refus": New(Transport(1)).Open(ctx, "http://127.0.0.1:1/"),
	} {
		if err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%q: %v", what, err)
		}
	}
}

func TestStop(t *testing.T) {
	s := serve(t)
	v := New(Transport(1))
	v.Stop = "http://app.example/callback"
	if err := v.Open(context.Background(), s.URL+"/out"); err != nil || v.Stopped == nil || v.Stopped.Query().Get("code") != "x" {
		t.Errorf("%v: %v", err, v.Stopped)
	}
	if err := v.Open(context.Background(), s.URL+"/"); err != nil || v.Stopped != nil {
		t.Errorf("%v: %v", err, v.Stopped)
	}
}

// A form that would be posted where the visitor stops is not sent.
func TestStopBeforeAPost(t *testing.T) {
	s, ctx := serve(t), context.Background()
	v := New(Transport(1))
	if err := v.Open(ctx, s.URL+"/"); err != nil {
		t.Fatal(err)
	}
	v.Stop = s.URL + "/save"
	if err := v.Press(ctx, "Allow", Fill{"email": "a@b"}); err != nil || v.Stopped == nil || v.Stopped.Path != "/save" || v.Posted.Get("email") != "a@b" || v.At.Path != "/" {
		t.Errorf("%v: %v, %v at %s", err, v.Stopped, v.Posted, v.At)
	}
	if err := v.Open(ctx, s.URL+"/"); err != nil || v.Stopped != nil || v.Posted != nil {
		t.Errorf("%v: %v, %v", err, v.Stopped, v.Posted)
	}
}

// Addresses outside of loopback are refused before a connection is tried, by
// whatever way they are reached.
func TestLoopbackOnly(t *testing.T) {
	elsewhere := httptest.NewServer(http.RedirectHandler("http://192.0.2.1/", http.StatusFound))
	defer elsewhere.Close()
	for _, address := range []string{"http://192.0.2.1/", "http://10.0.0.1/", "http://[2001:db8::1]/", "http://0.0.0.0:1/", elsewhere.URL} {
		if err := New(Transport(1)).Open(context.Background(), address); !errors.Is(err, ErrNotLoopback) {
			t.Errorf("%s: %v", address, err)
		}
	}
}
