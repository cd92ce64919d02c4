// Package inputtest holds what nobody means to send, for each place where a
// broker reads: texts, JSON, content types, credentials, cookies, paths. Rooms
// send all of it to what they serve. It is for tests only.
package inputtest

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
)

// Text is a text that somebody sends as the value of a field. The zero value is
// the empty text, which is no member of the corpus.
type Text struct {
	Name  string
	Value string // as bytes: not encoded for any place
	Kind  Kind
}

// Kind says what is wrong with a Text, and so who must refuse it.
type Kind int

const (
	// NoText cannot be kept by databases: NUL, or bytes that are not UTF-8. Every
	// place refuses it.
	NoText Kind = iota
	// Unseen holds characters that change the direction of text, that nobody sees,
	// or that control a terminal: whatever people read or compare refuses it.
	Unseen
	// Long is longer than the place reads.
	Long
	// Rubbish is plain text that means nothing as an identifier, a choice or a URI.
	Rubbish
)

// Texts are bad values of a field that reads at most longest code points; 0: none
// of them is too long.
func Texts(longest int) []Text {
	all := []Text{
		{"NUL", "a\x00b", NoText}, {"NUL alone", "\x00", NoText}, {"NUL at the end", "openid\x00", NoText},
		{"not UTF-8", "a\xffb", NoText}, {"cut UTF-8", "\xe2\x82", NoText}, {"overlong UTF-8", "\xc0\xaf", NoText}, {"overlong NUL", "\xc0\x80", NoText},
		{"half a surrogate pair", "\xed\xa0\x80", NoText}, {"beyond Unicode", "\xf4\x90\x80\x80", NoText}, {"Latin-1", "caf\xe9", NoText},

		{"right-to-left override", "a\u202eb", Unseen}, {"right-to-left embedding", "\u202ba", Unseen}, {"isolate", "a\u2066b", Unseen}, {"right-to-left mark", "a\u200fb", Unseen}, {"Arabic mark", "a\u061cb", Unseen},
		{"zero-width space", "a\u200bb", Unseen}, {"zero-width joiner", "a\u200db", Unseen}, {"byte order mark", "\ufeffa", Unseen}, {"soft hyphen", "a\u00adb", Unseen}, {"word joiner", "a\u2060b", Unseen},
		{"tag", "a\U000e0041b", Unseen}, {"private use", "a\ue000b", Unseen}, {"noncharacter", "a\uffffb", Unseen}, {"bell", "a\x07b", Unseen}, {"escape sequence", "a\x1b[31mb", Unseen}, {"delete", "a\x7fb", Unseen},
		{"next line", "a\u0085b", Unseen}, {"line separator", "a\u2028b", Unseen}, {"header of its own", "a\r\nSet-Cookie: b=c", Unseen},

		{"quote", `a"b`, Rubbish}, {"SQL", "' OR 1=1 --", Rubbish}, {"markup", "<script>alert(1)</script>", Rubbish}, {"template", "{{.}}${7*7}", Rubbish}, {"parents", "../../etc/passwd", Rubbish}, {"backslash", `a\b`, Rubbish},
		{"format", "%s%n%x", Rubbish}, {"number", "+1e309", Rubbish}, {"JSON", `{"a":[]}`, Rubbish}, {"script", "javascript:alert(1)", Rubbish}, {"emoji", "\U0001f469", Rubbish}, {"right to left", "\u05d0\u05d1", Rubbish}, {"combining", "e" + strings.Repeat("\u0301", 50), Rubbish},
	}
	if longest > 0 {
		all = append(all, Text{"too long", strings.Repeat("a", longest+1), Long}, Text{"too long, two bytes each", strings.Repeat("\u00e9", longest+1), Long})
	}
	return all
}

// Of are the texts of some kinds.
func Of(texts []Text, kinds ...Kind) []Text {
	return slices.DeleteFunc(slices.Clone(texts), func(t Text) bool { return !slices.Contains(kinds, t.Kind) })
}

// Value is a JSON value that stands where a text belongs.
type Value struct {
	Name string
	JSON string
	Type string // "null", "boolean", "number", "string", "array" or "object"
}

