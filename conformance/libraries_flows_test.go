package conformance

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"idbroker/broker"
)

// kind is a way to be an application.
type kind struct {
	name, key string
	args      []string
	job       map[string]any
}

var kinds = []kind{
	{name: "public", args: []string{"--public"}},
	{name: "basic", args: []string{"--auth", "basic", "--alg", "ES256"}},
	{name: "post", args: []string{"--auth", "post", "--alg", "PS256"}},
	{name: "signed userinfo", args: []string{"--userinfo-alg", "ES256"}, job: map[string]any{"signed_userinfo": true}},
	{name: "form_post", args: []string{"--alg", "EdDSA"}, job: map[string]any{"response_mode": "form_post"}},
	{name: "pushed request", args: []string{"--require-par"}, job: map[string]any{"pushed_request": true}},
	{name: "pushed request of a public client", args: []string{"--public"}, job: map[string]any{"pushed_request": true}},
	{name: "signed request", key: "ES256", job: map[string]any{"signed_request": true}},
	{name: "key on P-256", key: "ES256", args: []string{"--auth", "private_key_jwt", "--auth-alg", "ES256"}},
	{name: "key on Ed25519", key: "EdDSA", args: []string{"--auth", "private_key_jwt"}},
	{name: "RSA key, pushed and signed", key: "PS256", args: []string{"--auth", "private_key_jwt", "--require-par"}, job: map[string]any{"pushed_request": true, "signed_request": true}},
	{name: "hybrid", args: []string{"--response-type", "code", "--response-type", "code id_token"}, job: map[string]any{"hybrid": true}},
	{name: "hybrid form_post", args: []string{"--response-type", "code", "--response-type", "code id_token"}, job: map[string]any{"hybrid": true, "response_mode": "form_post"}},
}

// forPeople are the arguments of an application that people sign in to.
func forPeople(args ...string) []string {
	return append([]string{"--redirect-uri", partyBack, "--post-logout-redirect-uri", partyLogout}, args...)
}

// with is a job with something more.
func (k kind) with(t *testing.T, l *lab, pairs map[string]any) map[string]any {
	t.Helper()
	c, key := l.register(t, k.key, forPeople(k.args...)...)
	job := map[string]any{"client": c}
	if key != nil {
		job["key"] = key
	}
	maps.Copy(job, k.job)
	maps.Copy(job, pairs)
	return job
}

// Libraries that we did not write live with the broker, over TLS, from sign-in
// to sign-out, whatever kind of application they are.
func TestLibraries(t *testing.T) {
	eachLibrary(t, func(t *testing.T, l *lab) {
		for _, k := range kinds {
			if !l.knows(k.job) {
				continue
			}
			t.Run(k.name, func(t *testing.T) {
				var got lifetime
				l.posts = 0
				l.ask(t, "life", k.with(t, l, nil), &got)
				got.check(t, slices.Contains(k.args, "--public"))
				if posts := l.posts > 0; posts != (k.job["response_mode"] == "form_post") {
					t.Errorf("answers were posted: %t", posts)
				}
			})
		}
		t.Run("refresh", l.reuse)
		t.Run("machine", l.machine)
		if l.knows(map[string]any{"registration": true}) {
			t.Run("registration", l.registration)
		}
		t.Run("refusals", l.refusals)
		t.Run("injection", l.injection)
	})
}

// reuse: a refresh token that is used twice at once has one successor; one that
// is used after its successor ends them all.
func (l *lab) reuse(t *testing.T) {
	var got struct {
		Same         bool
		Stolen, Last *refusal
	}
	l.ask(t, "reuse", kind{}.with(t, l, nil), &got)
	if !got.Same {
		t.Error("two refreshes at once gave two tokens")
	}
	for what, r := range map[string]*refusal{"a refresh token of long ago": got.Stolen, "the last one then": got.Last} {
		if r == nil || r.Error != "invalid_grant" {
			t.Errorf("%s: %+v", what, r)
		}
	}
}

// machine: no person is there, with a secret or with a key.
func (l *lab) machine(t *testing.T) {
	for _, k := range []kind{{args: []string{"--auth", "basic"}}, {key: "EdDSA", args: []string{"--auth", "private_key_jwt"}}} {
		c, key := l.register(t, k.key, append([]string{"--grant", "client_credentials", "--scope", "api:read"}, k.args...)...)
		var got struct {
			Tokens struct{ Type, Scope string }
			Before told
		}
		l.ask(t, "machine", map[string]any{"client": c, "key": key, "scope": "api:read"}, &got)
		want := told{Active: true, ClientID: c["client_id"].(string), Subject: c["client_id"].(string), Scope: "api:read", Issuer: l.issuer}
		if !strings.EqualFold(got.Tokens.Type, "bearer") || got.Before != want {
			t.Errorf("%+v", got)
		}
	}
}

// registration: an application registers itself, lives, changes and goes.
func (l *lab) registration(t *testing.T) {
	token := strings.Fields(l.cli(t, "", "clients", "token", "create", "--uses", "1"))[1]
	metadata := map[string]any{
		"redirect_uris": []string{partyBack}, "post_logout_redirect_uris": []string{partyLogout}, "client_name": "A name",
		"grant_types": []string{"authorization_code", "refresh_token"}, "token_endpoint_auth_method": broker.AuthPost,
	}
	var got lifetime
	l.ask(t, "register", map[string]any{"metadata": metadata, "initial_access_token": token}, &got)
	got.check(t, false)
	if got.Read.ID == "" || got.Read.Name != "A name" || got.Changed != (view{got.Read.ID, "Another name"}) || got.Deleted != http.StatusNoContent {
		t.Errorf("read %+v, changed %+v, deleted with %d", got.Read, got.Changed, got.Deleted)
	}
	for what, tt := range map[string]struct {
		r    *refusal
		want string
	}{
		"its registration, read again": {got.Gone, "invalid_token"}, "its secret": {got.UnknownThen, "invalid_client"},
		"the initial access token, used again": {got.UsedUp, "invalid_token"},
	} {
		if tt.r == nil || tt.r.Error != tt.want {
			t.Errorf("%s: %+v", what, tt.r)
		}
	}
}

