package web

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/i18n"
	"idbroker/tokens"
)

// sample is a page with data, as tests and screenshots show it.
type sample struct {
	name string
	page page
}

var sampleNow = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

var sampleBrand = Brand{
	Name: "Open Genome Commons", Help: "mailto:help@commons.example",
	Privacy: "https://commons.example/privacy", Imprint: "https://commons.example/imprint",
}

func testRenderer(t testing.TB, brand Brand) *renderer {
	t.Helper()
	cat, err := i18n.New()
	if err != nil {
		t.Fatal(err)
	}
	r, err := newRenderer(cat, brand)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// words are what people and providers put into pages.
type words struct {
	name, handle, email, title, client, host, text string
}

var plainWords = words{
	name: "Ada Lovelace", handle: "ada-l", email: "ada@analytical.example", title: "GitHub",
	client: "Genome Atlas", host: "atlas.commons.example", text: "Firefox on Linux",
}

var nastyWords = map[string]words{
	"script": {
		name: `<script>alert(1)</script>"'><img src=x onerror=alert(1)>`, handle: `"><svg onload=alert(1)>`, email: `"><b>@x.example`,
		title: `</title><script>alert(2)</script>`, client: `{{.Secret}}<iframe src=javascript:alert(1)>`, host: `javascript:alert(1)`, text: `' onfocus='alert(1)' autofocus='`,
	},
	"long": {
		name: strings.Repeat("Wolfeschlegelsteinhausenbergerdorff ", 6)[:200], handle: strings.Repeat("x", 255), email: strings.Repeat("a", 64) + "@" + strings.Repeat("b", 180) + ".example",
		title: strings.Repeat("Universität ", 12), client: strings.Repeat("Anwendung", 25), host: strings.Repeat("sub.", 50) + "example", text: strings.Repeat("Browser ", 30),
	},
	"rtl": {
		name: "عائشة بنت محمد", handle: "עדה", email: "a@xn--mgbh0fb.example", title: "جامعة", client: "أطلس \u202eevil\u202c", host: "xn--mgbh0fb.example", text: "متصفح",
	},
}

func manyProviders(n int, w words) []providerButton {
	names := []string{"GitHub", "ORCID", "CERN", "Globus", "Helmholtz ID", "EGI Check-in", "Life Science Login", "eduGAIN", "Google", "Microsoft"}
	var all []providerButton
	for i := range n {
		title, id := names[i%len(names)], fmt.Sprintf("p%d", i)
		icon := strings.ToLower(title)
		if i >= len(names) {
			title = fmt.Sprintf("University of %s %d", w.title, i)
		}
		all = append(all, providerButton{ID: id, Title: title, Icon: icon, URL: "/oauth/login/" + id + "/?login=l1"})
	}
	return all
}

// samples are all pages with the same words in them.
func samples(r *renderer, lang string, w words) []sample {
	user := &broker.User{ID: "u1", Name: w.name, Email: w.email, Username: w.handle}
	b := func() base { return r.base(lang, "/login/?login=l1", nil, sampleNow) }
	in := func(section string) base {
		b := r.base(lang, "/account/settings/"+section+"/", user, sampleNow)
		b.Section = section
		return b
	}
	signedIn := r.base(lang, "/", user, sampleNow)
	client := &clientView{Name: w.client, Host: w.host, URL: "https://" + w.host + "/", Policy: "https://" + w.host + "/privacy", Contacts: []string{w.text, w.email}}
	github := remoteView{Provider: "github", Title: w.title, Icon: "github", Handle: w.handle, Name: w.name}
	four := manyProviders(4, w)
	last := manyProviders(4, w)
	last[1].LastUsed = true
	forty := manyProviders(40, w)
	forty[4].LastUsed = true
	challenged := b()
	challenged.Challenge = &challengeView{Text: "challenge", Bits: 1, Seconds: 30}
	wrong := problemsOf(&broker.Error{Kind: broker.KindInvalid, Message: "login.wrong"})
	flashed := in("linkedaccounts")
	flashed.Flash = &notice{Kind: noticeOK, Message: "linked_accounts.added", Args: map[string]string{"provider": w.title}}
	long := sampleNow.Add(-400 * 24 * time.Hour)
	rows := []linkedRow{
		{remoteView: github, IdentityID: "i1", Subject: "1815", ProfileURL: "https://github.com/ada-l", Since: long, LastUsed: sampleNow.Add(-2 * time.Hour), OpensAccount: true, CanRemove: true, Configured: true, DisconnectURL: "/oauth/disconnect/github/?identity=i1"},
		{remoteView: remoteView{Provider: "orcid", Title: "ORCID", Icon: "orcid", Name: w.name}, IdentityID: "i2", Subject: "0000-0002-1825-0097", ProfileURL: "javascript:alert(1)", Since: sampleNow.Add(-3 * 24 * time.Hour), OpensAccount: true, CanRemove: true, Configured: true, DisconnectURL: "/oauth/disconnect/orcid/?identity=i2"},
		{remoteView: remoteView{Provider: "old", Title: "Old Login"}, IdentityID: "i3", Subject: "x", Since: long, Configured: false, CanRemove: true, DisconnectURL: "/oauth/disconnect/old/?identity=i3"},
	}
	cut := []linkedRow{rows[0], rows[1]}
	for i := range cut {
		cut[i].Lost, cut[i].OpensAccount, cut[i].ReconnectURL = true, i == 0, "/oauth/login/"+cut[i].Provider+"/"
	}
	part := func(name, value, problem string) fieldPart {
		return fieldPart{Name: local.FieldPrefix + name, ID: "field-" + name + "-asked", Label: w.title, Hint: w.text, Type: "text", Value: value, Problem: problem, Autocomplete: "off", Optional: b().T("field.optional")}
	}
	options := []askedOption{{"a", w.title, true}, {"b", w.text, false}}
	asked := []askedField{
		{fieldPart: part("group", "", ""), Kind: broker.FieldChoice, Options: options}, {fieldPart: part("topics", "", w.text), Kind: broker.FieldChoices, Options: options},
		{fieldPart: part("age", "36", w.text), Kind: broker.FieldInteger}, {fieldPart: part("terms", "", ""), Kind: broker.FieldYesNo, Checked: true},
	}
	signIns := signInViews{
		SignIn:         signInView{At: sampleNow.Add(-5 * time.Minute), How: "with " + w.title, IP: "2001:db8::7334", Country: "Switzerland"},
		SignedInBefore: signInView{At: long, How: "with your password"}, SignIns: 17,
	}
	inAWeek := sampleNow.Add(7 * 24 * time.Hour)
	undo := b()
	undo.Title = undo.T("undo.confirm")
	newAddress, back := signedIn, b()
	newAddress.Title, back.Title = newAddress.T("email.confirm"), back.T("email.back")
	closing, reopening := signedIn, b()
	closing.Title, reopening.Title = closing.T("close.confirm"), reopening.T("reopen.confirm")
	only := rows[0]
	only.CanRemove = false
	errorSample := func(status int, key string) *errorPage {
		p := errorOf(b(), status, &broker.Error{Message: key, Args: map[string]string{"provider": w.title, "client": w.client, "detail": w.text, "reason": w.text}}, "k7q2m4xw6abc")
		return &p
	}
	fragment, taken := errorSample(400, "attempt.incomplete"), errorSample(409, "link.taken")
	fragment.Fragment = true
	taken.Actions = []action{
		{Label: "error.use_owner", URL: "/login/?switch=1", Primary: true},
		{Label: "error.try_other", Args: map[string]string{"provider": w.title}, URL: "/oauth/login/github/", Post: true, Fields: []hidden{{chooseParam, "1"}}},
		{Label: "error.settings", URL: linkedAccountsPath},
	}
	confirm := in("")
	confirm.Title = confirm.T("linked_accounts.confirm", "provider", w.title)
	contact := local.Profile{
		Name: w.name, Phone: "+41227676111",
		Address: broker.Address{Street: w.name + "\n1 Esplanade des Particules", PostalCode: "1211", Locality: w.client, Country: w.title},
	}
	picture, err := r.assets.path("icon.svg")
	if err != nil {
		panic(err)
	}
	shown := *client
	shown.Logo, shown.Terms = picture, "https://"+w.host+"/terms"
	sampleKey, err := drawQR("otpauth://totp/" + strings.Repeat("x", 100))
	if err != nil {
		panic(err)
	}
	key := appKey{Picture: sampleKey, Secret: "JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP", URI: "otpauth://totp/x"}
	address := contact.Address.Formatted()
	signin, lost := "/login/?login=l1", "/lost-password/?login=l1"
	passkeyOn := func(b base, v passkeyView) *passkeyView {
		v.base, v.Login, v.Options = b, "l1", `{"challenge":"AA"}`
		return &v
	}
	signKey := passkeyOn(b(), passkeyView{Action: "/login/passkey/", RenewURL: "/login/passkey/?login=l1", Label: signedIn.T("passkey.sign_in")})
	lastKey := *signKey
	lastKey.Primary = true
	followKey, stayKey := *signKey, lastKey
	followKey.remembering, followKey.Follows, stayKey.remembering = remembering{Remember: 90}, true, remembering{Remember: 90}
	factorKey := passkeyOn(b(), passkeyView{Action: "/second-factor/passkey/", Label: signedIn.T("passkey.factor")})
	onlyFactor := *factorKey
	onlyFactor.Label, onlyFactor.Primary = signedIn.T("passkey.factor_only"), true
	keys := passkeysPage{base: in("security"), Problems: problemsOf(local.ErrPasskeyNameTaken), Passkeys: []passkeyRow{
		{ID: "k1", Name: w.text, Syncable: true, Synced: true, Transports: []string{"internal", "hybrid"}, CreatedAt: long, LastUsedAt: sampleNow.Add(-2 * time.Hour), RemoveURL: passkeysPath + "remove/?id=k1"},
		{ID: "k2", Name: w.title, Transports: []string{"usb", "nfc"}, CreatedAt: sampleNow.Add(-time.Hour), RemoveURL: passkeysPath + "remove/?id=k2"},
	}}
	keys.Add = passkeyOn(keys.base, passkeyView{Action: passkeysPath + "add/", Label: keys.T("passkeys.add"), Primary: true})
	if keys.Add.Field, err = passkeyName(keys.base, keys.Problems, w.name); err != nil {
		panic(err)
	}
	onlyKey := passkeysPage{base: in("security"), OnlyWay: true, ProveURL: signin, Passkeys: slices.Clone(keys.Passkeys[:1])}
	onlyKey.Passkeys[0].RemoveURL = ""
	firstKey := passkeyOn(b(), passkeyView{Action: setUpPath + "passkey/", Label: keys.T("passkeys.add"), Primary: true})
	firstKey.Field = keys.Add.Field
	besideKey := *firstKey // of those who need not take it
	besideKey.Primary = false
	neededKey := passkeysPage{base: in("security"), Needed: true, ProveURL: signin, Passkeys: onlyKey.Passkeys}
	noKeys := passkeysPage{base: in("security"), Add: keys.Add}
	ways := []factorWay{{b().T("second_factor.use_totp"), signin}, {b().T("second_factor.use_recovery"), signin}}
	both := []local.FactorWay{{Kind: broker.FactorTOTP, Since: long, LastUsedAt: sampleNow.Add(-2 * time.Hour)}, {Kind: broker.FactorSMS, Hint: "+41…11", Since: long, LastUsedAt: long}}
	return []sample{
		{"login", &loginPage{base: b(), Login: "l1", Client: client, Providers: four, SignUpURL: "/signup/?login=l1", LostPasswordURL: lost, LocalPasswords: true}},
		{"login_last", &loginPage{base: b(), Login: "l1", Client: client, Providers: last, SignUpURL: "/signup/", LostPasswordURL: lost, LocalPasswords: true}},
		{"login_username", &loginPage{base: b(), Login: "l1", Identifier: b().T("field.identifier"), SignUpURL: "/signup/", LostPasswordURL: lost, LocalPasswords: true}},
		{"login_wrong", &loginPage{base: b(), Login: "l1", Providers: four, Email: w.email, Problems: wrong, LastPassword: true, SignUpURL: "/signup/", LostPasswordURL: lost, LocalPasswords: true}},
		{"login_challenge", &loginPage{base: challenged, Login: "l1", Providers: four, Email: w.email, Problems: problemsOf(errChallenge), LastPassword: true, LostPasswordURL: lost, LocalPasswords: true}},
		{"login_forty", &loginPage{base: b(), Login: "l1", Client: client, Providers: forty, SignUpURL: "/signup/", LostPasswordURL: lost, LocalPasswords: true}},
		{"login_search", &loginPage{base: b(), Login: "l1", Providers: forty, Query: "helm", LocalPasswords: true, LostPasswordURL: lost}},
		{"login_search_none", &loginPage{base: b(), Login: "l1", Providers: forty, Query: w.text}},
		{"login_again", &loginPage{base: signedIn, Again: true, Login: "l1", Email: w.email, Providers: four[:1], LostPasswordURL: lost, LocalPasswords: true, CancelURL: "/account/settings/security/"}},
		{"login_pending", &loginPage{base: b(), Login: "l1", Pending: &github, Providers: four[1:], LostPasswordURL: lost, LocalPasswords: true}},
		{"login_present", &loginPage{base: signedIn, Login: "l1", Client: client, Present: w.name, Providers: four[:2], LostPasswordURL: lost, LocalPasswords: true, SignUpURL: "/signup/"}},
		{"login_passkey", &loginPage{base: b(), Login: "l1", Client: client, Providers: four, SignUpURL: "/signup/", LostPasswordURL: lost, LocalPasswords: true, Passkey: signKey}},
		{"login_passkey_last", &loginPage{base: b(), Login: "l1", Providers: four, LostPasswordURL: lost, LocalPasswords: true, Passkey: &lastKey, Problems: problemsOf(local.ErrPasskeyUnknown)}},
		{"login_identify", &loginPage{base: b(), Login: "l1", Client: client, Identify: true, Identifier: b().T("field.identifier"), Providers: four, SignUpURL: "/signup/", LostPasswordURL: lost, LocalPasswords: true, Passkey: signKey}},
		{"login_identify_wrong", &loginPage{base: b(), Login: "l1", Identify: true, Email: w.handle, Providers: last, LocalPasswords: true, Problems: problems{"email": broker.ErrEmail}}},
		{"login_ways", &loginPage{base: b(), Login: "l1", Client: client, Identified: w.email, Email: w.email, Providers: four, SignUpURL: "/signup/", LostPasswordURL: lost, CodeURL: "/code/?login=l1", LocalPasswords: true, Passkey: signKey, remembering: remembering{Remember: 90}}},
		{"login_ways_own", &loginPage{base: b(), Login: "l1", Client: client, Identified: w.email, Email: w.email, Own: true, Providers: four[:2], LastPassword: true, LostPasswordURL: lost, CodeURL: "/code/?login=l1", LocalPasswords: true}},
		{"login_ways_provider", &loginPage{base: b(), Login: "l1", Identified: w.email, Email: w.email, Own: true, Providers: last[:2], LostPasswordURL: lost, LocalPasswords: true, Problems: wrong}},
		{"login_ways_code", &loginPage{base: b(), Login: "l1", Identified: w.email, Email: w.email, Own: true, LastCode: true, CodeURL: "/code/?login=l1", LostPasswordURL: lost, LocalPasswords: true, Passkey: signKey}},
		{"passkey", &passkeyPage{base: b(), Passkey: &lastKey, BackURL: signin}},
		{"second_factor_passkey", &secondFactorPage{base: b(), Login: "l1", Client: client, Way: "totp", Ways: ways[1:], OtherURL: signin, Passkey: factorKey}},
		{"second_factor_only_passkey", &secondFactorPage{base: b(), Login: "l1", OtherURL: signin, NoApp: true, Passkey: &onlyFactor}},
		{"passkeys", &keys},
		{"passkeys_only", &onlyKey},
		{"passkeys_none", &noKeys},
		{"signup", &signupPage{base: b(), Login: "l1", Client: client, NeedPassword: true, MinPassword: 8, SignInURL: signin}},
		{"signup_asked", &signupPage{base: b(), Login: "l1", Client: client, NeedPassword: true, MinPassword: 8, SignInURL: signin, Rule: w.text, Asked: asked}},
		{"signup_remote", &signupPage{base: b(), Login: "l1", Client: client, Remote: &github, Email: w.email, Name: w.name, Username: w.handle, EmailFromProvider: true, NameFromProvider: true, UsernameFromProvider: true, SignInURL: signin, OtherURL: signin}},
		{"choose", &choosePage{base: b(), Login: "l1", Client: client, Remote: github, PasswordURL: signin, Providers: four[1:3], CodeURL: "/code/?login=l1", NewURL: "/signup/?login=l1", OtherURL: signin}},
		{"choose_known", &choosePage{base: b(), Login: "l1", Remote: github, Known: broker.MaskEmail(w.email), PasswordURL: signin, Providers: four[1:4], MoreURL: signin, CodeURL: "/code/?login=l1", NewURL: "/signup/?login=l1", OtherURL: signin}},
		{"choose_closed", &choosePage{base: b(), Login: "l1", Remote: github, Providers: four[1:2], OtherURL: signin}},
		{"ask_code", &askCodePage{base: b(), Login: "l1", Remote: &github, Email: w.email, BackURL: signin}},
		{"ask_code_fixed", &askCodePage{base: b(), Login: "l1", Email: w.email, Fixed: true, BackURL: signin}},
		{"code_brought", &codePage{base: b(), Login: "l1", Email: w.email, Code: "WDJB-MJHT", BackURL: signin}},
		{"signup_no_password", &signupPage{base: b(), Login: "l1", NeedUsername: true, SignInURL: signin}},
		{"proof_no_password", &proofPage{base: b(), Token: "t0ken", Email: w.email, NoPassword: true}},
		{"claim_no_password", &claimPage{base: b(), Token: "t0ken", NeedUsername: true}},
		{"login_stuck", &loginPage{base: b(), Login: "l1", Again: true, Stuck: true, Email: w.email, LostPasswordURL: signin, CancelURL: signin}},
		{"login_code", &loginPage{base: b(), Login: "l1", CodeURL: signin, SignUpURL: signin}},
		{"ask_code_gone", &askCodePage{base: b(), Login: "l1", Email: w.email, BackURL: signin, Problems: problemsOf(local.ErrCodeGone)}},
		{"second_factor", &secondFactorPage{base: b(), Login: "l1", Client: client, Way: wayApp, Ways: ways, RememberDays: 30, OtherURL: signin}},
		{"second_factor_sms", &secondFactorPage{base: b(), Login: "l1", Client: client, Way: waySMS, Number: "+41…11", Ways: ways, OtherURL: signin}},
		{"second_factor_sent", &secondFactorPage{base: b(), Login: "l1", Way: waySMS, Number: "+41…11", Sent: true, RememberDays: 30, Ways: ways, OtherURL: signin, Problems: problemsOf(local.ErrFactorWrong)}},
		{"second_factor_recovery", &secondFactorPage{base: b(), Login: "l1", Way: wayRecovery, Ways: ways[:1], OtherURL: signin, Problems: problemsOf(local.ErrRecoveryWrong)}},
		{"set_up_factor", &setUpFactorPage{base: b(), Login: "l1", Client: client, OtherURL: signin}},
		{"set_up_factor_passkey", &setUpFactorPage{base: b(), Login: "l1", Everybody: true, OtherURL: signin, Passkey: &besideKey}},
		{"set_up_way_in", &setUpFactorPage{base: b(), Login: "l1", Client: client, WayIn: true, OtherURL: signin, Passkey: firstKey}},
		{"passkeys_needed", &neededKey},
		{"set_up_factor_sms", &setUpFactorPage{base: b(), Login: "l1", Client: client, OtherURL: signin, SMS: true, Number: "+41227676111"}},
		{"set_up_factor_key", &setUpFactorPage{base: b(), Login: "l1", Client: client, OtherURL: signin, Everybody: true, Key: key, Problems: problemsOf(local.ErrFactorWrong)}},
		{"recovery_codes_on_the_way", &recoveryCodesPage{base: signedIn, OnTheWay: true, Account: w.email, DoneURL: signin, Codes: slices.Repeat([]string{"BCDF-GHJK-LMNP", "QRST-VWXZ-BCDF"}, 5)}},
		{"factor_none", &factorPage{base: in("security")}},
		{"factor_pending", &factorPage{base: in("security"), Pending: true, Key: key, Posted: "confirm/", Problems: problemsOf(local.ErrFactorWrong)}},
		{"factor_number", &factorPage{base: in("security"), SMS: true, Number: "+41227676111"}},
		{"factor_next_number", &factorPage{base: in("security"), Codes: 9, SMS: true, Ways: both[1:], NextNumber: "+41791234567", Needed: true, Posted: "number/swap/confirm/", Problems: problems{"current": local.ErrFactorWrong.At("current")}}},
		{"factor_both", &factorPage{base: in("security"), Codes: 9, SMS: true, Ways: both, Factor: broker.Factor{ID: "f", ConfirmedAt: long}}},
		{"factor_on", &factorPage{base: in("security"), Codes: 9, Ways: both[:1], Factor: broker.Factor{ID: "f", ConfirmedAt: long, LastUsedAt: sampleNow.Add(-2 * time.Hour)}}},
		{"factor_swap", &factorPage{base: in("security"), Codes: 9, Ways: both[:1], Swapping: true, Needed: true, Key: key, Posted: "swap/confirm/", Problems: problems{"current": local.ErrFactorWrong.At("current")}, Factor: broker.Factor{ID: "f", ConfirmedAt: long}}},
		{"factor_on_wrong", &factorPage{base: in("security"), Codes: 1, Ways: both[:1], Factor: broker.Factor{ID: "f", ConfirmedAt: long, LastUsedAt: sampleNow.Add(-2 * time.Hour)}, Posted: "codes/", Problems: problemsOf(local.ErrFactorWrong)}},
		{"recovery_codes", &recoveryCodesPage{base: in("security"), Account: w.email, DoneURL: factorPath, Codes: slices.Repeat([]string{"BCDF-GHJK-LMNP", "QRST-VWXZ-BCDF"}, 5)}},
		{"code", &codePage{base: b(), Login: "l1", Remote: &github, Email: w.email, OtherURL: signin, BackURL: signin, remembering: remembering{Remember: 90}}},
		{"login_remember_forty", &loginPage{base: b(), Login: "l1", Providers: forty, LostPasswordURL: lost, LocalPasswords: true, Passkey: &followKey, remembering: remembering{Remember: 90}}},
		{"passkey_remember", &passkeyPage{base: b(), Passkey: &stayKey, BackURL: signin}},
		{"login_remember", &loginPage{base: b(), Login: "l1", Client: client, Providers: four, SignUpURL: "/signup/?login=l1", LostPasswordURL: lost, LocalPasswords: true, remembering: remembering{Remember: 90, Remembered: true}}},
		{"code_wrong", &codePage{base: b(), Login: "l1", Email: w.email, OtherURL: signin, BackURL: signin, Problems: problemsOf(local.ErrCodeWrong)}},
		{"signup_wrong", &signupPage{base: b(), Login: "l1", Email: w.handle, Name: w.name, Username: w.handle, NeedPassword: true, MinPassword: 8, SignInURL: signin, Problems: problems{
			"email": broker.ErrEmail, "username": {Message: "field.username_taken"}, "password": (&broker.Error{Message: "password.short"}).With("min", "8"),
		}}},
		{"signup_weak", &signupPage{base: b(), Login: "l1", Email: w.email, Name: w.name, NeedPassword: true, MinPassword: 8, SignInURL: signin, Problems: problems{"password": {Message: "password.weak.word_digits"}}}},
		{"sent", &sentPage{base: b(), Login: "l1", Email: w.email, ContinueURL: signin, ChangeURL: "/signup/?login=l1", CanResend: true}},
		{"sent_soon", &sentPage{base: b(), Login: "l1", Email: w.email, ContinueURL: signin, ChangeURL: "/signup/?login=l1", CanResend: true, Problems: problemsOf(errResend)}},
		{"sent_reset", &sentPage{base: b(), Email: w.email, Reset: true, ChangeURL: lost}},
		{"proof", &proofPage{base: b(), Token: "t0ken", Email: w.email, Provider: w.title, Remote: &github}},
		{"proof_other", &proofPage{base: b(), Token: "t0ken", Email: w.email, OtherBrowser: true}},
		{"proved", &provedPage{base: b(), Email: w.email, ContinueURL: signin}},
		{"proved_waiting", &provedPage{base: b(), Email: w.email, Waiting: true, ContinueURL: "/"}},
		{"lost_password", &lostPasswordPage{base: b(), Login: "l1", Email: w.email, SignInURL: signin}},
		{"reset", &resetPage{base: b(), Token: "t0ken", Email: w.email, MinPassword: 8}},
		{"link", &linkPage{base: signedIn, Login: "l1", Remote: github}},
		{"link_replace", &linkPage{base: signedIn, Login: "l1", Remote: github, Replaces: &remoteView{Provider: "github", Title: w.title, Icon: "github", Handle: w.text}}},
		{"undo_link", &confirmPage{base: undo, Remote: &github, Lines: []string{undo.T("undo.effect_linked", "provider", w.title), undo.T("undo.sessions")}, Action: broker.UndoLinkPath,
			Fields: []hidden{{"token", "t0ken"}}, Button: undo.T("undo.button"), Cancel: undo.T("undo.keep"), BackURL: "/"}},
		{"consent", &consentPage{base: signedIn, Login: "l1", Client: *client, Account: w.email, SwitchURL: signin, Claims: []claimView{
			{Label: "Your name", Value: w.name}, {Label: "Your e-mail address", Value: w.email}, {Label: "An identifier of your account", Value: "qmzk4t7w3b2vyr6xa5cjdnh2ps", Code: true},
		}}},
		{"consent_contact", &consentPage{base: signedIn, Login: "l1", Client: shown, Account: w.email, SwitchURL: signin, Claims: []claimView{
			viewClaim(signedIn, tokens.Claim{Name: "claim.name", Value: w.name}), viewClaim(signedIn, tokens.Claim{Name: "claim.locale", Value: "de"}),
			viewClaim(signedIn, tokens.Claim{Name: "claim.phone_number", Missing: true}), viewClaim(signedIn, tokens.Claim{Name: "claim.address", Value: address}),
		}}},
		{"consent_nothing", &consentPage{base: signedIn, Login: "l1", Client: clientView{Name: w.client, Host: w.host}, Account: w.email, Offline: true}},
		{"form_post", &formPostPage{base: signedIn, Host: w.host, Action: "https://" + plainWords.host + "/cb?x=1", Fields: []hidden{{"code", "ibc.x"}, {"error_description", w.text}, {"state", w.name}}}},
		{"logout", &logoutPage{base: signedIn, Client: client, Fields: []hidden{{"state", w.text}}}},
		{"logged_out", &loggedOutPage{base: b(), Client: client, ContinueURL: "https://" + plainWords.host + "/", Provider: w.title}},
		{"logged_out_ask", &loggedOutPage{base: b(), Client: client, ContinueURL: "https://" + plainWords.host + "/", Provider: w.title, Leave: leaveView{Title: w.title, URL: "/oauth/sign-out/x/?state=y"}}},
		{"logged_out_here", &loggedOutPage{base: b(), Provider: w.title, Leave: leaveView{Title: w.title, URL: "https://" + plainWords.host + "/out"}}},
		{"logged_out_leaving", &loggedOutPage{base: b(), Leave: leaveView{Title: w.title, URL: "/oauth/sign-out/x/?state=y", Automatic: true}}},
		{"logged_out_frames", &loggedOutPage{base: b(), Client: client, ContinueURL: "https://" + plainWords.host + "/", Frames: []string{"https://" + plainWords.host + "/out?iss=x&sid=y"}}},
		{"home", &homePage{base: signedIn}},
		{"home_out", &homePage{base: b(), SignUpURL: "/signup/"}},
		{"claim", &claimPage{base: b(), Token: "t0ken", NeedPassword: true, MinPassword: 8}},
		{"profile", &profilePage{base: in("profile"), Email: w.email, Username: w.handle, Profile: local.Profile{Name: w.name, Locale: "de"}}},
		{"profile_contact", &profilePage{base: in("profile"), Email: w.email, Profile: contact, Phone: true, Address: true, PhoneOffered: true, AddressOffered: true}},
		{"profile_held", &profilePage{base: in("profile"), Email: w.email, Username: w.handle, Held: map[string]string{"name": w.title, "username": w.title, "locale": w.title}, Profile: local.Profile{Name: w.name, Locale: "de"}}},
		{"profile_asked", &profilePage{base: in("profile"), Email: w.email, Zones: []string{"Europe/Zurich", "UTC"}, PresetZone: "UTC", Affiliations: true, AffiliationsOffered: true, Visibility: true, Asked: asked,
			Profile: local.Profile{Name: w.name, Details: broker.Details{Zone: "Europe/Zurich", Affiliations: []string{w.text, w.title}, Visibility: broker.VisibilityPublic, EmailVisibility: broker.VisibilityRestricted}}}},
		{"profile_changed", &profilePage{base: in("profile"), Email: w.email, Profile: local.Profile{Name: w.name}, Problems: problems{"": local.ErrProfileChanged}}},
		{"username", &usernamePage{base: in("profile"), Current: w.handle, Username: w.handle, Hint: w.text, Max: 64}},
		{"username_first", &usernamePage{base: in("profile"), Max: 64, Hint: w.text, Problems: problems{"username": local.ErrUsernameRule.With("rule", w.text)}}},
		{"username_held", &usernamePage{base: in("profile"), Current: w.handle, By: w.title}},
		{"profile_wrong", &profilePage{base: in("profile"), Email: w.email, Profile: contact, Phone: true, Address: true, PhoneOffered: true, Problems: problems{
			"phone": broker.ErrPhone, "postal_code": local.ErrAddress, "street_address": local.ErrAddress,
		}}},
		{"close", &confirmPage{base: closing, Lines: []string{closing.T("close.at_once"), closing.T("close.later", "date", closing.date(inAWeek)), closing.T("close.applications")},
			Action: closePath, Danger: true, Button: closing.T("close.button"), Cancel: closing.T("close.keep"), BackURL: dataPath}},
		{"reopen", &confirmPage{base: reopening, Lines: []string{reopening.T("reopen.until", "date", reopening.exact(inAWeek)), reopening.T("reopen.effect")},
			Action: broker.ReopenPath, Fields: []hidden{{"token", "t0ken"}}, Button: reopening.T("reopen.button"), Cancel: reopening.T("reopen.keep"), BackURL: "/"}},
		{"data", &dataPage{base: in("data")}},
		{"email", &emailPage{base: in("profile"), Current: w.email, Email: w.handle, Problems: problems{"email": broker.ErrEmail}}},
		{"email_confirm", &confirmPage{base: newAddress, Lines: []string{newAddress.T("email.confirm_from", "old", w.email, "new", "new."+w.email), newAddress.T("email.confirm_effect")},
			Action: broker.EmailPath, Fields: []hidden{{"token", "t0ken"}}, Button: newAddress.T("email.confirm_button"), Cancel: newAddress.T("email.keep"), BackURL: profilePath}},
		{"email_back", &confirmPage{base: back, Lines: []string{back.T("email.back_to", "email", w.email), back.T("email.back_effect")},
			Action: broker.EmailBackPath, Fields: []hidden{{"token", "t0ken"}}, Button: back.T("undo.button"), Cancel: back.T("undo.keep"), BackURL: "/"}},
		{"undo_passkey", takeBackSample(b(), broker.PasskeyBackPath, "take_back.passkey", "undo.button", "take_back.everybody", "take_back.passkey_effect", "passkey", w.text)},
		{"undo_factor", takeBackSample(b(), broker.FactorBackPath, "take_back.factor", "undo.button", "take_back.everybody", "take_back.factor_effect_app", "date", back.exact(inAWeek))},
		{"undo_sign_in", takeBackSample(b(), broker.SignInBackPath, "take_back.sign_in", "take_back.sign_in_button", "take_back.sign_in_since", "take_back.sign_in_effect_device", "date", back.exact(inAWeek), "device", w.text)},
		{"security", &securityPage{base: in("security"), LocalPasswords: true, HasPassword: true, PasswordSetAt: long, MinPassword: 8, Identities: 2, PasskeysOn: true, Passkeys: 2,
			Devices: 2, signInViews: signIns,
			Events: []eventRow{
				{Name: broker.EventSignedIn, At: sampleNow.Add(-5 * time.Minute), Provider: w.title, IP: "2001:db8::7334"},
				{Name: broker.EventIdentityLinked, At: sampleNow.Add(-2 * time.Hour), Provider: w.title, IP: "192.0.2.7"},
				{Name: broker.EventConsentGiven, At: sampleNow.Add(-50 * time.Hour), Client: w.client},
				{Name: "some.later_event", At: long},
			}}},
		{"devices", &devicesPage{base: in("devices"), More: 1, signInViews: signIns, remembering: remembering{Remember: 90}, Sessions: []sessionRow{
			{SID: "s1", Device: w.text, Browser: "Firefox 140", Kind: "Computer", IP: "2001:db8::7334", Country: "Switzerland", How: "with " + w.title, Current: true, Apps: []string{w.client, "Atlas"}, SignedInAt: sampleNow.Add(-5 * time.Minute), CreatedAt: sampleNow.Add(-5 * time.Minute), LastSeenAt: sampleNow},
			{SID: "s2", Device: "Safari on iOS", Browser: "Safari 17", Kind: "Phone", Mobile: true, Remembered: true, IP: "192.0.2.7", How: "with your password and a second step", SignedInAt: long, CreatedAt: long, LastSeenAt: sampleNow.Add(-26 * time.Hour)},
			{SID: "s3", How: "with your password", SignedInAt: long, CreatedAt: long, LastSeenAt: sampleNow.Add(-26 * time.Hour)},
		}}},
		{"devices_one", &devicesPage{base: in("devices"), Sessions: []sessionRow{{SID: "s1", Current: true, How: "with your password", SignedInAt: sampleNow, CreatedAt: sampleNow, LastSeenAt: sampleNow}},
			remembering: remembering{Remember: 1, Remembered: true}}},
		{"security_remove", &securityPage{base: in("security"), LocalPasswords: true, HasPassword: true, MinPassword: 8, Codes: true, CanRemove: true, ThenByMail: true, Removing: true, Problems: problems{"current": local.ErrPasswordWrong}}},
		{"security_nameless", &securityPage{base: in("security"), LocalPasswords: true, HasPassword: true, NeedsUsername: true, MinPassword: 8, Identities: 1}},
		{"security_wrong", &securityPage{base: in("security"), LocalPasswords: true, HasPassword: true, MinPassword: 8, Problems: problems{"current": {Message: "password.wrong"}}}},
		{"linked_accounts", &linkedAccountsPage{base: flashed, Linked: rows, Connect: connectButtons(manyProviders(7, w)[2:])}},
		{"linked_changes", &linkedAccountsPage{base: in("linkedaccounts"), Password: true, Linked: rows, MailedTo: broker.MaskEmail(w.email), Changes: []changeRow{
			{remoteView: github, What: "linked_accounts.was_replaced", At: sampleNow.Add(-2 * time.Hour), Until: &inAWeek},
			{remoteView: remoteView{Provider: "orcid", Title: "ORCID", Icon: "orcid", Handle: w.handle}, What: "linked_accounts.was_unlinked", At: sampleNow.Add(-26 * time.Hour), Undone: true},
			{remoteView: github, What: "linked_accounts.was_linked", At: sampleNow.Add(-50 * time.Hour)},
			{remoteView: github, What: "linked_accounts.was_linked", At: sampleNow.Add(-51 * time.Hour), Until: &inAWeek},
			{remoteView: github, What: "linked_accounts.was_unlinked", At: sampleNow.Add(-52 * time.Hour)},
		}}},
		{"linked_lost", &linkedAccountsPage{base: in("linkedaccounts"), Linked: cut}},
		{"linked_only", &linkedAccountsPage{base: in("linkedaccounts"), Linked: []linkedRow{only}, OnlyWayIn: true, Passwords: true}},
		{"linked_none", &linkedAccountsPage{base: in("linkedaccounts"), Connect: connectButtons(four)}},
		{"applications", &applicationsPage{base: in("applications"), Apps: []appRow{
			{ID: "c1", Name: w.client, Host: w.host, URL: "https://" + plainWords.host + "/", Sees: []string{"Your name", "Your e-mail address", "Your language"}, Since: long, LastUsed: sampleNow.Add(-90 * time.Second), Offline: true, OpenURL: "/applications/c1/open"},
			{ID: "c2", Name: "Wiki", Host: "wiki.commons.example", Since: sampleNow, Logo: picture, OpenURL: "/applications/c2/open"},
			{ID: "c3", Name: "…", Since: long},
		}}},
		{"applications_none", &applicationsPage{base: in("applications")}},
		{"confirm", &confirmPage{base: confirm, Remote: &github, Lines: []string{confirm.T("linked_accounts.confirm_effect", "provider", w.title)}, Action: "/oauth/disconnect/github/",
			Fields: []hidden{{"identity", "i1"}}, Button: confirm.T("linked_accounts.confirm_button", "provider", w.title), Danger: true, BackURL: "/account/settings/linkedaccounts/"}},
		{"error", errorSample(500, "error.internal")},
		{"error_provider", errorSample(403, "provider.denied")},
		{"error_fragment", fragment},
		{"error_taken", taken},
		{"error_gone", errorSample(410, "mail.used")},
		{"error_claim", errorSample(410, "claim.wrong")},
		{"error_blocked", errorSample(403, "account.blocked_for")},
		{"error_waiting", errorSample(403, "account.waiting")},
		{"error_unknown_key", errorSample(400, "")},
	}
}

func connectButtons(all []providerButton) []providerButton {
	for i := range all {
		all[i].URL = "/oauth/login/" + all[i].ID + "/"
	}
	return all
}

// takeBackSample is the page of a link that takes something back.
func takeBackSample(b base, path, title, button, sessions, effect string, args ...string) *confirmPage {
	b.Title = b.T(title)
	return &confirmPage{base: b, Lines: []string{b.T(effect, args...), b.T(sessions)}, Action: path, Fields: []hidden{{"token", "t0ken"}}, Button: b.T(button), Cancel: b.T("undo.keep"), BackURL: "/"}
}
