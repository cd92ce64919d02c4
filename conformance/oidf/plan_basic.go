package oidf

// typeCode is the response type of the code flow.
const typeCode = "code"

// basicPlan is the Basic OP profile: the code flow.
func basicPlan() Plan {
	return Plan{
		Name: "oidcc-basic-certification-test-plan", Short: "basic",
		Variants: []Variant{{ResponseType: typeCode, ResponseMode: "default", ClientAuth: AuthBasic, Registration: StaticClient}},
		Modules:  basicMembers(),
	}
}

// formPostBasicPlan is the same with the response in a form.
func formPostBasicPlan() Plan {
	return Plan{
		Name: "oidcc-formpost-basic-certification-test-plan", Short: "formpost-basic",
		Variants: []Variant{{ResponseType: typeCode, ResponseMode: "form_post", ClientAuth: AuthBasic, Registration: StaticClient}},
		Modules:  basicMembers(),
	}
}

func basicMembers() []Member {
	all := members(
		"oidcc-server",
		"oidcc-response-type-missing",
		"oidcc-userinfo-get",
		"oidcc-userinfo-post-header",
		"oidcc-userinfo-post-body",
		"oidcc-ensure-request-without-nonce-succeeds-for-code-flow",
		"oidcc-scope-profile",
		"oidcc-scope-email",
		"oidcc-scope-address",
		"oidcc-scope-phone",
		"oidcc-scope-all",
		"oidcc-alternate-happy-flow",
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
		"oidcc-codereuse",
		"oidcc-codereuse-30seconds",
		"oidcc-ensure-registered-redirect-uri",
		"oidcc-ensure-post-request-succeeds",
		"oidcc-server-client-secret-post",
		"oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported",
		"oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported",
		"oidcc-claims-essential",
		"oidcc-ensure-request-object-with-redirect-uri",
		"oidcc-refresh-token",
		"oidcc-ensure-request-with-valid-pkce-succeeds",
	)
	return append(all, Member{Module: "oidcc-idtoken-signature", Dynamic: true}, Member{Module: "oidcc-idtoken-unsigned", Dynamic: true})
}
