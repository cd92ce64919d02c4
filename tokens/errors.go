package tokens

import (
	"errors"
	"net/http"

	"github.com/ory/fosite"

	"idbroker/broker"
)

// Errors that Decide returns and that web hands to Refuse; the application
// reads them in its redirect (RFC 6749, section 4.1.2.1; OpenID Connect Core
// 1.0, section 3.1.2.6).
var (
	// ErrAccessDenied: the person said no.
	ErrAccessDenied error = refuse(fosite.ErrAccessDenied, "The person declined the request.")
	// ErrLoginRequired: prompt=none, and nobody is signed in recently enough,
	// or not the person whom id_token_hint names.
	ErrLoginRequired error = refuse(fosite.ErrLoginRequired, "The person must sign in.")
	// ErrConsentRequired: prompt=none, and the person has not said yes.
	ErrConsentRequired error = refuse(fosite.ErrConsentRequired, "The person must be asked for consent.")
	// ErrInteractionRequired: prompt=none, and something else must be asked.
	ErrInteractionRequired error = refuse(fosite.ErrInteractionRequired, "The person must be asked something.")
)

// Errors for a page: the redirect URI is not trusted, so nothing is sent there
// (RFC 6749, section 4.1.2.1).
var (
	errClientMissing   = &broker.Error{Kind: broker.KindBadRequest, Message: "authorize.client_missing", Field: "client_id"}
	errClientUnknown   = &broker.Error{Kind: broker.KindBadRequest, Message: "authorize.client_unknown", Field: "client_id"}
	errClientDisabled  = &broker.Error{Kind: broker.KindForbidden, Message: "authorize.client_disabled", Field: "client_id"}
	errRedirectMissing = &broker.Error{Kind: broker.KindBadRequest, Message: "authorize.redirect_missing", Field: "redirect_uri"}
	errRedirectUnknown = &broker.Error{Kind: broker.KindBadRequest, Message: "authorize.redirect_unknown", Field: "redirect_uri"}
	errRequestInvalid  = &broker.Error{Kind: broker.KindBadRequest, Message: "authorize.invalid"}
	errRequestGone     = &broker.Error{Kind: broker.KindGone, Message: "authorize.request_gone", Field: "request_uri"}
	// errTwiceInPage: a parameter that decides where somebody is sent stands twice.
	// errUnseenInPage: a parameter holds what nobody can see; see unseen.
	errUnseenInPage   = &broker.Error{Kind: broker.KindBadRequest, Message: "error.field_chars"}
	errTwiceInPage    = &broker.Error{Kind: broker.KindBadRequest, Message: "error.field_twice"}
	errFinished       = &broker.Error{Kind: broker.KindGone, Message: "authorize.finished"}
	errLogoutInvalid  = &broker.Error{Kind: broker.KindBadRequest, Message: "logout.invalid"}
	errLogoutRedirect = &broker.Error{Kind: broker.KindBadRequest, Message: "logout.redirect_unknown"}
)

// errResponseMode has the code that OAuth 2.0 Multiple Response
// Types, section 2.1, leaves for it.
var errResponseMode = refuse(fosite.ErrInvalidRequest, "The response_mode is not supported, or not for this response type, client or redirect URI.")

// ErrUnmet has the code of OpenID Connect Core Error Code
// unmet_authentication_requirements 1.0: nobody can be authenticated as the
// application wants it, or this person cannot or would not be.
var ErrUnmet error = &fosite.RFC6749Error{
	ErrorField: "unmet_authentication_requirements", DescriptionField: "The person was not, or cannot be, authenticated as the client requires it.", CodeField: http.StatusBadRequest,
}

// refuse makes a protocol error with a description of ours. Descriptions are
// constants: nothing that the caller sent is said back to it.
func refuse(base *fosite.RFC6749Error, description string) *fosite.RFC6749Error {
	e := base.WithDescription(description).WithHint("")
	return e
}

// protocolError is the error to tell the application: an RFC 6749 error stays
// itself, everything else becomes server_error or temporarily_unavailable.
func protocolError(err error) (code, description string, status int) {
	var e *fosite.RFC6749Error
	if errors.As(err, &e) && knownErrors[e.ErrorField] {
		return e.ErrorField, clean(e.DescriptionField), e.CodeField
	}
	if errors.Is(err, errCannotEncrypt) {
		return "server_error", "The client has no key that the answer can be encrypted to, or it cannot be fetched; see its jwks or jwks_uri.", http.StatusInternalServerError
	}
	if broker.KindOf(err) == broker.KindUnavailable {
		return "temporarily_unavailable", "Try again later.", http.StatusServiceUnavailable
	}
	return "server_error", "Something went wrong on our side.", http.StatusInternalServerError
}

// knownErrors are the codes that the specifications name. Whatever else the
// engine makes up is an error of ours.
var knownErrors = map[string]bool{
	"invalid_request": true, "invalid_client": true, "invalid_grant": true, "unauthorized_client": true,
	"unsupported_grant_type": true, "unsupported_response_type": true, "invalid_scope": true, "access_denied": true,
	"login_required": true, "consent_required": true, "interaction_required": true, "account_selection_required": true,
	"request_not_supported": true, "request_uri_not_supported": true, "registration_not_supported": true,
	"temporarily_unavailable": true, "invalid_request_object": true, "invalid_request_uri": true,
	"unmet_authentication_requirements": true,
	"invalid_client_metadata":           true, "invalid_redirect_uri": true, "unapproved_software_statement": true, "invalid_software_statement": true,
}

// clean replaces what error_description may not contain (RFC 6749, section
// 5.2: %x20-21, %x23-5B, %x5D-7E).
func clean(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
			b[i] = '\''
		}
	}
	return string(b)
}
