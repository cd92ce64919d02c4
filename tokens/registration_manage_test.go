package tokens

import (
	"errors"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"idbroker/broker"
)

func TestManageRegistration(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.s.o.Registration.Mode = RegisterOpen
		a := w.register(map[string]any{"contacts": []string{"ops"}, "scope": "openid"})
		id, token, path := a.str("client_id"), a.str("registration_access_token"), "/oauth2/register/"+a.str("client_id")

		got := w.json("GET", path, token, "")
		if got.status != 200 || got.str("client_name") != "New" || got.str("registration_access_token") != token || got.json["client_secret"] != nil || got.header.Get("Cache-Control") != "no-store" {
			t.Errorf("read: %d %s", got.status, got.body)
		}
		later := func() { // no update follows another at once
			c, err := w.db.Client(t.Context(), id)
			must(t, err)
			c.CreatedAt, c.UpdatedAt = c.CreatedAt.Add(-time.Hour), c.UpdatedAt.Add(-time.Minute)
			must(t, w.db.UpdateClient(t.Context(), c))
		}
		// An update says everything anew.
		got = w.json("PUT", path, token, asking(map[string]any{"client_id": id, "client_secret": a.str("client_secret"), "client_name": "Newer", "scope": nil, "contacts": nil}))
		if got.status != 200 || got.str("client_name") != "Newer" || got.json["contacts"] != nil || got.str("scope") != "email offline_access openid profile" || got.json["client_secret"] != nil {
			t.Errorf("update: %d %s", got.status, got.body)
		}
		if got := w.json("PUT", path, token, asking(map[string]any{"client_id": id})); got.status != 429 || got.header.Get("Retry-After") != "10" {
			t.Errorf("again at once: %d %s", got.status, got.body)
		}
		later()
		// To a public client and back: another secret.
		if got = w.json("PUT", path, token, asking(map[string]any{"client_id": id, "token_endpoint_auth_method": "none"})); got.status != 200 {
			t.Errorf("to public: %d %s", got.status, got.body)
		}
		later()
		got = w.json("PUT", path, token, asking(map[string]any{"client_id": id}))
		if got.status != 200 || got.str("client_secret") == "" || got.str("client_secret") == a.str("client_secret") {
			t.Errorf("back: %d %s", got.status, got.body)
		}
		later()
		for name, change := range map[string]map[string]any{
			"no id": nil, "another id": {"client_id": "app"}, "id a number": {"client_id": 1}, "wrong secret": {"client_id": id, "client_secret": a.str("client_secret")},
			"token sent back": {"client_id": id, "registration_access_token": token}, "time sent back": {"client_id": id, "client_id_issued_at": 1},
			"encryption": {"client_id": id, "userinfo_encrypted_response_alg": "RSA-OAEP"},
		} {
			wantError(t, name, w.json("PUT", path, token, asking(change)), 400, "invalid_client_metadata")
		}
		wantError(t, "redirect URI", w.json("PUT", path, token, asking(map[string]any{"client_id": id, "redirect_uris": []string{"http://evil.example/"}})), 400, "invalid_redirect_uri")
		wantError(t, "POST", w.json("POST", path, token, asking(nil)), 405, "invalid_request")

		if got := w.json("DELETE", path, token, ""); got.status != 204 || len(got.body) > 0 {
			t.Errorf("delete: %d %s", got.status, got.body)
		}
		if _, err := w.db.Client(t.Context(), id); !errors.Is(err, broker.ErrNotFound) {
			t.Errorf("deleted: %v", err)
		}
		wantError(t, "read after delete", w.json("GET", path, token, ""), 401, "invalid_token")
		events, err := w.db.Events(t.Context(), "", 9)
		must(t, err)
		if len(events) != 5 || events[0].Name != broker.EventClientDeleted {
			t.Errorf("%d events: %+v", len(events), events)
		}
	})
}

// TestForeignRegistrations: a token opens one registration, and none that an
// operator made.
func TestForeignRegistrations(t *testing.T) {
	w := registering(t, RegisterOpen)
	one, two := w.register(nil), w.register(nil)
	mine := one.str("registration_access_token")
	c, err := w.db.Client(t.Context(), two.str("client_id"))
	must(t, err)
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		for _, path := range []string{two.str("client_id"), "app", "nobody", "", "a%00b", "'"} {
			wantError(t, method+" "+path, w.json(method, "/oauth2/register/"+path, mine, asking(map[string]any{"client_id": path})), 401, "invalid_token")
		}
		for _, token := range []string{one.str("client_secret"), c.Metadata.RegistrationTokenHash, " ", "x"} {
			wantError(t, method+" with "+token, w.json(method, "/oauth2/register/"+two.str("client_id"), token, ""), 401, "invalid_token")
		}
		if got := w.json(method, "/oauth2/register/"+two.str("client_id"), "", ""); got.status != 401 || got.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s without a token: %d", method, got.status)
		}
		r := httptest.NewRequest(method, "/oauth2/register/"+one.str("client_id"), nil)
		r.Header["Authorization"] = []string{"Bearer " + mine, "Bearer " + mine}
		wantError(t, "two tokens", w.send(w.s.ServeRegistered, r, ""), 400, "invalid_request")
	}
	c.DisabledAt = time.Now()
	must(t, w.db.UpdateClient(t.Context(), c))
	wantError(t, "disabled", w.json("GET", "/oauth2/register/"+c.ID, two.str("registration_access_token"), ""), 401, "invalid_token")
}

// TestUnusedClientsGo: those that registered themselves, and no others.
func TestUnusedClientsGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := registering(t, RegisterOpen, func(r *Registration) { r.Unused = 48 * time.Hour })
		all := func() int {
			list, err := w.db.Clients(t.Context())
			must(t, err)
			return len(list)
		}
		before := all()
		idle, busy := w.register(nil), w.register(nil)
		prune := func(want int) {
			t.Helper()
			if n, err := w.s.PruneClients(t.Context()); err != nil || n != want {
				t.Errorf("%d pruned, want %d, %v", n, want, err)
			}
		}
		time.Sleep(47 * time.Hour)
		prune(0)
		c, err := w.db.Client(t.Context(), busy.str("client_id"))
		must(t, err)
		statements := w.counted(func() {
			w.s.noteUse(t.Context(), c, time.Now())
		})
		c, err = w.db.Client(t.Context(), c.ID)
		must(t, err)
		if again := w.counted(func() { w.s.noteUse(t.Context(), c, time.Now()) }); len(statements) != 1 || len(again) != 0 {
			t.Errorf("%v, then %v", statements, again)
		}
		time.Sleep(2 * time.Hour)
		prune(1)
		if _, err := w.db.Client(t.Context(), idle.str("client_id")); !errors.Is(err, broker.ErrNotFound) {
			t.Errorf("%v", err)
		}
		time.Sleep(99 * 24 * time.Hour)
		prune(1)
		if all() != before {
			t.Errorf("%d clients, %d before", all(), before)
		}
		events, err := w.db.Events(t.Context(), "", 1)
		must(t, err)
		if events[0].Name != broker.EventClientExpired {
			t.Errorf("%+v", events[0])
		}
	})
}
