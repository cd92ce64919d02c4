package web

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/store"
	"idbroker/store/storetest"
	"idbroker/tokens"
)

// sensitive are the routes that change what protects an account, or tell all of it:
// all of them, in an order in which each can be done after the others. opens is
// where the form stands.
var sensitive = []struct {
	path, opens string
	values      []string
	harmless    bool // it may be done to its end and the others after it
}{
	{emailPath, emailPath, []string{"email", "new@example.org"}, true},
	{"/account/settings/password/", securityPath, []string{"current", password, "password", "a brand new password"}, false},
	{removePasswordPath, securityPath, []string{"current", password}, false},
	{"/oauth/login/other/", linkedAccountsPath, nil, true},
	{"/oauth/disconnect/demo/", "/oauth/disconnect/demo/", nil, false},
	{factorPath + "codes/", factorPath, []string{"code", "123456"}, true},
	{factorPath + "remove/", factorPath, []string{"code", "123456"}, true},
	{factorPath + "swap/", factorPath, nil, true},
	{factorPath + "swap/confirm/", factorPath, []string{"code", "123456", "current", "123456"}, true},
	{factorPath + "start/", factorPath, nil, false},
	{factorPath + "confirm/", factorPath, []string{"code", "123456"}, true},
	{dataPath + "export/", dataPath, nil, true},
	{closePath, closePath, nil, false},
}

var startedOnPage = regexp.MustCompile(`name="started" value="([^"]+)"`)

// TestSensitiveRoutes asks for a sign-in of a moment ago before each of them. Who
// had opened the form by then may send it for a while longer, in that session
// and for that sign-in alone.
func TestSensitiveRoutes(t *testing.T) { storetest.Each(t, sensitiveRoutes) }

func sensitiveRoutes(t *testing.T, db *store.DB) {
	const fresh, grace = 15 * time.Minute, 10 * time.Minute
	w := worldOn(t, db, tokens.Options{}, func(o *Options) { o.FreshGrace = grace })
	w.user("ada")
	w.user("eve")
	b, eve := w.browser(), w.browser()
	b.signIn("ada")
	b.walk(b.post("/oauth/login/demo/"), "ada").to(linkedAccountsPath)
	b.setUpApp()
	eve.signIn("eve")
	started := func(b *browser, path string) string {
		m := startedOnPage.FindStringSubmatch(b.get(path).body)
		if m == nil {
			return ""
		}
		return m[1]
	}
	const own = "own"
	evil := started(eve, dataPath)
	if evil == "" {
		t.Fatal("a fresh page does not say so")
	}
	refused := func(a answer) bool {
		return a.status == 303 && strings.HasPrefix(a.location, "/login/?again=1&next=") || a.status == 401 || a.status == 403
	}
	for _, tt := range sensitive {
		opened := started(b, tt.opens)
		if opened == "" {
			t.Errorf("%s: the form at %s does not say that it was opened in time", tt.path, tt.opens)
		}
		at := func(age time.Duration, token string) answer {
			row, err := b.session()
			must(t, err)
			auth := row.AuthTime
			defer func() {
				if now, err := b.session(); err == nil && now.IDHash == row.IDHash {
					now.AuthTime = auth
					must(t, db.SaveSession(t.Context(), now))
				}
			}()
			values := append([]string{}, tt.values...)
			b.age(age)
			if token == own { // what was on the page: it is bound to the time of the sign-in, which stands still here
				row, err := b.session()
				must(t, err)
				token = w.server.startedMAC(row)
			}
			if token != "" {
				values = append(values, "started", token)
			}
			return b.post(tt.path, values...)
		}
		for what, a := range map[string]answer{
			"too old":               at(fresh+time.Minute, ""),
			"too old for the grace": at(fresh+grace+time.Minute, own),
			"of another sign-in":    at(fresh+time.Minute, opened),
			"another's token":       at(fresh+time.Minute, evil),
			"no token at all":       at(fresh+time.Minute, "x"),
		} {
			if !refused(a) {
				t.Errorf("%s, %s: %d %s\n%s", tt.path, what, a.status, a.location, text(a.body))
			}
		}
		if tt.harmless {
			if a := at(fresh+grace-time.Minute, own); refused(a) {
				t.Errorf("%s, opened in time: %d %s", tt.path, a.status, a.location)
			}
		}
	}
	b.age(fresh + time.Minute)
	b.get(emailPath).to("/login/?again=1")
	if started(b, dataPath) != "" {
		t.Error("a page that is opened too late says that it was in time")
	}
}

