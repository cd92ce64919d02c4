package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestZeroConfiguration(t *testing.T) {
	o := newOperator(t)
	r := o.serve()
	status, body := get(t, r.base+discoveryPath)
	var discovery struct{ Issuer string }
	if err := json.Unmarshal([]byte(body), &discovery); err != nil || status != 200 || discovery.Issuer != r.base {
		t.Fatalf("discovery: %d %v %s", status, err, body)
	}
	for _, name := range []string{"broker.key", "broker.db"} {
		if m := mode(t, filepath.Join(o.dir, name)); m != 0o600 {
			t.Errorf("%s has mode %o", name, m)
		}
	}
	claims := claimLine.FindAllStringSubmatch(r.out.String(), -1)
	if len(claims) != 1 {
		t.Fatalf("claim links: %q", claims)
	}
	if strings.Contains(r.err.String(), "token=") {
		t.Error("the claim link is in the log")
	}
	link := claims[0][1]
	if status, _ := get(t, link); status != 200 {
		t.Errorf("claim page: %d", status)
	}
	r.stop()

	// Nobody used it: the next start prints another one, and voids the first.
	r = o.serve()
	second := claimLine.FindStringSubmatch(r.out.String())
	if second == nil || second[1] == link {
		t.Fatalf("second claim: %q", second)
	}
	u, _ := url.Parse(second[1])
	if status, _ := get(t, r.base+"/claim/?"+strings.SplitN(link, "?", 2)[1]); status != http.StatusGone {
		t.Errorf("the first link: %d", status)
	}
	form := url.Values{"token": {u.Query().Get("token")}, "email": {"ada@example.org"}, "name": {"Ada"}, "password": {"correct horse battery"}}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.PostForm(r.base+"/claim/", form)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusSeeOther {
		t.Fatalf("claiming: %s", res.Status)
	}
	r.stop()

	// Claimed: no start prints a link again, and the account is there.
	r = o.serve()
	if strings.Contains(r.out.String(), "/claim/") {
		t.Errorf("a claim link after the claim:\n%s", r.out.String())
	}
	var users []userView
	o.read(&users, "users", "list") // while it runs
	if len(users) != 1 || !users[0].Admin || users[0].Email != "ada@example.org" {
		t.Errorf("users: %+v", users)
	}
	r.stop()
	if s := r.err.String() + r.out.String(); strings.Contains(s, "correct horse") {
		t.Error("the password was printed")
	}
}

