package main

import (
	"net/url"
	"strings"
	"testing"

	"idbroker/volatile/volatiletest"
)

// TestRedis: a broker over Redis starts, signs people in, tells how Redis is, and goes on
// without it; its commands tell the truth.
func TestRedis(t *testing.T) {
	s := volatiletest.Start(t, "--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru")
	o := newOperator(t).set("BROKER_REDIS__URL=" + s.URL)
	o.run("config", "validate")
	if text := o.run("redis", "check"); !strings.Contains(text, "does what the broker needs") || !strings.Contains(text, "noeviction") {
		t.Errorf("check: %s", text)
	}
	if _, errs, code := o.try("correct horse battery\n", "users", "create", "ada@example.org", "--password-stdin"); code != 0 {
		t.Fatal(errs)
	}
	r := o.serve()
	form := url.Values{"email": {"ada@example.org"}, "password": {"correct horse battery"}}
	if status := post(t, r.base+"/login/", form); status != 303 {
		t.Errorf("sign in: %d", status)
	}
	if text := o.run("healthcheck", "--url", r.admin+readyPath); text != "ready\n" {
		t.Errorf("healthcheck: %s", text)
	}
	if text := o.run("users", "show", "ada@example.org"); !strings.Contains(text, "sessions") {
		t.Errorf("show: %s", text)
	}
	var list []sessionView
	if o.read(&list, "users", "sessions", "ada@example.org"); len(list) != 1 || list[0].SID == "" {
		t.Errorf("sessions: %+v", list)
	}
	if text := o.run("users", "sign-out", "ada@example.org"); !strings.Contains(text, "sessions ended  1") {
		t.Errorf("sign-out: %s", text)
	}
	if o.read(&list, "users", "sessions", "ada@example.org"); len(list) != 0 {
		t.Errorf("after the sign-out: %+v", list)
	}
	if status := post(t, r.base+"/login/", form); status != 303 {
		t.Errorf("sign in again: %d", status)
	}
	if _, body := get(t, r.admin+"/metrics"); !strings.Contains(body, "broker_redis_up 1") || !strings.Contains(body, `broker_redis_round_trips_total{outcome="done"}`) {
		t.Error("the metrics do not have it")
	}
	s.Kill()
	if status := post(t, r.base+"/login/", form); status != 503 {
		t.Errorf("sign in without Redis: %d", status)
	}
	if _, body := get(t, r.admin+"/metrics"); !strings.Contains(body, "broker_redis_up 0") {
		t.Error("the metrics do not have that it is away")
	}
	if status, _ := get(t, r.base+discoveryPath); status != 200 {
		t.Errorf("discovery without Redis: %d", status)
	}
	if status, body := get(t, r.admin+readyPath); status != 200 || !strings.Contains(body, withoutRedis) {
		t.Errorf("readiness without Redis: %d %s", status, body)
	}
	if text := o.run("healthcheck", "--url", r.admin+readyPath); !strings.Contains(text, withoutRedis) {
		t.Errorf("healthcheck without Redis: %s", text)
	}
	out, errs, code := o.try("", "users", "show", "ada@example.org")
	if code != 0 || strings.Contains(out, "sessions") || !strings.Contains(errs, "not known which sessions stand") {
		t.Errorf("show without Redis: %d\n%s\n%s", code, out, errs)
	}
	if out, errs, code := o.try("", "users", "sessions", "ada@example.org"); code != 1 || out != "" || !strings.Contains(errs, "redis") {
		t.Errorf("sessions without Redis: %d\n%s\n%s", code, out, errs)
	}
	o.run("users", "block", "ada@example.org", "--reason", "a test") // what ends sessions needs no Redis
	if text := o.refuses("redis", "check"); !strings.Contains(text, "is Redis running") {
		t.Errorf("check without Redis: %s", text)
	}
	r.stop()
	log := r.err.String()
	for _, line := range []string{"maxmemory-policy", "redis does not answer"} {
		if !strings.Contains(log, line) {
			t.Errorf("the log lacks %q:\n%s", line, log)
		}
	}
	again := o.serve() // Redis keeps no broker from starting
	if status, _ := get(t, again.base+discoveryPath); status != 200 {
		t.Errorf("discovery of one that started without Redis: %d", status)
	}
	again.stop()
}

// TestNoRedis: without one there is nothing to check, and nothing of it in the metrics.
func TestNoRedis(t *testing.T) {
	o := newOperator(t)
	if text := o.refuses("redis", "check"); !strings.Contains(text, "redis.url is not set") {
		t.Errorf("check: %s", text)
	}
	if text := o.set("BROKER_REDIS__URL=redis://u:s3cret@localhost").refuses("config", "validate"); !strings.Contains(text, "redis.url") || strings.Contains(text, "s3cret") {
		t.Errorf("validate: %s", text)
	}
}
