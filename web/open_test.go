package web

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
)

const initiateURL = "https://app.example/start?from=us"

// TestOpenAnApplication: OpenID Connect Core 1.0, section 4.
func TestOpenAnApplication(t *testing.T) {
	w := newWorld(t)
	w.user("ada")
	w.client(func(c *broker.Client) { c.Metadata.InitiateLoginURI = initiateURL })
	w.client(func(c *broker.Client) { c.ID, c.FirstParty = "own/a b", true })
	b := w.browser()
	const open = "/applications/app/open"
	b.get(open).to("/login/?next=%2Fapplications%2Fapp%2Fopen") // nobody is signed in
	b.signIn("ada")
	b.get(open).want(404) // she has not let it in: our address leads to nobody's but hers

	page, _ := b.follow(b.get(authorize()))
	login := regexp.MustCompile(`name="login" value="([^"]+)"`).FindStringSubmatch(page.body)[1]
	b.post("/consent/", "login", login, "decision", "allow").to(callbackURL)
	b.get(authorize("client_id", "own/a b")).to(callbackURL)

	apps := b.get(applicationsPath).want(200)
	if strings.Count(apps.body, `href="`+open+`"`) != 1 || strings.Contains(apps.body, "own%2Fa%20b/open") {
		t.Errorf("the page offers:\n%s", apps.body)
	}
	a := b.get(open + "?target_link_uri=https%3A%2F%2Fevil.example%2F&iss=https%3A%2F%2Fevil.example").to(initiateURL)
	to, err := url.Parse(a.location)
	must(t, err)
	if got := to.Query(); to.Host != "app.example" || got.Get("iss") != w.url || got.Get("from") != "us" || len(got) != 2 {
		t.Errorf("leads to %s", a.location)
	}
	b.get("/applications/own%2Fa%20b/open").want(404) // it has no such address
	b.get("/applications/nobody/open").want(404)
	b.get("/applications/%2e%2e/open").want(404)

	// A registration holds https alone; what is not is not followed.
	c, err := w.db.Client(t.Context(), "app")
	must(t, err)
	for _, uri := range []string{"javascript:alert(1)", "http://app.example/start", "//evil.example", "/logout/"} {
		c.Metadata.InitiateLoginURI = uri
		must(t, w.db.UpdateClient(t.Context(), c))
		c.Version++
		b.get(open).want(404)
	}
	c.Metadata.InitiateLoginURI, c.DisabledAt = initiateURL, time.Now()
	must(t, w.db.UpdateClient(t.Context(), c))
	b.get(open).want(404)
}
