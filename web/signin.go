package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/sessions"

	"idbroker/broker"
)

// identify makes the session and the login speak of the same person. Who has
// just been authenticated gets a session, once: a login whose session has been
// ended elsewhere has lost its person, and one whose person owes a second factor
// waits for it. A login that knows nobody takes the
// session's user, unless it must not, or an identity waits in it.
func (s *Server) identify(w http.ResponseWriter, r *http.Request, l *broker.Login) error {
	v := visitOf(r)
	if l.UserID != "" {
		present := v.session.UserID == l.UserID
		switch {
		case present && !v.session.AuthTime.Before(l.AuthTime) && (v.session.ACR == l.ACR || v.session.ACR == broker.ACRSecond):
			l.SID, l.AMR, l.ACR = v.session.SID, v.session.AMR, v.session.ACR
			if l.ACR == broker.ACRSecond { // what is owed was shown for that session
				l.OwesFactor, l.SetsUpFactor = false, false
			}
			return nil
		case l.OwesFactor:
			return nil
		case present && l.SID == v.session.SID:
			if err := s.strengthen(w, r, l); err != nil || l.UserID != "" {
				return err
			}
		case l.SID == "":
			if err := s.startSession(w, r, l); err != nil || l.UserID != "" {
				return err
			}
		}
		l.UserID, l.SID = "", ""
	}
	if v.user != nil && !l.Force && l.Remote == nil && l.SignUp == nil {
		l.Authenticated(v.user.ID, broker.Authentication{At: v.session.AuthTime, AMR: v.session.AMR, ACR: v.session.ACR, Provider: v.session.Provider})
		l.SID = v.session.SID
	}
	return nil
}

// amrCode stands for a mailed code in broker.DetailAMR.
const amrCode = broker.AMROTP

// factorDetail is the detail that says who stood for the second factor, where that
// was not shown here.
const factorDetail = "second_factor"

var (
	// errOutThere: the provider has told meanwhile that the person is out.
	errOutThere = errors.New("signed out at the provider")
	// errOutHere: another password was set meanwhile, or somebody else ended every session.
	errOutHere = errors.New("signed out everywhere")
	// errForgotten: the browser is remembered no longer.
	errForgotten = errors.New("browser forgotten")
)

// startSession signs the login's user in on this browser, under a new id. It
// replaces the session that stood; somebody else's ends as if signed out. The
// same person keeps the sid, since it is the same stay. A login that has waited
// for its browser since before the password was changed, or a change of links
// was taken back, or the provider said that the person had signed out there,
// loses its person: that ended whatever stood. Who owes a
// second factor gets no session.
func (s *Server) startSession(w http.ResponseWriter, r *http.Request, l *broker.Login) error {
	v, ctx := visitOf(r), r.Context()
	user, err := v.proven, error(nil)
	if user.ID != l.UserID {
		if user, err = s.store.User(ctx, l.UserID); err != nil {
			return fmt.Errorf("user of login: %w", err)
		}
	}
	if user.Disabled() {
		return user.Refusal()
	}
	if l.AuthTime.Before(user.SignedOutAt) || l.AuthTime.Before(v.at) && l.AuthTime.Before(user.PasswordSetAt) {
		l.UserID = ""
		return nil
	}
	remembered, owes, err := s.owesFactor(r, l, user)
	if err != nil || owes {
		return err
	}
	b := beginning{user: user, row: s.rowFor(v, l, broker.RequestOf(ctx)), up: l.Upstream, isNew: s.o.NewBrowserMail && user.EmailVerified() && !s.knowsBrowser(r, user)}
	b.row.Remembered = remembered
	l.SID, l.Upstream = b.row.SID, broker.Upstream{} // the session has it from now on
	b.jar = sessions.NewSession(s.sessions, sessionCookie)
	b.jar.Values[rowKey{}], b.jar.Values[provenKey{}] = b.row, user
	switch err := s.begin(ctx, v, l, &b); {
	case errors.Is(err, errForgotten):
		l.SID = ""
		l.Owe(true)
		return nil
	case errors.Is(err, errOutThere), errors.Is(err, errOutHere):
		l.UserID = ""
		return nil
	case err != nil:
		return err
	}
	s.o.Wake() // whoever was here before may have applications to tell
	s.wearSession(w, r, l, &b)
	v.jar, v.session, v.user = b.jar, rowOf(b.jar), &user
	s.log.InfoContext(ctx, "signed in", "user", user.ID, "provider", l.Provider, "client", l.ClientID, "acr", l.ACR, "two factors there", v.twoThere)
	return nil
}

