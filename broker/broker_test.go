package broker

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestLoginNext(t *testing.T) {
	orcid, form := &Profile{Provider: "orcid"}, &SignUp{Email: "ada@example.org"}
	for _, tt := range []struct {
		login   Login
		consent bool
		want    Step
	}{
		{Login{}, false, StepIdentify},
		{Login{}, true, StepIdentify},
		{Login{Remote: orcid}, true, StepSignUp},
		{Login{SignUp: form}, true, StepProveEmail},
		{Login{Remote: orcid, SignUp: form}, true, StepProveEmail},
		{Login{UserID: "ada", Remote: orcid}, true, StepLink},
		{Login{UserID: "ada", Remote: orcid, SignUp: form}, false, StepLink},
		{Login{UserID: "ada"}, true, StepConsent},
		{Login{UserID: "ada"}, false, StepDone},
	} {
		if got := tt.login.Next(tt.consent); got != tt.want {
			t.Errorf("%+v, consent %v: Next = %q, want %q", tt.login, tt.consent, got, tt.want)
		}
	}
}

func TestLoginLive(t *testing.T) {
	at := time.Now()
	mine, other := NewSecret(), NewSecret()
	l := Login{BrowserHash: mine.Hash(), ExpiresAt: at.Add(time.Minute)}
	finished := l
	finished.FinishedAt = at
	for _, tt := range []struct {
		name    string
		login   Login
		browser Secret
		at      time.Time
		want    bool
	}{
		{"this browser", l, mine, at, true},
		{"another browser", l, other, at, false},
		{"no cookie", l, "", at, false},
		{"no cookie, no hash", Login{ExpiresAt: at.Add(time.Minute)}, "", at, false},
		{"expired", l, mine, at.Add(time.Minute), false},
		{"finished", finished, mine, at, false},
	} {
		if got := tt.login.Live(tt.browser, tt.at); got != tt.want {
			t.Errorf("%s: Live = %v", tt.name, got)
		}
	}
}

// TestSecretIsNeverPrinted tries every way in which a secret slips into text.
func TestSecretIsNeverPrinted(t *testing.T) {
	s := Secret("correct horse")
	holder := struct {
		S  Secret
		P  *Secret
		M  map[string]Secret
		In struct{ S []Secret }
	}{S: s, P: &s, M: map[string]Secret{"k": s}}
	holder.In.S = []Secret{s}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "s", s, "h", holder)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "s", s, "h", holder)
	j, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	texts := []string{log.String(), string(j), s.String(), fmt.Errorf("e %w %v", errors.New("x"), s).Error()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		texts = append(texts, fmt.Sprintf(verb, s), fmt.Sprintf(verb, holder), fmt.Sprintf(verb, &s))
	}
	for _, text := range texts {
		if strings.Contains(text, "horse") || strings.Contains(text, "686f727365") {
			t.Errorf("the secret stands in %q", text)
		}
	}
	if s.Reveal() != "correct horse" {
		t.Error("Reveal does not")
	}
}

func TestSecretMatches(t *testing.T) {
	s := NewSecret()
	if len(s) != 43 || s == NewSecret() {
		t.Errorf("NewSecret = %d characters, or not random", len(s))
	}
	if !s.Matches(s.Hash()) || s.Matches("") || Secret("").Matches(Secret("").Hash()) || s.Matches(NewSecret().Hash()) {
		t.Error("Matches accepts an empty or another secret, or not its own")
	}
}

func TestErrors(t *testing.T) {
	cause := errors.New("disk full")
	err := fmt.Errorf("link: %w", ErrConflict.Because(cause).With("provider", "GitHub").At("email"))
	if !errors.Is(err, ErrConflict) || !errors.Is(err, cause) || errors.Is(err, ErrNotFound) || KindOf(err) != KindConflict {
		t.Errorf("%v does not match what it was made of", err)
	}
	if ErrConflict.Err != nil || ErrConflict.Args != nil || ErrConflict.Field != "" {
		t.Error("a sentinel was changed")
	}
	if KindOf(cause) != KindInternal {
		t.Error("a foreign error is not internal")
	}
}

