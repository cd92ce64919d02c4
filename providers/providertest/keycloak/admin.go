package keycloak

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"
	"time"
)

const (
	// callTime bounds a call: the first ones find a cold server.
	callTime = time.Minute
	// maxAnswer bounds an answer.
	maxAnswer = 4 << 20
)

// randomText is a secret of a test.
func randomText() string { return rand.Text() }

// admin calls Keycloak's administration over HTTP.
type admin struct {
	url, password string
}

// post sends a form and returns the JSON answer and its status.
func post(t testing.TB, address string, form url.Values) (map[string]any, int) {
	t.Helper()
	client := http.Client{Timeout: callTime}
	res, err := client.PostForm(address, form)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	answer := map[string]any{}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err == nil && len(body) > 0 {
		err = json.Unmarshal(body, &answer)
	}
	if err != nil {
		t.Fatalf("%s: %v: %s", address, err, body)
	}
	return answer, res.StatusCode
}

// call sends body, JSON where it is no []byte, as the administrator, and reads
// the answer into dest unless that is nil. It returns the last segment of
// Location: the id of what was made. The test fails where Keycloak refuses.
func (a admin) call(t testing.TB, method, address string, body, dest any) string {
	t.Helper()
	answer, status := post(t, a.url+"/realms/master/protocol/openid-connect/token", url.Values{
		"grant_type": {"password"}, "client_id": {"admin-cli"}, "username": {"admin"}, "password": {a.password},
	})
	token, _ := answer["access_token"].(string)
	if token == "" {
		t.Fatalf("Keycloak refuses its administrator: %d %v", status, answer)
	}
	raw, ok := body.([]byte)
	if !ok && body != nil {
		var err error
		if raw, err = json.Marshal(body); err != nil {
			t.Fatal(err)
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), method, a.url+address, bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	client := http.Client{Timeout: callTime}
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	said, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err == nil && res.StatusCode > 299 {
		err = fmt.Errorf("%s: %s", res.Status, said)
	}
	if err == nil && dest != nil {
		err = json.Unmarshal(said, dest)
	}
	if err != nil {
		t.Fatalf("%s %s: %v", method, address, err)
	}
	return path.Base(res.Header.Get("Location"))
}

// realm is call for something of the realm.
func (s *Server) realm(t testing.TB, method, address string, body, dest any) string {
	t.Helper()
	return s.admin.call(t, method, "/admin/realms/"+Realm+address, body, dest)
}

// Client is a relying party that is to be registered.
type Client struct {
	ID, Secret   string
	RedirectURIs []string
	LogoutURI    string // where logout tokens go; "" nowhere
	AfterSignOut []string
	WithoutRoles bool // realm roles are not told in the ID token, which is Keycloak's default
	WithoutS256  bool // PKCE is not demanded
	AsksConsent  bool // people are asked whether they want to come to it
}

// AddClient registers a confidential client of the code flow.
func (s *Server) AddClient(t testing.TB, c Client) {
	t.Helper()
	attributes := map[string]string{"backchannel.logout.session.required": "true", "post.logout.redirect.uris": strings.Join(c.AfterSignOut, "##")}
	if !c.WithoutS256 {
		attributes["pkce.code.challenge.method"] = "S256"
	}
	if c.LogoutURI != "" {
		attributes["backchannel.logout.url"] = c.LogoutURI
	}
	mappers := []any{}
	if !c.WithoutRoles {
		mappers = append(mappers, map[string]any{
			"name": "roles for the broker", "protocol": "openid-connect", "protocolMapper": "oidc-usermodel-realm-role-mapper",
			"config": map[string]string{
				"claim.name": "realm_access.roles", "multivalued": "true", "jsonType.label": "String", "id.token.claim": "true",
			},
		})
	}
	s.realm(t, "POST", "/clients", map[string]any{
		"clientId": c.ID, "secret": c.Secret, "redirectUris": c.RedirectURIs, "publicClient": false, "standardFlowEnabled": true,
		"directAccessGrantsEnabled": false, "consentRequired": c.AsksConsent, "attributes": attributes, "protocolMappers": mappers,
	}, nil)
}
