package web

import (
	"net/http"
	"net/url"

	"idbroker/broker"
	"idbroker/linking"
	"idbroker/tokens"
)

// departPath is where a person sets out to sign out at a provider.
func departPath(provider string, state broker.Secret) string {
	return "/oauth/sign-out/" + url.PathEscape(provider) + "/?state=" + state.Reveal()
}

// leave prepares the way out of the provider that the ended session came from. The
// application's request waits in it, to be read anew on the way back: its
// registration may change meanwhile. What fails is logged and leads nowhere.
func (s *Server) leave(w http.ResponseWriter, r *http.Request, provider string, from broker.Upstream, asked tokens.Logout, form url.Values, locale string) leaveView {
	if provider == "" {
		return leaveView{}
	}
	q := linking.LeaveRequest{Provider: provider, Upstream: from, Browser: s.cookies.secretCookie(r, leavingCookie), UILocales: locale}
	if q.Browser == "" {
		q.Browser = broker.NewSecret()
	}
	if asked.RedirectURI != "" && asked.Client != nil {
		back := url.Values{"client_id": {asked.Client.ID}, "post_logout_redirect_uri": {form.Get("post_logout_redirect_uri")}}
		if state := form.Get("state"); state != "" {
			back.Set("state", state)
		}
		q.Request = back.Encode()
	}
	way, err := s.linker.Leave(r.Context(), q)
	if err != nil {
		s.log.ErrorContext(r.Context(), "no way to sign out at the provider", "provider", provider, "err", err)
		return leaveView{}
	}
	if way.State == "" {
		return leaveView{Title: way.Title, URL: way.URL}
	}
	http.SetCookie(w, s.cookies.make(leavingCookie, q.Browser.Reveal(), int(linking.LeaveLifetime.Seconds())))
	return leaveView{Title: way.Title, URL: departPath(provider, way.State), Automatic: way.Automatic}
}

// getDepart serves GET /oauth/sign-out/{app}/: off to the provider to sign out
// there. Only the browser that has just signed out here knows the state, so that
// nobody else's link signs people out. Where the journey is over, the page says
// that they may still be signed in there.
func (s *Server) getDepart(w http.ResponseWriter, r *http.Request) error {
	provider := r.PathValue("app")
	to, err := s.linker.Depart(r.Context(), provider, s.cookies.secretCookie(r, leavingCookie), broker.Secret(visitOf(r).query.Get("state")))
	if err != nil && broker.KindOf(err) == broker.KindInternal {
		return err
	}
	if err != nil {
		s.log.InfoContext(r.Context(), "sign-out at the provider refused", "err", err)
		return s.redirect(w, r, "/logout/?from="+url.QueryEscape(provider))
	}
	return s.redirect(w, r, to)
}

// getSignedOut serves GET /oauth/signed-out/{app}/: back from the provider. Whoever
// comes without a journey of this browser sees that they are signed out, or the
// start page; with one, they go on to the application that began it.
func (s *Server) getSignedOut(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	request, err := s.linker.Return(r.Context(), r.PathValue("app"), s.cookies.secretCookie(r, leavingCookie), broker.Secret(v.query.Get("state")))
	if err != nil && broker.KindOf(err) == broker.KindInternal {
		return err
	}
	if err == nil {
		http.SetCookie(w, s.cookies.make(leavingCookie, "", -1))
		form, err := url.ParseQuery(request)
		if err != nil {
			return err
		}
		if asked, err := s.tokens.ParseLogout(r.Context(), form); err == nil && asked.RedirectURI != "" {
			return s.redirect(w, r, asked.RedirectURI)
		}
	} else {
		s.log.InfoContext(r.Context(), "back from a provider without a journey", "err", err)
	}
	if v.user != nil {
		return s.redirect(w, r, "/")
	}
	return s.redirect(w, r, "/logout/")
}
