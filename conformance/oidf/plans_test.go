package oidf

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the configurations of the official suite into plans/")

// What the files in plans/ have in the places of what every installation has for
// itself; docs/certification.md tells people the same.
const (
	fileIssuer   = "https://broker.example.org"
	fileEmail    = "ada@example.org"
	filePassword = "the person's password"
	// fileAlias is a part of every redirect URI, so it cannot be left open.
	fileAlias = "broker"
)

// fileClients are the clients of the files for static clients.
var fileClients = map[string]ClientConfig{
	"client":             {ID: "CLIENT-ID", Secret: "CLIENT-SECRET"},
	"client2":            {ID: "CLIENT2-ID", Secret: "CLIENT2-SECRET"},
	"client_secret_post": {ID: "CLIENT-POST-ID", Secret: "CLIENT-POST-SECRET"},
}

// planFile is a configuration of the official suite for our broker.
type planFile struct {
	name string // in plans/
	plan Plan
	kind string // of client registration; "": no client is needed
}

// planFiles are one for each plan and each kind of clients that it can have.
func planFiles() []planFile {
	var all []planFile
	for _, p := range Plans() {
		static, dynamic := false, false
		for _, m := range p.Modules {
			static, dynamic = static || !m.Dynamic, dynamic || !m.Static
		}
		switch {
		case p.Variants[0].Registration == "":
			all = append(all, planFile{p.Short + ".json", p, ""})
		case !static || onlyDynamic[p.Short]:
			all = append(all, planFile{p.Short + ".json", p, DynamicClient})
		default:
			all = append(all, planFile{p.Short + "-static.json", p, StaticClient}, planFile{p.Short + "-dynamic.json", p, DynamicClient})
		}
	}
	return all
}

// onlyDynamic are the plans that are about clients that register themselves.
var onlyDynamic = map[string]bool{"dynamic": true, "3rdparty-init-login": true}

// config is what the file says.
func (f planFile) config() Config {
	c := Config{
		Alias: fileAlias, Description: f.plan.Name + " of an idbroker",
		Server:  ServerConfig{DiscoveryURL: fileIssuer + wellKnown, LoginHint: fileEmail},
		Browser: []Entry{authorizeEntry(), logoutEntry(comeBack("post_logout_redirect"))},
	}
	switch f.kind {
	case StaticClient:
		c.Client, c.Client2, c.ClientSecretPost = fileClients["client"], fileClients["client2"], fileClients["client_secret_post"]
	case DynamicClient:
		c.Client, c.Client2 = ClientConfig{Name: "Conformance"}, ClientConfig{Name: "Conformance, second"}
	default:
		c.Browser = nil
	}
	if f.plan.Short == "3rdparty-init-login" {
		c.Extension.ApplicationStart = BrokerApplicationStart(fileIssuer)
		c.Browser = append(c.Browser, BrokerPages(fileIssuer, fileIssuer+"/oauth2/authorize", fileEmail, filePassword)[1])
	}
	for _, m := range f.plan.Modules {
		if f.kind != DynamicClient && m.Dynamic {
			continue
		}
		if entries := stepsOf(m.Module); entries != nil {
			if c.Override == nil {
				c.Override = map[string]Override{}
			}
			c.Override[m.Module] = Override{Browser: entries}
		}
	}
	return c
}

// The tasks on the broker's pages. The pages are in English unless the browser
// wants German.
func snapshot(css, text string) Command {
	return Command{Verb: "wait", By: "css", Target: css, Seconds: 10, Value: text, Placeholder: "update-image-placeholder"}
}

// comeBack waits until the official suite has taken what came to its address.
func comeBack(path string) Task {
	t := Task{Task: "come back", Commands: []Command{{Verb: "wait", By: "contains", Target: "/test/a/" + fileAlias + "/" + path, Seconds: 20}}}
	if path == "callback" { // its page shows this at the end
		t.Commands = append(t.Commands, Command{Verb: "wait", By: "id", Target: "submission_complete", Seconds: 10})
	}
	return t
}

// authorizeEntry is a visit at which the person signs in and says yes where they
// are asked to.
func authorizeEntry() Entry {
	e := BrokerPages(fileIssuer, fileIssuer+"/oauth2/authorize", fileEmail, filePassword)[0]
	e.Tasks = append(slices.Clone(e.Tasks), comeBack("callback"))
	return e
}

// pictured is authorizeEntry with a picture of a page on the way.
func pictured(task string, c Command) Entry {
	e := authorizeEntry()
	i := slices.IndexFunc(e.Tasks, func(t Task) bool { return t.Task == task })
	e.Tasks[i].Optional = false
	e.Tasks[i].Commands = append([]Command{c}, e.Tasks[i].Commands...)
	return e
}

func logoutEntry(tasks ...Task) Entry {
	return Entry{Match: fileIssuer + "/oauth2/logout*", Tasks: tasks}
}

// errorEntry is a visit that ends at a page that says what is wrong.
func errorEntry(path, title string) Entry {
	return Entry{Match: fileIssuer + path + "*", Tasks: []Task{{Task: "look at the error", Match: fileIssuer + path + "*", Commands: []Command{snapshot("h1", title)}}}}
}

