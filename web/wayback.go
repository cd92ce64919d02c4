package web

import (
	"errors"
	"net/http"
	"net/url"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/linking"
)

// retry is what another journey to the same provider is good for.
type retry int

const (
	retrySame  retry = iota // it may go well the next time
	retryOther              // with another account there
	retryNone               // it would end the same way
)

// retries names them by the error's message; what is missing is retrySame.
var retries = map[string]retry{
	linking.ErrNotYou.Message:          retryOther,
	linking.ErrNoSignUp.Message:        retryOther,
	"provider.not_allowed":             retryOther,
	local.ErrDomainRefused.Message:     retryOther,
	linking.ErrSecond.Message:          retryNone,
	linking.ErrLinkOnly.Message:        retryNone,
	linking.ErrOtherUser.Message:       retryNone,
	linking.ErrUnknownProvider.Message: retryNone,
	broker.ErrDisabled.Message:         retryNone,
	errAttemptUsed.Message:             retryNone,
	"provider.misconfigured":           retryNone,
}

// chooseParam asks a provider to let the person choose an account there.
const chooseParam = "choose"

// waysFromProvider are the ways on of somebody whose journey to a provider led
// nowhere: the same journey anew, with its login and purpose, and other ways in.
func (s *Server) waysFromProvider(r *http.Request, refused *linking.Refused) []action {
	a := refused.Attempt
	var e *broker.Error
	errors.As(refused.Err, &e)
	instead := action{Label: "error.other_ways", URL: "/login/" + journeyQuery(a)}
	if a.Purpose == broker.PurposeLink {
		instead = action{Label: "error.settings", URL: linkedAccountsPath}
	}
	ways := []action{instead, {Label: "error.home", URL: "/"}}
	switch {
	case errors.Is(refused.Err, errAttemptUsed):
		if on := s.onwards(r, a); on != "" {
			ways = append([]action{{Label: "error.go_on", URL: on}}, ways...)
		}
	case errors.Is(refused.Err, linking.ErrTaken):
		owner := "/login/?switch=1&next=" + url.QueryEscape(linkedAccountsPath)
		ways = []action{{Label: "error.use_owner", URL: owner}, s.tryAgain(a, retryOther), instead}
	default:
		how := retrySame
		if e != nil {
			how = retries[e.Message]
		}
		if how != retryNone {
			ways = []action{s.tryAgain(a, how), instead}
		}
	}
	ways[0].Primary = true
	return ways
}

// tryAgain begins an attempt of the same purpose, for the same login.
func (s *Server) tryAgain(a broker.Attempt, how retry) action {
	to := action{Label: "error.try_again", URL: "/oauth/login/" + url.PathEscape(a.Provider) + "/"}
	if how == retryOther {
		to.Label, to.Args = "error.try_other", map[string]string{"provider": s.title(a.Provider)}
	}
	if a.Purpose == broker.PurposeLink {
		if to.Post = true; how == retryOther {
			to.Fields = []hidden{{chooseParam, "1"}}
		}
		return to
	}
	if to.URL += journeyQuery(a); how == retryOther {
		sep := "?"
		if journeyQuery(a) != "" {
			sep = "&"
		}
		to.URL += sep + chooseParam + "=1"
	}
	return to
}

// journeyQuery names the login of an attempt, or where it was to lead.
func journeyQuery(a broker.Attempt) string {
	switch {
	case a.LoginID != "":
		return "?login=" + url.QueryEscape(string(a.LoginID))
	case broker.LocalPath(a.ReturnTo) != "" && a.Purpose != broker.PurposeLink:
		return "?next=" + url.QueryEscape(a.ReturnTo)
	}
	return ""
}

// onwards is where the login of a used attempt waits for its person; "" nowhere.
func (s *Server) onwards(r *http.Request, a broker.Attempt) string {
	if a.LoginID == "" {
		return ""
	}
	l, err := s.store.Login(r.Context(), a.LoginID)
	if v := visitOf(r); err != nil || !l.Live(v.browser, v.at) {
		return ""
	}
	return stepPath(l.Next(false), l)
}
