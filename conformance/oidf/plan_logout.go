package oidf

// rpLogoutPlan is the RP-Initiated Logout OP profile.
func rpLogoutPlan() Plan {
	const name = "oidcc-rp-initiated-logout"
	return logoutPlan(name, "rp-initiated-logout",
		name+"-discovery-endpoint-verification",
		name,
		name+"-bad-post-logout-redirect-uri",
		name+"-modified-id-token-hint",
		name+"-no-id-token-hint",
		name+"-no-params",
		name+"-no-post-logout-redirect-uri",
		name+"-no-state",
		name+"-only-state",
		name+"-query-added-to-post-logout-redirect-uri",
		name+"-bad-id-token-hint",
	)
}

// logoutPlan is a plan about sign-out, which the response type makes no
// difference to: the code flow stands for all.
func logoutPlan(name, short string, modules ...string) Plan {
	return Plan{
		Name: name + "-certification-test-plan", Short: short,
		Variants: []Variant{{ResponseType: typeCode, ResponseMode: "default", ClientAuth: AuthBasic, Registration: StaticClient}},
		Modules:  members(modules...),
	}
}

// backchannelPlan is the Back-Channel OP profile.
func backchannelPlan() Plan {
	return logoutPlan("oidcc-backchannel-rp-initiated-logout", "backchannel-logout", "oidcc-backchannel-logout-discovery-endpoint-verification", "oidcc-backchannel-rp-initiated-logout")
}

// frontchannelPlan is the Front-Channel OP profile.
func frontchannelPlan() Plan {
	return logoutPlan("oidcc-frontchannel-rp-initiated-logout", "frontchannel-logout", "oidcc-frontchannel-logout-discovery-endpoint-verification", "oidcc-frontchannel-rp-initiated-logout")
}

// sessionPlan is the Session OP profile.
func sessionPlan() Plan {
	return logoutPlan("oidcc-session-management", "session-management", "oidcc-session-management-discovery-endpoint-verification", "oidcc-session-management-rp-initiated-logout")
}
