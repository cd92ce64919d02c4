package keycloak

import (
	"net/url"
	"testing"
)

// userID is Keycloak's id of a person, which is the "sub" too.
func (s *Server) userID(t testing.TB, username string) string {
	t.Helper()
	var found []struct{ ID string }
	s.realm(t, "GET", "/users?exact=true&username="+url.QueryEscape(username), nil, &found)
	if len(found) != 1 {
		t.Fatalf("%d people are called %q", len(found), username)
	}
	return found[0].ID
}

// Change sets fields of a person, named as in Keycloak's administration:
// "enabled", "emailVerified", "email". Those that are not named stay.
func (s *Server) Change(t testing.TB, username string, fields map[string]any) {
	t.Helper()
	address, all := "/users/"+s.userID(t, username), map[string]any{}
	s.realm(t, "GET", address, nil, &all)
	for name, v := range fields {
		all[name] = v
	}
	s.realm(t, "PUT", address, all, nil)
}

// Session is a person's stay at Keycloak.
type Session struct {
	ID      string
	Clients map[string]string // their client_id by Keycloak's id: those that hold tokens of it
}

// Holds tells whether the client holds tokens of the session.
func (s Session) Holds(client string) bool {
	for _, id := range s.Clients {
		if id == client {
			return true
		}
	}
	return false
}

// Sessions are those of a person.
func (s *Server) Sessions(t testing.TB, username string) []Session {
	t.Helper()
	var all []Session
	s.realm(t, "GET", "/users/"+s.userID(t, username)+"/sessions", nil, &all)
	return all
}

// SignOut ends all sessions of a person, as an administrator does; clients with a
// LogoutURI are told.
func (s *Server) SignOut(t testing.TB, username string) {
	t.Helper()
	s.realm(t, "POST", "/users/"+s.userID(t, username)+"/logout", nil, nil)
}

// RotateKey makes a new signing key and withdraws those that have signed until
// now. It returns the ids ("kid") of both.
func (s *Server) RotateKey(t testing.TB) (old, fresh string) {
	t.Helper()
	active := func() (kid, provider string) {
		var k struct {
			Active map[string]string
			Keys   []struct{ Kid, ProviderID string }
		}
		s.realm(t, "GET", "/keys", nil, &k)
		for _, key := range k.Keys {
			if key.Kid == k.Active["RS256"] {
				return key.Kid, key.ProviderID
			}
		}
		t.Fatalf("no active key: %+v", k)
		return "", ""
	}
	old, provider := active()
	var r struct{ ID string }
	s.realm(t, "GET", "", nil, &r)
	s.realm(t, "POST", "/components", map[string]any{
		"name": "rsa-" + randomText(), "providerId": "rsa-generated", "providerType": "org.keycloak.keys.KeyProvider", "parentId": r.ID,
		"config": map[string][]string{"priority": {"1000"}, "keySize": {"2048"}, "algorithm": {"RS256"}},
	}, nil)
	s.realm(t, "DELETE", "/components/"+provider, nil, nil)
	fresh, _ = active()
	return old, fresh
}
