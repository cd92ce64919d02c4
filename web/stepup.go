package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/gorilla/sessions"

	"idbroker/broker"
)

// strengthen makes the session that a login rides on one that has shown a second
// factor, where the login has. What was proven first stands, with its time. A
// session that was ended meanwhile does not come back: the login loses its person.
func (s *Server) strengthen(w http.ResponseWriter, r *http.Request, l *broker.Login) error {
	v, row := visitOf(r), visitOf(r).session
	for _, method := range l.AMR {
		if !slices.Contains(row.AMR, method) {
			row.AMR = append(slices.Clone(row.AMR), method)
		}
	}
	row.ACR, row.Remembered = l.ACR, ""
	var next renewed
	err := s.store.InTx(r.Context(), func(ctx context.Context) (err error) {
		if next, err = s.renew(ctx, v, row); err != nil {
			return err
		}
		if l.ID != "" {
			if err := s.store.SaveLogin(ctx, *l); err != nil {
				return s.ended(err)
			}
		}
		e := broker.NewEvent(ctx, broker.EventSteppedUp, v.at)
		e.UserID, e.SID, e.ClientID = row.UserID, row.SID, l.ClientID
		return s.store.AddEvent(ctx, e)
	})
	if errors.Is(err, errOutHere) || errors.Is(err, errOutThere) {
		l.UserID = ""
		return nil
	}
	if err == nil {
		next.wear(w, v)
	}
	return err
}

// renewed is a session under its new secret, not yet the visit's.
type renewed struct {
	jar    *sessions.Session
	cookie *http.Cookie
}

// wear makes it the visit's, when it has been committed.
func (n renewed) wear(w http.ResponseWriter, v *visit) {
	http.SetCookie(w, n.cookie)
	v.jar, v.session = n.jar, rowOf(n.jar)
}

// renew gives the session of a visit another secret, inside a unit of work: it is
// worth more than it was, and whoever had planted or seen the old one shall have
// nothing of that. The stay is the same (SID), and goes on at the provider.
func (s *Server) renew(ctx context.Context, v *visit, row broker.Session) (renewed, error) {
	before := v.session
	jar := sessions.NewSession(s.sessions, sessionCookie)
	for key, value := range v.jar.Values {
		jar.Values[key] = value
	}
	row.LastSeenAt = v.at
	jar.Values[rowKey{}], jar.Values[provenKey{}] = row, *v.user
	cookie, err := s.sessions.write(ctx, jar)
	if errors.Is(err, broker.ErrSpent) {
		return renewed{}, errOutHere
	} else if err != nil {
		return renewed{}, err
	}
	switch up, err := s.store.Upstream(ctx, before.IDHash); {
	case errors.Is(err, broker.ErrNotFound):
	case err != nil:
		return renewed{}, fmt.Errorf("upstream session: %w", err)
	default:
		if err := s.store.CreateUpstream(ctx, rowOf(jar).IDHash, before.Provider, up, before.AuthTime); errors.Is(err, broker.ErrSpent) {
			return renewed{}, errOutThere
		} else if err != nil {
			return renewed{}, err
		}
	}
	if err := s.store.TakeSession(ctx, before.IDHash); errors.Is(err, broker.ErrSpent) {
		return renewed{}, errOutHere
	} else if err != nil {
		return renewed{}, fmt.Errorf("take session: %w", err)
	}
	return renewed{jar, cookie}, nil
}
