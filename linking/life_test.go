package linking_test

import (
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/linking"
	"idbroker/providers"
	"idbroker/providers/providertest"
	"idbroker/store"
	"idbroker/store/storetest"
)

// outbox takes what waits there: mails by template, and revocations.
func (w *world) outbox() (mails map[string]broker.Mail, revocations [][]byte) {
	w.t.Helper()
	mails = map[string]broker.Mail{}
	entries, err := w.db.ClaimOutbox(w.t.Context(), 100, time.Now().Add(time.Second), time.Hour)
	must(w.t, err)
	for _, e := range entries {
		if e.Kind == broker.OutboxRevoke {
			revocations = append(revocations, e.Payload)
			continue
		}
		var m broker.Mail
		must(w.t, json.Unmarshal(e.Payload, &m))
		mails[m.Template] = m
	}
	return mails, revocations
}

// secretOf is the secret in a mail about a change of links.
func secretOf(t *testing.T, m broker.Mail) broker.Secret {
	t.Helper()
	before, token, ok := strings.Cut(m.Data["link"], "?token=")
	if !ok || before != base+broker.UndoLinkPath || m.Data["until"] == "" {
		t.Fatalf("the mail has no way back: %+v", m)
	}
	return broker.Secret(token)
}

// second makes a world whose providers have a policy for second identities.
func second(t *testing.T, db *store.DB, policy broker.Second) *world {
	return newWorld(t, db, func(a *providers.App) { a.Second = policy })
}

func (w *world) subjects(u broker.User) string {
	w.t.Helper()
	ids, err := w.db.IdentitiesOf(w.t.Context(), u.ID)
	must(w.t, err)
	var all []string
	for _, i := range ids {
		all = append(all, i.Provider+":"+i.Subject)
	}
	return strings.Join(all, " ")
}

// TestSecondIdentity: refused, added, or in the place of the first, after a
// question and not before.
func TestSecondIdentity(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := second(t, db, broker.SecondAdd)
		u := w.user("ada", "hash")
		w.link(u, "one", "ada")
		if res := w.link(u, "one", "eve"); res.Outcome != linking.Linked || w.subjects(u) != "one:ada one:eve" {
			t.Fatalf("add: %+v, %s", res.Outcome, w.subjects(u))
		}
		w = second(t, db, broker.SecondReplace)
		b := newBrowser().signedIn(u, time.Minute)
		_, err := w.back(b, "one", w.out(b, "one", broker.PurposeLink, "bob"))
		wantError(t, "which of two?", err, linking.ErrSecond)

		other := w.user("bob", "")
		w.link(other, "two", "ada")
		w.outbox()
		before := w.state(other)
		b = newBrowser().signedIn(other, time.Minute)
		res := w.journey(b, "two", broker.PurposeLink, "eve")
		if res.Outcome != linking.AskReplace || w.state(other) != before || !res.Login.Live(b.cookie, time.Now()) {
			t.Fatalf("ask: %+v, state %+v", res, w.state(other))
		}
		old, ok, err := w.Replaces(t.Context(), res.Login)
		must(t, err)
		if !ok || old.Identity.Subject != "ada" || old.Account.Username != "ada-at-two" {
			t.Errorf("to be replaced: %+v", old)
		}
		_, err = w.LinkPending(t.Context(), b.session, res.Login, false)
		wantError(t, "without a yes", err, linking.ErrSecond)
		_, err = w.LinkPending(t.Context(), newBrowser().signedIn(u, 0).session, res.Login, true)
		wantError(t, "somebody else's yes", err, linking.ErrOtherUser)
		if got := w.state(other); got != before {
			t.Errorf("state %+v became %+v", before, got)
		}
		outcome, err := w.LinkPending(t.Context(), b.session, res.Login, true)
		must(t, err)
		mails, revocations := w.outbox()
		if outcome != linking.Replaced || w.subjects(other) != "two:eve" || len(revocations) != 1 {
			t.Errorf("%s: %s, %d revocations", outcome, w.subjects(other), len(revocations))
		}
		if res := w.journey(newBrowser(), "two", broker.PurposeSignIn, "ada"); res.Outcome != linking.NewPerson {
			t.Errorf("the replaced identity still signs in: %+v", res)
		}
		// "This was not me" brings the old one back and drops the new one.
		_, err = w.Undo(t.Context(), broker.Session{}, secretOf(t, mails["replaced"]))
		must(t, err)
		if w.subjects(other) != "two:ada" {
			t.Errorf("after undo: %s", w.subjects(other))
		}
	})
}

