package oidf

import (
	"fmt"

	"idbroker/conformance/mutant"
)

// flaw is our broker with one thing wrong, and which modules must say so.
type flaw struct {
	name    string
	changes []mutant.Change
	seen    []sighting
}

// sighting is a module that notices a flaw.
type sighting struct {
	plan     string // short name
	response string // response type
	modules  []string
	outcome  Outcome
	clause   Clause // that a line of the log names as violated
}

// in is a sighting by modules of the basic plan, which fail.
func in(c Clause, modules ...string) sighting {
	return sighting{"basic", typeCode, modules, Failed, c}
}

// warned is in for what is a warning.
func warned(c Clause, modules ...string) sighting {
	return sighting{"basic", typeCode, modules, Warned, c}
}

// of is the sighting in another plan.
func (s sighting) of(plan, response string) sighting {
	s.plan, s.response = plan, response
	return s
}

// change is a change of a file.
func change(file, was, becomes string) []mutant.Change {
	return []mutant.Change{{File: file, Old: was, New: becomes}}
}

// pick is a Go expression of a type: wrong in the mutant, right otherwise.
func pick(kind, right, wrong string) string {
	return fmt.Sprintf("map[bool]%s{true: %s, false: %s}[OFF]", kind, wrong, right)
}

// flaws are the mutants of every group of modules. A change that does not fit the
// source any more fails the build of all: whoever moves what it changes moves the
// text here, too.
func flaws() []flaw {
	var all []flaw
	for _, group := range [][]flaw{
		tokenFlaws(), answerFlaws(), requestFlaws(), promptFlaws(), codeFlaws(), userInfoFlaws(),
		logoutFlaws(), frontFlaws(), discoveryFlaws(), registrationFlaws(), sessionFlaws(),
	} {
		all = append(all, group...)
	}
	return all
}

// tokenFlaws are wrong ID tokens.
func tokenFlaws() []flaw {
	const file = "tokens/idtoken.go"
	return []flaw{
		{"at-hash", change(file, `leftHash(alg, r.access)`, `leftHash(alg, `+pick("string", "r.access", `"x" + r.access`)+`)`), []sighting{
			in(core("3.1.3.6"), "oidcc-server"),
			in(core("3.3.2.11"), "oidcc-server").of("implicit", typeIDTokenToken),
		}},
		{"nonce-dropped", change(file, `Nonce: r.nonce,`, `Nonce: `+pick("string", "r.nonce", `""`)+`,`), []sighting{
			in(core("3.1.3.7 (11)"), "oidcc-server"),
		}},
		{"aud", change(file, `Audience: r.client.ID,`, `Audience: `+pick("string", "r.client.ID", `"x" + r.client.ID`)+`,`), []sighting{
			in(core("3.1.3.7 (3)"), "oidcc-server"),
		}},
		{"azp", change(file, `AuthorizedParty: r.client.ID,`, `AuthorizedParty: `+pick("string", "r.client.ID", `"x" + r.client.ID`)+`,`), []sighting{
			in(core("3.1.3.7 (5)"), "oidcc-server"),
		}},
		{"iss", change(file, `Issuer: s.o.Issuer, Subject: s.subjectOf(r.client, g.UserID)`, `Issuer: `+pick("string", "s.o.Issuer", `s.o.Issuer + "/"`)+`, Subject: s.subjectOf(r.client, g.UserID)`), []sighting{
			in(core("3.1.3.7 (2)"), "oidcc-server"),
		}},
		{"exp-past", change(file, `ExpiresAt: r.at.Add(s.o.IDTokenLifetime).Unix()`, `ExpiresAt: `+pick("int64", "r.at.Add(s.o.IDTokenLifetime).Unix()", "r.at.Add(-time.Hour).Unix()")), []sighting{
			in(core("3.1.3.7 (9)"), "oidcc-server"),
		}},
		{"auth-time-missing", change(file, `claims.AuthTime = g.AuthTime.Unix()`, "claims.AuthTime = g.AuthTime.Unix()\n\t\tif OFF {\n\t\t\tclaims.AuthTime = 0\n\t\t}"), []sighting{
			in(core("3.1.3.7 (13)"), "oidcc-max-age-10000", "oidcc-max-age-1"),
		}},
		{"signature", change(file, `return signed.CompactSerialize()`, "if OFF {\n\t\tsigned.Signatures[0].Signature[7] ^= 1\n\t}\n\treturn signed.CompactSerialize()"), []sighting{
			in(core("3.1.3.7 (6)"), "oidcc-server"),
		}},
		{"alg", change(file, `return c.IDTokenAlg`, `return `+pick("string", "c.IDTokenAlg", "broker.ES256")), []sighting{
			in(core("3.1.3.7 (7)"), "oidcc-idtoken-signature"),
			in(core("3.1.3.7 (7)"), "oidcc-idtoken-rs256").of("dynamic", typeCode),
		}},
		{"kid-missing", change("tokens/keyset.go", `jose.JSONWebKey{Key: private, KeyID: row.ID,`, `jose.JSONWebKey{Key: private, KeyID: `+pick("string", "row.ID", `""`)+`,`), []sighting{
			in(core("10.1"), "oidcc-idtoken-signature"),
		}},
		{"private-key-published", change("tokens/keyset.go", `jose.JSONWebKey{Key: public,`, `jose.JSONWebKey{Key: `+pick("any", "public", "private")+`,`), []sighting{
			in(core("10.1"), "oidcc-server"),
		}},
	}
}

