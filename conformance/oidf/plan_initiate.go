package oidf

// initiatePlan is the 3rd Party-Init OP profile. A configuration of the official
// suite has no such clients: they register themselves.
func initiatePlan() Plan {
	return Plan{
		Name: "oidcc-3rdparty-init-login-certification-test-plan", Short: "3rdparty-init-login",
		Variants: []Variant{{ResponseType: typeCode, ResponseMode: "default", ClientAuth: AuthBasic, Registration: DynamicClient}},
		Modules:  []Member{{Module: "oidcc-3rd_party-init-login", Dynamic: true}, {Module: "oidcc-3rd_party-init-login-nohttps", Dynamic: true}},
	}
}