// Values are of every type but a text that somebody can have typed; those of type
// "string" cannot be decoded into one.
func Values() []Value {
	return []Value{
		{"null", `null`, "null"}, {"true", `true`, "boolean"}, {"false", `false`, "boolean"},
		{"number", `1`, "number"}, {"huge number", `1e99999`, "number"}, {"long number", strings.Repeat("9", 5000), "number"}, {"fraction", `0.5`, "number"}, {"minus nothing", `-0`, "number"},
		{"object", `{}`, "object"}, {"object in object", `{"a": {"b": 1}}`, "object"},
		{"empty list", `[]`, "array"}, {"list of texts", `["x"]`, "array"}, {"list in list", `[[]]`, "array"}, {"list of numbers", `[1]`, "array"}, {"list with null", `[null]`, "array"},
		{"escaped NUL", `"a\u0000b"`, "string"}, {"half a surrogate pair", `"\ud800"`, "string"}, {"the other half first", `"\udc00\ud800"`, "string"},
	}
}

// Body is a body and what it says that it is.
type Body struct {
	Name string
	Type string // Content-Type; "" none
	Text string
}

const (
	jsonType = "application/json"
	formType = "application/x-www-form-urlencoded"
)

// Documents say that they are JSON and are not one object in UTF-8 with each
// member once, or say that they are something else.
func Documents() []Body {
	return []Body{
		{"empty", jsonType, ""}, {"list", jsonType, `[]`}, {"text", jsonType, `"x"`}, {"null", jsonType, `null`}, {"number", jsonType, `1`},
		{"cut", jsonType, `{`}, {"something behind it", jsonType, `{}x`}, {"two", jsonType, `{} {}`}, {"byte order mark", jsonType, "\ufeff{}"},
		{"not UTF-8", jsonType, "{\"email\": \"\xff\"}"}, {"name not UTF-8", jsonType, "{\"\xff\": 1}"}, {"raw NUL", jsonType, "{\"email\": \"\x00\"}"}, {"comment", jsonType, `{/**/}`}, {"comma", jsonType, `{,}`},
		{"name without quotes", jsonType, `{email: "x"}`}, {"half a surrogate pair as a name", jsonType, `{"\ud800": "x"}`},
		{"deep list", jsonType, strings.Repeat("[", 20000)}, {"deep object", jsonType, strings.Repeat(`{"a":`, 9000)},
		{"UTF-16", jsonType + "; charset=utf-16", "\xfe\xff\x00{\x00}"},
		{"form", jsonType, "email=x"}, {"JSON as text", "text/plain", `{}`}, {"JSON as a form", formType + ", " + jsonType, `{}`}, {"JSON of another charset", jsonType + "; charset=iso-8859-1", `{}`},
		{"JSON with a parameter", jsonType + "; version=1", `{}`}, {"JSON of a kind", "application/problem+json", `{}`}, {"longer name", "application/jsonx", `{}`}, {"multipart", "multipart/form-data; boundary=x", "--x--"},
		{"broken type", jsonType + "; charset", `{}`},
	}
}

// Twice are objects that have a member twice: as it is, with one of its letters
// escaped, and with another value.
func Twice(name, value string) []Body {
	member := func(name string) string { b, _ := json.Marshal(name); return string(b) }
	escaped := `"\u00` + hex(name[0]) + name[1:] + `"`
	return []Body{
		{"twice", jsonType, `{` + member(name) + `: ` + value + `, ` + member(name) + `: ` + value + `}`},
		{"twice, once escaped", jsonType, `{` + member(name) + `: ` + value + `, ` + escaped + `: ` + value + `}`},
		{"twice, first another", jsonType, `{` + member(name) + `: null, ` + member(name) + `: ` + value + `}`},
	}
}

func hex(b byte) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[b>>4], digits[b&15]})
}

// Queries cannot be read as parameters, or hold one twice that nobody knows.
func Queries() []string {
	return []string{"x=%zz", "%zz=x", "x=%", "a;b", "x=%00", "x=%ff", "%ff=x", "%00=x", "x=%c0%80", "x=%ed%a0%80"}
}

