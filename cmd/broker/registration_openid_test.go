package main

import (
	"slices"
	"strings"
	"testing"

	"idbroker/broker"
	"idbroker/tokens"
)

// TestResponseTypeFlags: the words of a response type have no order, and bring
// the grant types along that they need.
func TestResponseTypeFlags(t *testing.T) {
	c := broker.Client{GrantTypes: []string{broker.GrantCode}}
	openIDFlags{ResponseType: []string{"token id_token code", "code", "code id_token token"}, MaxAge: -1}.apply(&c)
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
		{[]string{"token"}, []string{broker.GrantImplicit}, `"token" is not supported; use code`},
		{[]string{"code code"}, []string{broker.GrantCode}, "use code"},
		{[]string{"code id_token"}, []string{broker.GrantImplicit}, "needs the grant type authorization_code"},
		{[]string{"id_token"}, []string{broker.GrantCode}, "needs the grant type implicit"},
	} {
		var said []string
		for _, problem := range (broker.Client{GrantTypes: tt.grants, Metadata: broker.ClientMetadata{ResponseTypes: tt.types}}).Problems(tokens.Offer()) {
			if problem.Field == "response_types" {
				said = append(said, problem.String())
			}
		}
		if (tt.want == "") != (len(said) == 0) || !strings.Contains(strings.Join(said, "; "), tt.want) {
			t.Errorf("%q with %q: %q, want %q", tt.types, tt.grants, said, tt.want)
		}
	}
}

// TestSubjectsAndSignatures that a registration may name.
func TestSubjectsAndSignatures(t *testing.T) {
	age := 0
	var flagged broker.Client
	openIDFlags{UserInfoAlg: "PS256", SubjectType: "pairwise", SectorURI: "https://x.example/s", MaxAge: age, LoginURI: "https://x.example/in", ACR: []string{"a b", "c"}}.apply(&flagged)
	if m := flagged.Metadata; m.UserInfoSignedResponseAlg != "PS256" || m.SubjectType != "pairwise" || m.SectorIdentifierURI == "" || m.DefaultMaxAge == nil || m.InitiateLoginURI == "" || len(m.DefaultACRValues) != 3 || *m.DefaultMaxAge != 0 {
		t.Errorf("%+v", m)
	}
	for alg, want := range map[string]string{"PS256": "", "EdDSA": "", "none": "userinfo_signed", "HS256": "id_token_signed"} {
		var said []string
		for _, p := range (broker.Client{IDTokenAlg: alg, Metadata: broker.ClientMetadata{UserInfoSignedResponseAlg: "HS384", SubjectType: "pairwise"}}).Problems(tokens.Offer()) {
			said = append(said, p.String())
		}
		text := strings.Join(said, "; ")
		if !strings.Contains(text, want) || !strings.Contains(text, "HS384") || strings.Contains(text, "subject_type") || want == "" && strings.Contains(text, "id_token_signed") {
			t.Errorf("%s: %s", alg, text)
		}
	}
}
