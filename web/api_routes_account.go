package web

import "idbroker/broker"

// accountOperations are the routes that begin an account, and those that mailed
// links lead to.
func accountOperations() map[string]operation {
	form := func(own ...field) []field {
		return append(own, typed("email"), typed("name"), typed("username"), typed("password"))
	}
	token := fields(ident("token"))
	newcomer := limitedFields(append(askedFields(), form(ident("login"), pathTo("next"), ident("identity"))...)...)
	toLogin := fields(ident("login"), pathTo("next"))
	return map[string]operation{
		"GET /signup/{$}": {
			does: "The form of a newcomer.", query: append(toLogin, toggle("new")), shows: shows(&signupPage{}, &choosePage{}), moves: true,
		},
		"POST /signup/{$}": {
			does: "Has the link mailed that begins an account.", query: toLogin, fields: newcomer, shows: shows(&signupPage{}), moves: true,
		},
		"GET /oauth/signup/{app}/{$}": {
			does: "Asks whose identity nobody has for their account, or (new) shows the form of a newcomer.", query: append(toLogin, toggle("new")),
			shows: shows(&choosePage{}, &signupPage{}), moves: true,
		},
		"POST /oauth/signup/{app}/{$}": {
			does: "Has the link mailed that begins an account with an identity.", query: toLogin, fields: newcomer, shows: shows(&signupPage{}), moves: true,
		},
		"GET /sent/{$}": {
			does: "Says that a mail is out, and leads on once its link was used.", query: fields(ident("login")), shows: shows(&sentPage{}), moves: true,
		},
		"POST /sent/{$}": {
			does: "Has the mail sent again.", query: fields(ident("login")), fields: limitedFields(ident("login")), shows: shows(&sentPage{}), moves: true,
		},
		"GET /verify-email/{$}":  {does: "What a mailed link to begin an account would do.", query: token, shows: shows(&proofPage{})},
		"POST /verify-email/{$}": {does: "Begins the account.", fields: token, shows: shows(&provedPage{}), moves: true},
		"GET /lost-password/{$}": {does: "Asks for the address to mail a link to.", query: fields(ident("login")), shows: shows(&lostPasswordPage{})},
		"POST /lost-password/{$}": {
			does: "Has a link mailed that sets a new password.", query: fields(ident("login")), fields: limitedFields(ident("login"), typed("email")),
			shows: shows(&lostPasswordPage{}, &sentPage{}),
		},
		"GET /reset-password/{$}": {does: "Asks for the new password.", query: token, shows: shows(&resetPage{})},
		"POST /reset-password/{$}": {
			does: "Sets it.", fields: fields(ident("token"), typed("password")), shows: shows(&resetPage{}), moves: true,
		},
		"GET /claim/{$}":  {does: "The form of the first administrator.", query: token, shows: shows(&claimPage{})},
		"POST /claim/{$}": {does: "Makes the first administrator.", fields: form(ident("token")), shows: shows(&claimPage{}), moves: true},

		"GET " + broker.UndoLinkPath + "{$}":     {does: "What taking back a change of links would do.", query: token, shows: shows(&confirmPage{})},
		"POST " + broker.UndoLinkPath + "{$}":    {does: "Takes it back.", fields: token, moves: true},
		"GET " + broker.EmailPath + "{$}":        {does: "What proving another address would do.", query: token, shows: shows(&confirmPage{})},
		"POST " + broker.EmailPath + "{$}":       {does: "Changes the address.", fields: token, moves: true},
		"GET " + broker.EmailBackPath + "{$}":    {does: "What taking back a change of address would do.", query: token, shows: shows(&confirmPage{})},
		"POST " + broker.EmailBackPath + "{$}":   {does: "Takes it back.", fields: token, moves: true},
		"GET " + broker.PasskeyBackPath + "{$}":  {does: "What taking back a passkey would do that was added.", query: token, shows: shows(&confirmPage{})},
		"POST " + broker.PasskeyBackPath + "{$}": {does: "Takes it back, and signs everybody out.", fields: token, moves: true},
		"GET " + broker.FactorBackPath + "{$}":   {does: "What taking back a second factor would do that was set up.", query: token, shows: shows(&confirmPage{})},
		"POST " + broker.FactorBackPath + "{$}":  {does: "Takes it back, and signs everybody out.", fields: token, moves: true},
		"GET " + broker.SignInBackPath + "{$}":   {does: "What ending a sign-in from a new browser would do.", query: token, shows: shows(&confirmPage{})},
		"POST " + broker.SignInBackPath + "{$}":  {does: "Ends it, and every one since.", fields: token, moves: true},
		"GET " + broker.ReopenPath + "{$}":       {does: "What opening a closed account again would do.", query: token, shows: shows(&confirmPage{})},
		"POST " + broker.ReopenPath + "{$}":      {does: "Opens it again.", fields: token, moves: true},
	}
}

