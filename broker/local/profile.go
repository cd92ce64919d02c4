package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"time"

	"idbroker/broker"
)

// Errors about what people tell of themselves.
var (
	// ErrAddress: a part of a postal address is too long or cannot be printed.
	ErrAddress      = &broker.Error{Kind: broker.KindInvalid, Message: "field.address_invalid"}
	ErrZone         = &broker.Error{Kind: broker.KindInvalid, Message: "field.zone_invalid"}
	ErrAffiliations = &broker.Error{Kind: broker.KindInvalid, Message: "field.affiliations_invalid"}
	ErrChoice       = &broker.Error{Kind: broker.KindInvalid, Message: "field.choice_invalid"}
	ErrNotAsked     = &broker.Error{Kind: broker.KindInvalid, Message: "field.not_asked"}
	// ErrProfileChanged: the account has changed since the form was shown. Nothing
	// was written.
	ErrProfileChanged = &broker.Error{Kind: broker.KindConflict, Message: "profile.changed"}
)

// AnyVersion says that it does not matter what the account was when its form was shown.
const AnyVersion = -1

// FieldPrefix stands before the name of a field that the operator asks for, in
// FormError.Fields: no such name is that of another field.
const FieldPrefix = "fields."

// Fielder checks the fields that the operator asks for.
type Fielder interface {
	// Check returns values as they are to be kept, with those of kept that are not
	// asked for any more. What stands in kept just so is fine, whatever is asked
	// today. The errors are by name; what they are about is left out.
	Check(values, kept map[string]json.RawMessage) (map[string]json.RawMessage, map[string]*broker.Error)
}

// Presets are what holds where somebody has chosen nothing.
type Presets struct {
	Locale string // of accounts that an operator makes; "" none
	Zone   string // of the times on pages; "" UTC
}

// locale is what was chosen, or the preset.
func (p Presets) locale(chosen string) string {
	if chosen == "" {
		return p.Locale
	}
	return chosen
}

// Profile is what people tell of themselves and may change. Every field may be
// empty. The username is not among it: ChangeUsername.
type Profile struct {
	Version int // of the account that the form was shown for; AnyVersion
	Name    string
	Locale  string // BCP 47; whoever asks for it knows which there are
	Phone   string
	Address broker.Address
	broker.Details
}

// ProfileOf is what u has told.
func ProfileOf(u broker.User) Profile {
	return Profile{Version: u.Version, Name: u.Name, Locale: u.Locale, Phone: u.Phone, Address: u.Address, Details: u.Details}
}

// UpdateProfile changes what the person may change about themselves. Errors:
// ErrProfileChanged; a *FormError, whose fields are name, locale, phone, the parts of
// the address by their claims (street_address, …), affiliations, zone, visibility,
// email_visibility, and those of the operator behind FieldPrefix. What has not changed is not looked at.
func (a *Accounts) UpdateProfile(ctx context.Context, id broker.UserID, p Profile) error {
	return a.updateProfile(ctx, id, p, remote)
}

// SetProfile is UpdateProfile by an operator: nothing is required.
func (a *Accounts) SetProfile(ctx context.Context, id broker.UserID, p Profile) error {
	return a.updateProfile(ctx, id, p, operator)
}

func (a *Accounts) updateProfile(ctx context.Context, id broker.UserID, p Profile, by who) error {
	at := time.Now()
	return a.store.InTx(ctx, func(ctx context.Context) error {
		u, err := a.store.LockUser(ctx, id)
		if err != nil {
			return fmt.Errorf("lock user: %w", err)
		}
		if p.Version != AnyVersion && p.Version != u.Version {
			return ErrProfileChanged
		}
		held, err := a.HeldOf(ctx, u)
		if err != nil {
			return err
		}
		now := u
		if err := a.putProfile(&now, p, held, by); err != nil {
			return err
		}
		if reflect.DeepEqual(now, u) {
			return nil // updated_at tells applications when something did change
		}
		now.UpdatedAt = at
		return a.store.UpdateUser(ctx, now)
	})
}

// putProfile checks p and writes it over what u has.
func (a *Accounts) putProfile(u *broker.User, p Profile, held map[string]string, by who) error {
	bad := Fields{}
	for field, changed := range map[string]bool{"name": p.Name != u.Name, "locale": p.Locale != u.Locale} {
		if by := held[field]; by != "" && changed {
			bad[field] = ErrHeld.At(field).With("provider", by)
		}
	}
	ok, was := true, *u
	if u.Name, ok = broker.CleanName(p.Name); !ok {
		bad["name"] = ErrNameInvalid
	}
	u.Locale = p.Locale
	phone, err := broker.NormalizePhone(p.Phone)
	if err != nil {
		bad["phone"] = broker.ErrPhone
	}
	u.Phone = phone
	var parts []string
	u.Address, parts = broker.CleanAddress(p.Address)
	for _, part := range parts {
		bad[part] = ErrAddress
	}
	d := &u.Details
	if d.Affiliations, ok = broker.CleanAffiliations(p.Affiliations); !ok {
		bad["affiliations"] = ErrAffiliations
	}
	if d.Zone = p.Zone; d.Zone != was.Details.Zone {
		if _, ok := Zone(d.Zone); !ok {
			bad["zone"] = ErrZone
		}
	}
	if d.Visibility = p.Visibility; !p.Visibility.Known() {
		bad["visibility"] = ErrChoice
	}
	if d.EmailVisibility = p.EmailVisibility; !p.EmailVisibility.Known() {
		bad["email_visibility"] = ErrChoice
	}
	fields := Fields{}
	d.Fields = a.checkFields(p.Fields, was.Details.Fields, fields)
	for field, e := range fields {
		if by != operator || !errors.Is(e, ErrRequired) { // operators know little of a person
			bad[field] = e
		}
	}
	if len(bad) > 0 {
		return &FormError{bad}
	}
	return nil
}

// checkFields checks what the operator asks for, and adds what is wrong to bad.
func (a *Accounts) checkFields(values, kept map[string]json.RawMessage, bad Fields) map[string]json.RawMessage {
	if a.o.Fields == nil {
		for name := range values {
			if _, old := kept[name]; !old {
				bad[FieldPrefix+name] = ErrNotAsked.At(FieldPrefix + name)
			}
		}
		return maps.Clone(kept)
	}
	out, wrong := a.o.Fields.Check(values, kept)
	for name, e := range wrong {
		bad[FieldPrefix+name] = e.At(FieldPrefix + name)
	}
	return out
}

// HeldOf says which values of u a provider sets at each sign-in there, with what
// people call the provider: of name, username and locale those that come from
// where they are set. Nobody types those here.
func (a *Accounts) HeldOf(ctx context.Context, u broker.User) (map[string]string, error) {
	if a.links == nil {
		return nil, nil
	}
	accounts, err := a.store.RemoteAccountsOf(ctx, u.ID)
	if err != nil {
		return nil, fmt.Errorf("remote accounts: %w", err)
	}
	held := map[string]string{}
	for _, r := range accounts {
		p, ok := a.links.Provider(r.Provider)
		if !ok {
			continue
		}
		told := p.Profile.Always(broker.Profile{Username: r.Username, Name: r.Name, Locale: r.Locale})
		if told.Name != "" && told.Name == u.Name {
			held["name"] = a.links.Title(r.Provider)
		}
		if told.Locale != "" && told.Locale == u.Locale {
			held["locale"] = a.links.Title(r.Provider)
		}
		if name, bad := a.o.Usernames.username(told.Username); bad == nil && name != "" && name == u.Username {
			held["username"] = a.links.Title(r.Provider)
		}
	}
	return held, nil
}
