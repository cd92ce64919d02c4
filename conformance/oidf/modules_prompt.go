package oidf

import "time"

// promptModules are about whether and how the person is asked.
func promptModules() []Module {
	return []Module{
		accepted("oidcc-display-page", core("3.1.2.1"), "display=page", With("display", "page")),
		accepted("oidcc-display-popup", core("3.1.2.1"), "display=popup", With("display", "popup")),
		accepted("oidcc-ui-locales", core("3.1.2.1"), "ui_locales", With("ui_locales", "se en de fr")),
		accepted("oidcc-claims-locales", core("5.2"), "claims_locales", With("claims_locales", "se en de fr")),
		{
			Name: "oidcc-login-hint", Summary: "Signs in with a login_hint.", Clauses: []Clause{core("3.1.2.1")},
			Run: func(r *Run) {
				hint := r.Config.Server.LoginHint
				if hint == "" {
					hint = "buffy@example.org"
				}
				r.SignIn(With("login_hint", hint))
			},
		},
		{Name: "oidcc-ensure-request-with-acr-values-succeeds", Summary: "Asks for acr_values, which are wishes.", Clauses: []Clause{core("3.1.2.1"), core("5.5.1.1")}, Run: acrValues},
		{Name: "oidcc-prompt-login", Summary: "Asks for a new sign-in of somebody who is signed in.", Clauses: []Clause{core("3.1.2.1"), core("3.1.2.3")}, Run: promptLogin},
		{Name: "oidcc-prompt-none-not-logged-in", Summary: "Asks for an answer without pages of somebody who is not signed in.", Clauses: []Clause{core("3.1.2.1"), core("3.1.2.6")}, Run: promptNoneNotLoggedIn},
		{Name: "oidcc-prompt-none-logged-in", Summary: "Asks for an answer without pages of somebody who is signed in.", Clauses: []Clause{core("3.1.2.1"), core("3.1.2.3")}, Run: promptNoneLoggedIn},
		{Name: "oidcc-max-age-1", Summary: "Asks for a sign-in of the last second, of somebody who signed in before that.", Clauses: []Clause{core("3.1.2.1"), core("3.1.3.7 (13)")}, Run: maxAge1},
		{Name: "oidcc-max-age-10000", Summary: "Asks for a sign-in of the last hours, of somebody who just signed in.", Clauses: []Clause{core("3.1.2.1"), core("2")}, Run: maxAge10000},
		{Name: "oidcc-id-token-hint", Summary: "Asks for an answer without pages with an earlier ID token as id_token_hint.", Clauses: []Clause{core("3.1.2.1"), core("3.1.2.2")}, Run: idTokenHint},
	}
}

// accepted signs in with a parameter that no OP may choke on.
func accepted(name string, c Clause, what string, change Change) Module {
	return Module{Name: name, Summary: "Signs in with " + what + ".", Clauses: []Clause{c}, Run: func(r *Run) { r.SignIn(change) }}
}

// mustAct notes whether the person had something to do.
func (r *Run) mustAct(a Answer, c Clause, must bool) {
	if must {
		r.Check(len(a.Acted) > 0, c, "the person is asked to sign in again")
	} else {
		r.Check(len(a.Acted) == 0, c, "the person is asked for nothing (they did: %v)", a.Acted)
	}
}

// samePerson checks that two authorizations are of one person.
func (r *Run) samePerson(a, b Flow) {
	r.Check(a.IDToken().Text("sub") == b.IDToken().Text("sub"), core("2"), "sub is the same for the same person")
}

func acrValues(r *Run) {
	values := r.Config.Server.ACRValues
	if offered := r.Metadata.List("acr_values_supported"); values == "" && len(offered) > 0 {
		values = offered[0]
	}
	if values == "" {
		values = "1 2"
	}
	f := r.SignIn(With("acr_values", values))
	if acr := f.IDToken().Text("acr"); acr == "" {
		r.Log("the ID token has no acr; acr_values=%s asks for it as a voluntary claim", values)
	} else {
		r.Pass(core("2"), "acr is the string %q", acr)
	}
}

// authTimes checks auth_time of a second sign-in against the first.
func (r *Run) authTimes(first, second Flow, again bool) {
	a, b := first.IDToken().Time("auth_time"), second.IDToken().Time("auth_time")
	if a.IsZero() || b.IsZero() {
		return
	}
	if again {
		r.Check(b.After(a), core("2"), "auth_time of the new sign-in (%s) is later than that of the first (%s)", b.UTC(), a.UTC())
	} else {
		r.Check(b.Equal(a), core("2"), "auth_time is that of the one sign-in, %s; it is %s", a.UTC(), b.UTC())
	}
}

func promptLogin(r *Run) {
	first := r.SignIn()
	r.Sleep(1100 * time.Millisecond) // auth_time counts seconds
	second := r.SignIn(With("prompt", "login"))
	r.mustAct(second.Answer, core("3.1.2.3"), true)
	r.samePerson(first, second)
	r.authTimes(first, second, true)
}

func promptNoneNotLoggedIn(r *Run) {
	a := r.Visit(r.Request(With("prompt", "none")))
	r.mustAct(a, core("3.1.2.1"), false)
	r.Refused(a, core("3.1.2.6"), "login_required", "interaction_required")
}

func promptNoneLoggedIn(r *Run) {
	first := r.SignIn()
	second := r.SignIn(With("prompt", "none"))
	r.mustAct(second.Answer, core("3.1.2.1"), false)
	r.samePerson(first, second)
	r.authTimes(first, second, false)
}

func maxAge1(r *Run) {
	first := r.SignIn()
	r.Sleep(2100 * time.Millisecond)
	second := r.SignIn(With("max_age", "1"))
	r.mustAct(second.Answer, core("3.1.2.1"), true)
	r.samePerson(first, second)
	r.authTimes(first, second, true)
	if t := second.IDToken().Time("auth_time"); !t.IsZero() {
		r.Check(time.Since(t) < skew, core("3.1.3.7 (13)"), "auth_time is within max_age, give or take the clocks")
	}
}

func maxAge10000(r *Run) {
	first := r.SignIn(With("max_age", "15000"))
	r.Sleep(1100 * time.Millisecond)
	second := r.SignIn(With("max_age", "10000"))
	r.mustAct(second.Answer, core("3.1.2.1"), false)
	r.samePerson(first, second)
	r.authTimes(first, second, false)
}

func idTokenHint(r *Run) {
	first := r.SignIn()
	second := r.SignIn(With("prompt", "none"), With("id_token_hint", first.RawIDToken()))
	r.mustAct(second.Answer, core("3.1.2.1"), false)
	r.samePerson(first, second)
	r.authTimes(first, second, false)
}
