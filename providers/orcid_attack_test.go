package providers

import (
	"context"
	"net/url"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/providers/providertest"
)

func TestORCIDCallback(t *testing.T) {
	set := func(change func(*providertest.ORCIDSettings)) func(*providertest.ORCID) {
		return func(o *providertest.ORCID) { o.Set(change) }
	}
	claim := func(name string, value any) func(*providertest.ORCID) {
		return set(func(s *providertest.ORCIDSettings) {
			s.Claims = func(c map[string]any) {
				if c[name] = value; value == nil {
					delete(c, name)
				}
			}
		})
	}
	for _, tt := range []struct {
		name  string
		setUp func(*providertest.ORCID)
		trip  func(t *testing.T, o *providertest.ORCID, r *Registry) trip
		want  *broker.Error // nil: success
	}{
		{name: "ordinary"},
		{name: "ID token of ten minutes", setUp: set(func(s *providertest.ORCIDSettings) { s.IDTokenLifetime = 10 * time.Minute })},
		{name: "ID token of twenty years", setUp: set(func(s *providertest.ORCIDSettings) { s.IDTokenLifetime = 20 * 365 * 24 * time.Hour })},
		{name: "ID token expired", setUp: set(func(s *providertest.ORCIDSettings) { s.IDTokenLifetime = -10 * time.Minute }), want: ErrUpstream},
		{name: "nonce missing", setUp: set(func(s *providertest.ORCIDSettings) { s.NoNonce = true }), want: ErrUpstream},
		{name: "nonce wrong", setUp: claim("nonce", "another"), want: ErrUpstream},
		{name: "iss of the ID token", setUp: claim("iss", "https://sandbox.orcid.org"), want: ErrUpstream},
		{name: "audience", setUp: claim("aud", "APP-2"), want: ErrUpstream},
		{name: "at_hash", setUp: claim("at_hash", "AAAAAAAAAAAAAAAAAAAAAA"), want: ErrUpstream},
		{name: "another sub than orcid", setUp: claim("sub", markX), want: ErrUpstream},
		{name: "sub with a wrong check character", setUp: claim("sub", "0000-0001-2345-678X"), want: ErrUpstream},
		{name: "sub as a URL", setUp: claim("sub", "https://orcid.org/"+sofia), want: ErrUpstream},
		{name: "sub missing", setUp: claim("sub", nil), want: ErrUpstream},
		{name: "amr a string", setUp: set(func(s *providertest.ORCIDSettings) { s.AMR = "mfa" })},
		{name: "amr a list", setUp: claim("amr", []string{"pwd", "mfa"})},
		{name: "amr a number", setUp: claim("amr", 7)},
		{name: "iss of the callback", setUp: set(func(s *providertest.ORCIDSettings) { s.Issuer = "https://evil.example" }), want: ErrUpstream},
		{name: "a stored challenge would fail, and there is none", setUp: set(func(s *providertest.ORCIDSettings) { s.ChallengeFails = true })},
		{name: "wrong secret", setUp: func(o *providertest.ORCID) {
			o.Register(providertest.ORCIDClient{ID: "APP-1", Secret: "changed", RedirectURIs: []string{"https://broker.example"}})
		}, want: ErrMisconfigured},
		{name: "denied", trip: func(t *testing.T, o *providertest.ORCID, r *Registry) trip {
			out, a := begin(t, r, "orcid", "st", broker.BeginOptions{})
			return arrive(t, a, "st", o.Visitor().Deny(t, out.URL, sofia))
		}, want: ErrDenied},
		{name: "code expired", trip: func(t *testing.T, o *providertest.ORCID, r *Registry) trip {
			tr := visit(t, r, "orcid", o.Visitor(), sofia)
			o.Advance(11 * time.Minute)
			return tr
		}, want: ErrRestart},
		{name: "code of another session", trip: func(t *testing.T, o *providertest.ORCID, r *Registry) trip {
			attacker, victim := visit(t, r, "orcid", o.Visitor(), markX), visit(t, r, "orcid", o.Visitor(), sofia)
			victim.callback.Code = attacker.callback.Code // the nonce catches it
			return victim
		}, want: ErrUpstream},
		{name: "code used before", trip: func(t *testing.T, o *providertest.ORCID, r *Registry) trip {
			tr := visit(t, r, "orcid", o.Visitor(), sofia)
			if _, err := complete(r, tr); err != nil {
				t.Fatal(err)
			}
			return tr
		}, want: ErrRestart},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o, r, log := newORCIDStage(t, tt.name == "amr a string")
			n := 0
			if tt.setUp != nil {
				tt.setUp(o)
			}
			if tt.trip == nil {
				tt.trip = func(t *testing.T, o *providertest.ORCID, r *Registry) trip {
					return visit(t, r, "orcid", o.Visitor(), sofia)
				}
			}
			tr := tt.trip(t, o, r)
			p, err := complete(r, tr)
			if n = len(o.Exchanges("/oauth/token")) - n; n > 1 && tt.name != "code used before" {
				t.Errorf("%d token requests", n)
			}
			if tt.want == nil {
				if err != nil || p.Subject != sofia {
					t.Fatalf("%+v, %v", p, err)
				}
				if tt.name == "amr a string" && (len(p.AMR) != 1 || p.AMR[0] != "mfa") {
					t.Errorf("amr %q", p.AMR)
				}
				return
			}
			wantRefusal(t, err, tt.want, orcidSecretText, tr.callback.Code.Reveal())
			wantNoSecret(t, log.String(), orcidSecretText, tr.callback.Code.Reveal())
			if o.LiveTokens(sofia) != 0 {
				t.Error("tokens of a refused sign-in live on")
			}
		})
	}
}

