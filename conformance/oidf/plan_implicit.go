package oidf

// The response types of the implicit flow.
const (
	typeIDToken      = "id_token"
	typeIDTokenToken = "id_token token"
)

// implicitPlan is the Implicit OP profile: everything comes from the
// authorization endpoint.
func implicitPlan() Plan {
	return Plan{Name: "oidcc-implicit-certification-test-plan", Short: "implicit", Variants: variants("default", typeIDToken, typeIDTokenToken), Modules: implicitMembers()}
}

// formPostImplicitPlan is the same with the response in a form.
func formPostImplicitPlan() Plan {
	return Plan{Name: "oidcc-formpost-implicit-certification-test-plan", Short: "formpost-implicit", Variants: variants("form_post", typeIDToken, typeIDTokenToken), Modules: implicitMembers()}
}

// variants are one for each response type, with static clients.
func variants(mode string, types ...string) []Variant {
	out := make([]Variant, len(types))
	for i, t := range types {
		out[i] = Variant{ResponseType: t, ResponseMode: mode, ClientAuth: AuthBasic, Registration: StaticClient}
	}
	return out
}

func implicitMembers() []Member {
	return append(browserMembers(),
		Member{Module: "oidcc-response-type-missing", Only: []string{typeIDTokenToken}},
		Member{Module: "oidcc-userinfo-get", Only: []string{typeIDTokenToken}},
		Member{Module: "oidcc-userinfo-post-header", Only: []string{typeIDTokenToken}},
		Member{Module: "oidcc-userinfo-post-body", Only: []string{typeIDTokenToken}},
		Member{Module: "oidcc-ensure-request-without-nonce-fails"},
		Member{Module: "oidcc-alternate-happy-flow"},
	)
}

// browserMembers are what the plans of all response types that answer in the
// browser have in common.
func browserMembers() []Member {
	all := members(
		"oidcc-server",
		"oidcc-scope-profile",
		"oidcc-scope-email",
		"oidcc-scope-address",
		"oidcc-scope-phone",
		"oidcc-scope-all",
		"oidcc-display-page",
		"oidcc-display-popup",
		"oidcc-prompt-login",
		"oidcc-prompt-none-not-logged-in",
		"oidcc-prompt-none-logged-in",
		"oidcc-max-age-1",
		"oidcc-max-age-10000",
		"oidcc-ensure-request-with-unknown-parameter-succeeds",
		"oidcc-id-token-hint",
		"oidcc-login-hint",
		"oidcc-ui-locales",
		"oidcc-claims-locales",
		"oidcc-ensure-request-with-acr-values-succeeds",
		"oidcc-ensure-registered-redirect-uri",
		"oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported",
		"oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported",
		"oidcc-claims-essential",
		"oidcc-ensure-request-object-with-redirect-uri",
	)
	return append(all, Member{Module: "oidcc-idtoken-signature", Dynamic: true})
}
