package tokens

import (
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
)

func testPairwise(t testing.TB, b byte) pairwise {
	t.Helper()
	p, err := newPairwise([32]byte{b})
	must(t, err)
	return p
}

func TestPairwiseSubjects(t *testing.T) {
	p := testPairwise(t, 1)
	ada := p.subject("a.example", "ada-of-this-broker")
	if ada != p.subject("a.example", "ada-of-this-broker") || len(ada) > 255 || strings.Contains(ada, "ada") {
		t.Errorf("subject %q", ada)
	}
	if user, ok := p.user("a.example", ada); !ok || user != "ada-of-this-broker" {
		t.Errorf("user %q, %v", user, ok)
	}
	for name, other := range map[string]string{
		"another sector": p.subject("b.example", "ada-of-this-broker"), "another person": p.subject("a.example", "bob-of-this-broker"),
		"another broker": testPairwise(t, 2).subject("a.example", "ada-of-this-broker"),
	} {
		if other == ada || other[22:] == ada[22:] {
			t.Errorf("%s: %s and %s", name, other, ada)
		}
	}
	for name, bad := range map[string]string{
		"another sector": p.subject("b.example", "ada-of-this-broker"), "another broker": testPairwise(t, 2).subject("a.example", "ada-of-this-broker"),
		"shorter": ada[:len(ada)-2], "longer": ada + "AA", "nothing": "", "plain": "ada-of-this-broker", "padding": ada + "=", "altered": "A" + ada[1:],
		"IV alone": ada[:22], "altered end": ada[:len(ada)-1] + "A",
	} {
		if user, ok := p.user("a.example", bad); ok && bad != ada {
			t.Errorf("%s: %q is %q", name, bad, user)
		}
	}
}

func FuzzPairwiseUser(f *testing.F) {
	p := testPairwise(f, 1)
	f.Add(p.subject("a.example", "ada"))
	f.Add("x")
	f.Fuzz(func(t *testing.T, subject string) {
		if user, ok := p.user("a.example", subject); ok && p.subject("a.example", user) != subject {
			t.Fatalf("%q is %q", subject, user)
		}
	})
}

func TestSector(t *testing.T) {
	for _, tt := range []struct {
		sectorURI string
		redirects []string
		want      string
	}{
		{"", []string{"https://a.example/cb", "https://a.example/other"}, "a.example"},
		{"https://s.example/list.json", []string{"https://a.example/cb", "https://b.example/cb"}, "s.example"},
		{"", []string{"https://a.example/cb", "https://b.example/cb"}, "client:app"},
		{"", []string{"org.example.app:/cb"}, "client:app"},
		{"", nil, "client:app"},
	} {
		c := broker.Client{ID: "app", RedirectURIs: tt.redirects, Metadata: broker.ClientMetadata{SectorIdentifierURI: tt.sectorURI}}
		if got := sector(c); got != tt.want {
			t.Errorf("%+v: %q", tt, got)
		}
	}
}

// pair registers two clients with pairwise subjects, of different sectors.
func (w *world) pair() {
	for id, host := range map[string]string{"here": "here.example", "there": "there.example"} {
		c, err := w.db.Client(w.t.Context(), "all")
		must(w.t, err)
		now := time.Now()
		c.ID, c.Version, c.CreatedAt, c.UpdatedAt = id, 0, now, now
		c.Metadata.SubjectType, c.Metadata.SectorIdentifierURI = subjectPairwise, "https://"+host+"/redirects.json"
		must(w.t, w.db.CreateClient(w.t.Context(), c))
	}
}

// TestOneSubjectAClientEverywhere: ID token, userinfo and introspection say the
// same, another sector gets another, and neither is the account's id.
func TestOneSubjectAClientEverywhere(t *testing.T) {
	w := newWorld(t)
	w.pair()
	seen := map[string]string{string(w.user.ID): "public"}
	for _, client := range []string{"here", "there"} {
		a := w.tokens(client)
		subject := claimsOf(t, w, a.str("id_token")).Subject
		if seen[subject] != "" {
			t.Errorf("%s has the subject of %s", client, seen[subject])
		}
		seen[subject] = client
		front, _ := w.answered(with(request(client), "response_type", "id_token"))
		if got := claimsOf(t, w, front.Get("id_token")).Subject; got != subject {
			t.Errorf("%s: through the browser: %s", client, got)
		}
		if got := w.userInfo(a.str("access_token")).str("sub"); got != subject {
			t.Errorf("%s: userinfo: %s", client, got)
		}
		for _, token := range []string{"access_token", "refresh_token"} {
			if got := w.introspect(client, a.str(token)).str("sub"); got != subject {
				t.Errorf("%s: introspection of the %s: %s", client, token, got)
			}
		}
		if got := claimsOf(t, w, w.refresh(client, a.str("refresh_token")).str("id_token")).Subject; got != subject {
			t.Errorf("%s: refreshed: %s", client, got)
		}
		for _, body := range [][]byte{a.body, w.userInfo(a.str("access_token")).body} {
			if strings.Contains(string(body), string(w.user.ID)) {
				t.Errorf("%s: the account's id is told: %s", client, body)
			}
		}
		authorization := w.parse(request(client))
		if got := w.s.ClaimsOf(authorization, w.user); got[0].Name != "claim.sub" || got[0].Value != subject {
			t.Errorf("%s: consent shows %+v", client, got[0])
		}
	}
}

