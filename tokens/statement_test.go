package tokens

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const vouching = "https://directory.example"

// statementWorld lets applications register, for whose software the directory
// vouches with the key p256.
func statementWorld(t testing.TB, change ...func(*Registration)) *world {
	return registering(t, RegisterOpen, append(change, func(r *Registration) {
		r.Statements = []StatementIssuer{{Issuer: "https://elsewhere.example", JWKS: jwks("p384")}, {Issuer: vouching, JWKS: jwks("p256", "rsa")}}
		r.PerDay = 1000
	})...)
}

// statementOf are the claims of a statement that is in order.
func statementOf() claimSet {
	return claimSet{"iss": vouching, "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(), "software_id": "wiki-1", "client_name": "Wiki", "redirect_uris": []string{"https://wiki.example/cb"}}
}

func (w *world) vouch(statement string, changes map[string]any) answer {
	return w.register(mergeInto(map[string]any{"software_statement": statement}, changes))
}

// TestSoftwareStatement: what the issuer says counts more than what the
// application says, in every language.
func TestSoftwareStatement(t *testing.T) {
	w := statementWorld(t)
	statement := sign(t, header{}, statementOf().with("client_uri#de", "https://wiki.example/de", "contacts", nil, "policy_uri", "https://wiki.example/privacy"))
	a := w.vouch(statement, map[string]any{
		"redirect_uris": []string{"https://evil.example/cb"}, "client_name": "Bank", "client_name#de": "Bank", "client_name#fr": "Banque", "software_id": "bank",
		"client_uri#de": "https://evil.example/", "client_uri": "https://wiki.example/", "contacts": []string{"ops@wiki.example"}, "policy_uri": "https://evil.example/", "tos_uri": "https://wiki.example/terms",
	})
	if a.status != 201 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	for name, want := range map[string]any{
		"client_name": "Wiki", "client_name#de": nil, "client_name#fr": nil, "software_id": "wiki-1", "client_uri#de": "https://wiki.example/de", "client_uri": "https://wiki.example/",
		"policy_uri": "https://wiki.example/privacy", "tos_uri": "https://wiki.example/terms", "software_statement": statement, "iss": nil,
	} {
		if a.json[name] != want {
			t.Errorf("%s is %v, want %v", name, a.json[name], want)
		}
	}
	c, err := w.db.Client(t.Context(), a.str("client_id"))
	must(t, err)
	if len(c.RedirectURIs) != 1 || c.RedirectURIs[0] != "https://wiki.example/cb" || len(c.Contacts) != 1 || c.ID == "wiki" {
		t.Errorf("%+v", c)
	}
	for name, h := range map[string]header{"RSA": {alg: "PS256"}, "type": {typ: "JWT"}, "its own type": {typ: "software-statement+jwt"}, "no kid": {kid: "-"}} {
		if b := w.vouch(sign(t, h, statementOf()), nil); b.status != 201 {
			t.Errorf("%s: %s", name, b.body)
		}
	}
	for name, claims := range map[string]claimSet{"no times": statementOf().with("exp", nil, "iat", nil), "for us": statementOf().with("aud", testIssuer), "for the endpoint": statementOf().with("aud", []string{testIssuer + "/oauth2/register"})} {
		if b := w.vouch(sign(t, header{}, claims), nil); b.status != 201 {
			t.Errorf("%s: %s", name, b.body)
		}
	}
	if b := w.register(nil); b.status != 201 || b.json["software_statement"] != nil {
		t.Errorf("without one: %s", b.body)
	}
}

// TestSoftwareStatementsThatAreRefused leave nothing behind, and widen nothing.
func TestSoftwareStatementsThatAreRefused(t *testing.T) {
	w := statementWorld(t)
	before, err := w.db.Clients(t.Context())
	must(t, err)
	good := statementOf()
	parts := strings.Split(sign(t, header{}, good), ".")
	encode := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	const invalid, unapproved, metadata = "invalid_software_statement", "unapproved_software_statement", "invalid_client_metadata"
	for name, tt := range map[string]struct{ statement, code string }{
		"none":                     {encode(`{"alg":"none"}`) + "." + parts[1] + ".", invalid},
		"none, signed":             {encode(`{"alg":"none"}`) + "." + parts[1] + "." + parts[2], invalid},
		"HMAC with the public key": {macSign(t, "HS256", []byte(jwks("p256", "rsa")), good), invalid},
		"a stranger":               {sign(t, header{key: "stranger"}, good), invalid},
		"a stranger, no kid":       {sign(t, header{key: "stranger", kid: "-"}, good), invalid},
		"the other issuer's key":   {sign(t, header{alg: "ES384"}, good), invalid},
		"in the other's name":      {sign(t, header{}, good.with("iss", "https://elsewhere.example")), invalid},
		"unknown issuer":           {sign(t, header{}, good.with("iss", "https://evil.example")), unapproved},
		"issuer with a slash":      {sign(t, header{}, good.with("iss", vouching+"/")), unapproved},
		"no issuer":                {sign(t, header{}, good.with("iss", nil)), unapproved},
		"issuer a list":            {sign(t, header{}, good.with("iss", []string{vouching})), unapproved},
		"expired":                  {sign(t, header{}, good.with("exp", time.Now().Add(-time.Minute).Unix())), invalid},
		"exp a text":               {sign(t, header{}, good.with("exp", "4000000000")), invalid},
		"not yet":                  {sign(t, header{}, good.with("nbf", time.Now().Add(time.Minute).Unix())), invalid},
		"from the future":          {sign(t, header{}, good.with("iat", time.Now().Add(time.Minute).Unix())), invalid},
		"no software":              {sign(t, header{}, good.with("software_id", nil)), invalid},
		"an ID token":              {sign(t, header{}, claimSet{"iss": vouching, "sub": "ada", "aud": "app", "exp": good["exp"], "software_id": "x"}), invalid},
		"for somebody else":        {sign(t, header{}, good.with("aud", "https://other.example")), invalid},
		"an access token":          {sign(t, header{typ: "at+jwt"}, good), invalid},
		"crit":                     {sign(t, header{crit: true}, good), invalid},
		"other claims":             {parts[0] + "." + encode(`{"iss":"`+vouching+`","software_id":"x"}`) + "." + parts[2], invalid},
		"a claim twice":            {sign(t, header{}, `{"iss":"`+vouching+`","software_id":"a","software_id":"b"}`), invalid},
		"rubbish":                  {"x", invalid},
		"empty":                    {"", invalid},

		"widens: machines":     {sign(t, header{}, good.with("grant_types", []string{"authorization_code", "client_credentials"})), metadata},
		"widens: implicit":     {sign(t, header{}, good.with("response_types", []string{"token"})), metadata},
		"widens: plain http":   {sign(t, header{}, good.with("redirect_uris", []string{"http://wiki.example/cb"})), "invalid_redirect_uri"},
		"widens: alg none":     {sign(t, header{}, good.with("id_token_signed_response_alg", "none")), metadata},
		"widens: what is not":  {sign(t, header{}, good.with("dpop_bound_access_tokens", true)), metadata},
		"of another type":      {sign(t, header{}, good.with("redirect_uris", "https://wiki.example/cb")), "invalid_redirect_uri"},
		"name that deceives":   {sign(t, header{}, good.with("client_name", "a\u202eb")), metadata},
		"a private key":        {sign(t, header{}, good.with("jwks", json.RawMessage(privateSet(t)))), metadata},
		"a second set of keys": {sign(t, header{}, good.with("jwks", json.RawMessage(jwks("p256")), "jwks_uri", "https://wiki.example/jwks")), metadata},
	} {
		wantError(t, name, w.vouch(tt.statement, nil), 400, tt.code)
	}
	wantError(t, "a number", w.register(map[string]any{"software_statement": 1}), 400, invalid)
	after, err := w.db.Clients(t.Context())
	if must(t, err); len(after) != len(before) {
		t.Errorf("%d clients before, %d after", len(before), len(after))
	}
	a := w.vouch(sign(t, header{}, good.with("scope", "openid api", "first_party", true, "dynamic", false, "client_id", "app", "client_secret", "chosen")), nil)
	c, err := w.db.Client(t.Context(), a.str("client_id"))
	must(t, err)
	if a.status != 201 || strings.Join(c.Scopes, " ") != "openid" || c.FirstParty || !c.Metadata.Dynamic || c.ID == "app" || a.str("client_secret") == "chosen" {
		t.Errorf("%s, %+v", a.body, c)
	}
	none := registering(t, RegisterOpen)
	wantError(t, "where nobody is trusted", none.vouch(sign(t, header{}, good), nil), 400, unapproved)
}

// TestSoftwareStatementIsRequired, of all or of who was registered with one.
func TestSoftwareStatementIsRequired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := statementWorld(t, func(r *Registration) { r.RequireStatement = true })
		wantError(t, "without", w.register(nil), 400, "unapproved_software_statement")
		wantError(t, "null", w.register(map[string]any{"software_statement": nil}), 400, "unapproved_software_statement")
		statement := sign(t, header{}, statementOf())
		a := w.vouch(statement, nil)
		w.s.o.Registration.RequireStatement = false
		id := a.str("client_id")
		put := func(changes map[string]any) answer {
			time.Sleep(updatePause)
			return w.json("PUT", "/oauth2/register/"+id, a.str("registration_access_token"), asking(mergeInto(map[string]any{"client_id": id, "client_name": "Bank"}, changes)))
		}
		wantError(t, "shaken off", put(nil), 400, "unapproved_software_statement")
		wantError(t, "forged", put(map[string]any{"software_statement": sign(t, header{key: "stranger"}, statementOf())}), 400, "invalid_software_statement")
		if b := put(map[string]any{"software_statement": statement}); b.status != 200 || b.str("client_name") != "Wiki" {
			t.Errorf("%d %s", b.status, b.body)
		}
		time.Sleep(2 * time.Hour)
		wantError(t, "expired", put(map[string]any{"software_statement": statement}), 400, "invalid_software_statement")
	})
}

// TestStatementKeysAreFetched from where the operator says.
func TestStatementKeysAreFetched(t *testing.T) {
	const at = "https://directory.example/jwks"
	web := &site{pages: map[string]string{at: jwks("p256")}}
	w := registering(t, RegisterOpen, func(r *Registration) { r.Statements = []StatementIssuer{{Issuer: vouching, JWKSURI: at}} })
	w.s.o.Fetcher = web
	if a := w.vouch(sign(t, header{}, statementOf()), nil); a.status != 201 {
		t.Errorf("%s", a.body)
	}
	delete(web.pages, at)
	wantError(t, "gone", w.vouch(sign(t, header{}, statementOf()), nil), 400, "invalid_software_statement")
}

// FuzzStatement: no text panics, and none passes that the issuer did not sign.
func FuzzStatement(f *testing.F) {
	w := statementWorld(f)
	good := sign(f, header{}, statementOf().with("exp", 1))
	for _, s := range []string{good, strings.Replace(good, ".", "..", 1), "a.b.c", "", `eyJhbGciOiJub25lIn0.e30.`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if claims, err := w.s.readStatement(t.Context(), text, time.Now()); err == nil {
			t.Errorf("%q passes: %v", text, claims)
		}
	})
}
