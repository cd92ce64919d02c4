package config

import (
	"fmt"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"

	"idbroker/broker"
)

// Value is one setting as it is in effect.
type Value struct {
	Path   string `json:"path"`
	Value  any    `json:"value"`  // secrets are "[redacted]", "" where not set
	Origin string `json:"origin"` // "default", "broker.yaml:4", "BROKER_SERVER__ADDRESS", "… → /run/secrets/x"
}

// Effective lists every setting with its value and where that came from.
func (c *Config) Effective() []Value {
	return c.effective("", reflect.ValueOf(c).Elem())
}

func (c *Config) effective(path string, v reflect.Value) []Value {
	var all []Value
	for _, f := range fieldsOf(v.Type()) {
		p, x := join(path, f.key), v.Field(f.index)
		switch {
		case f.section():
			all = append(all, c.effective(p, x)...)
		case f.list():
			for i := range x.Len() {
				e := elementPath(p, i, x.Index(i).FieldByName("ID").String())
				for _, value := range c.effective(e, x.Index(i)) {
					if value.Origin != byDefault {
						all = append(all, value)
					}
				}
			}
		default:
			all = append(all, Value{Path: p, Value: printable(x.Interface()), Origin: c.originOf(p)})
		}
	}
	return all
}

const byDefault = "default"

func (c *Config) originOf(path string) string {
	if o, ok := c.origin[path]; ok {
		return orElse(o, "file")
	}
	if path == "server.base_url" && c.Server.BaseURL != "" {
		return "made from server.address"
	}
	return byDefault
}

// printable is a value as an operator would write it, without secrets.
func printable(x any) any {
	switch x := x.(type) {
	case broker.Secret:
		return redact(x)
	case time.Duration:
		return formatDuration(x)
	}
	return x
}

// redact keeps of a data source name what helps to find it.
func redact(s broker.Secret) string {
	text := s.Reveal()
	switch {
	case text == "":
		return ""
	case strings.HasPrefix(text, "sqlite:"):
		return text
	case strings.HasPrefix(text, "postgres"):
		if u, err := url.Parse(text); err == nil && !u.Query().Has("password") {
			return u.Redacted()
		}
	}
	return s.String()
}

// Text is the value in one line.
func (v Value) Text() string {
	switch x := v.Value.(type) {
	case string:
		if x == "" {
			return "(not set)"
		}
		return plain(strconv.Quote(x))
	case []string, map[string]string, map[string][]string:
		if reflect.ValueOf(x).IsNil() {
			return "(not set)"
		}
		return fmt.Sprintf("%q", x)
	}
	return fmt.Sprint(v.Value)
}
