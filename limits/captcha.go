package limits

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"idbroker/broker"
)

// Captcha is a service that tells people from programs. It stands in for hard proofs of
// work; where it is away, the proof of work counts. The person's browser talks to it.
type Captcha struct {
	Kind    CaptchaKind
	SiteKey string
	Secret  broker.Secret
	Host    string // ours, without a port: what the service must have seen the person at
	Always  bool   // from the first challenge on, not the hard ones alone
	// VerifyURL is asked what a captcha is worth; "" the service's own.
	VerifyURL string
}

// CaptchaKind is a service.
type CaptchaKind string

const (
	ReCAPTCHA CaptchaKind = "recaptcha" // version 2
	HCaptcha  CaptchaKind = "hcaptcha"
	Turnstile CaptchaKind = "turnstile"
)

// Widget is what a page shows of a captcha.
type Widget struct {
	Class   string   // of the element that the script fills
	Script  string   // URL
	Field   string   // of the form, in which the script leaves what it got
	SiteKey string   // whose site it is
	Action  string   // what it is shown for
	Sources []string // of the content security policy: all that it loads is from there

	verify string
}

// captchaAction is what the captcha is shown for, where the service tells.
const captchaAction = "try"

var widgets = map[CaptchaKind]Widget{
	ReCAPTCHA: {
		Class: "g-recaptcha", Field: "g-recaptcha-response", Script: "https://www.google.com/recaptcha/api.js", verify: "https://www.google.com/recaptcha/api/siteverify",
		Sources: []string{"https://www.google.com/recaptcha/", "https://www.gstatic.com/recaptcha/"},
	},
	HCaptcha: {
		Class: "h-captcha", Field: "h-captcha-response", Script: "https://js.hcaptcha.com/1/api.js", verify: "https://api.hcaptcha.com/siteverify",
		Sources: []string{"https://hcaptcha.com", "https://*.hcaptcha.com"},
	},
	Turnstile: {
		Class: "cf-turnstile", Field: "cf-turnstile-response", Script: "https://challenges.cloudflare.com/turnstile/v0/api.js", verify: "https://challenges.cloudflare.com/turnstile/v0/siteverify",
		Sources: []string{"https://challenges.cloudflare.com"},
	},
}

const (
	// captchaTimeout bounds the question to the service: somebody waits for the page.
	captchaTimeout = 3 * time.Second
	// captchaAge is how old a captcha may be. The services' own lifetimes are two and five minutes.
	captchaAge = 10 * time.Minute
	// MaxCaptcha bounds what is passed on, in bytes: Turnstile's are 2048 at most, others shorter but for
	// hCaptcha's, which grow to a few thousand.
	MaxCaptcha = 8 << 10
	// maxCaptchaAnswer bounds the service's answer, in bytes.
	maxCaptchaAnswer = 16 << 10
)

// captchaClient follows no redirect: the secret goes to the service alone.
var captchaClient = &http.Client{Timeout: captchaTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// first is how hard the first challenge is.
func (l *Limiter) first() int {
	if l.o.Captcha != nil && l.o.Captcha.Always {
		return hard
	}
	return easy
}

// wantsCaptcha tells whether a challenge is one that a captcha stands in for.
func (l *Limiter) wantsCaptcha(bits int) bool { return l.o.Captcha != nil && bits >= hard }

// Widget is the captcha that a page shows with a challenge; nil none.
func (l *Limiter) Widget(challenge broker.Secret) *Widget {
	if !l.wantsCaptcha(Difficulty(challenge)) {
		return nil
	}
	w := widgets[l.o.Captcha.Kind]
	w.SiteKey, w.Action = l.o.Captcha.SiteKey, captchaAction
	return &w
}

// CaptchaField is the field of a form in which a captcha comes; "" there is none.
func (l *Limiter) CaptchaField() string {
	if l.o.Captcha == nil {
		return ""
	}
	return widgets[l.o.Captcha.Kind].Field
}

// CaptchaFields are the fields of every service.
func CaptchaFields() []string {
	return []string{widgets[ReCAPTCHA].Field, widgets[HCaptcha].Field, widgets[Turnstile].Field}
}

// passed asks the service what a captcha is worth. "" asks, too: that it is none tells that
// the service is there. An error says that nobody knows.
func (c *Captcha) passed(ctx context.Context, at time.Time, token string) (bool, error) {
	if len(token) > MaxCaptcha {
		return false, nil
	}
	to := c.VerifyURL
	if to == "" {
		to = widgets[c.Kind].verify
	}
	form := url.Values{"secret": {c.Secret.Reveal()}, "response": {token}, "sitekey": {c.SiteKey}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, strings.NewReader(form.Encode()))
	if err != nil {
		return false, fmt.Errorf("captcha: %w", err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := captchaClient.Do(r)
	if err != nil {
		return false, fmt.Errorf("captcha: %w", err)
	}
	defer resp.Body.Close()
	var answer struct {
		Success  *bool     `json:"success"`
		Hostname string    `json:"hostname"`
		Action   string    `json:"action"`
		At       time.Time `json:"challenge_ts"`
		Errors   []string  `json:"error-codes"`
	}
	// Turnstile answers 400 to a token that is none.
	if resp.StatusCode >= 500 || resp.StatusCode >= 300 && resp.StatusCode < 400 {
		return false, fmt.Errorf("captcha: status %d", resp.StatusCode)
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxCaptchaAnswer)).Decode(&answer); err != nil || answer.Success == nil {
		return false, errors.New("captcha: the answer is not what it should be")
	}
	if !*answer.Success {
		for _, ours := range []string{"missing-input-secret", "invalid-input-secret", "sitekey-secret-mismatch", "internal-error"} {
			if slices.Contains(answer.Errors, ours) {
				return false, fmt.Errorf("captcha: %s", ours) // not the visitor's fault
			}
		}
		return false, nil
	}
	age := at.Sub(answer.At)
	return strings.EqualFold(answer.Hostname, c.Host) && (c.Kind != Turnstile || answer.Action == captchaAction) && age < captchaAge && age > -captchaAge, nil
}
