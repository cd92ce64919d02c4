package providers

import (
	"context"
	"fmt"
	"strings"

	"github.com/markbates/goth"
	"golang.org/x/oauth2"

	"idbroker/broker"
)

// base is what every provider of ours needs to be a goth.Provider and says
// nothing about how people sign in there. Providers embed it.
type base struct {
	app App // with the defaults of its kind
	env env
}

// Name implements goth.Provider: the id in the configuration.
func (b *base) Name() string { return b.app.ID }

// SetName implements goth.Provider.
func (b *base) SetName(name string) { b.app.ID = name }

// Debug implements goth.Provider; there is nothing to switch on.
func (b *base) Debug(bool) {}

// RefreshTokenAvailable implements goth.Provider.
func (b *base) RefreshTokenAvailable() bool { return true }

// UnmarshalSession implements goth.Provider.
func (b *base) UnmarshalSession(text string) (goth.Session, error) { return parseSession(text) }

// authorized returns the session as ours, with the tokens that FetchProfile
// needs.
func authorized(s goth.Session) (*session, error) {
	own, ok := s.(*session)
	if !ok || own.token == nil {
		return nil, fmt.Errorf("%T has not been authorized", s)
	}
	return own, nil
}

// fetchUser makes a goth.User of a profile, for FetchUser.
func fetchUser(p profileFetcher, s goth.Session) (goth.User, error) {
	profile, err := p.FetchProfile(context.Background(), s)
	if err != nil {
		return goth.User{}, err
	}
	u := goth.User{
		Provider: profile.Provider, UserID: profile.Subject, Name: profile.Name, NickName: profile.Username, Email: profile.Email,
		RawData: map[string]any{"iss": profile.Issuer, "email_verified": profile.EmailVerified},
	}
	for _, t := range profile.Tokens {
		if t.Kind == "" {
			u.AccessToken, u.RefreshToken, u.IDToken = t.AccessToken.Reveal(), t.RefreshToken.Reveal(), t.IDToken.Reveal()
			u.ExpiresAt = t.ExpiresAt
		}
	}
	return u, nil
}

// oauthStyle is x/oauth2's name of a style of ours. It is never its zero value:
// that one probes, and posts a failed exchange twice.
func oauthStyle(style string) oauth2.AuthStyle {
	if style == AuthBasic {
		return oauth2.AuthStyleInHeader
	}
	return oauth2.AuthStyleInParams // AuthPost; AuthNone, where no secret is set
}

// splitScopes reads a list of scopes, separated by spaces as RFC 6749 has it or
// by commas as GitHub does.
func splitScopes(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == ',' })
}

// profileOf begins the profile of subject.
func (b *base) profileOf(subject string, tokens []broker.RemoteToken) broker.Profile {
	return broker.Profile{Provider: b.app.ID, Issuer: b.app.Issuer, Subject: subject, ClientID: b.app.ClientID, Tokens: tokens}
}
