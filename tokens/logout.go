package tokens

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ory/fosite"

	"idbroker/broker"
)

// Logout is a checked logout request (OpenID Connect RP-Initiated Logout 1.0).
type Logout struct {
	Client      *broker.Client // who asks; nil: not told
	Subject     broker.UserID  // whom the hint names; "" nobody
	SID         string         // which session of theirs; "" not told
	RedirectURI string         // where to go afterwards: registered, with the state added; "" nowhere
	HintValid   bool           // the hint is an ID token of ours; otherwise ask the person first
}

// logoutParams are the parameters of section 2.
var logoutParams = []string{"id_token_hint", "client_id", "post_logout_redirect_uri", "state", "logout_hint", "ui_locales"}

// ParseLogout checks a logout request. A hint that is missing, forged or
// altered leaves HintValid false: ask the person. An expired one, or one that a
// retired key signed, is good (section 2). An error is for a page; the Logout
// beside it says what could be found out, and has no RedirectURI.
func (s *Service) ParseLogout(ctx context.Context, form url.Values) (Logout, error) {
	for _, name := range logoutParams {
		if len(form[name]) > 1 {
			return Logout{}, errTwiceInPage.At(name).With("field", name).Becausef("%s is there twice", name)
		}
	}
	for _, name := range logoutParams {
		if strings.ContainsFunc(form.Get(name), unseen) {
			return Logout{}, errUnseenInPage.At(name).With("field", name)
		}
	}
	if size := len(form.Encode()); size > maxParams {
		return Logout{}, errLogoutInvalid.Becausef("%d bytes of parameters", size)
	}
	s.freshKeys(ctx)
	l, id := Logout{}, form.Get("client_id")
	var hinted idClaims
	if hint := form.Get("id_token_hint"); hint != "" {
		if claims, err := s.readHint(hint); err == nil {
			hinted = claims
			l.HintValid, l.Subject, l.SID = true, broker.UserID(claims.Subject), claims.SID
			if id != "" && id != claims.Audience {
				return l, errLogoutInvalid.At("client_id").Becausef("client %q with a hint for %q", id, claims.Audience)
			}
			id = claims.Audience
		}
	}
	target := form.Get("post_logout_redirect_uri")
	if id != "" && clientIDChars(id) {
		c, err := s.store.Client(ctx, id)
		switch {
		case err == nil:
			l.Client = &c
			if l.HintValid {
				l.Subject = s.hinted(c, hinted)
			}
		case !errors.Is(err, broker.ErrNotFound):
			return l, err
		}
	}
	if target == "" || form.Get("id_token_hint") != "" && !l.HintValid {
		return l, nil // a bad hint leads nowhere
	}
	if l.Client == nil {
		return l, nil // nobody vouches for the address: stay here
	}
	if !l.Client.DisabledAt.IsZero() || !slices.Contains(l.Client.PostLogoutRedirectURIs, target) || !usableRedirect(*l.Client, target) {
		return l, errLogoutRedirect.At("post_logout_redirect_uri").With("client", l.Client.Name)
	}
	l.RedirectURI = target
	if state := form.Get("state"); state != "" {
		l.RedirectURI = addParams(target, fosite.ResponseModeQuery, url.Values{"state": {state}})
	}
	return l, nil
}

// SessionEnded ends what a session gave to applications, except grants with
// offline_access: they were given to outlast it (OpenID Connect Core 1.0,
// section 11). All its applications are told; see EndGrants.
func (s *Service) SessionEnded(ctx context.Context, user broker.UserID, sid string) error {
	if user == "" || sid == "" { // "" would select more than the session
		return nil
	}
	_, err := s.EndGrants(ctx, broker.GrantFilter{UserID: user, SID: sid, KeepOffline: true}, reasonLogout, time.Now())
	return err
}
