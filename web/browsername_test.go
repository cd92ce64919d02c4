package web

import (
	"strings"
	"testing"
)

func TestBrowserName(t *testing.T) {
	for agent, want := range map[string]string{
		"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0":                                          "Firefox, Linux",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36": "Chrome, Windows",
		"Go-http-client/1.1": "", "": "", "Mozilla/5.0 (" + strings.Repeat("x", 4096): "",
	} {
		if got := browserName(agent); got != want {
			t.Errorf("browserName(%.60q) = %q, want %q", agent, got, want)
		}
	}
	if got := browserName("Mozilla/5.0 (X11; Linux x86_64) \r\n\x00 Firefox/1"); strings.ContainsAny(got, "\r\n\x00") {
		t.Errorf("control characters came through: %q", got)
	}
}

// TestBrowsersWriteNoMails: a mail to a stranger says with which browser it was asked
// for, and nothing that whoever asked for it has put there.
func TestBrowsersWriteNoMails(t *testing.T) {
	w := newWorld(t)
	ada := w.user("ada")
	for _, agent := range []string{
		"Mozilla/5.0 Your prize: https://evil.example/win/1.0",
		"Mozilla/5.0 www.evil.example/1.0",
		"Mozilla/5.0 (X11; Linux x86_64) evil.example/claim-now/1.0",
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 evil.example/1.0",
		"Mozilla/5.0 (compatible; evil.example/1.0; +https://evil.example/)",
		"Mozilla/5.0 (Linux; evil.example; Android evil.example) evil.example/1",
	} {
		eve := w.browser()
		eve.agent = agent
		eve.post("/signup/", "email", "victim@example.org", "name", "Eve", "password", password).to("/sent/")
		eve.post("/signup/", "email", ada.Email, "name", "Eve", "password", password).to("/sent/")
		eve.post("/lost-password/", "email", ada.Email)
		mails := w.mails()
		if len(mails) != 3 {
			t.Fatalf("%d mails: %+v", len(mails), mails)
		}
		for _, m := range mails {
			for k, v := range m.Data {
				if strings.Contains(v, "evil") || strings.Contains(v, "prize") {
					t.Errorf("%.60q writes %s into %s: %q", agent, k, m.Template, v)
				}
			}
		}
	}
}
