package mail

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"strings"
	"time"

	"idbroker/broker"
)

//go:embed mail.html
var files embed.FS

var page = template.Must(template.ParseFS(files, "mail.html"))

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
	"link-undone":           "/lost-password/",
	"password-changed":      "/lost-password/",

	"factor-added":           "/account/settings/security/",
	"factor-removed":         "/account/settings/second-factor/",
	"factor-removed-for-you": "/account/settings/second-factor/",
	"recovery-renewed":       "/account/settings/second-factor/",
	"recovery-used":          "/account/settings/second-factor/",

	"passkey-added":           "/account/settings/passkeys/",
	"passkey-removed":         "/account/settings/passkeys/",
	"passkey-removed-for-you": "/account/settings/passkeys/",
	"passkey-cloned":          "/account/settings/passkeys/",
}

// paragraph is one block of a mail. A block that is the link and nothing else
// becomes a button in HTML, a code stands out.
type paragraph struct {
	Text       string
	Link, Code bool
}

// render puts m into words: the catalog has a subject and a body for each
// template, the body in paragraphs divided by blank lines.
func (s *Sender) render(m broker.Mail) (Message, error) {
	subject, body := "mail."+m.Template+".subject", "mail."+m.Template+".body"
	if !s.texts.Has(subject) || !s.texts.Has(body) {
		return Message{}, fmt.Errorf("no mail template %q", m.Template)
	}
	lang := s.texts.Match("", m.Locale, "")
	args := map[string]string{"brand": s.o.Brand, "email": m.To}
	if path, ok := wayOn[m.Template]; ok {
		args["link"] = s.o.BaseURL + path
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
	text := strings.TrimSpace(s.texts.Text(lang, body, args))
	data := struct {
		Lang, Brand, Subject, Action string
		Paragraphs                   []paragraph
	}{lang, s.o.Brand, oneLine(s.texts.Text(lang, subject, args)), s.texts.Text(lang, "mail."+m.Template+".action", args), nil}
	for _, p := range strings.Split(text, "\n\n") {
		p = strings.TrimSpace(p)
		data.Paragraphs = append(data.Paragraphs, paragraph{p, args["link"] != "" && p == args["link"], args["code"] != "" && p == args["code"]})
	}
	var html bytes.Buffer
	if err := page.Execute(&html, data); err != nil {
		return Message{}, fmt.Errorf("mail template %q: %w", m.Template, err)
	}
	return Message{From: s.o.From, To: m.To, Subject: data.Subject, Text: text + "\n", HTML: html.String()}, nil
}

// oneLine keeps what people typed from adding lines to a mail: a name must not
// be able to write a paragraph, and a subject must not hold a line break.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
