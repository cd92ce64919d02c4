package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/linking"
)

// waysOn is what somebody can do who sees an error. There is always one: the
// start page, if nothing better.
func (s *Server) waysOn(r *http.Request, err error) []action {
	v := visitOf(r)
	home := action{Label: "error.home", URL: "/"}
	signIn := action{Label: "error.sign_in_again", URL: "/login/", Primary: true}
	linked := action{Label: "error.settings", URL: linkedAccountsPath, Primary: true}
	var refused *linking.Refused
	switch {
	case errors.Is(err, linking.ErrStale):
		return []action{{Label: "error.sign_in_again", URL: proveAgain(linkedAccountsPath), Primary: true}, home}
	case errors.Is(err, linking.ErrUndoUnknown), errors.Is(err, linking.ErrUndoUsed), errors.Is(err, linking.ErrUndoExpired),
		errors.Is(err, linking.ErrUndoLast), errors.Is(err, linking.ErrUndoTaken):
		return []action{linked, home}
	case errors.Is(err, local.ErrEmailOther) && v.user != nil:
		return []action{{Label: "error.use_owner", URL: "/login/?switch=1", Primary: true}, home}
	case errors.Is(err, local.ErrEmailOther), errors.Is(err, local.ErrBackUnknown), errors.Is(err, local.ErrBackTaken),
		errors.Is(err, local.ErrTakeBackUnknown), errors.Is(err, local.ErrTakeBackMoved), errors.Is(err, local.ErrTakeBackBare), errors.Is(err, local.ErrTakeBackLast):
		return []action{signIn, home}
	case strings.HasPrefix(r.URL.Path, factorPath) && errors.Is(err, local.ErrFactorGone): // another tab removed it
		return []action{{Label: "factor.heading", URL: factorPath, Primary: true}, home}
	case errors.Is(err, local.ErrEmailTaken), errors.Is(err, local.ErrEmailOutdated):
		return []action{{Label: "email.heading", URL: emailPath, Primary: true}, home}
	case errors.Is(err, linking.ErrLast):
		return []action{{Label: "linked_accounts.set_password", URL: securityPath, Primary: true}, linkedPlain(linked)}
	case errors.Is(err, local.ErrNoPasskeys) && v.user != nil:
		return []action{{Label: "settings.security", URL: securityPath, Primary: true}, home}
	case errors.Is(err, local.ErrNoPasskeys):
		return []action{signIn, home}
	case errors.Is(err, local.ErrSignUpClosed):
		if id := v.value("login"); id != "" { // where an identity waits to be linked
			signIn.URL += "?login=" + url.QueryEscape(id)
		}
		return []action{signIn, home}
	case strings.HasPrefix(r.URL.Path, "/reset-password/") &&
		(errors.Is(err, local.ErrMailUnknown) || errors.Is(err, local.ErrMailUsed) || errors.Is(err, local.ErrMailExpired)):
		return []action{{Label: "lost_password.heading", URL: "/lost-password/", Primary: true}, linkedPlain(signIn), home}
	case errors.Is(err, errOtherBrowser):
		return []action{signIn, home}
	case errors.As(err, &refused):
		return s.waysFromProvider(r, refused)
	}
	switch broker.KindOf(err) {
	case broker.KindUnauthenticated, broker.KindGone, broker.KindUpstream, broker.KindUnavailable:
		next := broker.LocalPath(v.returnTo)
		switch {
		case v.user == nil && next != "":
			signIn.URL += "?next=" + url.QueryEscape(next)
			return []action{signIn, home}
		case v.user == nil:
			return []action{signIn, home}
		case next != "":
			return []action{{Label: "error.go_on", URL: next, Primary: true}, home}
		}
		if broker.KindOf(err) == broker.KindUnauthenticated {
			return []action{{Label: "error.sign_in_again", URL: "/login/?again=1", Primary: true}, home}
		}
	}
	home.Primary = true
	return []action{home}
}

func linkedPlain(a action) action {
	a.Primary = false
	return a
}
