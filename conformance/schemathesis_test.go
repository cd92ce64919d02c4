package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"idbroker/store/storetest"
)

const (
	schemathesisDir = "schemathesis"
	getSchemathesis = "cd conformance/schemathesis && python3 -m venv .venv && .venv/bin/pip install --require-hashes -r requirements.txt"
	// schemathesisExamples are how many requests are made up for an operation beside
	// those that cover its schema, and schemathesisSeed is what they are made from.
	schemathesisExamples = "2"
	schemathesisSeed     = "20261122"
	// schemathesisTime ends what hangs: a run takes some twenty seconds.
	schemathesisTime = 5 * time.Minute
)

// leaving are the operations that end the session which the others need.
var leaving = []string{"/logout/", "/account/settings/sessions/", "/account/settings/close/"}

// forMembers are the paths where a session makes a difference.
const forMembers = "^/(account|applications|consent|link|oauth|second-factor)/"

// TestSchemathesis has a program that we did not write read the OpenAPI document of the
// built broker and send what keeps to it and what does not, as nobody and as somebody
// who is signed in: no answer is an error of ours or one that the document does not
// know, and what is against the document is refused.
func TestSchemathesis(t *testing.T) {
	program, err := filepath.Abs(filepath.Join(schemathesisDir, ".venv/bin/schemathesis"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(program); err != nil {
		if os.Getenv("BROKER_TEST_ALL") == "1" {
			t.Fatalf("schemathesis is missing; get it: %s", getSchemathesis)
		}
		t.Skipf("schemathesis is missing; get it: %s", getSchemathesis)
	}
	// It is another browser than the one that signs in here.
	h := startServed(t, storetest.EmptySQLite(t), "BROKER_SESSIONS__THEFT_PROTECTION=off")
	h.cli(t, password+"\n", "users", "create", "grace@example.org", "--name", "Grace", "--password-stdin")
	t.Run("nobody", func(t *testing.T) { schemathesis(t, h, program) })
	t.Run("member", func(t *testing.T) {
		cookies := signedIn(t, h, "grace@example.org")
		args := []string{"--header", "Cookie: " + cookies, "--generation-with-security-parameters", "false", "--include-path-regex", forMembers}
		for _, path := range leaving {
			args = append(args, "--exclude-path", path)
		}
		schemathesis(t, h, program, args...)
		if me := asMember(t, h, cookies); !strings.Contains(me, "grace@example.org") {
			t.Errorf("the session ended on the way, so that not all of it was tried: %s", me)
		}
	})
}

// schemathesis runs it against the house.
func schemathesis(t *testing.T, h *house, program string, args ...string) {
	t.Helper()
	file, err := filepath.Abs(filepath.Join(schemathesisDir, "schemathesis.toml"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), schemathesisTime)
	defer cancel()
	all := append([]string{
		"--config-file", file, "run", h.issuer + "/openapi.json", "--url", h.issuer, "--no-color",
		"--max-examples", schemathesisExamples, "--seed", schemathesisSeed, "--no-shrink", "--continue-on-failure",
		"--header", "Accept: application/json, application/problem+json", // without it the answers are pages
	}, args...)
	cmd := exec.CommandContext(ctx, program, all...)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "NO_PROXY=127.0.0.1")
	said, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, said)
	}
	_, summary, found := bytes.Cut(said, []byte("SUMMARY"))
	if !found || !bytes.Contains(summary, []byte("generated")) {
		t.Errorf("it tried nothing:\n%s", said)
	}
	t.Logf("%s", summary)
}

// signedIn are the cookies of somebody who has signed in with the password.
func signedIn(t *testing.T, h *house, email string) string {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: h.transport(1), Jar: jar}
	body, err := json.Marshal(map[string]string{"email": email, "password": password})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.issuer+"/login/", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	status, text := tell(t, client, r)
	at, err := url.Parse(h.issuer)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, c := range jar.Cookies(at) {
		all = append(all, c.Name+"="+c.Value)
	}
	if status != http.StatusOK || len(all) == 0 {
		t.Fatalf("sign-in: %d %s", status, text)
	}
	return strings.Join(all, "; ")
}

// asMember is what the broker says of whoever has the cookies.
func asMember(t *testing.T, h *house, cookies string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.issuer+"/account/me", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Cookie", cookies)
	_, text := tell(t, &http.Client{Transport: h.transport(1)}, r)
	return text
}

// tell sends a request and returns what is said.
func tell(t *testing.T, client *http.Client, r *http.Request) (status int, text string) {
	t.Helper()
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxTold))
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// maxTold bounds what tell reads, in bytes: a page in JSON has a few KiB.
const maxTold = 1 << 20
