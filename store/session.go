package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"idbroker/broker"
)

type sessionRow struct {
	bun.BaseModel `bun:"table:sessions"`

	IDHash     string             `bun:"id_hash,pk"`
	SID        string             `bun:"sid"`
	UserID     string             `bun:"user_id"`
	AuthTime   micros             `bun:"auth_time"`
	AMR        document[[]string] `bun:"amr"`
	ACR        string             `bun:"acr"`
	Provider   string             `bun:"provider"`
	Data       []byte             `bun:"data"`
	UserAgent  string             `bun:"user_agent"`
	IP         string             `bun:"ip"`
	IPAt       micros             `bun:"ip_at"`
	Lasting    bool               `bun:"lasting"`
	CreatedAt  micros             `bun:"created_at"`
	LastSeenAt micros             `bun:"last_seen_at"`
	ExpiresAt  micros             `bun:"expires_at"`
	Turn       int                `bun:"turn"`
	TurnedAt   micros             `bun:"turned_at"`
	ShownAt    micros             `bun:"shown_at"`
	Remembered string             `bun:"remembered"`
}

func rowOfSession(s broker.Session) *sessionRow {
	return &sessionRow{
		IDHash: s.IDHash, SID: s.SID, UserID: string(s.UserID), AuthTime: micro(s.AuthTime), AMR: doc(s.AMR), ACR: s.ACR,
		Provider: s.Provider, Data: blob(s.Data), UserAgent: s.UserAgent, IP: s.IP, IPAt: micro(s.IPAt),
		Lasting: s.Lasting, Remembered: s.Remembered, CreatedAt: micro(s.CreatedAt), LastSeenAt: micro(s.LastSeenAt), ExpiresAt: micro(s.ExpiresAt),
		Turn: s.Turn, TurnedAt: micro(s.TurnedAt), ShownAt: micro(s.ShownAt),
	}
}

func (r *sessionRow) session() broker.Session {
	return broker.Session{
		IDHash: r.IDHash, SID: r.SID, UserID: broker.UserID(r.UserID), AuthTime: r.AuthTime.time(), AMR: r.AMR.v, ACR: r.ACR,
		Provider: r.Provider, Data: some(r.Data), UserAgent: r.UserAgent, IP: r.IP, IPAt: r.IPAt.time(),
		Lasting: r.Lasting, Remembered: r.Remembered, CreatedAt: r.CreatedAt.time(), LastSeenAt: r.LastSeenAt.time(), ExpiresAt: r.ExpiresAt.time(),
		Turn: r.Turn, TurnedAt: r.TurnedAt.time(), ShownAt: r.ShownAt.time(),
	}
}

// CreateSession writes a new session.
func (db *DB) CreateSession(ctx context.Context, s broker.Session) error {
	return db.insert(ctx, "create session", rowOfSession(s))
}

// CreateSessionOf is CreateSession for somebody who was authenticated as u, as u was
// read before or while that was looked at. broker.ErrSpent where u has been disabled, got another
// password, a second factor that s has not seen, or was signed out everywhere since, or is
// gone: whoever did that has ended the sessions that stood, and this would be one more. It is
// one statement, which waits for a change that is under way, so that none slips through.
func (db *DB) CreateSessionOf(ctx context.Context, s broker.Session, u broker.User) error {
	const what = "create session"
	args, err := values(rowOfSession(s), sessionColumns)
	if err != nil {
		return db.doomed(ctx, db.failed(what, err))
	}
	columns := marks(len(args))
	still := " FROM users WHERE id = ? AND disabled_at = 0 AND password_set_at = ? AND signed_out_at = ?"
	args = append(args, string(u.ID), micro(u.PasswordSetAt), micro(u.SignedOutAt))
	if s.ACR != broker.ACRSecond { // who has shown one may just have set it up
		still, args = still+" AND second_factor_at = ?", append(args, micro(u.SecondFactorAt))
	}
	if db.flavour == flavourPostgres {
		still += " FOR SHARE"
	}
	n, err := db.exec(ctx, what, "INSERT INTO sessions ("+names(sessionColumns)+") SELECT "+columns+still, args...)
	return must(n, err, broker.ErrSpent, what)
}

