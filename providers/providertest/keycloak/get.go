package keycloak

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// The distribution, and the SHA-256 that it had when it was chosen. Java 17 runs it.
const (
	version = "26.7.3"
	sum     = "27a6535553c3cdcd083872ba40629efafb3475e3b758e0c6f691395561dd0f1f"
	from    = "https://repo1.maven.org/maven2/org/keycloak/keycloak-quarkus-dist/" + version + "/keycloak-quarkus-dist-" + version + ".zip"
)

const (
	// maxArchive bounds the download: this version has 169 MiB.
	maxArchive = 512 << 20
	// maxFile bounds a file of the archive.
	maxFile = 256 << 20
	// fetchTime bounds the download: 300 KiB a second.
	fetchTime = 10 * time.Minute
)

// errSum: what was downloaded is not what was chosen.
var errSum = errors.New("the download has another SHA-256 than the version that was chosen")

// CacheDir is where Get puts the distribution: outside of the repository, kept
// from one run to the next.
func CacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	return filepath.Join(dir, "idbroker-test"), err
}

func installed(dir string) string { return filepath.Join(dir, "keycloak-"+version) }

// Get puts Keycloak, built for a database in memory, into dir and returns its
// place. Where it is there already, nothing happens.
func Get(ctx context.Context, dir string) (string, error) {
	home := installed(dir)
	if _, err := os.Stat(home); err == nil {
		return home, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	work, err := os.MkdirTemp(dir, "get-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(work) }()
	archive := filepath.Join(work, "keycloak.zip")
	if err := download(ctx, from, sum, archive); err != nil {
		return "", fmt.Errorf("%s: %w", from, err)
	}
	if err := unpack(archive, work); err != nil {
		return "", fmt.Errorf("unpack: %w", err)
	}
	fresh := filepath.Join(work, "keycloak-"+version)
	build := exec.CommandContext(ctx, filepath.Join(fresh, "bin", "kc.sh"), "build", "--db=dev-mem")
	build.Dir = work
	build.Env = append(os.Environ(), "JAVA_OPTS_APPEND=-XX:TieredStopAtLevel=1")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("kc.sh build: %w: %s", err, out)
	}
	if err := os.Rename(fresh, home); err != nil { // at once, so that nobody finds half of it
		if _, there := os.Stat(home); there == nil {
			return home, nil // another was quicker
		}
		return "", err
	}
	return home, nil
}

// download gets a file and refuses one with another SHA-256.
func download(ctx context.Context, address, sum, to string) error {
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return errors.New(res.Status)
	}
	f, err := os.Create(to)
	if err != nil {
		return err
	}
	hash := sha256.New()
	_, err = io.Copy(io.MultiWriter(f, hash), io.LimitReader(res.Body, maxArchive))
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if hex.EncodeToString(hash.Sum(nil)) != sum {
		return errSum
	}
	return nil
}

// unpack writes the files of a zip archive below dir, and none elsewhere.
func unpack(archive, dir string) error {
	z, err := zip.OpenReader(archive)
	if err != nil {
		return err
	}
	defer func() { _ = z.Close() }()
	for _, f := range z.File {
		if !filepath.IsLocal(f.Name) {
			return fmt.Errorf("%q leads out of the directory", f.Name)
		}
		to := filepath.Join(dir, f.Name)
		if f.FileInfo().IsDir() {
			continue
		}
		if !f.Mode().IsRegular() {
			return fmt.Errorf("%q is no file", f.Name)
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := unpackFile(f, to); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return nil
}

func unpackFile(f *zip.File, to string) error {
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, f.Mode().Perm()|0o600)
	if err != nil {
		return err
	}
	n, err := io.Copy(out, io.LimitReader(in, maxFile+1))
	if n > maxFile {
		err = errors.New("it is too large")
	}
	return errors.Join(err, out.Close())
}
