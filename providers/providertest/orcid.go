package providertest

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// ORCID is a fake of the ORCID registry, its public API and its member API.
// Sources: info.orcid.org/documentation, "ORCID and OpenID Connect", the
// source of ORCID-Source, and the discovery document of orcid.org.
type ORCID struct {
	remote
	sandbox  bool
	pub, api string // of the two APIs, with the version
	keys     *keyring
	settings ORCIDSettings
	clients  map[string]*ORCIDClient
	records  map[string]*ORCIDRecord
	codes    map[string]*orcidCode
	tokens   []*orcidToken
}

// ORCIDSettings are the switches of the fake.
type ORCIDSettings struct {
	NoNonce         bool                 // leave the nonce out of ID tokens
	IDTokenLifetime time.Duration        // 0: 24 hours
	AMR             string               // of member clients; "" "pwd"
	ChallengeFails  bool                 // a code with a stored challenge cannot be exchanged
	Forge           Forgery              // ID tokens are false
	Claims          func(map[string]any) // changes claims before they are signed
	Issuer          string               // "iss" of callbacks; ORCID sends none
}

// ORCIDClient is a registered client.
type ORCIDClient struct {
	ID, Secret   string
	RedirectURIs []string // a bare host matches every path below
	Member       bool
}

// ORCIDRecord is a person's record.
type ORCIDRecord struct {
	ID          string // see ORCIDiD
	Given       string
	Family      string
	NamePrivate bool
	Emails      []ORCIDEmail
	State       string // "" active, or a State constant
	merged      string // primary iD of a deprecated record
}

// ORCIDEmail is an address of a record. The registry lists verified ones only.
type ORCIDEmail struct {
	Email      string
	Visibility string // "public", "limited", "private"; "" private, the default there
	Verified   bool
	Primary    bool
}

// States of a record that cannot be read.
const (
	StateDeprecated  = "deprecated"
	StateDeactivated = "deactivated"
	StateLocked      = "locked"
	StateUnclaimed   = "unclaimed"
	StatePrivate     = "private"
)

type orcidCode struct {
	client, orcid, redirect, scope, nonce string
	challenge                             bool
	authTime, expires                     time.Time
	used                                  bool
}

type orcidToken struct {
	access, refresh, client, orcid, code string
	scopes                               []string
	expires                              time.Time
	dead                                 bool
}

// NewORCID starts a fake registry on loopback; as a sandbox it lets clients
// register http redirect URIs.
func NewORCID(t testing.TB, sandbox bool) *ORCID { return newORCID(t, sandbox, false) }

// NewORCIDOrg starts one under the real names over HTTPS.
func NewORCIDOrg(t testing.TB, sandbox bool) *ORCID { return newORCID(t, sandbox, true) }

func newORCID(t testing.TB, sandbox, named bool) *ORCID {
	o := &ORCID{
		sandbox: sandbox, keys: newKeyring(jose.RS256, true), clients: map[string]*ORCIDClient{},
		records: map[string]*ORCIDRecord{}, codes: map[string]*orcidCode{},
	}
	var hosts []string
	if named {
		site := "orcid.org"
		if sandbox {
			site = "sandbox.orcid.org"
		}
		hosts = []string{site, "pub." + site, "api." + site}
	}
	web, pub, member := http.NewServeMux(), http.NewServeMux(), http.NewServeMux()
	web.HandleFunc("GET /.well-known/openid-configuration", o.discovery)
	web.HandleFunc("GET /oauth/jwks", o.keys.serve)
	web.HandleFunc("/oauth/authorize", o.authorize)
	web.HandleFunc("POST /oauth/token", o.token)
	web.HandleFunc("/oauth/userinfo", o.userinfo)
	web.HandleFunc("POST /oauth/revoke", o.revoke)
	pub.HandleFunc("GET /v3.0/{orcid}/{section}", o.section(false))
	member.HandleFunc("GET /v3.0/{orcid}/{section}", o.section(true))
	o.start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case named && r.Host == hosts[1]:
			pub.ServeHTTP(w, r)
		case named && r.Host == hosts[2]:
			member.ServeHTTP(w, r)
		case !named && strings.HasPrefix(r.URL.Path, "/pub/"):
			http.StripPrefix("/pub", pub).ServeHTTP(w, r)
		case !named && strings.HasPrefix(r.URL.Path, "/api/"):
			http.StripPrefix("/api", member).ServeHTTP(w, r)
		default:
			web.ServeHTTP(w, r)
		}
	}), hosts...)
	o.pub, o.api = o.URL+"/pub/v3.0", o.URL+"/api/v3.0"
	if named {
		o.pub, o.api = "https://"+hosts[1]+"/v3.0", "https://"+hosts[2]+"/v3.0"
	}
	return o
}

