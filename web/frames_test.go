package web

import (
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"idbroker/broker"
)

// TestFrontchannelLogout: the page after a sign-out loads the applications of
// the session, lets those through the policy alone, and leads on.
func TestFrontchannelLogout(t *testing.T) {
	w := newWorld(t)
	w.client(func(c *broker.Client) {
		c.FirstParty, c.Metadata.FrontchannelLogoutURI = true, "https://app.example/out?a=b"
	})
	w.client(func(c *broker.Client) {
		c.ID, c.FirstParty, c.RedirectURIs = "second", true, []string{"https://second.example/cb"}
		c.Metadata.FrontchannelLogoutURI = "https://second.example/out"
	})
	w.user("ada")
	b := w.browser()
	begin := func() (sid string) {
		b.signIn("ada")
		sid, _ = w.redeem(b.get(authorize()))["sid"].(string)
		b.get(authorize("client_id", "second", "redirect_uri", "https://second.example/cb")).to("https://second.example/cb")
		return sid
	}
	sid := begin()
	request := url.Values{"client_id": {"app"}, "post_logout_redirect_uri": {"https://app.example/bye"}, "state": {"a b"}}
	a := b.post("/logout/", "request", request.Encode()).want(200).says("You are signed out")
	if _, err := b.session(); err == nil {
		t.Error("still signed in")
	}
	doc, err := html.Parse(strings.NewReader(a.body))
	must(t, err)
	var frames []string
	back := false
	for _, n := range nodes(doc) {
		switch {
		case n.Data == "iframe":
			frames = append(frames, val(n, "src"))
		case n.Data == "a" && val(n, "href") == "https://app.example/bye?state=a+b":
			back = true
		case n.Data == "script" || n.Data == "meta" && val(n, "http-equiv") != "":
			t.Errorf("<%s>", n.Data)
		}
	}
	q := "iss=" + url.QueryEscape(w.url) + "&sid=" + sid
	if len(frames) != 2 || frames[0] != "https://app.example/out?a=b&"+q || frames[1] != "https://second.example/out?"+q || !back {
		t.Errorf("frames %q, way back %v", frames, back)
	}
	if got := a.header.Get("Refresh"); got != "3; url=https://app.example/bye?state=a+b" {
		t.Errorf("Refresh %q", got)
	}
	policy := a.header.Get("Content-Security-Policy")
	if !strings.HasSuffix(policy, "; frame-src https://app.example https://second.example") || !strings.Contains(policy, "frame-ancestors 'none'") || strings.Count(policy, "frame-src") != 1 {
		t.Errorf("policy %q", policy)
	}

	// Asking again finds nobody to sign out, and tells nobody.
	b.post("/logout/", "request", request.Encode()).to("https://app.example/bye?state=a+b")

	// Without a way on there is a page, and the next page has no frames.
	begin()
	a = b.post("/logout/").want(200).says("You are signed out")
	if strings.Count(a.body, "<iframe") != 2 || a.header.Get("Refresh") != "" {
		t.Errorf("Refresh %q\n%s", a.header.Get("Refresh"), a.body)
	}
	if a = b.get("/logout/").want(200); strings.Contains(a.body, "<iframe") || strings.Contains(a.header.Get("Content-Security-Policy"), "frame-src") {
		t.Errorf("%v\n%s", a.header, a.body)
	}
}

// TestFramesKeepOut: what was registered before it was checked is not loaded,
// and does not get into the policy.
func TestFramesKeepOut(t *testing.T) {
	for _, uri := range []string{"https://evil.example/", "javascript:alert(1)", "http://app.example/", "https://app.example;script-src/", "https://app.example/#x", "https://app.example,x/"} {
		w := newWorld(t)
		w.client(func(c *broker.Client) { c.FirstParty, c.Metadata.FrontchannelLogoutURI = true, uri })
		w.user("ada")
		b := w.browser()
		b.signIn("ada")
		b.get(authorize()).to(callbackURL)
		b.post("/logout/").to("/logout/")
	}
}

// TestWayBackToAnApp: the link may have an app's own scheme.
func TestWayBackToAnApp(t *testing.T) {
	w := newWorld(t)
	w.client(func(c *broker.Client) {
		c.FirstParty, c.Metadata.FrontchannelLogoutURI = true, "https://app.example/out"
		c.PostLogoutRedirectURIs = []string{"org.example.app:/bye"}
	})
	w.user("ada")
	b := w.browser()
	b.signIn("ada")
	b.get(authorize()).to(callbackURL)
	a := b.post("/logout/", "request", "client_id=app&post_logout_redirect_uri=org.example.app%3A%2Fbye").want(200)
	if !strings.Contains(a.body, `href="org.example.app:/bye"`) || a.header.Get("Refresh") != "3; url=org.example.app:/bye" {
		t.Errorf("Refresh %q\n%s", a.header.Get("Refresh"), a.body)
	}
}
