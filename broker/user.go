package broker

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// UserID is the "sub" of a user: opaque, at most 255 ASCII characters, never
// reassigned (OpenID Connect Core 1.0, section 2).
type UserID string

// User is a person's account. An account begins when its e-mail address is
// proven by a mail or, where the operator lets that count, by a provider's word;
// so a row with an unproven address exists only where an operator made it.
type User struct {
	ID              UserID
	Email           string    // as NormalizeEmail returns it; unique among users, as FoldEmail compares
	EmailVerifiedAt time.Time // zero: never proven
	EmailVouchedBy  string    // provider by whose word alone the account began; "" a mail proved its address since, or an operator vouches
	Username        string    // preferred_username; "" none; unique ignoring case
	Name            string    // display name as the person wrote it; "" none
	Locale          string    // BCP 47; "" not chosen
	Phone           string    // as NormalizePhone returns it; "" none. Nobody has proven it
	Address         Address   // postal; zero: none
	Details         Details   // what else they tell; zero: nothing
	PasswordHash    Secret    // PHC string; "" no password
	PasswordSetAt   time.Time // zero: never
	Admin           bool      // may use the administration pages and claim nothing more
	VerifiedAt      time.Time // since when somebody vouches for the person, beyond the address; zero: nobody does
	VerifiedBy      string    // e-mail domain that vouches; "" an operator does, or nobody
	DisabledAt      time.Time // since when nobody comes in; zero: active. Whoever is blocked, waits or has closed the account is disabled, too
	BlockedAt       time.Time // since when an operator keeps the person out for a reason; zero: not blocked
	BlockedReason   string    // as the person reads it, who has proven a credential; "" none was given
	WaitingAt       time.Time // since when a newcomer waits for an operator to activate the account; zero: they do not
	EraseAt         time.Time // when it is erased, since its person closed it (at DisabledAt); zero: not closed
	SecondFactorAt  time.Time // since when a second factor is asked for at sign-in; zero: there is none
	SignedOutAt     time.Time // who was authenticated before this and has no session yet begins anew; zero: never
	KnownSince      time.Time // browsers that were signed in before this are strangers to the account (KnownStamp); zero: none are. UpdateUser leaves it
	CreatedAt       time.Time
	UpdatedAt       time.Time
	Version         int // counts changes; UpdateUser compares it
}

// Disabled tells whether nobody comes in, for whatever reason: an operator has disabled
// or blocked the account, or has yet to activate it, or its person has closed it.
// Every way in asks this one fact, here or in SQL; Refusal says why.
func (u User) Disabled() bool { return !u.DisabledAt.IsZero() }

// Closed tells whether its person has closed the account. It can be reopened until
// EraseAt.
func (u User) Closed() bool { return !u.EraseAt.IsZero() }

// Verified tells whether somebody vouches for the person.
func (u User) Verified() bool { return !u.VerifiedAt.IsZero() }

// Blocked tells whether an operator keeps the person out.
func (u User) Blocked() bool { return !u.BlockedAt.IsZero() }

// Waiting tells whether an operator has yet to activate the account.
func (u User) Waiting() bool { return !u.WaitingAt.IsZero() }

// Refusal is why nobody comes in, for whoever has proven a credential and for nobody
// else: ErrDisabled, whose words say whether it is blocked or waits, or ErrClosed; nil
// the account is active.
func (u User) Refusal() error {
	switch {
	case u.Blocked() && u.BlockedReason != "":
		return ErrDisabled.Why("account.blocked_for").With("reason", u.BlockedReason)
	case u.Blocked():
		return ErrDisabled.Why("account.blocked")
	case u.Waiting():
		return ErrDisabled.Why("account.waiting")
	case u.Closed():
		return ErrClosed
	case u.Disabled():
		return ErrDisabled
	}
	return nil
}

// EmailVerified tells whether the address counts as the person's, whoever says so.
func (u User) EmailVerified() bool { return !u.EmailVerifiedAt.IsZero() }

// EmailProven tells whether the address was proven here, by a mail or an
// operator, and not by the word of a provider alone.
func (u User) EmailProven() bool { return u.EmailVerified() && u.EmailVouchedBy == "" }

// HasPassword tells whether a password opens the account.
func (u User) HasPassword() bool { return u.PasswordHash != "" }

// HasSecondFactor tells whether whoever signs in must show a second factor.
func (u User) HasSecondFactor() bool { return !u.SecondFactorAt.IsZero() }

// Called is what to call the person on a page: name, username or address.
func (u User) Called() string {
	switch {
	case u.Name != "":
		return u.Name
	case u.Username != "":
		return u.Username
	}
	return u.Email
}

