package local

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"idbroker/broker"
)

// Imported is an account of another system.
type Imported struct {
	Email         string
	EmailVerified bool      // somebody proved there that they read its mail
	ConfirmedAt   time.Time // when they did, which says EmailVerified, too; zero: nobody knows
	VerifiedAt    time.Time // since when an operator there vouched for the person; zero: none did
	BlockedAt     time.Time // since when an operator there kept them out; zero: none did
	BlockedReason string    // as the person is to read it; "" none
	Name          string
	Username      string
	Locale        string
	PasswordHash  broker.Secret // as NewUser has it; "" none
	DoubleHash    bool
	CreatedAt     time.Time // zero: now
	Disabled      bool
	Identities    []broker.UserIdentity // Provider, Subject, and Issuer ("": the provider's)
}

// importedBy stands in User.EmailVouchedBy for who has proven nothing there either:
// the account goes to whoever reads its mail first, with nothing that others may have hung on it.
const importedBy = "import"

// maxSubject is how long the name of a person at a provider may be, in bytes (OpenID Connect Core 1.0, section 2).
const maxSubject = 255

// What is wrong with an account of a file.
var (
	errImportSubject  = errors.New("is no text of 1 to 255 printable characters")
	errImportFuture   = errors.New("lies in the future")
	errImportReason   = errors.New("says why somebody is blocked, and nobody is")
	errImportLine     = fmt.Errorf("is no text of at most %d printable characters", broker.MaxReason)
	errImportVouched  = errors.New("vouches for somebody who is blocked")
	errImportDouble   = errors.New("says how a password hash was made, and there is none")
	errImportAddress  = errors.New("belongs to another account")
	errImportTaken    = errors.New("opens another account")
	errImportRepeated = errors.New("stands in an earlier line, too")
)

// Import checks accounts of another system one by one, and writes them many at
// once. It remembers 20 bytes or so of each address, username and identity that it has seen.
type Import struct {
	a    *Accounts
	seen map[[16]byte]struct{}
}

// Import begins an import.
func (a *Accounts) Import() *Import { return &Import{a, map[[16]byte]struct{}{}} }

// ImportError is what is wrong with one account, by the field of the file.
type ImportError struct{ Fields map[string]error }

func (e *ImportError) Error() string { return fmt.Sprintf("account: %d problems", len(e.Fields)) }

// Check tells whether an account can be written: it is what the database lets in, and nothing of it was
// there before in this import. It writes nothing. known: its address has an account already, which Write
// leaves as it is. Errors: an *ImportError; any other is the database's.
func (i *Import) Check(ctx context.Context, n Imported) (known bool, err error) {
	u, bad, err := i.a.imported(ctx, n, time.Now())
	if err != nil {
		return false, err
	}
	once := func(field, what string) {
		if bad[field] == nil && !i.first(field+"\x00"+what) {
			bad[field] = errImportRepeated
		}
	}
	var owner broker.User
	if bad["email"] == nil {
		once("email", broker.FoldEmail(u.Email))
		if owner, known, err = i.a.owner(ctx, u.Email); err != nil {
			return false, err
		}
	}
	if bad["email"] == nil && !known && !u.Disabled() {
		var refused *broker.Error
		if err := i.a.admit(ctx, u.Email); errors.As(err, &refused) && refused.Kind == broker.KindInvalid {
			bad["email"] = refused
		} else if err != nil {
			return false, err
		}
	}
	if u.Username != "" {
		once("username", broker.FoldCase(u.Username))
		if taken, err := i.a.taken(ctx, u.Username, owner.ID); err != nil {
			return false, err
		} else if taken && bad["username"] == nil {
			bad["username"] = errImportAddress
		}
	}
	for _, id := range u.identities {
		once("identities", id.Provider+"\x00"+id.Issuer+"\x00"+id.Subject)
		switch who, err := i.a.links.OwnerOf(ctx, id); {
		case err != nil:
			return false, err
		case who != "" && who != owner.ID:
			bad["identities"] = fmt.Errorf("%s of %s %w", id.Subject, id.Provider, errImportTaken)
		}
	}
	if len(bad) > 0 {
		return false, &ImportError{bad}
	}
	return known, nil
}

// first tells whether something is seen for the first time.
func (i *Import) first(what string) bool {
	sum := sha256.Sum256([]byte(what))
	key := [16]byte(sum[:16])
	_, again := i.seen[key]
	i.seen[key] = struct{}{}
	return !again
}

