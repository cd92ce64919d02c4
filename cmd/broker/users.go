package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/store"
)

type userCommands struct {
	Create   usersCreate   `cmd:"" help:"Create an account."`
	Import   usersImport   `cmd:"" help:"Bring accounts over from another system, with their passwords and identities."`
	List     usersList     `cmd:"" help:"List accounts."`
	Show     usersShow     `cmd:"" help:"Show an account and what opens it."`
	Links    usersLinks    `cmd:"" help:"List what is linked to an account, and what of it opens the account today."`
	Unlink   usersUnlink   `cmd:"" help:"Remove a link: the person is signed out and told."`
	Factors  usersFactors  `cmd:"" help:"Show the second factor of an account, or remove it where it was lost."`
	Passkeys usersPasskeys `cmd:"" help:"What signs a person in without a password."`
	Email    usersEmail    `cmd:"" help:"Give an account another e-mail address."`
	Username usersUsername `cmd:"" help:"Give an account another username."`
	Set      usersSet      `cmd:"" help:"Change what an account tells of its person."`
	Release  usersRelease  `cmd:"" help:"Let anybody take a username that somebody gave up."`
	Tokens   usersTokens   `cmd:"" help:"What lets us act for a person at providers."`
	Verify   usersVerify   `cmd:"" help:"Vouch for the person of an account."`
	Block    usersBlock    `cmd:"" help:"Keep a person out, with a reason: sessions and tokens end at once; nothing is deleted."`
	Unblock  usersUnblock  `cmd:"" help:"Take a block back: the account is as it was before."`
	Sessions usersSessions `cmd:"" help:"Where a person is signed in; or end one of these sessions."`
	SignOut  usersSignOut  `cmd:"" help:"Sign a person out everywhere: sessions end at once, with what applications have of them; the account stays open."`
	Enable   usersEnable   `cmd:"" name:"activate" aliases:"enable" help:"Open an account that waits, or is disabled, blocked or closed."`
	Disable  usersDisable  `cmd:"" name:"deactivate" aliases:"disable" help:"Disable an account: sessions and tokens end at once; nothing is deleted."`
	Delete   usersDelete   `cmd:"" help:"Delete an account with everything that names the person."`
}

type userView struct {
	ID            broker.UserID  `json:"id"`
	Email         string         `json:"email"`
	EmailVerified bool           `json:"email_verified"`
	ConfirmedAt   time.Time      `json:"email_verified_at,omitzero"` // since when the address is proven
	VouchedBy     string         `json:"email_vouched_by,omitempty"`
	Username      string         `json:"username,omitempty"`
	Name          string         `json:"name,omitempty"`
	Phone         string         `json:"phone_number,omitempty"` // of one account, not of a list
	Address       broker.Address `json:"address,omitzero"`
	Locale        string         `json:"locale,omitempty"`
	Details       broker.Details `json:"details,omitzero"`
	Admin         bool           `json:"admin"`
	Password      bool           `json:"has_password"`
	stateView
	CreatedAt  time.Time      `json:"created_at"`
	Identities []identityView `json:"identities,omitempty"`
	Sessions   *int           `json:"sessions,omitempty"`
	SignIns    *signInsView   `json:"sign_ins,omitempty"` // of one account, not of a list
}

// signInsView are the latest sign-ins of an account, since they are counted.
type signInsView struct {
	Count  int        `json:"count"`
	Last   signInView `json:"last,omitzero"`
	Before signInView `json:"before,omitzero"`
}

type signInView struct {
	At       time.Time `json:"at"`
	IP       string    `json:"ip,omitempty"` // "" unknown, or forgotten (sessions.keep_ips)
	Provider string    `json:"provider,omitempty"`
}

func viewSignIn(s broker.SignIn) signInView {
	return signInView{At: s.At, IP: s.IP, Provider: s.Provider}
}

func (v signInView) words() string {
	if v.At.IsZero() {
		return "never"
	}
	text := when(v.At)
	if v.Provider != "" {
		text += " with " + v.Provider
	}
	if v.IP != "" {
		text += " from " + v.IP
	}
	return text
}

