package broker

import "time"

// SignIns are a person's latest sign-in and the one before it. They are kept with
// EventSignedIn, in its unit of work.
type SignIns struct {
	UserID UserID
	Times  int    // sign-ins in all since they are counted; 0 none
	Last   SignIn // the latest
	Before SignIn // the one before it; zero: none
}

// SignIn is what is remembered of a sign-in.
type SignIn struct {
	At       time.Time
	IP       string            // "" unknown, or forgotten
	Provider string            // "" none
	Detail   map[string]string // as EventSignedIn has it
}