// owesFactor tells whether the person of a login owes it a second factor or another way
// in, which the login notes. remembered is the browser that was remembered in place of
// the factor; "" none.
func (s *Server) owesFactor(r *http.Request, l *broker.Login, user broker.User) (remembered string, owes bool, err error) {
	ctx := r.Context()
	if s.accounts.OwesFactor(user, l.ACR) {
		if !l.Force { // who proves anew that they are there shows all that they have
			if remembered, err = s.accounts.Remembered(ctx, user, s.cookies.secretCookie(r, rememberCookie)); err != nil {
				return "", false, err
			}
		}
		if remembered == "" {
			has, err := s.hasFactor(ctx, user)
			if err == nil {
				l.Owe(has)
			}
			return "", true, err
		}
	}
	// After a factor that they have: a passkey set up here shall not stand in for it.
	lacks, err := s.lacksWayIn(ctx, user, *l)
	if err == nil && lacks {
		l.Owe(false)
	}
	return remembered, lacks, err
}

// rowFor is the session that a login begins.
func (s *Server) rowFor(v *visit, l *broker.Login, request broker.Request) broker.Session {
	row := broker.Session{
		SID: broker.NewID(), UserID: l.UserID, AuthTime: l.AuthTime, AMR: l.AMR, ACR: l.ACR, Provider: l.Provider,
		UserAgent: request.UserAgent, IP: request.IP, IPAt: v.at, CreatedAt: v.at, LastSeenAt: v.at, ExpiresAt: v.at.Add(s.o.SessionAbsolute),
	}
	if v.session.UserID == l.UserID {
		row.SID = v.session.SID
	}
	if s.o.Remember > 0 && (l.Remember || v.session.UserID == l.UserID && v.session.Lasting) {
		row.Lasting, row.ExpiresAt = true, v.at.Add(s.o.Remember)
	}
	return row
}

// beginning is a session that begins.
type beginning struct {
	user   broker.User
	row    broker.Session
	up     broker.Upstream // that a provider has told of it
	isNew  bool            // its owner is told of the browser
	jar    *sessions.Session
	cookie *http.Cookie // that begin makes
}

// begin writes a session, with all that has to be true with it. errOutHere, errOutThere
// or errForgotten where it may not begin any more.
func (s *Server) begin(ctx context.Context, v *visit, l *broker.Login, b *beginning) error {
	return s.store.InTx(ctx, func(ctx context.Context) (err error) {
		// The user comes first, as where a password is set: units that wait for each other end badly.
		if b.cookie, err = s.sessions.write(ctx, b.jar); errors.Is(err, broker.ErrSpent) {
			return errOutHere
		} else if err != nil {
			return err
		}
		if b.row.Remembered != "" {
			if err := s.store.TouchRemembered(ctx, b.row.Remembered, v.at); errors.Is(err, broker.ErrSpent) {
				return errForgotten
			} else if err != nil {
				return err
			}
		}
		if err := s.endSession(ctx, v, b.row.SID, v.at); err != nil {
			return err
		}
		if b.up != (broker.Upstream{}) {
			if err := s.store.CreateUpstream(ctx, rowOf(b.jar).IDHash, l.Provider, b.up, l.AuthTime); errors.Is(err, broker.ErrSpent) {
				return errOutThere
			} else if err != nil {
				return err
			}
		}
		if l.ID != "" {
			if err := s.store.SaveLogin(ctx, *l); err != nil {
				return s.ended(err)
			}
		}
		e := broker.NewEvent(ctx, broker.EventSignedIn, v.at)
		e.UserID, e.SID, e.Provider, e.ClientID = b.user.ID, b.row.SID, l.Provider, l.ClientID
		e.Detail = signInDetail(*l, v.twoThere, b.row.Remembered != "", b.isNew)
		if err := s.store.AddEvent(ctx, e); err != nil || !b.isNew {
			return err
		}
		notice := broker.SignInNotice{UserID: b.user.ID, SID: b.row.SID, At: v.at, Mail: s.mailFrom(broker.RequestOf(ctx), b.user, "new-browser", v.at)}
		return s.store.EnqueueUnlessFirst(ctx, notice.Entry(v.at), b.user.ID)
	})
}

