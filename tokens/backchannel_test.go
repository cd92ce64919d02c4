package tokens

import (
	"context"
	"crypto"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"idbroker/broker"
	"idbroker/fetch"
)

// hears gives a client a backchannel_logout_uri.
func (w *world) hears(id, uri string, sessions bool) {
	w.t.Helper()
	c, err := w.db.Client(w.t.Context(), id)
	must(w.t, err)
	c.Metadata.BackchannelLogoutURI, c.Metadata.BackchannelLogoutSessionRequired = uri, sessions
	must(w.t, w.db.UpdateClient(w.t.Context(), c))
}

// notices takes the notices that wait in the outbox.
func (w *world) notices() []broker.LogoutNotice {
	w.t.Helper()
	entries, err := w.db.ClaimOutbox(w.t.Context(), 100, time.Now().Add(time.Second), time.Minute)
	must(w.t, err)
	var all []broker.LogoutNotice
	for _, e := range entries {
		var n broker.LogoutNotice
		must(w.t, json.Unmarshal(e.Payload, &n))
		if e.Kind != broker.OutboxLogout {
			w.t.Errorf("kind %q", e.Kind)
		}
		all = append(all, n)
		must(w.t, w.db.FinishOutbox(w.t.Context(), e.ID, time.Now()))
	}
	slices.SortFunc(all, func(a, b broker.LogoutNotice) int { return strings.Compare(a.ClientID+a.SID, b.ClientID+b.SID) })
	return all
}

const hearing = "https://app.example/backchannel"

// TestSessionEndedTellsItsApplications: those that were in the session, also
// where their tokens have expired or outlast it, and no others.
func TestSessionEndedTellsItsApplications(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		for _, id := range []string{"app", "es", "post", "strict"} {
			w.hears(id, hearing+"/"+id, id == "es")
		}
		w.tokens("app")
		w.tokens("app") // twice in one session: told once
		revoked := w.tokens("es", "scope", "openid")
		w.call(w.s.ServeRevocation, "es", url.Values{"token": {revoked.str("access_token")}})
		w.tokens("other") // cannot hear
		sid := w.session.SID
		w.session.SID = "another"
		w.tokens("strict")

		must(t, w.s.SessionEnded(t.Context(), "somebody", sid))
		if got := w.notices(); len(got) != 0 {
			t.Fatalf("told by the wrong call: %+v", got)
		}
		must(t, w.s.SessionEnded(t.Context(), w.user.ID, sid))
		want := []broker.LogoutNotice{
			{URI: hearing + "/app", ClientID: "app", Subject: string(w.user.ID), SID: sid},
			{URI: hearing + "/es", ClientID: "es", Alg: broker.ES256, Subject: string(w.user.ID), SID: sid},
		}
		if got := w.notices(); !slices.Equal(got, want) {
			t.Errorf("notices %+v, want %+v", got, want)
		}
	})
}

// TestEndGrantsTells what fits: everywhere for an account that is disabled, per
// session where the application hears of those only, nobody twice.
func TestEndGrantsTells(t *testing.T) {
	w := newWorld(t)
	w.hears("app", hearing, false)
	w.hears("es", hearing, true)
	first := w.session.SID
	w.tokens("app")
	w.tokens("es")
	w.session.SID = "zz-second"
	w.tokens("app")
	w.tokens("es")
	end := func(f broker.GrantFilter) []broker.LogoutNotice {
		t.Helper()
		_, err := w.s.EndGrants(t.Context(), f, "user", time.Now())
		must(t, err)
		return w.notices()
	}
	if got := end(broker.GrantFilter{}); len(got) != 0 {
		t.Fatalf("a filter without restriction tells %+v", got)
	}
	if got := end(broker.GrantFilter{UserID: "somebody", ClientID: "app"}); len(got) != 0 {
		t.Fatalf("somebody else's word tells %+v", got)
	}
	got := end(broker.GrantFilter{UserID: w.user.ID, ClientID: "app"})
	if len(got) != 1 || got[0].SID != "" || got[0].Subject != string(w.user.ID) {
		t.Errorf("one application: %+v", got)
	}
	if got := end(broker.GrantFilter{UserID: w.user.ID, ClientID: "app"}); len(got) != 0 {
		t.Errorf("again: %+v", got)
	}
	got = end(broker.GrantFilter{UserID: w.user.ID})
	if len(got) != 3 || got[0].ClientID != "app" || got[0].SID != "" || got[1].SID != first || got[2].SID != "zz-second" {
		t.Errorf("all: %+v", got)
	}
}

