package web

import (
	"time"

	"idbroker/broker"
	"idbroker/i18n"
)

// base is what every page has. renderer.base makes it; handlers fill in User,
// Flash and what else they know.
type base struct {
	Title     string // of the document, before the community's name; "" the message <template>.title
	Lang      string // BCP 47
	Dir       string // "ltr" or "rtl"
	Brand     Brand
	User      *broker.User   // who is signed in; nil nobody
	Flash     *notice        // said once, above the page; nil nothing
	Challenge *challengeView // to be solved with the page's form; nil none
	Started   string         // goes with forms about what protects the account: the page was opened in time for them; "" it was not
	Section   string         // the settings section that is open: "profile", "security", …; "" the page is none of them
	Path      string         // local path of this page, with its query: where the language choice leads back to
	Zone      *time.Location // of the times on the page; nil UTC
	Now       time.Time      // when the page is made; dates are told relative to it
	Refusal   *broker.Error  // what a page with an error status and no problems means; nil none

	cat *i18n.Catalogs
}

func (b *base) top() *base { return b }

// T is the message under key. Arguments are names and values in turn:
// T("link.button", "provider", "GitHub").
func (b base) T(key string, args ...string) string { return b.Say(key, pairs(args)) }

// N is the form of the message under key that fits n.
func (b base) N(key string, n int, args ...string) string {
	return b.cat.Plural(b.Lang, key, n, isolated(pairs(args)))
}

// Say is the message under key with its arguments in a map, as errors have them.
func (b base) Say(key string, args map[string]string) string {
	return b.cat.Text(b.Lang, key, isolated(args))
}

// Has tells whether there is a message under key.
func (b base) Has(key string) bool { return b.cat.Has(key) }

// language is an entry of the language choice.
type language struct {
	Tag, Name string
	Current   bool
}

// Languages is the language choice in the footer.
func (b base) Languages() []language {
	var all []language
	for _, tag := range b.cat.Languages() {
		all = append(all, language{tag, b.cat.Text(tag, "language.name", nil), tag == b.Lang})
	}
	return all
}

// section is an entry of the side list of the settings.
type section struct {
	Name, Path, Icon string
	Current          bool
}

// Sections is the side list of the settings.
func (b base) Sections() []section {
	all := []section{
		{Name: "profile", Path: "/account/settings/profile/", Icon: "user"},
		{Name: "security", Path: "/account/settings/security/", Icon: "shield"},
		{Name: "devices", Path: devicesPath, Icon: "device"},
		{Name: "linkedaccounts", Path: "/account/settings/linkedaccounts/", Icon: "link"},
		{Name: "applications", Path: "/account/settings/applications/", Icon: "apps"},
		{Name: "data", Path: dataPath, Icon: "data"},
	}
	for i := range all {
		all[i].Current = all[i].Name == b.Section
	}
	return all
}

// pairs makes a map of names and values in turn; a name without a value is
// left out.
func pairs(args []string) map[string]string {
	if len(args) < 2 {
		return nil
	}
	m := make(map[string]string, len(args)/2)
	for i := 0; i+1 < len(args); i += 2 {
		m[args[i]] = args[i+1]
	}
	return m
}