// wearSession gives the browser the cookies of a session that has begun.
func (s *Server) wearSession(w http.ResponseWriter, r *http.Request, l *broker.Login, b *beginning) {
	http.SetCookie(w, b.cookie)
	if s.o.NewBrowserMail {
		s.rememberBrowser(w, r, b.user)
	}
	s.setStateOf(w, b.row, visitOf(r).at)
	s.hasChosen(w, r)
	last := lastPassword
	if begunBy(l) == broker.AMRKey {
		last = lastPasskey
	}
	http.SetCookie(w, s.cookies.make(lastCookie, or(l.Provider, last), keepChoice))
	if s.identifiesFirst() {
		s.rememberWay(w, r, b.user, wayIn(l))
	}
}

// begunBy is what began a login's session: the first thing that was proven; "" a
// provider or a password.
func begunBy(l *broker.Login) string {
	if l.Provider == "" && len(l.AMR) > 0 && (l.AMR[0] == amrCode || l.AMR[0] == broker.AMRKey) {
		return l.AMR[0]
	}
	return ""
}

// signInDetail is what the event of a sign-in tells of how it was done; nil nothing.
func signInDetail(l broker.Login, twoThere, remembered, newBrowser bool) map[string]string {
	d := map[string]string{}
	if by := begunBy(&l); by != "" {
		d[broker.DetailAMR] = by
	}
	if l.ACR == broker.ACRSecond {
		d[broker.DetailFactor] = "1"
	}
	if twoThere {
		d[factorDetail], d["provider_amr"] = "provider", strings.Join(l.AMR, " ")
	}
	if remembered {
		d[factorDetail] = "remembered"
	}
	if newBrowser {
		d[broker.DetailBrowser] = "new"
	}
	if len(d) == 0 {
		return nil
	}
	return d
}

// endSession removes the visit's session inside a unit of work. Unless it goes
// on under keepSID, what hangs on it ends too.
func (s *Server) endSession(ctx context.Context, v *visit, keepSID string, at time.Time) error {
	if v.jar.ID == "" {
		return nil
	}
	if err := s.store.DeleteSession(ctx, v.jar.ID); err != nil && !errors.Is(err, broker.ErrNotFound) {
		return fmt.Errorf("delete session: %w", err)
	}
	if v.session.UserID == "" || v.session.SID == keepSID {
		return nil
	}
	return s.sessionEnded(ctx, v.session.UserID, v.session.SID, at)
}

// sessionEnded tells the other rooms that a session is over.
func (s *Server) sessionEnded(ctx context.Context, user broker.UserID, sid string, at time.Time) error {
	if err := s.tokens.SessionEnded(ctx, user, sid); err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	e := broker.NewEvent(ctx, broker.EventSignedOut, at)
	e.UserID, e.SID = user, sid
	return s.store.AddEvent(ctx, e)
}

// signOut ends the session of this browser. The browser's tie to its logins
// goes too: whoever sits down next cannot go on with one.
func (s *Server) signOut(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	err := s.store.InTx(r.Context(), func(ctx context.Context) error { return s.endSession(ctx, v, "", v.at) })
	if err != nil {
		return err
	}
	s.o.Wake()
	if v.user != nil {
		s.log.InfoContext(r.Context(), "signed out", "user", v.user.ID)
	}
	v.session, v.user = broker.Session{}, nil
	v.jar = sessions.NewSession(s.sessions, sessionCookie)
	http.SetCookie(w, s.cookies.make(sessionCookie, "", -1))
	s.setState(w, "")
	s.wantsChoice(w) // or a session at the provider would sign them in again
	s.forgetBrowser(w, r)
	return nil
}
