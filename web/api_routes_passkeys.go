package web

import "idbroker/broker/local"

// passkeyOperations are the routes of passkeys. Their pages hold what
// navigator.credentials takes, and credential is what it gives, as JSON text.
func passkeyOperations() map[string]operation {
	login := fields(ident("login"), pathTo("next"))
	return map[string]operation{
		"GET /login/passkey/{$}": {
			does: "A challenge for a passkey, whoever's it is.", query: login, shows: shows(&passkeyPage{}), moves: true,
		},
		"POST /login/passkey/{$}": {
			does: "Signs in with a passkey.", query: append(login, toggle("all"), short("q", maxID)), fields: limitedFields(append(login, short("credential", local.MaxCredential), toggle("remember"))...),
			shows: shows(&loginPage{}), moves: true,
		},
		"POST /second-factor/passkey/{$}": {
			does: "Shows a passkey as the second factor.", query: fields(ident("login")),
			fields: limitedFields(ident("login"), short("credential", local.MaxCredential)), shows: shows(&secondFactorPage{}), moves: true,
		},
		"POST " + setUpPath + "passkey/{$}": {
			does: "Adds a passkey as what was needed, and goes on.", query: fields(ident("login")),
			fields: limitedFields(ident("login"), typed("name"), short("credential", local.MaxCredential)), shows: shows(&setUpFactorPage{}), moves: true,
		},
		"GET " + passkeysPath + "{$}": {
			does: "The passkeys of the account, and a challenge for a new one.", shows: shows(&passkeysPage{}), member: true,
		},
		"POST " + passkeysPath + "add/{$}": {
			does: "Adds a passkey.", fields: fields(typed("name"), short("credential", local.MaxCredential)), shows: shows(&passkeysPage{}), moves: true, member: true,
		},
		"POST " + passkeysPath + "rename/{$}": {
			does: "Gives a passkey another name.", fields: fields(ident("id"), typed("name")), shows: shows(&passkeysPage{}), moves: true, member: true,
		},
		"GET " + passkeysPath + "remove/{$}": {
			does: "What removing a passkey means.", query: fields(ident("id")), shows: shows(&confirmPage{}), moves: true, member: true,
		},
		"POST " + passkeysPath + "remove/{$}": {
			does: "Removes a passkey.", fields: fields(ident("id")), shows: shows(&passkeysPage{}), moves: true, member: true,
		},
	}
}