// settingsOperations are the routes of who is signed in.
func settingsOperations() map[string]operation {
	code := fields(typed("code"))
	return map[string]operation{
		"GET " + mePath:              {does: "Who is signed in.", member: true, gives: meJSON{}},
		"GET /account/settings/{$}":  {does: "Leads to the first of the settings.", member: true, moves: true},
		"GET " + profilePath + "{$}": {does: "What the person told of themselves.", member: true, shows: shows(&profilePage{})},
		"POST " + profilePath + "{$}": {
			does: "Changes it.", member: true, shows: shows(&profilePage{}), moves: true,
			fields: append(askedFields(), typed("version"), typed("name"), short("locale", maxID), typed("phone"),
				typed("street_address"), typed("postal_code"), typed("locality"), typed("region"), typed("country"),
				typed("zone"), typed("affiliations"), oneOf("visibility", visibilities...), oneOf("email_visibility", visibilities...)),
		},
		"GET " + usernamePath + "{$}":  {does: "Asks for another username.", member: true, shows: shows(&usernamePage{}), moves: true},
		"POST " + usernamePath + "{$}": {does: "Changes it, or takes it away.", member: true, fields: limitedFields(typed("username")), shows: shows(&usernamePage{}), moves: true},
		"GET " + emailPath + "{$}":     {does: "Asks for another address.", member: true, shows: shows(&emailPage{}), moves: true},
		"POST " + emailPath + "{$}": {
			does: "Has the link mailed that proves it.", member: true, fields: limitedFields(typed("email")), shows: shows(&emailPage{}), moves: true,
		},
		"GET " + securityPath + "{$}": {does: "How the account is protected, what happened.", member: true, shows: shows(&securityPage{})},
		"POST /account/settings/password/{$}": {
			does: "Sets a password.", member: true, fields: limitedFields(typed("current"), typed("password")), shows: shows(&securityPage{}), moves: true,
		},
		"POST " + removePasswordPath + "{$}": {
			does: "Removes the password of who has another way in.", member: true, fields: limitedFields(typed("current")), shows: shows(&securityPage{}), moves: true,
		},
		"GET " + devicesPath + "{$}": {does: "Where the person is signed in, and the latest sign-ins.", member: true, shows: shows(&devicesPage{})},
		"POST " + devicesPath + "remember/{$}": {
			does: "Has this browser stay signed in (on), or not any more.", member: true, fields: fields(toggle("on")), moves: true,
		},
		"POST /account/settings/sessions/{$}": {
			does: "Ends a session, or (others) all but this one.", member: true, fields: fields(ident("sid"), toggle("others")), shows: shows(&loggedOutPage{}), moves: true,
		},
		"GET " + factorPath + "{$}":          {does: "The second factor.", member: true, shows: shows(&factorPage{})},
		"POST " + factorPath + "start/{$}":   {does: "Makes a new secret for an app.", member: true, shows: shows(&factorPage{}), moves: true},
		"POST " + factorPath + "confirm/{$}": {does: "Turns the second factor on.", member: true, fields: code, shows: shows(&factorPage{}, &recoveryCodesPage{}), moves: true},
		"POST " + factorPath + "swap/{$}":    {does: "Makes a secret for an app in the place of the one there is.", member: true, shows: shows(&factorPage{}), moves: true},
		"POST " + factorPath + "swap/confirm/{$}": {
			does: "Puts it in its place.", member: true, fields: fields(typed("code"), typed("current")), shows: shows(&factorPage{}, &recoveryCodesPage{}), moves: true,
		},
		"POST " + factorPath + "codes/{$}": {does: "Makes new recovery codes.", member: true, fields: code, shows: shows(&factorPage{}, &recoveryCodesPage{}), moves: true},
		"POST " + factorPath + "remove/{$}": {
			does: "Turns one kind of second factor off, or all.", member: true, fields: fields(typed("code"), oneOf("kind", wayApp, waySMS)),
			shows: shows(&factorPage{}, &recoveryCodesPage{}), moves: true,
		},
		"POST " + factorPath + "number/{$}": {
			does: "Sends a code to the telephone number that shall be a factor.", member: true, fields: limitedFields(typed("phone"), typed("code")), shows: shows(&factorPage{}), moves: true,
		},
		"POST " + factorPath + "number/confirm/{$}": {does: "Makes it one.", member: true, fields: code, shows: shows(&factorPage{}, &recoveryCodesPage{}), moves: true},
		"POST " + factorPath + "number/swap/{$}": {
			does: "Sends a code to the number that shall take the place of the one there is.", member: true, fields: limitedFields(typed("phone"), typed("code")), shows: shows(&factorPage{}), moves: true,
		},
		"POST " + factorPath + "number/swap/confirm/{$}": {
			does: "Puts it in its place.", member: true, fields: fields(typed("code"), typed("current")), shows: shows(&factorPage{}, &recoveryCodesPage{}), moves: true,
		},
		"POST " + factorPath + "number/send/{$}": {does: "Sends a code to the number that is one.", member: true, fields: limitedFields(typed("code")), shows: shows(&factorPage{}), moves: true},
		"POST " + factorPath + "forget/{$}":      {does: "Asks for the factor again in a browser that was remembered.", member: true, fields: fields(ident("id")), moves: true},
		"GET " + linkedAccountsPath + "{$}":      {does: "The linked identities.", member: true, shows: shows(&linkedAccountsPage{})},
		"GET /oauth/disconnect/{app}/{$}": {
			does: "What unlinking an identity would do.", member: true, query: fields(ident("identity")), shows: shows(&confirmPage{}), moves: true,
		},
		"POST /oauth/disconnect/{app}/{$}": {does: "Unlinks an identity.", member: true, query: fields(ident("identity")), fields: fields(ident("identity")), moves: true},
		"GET " + applicationsPath + "{$}":  {does: "Applications that have access.", member: true, shows: shows(&applicationsPage{})},
		"POST " + applicationsPath + "{$}": {does: "Takes the access back.", member: true, fields: fields(named("client")), moves: true},
		"GET " + dataPath + "{$}":          {does: "What can be done with all that we know of the person.", member: true, shows: shows(&dataPage{})},
		"POST " + dataPath + "export/{$}":  {does: "All of it.", member: true, moves: true, file: jsonMediaType},
		"GET " + closePath + "{$}":         {does: "What closing the account would do.", member: true, shows: shows(&confirmPage{}), moves: true},
		"POST " + closePath + "{$}":        {does: "Closes the account.", member: true, moves: true},
		"POST /account/settings/language/{$}": {
			does: "Chooses the language.", query: fields(ident("login")), fields: fields(short("lang", maxID), pathTo("return")), moves: true,
		},
	}
}
