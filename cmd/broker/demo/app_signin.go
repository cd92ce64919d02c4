package demo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"idbroker/broker"
)

// prompts are the values of "prompt" that a button of ours sends.
var prompts = []string{"login", "select_account", "consent", "none"}

// getSignIn serves GET /sign-in: it remembers state, nonce and PKCE verifier and
// sends the person to the broker.
func (a *app) getSignIn(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := withTimeout(r)
	defer cancel()
	is, err := a.discover(ctx)
	if err != nil {
		a.fail(w, http.StatusServiceUnavailable, "The broker does not answer yet. Try again in a moment.", err)
		return
	}
	state, d := broker.NewSecret().Reveal(), departure{
		nonce: broker.NewSecret().Reveal(), verifier: oauth2.GenerateVerifier(), at: time.Now(),
	}
	options := []oauth2.AuthCodeOption{oidc.Nonce(d.nonce), oauth2.S256ChallengeOption(d.verifier)}
	if p := r.URL.Query().Get("prompt"); slices.Contains(prompts, p) {
		options = append(options, oauth2.SetAuthURLParam("prompt", p))
	}
	a.visits.with(w, r, true, func(v *visit) { v.depart(state, d) })
	http.Redirect(w, r, is.oauth.AuthCodeURL(state, options...), http.StatusSeeOther)
}

// getCallback serves GET /callback, where the broker sends the person back.
func (a *app) getCallback(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := withTimeout(r)
	defer cancel()
	q := r.URL.Query()
	var d departure
	known := false
	a.visits.with(w, r, false, func(v *visit) { d, known = v.arrive(q.Get("state"), time.Now()) })
	if !known {
		a.fail(w, http.StatusBadRequest, "This answer belongs to no sign-in that was begun in this browser.", nil)
		return
	}
	is, err := a.discover(ctx)
	if err != nil {
		a.fail(w, http.StatusServiceUnavailable, "The broker does not answer. Try again in a moment.", err)
		return
	}
	if iss := q.Get("iss"); iss != a.issuer && (is.sendsIss || q.Has("iss")) { // RFC 9207, section 2.4
		a.fail(w, http.StatusBadRequest, "This answer does not come from the broker.", fmt.Errorf("iss is %q", iss))
		return
	}
	if code := q.Get("error"); code != "" {
		message := "The broker did not sign you in."
		if code == "access_denied" {
			message = "You did not let this application know who you are. Nothing was given to it."
		}
		a.fail(w, http.StatusForbidden, message, fmt.Errorf("%s: %s", code, q.Get("error_description")))
		return
	}
	in, err := a.redeem(ctx, is, q.Get("code"), d)
	if err != nil {
		a.fail(w, http.StatusBadGateway, "What the broker answered cannot be trusted.", err)
		return
	}
	a.visits.renew(w, r, func(v *visit) { v.signedIn = in })
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// redeem exchanges the code and verifies what comes (OpenID Connect Core 1.0,
// sections 3.1.3.7 and 5.3.2).
func (a *app) redeem(ctx context.Context, is *issuer, code string, d departure) (*signedIn, error) {
	ctx = oidc.ClientContext(ctx, a.http)
	token, err := is.oauth.Exchange(ctx, code, oauth2.VerifierOption(d.verifier))
	if err != nil {
		return nil, fmt.Errorf("redeem the code: %w", err)
	}
	in := &signedIn{token: token, at: time.Now()}
	id, err := a.verify(ctx, is, in)
	if err != nil {
		return nil, err
	}
	if id.Nonce == "" || id.Nonce != d.nonce {
		return nil, errors.New("the ID token has another nonce")
	}
	in.subject = id.Subject
	a.askUserInfo(ctx, is, in)
	return in, nil
}

// verify checks the ID token beside in.token and keeps its claims.
func (a *app) verify(ctx context.Context, is *issuer, in *signedIn) (*oidc.IDToken, error) {
	raw, ok := in.token.Extra("id_token").(string)
	if !ok {
		return nil, errors.New("the answer has no ID token")
	}
	id, err := is.verifier.Verify(ctx, raw)
	if err != nil {
		return nil, fmt.Errorf("verify the ID token: %w", err)
	}
	if id.AccessTokenHash != "" {
		if err := id.VerifyAccessToken(in.token.AccessToken); err != nil {
			return nil, fmt.Errorf("verify the ID token: %w", err)
		}
	}
	in.rawID, in.claims = raw, nil // a RawMessage is decoded into the bytes that it has, and a copy of in shares them
	return id, id.Claims(&in.claims)
}

// askUserInfo fetches the userinfo of in, whose subject must be the one of the
// ID token.
func (a *app) askUserInfo(ctx context.Context, is *issuer, in *signedIn) {
	in.userInfo, in.userErr = nil, ""
	info, err := is.provider.UserInfo(oidc.ClientContext(ctx, a.http), oauth2.StaticTokenSource(in.token))
	if err != nil {
		in.userErr = err.Error()
		return
	}
	if info.Subject != in.subject {
		in.userErr = "the subject is not that of the ID token"
		return
	}
	if err := info.Claims(&in.userInfo); err != nil {
		in.userErr = err.Error()
	}
}
