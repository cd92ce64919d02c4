package tokens

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/ory/fosite"

	"idbroker/broker"
)

const (
	// maxTroubles bounds the kinds that wait to be kept; what comes on top is
	// forgotten until they are.
	maxTroubles = 500
	// maxReason bounds a reason. Ours are shorter.
	maxReason = 200
)

// everyday are refusals that belong to the course of things.
var everyday = []string{"login_required", "consent_required", "interaction_required", "account_selection_required", "access_denied"}

// troubles collects the refusals of clients in memory: a request that is refused
// writes nothing. FlushTroubles keeps them, a row a kind.
type troubles struct {
	mu   sync.Mutex
	kept map[broker.Trouble]broker.Trouble // by what makes the kind
}

// note counts a refusal. client is who the sender says it is, and may be made up.
func (t *troubles) note(client, endpoint, code, reason string, at time.Time) {
	if client == "" || len(client) > maxClient || !clientIDChars(client) || slices.Contains(everyday, code) {
		return
	}
	kind := broker.Trouble{ClientID: client, Endpoint: endpoint, Code: code, Reason: reason[:min(len(reason), maxReason)]}
	t.mu.Lock()
	defer t.mu.Unlock()
	now, ok := t.kept[kind]
	if !ok {
		if len(t.kept) >= maxTroubles {
			return
		}
		if t.kept == nil {
			t.kept = map[broker.Trouble]broker.Trouble{}
		}
		now = kind
	}
	now.Times, now.LastAt = now.Times+1, at
	t.kept[kind] = now
}

// pages are the refusals of authorization requests that a person was shown, since
// no redirect was safe.
var pages = map[*broker.Error]string{
	errClientDisabled:  "The client is disabled.",
	errRedirectMissing: "The redirect_uri is missing.",
	errRedirectUnknown: "The redirect_uri is not registered, character for character.",
	errRequestGone:     "The request_uri of a pushed request is unknown, or another client's, or it was used or has expired.",
	errRequestInvalid:  "The request is too long.",
	errTwiceInPage:     "The client_id, redirect_uri or request_uri is there twice.",
}

// notePage counts such a refusal. What was wrong with a signed request says more
// than that it cannot be read.
func (t *troubles) notePage(client string, err error) {
	var inside *fosite.RFC6749Error
	if errors.As(err, &inside) {
		code, reason, _ := protocolError(inside)
		t.note(client, "authorize", code, reason, time.Now())
		return
	}
	for page, reason := range pages {
		if errors.Is(err, page) {
			t.note(client, "authorize", "page", reason, time.Now())
		}
	}
}

// noteRequest counts a refusal of a request that says by its header or body who
// sends it.
func (t *troubles) noteRequest(r *http.Request, endpoint, code, reason string) {
	id := r.PostForm.Get("client_id")
	if id == "" {
		id = assertedID(r.PostForm.Get("client_assertion"))
	}
	if header := r.Header.Get("Authorization"); header != "" {
		if c, ok := parseBasic(header); ok {
			id = c.id
		}
	}
	t.note(id, endpoint, code, reason, time.Now())
}

// FlushTroubles keeps what was refused since it ran last, for "broker clients
// doctor". What cannot be kept is lost: it is a help, not a record.
func (s *Service) FlushTroubles(ctx context.Context) error {
	s.troubles.mu.Lock()
	kept := s.troubles.kept
	s.troubles.kept = nil
	s.troubles.mu.Unlock()
	for _, t := range kept {
		if err := s.store.AddTrouble(ctx, t); err != nil {
			return err
		}
	}
	return nil
}
