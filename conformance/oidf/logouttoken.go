package oidf

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

func backchannel(section string) Clause {
	return Clause("OpenID Connect Back-Channel Logout 1.0, " + section)
}

const (
	logoutEvent = "http://schemas.openid.net/event/backchannel-logout"
	logoutType  = "logout+jwt"
	// maxLogoutLife is how long a logout token should be good for (OpenID Connect
	// Back-Channel Logout 1.0, section 4).
	maxLogoutLife = 2 * time.Minute
)

// WantLogout is what a logout token is held to.
type WantLogout struct {
	Issuer, ClientID, Secret string
	Algs                     []string
	Subject, SID             string // of the ID token; "": it has none
	SIDRequired              bool   // backchannel_logout_session_required
	Now                      time.Time
}

// CheckLogoutToken checks a logout token clause by clause (OpenID Connect
// Back-Channel Logout 1.0, sections 2.4 and 2.6); keys are the OP's with the key
// id, or all where it is "".
func CheckLogoutToken(raw string, keys func(kid string) []jose.JSONWebKey, w WantLogout) (Claims, []Finding) {
	var found []Finding
	check := func(ok bool, c Clause, format string, a ...any) bool {
		found = append(found, Finding{Clause: c, OK: ok, Text: fmt.Sprintf(format, a...)})
		return ok
	}
	should := func(ok bool, c Clause, format string, a ...any) {
		check(ok, c, format, a...)
		found[len(found)-1].Should = true
	}
	signed, err := jose.ParseSignedCompact(raw, signatures)
	if !check(err == nil, backchannel("2.4"), "the logout token is a signed JWT with an algorithm other than none (%v)", err) {
		return nil, found
	}
	h := signed.Signatures[0].Header
	check(len(w.Algs) == 0 || slices.Contains(w.Algs, h.Algorithm), backchannel("2.6 (3)"), "alg %s is one of %s", h.Algorithm, strings.Join(w.Algs, " "))
	kind, _ := h.ExtraHeaders["typ"].(string)
	should(strings.EqualFold(strings.TrimPrefix(strings.ToLower(kind), "application/"), logoutType), backchannel("2.4"), "typ is %s, so that nobody takes the token for another; it is %q", logoutType, kind)
	payload, ok := verify(signed, h, keys, w.Secret)
	if !check(ok, backchannel("2.6 (2)"), "the signature (alg %s, kid %q) is of a key in jwks_uri", h.Algorithm, h.KeyID) {
		return nil, found
	}
	if !strings.HasPrefix(h.Algorithm, "HS") {
		check(h.KeyID != "" || len(keys("")) == 1, core("10.1"), "kid is there where the OP has several keys")
	}
	o, err := object(payload)
	if !check(err == nil, backchannel("2.4"), "the claims are a JSON object (%v)", err) {
		return nil, found
	}
	c := Claims(o)
	check(c.Text("iss") == w.Issuer, backchannel("2.6 (4)"), "iss %q is the issuer %s", c.Text("iss"), w.Issuer)
	check(slices.Contains(audience(c), w.ClientID), backchannel("2.6 (4)"), "aud has the client_id")
	iat, exp := c.Time("iat"), c.Time("exp")
	check(!iat.IsZero() && iat.Before(w.Now.Add(skew)), backchannel("2.6 (4)"), "iat is a time that has come")
	check(!exp.IsZero() && w.Now.Before(exp.Add(skew)), backchannel("2.6 (4)"), "exp is a time that has not come")
	should(exp.IsZero() || iat.IsZero() || exp.Sub(iat) <= maxLogoutLife, backchannel("4"), "the token lives for %s at most, not %s", maxLogoutLife, exp.Sub(iat))
	check(c.Text("jti") != "", backchannel("2.4"), "jti is a string that names the token")
	checkWho(c, w, check)
	events, _ := c["events"].(map[string]any)
	event, isObject := events[logoutEvent].(map[string]any)
	check(isObject, backchannel("2.6 (6)"), "events has the member %s, an object", logoutEvent)
	should(len(event) == 0, backchannel("2.4"), "the member of events is the empty object")
	_, nonce := c["nonce"]
	check(!nonce, backchannel("2.6 (7)"), "there is no nonce")
	return c, found
}

// checkWho checks whom and which session the token is about.
func checkWho(c Claims, w WantLogout, check checker) {
	sub, hasSub := c["sub"]
	sid, hasSID := c["sid"]
	check(hasSub || hasSID, backchannel("2.6 (5)"), "sub or sid says who is signed out")
	if hasSub {
		check(sub != "" && sub == w.Subject, backchannel("2.6 (10)"), "sub is that of the ID token")
	}
	if hasSID {
		check(sid != "" && sid == w.SID, backchannel("2.6 (11)"), "sid is that of the ID token")
	} else {
		check(!w.SIDRequired, backchannel("2.2"), "sid is there, since the client registered backchannel_logout_session_required")
	}
}

// audience is aud, a string or a list.
func audience(c Claims) []string {
	switch aud := c["aud"].(type) {
	case string:
		return []string{aud}
	case []any:
		return Metadata{"aud": aud}.List("aud")
	}
	return nil
}
