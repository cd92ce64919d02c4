package oidf

// The response types of the hybrid flow.
const (
	typeCodeIDToken      = "code id_token"
	typeCodeToken        = "code token"
	typeCodeIDTokenToken = "code id_token token"
)

// hybridPlan is the Hybrid OP profile: some comes from the authorization
// endpoint, some from the token endpoint.
func hybridPlan() Plan {
	return Plan{Name: "oidcc-hybrid-certification-test-plan", Short: "hybrid", Variants: variants("default", typeCodeIDToken, typeCodeToken, typeCodeIDTokenToken), Modules: hybridMembers()}
}

// formPostHybridPlan is the same with the response in a form.
func formPostHybridPlan() Plan {
	return Plan{Name: "oidcc-formpost-hybrid-certification-test-plan", Short: "formpost-hybrid", Variants: variants("form_post", typeCodeIDToken, typeCodeToken, typeCodeIDTokenToken), Modules: hybridMembers()}
}

func hybridMembers() []Member {
	all := append(browserMembers(), members(
		"oidcc-userinfo-get",
		"oidcc-userinfo-post-header",
		"oidcc-userinfo-post-body",
		"oidcc-codereuse",
		"oidcc-codereuse-30seconds",
		"oidcc-server-client-secret-post",
		"oidcc-refresh-token",
	)...)
	return append(all,
		// The nonce is required where an ID token comes from the authorization
		// endpoint (OpenID Connect Core 1.0, section 3.3.2.11).
		Member{Module: "oidcc-ensure-request-without-nonce-fails", Only: []string{typeCodeIDToken, typeCodeIDTokenToken}},
		Member{Module: "oidcc-ensure-request-without-nonce-succeeds-for-code-flow", Only: []string{typeCodeToken}},
		Member{Module: "oidcc-response-type-missing", Only: []string{typeCodeIDTokenToken}},
		Member{Module: "oidcc-alternate-happy-flow", Only: []string{typeCodeIDTokenToken}},
		Member{Module: "oidcc-ensure-request-with-valid-pkce-succeeds", Only: []string{typeCodeIDTokenToken}},
	)
}
