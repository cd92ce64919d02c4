package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/gorilla/sessions"

	"idbroker/broker"
)

// Lifetimes of sessions. Hour-long pauses are part of a working day; a night is not.
const (
	defaultIdle     = 2 * time.Hour
	defaultAbsolute = 12 * time.Hour
	// touchEvery bounds how often a session's row is written because it was
	// seen: reading pages must not become writing the database.
	touchEvery = time.Minute
	// maxUserAgent bounds Session.UserAgent, in bytes.
	maxUserAgent = 255
)

// sessionRows is what sessionStore needs of the database.
type sessionRows interface {
	CreateSession(ctx context.Context, s broker.Session) error
	CreateSessionOf(ctx context.Context, s broker.Session, u broker.User) error
	SessionUser(ctx context.Context, idHash string) (broker.Session, broker.User, error)
	SaveSession(ctx context.Context, s broker.Session) error
	SaveSessionData(ctx context.Context, s broker.Session) error
	TouchSession(ctx context.Context, s broker.Session) error
	DeleteSession(ctx context.Context, idHash string) error
}

// sessionStore is a sessions.Store whose cookie carries 256 random bits and
// whose database keeps their hash and everything else. sessions.Session.ID is
// the hash, never the cookie's value.
type sessionStore struct {
	rows           sessionRows
	cookies        cookies
	theft          *theftGuard
	idle, absolute time.Duration
	remember       time.Duration // how long a session outlives its browser; 0 none does
}

var _ sessions.Store = (*sessionStore)(nil)

// rowKey is where sessions.Session.Values keeps the broker.Session.
type rowKey struct{}

// userKey is where sessions.Session.Values keeps the broker.User that was read
// with the session.
type userKey struct{}

// provenKey is the user that a session which begins is for, as they were authenticated.
type provenKey struct{}

// stolenKey is a session that New has found to be stolen (stolen), endedKey that the browser
// shows one that has ended, and turnKey the cookie that it is to have from now on.
type (
	stolenKey struct{}
	endedKey  struct{}
	turnKey   struct{}
)

// rowOf returns the row of a session; the zero value where it has none.
func rowOf(s *sessions.Session) broker.Session {
	row, _ := s.Values[rowKey{}].(broker.Session)
	return row
}

// Get returns the session of the request, reading it once.
func (s *sessionStore) Get(r *http.Request, name string) (*sessions.Session, error) {
	return sessions.GetRegistry(r).Get(s, name)
}

// New reads the session that the request's cookie opens. A missing, malformed,
// unknown or dead one gives a session without a row, and no error; an error is the
// database's.
func (s *sessionStore) New(r *http.Request, name string) (*sessions.Session, error) {
	session := sessions.NewSession(s, name)
	session.IsNew = true
	secret := s.cookies.secretCookie(r, sessionCookie)
	if secret == "" {
		return session, nil
	}
	ctx, at := r.Context(), time.Now()
	row, user, err := s.rows.SessionUser(ctx, secret.Hash())
	if errors.Is(err, broker.ErrNotFound) {
		session.Values[endedKey{}] = true
		return session, nil
	}
	if err != nil {
		return session, fmt.Errorf("read session: %w", err)
	}
	if !s.alive(row, at) {
		session.Values[endedKey{}] = true
		return session, nil // the row stays until its end: its applications hear of it then (tokens.EndExpiredSessions)
	}
	seen := s.theft.look(r, secret, row, at)
	if seen.why != "" {
		session.Values[stolenKey{}] = stolen{row: row, user: user, why: seen.why}
		return session, nil
	}
	if seen.note || at.Sub(row.LastSeenAt) >= touchEvery {
		row = seenFrom(seen.row, broker.RequestOf(ctx), at)
		err := s.rows.TouchSession(ctx, row)
		if errors.Is(err, broker.ErrNotFound) {
			return session, nil // ended this very moment
		}
		if err != nil {
			return session, fmt.Errorf("touch session: %w", err)
		}
	}
	if seen.cookie != nil {
		session.Values[turnKey{}] = seen.cookie
	}
	session.ID, session.IsNew = row.IDHash, false
	session.Values[rowKey{}], session.Values[userKey{}] = row, user
	for _, n := range decodeNotices(row.Data) {
		session.AddFlash(n)
	}
	return session, nil
}

// alive tells whether a session stands. What was remembered when it might be is an
// ordinary session where it may be no more, and ends sooner where the time was cut.
func (s *sessionStore) alive(row broker.Session, at time.Time) bool {
	if row.Lasting {
		longest := s.remember
		if row.Lasting = longest > 0; !row.Lasting {
			longest = s.absolute
		}
		if at.Sub(row.CreatedAt) >= longest {
			return false
		}
	}
	return row.Alive(s.idle, at)
}

// seenFrom is a session after a request.
func seenFrom(row broker.Session, request broker.Request, at time.Time) broker.Session {
	row.LastSeenAt, row.UserAgent = at, request.UserAgent
	if row.IP != request.IP {
		row.IP, row.IPAt = request.IP, at
	}
	return row
}

// Save writes the session and its cookie. Options.MaxAge < 0 ends it.
func (s *sessionStore) Save(r *http.Request, w http.ResponseWriter, session *sessions.Session) error {
	cookie, err := s.write(r.Context(), session)
	if err != nil {
		return err
	}
	if cookie != nil {
		http.SetCookie(w, cookie)
	}
	return nil
}

// write writes the session's row, of one that stands its Data alone, and returns the cookie that has to be set
// when the unit of work that it is part of has been committed; nil none. A
// session without ID gets a new one.
func (s *sessionStore) write(ctx context.Context, session *sessions.Session) (*http.Cookie, error) {
	row := rowOf(session)
	if session.Options.MaxAge < 0 {
		if session.ID == "" {
			return nil, nil
		}
		if err := s.rows.DeleteSession(ctx, session.ID); err != nil && !errors.Is(err, broker.ErrNotFound) {
			return nil, fmt.Errorf("delete session: %w", err)
		}
		return s.cookies.make(sessionCookie, "", -1), nil
	}
	row.Data = encodeNotices(session.Values["_flash"])
	if session.ID != "" {
		session.Values[rowKey{}] = row
		return nil, s.rows.SaveSessionData(ctx, row)
	}
	secret := broker.NewSecret()
	row.IDHash = secret.Hash()
	row.Turn, row.TurnedAt, row.ShownAt = 0, time.Time{}, time.Time{} // they follow the secret
	create := s.rows.CreateSession
	if u, ok := session.Values[provenKey{}].(broker.User); ok {
		create = func(ctx context.Context, row broker.Session) error { return s.rows.CreateSessionOf(ctx, row, u) }
	}
	if err := create(ctx, row); err != nil {
		return nil, fmt.Errorf("create session: %w", err)
	}
	session.ID, session.IsNew = row.IDHash, false
	session.Values[rowKey{}] = row
	return s.cookie(secret, row, row.LastSeenAt), nil
}

// cookie is what opens a session. Unless it is remembered there is no Max-Age: a
// closed browser ends it, on a machine that others use too.
func (s *sessionStore) cookie(secret broker.Secret, row broker.Session, at time.Time) *http.Cookie {
	maxAge := 0
	if row.Lasting {
		maxAge = max(1, int(row.ExpiresAt.Sub(at)/time.Second))
	}
	return s.cookies.make(sessionCookie, secret.Reveal(), maxAge)
}
