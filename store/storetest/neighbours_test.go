package storetest_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/store"
	"idbroker/store/storetest"
)

// belongings are what one person has, and what others' changes must leave alone.
type belongings struct {
	User     broker.User
	Passkeys []broker.Passkey
	Factors  []broker.Factor
	Codes    int
	Browsers []broker.RememberedBrowser
	Sessions []broker.Session
	Links    []broker.LinkChange
	Names    []broker.FormerUsername
	Tokens   []broker.MailToken
	MailCode broker.MailCode
	Login    broker.Login
}

// furnish gives a user, whose id everything begins with, two of each thing.
func furnish(t *testing.T, db *store.DB, id broker.UserID, at time.Time) {
	t.Helper()
	ctx, own := context.Background(), func(s string) string { return string(id) + s }
	later := at.Add(time.Hour)
	ok(t, db.CreateUser(ctx, broker.User{ID: id, Email: own("@example.org"), Username: own("name"), CreatedAt: at}))
	for _, n := range []string{"1", "2"} {
		ok(t, db.CreatePasskey(ctx, broker.Passkey{ID: own("key" + n), UserID: id, CredentialID: own("credential" + n), PublicKey: []byte{1}, Name: own("key" + n), CreatedAt: at}))
		ok(t, db.CreateRecoveryCode(ctx, id, own("code"+n), at))
		ok(t, db.CreateRemembered(ctx, broker.RememberedBrowser{ID: own("browser" + n), UserID: id, Hash: own("cookie" + n), CreatedAt: at, LastUsedAt: at, ExpiresAt: later}))
		ok(t, db.CreateSession(ctx, broker.Session{IDHash: own("session" + n), SID: own("sid" + n), UserID: id, CreatedAt: at, ExpiresAt: later}))
		ok(t, db.CreateLinkChange(ctx, broker.LinkChange{ID: own("change" + n), UserID: id, UndoHash: own("undo" + n), ChangedAt: at, ExpiresAt: later}))
		ok(t, db.GiveUpUsername(ctx, broker.FormerUsername{MAC: own("name" + n), UserID: id, CreatedAt: at}))
	}
	for _, k := range []broker.FactorKind{broker.FactorTOTP, broker.FactorSMS, broker.FactorNextTOTP} {
		ok(t, db.CreateFactor(ctx, broker.Factor{ID: own(string(k)), UserID: id, Kind: k, Secret: "S", CreatedAt: at}))
	}
	ok(t, db.ConfirmFactor(ctx, own("totp"), 1, at))
	for _, p := range []broker.MailPurpose{broker.MailReset, broker.MailEmailBack} {
		ok(t, db.CreateMailToken(ctx, broker.MailToken{Hash: own(string(p)), Purpose: p, UserID: id, About: own("name"), CreatedAt: at, ExpiresAt: later}))
	}
	ok(t, db.CreateLogin(ctx, broker.Login{ID: broker.LoginID(own("login")), UserID: id, StartedAt: at, ExpiresAt: later}))
	ok(t, db.CreateMailCode(ctx, broker.MailCode{ID: own("mail"), LoginID: broker.LoginID(own("login")), Email: own("@example.org"), BrowserHash: own("browser"), Hour: at, Nth: 1, CreatedAt: at, ExpiresAt: later}))
}

// belongingsOf reads what furnish has written.
func belongingsOf(t *testing.T, db *store.DB, id broker.UserID) (b belongings) {
	t.Helper()
	ctx, own := context.Background(), func(s string) string { return string(id) + s }
	b.User = must(db.User(ctx, id))(t)
	b.Passkeys, b.Factors, b.Codes = must(db.PasskeysOf(ctx, id))(t), must(db.Factors(ctx, id))(t), must(db.CountRecoveryCodes(ctx, id))(t)
	b.Browsers, b.Sessions = must(db.RememberedOf(ctx, id))(t), must(db.SessionsOf(ctx, id))(t)
	b.Links, b.Names = must(db.LinkChangesOf(ctx, id, 9))(t), must(db.FormerUsernamesOf(ctx, id))(t)
	for _, p := range []broker.MailPurpose{broker.MailReset, broker.MailEmailBack} {
		token, err := db.MailToken(ctx, own(string(p)))
		if err != nil && !errors.Is(err, broker.ErrNotFound) {
			t.Fatal(err)
		}
		b.Tokens = append(b.Tokens, token)
	}
	var err error
	if b.Login, err = db.Login(ctx, broker.LoginID(own("login"))); err != nil && !errors.Is(err, broker.ErrNotFound) {
		t.Fatal(err)
	}
	b.MailCode = must(db.MailCode(ctx, own("mail")))(t)
	return b
}

