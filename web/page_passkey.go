package web

import (
	"strings"
	"time"

	"idbroker/broker"
)

// passkeyView is a form that a browser's passkey answers: the part "passkey" of
// templates/_parts.html, and static/passkey.js, without which it does not show. It
// posts login and credential to Action.
type passkeyView struct {
	base
	Login    broker.LoginID // "" none
	Action   string         // path
	Options  string         // of navigator.credentials, as JSON
	RenewURL string         // page with newer Options, so that fields offer passkeys; "" they do not
	Label    string         // translated, on the button
	Primary  bool           // the page has no better way on
	Field    *fieldPart     // that the form has, too; nil none
	remembering
	Follows bool // the choice stands in another form of the page, and is not shown here
}

// passkeyPage asks for a passkey and nothing else: templates/passkey.html, at
// /login/passkey/. Its Options replace those of a sign-in page that stands open.
type passkeyPage struct {
	base
	Passkey *passkeyView
	BackURL string // to every other way in
}

// passkeysPage lists the passkeys of the person, and takes new ones:
// templates/passkeys.html, at /account/settings/passkeys/. It posts name and
// credential to add/ behind it, id and name to rename/; remove/ is a step of its own.
type passkeysPage struct {
	base
	Passkeys []passkeyRow
	Add      *passkeyView // nil: there cannot be more, or ProveURL
	ProveURL string       // where a sign-in leads back here that is recent enough; "" this one is
	OnlyWay  bool         // the one passkey is the only way in: it cannot be removed
	Needed   bool         // it is the second factor that is needed here: it cannot be removed, either
	Full     bool         // there are as many as there may be
	Problems problems     // field: name
}

// passkeyRow is a passkey as its person sees it.
type passkeyRow struct {
	ID         string
	Name       string
	Syncable   bool // its key may leave the device that made it
	Synced     bool // it has
	Transports []string
	CreatedAt  time.Time
	LastUsedAt time.Time // zero: never
	RemoveURL  string    // "" it cannot be removed
}

// passkeyName is the field for the name of a new one.
func passkeyName(b base, bad problems, value string) (*fieldPart, error) {
	f, err := newField("name", "label", b.T("passkeys.name"), "value", value, "autocomplete", "off", "max", broker.MaxPasskeyName,
		"hint", b.T("passkeys.name_hint"), "problem", b.Tell(bad.On("name")))
	return &f, err
}

// MaxName is how long a name may be.
func (passkeysPage) MaxName() int { return broker.MaxPasskeyName }

// Kept says where the key is, as far as its device tells.
func (p passkeysPage) Kept(k passkeyRow) string {
	switch {
	case k.Synced:
		return p.T("passkeys.synced")
	case k.Syncable:
		return p.T("passkeys.syncable")
	}
	return p.T("passkeys.bound")
}

// Reached says how the device is reached; "" not known.
func (p passkeysPage) Reached(k passkeyRow) string {
	var all []string
	for _, t := range k.Transports {
		if key := "passkeys.by_" + strings.ReplaceAll(t, "-", "_"); p.Has(key) {
			all = append(all, p.T(key))
		}
	}
	return strings.Join(all, ", ")
}

// Icon is a drawing of the device.
func (k passkeyRow) Icon() string {
	for _, t := range k.Transports {
		switch t {
		case "hybrid":
			return "phone"
		case "internal":
			return "device"
		}
	}
	return "key"
}

// Used tells whether the passkey has signed.
func (k passkeyRow) Used() bool { return k.LastUsedAt != time.Time{} }

func (passkeyPage) template() string  { return "passkey" }
func (passkeysPage) template() string { return "passkeys" }
