package cvezoo

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"idbroker/conformance/mutant"
	"idbroker/conformance/served"
	"idbroker/conformance/visitor"
	"idbroker/providers/providertest"
)

// root is the module.
const root = "../.."

// secret is every client secret of ours at the fakes.
const secret = "a client secret of more than thirty-two bytes"

// Where the two applications want people back. Nobody listens there.
const (
	appCallback      = "https://app.example/callback"
	appLoopback      = "http://127.0.0.1:1/callback"
	strangerCallback = "https://stranger.example/callback"
)

var scratch string // of this test process

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "cvezoo-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	scratch = dir
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// product is the binary as it is shipped; mutated is the one whose defences can
// be switched off.
var (
	product = sync.OnceValues(func() (string, error) {
		bin := filepath.Join(scratch, "broker")
		return bin, served.Build(root, bin)
	})
	mutated = sync.OnceValues(func() (string, error) {
		bin := filepath.Join(scratch, "mutant")
		return bin, mutant.Build(root, "./cmd/broker", bin, mutants)
	})
)

func must[T any](t testing.TB, make func() (T, error)) T {
	t.Helper()
	v, err := make()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// client is an application that is registered at the broker.
type client struct{ ID, Secret string }

// world is a broker, the providers that it knows, and its mailboxes.
type world struct {
	t     testing.TB // of the attack that is under way
	owner testing.TB // whose end is the end of the world

	bin, dir, issuer, dsn string
	env                   []string
	process               *served.Process
	app, stranger         client
	retired               []string               // providers that are switched off now
	mails                 map[string]served.Mail // by file; those that were looked at are empty

	campus *providertest.OpenID // people trust it
	lab    *providertest.OpenID // so they do this, but an attacker may run it
	github *providertest.GitHub
}

// quick is a provider whose key is made at once.
var quick = providertest.OpenIDOptions{Alg: "ES256"}

// newWorld starts a broker over a database. names are the defences that it lacks.
func newWorld(t testing.TB, dsn string, names ...string) *world {
	t.Helper()
	w := &world{t: t, owner: t, dir: t.TempDir(), issuer: "http://" + served.FreeAddress(t), dsn: dsn, mails: map[string]served.Mail{}}
	if w.bin = must(t, product); len(names) > 0 {
		w.bin, w.env = must(t, mutated), []string{mutant.Environ(names...)}
	}
	w.furnish()
	w.campus, w.lab = providertest.NewOpenID(t, quick), providertest.NewOpenID(t, quick)
	w.github = providertest.NewGitHub(t)
	back := func(id string) []string { return []string{w.issuer + "/oauth/authorized/" + id + "/"} }
	w.campus.AddClient(providertest.Client{ID: "broker", Secret: secret, RedirectURIs: back("campus")})
	w.campus.AddClient(providertest.Client{ID: "retired", Secret: secret, RedirectURIs: back("retired")})
	w.lab.AddClient(providertest.Client{ID: "broker", Secret: secret, RedirectURIs: back("lab")})
	w.lab.AddClient(providertest.Client{ID: "badge", Secret: secret, RedirectURIs: back("badge")})
	w.github.Register(providertest.GitHubApp{ClientID: "broker", Secret: secret, Callbacks: back("github")})
	w.restart("retired")
	return w
}

// template is a directory with a keyring and a database that has a schema and
// two applications: made once, copied for every world over SQLite.
var template = sync.OnceValues(func() (string, error) {
	bin, err := product()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(scratch, "template")
	return dir, prepare(bin, dir, "sqlite:"+filepath.Join(dir, "broker.db"))
})

// prepare makes keyring, schema and applications.
func prepare(bin, dir, dsn string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	config, err := json.Marshal(map[string]any{
		"database": map[string]any{"dsn": dsn}, "secrets": map[string]any{"keyring_file": filepath.Join(dir, "broker.key")},
		"server": map[string]any{"address": "127.0.0.1:1", "base_url": "http://127.0.0.1:1", "admin_address": "off"},
	})
	if err != nil {
		return err
	}
	file := filepath.Join(dir, "broker.yaml") // JSON is YAML
	if err := os.WriteFile(file, config, 0o600); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"keys", "keyring", "--file", filepath.Join(dir, "broker.key")},
		{"migrate", "up"},
		{"keys", "rotate"}, // once: an RSA key costs more than an attack
		{"clients", "create", "App", "--id", "app", "--redirect-uri", appCallback, "--redirect-uri", appLoopback, "--auth", "post", "--json"},
		{"clients", "create", "Stranger", "--id", "stranger", "--redirect-uri", strangerCallback, "--auth", "post", "--json"},
	} {
		out, err := served.Command(bin, dir, nil, append([]string{"--config", file}, args...)...).Output()
		if err != nil {
			return fmt.Errorf("broker %s: %w: %s", strings.Join(args, " "), err, out)
		}
		if args[0] == "clients" {
			if err := os.WriteFile(filepath.Join(dir, args[4]+".json"), out, 0o600); err != nil {
				return err
			}
		}
	}
	return nil
}

