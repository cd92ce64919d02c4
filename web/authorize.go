package web

import (
	"net/http"
	"slices"
	"strings"

	"idbroker/broker"
	"idbroker/tokens"
)

const authorizePath = "/oauth2/authorize"

// getAuthorize serves GET /oauth2/authorize. Where session and consent suffice
// the answer is one redirect, and no login is written.
func (s *Server) getAuthorize(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	v.locales = v.query.Get("ui_locales")
	if v.user == nil && s.cookies.secretCookie(r, sessionCookie) != "" {
		s.setState(w, "") // the session ended elsewhere; without its cookie we would not know
	}
	a, err := s.tokens.ParseAuthorization(r.Context(), v.query.Values)
	if a == nil {
		return err
	}
	if err != nil {
		return s.refuse(w, r, broker.Login{}, a, err)
	}
	l := s.newLogin(w, r, "")
	l.ClientID, l.Request = a.Client.ID, a.Params
	return s.proceed(w, r, l, a)
}

// postAuthorize serves POST /oauth2/authorize (OpenID Connect Core 1.0, section
// 3.1.2.1, asks for it). The browser sends no SameSite=Lax cookies along with a
// post from another site, so the request is turned into a GET, which has them;
// it changes nothing by itself.
func (s *Server) postAuthorize(w http.ResponseWriter, r *http.Request) error {
	return s.asGet(w, r, authorizePath)
}

// asGet sends the browser to path with what it posted. Parameters of query and
// body come together, so that one that stands in both is seen to stand twice.
func (s *Server) asGet(w http.ResponseWriter, r *http.Request, path string) error {
	to := path + "?" + r.Form.Encode()
	if len(to) > maxURI {
		return errTooLarge
	}
	return s.redirect(w, r, to)
}

// consentStep is the login of a request that waits for consent. done tells that
// the request has been answered: the login was somewhere else.
func (s *Server) consentStep(w http.ResponseWriter, r *http.Request) (l broker.Login, a *tokens.Authorization, done bool, err error) {
	if l, err = s.login(r); err != nil {
		return l, nil, true, err
	}
	if l.Request == "" || l.Next(false) != broker.StepDone {
		return l, nil, true, s.advance(w, r, l)
	}
	a, page, refusal := s.authorization(r.Context(), l)
	switch {
	case page != nil:
		return l, a, true, page
	case refusal != nil:
		return l, a, true, s.refuse(w, r, l, a, refusal)
	}
	v := visitOf(r)
	if v.session.UserID != l.UserID || l.SID != v.session.SID {
		return l, a, true, s.proceed(w, r, l, a)
	}
	now := l // decide may forget whom the login knows: proceed decides again
	if step, err := s.decide(r, &now, a); err != nil || step != broker.StepConsent {
		return l, a, true, s.proceed(w, r, l, a)
	}
	return l, a, false, nil
}

// getConsent serves GET /consent/.
func (s *Server) getConsent(w http.ResponseWriter, r *http.Request) error {
	l, a, done, err := s.consentStep(w, r)
	if done {
		return err
	}
	formsLeave(w)
	v := visitOf(r)
	p := consentPage{
		base: s.base(r), Login: l.ID, Client: viewClient(a.Client, s.language(r)), Offline: slices.Contains(a.Scopes, scopeOffline),
		Account: v.user.Email, SwitchURL: withLogin("/login/", l) + "&switch=1",
	}
	s.addLogos(r.Context(), p.Lang, []broker.Client{a.Client}, func(_ int, path string) { p.Client.Logo = path })
	for _, c := range s.tokens.ClaimsOf(a, *v.user) {
		p.Claims = append(p.Claims, viewClaim(p.base, c))
	}
	return s.show(w, r, http.StatusOK, &p)
}

// claimLabel is what an application learns, in words.
func claimLabel(b base, c tokens.Claim) string {
	if c.Title != nil {
		return c.Title.In(b.Lang)
	}
	return b.T(c.Name)
}

// viewClaim puts what an application learns into words.
func viewClaim(b base, c tokens.Claim) claimView {
	v := claimView{Label: claimLabel(b, c), Value: c.Value, Code: c.Scope == scopeOpenID}
	switch {
	case c.Missing:
		v.Value, v.Note = b.T("claim.missing"), true
	case c.Name == "claim.locale":
		v.Value = b.cat.LanguageName(c.Value)
	case c.Name == "claim.profile_visibility", c.Name == "claim.email_visibility":
		v.Value = b.T("visibility." + c.Value)
	case c.Name == "claim.address":
		v.Value = strings.ReplaceAll(c.Value, "\n", ", ")
	}
	return v
}

// Scopes that pages speak of (OpenID Connect Core 1.0, sections 3.1.2.1, 5.4 and 11).
const (
	scopeOpenID  = "openid"
	scopePhone   = "phone"
	scopeAddress = "address"
	scopeOffline = "offline_access"
)

// postConsent serves POST /consent/.
func (s *Server) postConsent(w http.ResponseWriter, r *http.Request) error {
	l, a, done, err := s.consentStep(w, r)
	if done {
		return err
	}
	v := visitOf(r)
	switch v.form.Get("decision") {
	case "deny":
		return s.refuse(w, r, l, a, tokens.ErrAccessDenied)
	case "allow":
		given, err := s.consent(r.Context(), v.user.ID, a.Client)
		if err != nil {
			return err
		}
		return s.respond(w, r, l, a, &broker.Consent{
			UserID: v.user.ID, ClientID: a.Client.ID, Scopes: union(given.Scopes, a.Asked()),
			CreatedAt: or(given.CreatedAt, v.at), UpdatedAt: v.at,
		})
	}
	return errForm.At("decision").Becausef("decision %.20q", v.form.Get("decision"))
}

// union is a with what of b is not in it.
func union(a, b []string) []string {
	all := slices.Clone(a)
	for _, s := range b {
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}
