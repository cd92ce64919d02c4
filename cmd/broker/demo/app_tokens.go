package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"idbroker/broker"
)

var errNobody = errors.New("nobody is signed in at this application")

// change runs fn on a copy of what the browser's visit holds, keeps the copy
// and says notice on the start page; or shows the error.
func (a *app) change(w http.ResponseWriter, r *http.Request, problem string, fn func(ctx context.Context, is *issuer, in *signedIn) (notice string, err error)) {
	ctx, cancel := withTimeout(r)
	defer cancel()
	var in signedIn
	a.visits.with(w, r, false, func(v *visit) {
		if v.signedIn != nil {
			in = *v.signedIn
		}
	})
	if in.token == nil {
		a.fail(w, http.StatusForbidden, "You are not signed in here.", errNobody)
		return
	}
	is, err := a.discover(ctx)
	if err != nil {
		a.fail(w, http.StatusServiceUnavailable, "The broker does not answer. Try again in a moment.", err)
		return
	}
	notice, err := fn(oidc.ClientContext(ctx, a.http), is, &in)
	if err != nil {
		a.fail(w, http.StatusBadGateway, problem, err)
		return
	}
	a.visits.with(w, r, false, func(v *visit) { v.signedIn, v.notice = &in, notice })
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// postRefresh serves POST /refresh: new tokens for the refresh token (RFC 6749,
// section 6).
func (a *app) postRefresh(w http.ResponseWriter, r *http.Request) {
	a.change(w, r, "The broker gave no new tokens.", func(ctx context.Context, is *issuer, in *signedIn) (string, error) {
		if in.token.RefreshToken == "" {
			return "", errors.New("the broker gave no refresh token")
		}
		before := in.token.RefreshToken
		token, err := is.oauth.TokenSource(ctx, &oauth2.Token{RefreshToken: before}).Token()
		if err != nil {
			return "", err
		}
		in.token, in.at = token, time.Now()
		notice := "The access token is new; the refresh token is the old one."
		if token.RefreshToken != before {
			notice = "Both tokens are new: the refresh token was rotated."
		}
		if token.Extra("id_token") == nil { // OpenID Connect Core 1.0, section 12.2: it may be missing
			a.askUserInfo(ctx, is, in)
			return notice, nil
		}
		id, err := a.verify(ctx, is, in)
		if err != nil {
			return "", err
		}
		if id.Subject != in.subject {
			return "", errors.New("the new ID token is about somebody else")
		}
		a.askUserInfo(ctx, is, in)
		return notice, nil
	})
}

// postUserInfo serves POST /userinfo: asks again.
func (a *app) postUserInfo(w http.ResponseWriter, r *http.Request) {
	a.change(w, r, "", func(ctx context.Context, is *issuer, in *signedIn) (string, error) {
		if a.askUserInfo(ctx, is, in); in.userErr != "" {
			return "The broker no longer tells who you are: the tokens are not valid.", nil
		}
		return "The broker was asked again.", nil
	})
}

// postRevoke serves POST /revoke: gives the tokens back (RFC 7009).
func (a *app) postRevoke(w http.ResponseWriter, r *http.Request) {
	a.change(w, r, "The tokens were not revoked.", func(ctx context.Context, is *issuer, in *signedIn) (string, error) {
		if is.revocation == "" {
			return "", errors.New("the broker has no revocation endpoint")
		}
		form := url.Values{"token": {in.token.AccessToken}, "token_type_hint": {"access_token"}}
		if in.token.RefreshToken != "" {
			form = url.Values{"token": {in.token.RefreshToken}, "token_type_hint": {"refresh_token"}}
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, is.revocation, strings.NewReader(form.Encode()))
		if err != nil {
			return "", err
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.SetBasicAuth(url.QueryEscape(ClientID), url.QueryEscape(a.secret.Reveal()))
		res, err := a.http.Do(req)
		if err != nil {
			return "", err
		}
		defer func() { _ = res.Body.Close() }()
		if res.StatusCode != http.StatusOK {
			return "", fmt.Errorf("the broker answered %s", res.Status)
		}
		return "The tokens were revoked. Ask for the userinfo again to see that they are worth nothing now.", nil
	})
}

// postSignOut serves POST /sign-out: forgets the person here and asks the
// broker to do the same (OpenID Connect RP-Initiated Logout 1.0).
func (a *app) postSignOut(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := withTimeout(r)
	defer cancel()
	var hint string
	a.visits.with(w, r, false, func(v *visit) {
		if v.signedIn != nil {
			hint = v.signedIn.rawID
		}
	})
	a.visits.end(r)
	http.SetCookie(w, &http.Cookie{Name: appCookie, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	is, err := a.discover(ctx)
	if err != nil || is.endSession == "" || hint == "" {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	to, err := withQuery(is.endSession, url.Values{
		"id_token_hint": {hint}, "client_id": {ClientID},
		"post_logout_redirect_uri": {a.baseURL + signedOutPath}, "state": {broker.NewID()},
	})
	if err != nil {
		a.fail(w, http.StatusBadGateway, "The broker's sign-out cannot be reached.", err)
		return
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// claimRow is a claim as it is shown.
type claimRow struct{ Name, Value, Time string }

// timeClaims are shown as times, too.
var timeClaims = []string{"exp", "iat", "nbf", "auth_time", "updated_at"}

func viewOf(in *signedIn) *inView {
	v := &inView{
		Claims: rowsOf(in.claims), UserInfo: rowsOf(in.userInfo), UserErr: in.userErr,
		CanRefresh: in.token.RefreshToken != "", At: in.at.Format(time.TimeOnly),
	}
	if !in.token.Expiry.IsZero() {
		v.Expiry = in.token.Expiry.Format(time.TimeOnly)
	}
	for _, name := range []string{"sub", "email", "preferred_username", "name"} { // the last that is there wins
		for _, row := range slices.Concat(v.Claims, v.UserInfo) {
			if row.Name == name && row.Value != "" {
				v.Called = row.Value
			}
		}
	}
	return v
}

// rowsOf lists the claims of a JSON object by name; numbers as they stand.
func rowsOf(object json.RawMessage) []claimRow {
	var claims map[string]json.RawMessage
	if err := json.Unmarshal(object, &claims); err != nil {
		return nil
	}
	var rows []claimRow
	for name, raw := range claims {
		row := claimRow{Name: name, Value: string(raw)}
		var text string
		if bytes.HasPrefix(raw, []byte{'"'}) && json.Unmarshal(raw, &text) == nil {
			row.Value = text
		}
		if slices.Contains(timeClaims, name) {
			if n, err := strconv.ParseInt(row.Value, 10, 64); err == nil {
				row.Time = time.Unix(n, 0).Format("2006-01-02 15:04:05")
			}
		}
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b claimRow) int { return strings.Compare(a.Name, b.Name) })
	return rows
}