// TestDisabledClientsAreToldNothing: an operator turned them away; they heard it
// then.
func TestDisabledClientsAreToldNothing(t *testing.T) {
	w := newWorld(t)
	w.hears("app", hearing, false)
	w.tokens("app")
	c, err := w.db.Client(t.Context(), "app")
	must(t, err)
	c.DisabledAt, c.Metadata.FrontchannelLogoutURI = time.Now(), "https://app.example/out"
	must(t, w.db.UpdateClient(t.Context(), c))
	frames, err := w.s.FrontchannelLogout(t.Context(), w.user.ID, w.session.SID)
	must(t, err)
	must(t, w.s.SessionEnded(t.Context(), w.user.ID, w.session.SID))
	if got := w.notices(); len(got) != 0 || len(frames) != 0 {
		t.Errorf("told %+v, frames %v", got, frames)
	}
}

// TestEndGrantsIsOneUnit: where word cannot be left, nothing has ended.
func TestEndGrantsIsOneUnit(t *testing.T) {
	w := newWorld(t)
	w.hears("app", hearing, false)
	a := w.tokens("app")
	failing := &brokenOutbox{Store: w.db}
	w.s.store = failing
	if _, err := w.s.EndGrants(t.Context(), broker.GrantFilter{UserID: w.user.ID}, "user", time.Now()); err == nil {
		t.Fatal("no error")
	}
	if g := w.grant(a.str("access_token")); g.Revoked() || len(w.notices()) != 0 {
		t.Errorf("grant %+v", g)
	}
}

// hearer is an application that hears.
type hearer struct {
	*httptest.Server
	got    []string // logout tokens
	status int
}

func newHearer(t *testing.T) *hearer {
	h := &hearer{status: http.StatusOK}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		form, err := url.ParseQuery(string(body))
		if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" || err != nil || len(form) != 1 {
			t.Errorf("%s %s %q %v", r.Method, r.Header.Get("Content-Type"), body, err)
		}
		h.got = append(h.got, form.Get("logout_token"))
		if h.status == http.StatusFound {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(h.status)
	}))
	t.Cleanup(h.Close)
	return h
}

// TestDeliverLogout: a library that is not ours takes the token, for both
// algorithms; each attempt has a token of its own.
func TestDeliverLogout(t *testing.T) {
	w := newWorld(t, posting)
	h := newHearer(t)
	for _, id := range []string{"app", "es"} {
		h.got = nil
		n := broker.LogoutNotice{URI: h.URL + "/x?y=1", ClientID: id, Subject: "ada", SID: "sid-1"}
		alg := broker.RS256
		if id == "es" {
			n.Alg, alg = broker.ES256, broker.ES256
		}
		payload := n.Entry(time.Now()).Payload
		must(t, w.s.DeliverLogout(t.Context(), payload))
		must(t, w.s.DeliverLogout(t.Context(), payload))
		var keys []crypto.PublicKey
		for _, k := range w.s.keys.Load().keys {
			keys = append(keys, k.public.Key)
		}
		verifier := oidc.NewVerifier(testIssuer, &oidc.StaticKeySet{PublicKeys: keys}, &oidc.Config{ClientID: id, SupportedSigningAlgs: []string{alg}})
		ids := map[string]bool{}
		for _, token := range h.got {
			l, err := verifier.VerifyLogout(t.Context(), token)
			if err != nil {
				t.Fatalf("%s: %v", id, err)
			}
			if l.Subject != "ada" || l.SessionID != "sid-1" || !slices.Equal(l.Audience, []string{id}) || l.Expiry.Sub(l.IssuedAt) > 2*time.Minute {
				t.Errorf("%s: %+v", id, l)
			}
			ids[l.TokenID] = true
			header, _ := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[0])
			payload, _ := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
			if !strings.Contains(string(header), `"typ":"logout+jwt"`) || strings.Contains(string(payload), "nonce") || !strings.Contains(string(payload), `"events":{"http://schemas.openid.net/event/backchannel-logout":{}}`) {
				t.Errorf("%s: %s.%s", id, header, payload)
			}
			// An application must not get further with it here.
			if _, err := w.s.readHint(token); err == nil {
				t.Error("a logout token passes for an ID token")
			}
			if a := w.userInfo(token); a.status != http.StatusUnauthorized {
				t.Errorf("userinfo takes a logout token: %d", a.status)
			}
		}
		if len(ids) != 2 {
			t.Errorf("%s: ids %v", id, ids)
		}
	}
}

