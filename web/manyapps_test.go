package web

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/store/storetest"
	"idbroker/tokens"
)

// TestManyApplicationsCostOneRead: the pages that name a person's applications take as many
// statements for one as for many, and name them all.
func TestManyApplicationsCostOneRead(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		var l ledger
		w := worldOn(t, storetest.Open(t, dsn, storetest.OnStatement(l.note)), tokens.Options{})
		u := w.user("ada")
		b := w.browser()
		b.post("/login/", "email", "ada", "password", password).to("/")
		sessions, err := w.db.SessionsOf(t.Context(), u.ID)
		must(t, err)
		uses := func(i int) {
			at, id := time.Now(), "app"+strconv.Itoa(i)
			w.client(func(c *broker.Client) { c.ID, c.Name = id, "Application "+strconv.Itoa(i) })
			must(t, w.db.SaveConsent(t.Context(), broker.Consent{UserID: u.ID, ClientID: id, Scopes: []string{"openid"}, CreatedAt: at, UpdatedAt: at}))
			must(t, w.db.CreateGrant(t.Context(), broker.Grant{ID: broker.GrantID(id), ClientID: id, UserID: u.ID, SID: sessions[0].SID, CreatedAt: at, ExpiresAt: at.Add(time.Hour)}))
			e := broker.NewEvent(t.Context(), broker.EventConsentGiven, at)
			e.UserID, e.ClientID = u.ID, id
			must(t, w.db.AddEvent(t.Context(), e))
		}
		gone := broker.NewEvent(t.Context(), broker.EventConsentGiven, time.Now())
		gone.UserID, gone.ClientID = u.ID, "gone-by-now"
		must(t, w.db.AddEvent(t.Context(), gone))
		uses(1)
		paths := []string{applicationsPath, devicesPath, securityPath}
		var before [][]string
		for _, path := range paths {
			before = append(before, l.of(func() { b.get(path).want(200).says("Application 1") }))
		}
		for i := range 5 {
			uses(i + 2)
		}
		for i, path := range paths {
			got := l.of(func() {
				page := b.get(path).want(200)
				for n := range 6 {
					page.says("Application " + strconv.Itoa(n+1))
				}
			})
			if !slices.Equal(got, before[i]) {
				t.Errorf("%s: %v for six applications, %v for one", path, got, before[i])
			}
		}
		b.get(securityPath).says("gone-by-now")
	})
}
