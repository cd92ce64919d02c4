package local

import (
	"context"
	"strconv"
	"time"

	"idbroker/broker"
)

const (
	// maxAlike is the last number that is put behind a username that somebody has.
	maxAlike = 9
	// randomAlike is how often a random number is tried after that, where everybody needs
	// a username, and randomDigits how long it is: with ten thousand of one name,
	// eight tries all fail once in a hundred million.
	randomAlike  = 8
	randomDigits = 5
)

// alike is a username that somebody can be given who is called wanted elsewhere: that
// one, or one with a number. "" where it breaks the rules, or none of them is free.
func (a *Accounts) alike(ctx context.Context, wanted string) (string, error) {
	first, bad := a.o.Usernames.username(wanted)
	if bad != nil || first == "" {
		return "", nil
	}
	tries := []string{first}
	for n := 2; n <= maxAlike; n++ {
		tries = append(tries, a.o.Usernames.numbered(first, strconv.Itoa(n)))
	}
	if a.NeedUsername() {
		for range randomAlike {
			digits := ""
			for range randomDigits {
				digits += strconv.Itoa(randomBelow(10))
			}
			tries = append(tries, a.o.Usernames.numbered(first, digits))
		}
	}
	for _, name := range tries {
		if name == "" {
			continue
		}
		if taken, err := a.taken(ctx, name, ""); err != nil {
			return "", err
		} else if !taken {
			return name, nil
		}
	}
	return "", nil
}

// numbered is a username with digits behind it, cut so that both fit; "" where the
// rules allow none.
func (u Usernames) numbered(name, digits string) string {
	most := u.Max
	if most == 0 {
		most = broker.MaxUsername
	}
	letters := []rune(name)
	if over := len(letters) + len(digits) - most; over > 0 {
		if over >= len(letters) {
			return ""
		}
		letters = letters[:len(letters)-over]
	}
	out, bad := u.username(string(letters) + digits)
	if bad != nil {
		return ""
	}
	return out
}

// Nameable tells whether an account that begins with what a provider calls its person
// can have a username, or needs none. Where not, the person is asked.
func (a *Accounts) Nameable(ctx context.Context, wanted string) (bool, error) {
	if !a.NeedUsername() {
		return true, nil
	}
	name, err := a.alike(ctx, wanted)
	return name != "", err
}

// otherwise is the username of a form that somebody else has taken since: where everybody
// needs one, one like it; "" elsewhere.
func (a *Accounts) otherwise(ctx context.Context, taken string) (string, error) {
	if !a.NeedUsername() {
		return "", nil
	}
	return a.alike(ctx, taken)
}

// tellUsername mails somebody that they have another username than the one they chose:
// it is what they sign in with.
func (a *Accounts) tellUsername(ctx context.Context, u broker.User, wanted string, at time.Time) error {
	return a.store.Enqueue(ctx, mail(ctx, u.Email, "username-given", u.Locale, at, map[string]string{
		"name": u.Name, "old": wanted, "new": u.Username, "link": a.o.Issuer + "/account/settings/username/",
	}))
}
