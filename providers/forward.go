package providers

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"idbroker/broker"
)

// Values of App.Forward: which wishes of the application a provider is told.
const (
	ForwardPrompt    = "prompt"     // that the person shall choose an account there; that they shall sign in anew is always told, as is our own offer of another account
	ForwardLoginHint = "login_hint" // whom the application expects: it tells a third party an address
	ForwardUILocales = "ui_locales" // the language of our page
	ForwardACRValues = "acr_values" // how strongly they shall sign in
	ForwardMaxAge    = "max_age"    // how long ago they may have signed in there
)

var forwardable = []string{ForwardPrompt, ForwardLoginHint, ForwardUILocales, ForwardACRValues, ForwardMaxAge}

// forwardDefault is what is told unless the operator says otherwise.
var forwardDefault = []string{ForwardUILocales}

// checkForward reports wishes that the kind cannot tell.
func (a App) checkForward(bad func(field, format string, args ...any)) {
	for _, name := range a.Forward {
		switch {
		case !slices.Contains(forwardable, name):
			bad("forward", "%q: use %s", name, strings.Join(forwardable, ", "))
		case (name == ForwardACRValues || name == ForwardMaxAge) && (a.Kind == "github" || a.Kind == "orcid"):
			bad("forward", "%s: %s knows no such parameter; remove it", name, a.Kind)
		case a.AuthParams[name] != "":
			bad("forward", "%s: auth_params sets it for everybody; keep one of the two", name)
		}
	}
}

// forwarded is what of o the provider is told.
func (a App) forwarded(o broker.BeginOptions) broker.BeginOptions {
	told := a.Forward
	if told == nil {
		told = forwardDefault
	}
	drop := func(name string, wish *string) {
		if !slices.Contains(told, name) {
			*wish = ""
		}
	}
	drop(ForwardLoginHint, &o.LoginHint)
	drop(ForwardUILocales, &o.UILocales)
	drop(ForwardACRValues, &o.ACRValues)
	o.ACRValues = a.SecondFactor.words(o.ACRValues)
	drop(ForwardMaxAge, &o.MaxAge)
	if maxAge(o.MaxAge) == noMaxAge {
		o.MaxAge = ""
	}
	if o.Choose && slices.Contains(told, ForwardPrompt) {
		o.Prompt = "select_account"
	}
	return o // Prompt is our own wish: it is always told
}

// checkAuthTime holds an ID token to what was asked for about the time of the
// sign-in: with max_age it must tell it (OpenID Connect Core 1.0, section
// 3.1.2.1). acr_values is a wish, and a provider may answer it with another acr;
// who insists lists it in App.AllowedClaims.
func (s *session) checkAuthTime(c claims) error {
	told := c.time("auth_time")
	// The person was asked to sign in anew, and was not.
	if s.Prompt == "login" && !told.IsZero() && told.Before(s.StartedAt.Add(-clockSkew)) {
		return ErrRestart.Becausef("prompt=login, and auth_time is %s before it", s.StartedAt.Sub(told).Round(time.Second))
	}
	if s.MaxAge == "" {
		return nil
	}
	switch age := s.StartedAt.Sub(told); {
	case told.IsZero():
		return ErrUpstream.Becausef("ID token: auth_time is missing though max_age was asked for")
	case age > maxAge(s.MaxAge)+clockSkew:
		return ErrRestart.Becausef("max_age=%s, and auth_time was %s ago when they set out", clean(s.MaxAge), age.Round(time.Second))
	}
	return nil
}

// noMaxAge is longer than anybody stays signed in anywhere.
const noMaxAge = 10 * 365 * 24 * time.Hour

// maxAge reads max_age; noMaxAge where it asks for no less, or for nothing that
// can be read.
func maxAge(text string) time.Duration {
	seconds, err := strconv.ParseUint(text, 10, 63)
	if err != nil || seconds >= uint64(noMaxAge/time.Second) {
		return noMaxAge
	}
	return time.Duration(seconds) * time.Second
}