type identityView struct {
	Provider   string    `json:"provider"`
	Issuer     string    `json:"issuer"`
	Subject    string    `json:"subject"`
	LinkedAt   time.Time `json:"linked_at"`
	LastUsedAt time.Time `json:"last_used_at,omitzero"`
}

func viewUser(u broker.User) userView {
	return userView{
		ID: u.ID, Email: u.Email, EmailVerified: u.EmailVerified(), ConfirmedAt: u.EmailVerifiedAt, VouchedBy: u.EmailVouchedBy, Username: u.Username, Name: u.Name, Admin: u.Admin,
		Password: u.HasPassword(), stateView: stateOf(u), CreatedAt: u.CreatedAt,
	}
}

func (v userView) text(w io.Writer) {
	row(w, "id", v.ID)
	proof := map[bool]string{false: " (not proven)"}[v.EmailVerified]
	switch {
	case v.VouchedBy != "" && !v.EmailVerified:
		proof = " (not proven; began by the word of " + v.VouchedBy + ")"
	case v.VouchedBy != "":
		proof = " (" + v.VouchedBy + " says so, no mail has proven it)"
	}
	row(w, "e-mail", v.Email+proof)
	row(w, "username", v.Username)
	row(w, "name", v.Name)
	if v.Phone != "" {
		row(w, "phone", v.Phone)
	}
	if v.Address != (broker.Address{}) {
		row(w, "address", strings.ReplaceAll(v.Address.Formatted(), "\n", ", "))
	}
	if v.Locale != "" {
		row(w, "language", v.Locale)
	}
	v.details(w)
	row(w, "administrator", yesNo(v.Admin))
	row(w, "password", yesNo(v.Password))
	row(w, "created", v.CreatedAt)
	row(w, "confirmed", v.ConfirmedAt)
	v.stateView.text(w)
	for _, i := range v.Identities {
		row(w, "identity", i.Provider+" "+i.Subject+", linked "+when(i.LinkedAt)+", last used "+when(i.LastUsedAt))
	}
	if v.Sessions != nil {
		row(w, "sessions", *v.Sessions)
	}
	if s := v.SignIns; s != nil {
		row(w, "sign-ins", s.Count)
		row(w, "last sign-in", s.Last.words())
		if !s.Before.At.IsZero() {
			row(w, "the one before", s.Before.words())
		}
	}
}

type usersCreate struct {
	Email         string            `arg:"" help:"E-mail address; you vouch for it."`
	Name          string            `help:"Display name."`
	Username      string            `help:"Short name for applications."`
	Locale        string            `placeholder:"TAG" help:"Language, such as de."`
	Zone          string            `placeholder:"NAME" help:"Time zone, such as Europe/Zurich."`
	Affiliation   []string          `sep:"none" help:"Where the person works or studies; may be given several times."`
	Field         map[string]string `mapsep:"none" placeholder:"NAME=VALUE" help:"A field of accounts.profile.fields, its value in JSON or as text; may be given several times."`
	Admin         bool              `help:"May administer the installation."`
	PasswordStdin bool              `xor:"password" help:"Read a password from the first line of standard input. Otherwise the person sets one with \"lost password\", or signs in with a provider later."`
	HashStdin     bool              `name:"password-hash-stdin" xor:"password" help:"Read a password hash that another system made from the first line of standard input: argon2id, bcrypt, scrypt, pbkdf2-sha256 or -sha512, sha256-crypt, sha512-crypt, $$invenio-aes$$."`
	DoubleHash    bool              `help:"The hash is of HMAC-SHA512(accounts.invenio_password_salt, password), as Invenio and Flask-Security make them."`
	output
}

// Help teaches.
func (usersCreate) Help() string {
	return `Passwords are never taken from the command line, where other users of the machine could read them.

	broker users create ada@example.org --name "Ada Lovelace"
	pass show broker/ada | broker users create ada@example.org --admin --password-stdin

Someone who comes from another system keeps their password: give its hash, and the first sign-in replaces it by one of ours.

	cut -d: -f2 ada.shadow | broker users create ada@example.org --password-hash-stdin`
}

