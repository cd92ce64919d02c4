package tokens

import (
	"time"

	"github.com/ory/fosite"

	"idbroker/broker"
)

// Authorization is a checked authorization request. Its redirect URI is
// trusted: errors may be sent there.
type Authorization struct {
	Client      broker.Client
	RedirectURI string   // the trusted one
	Scopes      []string // what is asked for, without repetitions
	Prompt      []string // none, login, consent, select_account, create
	MaxAge      *time.Duration
	LoginHint   string
	UILocales   string
	ACRValues   string
	HintSubject broker.UserID // whom id_token_hint names; "" nobody
	// Params is the request, form-encoded, as Login.Request keeps it:
	// ResumeAuthorization makes the same Authorization of it. It is not for
	// others to send: what it says of how the request came is believed.
	Params string

	pushed       string                    // hash of the request_uri that it was pushed under; "" none
	recipient    *recipient                // of ID tokens; nil: they are not encrypted
	claims       claimWishes               // of the claims parameter; what we know of it
	scopeOf      func(claim string) string // that asks for a claim; set with claims
	essentialACR *claimWish                // how people must have been authenticated; nil: that is a wish at most
	wishedACR    []string                  // how they had better have been, as the claims parameter says; nil: acr_values does
	factor       factorWish                // what that comes to
	state        string
	responseType string // words in alphabetical order
	responseMode fosite.ResponseModeType
	modeOK       bool                      // it is the one that was asked for
	request      fosite.AuthorizeRequester // nil where the request was refused
}

// Approval is a person's yes to an Authorization: who, how they proved it, and
// what they grant.
type Approval struct {
	User    broker.User
	Session broker.Session  // tells auth_time, amr, acr, sid and the provider
	Scopes  []string        // granted; a subset of Authorization.Scopes
	Consent *broker.Consent // to remember; nil: nothing new
	Login   broker.LoginID  // to finish; "" none
}
