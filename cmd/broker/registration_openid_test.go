package main

import (
	"slices"
	"strings"
	"testing"

	"idbroker/broker"
)

// TestResponseTypeFlags: the words of a response type have no order, and bring
// the grant types along that they need.
func TestResponseTypeFlags(t *testing.T) {
	c := broker.Client{GrantTypes: []string{broker.GrantCode}}
	openIDFlags{ResponseType: []string{"token id_token code", "code", "code id_token token"}}.apply(&c)
	if got := c.Metadata.ResponseTypes; !slices.Equal(got, []string{"code id_token token", "code"}) {
		t.Errorf("response types %q", got)
	}
	if !slices.Equal(c.GrantTypes, []string{broker.GrantCode, broker.GrantImplicit}) {
		t.Errorf("grant types %q", c.GrantTypes)
	}
	if got := responsesOf(broker.Client{GrantTypes: []string{broker.GrantCode}}); !slices.Equal(got, []string{"code"}) {
		t.Errorf("response types of a client that says nothing: %q", got)
	}
	if got := responsesOf(broker.Client{GrantTypes: []string{broker.GrantCredentials}}); len(got) != 0 {
		t.Errorf("response types of a machine: %q", got)
	}
}

func TestCheckResponseTypes(t *testing.T) {
	for _, tt := range []struct {
		types, grants []string
		want          string // "" it is fine
	}{
		{nil, []string{broker.GrantCode}, ""},
		{[]string{"code", "none", "code id_token"}, []string{broker.GrantCode, broker.GrantImplicit}, ""},
		{[]string{"token"}, []string{broker.GrantImplicit}, `response type "token": use code`},
		{[]string{"code code"}, []string{broker.GrantCode}, "use code"},
		{[]string{"code id_token"}, []string{broker.GrantImplicit}, "needs the grant type authorization_code"},
		{[]string{"id_token"}, []string{broker.GrantCode}, "needs the grant type implicit"},
	} {
		var said []string
		for _, problem := range checkClient(broker.Client{GrantTypes: tt.grants, Metadata: broker.ClientMetadata{ResponseTypes: tt.types}}) {
			if strings.HasPrefix(problem, "response type") {
				said = append(said, problem)
			}
		}
		if (tt.want == "") != (len(said) == 0) || !strings.Contains(strings.Join(said, "; "), tt.want) {
			t.Errorf("%q with %q: %q, want %q", tt.types, tt.grants, said, tt.want)
		}
	}
}
