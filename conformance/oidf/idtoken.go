package oidf

import (
	"crypto"
	_ "crypto/sha256" // hashes of signature algorithms
	_ "crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	// skew is how far clocks may be apart (OpenID Connect Core 1.0, section
	// 3.1.3.7 (9): "usually no more than a few minutes").
	skew = 2 * time.Minute
	// maxAge is how long ago a fresh ID token may have been issued.
	maxAge = 5 * time.Minute
	// maxSubject is the longest sub (OpenID Connect Core 1.0, section 2).
	maxSubject = 255
)

// signatures are the algorithms that are understood.
var signatures = []jose.SignatureAlgorithm{
	jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA, jose.HS256, jose.HS384, jose.HS512,
}

// Claims are the claims of an ID token or of userinfo. Numbers are json.Number.
type Claims map[string]any

// Text is a claim that is a string; "" none.
func (c Claims) Text(name string) string {
	s, _ := c[name].(string)
	return s
}

// Time is a claim that is a number of seconds; the zero time: none.
func (c Claims) Time(name string) time.Time {
	n, ok := c[name].(json.Number)
	if !ok {
		return time.Time{}
	}
	f, err := n.Float64()
	if err != nil {
		return time.Time{}
	}
	return time.Unix(int64(f), 0)
}

// Want is what an ID token is held to.
type Want struct {
	Issuer, ClientID, Secret string
	Nonce                    string // as it was sent; "": none was
	Algs                     []string
	// Code and AccessToken are what stands beside a token from the
	// authorization endpoint, which must have their hashes. A token from the
	// token endpoint is checked against at_hash only if it has one.
	Code, AccessToken string
	Front             bool // it came from the authorization endpoint
	AuthTime          bool // max_age was sent, or auth_time asked for
	Now               time.Time
}

// Finding is the result of one check of a token.
type Finding struct {
	Clause Clause
	OK     bool
	Text   string // what must be
	Should bool   // where it is not so, that is a warning
}

// CheckIDToken checks an ID token clause by clause; keys are the OP's with the
// key id, or all where it is "".
func CheckIDToken(raw string, keys func(kid string) []jose.JSONWebKey, w Want) (Claims, []Finding) {
	var found []Finding
	check := func(ok bool, c Clause, format string, a ...any) bool {
		found = append(found, Finding{Clause: c, OK: ok, Text: fmt.Sprintf(format, a...)})
		return ok
	}
	signed, err := jose.ParseSignedCompact(raw, signatures)
	if !check(err == nil, core("2"), "the ID token is a signed JWT with an algorithm other than none (%v)", err) {
		return nil, found
	}
	h := signed.Signatures[0].Header
	check(len(w.Algs) == 0 || slices.Contains(w.Algs, h.Algorithm), core("3.1.3.7 (7)"), "alg %s is one of %s", h.Algorithm, strings.Join(w.Algs, " "))
	payload, ok := verify(signed, h, keys, w.Secret)
	if !check(ok, core("3.1.3.7 (6)"), "the signature (alg %s, kid %q) is of a key in jwks_uri", h.Algorithm, h.KeyID) {
		return nil, found
	}
	if !strings.HasPrefix(h.Algorithm, "HS") {
		check(h.KeyID != "" || len(keys("")) == 1, core("10.1"), "kid is there where the OP has several keys")
	}
	o, err := object(payload)
	if !check(err == nil, core("2"), "the claims are a JSON object (%v)", err) {
		return nil, found
	}
	c := Claims(o)
	checkParties(c, w, check)
	checkTimes(c, w, check)
	if w.Nonce != "" {
		check(c.Text("nonce") == w.Nonce, core("3.1.3.7 (11)"), "nonce is as it was sent")
	} else {
		check(c["nonce"] == nil, core("2"), "there is no nonce where none was sent")
	}
	checkHashes(c, h.Algorithm, w, check)
	return c, found
}

type checker func(ok bool, c Clause, format string, a ...any) bool

