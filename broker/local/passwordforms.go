package local

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
)

// A FormState says what holds for the passwords of a form.
type FormState string

// The states of password forms.
const (
	FormCurrent FormState = "current"         // as new ones are made
	FormOlder   FormState = "older"           // opens its account, and is made anew at the next sign-in
	FormLost    FormState = "cannot be read"  // what it needs is not configured: those people cannot sign in with it
	FormUnused  FormState = "used by nothing" // a pepper, or the salt of Invenio, that may go
)

// The kinds of password forms that need something of the configuration.
const (
	KindOurs   = "argon2id"
	KindDouble = "hmac-sha512" // what Invenio and Flask-Security make of other kinds
)

// PasswordForm is one way in which passwords are kept, and how many accounts have it.
type PasswordForm struct {
	Kind   string    `json:"kind"`             // the scheme; KindDouble whatever stands behind it
	Pepper string    `json:"pepper,omitempty"` // name of the pepper; "" none
	Users  int       `json:"users"`
	State  FormState `json:"state"`
}

// PasswordForms tells in which forms the passwords of all accounts are kept, so that an operator
// knows when an old pepper, or the salt of an Invenio, may go. What is configured and needed by
// nothing is told, too. It reads every account.
func (a *Accounts) PasswordForms(ctx context.Context) ([]PasswordForm, error) {
	heads, err := a.store.PasswordForms(ctx)
	if err != nil {
		return nil, fmt.Errorf("count password forms: %w", err)
	}
	var forms []PasswordForm
	peppers := a.hash.peppers
	newest := peppers.newest().name
	for head, users := range heads {
		f := PasswordForm{Kind: strings.TrimPrefix(head, "$"), Users: users, State: FormOlder}
		if name, ok := strings.CutPrefix(head, "$pepper="); ok {
			f.Kind, f.Pepper = KindOurs, name
			if !slices.ContainsFunc(peppers.all, func(p pepper) bool { return p.name == name }) {
				f.State = FormLost
			}
		}
		switch {
		case f.Kind == KindOurs && f.Pepper == newest:
			f.State = FormCurrent
		case f.Kind == KindDouble && a.hash.hmacKey == "":
			f.State = FormLost
		}
		forms = append(forms, f)
	}
	for _, p := range peppers.all {
		if p.name != newest && heads["$pepper="+p.name] == 0 {
			forms = append(forms, PasswordForm{Kind: KindOurs, Pepper: p.name, State: FormUnused})
		}
	}
	if a.hash.hmacKey != "" && heads["$"+KindDouble] == 0 {
		forms = append(forms, PasswordForm{Kind: KindDouble, State: FormUnused})
	}
	slices.SortFunc(forms, func(x, y PasswordForm) int {
		return cmp.Or(cmp.Compare(y.Users, x.Users), cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Pepper, y.Pepper))
	})
	return forms, nil
}
