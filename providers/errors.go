package providers

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"

	"golang.org/x/oauth2"

	"idbroker/broker"
)

// What a person can be told. The registry adds the provider's title under
// "provider".
var (
	// ErrDenied: the person declined at the provider.
	ErrDenied = &broker.Error{Kind: broker.KindForbidden, Message: "provider.denied"}
	// ErrRestart: the code is bad or expired, or the provider wants the
	// person to begin again.
	ErrRestart = &broker.Error{Kind: broker.KindGone, Message: "provider.restart"}
	// ErrIncomplete: a callback without code and error, as ORCID makes it,
	// with the error in the fragment.
	ErrIncomplete = &broker.Error{Kind: broker.KindBadRequest, Message: "provider.incomplete"}
	// ErrUnavailable: the provider is down; with whySlow it said nothing in time.
	ErrUnavailable = &broker.Error{Kind: broker.KindUnavailable, Message: "provider.unavailable"}
	// ErrUpstream: the provider said something forged, or meant for somebody
	// else; with whyBroken it cannot be read.
	ErrUpstream = &broker.Error{Kind: broker.KindUpstream, Message: "provider.upstream"}
	// ErrMisconfigured: the operator must act, here or at the provider.
	ErrMisconfigured = &broker.Error{Kind: broker.KindUpstream, Message: "provider.misconfigured"}
	// ErrNotAllowed: the account is none that may come in; whyDomains and
	// whyRoles name the policy.
	ErrNotAllowed = &broker.Error{Kind: broker.KindForbidden, Message: "provider.not_allowed"}
	// ErrNotShown: the provider does not let us see what decides whether the
	// account may come in; the person can allow it there.
	ErrNotShown = &broker.Error{Kind: broker.KindForbidden, Message: "provider.not_shown"}
	// ErrUnverified: the provider wants the person to prove an address there
	// first.
	ErrUnverified = &broker.Error{Kind: broker.KindForbidden, Message: "provider.unverified_email"}
	// ErrUnknown: no such provider is configured, or it is hidden.
	ErrUnknown = &broker.Error{Kind: broker.KindNotFound, Message: "provider.unknown"}
)

// What narrows an error of ours for the person: catalog keys.
const (
	whySlow    = "provider.unavailable.slow"
	whyBroken  = "provider.upstream.broken"
	whyDomains = "provider.not_allowed.domains"
	whyRoles   = "provider.not_allowed.roles"
)

// maxDetail bounds what a provider can write into our log with one error.
const maxDetail = 200

// clean makes text of a provider fit for one line of the log: printable, at
// most maxDetail runes.
func clean(s string) string {
	if len(s) > 4*maxDetail {
		s = s[:4*maxDetail]
	}
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
	if runes := []rune(s); len(runes) > maxDetail {
		s = string(runes[:maxDetail])
	}
	return strings.TrimSpace(s)
}

// classify makes a *broker.Error of whatever a provider's code returned.
func classify(err error) *broker.Error {
	var known *broker.Error
	var answer *oauth2.RetrieveError
	var network net.Error
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &answer):
		return tokenError(answer.Response, answer.ErrorCode, answer.ErrorDescription)
	case errors.Is(err, errForbiddenAddress), errors.Is(err, errPlainHTTP):
		return ErrMisconfigured.Because(redact(err))
	case errors.Is(err, errRedirect), errors.As(err, &certificate):
		return ErrUpstream.Because(redact(err))
	case errors.Is(err, errTooLarge), errors.Is(err, errJSON):
		return ErrUpstream.Why(whyBroken).Because(redact(err))
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return ErrUnavailable.Why(whySlow).Because(redact(err))
	case errors.Is(err, context.Canceled), errors.As(err, &network),
		errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		return ErrUnavailable.Because(redact(err))
	}
	return ErrUpstream.Why(whyBroken).Because(redact(err))
}

// tokenError says what an error answer of a token endpoint means (RFC 6749,
// section 5.2, and what vendors made of it). The body decides before the
// status: GitHub answers 200, Globus 401 to a bad code.
func tokenError(r *http.Response, code, description string) *broker.Error {
	status := 0
	if r != nil {
		status = r.StatusCode
	}
	detail := fmt.Errorf("token endpoint: status %d, error %q: %s", status, clean(code), clean(description))
	switch code {
	case "invalid_grant", "bad_verification_code", "bad_refresh_token":
		return ErrRestart.Because(detail)
	case "access_denied":
		return ErrDenied.Because(detail)
	case "unverified_user_email":
		return ErrUnverified.Because(detail)
	case "invalid_client", "unauthorized_client", "unauthorized", "incorrect_client_credentials", "redirect_uri_mismatch",
		"invalid_request", "invalid_scope", "unsupported_grant_type":
		return ErrMisconfigured.Because(detail)
	case "temporarily_unavailable", "server_error", "slow_down":
		return ErrUnavailable.Because(detail)
	}
	if unavailable(status) {
		return ErrUnavailable.Because(detail)
	}
	if code == "" {
		return ErrUpstream.Why(whyBroken).Because(detail)
	}
	return ErrUpstream.Because(detail)
}

// unavailable tells whether a status means: later, perhaps.
func unavailable(status int) bool {
	return status == http.StatusTooManyRequests || status == http.StatusRequestTimeout || status >= 500
}

// redacted is an error whose text can be logged: the query of a URL, which can
// carry tokens, is gone, and it is short. The cause stays for errors.Is.
type redacted struct {
	text  string
	cause error
}

func (r *redacted) Error() string { return r.text }
func (r *redacted) Unwrap() error { return r.cause }

// redact makes an error fit for the log. url.Error prints the whole URL; host
// and path are kept of it.
func redact(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	var ue *url.Error
	if errors.As(err, &ue) {
		where := "the provider"
		if u, perr := url.Parse(ue.URL); perr == nil {
			where = u.Host + u.Path
		}
		// whatever stood around it goes too: it may repeat the URL
		text = ue.Op + " " + where + ": " + ue.Err.Error()
	}
	return &redacted{text: clean(text), cause: err}
}