// change gives the application another answer than the broker's, in the query
// or the fragment; "" leaves the parameter out.
func change(t *testing.T, name string, to func(old string) string) func(*url.URL) {
	return func(back *url.URL) {
		t.Helper()
		all := back.String()
		i := strings.IndexAny(all, "?#") + 1
		q, err := url.ParseQuery(all[i:])
		if err != nil || q.Get(name) == "" {
			t.Fatalf("no %s: %s", name, all)
		}
		q.Set(name, to(q.Get(name)))
		if q.Get(name) == "" {
			q.Del(name)
		}
		changed, err := url.Parse(all[:i] + q.Encode())
		if err != nil {
			t.Fatal(err)
		}
		*back = *changed
	}
}

// refusals show that the libraries look, and that we do: each is a sign-in of
// above in which one thing is wrong.
func (l *lab) refusals(t *testing.T) {
	gone := func(string) string { return "" }
	another := func(old string) string { return "another" + old }
	unsigned := func(old string) string {
		i := strings.LastIndexByte(old, '.') + 1
		return old[:i] + strings.Repeat("A", len(old)-i)
	}
	pretend := func(name, value string) map[string]any {
		return map[string]any{"pretend": map[string]any{name: value}}
	}
	hybrid := kind{args: []string{"--response-type", "code id_token"}, job: map[string]any{"hybrid": true}}
	stranger := map[string]any{"key": newKey(t, "ES256")}
	for _, tt := range []struct {
		name  string
		kind  kind
		job   map[string]any
		back  func(*url.URL)
		error string // the broker's; "": it is the library that refuses
		why   string // a word of the library's
	}{
		{name: "another state", back: change(t, "state", another), why: "state"},
		{name: "no state", back: change(t, "state", gone), why: "state"},
		{name: "another issuer", back: change(t, "iss", another), job: map[string]any{"iss": true}, why: `"iss" (issuer) response parameter`},
		{name: "no issuer", back: change(t, "iss", gone), job: map[string]any{"iss": true}, why: `"iss" (issuer) missing`},
		{name: "another nonce", job: pretend("nonce", "another"), why: "nonce"},
		{name: "another algorithm", kind: kind{args: []string{"--alg", "ES256"}}, job: map[string]any{"expect_alg": "RS256"}, why: `"alg"`},
		{name: "another verifier", job: pretend("verifier", strings.Repeat("v", 43)), error: "invalid_grant"},
		{name: "another code", back: change(t, "code", another), error: "invalid_grant"},
		{name: "another nonce in front", kind: hybrid, job: pretend("nonce", "another"), why: "nonce"},
		{name: "another code in front", kind: hybrid, back: change(t, "code", another), why: `"c_hash"`},
		{name: "another issuer in front", kind: hybrid, back: change(t, "iss", another), why: `"iss" (issuer) response parameter`},
		{name: "another signature in front", kind: hybrid, back: change(t, "id_token", unsigned), why: "signature verification failed"},
		{name: "another's key", kind: kind{key: "ES256", args: []string{"--auth", "private_key_jwt"}}, job: stranger, error: "invalid_client"},
		{name: "a request signed by another", kind: kind{key: "ES256", job: map[string]any{"signed_request": true, "pushed_request": true}}, job: stranger, error: "invalid_request_object"},
	} {
		if !l.knows(tt.kind.job) || !l.knows(tt.job) {
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			job := tt.kind.with(t, l, tt.job)
			if alg := tt.job["expect_alg"]; alg != nil {
				job["client"].(application)["id_token_signed_response_alg"] = alg
			}
			var got lifetime
			r := l.try(t, "sign_in", job, tt.back, &got)
			if r == nil || r.Error != tt.error || !strings.Contains(r.Why, tt.why) {
				t.Errorf("got %+v, refused %+v", got.Claims, r)
			}
		})
	}
}

// injection: the code of another person's browser, brought to a sign-in of
// one's own, is worth nothing with PKCE. Without, the broker cannot know; then
// it is the nonce that the library sees.
func (l *lab) injection(t *testing.T) {
	var got struct{ Injected, Afterwards *refusal }
	l.ask(t, "inject", kind{}.with(t, l, nil), &got)
	if got.Injected == nil || got.Injected.Error != "invalid_grant" {
		t.Errorf("an injected code: %+v", got.Injected)
	}
	if got.Afterwards == nil || got.Afterwards.Error != "invalid_grant" {
		t.Errorf("the code of which somebody else tried the verifier: %+v", got.Afterwards)
	}
	got.Injected = nil
	l.ask(t, "inject", kind{args: []string{"--no-pkce"}}.with(t, l, map[string]any{"without_pkce": true}), &got)
	if got.Injected == nil || got.Injected.Error != "" || !strings.Contains(got.Injected.Why, "nonce") {
		t.Errorf("an injected code without PKCE: %+v", got.Injected)
	}
}
