package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"reflect"
	"strings"
)

const (
	// DefaultFile is read where no other file is named, if it exists.
	DefaultFile = "broker.yaml"
	// FileVariable names the file where the command line does not.
	FileVariable = "BROKER_CONFIG"

	// maxFile bounds the configuration file. A thousand providers take less
	// than half of it.
	maxFile = 1 << 20
)

// Load reads the configuration: the defaults, the file at path, and the
// environment (as os.Environ gives it). Without a path it takes the file that
// BROKER_CONFIG names, or broker.yaml in the working directory, or none. The
// error is a Problems with everything that is wrong, also with what the looks
// look at; the Config is then of no use.
func Load(path string, environ []string, looks ...Look) (Config, error) {
	must := true
	if path == "" {
		path = lookup(environ, FileVariable)
	}
	if path == "" {
		path, must = DefaultFile, false
	}
	data, err := readFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !must:
		return Parse("", nil, environ, looks...)
	case err != nil:
		return Config{}, Problems{{Where: path, What: "cannot be read: " + cause(err), Fix: "name a readable YAML file of at most 1 MiB with --config"}}
	}
	return Parse(path, data, environ, looks...)
}

// Parse is Load for a file that was read already; name is for messages. It
// still reads the files that hold secrets.
func Parse(name string, data []byte, environ []string, looks ...Look) (Config, error) {
	var c Config
	applyDefaults(reflect.ValueOf(&c).Elem())
	in, problems := readLayers(name, data, environ)
	d := decoder{where: in.where, origin: map[string]string{}, problems: problems}
	d.section("", reflect.ValueOf(&c).Elem(), in.values)
	c.origin, c.warnings = d.origin, d.warnings
	k := checker{c: &c, where: d.where, problems: d.problems}
	k.check()
	k.further(looks)
	if len(k.problems) > 0 {
		return Config{}, k.problems.sorted()
	}
	return c, nil
}

// readFile reads a regular file of at most maxFile bytes.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if len(data) > maxFile {
		return nil, fmt.Errorf("larger than %d KiB", maxFile>>10)
	}
	return data, err
}

// cause is the reason in an error of the file system, without the path, which
// the problem shows already.
func cause(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}

// lookup finds a variable in what os.Environ gives.
func lookup(environ []string, name string) string {
	for _, kv := range environ {
		if k, v, _ := strings.Cut(kv, "="); k == name {
			return v
		}
	}
	return ""
}
