package providers

import (
	"context"
	"net/url"

	"idbroker/broker"
)

// SignedOutURI is where a provider may send people back to after they have signed
// out there, to be registered as post_logout_redirect_uri; "" for an unknown id
// and for kinds that send nobody back.
func (r *Registry) SignedOutURI(id string) string {
	if e, ok := r.byID[id]; ok && e.toldOfSessions() {
		return e.signedOutURI
	}
	return ""
}

// LogoutURI is where a provider tells us that somebody has signed out there, to be
// registered as backchannel_logout_uri; "" for an unknown id and for kinds that
// tell nobody.
func (r *Registry) LogoutURI(id string) string {
	if e, ok := r.byID[id]; ok && e.toldOfSessions() {
		return e.logoutURI
	}
	return ""
}

// toldOfSessions tells whether providers of the kind may know logout in either
// direction: OpenID Providers but ORCID and Globus, which have none.
func (e *entry) toldOfSessions() bool {
	_, ok := e.provider.(*openID)
	return ok
}

// examineLogout tells what of logout works, and what to register for it.
func (p *openID) examineLogout(m metadata) []Finding {
	var all []Finding
	switch {
	case p.app.SignOut == broker.SignOutNone:
	case p.app.SignOutURL != "":
		all = append(all, Finding{LevelFine, "sign-out", "people are offered the page " + withoutQuery(p.app.SignOutURL)})
	case m.EndSession != "":
		all = append(all, Finding{LevelFine, "sign-out", "register exactly " + p.env.signedOutURI + " there as post_logout_redirect_uri"})
	case p.app.SignOut == broker.SignOutAlways:
		all = append(all, Finding{LevelWarning, "sign-out", "its metadata has no end_session_endpoint: people stay signed in there. Set sign_out_url to a page that signs them out, and sign_out: ask"})
	}
	if m.TellsLogout {
		all = append(all, Finding{LevelFine, "back-channel logout", "register " + p.env.logoutURI + " there as backchannel_logout_uri: sessions here end with those there"})
	}
	return all
}

// Farewell finds a way to sign out at a provider, also at one that is hidden by
// now: whoever came with it may still be signed in there. The zero Farewell: there
// is none. ErrUnknown, ErrUnavailable, ErrUpstream.
func (r *Registry) Farewell(ctx context.Context, id string, q broker.SignOutRequest) (f broker.Farewell, err error) {
	e, ok := r.byID[id]
	if !ok {
		return broker.Farewell{}, ErrUnknown.With("provider", id)
	}
	defer func() { err = r.finish(ctx, e, recover(), err) }()
	p, ok := e.provider.(farewellSayer)
	if !ok {
		return broker.Farewell{}, nil
	}
	return p.farewell(ctx, q)
}

// farewell implements farewellSayer: the page of the configuration or the kind.
func (b *base) farewell(context.Context, broker.SignOutRequest) (broker.Farewell, error) {
	return broker.Farewell{URL: b.app.SignOutURL}, nil
}

// farewell implements farewellSayer: a page, where there is one, else
// OpenID Connect RP-Initiated Logout 1.0, section 2. The hint goes along where it
// is for the client that we still are; without it the provider asks the person.
func (p *openID) farewell(ctx context.Context, q broker.SignOutRequest) (broker.Farewell, error) {
	if p.app.SignOutURL != "" {
		return broker.Farewell{URL: p.app.SignOutURL}, nil
	}
	m, err := p.metadata(ctx)
	if err != nil || m.EndSession == "" {
		return broker.Farewell{}, err
	}
	params := map[string]string{
		"client_id": p.app.ClientID, "post_logout_redirect_uri": p.env.signedOutURI, "state": q.State.Reveal(), "ui_locales": q.UILocales,
	}
	if q.Upstream.ClientID == p.app.ClientID && q.Upstream.Issuer == p.app.Issuer {
		params["id_token_hint"] = q.Upstream.IDToken.Reveal()
	}
	to, err := withParams(m.EndSession, params)
	return broker.Farewell{URL: to, Returns: true, Automatic: true}, err
}

// farewell implements farewellSayer. Globus has a page of its own, which ends with
// a link to where we say.
func (p *globusProvider) farewell(_ context.Context, q broker.SignOutRequest) (broker.Farewell, error) {
	if p.app.SignOutURL != "" {
		return broker.Farewell{URL: p.app.SignOutURL}, nil
	}
	back, err := withParams(p.env.signedOutURI, map[string]string{"state": q.State.Reveal()})
	if err != nil {
		return broker.Farewell{}, err
	}
	u, err := url.Parse(p.env.signedOutURI)
	if err != nil {
		return broker.Farewell{}, err
	}
	to, err := withParams(p.app.Issuer+"/v2/web/logout", map[string]string{"client_id": p.app.ClientID, "redirect_uri": back, "redirect_name": u.Host})
	return broker.Farewell{URL: to, Returns: true}, err
}

// withParams adds parameters to the query of a URL, those that are not "". Its
// own stay.
func withParams(raw string, params map[string]string) (string, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return "", err
	}
	q := u.Query()
	for name, value := range params {
		if value != "" {
			q.Set(name, value)
		}
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}
