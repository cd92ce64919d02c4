package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"idbroker/broker"
	"idbroker/linking"
)

// remoteTokenView is a remote token as an operator sees it: never the token.
type remoteTokenView struct {
	Provider         string            `json:"provider"`
	Identity         string            `json:"identity"`
	Subject          string            `json:"subject"`
	Kind             string            `json:"kind,omitempty"`
	Scopes           []string          `json:"scopes,omitempty"`
	ExpiresAt        time.Time         `json:"expires_at,omitzero"`
	Refreshable      bool              `json:"refreshable"`
	RefreshExpiresAt time.Time         `json:"refresh_expires_at,omitzero"`
	State            broker.TokenState `json:"state,omitempty"`
	Standing         string            `json:"standing"` // in plain words
	Failures         int               `json:"failures,omitempty"`
	RetryAt          time.Time         `json:"retry_at,omitzero"`
	Error            string            `json:"last_error,omitempty"`
	UpdatedAt        time.Time         `json:"updated_at"`
}

func viewRemoteToken(l linking.LinkedAccount, t broker.HeldToken, at time.Time) remoteTokenView {
	return remoteTokenView{
		Provider: l.Provider.ID, Identity: l.Identity.ID, Subject: l.Identity.Subject, Kind: t.Kind, Scopes: t.Scopes,
		ExpiresAt: t.ExpiresAt, Refreshable: t.RefreshToken != "", RefreshExpiresAt: t.RefreshExpiresAt,
		State: t.State, Standing: standing(t, at), Failures: t.Failures, RetryAt: t.RetryAt, Error: t.LastError, UpdatedAt: t.UpdatedAt,
	}
}

// standing says in words what a token is good for.
func standing(t broker.HeldToken, at time.Time) string {
	switch t.State {
	case broker.TokenRefused:
		return "needs the person: the provider refuses the refresh token"
	case broker.TokenUnanswered:
		return "needs the person: the answer with the next refresh token was lost"
	case broker.TokenForeign:
		return "needs the person: the provider answered with somebody else's tokens"
	}
	switch linking.DecideToken(t, at, false) {
	case linking.TokenUse:
		return "usable"
	case linking.TokenRefresh:
		return "is refreshed when it is needed"
	case linking.TokenWait:
		return "being refreshed until " + when(t.LeaseUntil)
	case linking.TokenLater:
		return "ended; tried again from " + when(t.RetryAt)
	}
	return "ended; there is no refresh token"
}

type usersTokens struct {
	List    usersTokensList    `cmd:"" default:"withargs" help:"List what lets us act for a person at providers; never the tokens themselves."`
	Refresh usersTokensRefresh `cmd:"" help:"Refresh a token now."`
}

type usersTokensList struct {
	User string `arg:"" help:"Id, e-mail address or username."`
	output
}

// Help teaches.
func (usersTokensList) Help() string {
	return `A token that "needs the person" comes back when they connect the account again, which their linked accounts page tells them, or sign in with it.

	broker users tokens ada@example.org
	broker users tokens refresh ada@example.org github`
}

// Run lists tokens.
func (c usersTokensList) Run(ctx context.Context, p *program) error {
	r, u, err := p.roomsFor(ctx, c.User)
	if err != nil {
		return err
	}
	defer r.close()
	views, err := tokensOf(ctx, r, u.ID)
	if err != nil {
		return err
	}
	return c.print(p.out, views, func(w io.Writer) { rowsOfTokens(w, views) })
}

func rowsOfTokens(w io.Writer, views []remoteTokenView) {
	row(w, "PROVIDER", "SUBJECT", "KIND", "SCOPES", "EXPIRES", "REFRESH TOKEN ENDS", "STANDING", "LAST ERROR")
	for _, v := range views {
		row(w, v.Provider, v.Subject, v.Kind, strings.Join(v.Scopes, " "), v.ExpiresAt, v.RefreshExpiresAt, v.Standing, v.Error)
	}
}

func tokensOf(ctx context.Context, r *rooms, user broker.UserID) ([]remoteTokenView, error) {
	links, err := r.linker.Accounts(ctx, user)
	if err != nil {
		return nil, err
	}
	views := []remoteTokenView{}
	for _, l := range links {
		held, err := r.db.HeldTokens(ctx, l.Account.ID)
		if err != nil {
			return nil, err
		}
		for _, t := range held {
			views = append(views, viewRemoteToken(l, t, time.Now()))
		}
	}
	return views, nil
}

type usersTokensRefresh struct {
	User     string `arg:"" help:"Id, e-mail address or username."`
	Provider string `arg:"" help:"Id of the provider."`
	Identity string `placeholder:"ID" help:"Which identity, where the account has several there; see: broker users links."`
	Kind     string `help:"Which token, where there are several (Globus: the resource server)."`
	output
}

// Help teaches.
func (usersTokensRefresh) Help() string {
	return `Also a token that "needs the person" is tried once more: some providers refuse by mistake. It waits while a running broker refreshes the same token.`
}

// Run refreshes a token.
func (c usersTokensRefresh) Run(ctx context.Context, p *program) error {
	r, u, err := p.roomsFor(ctx, c.User)
	if err != nil {
		return err
	}
	defer r.close()
	if _, err := r.linker.RenewToken(ctx, linking.TokenRef{User: u.ID, Provider: c.Provider, Identity: c.Identity, Kind: c.Kind}); errors.Is(err, linking.ErrUnknownProvider) {
		return fmt.Errorf("no provider %s is configured; see: broker providers list", printable(c.Provider))
	} else if err != nil {
		return fmt.Errorf("refresh %s: %w", printable(c.Provider), err)
	}
	views, err := tokensOf(ctx, r, u.ID)
	if err != nil {
		return err
	}
	for _, v := range views {
		if v.Provider == c.Provider && v.Kind == c.Kind && (c.Identity == "" || v.Identity == c.Identity) {
			return c.print(p.out, v, func(w io.Writer) { rowsOfTokens(w, []remoteTokenView{v}) })
		}
	}
	return fmt.Errorf("refresh %s: the token was removed meanwhile", printable(c.Provider))
}