// Run creates the account.
func (c usersCreate) Run(ctx context.Context, p *program) error {
	if c.DoubleHash && !c.HashStdin {
		return errors.New("--double-hash says how a hash was made: give it with --password-hash-stdin")
	}
	n := local.NewUser{Email: c.Email, Name: c.Name, Username: c.Username, Locale: c.Locale, Admin: c.Admin, DoubleHash: c.DoubleHash}
	n.Details.Zone, n.Details.Affiliations = c.Zone, c.Affiliation
	var err error
	switch {
	case c.PasswordStdin:
		n.Password, err = firstLine(p.in, "password", ", or leave --password-stdin out")
	case c.HashStdin:
		n.PasswordHash, err = firstLine(p.in, "password hash", ", or leave --password-hash-stdin out")
	}
	if err != nil {
		return err
	}
	r, err := p.rooms(ctx)
	if err != nil {
		return err
	}
	defer r.close()
	n.Details.Fields = r.fieldValues(c.Field)
	u, err := r.accounts.Create(ctx, n)
	if errors.Is(err, local.ErrSignUpKnown) {
		return fmt.Errorf("%s has an account already; see: broker users show %s", printable(c.Email), printable(c.Email))
	}
	if err != nil {
		return formFailure(domainAdvice(err, c.Email), r)
	}
	v := viewUser(u)
	v.Locale, v.Details = u.Locale, u.Details
	return c.print(p.out, v, func(w io.Writer) {
		v.text(w)
		if !v.Password {
			fmt.Fprintf(w, "\n%s\n", r.firstStep())
		}
	})
}

// firstStep says what a person does whose account has no password.
func (r *rooms) firstStep() string {
	switch a := r.cfg.Accounts; {
	case a.Passwords:
		return "To set a password, the person opens " + r.base + "/lost-password/"
	case a.EmailCodes == "sign_in":
		return "To sign in with a code by mail, the person opens " + r.base + "/code/"
	case r.accounts.OnlyPasskeys() && len(r.cfg.Providers) == 0 && a.SignUp:
		return "To set up a passkey, the person opens " + r.base + "/signup/ and proves this address"
	case len(r.cfg.Providers) > 0:
		return "Nothing opens the account yet. With accounts.passwords: false, set accounts.email_codes: sign_in, or bring its identity along with \"broker users import\""
	}
	return "Nothing opens the account yet. With accounts.passwords: false, set accounts.email_codes: sign_in"
}

// firstLine reads a secret that an operator pipes in.
func firstLine(in io.Reader, what, otherwise string) (broker.Secret, error) {
	line, err := bufio.NewReader(io.LimitReader(in, 8<<10)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("standard input: %w", err)
	}
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return "", fmt.Errorf("there is no %s on standard input; pipe one in%s", what, otherwise)
	}
	return broker.Secret(line), nil
}

type usersList struct {
	After    string `placeholder:"ID" help:"Begin after this account."`
	Limit    int    `default:"100" help:"How many at most."`
	Waiting  bool   `help:"Only those that wait to be activated."`
	Blocked  bool   `help:"Only those that are blocked."`
	Disabled bool   `xor:"active" help:"Only those that nobody can use, for whatever reason."`
	Verified bool   `help:"Only those whose person somebody vouches for."`
	Closed   bool   `help:"Only those that their person has closed, and that are not erased yet."`
	Active   bool   `xor:"active" help:"Only those that can be used."`
	Domain   string `placeholder:"DOMAIN" help:"Only those with an address at this domain, or at a sub-domain."`
	Search   string `placeholder:"TEXT" help:"Only those with this in the address, the username or the name, in whatever case."`

	Unconfirmed bool `help:"Only those whose address nobody has proven."`
	Doubled     bool `help:"Only those whose address finds an older account, of which it is another spelling: they are from before spellings were compared."`
	output
}

// maxUsers bounds a list, so that a mistyped limit does not read everything at once.
const maxUsers = 10000

// maxSearch bounds a search, in characters: no name or address is longer.
const maxSearch = 320