func TestBadConfiguration(t *testing.T) {
	o := newOperator(t)
	text := "server: {base_url: 'http://id.example.org', adress: x}\nmail: {smtp: {host: h, password: hunter2hunter2, tls: maybe}}\ndatabase: {dsn: 'mysql://u:hunter2hunter2@h/x'}\n"
	if err := os.WriteFile(filepath.Join(o.dir, "broker.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"serve"}, {"config", "validate"}, {"config", "print"}, {"users", "list"}, {"serve", "--demo"}} {
		out, errs, code := o.try("", args...)
		if code != 1 || out != "" || strings.Contains(errs, "hunter2") {
			t.Errorf("%v: exit code %d\n%s%s", args, code, out, errs)
		}
		for _, want := range []string{"server.base_url (broker.yaml:1)", "server.adress (broker.yaml:1)", "mail.smtp.tls (broker.yaml:2)", "database.dsn (broker.yaml:3)", "mail.from"} {
			demo := len(args) == 2 && args[1] == "--demo" // makes a base URL of its own
			if !strings.Contains(errs, want) && !(demo && strings.HasPrefix(want, "server.base_url")) {
				t.Errorf("%v: %q is not in\n%s", args, want, errs)
			}
		}
	}
	if names, _ := filepath.Glob(filepath.Join(o.dir, "*")); len(names) != 1 {
		t.Errorf("a refused start left %q", names)
	}
}

func TestRefusedStarts(t *testing.T) {
	o := newOperator(t)
	o.serve().stop()
	write := func(name, text string) string {
		path := filepath.Join(o.dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, tt := range []struct{ env, want string }{
		{"BROKER_SECRETS__KEYRING_FILE=lost.key", "restore the file from your backup"},
		{"BROKER_SECRETS__KEYRING_FILE=" + write("bad.key", "nonsense"), "restore it from your backup"},
		{"BROKER_SECRETS__KEYRING_FILE=" + o.dir, "secrets.keyring_file"},
		{"BROKER_SECRETS__KEYRING=bm9uc2Vuc2U=", "secrets.keyring (BROKER_SECRETS__KEYRING): "},
		{"BROKER_DATABASE__DSN=sqlite:" + write("text.db", strings.Repeat("not a database ", 100)), "database.dsn"},
		{"BROKER_DATABASE__DSN=sqlite:" + o.dir + "/none/x.db", "database.dsn"},
		{"BROKER_DATABASE__DSN=postgres://u:hunter2@127.0.0.1:1/x", "database.dsn"},
		{"BROKER_SERVER__ADDRESS=" + taken.Addr().String(), "BROKER_SERVER__ADDRESS"},
		{"BROKER_SERVER__ADDRESS=0.0.0.0:0", "set it to the https URL"},
		{"BROKER_BRAND__LOGO=" + o.dir, "brand.logo"},
		{"BROKER_CONFIG=none.yaml", "none.yaml"},
	} {
		name, value, _ := strings.Cut(tt.env, "=")
		var env []string
		for _, kv := range o.env {
			if !strings.HasPrefix(kv, name+"=") {
				env = append(env, kv)
			}
		}
		other := *o
		other.env = append(env, name+"="+value)
		if line := other.refuses("serve"); !strings.Contains(line, tt.want) || strings.Contains(line, "hunter2") {
			t.Errorf("%s: %s", tt.env, line)
		}
	}
	if line := newOperator(t).set("BROKER_DATABASE__DSN=postgres://u:hunter2@127.0.0.1:1/x").refuses("serve"); !strings.Contains(line, "broker keys keyring --file") {
		t.Error(line)
	}
	// A ring that is not the database's must not be taken for it.
	o.run("keys", "keyring", "--file", "other.key")
	if line := o.set("BROKER_SECRETS__KEYRING_FILE=other.key").refuses("serve"); !strings.Contains(line, "key") {
		t.Error(line)
	}
	if m := mode(t, filepath.Join(o.dir, "other.key")); m != 0o600 {
		t.Errorf("keyring has mode %o", m)
	}
}

// slowRequest sends half of a request to a broker and returns the connection, once
// a handler waits for the other half.
func slowRequest(t *testing.T, r *running) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "POST /oauth2/token HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 40\r\nExpect: 100-continue\r\n\r\ngrant_type=client_cr", strings.TrimPrefix(r.base, "http://"))
	goOn := make([]byte, len("HTTP/1.1 100 Continue\r\n\r\n")) // is sent when the handler reads
	if _, err := io.ReadFull(conn, goOn); err != nil || !strings.HasPrefix(string(goOn), "HTTP/1.1 100 ") {
		t.Fatalf("%q, %v", goOn, err)
	}
	return conn
}

func TestShutdownFinishesWhatIsUnderWay(t *testing.T) {
	r := newOperator(t).serve()
	if status, body := get(t, r.admin+readyPath); status != 200 {
		t.Errorf("ready: %d %s", status, body)
	}
	conn := slowRequest(t, r)
	r.signal(syscall.SIGTERM)
	r.await("the news", func() bool { return strings.Contains(r.err.String(), "shutting down") })
	if status, body := get(t, r.admin+readyPath); status != http.StatusServiceUnavailable {
		t.Errorf("ready while stopping: %d %s", status, body)
	}
	for end := time.Now().Add(startTime); ; time.Sleep(5 * time.Millisecond) {
		c, err := net.Dial("tcp", conn.RemoteAddr().String())
		if err != nil {
			break // as it should be
		}
		c.Close()
		if time.Now().After(end) {
			t.Fatal("connections are still accepted")
		}
	}
	fmt.Fprint(conn, "edentials&scope=open")
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("the request under way was cut off: %v\n%s", err, r.err.String())
	}
	if res.StatusCode != http.StatusUnauthorized && res.StatusCode != http.StatusBadRequest {
		t.Errorf("answer: %s", res.Status)
	}
	if err := r.end(); err != nil || !strings.Contains(r.err.String(), `"stopped"`) {
		t.Errorf("%v\n%s", err, r.err.String())
	}
}

// TestShutdownHasADeadline: the one that is configured, instead of the 20 seconds that are the default.
func TestShutdownHasADeadline(t *testing.T) {
	r := newOperator(t).set("BROKER_SERVER__SHUTDOWN_TIMEOUT=1s").serve()
	slowRequest(t, r)
	began := time.Now()
	r.signal(syscall.SIGTERM)
	if err := r.end(); err == nil || time.Since(began) >= 20*time.Second || !strings.Contains(r.err.String(), "were cut off") {
		t.Errorf("%v after %s\n%s", err, time.Since(began), r.err.String())
	}
}

func TestSecondSignalStopsAtOnce(t *testing.T) {
	r := newOperator(t).set("BROKER_SERVER__SHUTDOWN_TIMEOUT=10m").serve()
	slowRequest(t, r)
	r.signal(syscall.SIGTERM)
	r.await("the news", func() bool { return strings.Contains(r.err.String(), "shutting down") })
	r.signal(syscall.SIGTERM)
	if err := r.end(); err == nil {
		t.Error("what was cut off counts as finished")
	}
}

