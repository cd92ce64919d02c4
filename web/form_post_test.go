package web

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"

	"idbroker/broker"
)

// answerForm is the form that carries the answer, and its fields.
func answerForm(t *testing.T, a answer) (action string, fields url.Values) {
	t.Helper()
	fields = url.Values{}
	for _, n := range nodes(parse(t, a.body)) {
		if n.Data != "form" || !has(n, "data-answer") {
			continue
		}
		if action != "" || val(n, "method") != "post" {
			t.Errorf("two forms, or one that is no post:\n%s", a.body)
		}
		action = val(n, "action")
		buttons := 0
		for _, d := range nodes(n) {
			switch {
			case d.Data == "input" && val(d, "type") == "hidden":
				fields.Add(val(d, "name"), val(d, "value"))
			case d.Data == "button":
				buttons++
			}
		}
		if buttons != 1 {
			t.Errorf("%d buttons: without a script nobody gets on", buttons)
		}
	}
	return action, fields
}

// TestFormPost: the answer stands in a form and nowhere else, under our policy.
func TestFormPost(t *testing.T) {
	w := newWorld(t)
	w.user("ada")
	w.client(func(c *broker.Client) { c.FirstParty = true })
	b := w.browser()
	b.signIn("ada")
	state := `s"><script>alert(1)</script>`
	a := b.get(authorize("response_mode", "form_post", "state", state)).want(200)
	action, fields := answerForm(t, a)
	if action != callbackURL || fields.Get("state") != state || fields.Get("iss") != w.url || !strings.HasPrefix(fields.Get("code"), "ibc.") || fields.Get("session_state") == "" || len(fields) != 4 {
		t.Errorf("posts %v to %q", fields, action)
	}
	if strings.Contains(a.body, "<script>") || strings.Count(a.body, fields.Get("code")) != 1 {
		t.Errorf("the page says more than it must:\n%s", a.body)
	}
	policy := a.header.Get("Content-Security-Policy")
	if strings.Contains(policy, "form-action") || !strings.Contains(policy, "script-src 'self'") || strings.Contains(policy, "unsafe") || a.header.Get("Cache-Control") != "no-store" || a.header.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("headers %v", a.header)
	}
	script := ""
	for _, n := range nodes(parse(t, a.body)) {
		if n.Data == "script" {
			script = val(n, "src")
		}
	}
	if s := b.get(script).want(200); !strings.HasPrefix(s.header.Get("Content-Type"), "text/javascript") || !strings.Contains(s.body, "data-answer") {
		t.Errorf("%s: %s", script, s.header.Get("Content-Type"))
	}
	for _, wrong := range [][]string{{"prompt", "bad"}, {"scope", "admin"}} {
		action, fields := answerForm(t, b.get(authorize(append(wrong, "response_mode", "form_post")...)).want(200))
		if action != callbackURL || fields.Get("error") == "" || fields.Has("code") {
			t.Errorf("%v: posts %v to %q", wrong, fields, action)
		}
	}
}

// TestFormPostAfterTheConsentPage: the page's form may end at the application.
func TestFormPostAfterTheConsentPage(t *testing.T) {
	w := newWorld(t)
	w.user("ada")
	w.client()
	b := w.browser()
	b.signIn("ada")
	login := b.get(authorize("response_mode", "form_post")).to("/consent/?login=").param("login")
	if _, fields := answerForm(t, b.post("/consent/", "login", login, "decision", "deny").want(200)); fields.Get("error") != "access_denied" {
		t.Errorf("posts %v", fields)
	}
	login = b.get(authorize("response_mode", "form_post")).to("/consent/?login=").param("login")
	if _, fields := answerForm(t, b.post("/consent/", "login", login, "decision", "allow").want(200)); fields.Get("code") == "" {
		t.Errorf("posts %v", fields)
	}
}

func TestDiscoveryTellsOfFormPost(t *testing.T) {
	w := newWorld(t)
	var m struct {
		Modes []string `json:"response_modes_supported"`
	}
	must(t, json.Unmarshal([]byte(w.browser().get("/.well-known/openid-configuration").want(200).body), &m))
	if !slices.Equal(m.Modes, []string{"query", "fragment", "form_post"}) {
		t.Errorf("response modes %v", m.Modes)
	}
}
