package providers

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/providers/providertest"
)

// TestVendorsRefresh holds each vendor's way with refresh tokens to its fake.
func TestVendorsRefresh(t *testing.T) {
	const days = 24 * time.Hour
	g, github, _ := newGitHubStage(t)
	g.Register(providertest.GitHubApp{ClientID: "app", Secret: ghSecret, Callbacks: []string{brokerURL + "/oauth/authorized/github/"}, Expiring: true})
	o, orcid, _ := newORCIDStage(t, false)
	gl, globus, _ := newGlobusStage(t, withGroups)
	for id, tt := range map[string]struct {
		reg        *Registry
		profile    broker.Profile
		rotates    bool
		life, idle time.Duration // of the access token, and of the refresh token without use (0: not told)
	}{
		"github": {github, signIn(t, github, "github", g.Visitor(), "ada-example"), true, 8 * time.Hour, 183 * days},
		"orcid":  {orcid, signIn(t, orcid, "orcid", o.Visitor(), sofia), true, 631138518 * time.Second, 0},
		"globus": {globus, signIn(t, globus, "globus", gl.Visitor(), jane), false, 48 * time.Hour, globusIdle},
	} {
		for _, was := range tt.profile.Tokens {
			r, err := tt.reg.Refresh(t.Context(), id, tt.profile.Subject, was)
			now := r.Token
			if err != nil || now.AccessToken == was.AccessToken || now.Kind != was.Kind || (now.RefreshToken != "") != tt.rotates {
				t.Fatalf("%s %q: %+v, %v", id, was.Kind, now, err)
			}
			if strings.Join(now.Scopes, " ") != strings.Join(was.Scopes, " ") {
				t.Errorf("%s %q: scopes %v, were %v", id, was.Kind, now.Scopes, was.Scopes)
			}
			for _, one := range []broker.RemoteToken{was, now} {
				if left := time.Until(one.ExpiresAt); left > tt.life || left < tt.life-time.Minute {
					t.Errorf("%s %q: lives for another %s", id, was.Kind, left)
				}
				if left := time.Until(one.RefreshExpiresAt); tt.idle == 0 && !one.RefreshExpiresAt.IsZero() || tt.idle > 0 && (left > tt.idle || left < tt.idle-time.Hour) {
					t.Errorf("%s %q: the refresh token lives for another %s, want %s", id, was.Kind, left, tt.idle)
				}
			}
			if !tt.rotates {
				continue
			}
			r, err = tt.reg.Refresh(t.Context(), id, tt.profile.Subject, was)
			if !errors.Is(err, ErrRestart) || r.Unanswered || strings.Contains(err.Error(), was.RefreshToken.Reveal()) {
				t.Errorf("%s: the old refresh token: %v, %+v", id, err, r)
			}
		}
	}
}

// TestGlobusRefreshIsOfItsServer: an answer with the token of another resource
// server is refused, and never stored as the one that was asked for.
func TestGlobusRefreshIsOfItsServer(t *testing.T) {
	gl, globus, _ := newGlobusStage(t, withGroups)
	p := signIn(t, globus, "globus", gl.Visitor(), jane)
	main, groups := p.Tokens[0], p.Tokens[1]
	main.Kind, groups.Kind = groups.Kind, main.Kind
	for _, was := range []broker.RemoteToken{main, groups} {
		if r, err := globus.Refresh(t.Context(), "globus", jane, was); !errors.Is(err, ErrUpstream) || r.Token.AccessToken != "" {
			t.Errorf("%q: %+v, %v", was.Kind, r, err)
		}
	}
}

// TestORCIDRefreshIsAboutTheSameiD: ORCID names the iD with each token.
func TestORCIDRefreshIsAboutTheSameiD(t *testing.T) {
	o, orcid, _ := newORCIDStage(t, false)
	p := signIn(t, orcid, "orcid", o.Visitor(), sofia)
	o.Script("/oauth/token", func(w http.ResponseWriter, r *http.Request, answer http.HandlerFunc) {
		rec := httptest.NewRecorder()
		answer(rec, r)
		var m map[string]any
		if err := json.Unmarshal(rec.Body.Bytes(), &m); err != nil {
			t.Error(err)
		}
		m["orcid"] = markX
		delete(m, "id_token")
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(m)
	})
	r, err := orcid.Refresh(t.Context(), "orcid", sofia, p.Tokens[0])
	if !errors.Is(err, ErrOtherPerson) || r.Token.AccessToken != "" || o.LiveTokens(sofia) != 0 {
		t.Errorf("%+v, %v, %d tokens live", r, err, o.LiveTokens(sofia))
	}
}
