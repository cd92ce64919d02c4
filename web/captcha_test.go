package web

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/limits"
	"idbroker/store/storetest"
	"idbroker/tokens"
)

// TestCaptchaOnPages: the page that asks for a captcha may load it from its service alone, every other page
// from nowhere; a right one lets a person in, and one that is there without being asked for does nothing.
func TestCaptchaOnPages(t *testing.T) {
	for kind, want := range map[limits.CaptchaKind]struct{ field, script, sources string }{
		limits.ReCAPTCHA: {"g-recaptcha-response", "https://www.google.com/recaptcha/api.js", "https://www.google.com/recaptcha/ https://www.gstatic.com/recaptcha/"},
		limits.HCaptcha:  {"h-captcha-response", "https://js.hcaptcha.com/1/api.js", "https://hcaptcha.com https://*.hcaptcha.com"},
		limits.Turnstile: {"cf-turnstile-response", "https://challenges.cloudflare.com/turnstile/v0/api.js", "https://challenges.cloudflare.com"},
	} {
		t.Run(string(kind), func(t *testing.T) {
			service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				fmt.Fprintf(w, `{"success": %t, "hostname": "id.example.org", "action": "try", "challenge_ts": %q}`, r.PostFormValue("response") == "good", time.Now().UTC().Format(time.RFC3339))
			}))
			t.Cleanup(service.Close)
			db := storetest.New(t)
			w := worldOn(t, db, tokens.Options{}, func(o *Options) {
				o.TrustedHops = 1
				o.Limits = limits.New(db, limits.Options{
					Account: broker.Limit{Burst: 1, Every: time.Hour},
					Captcha: &limits.Captcha{Kind: kind, SiteKey: "the-site", Secret: "s", Host: "id.example.org", Always: true, VerifyURL: service.URL},
				})
			})
			w.user("ada")
			b := w.browser()
			quiet := func(a answer) {
				t.Helper()
				if strings.Contains(a.header.Get("Content-Security-Policy"), "https:") || strings.Contains(a.body, want.script) {
					t.Errorf("a page without a captcha may load: %s", a.header.Get("Content-Security-Policy"))
				}
			}
			quiet(b.get("/login/"))
			b.from("198.51.100.1", "/login/", "email", "ada", "password", "wrong")
			a := b.from("198.51.100.1", "/login/", "email", "ada", "password", password).want(http.StatusTooManyRequests)
			for _, part := range []string{`src="` + want.script + `"`, `data-sitekey="the-site"`, `data-action="try"`} {
				if !strings.Contains(a.body, part) {
					t.Errorf("%s is missing", part)
				}
			}
			policy := a.header.Get("Content-Security-Policy")
			for _, part := range []string{"default-src 'none'", "script-src 'self' " + want.sources, "frame-src " + want.sources, "img-src 'self';", "frame-ancestors 'none'"} {
				if !strings.Contains(policy, part) {
					t.Errorf("%s is missing in %s", part, policy)
				}
			}
			if strings.Contains(policy, "unsafe") || strings.Contains(policy, "https: ") || a.header.Get("Referrer-Policy") != "strict-origin" {
				t.Errorf("%s, %s", policy, a.header.Get("Referrer-Policy"))
			}
			if j := challengeFor(w.server.challengeOf(&visit{challenge: broker.Secret(challenged.FindStringSubmatch(a.body)[1])})); j.Captcha == nil || j.Captcha.Field != want.field || j.Captcha.SiteKey != "the-site" {
				t.Errorf("in JSON: %+v", j)
			}
			challenge := challenged.FindStringSubmatch(a.body)[1]
			a = b.from("198.51.100.1", "/login/", "email", "ada", "password", password, "challenge", challenge, want.field, "bad").want(http.StatusTooManyRequests)
			challenge = challenged.FindStringSubmatch(a.body)[1]
			b.from("198.51.100.1", "/login/", "email", "ada", "password", password, "challenge", challenge, want.field, "good").to("/")
			quiet(b.get(securityPath))
		})
	}
}
