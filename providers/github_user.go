package providers

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"idbroker/broker"
)

// githubUser is what we read of GET /user. The "email" there is what the person
// shows on the profile page: it is unproven, and never read.
type githubUser struct {
	ID    string // digits
	Login string
	Name  string
	Type  string // "User", "Bot", "Organization"
}

// githubID is what a numeric id looks like. It is kept as text: ids beyond 2^53
// are not exact in a float64.
var githubID = regexp.MustCompile(`^[1-9][0-9]{0,18}$`)

// githubLogin is what a login may be: letters, digits and single hyphens, and
// for managed users an underscore with the short code of the enterprise.
var githubLogin = regexp.MustCompile(`^[A-Za-z0-9_-]{1,100}$`)

// readGitHubUser reads the answer of GET /user.
func readGitHubUser(body []byte) (githubUser, error) {
	var raw struct {
		ID    json.RawMessage `json:"id"` // json.Number would take a string too
		Login string          `json:"login"`
		Name  string          `json:"name"` // null is ""
		Type  string          `json:"type"`
	}
	if err := decodeJSON(body, &raw); err != nil {
		return githubUser{}, err
	}
	u := githubUser{ID: string(raw.ID), Login: raw.Login, Type: raw.Type}
	if !githubID.MatchString(u.ID) {
		return githubUser{}, errors.New("no numeric id")
	}
	if !githubLogin.MatchString(u.Login) {
		u.Login = "" // for display alone: not worth a refusal
	}
	u.Name, _ = broker.CleanName(raw.Name)
	return u, nil
}

// githubEmail is an entry of GET /user/emails.
type githubEmail struct {
	Email    string `json:"email"`
	Primary  bool   `json:"primary"`
	Verified bool   `json:"verified"`
}

func readGitHubEmails(body []byte) ([]githubEmail, error) {
	var list []githubEmail
	err := decodeJSON(body, &list)
	return list, err
}

// provenEmail is an address, whether it counts as proven, and whether GitHub says
// so itself.
type provenEmail struct {
	address            string
	verified, asserted bool
}

// primaryEmail looks for the address that is primary and verified. The zero
// value: there is none, or we may not read it. Others are never used.
func (p *githubProvider) primaryEmail(ctx context.Context, token broker.Secret) (provenEmail, error) {
	var primary provenEmail
	_, err := p.pages(ctx, "/user/emails?", token, func(a answer) (bool, error) {
		list, err := readGitHubEmails(a.Body)
		for _, e := range list {
			if e.Primary {
				primary = p.usable(e)
				return true, nil
			}
		}
		return false, err
	})
	if err.Status == http.StatusNotFound || err.Status == http.StatusForbidden {
		return provenEmail{}, nil // the person withheld the scope, or a GitHub App has no such permission
	}
	return primary, err.cause
}

// usable applies the trust policy. An address that GitHub invents for privacy
// reaches nobody.
func (p *githubProvider) usable(e githubEmail) provenEmail {
	if !e.Verified && p.app.EmailTrust != EmailAlways {
		return provenEmail{}
	}
	address, verified := p.app.email(e.Email, e.Verified)
	if _, domain, _ := strings.Cut(address, "@"); strings.HasPrefix(domain, "users.noreply.") {
		return provenEmail{}
	}
	return provenEmail{address, verified, verified && e.Verified}
}

// linkNext finds the next page in a Link header (RFC 8288).
var linkNext = regexp.MustCompile(`<([^<>]*)>[^,<]*;\s*rel="?next"?(?:[;,\s]|$)`)

// nextPage is the address of the next page of the list at path; "" there is none.
// The token goes to the API and to no other place, whatever the header says.
func (p *githubProvider) nextPage(path string, links []string) string {
	m := linkNext.FindStringSubmatch(strings.Join(links, ", "))
	if m == nil {
		return ""
	}
	next, err := url.Parse(m[1])
	if err != nil || next.Scheme+"://"+next.Host+next.Path != p.api+path || next.User != nil {
		return ""
	}
	return next.String()
}
