package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// edit changes a file of a directory.
func (o *operator) edit(name, old, new string) {
	o.t.Helper()
	name = filepath.Join(o.dir, filepath.FromSlash(name))
	text, err := os.ReadFile(name)
	if err != nil && old != "" {
		o.t.Fatal(err)
	}
	if old != "" && !strings.Contains(string(text), old) {
		o.t.Fatalf("%s has no %q", name, old)
	}
	changed := strings.Replace(string(text), old, new, 1)
	if old == "" {
		changed = new
	}
	if err := os.WriteFile(name, []byte(changed), 0o600); err != nil {
		o.t.Fatal(err)
	}
}

// TestTemplates takes the templates out, breaks and mends them, serves with them
// and changes them while it serves.
func TestTemplates(t *testing.T) {
	o := newOperator(t)
	o.run("templates", "export", "own")
	if text := o.run("templates", "check", "own"); !strings.Contains(text, "own can be used; languages: en de") {
		t.Errorf("ours, unchanged:\n%s", text)
	}
	if line := o.refuses("templates", "export", "own"); !strings.Contains(line, "is not empty") {
		t.Error(line)
	}
	o.refuses("templates", "check", "nowhere")
	o.refuses("templates", "check")
	o = o.set("BROKER_TEMPLATES__DIRECTORY=own")

	form, hidden := "{{else}}\n<form method=\"post\" action=\"/login/\">\n", `<input type="hidden" name="login" value="{{.Login}}">`
	o.edit("own/pages/login.html", form+hidden, form)
	text, err := os.ReadFile(filepath.Join(o.dir, "own/pages/login.html"))
	if err != nil {
		t.Fatal(err)
	}
	before, _, _ := strings.Cut(string(text), form) // the form is on the line after "{{else}}"
	line := strings.Count(before, "\n") + 2
	o.edit("own/catalog/en.json", `"mail.reset.subject": "`, `"mail.reset.subject": "{{.brnd}}`)
	o.edit("own/mails/mail.html", `<div `, `<img src="https://count.example/x.png"><div `)
	wanted := []string{
		fmt.Sprintf("own/pages/login.html:%d: the form method=\"post\" action=\"/login/\" lacks the hidden field \"login\"", line),
		`own/catalog/en.json:`, `"mail.reset.subject" uses {{.brnd}}`, "own/mails/mail.html:6: src=",
	}
	out, _, code := o.try("", "templates", "check")
	_, errs, started := o.try("", "serve")
	if _, err := os.Stat(filepath.Join(o.dir, "broker.db")); err == nil {
		t.Error("a broker that does not start has made a database")
	}
	_, said, valid := o.try("", "config", "validate")
	for _, want := range wanted {
		for what, text := range map[string]string{"check": out, "serve": errs, "config validate": said} {
			if !strings.Contains(text, want) {
				t.Errorf("%s does not tell %q:\n%s", what, want, text)
			}
		}
	}
	if code != 1 || started != 1 || valid != 1 {
		t.Errorf("exit codes %d %d %d", code, started, valid)
	}

	o.edit("own/pages/login.html", form, form+hidden)
	o.edit("own/catalog/en.json", `{{.brnd}}`, ``)
	o.edit("own/mails/mail.html", `<img src="https://count.example/x.png">`, ``)
	o.edit("own/pages/home.html", `<p class="lead">{{.T "home.welcome"}}</p>`, `<p class="lead">Welcome to the hub</p>`)
	if out := o.run("templates", "check", "--strict"); !strings.Contains(out, "can be used") {
		t.Errorf("mended:\n%s", out)
	}
	r := o.serve()
	if _, body := get(t, r.base+"/"); !strings.Contains(body, "Welcome to the hub") {
		t.Error(body)
	}
	o.edit("own/catalog/fr.json", "", `{"language.name": "Français", "language.dir": "ltr", "login.heading": "Connexion au hub"}`)
	r.signal(syscall.SIGHUP)
	r.await("the reload", func() bool { return strings.Contains(r.err.String(), `"templates reloaded"`) })
	if _, body := get(t, r.base+"/login/?choose=1", "Accept-Language", "fr"); !strings.Contains(body, "Connexion au hub") || !strings.Contains(body, `<html lang="fr"`) || !strings.Contains(body, `value="de" lang="de"`) {
		t.Errorf("French:\n%s", body)
	}
	if _, body := get(t, r.base+"/login/?choose=1"); !strings.Contains(body, `<button name="lang" value="fr" lang="fr">Français</button>`) {
		t.Errorf("French is not offered:\n%s", body)
	}
	o.edit("own/pages/home.html", `Welcome to the hub`, `Another word <script>x()</script>`)
	o.edit("own/catalog/fr.json", `Connexion au hub`, `Autre chose`)
	r.signal(syscall.SIGHUP)
	r.await("the refusal", func() bool { return strings.Contains(r.err.String(), "templates not reloaded, those before stay") })
	if log := r.err.String(); !strings.Contains(log, `"file":"own/pages/home.html"`) || !strings.Contains(log, "broker templates check own") {
		t.Errorf("the log does not say what to do:\n%s", log)
	}
	if _, body := get(t, r.base+"/"); !strings.Contains(body, "Welcome to the hub") {
		t.Errorf("a bad page took the place of a good one:\n%s", body)
	}
	if _, body := get(t, r.base+"/login/?choose=1", "Accept-Language", "fr"); !strings.Contains(body, "Connexion au hub") {
		t.Errorf("half of a bad directory was taken:\n%s", body)
	}
	r.stop()
}

func TestTemplatesOddDirectories(t *testing.T) {
	o := newOperator(t)
	for _, dir := range []string{"own", "own/pages", "own/..data"} {
		if err := os.Mkdir(filepath.Join(o.dir, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if text := o.run("templates", "check", "own"); !strings.Contains(text, "can be used") {
		t.Error(text)
	}
	o.edit("own/login.html", "", "x")
	o.edit("own/exported.json", "", "[]")
	o.edit("own/pages/logon.html", "", "x")
	out, _, code := o.try("", "templates", "check", "own", "--json")
	for _, want := range []string{`"file": "own/login.html"`, `"file": "own/exported.json"`, `"file": "own/pages/logon.html"`} {
		if code != 1 || !strings.Contains(out, want) {
			t.Errorf("exit code %d, not told: %s\n%s", code, want, out)
		}
	}
}
