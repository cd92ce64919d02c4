package broker

import (
	"strings"
	"testing"
)

func TestSubjectProblems(t *testing.T) {
	a, b := "https://a.example/cb", "https://b.example/cb"
	for _, tt := range []struct {
		redirects []string
		kind, uri string
		want      string // "" it is fine
	}{
		{[]string{a, b}, "", "", ""},
		{[]string{a, b}, "public", "", ""},
		{[]string{a, a + "2"}, SubjectPairwise, "", ""},
		{[]string{a, b}, SubjectPairwise, "", "several hosts"},
		{[]string{a, b}, SubjectPairwise, "https://c.example/s.json", ""},
		{[]string{a}, SubjectPairwise, "http://c.example/s.json", "sector_identifier_uri"},
		{[]string{a}, SubjectPairwise, "https://", "sector_identifier_uri"},
		{[]string{a}, SubjectPairwise, "https://x@c.example/", "sector_identifier_uri"},
		{[]string{a}, SubjectPairwise, "https://c.example/" + strings.Repeat("x", MaxURI), "sector_identifier_uri"},
	} {
		c := Client{RedirectURIs: tt.redirects, Metadata: ClientMetadata{SubjectType: tt.kind, SectorIdentifierURI: tt.uri}}
		var said []string
		c.subjectProblems(func(field, format string, args ...any) { said = append(said, field+": "+format) })
		if got := strings.Join(said, "; "); (tt.want == "") != (got == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%+v: %q", tt, got)
		}
	}
}
