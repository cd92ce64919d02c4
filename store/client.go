package store

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"idbroker/broker"
)

type clientRow struct {
	bun.BaseModel `bun:"table:clients"`

	ID                     string                          `bun:"id,pk"`
	Name                   string                          `bun:"name"`
	Secrets                document[[]broker.ClientSecret] `bun:"secrets"`
	AuthMethod             string                          `bun:"auth_method"`
	RedirectURIs           document[[]string]              `bun:"redirect_uris"`
	PostLogoutRedirectURIs document[[]string]              `bun:"post_logout_redirect_uris"`
	GrantTypes             document[[]string]              `bun:"grant_types"`
	Scopes                 document[[]string]              `bun:"scopes"`
	IDTokenAlg             string                          `bun:"id_token_alg"`
	FirstParty             bool                            `bun:"first_party"`
	RequirePKCE            bool                            `bun:"require_pkce"`
	ClientURI              string                          `bun:"client_uri"`
	PolicyURI              string                          `bun:"policy_uri"`
	TermsURI               string                          `bun:"terms_uri"`
	Contacts               document[[]string]              `bun:"contacts"`
	Metadata               document[broker.ClientMetadata] `bun:"metadata"`
	CreatedAt              micros                          `bun:"created_at"`
	UpdatedAt              micros                          `bun:"updated_at"`
	DisabledAt             micros                          `bun:"disabled_at"`
	Version                int                             `bun:"version"`
}

func rowOfClient(c broker.Client) *clientRow {
	var secrets []broker.ClientSecret
	for _, s := range c.Secrets { // their times as columns keep them
		s.CreatedAt, s.ExpiresAt = micro(s.CreatedAt).time(), micro(s.ExpiresAt).time()
		secrets = append(secrets, s)
	}
	return &clientRow{
		ID: c.ID, Name: c.Name, Secrets: doc(secrets), AuthMethod: c.AuthMethod, RedirectURIs: doc(c.RedirectURIs),
		PostLogoutRedirectURIs: doc(c.PostLogoutRedirectURIs), GrantTypes: doc(c.GrantTypes), Scopes: doc(c.Scopes),
		IDTokenAlg: c.IDTokenAlg, FirstParty: c.FirstParty, RequirePKCE: c.RequirePKCE,
		ClientURI: c.ClientURI, PolicyURI: c.PolicyURI, TermsURI: c.TermsURI, Contacts: doc(c.Contacts), Metadata: doc(c.Metadata),
		CreatedAt: micro(c.CreatedAt), UpdatedAt: micro(c.UpdatedAt), DisabledAt: micro(c.DisabledAt), Version: c.Version,
	}
}

func (r *clientRow) client() broker.Client {
	return broker.Client{
		ID: r.ID, Name: r.Name, Secrets: r.Secrets.v, AuthMethod: r.AuthMethod, RedirectURIs: r.RedirectURIs.v,
		PostLogoutRedirectURIs: r.PostLogoutRedirectURIs.v, GrantTypes: r.GrantTypes.v, Scopes: r.Scopes.v,
		IDTokenAlg: r.IDTokenAlg, FirstParty: r.FirstParty, RequirePKCE: r.RequirePKCE,
		ClientURI: r.ClientURI, PolicyURI: r.PolicyURI, TermsURI: r.TermsURI, Contacts: r.Contacts.v, Metadata: r.Metadata.v,
		CreatedAt: r.CreatedAt.time(), UpdatedAt: r.UpdatedAt.time(), DisabledAt: r.DisabledAt.time(), Version: r.Version,
	}
}

// Client returns a client, disabled ones too, or broker.ErrNotFound.
func (db *DB) Client(ctx context.Context, id string) (broker.Client, error) {
	r, err := hotRead[clientRow](ctx, db, db.read, hotClient, "read client", clientColumns, id)
	if err != nil {
		return broker.Client{}, err
	}
	return r.client(), nil
}

// Clients returns all clients by id.
func (db *DB) Clients(ctx context.Context) ([]broker.Client, error) {
	rows, err := many[clientRow](ctx, db, "list clients", "id", all, "id <> ''")
	return each(rows, (*clientRow).client), err
}

// clientsAtOnce is how many clients ClientsNamed reads in a statement: more than people use,
// and far fewer than the arguments that the databases take (32 766 in SQLite).
const clientsAtOnce = 1024

// ClientsNamed returns those of ids that are known, by id, disabled ones too, in one statement
// for each 1024.
func (db *DB) ClientsNamed(ctx context.Context, ids []string) (map[string]broker.Client, error) {
	found := make(map[string]broker.Client, len(ids))
	for part := range slices.Chunk(ids, clientsAtOnce) {
		size := 4 // filled up, so that not each number of clients makes a statement
		for size < len(part) {
			size *= 2
		}
		args := make([]any, size)
		for i := range args {
			args[i] = part[min(i, len(part)-1)]
		}
		rows, err := many[clientRow](ctx, db, "find clients", "id", all, "id IN ("+marks(size)+")", args...)
		if err != nil {
			return nil, err
		}
		for i := range rows {
			found[rows[i].ID] = rows[i].client()
		}
	}
	return found, nil
}

// CreateClient writes a new client, with the Version that c has.
// broker.ErrConflict where the id is taken.
func (db *DB) CreateClient(ctx context.Context, c broker.Client) error {
	return db.insert(ctx, "create client", rowOfClient(c))
}

// UpdateClient writes every field of c but CreatedAt, and Version as one more
// than c has. broker.ErrSpent where the row has another version by now, or none
// is there.
func (db *DB) UpdateClient(ctx context.Context, c broker.Client) error {
	n, err := db.update(ctx, "update client", rowOfClient(c), []string{"id", "created_at", "version"},
		"version = version + 1", "id = ? AND version = ?", c.ID, c.Version)
	db.known.forget(c.ID)
	return must(n, err, broker.ErrSpent, "update client")
}

// DeleteClient removes a client, its grants and the consents to it.
// broker.ErrNotFound.
func (db *DB) DeleteClient(ctx context.Context, id string) error {
	return db.InTx(ctx, func(ctx context.Context) error {
		if _, err := db.exec(ctx, "delete the client's grants", "DELETE FROM grants WHERE client_id = ?", id); err != nil {
			return err
		}
		defer db.known.forget(id)
		n, err := db.exec(ctx, "delete client", "DELETE FROM clients WHERE id = ?", id) // consents cascade
		return must(n, err, broker.ErrNotFound, "delete client")
	})
}
