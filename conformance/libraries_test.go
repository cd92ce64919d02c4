package conformance

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"idbroker/broker"
)

// Where the scripts' applications live. Nobody is there: the visitor stops.
const (
	partyOrigin = "https://party.example.org/"
	partyBack   = partyOrigin + "callback"
	partyLogout = partyOrigin + "signed-out"
)

// library is one that we did not write, with a script of ours in relyingparty/.
type library struct {
	name, program, script string
	installed, get        string   // what is there if it is, and how to get it
	lacks                 []string // what it does not know
}

const (
	getNode   = "install Node, then: npm ci --prefix conformance/relyingparty"
	getPython = "cd conformance/relyingparty && python3 -m venv .venv && .venv/bin/pip install --require-hashes -r requirements.txt"
)

var libraries = []library{
	{name: "openid-client", program: "node", script: "openid-client.mjs", installed: "node_modules/openid-client", get: getNode},
	{name: "oauth4webapi", program: "node", script: "oauth4webapi.mjs", installed: "node_modules/oauth4webapi", get: getNode},
	{
		name: "authlib", program: ".venv/bin/python", script: "flask_authlib.py", installed: ".venv/bin/flask", get: getPython,
		lacks: []string{"pushed_request", "signed_request", "hybrid", "signed_userinfo", "registration", "iss", "expect_alg"},
	},
}

// lab is a broker, a script that is its relying party, and two people at
// their browsers.
type lab struct {
	*house
	*script
	*registry
	library
	browsers map[string]*walker
	posts    int // answers that came as a form
}

// registry are the applications that all scripts have, by what they were
// registered with.
type registry struct {
	mu   sync.Mutex
	dir  string // of the files with their keys
	made map[string]registered
}

type registered struct {
	application
	key *jose.JSONWebKey // nil: none
}

// eachLibrary runs a test with every library; all share a broker.
func eachLibrary(t *testing.T, fn func(t *testing.T, l *lab)) {
	h, certificate := startSecure(t)
	for _, who := range []string{"grace", "mallory"} {
		h.cli(t, password+"\n", "users", "create", who+"@example.org", "--name", who, "--password-stdin")
	}
	all := &registry{dir: t.TempDir(), made: map[string]registered{}}
	t.Run("with", func(t *testing.T) { // the broker outlives those that run at once
		for _, lib := range libraries {
			t.Run(lib.name, func(t *testing.T) {
				t.Parallel()
				fn(t, &lab{h, startScript(t, lib, certificate), all, lib, map[string]*walker{}, 0})
			})
		}
	})
}

// knows tells whether the library can do all that a job wants.
func (l *lab) knows(job map[string]any) bool {
	return !slices.ContainsFunc(l.lacks, func(what string) bool { return job[what] != nil })
}

// application is a registration, as scripts want it.
type application map[string]any

// register makes an application with the operator's command, and its key,
// unless there is one with the same arguments.
func (l *lab) register(t *testing.T, keyAlg string, args ...string) (application, *jose.JSONWebKey) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	name := strings.Join(append([]string{keyAlg}, args...), " ")
	if r, ok := l.made[name]; ok {
		return maps.Clone(r.application), r.key
	}
	key := newKey(t, keyAlg)
	if key != nil {
		public, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key.Public()}})
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(l.dir, key.KeyID+".json")
		if err := os.WriteFile(file, public, 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--jwks", file)
	}
	var view struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
		Method string `json:"token_endpoint_auth_method"`
		Alg    string `json:"id_token_signed_response_alg"`
	}
	out := l.cli(t, "", append([]string{"clients", "create", "A party", "--json"}, args...)...)
	if err := json.Unmarshal([]byte(out), &view); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	c := application{"client_id": view.ID, "token_endpoint_auth_method": view.Method, "id_token_signed_response_alg": view.Alg}
	if view.Secret != "" {
		c["client_secret"] = view.Secret
	}
	if i := slices.Index(args, "--userinfo-alg"); i >= 0 {
		c["userinfo_signed_response_alg"] = args[i+1]
	}
	l.made[name] = registered{c, key}
	return maps.Clone(c), key
}

