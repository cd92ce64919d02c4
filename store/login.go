package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"idbroker/broker"
)

type loginRow struct {
	bun.BaseModel `bun:"table:logins"`

	ID          string             `bun:"id,pk"`
	BrowserHash string             `bun:"browser_hash"`
	ClientID    string             `bun:"client_id"`
	Request     string             `bun:"request"`
	ReturnTo    string             `bun:"return_to"`
	Force       bool               `bun:"force"`
	UserID      string             `bun:"user_id"`
	AuthTime    micros             `bun:"auth_time"`
	AMR         document[[]string] `bun:"amr"`
	ACR         string             `bun:"acr"`
	Provider    string             `bun:"provider"`
	SID         string             `bun:"sid"`
	Upstream    []byte             `bun:"upstream"`
	OwesFactor  bool               `bun:"owes_factor"`
	Remember    bool               `bun:"remember"`
	Identifier  []byte             `bun:"identifier"`
	SetsUp      bool               `bun:"sets_up_factor"`
	Remote      []byte             `bun:"remote"`
	SignUp      []byte             `bun:"sign_up"`
	StartedAt   micros             `bun:"started_at"`
	ExpiresAt   micros             `bun:"expires_at"`
	FinishedAt  micros             `bun:"finished_at"`
}

func (db *DB) rowOfLogin(l broker.Login) (*loginRow, error) {
	remote, err := sealJSON(db.ring(), inRow("logins", "remote", string(l.ID)), profileJSONOf(l.Remote))
	if err != nil {
		return nil, err
	}
	signUp, err := sealJSON(db.ring(), inRow("logins", "sign_up", string(l.ID)), signUpJSONOf(l.SignUp))
	if err != nil {
		return nil, err
	}
	upstream, err := sealJSON(db.ring(), inRow("logins", "upstream", string(l.ID)), upstreamJSONOf(l.Upstream))
	if err != nil {
		return nil, err
	}
	identifier, err := sealJSON(db.ring(), inRow("logins", "identifier", string(l.ID)), identifierJSONOf(l.Identifier))
	if err != nil {
		return nil, err
	}
	return &loginRow{
		ID: string(l.ID), BrowserHash: l.BrowserHash, ClientID: l.ClientID, Request: l.Request, ReturnTo: l.ReturnTo, Force: l.Force,
		UserID: string(l.UserID), AuthTime: micro(l.AuthTime), AMR: doc(l.AMR), ACR: l.ACR, Provider: l.Provider, SID: l.SID, OwesFactor: l.OwesFactor, Remember: l.Remember, Identifier: identifier, SetsUp: l.SetsUpFactor, Upstream: upstream,
		Remote: remote, SignUp: signUp,
		StartedAt: micro(l.StartedAt), ExpiresAt: micro(l.ExpiresAt), FinishedAt: micro(l.FinishedAt),
	}, nil
}

// CreateLogin writes a new login.
func (db *DB) CreateLogin(ctx context.Context, l broker.Login) error {
	row, err := db.rowOfLogin(l)
	if err != nil {
		return db.doomed(ctx, db.failed("create login", err))
	}
	return db.insert(ctx, "create login", row)
}

// Login returns a login, finished or expired ones too, or broker.ErrNotFound.
func (db *DB) Login(ctx context.Context, id broker.LoginID) (broker.Login, error) {
	const what = "read login"
	r, err := one[loginRow](ctx, db, what, "id = ?", string(id))
	if err != nil {
		return broker.Login{}, err
	}
	remote, err := openJSON[profileJSON](db.ring(), inRow("logins", "remote", r.ID), r.Remote)
	if err != nil {
		return broker.Login{}, db.failed(what, err)
	}
	signUp, err := openJSON[signUpJSON](db.ring(), inRow("logins", "sign_up", r.ID), r.SignUp)
	if err != nil {
		return broker.Login{}, db.failed(what, err)
	}
	upstream, err := openJSON[upstreamJSON](db.ring(), inRow("logins", "upstream", r.ID), r.Upstream)
	if err != nil {
		return broker.Login{}, db.failed(what, err)
	}
	identifier, err := openJSON[string](db.ring(), inRow("logins", "identifier", r.ID), r.Identifier)
	if err != nil {
		return broker.Login{}, db.failed(what, err)
	}
	return broker.Login{
		ID: broker.LoginID(r.ID), BrowserHash: r.BrowserHash, ClientID: r.ClientID, Request: r.Request, ReturnTo: r.ReturnTo, Force: r.Force,
		UserID: broker.UserID(r.UserID), AuthTime: r.AuthTime.time(), AMR: r.AMR.v, ACR: r.ACR, Provider: r.Provider, SID: r.SID, OwesFactor: r.OwesFactor, Remember: r.Remember, Identifier: identifierOf(identifier), SetsUpFactor: r.SetsUp, Upstream: upstream.upstream(),
		Remote: remote.profile(), SignUp: signUp.signUp(),
		StartedAt: r.StartedAt.time(), ExpiresAt: r.ExpiresAt.time(), FinishedAt: r.FinishedAt.time(),
	}, nil
}

// SaveLogin writes how far a login has come: every field but ID, StartedAt and
// FinishedAt (FinishLogin sets it). broker.ErrSpent where it is finished or
// gone.
func (db *DB) SaveLogin(ctx context.Context, l broker.Login) error {
	const what = "save login"
	row, err := db.rowOfLogin(l)
	if err != nil {
		return db.doomed(ctx, db.failed(what, err))
	}
	n, err := db.update(ctx, what, row, []string{"id", "started_at", "finished_at"}, "", "id = ? AND finished_at = 0", row.ID)
	return must(n, err, broker.ErrSpent, what)
}

// FinishLogin ends a login. broker.ErrSpent the second time.
func (db *DB) FinishLogin(ctx context.Context, id broker.LoginID, at time.Time) error {
	n, err := db.exec(ctx, "finish login", "UPDATE logins SET finished_at = ? WHERE id = ? AND finished_at = 0", micro(at), string(id))
	return must(n, err, broker.ErrSpent, "finish login")
}

// DeleteLoginsOf removes the logins that have authenticated a user. It reads the
// whole table, which has the logins of an hour: for the seldom.
func (db *DB) DeleteLoginsOf(ctx context.Context, user broker.UserID) error {
	_, err := db.exec(ctx, "delete logins", "DELETE FROM logins WHERE user_id = ? AND user_id <> ''", string(user))
	return err
}
