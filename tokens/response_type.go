package tokens

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/ory/fosite"

	"idbroker/broker"
)

// Words of the response_type parameter (OAuth 2.0 Multiple Response Type
// Encoding Practices, sections 3 to 5).
const (
	responseCode    = "code"
	responseIDToken = "id_token"
	responseToken   = "token"
	responseNone    = "none"
)

// responseTypes are the response types that we answer, words in alphabetical
// order. "token" alone is none of them: it tells nobody who signed in, and an
// access token for anybody who finds it (RFC 9700, section 2.1.2).
var responseTypes = []string{
	responseCode, "id_token", "id_token token", "code id_token", "code token", "code id_token token", responseNone,
}

// ResponseTypes are the response types that a client can be registered for.
func ResponseTypes() []string { return slices.Clone(responseTypes) }

// ResponseType is text as ResponseTypes has it; "" it is none of them.
func ResponseType(text string) string {
	if t := canonicalType(text); slices.Contains(responseTypes, t) {
		return t
	}
	return ""
}

// canonicalType is a response type with its words in alphabetical order: their
// order says nothing (RFC 6749, section 3.1.1).
func canonicalType(text string) string {
	words := strings.Fields(text)
	slices.Sort(words)
	return strings.Join(words, " ")
}

// answersWith tells whether the answer to the request carries word.
func (a *Authorization) answersWith(word string) bool {
	return slices.Contains(strings.Fields(a.responseType), word)
}

// responseTypesOf are the response types that a client is registered for.
func responseTypesOf(c broker.Client) []string {
	if c.Metadata.ResponseTypes == nil {
		return []string{responseCode}
	}
	types := make([]string, 0, len(c.Metadata.ResponseTypes))
	for _, t := range c.Metadata.ResponseTypes {
		types = append(types, canonicalType(t))
	}
	return types
}

// checkResponse checks response type and response mode. A client answers for
// each response type that it is registered for: all but code are off until
// somebody asks.
func (s *Service) checkResponse(_ context.Context, a *Authorization, form url.Values) error {
	a.responseType = canonicalType(form.Get("response_type"))
	switch {
	case a.responseType == "":
		return refuse(fosite.ErrInvalidRequest, "The response_type is missing.")
	case !slices.Contains(responseTypes, a.responseType):
		return refuse(fosite.ErrUnsupportedResponseType, "The response type is not supported.")
	case !slices.Contains(responseTypesOf(a.Client), a.responseType):
		return refuse(fosite.ErrUnauthorizedClient, "The client is not registered for this response type.")
	case a.answersWith(responseCode) && !a.Client.MayGrant(broker.GrantCode):
		return refuse(fosite.ErrUnauthorizedClient, "The client is not registered for the authorization code grant.")
	case !a.modeOK:
		return errResponseMode
	}
	return nil
}

// checkTokens checks what belongs to tokens that travel through the browser:
// an ID token is for OpenID Connect, and one without a nonce could be anybody's
// (OpenID Connect Core 1.0, sections 3.2.2.1 and 3.3.2.1).
func (s *Service) checkTokens(_ context.Context, a *Authorization, form url.Values) error {
	if !a.answersWith(responseIDToken) {
		return nil
	}
	switch {
	case !slices.Contains(a.Scopes, scopeOpenID):
		return refuse(fosite.ErrInvalidScope, "This response type needs the scope openid.")
	case form.Get("nonce") == "":
		return refuse(fosite.ErrInvalidRequest, "This response type needs a nonce.")
	}
	return nil
}
