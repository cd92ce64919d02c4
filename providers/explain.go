package providers

import (
	"context"
	"errors"

	"golang.org/x/oauth2"

	"idbroker/broker"
)

// ErrNotExplained: the kind of the provider decides by more than claims.
var ErrNotExplained = errors.New("GitHub, ORCID and the groups of Globus are asked at a sign-in; claims alone do not tell")

// Explain tells what we would make of the claims of an ID token and userinfo, and
// refuses whom a sign-in would refuse for them. Nothing is verified: it is for an
// operator who asks "what if". Kinds that ask the provider for more (GitHub,
// ORCID, Globus with allowed groups) are ErrNotExplained.
func (r *Registry) Explain(ctx context.Context, id string, document []byte) (profile broker.Profile, err error) {
	e, ok := r.byID[id]
	if !ok {
		return broker.Profile{}, ErrUnknown.With("provider", id)
	}
	p, ok := e.provider.(*openID)
	if g, globus := e.provider.(*globusProvider); globus && g.app.AllowedGroups == nil {
		p, ok = g.openID, true
	}
	if !ok {
		return broker.Profile{}, ErrNotExplained
	}
	defer func() { err = r.finish(ctx, e, recover(), err) }()
	c, err := parseClaims(document)
	if err != nil {
		return broker.Profile{}, ErrUpstream.Because(err)
	}
	profile, err = p.profileFrom(ctx, &session{claims: c, token: &oauth2.Token{}}, c)
	if err != nil {
		return broker.Profile{}, err
	}
	if !validSubject(profile.Subject) {
		return broker.Profile{}, ErrUpstream.Becausef("the claims have no usable sub")
	}
	return profile, e.app.admits(profile)
}