// PublicAPI and MemberAPI are the addresses of the two APIs.
func (o *ORCID) PublicAPI() string { return o.pub }
func (o *ORCID) MemberAPI() string { return o.api }

// Set changes switches.
func (o *ORCID) Set(change func(*ORCIDSettings)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	change(&o.settings)
}

// Register adds or replaces a client.
func (o *ORCID) Register(c ORCIDClient) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.clients[c.ID] = &c
}

// AddRecord makes a record. It panics on an iD with a wrong check character: the
// registry never issues one.
func (o *ORCID) AddRecord(rec ORCIDRecord) {
	if ORCIDiD(strings.ReplaceAll(rec.ID, "-", "")[:15]) != rec.ID {
		panic("providertest: the registry never issues " + rec.ID)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.records[rec.ID] = &rec
}

// ChangeRecord changes a record.
func (o *ORCID) ChangeRecord(id string, change func(*ORCIDRecord)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	change(o.records[id])
}

// Merge deprecates one record in favour of another: the old tokens stop, and who
// signs in with the old iD is the new one.
func (o *ORCID) Merge(old, primary string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.records[old].State, o.records[old].merged = StateDeprecated, primary
	for _, tok := range o.tokens {
		if tok.orcid == old {
			tok.dead = true
		}
	}
}

// RotateKeys signs with a new key; withdraw takes the old one out of the set.
func (o *ORCID) RotateKeys(withdraw bool) { o.keys.rotate(withdraw) }

// LiveTokens counts the access tokens of a record that work now.
func (o *ORCID) LiveTokens(orcid string) int {
	at := o.Now()
	o.mu.Lock()
	defer o.mu.Unlock()
	n := 0
	for _, tok := range o.tokens {
		if tok.orcid == orcid && !tok.dead && at.Before(tok.expires) {
			n++
		}
	}
	return n
}

// discovery serves the document as orcid.org has it: no PKCE, no revocation.
func (o *ORCID) discovery(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{
		"issuer": o.URL, "authorization_endpoint": o.URL + "/oauth/authorize", "token_endpoint": o.URL + "/oauth/token",
		"userinfo_endpoint": o.URL + "/oauth/userinfo", "jwks_uri": o.URL + "/oauth/jwks",
		"token_endpoint_auth_methods_supported": []string{"client_secret_post"}, "scopes_supported": []string{"openid"},
		"id_token_signing_alg_values_supported": []string{"RS256"}, "subject_types_supported": []string{"public"},
		"response_types_supported": []string{"code", "id_token", "id_token token"}, "response_modes_supported": []string{"fragment"},
		"grant_types_supported": []string{"authorization_code", "implicit", "refresh_token"}, "claim_types_supported": []string{"normal"},
		"claims_supported":           []string{"family_name", "given_name", "name", "auth_time", "iss", "sub"},
		"claims_parameter_supported": false, "request_parameter_supported": false,
	})
}

// ORCIDiD completes 15 digits to an iD with its check character (ISO 7064, MOD
// 11-2).
func ORCIDiD(digits string) string {
	total := 0
	for _, c := range digits {
		total = (total + int(c-'0')) * 2
	}
	check := byte('0' + (12-total%11)%11)
	if (12-total%11)%11 == 10 {
		check = 'X'
	}
	d := digits + string(check)
	return d[:4] + "-" + d[4:8] + "-" + d[8:12] + "-" + d[12:]
}
