package web

import (
	"net/http"

	"idbroker/broker"
)

// Paths that more than one file names.
const (
	setUpPath          = "/second-factor/set-up/"
	factorPath         = "/account/settings/second-factor/"
	profilePath        = "/account/settings/profile/"
	usernamePath       = "/account/settings/username/"
	emailPath          = "/account/settings/email/"
	securityPath       = "/account/settings/security/"
	devicesPath        = "/account/settings/devices/"
	linkedAccountsPath = "/account/settings/linkedaccounts/"
	applicationsPath   = "/account/settings/applications/"
	closePath          = "/account/settings/close/"
	dataPath           = "/account/settings/data/"
	registerPath       = "/oauth2/register"
)

// foreign are the endpoints that other origins may post to: they look at no
// cookie, or (authorize, logout) turn the post into a GET without acting.
var foreign = []string{
	authorizePath, "/oauth2/logout", "/oauth2/token", "/oauth2/userinfo", "/oauth2/introspect", "/oauth2/revoke", "/oauth2/par",
}

// routes is every route of the public listener.
func (s *Server) routes() *http.ServeMux {
	s.machines = map[string]machine{}
	for _, path := range foreign {
		s.origin.AddInsecureBypassPattern(path)
	}
	m := &router{ServeMux: http.NewServeMux()}

	m.HandleFunc("GET /{$}", s.page(s.getHome))
	m.HandleFunc("GET /login/{$}", s.page(s.getLogin))
	m.HandleFunc("POST /login/{$}", s.page(s.postLogin))
	m.HandleFunc("POST "+chosenProviderPath+"{$}", s.page(s.postChosenProvider))
	m.HandleFunc("POST /login/identify/{$}", s.page(s.postIdentify))
	m.HandleFunc("GET /login/passkey/{$}", s.page(s.getPasskey))
	m.HandleFunc("POST /login/passkey/{$}", s.page(s.postPasskey))
	m.HandleFunc("GET /logout/{$}", s.page(s.getLogout))
	m.HandleFunc("POST /logout/{$}", s.page(s.postLogout))
	m.HandleFunc("GET /signup/{$}", s.page(s.getSignUp))
	m.HandleFunc("POST /signup/{$}", s.page(s.postSignUp))
	m.HandleFunc("GET /sent/{$}", s.page(s.getSent))
	m.HandleFunc("POST /sent/{$}", s.page(s.postSent))
	m.HandleFunc("GET /verify-email/{$}", s.page(s.getProof))
	m.HandleFunc("POST /verify-email/{$}", s.page(s.postProof))
	m.HandleFunc("GET /lost-password/{$}", s.page(s.passwords(s.getLost)))
	m.HandleFunc("POST /lost-password/{$}", s.page(s.passwords(s.postLost)))
	m.HandleFunc("GET /reset-password/{$}", s.page(s.passwords(s.getReset)))
	m.HandleFunc("POST /reset-password/{$}", s.page(s.passwords(s.postReset)))
	m.HandleFunc("GET "+broker.UndoLinkPath+"{$}", s.page(s.getUndoLink))
	m.HandleFunc("POST "+broker.UndoLinkPath+"{$}", s.page(s.postUndoLink))
	m.HandleFunc("GET /code/{$}", s.page(s.getCode))
	m.HandleFunc("POST /code/{$}", s.page(s.postCode))
	m.HandleFunc("POST /code/send/{$}", s.page(s.postSendCode))
	m.HandleFunc("GET /second-factor/{$}", s.page(s.getFactor))
	m.HandleFunc("POST /second-factor/{$}", s.page(s.postFactor))
	m.HandleFunc("POST /second-factor/passkey/{$}", s.page(s.postFactorPasskey))
	m.HandleFunc("GET "+setUpPath+"{$}", s.page(s.getSetUp))
	m.HandleFunc("POST "+setUpPath+"{$}", s.page(s.postSetUp))
	m.HandleFunc("POST "+setUpPath+"start/{$}", s.page(s.postSetUpStart))
	m.HandleFunc("POST "+setUpPath+"number/{$}", s.page(s.postSetUpNumber))
	m.HandleFunc("POST "+setUpPath+"passkey/{$}", s.page(s.postSetUpPasskey))
	m.HandleFunc("POST /second-factor/send/{$}", s.page(s.postFactorSend))
	m.HandleFunc("GET /link/{$}", s.page(s.getLink))
	m.HandleFunc("POST /link/{$}", s.page(s.postLinkDecision))
	m.HandleFunc("GET /consent/{$}", s.page(s.getConsent))
	m.HandleFunc("POST /consent/{$}", s.page(s.postConsent))
	m.HandleFunc("GET /claim/{$}", s.page(s.getClaim))
	m.HandleFunc("POST /claim/{$}", s.page(s.postClaim))

	m.HandleFunc("GET /oauth/login/{app}/{$}", s.page(s.getStart))
	m.HandleFunc("POST /oauth/login/{app}/{$}", s.member(s.postLink))
	m.HandleFunc("GET /oauth/authorized/{app}/{$}", s.page(s.getCallback))
	m.HandleFunc("GET /oauth/signup/{app}/{$}", s.page(s.getSignUp))
	m.HandleFunc("POST /oauth/signup/{app}/{$}", s.page(s.postSignUp))
	m.HandleFunc("GET /oauth/sign-out/{app}/{$}", s.page(s.getDepart))
	m.HandleFunc("GET /oauth/signed-out/{app}/{$}", s.page(s.getSignedOut))
	m.HandleFunc("POST /oauth/backchannel/{app}/{$}", s.postBackchannel)
	m.HandleFunc("GET /oauth/disconnect/{app}/{$}", s.member(s.getDisconnect))
	m.HandleFunc("POST /oauth/disconnect/{app}/{$}", s.member(s.postDisconnect))

	m.HandleFunc("GET "+mePath, s.page(s.getMe))
	m.HandleFunc("GET /account/settings/{$}", s.member(s.getSettings))
	m.HandleFunc("GET /account/settings/profile/{$}", s.member(s.getProfile))
	m.HandleFunc("POST /account/settings/profile/{$}", s.member(s.postProfile))
	m.HandleFunc("GET "+usernamePath+"{$}", s.member(s.getUsername))
	m.HandleFunc("POST "+usernamePath+"{$}", s.member(s.postUsername))
	m.HandleFunc("GET /account/settings/email/{$}", s.member(s.getEmail))
	m.HandleFunc("POST /account/settings/email/{$}", s.member(s.postEmail))
	m.HandleFunc("GET "+broker.EmailPath+"{$}", s.page(s.getEmailProof))
	m.HandleFunc("POST "+broker.EmailPath+"{$}", s.page(s.postEmailProof))
	m.HandleFunc("GET "+broker.EmailBackPath+"{$}", s.page(s.getEmailBack))
	m.HandleFunc("POST "+broker.EmailBackPath+"{$}", s.page(s.postEmailBack))
	for _, t := range s.takingsBack() {
		m.HandleFunc("GET "+t.path+"{$}", s.page(t.get))
		m.HandleFunc("POST "+t.path+"{$}", s.page(t.post))
	}
	m.HandleFunc("GET /account/settings/security/{$}", s.member(s.getSecurity))
	m.HandleFunc("POST /account/settings/password/{$}", s.member(s.passwords(s.postPassword)))
	m.HandleFunc("POST "+removePasswordPath+"{$}", s.member(s.passwords(s.postPasswordRemove)))
	m.HandleFunc("GET "+factorPath+"{$}", s.member(s.getFactorSettings))
	m.HandleFunc("POST "+factorPath+"start/{$}", s.member(s.postFactorStart))
	m.HandleFunc("POST "+factorPath+"confirm/{$}", s.member(s.postFactorConfirm))
	m.HandleFunc("POST "+factorPath+"swap/{$}", s.member(s.postFactorSwap))
	m.HandleFunc("POST "+factorPath+"swap/confirm/{$}", s.member(s.postFactorSwapConfirm))
	m.HandleFunc("POST "+factorPath+"codes/{$}", s.member(s.postFactorCodes))
	m.HandleFunc("POST "+factorPath+"remove/{$}", s.member(s.postFactorRemove))
	m.HandleFunc("GET "+passkeysPath+"{$}", s.member(s.getPasskeys))
	m.HandleFunc("POST "+passkeysPath+"add/{$}", s.member(s.postPasskeyAdd))
	m.HandleFunc("POST "+passkeysPath+"rename/{$}", s.member(s.postPasskeyRename))
	m.HandleFunc("GET "+passkeysPath+"remove/{$}", s.member(s.getPasskeyRemove))
	m.HandleFunc("POST "+passkeysPath+"remove/{$}", s.member(s.postPasskeyRemove))
	m.HandleFunc("GET "+devicesPath+"{$}", s.member(s.getDevices))
	m.HandleFunc("POST "+devicesPath+"remember/{$}", s.member(s.postRemember))
	m.HandleFunc("POST "+factorPath+"number/{$}", s.member(s.postNumberStart))
	m.HandleFunc("POST "+factorPath+"number/confirm/{$}", s.member(s.postNumberConfirm))
	m.HandleFunc("POST "+factorPath+"number/send/{$}", s.member(s.postNumberSend))
	m.HandleFunc("POST "+factorPath+"number/swap/{$}", s.member(s.postNumberSwap))
	m.HandleFunc("POST "+factorPath+"number/swap/confirm/{$}", s.member(s.postNumberSwapConfirm))
	m.HandleFunc("POST "+factorPath+"forget/{$}", s.member(s.postForget))
	m.HandleFunc("POST /account/settings/sessions/{$}", s.member(s.postSessions))
	m.HandleFunc("GET /account/settings/linkedaccounts/{$}", s.member(s.getLinkedAccounts))
	m.HandleFunc("GET /account/settings/applications/{$}", s.member(s.getApplications))
	m.HandleFunc("POST /account/settings/applications/{$}", s.member(s.postApplications))
	m.HandleFunc("GET /account/settings/data/{$}", s.member(s.getData))
	m.HandleFunc("POST /account/settings/data/export/{$}", s.member(s.postExport))
	m.HandleFunc("GET /account/settings/close/{$}", s.member(s.getClose))
	m.HandleFunc("POST /account/settings/close/{$}", s.member(s.postClose))
	m.HandleFunc("GET "+broker.ReopenPath+"{$}", s.page(s.getReopen))
	m.HandleFunc("POST "+broker.ReopenPath+"{$}", s.page(s.postReopen))
	m.HandleFunc("GET /applications/{client}/open", s.member(s.getOpen))
	m.HandleFunc("GET /applications/{client}/logo/{file}", s.page(s.getLogo))
	m.HandleFunc("POST /account/settings/language/{$}", s.page(s.postLanguage))

	m.HandleFunc("GET "+authorizePath, s.page(s.getAuthorize))
	m.HandleFunc("POST "+authorizePath, s.page(s.postAuthorize))
	m.HandleFunc("GET /oauth2/logout", s.page(s.getEndSession))
	m.HandleFunc("POST /oauth2/logout", s.page(s.postEndSession))
	m.HandleFunc("GET "+checkSessionPath, s.getCheckSession())
	s.machine(m, "/oauth2/token", s.tokens.ForClientOrigins(s.tokens.ServeToken, "POST"))
	s.machine(m, "/oauth2/userinfo", s.tokens.ForClientOrigins(s.tokens.ServeUserInfo, "GET", "POST"))
	s.machine(m, "/oauth2/introspect", s.tokens.ServeIntrospection)
	s.machine(m, "/oauth2/revoke", s.tokens.ForClientOrigins(s.tokens.ServeRevocation, "POST"))
	s.machine(m, "/oauth2/par", s.tokens.ForClientOrigins(s.tokens.ServePAR, "POST"))
	s.document(m, "/oauth2/jwks.json", s.tokens.ServeJWKS)
	s.document(m, "/.well-known/openid-configuration", s.tokens.ServeDiscovery)
	s.document(m, "/.well-known/oauth-authorization-server", s.tokens.ServeDiscovery)
	s.document(m, openAPIPath, s.serveOpenAPI)

	if s.tokens.Registers() {
		for _, path := range []string{registerPath, registerPath + "/{client}"} {
			s.origin.AddInsecureBypassPattern(path)
		}
		m.HandleFunc(registerPath, s.tokens.ForClientOrigins(s.tokens.ServeRegistration, "POST"))
		m.HandleFunc(registerPath+"/{client}", s.tokens.ForClientOrigins(s.tokens.ServeRegistered, "GET", "PUT", "DELETE"))
	}

	m.Handle("GET /static/", s.pages.staticHandler())
	s.patterns = m.patterns
	return m.ServeMux
}