// stepsOf are the steps of a module that needs others than most; nil: it needs none.
func stepsOf(module string) []Entry {
	const authorize, logout = "/oauth2/authorize", "/oauth2/logout"
	question := Task{Task: "sign out", Match: fileIssuer + logout + "*", Commands: []Command{
		{Verb: "wait", By: "css", Target: "h1", Seconds: 10, Value: "Sign out"}, {Verb: "click", By: "css", Target: `form[action="/logout/"] button`},
	}}
	asked := question
	asked.Commands = append([]Command{snapshot("h1", "Sign out")}, question.Commands[1:]...)
	gone := Task{Task: "signed out", Match: fileIssuer + "/logout/*", Commands: []Command{snapshot("h1", "You are signed out")}}
	first := authorizeEntry()
	first.MatchLimit = 1
	switch strings.TrimPrefix(module, "oidcc-") {
	case "prompt-login", "max-age-1":
		return []Entry{first, pictured("sign in", snapshot("h1", "Sign in"))}
	case "ensure-registered-redirect-uri", "redirect-uri-query-mismatch", "redirect-uri-query-added", "ensure-redirect-uri-in-authorization-request":
		return []Entry{errorEntry(authorize, "The application sent you here wrongly")}
	case "registration-logo-uri", "registration-policy-uri", "registration-tos-uri":
		return []Entry{pictured("allow", snapshot("h1", "Continue to"))}
	case "rp-initiated-logout-bad-post-logout-redirect-uri", "rp-initiated-logout-query-added-to-post-logout-redirect-uri":
		return []Entry{authorizeEntry(), errorEntry(logout, "The way back is not registered")}
	case "rp-initiated-logout-modified-id-token-hint", "rp-initiated-logout-bad-id-token-hint", "rp-initiated-logout-no-id-token-hint":
		return []Entry{authorizeEntry(), logoutEntry(asked)}
	case "rp-initiated-logout-no-params", "rp-initiated-logout-only-state":
		return []Entry{authorizeEntry(), logoutEntry(question, gone)}
	case "rp-initiated-logout-no-post-logout-redirect-uri":
		return []Entry{authorizeEntry(), logoutEntry(gone)}
	}
	return nil
}

// oneLine joins a command that was indented.
var oneLine = regexp.MustCompile(`\[\s+("(?:[^"\\]|\\.)*"|\d+)(?:,\s+("(?:[^"\\]|\\.)*"|\d+))*\s+\]`)

func (f planFile) text(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(f.config()); err != nil {
		t.Fatal(err)
	}
	return oneLine.ReplaceAllFunc(b.Bytes(), func(command []byte) []byte {
		var words []json.RawMessage
		if err := json.Unmarshal(command, &words); err != nil {
			t.Fatal(err)
		}
		return append(append([]byte("["), bytes.Join(asBytes(words), []byte(", "))...), ']')
	})
}

func asBytes(words []json.RawMessage) [][]byte {
	out := make([][]byte, len(words))
	for i, w := range words {
		out[i] = w
	}
	return out
}

// TestPlanFiles holds plans/ to what is written above, and to what our decoder
// of the official format takes.
func TestPlanFiles(t *testing.T) {
	left, err := filepath.Glob("plans/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range planFiles() {
		name, want := filepath.Join("plans", f.name), f.text(t)
		if *update {
			if err := os.WriteFile(name, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(name)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s does not agree with this test (%v); see what changed, then: go test ./conformance/oidf -run TestPlanFiles -update", name, err)
		}
		if _, err := ReadConfig(bytes.NewReader(got)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		left = slices.DeleteFunc(left, func(l string) bool { return l == name })
	}
	for _, name := range left {
		if *update {
			if err := os.Remove(name); err != nil {
				t.Fatal(err)
			}
			continue
		}
		t.Errorf("%s is of no plan", name)
	}
}

// substituted is the file with what an installation has.
func (f planFile) substituted(t *testing.T, issuer string, clients map[string]ClientConfig) Config {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("plans", f.name))
	if err != nil {
		t.Fatal(err)
	}
	pairs := []string{fileIssuer, issuer, fileEmail, testEmail, filePassword, testPassword}
	for name, c := range clients {
		pairs = append(pairs, `"`+fileClients[name].ID+`"`, `"`+c.ID+`"`, `"`+fileClients[name].Secret+`"`, `"`+c.Secret+`"`)
	}
	c, err := ReadConfig(strings.NewReader(strings.NewReplacer(pairs...).Replace(string(b))))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// with is the suite with another configuration.
func (s *Suite) with(c Config) *Suite {
	other := *s
	other.o.Config = c
	return &other
}

// planFileOf is the file of a plan for a kind of clients.
func planFileOf(t *testing.T, p Plan, kind string) planFile {
	t.Helper()
	for _, f := range planFiles() {
		if f.plan.Short == p.Short && (f.kind == kind || f.kind == "") {
			return f
		}
	}
	t.Fatalf("plans/ has no file of %s for %s", p.Short, kind)
	return planFile{}
}
