package web

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	asking "idbroker/fields"
	"idbroker/linking"
	"idbroker/tokens"
)

// asks lets the operator of a world ask for fields.
func (w *world) asks(schema string) *asking.Schema {
	w.t.Helper()
	s, err := asking.Read([]byte(schema))
	must(w.t, err)
	*w.accounts = *local.New(w.db, w.server.linker, local.Options{
		Issuer: w.url, Hashing: local.Argon2{MemoryKiB: 64, Passes: 1, Lanes: 1}, EndGrants: w.tokens.EndGrants, Fields: s,
	})
	w.server.o.Fields = s.Fields()
	return s
}

const askedSchema = `{"type": "object", "required": ["group"], "properties": {
	"group": {"type": "string", "title": "Group", "x-title-de": "Gruppe", "enum": ["analytics", "engine"], "x-enum-titles": {"engine": "The Engine"}},
	"bio": {"type": "string", "title": "About you", "x-lines": 3, "maxLength": 200},
	"age": {"type": "integer", "title": "Age", "minimum": 18},
	"news": {"type": "boolean", "title": "Newsletter"},
	"topics": {"type": "array", "title": "Topics", "items": {"type": "string", "enum": ["a", "b"]}},
	"papers": {"type": "array", "title": "Papers", "items": {"type": "string"}}}}`

// kept are the operator's fields of an account, as JSON.
func (w *world) kept(id broker.UserID) string {
	w.t.Helper()
	u, err := w.db.User(w.t.Context(), id)
	must(w.t, err)
	text, err := json.Marshal(u.Details.Fields)
	must(w.t, err)
	return string(text)
}

// TestAskedFields: the operator's fields are shown, kept, shown again; what is wrong
// stands at its field, and changes nothing.
func TestAskedFields(t *testing.T) {
	w := newWorld(t)
	w.asks(askedSchema)
	u := w.user("ada")
	b := w.browser()
	b.signIn("ada")
	page := b.get(profilePath).want(200).says("The Engine")
	for _, piece := range []string{`name="fields.group"`, `name="fields.bio"`, `inputmode="numeric"`, `name="asked" value="group bio age news topics papers"`, `>Newsletter</label>`} {
		if !strings.Contains(page.body, piece) {
			t.Errorf("the page lacks %s", piece)
		}
	}
	all := []string{"asked", "group bio age news topics papers", "name", "Ada"}
	whole := slices.Concat(all, []string{"fields.group", "engine", "fields.bio", "one\r\ntwo", "fields.age", "36", "fields.news", "true", "fields.topics", "b", "fields.papers", "On numbers\n\n Notes "})
	b.post(profilePath, whole...).to(profilePath)
	const want = `{"age":36,"bio":"one\ntwo","group":"engine","news":true,"papers":["On numbers","Notes"],"topics":["b"]}`
	if got := w.kept(u.ID); got != want {
		t.Errorf("kept %s", got)
	}
	page = b.get(profilePath).want(200)
	for _, piece := range []string{`<option value="engine" selected>`, "\none\ntwo</textarea>", `value="36"`, `value="true" checked`, `value="b" checked`, "\nOn numbers\nNotes</textarea>"} {
		if !strings.Contains(page.body, piece) {
			t.Errorf("the page does not show %s", piece)
		}
	}
	for field, bad := range map[string]string{
		"group": "none", "bio": strings.Repeat("x", 201), "age": "12", "topics": "c", "news": "perhaps", "papers": "a\u202eb", "nobody": "asks",
	} {
		form := slices.Concat(all, []string{"fields." + field, bad})
		if field != "group" {
			form = append(form, "fields.group", "engine")
		}
		a := b.post(profilePath, form...).want(422)
		if field != "nobody" && !strings.Contains(a.body, `id="field-`+field+`-asked-problem"`) {
			t.Errorf("%s: %s", field, text(a.body))
		}
	}
	b.post(profilePath, slices.Concat(all, []string{"fields.group", ""})...).want(422).says("Something is missing here")
	b.post(profilePath, slices.Concat(all, []string{"fields.group", "engine", "fields.age", "1e999999999"})...).want(422).says("not a number")
	if got := w.kept(u.ID); got != want {
		t.Errorf("a refused form left %s", got)
	}
	// A form that has not seen a field says nothing of it; one that has, empties it.
	b.post(profilePath, "name", "Ada L.").to(profilePath)
	if got := w.kept(u.ID); got != want {
		t.Errorf("an older form left %s", got)
	}
	b.post(profilePath, slices.Concat(all, []string{"fields.group", "analytics"})...).to(profilePath)
	if got := w.kept(u.ID); got != `{"group":"analytics","news":false}` {
		t.Errorf("emptied: %s", got)
	}
}

