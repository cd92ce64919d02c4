package local_test

import (
	"crypto/sha1"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/store"
	"idbroker/store/storetest"
)

func leak(password string, seen int) string {
	return fmt.Sprintf("%X:%d", sha1.Sum([]byte(password)), seen)
}

// prepare makes a file of breached passwords and opens it.
func prepare(t *testing.T, list string, least int) *local.Breached {
	t.Helper()
	name := filepath.Join(t.TempDir(), "breached")
	_, err := local.PrepareBreached(strings.NewReader(list), name, least)
	must(t, err)
	b, err := local.OpenBreached(name)
	must(t, err)
	t.Cleanup(func() { must(t, b.Close()) })
	return b
}

func contains(t *testing.T, b *local.Breached, password string) bool {
	t.Helper()
	known, err := b.Contains(broker.Secret(password))
	must(t, err)
	return known
}

// TestBreachedFile: the list is taken as it is published, in any order, and
// every password of it is found; what was seen too seldom is left out.
func TestBreachedFile(t *testing.T) {
	list := "\ufeff" + strings.Join([]string{leak("zebra zebra", 3), strings.ToLower(leak("password1", 2427158)), leak("Gr\u00fc\u00dfe", 9), leak("seldom seen", 1), ""}, "\r\n")
	all, often := prepare(t, list, 1), prepare(t, list, 3)
	if all.Passwords != 4 || often.Passwords != 3 {
		t.Errorf("%d and %d passwords", all.Passwords, often.Passwords)
	}
	for _, p := range []string{"zebra zebra", "password1", "Gr\u00fc\u00dfe", "Gru\u0308\u00dfe"} {
		if !contains(t, all, p) || !contains(t, often, p) {
			t.Errorf("%q is not found", p)
		}
	}
	if !contains(t, all, "seldom seen") || contains(t, often, "seldom seen") || contains(t, all, "Password1") {
		t.Error("what was seen seldom, or never")
	}
	if bare := prepare(t, leak("password1", 1)[:40], 5); !contains(t, bare, "password1") {
		t.Error("a list without counts")
	}
}

// TestBreachedFindsAllAndFewOthers holds the filter to its promise.
func TestBreachedFindsAllAndFewOthers(t *testing.T) {
	const n = 20000
	var list strings.Builder
	for i := range n {
		fmt.Fprintln(&list, leak(fmt.Sprint("leaked ", i), 1))
	}
	b := prepare(t, list.String(), 1)
	wrong := 0
	for i := range n {
		if !contains(t, b, fmt.Sprint("leaked ", i)) {
			t.Fatalf("%d is not found", i)
		}
		if contains(t, b, fmt.Sprint("mine ", i)) {
			wrong++
		}
	}
	if wrong > n/500 {
		t.Errorf("%d of %d good passwords are refused", wrong, n)
	}
}

// TestPrepareRefuses: a list that is none makes no file, and a file that is
// none, or was cut off, is not taken for one.
func TestPrepareRefuses(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "breached")
	for list, want := range map[string]string{
		"": "no password", "\n\n": "no password", leak("a", 1) + "\npassword1\n": "line 2", leak("a", 1)[:32] + ":5": "NTLM",
		strings.Replace(leak("a", 1), "8", "G", 1): "line 1", leak("a", 1) + "x": "line 1", leak("a", -1): "line 1", strings.Repeat("A", 1<<20): "after 0",
	} {
		if _, err := local.PrepareBreached(strings.NewReader(list), name, 1); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.50q: %v, want %q", list, err, want)
		}
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) > 0 {
		t.Errorf("left behind: %v, %v", files, err)
	}
	_, err := local.PrepareBreached(strings.NewReader(leak("a", 1)), name, 1)
	must(t, err)
	whole, err := os.ReadFile(name)
	must(t, err)
	huge := append([]byte(nil), whole...)
	copy(huge[32:40], "\xff\xff\xff\xff\xff\xff\xff\xff")
	for _, bad := range [][]byte{nil, whole[:10], whole[:len(whole)-1], append(append([]byte(nil), whole...), 0), []byte(strings.Repeat("x", 128)), huge} {
		must(t, os.WriteFile(name, bad, 0o600))
		if _, err := local.OpenBreached(name); err == nil || !strings.Contains(err.Error(), "broker passwords prepare") {
			t.Errorf("%d bytes: %v", len(bad), err)
		}
	}
}

// TestBreachedPasswordIsRefused wherever somebody chooses one; who has one
// already still gets in, to choose another.
func TestBreachedPasswordIsRefused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		const leaked = "plattenspieler im regen"
		ctx := t.Context()
		u, err := accounts(t, db).Create(ctx, local.NewUser{Email: "ada@example.org", Password: leaked})
		must(t, err)
		a := local.New(db, nil, local.Options{Hashing: cheap, Breached: prepare(t, leak(leaked, 5), 1)})
		if _, _, err := a.Authenticate(ctx, u.Email, leaked); err != nil {
			t.Errorf("sign-in: %v", err)
		}
		login, _ := newLogin()
		s := startSession(t, db, u)
		for what, err := range map[string]error{
			"sign-up": a.SignUp(ctx, login, local.SignUpForm{Email: "bob@example.org", Name: "Bob", Password: leaked}),
			"change":  a.ChangePassword(ctx, s, leaked, leaked),
			"create": func() error {
				_, err := a.Create(ctx, local.NewUser{Email: "c@example.org", Password: leaked})
				return err
			}(),
		} {
			var problem *broker.Error
			if !errors.As(err, &problem) || problem.Message != "password.breached" {
				t.Errorf("%s: %v", what, err)
			}
		}
		must(t, a.RequestReset(ctx, u.Email))
		link := tokenOf(t, mails(t, db)[0])
		if _, err := a.Reset(ctx, link, leaked); !errors.Is(err, local.ErrPasswordBreached) {
			t.Errorf("reset: %v", err)
		}
		_, err = a.Reset(ctx, link, "another password of hers") // the refusal spent nothing
		must(t, err)
		must(t, a.ChangePassword(ctx, s, "another password of hers", good))
	})
}
