package broker

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParseCallback(t *testing.T) {
	for _, tt := range []struct {
		query string
		want  Callback
		bad   bool
	}{
		{query: "code=a&state=b", want: Callback{Code: "a", State: "b"}},
		{query: "code=a%2Fb%2B&state=b&iss=https%3A%2F%2Fop.example", want: Callback{Code: "a/b+", State: "b", Issuer: "https://op.example", HasIssuer: true}},
		{query: "iss=&state=b", want: Callback{State: "b", HasIssuer: true}},
		{query: "error=access_denied&error_description=no%0a%3Cb%3E&state=b", want: Callback{State: "b", Error: "access_denied", ErrorDescription: "no<b>"}},
		{query: "code=a&state=b&redirect_uri=https%3A%2F%2Fevil.example&code_verifier=x", want: Callback{Code: "a", State: "b"}},
		{query: "", want: Callback{}},
		{query: "code=a&code=b&state=c", bad: true},
		{query: "code=a&state=b&state=b", bad: true},
		{query: "code=a&state=b&iss=x&iss=y", bad: true},
		{query: "error=a&error=b", bad: true},
		{query: "code=%zz", bad: true},
		{query: "a;b", bad: true},
		{query: "code=" + strings.Repeat("a", 8<<10), bad: true},
	} {
		got, err := ParseCallback(tt.query)
		if tt.bad {
			if !errors.Is(err, ErrCallback) {
				t.Errorf("%.60q: error %v, want ErrCallback", tt.query, err)
			}
			continue
		}
		if err != nil || got != tt.want {
			t.Errorf("%q: %#v, %v", tt.query, got, err)
		}
	}
}

func TestParseCallbackHidesTheCode(t *testing.T) {
	_, err := ParseCallback("code=very-secret%zz&state=s")
	if err == nil || strings.Contains(err.Error(), "very-secret") {
		t.Errorf("error %v", err)
	}
}

func FuzzParseCallback(f *testing.F) {
	f.Add("code=a&state=b&iss=https%3A%2F%2Fop.example")
	f.Add("error=access_denied&error_description=%ff%fe%00")
	f.Add("code=a&code=b")
	f.Fuzz(func(t *testing.T, query string) {
		cb, err := ParseCallback(query)
		if err != nil {
			if !errors.Is(err, ErrCallback) {
				t.Fatalf("error %v", err)
			}
			return
		}
		if utf8.RuneCountInString(cb.ErrorDescription) > maxErrorDescription || !utf8.ValidString(cb.ErrorDescription) || strings.ContainsAny(cb.ErrorDescription, "\n\r\x00\x1b") {
			t.Fatalf("description %q", cb.ErrorDescription)
		}
	})
}
