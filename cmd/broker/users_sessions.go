package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"idbroker/broker"
)

type usersSessions struct {
	User string `arg:"" help:"Id, e-mail address or username."`
	End  string `placeholder:"SID" help:"End this one, with what applications have of it."`
	output
}

// Help teaches.
func (usersSessions) Help() string {
	return `Sessions of browsers that open something today, the one that was seen last first. The id of a session is the "sid" of its tokens.

	broker users sessions ada@example.org
	broker users sessions ada@example.org --end SID
	broker users sign-out ada@example.org         # all of them`
}

// sessionView is a session as an operator sees it.
type sessionView struct {
	SID        string    `json:"sid"`
	SignedInAt time.Time `json:"signed_in_at"`
	LastSeenAt time.Time `json:"last_seen_at"`
	ExpiresAt  time.Time `json:"expires_at"`
	Provider   string    `json:"provider,omitempty"`
	AMR        []string  `json:"amr,omitempty"`
	IP         string    `json:"ip,omitempty"` // "" unknown, or forgotten
	UserAgent  string    `json:"user_agent,omitempty"`
}

// shownAgent is how much of what a browser calls itself stands in a table, in characters.
const shownAgent = 60

// Run lists the sessions of an account, or ends one.
func (c usersSessions) Run(ctx context.Context, p *program) error {
	r, u, err := p.roomsFor(ctx, c.User)
	if err != nil {
		return err
	}
	defer r.close()
	if c.End != "" {
		err := r.accounts.EndSession(ctx, u.ID, c.End)
		if errors.Is(err, broker.ErrNotFound) {
			return fmt.Errorf("%s has no session %s; see: broker users sessions %s", u.ID, printable(c.End), u.ID)
		}
		if err != nil {
			return err
		}
		return c.print(p.out, map[string]string{"ended": c.End}, func(w io.Writer) { fmt.Fprintf(w, "ended: %s\n", printable(c.End)) })
	}
	all, err := r.kept.SessionsOf(ctx, u.ID)
	if err != nil {
		return err
	}
	now := time.Now()
	views := make([]sessionView, 0, len(all))
	for _, s := range all {
		if s.Alive(r.cfg.Sessions.Idle, now) {
			views = append(views, sessionView{
				SID: s.SID, SignedInAt: s.AuthTime, LastSeenAt: s.LastSeenAt, ExpiresAt: s.ExpiresAt, Provider: s.Provider, AMR: s.AMR, IP: s.IP, UserAgent: s.UserAgent,
			})
		}
	}
	return c.print(p.out, views, func(w io.Writer) {
		if len(views) == 0 {
			fmt.Fprintf(w, "%s is signed in nowhere.\n", u.ID)
			return
		}
		row(w, "SID", "SIGNED IN", "LAST SEEN", "EXPIRES", "WITH", "IP", "BROWSER")
		for _, v := range views {
			agent := []rune(printable(v.UserAgent))
			row(w, v.SID, v.SignedInAt, v.LastSeenAt, v.ExpiresAt, orElse(v.Provider, strings.Join(v.AMR, " ")), v.IP, string(agent[:min(len(agent), shownAgent)]))
		}
	})
}

type usersSignOut struct {
	User    string `arg:"" help:"Id, e-mail address or username."`
	Offline bool   `help:"End what applications may do while the person is away, too (offline access)."`
	output
}

// Help teaches.
func (usersSignOut) Help() string {
	return `It is what the person can do on the page of their devices, for all of them: sessions end with the tokens that applications got in them, applications that can hear it are told, and browsers that were remembered have to show the second factor again. No mail is sent, and nothing keeps the person from signing in again: where somebody else knows the password, it is not enough (broker users block, or "lost password").

	broker users sign-out ada@example.org
	broker users sign-out ada@example.org --offline`
}

// Run signs a person out everywhere.
func (c usersSignOut) Run(ctx context.Context, p *program) error {
	r, u, err := p.roomsFor(ctx, c.User)
	if err != nil {
		return err
	}
	defer r.close()
	v := struct {
		User  broker.UserID `json:"user"`
		Ended int           `json:"sessions_ended"`
	}{User: u.ID}
	if v.Ended, err = r.accounts.SignOut(ctx, u.ID, c.Offline); err != nil {
		return err
	}
	return c.print(p.out, v, func(w io.Writer) {
		row(w, "id", v.User)
		row(w, "sessions ended", v.Ended)
	})
}
