package upstream

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"idbroker/conformance/served"
	"idbroker/conformance/visitor"
	"idbroker/providers/providertest/keycloak"
)

const (
	secret = "a client secret of more than thirty-two bytes"
	// patience is how long something may take that happens behind a page.
	patience = 30 * time.Second
)

// world is the built broker in front of a Keycloak.
type world struct {
	t        *testing.T // of the journey that is under way
	kc       *keycloak.Server
	issuer   string
	bin, dir string
	process  *served.Process
	seen     map[string]bool // mails that have been looked at
}

// newWorld starts both. The broker knows Keycloak's realm four times: as a plain
// OpenID Provider ("harbour"), for those with a role ("crew"), with a secret that is
// not ours ("wrong"), and where Keycloak asks people for consent ("asks").
func newWorld(t *testing.T) *world {
	w := &world{t: t, kc: keycloak.Start(t), dir: t.TempDir(), issuer: "http://" + served.FreeAddress(t), seen: map[string]bool{}}
	w.bin = filepath.Join(w.dir, "broker")
	if err := served.Build("../..", w.bin); err != nil {
		t.Fatal(err)
	}
	var providers []map[string]any
	for _, p := range []struct {
		id, kind string
		more     map[string]any
		client   keycloak.Client
	}{
		{"harbour", "oidc", nil, keycloak.Client{WithoutRoles: true}},
		{"crew", "keycloak", map[string]any{"allowed_roles": []string{"sailor"}}, keycloak.Client{}},
		{"roleless", "keycloak", map[string]any{"allowed_roles": []string{"sailor"}}, keycloak.Client{WithoutRoles: true}},
		{"wrong", "oidc", map[string]any{"client_secret": "another secret of more than thirty-two bytes"}, keycloak.Client{}},
		{"asks", "oidc", nil, keycloak.Client{AsksConsent: true}},
	} {
		p.client.ID, p.client.Secret = "broker-"+p.id, secret
		p.client.RedirectURIs = []string{w.issuer + "/oauth/authorized/" + p.id + "/"}
		p.client.LogoutURI, p.client.AfterSignOut = w.issuer+"/oauth/backchannel/"+p.id+"/", []string{w.issuer + "/oauth/signed-out/" + p.id + "/"}
		w.kc.AddClient(t, p.client)
		c := map[string]any{"id": p.id, "kind": p.kind, "title": strings.ToUpper(p.id), "issuer": w.kc.Issuer, "client_id": p.client.ID, "client_secret": secret}
		for name, v := range p.more {
			c[name] = v
		}
		providers = append(providers, c)
	}
	config, err := json.Marshal(map[string]any{
		"server":    map[string]any{"address": strings.TrimPrefix(w.issuer, "http://"), "base_url": w.issuer, "admin_address": "off"},
		"database":  map[string]any{"dsn": "sqlite:" + filepath.Join(w.dir, "broker.db")},
		"secrets":   map[string]any{"keyring_file": filepath.Join(w.dir, "broker.key")},
		"mail":      map[string]any{"directory": filepath.Join(w.dir, "mail")},
		"providers": providers,
	})
	if err == nil {
		err = os.WriteFile(filepath.Join(w.dir, "broker.yaml"), config, 0o600) // JSON is YAML
	}
	if err != nil {
		t.Fatal(err)
	}
	w.process = served.Start(t, w.bin, w.dir, nil, "--config", filepath.Join(w.dir, "broker.yaml"), "serve")
	served.Answers(t, visitor.Transport(1), w.issuer)
	return w
}

// cli runs a command of the operator's, and returns what it says and whether it
// went well.
func (w *world) cli(args ...string) (string, bool) {
	w.t.Helper()
	cmd := served.Command(w.bin, w.dir, nil, append([]string{"--config", filepath.Join(w.dir, "broker.yaml")}, args...)...)
	out, err := cmd.CombinedOutput()
	return string(out), err == nil
}

var linkInMail = regexp.MustCompile(`http://\S+`)

// mail is the link to a path in a mail that has not been looked at before.
func (w *world) mail(to, path string) string {
	w.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		files, err := filepath.Glob(filepath.Join(w.dir, "mail", "*.eml"))
		if err != nil {
			w.t.Fatal(err)
		}
		for _, file := range files {
			f, err := os.Open(file)
			if err != nil {
				w.t.Fatal(err)
			}
			m, err := served.ReadMail(f)
			_ = f.Close()
			if err != nil {
				w.t.Fatal(err)
			}
			for _, link := range linkInMail.FindAllString(m.Text, -1) {
				if m.To == to && !w.seen[file] && strings.HasPrefix(link, w.issuer+path) {
					w.seen[file] = true
					return link
				}
			}
		}
	}
	w.t.Fatalf("no mail to %s with a link to %s", to, path)
	return ""
}

// until waits for something that happens behind a page.
func (w *world) until(what string, happened func() bool) {
	w.t.Helper()
	for end := time.Now().Add(patience); !happened(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("waited %s in vain: %s", patience, what)
		}
	}
}