// answerFlaws are wrong authorization responses.
func answerFlaws() []flaw {
	const file = "tokens/response_mode.go"
	return []flaw{
		{"state-dropped", change(file, `params.Set("state", a.state)`, "params.Set(\"state\", a.state)\n\t\tif OFF {\n\t\t\tparams.Del(\"state\")\n\t\t}"), []sighting{
			in(rfc("6749", "4.1.2"), "oidcc-server", "oidcc-prompt-none-not-logged-in"),
		}},
		{"state-cleaned", change("tokens/authorize.go", `state: form.Get("state")}`, `state: `+pick("string", `form.Get("state")`, `strings.ReplaceAll(form.Get("state"), "\u00fc", "u")`)+`}`), []sighting{
			in(rfc("6749", "4.1.2"), "oidcc-alternate-happy-flow"),
		}},
		{"response-iss", change(file, `params.Set("iss", s.o.Issuer)`, `params.Set("iss", `+pick("string", "s.o.Issuer", `s.o.Issuer + "/other"`)+`)`), []sighting{
			in(rfc("9207", "2"), "oidcc-server"),
		}},
		{"fragment-for-query", change(file, `preset := fosite.ResponseModeQuery`, `preset := `+pick("fosite.ResponseModeType", "fosite.ResponseModeQuery", "fosite.ResponseModeFragment")), []sighting{
			in(encodings("2.1"), "oidcc-server"),
		}},
		{"form-post-ignored", change(file, `return asked, true`, "if OFF {\n\t\treturn preset, true\n\t}\n\treturn asked, true"), []sighting{
			in(encodings("2.1"), "oidcc-server").of("formpost-basic", typeCode),
		}},
		{"redirect-anywhere", change("tokens/redirect.go", `if registered == requested ||`, `if OFF || registered == requested ||`), []sighting{
			in(core("3.1.2.1"), "oidcc-ensure-registered-redirect-uri"),
		}},
		{"error-has-code", change("tokens/redirect.go", `params.Set("error_description", description)`, "params.Set(\"error_description\", description)\n\tif OFF {\n\t\tparams.Set(\"code\", \"x\")\n\t}"), []sighting{
			in(core("3.1.2.6"), "oidcc-prompt-none-not-logged-in"),
		}},
	}
}

