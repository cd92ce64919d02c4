package tokens

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ory/fosite"

	"idbroker/broker"
)

const (
	// objectLife is how far away the end of a request object may be. It is as
	// good as a link until then, so nobody loses much by an hour.
	objectLife = time.Hour
	// objectType is the "typ" of a request object that follows RFC 9101 alone.
	objectType = "oauth-authz-req+jwt"
)

// objectTypes are the values of "typ" that a request object may have (RFC 9101,
// section 10.8). Anything else is a JWT for another purpose.
var objectTypes = []string{"", "jwt", objectType}

var (
	errObject         = refuse(fosite.ErrInvalidRequestObject, "The request object is malformed, or not signed by a key of the client.")
	errObjectType     = refuse(fosite.ErrInvalidRequestObject, "The JWT is not a request object, or has an algorithm that the client is not registered for.")
	errObjectParties  = refuse(fosite.ErrInvalidRequestObject, "The request object must be issued by the client, name it, and be meant for the issuer.")
	errObjectTime     = refuse(fosite.ErrInvalidRequestObject, "The request object has expired, begins later, or lasts longer than an hour.")
	errObjectContents = refuse(fosite.ErrInvalidRequestObject, "The request object has a parameter that cannot be in it.")
	errObjectBoth     = refuse(fosite.ErrInvalidRequest, "A request has a request object or the address of one, not both.")
	errObjectKeys     = refuse(fosite.ErrRequestNotSupported, "The client has registered no keys, so its request objects cannot be verified.")
	errObjectFetch    = refuse(fosite.ErrRequestURINotSupported, "The client's request objects are not fetched.")
	errObjectURI      = refuse(fosite.ErrInvalidRequestURI, "The request_uri is not registered, cannot be reached, or does not have the contents that it names.")
)

// parseSigned checks a request that may have a request object (RFC 9101; OpenID
// Connect Core 1.0, section 6). Where the object is refused, the client is told
// so if the request itself names a redirect URI to be trusted; what the object
// says of it does not count then.
func (s *Service) parseSigned(ctx context.Context, form url.Values, repeated []string, pushed bool) (*Authorization, error) {
	if !form.Has("request") && !form.Has("request_uri") {
		return s.parse(ctx, form, repeated, origin{pushed: pushed})
	}
	signed, err := s.unfold(ctx, form)
	if err == nil {
		return s.parse(ctx, signed, repeated, origin{pushed, true})
	}
	var refusal *fosite.RFC6749Error
	if !errors.As(err, &refusal) || !form.Has("redirect_uri") {
		return nil, errRequestInvalid.Because(err)
	}
	a, untrusted := s.trust(ctx, form, repeated)
	if untrusted != nil {
		return nil, untrusted
	}
	return a, err
}

// unfold returns the parameters that the client signed.
func (s *Service) unfold(ctx context.Context, form url.Values) (url.Values, error) {
	if form.Has("request") && form.Has("request_uri") {
		return nil, errObjectBoth
	}
	c, err := s.store.Client(ctx, form.Get("client_id"))
	switch {
	case errors.Is(err, broker.ErrNotFound), err == nil && !c.DisabledAt.IsZero():
		return url.Values{"client_id": form["client_id"]}, nil // trust says which
	case err != nil:
		return nil, err
	case !hasKeys(c) && form.Has("request_uri"):
		return nil, errObjectFetch
	case !hasKeys(c):
		return nil, errObjectKeys
	}
	object := form.Get("request")
	if form.Has("request_uri") {
		if object, err = s.fetchObject(ctx, c, form.Get("request_uri")); err != nil {
			return nil, err
		}
	}
	if object, err = s.openObject(ctx, c, object); err != nil {
		return nil, err
	}
	j, err := s.readObject(ctx, c, object)
	if err != nil {
		return nil, err
	}
	return objectParams(j, c, form)
}

