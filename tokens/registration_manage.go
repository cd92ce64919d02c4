package tokens

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ory/fosite"

	"idbroker/broker"
)

// ServeRegistered lets a client read, replace and delete its registration with
// its registration access token (RFC 7592). The last part of the path is the
// client's id.
func (s *Service) ServeRegistered(w http.ResponseWriter, r *http.Request) {
	const methods = "GET, PUT, DELETE"
	switch r.Method {
	case http.MethodGet, http.MethodPut, http.MethodDelete:
	default:
		w.Header().Set("Allow", methods)
		s.fail(w, r, "registration", errWrongMethod)
		return
	}
	token, problem := headerBearer(r)
	if problem == nil && token == "" {
		problem = &bearerProblem{status: http.StatusUnauthorized}
	}
	if problem != nil {
		s.challenge(w, *problem)
		return
	}
	c, err := s.owned(r.Context(), r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:], token)
	var answer map[string]any
	if err == nil {
		switch r.Method {
		case http.MethodGet:
			answer = s.registered(c, "", token)
		case http.MethodPut:
			answer, err = s.replace(w, r, c, token)
		default:
			err = s.unregister(r.Context(), c)
		}
	}
	switch {
	case errors.Is(err, errToken):
		s.challenge(w, bearerWrong)
	case err != nil:
		s.fail(w, r, "registration", err)
	case r.Method == http.MethodDelete:
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusNoContent)
	default:
		writeJSON(w, http.StatusOK, answer)
	}
}

// updatePause is the least time between two updates of a registration: each
// leaves an event, and events stay.
const updatePause = 10 * time.Second

var errHasty = &fosite.RFC6749Error{ErrorField: "temporarily_unavailable", DescriptionField: "The registration was changed a moment ago.", CodeField: http.StatusTooManyRequests}

var errWrongMethod = refuse(errMethod, "Use GET, PUT or DELETE.")

// owned is the client whose registration access token this is; errToken where it
// is nobody's, or somebody else's, or the client was disabled.
func (s *Service) owned(ctx context.Context, id string, token broker.Secret) (broker.Client, error) {
	if !clientIDChars(id) {
		return broker.Client{}, errToken
	}
	c, err := s.store.Client(ctx, id)
	switch {
	case errors.Is(err, broker.ErrNotFound):
		return c, errToken
	case err != nil:
		return c, err
	case !c.DisabledAt.IsZero() || !token.Matches(c.Metadata.RegistrationTokenHash):
		return broker.Client{}, errToken
	}
	return c, nil
}

// notInUpdate are members that the broker gives and a client must not send back
// (RFC 7592, section 2.2).
var notInUpdate = []string{"registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at"}

// replace serves PUT: the document is the whole new registration.
func (s *Service) replace(w http.ResponseWriter, r *http.Request, c broker.Client, token broker.Secret) (map[string]any, error) {
	at := time.Now()
	if c.UpdatedAt.After(c.CreatedAt) && at.Sub(c.UpdatedAt) < updatePause {
		w.Header().Set("Retry-After", strconv.Itoa(int(updatePause/time.Second)))
		return nil, errHasty
	}
	before := c.AuthMethod
	object, err := s.readClient(w, r, &c, at)
	if err != nil {
		return nil, err
	}
	for _, name := range notInUpdate {
		if _, ok := object[name]; ok {
			return nil, refuse(errMetadata, "An update does not contain "+name+".")
		}
	}
	var id, secret string
	if json.Unmarshal(object["client_id"], &id) != nil || id != c.ID {
		return nil, refuse(errMetadata, "The client_id is missing or another one.")
	}
	if raw, ok := object["client_secret"]; ok && string(raw) != "null" {
		if json.Unmarshal(raw, &secret) != nil || !c.Authenticates(broker.Secret(secret), at) {
			return nil, refuse(errMetadata, "The client_secret is not the present one.")
		}
	}
	if err := s.checkSector(r.Context(), c, at); err != nil {
		return nil, err
	}
	made := giveSecret(&c, before, at)
	err = s.store.InTx(r.Context(), func(ctx context.Context) error {
		if err := s.store.UpdateClient(ctx, c); err != nil {
			return err
		}
		if err := s.keepSecret(ctx, c, made); err != nil {
			return err
		}
		e := broker.NewEvent(ctx, broker.EventClientUpdated, at)
		e.ClientID = c.ID
		return s.store.AddEvent(ctx, e)
	})
	if errors.Is(err, broker.ErrSpent) { // deleted or changed at the same time
		return nil, &broker.Error{Kind: broker.KindUnavailable, Message: "error.unavailable", Err: err}
	}
	if err != nil {
		return nil, err
	}
	s.readyToOpen(r.Context(), c)
	return s.registered(c, made, token), nil
}