// A new key is fetched when it is met, but not more often than every few seconds.
func TestORCIDKeyRotation(t *testing.T) {
	for _, withdraw := range []bool{false, true} {
		o, r, _ := newORCIDStage(t, false)
		p, later := r.byID["orcid"].provider.(*orcidProvider), time.Duration(0)
		p.env.now = func() time.Time { return time.Now().Add(later) }
		p.dir = newDirectory(p.app.Issuer, p.env, nil)
		signIn(t, r, "orcid", o.Visitor(), sofia)
		o.RotateKeys(withdraw)
		later = 2 * lookupPause
		signIn(t, r, "orcid", o.Visitor(), sofia)
	}
}

func TestORCIDForgedIDTokens(t *testing.T) {
	for _, how := range providertest.Forgeries {
		o, r, _ := newORCIDStage(t, false)
		o.Set(func(s *providertest.ORCIDSettings) { s.Forge = how })
		_, err := complete(r, visit(t, r, "orcid", o.Visitor(), sofia))
		wantRefusal(t, err, ErrUpstream)
	}
}

// Errors in the fragment reach nobody: the callback is empty.
func TestORCIDFragment(t *testing.T) {
	o, r, _ := newORCIDStage(t, false, func(a *App) { a.AuthParams = map[string]string{"prompt": "none"} })
	out, a := begin(t, r, "orcid", "st", broker.BeginOptions{})
	u, err := o.Visitor().Open(out.URL)
	if err != nil || u == nil || u.Fragment != "error=login_required" || u.RawQuery != "" {
		t.Fatalf("%v, %v", u, err)
	}
	_, err = complete(r, trip{attempt: a})
	wantRefusal(t, err, ErrIncomplete)
}