// newKey makes a key of a client; nil for no algorithm.
func newKey(t *testing.T, alg string) *jose.JSONWebKey {
	t.Helper()
	var private crypto.PrivateKey
	var err error
	switch alg {
	case "":
		return nil
	case "ES256":
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "PS256":
		private, err = rsa.GenerateKey(rand.Reader, 2048)
	case "EdDSA":
		_, private, err = ed25519.GenerateKey(rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	return &jose.JSONWebKey{Key: private, KeyID: broker.NewID(), Algorithm: alg, Use: "sig"}
}

// visits is somebody at a browser for each name that a script gives; change may
// put something else in place of what comes back.
func (l *lab) visits(t *testing.T, change func(back *url.URL)) func(browser, address string) (*url.URL, url.Values) {
	return func(browser, address string) (*url.URL, url.Values) {
		w := l.browsers[browser]
		if w == nil {
			w = walk(t, l.house)
			w.Stop = partyOrigin
			l.browsers[browser] = w
		}
		w.t = t
		who := "grace@example.org"
		if browser == "attacker" {
			who = "mallory@example.org"
		}
		back, posted := w.goThrough(address, who, password)
		if posted != nil {
			l.posts++
		}
		if change != nil {
			changed := *back
			change(&changed)
			back = &changed
		}
		return back, posted
	}
}

// ask runs a flow of the script, which must not be refused.
func (l *lab) ask(t *testing.T, flow string, job map[string]any, got any) {
	t.Helper()
	if r := l.try(t, flow, job, nil, got); r != nil {
		t.Fatalf("%s: %+v", flow, *r)
	}
}

// try runs a flow of the script; nil is success.
func (l *lab) try(t *testing.T, flow string, job map[string]any, change func(back *url.URL), got any) *refusal {
	t.Helper()
	all := map[string]any{"flow": flow, "issuer": l.issuer, "redirect_uri": partyBack, "post_logout_redirect_uri": partyLogout}
	maps.Copy(all, job)
	return l.do(t, all, l.visits(t, change), got)
}

// told is what an application hears of a token (RFC 7662).
type told struct {
	Active   bool   `json:"active"`
	ClientID string `json:"client_id"`
	Subject  string `json:"sub"`
	Scope    string `json:"scope"`
	Issuer   string `json:"iss"`
}

// lifetime is what an application hears from sign-in to sign-out.
type lifetime struct {
	Claims      claims   `json:"claims"`
	Again       claims   `json:"claims_again"`
	UserInfo    claims   `json:"userinfo"`
	Rotated     bool     `json:"rotated"`
	Before      *told    `json:"before"`
	After       *told    `json:"after"`
	Revoked     *refusal `json:"revoked"`
	SignedOut   bool     `json:"signed_out"`
	Silently    *refusal `json:"silently"`
	Read        view     `json:"read"`
	Changed     view     `json:"changed"`
	Deleted     int      `json:"deleted"`
	Gone        *refusal `json:"gone"`
	UnknownThen *refusal `json:"unknown"`
	UsedUp      *refusal `json:"used_up"`
}

// view is what we look at in a registration.
type view struct {
	ID   string `json:"client_id"`
	Name string `json:"client_name"`
}

// check holds a life to what the broker promises.
func (g lifetime) check(t *testing.T, public bool) {
	t.Helper()
	if c := g.Claims; c.Subject == "" || c.AuthTime == 0 || !slices.Equal(c.AMR, []string{"pwd"}) || c.SID == "" {
		t.Errorf("claims: %+v", c)
	}
	if g.Again.Subject != g.Claims.Subject || g.Again.SID != g.Claims.SID || g.Again.AuthTime != g.Claims.AuthTime {
		t.Errorf("claims after refresh: %+v, before %+v", g.Again, g.Claims)
	}
	if u := g.UserInfo; u.Subject != g.Claims.Subject || u.Name != "grace" || u.Email != "grace@example.org" || !u.EmailVerified {
		t.Errorf("userinfo: %+v", u)
	}
	if !g.Rotated {
		t.Error("the refresh token was not rotated")
	}
	switch {
	case public:
		if g.Before != nil {
			t.Error("a public client was told of a token")
		}
	case g.Before == nil || !g.Before.Active || g.Before.Subject != g.Claims.Subject || !strings.Contains(g.Before.Scope, "email"):
		t.Errorf("introspection: %+v", g.Before)
	case g.After == nil || *g.After != told{}:
		t.Errorf("introspection of what was revoked: %+v", g.After)
	}
	if g.Revoked == nil || g.Revoked.Error != "invalid_token" || g.Revoked.Status != 401 {
		t.Errorf("userinfo after revocation: %+v", g.Revoked)
	}
	if !g.SignedOut {
		t.Error("sign-out did not lead back with its state")
	}
	if g.Silently == nil || g.Silently.Error != "login_required" {
		t.Errorf("prompt=none after sign-out: %+v", g.Silently)
	}
}
