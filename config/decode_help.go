package config

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// moved are keys of before, and what is written today.
var moved = map[string]string{
	"tokens.private_network": "remove it, and name the networks in applications.networks, such as [10.20.0.0/16]: they are open to everything that goes to applications",
}

// unknown reports a key that no field has, and what was meant by it.
func (d *decoder) unknown(path, key string, fields []field) {
	var here []string
	for _, f := range fields {
		here = append(here, f.key)
		if f.file {
			here = append(here, f.key+fileSuffix)
		}
	}
	fix := "remove it; known here: " + strings.Join(here, ", ")
	if near := nearest(key, here); near != "" {
		fix = "did you mean " + strconv.Quote(near) + "?"
	} else if elsewhere := otherSection(key); elsewhere != "" {
		fix = "did you mean " + strconv.Quote(elsewhere) + "?"
	}
	what := "is not a known key"
	if now := moved[join(path, key)]; now != "" {
		what, fix = "is no key any more", now
	}
	d.add(join(path, plain(key)), Problem{What: what, Fix: fix})
}

// whereabouts is where a path was set, or the section or element that it would
// stand in; "" it is nowhere.
func whereabouts(where map[string]string, path string) string {
	for path != "" {
		if w := where[path]; w != "" {
			return w
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
	return ""
}

// otherSection is the path of the one setting that has the key; "" for none or
// several.
func otherSection(key string) string {
	var found []string
	for _, s := range Settings() {
		if strings.HasSuffix(s.Path, "."+key) && !strings.HasPrefix(s.Path, "providers.") {
			found = append(found, s.Path)
		}
	}
	if len(found) == 1 {
		return found[0]
	}
	return ""
}

// advice is the fix for a value that does not fit.
func (f field) advice(text string) string {
	if len(f.enum) > 0 {
		if near := nearest(text, f.enum); near != "" {
			return "did you mean " + strconv.Quote(near) + "?"
		}
	}
	if f.typ == durationType {
		if _, err := strconv.Atoi(text); err == nil {
			return "add the unit: " + text + "s, " + text + "m or " + text + "h"
		}
	}
	if f.max != "" && f.typ.Kind() != reflect.String {
		return "write " + f.wants() + " from " + f.min + " to " + f.max
	}
	if f.typ.Kind() == reflect.String && len(f.enum) == 0 {
		return "put it in quotes"
	}
	return "write " + f.wants()
}

// outside says how x exceeds the limits of the field; "" it does not.
func (f field) outside(x any) string {
	switch x := x.(type) {
	case string:
		if len(f.enum) > 0 && !slices.Contains(f.enum, x) {
			return "is not " + f.wants()
		}
		if most, err := strconv.Atoi(f.max); err == nil && utf8.RuneCountInString(x) > most {
			return "is longer than " + f.max + " characters"
		}
		if strings.ContainsFunc(x, func(r rune) bool { return r < ' ' || r == 0x7f }) || !utf8.ValidString(x) {
			return "contains control characters"
		}
	case int:
		least, _ := strconv.Atoi(f.min)
		most, _ := strconv.Atoi(f.max)
		if f.max != "" && (x < least || x > most) {
			return "is not between " + f.min + " and " + f.max
		}
	case time.Duration:
		least, _ := parseDuration(f.min)
		most, err := parseDuration(f.max)
		if err == nil && (x < least || x > most) {
			return "is not between " + f.min + " and " + f.max
		}
	}
	return ""
}

// maxSecret bounds a file with a secret.
const maxSecret = 64 << 10

// readSecret reads a secret from a file and takes one line end off its end. The
// warning is for files that everybody on the machine can read.
func readSecret(name string) (text, warning string, err error) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return "", "", errors.New("cannot be read: " + cause(err))
	case !info.Mode().IsRegular():
		return "", "", errors.New("is not a file")
	case info.Size() > maxSecret:
		return "", "", fmt.Errorf("is larger than %d KiB", maxSecret>>10)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return "", "", errors.New("cannot be read: " + cause(err))
	}
	text = strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	if text == "" {
		return "", "", errors.New("is empty")
	}
	return text, Readable(name), nil
}

// Readable is a warning where everybody on the machine can read the file; ""
// otherwise.
func Readable(name string) string {
	if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o004 != 0 {
		return fmt.Sprintf("%s can be read by everybody on this machine; run: chmod 600 %s", plain(name), plain(name))
	}
	return ""
}

// Setting is one key of the configuration.
type Setting struct {
	Path string // "server.base_url", "providers.client_id"
	field
}

// Settings are all keys that hold values, in the order of the structs.
func Settings() []Setting { return settingsOf("", reflect.TypeFor[Config]()) }

func settingsOf(path string, t reflect.Type) []Setting {
	var all []Setting
	for _, f := range fieldsOf(t) {
		p := join(path, f.key)
		switch {
		case f.section():
			all = append(all, settingsOf(p, f.typ)...)
		case f.list():
			all = append(all, settingsOf(p, f.typ.Elem())...)
		default:
			all = append(all, Setting{Path: p, field: f})
		}
	}
	return all
}
