package providertest

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// Visitor is a browser with a person before it: it keeps cookies, fills in the
// form that a fake shows, and stops where it is sent away from the fake.
type Visitor struct {
	client *http.Client
	Page   string // the page it saw last
	Status int    // and its status
}

// Visitor opens a new browser.
func (r *remote) Visitor() *Visitor {
	jar, _ := cookiejar.New(nil) // never fails without options
	c := *r.client
	c.Jar = jar
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Visitor{client: &c}
}

// Open follows a link. It returns where the fake sends the browser; nil where it
// stays on a page.
func (v *Visitor) Open(link string) (*url.URL, error) {
	resp, err := v.client.Get(link)
	if err != nil {
		return nil, err
	}
	return v.arrive(resp)
}

// Send fills in the form of the page at link and sends it there.
func (v *Visitor) Send(link string, form url.Values) (*url.URL, error) {
	resp, err := v.client.PostForm(link, form)
	if err != nil {
		return nil, err
	}
	return v.arrive(resp)
}

func (v *Visitor) arrive(resp *http.Response) (*url.URL, error) {
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	v.Page, v.Status = string(b), resp.StatusCode
	if m := metaRefresh.FindStringSubmatch(v.Page); m != nil { // what a script does at ORCID
		return url.Parse(html.UnescapeString(m[1]))
	}
	if resp.StatusCode/100 != 3 {
		return nil, nil
	}
	return resp.Location()
}

// metaRefresh is how a page of a fake that must answer 200 sends the browser on.
var metaRefresh = regexp.MustCompile(`<meta http-equiv="refresh" content="0;url=([^"]*)">`)

// writeOnward answers 200 with a page that sends the browser to a URL.
func writeOnward(w http.ResponseWriter, to string) {
	writePage(w, http.StatusOK, `<meta http-equiv="refresh" content="0;url=`+html.EscapeString(to)+`">`)
}

// Allow signs in at the fake as the person with this key, says yes, and returns
// the callback. Further pairs are fields of the form. Where the fake knows both
// already, it sends the browser on at once.
func (v *Visitor) Allow(t testing.TB, link, person string, pairs ...string) *url.URL {
	t.Helper()
	u, err := v.through(link, person, "allow", pairs)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// Deny presses the other button.
func (v *Visitor) Deny(t testing.TB, link, person string) *url.URL {
	t.Helper()
	u, err := v.through(link, person, "deny", nil)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func (v *Visitor) through(link, person, decision string, pairs []string) (*url.URL, error) {
	u, err := v.Open(link)
	if err != nil || u != nil {
		return u, err
	}
	if !strings.Contains(v.Page, "<form") {
		return nil, fmt.Errorf("%d without a form: %s", v.Status, v.Page)
	}
	form := url.Values{"person": {person}, "decision": {decision}}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	u, err = v.Send(link, form)
	if err == nil && u == nil {
		err = fmt.Errorf("%d and no way back: %s", v.Status, v.Page)
	}
	return u, err
}

// consentForm is the page on which a person signs in at a fake and decides. It
// posts to its own address, so that the query stays as it is.
const consentForm = `<form method="post"><label>Sign in as <input name="person" required></label>
<button name="decision" value="allow">Authorize</button><button name="decision" value="deny">Cancel</button></form>`
