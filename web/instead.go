package web

import (
	"net/http"
	"net/url"
)

// instead has, for what is only posted to, the page that has the form: a form that was filled
// in wrongly is shown again under the address of the post, and browsers ask that with GET when a
// tab comes back or the address is opened anew. And what password
// managers ask for ("A Well-Known URL for Changing Passwords", W3C).
var instead = map[string]string{
	"/.well-known/change-password": securityPath,
	chosenProviderPath:             "/login/",
	"/login/identify/":             "/login/",
	"/code/send/":                  "/code/",
	"/second-factor/passkey/":      "/second-factor/",
	"/second-factor/send/":         "/second-factor/",
	setUpPath + "start/":           setUpPath,
	setUpPath + "number/":          setUpPath,
	setUpPath + "passkey/":         setUpPath,

	"/account/settings/password/":       securityPath,
	removePasswordPath:                  securityPath,
	"/account/settings/sessions/":       devicesPath,
	devicesPath + "remember/":           devicesPath,
	dataPath + "export/":                dataPath,
	"/account/settings/language/":       "/",
	passkeysPath + "add/":               passkeysPath,
	passkeysPath + "rename/":            passkeysPath,
	factorPath + "start/":               factorPath,
	factorPath + "confirm/":             factorPath,
	factorPath + "swap/":                factorPath,
	factorPath + "swap/confirm/":        factorPath,
	factorPath + "codes/":               factorPath,
	factorPath + "remove/":              factorPath,
	factorPath + "forget/":              factorPath,
	factorPath + "number/":              factorPath,
	factorPath + "number/confirm/":      factorPath,
	factorPath + "number/send/":         factorPath,
	factorPath + "number/swap/":         factorPath,
	factorPath + "number/swap/confirm/": factorPath,
}

// insteadOf is where somebody goes on who asks to see what is only posted to; "" nowhere, such
// as a program, which is told that it asks in the wrong way.
func (s *Server) insteadOf(r *http.Request) string {
	to := instead[r.URL.Path]
	if to == "" || r.Method != http.MethodGet && r.Method != http.MethodHead || wantsJSON(r) || to == securityPath && s.o.NoPasswords {
		return ""
	}
	if login := r.URL.Query().Get("login"); login != "" {
		to += "?login=" + url.QueryEscape(login)
	}
	return to
}
