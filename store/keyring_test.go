package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestKeyringSealsAndOpens(t *testing.T) {
	k := NewKeyring()
	p := inRow("t", "c", "row")
	for _, text := range []string{"x", "secret", strings.Repeat("long", 1<<18), "\x00\xff"} {
		a, err := k.seal(p, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		b, err := k.seal(p, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(a, b) || bytes.Contains(a, []byte(text)) && len(text) > 1 {
			t.Errorf("%.10q is sealed alike twice, or not at all", text)
		}
		got, err := k.open(p, a)
		if err != nil || string(got) != text {
			t.Errorf("open = %.10q, %v", got, err)
		}
	}
	if b, err := k.seal(p, nil); err != nil || len(b) != 0 {
		t.Errorf("nothing is sealed as %q, %v", b, err)
	}
	if b, err := k.open(p, nil); err != nil || b != nil {
		t.Errorf("nothing opens as %q, %v", b, err)
	}
}

// TestKeyringRefuses: every changed bit, every other place, every other key.
func TestKeyringRefuses(t *testing.T) {
	k := NewKeyring()
	p := inRow("t", "c", "a", "b")
	sealed, err := k.seal(p, []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range sealed {
		for bit := range 8 {
			b := bytes.Clone(sealed)
			b[i] ^= 1 << bit
			if _, err := k.open(p, b); err == nil {
				t.Fatalf("opens with bit %d of byte %d changed", bit, i)
			}
		}
		if i > 0 {
			if _, err := k.open(p, sealed[:i]); err == nil {
				t.Fatalf("opens cut to %d bytes", i)
			}
		}
	}
	for _, other := range []place{
		inRow("u", "c", "a", "b"), inRow("t", "d", "a", "b"), inRow("t", "c", "a", "x"), inRow("t", "c", "ab"), inRow("t", "c", "ab", ""),
		inRow("t", "c", "", "ab"), inRow("t", "ca", "b"), inRow("tc", "", "a", "b"), inRow("t", "c", "a", "b", ""), inRow("t", "c", "a"),
	} {
		if _, err := k.open(other, sealed); err == nil {
			t.Errorf("opens in %v", other)
		}
	}
	if _, err := NewKeyring().open(p, sealed); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("another ring: %v", err)
	}
	if _, err := (Keyring{}).seal(p, []byte("x")); err == nil {
		t.Error("an empty ring seals")
	}
}

func TestKeyringRotation(t *testing.T) {
	old := NewKeyring()
	p := inRow("t", "c", "row")
	before, err := old.seal(p, []byte("before"))
	if err != nil {
		t.Fatal(err)
	}
	ring := old.Rotated()
	if got, err := ring.open(p, before); err != nil || string(got) != "before" {
		t.Errorf("an old key does not open: %q, %v", got, err)
	}
	after, err := ring.seal(p, []byte("after"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := old.open(p, after); err == nil {
		t.Error("the new key does not seal")
	}
	if ring.current(before) || !ring.current(after) || !ring.current(nil) || ring.Len() != 2 {
		t.Error("current does not know the newest key")
	}
	parsed, err := ParseKeyring(append([]byte("# newest first\r\n\r\n"), ring.Marshal()...))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := parsed.open(p, before); err != nil || string(got) != "before" || !parsed.current(after) {
		t.Errorf("parsed ring: %q, %v", got, err)
	}
}

// TestKeyringStaging: a staged key opens, seals nothing, survives the file, and is
// the first once it is promoted.
func TestKeyringStaging(t *testing.T) {
	old, p := NewKeyring(), inRow("t", "c", "row")
	staged := old.Staged()
	ring := staged.Promoted()
	sealed, err := ring.seal(p, []byte("new"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := old.open(p, sealed); err == nil {
		t.Error("the new key is not new")
	}
	if got, err := staged.open(p, sealed); err != nil || string(got) != "new" || staged.current(sealed) {
		t.Errorf("staged: %q, %v", got, err)
	}
	if b, err := staged.seal(p, []byte("x")); err != nil || !old.current(b) {
		t.Error("a staged key seals")
	}
	id := staged.StagedID()
	if id == "" || old.StagedID() != "" || ring.StagedID() != "" || staged.Len() != 1 || ring.Len() != 2 || ring.IDs()[0] != id || ring.IDs()[1] != old.IDs()[0] || staged.Staged().StagedID() != id {
		t.Errorf("ids %v, %v, %v", staged.IDs(), id, ring.IDs())
	}
	read, err := ParseKeyring(staged.Marshal())
	if err != nil || read.StagedID() != id || !bytes.Equal(read.Marshal(), staged.Marshal()) {
		t.Errorf("read again: %v", err)
	}
	before := bytes.Split(staged.Marshal(), []byte("\n")) // as a program reads it that knows no staged keys
	if !bytes.HasPrefix(before[0], []byte("#")) || bytes.HasPrefix(before[1], []byte("#")) {
		t.Error("a program of before does not take a staged key for a comment")
	}
	if w := ring.Without(old.IDs()[0]); w.Len() != 1 || w.IDs()[0] != id || ring.Len() != 2 || staged.Without(id).StagedID() != "" {
		t.Error("Without removes another key, or from the ring itself")
	}
	if old.Promoted().Len() != 1 || old.Promoted().IDs()[0] != old.IDs()[0] {
		t.Error("nothing to promote, and something changed")
	}
	line := string(staged.Marshal()[:bytes.IndexByte(staged.Marshal(), '\n')+1])
	for what, text := range map[string]string{
		"two staged keys": line + string(NewKeyring().Staged().Marshal()), "the same twice": string(ring.Marshal()) + line,
		"a staged key alone": line, "a broken one": "# next: x\n" + string(old.Marshal()),
	} {
		if _, err := ParseKeyring([]byte(text)); err == nil {
			t.Errorf("%s is a keyring", what)
		}
	}
}

func TestKeyringDerive(t *testing.T) {
	k := NewKeyring()
	a, b := k.Derive("tokens"), k.Derive("cookies")
	if a == b || a != k.Derive("tokens") || a == k.Rotated().Derive("tokens") || a == k.keys[0].raw {
		t.Error("Derive does not tell purposes or keys apart")
	}
	if k.DeriveOldest("tokens") != a || k.Rotated().DeriveOldest("tokens") != a || k.Staged().Promoted().DeriveOldest("tokens") != a {
		t.Error("DeriveOldest changes with a new key")
	}
	defer func() {
		if recover() == nil {
			t.Error("an empty ring derives a key")
		}
	}()
	Keyring{}.Derive("tokens")
}

func TestKeyringIsNotPrinted(t *testing.T) {
	k := NewKeyring()
	var b bytes.Buffer
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", "k", k, "p", &k, "s", struct{ K Keyring }{k})
	j, err := json.Marshal(struct{ K Keyring }{k})
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("%v %+v %#v %s %q %x %v", k, k, k, k, k, k, Options{Keys: k}) + b.String() + string(j)
	raw := k.keys[0].raw
	for _, leak := range []string{fmt.Sprintf("%x", raw[:4]), fmt.Sprint(raw[:3])[1:8], strings.TrimSpace(string(k.Marshal()))[:8]} {
		if strings.Contains(text, leak) {
			t.Errorf("a keyring prints its key: %s", text)
		}
	}
	if strings.Count(text, "[redacted]") < 9 {
		t.Errorf("printed: %s", text)
	}
}

func TestParseKeyringRefuses(t *testing.T) {
	good := strings.TrimSpace(string(NewKeyring().Marshal()))
	for name, text := range map[string]string{
		"nothing":        "",
		"a comment only": "# none\n",
		"short":          "AAAA\n",
		"long":           good + "AAAA\n",
		"not base64":     strings.Repeat("!", 44),
		"twice":          good + "\n" + good,
		"two in a line":  good + " " + good,
		"a long line":    strings.Repeat("A", 1<<17),
		"another PEM":    "-----BEGIN PRIVATE KEY-----\n" + good + "\n",
	} {
		if _, err := ParseKeyring([]byte(text)); err == nil || strings.Contains(err.Error(), good) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ParseKeyring([]byte(strings.NewReplacer("+", "-", "/", "_", "=", "").Replace(good) + "\r\n")); err != nil {
		t.Errorf("the URL alphabet without padding: %v", err)
	}
}

func FuzzParseKeyring(f *testing.F) {
	f.Add([]byte(""))
	f.Add([]byte("# c\n\nAAAA\n"))
	f.Add(NewKeyring().Rotated().Marshal())
	f.Add(NewKeyring().Staged().Marshal())
	f.Fuzz(func(t *testing.T, text []byte) {
		k, err := ParseKeyring(text)
		if err != nil {
			return
		}
		again, err := ParseKeyring(k.Marshal())
		if err != nil || !bytes.Equal(again.Marshal(), k.Marshal()) || k.Len() == 0 {
			t.Errorf("%q does not survive Marshal: %v", text, err)
		}
	})
}

func FuzzOpenSealed(f *testing.F) {
	k := NewKeyring()
	p := inRow("t", "c", "row")
	sealed, err := k.seal(p, []byte("secret"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed)
	f.Add([]byte{sealVersion})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		if text, err := k.open(p, b); err == nil && len(b) > 0 && !bytes.Equal(b, sealed) {
			t.Errorf("a forged value opens as %q", text)
		}
		k.current(b)
	})
}
