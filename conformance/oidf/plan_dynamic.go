package oidf

// dynamicPlan is the Dynamic OP profile: clients register themselves.
func dynamicPlan() Plan {
	p := Plan{
		Name: "oidcc-dynamic-certification-test-plan", Short: "dynamic",
		Variants: []Variant{{ResponseType: typeCode, ResponseMode: "default", ClientAuth: AuthBasic, Registration: DynamicClient}},
		Modules: members(
			"oidcc-server",
			"oidcc-discovery-endpoint-verification",
			"oidcc-idtoken-unsigned",
			"oidcc-idtoken-rs256",
			"oidcc-userinfo-rs256",
			"oidcc-ensure-redirect-uri-in-authorization-request",
			"oidcc-redirect-uri-query-OK",
			"oidcc-redirect-uri-query-mismatch",
			"oidcc-redirect-uri-query-added",
			"oidcc-redirect-uri-regfrag",
			"oidcc-registration-logo-uri",
			"oidcc-registration-policy-uri",
			"oidcc-registration-tos-uri",
			"oidcc-registration-jwks-uri",
			"oidcc-registration-sector-uri",
			"oidcc-registration-sector-bad",
			"oidcc-server-rotate-keys",
			"oidcc-refresh-token",
			"oidcc-refresh-token-rp-key-rotation",
			"oidcc-request-uri-unsigned",
			"oidcc-request-uri-signed-rs256",
			"oidcc-ensure-request-object-with-redirect-uri",
			"oidcc-ensure-client-assertion-with-iss-aud-succeeds",
		),
	}
	for i := range p.Modules {
		p.Modules[i].Dynamic = true
	}
	return p
}