func checkParties(c Claims, w Want, check checker) {
	check(c.Text("iss") == w.Issuer, core("3.1.3.7 (2)"), "iss %q is the issuer %s", c.Text("iss"), w.Issuer)
	audience := audience(c)
	check(slices.Contains(audience, w.ClientID), core("3.1.3.7 (3)"), "aud has the client_id")
	if azp, there := c["azp"]; there {
		check(azp == w.ClientID, core("3.1.3.7 (5)"), "azp is the client_id")
	} else {
		check(len(audience) < 2, core("3.1.3.7 (4)"), "azp is there where aud has several values")
	}
	sub := c.Text("sub")
	check(sub != "" && len(sub) <= maxSubject && strings.IndexFunc(sub, func(r rune) bool { return r > 127 }) < 0, core("2"), "sub is a string of at most %d ASCII characters", maxSubject)
}

func checkTimes(c Claims, w Want, check checker) {
	exp, iat := c.Time("exp"), c.Time("iat")
	check(!exp.IsZero() && w.Now.Before(exp.Add(skew)), core("3.1.3.7 (9)"), "exp is a time that has not come")
	check(!iat.IsZero() && iat.Before(w.Now.Add(skew)) && iat.After(w.Now.Add(-maxAge)), core("3.1.3.7 (10)"), "iat is a time of these minutes")
	at, there := c["auth_time"]
	check(there || !w.AuthTime, core("3.1.3.7 (13)"), "auth_time is there, since it was asked for")
	if there {
		t := c.Time("auth_time")
		check(!t.IsZero() && t.Before(w.Now.Add(skew)), core("2"), "auth_time %v is a time that has come", at)
	}
}

// checkHashes checks what binds the token to what came with it.
func checkHashes(c Claims, alg string, w Want, check checker) {
	hashClause := map[bool]Clause{true: core("3.3.2.11"), false: core("3.1.3.6")}[w.Front]
	if at, there := c["at_hash"]; there && w.AccessToken != "" {
		check(at == Hash(alg, w.AccessToken), hashClause, "at_hash is that of the access token")
	} else if w.Front && w.AccessToken != "" {
		check(false, core("3.2.2.10"), "at_hash is there, since an access token came from the authorization endpoint")
	}
	if ch, there := c["c_hash"]; there && w.Code != "" {
		check(ch == Hash(alg, w.Code), core("3.3.2.11"), "c_hash is that of the code")
	} else if w.Front && w.Code != "" {
		check(false, core("3.3.2.11"), "c_hash is there, since a code came from the authorization endpoint")
	}
}

// Hash is at_hash, c_hash or s_hash of a value for an algorithm (OpenID Connect
// Core 1.0, section 3.1.3.6); "" for an algorithm that is not known.
func Hash(alg, value string) string {
	var h crypto.Hash
	switch {
	case strings.HasSuffix(alg, "256"):
		h = crypto.SHA256
	case strings.HasSuffix(alg, "384"):
		h = crypto.SHA384
	case strings.HasSuffix(alg, "512"), alg == "EdDSA":
		h = crypto.SHA512
	default:
		return ""
	}
	sum := h.New()
	sum.Write([]byte(value))
	b := sum.Sum(nil)
	return base64.RawURLEncoding.EncodeToString(b[:len(b)/2])
}

// verify returns the payload if one of the keys made the signature.
func verify(signed *jose.JSONWebSignature, h jose.Header, keys func(string) []jose.JSONWebKey, secret string) ([]byte, bool) {
	if strings.HasPrefix(h.Algorithm, "HS") {
		if secret == "" {
			return nil, false
		}
		b, err := signed.Verify([]byte(secret))
		return b, err == nil
	}
	for _, k := range keys(h.KeyID) {
		if k.Use == "enc" || !k.IsPublic() || k.Algorithm != "" && k.Algorithm != h.Algorithm {
			continue
		}
		if b, err := signed.Verify(k.Key); err == nil {
			return b, true
		}
	}
	return nil, false
}