// TestUndoLinked: somebody got hold of a session and linked an identity of
// theirs. The person reads the mail and throws them out, for good.
func TestUndoLinked(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		u := w.user("ada", "hash")
		thief := newBrowser().signedIn(u, time.Minute)
		for _, sid := range []string{thief.session.SID, "mine"} {
			must(t, db.CreateSession(t.Context(), broker.Session{IDHash: sid, SID: sid, UserID: u.ID, ExpiresAt: time.Now().Add(time.Hour)}))
		}
		w.journey(thief, "one", broker.PurposeLink, "eve")
		grants := map[broker.GrantID]bool{"g-" + broker.GrantID(thief.session.SID): false, "g-mine": true, "g-left": false} // whether it stays
		for id := range grants {
			must(t, db.CreateGrant(t.Context(), broker.Grant{
				ID: id, ClientID: "app", UserID: u.ID, SID: strings.TrimPrefix(string(id), "g-"), Scopes: []string{"offline_access"}, ExpiresAt: time.Now().Add(time.Hour), CreatedAt: time.Now(),
			}))
		}
		mails, _ := w.outbox()
		secret := secretOf(t, mails["linked"])
		before := w.state(u)
		for range 3 { // mail scanners follow links
			undo, err := w.UndoFor(t.Context(), secret)
			must(t, err)
			if undo.Change.Added.Identity.Subject != "eve" || undo.Title != "Provider one" || undo.User.ID != u.ID {
				t.Errorf("%+v", undo)
			}
		}
		if w.state(u) != before {
			t.Error("looking changed something")
		}
		_, err := w.Undo(t.Context(), broker.Session{UserID: u.ID, SID: "mine"}, secret)
		must(t, err)
		if got := w.state(u); got.identities != 0 || got.accounts != 0 || got.tokens != 0 {
			t.Errorf("after undo: %+v", got)
		}
		sessions, err := db.SessionsOf(t.Context(), u.ID)
		must(t, err)
		if len(sessions) != 1 || sessions[0].SID != "mine" {
			t.Errorf("sessions: %+v", sessions)
		}
		for id, stays := range grants {
			g, err := db.Grant(t.Context(), id)
			must(t, err)
			if g.RevokedAt.IsZero() != stays {
				t.Errorf("grant %s: revoked at %v", id, g.RevokedAt)
			}
		}
		stored, err := db.User(t.Context(), u.ID)
		must(t, err)
		if stored.SignedOutAt.IsZero() {
			t.Error("what was authenticated before can still become a session")
		}
		mails, revocations := w.outbox()
		if m, ok := mails["link-undone"]; !ok || m.Data["link"] != "" || len(revocations) != 1 {
			t.Errorf("mails %v, %d revocations", mails, len(revocations))
		}
		if res := w.journey(newBrowser(), "one", broker.PurposeSignIn, "eve"); res.Outcome != linking.NewPerson {
			t.Errorf("the thief's identity still signs in: %+v", res)
		}
		before = w.state(u)
		_, err = w.Undo(t.Context(), broker.Session{}, secret)
		wantError(t, "a second time", err, linking.ErrUndoUsed)
		for _, forged := range []broker.Secret{"", broker.NewSecret(), broker.Secret(secret.Hash())} {
			_, err = w.Undo(t.Context(), broker.Session{}, forged)
			wantError(t, "a made-up secret", err, linking.ErrUndoUnknown)
		}
		if w.state(u) != before {
			t.Error("a refused undo changed something")
		}
	})
}