// Session returns the session of a cookie's hash, expired ones too, or
// broker.ErrNotFound.
func (db *DB) Session(ctx context.Context, idHash string) (broker.Session, error) {
	r, err := hotRead[sessionRow](ctx, db, db.read, hotSession, "read session", sessionColumns, idHash)
	if err != nil {
		return broker.Session{}, err
	}
	return r.session(), nil
}

// sessionUserSQL reads a session and its user; where that is gone, its columns
// hold what stands for nothing.
func sessionUserSQL() string {
	return "SELECT " + namesIn("s", sessionColumns) + ", " + namesOrNone[userRow]("u", userColumns) +
		" FROM sessions s LEFT JOIN users u ON u.id = s.user_id WHERE s.id_hash = ?"
}

// SessionUser returns the session of a cookie's hash, expired ones too, and its
// user, whose ID is "" where there is none, or broker.ErrNotFound.
func (db *DB) SessionUser(ctx context.Context, idHash string) (broker.Session, broker.User, error) {
	session, user := new(sessionRow), new(userRow)
	dest := append(targets(session, sessionColumns), targets(user, userColumns)...)
	if err := db.hotScan(ctx, db.read, hotSessionUser, "read session", dest, idHash); err != nil {
		return broker.Session{}, broker.User{}, err
	}
	return session.session(), user.user(), nil
}

// kept are the columns of a session that SaveSession leaves alone: those that only
// TouchSession writes, or SaveSessionData. Somebody who read the session a moment ago
// must not undo a turn, or bring a forgotten IP back.
var kept = []string{"id_hash", "created_at", "data", "user_agent", "last_seen_at", "ip", "ip_at", "turn", "turned_at", "shown_at"}

// SaveSession writes what a session is worth: every field but CreatedAt, Data, and
// those that TouchSession writes. broker.ErrNotFound.
func (db *DB) SaveSession(ctx context.Context, s broker.Session) error {
	n, err := db.update(ctx, "save session", rowOfSession(s), kept, "", "id_hash = ?", s.IDHash)
	return must(n, err, broker.ErrNotFound, "save session")
}

// SaveSessionData writes the Data of a session, and nothing else. broker.ErrNotFound.
func (db *DB) SaveSessionData(ctx context.Context, s broker.Session) error {
	n, err := db.exec(ctx, "save session", "UPDATE sessions SET data = ? WHERE id_hash = ?", blob(s.Data), s.IDHash)
	return must(n, err, broker.ErrNotFound, "save session")
}

// touchSessionSQL never takes a turn back: of two tabs the slower one writes nothing.
const touchSessionSQL = `UPDATE sessions SET last_seen_at = ?, user_agent = ?, ip = ?, ip_at = ?, turn = ?, turned_at = ?, shown_at = ?
	WHERE id_hash = ? AND turn <= ?`

// TouchSession notes that a session was used: LastSeenAt, and from where (UserAgent,
// IP, IPAt) with which cookie (Turn, TurnedAt, ShownAt). Nothing where it is gone, or
// has had another turn since.
func (db *DB) TouchSession(ctx context.Context, s broker.Session) error {
	_, err := db.hotExec(ctx, hotTouchSession, "touch session", int64(micro(s.LastSeenAt)), s.UserAgent, s.IP, int64(micro(s.IPAt)),
		int64(s.Turn), int64(micro(s.TurnedAt)), int64(micro(s.ShownAt)), s.IDHash, int64(s.Turn))
	return err
}

// DeleteSession removes a session; nothing where it is gone.
func (db *DB) DeleteSession(ctx context.Context, idHash string) error {
	_, err := db.exec(ctx, "delete session", "DELETE FROM sessions WHERE id_hash = ?", idHash)
	return err
}

// TakeSession removes a session whose place another one takes. broker.ErrSpent where
// it is gone: whoever ended it meant this one, too.
func (db *DB) TakeSession(ctx context.Context, idHash string) error {
	n, err := db.exec(ctx, "take session", "DELETE FROM sessions WHERE id_hash = ?", idHash)
	return must(n, err, broker.ErrSpent, "take session")
}

