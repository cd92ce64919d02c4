package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"idbroker/broker"
)

type upstreamRow struct {
	bun.BaseModel `bun:"table:upstream_sessions"`

	IDHash   string `bun:"id_hash,pk"`
	Provider string `bun:"provider"`
	Issuer   string `bun:"issuer"`
	Subject  string `bun:"subject"`
	SID      string `bun:"sid"`
	ClientID string `bun:"client_id"`
	IDToken  []byte `bun:"id_token"`
}

// CreateUpstream writes from which session at a provider a session came; it goes
// with the session. since is when the person proved their identity:
// broker.ErrSpent where the provider has told since that this person, or this
// session of theirs, is out. It is one statement, so that none slips through
// between a question and the answer.
func (db *DB) CreateUpstream(ctx context.Context, idHash, provider string, u broker.Upstream, since time.Time) error {
	const what = "create upstream session"
	token, err := db.ring().seal(inRow("upstream_sessions", "id_token", idHash), []byte(u.IDToken.Reveal()))
	if err != nil {
		return db.doomed(ctx, db.failed(what, err))
	}
	n, err := db.exec(ctx, what, `INSERT INTO upstream_sessions (id_hash, provider, issuer, subject, sid, client_id, id_token)
		SELECT ?, ?, ?, ?, ?, ?, ? WHERE NOT EXISTS (
			SELECT 1 FROM upstream_logouts WHERE provider = ? AND issuer = ? AND at >= ?
			AND (sid <> '' AND sid = ? AND (subject = '' OR subject = ?) OR subject = ? AND (sid = '' OR ? = '')))`,
		idHash, provider, u.Issuer, u.Subject, u.SID, u.ClientID, token,
		provider, u.Issuer, micro(since), u.SID, u.Subject, u.Subject, u.SID)
	return must(n, err, broker.ErrSpent, what)
}

// Upstream returns from which session at a provider a session came, or
// broker.ErrNotFound.
func (db *DB) Upstream(ctx context.Context, idHash string) (broker.Upstream, error) {
	const what = "read upstream session"
	r, err := one[upstreamRow](ctx, db, what, "id_hash = ?", idHash)
	if err != nil {
		return broker.Upstream{}, err
	}
	token, err := db.ring().open(inRow("upstream_sessions", "id_token", r.IDHash), r.IDToken)
	if err != nil {
		return broker.Upstream{}, db.failed(what, err)
	}
	return broker.Upstream{Issuer: r.Issuer, Subject: r.Subject, SID: r.SID, ClientID: r.ClientID, IDToken: broker.Secret(token)}, nil
}

// SpendLogout notes that a provider's logout token was used. broker.ErrSpent the
// second time.
func (db *DB) SpendLogout(ctx context.Context, l broker.UpstreamLogout, at time.Time) error {
	const what = "spend logout token"
	n, err := db.exec(ctx, what, `INSERT INTO upstream_logouts (provider, jti_hash, issuer, subject, sid, at, expires_at)
		VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (provider, jti_hash) DO NOTHING`,
		l.Provider, broker.Secret(l.JTI).Hash(), l.Issuer, l.Subject, l.SID, micro(at), micro(l.ExpiresAt))
	return must(n, err, broker.ErrSpent, what)
}

// EndUpstream removes the sessions that came from what a provider says has ended,
// and returns them: UserID, SID and IDHash alone. Where it names a session there, those
// are its own, and those of the person whose session there we were not told.
func (db *DB) EndUpstream(ctx context.Context, l broker.UpstreamLogout) ([]broker.Session, error) {
	const from = "SELECT id_hash FROM upstream_sessions WHERE provider = ? AND issuer = ?"
	which, args := "", []any(nil)
	add := func(where string, values ...any) {
		if which != "" {
			which += " UNION "
		}
		which += from + " AND " + where
		args = append(append(args, l.Provider, l.Issuer), values...)
	}
	switch {
	case l.SID == "" && l.Subject == "":
		return nil, nil
	case l.SID == "":
		add("subject = ?", l.Subject)
	case l.Subject == "":
		add("sid = ? AND sid <> ''", l.SID)
	default:
		add("sid = ? AND sid <> '' AND subject = ?", l.SID, l.Subject)
		add("subject = ? AND sid = ''", l.Subject)
	}
	return db.ended(ctx, "end upstream sessions", theirs(which), args)
}

// EndLateUpstream is EndUpstream for what the logout tokens have ended that came
// since a time and are still kept: PostgreSQL lets a sign-in that is about to be
// committed and such a token pass each other unseen. Sessions that began later
// than the token stay.
func (db *DB) EndLateUpstream(ctx context.Context, since, at time.Time) ([]broker.Session, error) {
	const late = `SELECT s.id_hash FROM upstream_logouts l
		JOIN upstream_sessions u ON u.provider = l.provider AND u.issuer = l.issuer AND `
	const mine = ` JOIN sessions s ON s.id_hash = u.id_hash AND s.auth_time <= l.at WHERE l.expires_at >= ? AND l.at >= ?`
	args := []any{micro(at), micro(since), micro(at), micro(since)}
	return db.ended(ctx, "end late upstream sessions", theirs(
		late+"u.sid = l.sid AND u.sid <> '' AND (l.subject = '' OR u.subject = l.subject)"+mine+
			" UNION "+late+"l.subject <> '' AND u.subject = l.subject AND (l.sid = '' OR u.sid = '')"+mine), args)
}

// theirs is the condition that a session of somebody is among those whose keys a
// query selects.
func theirs(which string) string { return "id_hash IN (" + which + ") AND user_id <> ''" }