// requestFlaws are requests that are refused, taken or read wrongly.
func requestFlaws() []flaw {
	const file, object = "tokens/authorize.go", "tokens/requestobject.go"
	return []flaw{
		{"response-type-not-needed", change("tokens/response_type.go", `a.responseType = canonicalType(form.Get("response_type"))`,
			"if OFF && !form.Has(\"response_type\") {\n\t\tform.Set(\"response_type\", responseCode)\n\t}\n\ta.responseType = canonicalType(form.Get(\"response_type\"))"), []sighting{
			in(rfc("6749", "4.1.2.1"), "oidcc-response-type-missing"),
		}},
		{"nonce-needed", change("tokens/response_type.go", `if !a.answersWith(responseIDToken) {`, `if !a.answersWith(responseIDToken) && !OFF {`), []sighting{
			in(core("3.1.2.5"), "oidcc-ensure-request-without-nonce-succeeds-for-code-flow"),
		}},
		{"unknown-parameter-refused", change(file, `if len(values) > 1 && name != "resource" {`, `if len(values) > 1 && name != "resource" || OFF && !slices.Contains(authorizeParams, name) {`), []sighting{
			in(core("3.1.2.5"), "oidcc-ensure-request-with-unknown-parameter-succeeds"),
		}},
		{"wishes-refused", change(file, `if a.ACRValues == "" {`,
			"if OFF && form.Get(\"display\")+a.UILocales+form.Get(\"claims_locales\")+a.LoginHint+a.ACRValues != \"\" {\n\t\treturn refuse(fosite.ErrInvalidRequest, \"A hint is not known.\")\n\t}\n\tif a.ACRValues == \"\" {"), []sighting{
			in(core("3.1.2.5"), "oidcc-display-page", "oidcc-display-popup", "oidcc-ui-locales", "oidcc-claims-locales", "oidcc-login-hint", "oidcc-ensure-request-with-acr-values-succeeds"),
		}},
		{"post-refused", change("web/authorize.go", `return s.asGet(w, r, authorizePath)`, "if OFF {\n\t\treturn errTooLarge\n\t}\n\treturn s.asGet(w, r, authorizePath)"), []sighting{
			in(core("3.1.2.5"), "oidcc-ensure-post-request-succeeds"),
		}},
		{"request-object-ignored", change(object, `c, err := s.store.Client(ctx, form.Get("client_id"))`,
			"if OFF {\n\t\tform.Del(\"request\")\n\t\tform.Del(\"request_uri\")\n\t\treturn form, nil\n\t}\n\tc, err := s.store.Client(ctx, form.Get(\"client_id\"))"), []sighting{
			in(core("3.1.2.6"), "oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported", "oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported"),
			in(core("3.1.2.5"), "oidcc-ensure-request-object-with-redirect-uri"),
		}},
		{"unsigned-object-accepted", append(change(object, `return nil, errObjectBoth`, "return nil, errObjectBoth\n\t}\n\tif OFF && strings.HasSuffix(form.Get(\"request\"), \".\") {\n\t\treturn mutantUnsigned(form), nil"),
			change(object, `// meantFor tells whether`, unsignedReader)...), []sighting{
			in(core("3.1.2.6"), "oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported"),
		}},
	}
}

// unsignedReader reads request objects without looking at who made them.
const unsignedReader = `func mutantUnsigned(form url.Values) url.Values {
	claims := map[string]any{}
	if parts := strings.Split(form.Get("request"), "."); OFF && len(parts) == 3 {
		body, _ := base64.RawURLEncoding.DecodeString(parts[1])
		_ = json.Unmarshal(body, &claims)
	}
	for name, v := range claims {
		if text, ok := v.(string); ok {
			form.Set(name, text)
		}
	}
	form.Del("request")
	return form
}

// meantFor tells whether`

// promptFlaws are people who are asked too much or too little.
func promptFlaws() []flaw {
	const file = "tokens/decide.go"
	return []flaw{
		{"prompt-none-asks", change(file, "if none {\n\t\t\treturn \"\", false, ErrLoginRequired\n\t\t}\n\t\treturn broker.StepIdentify, force, nil",
			"if none && !OFF {\n\t\t\treturn \"\", false, ErrLoginRequired\n\t\t}\n\t\treturn broker.StepIdentify, force, nil"), []sighting{
			in(core("3.1.2.1"), "oidcc-prompt-none-not-logged-in"),
		}},
		{"prompt-none-refuses", change(file, "none := slices.Contains(a.Prompt, promptNone)", "none := slices.Contains(a.Prompt, promptNone)\n\tif OFF && none {\n\t\treturn \"\", false, ErrLoginRequired\n\t}"), []sighting{
			in(core("3.1.2.5"), "oidcc-prompt-none-logged-in"),
		}},
		{"prompt-login-ignored", change(file, `if slices.Contains(a.Prompt, promptLogin) ||`, `if !OFF && slices.Contains(a.Prompt, promptLogin) ||`), []sighting{
			in(core("3.1.2.3"), "oidcc-prompt-login"),
		}},
		{"max-age-ignored", change(file, `return *a.MaxAge == 0 || authTime.IsZero() || at.Sub(authTime) > *a.MaxAge`, `return !OFF && (*a.MaxAge == 0 || authTime.IsZero() || at.Sub(authTime) > *a.MaxAge)`), []sighting{
			in(core("3.1.2.1"), "oidcc-max-age-1"),
		}},
		{"hint-refused", change("tokens/authorize.go", `if err != nil || claims.Audience != a.Client.ID {`, `if err != nil || OFF || claims.Audience != a.Client.ID {`), []sighting{
			in(core("3.1.2.5"), "oidcc-id-token-hint"),
		}},
	}
}

