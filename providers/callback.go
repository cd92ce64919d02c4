package providers

import (
	"context"
	"crypto/subtle"
	"fmt"

	"idbroker/broker"
)

// checkIssuer holds a callback to RFC 9207 before its code or error is looked
// at: an answer of another provider must not be taken for one of this.
func (e *entry) checkIssuer(ctx context.Context, cb broker.Callback) error {
	policy := e.app.IssuerParam
	if policy == IssuerIgnored {
		return nil
	}
	want, required := e.app.Issuer, policy == IssuerRequired
	if teller, ok := e.provider.(issuerTeller); ok {
		issuer, promised, err := teller.callbackIssuer(ctx)
		if err != nil {
			return err
		}
		want, required = issuer, required || promised && policy != IssuerIfPresent
	}
	switch {
	case cb.HasIssuer && !same(cb.Issuer, want):
		return ErrUpstream.Becausef("the callback's iss is %q, expected %q", clean(cb.Issuer), want)
	case !cb.HasIssuer && required:
		return ErrUpstream.Becausef("the callback has no iss, expected %q", want)
	}
	return nil
}

// same compares in constant time; an empty expectation never matches.
func same(got, want string) bool {
	return want != "" && subtle.ConstantTimeCompare([]byte(got), []byte(want)) == 1
}

// callbackError says what an error in a callback means (RFC 6749, section
// 4.1.2.1; OpenID Connect Core 1.0, section 3.1.2.6; vendors' own).
func callbackError(cb broker.Callback) error {
	detail := fmt.Errorf("callback: error %q: %s", clean(cb.Error), clean(cb.ErrorDescription))
	switch cb.Error {
	case "access_denied", "user_denied", "consent_denied":
		return ErrDenied.Because(detail)
	case "login_required", "interaction_required", "consent_required", "account_selection_required":
		return ErrRestart.Because(detail)
	case "temporarily_unavailable":
		if cb.ErrorDescription == "authentication_expired" { // Keycloak: the person took too long
			return ErrRestart.Because(detail)
		}
		return ErrUnavailable.Because(detail)
	case "server_error":
		return ErrUnavailable.Because(detail)
	case "redirect_uri_mismatch", "invalid_client", "unauthorized_client", "invalid_scope", "application_suspended",
		"invalid_request", "unsupported_response_type", "invalid_request_uri", "invalid_request_object",
		"request_not_supported", "request_uri_not_supported", "registration_not_supported":
		return ErrMisconfigured.Because(detail)
	}
	return ErrUpstream.Because(detail)
}