// router is a mux that knows its patterns.
type router struct {
	*http.ServeMux
	patterns []string
}

// HandleFunc adds a route.
func (m *router) HandleFunc(pattern string, h func(http.ResponseWriter, *http.Request)) {
	m.Handle(pattern, http.HandlerFunc(h))
}

// Handle adds a route.
func (m *router) Handle(pattern string, h http.Handler) {
	m.patterns = append(m.patterns, pattern)
	m.ServeMux.Handle(pattern, h)
}

// machine is an endpoint for programs. Those are most of the traffic, have no
// wildcards, and look at no cookie, so the adapter finds them by their path alone.
type machine struct {
	serve   http.HandlerFunc
	headers []headerLine
}

// machine makes a route of an endpoint for programs, whatever the method.
func (s *Server) machine(m *router, path string, h http.HandlerFunc) {
	m.HandleFunc(path, h)
	s.machines[path] = machine{h, s.headers.machines}
}

// document is machine for what everybody may read.
func (s *Server) document(m *router, path string, h http.HandlerFunc) {
	h = s.tokens.ForEveryOrigin(h)
	m.HandleFunc(path, h)
	s.machines[path] = machine{h, s.headers.documents}
}

// passwords serves a route only where the broker keeps passwords.
func (s *Server) passwords(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if s.o.NoPasswords {
			return errNoSuchPage
		}
		return h(w, r)
	}
}

// getHome serves GET /.
func (s *Server) getHome(w http.ResponseWriter, r *http.Request) error {
	p := homePage{base: s.base(r), SignInURL: "/login/"}
	if s.newcomers() {
		p.SignUpURL = "/signup/"
	}
	return s.show(w, r, http.StatusOK, &p)
}

// getSettings serves GET /account/settings/: the first of its pages.
func (s *Server) getSettings(w http.ResponseWriter, r *http.Request) error {
	return s.redirect(w, r, profilePath)
}

// postLanguage serves POST /account/settings/language/: lang, and return, the
// path of the page that the choice was made on.
func (s *Server) postLanguage(w http.ResponseWriter, r *http.Request) error {
	return s.chooseLanguage(w, r, broker.LocalPath(visitOf(r).form.Get("return")))
}
