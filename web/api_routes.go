package web

import (
	"maps"
	"slices"
	"strings"

	"idbroker/limits"
)

// operation is what a program must know of a route of pages. JSON is read and
// written by what stands here, the OpenAPI document is made of it, and tests hold
// the handlers to it: a route, a field that a handler asks for, or a page that it
// shows and that is missing here is a failure.
type operation struct {
	does   string  // in words, a sentence
	query  []field // what the handler looks for in the query
	fields []field // and in the body of a POST
	shows  []page  // what it may answer with
	moves  bool    // it may lead on to a location
	member bool    // somebody must be signed in
	gives  any     // zero value of the struct that it gives and that is no page; nil none
	file   string  // media type of the file that it gives; "" none
	// standard is the specification that tells of the route's requests and answers; "" this
	// table does. No JSON is read there.
	standard string
}

// operations are the routes of pages, by the patterns of routes.go.
func operations() map[string]operation {
	all := map[string]operation{}
	maps.Copy(all, signInOperations())
	maps.Copy(all, accountOperations())
	maps.Copy(all, settingsOperations())
	maps.Copy(all, passkeyOperations())
	for pattern, op := range all {
		if strings.HasPrefix(pattern, "POST ") && op.takesJSON() { // pages hand it on to their forms
			op.fields = append(slices.Clone(op.fields), short(startedField, maxID))
			all[pattern] = op
		}
	}
	return all
}

// takesJSON tells whether a POST may bring JSON.
func (o operation) takesJSON() bool { return o.does != "" && o.standard == "" }

func shows(pages ...page) []page       { return pages }
func fields(all ...field) []field      { return all }
func typed(name string) field          { return field{name: name} }
func short(name string, max int) field { return field{name: name, max: max} }
func ident(name string) field          { return field{name: name, kind: idField} }
func named(name string) field          { return field{name: name, kind: nameField} }
func pathTo(name string) field         { return field{name: name, kind: pathField} }
func toggle(name string) field         { return field{name: name, kind: flagField} }
func oneOf(name string, choices ...string) field {
	return field{name: name, kind: choiceField, choices: choices}
}

// limited are the fields of a form that the limits look at, and its own.
func limitedFields(own ...field) []field {
	own = append(own, ident(challengeField), short(solutionField, maxID))
	for _, name := range limits.CaptchaFields() {
		own = append(own, short(name, limits.MaxCaptcha))
	}
	return own
}

const (
	specOIDC         = "OpenID Connect Core 1.0, section 3.1.2"
	specEndSession   = "OpenID Connect RP-Initiated Logout 1.0"
	specBackchannel  = "OpenID Connect Back-Channel Logout 1.0"
	specCheckSession = "OpenID Connect Session Management 1.0"
	specToken        = "RFC 6749, section 3.2"
	specUserInfo     = "OpenID Connect Core 1.0, section 5.3"
	specIntrospect   = "RFC 7662"
	specRevoke       = "RFC 7009"
	specPAR          = "RFC 9126"
	specJWKS         = "RFC 7517"
	specDiscovery    = "OpenID Connect Discovery 1.0; RFC 8414"
	specRegister     = "RFC 7591"
	specManage       = "RFC 7592"
	specOpenAPI      = "OpenAPI 3.1"
	specStatic       = "files of the pages"
)