// TestAskedAtSignUp: whoever begins an account with a form tells what is required,
// and no other field is asked for.
func TestAskedAtSignUp(t *testing.T) {
	w := newWorld(t)
	w.asks(askedSchema)
	b := w.browser()
	page := b.get("/signup/").want(200)
	if !strings.Contains(page.body, `name="fields.group"`) || strings.Contains(page.body, `name="fields.bio"`) {
		t.Error("the form asks for something else")
	}
	form := []string{"email", "new@example.org", "name", "New", "password", password, "asked", "group"}
	b.post("/signup/", form...).want(422).says("Something is missing here")
	b.post("/signup/", slices.Concat(form, []string{"fields.group", "none"})...).want(422).says("can’t be chosen")
	if len(w.mails()) != 0 {
		t.Error("a mail is out")
	}
	a := b.post("/signup/", slices.Concat(form, []string{"fields.group", "engine"})...).to("/sent/")
	if again := b.get("/signup/?login=" + a.param("login")).want(200); !strings.Contains(again.body, `<option value="engine" selected>`) {
		t.Error("on the way back it is gone")
	}
	link := w.mailedLink("sign-up")
	b.post("/verify-email/", "token", secretIn(t, link)).want(303)
	u, err := w.db.UserByEmail(t.Context(), "new@example.org")
	must(t, err)
	if got := w.kept(u.ID); got != `{"group":"engine"}` {
		t.Errorf("kept %s", got)
	}
}

// TestProfileInTwoTabs: the second one is told, keeps what was typed, and may save it then.
func TestProfileInTwoTabs(t *testing.T) {
	w := newWorld(t)
	u := w.user("ada")
	b := w.browser()
	b.signIn("ada")
	version := func(a answer) string {
		_, rest, _ := strings.Cut(a.body, `name="version" value="`)
		v, _, _ := strings.Cut(rest, `"`)
		return v
	}
	first, second := version(b.get(profilePath)), version(b.get(profilePath))
	if first == "" || first != second {
		t.Fatalf("versions %q and %q", first, second)
	}
	b.post(profilePath, "version", first, "name", "Ada L.", "zone", "Europe/London").to(profilePath)
	a := b.post(profilePath, "version", second, "name", "Countess").want(409).says("has changed since you opened this page")
	if now, err := w.db.User(t.Context(), u.ID); err != nil || now.Name != "Ada L." || now.Details.Zone != "Europe/London" {
		t.Errorf("%+v, %v", now, err)
	}
	if !strings.Contains(a.body, `value="Countess"`) || version(a) == second {
		t.Error("what was typed is gone, or cannot be saved")
	}
	b.post(profilePath, "version", version(a), "name", "Countess", "zone", "Europe/London").to(profilePath)
	now, err := w.db.User(t.Context(), u.ID)
	must(t, err)
	b.post(profilePath, "version", version(b.get(profilePath)), "name", "Countess", "zone", "Europe/London").to(profilePath)
	if same, err := w.db.User(t.Context(), u.ID); err != nil || same.Version != now.Version || !same.UpdatedAt.Equal(now.UpdatedAt) {
		t.Errorf("what was the same counts as a change: %+v", same)
	}
	for _, bad := range []string{"x", "-1", "1.5", "99999999999999999999"} {
		b.post(profilePath, "version", bad, "name", "x").want(400)
	}
}

// TestZoneOfThePages: times are told in the zone of whoever reads them.
func TestZoneOfThePages(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Zone = "Asia/Tokyo" })
	w.user("ada")
	b := w.browser()
	b.signIn("ada")
	b.get(securityPath).want(200)
	if page := b.get(securityPath); !strings.Contains(page.body, " JST") || strings.Contains(page.body, " UTC") {
		t.Errorf("not in the operator's zone: %s", text(page.body))
	}
	b.post(profilePath, "name", "Ada", "zone", "America/Caracas").to(profilePath)
	if page := b.get(securityPath); !strings.Contains(page.body, " -04") || strings.Contains(page.body, " JST") {
		t.Errorf("not in the person's zone: %s", text(page.body))
	}
	for _, bad := range []string{"../../etc/passwd", "Local", "Mars/Olympus", "/UTC", "posixrules", "europe/zurich", strings.Repeat("x", 300)} {
		b.post(profilePath, "name", "Ada", "zone", bad).want(422).says("There is no such time zone")
	}
}