func TestORCIDTroubles(t *testing.T) {
	for name, tt := range map[string]struct {
		path    string
		failure providertest.Failure
		times   int
		want    *broker.Error // nil: success
	}{
		"token 500":              {"/oauth/token", providertest.Failure{Status: 500, HTML: true}, 1, ErrUnavailable},
		"token 415":              {"/oauth/token", providertest.Failure{Status: 415}, 1, ErrUpstream},
		"token slow":             {"/oauth/token", providertest.Failure{Delay: 5 * time.Second}, 1, ErrUnavailable},
		"token broken":           {"/oauth/token", providertest.Failure{Reset: true}, 1, ErrUnavailable},
		"token huge":             {"/oauth/token", providertest.Failure{Huge: true}, 1, ErrUpstream},
		"token HTML":             {"/oauth/token", providertest.Failure{HTML: true}, 1, ErrUpstream},
		"token redirect":         {"/oauth/token", providertest.Failure{Redirect: "https://evil.example/"}, 1, ErrUpstream},
		"no ID token":            {"/oauth/token", providertest.Failure{Body: `{"access_token":"a","token_type":"bearer","orcid":"` + sofia + `"}`}, 1, ErrUpstream},
		"record down":            {"/email", providertest.Failure{Status: 503}, 2, nil},
		"record 503 once":        {"/email", providertest.Failure{Status: 503}, 1, nil},
		"record slow":            {"/email", providertest.Failure{Delay: 5 * time.Second}, 1, nil},
		"record 429":             {"/email", providertest.Failure{Status: 429}, 1, nil},
		"record 401":             {"/email", providertest.Failure{Status: 401, Body: `{"error":"invalid_token","error_description":"Invalid access token: abc"}`}, 1, ErrRestart},
		"record 404":             {"/email", providertest.Failure{Status: 404, Body: `{"response-code":404,"error-code":9016}`}, 1, ErrUpstream},
		"record 406":             {"/email", providertest.Failure{Status: 406, Body: `{"error-code":9001}`}, 1, ErrUpstream},
		"record 409 unknown":     {"/email", providertest.Failure{Status: 409, Body: `not JSON`}, 1, ErrUpstream},
		"record XML":             {"/email", providertest.Failure{ContentType: "application/xml", Body: `<email/>`}, 1, ErrUpstream},
		"record of somebody":     {"/email", providertest.Failure{Body: `{"email":[],"path":"/` + markX + `/email"}`}, 1, ErrUpstream},
		"record truncated":       {"/email", providertest.Failure{Truncate: true}, 1, ErrUpstream},
		"record verified a word": {"/email", providertest.Failure{Body: `{"email":[{"email":"a@example.org","verified":"true"}]}`}, 1, ErrUpstream},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, r, log := newORCIDStage(t, false)
			tr := visit(t, r, "orcid", o.Visitor(), sofia)
			for range tt.times {
				o.Script(tt.path, providertest.Fails(tt.failure))
			}
			p, err := complete(r, tr)
			if n := len(o.Exchanges("/oauth/token")); n != 1 {
				t.Errorf("%d token requests", n)
			}
			wantNoSecret(t, log.String(), orcidSecretText, tr.callback.Code.Reveal())
			if tt.want == nil {
				if err != nil || p.Subject != sofia || p.Email != "" {
					t.Errorf("%+v, %v", p, err)
				}
				return
			}
			wantRefusal(t, err, tt.want, orcidSecretText, tr.callback.Code.Reveal(), "abc")
		})
	}
}

func TestORCIDDiscoveryDown(t *testing.T) {
	o, r, _ := newORCIDStage(t, false)
	for range 2 {
		o.Script("/openid-configuration", providertest.Fails(providertest.Failure{Status: 503}))
	}
	_, err := r.Begin(context.Background(), "orcid", "st", broker.BeginOptions{})
	wantRefusal(t, err, ErrUnavailable)
}

// The wrong redirect URI never leaves ORCID.
func TestORCIDWrongRedirect(t *testing.T) {
	o, r, _ := newORCIDStage(t, false)
	o.Register(providertest.ORCIDClient{ID: "APP-1", Secret: orcidSecretText, RedirectURIs: []string{"https://other.example"}})
	out, _ := begin(t, r, "orcid", "st", broker.BeginOptions{})
	v := o.Visitor()
	u, err := v.Open(out.URL)
	if u != nil || err != nil || v.Status != 200 {
		t.Errorf("%v %v %d", u, err, v.Status)
	}
	if u, _ := v.Send(out.URL, url.Values{"person": {sofia}, "decision": {"allow"}}); u != nil {
		t.Errorf("sent to %s", u)
	}
}
