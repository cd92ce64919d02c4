package providertest

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/xml"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	githubTrouble = "https://docs.github.com/apps/oauth-apps/maintaining-oauth-apps/troubleshooting-"

	githubAccessLifetime  = 8 * time.Hour
	githubRefreshLifetime = 15811200 * time.Second
	// githubMaxTokens is how many tokens a user, app and set of scopes have.
	githubMaxTokens = 10
)

// token serves POST /login/oauth/access_token: errors too have status 200.
func (g *GitHub) token(w http.ResponseWriter, r *http.Request) {
	at := g.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := r.ParseForm(); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	id, secret, basic := r.BasicAuth()
	if basic { // RFC 6749, section 2.3.1: both halves are form-encoded
		id, _ = url.QueryUnescape(id)
		secret, _ = url.QueryUnescape(secret)
	} else {
		id, secret = r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	}
	if code := r.PostForm.Get("code"); code != "" {
		g.posts[code]++
	}
	app := g.apps[id]
	if app == nil || subtle.ConstantTimeCompare([]byte(app.Secret), []byte(secret)) != 1 {
		githubAnswer(w, r, githubError("incorrect_client_credentials", "The client_id and/or client_secret passed are incorrect."))
		return
	}
	switch r.PostForm.Get("grant_type") {
	case "", "authorization_code":
		githubAnswer(w, r, g.redeem(app, r.PostForm, at))
	case "refresh_token":
		githubAnswer(w, r, g.refresh(app, r.PostForm.Get("refresh_token"), at))
	default:
		githubAnswer(w, r, githubError("unsupported_grant_type", "The grant type is not supported."))
	}
}

// redeem exchanges a code. The caller holds mu.
func (g *GitHub) redeem(app *GitHubApp, form url.Values, at time.Time) url.Values {
	bad := githubError("bad_verification_code", "The code passed is incorrect or expired.")
	c := g.codes[form.Get("code")]
	if c == nil || c.used || c.app != app.ClientID || at.After(c.expires) {
		return bad
	}
	if uri := form.Get("redirect_uri"); uri != "" && uri != c.redirect {
		return githubError("redirect_uri_mismatch", "The redirect_uri MUST match the registered callback URL for this application.")
	}
	if c.challenge != "" {
		sum := sha256.Sum256([]byte(form.Get("code_verifier")))
		if base64.RawURLEncoding.EncodeToString(sum[:]) != c.challenge {
			return bad
		}
	}
	user := g.userByID(c.user)
	if user == nil {
		return bad
	}
	if g.settings.RequireVerifiedEmail && !user.primaryVerified() {
		return githubError("unverified_user_email", "The primary email address of the user is not verified.")
	}
	c.used = true
	return g.issue(app, c.user, c.scopes, at)
}

// issue makes a token; the eleventh revokes the oldest. The caller holds mu.
func (g *GitHub) issue(app *GitHubApp, user int64, scopes []string, at time.Time) url.Values {
	tok := &githubToken{access: "gho_" + randomText(27), app: app.ClientID, user: user, scopes: scopes}
	if app.IsGitHubApp {
		tok.access, tok.scopes = "ghu_"+randomText(27), nil
	}
	out := url.Values{"access_token": {tok.access}, "scope": {strings.Join(tok.scopes, ",")}, "token_type": {"bearer"}}
	if app.Expiring {
		tok.refresh, tok.expires, tok.refreshExpires = "ghr_"+randomText(48), at.Add(githubAccessLifetime), at.Add(githubRefreshLifetime)
		out.Set("refresh_token", tok.refresh)
		out.Set("expires_in", strconv.Itoa(int(githubAccessLifetime/time.Second)))
		out.Set("refresh_token_expires_in", strconv.Itoa(int(githubRefreshLifetime/time.Second)))
	}
	var alike []*githubToken
	for _, old := range g.tokens {
		if old.user == user && old.app == app.ClientID && strings.Join(old.scopes, ",") == strings.Join(tok.scopes, ",") && old.live(at) {
			alike = append(alike, old)
		}
	}
	if len(alike) >= githubMaxTokens {
		alike[0].dead = true
	}
	g.tokens = append(g.tokens, tok)
	return out
}

// refresh rotates both tokens: the old pair is dead at once. The caller holds mu.
func (g *GitHub) refresh(app *GitHubApp, refresh string, at time.Time) url.Values {
	for _, tok := range g.tokens {
		if refresh != "" && tok.refresh == refresh && tok.app == app.ClientID && !tok.dead && at.Before(tok.refreshExpires) {
			tok.dead = true
			return g.issue(app, tok.user, tok.scopes, at)
		}
	}
	return githubError("bad_refresh_token", "The refresh token passed is incorrect or expired.")
}

func githubError(code, description string) url.Values {
	return url.Values{
		"error": {code}, "error_description": {description},
		"error_uri": {githubTrouble + "oauth-app-access-token-request-errors/#" + strings.ReplaceAll(code, "_", "-")},
	}
}

// githubAnswer writes the answer in the form that was asked for: a form unless
// the caller accepts JSON or XML.
func githubAnswer(w http.ResponseWriter, r *http.Request, v url.Values) {
	accept := r.Header.Get("Accept")
	switch {
	case strings.Contains(accept, "application/json"):
		out := map[string]any{}
		for k := range v {
			out[k] = v.Get(k)
			if n, err := strconv.Atoi(v.Get(k)); err == nil && strings.HasSuffix(k, "expires_in") {
				out[k] = n
			}
		}
		writeJSON(w, http.StatusOK, out)
	case strings.Contains(accept, "application/xml"):
		w.Header().Set("Content-Type", "application/xml; charset=utf-8")
		_, _ = w.Write([]byte("<OAuth>"))
		for k := range v {
			_, _ = w.Write([]byte("<" + k + ">"))
			_ = xml.EscapeText(w, []byte(v.Get(k)))
			_, _ = w.Write([]byte("</" + k + ">"))
		}
		_, _ = w.Write([]byte("</OAuth>"))
	default:
		w.Header().Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
		_, _ = w.Write([]byte(v.Encode()))
	}
}

func (u *GitHubUser) primaryVerified() bool {
	for _, e := range u.Emails {
		if e.Primary {
			return e.Verified
		}
	}
	return false
}
