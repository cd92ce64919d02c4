package keycloak

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
)

// zipped is an archive with one entry.
func zipped(t *testing.T, name string, mode os.FileMode, content string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	h := &zip.FileHeader{Name: name}
	h.SetMode(mode)
	w, err := z.CreateHeader(h)
	if err == nil {
		_, err = w.Write([]byte(content))
	}
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestTamperedDownload is refused.
func TestTamperedDownload(t *testing.T) {
	body := []byte("what was chosen")
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/gone" {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = w.Write(body)
	}))
	defer s.Close()
	hash := sha256.Sum256(body)
	sum, to := hex.EncodeToString(hash[:]), filepath.Join(t.TempDir(), "x")
	if err := download(t.Context(), s.URL, sum, to); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(to); !bytes.Equal(got, body) {
		t.Errorf("wrote %q", got)
	}
	if err := download(t.Context(), s.URL+"/gone", sum, to); err == nil || errors.Is(err, errSum) {
		t.Errorf("404: %v", err)
	}
	body = []byte("what was chosen, and more")
	if err := download(t.Context(), s.URL, sum, to); !errors.Is(err, errSum) {
		t.Errorf("tampered with: %v", err)
	}
}

// TestUnpack writes files below the directory, with their mode, and nothing else.
func TestUnpack(t *testing.T) {
	for _, tt := range []struct {
		name string
		mode os.FileMode
		ok   bool
	}{
		{"bin/kc.sh", 0o755, true},
		{"../escaped", 0o644, false},
		{"/tmp/escaped", 0o644, false},
		{"link", os.ModeSymlink | 0o777, false},
	} {
		dir := filepath.Join(t.TempDir(), "in")
		archive := filepath.Join(t.TempDir(), "a.zip")
		if err := os.WriteFile(archive, zipped(t, tt.name, tt.mode, "content"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := unpack(archive, dir); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.name, err)
		}
		if _, err := os.Lstat(filepath.Join(dir, "..", "escaped")); err == nil {
			t.Errorf("%s: it was written outside", tt.name)
		}
		if i, err := os.Lstat(filepath.Join(dir, "bin", "kc.sh")); tt.ok && (err != nil || i.Mode() != tt.mode) {
			t.Errorf("%s: %v %v", tt.name, i, err)
		}
	}
}

// TestMissing says what is missing, and how to get it.
func TestMissing(t *testing.T) {
	t.Setenv(Home, t.TempDir())
	if home, err := find(); err == nil {
		t.Errorf("found in %s, where nothing is", home)
	}
}