// unregister serves DELETE: tokens and consents go too.
func (s *Service) unregister(ctx context.Context, c broker.Client) error {
	err := s.forget(ctx, c.ID, broker.EventClientDeleted, time.Now())
	if errors.Is(err, broker.ErrNotFound) {
		return errToken // twice at once
	}
	return err
}

func (s *Service) forget(ctx context.Context, id, event string, at time.Time) error {
	return s.store.InTx(ctx, func(ctx context.Context) error {
		// Before the grants go: they tell which sessions it took part in.
		if _, err := s.EndGrants(ctx, broker.GrantFilter{ClientID: id}, "client", at); err != nil {
			return err
		}
		if err := s.store.DeleteClient(ctx, id); err != nil {
			return err
		}
		e := broker.NewEvent(ctx, event, at)
		e.ClientID = id
		return s.store.AddEvent(ctx, e)
	})
}

// PruneClients removes clients that registered themselves and were not used for
// Registration.Unused: at most a hundred a call. It returns how many.
func (s *Service) PruneClients(ctx context.Context) (n int, err error) {
	at := time.Now()
	all, err := s.store.Clients(ctx)
	if err != nil {
		return 0, err
	}
	for _, c := range all {
		if err := s.forgetEnded(ctx, c, at); err != nil {
			return n, err
		}
		if n == pruneClients {
			continue
		}
		if !s.unused(c, at) {
			continue
		}
		err := s.store.InTx(ctx, func(ctx context.Context) error {
			if now, err := s.store.Client(ctx, c.ID); err != nil || !s.unused(now, at) {
				return err // it came back meanwhile
			}
			n++
			return s.forget(ctx, c.ID, broker.EventClientExpired, at)
		})
		if err != nil && !errors.Is(err, broker.ErrNotFound) {
			return n, err
		}
	}
	return n, nil
}

// unused tells whether a client registered itself and was not used for long.
func (s *Service) unused(c broker.Client, at time.Time) bool {
	last := c.CreatedAt
	for _, t := range []time.Time{c.UpdatedAt, c.Metadata.LastUsedAt} {
		if t.After(last) {
			last = t
		}
	}
	return c.Metadata.Dynamic && at.Sub(last) > s.o.Registration.Unused
}

// noteUse remembers, to the day, that a client which registered itself is used.
// It is no reason to fail.
func (s *Service) noteUse(ctx context.Context, c broker.Client, at time.Time) {
	if !c.Metadata.Dynamic || at.Sub(c.Metadata.LastUsedAt) < useNoted {
		return
	}
	c.Metadata.LastUsedAt = at.Truncate(time.Second)
	if err := s.store.UpdateClient(ctx, c); err != nil && !errors.Is(err, broker.ErrSpent) {
		s.log.WarnContext(ctx, "last use of a client not noted", "client", c.ID, "err", err)
	}
}

// headerBearer is the bearer token of the Authorization header; "" none. The
// endpoints of a registration take JSON, so there is no form that could hold it.
func headerBearer(r *http.Request) (broker.Secret, *bearerProblem) {
	header := r.Header.Values("Authorization")
	if r.URL.Query().Has("access_token") || len(header) > 1 {
		return "", &bearerProblem{http.StatusBadRequest, "invalid_request", "Send one token, in the Authorization header."}
	}
	if len(header) == 0 {
		return "", nil
	}
	scheme, token, _ := strings.Cut(header[0], " ")
	if token = strings.TrimSpace(token); !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", &bearerProblem{http.StatusUnauthorized, "invalid_token", "The Authorization header holds no bearer token."}
	}
	return broker.Secret(token), nil
}
