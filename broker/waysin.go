package broker

// SiteWays is what opens accounts here, beside identities at providers.
type SiteWays struct {
	Passwords     bool
	UsernamesOnly bool // a password is asked for together with a username, and with nothing else
	Passkeys      bool
	Codes         bool // a code that is mailed to the address of an account
}

// Openers is what an account has that may open it.
type Openers struct {
	User       User
	Passkeys   int
	Identities int  // those whose providers let people sign in today
	Barred     bool // the domain of the address is blocked: nobody can prove an address there
}

// WaysIn are the ways by which the person of an account can come in.
type WaysIn struct {
	Password   bool
	Passkeys   int
	Identities int
	Code       bool // a mailed code opens the account

	// Kept tells that Code may be all that is left. It is false where only a provider
	// said that the person reads that mail: they may never get it, and whoever does
	// takes the account over. It is false for a blocked domain, too, whose accounts an operator
	// is about to block or to move.
	Kept bool
}

// Of is the whole rule about how a person can come in: whoever takes something from an
// account asks it about what stays.
func (s SiteWays) Of(o Openers) WaysIn {
	w := WaysIn{Password: s.Passwords && o.User.HasPassword(), Identities: o.Identities}
	if s.UsernamesOnly && o.User.Username == "" {
		w.Password = false // nobody can say whose it is
	}
	if s.Passkeys {
		w.Passkeys = o.Passkeys
	}
	w.Code = s.Codes && o.User.Email != "" && o.User.EmailVerified()
	w.Kept = w.Code && o.User.EmailProven() && !o.Barred
	return w
}

// Recoverable tells whether whoever reads the mail of an account gets in, be it with a
// new password. What a mail takes back may leave nothing else.
func (s SiteWays) Recoverable(u User) bool { return (s.Passwords || s.Codes) && u.EmailVerified() }

// Count is how many things open the account.
func (w WaysIn) Count() int {
	n := w.Passkeys + w.Identities
	if w.Password {
		n++
	}
	if w.Code {
		n++
	}
	return n
}

// Lasting is how many of them a person may be left with: all but a code that is not Kept.
func (w WaysIn) Lasting() int {
	n := w.Count()
	if w.Code && !w.Kept {
		n--
	}
	return n
}

// OnlyCode tells whether a mailed code is all that opens the account.
func (w WaysIn) OnlyCode() bool { return w.Code && w.Count() == 1 }
