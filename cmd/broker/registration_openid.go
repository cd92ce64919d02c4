package main

import (
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
	SectorURI    string   `name:"sector-identifier-uri" placeholder:"URL" help:"Applications with the same host here share their pairwise subjects. It is fetched now, and must list every redirect URI."`
	LoginURI     string   `name:"initiate-login-uri" placeholder:"URL" help:"Where a sign-in there begins that we, or others, send people to (OpenID Connect Core, section 4)."`
	ACR          []string `name:"default-acr" placeholder:"ACR" help:"How people must have signed in, where the application does not say. Repeat for more."`
	SecondFactor bool     `name:"second-factor" help:"Whoever signs in for it shows a second factor, and sets one up where they have none."`
	MaxAge       int      `name:"default-max-age" default:"-1" placeholder:"SECONDS" help:"How long ago people may have signed in, where the application does not say."`
}

// apply puts the flags into a registration. Response types bring the grant
// types along that they need (OpenID Connect Dynamic Client Registration 1.0,
// section 2).
func (f openIDFlags) apply(c *broker.Client) {
	c.Metadata.UserInfoSignedResponseAlg, c.Metadata.SectorIdentifierURI = f.UserInfoAlg, f.SectorURI
	c.Metadata.SecondFactor = f.SecondFactor
	c.Metadata.InitiateLoginURI, c.Metadata.DefaultACRValues = f.LoginURI, splitWords(f.ACR)
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