// Write writes accounts, all or none, but those whose address has one, and tells how many. They are
// checked once more: somebody may have signed up meanwhile.
func (i *Import) Write(ctx context.Context, accounts []Imported) (written int, err error) {
	at := time.Now()
	err = i.a.store.InTx(ctx, func(ctx context.Context) error {
		written = 0
		for _, n := range accounts {
			u, bad, err := i.a.imported(ctx, n, at)
			if err != nil {
				return err
			}
			if len(bad) > 0 {
				return &ImportError{bad}
			}
			err = i.a.adopt(ctx, u, at)
			if errors.Is(err, ErrSignUpKnown) {
				continue
			}
			if err != nil {
				return fmt.Errorf("%s: %w", u.Email, err)
			}
			written++
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return written, nil
}

// adoptee is an imported account as it is stored.
type adoptee struct {
	broker.User
	identities []broker.UserIdentity
}

// imported makes an account of what the file says, and tells what is wrong with it. It asks no database.
func (a *Accounts) imported(ctx context.Context, n Imported, at time.Time) (adoptee, map[string]error, error) {
	f, err := a.clean(ctx, SignUpForm{Email: n.Email, Name: n.Name, Username: n.Username, Locale: n.Locale}, operator)
	bad := map[string]error{}
	var form *FormError
	if errors.As(err, &form) {
		for field, e := range form.Fields {
			bad[field] = e
		}
	} else if err != nil {
		return adoptee{}, nil, err
	}
	u := adoptee{User: broker.User{
		ID: broker.UserID(broker.NewID()), Email: f.Email, Name: f.Name, Username: f.Username, Locale: broker.CleanLocale(n.Locale),
		CreatedAt: n.CreatedAt, UpdatedAt: at,
	}}
	if u.CreatedAt.IsZero() {
		u.CreatedAt = at
	}
	u.state(n, bad, at)
	if n.Locale != "" && u.Locale == "" {
		bad["locale"] = errors.New("is no language tag, such as de or pt-BR")
	}
	switch {
	case n.PasswordHash != "":
		if u.PasswordHash, err = a.hash.accept(n.PasswordHash, n.DoubleHash); err != nil {
			bad["password_hash"] = err
		}
		u.PasswordSetAt = u.CreatedAt
	case n.DoubleHash:
		bad["double_hash"] = errImportDouble
	}
	for _, id := range n.Identities {
		if id, err = a.foreignIdentity(id); err != nil {
			bad["identities"] = err
		}
		u.identities = append(u.identities, id)
	}
	return u, bad, nil
}

// state takes what was known and decided about the account there: facts of their own, each
// with its time. A block stands above being disabled, so that taking it back opens the account.
func (u *adoptee) state(n Imported, bad map[string]error, at time.Time) {
	for field, told := range map[string]time.Time{"created_at": n.CreatedAt, "confirmed_at": n.ConfirmedAt, "verified_at": n.VerifiedAt, "blocked_at": n.BlockedAt} {
		if told.After(at) {
			bad[field] = errImportFuture
		}
	}
	switch {
	case !n.ConfirmedAt.IsZero():
		u.EmailVerifiedAt = n.ConfirmedAt
	case n.EmailVerified:
		u.EmailVerifiedAt = u.CreatedAt // when it was, nobody says
	default:
		u.EmailVouchedBy = importedBy
	}
	reason, ok := broker.CleanReason(n.BlockedReason)
	switch {
	case !ok:
		bad["blocked_reason"] = errImportLine
	case reason != "" && n.BlockedAt.IsZero():
		bad["blocked_reason"] = errImportReason
	case !n.BlockedAt.IsZero() && !n.VerifiedAt.IsZero():
		bad["verified_at"] = errImportVouched
	}
	u.VerifiedAt, u.BlockedAt, u.BlockedReason = n.VerifiedAt, n.BlockedAt, reason
	if u.DisabledAt = n.BlockedAt; n.Disabled && !u.Blocked() {
		u.DisabledAt = at
	}
}

// foreignIdentity completes an identity with what is configured of its provider.
func (a *Accounts) foreignIdentity(id broker.UserIdentity) (broker.UserIdentity, error) {
	p, ok := a.links.Provider(id.Provider)
	switch {
	case !ok:
		return id, fmt.Errorf("provider %q is not configured here; see: broker providers list", id.Provider)
	case id.Issuer == "":
		id.Issuer = p.Issuer
	case id.Issuer != p.Issuer:
		return id, fmt.Errorf("issuer %q is not that of provider %s, %s; leave it out", id.Issuer, id.Provider, p.Issuer)
	}
	if id.Subject == "" || len(id.Subject) > maxSubject || !utf8.ValidString(id.Subject) || strings.ContainsFunc(id.Subject, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return id, fmt.Errorf("subject %q at %s %w", id.Subject, id.Provider, errImportSubject)
	}
	return id, nil
}

// arrive asks about the domain of an imported account: a blocked one lets nobody in, and
// a verified one vouches for whoever has proven the address there. Who cannot come in
// anyhow is not asked about; who has proven nothing is asked about again then.
func (a *Accounts) arrive(ctx context.Context, u *broker.User, at time.Time) error {
	switch {
	case u.Disabled():
		return nil
	case u.EmailVerified():
		_, err := a.confirm(ctx, u, at)
		return err
	}
	return a.admit(ctx, u.Email)
}

// adopt writes one account inside a unit of work.
func (a *Accounts) adopt(ctx context.Context, u adoptee, at time.Time) error {
	switch _, known, err := a.owner(ctx, u.Email); {
	case err != nil:
		return err
	case known:
		return ErrSignUpKnown
	}
	if err := a.arrive(ctx, &u.User, at); err != nil {
		return err
	}
	if err := a.store.CreateUser(ctx, u.User); err != nil {
		return fmt.Errorf("create user: %w", err)
	}
	if err := a.event(ctx, broker.EventUserCreated, u.ID, at); err != nil {
		return err
	}
	for _, id := range u.identities {
		id.ID, id.UserID, id.CreatedAt = broker.NewID(), u.ID, at
		if err := a.links.Adopt(ctx, id); err != nil {
			return err
		}
	}
	return nil
}