const (
	// maxEmail is the longest address that can be in an SMTP path (RFC 5321,
	// section 4.5.3.1.3, less the angle brackets).
	maxEmail = 254
	// MaxName bounds a display name, in code points: long enough for every
	// real name that we know, short enough for a page and a token.
	MaxName = 200
	// MaxUsername bounds a username, in code points.
	MaxUsername = 64
)

// ErrEmail: the text is not an address that we can send mail to.
var ErrEmail = &Error{Kind: KindInvalid, Message: "field.email_invalid", Field: "email"}

// NormalizeEmail trims and lower-cases an address and checks its form: one "@",
// a local part of at most 64 bytes without spaces or control characters, and a domain with a
// dot or "localhost". Anything more is for the mail that proves it to find out.
// A quoted local part is refused: it serves attackers more than people. So are the
// letters outside ASCII whose lower case is in it (the sign of kelvin, the dotted
// capital I): "mİke@example.org" and "mike@example.org" are two mailboxes. A domain whose
// letters are other forms of ASCII ones ("ｅxample.org") is written in ASCII; one in a language of its own stays as
// it was written, and FoldEmail compares.
func NormalizeEmail(s string) (string, error) {
	if !utf8.ValidString(s) || strings.ContainsFunc(s, becomesASCII) {
		return "", ErrEmail
	}
	s = strings.ToLower(strings.TrimSpace(s))
	local, domain, ok := strings.Cut(s, "@")
	if d := otherDots.Replace(domain); d != domain {
		domain = d
		s = local + "@" + domain
	}
	switch {
	case !ok, local == "", domain == "", len(s) > maxEmail, len(local) > 64,
		strings.ContainsAny(s, "\"(),:;<>[\\]"), strings.Contains(domain, "@"),
		strings.HasPrefix(domain, "."), strings.HasSuffix(domain, "."), strings.Contains(domain, ".."),
		strings.HasPrefix(domain, "-"), strings.HasPrefix(local, "."), strings.HasSuffix(local, "."), strings.Contains(local, ".."),
		!strings.Contains(domain, ".") && domain != "localhost", strings.ContainsFunc(domain, noHost):
		return "", ErrEmail
	}
	for _, r := range s {
		if unicode.IsSpace(r) || !unicode.IsPrint(r) {
			return "", ErrEmail
		}
	}
	if name, err := DomainName(domain); !isASCII(domain) && err == nil && !strings.Contains(name, aceMark) {
		return local + "@" + name, nil
	}
	return s, nil
}

// otherDots are what resolvers read as the dot of a domain (UTS 46, section 2.3), and input
// methods write in its place: two spellings of one mailbox are one address.
var otherDots = strings.NewReplacer("\u3002", ".", "\uff0e", ".", "\uff61", ".")

// becomesASCII tells whether lower case makes an ASCII letter of what is none.
func becomesASCII(r rune) bool { return r >= utf8.RuneSelf && unicode.ToLower(r) < utf8.RuneSelf }

// noHost tells whether no domain of a mailbox has r in it (RFC 5321, section
// 4.1.2; RFC 6531, section 3.3, adds what is not ASCII). Mail there would
// never arrive, and the person would wait for it.
func noHost(r rune) bool {
	return r < utf8.RuneSelf && !('a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '-' || r == '.')
}

// MaskEmail shows enough of an address to recognise one's own:
// "a…@example.org". For who has not proven it.
func MaskEmail(s string) string {
	local, domain, ok := strings.Cut(s, "@")
	if !ok || local == "" {
		return "…"
	}
	r, _ := utf8.DecodeRuneInString(local)
	return string(r) + "…@" + domain
}

// CleanName trims a display name and tells whether it can be one: printable,
// at most MaxName code points. "" is fine.
func CleanName(s string) (string, bool) {
	s = strings.Join(strings.Fields(s), " ")
	if !utf8.ValidString(s) || utf8.RuneCountInString(s) > MaxName {
		return "", false
	}
	for _, r := range s {
		if !unicode.IsPrint(r) || invisible(r) {
			return "", false
		}
	}
	return s, true
}

// CleanUsername trims a username and tells whether it can be one: letters,
// digits, and ".", "_", "-" between them; at most MaxUsername code points. It cannot
// look like an address. "" is fine.
func CleanUsername(s string) (string, bool) {
	s = strings.TrimSpace(s)
	if !utf8.ValidString(s) || utf8.RuneCountInString(s) > MaxUsername {
		return "", false
	}
	for _, r := range s {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("._-", r) {
			return "", false
		}
	}
	return s, strings.Trim(s, "._-") == s
}

// FoldCase makes one text of all usernames that are the same one: they differ in case only, as
// strings.EqualFold compares: the least of the runes that fold together stands
// for them. Databases disagree on this (SQLite's lower() knows ASCII only), so
// they are not asked.
func FoldCase(s string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			least = min(least, f)
		}
		return least
	}, s)
}