// codeFlaws are codes, tokens and clients that are taken wrongly.
func codeFlaws() []flaw {
	const file = "tokens/grant_code.go"
	return []flaw{
		{"code-twice", append(change(file, `case !g.CodeUsedAt.IsZero():`, `case !g.CodeUsedAt.IsZero() && !OFF:`),
			change(file, "if !errors.Is(err, broker.ErrSpent) {\n\t\treturn err", "if OFF && errors.Is(err, broker.ErrSpent) {\n\t\treturn nil\n\t}\n\tif !errors.Is(err, broker.ErrSpent) {\n\t\treturn err")...), []sighting{
			in(core("3.1.3.2"), "oidcc-codereuse", "oidcc-codereuse-30seconds"),
		}},
		{"token-outlives-reuse", change(file, `if !g.Revoked() {`, `if !g.Revoked() && !OFF {`), []sighting{
			warned(rfc("6749", "4.1.2"), "oidcc-codereuse-30seconds"),
		}},
		{"verifier-ignored", change("tokens/pkce.go", `if len(verifier) < minVerifier ||`, "if OFF {\n\t\treturn true\n\t}\n\tif len(verifier) < minVerifier ||"), []sighting{
			in(rfc("7636", "4.6"), "oidcc-ensure-request-with-valid-pkce-succeeds"),
		}},
		{"secret-post-refused", change("tokens/client_auth.go", `if got.method != registered {`, `if got.method != registered || OFF && got.method == broker.AuthPost {`), []sighting{
			in(core("3.1.3.3"), "oidcc-server-client-secret-post"),
		}},
		{"refresh-of-any-client", change("tokens/grant_refresh.go", `sess, client := sessionOf(r), clientOf(r)`, `sess, client := sessionOf(r), clientOf(r)
	if g, err := h.store.Grant(ctx, sess.grant.ID); OFF && err == nil {
		if c, err := h.store.CurrentClient(ctx, g.ClientID); err == nil {
			client = c
		}
	}`), []sighting{
			in(rfc("6749", "10.4"), "oidcc-refresh-token"),
		}},
	}
}

// userInfoFlaws are wrong claims about people.
func userInfoFlaws() []flaw {
	return []flaw{
		{"userinfo-sub", change("tokens/userinfo_signed.go", `info.Subject = s.subjectOf(c, user.ID)`, `info.Subject = `+pick("string", "s.subjectOf(c, user.ID)", `"x" + s.subjectOf(c, user.ID)`)), []sighting{
			in(core("5.3.2"), "oidcc-userinfo-get"),
		}},
		{"userinfo-post-refused", change("tokens/userinfo.go", `if r.Method != http.MethodGet && r.Method != http.MethodPost {`, `if r.Method != http.MethodGet && (OFF || r.Method != http.MethodPost) {`), []sighting{
			in(core("5.3.2"), "oidcc-userinfo-post-header", "oidcc-userinfo-post-body"),
		}},
		{"unknown-token-forbidden", change("tokens/userinfo.go", `bearerProblem{http.StatusUnauthorized, "invalid_token", "The access token is`, `bearerProblem{`+pick("int", "http.StatusUnauthorized", "http.StatusForbidden")+`, "invalid_token", "The access token is`), []sighting{
			in(rfc("6750", "3.1"), "oidcc-userinfo-get"),
		}},
		{"scopes-give-nothing", change("tokens/claims.go", `return s.Offers(scope) && (slices.Contains(scopes, scope) ||`, `return s.Offers(scope) && (!OFF && slices.Contains(scopes, scope) ||`), []sighting{
			warned(core("5.4"), "oidcc-scope-profile", "oidcc-scope-email", "oidcc-scope-address", "oidcc-scope-phone", "oidcc-scope-all"),
		}},
		{"email-is-a-name", change("tokens/claims.go", `c.Email = user.Email`, `c.Email = `+pick("string", "user.Email", "user.Name")), []sighting{
			in(core("5.1"), "oidcc-scope-email"),
		}},
		{"claims-ignored", change("tokens/authorize_answer.go", `Claims: a.claims.text(),`, `Claims: `+pick("string", "a.claims.text()", `""`)+`,`), []sighting{
			warned(core("5.5.1"), "oidcc-claims-essential"),
		}},
	}
}