// TestUndoUnlinked: what was removed comes back, unless it is somebody else's by
// now; and it comes back once.
func TestUndoUnlinked(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		u, other := w.user("ada", "hash"), w.user("bob", "hash")
		unlink := func() broker.Secret {
			t.Helper()
			ids, err := db.IdentitiesOf(t.Context(), u.ID)
			must(t, err)
			must(t, w.Unlink(t.Context(), newBrowser().signedIn(u, 0).session, "one", ids[0].ID))
			mails, _ := w.outbox()
			return secretOf(t, mails["unlinked"])
		}
		w.link(u, "one", "ada")
		ids, err := db.IdentitiesOf(t.Context(), u.ID)
		must(t, err)
		secret := unlink()
		var wg sync.WaitGroup
		var mu sync.Mutex
		done, used := 0, 0
		for range 8 {
			wg.Go(func() {
				_, err := w.Undo(t.Context(), broker.Session{}, secret)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					done++
				case errors.Is(err, linking.ErrUndoUsed):
					used++
				default:
					t.Errorf("%v", err)
				}
			})
		}
		wg.Wait()
		again, err := db.IdentitiesOf(t.Context(), u.ID)
		must(t, err)
		if done != 1 || used != 7 || len(again) != 1 || again[0] != ids[0] {
			t.Errorf("%d done, %d used, %+v is not %+v", done, used, again, ids)
		}
		rows, err := w.Accounts(t.Context(), u.ID)
		must(t, err)
		if rows[0].Account.Username != "ada-at-one" {
			t.Errorf("what we knew of it is lost: %+v", rows[0].Account)
		}
		if res := w.journey(newBrowser(), "one", broker.PurposeSignIn, "ada"); res.Outcome != linking.SignedIn || res.User.ID != u.ID {
			t.Errorf("%+v", res)
		}

		secret = unlink()
		w.link(other, "one", "ada")
		before := w.state(u, other)
		_, err = w.Undo(t.Context(), broker.Session{}, secret)
		wantError(t, "it is somebody else's by now", err, linking.ErrUndoTaken)
		must(t, local.New(db, w.Linker, local.Options{}).SetDisabled(t.Context(), u.ID, true))
		before.events++
		_, err = w.Undo(t.Context(), broker.Session{}, secret)
		wantError(t, "a disabled account", err, broker.ErrDisabled)
		if got := w.state(u, other); got != before {
			t.Errorf("state %+v became %+v", before, got)
		}
	})
}

// TestUndoExpires: the grace time is the operator's.
func TestUndoExpires(t *testing.T) {
	w := newWorld(t, storetest.New(t))
	w.Linker = linking.New(w.db, w.apps, linking.Options{Issuer: base, UndoWithin: time.Millisecond})
	w.link(w.user("ada", "hash"), "one", "ada")
	mails, _ := w.outbox()
	time.Sleep(2 * time.Millisecond)
	_, err := w.Undo(t.Context(), broker.Session{}, secretOf(t, mails["linked"]))
	wantError(t, "too late", err, linking.ErrUndoExpired)
}

// TestUndoKeepsAWayIn: a thief links theirs and unlinks the person's. Where no
// password can be chosen, the person takes the changes back in the other order.
func TestUndoKeepsAWayIn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		strict := linking.New(db, w.apps, linking.Options{Issuer: base, NoPasswords: true})
		u := w.user("ada", "")
		w.link(u, "one", "ada")
		w.outbox()
		w.link(u, "two", "eve")
		linked, _ := w.outbox()
		ids, err := db.IdentitiesOf(t.Context(), u.ID)
		must(t, err)
		must(t, w.Unlink(t.Context(), newBrowser().signedIn(u, 0).session, "one", ids[0].ID))
		unlinked, _ := w.outbox()

		before := w.state(u)
		_, err = strict.Undo(t.Context(), broker.Session{}, secretOf(t, linked["linked"]))
		wantError(t, "nothing would open the account", err, linking.ErrUndoLast)
		if got := w.state(u); got != before {
			t.Errorf("state %+v became %+v", before, got)
		}
		_, err = strict.Undo(t.Context(), broker.Session{}, secretOf(t, unlinked["unlinked"]))
		must(t, err)
		_, err = strict.Undo(t.Context(), broker.Session{}, secretOf(t, linked["linked"]))
		must(t, err)
		if got := w.subjects(u); got != "one:ada" {
			t.Errorf("after both: %s", got)
		}
	})
}

