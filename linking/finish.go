package linking

import (
	"context"
	"errors"
	"fmt"
	"time"

	"idbroker/broker"
)

// Refusals of Finish before the provider's word counts.
var (
	ErrIncomplete    = &broker.Error{Kind: broker.KindBadRequest, Message: "attempt.incomplete"}
	ErrAttempt       = &broker.Error{Kind: broker.KindGone, Message: "attempt.unknown"}
	ErrAttemptEnded  = &broker.Error{Kind: broker.KindGone, Message: "attempt.expired"}
	ErrOtherBrowser  = &broker.Error{Kind: broker.KindForbidden, Message: "attempt.browser"}
	ErrOtherProvider = &broker.Error{Kind: broker.KindForbidden, Message: "attempt.provider"}
)

// FinishRequest is a person's return from a provider.
type FinishRequest struct {
	Provider string // as the path of the callback names it
	Browser  broker.Secret
	Session  broker.Session
	Callback broker.Callback
	Locale   string // language of the page, BCP 47; an account that begins at once gets it
}

// Result is what became of a journey that was not refused.
type Result struct {
	Outcome Outcome
	Attempt broker.Attempt
	User    broker.User           // all but NewPerson
	How     broker.Authentication // SignedIn, Began, Found, Reauthenticated
	Profile broker.Profile
	Login   broker.Login // the attempt's login, brought up to date; made for a NewPerson who had none, and for AskReplace; ID "" none
	Known   bool         // NewPerson: the provider proved an address that an account here has proven too
}

// Refused wraps the error of a journey whose attempt is known, so that the page
// can offer the way on.
type Refused struct {
	Attempt broker.Attempt
	Err     error
}

func (r *Refused) Error() string { return "attempt at " + r.Attempt.Provider + ": " + r.Err.Error() }
func (r *Refused) Unwrap() error { return r.Err }

// Finish spends the attempt that the callback belongs to, lets the provider
// prove who came back, decides, and carries the decision out in one unit of
// work. A refusal is an error, a *Refused where the attempt was found; it has
// changed nothing but the attempt, and left word to end the tokens that came.
func (l *Linker) Finish(ctx context.Context, r FinishRequest) (Result, error) {
	at := time.Now()
	p, err := l.provider(r.Provider)
	if err != nil {
		return Result{}, err
	}
	a, err := l.attempt(ctx, r, at)
	refuse := func(err error) (Result, error) {
		l.refused(p.ID, err)
		if err = named(err, p); a.StateHash != "" {
			err = &Refused{a, err}
		}
		return Result{}, err
	}
	if err != nil {
		return refuse(err)
	}
	if err := l.store.SpendAttempt(ctx, a.StateHash, at); errors.Is(err, broker.ErrSpent) {
		return refuse(ErrAttemptEnded)
	} else if err != nil {
		return refuse(fmt.Errorf("spend attempt: %w", err))
	}
	profile, err := l.apps.Complete(ctx, r.Provider, a, r.Callback)
	if err != nil {
		l.endLater(ctx, p, profile, at)
		return refuse(err)
	}
	var res Result
	at = time.Now() // the provider may have taken its time
	settle := func() error {
		res = Result{Attempt: a, Profile: profile}
		return l.store.InTx(ctx, func(ctx context.Context) error { return l.settle(ctx, p, r, &res, at) })
	}
	if err = settle(); broker.KindOf(err) == broker.KindConflict && a.Purpose == broker.PurposeSignIn {
		err = settle() // another tab of theirs was faster; now there is an owner, or a holder
	}
	if errors.Is(err, broker.ErrConflict) {
		err = ErrTaken.Because(err) // somebody linked it between our read and our write
	}
	if err != nil {
		l.endLater(ctx, p, profile, at)
		l.log.InfoContext(ctx, "identity refused", "provider", p.ID, "purpose", a.Purpose, "err", err)
		return refuse(err)
	}
	l.log.InfoContext(ctx, "identity proven", "provider", p.ID, "purpose", a.Purpose, "outcome", res.Outcome, "user", res.User.ID)
	return res, nil
}

