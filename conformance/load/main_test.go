package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test binary be the two servers that the program starts.
func TestMain(m *testing.M) {
	switch {
	case len(os.Args) == 2 && os.Args[1] == bareArg:
		os.Exit(serveBare(os.Stdin, os.Stdout))
	case len(os.Args) == 3 && os.Args[1] == "-serve-issuer":
		serveIssuer(os.Args[2])
	case len(os.Args) == 2 && os.Args[1] == "-end-at-once":
		os.Exit(3)
	}
	os.Exit(m.Run())
}

func discovery(issuer string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, `{"issuer":%q}`, issuer) })
}

// serveIssuer serves discovery until it is stopped, or for a minute.
func serveIssuer(address string) {
	srv := &http.Server{Addr: address, Handler: discovery("http://" + address), ReadHeaderTimeout: time.Second}
	time.AfterFunc(time.Minute, func() { os.Exit(4) })
	_ = srv.ListenAndServe()
}

func TestParse(t *testing.T) {
	t.Setenv("BROKER_LOAD_SECRET", "the secret")
	t.Setenv("BROKER_LOAD_PASSWORD", "the password")
	s, err := parse([]string{"-issuer", "http://127.0.0.1:1", "-flow", "code,refresh", "-c", "4", "-n", "10", "-pid", "12,34", "-client", "a", "--", "broker", "serve", "-x"})
	if err != nil {
		t.Fatal(err)
	}
	if s.flows != "code,refresh" || s.Concurrency != 4 || s.Operations != 10 || len(s.PIDs) != 2 || s.PIDs[1] != 34 || s.ClientSecret != "the secret" || s.Password != "the password" {
		t.Errorf("%+v", s)
	}
	if strings.Join(s.command, " ") != "broker serve -x" {
		t.Errorf("command %q", s.command)
	}
	for _, args := range [][]string{{"-pid", "x"}, {"-pid", "-1"}, {"-c", "many"}, {"-unknown"}} {
		if _, err := parse(args); err == nil {
			t.Errorf("%q is accepted", args)
		}
	}
}

func TestLoad(t *testing.T) {
	var srv *httptest.Server
	srv = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { discovery(srv.URL).ServeHTTP(w, r) }))
	defer srv.Close()
	var out bytes.Buffer
	if err := load(context.Background(), []string{"-issuer", srv.URL, "-c", "2", "-n", "20", "-pid", fmt.Sprint(os.Getpid()), "-json"}, &out); err != nil {
		t.Fatal(err)
	}
	var o outcome
	if err := json.Unmarshal(out.Bytes(), &o); err != nil {
		t.Fatal(err)
	}
	if len(o.Runs) != 2 || o.Runs[0].Flow != "discovery" || o.Runs[0].Operations != 20 || o.Runs[1].Flow != "bare net/http" || o.Runs[1].Operations != 20 {
		t.Errorf("%s", out.String())
	}
	out.Reset()
	if err := o.write(&out, false); err != nil || strings.Count(out.String(), "\n") < 3 || !strings.Contains(out.String(), "CPU/req") {
		t.Errorf("%v: %s", err, out.String())
	}
}

func TestLoadFails(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	defer gone.Close()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"404":                {"-issuer", gone.URL},
		"not a loopback":     {"-issuer", "http://192.0.2.1"},
		"is none of":         {"-issuer", gone.URL, "-flow", "hybrid"},
		"the server ended":   {"-issuer", gone.URL, "--", self, "-end-at-once"},
		"start the server":   {"-issuer", gone.URL, "--", "/nowhere/broker"},
		"flag provided but ": {"-nothing"},
	} {
		if err := load(context.Background(), args, new(bytes.Buffer)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", args, err, want)
		}
	}
}

// The program starts a server, measures it and leaves nothing behind.
func TestLoadStartsServer(t *testing.T) {
	l := httptest.NewServer(nil)
	address := l.Listener.Addr().String() // free once it is closed
	l.Close()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := load(context.Background(), []string{"-issuer", "http://" + address, "-n", "50", "-c", "2", "-bare=false", "-json", "--", self, "-serve-issuer", address}, &out); err != nil {
		t.Fatal(err)
	}
	var o outcome
	if err := json.Unmarshal(out.Bytes(), &o); err != nil || o.Start == nil || len(o.Runs) != 1 {
		t.Fatalf("%v: %s", err, out.String())
	}
	if o.Start.Ready <= 0 || o.Start.ResidentIdle == 0 || o.Start.ResidentAfter == 0 {
		t.Errorf("%+v", o.Start)
	}
	if res, err := http.Get("http://" + address); err == nil {
		_ = res.Body.Close()
		t.Error("the server is still there")
	}
}
