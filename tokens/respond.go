package tokens

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/ory/fosite"

	"idbroker/broker"
)

// Respond issues the code and the tokens of an approved authorization and
// writes the answer. Grant, consent and the end of the login are one unit of work. An
// error is for a page; nothing was written then.
func (s *Service) Respond(ctx context.Context, w http.ResponseWriter, r *http.Request, a *Authorization, p Approval) error {
	if err := a.check(p); err != nil {
		return err
	}
	at := time.Now()
	for _, scope := range p.Scopes {
		a.request.GrantScope(scope)
	}
	sess := &session{at: at, approval: p}
	err := s.prepare(a, sess)
	if err != nil {
		return fmt.Errorf("authorize %s: %w", a.Client.ID, err)
	}
	issue := func(ctx context.Context) (fosite.AuthorizeResponder, error) {
		return s.engine.NewAuthorizeResponse(ctx, a.request, sess)
	}
	var response fosite.AuthorizeResponder
	if p.Consent == nil && p.Login == "" && a.pushed == "" {
		response, err = issue(ctx) // one statement is a unit by itself
	} else {
		err = s.store.InTx(ctx, func(ctx context.Context) error {
			if a.pushed != "" {
				if err := s.store.SpendPushedRequest(ctx, a.pushed, at); err != nil {
					return err
				}
			}
			if response, err = issue(ctx); err != nil {
				return err
			}
			return s.settle(ctx, p, at)
		})
	}
	switch {
	case errors.Is(err, broker.ErrSpent):
		return errFinished.Because(err)
	case err != nil:
		return fmt.Errorf("authorize %s: %w", a.Client.ID, err)
	}
	s.log.InfoContext(ctx, "authorization granted", "client", a.Client.ID, "user", string(p.User.ID), "grant", string(sess.grant.ID))
	s.answer(w, r, a, s.withSessionState(a, p, response.GetParameters()))
	return nil
}

// settle writes what belongs to the approval beside the grant.
func (s *Service) settle(ctx context.Context, p Approval, at time.Time) error {
	if p.Consent != nil {
		if err := s.store.SaveConsent(ctx, *p.Consent); err != nil {
			return err
		}
		e := broker.NewEvent(ctx, broker.EventConsentGiven, at)
		e.UserID, e.ClientID, e.SID = p.Consent.UserID, p.Consent.ClientID, p.Session.SID
		if err := s.store.AddEvent(ctx, e); err != nil {
			return err
		}
	}
	if p.Login != "" {
		return s.store.FinishLogin(ctx, p.Login, at)
	}
	return nil
}

// check refuses approvals that the caller must not give: nobody, a disabled
// account, more than was asked for, consent for somebody else.
func (a *Authorization) check(p Approval) error {
	switch {
	case a.request == nil:
		return errors.New("tokens: the request was refused and cannot be approved")
	case p.User.ID == "" || p.Session.AuthTime.IsZero():
		return broker.ErrSignIn
	case p.User.Disabled():
		return p.User.Refusal()
	case p.Session.UserID != "" && p.Session.UserID != p.User.ID:
		return fmt.Errorf("tokens: session of %s, approval of %s", p.Session.UserID, p.User.ID)
	case len(p.Scopes) == 0:
		return errors.New("tokens: an approval grants at least one scope")
	case p.Consent != nil && (p.Consent.UserID != p.User.ID || p.Consent.ClientID != a.Client.ID):
		return errors.New("tokens: the consent is for something else")
	}
	for _, scope := range p.Scopes {
		if !slices.Contains(a.Scopes, scope) {
			return fmt.Errorf("tokens: scope %q was not asked for", scope)
		}
	}
	return nil
}
