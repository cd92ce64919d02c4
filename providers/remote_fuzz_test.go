package providers

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"idbroker/broker"
)

// answering is a transport that answers everything with one body.
type answering string

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: 200, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(string(a))),
	}, nil
}

func FuzzGitHubUser(f *testing.F) {
	for _, s := range []string{
		`{"login":"ada-example","id":9900112,"type":"User","name":"Ada","email":null}`, `{"id":9007199254740993,"login":"x","type":"Bot"}`,
		`{"id":"1"}`, `{"id":1e99}`, `{"id":-0}`, `{"id":01}`, `{"id":1,"id":2}`, `{"id":1,"ID":2}`, `null`, `[]`, `{"id":1,"login":"../x"}`, `{"id":null}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		u, err := readGitHubUser(body)
		if err != nil {
			return
		}
		if !validSubject(u.ID) || strings.Trim(u.ID, "0123456789") != "" || u.ID[0] == '0' {
			t.Errorf("id %q", u.ID)
		}
		if strings.ContainsAny(u.Login, "/?#%<>\" ") {
			t.Errorf("login %q", u.Login)
		}
		if name, ok := broker.CleanName(u.Name); !ok || name != u.Name {
			t.Errorf("name %q", u.Name)
		}
	})
}

func FuzzGitHubEmails(f *testing.F) {
	for _, s := range []string{
		`[{"email":"ada@example.org","primary":true,"verified":true,"visibility":"private"}]`, `[{"email":"a@b","primary":1}]`, `[]`, `{}`, `null`,
		`[{"email":"a@users.noreply.github.com","primary":true,"verified":true}]`, `[{"verified":"true"}]`,
	} {
		f.Add([]byte(s))
	}
	p := &githubProvider{base: base{app: App{EmailTrust: EmailVerified}}}
	f.Fuzz(func(t *testing.T, body []byte) {
		list, err := readGitHubEmails(body)
		if err != nil {
			return
		}
		for _, e := range list {
			got := p.usable(e)
			if got.verified && (!e.Verified || got.address == "") || strings.Contains(got.address, "@users.noreply.") {
				t.Errorf("%+v became %+v", e, got)
			}
			if clean, err := broker.NormalizeEmail(got.address); got.address != "" && (err != nil || clean != got.address) {
				t.Errorf("address %q", got.address)
			}
		}
	})
}

func FuzzGitHubLink(f *testing.F) {
	f.Add(`<https://api.github.com/user/emails?page=2>; rel="next"`)
	f.Add(`<https://evil.example/>; rel="next", <https://api.github.com/user/emails>; rel=next`)
	f.Add(`<https://api.github.com/user/emails@evil.example/>; rel="next"`)
	p := &githubProvider{api: "https://api.github.com"}
	f.Fuzz(func(t *testing.T, header string) {
		next := p.nextPage("/user/emails", []string{header})
		if next == "" {
			return
		}
		req, err := http.NewRequest(http.MethodGet, next, nil)
		if err == nil && (req.URL.Host != "api.github.com" || req.URL.Scheme != "https" || req.URL.Path != "/user/emails") {
			t.Errorf("%q leads to %s", header, req.URL)
		}
	})
}

// FuzzTokenResponse is for what all three read of a token endpoint's answer.
func FuzzTokenResponse(f *testing.F) {
	for _, s := range []string{
		`{"access_token":"gho_x","scope":"read:user,user:email","token_type":"bearer"}`,
		`{"error":"bad_verification_code","error_description":"The code passed is incorrect or expired."}`,
		`{"access_token":"x","token_type":"bearer","expires_in":631138518,"orcid":"0000-0001-2345-6789","name":"","id_token":"a.b.c"}`,
		`{"access_token":"x","token_type":"Bearer","resource_server":"auth.globus.org","expires_in":172800,"other_tokens":[{"access_token":"y","resource_server":"groups.api.globus.org","expires_in":1,"token_type":"Bearer","scope":"g"}]}`,
		`{"access_token":"x","token_type":"Bearer","resource_server":"a","other_tokens":[{"access_token":"y","resource_server":"auth.globus.org"}]}`,
		`{"access_token":"x","other_tokens":{}}`, `{"access_token":1}`, `{"access_token":"x","expires_in":"1"}`, `{"access_token":"x","expires_in":-1}`, `[]`, `null`, ``,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		c := &client{limits: limits{}.withDefaults(), http: &http.Client{Transport: &transport{way: reachAll, next: answering(body)}}}
		cfg := &oauth2.Config{ClientID: "c", ClientSecret: "secret", Endpoint: oauth2.Endpoint{TokenURL: "https://op.example/token", AuthStyle: oauth2.AuthStyleInParams}}
		const code = "the-code-0123456789"
		tok, err := c.exchange(context.Background(), cfg, &session{RedirectURI: "https://b.example/"}, code)
		if err != nil {
			var known *broker.Error
			if !errors.As(err, &known) {
				t.Errorf("%T", err)
			}
			return
		}
		if tok.AccessToken == "" {
			t.Error("no access token and no error")
		}
		s := &session{token: tok}
		for _, kept := range s.tokens([]string{"openid"}, time.Now()) {
			if kept.AccessToken == "" {
				t.Error("an empty token is kept")
			}
		}
		main, err := globusAnswer(tok)
		if err != nil {
			return
		}
		s.token = main
		seen := map[string]bool{}
		for _, kept := range globusTokens(&openID{base: base{env: env{now: time.Now}}}, s, s.tokens(nil, time.Now())[0]) {
			if kept.AccessToken == "" || seen[kept.Kind] || kept.Kind == globusServer || len(kept.Kind) > maxText {
				t.Errorf("kept %+v", kept)
			}
			seen[kept.Kind] = true
		}
	})
}

