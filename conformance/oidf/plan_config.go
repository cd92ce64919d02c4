package oidf

// configPlan is the Config OP profile: what the OP publishes about itself. It
// needs no client.
func configPlan() Plan {
	return Plan{
		Name: "oidcc-config-certification-test-plan", Short: "config",
		Variants: []Variant{{ResponseType: typeCode, ResponseMode: "default"}},
		Modules:  members("oidcc-discovery-endpoint-verification"),
	}
}
