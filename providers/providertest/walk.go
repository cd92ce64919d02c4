package providertest

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"
)

// Walk is what a person's browser does at the fake: it opens the address, picks
// subject in the form ("" declines) and returns the address of the callback
// that it is sent to. A page instead of a redirect fails the test.
func (s *OpenID) Walk(t testing.TB, authURL, subject string) *url.URL {
	t.Helper()
	u, err := s.TryWalk(authURL, subject)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// TryWalk is Walk with an error where the fake shows a page of its own.
func (s *OpenID) TryWalk(authURL, subject string) (*url.URL, error) {
	u, err := url.Parse(authURL)
	if err != nil {
		return nil, err
	}
	// Every httptest server that closes cuts the idle connections of the default
	// transport, and with them a form of a test that runs beside.
	browser := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := browser.Get(authURL)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusSeeOther { // the provider had an error to tell
		return resp.Location()
	}
	page, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("authorization endpoint: %s: %s", resp.Status, page)
	}
	form := u.Query()
	if subject == "" {
		form.Set("deny", "1")
	} else {
		form.Set("subject", subject)
	}
	u.RawQuery = ""
	answer, err := browser.PostForm(u.String(), form)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusSeeOther {
		text, _ := io.ReadAll(answer.Body)
		return nil, fmt.Errorf("form: %s: %s", answer.Status, text)
	}
	return answer.Location()
}