// Unreadable gives back the error of a callback whose parameters could not be
// read, and tells of it as Finish does of others. It belongs to no attempt.
func (l *Linker) Unreadable(provider string, err error) error {
	if p, unknown := l.provider(provider); unknown == nil {
		l.refused(p.ID, err)
	}
	return err
}

// named puts the provider's title into the message of an error of ours.
func named(err error, p broker.Provider) error {
	if e, ok := err.(*broker.Error); ok {
		return e.With("provider", p.Title)
	}
	return err
}

// attempt finds the attempt of a callback and checks that it is this browser's,
// this provider's, and still open. It does not spend it: whoever guesses
// wrongly must not end another's journey. The attempt comes back beside the
// error where it is this browser's.
func (l *Linker) attempt(ctx context.Context, r FinishRequest, at time.Time) (broker.Attempt, error) {
	if r.Callback.State == "" {
		return broker.Attempt{}, ErrIncomplete
	}
	a, err := l.store.Attempt(ctx, r.Callback.State.Hash())
	switch {
	case errors.Is(err, broker.ErrNotFound), err == nil && a.Purpose == broker.PurposeSignOut:
		return broker.Attempt{}, ErrAttempt
	case err != nil:
		return broker.Attempt{}, fmt.Errorf("find attempt: %w", err)
	case !r.Browser.Matches(a.BrowserHash):
		return broker.Attempt{}, ErrOtherBrowser
	case a.Provider != r.Provider:
		return a, ErrOtherProvider
	case !a.UsedAt.IsZero(), !at.Before(a.ExpiresAt):
		return a, ErrAttemptEnded
	case a.Purpose != broker.PurposeSignIn && r.Session.UserID != a.UserID:
		return a, ErrOtherUser
	case r.Callback.Code == "" && r.Callback.Error == "":
		return a, ErrIncomplete
	}
	return a, nil
}

// settle gathers the facts, decides and executes, inside a unit of work.
func (l *Linker) settle(ctx context.Context, p broker.Provider, r FinishRequest, res *Result, at time.Time) error {
	f, identity, err := l.facts(ctx, p, r.Session, res, at)
	if err != nil {
		return err
	}
	if err := l.address(ctx, &f, p, res); err != nil {
		return err
	}
	switch res.Outcome, err = Decide(f); {
	case errors.Is(err, broker.ErrDisabled) && f.Purpose == broker.PurposeSignIn && res.User.Closed():
		return &broker.Closed{User: res.User.ID, EraseAt: res.User.EraseAt} // by the person: they have just proven that it is them
	case errors.Is(err, broker.ErrDisabled) && res.User.Disabled() && !res.User.Closed():
		return res.User.Refusal() // blocked, or waiting
	case err != nil:
		return err
	}
	res.How = res.Profile.Authentication(at)
	if err := l.loadLogin(ctx, r.Browser, res, at); err != nil {
		return err
	}
	switch res.Outcome {
	case NewPerson:
		return l.newPerson(ctx, r.Browser, res, at)
	case AskReplace:
		return l.askReplace(ctx, r.Browser, r.Session, res, at)
	case Linked:
		return l.link(ctx, res.User, res.Profile, "linked", p.Title, at)
	case Began:
		err = l.beginWith(ctx, p, r.Locale, res, at)
	case Found:
		err = l.find(ctx, p, f.Holder, res, at)
	case SignedIn:
		if err = l.refresh(ctx, identity, res.Profile, at); err == nil {
			err = l.setProfile(ctx, p, res, at)
		}
	default:
		err = l.refresh(ctx, identity, res.Profile, at)
	}
	if err != nil {
		return err
	}
	if f.Purpose == broker.PurposeSignIn && res.Login.ID != "" {
		if res.Login.SignUp = nil; res.Outcome == Began || !res.Login.Holds(res.Profile) {
			res.Login.Remote = nil // nothing waited, or what did has an owner now
		} // else: they have proven an account for it, and are asked
		res.Login.Authenticated(res.User.ID, res.How)
		return l.store.SaveLogin(ctx, res.Login)
	}
	return nil
}