// TestDeliveryFails: what is worth another try, and what is not.
func TestDeliveryFails(t *testing.T) {
	w := newWorld(t, posting)
	h := newHearer(t)
	payload := broker.LogoutNotice{URI: h.URL, ClientID: "app", Subject: "ada"}.Entry(time.Now()).Payload
	for status, permanent := range map[int]bool{302: false, 400: true, 401: false, 404: false, 429: false, 500: false, 503: false} {
		h.status, h.got = status, nil
		err := w.s.DeliverLogout(t.Context(), payload)
		if err == nil || broker.IsPermanent(err) != permanent || len(h.got) != 1 {
			t.Errorf("%d: %v, permanent %v, %d requests", status, err, broker.IsPermanent(err), len(h.got))
		} else if strings.Contains(err.Error(), h.got[0]) {
			t.Errorf("%d: the token is in the error", status)
		}
	}
	for _, status := range []int{200, 204} {
		h.status = status
		must(t, w.s.DeliverLogout(t.Context(), payload))
	}
	h.Close()
	if err := w.s.DeliverLogout(t.Context(), payload); err == nil || broker.IsPermanent(err) {
		t.Errorf("nobody there: %v", err)
	}
	for _, rubbish := range []string{"", "{", `{"uri":"::"}`} {
		if err := w.s.DeliverLogout(t.Context(), []byte(rubbish)); !broker.IsPermanent(err) {
			t.Errorf("%q: %v", rubbish, err)
		}
	}
	none, err := New(w.db, Options{Issuer: testIssuer, Secret: [32]byte{1}})
	must(t, err)
	if err := none.DeliverLogout(t.Context(), payload); err == nil || broker.IsPermanent(err) {
		t.Errorf("without a key: %v", err)
	}
}

// TestNoticesStayOutside: no address inside gets a token, whatever name leads
// there, and nobody tries again. fetch tests the addresses one by one.
func TestNoticesStayOutside(t *testing.T) {
	h := newHearer(t)
	w := newWorld(t, func(o *Options) { o.Notices = fetch.New(fetch.Options{}) })
	plain := newWorld(t, func(o *Options) { o.Notices = fetch.New(fetch.Options{PlainHTTP: true}) })
	secure := strings.Replace(h.URL, "http:", "https:", 1)
	for _, tt := range []struct {
		w    *world
		uri  string
		want error
	}{
		{w, h.URL, fetch.ErrURL}, {w, secure, fetch.ErrAddress}, {w, strings.Replace(secure, "127.0.0.1", "localhost", 1), fetch.ErrAddress},
		{plain, h.URL, fetch.ErrAddress},
	} {
		err := tt.w.s.DeliverLogout(t.Context(), broker.LogoutNotice{URI: tt.uri, ClientID: "app", Subject: "ada"}.Entry(time.Now()).Payload)
		if !broker.IsPermanent(err) || !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", tt.uri, err)
		}
	}
	if len(h.got) != 0 {
		t.Error("a request came")
	}
	none := newWorld(t)
	if err := none.s.DeliverLogout(t.Context(), broker.LogoutNotice{URI: h.URL, ClientID: "app"}.Entry(time.Now()).Payload); err == nil || broker.IsPermanent(err) {
		t.Errorf("without a client of ours: %v", err)
	}
}

// posting has an application on this machine be told.
func posting(o *Options) {
	o.Notices = fetch.New(fetch.Options{PlainHTTP: true, Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
}

// brokenOutbox is a store that cannot leave word.
type brokenOutbox struct{ Store }

func (brokenOutbox) Enqueue(context.Context, broker.OutboxEntry) error { return errBroken }

// TestManyApplicationsAreReadAtOnce: whom an end has to be told is found out in one statement,
// however many they are.
func TestManyApplicationsAreReadAtOnce(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		end := func(clients ...string) (reads int) {
			for _, id := range clients {
				w.hears(id, hearing, false)
				w.tokens(id)
			}
			for _, op := range ops(w.counted(func() {
				_, err := w.s.EndGrants(t.Context(), broker.GrantFilter{UserID: w.user.ID}, "user", time.Now())
				must(t, err)
			})) {
				if op == "select" {
					reads++
				}
			}
			if got := w.notices(); len(got) != len(clients) {
				t.Errorf("%v: told %+v", clients, got)
			}
			return reads
		}
		if one, two := end("app"), end("app", "es"); one != two {
			t.Errorf("%d reads for one application, %d for two", one, two)
		}
	})
}
