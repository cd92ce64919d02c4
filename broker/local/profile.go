package local

import (
	"context"
	"errors"
	"fmt"
	"time"

	"idbroker/broker"
)

// ErrAddress: a part of a postal address is too long or cannot be printed.
var ErrAddress = &broker.Error{Kind: broker.KindInvalid, Message: "field.address_invalid"}

// Profile is what people tell of themselves and may change. Every field may be "".
type Profile struct {
	Name     string
	Username string
	Locale   string // BCP 47; whoever asks for it knows which there are
	Phone    string
	Address  broker.Address
}

// ProfileOf is what u has told.
func ProfileOf(u broker.User) Profile {
	return Profile{Name: u.Name, Username: u.Username, Locale: u.Locale, Phone: u.Phone, Address: u.Address}
}

// UpdateProfile changes what the person may change about themselves. Errors: a
// *FormError, whose fields are name, username, phone and the parts of the address
// by their claims (street_address, …).
func (a *Accounts) UpdateProfile(ctx context.Context, id broker.UserID, p Profile) error {
	p, err := a.cleanProfile(p)
	if err != nil {
		return err
	}
	at := time.Now()
	return a.store.InTx(ctx, func(ctx context.Context) error {
		u, err := a.store.LockUser(ctx, id)
		if err != nil {
			return fmt.Errorf("lock user: %w", err)
		}
		switch taken, err := a.taken(ctx, p.Username, id); {
		case err != nil:
			return err
		case taken:
			return &FormError{Fields{"username": ErrUsernameTaken}}
		}
		u.Name, u.Username, u.Locale, u.Phone, u.Address, u.UpdatedAt = p.Name, p.Username, p.Locale, p.Phone, p.Address, at
		err = a.store.UpdateUser(ctx, u)
		if errors.Is(err, broker.ErrConflict) { // somebody was faster
			return &FormError{Fields{"username": ErrUsernameTaken}}
		}
		return err
	})
}

func (a *Accounts) cleanProfile(p Profile) (Profile, error) {
	bad := Fields{}
	var ok bool
	if p.Name, ok = broker.CleanName(p.Name); !ok {
		bad["name"] = ErrNameInvalid
	}
	if p.Username, ok = broker.CleanUsername(p.Username); !ok {
		bad["username"] = ErrUsernameBad
	}
	phone, err := broker.NormalizePhone(p.Phone)
	if err != nil {
		bad["phone"] = broker.ErrPhone
	}
	p.Phone = phone
	var parts []string
	p.Address, parts = broker.CleanAddress(p.Address)
	for _, part := range parts {
		bad[part] = ErrAddress
	}
	if len(bad) > 0 {
		return p, &FormError{bad}
	}
	return p, nil
}
