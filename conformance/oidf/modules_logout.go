package oidf

import (
	"encoding/base64"
	"net/url"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// logoutModules are about logout requests (OpenID Connect RP-Initiated Logout 1.0).
func logoutModules() []Module {
	const unproven = "with a request that does not prove whose it is"
	module := func(name, summary string, run func(*Run), c ...Clause) Module {
		return Module{Name: "oidcc-rp-initiated-logout" + name, Summary: summary, Clauses: c, Run: run}
	}
	return []Module{
		module("-discovery-endpoint-verification", "Looks for end_session_endpoint in the metadata.", func(r *Run) { r.checkURL(r.endSession(), "end_session_endpoint", rpLogout("2.1")) }, rpLogout("2.1")),
		module("", "Signs out with everything that a logout request has.", func(r *Run) {
			r.logoutClient(nil)
			s := r.SignOut(r.farewell(r.SignIn()))
			r.CameBack(s)
			r.Ended()
		}, rpLogout("2"), rpLogout("3")),
		module("-no-state", "Signs out without state.", func(r *Run) {
			r.logoutClient(nil)
			request := r.farewell(r.SignIn())
			request.Del("state")
			s := r.SignOut(request)
			r.CameBack(s)
			r.Ended()
		}, rpLogout("2"), rpLogout("3")),
		module("-no-post-logout-redirect-uri", "Signs out without saying where to go.", func(r *Run) {
			r.logoutClient(nil)
			s := r.SignOut(url.Values{"id_token_hint": {r.SignIn().RawIDToken()}})
			r.StayedAtOP(s, rpLogout("3"), "where none is named")
			r.Ended()
		}, rpLogout("2"), rpLogout("3")),
		module("-no-params", "Asks for a sign-out and says nothing else.", func(r *Run) {
			r.unproven(func(Flow) url.Values { return nil }, unproven, false)
		}, rpLogout("2")),
		module("-only-state", "Asks for a sign-out with nothing but state.", func(r *Run) {
			r.unproven(func(Flow) url.Values { return url.Values{"state": {random()}} }, unproven, false)
		}, rpLogout("2")),
		module("-no-id-token-hint", "Says where to go, and not who asks.", func(r *Run) {
			r.unproven(func(f Flow) url.Values {
				request := r.farewell(f)
				request.Del("id_token_hint")
				return request
			}, unproven, true)
		}, rpLogout("2"), rpLogout("3")),
		module("-modified-id-token-hint", "Sends the ID token with alg none and without its signature.", func(r *Run) {
			r.unproven(func(f Flow) url.Values {
				request := r.farewell(f)
				header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`))
				request.Set("id_token_hint", header+"."+payloadOf(f.RawIDToken())+".")
				return request
			}, "with an id_token_hint that was altered", true)
		}, rpLogout("2"), rpLogout("4")),
		module("-bad-id-token-hint", "Sends the ID token with somebody else's signature.", func(r *Run) {
			r.unproven(func(f Flow) url.Values {
				request := r.farewell(f)
				request.Set("id_token_hint", r.forged(f.RawIDToken()))
				return request
			}, "with an id_token_hint that somebody else signed", true)
		}, rpLogout("2"), rpLogout("4")),
		module("-bad-post-logout-redirect-uri", "Wants to go where it is not registered.", func(r *Run) {
			r.elsewhere(r.PostLogoutRedirectURI() + "/" + strings.ToLower(random()))
		}, rpLogout("3")),
		module("-query-added-to-post-logout-redirect-uri", "Wants to go where it is registered, with a query.", func(r *Run) {
			r.elsewhere(r.PostLogoutRedirectURI() + "?foo=bar")
		}, rpLogout("3")),
	}
}

// unproven signs in, sends a logout request that proves nothing, and checks that
// it leads nowhere and that the person was asked; an OP may refuse one that is
// wrong.
func (r *Run) unproven(request func(Flow) url.Values, why string, mayRefuse bool) {
	r.logoutClient(nil)
	s := r.SignOut(request(r.SignIn()))
	r.StayedAtOP(s, rpLogout("3"), why)
	r.AskedFirst(s, mayRefuse)
}

// elsewhere signs in and asks to go to an address that is not registered. Whether
// the person is signed out is the OP's choice.
func (r *Run) elsewhere(uri string) {
	r.logoutClient(nil)
	request := r.farewell(r.SignIn())
	request.Set("post_logout_redirect_uri", uri)
	r.StayedAtOP(r.SignOut(request), rpLogout("3"), "at an address that is not registered, character by character")
}

// checkURL checks an address of the metadata.
func (r *Run) checkURL(address, name string, c Clause) bool {
	u, err := url.Parse(address)
	return r.Check(err == nil && u.Host != "" && u.Fragment == "" && (u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname())), c,
		"%s is an https URL (http on the loopback interface) without fragment: %q", name, address)
}

// forged is a token with the same header and claims, signed with another key.
func (r *Run) forged(raw string) string {
	h, alg := r.header(raw), jose.RS256
	if strings.HasPrefix(h.Algorithm, "RS") || strings.HasPrefix(h.Algorithm, "PS") || h.Algorithm == string(jose.ES256) {
		alg = jose.SignatureAlgorithm(h.Algorithm)
	}
	keys := r.NewKeys().Keys
	key := keys[0].Key
	if alg == jose.ES256 {
		key = keys[1].Key
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", h.KeyID))
	if err != nil {
		r.Fatal(journey, "sign: %v", err)
	}
	payload, err := base64.RawURLEncoding.DecodeString(payloadOf(raw))
	if err != nil {
		r.Fatal(core("2"), "the ID token is a JWT: %v", err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		r.Fatal(journey, "sign: %v", err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		r.Fatal(journey, "sign: %v", err)
	}
	return token
}

// payloadOf is the middle of a JWT, as it stands there.
func payloadOf(raw string) string {
	if parts := strings.Split(raw, "."); len(parts) == 3 {
		return parts[1]
	}
	return ""
}
