package providers

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"idbroker/broker"
)

// names asks userinfo for the names that an ID token did not have. ORCID answers
// 403 to whatever is wrong with a token.
func (p *orcidProvider) names(ctx context.Context, token broker.Secret, profile *broker.Profile) error {
	m, err := p.metadata(ctx)
	if err != nil || m.UserInfo == "" {
		return err
	}
	a, err := p.env.client.get(ctx, m.UserInfo, token, "")
	if err != nil {
		return err
	}
	if a.Status == http.StatusForbidden || a.Status == http.StatusUnauthorized {
		return ErrRestart.Becausef("userinfo: status %d, %s", a.Status, orcidProblem(a.Body))
	}
	if err := a.ok("userinfo"); err != nil {
		return err
	}
	c, err := parseClaims(a.Body)
	if err != nil {
		return ErrUpstream.Becausef("userinfo: %w", redact(err))
	}
	if !same(c.str("sub"), profile.Subject) {
		return ErrUpstream.Becausef("userinfo: sub is not the ID token's")
	}
	profile.Name = c.personName()
	return nil
}

// orcidProblem names an error of ORCID for the log. Its descriptions repeat
// tokens; only the one of userinfo, under a key with a hyphen, is a fixed text.
func orcidProblem(body []byte) string {
	c, err := parseClaims(body)
	if err != nil {
		return "no JSON"
	}
	return clean(c.str("error") + " " + c.str("error-description"))
}

// Error codes of the API (info.orcid.org, "Error codes").
const (
	orcidDeprecated  = 9007
	orcidLocked      = 9018
	orcidUnclaimed   = 9036
	orcidDeactivated = 9044
)

// orcidEmail is an entry of the section "email" of a record.
type orcidEmail struct {
	Email    string `json:"email"`
	Verified bool   `json:"verified"`
	Primary  bool   `json:"primary"`
}

// orcidEmails is that section.
type orcidEmails struct {
	Emails []orcidEmail `json:"email"`
	Path   string       `json:"path"` // "/{iD}/email"
}

// readORCIDEmail returns the verified address of a record's section, the primary
// one where there are several; "" none.
func readORCIDEmail(body []byte, orcid string) (string, error) {
	var section orcidEmails
	if err := decodeJSON(body, &section); err != nil {
		return "", ErrUpstream.Becausef("record: %w", err)
	}
	if section.Path != "" && section.Path != "/"+orcid+"/email" {
		return "", ErrUpstream.Becausef("record: the answer is about another iD")
	}
	found := ""
	for _, e := range section.Emails {
		if e.Verified && (found == "" || e.Primary) {
			found = e.Email
			if e.Primary {
				break
			}
		}
	}
	return found, nil
}

// email asks the API for a verified address that the person lets us see. There
// is usually none, so an API that is down keeps nobody out: the person is asked.
// A record that is gone does.
func (p *orcidProvider) email(ctx context.Context, token broker.Secret, orcid string) (string, error) {
	a, err := p.straight().get(ctx, p.api+"/"+orcid+"/email", token, "application/json")
	if err != nil && !errors.Is(classify(err), ErrUnavailable) {
		return "", err
	}
	if err != nil || unavailable(a.Status) {
		p.env.log.WarnContext(ctx, "orcid api unavailable, no address read", "status", a.Status, "err", redact(err))
		return "", nil
	}
	var problem struct {
		Code json.Number `json:"error-code"`
	}
	if a.Status != http.StatusOK {
		_ = decodeJSON(a.Body, &problem) // 0 where it is no JSON
	}
	code, _ := problem.Code.Int64()
	switch {
	case a.Status == http.StatusOK:
		if !a.isJSON() {
			return "", ErrUpstream.Becausef("record: %q is no JSON", clean(a.mediaType()))
		}
		return readORCIDEmail(a.Body, orcid)
	case a.Status == http.StatusUnauthorized:
		return "", ErrRestart.Becausef("record: the token is not accepted any more")
	case code == orcidDeprecated || a.Status/100 == 3:
		// Merged meanwhile: signing in again gives the iD that is left.
		return "", ErrRestart.Becausef("record: status %d, error %d, the iD is deprecated", a.Status, code)
	case code == orcidLocked || code == orcidUnclaimed || code == orcidDeactivated:
		return "", ErrNotAllowed.Becausef("record: status %d, error %d", a.Status, code)
	case a.Status == http.StatusForbidden:
		return "", nil // private
	}
	return "", ErrUpstream.Becausef("record: status %d, error %d", a.Status, code)
}

// straight is the app's client without redirects: a deprecated record points to
// another person's, as far as an address is concerned.
func (p *orcidProvider) straight() *client {
	hc := *p.env.client.http
	hc.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client{http: &hc, limits: p.env.client.limits}
}
