package providers

import (
	"time"

	"golang.org/x/oauth2"

	"idbroker/broker"
)

// maxGlobusTokens bounds the tokens of one answer: one a resource server, and
// nobody asks for more than a handful.
const maxGlobusTokens = 20

// globusToken is one of the tokens of an answer.
type globusToken struct {
	server, access, refresh, scope string
	expires                        time.Time // zero: not told
}

// globusAll is where the tokens of an answer are kept in the main one.
const globusAll = "idbroker tokens"

// readGlobusTokens reads the tokens of an answer, in its order. Each has a
// resource server of its own. After an error it returns what stood before it.
func readGlobusTokens(t *oauth2.Token) ([]globusToken, error) {
	if all, ok := t.Extra(globusAll).([]globusToken); ok {
		return all, nil
	}
	first := globusToken{access: t.AccessToken, refresh: t.RefreshToken, expires: t.Expiry}
	first.server, _ = t.Extra("resource_server").(string)
	first.scope, _ = t.Extra("scope").(string)
	all := []globusToken{first}
	if first.server == "" {
		return all, ErrUpstream.Becausef("token endpoint: a token without resource server")
	}
	asked := time.Now()
	if life, err := lifetime(t.Extra("expires_in")); err == nil && life > 0 {
		asked = t.Expiry.Add(-life)
	}
	others, ok := t.Extra("other_tokens").([]any)
	if !ok && t.Extra("other_tokens") != nil || len(others) >= maxGlobusTokens {
		return all, ErrUpstream.Becausef("token endpoint: other_tokens is no list of a sensible size")
	}
	for _, m := range others {
		o, _ := m.(map[string]any)
		c := claims(o)
		next := globusToken{server: c.text("resource_server"), access: c.str("access_token"), refresh: c.str("refresh_token"), scope: c.str("scope")}
		if next.server == "" || next.access == "" {
			return all, ErrUpstream.Becausef("token endpoint: a token of other_tokens is incomplete")
		}
		for _, before := range all {
			if before.server == next.server {
				return all, ErrUpstream.Becausef("token endpoint: two tokens for %q", clean(next.server))
			}
		}
		if life, err := lifetime(o["expires_in"]); err == nil {
			next.expires = endsAt(asked, life)
		}
		all = append(all, next)
	}
	return all, nil
}

// globusAnswer makes the token for Globus Auth the main one, wherever it stands:
// at_hash and userinfo are about it.
func globusAnswer(t *oauth2.Token) (*oauth2.Token, error) {
	all, err := readGlobusTokens(t)
	if err != nil {
		return nil, err
	}
	for _, one := range all {
		if one.server == globusServer {
			main := &oauth2.Token{AccessToken: one.access, RefreshToken: one.refresh, TokenType: t.TokenType, Expiry: one.expires}
			return main.WithExtra(map[string]any{"id_token": t.Extra("id_token"), "scope": one.scope, globusAll: all}), nil
		}
	}
	return nil, ErrUpstream.Becausef("token endpoint: no token for %s", globusServer)
}

// globusTokens are the main token and those for other resource servers.
func globusTokens(p *openID, s *session, main broker.RemoteToken) []broker.RemoteToken {
	tokens := []broker.RemoteToken{main}
	all, _ := readGlobusTokens(s.token)
	for _, one := range all {
		if one.server != globusServer {
			tokens = append(tokens, broker.RemoteToken{
				Kind: one.server, AccessToken: broker.Secret(one.access), RefreshToken: broker.Secret(one.refresh),
				TokenType: main.TokenType, Scopes: splitScopes(one.scope), ExpiresAt: one.expires, UpdatedAt: p.env.now(),
			})
		}
	}
	return tokens
}

// renewedGlobus picks the token of the resource server that the refresh token was
// for: each has its own.
func renewedGlobus(t *oauth2.Token, kind, _ string) (*oauth2.Token, error) {
	all, err := readGlobusTokens(t)
	if err != nil {
		return t, err
	}
	if kind == "" {
		kind = globusServer
	}
	for _, one := range all {
		if one.server == kind {
			picked := &oauth2.Token{AccessToken: one.access, RefreshToken: one.refresh, TokenType: t.TokenType, Expiry: one.expires}
			return picked.WithExtra(map[string]any{"id_token": t.Extra("id_token"), "scope": one.scope}), nil
		}
	}
	return t, ErrUpstream.Becausef("token endpoint: no token for %s", clean(kind))
}