// furnish fills the world's directory.
func (w *world) furnish() {
	w.t.Helper()
	if w.dsn != "" {
		if err := prepare(must(w.t, product), w.dir, w.dsn); err != nil {
			w.t.Fatal(err)
		}
	} else {
		from := must(w.t, template)
		if err := os.CopyFS(w.dir, os.DirFS(from)); err != nil {
			w.t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(w.dir, "broker.key"), 0o600); err != nil {
			w.t.Fatal(err)
		}
		w.dsn = "sqlite:" + filepath.Join(w.dir, "broker.db")
	}
	w.app, w.stranger = w.client("app"), w.client("stranger")
}

func (w *world) client(id string) client {
	w.t.Helper()
	b, err := os.ReadFile(filepath.Join(w.dir, id+".json"))
	var c struct {
		Secret string `json:"client_secret"`
	}
	if err == nil {
		err = json.Unmarshal(b, &c)
	}
	if err != nil || c.Secret == "" {
		w.t.Fatalf("client %s: %v: %s", id, err, b)
	}
	return client{id, c.Secret}
}

// restart starts the broker anew with some providers switched off.
func (w *world) restart(retired ...string) {
	w.t.Helper()
	if w.process != nil {
		if err := w.process.Stop(); err != nil {
			w.t.Fatal(err)
		}
	}
	w.retired = retired
	provider := func(id, kind, address, client string, more map[string]any) map[string]any {
		p := map[string]any{"id": id, "kind": kind, "title": strings.ToUpper(id), "client_id": client, "client_secret": secret}
		if kind == "github" {
			p["base_url"] = address
		} else {
			p["issuer"] = address
		}
		for _, r := range retired {
			if r == id {
				p["hidden"] = true
			}
		}
		for name, v := range more {
			p[name] = v
		}
		return p
	}
	config, err := json.Marshal(map[string]any{
		"server":   map[string]any{"address": strings.TrimPrefix(w.issuer, "http://"), "base_url": w.issuer, "admin_address": "off"},
		"database": map[string]any{"dsn": w.dsn},
		"secrets":  map[string]any{"keyring_file": filepath.Join(w.dir, "broker.key")},
		"mail":     map[string]any{"directory": filepath.Join(w.dir, "mail")},
		"providers": []map[string]any{
			provider("campus", "oidc", w.campus.Issuer, "broker", nil),
			provider("lab", "oidc", w.lab.Issuer, "broker", nil),
			provider("badge", "oidc", w.lab.Issuer, "badge", map[string]any{"link_only": true}),
			provider("retired", "oidc", w.campus.Issuer, "retired", nil),
			provider("github", "github", w.github.URL, "broker", nil),
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	file := filepath.Join(w.dir, "broker.yaml")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		w.t.Fatal(err)
	}
	w.process = served.Start(w.owner, w.bin, w.dir, w.env, "--config", file, "serve")
	served.Answers(w.t, visitor.Transport(1), w.issuer)
}

// cli runs a command of the operator's beside the running broker.
func (w *world) cli(args ...string) {
	w.t.Helper()
	cmd := served.Command(w.bin, w.dir, w.env, append([]string{"--config", filepath.Join(w.dir, "broker.yaml")}, args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		w.t.Fatalf("broker %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

// fake is the OpenID Provider behind a provider of the configuration.
func (w *world) fake(provider string) *providertest.OpenID {
	if provider == "lab" || provider == "badge" {
		return w.lab
	}
	return w.campus
}

// lie makes campus and lab lie until the returned function is called.
func (w *world) lie(name string) (truth func()) {
	set := func(name string) {
		for _, f := range []*providertest.OpenID{w.campus, w.lab} {
			f.Switch(func(s *providertest.Switches) { s.Lie = name })
		}
	}
	set(name)
	return func() { set("") }
}

var linkInMail = regexp.MustCompile(`http://\S+`)

// mail is the link to the path in a mail to an address that has not been looked
// at before; the test fails where none comes.
func (w *world) mail(to, path string) string {
	w.t.Helper()
	link := ""
	w.await(to, func(m served.Mail) bool {
		for _, l := range linkInMail.FindAllString(m.Text, -1) {
			if strings.HasPrefix(l, w.issuer+path) {
				link = l
			}
		}
		return link != ""
	})
	return link
}

// leaveMail waits for a mail that its reader takes no notice of.
func (w *world) leaveMail(to string) { w.await(to, func(served.Mail) bool { return true }) }

// await looks at each mail to an address once, until one will do.
func (w *world) await(to string, will func(served.Mail) bool) {
	w.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		files, err := filepath.Glob(filepath.Join(w.dir, "mail", "*.eml"))
		if err != nil {
			w.t.Fatal(err)
		}
		for _, file := range files {
			m, ok := w.mails[file]
			if !ok {
				m = w.read(file)
				w.mails[file] = m
			}
			if m.To != to {
				continue
			}
			if w.mails[file] = (served.Mail{}); will(m) {
				return
			}
		}
	}
	w.t.Fatalf("no such mail to %s", to)
}

func (w *world) read(file string) served.Mail {
	w.t.Helper()
	f, err := os.Open(file)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	m, err := served.ReadMail(f)
	if err != nil {
		w.t.Fatal(err)
	}
	return m
}