// TakeSessions removes the sessions of a user that a filter names, and returns them:
// UserID, SID and IDHash alone.
func (db *DB) TakeSessions(ctx context.Context, f broker.SessionFilter) ([]broker.Session, error) {
	where, args := "user_id = ? AND user_id <> ''", []any{string(f.UserID)}
	for _, c := range []struct{ where, value string }{{"sid = ?", f.SID}, {"sid <> ?", f.ExceptSID}, {"remembered = ?", f.Remembered}} {
		if c.value != "" {
			where, args = where+" AND "+c.where, append(args, c.value)
		}
	}
	return db.ended(ctx, "end sessions", where, args)
}

// EndRemembered removes the sessions of a user that a remembered browser began
// without a second factor, and returns their public ids.
func (db *DB) EndRemembered(ctx context.Context, user broker.UserID, remembered string) ([]string, error) {
	if remembered == "" {
		return nil, nil
	}
	ended, err := db.TakeSessions(ctx, broker.SessionFilter{UserID: user, Remembered: remembered})
	return broker.SIDs(ended), err
}

// SessionsOf returns the sessions of a user that have not expired now, the one
// seen last first.
func (db *DB) SessionsOf(ctx context.Context, user broker.UserID) ([]broker.Session, error) {
	rows, err := many[sessionRow](ctx, db, "list sessions", "last_seen_at DESC, id_hash", all,
		"user_id = ? AND user_id <> '' AND (expires_at = 0 OR expires_at > ?)", string(user), micro(time.Now()))
	return each(rows, (*sessionRow).session), err
}

// EndSession removes the session of a user that has a public id.
// broker.ErrNotFound.
func (db *DB) EndSession(ctx context.Context, user broker.UserID, sid string) error {
	if sid == "" {
		return broker.ErrNotFound.Becausef("end session")
	}
	ended, err := db.TakeSessions(ctx, broker.SessionFilter{UserID: user, SID: sid})
	return must(int64(len(ended)), err, broker.ErrNotFound, "end session")
}

// EndSessions removes the sessions of a user, but not exceptSID ("" none is
// spared), and returns the public ids of those that it ended.
func (db *DB) EndSessions(ctx context.Context, user broker.UserID, exceptSID string) ([]string, error) {
	ended, err := db.TakeSessions(ctx, broker.SessionFilter{UserID: user, ExceptSID: exceptSID})
	return broker.SIDs(ended), err
}

// ended removes the sessions that a condition names, and returns them: UserID, SID
// and IDHash alone.
func (db *DB) ended(ctx context.Context, what, where string, args []any) ([]broker.Session, error) {
	var rows []struct {
		IDHash string `bun:"id_hash"`
		UserID string `bun:"user_id"`
		SID    string `bun:"sid"`
	}
	err := db.returning(ctx, what, &rows, "DELETE FROM sessions WHERE "+where+" RETURNING id_hash, user_id, sid", args...)
	ended := make([]broker.Session, 0, len(rows))
	for _, r := range rows {
		ended = append(ended, broker.Session{IDHash: r.IDHash, UserID: broker.UserID(r.UserID), SID: r.SID})
	}
	return ended, err
}

// ExpiredSessions returns at most limit sessions of people that have expired at a
// time, the oldest first.
func (db *DB) ExpiredSessions(ctx context.Context, at time.Time, limit int) ([]broker.Session, error) {
	if limit <= 0 {
		return nil, nil
	}
	rows, err := many[sessionRow](ctx, db, "list expired sessions", "expires_at", limit, "expires_at <= ? AND expires_at <> 0 AND user_id <> ''", micro(at))
	return each(rows, (*sessionRow).session), err
}

// ExpireSession removes a session that has expired at a time. broker.ErrSpent
// where somebody else has, or it has not.
func (db *DB) ExpireSession(ctx context.Context, idHash string, at time.Time) error {
	n, err := db.exec(ctx, "expire session", "DELETE FROM sessions WHERE id_hash = ? AND expires_at <= ? AND expires_at <> 0", idHash, micro(at))
	return must(n, err, broker.ErrSpent, "expire session")
}