// TestNeighboursKeepTheirs: what is taken from one person, or changed, is theirs alone, and
// no more of it than was named. Nobody else's account notices.
func TestNeighboursKeepTheirs(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		var ada, bob string // new ones for each change
		for i, tt := range []struct {
			name string
			left func(belongings) []string // of ada's
			want string
			do   func() error
		}{
			{"DeletePasskey", passkeyIDs, "[adakey2]", func() error { return db.DeletePasskey(ctx, broker.UserID(ada), ada+"key1") }},
			{"DeletePasskeysSince", passkeyIDs, "[]", func() error { return db.DeletePasskeysSince(ctx, broker.UserID(ada), time.Time{}) }},
			{"RenamePasskey", passkeyNames, "[new adakey2]", func() error { return db.RenamePasskey(ctx, broker.UserID(ada), ada+"key1", "new") }},
			{"UsePasskey", passkeyCounts, "[7 0]", func() error { return db.UsePasskey(ctx, broker.PasskeyUse{ID: ada + "key1", SignCount: 7, At: at}) }},
			{"DeleteFactor", factorKinds, "[totp totp-next]", func() error { return db.DeleteFactor(ctx, broker.UserID(ada), broker.FactorSMS) }},
			{"DeleteFactors", factorKinds, "[]", func() error { return db.DeleteFactors(ctx, broker.UserID(ada)) }},
			{"DeleteFactorsSince", factorKinds, "[sms totp-next]", func() error { return db.DeleteFactorsSince(ctx, broker.UserID(ada), time.Time{}) }},
			{"DropPendingFactors", factorKinds, "[totp totp-next]", func() error { return db.DropPendingFactors(ctx, broker.UserID(ada), broker.FactorSMS) }},
			{"ConfirmFactor", factorState, "[sms:true:0::0 totp-next:false:0::0 totp:true:1::0]", func() error { return db.ConfirmFactor(ctx, ada+"sms", 0, at) }},
			{"UseFactor", factorState, "[sms:false:0::0 totp-next:false:0::0 totp:true:9::0]", func() error { return db.UseFactor(ctx, ada+"totp", 9, at) }},
			{"SendFactorCode", factorState, "[sms:false:0:mac:0 totp-next:false:0::0 totp:true:1::0]", func() error { return db.SendFactorCode(ctx, ada+"sms", "mac", at, at) }},
			{"TryFactorCode", factorState, "[sms:false:0:mac:1 totp-next:false:0::0 totp:true:1::0]", func() error {
				return errors.Join(db.SendFactorCode(ctx, ada+"sms", "mac", at, at), db.TryFactorCode(ctx, ada+"sms", 5, at.Add(-time.Minute)))
			}},
			{"DeleteRecoveryCodes", recoveryCount, "[0]", func() error { return db.DeleteRecoveryCodes(ctx, broker.UserID(ada)) }},
			{"DeleteRecoveryCodesSince", recoveryCount, "[0]", func() error { return db.DeleteRecoveryCodesSince(ctx, broker.UserID(ada), time.Time{}) }},
			{"SpendRecoveryCode", recoveryCount, "[1]", func() error { return db.SpendRecoveryCode(ctx, broker.UserID(ada), ada+"code1", at) }},
			{"DeleteRemembered", browserIDs, "[adabrowser2]", func() error { return db.DeleteRemembered(ctx, broker.UserID(ada), ada+"browser1") }},
			{"ForgetBrowsers", browserIDs, "[]", func() error { return db.ForgetBrowsers(ctx, broker.UserID(ada)) }},
			{"TouchRemembered", browserUses, "[true false]", func() error { return db.TouchRemembered(ctx, ada+"browser1", at.Add(time.Minute)) }},
			{"RehashRemembered", browserHashes, "[adacookie2 new]", func() error { return db.RehashRemembered(ctx, ada+"cookie1", "new") }},
			{"EndSession", sessionIDs, "[adasid2]", func() error { return db.EndSession(ctx, broker.UserID(ada), ada+"sid1") }},
			{"EndSessions", sessionIDs, "[adasid2]", func() error {
				_, err := db.EndSessions(ctx, broker.UserID(ada), ada+"sid2")
				return err
			}},
			{"DeleteSession", sessionIDs, "[adasid2]", func() error { return db.DeleteSession(ctx, ada+"session1") }},
			{"TakeSession", sessionIDs, "[adasid2]", func() error { return db.TakeSession(ctx, ada+"session1") }},
			{"ExpireSession", sessionIDs, "[adasid2]", func() error { return db.ExpireSession(ctx, ada+"session1", at.Add(2*time.Hour)) }},
			{"UndoLinkChange", standingChanges, "[adachange2true adachange1false]", func() error { return db.UndoLinkChange(ctx, ada+"change1", at) }},
			{"VoidLinkChanges", undoHashes, `["" ""]`, func() error { return db.VoidLinkChanges(ctx, broker.UserID(ada), time.Time{}) }},
			{"VoidLinkChanges, later ones", undoHashes, `["adaundo2" "adaundo1"]`, func() error { return db.VoidLinkChanges(ctx, broker.UserID(ada), at.Add(time.Second)) }},
			{"TakeUpUsername", formerNames, "[adaname1 adaname2]", func() error { return db.TakeUpUsername(ctx, broker.UserID(ada), bob+"name1") }},
			{"TakeUpUsername, of theirs", formerNames, "[adaname2]", func() error { return db.TakeUpUsername(ctx, broker.UserID(ada), ada+"name1") }},
			{"ReleaseUsername", formerNames, "[adaname2]", func() error { return db.ReleaseUsername(ctx, ada+"name1") }},
			{"VoidMailTokens", openTokens, "[adareset:false adaemail-back:true]", func() error { return db.VoidMailTokens(ctx, broker.UserID(ada), broker.MailReset, at) }},
			{"VoidMailTokensSince", openTokens, "[adareset:true adaemail-back:false]", func() error { return db.VoidMailTokensSince(ctx, broker.UserID(ada), broker.MailEmailBack, at, at) }},
			{"ForgetAbout", tokenNames, "[adareset:adaname adaemail-back:]", func() error { return db.ForgetAbout(ctx, broker.UserID(ada), broker.MailEmailBack) }},
			{"DeleteMailTokensOf", openTokens, "[:true :true]", func() error { return db.DeleteMailTokensOf(ctx, broker.UserID(ada)) }},
			{"AddressMailCode", codeState, "[ada:3:0:true]", func() error { return db.AddressMailCode(ctx, ada+"mail", broker.UserID(ada), 3, at) }},
			{"TryMailCode", codeState, "[:0:1:true]", func() error { return db.TryMailCode(ctx, ada+"mail", 5, at) }},
			{"SpendMailCode", codeState, "[:0:0:false]", func() error { return db.SpendMailCode(ctx, ada+"mail", at) }},
			{"ReplaceMailCodes", codeState, "[:0:0:false]", func() error { return db.ReplaceMailCodes(ctx, broker.LoginID(ada+"login"), at) }},
			{"FinishLogin", loginState, "[adalogin:false]", func() error { return db.FinishLogin(ctx, broker.LoginID(ada+"login"), at) }},
			{"DeleteLoginsOf", loginState, "[:true]", func() error { return db.DeleteLoginsOf(ctx, broker.UserID(ada)) }},
			{"ForgetKnown", passkeyIDs, "[adakey1 adakey2]", func() error { return db.ForgetKnown(ctx, broker.UserID(ada), at) }},
		} {
			ada, bob = fmt.Sprintf("ada%d-", i), fmt.Sprintf("bob%d-", i)
			furnish(t, db, broker.UserID(ada), at)
			furnish(t, db, broker.UserID(bob), at)
			ok(t, db.SendFactorCode(ctx, bob+"sms", "theirs", at, at))
			before := belongingsOf(t, db, broker.UserID(bob))
			if err := tt.do(); err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
			if after := belongingsOf(t, db, broker.UserID(bob)); !reflect.DeepEqual(after, before) {
				t.Errorf("%s took from somebody else", tt.name)
				same(t, after, before)
			}
			if got := strings.ReplaceAll(fmt.Sprint(tt.left(belongingsOf(t, db, broker.UserID(ada)))), ada, "ada"); got != tt.want {
				t.Errorf("%s left %s, want %s", tt.name, got, tt.want)
			}
		}
	})
}

