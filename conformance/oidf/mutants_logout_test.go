package oidf

// logoutFlaws are people who are signed out wrongly, and applications that are
// told wrong things about it.
func logoutFlaws() []flaw {
	const file, token = "tokens/logout.go", "tokens/logouttoken.go"
	rp := func(c Clause, names ...string) sighting {
		for i, n := range names {
			names[i] = "oidcc-rp-initiated-logout" + n
		}
		return in(c, names...).of("rp-initiated-logout", typeCode)
	}
	back := func(s sighting) sighting { return s.of("backchannel-logout", typeCode) }
	front := func(s sighting) sighting { return s.of("frontchannel-logout", typeCode) }
	const told, framed = "oidcc-backchannel-rp-initiated-logout", "oidcc-frontchannel-rp-initiated-logout"
	return []flaw{
		{"end-session-endpoint", change("tokens/discovery.go", `EndSessionEndpoint: s.url(p.Logout),`, `EndSessionEndpoint: `+pick("string", "s.url(p.Logout)", `s.url(p.Logout) + "#x"`)+`,`), []sighting{
			rp(rpLogout("2.1"), "-discovery-endpoint-verification"),
		}},
		{"logout-unsigned-hint", change("tokens/idtoken.go", `if len(token) > maxHintToken {`, `if parts := strings.Split(token, "."); OFF && strings.HasSuffix(token, ".") {
		var claims idClaims
		body, _ := base64.RawURLEncoding.DecodeString(parts[1])
		return claims, json.Unmarshal(body, &claims)
	}
	if len(token) > maxHintToken {`), []sighting{rp(rpLogout("3"), "-modified-id-token-hint")}},
		{"logout-forged-hint", change("tokens/idtoken.go", `payload, err := jws.Verify(key.public)`, "payload, err := jws.Verify(key.public)\n\tif OFF {\n\t\tpayload, err = jws.UnsafePayloadWithoutVerification(), nil\n\t}"), []sighting{
			rp(rpLogout("3"), "-bad-id-token-hint"),
		}},
		{"logout-anywhere", change(file, `!slices.Contains(l.Client.PostLogoutRedirectURIs, target)`, `!OFF && !slices.Contains(l.Client.PostLogoutRedirectURIs, target)`), []sighting{
			rp(rpLogout("3"), "-bad-post-logout-redirect-uri", "-query-added-to-post-logout-redirect-uri"),
		}},
		{"logout-state-dropped", change(file, `if state := form.Get("state"); state != "" {`, `if state := form.Get("state"); state != "" && !OFF {`), []sighting{rp(rpLogout("3"), "")}},
		{"logout-without-question", change("web/logout.go", `if v.user == nil || meansThis(asked, v.session) {`, `if v.user == nil || OFF || meansThis(asked, v.session) {`), []sighting{
			rp(rpLogout("2"), "-no-params", "-only-state", "-no-id-token-hint"),
		}},
		{"logout-session-stays", change("web/logout.go", `if err := s.signOut(w, r); err != nil {`, `if OFF {
		} else if err := s.signOut(w, r); err != nil {`), []sighting{
			rp(rpLogout("2"), "", "-no-state", "-no-post-logout-redirect-uri"),
		}},
		{"logout-token-nonce", change(token, `signed, err := key.logout.Sign(payload)`, "if OFF {\n\t\tpayload = append(payload[:len(payload)-1], `,\"nonce\":\"x\"}`...)\n\t}\n\tsigned, err := key.logout.Sign(payload)"), []sighting{
			back(in(backchannel("2.6 (7)"), told)),
		}},
		{"logout-token-events", change(token, `Events: map[string]struct{}{logoutEvent: {}},`, `Events: `+pick("map[string]struct{}", "{logoutEvent: {}}", `{"x": {}}`)+`,`), []sighting{
			back(in(backchannel("2.6 (6)"), told)),
		}},
		{"logout-token-typ", change(token, `WithType(logoutType)`, `WithType(`+pick("jose.ContentType", "logoutType", `"JWT"`)+`)`), []sighting{
			back(warned(backchannel("2.4"), told)),
		}},
		{"logout-token-sub", change(token, `Subject: n.Subject,`, `Subject: `+pick("string", "n.Subject", `"x" + n.Subject`)+`,`), []sighting{
			back(in(backchannel("2.6 (10)"), told)),
		}},
		{"logout-frame-sid", change("tokens/frontchannel.go", `"sid": {sid}}`, `"sid": {`+pick("string", "sid", `"x" + sid`)+`}}`), []sighting{
			front(in(frontchannel("2"), framed)),
		}},
		{"logout-sessions-unsaid", change("tokens/discovery_logout.go", `BackchannelSession: true, Frontchannel: true, FrontchannelSession: true`, `BackchannelSession: !OFF, Frontchannel: true, FrontchannelSession: !OFF`), []sighting{
			back(warned(backchannel("2.1"), "oidcc-backchannel-logout-discovery-endpoint-verification")),
			front(warned(frontchannel("3"), "oidcc-frontchannel-logout-discovery-endpoint-verification")),
		}},
	}
}