// facts reads what the decision looks at. res.User becomes the actor of a link
// or reauth and the owner of a sign-in.
func (l *Linker) facts(ctx context.Context, p broker.Provider, s broker.Session, res *Result, at time.Time) (Facts, broker.KnownIdentity, error) {
	f := Facts{
		Purpose: res.Attempt.Purpose, Expects: res.Attempt.UserID,
		Hidden: p.Hidden, LinkOnly: p.LinkOnly, SignUp: l.signUp(p), Second: p.Second, LinkByEmail: p.LinkByEmail,
		Actor: s.UserID, Fresh: s.Fresh(l.fresh, at),
	}
	if f.Actor != "" && f.Purpose != broker.PurposeSignIn {
		// Locked, so that two tabs cannot both see that there is no other
		// identity of this provider.
		actor, err := l.store.LockUser(ctx, f.Actor)
		if err != nil {
			return f, broker.KnownIdentity{}, fmt.Errorf("lock user: %w", err)
		}
		res.User, f.ActorDisabled = actor, actor.Disabled()
		others, err := l.others(ctx, f.Actor, res.Profile)
		if err != nil {
			return f, broker.KnownIdentity{}, err
		}
		f.Others = len(others)
	}
	identity, err := l.store.KnownIdentity(ctx, res.Profile.Provider, res.Profile.Issuer, res.Profile.Subject)
	switch {
	case errors.Is(err, broker.ErrNotFound):
		return f, identity, nil
	case err != nil:
		return f, identity, fmt.Errorf("find identity: %w", err)
	}
	owner := identity.Owner
	if owner.ID == "" {
		return f, identity, fmt.Errorf("find owner: identity %s has none", identity.ID)
	}
	f.Owner, f.OwnerDisabled = owner.ID, owner.Disabled()
	if f.Purpose == broker.PurposeSignIn {
		res.User = owner
	}
	return f, identity, nil
}

// others returns a user's further identities at the provider of a profile.
func (l *Linker) others(ctx context.Context, user broker.UserID, p broker.Profile) ([]broker.UserIdentity, error) {
	all, err := l.store.IdentitiesOf(ctx, user)
	if err != nil {
		return nil, fmt.Errorf("identities: %w", err)
	}
	var others []broker.UserIdentity
	for _, id := range all {
		if id.Provider == p.Provider && (id.Issuer != p.Issuer || id.Subject != p.Subject) {
			others = append(others, id)
		}
	}
	return others, nil
}

// loadLogin brings the attempt's login, when it is still this browser's and
// under way. A login that has ended is no reason to refuse the person.
func (l *Linker) loadLogin(ctx context.Context, browser broker.Secret, res *Result, at time.Time) error {
	if res.Attempt.LoginID == "" {
		return nil
	}
	login, err := l.store.Login(ctx, res.Attempt.LoginID)
	if errors.Is(err, broker.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("find login: %w", err)
	}
	if login.Live(browser, at) {
		res.Login = login
	}
	return nil
}

// newPerson keeps what was proven until the person signs up, or proves an
// account of theirs.
func (l *Linker) newPerson(ctx context.Context, browser broker.Secret, res *Result, at time.Time) error {
	profile := res.Profile
	fresh := res.Login.ID == ""
	if other := res.Login; other.Holds(profile) { // another tab's: it goes on there, this one gets a login of its own
		res.Login.ID, res.Login.StartedAt, res.Login.ExpiresAt = broker.LoginID(broker.NewID()), at, at.Add(broker.LoginLifetime)
		fresh = true
	} else if fresh {
		res.Login = broker.Login{
			ID: broker.LoginID(broker.NewID()), BrowserHash: browser.Hash(), ReturnTo: res.Attempt.ReturnTo,
			StartedAt: at, ExpiresAt: at.Add(broker.LoginLifetime),
		}
	}
	res.Login.UserID, res.Login.SignUp, res.Login.Remote = "", nil, &profile
	if fresh {
		return l.store.CreateLogin(ctx, res.Login)
	}
	return l.store.SaveLogin(ctx, res.Login)
}