func TestNormalizeEmail(t *testing.T) {
	for in, want := range map[string]string{
		"Ada@Example.ORG": "ada@example.org", "  ada@example.org\n": "ada@example.org", "a.b+c@x-y.example": "a.b+c@x-y.example",
		"ada@localhost": "ada@localhost", "jürgen@bücher.example": "jürgen@bücher.example",
		"": "", "ada": "", "@x.org": "", "ada@": "", "ada@x": "", "a@b@c.org": "", "ada @x.org": "", "ada@x..org": "", "ada@.org": "", "ada@x.org.": "",
		"ada@x.org\r\nBcc: eve@x.org": "", "ada@x.org\x00": "", "\"a b\"@x.org": "", "<ada@x.org>": "", "ada@x.org,eve@x.org": "", "ada@[127.0.0.1]": "",
		"ada@x.org'": "", "ada@x/y.org": "", "ada@x.org|": "", "ada@x_y.org": "", "ada@x=y.org": "",
		"ada@x\u3002org": "ada@x.org", "ada@x\uff0eorg": "ada@x.org", "ada@x.org\u3002": "", "ada@x.org\uff61": "", "ada@\uff0ex.org": "", // other dots
		".ada@x.org": "", "a..b@x.org": "", "ada\u202e@x.org": "", strings.Repeat("a", 65) + "@x.org": "", "a@" + strings.Repeat("x", 260) + ".org": "", "a\xff@x.org": "",
		"mİke@x.org": "", "ada@gİthub.example": "", "\u212aelvin@x.org": "", "ada@lin\u212a.example": "", // lower case makes them somebody else's
		"\uff41da@x.org": "\uff41da@x.org", "ma\u017fk@x.org": "ma\u017fk@x.org", "аda@x.org": "аda@x.org", // these look alike and stay what they are
	} {
		got, err := NormalizeEmail(in)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("NormalizeEmail(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
}

func TestMaskEmail(t *testing.T) {
	for in, want := range map[string]string{"ada@example.org": "a…@example.org", "ørsted@x.org": "ø…@x.org", "": "…", "@x": "…"} {
		if got := MaskEmail(in); got != want {
			t.Errorf("MaskEmail(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestCleanUsername(t *testing.T) {
	for in, want := range map[string]bool{"ada": true, "ada.l-9_x": true, "": true, "łukasz": true, ".ada": false, "ada-": false, "a b": false, "a@b": false, "a\x00": false, "a/b": false, strings.Repeat("a", 65): false} {
		if _, ok := CleanUsername(in); ok != want {
			t.Errorf("CleanUsername(%q) ok = %v", in, ok)
		}
	}
}

// TestLocalPath tries the vectors by which redirects were opened in other
// software.
func TestLocalPath(t *testing.T) {
	for _, good := range []string{
		"/", "/search?q=a%20b&page=1#x", "/caf%C3%A9", "/x?u=a%26b%3Dc", "/x?q=a%2Bb", "/a%2Fb", "/x//y", "/a%0d%0aSet-Cookie:x", "/x?next=//evil.com",
		"/oauth2/authorize?redirect_uri=http%3A%2F%2F127.0.0.1%3A5100%2Fcb%3Fx%3D1%26y%3D2&state=s",
	} {
		if got := LocalPath(good); got != good {
			t.Errorf("LocalPath(%q) = %q, want it byte for byte", good, got)
		}
	}
	for _, bad := range []string{
		"", "search", "https://evil.com", "https://evil.com/a/b?x=1", "//evil.com", "//evil.com/x", "///evil.com", "http:///evil.com", "https:/evil.com", "http:evil.com",
		"////evil.com/x", "https://evil.com//attacker.com/x", "/%2F/evil.com", "/%2f%2fevil.com", "/%5Cevil.com", "/\\evil.com", "\\/evil.com", "\\\\evil.com", "\\\\\\github.com",
		"/\t/evil.com", "/%09/evil.com", " //evil.com", "\t//evil.com", "/ /evil.com", "javascript:alert(1)", "/a\r\nSet-Cookie: x", "/\x00", "?q=1", "#frag",
		"https://good.org:99999/x", "https://user@good.org/x", "ftp://good.org/x", "/café", "/%zz", "https://amazon.com\\.lp.com", "https:amazon.com", "/" + strings.Repeat("a", maxLocalPath),
		"/\u2028/evil.com", "//\u3002evil.com",
	} {
		if got := LocalPath(bad); got != "" {
			t.Errorf("LocalPath(%q) = %q, want it refused", bad, got)
		}
	}
}

func FuzzLocalPath(f *testing.F) {
	for _, s := range []string{"/", "/a?b#c", "//x", "/\\x", "/%2f"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := LocalPath(s)
		if got == "" {
			return
		}
		if got != s || got[0] != '/' || len(got) > 1 && (got[1] == '/' || got[1] == '\\') || strings.ContainsAny(got, "\\\t\r\n \x00") {
			t.Errorf("LocalPath(%q) = %q", s, got)
		}
	})
}

func FuzzNormalizeEmail(f *testing.F) {
	for _, s := range []string{"ada@example.org", "a@b@c", "\"x\"@y.z", "ADA@EXAMPLE.ORG"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := NormalizeEmail(s)
		if err != nil {
			return
		}
		if again, err := NormalizeEmail(got); err != nil || again != got || strings.ContainsAny(got, "\r\n\x00 ,<>") || strings.Count(got, "@") != 1 {
			t.Errorf("NormalizeEmail(%q) = %q, and then %q, %v", s, got, again, err)
		}
	})
}

func TestClientAuthenticates(t *testing.T) {
	at := time.Now()
	old, now, gone := NewSecret(), NewSecret(), NewSecret()
	c := Client{Secrets: []ClientSecret{{Hash: now.Hash()}, {Hash: old.Hash(), ExpiresAt: at.Add(time.Hour)}, {Hash: gone.Hash(), ExpiresAt: at}}}
	for _, tt := range []struct {
		name string
		s    Secret
		want bool
	}{{"new", now, true}, {"old, in its grace", old, true}, {"expired", gone, false}, {"empty", "", false}, {"another", NewSecret(), false}} {
		if got := c.Authenticates(tt.s, at); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
	if (Client{Secrets: []ClientSecret{{}}}).Authenticates("", at) {
		t.Error("an empty secret matches an empty hash")
	}
}

func TestConsentCovers(t *testing.T) {
	c := Consent{Scopes: []string{"openid", "email"}}
	if !c.Covers(nil) || !c.Covers([]string{"email"}) || c.Covers([]string{"email", "profile"}) || (Consent{}).Covers([]string{"openid"}) {
		t.Error("Covers is wrong")
	}
}

func TestPermanent(t *testing.T) {
	base := errors.New("no such mailbox")
	if err := fmt.Errorf("send: %w", Permanent(base)); !IsPermanent(err) || !errors.Is(err, base) || IsPermanent(base) {
		t.Error("Permanent does not mark, or marks too much")
	}
}
