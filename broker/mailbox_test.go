package broker

import (
	"strings"
	"testing"
)

func TestDomainName(t *testing.T) {
	for in, want := range map[string]string{
		"Example.ORG": "example.org", "example.org.": "example.org", " example.org ": "example.org", "B\u00dcCHER.example": "xn--bcher-kva.example",
		"bu\u0308cher.example": "xn--bcher-kva.example", "xn--bcher-kva.example": "xn--bcher-kva.example", "\uff45vil.example": "evil.example",
		"evil\u3002example": "evil.example", "ev\u00adil.example": "evil.example", "fa\u00df.example": "xn--fa-hia.example", "r3---sn.example": "r3---sn.example", "localhost": "localhost",
	} {
		if got, err := DomainName(in); got != want || err != nil {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
	for _, bad := range []string{"", ".", "a..b", "xn--\u00fc.example", "xn--zzzzzzz99999.example", "a b", "-.example", "a-.example", "a_b.example", "a@b.example", strings.Repeat("a", 64) + ".example", "ex\x00ample.org", "\xff"} {
		if got, err := DomainName(bad); err == nil {
			t.Errorf("%q became %q", bad, got)
		}
	}
}

// TestFoldEmail: the spellings of one mailbox are one text, and no two mailboxes are.
func TestFoldEmail(t *testing.T) {
	seen := map[string]string{}
	for want, spellings := range map[string][]string{
		"ada@xn--bcher-kva.example":         {"ada@b\u00fccher.example", "Ada@B\u00dcCHER.example", "ada@bu\u0308cher.example", "ada@XN--bcher-KVA.example", "ada@b\u00fccher\u3002example", "ada@\uff42\u00fccher.example"},
		"ada@sub.xn--bcher-kva.example":     {"ada@sub.b\u00fccher.example", "ada@sub.xn--bcher-kva.example"},
		"j\u00fcrgen@xn--bcher-kva.example": {"j\u00fcrgen@b\u00fccher.example", "J\u00dcRGEN@xn--bcher-kva.example"},
		"ada@xn--fa-hia.example":            {"ada@fa\u00df.example", "ada@xn--fa-hia.example"},
		"ada@fass.example":                  {"ada@fass.example"},
		"ada@xn--bcher-kva.xn--90ais":       {"ada@b\u00fccher.\u0431\u0435\u043b", "ada@xn--bcher-kva.\u0431\u0435\u043b", "ada@b\u00fccher.xn--90ais"},
		"ada@bucher.example":                {"ada@bucher.example", "ada@\uff42ucher.example"},
		"ada@xn--90ais.example":             {"ada@\u0431\u0435\u043b.example"},
		"xn--bcher-kva@example.org":         {"xn--bcher-kva@example.org"},
		"b\u00fccher@example.org":           {"b\u00fccher@example.org"},
		"bu\u0308cher@example.org":          {"bu\u0308cher@example.org"},     // before the @ their own server decides
		"ada@xn--zzzzzzz99999.example":      {"ada@xn--zzzzzzz99999.example"}, // no host's
		"ada@localhost":                     {"ada@localhost"},
	} {
		for _, typed := range spellings {
			email, err := NormalizeEmail(typed)
			if got := FoldEmail(email); got != want || err != nil {
				t.Errorf("%q is compared as %q, %v; want %q", typed, got, err, want)
			}
			if other, ok := seen[email]; ok && other != want {
				t.Errorf("%q is in two groups", typed)
			}
			seen[email] = want
		}
	}
	for _, odd := range []string{"", "ada", "@", "ada@", "v\u00e4l \U0001f511", "a@b@c"} {
		if got := FoldEmail(odd); got != odd {
			t.Errorf("%q became %q", odd, got)
		}
	}
}

// TestOtherFormsOfASCII: they are no spelling that anybody means, and do not stay.
func TestOtherFormsOfASCII(t *testing.T) {
	for in, want := range map[string]string{"ada@\uff45xample.org": "ada@example.org", "ada@\u24d4xample.org": "ada@example.org", "ada@\uff42\u00fccher.example": "ada@\uff42\u00fccher.example"} {
		if got, err := NormalizeEmail(in); got != want || err != nil {
			t.Errorf("%q became %q, %v; want %q", in, got, err, want)
		}
	}
}

func TestEmailInLetters(t *testing.T) {
	for in, want := range map[string]string{
		"ada@xn--bcher-kva.example": "ada@b\u00fccher.example", "ada@example.org": "ada@example.org", "ada@xn--zzzzzzz99999.example": "ada@xn--zzzzzzz99999.example", "": "", "xn--bcher-kva@example.org": "xn--bcher-kva@example.org",
	} {
		if got := EmailInLetters(in); got != want {
			t.Errorf("%q is shown as %q, want %q", in, got, want)
		}
	}
}

// FuzzFoldEmail: a folded address folds to itself and is a normal one; what is not international is the only
// spelling, on which the store relies.
func FuzzFoldEmail(f *testing.F) {
	for _, s := range []string{"ada@b\u00fccher.example", "ada@xn--bcher-kva.example", "ada@\uff45xample.org", "ada@fa\u00df.example", "xn--a@example.org", "a@xn--.example", "a@xn--example-.org", "0@f.xn--xn--00-0-0000h", "a@\u06f0\u0627.example"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		email, err := NormalizeEmail(s)
		if err != nil {
			if FoldEmail(FoldEmail(s)) != FoldEmail(s) && strings.Count(s, "@") == 1 {
				t.Errorf("%q folds to %q, and that to %q", s, FoldEmail(s), FoldEmail(FoldEmail(s)))
			}
			return
		}
		folded := FoldEmail(email)
		if FoldEmail(folded) != folded {
			t.Errorf("%q folds to %q, and that to %q", email, folded, FoldEmail(folded))
		}
		if !International(email) && folded != email || International(email) != International(folded) {
			t.Errorf("%q is not international, or is, and folds to %q", email, folded)
		}
		if _, err := DomainName(email[strings.Index(email, "@")+1:]); err != nil {
			return // nobody can prove it
		}
		if again, err := NormalizeEmail(folded); again != folded && len(folded) <= maxEmail {
			t.Errorf("%q folds to %q, which becomes %q, %v", email, folded, again, err)
		}
		if shown := EmailInLetters(folded); FoldEmail(shown) != folded {
			t.Errorf("%q is shown as %q, which folds to %q", folded, shown, FoldEmail(shown))
		}
	})
}
