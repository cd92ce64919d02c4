package tokens

import (
	"context"
	"errors"
	"net/http/httptest"
	"testing"
	"time"

	"idbroker/broker"
)

// brokenStore is a database whose grants cannot be reached.
type brokenStore struct{ Store }

var errBroken = errors.New("disk on fire: secret path")

func (brokenStore) CreateGrant(context.Context, broker.Grant) error { return errBroken }
func (brokenStore) Grant(context.Context, broker.GrantID) (broker.Grant, error) {
	return broker.Grant{}, errBroken
}
func (brokenStore) CreateGrantFor(context.Context, broker.Grant, broker.ClientStamp) error {
	return errBroken
}
func (brokenStore) GrantState(context.Context, broker.GrantID, string) (broker.GrantState, error) {
	return broker.GrantState{}, errBroken
}
func (brokenStore) GrantStateByCode(context.Context, string, string) (broker.GrantState, error) {
	return broker.GrantState{}, &broker.Error{Kind: broker.KindUnavailable, Message: "error.unavailable", Err: errBroken}
}
func (brokenStore) Refresh(context.Context, broker.GrantID, string, broker.ClientStamp, int, time.Time, time.Duration, time.Duration) (broker.Grant, broker.RefreshOutcome, error) {
	return broker.Grant{}, "", errBroken
}
func (brokenStore) RevokeGrant(context.Context, broker.GrantID, string, time.Time) error {
	return errBroken
}

// TestBrokenDatabaseIsOurFault: the answer says so, and no more.
func TestBrokenDatabaseIsOurFault(t *testing.T) {
	w := newWorld(t)
	a, code := w.tokens("app"), w.code(request("app"))
	authorization := w.parse(request("app"))
	w.s.store = brokenStore{w.s.store}
	wantError(t, "code", w.redeem("app", code), 503, "temporarily_unavailable")
	if got := w.redeem("app", code).header.Get("Retry-After"); got == "" {
		t.Error("no Retry-After")
	}
	wantError(t, "refresh", w.refresh("app", a.str("refresh_token")), 500, "server_error")
	wantError(t, "refresh with scope", w.refresh("app", a.str("refresh_token"), "scope", "openid"), 500, "server_error")
	wantError(t, "credentials", w.credentials("machine"), 500, "server_error")
	wantError(t, "userinfo", w.userInfo(a.str("access_token")), 500, "server_error")
	wantError(t, "introspection", w.introspect("app", a.str("access_token")), 500, "server_error")
	rec := httptest.NewRecorder()
	if err := w.s.Respond(t.Context(), rec, httptest.NewRequest("GET", "/", nil), authorization, w.approval(authorization)); !errors.Is(err, errBroken) || rec.Header().Get("Location") != "" {
		t.Errorf("Respond = %v, location %q", err, rec.Header().Get("Location"))
	}
}
