package mail

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"idbroker/broker"
)

// newPassword is where people choose another password: nowhere, where there are none.
const newPassword = "/lost-password/"

// wayOn is where the mails lead that tell of a change: to where it is seen, or
// undone.
var wayOn = map[string]string{
	"linked":                "/account/settings/linkedaccounts/",
	"unlinked":              "/account/settings/linkedaccounts/",
	"replaced":              "/account/settings/linkedaccounts/",
	"unlinked-for-you":      "/account/settings/linkedaccounts/",
	"email-known":           "/login/",
	"email-changed-for-you": "/account/settings/profile/",
	"erased":                "/",
	"deleted-for-you":       "/",
	"link-undone":           newPassword,
	"password-changed":      newPassword,
	"password-removed":      newPassword,
	"passkey-undone":        newPassword,
	"factor-undone":         newPassword,
	"sign-in-undone":        newPassword,

	"factor-added":           "/account/settings/security/",
	"factor-removed":         "/account/settings/second-factor/",
	"factor-swapped":         "/account/settings/second-factor/",
	"factor-removed-for-you": "/account/settings/second-factor/",
	"number-added":           "/account/settings/security/",
	"username-given":         "/account/settings/username/",
	"number-removed":         "/account/settings/second-factor/",
	"number-swapped":         "/account/settings/security/",
	"recovery-renewed":       "/account/settings/second-factor/",
	"recovery-used":          "/account/settings/second-factor/",

	"passkey-added":           "/account/settings/passkeys/",
	"passkey-removed":         "/account/settings/passkeys/",
	"passkey-removed-for-you": "/account/settings/passkeys/",
	"passkey-cloned":          "/account/settings/passkeys/",

	"new-browser":    "/account/settings/devices/",
	"session-stolen": "/account/settings/security/",
}

// render puts m into words.
func (s *Sender) render(m broker.Mail) (Message, error) {
	l, err := s.letter(m)
	if err != nil {
		return Message{}, err
	}
	text, page, err := s.templates.Load().write(l)
	if err != nil {
		return Message{}, fmt.Errorf("mail template %q: %w", m.Template, err)
	}
	return Message{From: s.from(m.Template), ReplyTo: s.o.ReplyTo, To: m.To, Lang: l.Lang, Subject: l.Subject, Text: text, HTML: page}, nil
}

// letter finds the words of m: the catalog has a subject and a body for each
// template, the body in paragraphs divided by blank lines.
func (s *Sender) letter(m broker.Mail) (letter, error) {
	subject, body := "mail."+m.Template+".subject", "mail."+m.Template+".body"
	if !s.texts.Has(subject) || !s.texts.Has(body) {
		return letter{}, fmt.Errorf("no mail template %q", m.Template)
	}
	lang := s.texts.Match("", m.Locale, "")
	args := map[string]string{"brand": s.o.Brand, "email": m.To}
	if path, ok := wayOn[m.Template]; ok && !(s.o.NoPasswords && path == newPassword) {
		args["link"] = s.o.BaseURL + path
	}
	if !s.o.NoPasswords {
		args["passwords"] = "1"
	}
	for k, v := range m.Data {
		args[k] = oneLine(v)
	}
	for _, k := range []string{"when", "until"} {
		if at, err := time.Parse(time.RFC3339, args[k]); err == nil {
			args[k] = at.UTC().Format("2006-01-02 15:04 MST")
		}
	}
	for _, k := range []string{"ip", "browser"} {
		if args[k] == "" {
			args[k] = s.texts.Text(lang, "mail.not_known", nil)
		}
	}
	dir := s.texts.Text(lang, "language.dir", nil)
	for k, v := range args {
		if k != "link" && k != "code" {
			args[k] = isolated(v, dir == "rtl")
		}
	}
	l := letter{
		Mail: m.Template, Lang: lang, Dir: dir, Brand: s.o.Brand, BaseURL: s.o.BaseURL,
		Subject: oneLine(s.texts.Text(lang, subject, args)), Action: s.texts.Text(lang, "mail."+m.Template+".action", args),
		Link: args["link"], Code: args["code"],
	}
	for _, p := range strings.Split(strings.TrimSpace(s.texts.Text(lang, body, args)), "\n\n") {
		p = strings.TrimSpace(p)
		l.Paragraphs = append(l.Paragraphs, paragraph{p, l.Link != "" && p == l.Link, l.Code != "" && p == l.Code})
	}
	return l, nil
}

// isolated keeps a value from turning the words around it: what steers the direction of
// writing is taken out of it, and where it is written in another direction than
// its surroundings may be, it stands by itself (UAX #9).
func isolated(v string, rtl bool) string {
	v = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Bidi_Control, r) {
			return -1
		}
		return r
	}, v)
	if v != "" && (rtl || strings.ContainsFunc(v, func(r rune) bool {
		return unicode.In(r, unicode.Hebrew, unicode.Arabic, unicode.Syriac, unicode.Thaana, unicode.Nko)
	})) {
		return "\u2068" + v + "\u2069"
	}
	return v
}

// oneLine keeps what people typed from adding lines to a mail: a name must not
// be able to write a paragraph, and a subject must not hold a line break.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
