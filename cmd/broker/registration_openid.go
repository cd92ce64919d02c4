package main

import (
	"net/url"
	"slices"
	"strings"

	"idbroker/broker"
	"idbroker/tokens"
)

// openIDFlags are the flags of a registration that few applications need.
type openIDFlags struct {
	ResponseType []string `name:"response-type" sep:"none" placeholder:"TYPE" help:"What the authorization endpoint answers with, such as \"code id_token\". Otherwise code. Repeat for more."`
	UserInfoAlg  string   `name:"userinfo-alg" placeholder:"ALG" help:"Sign userinfo with it. Otherwise plain JSON."`
	SubjectType  string   `name:"subject-type" enum:"public,pairwise" default:"public" help:"Whether other applications know a person by the same sub: ${enum}. Cannot be changed without losing whom it knows."`
	SectorURI    string   `name:"sector-identifier-uri" placeholder:"URL" help:"Applications with the same host here share their pairwise subjects. You vouch that it lists the redirect URIs."`
	MaxAge       int      `name:"default-max-age" default:"-1" placeholder:"SECONDS" help:"How long ago people may have signed in, where the application does not say."`
}

// apply puts the flags into a registration. Response types bring the grant
// types along that they need (OpenID Connect Dynamic Client Registration 1.0,
// section 2).
func (f openIDFlags) apply(c *broker.Client) {
	c.Metadata.UserInfoSignedResponseAlg, c.Metadata.SectorIdentifierURI = f.UserInfoAlg, f.SectorURI
	if f.SubjectType != "public" {
		c.Metadata.SubjectType = f.SubjectType
	}
	if f.MaxAge >= 0 {
		c.Metadata.DefaultMaxAge = &f.MaxAge
	}
	for _, t := range f.ResponseType {
		known := tokens.ResponseType(t)
		if known == "" {
			known = t // checkClient says so
		}
		if !slices.Contains(c.Metadata.ResponseTypes, known) {
			c.Metadata.ResponseTypes = append(c.Metadata.ResponseTypes, known)
		}
		if strings.Contains(known, "token") && !c.MayGrant(broker.GrantImplicit) {
			c.GrantTypes = append(c.GrantTypes, broker.GrantImplicit)
		}
	}
}

// checkSignatures wants algorithms that we have.
func checkSignatures(c broker.Client, bad func(string, ...any)) {
	known := tokens.Algorithms()
	if c.IDTokenAlg != "" && !slices.Contains(known, c.IDTokenAlg) {
		bad("algorithm %q: use one of %s", c.IDTokenAlg, strings.Join(known, ", "))
	}
	if alg := c.Metadata.UserInfoSignedResponseAlg; alg != "" && alg != "none" && !slices.Contains(known, alg) {
		bad("userinfo algorithm %q: use one of %s", alg, strings.Join(known, ", "))
	}
}

// checkSubjects wants pairwise subjects to have a sector that does not move
// when a redirect URI is added (OpenID Connect Core 1.0, section 8.1).
func checkSubjects(c broker.Client, bad func(string, ...any)) {
	m := c.Metadata
	if !slices.Contains([]string{"", "public", "pairwise"}, m.SubjectType) {
		bad("subject type %q: use public or pairwise", m.SubjectType)
	}
	if m.SectorIdentifierURI != "" {
		if u, err := url.Parse(m.SectorIdentifierURI); err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.Fragment != "" {
			bad("sector identifier %q: write an https URL", m.SectorIdentifierURI)
		}
		return
	}
	hosts := map[string]bool{}
	for _, uri := range c.RedirectURIs {
		if u, err := url.Parse(uri); err == nil {
			hosts[u.Host] = true
		}
	}
	if m.SubjectType == "pairwise" && len(hosts) > 1 {
		bad("subject type pairwise: the redirect URIs have several hosts; add --sector-identifier-uri")
	}
}

// responsesOf are the response types of a registration.
func responsesOf(c broker.Client) []string {
	switch {
	case c.Metadata.ResponseTypes != nil:
		return c.Metadata.ResponseTypes
	case c.MayGrant(broker.GrantCode):
		return []string{"code"}
	}
	return []string{}
}

// checkResponseTypes wants response types and grant types to agree.
func checkResponseTypes(c broker.Client, bad func(string, ...any)) {
	for _, t := range c.Metadata.ResponseTypes {
		words := strings.Fields(t)
		switch {
		case tokens.ResponseType(t) == "":
			bad("response type %q: use %s", t, strings.Join(tokens.ResponseTypes(), ", "))
		case slices.Contains(words, "code") && !c.MayGrant(broker.GrantCode):
			bad("response type %q: it needs the grant type %s", t, broker.GrantCode)
		case strings.Contains(t, "token") && !c.MayGrant(broker.GrantImplicit):
			bad("response type %q: it needs the grant type %s", t, broker.GrantImplicit)
		}
	}
}