// listed are the words for each of some things.
func listed[T any](all []T, word func(T) string) []string {
	words := []string{}
	for _, v := range all {
		words = append(words, word(v))
	}
	return words
}

func passkeyIDs(b belongings) []string {
	return listed(b.Passkeys, func(p broker.Passkey) string { return p.ID })
}

func passkeyNames(b belongings) []string {
	return listed(b.Passkeys, func(p broker.Passkey) string { return p.Name })
}

func passkeyCounts(b belongings) []string {
	return listed(b.Passkeys, func(p broker.Passkey) string { return strconv.FormatInt(p.SignCount, 10) })
}

func factorKinds(b belongings) []string {
	kinds := listed(b.Factors, func(f broker.Factor) string { return string(f.Kind) })
	slices.Sort(kinds)
	return kinds
}

// factorState is what counts, the step used last, and the code that was sent.
func factorState(b belongings) []string {
	all := listed(b.Factors, func(f broker.Factor) string {
		return fmt.Sprintf("%s:%t:%d:%s:%d", f.Kind, f.Confirmed(), f.LastStep, f.CodeMAC, f.CodeTries)
	})
	slices.Sort(all)
	return all
}

func recoveryCount(b belongings) []string { return []string{strconv.Itoa(b.Codes)} }

func browserIDs(b belongings) []string {
	return listed(b.Browsers, func(r broker.RememberedBrowser) string { return r.ID })
}

