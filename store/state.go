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
	Details         document[broker.Details] `bun:"details"`
	DisabledAt      micros                   `bun:"disabled_at"`
	UpdatedAt       micros                   `bun:"updated_at"`
}

func (r *personRow) user() broker.User {
	return broker.User{
		ID: broker.UserID(r.ID), Email: r.Email, EmailVerifiedAt: r.EmailVerifiedAt.time(), Username: r.Username, Name: r.Name,
		Locale: r.Locale, Phone: r.Phone, Address: r.Address.v, Details: r.Details.v, DisabledAt: r.DisabledAt.time(), UpdatedAt: r.UpdatedAt.time(),
	}
}

// brief are the columns of a grant that tell whether its tokens are good, and
// what they are good for. The others concern the code, or who looks at the grant.
var brief = []string{
	"id", "client_id", "user_id", "sid", "scopes", "audience", "claims", "auth_time", "acr",
	"refresh_generation", "refresh_expires_at", "expires_at", "revoked_at",
}

// stateSQL reads columns of a grant and the rest of a stateRow. With caller, the
// id of the client that asks is the first argument.
func stateSQL(columns []column, caller bool, where string) string {
	list := ""
	for _, c := range columns {
		list += `g."` + c.name + `", `
	}
	for _, c := range personColumns {
		none := "''"
		if c.name == "email_verified_at" || c.name == "disabled_at" || c.name == "updated_at" {
			none = "0"
		}
		list += `coalesce(u."` + c.name + `", ` + none + `), `
	}
	list += "coalesce(c.version, -1), coalesce(c.created_at, 0)"
	from := " FROM grants g LEFT JOIN users u ON u.id = g.user_id LEFT JOIN clients c ON c.id = g.client_id"
	if caller {
		list += ", coalesce(k.version, -1), coalesce(k.created_at, 0)"
		from += " LEFT JOIN clients k ON k.id = ?"
	}
	return "SELECT " + list + from + " WHERE " + where
}

// GrantState returns a grant, dead ones too, with its client and its user as they
// are now, and what is to be known of the client that asks ("" none). Of the grant
// it reads what its tokens are judged by, not what concerns the code. It is one
// statement, but for a client that has changed since it was read here.
// broker.ErrNotFound: there is no such grant.
func (db *DB) GrantState(ctx context.Context, id broker.GrantID, caller string) (broker.GrantState, error) {
	if caller == "" {
		return db.state(ctx, hotState, "read grant", briefColumns, "", string(id))
	}
	return db.state(ctx, hotStateFor, "read grant", briefColumns, caller, caller, string(id))
}

// GrantStateByCode is GrantState for the grant of a code, whether used or not,
// with all there is of it. Of a client that asks for another's it tells nothing.
func (db *DB) GrantStateByCode(ctx context.Context, codeHash, caller string) (broker.GrantState, error) {
	return db.state(ctx, hotStateByCode, "read grant by code", grantColumns, caller, codeHash)
}

// state runs a statement of stateSQL with args.
func (db *DB) state(ctx context.Context, h hot, what string, columns []column, caller string, args ...any) (broker.GrantState, error) {
	row := new(stateRow)
	dest := targets(&row.grant, columns)
	dest = append(dest, targets(&row.user, personColumns)...)
	dest = append(dest, targets(&row.client, stampColumns)...)
	if h == hotStateFor {
		dest = append(dest, targets(&row.caller, stampColumns)...)
	}
	if err := db.hotScan(ctx, db.read, h, what, dest, args...); err != nil {
		return broker.GrantState{}, err
	}
	now := row.client.stamp()
	s := broker.GrantState{Grant: row.grant.grant(), User: row.user.user()}
	switch {
	case h == hotStateFor:
		s.Caller = row.caller.stamp()
	case s.Grant.ClientID == caller:
		s.Caller = now
	}
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