// Segments are parts of a path as they stand in a request line. None is the id of
// anything.
func Segments() []string {
	all := []string{"%00", "a%00b", "%ff", "%c0%ae%c0%ae", "%ed%a0%80", "%2f", "..%2f..%2fetc", "%2e%2e", "%5c", "%0d%0aSet-Cookie:a=b", "%7f", "%25", "%20", "'%20OR%201=1", "%3Cscript%3E", strings.Repeat("a", 5000)}
	for _, t := range Of(Texts(0), Unseen) {
		all = append(all, url.PathEscape(t.Value))
	}
	return all
}

// Credentials are values of an Authorization header of a scheme that hold none.
// Those with bytes that no header may have are left to Raw.
func Credentials(scheme string) []string {
	encoded := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	all := []string{"", " ", scheme, scheme + " ", scheme + " ?", scheme + "  x y", scheme + "\tx", "Nothing x", scheme + " " + strings.Repeat("a", 70_000), scheme + " \xff\xfe", scheme + " caf\xe9", ", " + scheme + " x"}
	for _, t := range Texts(40_000) {
		all = append(all, scheme+" "+encoded(t.Value+":"+t.Value), scheme+" "+encoded("conf:"+t.Value), scheme+" "+encoded(url.QueryEscape(t.Value)+":x"))
		if t.Kind != NoText && !strings.ContainsAny(t.Value, "\r\n\x07\x1b\x7f") {
			all = append(all, scheme+" "+t.Value)
		}
	}
	return all
}

// Cookies are values that no cookie of a broker has. A reader takes each for none.
func Cookies() []string {
	return []string{"", "x", "\xff\xfe", "caf\xe9", `"quoted"`, "%00", "%ff", strings.Repeat("a", 43), strings.Repeat("a", 3000), strings.Repeat(".", 43), "a.b.c.d.e", "eyJhIjpbXX0.e30.", "1|2|3", "-1", "\u202e", "' OR 1=1 --"}
}

// Headers are values of headers that a broker looks at beside, by name.
func Headers() map[string][]string {
	rubbish := []string{"\xff", strings.Repeat("a", 9000), "\u202e", ",,,,", `"`, "*/*;q=nan", "%00", "a, b;q=1;q=2"}
	all := map[string][]string{
		"X-Forwarded-For": {"999.1.1.1", "1.1.1.1:99999", "[::1%eth0]:1", "unknown"}, "X-Forwarded-Proto": {"gopher"}, "Origin": {"null", "https://evil.example", "http://[::1"}, "Sec-Fetch-Site": {"elsewhere"},
		"Accept": {"application/json;q=2", "text/html;level"}, "Accept-Language": {"x-y-z-0123456789", "-", "*;q=0", strings.Repeat("de,", 2000)}, "Accept-Encoding": {"gzip;q=x", "identity;q=0"},
		"If-None-Match": {`W/`, `"`}, "User-Agent": {""}, "Referer": {"http://[::1"}, "Content-Encoding": {"gzip"}, "Access-Control-Request-Method": {"BREW"}, "X-Request-Id": {"a b"},
	}
	for name := range all {
		all[name] = append(all[name], rubbish...)
	}
	return all
}

// Raw are requests for path that no client library sends: whoever reads them must
// answer with 4xx or hang up.
func Raw(method, path, host string) []string {
	head := func(line string, lines ...string) string {
		return line + "\r\nHost: " + host + "\r\nConnection: close\r\n" + strings.Join(append(lines, ""), "\r\n") + "\r\n"
	}
	line := method + " " + path + " HTTP/1.1"
	return []string{
		head(line, "Authorization: Basic a\x00b"), head(line, "Authorization: Bearer a\x00b"), head(line, "Cookie: broker_session=\x00"), head(line, "Content-Type: text/plain\x00"), head(line, "X-\x00: a"), head(line, "\xff: a"),
		head(line, "Content-Length: x"), head(line, "Content-Length: -1"), head(line, "Content-Length: 1", "Content-Length: 2"), head(line, "Transfer-Encoding: chunked, x"), head(method + " " + path + "\x00 HTTP/1.1"), head(method + " " + path + "?\x00 HTTP/1.1"), head("B\x00 " + path + " HTTP/1.1"), head(method + " " + path + " HTTP/9.9"),
	}
}