// TestPairwiseSubjectsComeBack in hints, claims and sign-outs.
func TestPairwiseSubjectsComeBack(t *testing.T) {
	w := newWorld(t)
	w.pair()
	here, there := w.tokens("here").str("id_token"), w.tokens("there").str("id_token")
	if a := w.parse(with(request("here"), "id_token_hint", here)); a.HintSubject != w.user.ID {
		t.Errorf("the hint names %q", a.HintSubject)
	}
	if _, err := w.s.ParseAuthorization(t.Context(), with(request("here"), "id_token_hint", there)); err == nil {
		t.Error("a hint of another client")
	}
	sub := func(value string) string {
		text, err := json.Marshal(map[string]any{"id_token": map[string]any{"sub": map[string]any{"value": value}}})
		must(t, err)
		return string(text)
	}
	if a := w.parse(with(request("here"), "claims", sub(claimsOf(t, w, here).Subject))); a.HintSubject != w.user.ID {
		t.Errorf("sub names %q", a.HintSubject)
	}
	// Who has heard the other subjects elsewhere must not find out by asking
	// with prompt=none whether they are the same person.
	for name, value := range map[string]string{"of another sector": claimsOf(t, w, there).Subject, "public": string(w.user.ID), "made up": "x"} {
		if _, err := w.s.ParseAuthorization(t.Context(), with(request("here"), "claims", sub(value), "prompt", "none")); !errors.Is(err, ErrLoginRequired) {
			t.Errorf("sub %s: %v", name, err)
		}
	}
	l, err := w.s.ParseLogout(t.Context(), url.Values{"id_token_hint": {here}})
	if err != nil || !l.HintValid || l.Subject != w.user.ID || l.SID != w.session.SID {
		t.Errorf("logout %+v, %v", l, err)
	}
}

// TestSignOutSpeaksOfPairwiseSubjects.
func TestSignOutSpeaksOfPairwiseSubjects(t *testing.T) {
	w := newWorld(t)
	w.pair()
	c, err := w.db.Client(t.Context(), "here")
	must(t, err)
	c.Metadata.BackchannelLogoutURI = "https://here.example/bye"
	must(t, w.db.UpdateClient(t.Context(), c))
	subject := claimsOf(t, w, w.tokens("here").str("id_token")).Subject
	must(t, w.s.SessionEnded(t.Context(), w.user.ID, w.session.SID))
	notices := w.notices()
	if len(notices) != 1 || notices[0].Subject != subject {
		t.Errorf("notices %+v, want one for %s", notices, subject)
	}
}

// TestHintFromBeforePairwise still names the person: the client had it from us.
func TestHintFromBeforePairwise(t *testing.T) {
	w := newWorld(t)
	hint := w.tokens("app").str("id_token")
	c, err := w.db.Client(t.Context(), "app")
	must(t, err)
	c.Metadata.SubjectType = subjectPairwise
	must(t, w.db.UpdateClient(t.Context(), c))
	if a := w.parse(with(request("app"), "id_token_hint", hint)); a.HintSubject != w.user.ID {
		t.Errorf("the hint names %q", a.HintSubject)
	}
}

// TestSubjectsOutliveTheSecret: the oldest makes them.
func TestSubjectsOutliveTheSecret(t *testing.T) {
	c := broker.Client{ID: "app", Metadata: broker.ClientMetadata{SubjectType: subjectPairwise}}
	before, err := New(nil, Options{Issuer: testIssuer, Secret: [32]byte{1}})
	must(t, err)
	after, err := New(nil, Options{Issuer: testIssuer, Secret: [32]byte{3}, OldSecrets: [][32]byte{{2}, {1}}})
	must(t, err)
	if before.subjectOf(c, "ada") != after.subjectOf(c, "ada") {
		t.Error("a rotation of the secret changes who people are")
	}
}

// TestDisabledClientReadsNothing: its tokens end with it.
func TestDisabledClientReadsNothing(t *testing.T) {
	w := newWorld(t)
	a := w.tokens("app")
	c, err := w.db.Client(t.Context(), "app")
	must(t, err)
	c.DisabledAt = time.Now()
	must(t, w.db.UpdateClient(t.Context(), c))
	wantError(t, "userinfo", w.userInfo(a.str("access_token")), 401, "invalid_token")
}
