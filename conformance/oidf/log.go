package oidf

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Kind says what a line of a module's log is.
type Kind string

// The kinds of lines.
const (
	Note     Kind = "note"
	Exchange Kind = "http"
	Held     Kind = "passed"  // a check that held
	Warning  Kind = "warning" // a SHOULD that did not
	Failure  Kind = "failed"  // a MUST that did not
)

// Line is one thing that happened in a module.
type Line struct {
	At     time.Time `json:"at"`
	Kind   Kind      `json:"kind"`
	Clause Clause    `json:"clause,omitempty"`
	Text   string    `json:"text,omitempty"`
	HTTP   *Traffic  `json:"http,omitempty"`
}

// Traffic is a request and its response, with secrets masked.
type Traffic struct {
	Method         string   `json:"method"`
	URL            string   `json:"url"`
	RequestHeader  []string `json:"request_header,omitempty"`
	RequestBody    string   `json:"request_body,omitempty"`
	Status         int      `json:"status,omitempty"`
	ResponseHeader []string `json:"response_header,omitempty"`
	ResponseBody   string   `json:"response_body,omitempty"`
}

// maxLogged bounds what a report shows of a body.
const maxLogged = 4 << 10

// masked are the parameters and members whose values no report shows.
var masked = []string{
	"client_secret", "password", "code", "code_verifier", "access_token", "refresh_token", "id_token", "id_token_hint", "client_assertion",
	"logout_token", "registration_access_token", "token", "request", "d", "p", "q", "dp", "dq", "qi", "k",
}

// maskedHeaders are the headers that are shown without their values.
var maskedHeaders = []string{"Authorization", "Cookie", "Set-Cookie", "Dpop"}

// mask keeps enough of a secret to tell two apart: its length and its first
// four characters, where it is long.
func mask(s string) string {
	switch {
	case s == "":
		return ""
	case len(s) < 24:
		return "[masked]"
	}
	return s[:4] + "…[masked]"
}

func maskValues(v url.Values) url.Values {
	out := url.Values{}
	for name, values := range v {
		for _, value := range values {
			if slices.Contains(masked, strings.ToLower(name)) {
				value = mask(value)
			}
			out.Add(name, value)
		}
	}
	return out
}

// maskURL masks the parameters in the query and in the fragment.
func maskURL(u *url.URL) string {
	c := *u
	c.User = nil
	if q := c.Query(); len(q) > 0 {
		c.RawQuery = readable(maskValues(q))
	}
	if f, err := url.ParseQuery(c.EscapedFragment()); err == nil && strings.Contains(c.Fragment, "=") {
		c.Fragment, c.RawFragment = "", ""
		return c.String() + "#" + readable(maskValues(f))
	}
	return c.String()
}

// readable is the encoded form, with the mask in the clear.
func readable(v url.Values) string {
	return strings.NewReplacer("%E2%80%A6", "…", "%5Bmasked%5D", "[masked]").Replace(v.Encode())
}

func maskHeader(h http.Header) []string {
	var lines []string
	for name, values := range h {
		for _, value := range values {
			if slices.Contains(maskedHeaders, name) {
				scheme, _, _ := strings.Cut(value, " ")
				if name == "Set-Cookie" || name == "Cookie" {
					scheme, _, _ = strings.Cut(value, "=")
				}
				value = scheme + " [masked]"
			}
			if name == "Location" {
				if u, err := url.Parse(value); err == nil {
					value = maskURL(u)
				}
			}
			lines = append(lines, name+": "+value)
		}
	}
	slices.Sort(lines)
	return lines
}

// maskBody shows a body without what is secret in it: JSON by members, forms by
// parameters; of anything else only text that a reader of the page sees.
func maskBody(contentType string, body []byte) string {
	switch {
	case len(body) == 0:
		return ""
	case strings.HasPrefix(contentType, "application/x-www-form-urlencoded"):
		if v, err := url.ParseQuery(string(body)); err == nil {
			return short(readable(maskValues(v)))
		}
	case strings.Contains(contentType, "json"):
		var v any
		if json.Unmarshal(body, &v) == nil {
			b, err := json.MarshalIndent(maskJSON(v), "", "  ")
			if err == nil {
				return short(string(b))
			}
		}
	case strings.HasPrefix(contentType, "text/html"):
		if p, err := parsePage(nil, 0, nil, body); err == nil {
			return short(p.Title() + ": " + p.Text())
		}
	case strings.HasPrefix(contentType, "text/"):
		return short(string(body))
	}
	return "[not shown]"
}

func maskJSON(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			if s, ok := member.(string); ok && slices.Contains(masked, name) {
				v[name] = mask(s)
			} else {
				v[name] = maskJSON(member)
			}
		}
	case []any:
		for i := range v {
			v[i] = maskJSON(v[i])
		}
	}
	return v
}

func short(s string) string {
	if len(s) > maxLogged {
		return strings.ToValidUTF8(s[:maxLogged], "") + "…"
	}
	return s
}
