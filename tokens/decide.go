package tokens

import (
	"slices"
	"strings"
	"time"

	"idbroker/broker"
)

// Standing is what is known when an authorization is decided.
type Standing struct {
	Session broker.Session // of the browser; zero: none
	Consent broker.Consent // of the person who is signed in, to the client; zero: none
	Login   *broker.Login  // the login under way for this request; nil: none
	Factor  bool           // that person has a second factor
	At      time.Time
}

// Decide says what comes next: StepIdentify (with force, a session that stands
// does not count), StepFactor, StepConsent or StepDone. It is pure. An error is for
// Refuse.
//
// Whoever was authenticated in the login under way comes before whoever the
// session names. select_account is answered like login: the sign-in page is
// where somebody chooses another account.
func (a *Authorization) Decide(st Standing) (step broker.Step, force bool, err error) {
	user, authTime, justNow := st.who()
	force = a.forced(user, authTime, st.At, justNow)
	none := slices.Contains(a.Prompt, promptNone)
	switch {
	case user == "" || force:
		if none {
			return "", false, ErrLoginRequired
		}
		return broker.StepIdentify, force, nil
	case a.HintSubject != "" && a.HintSubject != user:
		if none || justNow { // they could have, and came as somebody else
			return "", false, ErrLoginRequired
		}
		return broker.StepIdentify, true, nil
	case a.wantsFactor(st.acr(), st.Factor, none):
		if none {
			return "", false, ErrLoginRequired
		}
		return broker.StepFactor, false, nil
	case a.essentialACR != nil && !a.meets(st.acr()):
		return "", false, ErrUnmet
	case a.asks(user, st.Consent):
		if none {
			return "", false, ErrConsentRequired
		}
		return broker.StepConsent, false, nil
	}
	return broker.StepDone, false, nil
}

// who is the person whom the answer would be about. justNow tells that they
// proved it in the login under way, not before it began.
func (st Standing) who() (user broker.UserID, authTime time.Time, justNow bool) {
	if l := st.Login; l != nil {
		if l.UserID != "" {
			return l.UserID, l.AuthTime, !l.AuthTime.IsZero() && !l.AuthTime.Before(l.StartedAt)
		}
		if l.Force {
			return "", time.Time{}, false
		}
	}
	return st.Session.UserID, st.Session.AuthTime, false
}

// acr is how strongly that person was authenticated.
func (st Standing) acr() string {
	if l := st.Login; l != nil && l.UserID != "" {
		return l.ACR
	}
	return st.Session.ACR
}

// meets tells whether an authentication is as strong as the client insists on. Two
// factors are one, too.
func (a *Authorization) meets(acr string) bool {
	return a.essentialACR.accepts(acr) || acr == broker.ACRSecond && a.essentialACR.accepts(broker.ACRSingle)
}

// toldACR is the acr of the answer: the weaker one where the client insists on it.
func (a *Authorization) toldACR(acr string) string {
	if acr == broker.ACRSecond && a.essentialACR != nil && !a.essentialACR.accepts(acr) {
		return broker.ACRSingle
	}
	return acr
}

// forced tells whether the person must prove again who they are. What they
// proved in this very login always counts, however long they then read the
// consent page: max_age=0 could not be met otherwise.
func (a *Authorization) forced(user broker.UserID, authTime, at time.Time, justNow bool) bool {
	if justNow {
		return false
	}
	if slices.Contains(a.Prompt, promptLogin) || slices.Contains(a.Prompt, promptSelect) || a.Creates() {
		return true
	}
	if a.MaxAge == nil || user == "" {
		return a.MaxAge != nil && *a.MaxAge == 0
	}
	return *a.MaxAge == 0 || authTime.IsZero() || at.Sub(authTime) > *a.MaxAge
}

// asks tells whether the person must be asked for consent. A remembered yes
// does not count for a public client behind a redirect URI that any program on
// the machine could claim (RFC 8252, section 8.6).
func (a *Authorization) asks(user broker.UserID, c broker.Consent) bool {
	switch {
	case slices.Contains(a.Prompt, promptConsent):
		return true
	case a.Client.FirstParty:
		return false
	case c.UserID != user, c.ClientID != a.Client.ID, c.UserID == "":
		return true
	case a.Client.Public() && !strings.HasPrefix(a.RedirectURI, "https://"):
		return true
	}
	return !c.Covers(a.Asked())
}

// Values of the prompt parameter (OpenID Connect Core 1.0, section 3.1.2.1).
const (
	promptNone    = "none"
	promptLogin   = "login"
	promptConsent = "consent"
	promptSelect  = "select_account"
	promptCreate  = "create" // Initiating User Registration via OpenID Connect 1.0
)

// Creates tells whether the application wants a new account: the sign-up page
// comes first.
func (a *Authorization) Creates() bool { return slices.Contains(a.Prompt, promptCreate) }

// prompts are the values of prompt that are answered.
func (s *Service) prompts() []string {
	if s.o.NoSignUp {
		return slices.DeleteFunc(slices.Clone(promptValues), func(p string) bool { return p == promptCreate })
	}
	return promptValues
}
