package providers

import (
	"context"
	"errors"
	"slices"
	"strings"

	"golang.org/x/oauth2"

	"idbroker/broker"
)

// admits tells whether the address of a profile lets its person in by
// App.AllowedDomains. A domain that begins with a dot stands for all below it.
func (a App) admits(p broker.Profile) error {
	if len(a.AllowedDomains) == 0 {
		return nil
	}
	_, domain, _ := strings.Cut(p.Email, "@")
	switch {
	case !p.EmailVerified:
		return ErrNotAllowed.Why(whyDomains).Becausef("allowed_domains: the address is not proven")
	case !slices.ContainsFunc(a.AllowedDomains, func(d string) bool {
		d = strings.ToLower(d)
		return d == domain || strings.HasPrefix(d, ".") && strings.HasSuffix(domain, d)
	}):
		return ErrNotAllowed.Why(whyDomains).Becausef("allowed_domains: %q is none of them", domain)
	}
	return nil
}

// ErrNotExplained: the kind of the provider decides by more than claims.
var ErrNotExplained = errors.New("GitHub, ORCID and Globus decide by what they are asked at a sign-in; claims alone do not tell")

// Explain tells what we would make of the claims of an ID token and userinfo, and
// refuses whom a sign-in would refuse for them. Nothing is verified: it is for an
// operator who asks "what if". Kinds that ask the provider for more (GitHub,
// ORCID, Globus) are ErrNotExplained.
func (r *Registry) Explain(ctx context.Context, id string, document []byte) (profile broker.Profile, err error) {
	e, ok := r.byID[id]
	if !ok {
		return broker.Profile{}, ErrUnknown.With("provider", id)
	}
	p, ok := e.provider.(*openID)
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