// fetchObject gets a request object that the client publishes. Addresses are
// registered, with the SHA-256 of the contents as fragment or without (OpenID
// Connect Core 1.0, section 6.2).
func (s *Service) fetchObject(ctx context.Context, c broker.Client, uri string) (string, error) {
	bare, hash, _ := strings.Cut(uri, "#")
	switch {
	case s.o.Fetcher == nil:
		return "", errObjectFetch
	case !slices.Contains(c.Metadata.RequestURIs, uri) && !slices.Contains(c.Metadata.RequestURIs, bare):
		return "", errObjectURI
	}
	body, err := s.o.Fetcher.Get(ctx, bare, 0)
	if err != nil {
		s.log.InfoContext(ctx, "request object not fetched", "client", c.ID, "err", err)
		return "", errObjectURI
	}
	if sum := sha256.Sum256(body); hash != "" && strings.TrimRight(hash, "=") != base64.RawURLEncoding.EncodeToString(sum[:]) {
		return "", errObjectURI
	}
	return strings.TrimSpace(string(body)), nil
}

// readObject verifies a request object (RFC 9101, section 6). It must say who
// made it and for whom; until when, it may (section 4). "none" is no signature.
func (s *Service) readObject(ctx context.Context, c broker.Client, object string) (clientJWT, error) {
	j, err := readClientJWT(object)
	if err != nil {
		return j, errObject
	}
	if alg := c.Metadata.RequestObjectSigningAlg; !slices.Contains(objectTypes, j.typ) || alg != "" && sameAlg(j.alg) != sameAlg(alg) {
		return j, errObjectType
	}
	if err := s.verifyBy(ctx, c, j); err != nil {
		s.log.InfoContext(ctx, "request object refused", "client", c.ID, "err", err)
		return j, errObject
	}
	now := time.Now()
	if _, ok := j.within(now, objectLife); !ok && (j.claims["exp"] != nil || !j.begun(now)) {
		return j, errObjectTime
	}
	switch {
	case !j.is("iss", c.ID), !j.meantFor(s.o.Issuer):
		return j, errObjectParties
	case j.is("sub", c.ID): // a client assertion (RFC 9101, section 10.8)
		return j, errObjectType
	case !j.is("client_id", c.ID) && (j.typ == objectType || j.claims["client_id"] != nil):
		return j, errObjectParties
	}
	return j, nil
}

// meantFor tells whether the audience is somebody, or has them in it.
func (j clientJWT) meantFor(who string) bool {
	var list []string
	if json.Unmarshal(j.claims["aud"], &list) == nil {
		return slices.Contains(list, who)
	}
	return j.is("aud", who)
}

// objectParams are the parameters of an authorization request that is signed:
// those in the object. What stands beside it does not count (RFC 9101, section
// 6.3), but for response_type and scope where OpenID Connect leaves them outside
// and the object is not of RFC 9101's own type: these must be there anyway for
// the request to be one of OAuth 2.0 (OpenID Connect Core 1.0, section 6.1).
func objectParams(j clientJWT, c broker.Client, outer url.Values) (url.Values, error) {
	form := url.Values{}
	for _, name := range []string{"request", "request_uri"} {
		if j.claims[name] != nil {
			return nil, errObjectContents
		}
	}
	for _, name := range authorizeParams {
		raw := j.claims[name]
		if raw == nil {
			continue
		}
		value, ok := paramText(name, raw)
		if !ok {
			return nil, errObjectContents
		}
		if value != "" {
			form.Set(name, value)
		}
	}
	form.Set("client_id", c.ID)
	if j.typ != objectType {
		if t := form.Get("response_type"); t != "" && outer.Has("response_type") && !sameWords(t, outer.Get("response_type")) {
			return nil, refuse(fosite.ErrInvalidRequest, "The response_type is not that of the request object.")
		}
		for _, name := range []string{"response_type", "scope"} {
			if !form.Has(name) && outer.Has(name) {
				form.Set(name, outer.Get(name))
			}
		}
	}
	return form, nil
}

// sameWords compares parameters that are words in any order.
func sameWords(a, b string) bool {
	return slices.Equal(slices.Sorted(strings.FieldsSeq(a)), slices.Sorted(strings.FieldsSeq(b)))
}

// jsonParams are the parameters that are JSON objects.
var jsonParams = []string{"claims", "registration"}

// paramText is a member of a request object as a form has it: text as it is,
// numbers in digits, and JSON where the parameter is some.
func paramText(name string, raw json.RawMessage) (string, bool) {
	switch raw[0] {
	case '"':
		var value string
		err := json.Unmarshal(raw, &value)
		return value, err == nil
	case '{':
		var b bytes.Buffer
		err := json.Compact(&b, raw)
		return b.String(), err == nil && slices.Contains(jsonParams, name)
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return string(raw), name == "max_age"
	}
	return "", false // null, true, false, a list
}
