package tokens

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/store"
)

func ops(statements []store.Statement) []string {
	var list []string
	for _, s := range statements {
		list = append(list, s.Op)
	}
	return list
}

// units tells where statements ran: grant, consent, event and the end of the
// login belong together.
func units(statements []store.Statement) []string {
	var list []string
	for _, s := range statements {
		switch {
		case s.Op == "begin" || s.Op == "commit" || s.Op == "rollback":
			list = append(list, s.Op)
		case s.Unit:
			list = append(list, "inside")
		default:
			list = append(list, "outside")
		}
	}
	return list
}

func (w *world) login() broker.Login {
	now := time.Now().UTC()
	l := broker.Login{
		ID: broker.LoginID(broker.NewID()), BrowserHash: broker.NewSecret().Hash(), ClientID: "app", UserID: w.user.ID,
		AuthTime: now, StartedAt: now, ExpiresAt: now.Add(broker.LoginLifetime),
	}
	must(w.t, w.db.CreateLogin(w.t.Context(), l))
	return l
}

func (w *world) consent(scopes []string) *broker.Consent {
	now := time.Now().UTC()
	return &broker.Consent{UserID: w.user.ID, ClientID: "app", Scopes: scopes, CreatedAt: now, UpdatedAt: now}
}

// TestGrantIsOneRow that tells all that the token step needs.
func TestGrantIsOneRow(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		a := w.parse(request("app"))
		p := w.approval(a)
		p.Scopes = []string{"openid", "email"} // less than was asked for
		p.Session.Provider = "orcid"
		code := broker.Secret(w.respond(a, p).Get("code"))
		g, err := w.db.GrantByCode(t.Context(), code.Hash())
		must(t, err)
		if d := g.CodeExpiresAt.Sub(g.CreatedAt); d != codeLifetime || time.Since(g.CreatedAt) > time.Minute {
			t.Errorf("created %s, expires %s later", g.CreatedAt, d)
		}
		want := broker.Grant{
			ID: g.ID, ClientID: "app", UserID: w.user.ID, SID: w.session.SID, Scopes: p.Scopes, Audience: g.Audience,
			CodeHash: code.Hash(), CodeExpiresAt: g.CodeExpiresAt, ExpiresAt: g.CodeExpiresAt, RedirectURI: testCallback,
			CodeChallenge: request("app").Get("code_challenge"), Nonce: "n-1", AuthTime: g.AuthTime, AMR: []string{"pwd"}, ACR: broker.ACRSingle,
			Provider: "orcid", CreatedAt: g.CreatedAt, LastUsedAt: g.CreatedAt,
		}
		if !reflect.DeepEqual(g, want) || !g.AuthTime.Equal(w.session.AuthTime.Truncate(time.Microsecond)) {
			t.Errorf("grant\n%+v, want\n%+v", g, want)
		}
	})
}

// TestAuthorizeWritesOnce: one statement where a session and a remembered
// consent stand, one transaction otherwise.
func TestAuthorizeWritesOnce(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		got := ops(w.counted(func() { w.code(request("app")) }))
		if want := []string{"select", "insert"}; !slices.Equal(got, want) {
			t.Errorf("statements %v, want %v", got, want)
		}
		l := w.login()
		statements := w.counted(func() {
			a := w.parse(request("app"))
			p := w.approval(a)
			p.Consent, p.Login = w.consent(a.Scopes), l.ID
			w.respond(a, p)
		})
		if want := []string{"outside", "begin", "inside", "inside", "inside", "inside", "commit"}; !slices.Equal(units(statements), want) {
			t.Errorf("statements %v, want %v", statements, want)
		}
		c, err := w.db.Consent(t.Context(), w.user.ID, "app")
		if err != nil || !c.Covers(w.parse(request("app")).Scopes) {
			t.Errorf("Consent = %+v, %v", c, err)
		}
		if l, err := w.db.Login(t.Context(), l.ID); err != nil || l.FinishedAt.IsZero() {
			t.Errorf("Login = %+v, %v", l, err)
		}
	})
}

// TestLoginIsAnsweredOnce: the second click gets no second code, and leaves
// nothing behind.
func TestLoginIsAnsweredOnce(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		l := w.login()
		a := w.parse(request("app"))
		p := w.approval(a)
		p.Login = l.ID
		w.respond(a, p)
		before, err := w.db.GrantsOf(t.Context(), w.user.ID)
		must(t, err)

		rec, again := httptest.NewRecorder(), w.parse(request("app"))
		err = w.s.Respond(t.Context(), rec, httptest.NewRequest(http.MethodGet, "/", nil), again, p)
		if !errors.Is(err, errFinished) || rec.Header().Get("Location") != "" {
			t.Errorf("Respond = %v, location %q", err, rec.Header().Get("Location"))
		}
		after, err := w.db.GrantsOf(t.Context(), w.user.ID)
		if err != nil || len(after) != len(before) {
			t.Errorf("%d grants became %d, %v", len(before), len(after), err)
		}
	})
}

func TestApprovalsThatMustNotBe(t *testing.T) {
	w := newWorld(t)
	for name, change := range map[string]func(*Approval){
		"nobody":                func(p *Approval) { p.User = broker.User{} },
		"disabled":              func(p *Approval) { p.User.DisabledAt = time.Now() },
		"no authentication":     func(p *Approval) { p.Session.AuthTime = time.Time{} },
		"session of another":    func(p *Approval) { p.Session.UserID = "bob" },
		"nothing granted":       func(p *Approval) { p.Scopes = nil },
		"more than asked":       func(p *Approval) { p.Scopes = append(p.Scopes, "admin") },
		"consent of another":    func(p *Approval) { p.Consent = &broker.Consent{UserID: "bob", ClientID: "app"} },
		"consent for another":   func(p *Approval) { p.Consent = &broker.Consent{UserID: p.User.ID, ClientID: "other"} },
		"login that was not":    func(p *Approval) { p.Login = "nothing" },
		"scope in another case": func(p *Approval) { p.Scopes = []string{"OPENID"} },
	} {
		a := w.parse(request("app"))
		p := w.approval(a)
		change(&p)
		rec := httptest.NewRecorder()
		if err := w.s.Respond(t.Context(), rec, httptest.NewRequest(http.MethodGet, "/", nil), a, p); err == nil || rec.Header().Get("Location") != "" {
			t.Errorf("%s: Respond = %v, location %q", name, err, rec.Header().Get("Location"))
		}
	}
	if left, err := w.db.GrantsOf(t.Context(), w.user.ID); err != nil || len(left) != 0 {
		t.Errorf("refused approvals left %d grants, %v", len(left), err)
	}
}