func browserHashes(b belongings) []string {
	hashes := listed(b.Browsers, func(r broker.RememberedBrowser) string { return r.Hash })
	slices.Sort(hashes)
	return hashes
}

func browserUses(b belongings) []string {
	return listed(b.Browsers, func(r broker.RememberedBrowser) string { return strconv.FormatBool(r.LastUsedAt.After(r.CreatedAt)) })
}

func sessionIDs(b belongings) []string {
	return listed(b.Sessions, func(s broker.Session) string { return s.SID })
}

func standingChanges(b belongings) []string {
	return listed(b.Links, func(c broker.LinkChange) string { return fmt.Sprint(c.ID, c.UndoneAt.IsZero()) })
}

func undoHashes(b belongings) []string {
	return listed(b.Links, func(c broker.LinkChange) string { return strconv.Quote(c.UndoHash) })
}

func formerNames(b belongings) []string {
	return listed(b.Names, func(f broker.FormerUsername) string { return f.MAC })
}

func openTokens(b belongings) []string {
	return listed(b.Tokens, func(m broker.MailToken) string { return fmt.Sprintf("%s:%t", m.Hash, m.UsedAt.IsZero()) })
}

func tokenNames(b belongings) []string {
	return listed(b.Tokens, func(m broker.MailToken) string { return m.Hash + ":" + m.About })
}

func codeState(b belongings) []string {
	return []string{fmt.Sprintf("%s:%d:%d:%t", b.MailCode.UserID, b.MailCode.Version, b.MailCode.Tries, b.MailCode.UsedAt.IsZero())}
}

func loginState(b belongings) []string {
	return []string{fmt.Sprintf("%s:%t", b.Login.ID, b.Login.FinishedAt.IsZero())}
}

