package oidf

import "idbroker/conformance/mutant"

// frontFlaws are wrong answers in the browser, of the implicit and hybrid flows.
func frontFlaws() []flaw {
	return []flaw{
		{"c-hash", change("tokens/idtoken.go", `leftHash(alg, r.code)`, `leftHash(alg, `+pick("string", "r.code", `"x" + r.code`)+`)`), []sighting{
			in(core("3.3.2.11"), "oidcc-server").of("hybrid", typeCodeIDToken),
		}},
		{"query-for-fragment", change("tokens/response_mode.go", `preset = fosite.ResponseModeFragment`, `preset = `+pick("fosite.ResponseModeType", "fosite.ResponseModeFragment", "fosite.ResponseModeQuery")), []sighting{
			in(encodings("2.1"), "oidcc-server").of("implicit", typeIDToken),
			in(encodings("2.1"), "oidcc-server").of("hybrid", typeCodeToken),
		}},
		{"nonce-not-needed", change("tokens/response_type.go", `case form.Get("nonce") == "":`, `case form.Get("nonce") == "" && !OFF:`), []sighting{
			in(core("3.2.2.1"), "oidcc-ensure-request-without-nonce-fails").of("implicit", typeIDToken),
		}},
	}
}

// discoveryFlaws are wrong metadata and keys.
func discoveryFlaws() []flaw {
	const module = "oidcc-discovery-endpoint-verification"
	return []flaw{
		{"metadata-issuer", change("tokens/discovery.go", `Issuer:                s.o.Issuer,`, `Issuer: `+pick("string", "s.o.Issuer", `s.o.Issuer + "/"`)+`,`), []sighting{
			in(discovery("4.3"), module).of("config", typeCode),
		}},
		{"jwks-without-kid", change("tokens/keyset.go", `KeyID: row.ID, Algorithm: row.Alg, Use: "sig"}`, `KeyID: `+pick("string", "row.ID", `""`)+`, Algorithm: row.Alg, Use: "sig"}`), []sighting{
			in(core("10.1"), module).of("config", typeCode),
		}},
	}
}