// TestRevocation: what let us act at a provider ends there, and is tried again
// until it does; tokens given since are spared.
func TestRevocation(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		u := w.user("ada", "hash")
		unlink := func() []byte {
			t.Helper()
			w.link(u, "one", "ada")
			ids, err := db.IdentitiesOf(t.Context(), u.ID)
			must(t, err)
			must(t, w.Unlink(t.Context(), newBrowser().signedIn(u, 0).session, "one", ids[0].ID))
			_, revocations := w.outbox()
			if len(revocations) != 1 {
				t.Fatalf("%d revocations wait", len(revocations))
			}
			return revocations[0]
		}
		payload := unlink()
		w.op.Fail(providertest.Revoke, providertest.Failure{Status: 503, Body: "busy", ContentType: "text/plain"}, providertest.Failure{Status: 503, Body: "busy", ContentType: "text/plain"})
		if err := w.DeliverRevocation(t.Context(), payload); err == nil || broker.IsPermanent(err) {
			t.Errorf("a provider that is down: %v", err)
		}
		w.op.Heal()
		for range 2 { // the outbox may do it twice
			must(t, w.DeliverRevocation(t.Context(), payload))
		}
		var r broker.Revocation
		must(t, json.Unmarshal(payload, &r))
		last := w.op.Requests(providertest.Revoke)
		if len(r.Tokens) != 1 || r.Tokens[0].Access == "" || !strings.Contains(last[len(last)-1].Body, r.Tokens[0].Access) {
			t.Errorf("%+v was not asked for: %s", r, last[len(last)-1].Body)
		}

		// The same token is held again: it is spared.
		payload = unlink()
		must(t, json.Unmarshal(payload, &r))
		w.link(u, "one", "ada")
		account, err := db.RemoteAccount(t.Context(), "one", w.op.Issuer, "ada")
		must(t, err)
		must(t, db.SaveRemoteTokens(t.Context(), account.ID, r.Remote()))
		asked := w.op.Count(providertest.Revoke)
		must(t, w.DeliverRevocation(t.Context(), payload))
		if n := w.op.Count(providertest.Revoke); n != asked {
			t.Errorf("a token that is in use was revoked")
		}

		gone, err := providers.New(providers.Options{BaseURL: base})
		must(t, err)
		later := linking.New(db, gone, linking.Options{})
		if err := later.DeliverRevocation(t.Context(), payload); !broker.IsPermanent(err) {
			t.Errorf("nobody can be asked: %v", err)
		}
		if err := w.DeliverRevocation(t.Context(), []byte("{")); !broker.IsPermanent(err) {
			t.Errorf("no revocation: %v", err)
		}
	})
}

// TestUnlinkFor: an operator removes a link; the person is out and told.
func TestUnlinkFor(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		u := w.user("ada", "")
		w.link(u, "one", "ada")
		w.outbox()
		must(t, db.CreateSession(t.Context(), broker.Session{IDHash: "x", SID: "x", UserID: u.ID, ExpiresAt: time.Now().Add(time.Hour)}))
		ids, err := db.IdentitiesOf(t.Context(), u.ID)
		must(t, err)
		wantError(t, "the only way in", w.UnlinkFor(t.Context(), u.ID, ids[0].ID, false), linking.ErrLast)
		wantError(t, "no such identity", w.UnlinkFor(t.Context(), u.ID, "x", true), broker.ErrNotFound)
		must(t, w.UnlinkFor(t.Context(), u.ID, ids[0].ID, true))
		sessions, err := db.SessionsOf(t.Context(), u.ID)
		must(t, err)
		mails, revocations := w.outbox()
		if m := mails["unlinked-for-you"]; m.To != u.Email || m.Data["link"] != "" || len(revocations) != 1 || len(sessions) != 0 || w.subjects(u) != "" {
			t.Errorf("mail %+v, %d revocations, %d sessions, %q", m, len(revocations), len(sessions), w.subjects(u))
		}
	})
}

// TestUnprovenAddressIsNotMailed: who has not proven an address gets no secret
// about the account by it.
func TestUnprovenAddressIsNotMailed(t *testing.T) {
	w := newWorld(t, storetest.New(t))
	u := w.user("ada", "hash")
	u.EmailVerifiedAt = time.Time{}
	must(t, w.db.UpdateUser(t.Context(), u))
	w.link(u, "one", "ada")
	mails, _ := w.outbox()
	changes, err := w.Changes(t.Context(), u.ID)
	must(t, err)
	if len(mails) != 0 || len(changes) != 1 || changes[0].UndoHash != "" {
		t.Errorf("mails %v, changes %+v", mails, changes)
	}
}
