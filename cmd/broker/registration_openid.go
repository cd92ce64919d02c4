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
}

// apply puts the flags into a registration. Response types bring the grant
// types along that they need (OpenID Connect Dynamic Client Registration 1.0,
// section 2).
func (f openIDFlags) apply(c *broker.Client) {
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
