package web

import (
	"idbroker/limits"
)

// fieldWords say in the OpenAPI document what the fields of requests mean, which is the same on
// every path. A field without words fails a test.
func fieldWords() map[string]string {
	words := map[string]string{
		// Who, and with what.
		"email":      "E-mail address; at sign-in also a username, where people may sign in with it.",
		"password":   "The password of the account, or the one that is being chosen.",
		"current":    "What is replaced: the password of now, if there is one, or a code of the app of now, or a recovery code.",
		"code":       "What was mailed, sent or is shown by an app, as it is typed; a recovery code where one is asked for.",
		"recovery":   "The code is a recovery code.",
		"way":        "The second factor that is meant: totp (an app), sms, or recovery. Not sent: the one that the person used last.",
		"kind":       "The second factor to be removed. Not sent: all.",
		"credential": "What the browser's navigator.credentials gave (create or get, with the options of the page), as the text of its toJSON().",
		"phone":      "Telephone number in international form, such as +41 22 767 61 11.",
		"token":      "The secret of a mailed link, or that the page gives.",
		"remember":   "Stay signed in in this browser after it is closed; with a second factor: do not ask for it here for a while. Where the page offers it.",
		"present":    "Go on as who is signed in already, instead of signing in.",
		"other":      "Begin anew for somebody else, or with another address.",

		// A sign-in and its steps.
		"login":    "Id of the sign-in under way: given as data.login, and in locations.",
		"next":     "Local path to go to afterwards. Not sent: the start page.",
		"again":    "Who is signed in proves that they are still there.",
		"switch":   "Sign in as somebody else than who is signed in.",
		"choose":   "Show all ways in, or have the provider ask which account to use.",
		"all":      "List every provider.",
		"q":        "Search for a provider.",
		"new":      "Begin an account, though the sign-in could go on with another one.",
		"decision": "What the person decided.",
		"identity": "Which linked identity, or the one that waits to be linked, by the id that the page gives.",
		"app":      "Id of a provider, as in the configuration and on the buttons of the page.",
		"client":   "Id of an application.",
		"file":     "Name of the file of a logo, as pages give it.",
		"from":     "Id of the provider at which the person signed in, to name it.",
		"state":    "What brings somebody back from a provider's sign-out.",
		"request":  "An application's request to sign out that the page asked about, as the page gives it.",

		// Settings.
		"sid":      "Sessions to end, by the ids that the devices page gives.",
		"others":   "End all sessions but this one.",
		"on":       "Whether to stay signed in. Not sent: no.",
		"id":       "Which passkey, or remembered browser, by the id that the page gives.",
		"lang":     "Language, such as de.",
		"return":   "Local path of the page to go back to.",
		"name":     "Display name of the person; of a passkey: what its person calls it.",
		"username": "Short name. Where it is voluntary, an empty one is none.",
		"version": "Version of the account that the values are based on (data.version). Where it has changed since, nothing is written (409). Not sent: " +
			"whatever it is.",
		"affiliations":   "Where the person works or studies, one a line. Not sent: stays.",
		"fields":         "The operator's fields: the text of a JSON object of values by name. data.asked tells which there are. Not sent: they stay.",
		"asked":          "Names of the operator's fields that the form showed, for forms without JSON: a tick that is not there was taken away. Programs send fields.",
		"locale":         "Language, such as de; empty: as the browser wishes. Not sent: stays.",
		"zone":           "Time zone, such as Europe/Zurich; empty: none chosen. Not sent: stays.",
		"street_address": "Street and number of the postal address, may have several lines.", "postal_code": "Postal code.",
		"locality": "Town.", "region": "State, province or region.", "country": "Country.",
		"visibility":       "Who may see the profile in applications that ask.",
		"email_visibility": "Who may see the address in applications that ask.",

		// Limits.
		challengeField: "Text of the challenge that was given (Challenge), where there was one.",
		solutionField:  "The number that solves it.",
		startedField:   "Of the pages' forms, which may be sent for a while after the sign-in is not recent any more. Programs leave it out.",
	}
	for _, name := range limits.CaptchaFields() {
		words[name] = "Answer of the captcha that the operator has configured, where the challenge names it."
	}
	return words
}