// TestForwarded drives what web does with trusted_hops through the
// configuration: the log names the client that the trusted proxy saw.
func TestForwarded(t *testing.T) {
	for hops, want := range map[string]string{"0": "127.0.0.1", "1": "203.0.113.9", "2": "198.51.100.7"} {
		r := newOperator(t).set("BROKER_SERVER__TRUSTED_HOPS="+hops, "BROKER_SERVER__BASE_URL=https://id.example.org").serve()
		addr := listenAddress(t, r)
		get(t, "http://"+addr+"/login/", "X-Forwarded-For", "192.0.2.1, 198.51.100.7, 203.0.113.9", "X-Forwarded-Proto", "https, https, https", "Host", "id.example.org")
		r.await("a line", func() bool { return strings.Contains(r.err.String(), `"msg":"request"`) })
		if !strings.Contains(r.err.String(), `"ip":"`+want+`"`) {
			t.Errorf("trusted_hops %s: want %s in\n%s", hops, want, r.err.String())
		}
		r.stop()
	}
}

// listenAddress is where a broker listens behind its proxy.
func listenAddress(t *testing.T, r *running) string {
	t.Helper()
	r.await("an address", func() bool { return strings.Contains(r.err.String(), `"msg":"listening"`) })
	for line := range strings.Lines(r.err.String()) {
		var entry struct{ Msg, Address string }
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Msg == "listening" {
			return entry.Address
		}
	}
	t.Fatalf("no address in\n%s", r.err.String())
	return ""
}

func TestMetricsAndHealth(t *testing.T) {
	o := newOperator(t)
	r := o.serve()
	get(t, r.base+"/login/")
	get(t, r.base+"/nosuch/"+strings.Repeat("x", 50))
	req, _ := http.NewRequest("BREW", r.base+"/login/", nil)
	if res, err := http.DefaultClient.Do(req); err == nil {
		res.Body.Close()
	}
	if status, body := get(t, r.admin+livePath); status != 200 || body != "live\n" {
		t.Errorf("live: %d %q", status, body)
	}
	// An answer can be here before it is counted.
	for _, want := range []string{`broker_http_requests_total{route="/login/",method="GET",code="200"} 1`, `method="other"`} {
		r.await(want, func() bool { _, body := get(t, r.admin+"/metrics"); return strings.Contains(body, want) })
	}
	status, body := get(t, r.admin+"/metrics")
	for _, want := range []string{
		`broker_http_request_duration_seconds_bucket{route="/login/",le="+Inf"}`, "broker_build_info{", "process_resident_memory_bytes", "go_goroutines",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("%d: %s is not in the metrics", status, want)
		}
	}
	if strings.Contains(body, "xxxx") || strings.Contains(body, "BREW") {
		t.Error("a stranger made a series")
	}
	if status, _ := get(t, r.admin+"/debug/pprof/cmdline"); status != 200 {
		t.Errorf("profiling on loopback: %d", status)
	}
	for _, path := range []string{"/metrics", "/healthz/ready", "/healthz/live", "/debug/pprof/"} {
		if status, _ := get(t, r.base+path); status != http.StatusNotFound {
			t.Errorf("public %s: %d", path, status)
		}
	}
	o = o.set("BROKER_SERVER__ADMIN_ADDRESS=" + strings.TrimPrefix(r.admin, "http://"))
	if out := o.run("healthcheck"); out != "ready\n" {
		t.Errorf("healthcheck: %q", out)
	}
	r.stop()
	if line := o.refuses("healthcheck"); !strings.Contains(line, "not ready") {
		t.Error(line)
	}
	if line := o.set("BROKER_SERVER__ADMIN_ADDRESS=off").refuses("healthcheck"); !strings.Contains(line, "--url") {
		t.Error(line)
	}
}

func TestDemo(t *testing.T) {
	o := newOperator(t)
	for _, env := range []string{"BROKER_SERVER__ADDRESS=0.0.0.0:8080", "BROKER_SERVER__ADMIN_ADDRESS=192.0.2.1:1"} {
		for _, base := range []string{"BROKER_SERVER__BASE_URL=https://id.example.org", "BROKER_SERVER__BASE_URL="} {
			if line := o.set(base, env).refuses("serve", "--demo"); !strings.Contains(line, "loopback only") {
				t.Error(line)
			}
		}
	}
	cmd := o.command("serve", "--demo")
	r := &running{t: t, cmd: cmd, done: make(chan error, 1)}
	cmd.Env = append(cmd.Env, "TMPDIR="+o.dir)
	cmd.Stdout, cmd.Stderr = &r.out, &r.err
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { r.done <- cmd.Wait() }()
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	r.await("the links", func() bool { return claimLine.MatchString(r.out.String()) })
	n := 0
	for _, word := range strings.Fields(r.out.String()) {
		if strings.HasPrefix(word, "http://") {
			n++
			if host, _ := url.Parse(word); !strings.HasPrefix(host.Host, "127.0.0.1:") && host.Hostname() != "localhost" {
				t.Errorf("%s is not on loopback", word)
			}
			if status, _ := get(t, word); status != 200 && status != http.StatusSeeOther {
				t.Errorf("%s: %d", word, status)
			}
		}
	}
	if n != 5 {
		t.Errorf("%d links in\n%s", n, r.out.String())
	}
	r.stop()
	if left, _ := os.ReadDir(o.dir); len(left) > 0 {
		t.Errorf("the demo left %v", left)
	}
}
