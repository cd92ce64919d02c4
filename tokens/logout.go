package tokens

import "idbroker/broker"

// Logout is a checked logout request (OpenID Connect RP-Initiated Logout 1.0).
type Logout struct {
	Client      *broker.Client // who asks; nil: not told
	Subject     broker.UserID  // whom the hint names; "" nobody
	SID         string         // which session of theirs; "" not told
	RedirectURI string         // where to go afterwards: registered, with the state added; "" nowhere
	HintValid   bool           // the hint is an ID token of ours; otherwise ask the person first
}
