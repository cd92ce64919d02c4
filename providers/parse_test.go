package providers

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
)

func TestCheckJSON(t *testing.T) {
	for _, tt := range []struct {
		text string
		ok   bool
	}{
		{`{}`, true}, {`[]`, true}, {`"x"`, true}, {`1`, true}, {`null`, true}, {` {"a":[{"b":1},{"b":2}]} `, true},
		{`{"a":{"x":1},"b":{"x":1}}`, true},
		{`{"a":{"x":1,"X":2}}`, true}, // groups may differ in case
		{`{"a":1,"a":2}`, false}, {`{"a":1,"A":2}`, false}, {`{"s":1,"ſ":2}`, false}, {`{"k":1,"K":2}`, false},
		{`{"a":{"x":1,"x":2}}`, false}, {`{"a":1,"\u0061":2}`, false},
		{`{}{}`, false}, {`{} x`, false}, {`{"a"`, false}, {`{"a":`, false}, {`[1,`, false}, {``, false}, {`{'a':1}`, false}, {`{"a":1,}`, false},
		{strings.Repeat(`[`, 1000) + strings.Repeat(`]`, 1000), false},
		{strings.Repeat(`{"a":`, 1000) + "1" + strings.Repeat(`}`, 1000), false},
	} {
		err := checkJSON([]byte(tt.text))
		if (err == nil) != tt.ok {
			t.Errorf("%.60q: %v", tt.text, err)
		}
		if err != nil && !errors.Is(err, errJSON) {
			t.Errorf("%.60q: %v is not errJSON", tt.text, err)
		}
	}
}

const goodMetadata = `{"issuer":"https://op.example","authorization_endpoint":"https://op.example/a","token_endpoint":"https://t.example/t","jwks_uri":"https://op.example/k"%s}`

func TestParseMetadata(t *testing.T) {
	for _, tt := range []struct {
		more, problem string
	}{
		{``, ""},
		{`,"userinfo_endpoint":"https://other.example/u"`, ""}, // Google's are on several hosts
		{`,"userinfo_endpoint":"http://op.example/u"`, "userinfo_endpoint"},
		{`,"userinfo_endpoint":""`, "userinfo_endpoint"},
		{`,"userinfo_endpoint":7`, "userinfo_endpoint"},
		{`,"userinfo_endpoint":null`, ""},
		{`,"revocation_endpoint":"ftp://op.example/r"`, "revocation_endpoint"},
		{`,"id_token_signing_alg_values_supported":["none","HS256"]`, "no signature"},
		{`,"id_token_signing_alg_values_supported":["none","HS256","ES256"]`, ""},
		{`,"id_token_signing_alg_values_supported":7`, "no signature"},
		{`,"issuer":"https://evil.example"`, "stands twice"},
		{`,"Issuer":"https://evil.example"`, "stands twice"},
	} {
		_, err := parseMetadata(fmt.Appendf(nil, goodMetadata, tt.more), "https://op.example", false)
		if tt.problem == "" && err != nil || tt.problem != "" && (err == nil || !strings.Contains(err.Error(), tt.problem)) {
			t.Errorf("%s: %v, want %q", tt.more, err, tt.problem)
		}
	}
	for _, field := range []string{"authorization_endpoint", "token_endpoint", "jwks_uri"} {
		doc := strings.Replace(fmt.Sprintf(goodMetadata, ""), `"`+field+`":"https`, `"`+field+`":"http`, 1)
		if _, err := parseMetadata([]byte(doc), "https://op.example", false); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("http %s: %v", field, err)
		}
		if _, err := parseMetadata([]byte(doc), "https://op.example", true); err != nil {
			t.Errorf("http %s where it is allowed: %v", field, err)
		}
	}
	for _, issuer := range []string{"https://op.example/", "https://OP.example", "http://op.example", "https://op.example:443", ""} {
		if _, err := parseMetadata(fmt.Appendf(nil, goodMetadata, ""), issuer, true); err == nil {
			t.Errorf("issuer %q is taken for https://op.example", issuer)
		}
	}
}