// TestEveryChangeIsAmongThem: whoever adds a route about what protects an account
// adds it to the table, or says here why it asks for something else.
func TestEveryChangeIsAmongThem(t *testing.T) {
	others := map[string]string{
		"/account/settings/profile/":        "what people tell of themselves",
		"/account/settings/sessions/":       "ends what is open: the better the sooner",
		factorPath + "number/":              "TestNumberIsChangedFreshly",
		factorPath + "number/confirm/":      "TestNumberIsChangedFreshly",
		factorPath + "number/send/":         "TestNumberIsChangedFreshly",
		factorPath + "number/swap/":         "TestNumberIsChangedFreshly",
		factorPath + "number/swap/confirm/": "TestNumberIsChangedFreshly",
		factorPath + "forget/":              "asks for more, not for less",
		devicesPath + "remember/":           "asks only to begin it, and on the spot (TestRememberHere)",
		passkeysPath + "add/":               "TestPasskeysNeedAFreshSignIn",
		passkeysPath + "remove/":            "TestPasskeysNeedAFreshSignIn",
		passkeysPath + "rename/":            "what it is called",
		usernamePath:                        "TestUsernamePage",
		"/account/settings/applications/":   "takes access back",
		"/account/settings/language/":       "a choice",
		broker.EmailPath:                    "the mailed link is the proof, in the session of the account",
	}
	listed := map[string]bool{}
	for _, s := range sensitive {
		listed[strings.NewReplacer("/other/", "/{app}/", "/demo/", "/{app}/").Replace(s.path)] = true
	}
	found := 0
	for _, path := range memberPosts(t) {
		if !listed[path] && others[path] == "" {
			t.Errorf("POST %s is in neither table", path)
		}
		found++
	}
	if found < len(sensitive) {
		t.Errorf("%d routes found", found)
	}
}

// memberPosts are the routes of routes.go that a signed-in person posts to.
func memberPosts(t *testing.T) []string {
	t.Helper()
	source, err := os.ReadFile("routes.go")
	must(t, err)
	names := strings.NewReplacer(`"+factorPath+"`, factorPath, `"+broker.EmailPath+"`, broker.EmailPath, `"+devicesPath+"`, devicesPath,
		`"+removePasswordPath+"`, removePasswordPath, `"+passkeysPath+"`, passkeysPath, `"+usernamePath+"`, usernamePath,
		`"+setUpPath+"`, setUpPath, `"+chosenProviderPath+"`, chosenProviderPath)
	var all []string
	for _, m := range regexp.MustCompile(`HandleFunc\("POST (.*?)\{\$\}", s\.(?:member|page)`).FindAllStringSubmatch(string(source), -1) {
		path := names.Replace(m[1])
		if strings.Contains(path, `"`) && path != `"+t.path+"` && !strings.HasPrefix(path, `"+broker.`) { // those are mailed links
			t.Errorf("%s: tell names what it stands for", path)
		}
		if strings.HasPrefix(path, "/account/") || path == "/oauth/login/{app}/" || path == "/oauth/disconnect/{app}/" {
			all = append(all, path)
		}
	}
	return all
}

// TestProvesTheSamePerson: who proves that they are still there is who was there:
// neither another's password, nor another's identity, nor a mailed code does.
func TestProvesTheSamePerson(t *testing.T) {
	w := newWorld(t)
	w.codes(local.CodesSignIn)
	w.user("ada")
	eve := w.member("bob") // has the identity "bob"
	b := w.browser()
	b.signIn("ada")
	b.age(time.Hour)
	login := b.get("/login/?again=1&next=" + emailPath).param("login")
	b.post("/login/", "login", login, "email", "bob@example.org", "password", "whatever it is").want(422)
	if a := b.walk(b.get("/oauth/login/demo/?login="+login), "bob"); a.status == 303 && !strings.HasPrefix(a.location, "/login/") {
		t.Errorf("somebody else's identity: to %q", a.location)
	}
	b.get("/code/?login=" + login).want(404)
	b.post("/code/send/", "login", login, "email", "ada@example.org").want(404)
	b.get(emailPath).to("/login/?again=1")
	if row, err := b.session(); err != nil || time.Since(row.AuthTime) < time.Hour {
		t.Errorf("the sign-in is fresh: %+v, %v", row, err)
	}
	eve.post("/login/", "login", login, "password", password).want(403) // another browser's login
	b.post("/login/", "login", login, "password", password).to(emailPath)
	b.get(emailPath).want(200)
}