// TestOthersAreRefused: nobody reaches what is somebody else's by its id, and what is used
// up, too old or too soon is refused by the statement itself.
func TestOthersAreRefused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		furnish(t, db, "ada", at)
		furnish(t, db, "bob", at)
		has := must(db.HasRecoveryCode(ctx, "ada", "bobcode1"))(t)
		same(t, has, false)
		for what, tt := range map[string]struct{ got, want error }{
			"a passkey":           {db.DeletePasskey(ctx, "ada", "bobkey1"), broker.ErrNotFound},
			"its name":            {db.RenamePasskey(ctx, "ada", "bobkey1", "mine"), broker.ErrNotFound},
			"a browser":           {db.DeleteRemembered(ctx, "ada", "bobbrowser1"), broker.ErrNotFound},
			"a session":           {db.EndSession(ctx, "ada", "bobsid1"), broker.ErrNotFound},
			"a recovery code":     {db.SpendRecoveryCode(ctx, "ada", "bobcode1", at), broker.ErrSpent},
			"an undoing, late":    {db.UndoLinkChange(ctx, "adachange1", at.Add(time.Hour)), broker.ErrSpent},
			"a mail code, late":   {db.TryMailCode(ctx, "adamail", 5, at.Add(time.Hour)), broker.ErrSpent},
			"a code, none sent":   {db.TryFactorCode(ctx, "adasms", 5, time.Time{}), broker.ErrSpent},
			"a number that waits": {db.UseFactor(ctx, "adasms", 1, at), broker.ErrSpent},
		} {
			if !errors.Is(tt.got, tt.want) {
				t.Errorf("%s: %v", what, tt.got)
			}
		}
		ok(t, db.SendFactorCode(ctx, "adasms", "mac", at, at))
		for what, err := range map[string]error{
			"sent too soon":    db.SendFactorCode(ctx, "adasms", "next", at.Add(-time.Second), at),
			"tried too late":   db.TryFactorCode(ctx, "adasms", 1, at),
			"spent for other":  db.SpendFactorCode(ctx, "adasms", "next", at),
			"spent, of nobody": db.SpendFactorCode(ctx, "bobsms", "", at),
		} {
			if !errors.Is(err, broker.ErrSpent) {
				t.Errorf("a code %s: %v", what, err)
			}
		}
		ok(t, db.TryFactorCode(ctx, "adasms", 1, at.Add(-time.Second)))
		if err := db.TryFactorCode(ctx, "adasms", 1, at.Add(-time.Second)); !errors.Is(err, broker.ErrSpent) {
			t.Errorf("tried too often: %v", err)
		}
		for _, id := range []string{"ada", "bob"} {
			for _, n := range []string{"1", "2"} {
				s, u, err := db.SessionUser(ctx, id+"session"+n)
				if err != nil || s.SID != id+"sid"+n || u.ID != broker.UserID(id) {
					t.Errorf("%s's session %s is %s of %s: %v", id, n, s.SID, u.ID, err)
				}
			}
		}
	})
}

// TestOnlyThatOne: an account at a provider is read and removed by all that names it, codes
// go for one address, a domain is forgotten alone, and who was disabled while they signed
// in gets no session.
func TestOnlyThatOne(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		furnish(t, db, "ada", at)
		furnish(t, db, "bob", at)
		var saved []broker.RemoteAccount
		for _, a := range []broker.RemoteAccount{
			{ID: "1", Provider: "p", Issuer: "i", Subject: "s"}, {ID: "2", Provider: "p", Issuer: "j", Subject: "s"}, {ID: "3", Provider: "p", Issuer: "i", Subject: "r"}, {ID: "4", Provider: "q", Issuer: "i", Subject: "s"},
		} {
			a.UserID = "ada"
			saved = append(saved, must(db.SaveRemoteAccount(ctx, a))(t))
		}
		for _, a := range saved {
			same(t, must(db.RemoteAccount(ctx, a.Provider, a.Issuer, a.Subject))(t).ID, a.ID)
		}
		ok(t, db.DeleteRemoteAccount(ctx, saved[0].ID))
		same(t, len(must(db.RemoteAccountsOf(ctx, "ada"))(t)), 3)

		ok(t, db.DeleteMailCodesTo(ctx, "ada@example.org"))
		must(db.MailCode(ctx, "bobmail"))(t)

		for _, name := range []string{"one.example", "two.example"} {
			ok(t, db.SaveDomain(ctx, broker.Domain{Name: name, Status: broker.DomainBlocked}))
		}
		ok(t, db.DeleteDomain(ctx, "one.example"))
		same(t, len(must(db.DomainsNamed(ctx, []string{"one.example", "two.example"}))(t)), 1)

		before := must(db.User(ctx, "ada"))(t)
		disabled := before
		disabled.DisabledAt = at
		ok(t, db.UpdateUser(ctx, disabled))
		late := broker.Session{IDHash: "late", SID: "late", UserID: "ada", ExpiresAt: at.Add(time.Hour)}
		if err := db.CreateSessionOf(ctx, late, before); !errors.Is(err, broker.ErrSpent) {
			t.Errorf("a session of whoever was disabled: %v", err)
		}
	})
}