func TestAuthStyle(t *testing.T) {
	for _, tt := range []struct {
		offered []string
		app     App
		want    string
	}{
		{nil, App{ClientSecret: "s"}, AuthBasic},
		{[]string{"private_key_jwt", AuthPost, AuthBasic}, App{ClientSecret: "s"}, AuthBasic},
		{[]string{AuthPost}, App{ClientSecret: "s"}, AuthPost},
		{[]string{AuthPost}, App{ClientSecret: "s", AuthStyle: AuthBasic}, AuthBasic},
		{[]string{AuthBasic}, App{}, AuthNone},
		{[]string{"private_key_jwt"}, App{ClientSecret: "s"}, ""},
	} {
		got, err := metadata{AuthMethods: tt.offered}.authStyle(tt.app)
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%v, %+v: %q, %v", tt.offered, tt.app, got, err)
		}
	}
}

func TestClaims(t *testing.T) {
	c, err := parseClaims([]byte(`{"s":"x","n":1795310000,"f":1.5e9,"big":1e300,"neg":-1,"b":true,"bs":"true","l":["a",1,"b"],"o":{"roles":["r"]},"z":null,
		"name":" Ada  Example ","bad":"a\u0000b","long":"` + strings.Repeat("x", 256) + `","url":"https://x.example/p","js":"javascript:alert(1)","user":"https://u@x.example/"}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, ok := range map[string]bool{
		"str": c.str("s") == "x" && c.str("n") == "" && c.str("none") == "", "text": c.text("s") == "x" && c.text("bad") == "" && c.text("long") == "",
		"bool":   c.isTrue("b") && !c.isTrue("bs") && !c.isTrue("n") && !c.isTrue("none"),
		"time":   c.time("n").Equal(time.Unix(1795310000, 0)) && c.time("big").IsZero() && c.time("neg").IsZero() && c.time("s").IsZero() && c.time("none").IsZero() && !c.time("f").IsZero(),
		"list":   slices.Equal(c.list("l"), []string{"a", "b"}) && slices.Equal(c.list("s"), []string{"x"}) && c.list("n") == nil,
		"object": slices.Equal(c.object("o").list("roles"), []string{"r"}) && c.object("s").list("roles") == nil && c.object("none").object("deeper").str("x") == "",
		"has":    c.has("s") && !c.has("z") && !c.has("none"), "name": c.personName() == "Ada Example",
		"url": c.webURL("url") == "https://x.example/p" && c.webURL("js") == "" && c.webURL("user") == "" && c.webURL("s") == "",
	} {
		if !ok {
			t.Errorf("%s is wrong", name)
		}
	}
	for _, text := range []string{"null", "[]", `"x"`, "1", "", "{"} {
		if c, err := parseClaims([]byte(text)); err == nil {
			t.Errorf("%q: %v", text, c)
		}
	}
}

func TestEmailTrust(t *testing.T) {
	for _, tt := range []struct {
		trust    string
		domains  []string
		address  string
		verified bool
		want     string
		trusted  bool
	}{
		{EmailVerified, nil, "A@B.org", true, "a@b.org", true},
		{EmailVerified, nil, "a@b.org", false, "a@b.org", false},
		{EmailNever, nil, "a@b.org", true, "a@b.org", false},
		{EmailAlways, nil, "a@b.org", false, "a@b.org", true},
		{"", nil, "a@b.org", true, "a@b.org", false},
		{EmailAlways, []string{"cern.ch"}, "a@cern.ch", false, "a@cern.ch", true},
		{EmailAlways, []string{"CERN.ch"}, "a@CERN.CH", false, "a@cern.ch", true},
		{EmailAlways, []string{"cern.ch"}, "a@evilcern.ch", true, "a@evilcern.ch", false},
		{EmailAlways, []string{"cern.ch"}, "a@cern.ch.evil.org", true, "a@cern.ch.evil.org", false},
		{EmailAlways, []string{"cern.ch"}, "a@x.cern.ch", true, "a@x.cern.ch", false},
		{EmailAlways, []string{"uni-sk.example"}, "a@uni-\u017fk.example", true, "a@uni-sk.example", false},
		{EmailAlways, []string{"uni-sk.example"}, "a@un\u0130-sk.example", true, "", false},
		{EmailAlways, []string{"uni-sk.example"}, "a@uni-s\u212a.example", true, "", false},
		{EmailAlways, nil, "no address", true, "", false},
		{EmailAlways, nil, `"a@cern.ch"@evil.org`, true, "", false},
		{EmailAlways, nil, "", true, "", false},
	} {
		got, trusted := App{EmailTrust: tt.trust, EmailDomains: tt.domains}.email(tt.address, tt.verified)
		if got != tt.want || trusted != tt.trusted {
			t.Errorf("%+v: %q, %v", tt, got, trusted)
		}
	}
}

func TestParseKeys(t *testing.T) {
	if _, err := parseKeys(make([]json.RawMessage, maxKeys+1)); err == nil {
		t.Error("too many keys")
	}
	if _, err := parseKeys([]json.RawMessage{[]byte(`{"kty":"oct","k":"AAAA"}`), []byte(`{}`), []byte(`7`), []byte(`{"kty":"OKP","crv":"Ed448","x":"AA"}`)}); err == nil {
		t.Error("no usable key, and no error")
	}
}

func FuzzMetadata(f *testing.F) {
	f.Add([]byte(fmt.Sprintf(goodMetadata, "")))
	f.Add([]byte(fmt.Sprintf(goodMetadata, `,"userinfo_endpoint":"http://x","token_endpoint_auth_methods_supported":[1,"a"]`)))
	f.Add([]byte(`{"issuer":["https://op.example"]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parseMetadata(b, "https://op.example", false)
		if err != nil {
			return
		}
		if m.Issuer != "https://op.example" || len(m.SigningAlgs) == 0 {
			t.Fatalf("%+v", m)
		}
		for _, u := range []string{m.AuthEndpoint, m.TokenEndpoint, m.Keys, m.UserInfo, m.Revocation} {
			if u != "" && !strings.HasPrefix(strings.ToLower(u), "https://") {
				t.Fatalf("endpoint %q", u)
			}
		}
	})
}

func FuzzClaims(f *testing.F) {
	f.Add([]byte(`{"sub":"a","email":"a@b.c","email_verified":true,"name":"Ada","amr":["pwd"],"auth_time":1.5}`))
	f.Add([]byte(`{"sub":7,"email":[],"name":{},"amr":"x","auth_time":"soon","profile":"javascript:x","resource_access":{"c":{"roles":[null]}}}`))
	f.Add([]byte(`{"a":1,"a":2}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := parseClaims(b)
		if err != nil {
			return
		}
		if checkJSON(b) != nil {
			t.Fatal("decoded what checkJSON refuses")
		}
		m := merge(c, c)
		if m.str("sub") != c.str("sub") {
			t.Fatal("merge changed sub")
		}
		name, text := c.personName(), c.text("preferred_username")
		if _, ok := broker.CleanName(name); !ok || len(text) > maxText || strings.ContainsAny(name+text, "\n\x00\x1b") {
			t.Fatalf("%q %q", name, text)
		}
		_, _, _, _ = c.webURL("profile"), c.list("amr"), c.time("auth_time"), cernRoles(c, "c")
		App{EmailTrust: EmailVerified}.email(c.str("email"), c.isTrue("email_verified"))
	})
}

func FuzzKeys(f *testing.F) {
	f.Add([]byte(`{"kty":"RSA","n":"AQAB","e":"AQAB"}`))
	f.Add([]byte(`{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		keys, err := parseKeys([]json.RawMessage{b})
		if err == nil && (len(keys) != 1 || !keys[0].IsPublic()) {
			t.Fatalf("%v", keys)
		}
	})
}

func FuzzSession(f *testing.F) {
	f.Add(`{"redirect_uri":"https://x","nonce":"n","verifier":"v","started_at":"2026-01-01T00:00:00Z"}`)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parseSession(text)
		if err == nil && s.RedirectURI == "" {
			t.Fatal("no redirect URI")
		}
	})
}