// TestHeldValues is the attack of who types what only a provider may set: it is shown,
// refused, and follows at the next sign-in there.
func TestHeldValues(t *testing.T) {
	w := newWorld(t)
	rules := broker.ProfileRules{Name: broker.ProfileProvider, Username: broker.ProfileProvider}
	w.server.linker = linking.New(w.db, newcomerApps{w.apps, func(p *broker.Provider) { p.SignUp, p.Profile = broker.SignUpAutomatic, rules }}, linking.Options{
		Issuer: w.url, Begin: w.accounts.Begin, Username: w.accounts.UsernameFor,
	})
	*w.accounts = *local.New(w.db, w.server.linker, local.Options{Issuer: w.url, Hashing: local.Argon2{MemoryKiB: 64, Passes: 1, Lanes: 1}, EndGrants: w.tokens.EndGrants})
	b := w.browser()
	b.walk(b.get("/oauth/login/demo/"), "ada").to("/")
	page := b.get(profilePath).want(200).says("Comes from Demo, at each sign-in there.")
	if !strings.Contains(page.body, `value="Ada Lovelace"`) || !strings.Contains(page.body, " readonly") || strings.Contains(page.body, `href="`+usernamePath) {
		t.Errorf("%s", text(page.body))
	}
	b.post(profilePath, "name", "Mallory").want(422).says("This comes from Demo and can’t be changed here")
	b.get(usernamePath).want(200).says("Comes from Demo")
	b.post(usernamePath, "username", "mallory").want(422).says("This comes from Demo")
	u, err := w.db.UserByEmail(t.Context(), "ada@example.org")
	if err != nil || u.Name != "Ada Lovelace" || u.Username != "ada" {
		t.Errorf("%+v, %v", u, err)
	}
	b.post(profilePath, "name", "Ada Lovelace", "zone", "UTC").to(profilePath) // the rest is theirs

	rules = broker.ProfileRules{} // the operator thinks better of it
	b.post(profilePath, "name", "Countess").to(profilePath)
}

// TestUsernamePage: the way of a person, and of one whose sign-in is long ago.
func TestUsernamePage(t *testing.T) {
	w := newWorld(t)
	u := w.user("ada")
	w.user("bob")
	b := w.browser()
	b.signIn("ada")
	b.get(usernamePath).want(200).says("Now it is ada")
	b.post(usernamePath, "username", "BOB").want(422).says("Somebody else has this username")
	b.post(usernamePath, "username", "admin").want(422).says("Somebody else has this username")
	b.post(usernamePath, "username", "<b>").want(422).says("A username has letters and digits")
	b.post(usernamePath, "username", "countess").to(profilePath)
	b.get(profilePath).want(200).says("Your username is countess now")
	if m := w.mails(); len(m) != 1 || m[0].Template != "username-changed" || m[0].To != u.Email {
		t.Errorf("%+v", m)
	}
	b.post(usernamePath, "username", "").to(profilePath)
	b.get(profilePath).want(200).says("You have no username any more")
	old := w.browser()
	old.signIn("ada")
	old.age(time.Hour)
	old.get(usernamePath).to("/login/")
	old.post(usernamePath, "username", "thief").to("/login/")
	if now, err := w.db.User(t.Context(), u.ID); err != nil || now.Username != "" {
		t.Errorf("%+v, %v", now, err)
	}
}

// TestOperatorsRule is told in the language of the page.
func TestOperatorsRule(t *testing.T) {
	w := newWorld(t, func(o *Options) {
		o.UsernameRule = map[string]string{"en": "Small letters alone.", "de": "Nur Kleinbuchstaben."}
	})
	b := w.browser()
	b.get("/signup/").want(200).says("Small letters alone.")
	b.setCookie(languageCookie, "de")
	b.get("/signup/").want(200).says("Nur Kleinbuchstaben.")
}

// TestSignInByUsername: the label says what is asked for, and nobody learns which
// names there are.
func TestSignInByUsername(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Usernames = true })
	w.user("ada")
	b := w.browser()
	if page := b.get("/login/").want(200).says("E-mail address or username"); strings.Contains(page.body, `type="email"`) {
		t.Error("browsers refuse a username")
	}
	known := b.post("/login/", "email", "ada", "password", "wrong horse").want(422)
	unknown := b.post("/login/", "email", "eve", "password", "wrong horse").want(422)
	if strings.ReplaceAll(known.body, `value="ada"`, "") != strings.ReplaceAll(unknown.body, `value="eve"`, "") {
		t.Error("the answers differ")
	}
	b.post("/login/", "email", "ADA", "password", password).to("/")
}

// TestOperatorsClaim: consent names the field in the operator's words where it is asked for,
// and nowhere else. What userinfo tells of it stands in TestCustomClaims of package tokens.
func TestOperatorsClaim(t *testing.T) {
	w := newWorldWith(t, tokens.Options{Claims: []broker.ProfileClaim{{Name: "group", Scope: "group", Title: broker.Words{"": "Your group"}, Value: func(u broker.User) json.RawMessage { return u.Details.Fields["group"] }}}})
	w.asks(askedSchema)
	u := w.user("ada")
	u.Details.Fields = map[string]json.RawMessage{"group": json.RawMessage(`"engine"`)}
	must(t, w.db.UpdateUser(t.Context(), u))
	w.client(func(c *broker.Client) { c.Scopes = []string{"openid", "profile", "group"} })
	b := w.browser()
	b.signIn("ada")
	page, _ := b.follow(b.get(authorize("scope", "openid profile group")))
	page.want(200).says("Your group engine")
	page, _ = b.follow(b.get(authorize("scope", "openid profile")))
	if page.want(200); strings.Contains(text(page.body), "Your group") {
		t.Error("the profile has come to mean more")
	}
}
