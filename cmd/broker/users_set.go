package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"idbroker/broker"
	"idbroker/broker/local"
)

type usersSet struct {
	User            string            `arg:"" help:"Id, e-mail address or username."`
	Name            *string           `help:"Display name; empty removes it, as in the others."`
	Locale          *string           `placeholder:"TAG" help:"Language, such as de."`
	Zone            *string           `placeholder:"NAME" help:"Time zone, such as Europe/Zurich."`
	Affiliation     []string          `sep:"none" help:"Where the person works or studies, in place of all that stands there; may be given several times."`
	Visibility      *string           `placeholder:"WHO" help:"Who may see the profile: restricted or public."`
	EmailVisibility *string           `placeholder:"WHO" help:"Who may see the address: restricted or public."`
	Field           map[string]string `mapsep:"none" placeholder:"NAME=VALUE" help:"A field of accounts.profile.fields, a text as it is and anything else in JSON; may be given several times."`
	output
}

// Help teaches.
func (usersSet) Help() string {
	return `What is not named stays as it is. Fields may be left out that people must fill in. The address and the username have commands of their own.

	broker users set ada@example.org --zone Europe/London --field group=analytics --field newsletter=true`
}

// Run changes a profile.
func (c usersSet) Run(ctx context.Context, p *program) error {
	if c.Name == nil && c.Locale == nil && c.Zone == nil && c.Affiliation == nil && c.Visibility == nil && c.EmailVisibility == nil && c.Field == nil {
		return errors.New("nothing is to be changed; name it, such as --zone Europe/London (broker users set --help)")
	}
	r, u, err := p.roomsFor(ctx, c.User)
	if err != nil {
		return err
	}
	defer r.close()
	told := local.ProfileOf(u)
	for _, f := range []struct{ value, into *string }{
		{c.Name, &told.Name}, {c.Locale, &told.Locale}, {c.Zone, &told.Zone},
		{c.Visibility, (*string)(&told.Visibility)}, {c.EmailVisibility, (*string)(&told.EmailVisibility)},
	} {
		if f.value != nil {
			*f.into = *f.value
		}
	}
	if err := r.language(c.Locale); err != nil {
		return err
	}
	if c.Affiliation != nil {
		told.Affiliations = c.Affiliation
	}
	fields := maps.Clone(told.Fields)
	if fields == nil {
		fields = map[string]json.RawMessage{}
	}
	maps.Copy(fields, r.fieldValues(c.Field))
	told.Fields = fields
	if err := r.accounts.SetProfile(ctx, u.ID, told); err != nil {
		return formFailure(err, r)
	}
	if u, err = r.db.User(ctx, u.ID); err != nil {
		return err
	}
	v := viewUser(u)
	v.Locale, v.Details = u.Locale, u.Details
	return c.print(p.out, v, v.text)
}

// language refuses a language that the pages do not speak.
func (r *rooms) language(tag *string) error {
	if tag == nil || *tag == "" || slices.Contains(r.texts.Languages(), *tag) {
		return nil
	}
	return fmt.Errorf("--locale %s: there is no such language; there are %s", printable(*tag), strings.Join(r.texts.Languages(), ", "))
}

// fieldValues makes JSON of what an operator typed for the fields of their own: of a
// text as it is, of everything else where it is JSON. Empty is null.
func (r *rooms) fieldValues(typed map[string]string) map[string]json.RawMessage {
	if len(typed) == 0 {
		return nil
	}
	kinds := map[string]broker.FieldKind{}
	for _, f := range askedFields(r.asked) {
		kinds[f.Name] = f.Kind
	}
	out := map[string]json.RawMessage{}
	for name, value := range typed {
		switch kinds[name] {
		case broker.FieldYesNo, broker.FieldInteger, broker.FieldNumber, broker.FieldList, broker.FieldChoices:
			if json.Valid([]byte(value)) {
				out[name] = json.RawMessage(value)
				continue
			}
		}
		if out[name] = json.RawMessage("null"); value != "" {
			out[name], _ = json.Marshal(value) // a text
		}
	}
	return out
}

// formFailure names the fields of a form that was refused, and what is wrong with each.
func formFailure(err error, r *rooms) error {
	var form *local.FormError
	if !errors.As(err, &form) {
		return err
	}
	var lines []string
	for _, field := range slices.Sorted(maps.Keys(form.Fields)) {
		e := form.Fields[field]
		lines = append(lines, strings.TrimPrefix(field, local.FieldPrefix)+": "+r.texts.Text("en", e.Words(), e.Args))
	}
	return errors.New(strings.Join(lines, "\n"))
}

// details are the lines about what else a person tells.
func (v userView) details(w io.Writer) {
	d := v.Details
	if d.Zone != "" {
		row(w, "time zone", d.Zone)
	}
	if len(d.Affiliations) > 0 {
		row(w, "affiliations", strings.Join(d.Affiliations, "; "))
	}
	if d.Visibility != "" {
		row(w, "profile visibility", string(d.Visibility))
	}
	if d.EmailVisibility != "" {
		row(w, "e-mail visibility", string(d.EmailVisibility))
	}
	for _, name := range slices.Sorted(maps.Keys(d.Fields)) {
		row(w, "field "+name, string(d.Fields[name]))
	}
}