// Run lists accounts.
func (c usersList) Run(ctx context.Context, p *program) error {
	if c.Limit < 1 || c.Limit > maxUsers {
		return fmt.Errorf("--limit %d: give a number from 1 to %d, and go on with --after", c.Limit, maxUsers)
	}
	_, db, _, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	filter := broker.UserFilter{Waiting: c.Waiting, Blocked: c.Blocked, Disabled: c.Disabled, Verified: c.Verified, Closed: c.Closed, Active: c.Active, Unconfirmed: c.Unconfirmed, Doubled: c.Doubled}
	if filter.Search = strings.TrimSpace(c.Search); utf8.RuneCountInString(filter.Search) > maxSearch || !utf8.ValidString(filter.Search) || strings.ContainsFunc(filter.Search, unicode.IsControl) {
		return fmt.Errorf("--search: give at most %d printable characters", maxSearch)
	}
	if c.Domain != "" {
		var err error
		if filter.Domains, err = broker.DomainForms(c.Domain); err != nil {
			return fmt.Errorf("--domain %s: %w", printable(c.Domain), err)
		}
	}
	users, err := db.UsersWho(ctx, filter, broker.UserID(c.After), c.Limit)
	if err != nil {
		return err
	}
	views := make([]userView, 0, len(users))
	for _, u := range users {
		views = append(views, viewUser(u))
	}
	return c.print(p.out, views, func(w io.Writer) {
		row(w, "ID", "E-MAIL", "USERNAME", "NAME", "ADMIN", "CREATED", "STATE")
		for _, v := range views {
			row(w, v.ID, v.Email, v.Username, v.Name, yesNo(v.Admin), v.CreatedAt, v.word())
		}
		if len(views) == c.Limit {
			fmt.Fprintf(w, "There may be more: --after %s\n", views[len(views)-1].ID)
		}
	})
}

// roomsFor opens everything that a command needs, and finds the user that it is about.
func (p *program) roomsFor(ctx context.Context, who string) (*rooms, broker.User, error) {
	r, err := p.rooms(ctx)
	if err != nil {
		return nil, broker.User{}, err
	}
	u, err := findUser(ctx, r.db, who)
	if err != nil {
		return nil, broker.User{}, errors.Join(err, r.close())
	}
	return r, u, nil
}

// findUser finds an account by what an operator has at hand.
func findUser(ctx context.Context, db *store.DB, who string) (broker.User, error) {
	u, err := db.User(ctx, broker.UserID(who))
	if errors.Is(err, broker.ErrNotFound) {
		if email, e := broker.NormalizeEmail(who); e == nil {
			u, err = db.UserByEmail(ctx, email)
		} else {
			u, err = db.UserByUsername(ctx, who)
		}
	}
	if errors.Is(err, broker.ErrNotFound) {
		return u, fmt.Errorf("there is no account %s; see: broker users list", printable(who))
	}
	return u, err
}

type usersShow struct {
	User string `arg:"" help:"Id, e-mail address or username."`
	output
}

// Run shows an account.
func (c usersShow) Run(ctx context.Context, p *program) error {
	r, u, err := p.roomsFor(ctx, c.User)
	if err != nil {
		return err
	}
	defer r.close()
	v := viewUser(u)
	v.Phone, v.Address, v.Locale, v.Details = u.Phone, u.Address, u.Locale, u.Details
	identities, err := r.db.IdentitiesOf(ctx, u.ID)
	if err != nil {
		return err
	}
	for _, i := range identities {
		v.Identities = append(v.Identities, identityView{Provider: i.Provider, Issuer: i.Issuer, Subject: i.Subject, LinkedAt: i.CreatedAt, LastUsedAt: i.LastUsedAt})
	}
	sessions, err := p.sessionsOf(ctx, r, u.ID)
	if err != nil {
		return err
	}
	if n := len(sessions); sessions != nil {
		v.Sessions = &n
	}
	signIns, err := r.db.SignInsOf(ctx, u.ID)
	if err != nil {
		return err
	}
	v.SignIns = &signInsView{Count: signIns.Times, Last: viewSignIn(signIns.Last), Before: viewSignIn(signIns.Before)}
	return c.print(p.out, v, v.text)
}