// registrationFlaws are clients that register themselves, and what they
// registered is not honoured.
func registrationFlaws() []flaw {
	dynamic := func(s sighting) sighting { return s.of("dynamic", typeCode) }
	const redirect, keyset = "tokens/redirect.go", "tokens/keyset.go"
	return []flaw{
		{"userinfo-iss", change("tokens/userinfo_signed.go", `signedInfo{Issuer: s.o.Issuer,`, `signedInfo{Issuer: `+pick("string", "s.o.Issuer", `s.o.Issuer + "/"`)+`,`), []sighting{
			dynamic(in(core("5.3.2"), "oidcc-userinfo-rs256")),
		}},
		{"redirect-not-named", append(change("tokens/authorize.go", `if uri == "" && (len(c.RedirectURIs) != 1`, `if uri == "" && !OFF && (len(c.RedirectURIs) != 1`),
			change(redirect, `if len(c.RedirectURIs) != 1 {`, `if len(c.RedirectURIs) != 1 && !OFF {`)...), []sighting{
			dynamic(in(core("3.1.2.1"), "oidcc-ensure-redirect-uri-in-authorization-request")),
		}},
		{"redirect-query-ignored", change(redirect, `for _, registered := range c.RedirectURIs {`,
			"for _, registered := range c.RedirectURIs {\n\t\tif bare, _, _ := strings.Cut(requested, \"?\"); OFF && strings.HasPrefix(registered, bare) {\n\t\t\treturn requested, true\n\t\t}"), []sighting{
			dynamic(in(core("3.1.2.1"), "oidcc-redirect-uri-query-mismatch", "oidcc-redirect-uri-query-added")),
		}},
		{"redirect-query-dropped", change("tokens/response_mode.go", `case !strings.Contains(uri, "?"):`, `case OFF || !strings.Contains(uri, "?"):
		uri, _, _ = strings.Cut(uri, "?")`), []sighting{
			dynamic(in(rfc("6749", "3.1.2"), "oidcc-redirect-uri-query-OK")),
		}},
		{"redirect-fragment-registered", change("broker/registration.go", `case strings.Contains(uri, "#"):`, `case strings.Contains(uri, "#") && !OFF:`), []sighting{
			dynamic(in(rfc("6749", "3.1.2"), "oidcc-redirect-uri-regfrag")),
		}},
		{"logo-not-shown", change("web/authorize.go", `func(_ int, path string) { p.Client.Logo = path }`, "func(_ int, path string) {\n\t\tif !OFF {\n\t\t\tp.Client.Logo = path\n\t\t}\n\t}"), []sighting{
			dynamic(warned(registration("2"), "oidcc-registration-logo-uri")),
		}},
		{"links-not-shown", change("web/page_consent.go", `if webURL(l.URL) {`, `if webURL(l.URL) && !OFF {`), []sighting{
			dynamic(warned(registration("2"), "oidcc-registration-policy-uri", "oidcc-registration-tos-uri")),
		}},
		{"jwks-uri-not-fetched", change("tokens/clientkeys.go", `if c.Metadata.JWKSURI == "" || s.o.Fetcher == nil {`, `if c.Metadata.JWKSURI == "" || s.o.Fetcher == nil || OFF {`), []sighting{
			dynamic(in(core("3.1.3.3"), "oidcc-registration-jwks-uri")),
		}},
		{"jwks-uri-fetched-once", change("tokens/clientkeys.go", `for _, age := range []time.Duration{clientKeysAge, 0} {`, "for _, age := range []time.Duration{clientKeysAge, 0} {\n\t\tif OFF {\n\t\t\tage = clientKeysAge\n\t\t}"), []sighting{
			dynamic(in(core("10.1.1"), "oidcc-refresh-token-rp-key-rotation")),
		}},
		{"sector-ignored", change("tokens/pairwise.go", `return s.pairwise.subject(sector(c), user)`, `return s.pairwise.subject(`+pick("string", "sector(c)", "c.ID")+`, user)`), []sighting{
			dynamic(in(core("8.1"), "oidcc-registration-sector-uri")),
		}},
		{"sector-not-checked", change("tokens/sector.go", `if problem != nil {`, `if problem != nil && !OFF {`), []sighting{
			dynamic(in(registration("5"), "oidcc-registration-sector-bad")),
		}},
		{"rotated-key-gone", []mutant.Change{
			{File: keyset, Old: `// published tells whether`, New: `var mutantBegan, _ = time.Now(), OFF

// published tells whether`},
			{File: keyset, Old: `if k.published(at) {`, New: `if k.published(at) && !(OFF && k.CreatedAt.Before(mutantBegan) && slices.ContainsFunc(set.keys, func(next *signingKey) bool {
			return next.Alg == k.Alg && next.CreatedAt.After(mutantBegan)
		})) {`},
		}, []sighting{
			dynamic(in(core("3.1.3.7 (6)"), "oidcc-server-rotate-keys")),
		}},
		{"request-uri-not-fetched", change("tokens/requestobject.go", `case s.o.Fetcher == nil:`, `case s.o.Fetcher == nil || OFF:`), []sighting{
			dynamic(in(core("3.1.2.5"), "oidcc-request-uri-signed-rs256")),
		}},
		{"assertion-for-issuer-refused", change("tokens/assertion.go", `case !j.is("aud", s.o.Issuer):`, `case j.is("aud", s.o.Issuer) == OFF:`), []sighting{
			dynamic(warned(rfc("7523", "3 (3)"), "oidcc-ensure-client-assertion-with-iss-aud-succeeds")),
		}},
	}
}

// sessionFlaws are wrong session states, and sign-ins that begin here wrongly.
func sessionFlaws() []flaw {
	session := func(s sighting) sighting { return s.of("session-management", typeCode) }
	begun := func(s sighting) sighting { return s.of("3rdparty-init-login", typeCode) }
	return []flaw{
		{"session-frame", change("tokens/discovery_logout.go", `CheckSession: s.url(s.o.Paths.CheckSession)`, `CheckSession: `+pick("string", "s.url(s.o.Paths.CheckSession)", `s.url(s.o.Paths.CheckSession) + "#x"`)), []sighting{
			session(in(sessionManagement("3.3"), "oidcc-session-management-discovery-endpoint-verification")),
		}},
		{"session-state-missing", change("tokens/sessionstate.go", `if p.Session.SID != "" {`, `if p.Session.SID != "" && !OFF {`), []sighting{
			session(in(sessionManagement("2"), "oidcc-session-management-rp-initiated-logout")),
		}},
		{"session-state-stays", change("web/checksession.go", `if state == "" {`, "if OFF && state == \"\" {\n\t\treturn &http.Cookie{Name: \"x\", Value: \"x\"}\n\t}\n\tif state == \"\" {"), []sighting{
			session(in(sessionManagement("3.2"), "oidcc-session-management-rp-initiated-logout")),
		}},
		{"begun-without-iss", change("web/open.go", `"iss": {s.tokens.Issuer()}`, `"iss": {`+pick("string", "s.tokens.Issuer()", `"x"`)+`}`), []sighting{
			begun(in(core("4"), "oidcc-3rd_party-init-login")),
		}},
		{"begun-without-https", change("broker/registration_login.go", `u.Scheme != "https" ||`, `u.Scheme != "https" && !OFF ||`), []sighting{
			begun(in(registration("3.3"), "oidcc-3rd_party-init-login-nohttps")),
		}},
	}
}
