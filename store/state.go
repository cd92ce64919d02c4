package store

import (
	"context"

	"idbroker/broker"
)

// stateRow is a grant, its user, and the stamps of its client and of the one
// that asks.
type stateRow struct {
	grant  grantRow
	user   personRow
	client stampRow
	caller stampRow
}

// personRow is what tokens tell of a user.
type personRow struct {
	ID              string                   `bun:"id"`
	Email           string                   `bun:"email"`
	EmailVerifiedAt micros                   `bun:"email_verified_at"`
	Username        string                   `bun:"username"`
	Name            string                   `bun:"name"`
	Locale          string                   `bun:"locale"`
	Phone           string                   `bun:"phone"`
	Address         document[broker.Address] `bun:"address"`
	DisabledAt      micros                   `bun:"disabled_at"`
	UpdatedAt       micros                   `bun:"updated_at"`
}

func (r *personRow) user() broker.User {
	return broker.User{
		ID: broker.UserID(r.ID), Email: r.Email, EmailVerifiedAt: r.EmailVerifiedAt.time(), Username: r.Username, Name: r.Name,
		Locale: r.Locale, Phone: r.Phone, Address: r.Address.v, DisabledAt: r.DisabledAt.time(), UpdatedAt: r.UpdatedAt.time(),
	}
}

// stateSQL reads a stateRow; its argument is the id of the client that asks.
func stateSQL() string {
	list := ""
	for _, c := range grantColumns {
		list += `g."` + c.name + `", `
	}
	for _, c := range personColumns {
		none := "''"
		if c.name == "email_verified_at" || c.name == "disabled_at" || c.name == "updated_at" {
			none = "0"
		}
		list += `coalesce(u."` + c.name + `", ` + none + `), `
	}
	return "SELECT " + list + `coalesce(c.version, -1), coalesce(c.created_at, 0), coalesce(k.version, -1), coalesce(k.created_at, 0)
		FROM grants g LEFT JOIN users u ON u.id = g.user_id LEFT JOIN clients c ON c.id = g.client_id LEFT JOIN clients k ON k.id = ?
		WHERE `
}

// GrantState returns a grant, dead ones too, with its client and its user as they
// are now, and what is to be known of the client that asks ("" none). It is one
// statement, but for a client that has changed since it was read here.
// broker.ErrNotFound: there is no such grant.
func (db *DB) GrantState(ctx context.Context, id broker.GrantID, caller string) (broker.GrantState, error) {
	return db.state(ctx, hotState, "read grant", string(id), caller)
}

// GrantStateByCode is GrantState for the grant of a code, whether used or not.
func (db *DB) GrantStateByCode(ctx context.Context, codeHash, caller string) (broker.GrantState, error) {
	return db.state(ctx, hotStateByCode, "read grant by code", codeHash, caller)
}

func (db *DB) state(ctx context.Context, h hot, what, key, caller string) (broker.GrantState, error) {
	row := new(stateRow)
	dest := targets(&row.grant, grantColumns)
	dest = append(dest, targets(&row.user, personColumns)...)
	dest = append(dest, targets(&row.client, stampColumns)...)
	dest = append(dest, targets(&row.caller, stampColumns)...)
	if err := db.hotScan(ctx, db.read, h, what, dest, caller, key); err != nil {
		return broker.GrantState{}, err
	}
	s := broker.GrantState{Grant: row.grant.grant(), User: row.user.user(), Caller: row.caller.stamp()}
	now := row.client.stamp()
	if !now.Known {
		return s, nil
	}
	if known, ok := db.known.get(s.Grant.ClientID); ok && known.Stamp() == now {
		s.Client = known
		return s, nil
	}
	c, err := db.learn(ctx, s.Grant.ClientID)
	if isNotFound(err) { // since
		return s, nil
	}
	s.Client = c
	return s, err
}
