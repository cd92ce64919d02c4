package broker

import "net/url"

// SubjectPairwise is the subject type of clients that know people by subjects of
// their own (OpenID Connect Core 1.0, section 8).
const SubjectPairwise = "pairwise"

// subjectProblems wants pairwise subjects to have a sector that does not move
// when a redirect URI is added (OpenID Connect Core 1.0, section 8.1).
func (c Client) subjectProblems(bad func(field, format string, args ...any)) {
	if text := c.Metadata.SectorIdentifierURI; text != "" {
		if u, err := url.Parse(text); err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.Fragment != "" || len(text) > MaxURI {
			bad("sector_identifier_uri", "%.120q: write an https URL", text)
		}
		return
	}
	hosts := map[string]bool{}
	for _, uri := range c.RedirectURIs {
		if u, err := url.Parse(uri); err == nil {
			hosts[u.Host] = true
		}
	}
	if c.Metadata.SubjectType == SubjectPairwise && len(hosts) > 1 {
		bad("subject_type", "%s: the redirect URIs have several hosts; name a sector_identifier_uri", SubjectPairwise)
	}
}
