package tokens

import (
	"errors"
	"testing"
	"time"

	"idbroker/broker"
)

func seconds(n int) *time.Duration {
	d := time.Duration(n) * time.Second
	return &d
}

// TestDecide is the whole table of what comes next.
func TestDecide(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	session := broker.Session{UserID: "ada", AuthTime: now.Add(-5 * time.Minute)}
	one, two := session, session
	one.ACR, two.ACR = broker.ACRSingle, broker.ACRSecond
	first, second := &claimWish{Essential: true, Value: []byte(`"` + broker.ACRSingle + `"`)}, &claimWish{Essential: true, Value: []byte(`"` + broker.ACRSecond + `"`)}
	yes := broker.Consent{UserID: "ada", ClientID: "app", Scopes: []string{"openid", "email"}}
	login := func(user broker.UserID, authTime time.Time, force bool) *broker.Login {
		return &broker.Login{UserID: user, AuthTime: authTime, StartedAt: now.Add(-time.Minute), Force: force}
	}
	fresh := login("ada", now.Add(-30*time.Second), true)
	const identify, consent, done = broker.StepIdentify, broker.StepConsent, broker.StepDone
	for _, tt := range []struct {
		name  string
		a     Authorization
		st    Standing
		step  broker.Step
		force bool
		err   error
	}{
		{"needed, one shown", Authorization{factor: factorNeeded}, Standing{Session: one, Consent: yes}, broker.StepFactor, false, nil},
		{"needed, one shown, none", Authorization{factor: factorNeeded, Prompt: []string{"none"}}, Standing{Session: one, Consent: yes, Factor: true}, "", false, ErrLoginRequired},
		{"needed, nobody there", Authorization{factor: factorNeeded}, Standing{}, identify, false, nil},
		{"needed and shown", Authorization{factor: factorNeeded}, Standing{Session: two, Consent: yes}, done, false, nil},
		{"needed, shown for the session, not in this login", Authorization{factor: factorNeeded}, Standing{Session: two, Consent: yes, Login: &broker.Login{UserID: "ada", AuthTime: now, StartedAt: now, ACR: broker.ACRSingle}}, broker.StepFactor, false, nil},
		{"preferred, and there is one", Authorization{factor: factorPreferred}, Standing{Session: one, Consent: yes, Factor: true}, broker.StepFactor, false, nil},
		{"preferred, and there is none", Authorization{factor: factorPreferred}, Standing{Session: one, Consent: yes}, done, false, nil},
		{"preferred, none", Authorization{factor: factorPreferred, Prompt: []string{"none"}}, Standing{Session: one, Consent: yes, Factor: true}, done, false, nil},
		{"needed comes before consent", Authorization{factor: factorNeeded}, Standing{Session: one}, broker.StepFactor, false, nil},
		{"an older sign-in than max_age comes before", Authorization{factor: factorNeeded, MaxAge: seconds(299)}, Standing{Session: one, Consent: yes}, identify, true, nil},
		{"two factors wanted, one shown", Authorization{essentialACR: second}, Standing{Session: one, Consent: yes}, "", false, ErrUnmet},
		{"two wanted, one shown in this login", Authorization{essentialACR: second}, Standing{Session: two, Consent: yes, Login: &broker.Login{UserID: "ada", AuthTime: now, StartedAt: now, ACR: broker.ACRSingle}}, "", false, ErrUnmet},
		{"two wanted, nobody there", Authorization{essentialACR: second}, Standing{}, identify, false, nil},
		{"two wanted and shown", Authorization{essentialACR: second}, Standing{Session: two, Consent: yes}, done, false, nil},
		{"one wanted, two shown", Authorization{essentialACR: first}, Standing{Session: two, Consent: yes}, done, false, nil},
		{"nobody", Authorization{}, Standing{}, identify, false, nil},
		{"nobody, none", Authorization{Prompt: []string{"none"}}, Standing{}, "", false, ErrLoginRequired},
		{"nobody, login", Authorization{Prompt: []string{"login"}}, Standing{}, identify, true, nil},
		{"session and consent", Authorization{}, Standing{Session: session, Consent: yes}, done, false, nil},
		{"session and consent, none", Authorization{Prompt: []string{"none"}}, Standing{Session: session, Consent: yes}, done, false, nil},
		{"session, login", Authorization{Prompt: []string{"login"}}, Standing{Session: session, Consent: yes}, identify, true, nil},
		{"session, select_account", Authorization{Prompt: []string{"select_account"}}, Standing{Session: session, Consent: yes}, identify, true, nil},
		{"session, create", Authorization{Prompt: []string{"create"}}, Standing{Session: session, Consent: yes}, identify, true, nil},
		{"created just now", Authorization{Prompt: []string{"create"}}, Standing{Login: fresh, Consent: yes}, done, false, nil},
		{"a claim beside the scopes", Authorization{claims: claimWishes{UserInfo: map[string]*claimWish{"name": nil}}}, Standing{Session: session, Consent: yes}, consent, false, nil},
		{"a claim of a scope", Authorization{claims: claimWishes{UserInfo: map[string]*claimWish{"email": nil}}}, Standing{Session: session, Consent: yes}, done, false, nil},
		{"a claim that was allowed", Authorization{claims: claimWishes{IDToken: map[string]*claimWish{"name": nil}}}, Standing{Session: session, Consent: broker.Consent{UserID: "ada", ClientID: "app", Scopes: []string{"openid", "email", "claim:name"}}}, done, false, nil},
		{"session, consent", Authorization{Prompt: []string{"consent"}}, Standing{Session: session, Consent: yes}, consent, false, nil},
		{"session, login and consent", Authorization{Prompt: []string{"login", "consent"}}, Standing{Session: session, Consent: yes}, identify, true, nil},
		{"session, no consent", Authorization{}, Standing{Session: session}, consent, false, nil},
		{"session, no consent, none", Authorization{Prompt: []string{"none"}}, Standing{Session: session}, "", false, ErrConsentRequired},
		{"somebody else's consent", Authorization{}, Standing{Session: session, Consent: broker.Consent{UserID: "bob", ClientID: "app", Scopes: yes.Scopes}}, consent, false, nil},
		{"another client's consent", Authorization{}, Standing{Session: session, Consent: broker.Consent{UserID: "ada", ClientID: "other", Scopes: yes.Scopes}}, consent, false, nil},
		{"a new scope", Authorization{Scopes: []string{"openid", "profile"}}, Standing{Session: session, Consent: yes}, consent, false, nil},
		{"offline access is a new scope", Authorization{Scopes: []string{"openid", "offline_access"}}, Standing{Session: session, Consent: yes}, consent, false, nil},
		{"run by us", Authorization{Client: broker.Client{ID: "app", FirstParty: true}}, Standing{Session: session}, done, false, nil},
		{"run by us, consent", Authorization{Client: broker.Client{ID: "app", FirstParty: true}, Prompt: []string{"consent"}}, Standing{Session: session}, consent, false, nil},
		{"public client, https", Authorization{Client: broker.Client{ID: "app", AuthMethod: broker.AuthNone}}, Standing{Session: session, Consent: yes}, done, false, nil},
		{"public client, loopback", Authorization{Client: broker.Client{ID: "app", AuthMethod: broker.AuthNone}, RedirectURI: "http://127.0.0.1:9/cb"}, Standing{Session: session, Consent: yes}, consent, false, nil},
		{"public client, own scheme, none", Authorization{Client: broker.Client{ID: "app", AuthMethod: broker.AuthNone}, RedirectURI: "org.example:/cb", Prompt: []string{"none"}}, Standing{Session: session, Consent: yes}, "", false, ErrConsentRequired},
		{"max_age met", Authorization{MaxAge: seconds(300)}, Standing{Session: session, Consent: yes}, done, false, nil},
		{"max_age passed", Authorization{MaxAge: seconds(299)}, Standing{Session: session, Consent: yes}, identify, true, nil},
		{"max_age passed, none", Authorization{MaxAge: seconds(299), Prompt: []string{"none"}}, Standing{Session: session, Consent: yes}, "", false, ErrLoginRequired},
		{"max_age 0", Authorization{MaxAge: seconds(0)}, Standing{Session: broker.Session{UserID: "ada", AuthTime: now}, Consent: yes}, identify, true, nil},
		{"max_age 0, nobody", Authorization{MaxAge: seconds(0)}, Standing{}, identify, true, nil},
		{"max_age, auth_time unknown", Authorization{MaxAge: seconds(300)}, Standing{Session: broker.Session{UserID: "ada"}, Consent: yes}, identify, true, nil},
		{"hint met", Authorization{HintSubject: "ada"}, Standing{Session: session, Consent: yes}, done, false, nil},
		{"hint names another", Authorization{HintSubject: "bob"}, Standing{Session: session, Consent: yes}, identify, true, nil},
		{"hint names another, none", Authorization{HintSubject: "bob", Prompt: []string{"none"}}, Standing{Session: session, Consent: yes}, "", false, ErrLoginRequired},
		{"came as somebody else than the hint", Authorization{HintSubject: "bob"}, Standing{Login: fresh, Consent: yes}, "", false, ErrLoginRequired},
		{"login under way, nobody yet", Authorization{}, Standing{Session: session, Login: login("", time.Time{}, false), Consent: yes}, done, false, nil},
		{"forced login under way, nobody yet", Authorization{}, Standing{Session: session, Login: login("", time.Time{}, true), Consent: yes}, identify, false, nil},
		{"login, authenticated just now", Authorization{Prompt: []string{"login"}}, Standing{Login: fresh, Consent: yes}, done, false, nil},
		{"max_age 0, authenticated just now", Authorization{MaxAge: seconds(0)}, Standing{Login: fresh, Consent: yes}, done, false, nil},
		{"max_age 1, half a minute on the consent page", Authorization{MaxAge: seconds(1)}, Standing{Login: fresh}, consent, false, nil},
		{"login, authenticated before it began", Authorization{Prompt: []string{"login"}}, Standing{Login: login("ada", now.Add(-2*time.Minute), false), Consent: yes}, identify, true, nil},
		{"login of another than the session", Authorization{}, Standing{Session: session, Login: login("bob", now, false), Consent: yes}, consent, false, nil},
	} {
		if tt.a.Client.ID == "" {
			tt.a.Client.ID = "app"
		}
		if tt.a.RedirectURI == "" {
			tt.a.RedirectURI = "https://app.example/cb"
		}
		if tt.a.Scopes == nil {
			tt.a.Scopes = []string{"openid", "email"}
		}
		tt.st.At = now
		step, force, err := tt.a.Decide(tt.st)
		if step != tt.step || force != tt.force || !errors.Is(err, tt.err) || (err == nil) != (tt.err == nil) {
			t.Errorf("%s: Decide = %q, %v, %v, want %q, %v, %v", tt.name, step, force, err, tt.step, tt.force, tt.err)
		}
	}
}