// signInOperations are the routes of a sign-in.
func signInOperations() map[string]operation {
	again := toggle("again")
	toLogin := fields(ident("login"), pathTo("next"))
	factorWays := oneOf("way", wayApp, waySMS, wayRecovery)
	return map[string]operation{
		"GET /{$}": {does: "The start page: where to sign in, where to sign up.", shows: shows(&homePage{})},
		"GET /login/{$}": {
			does:  "Begins a sign-in, or shows the ways in of one.",
			query: append(toLogin, again, toggle("switch"), toggle(chooseParam), toggle("all"), short("q", maxID), typed("email")),
			shows: shows(&loginPage{}), moves: true,
		},
		"POST /login/{$}": {
			does:   "Signs in with a password, or goes on as who is signed in (present).",
			query:  append(toLogin, toggle("all"), short("q", maxID)),
			fields: limitedFields(ident("login"), pathTo("next"), typed("email"), typed("password"), toggle("present"), toggle("remember")),
			shows:  shows(&loginPage{}), moves: true,
		},
		"POST /login/identify/{$}": {
			does:   "Says whose account it is (email: address or username) where sign-in asks for that first, or (other) takes it back; then GET /login/ shows the ways in.",
			query:  append(toLogin, toggle("all"), short("q", maxID)),
			fields: fields(ident("login"), pathTo("next"), typed("email"), toggle("other")),
			shows:  shows(&loginPage{}), moves: true,
		},
		"GET /second-factor/{$}": {
			does: "Asks for the second factor of a sign-in.", query: fields(ident("login"), toggle("recovery"), typed("way")),
			shows: shows(&secondFactorPage{}), moves: true,
		},
		"POST /second-factor/{$}": {
			does:  "Shows a code of the app, or (recovery) a recovery code.",
			query: fields(ident("login"), toggle("recovery"), typed("way")), fields: fields(ident("login"), typed("code"), toggle("recovery"), factorWays, toggle("remember")),
			shows: shows(&secondFactorPage{}), moves: true,
		},
		"GET " + setUpPath + "{$}": {
			does: "Has somebody set up the second factor that they need.", query: fields(ident("login")), shows: shows(&setUpFactorPage{}), moves: true,
		},
		"POST " + setUpPath + "start/{$}": {
			does: "Makes a secret for an app.", query: fields(ident("login")), fields: fields(ident("login")), shows: shows(&setUpFactorPage{}), moves: true,
		},
		"POST " + setUpPath + "{$}": {
			does: "Turns it on and goes on, or (cancel) goes back without.", query: fields(ident("login")),
			fields: fields(ident("login"), typed("code"), toggle("recovery"), factorWays, oneOf("decision", "cancel")), shows: shows(&setUpFactorPage{}, &recoveryCodesPage{}, &formPostPage{}), moves: true,
		},
		"POST " + setUpPath + "number/{$}": {
			does: "Sends a code to the telephone number that shall be the factor.", query: fields(ident("login")),
			fields: limitedFields(ident("login"), typed("phone")), shows: shows(&setUpFactorPage{}), moves: true,
		},
		"POST /second-factor/send/{$}": {
			does: "Sends a code to the telephone number that is the factor.", query: fields(ident("login"), toggle("recovery"), typed("way")),
			fields: limitedFields(ident("login"), toggle("recovery"), factorWays), shows: shows(&secondFactorPage{}), moves: true,
		},
		"GET /code/{$}": {
			does: "Asks for the address to mail a code to, or for the code.", query: append(toLogin, toggle("other"), typed("code")),
			shows: shows(&askCodePage{}, &codePage{}), moves: true,
		},
		"POST /code/send/{$}": {
			does: "Has a code mailed.", query: toLogin, fields: limitedFields(ident("login"), pathTo("next"), typed("email")),
			shows: shows(&askCodePage{}, &codePage{}), moves: true,
		},
		"POST /code/{$}": {
			does: "Signs in with a mailed code.", query: fields(ident("login")), fields: fields(ident("login"), typed("code"), toggle("remember")),
			shows: shows(&askCodePage{}, &codePage{}), moves: true,
		},
		"POST " + chosenProviderPath + "{$}": {
			does: "Leads to a provider to sign in there, with the choice to stay signed in here.", query: toLogin,
			fields: fields(ident("login"), pathTo("next"), ident("app"), toggle("remember")), moves: true,
		},
		"GET /oauth/login/{app}/{$}": {
			does: "Leads to a provider to sign in there.", query: append(toLogin, toggle(chooseParam)), moves: true,
		},
		"POST /oauth/login/{app}/{$}": {
			does: "Leads to a provider to link an identity.", query: fields(toggle(chooseParam)), fields: fields(toggle(chooseParam)), member: true, moves: true,
		},
		"GET /oauth/authorized/{app}/{$}": {does: "Where a provider sends people back to.", standard: specOIDC, moves: true},
		"GET /link/{$}": {
			does: "Asks whether an identity shall open the account.", query: fields(ident("login")), shows: shows(&linkPage{}), moves: true,
		},
		"POST /link/{$}": {
			does: "Links the identity, or does not.", query: fields(ident("login")),
			fields: fields(ident("login"), ident("identity"), oneOf("decision", "link", "replace", "skip")), shows: shows(&linkPage{}), moves: true,
		},
		"GET /consent/{$}": {
			does: "Asks what an application may learn.", query: fields(ident("login")), shows: shows(&consentPage{}, &formPostPage{}), moves: true,
		},
		"POST /consent/{$}": {
			does: "Allows it, or does not.", query: fields(ident("login")), fields: fields(ident("login"), oneOf("decision", "allow", "deny")),
			shows: shows(&formPostPage{}), moves: true,
		},
		"GET /logout/{$}": {does: "Asks whether to sign out, or says that nobody is signed in.", query: fields(ident("from")), shows: shows(&logoutPage{}, &loggedOutPage{})},
		"POST /logout/{$}": {
			does: "Signs out.", fields: fields(short("request", maxURI)), shows: shows(&loggedOutPage{}), moves: true,
		},
		"GET /oauth/sign-out/{app}/{$}":     {does: "Leads to a provider to sign out there.", query: fields(ident("state")), moves: true},
		"GET /oauth/signed-out/{app}/{$}":   {does: "Where a provider sends people back to who have signed out there.", standard: specEndSession, query: fields(ident("state")), moves: true},
		"POST /oauth/backchannel/{app}/{$}": {does: "A provider tells that somebody has signed out there.", standard: specBackchannel},

		"GET " + authorizePath:                    {does: "An application asks to sign somebody in.", standard: specOIDC, shows: shows(&formPostPage{}), moves: true},
		"POST " + authorizePath:                   {does: "The same, posted.", standard: specOIDC, moves: true},
		"GET /oauth2/logout":                      {does: "An application asks to sign somebody out.", standard: specEndSession, shows: shows(&logoutPage{}, &loggedOutPage{}), moves: true},
		"POST /oauth2/logout":                     {does: "The same, posted.", standard: specEndSession, moves: true},
		"GET " + checkSessionPath:                 {does: "A frame for applications.", standard: specCheckSession},
		"/oauth2/token":                           {does: "Tokens.", standard: specToken},
		"/oauth2/userinfo":                        {does: "Claims.", standard: specUserInfo},
		"/oauth2/introspect":                      {does: "What a token is worth.", standard: specIntrospect},
		"/oauth2/revoke":                          {does: "Ends a token.", standard: specRevoke},
		"/oauth2/par":                             {does: "Pushed authorization requests.", standard: specPAR},
		"/oauth2/jwks.json":                       {does: "Keys.", standard: specJWKS},
		"/.well-known/openid-configuration":       {does: "Metadata.", standard: specDiscovery},
		"/.well-known/oauth-authorization-server": {does: "Metadata.", standard: specDiscovery},
		registerPath:                              {does: "Registers an application.", standard: specRegister},
		registerPath + "/{client}":                {does: "Manages one.", standard: specManage},
		openAPIPath:                               {does: "This document.", standard: specOpenAPI},
		"GET /static/":                            {does: "Files of the pages.", standard: specStatic},
		"GET /applications/{client}/logo/{file}":  {does: "The picture of an application.", file: "image/*"},
		"GET /applications/{client}/open":         {does: "Leads to where an application begins a sign-in.", member: true, moves: true},
	}
}