func FuzzORCIDEmail(f *testing.F) {
	for _, s := range []string{
		`{"last-modified-date":{"value":1717000000000},"email":[{"email":"sofia@example.org","path":null,"visibility":"public","verified":true,"primary":true}],"path":"/0000-0001-2345-6789/email"}`,
		`{"email":[],"path":"/0000-0001-2345-6789/email"}`, `{"email":null}`, `{"email":[{"email":"a@b.c","verified":"true"}]}`, `{"path":"/x/email"}`, `{}`, `[]`, `null`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		address, err := readORCIDEmail(body, sofia)
		if err != nil && address != "" {
			t.Errorf("%q beside %v", address, err)
		}
		if address != "" && !strings.Contains(string(body), "erified") && !strings.Contains(string(body), `\u`) && !strings.Contains(strings.ToLower(string(body)), "verified") {
			t.Errorf("an address that nothing calls verified: %q", address)
		}
	})
}

func FuzzGlobusUserInfo(f *testing.F) {
	for _, s := range []string{
		`{"sub":"8b1f3c0a-1111-4222-8333-444455556666","name":"Jane","organization":null,"email":"jane@example.edu","preferred_username":"jane@example.edu","identity_provider":"aaaabbbb-cccc-4ddd-8eee-ffff00001111","last_authentication":1795300000,"identity_set":[{"sub":"99990000-aaaa-4bbb-8ccc-dddd22223333","username":"x","last_authentication":null}]}`,
		`{"sub":"8b1f3c0a-1111-4222-8333-444455556666","identity_set":[{"sub":"99990000-aaaa-4bbb-8ccc-dddd22223333","last_authentication":1}]}`,
		`{"sub":1,"identity_set":"x"}`, `{"identity_set":[1,null,[]]}`, `{}`, `null`, `[]`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		c, err := parseClaims(body)
		if err != nil {
			return
		}
		for _, want := range []string{"", university} {
			profile := broker.Profile{Subject: c.str("sub")}
			p := &openID{base: base{app: App{RequiredIdentityProvider: want}}}
			if err := checkGlobus(context.Background(), p, nil, c, &profile); err != nil {
				continue
			}
			if !uuidForm.MatchString(profile.Subject) || want != "" && c.str("identity_provider") != want {
				t.Errorf("let in: %s", body)
			}
			if len(profile.Extra) > 64<<10 {
				t.Errorf("%d bytes kept", len(profile.Extra))
			}
		}
	})
}

func FuzzValidORCID(f *testing.F) {
	f.Add(sofia)
	f.Add(markX)
	f.Add("0000-0001-2345-678X")
	f.Fuzz(func(t *testing.T, s string) {
		if validORCID(s) && (len(s) != 19 || !validSubject(s)) {
			t.Errorf("%q", s)
		}
	})
}
