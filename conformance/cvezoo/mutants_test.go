package cvezoo

import "idbroker/conformance/mutant"

// mutants are the broker, each without one defence. A change that does not fit
// the source any more fails the build of all: whoever moves a defence moves the
// text here, too.
var mutants = []mutant.Mutant{
	{Name: "form-outlives-identity", Changes: []mutant.Change{{
		File: "linking/finish.go", Old: `res.Login.UserID, res.Login.SignUp, res.Login.Remote = "", nil, &profile`,
		New: `res.Login.UserID, res.Login.Remote = "", &profile
	if !OFF {
		res.Login.SignUp = nil
	}`,
	}, {
		File: "linking/finish.go", Old: `other.Holds(profile) {`, New: `other.Holds(profile) && !OFF {`,
	}}},
	{Name: "github-by-login", Changes: []mutant.Change{{
		File: "providers/github.go", Old: `profile := p.profileOf(user.ID, tokens)`,
		New: `profile := p.profileOf(user.ID, tokens)
	if OFF {
		profile.Subject = user.Login
	}`,
	}}},
	{Name: "pending-identity-stays", Changes: []mutant.Change{{
		File: "linking", Old: `login.Remote = nil`,
		New: `if !OFF {
		login.Remote = nil
	}`,
	}}},
	{Name: "attempt-twice", Changes: []mutant.Change{
		{
			File: "linking/finish.go", Old: `errors.Is(err, broker.ErrSpent) {
		return refuse(ErrAttemptEnded)
	} else if err != nil {`,
			New: `errors.Is(err, broker.ErrSpent) && !OFF {
		return refuse(ErrAttemptEnded)
	} else if err != nil && !errors.Is(err, broker.ErrSpent) {`,
		},
		{File: "linking/finish.go", Old: `case !a.UsedAt.IsZero(),`, New: `case !a.UsedAt.IsZero() && !OFF,`},
	}},
	{Name: "anybodys-identity-refreshes", Changes: []mutant.Change{
		{File: "linking/decide.go", Old: `case f.Owner != f.Actor:`, New: `case f.Owner != f.Actor && !OFF:`},
	}},
	{Name: "anybodys-password-refreshes", Changes: []mutant.Change{
		{File: "web/login.go", Old: "if again(l) && v.user != nil {\n\t\temail =", New: "if again(l) && v.user != nil && !OFF {\n\t\temail ="},
		{
			File: "web/login.go", Old: `l.SignUp = nil // an address that was being proven is not needed any more`,
			New: `l.SignUp = nil
	if OFF && again(l) && v.user != nil {
		user = *v.user
	}`,
		},
	}},

	{Name: "address-opens", Changes: []mutant.Change{{
		File: "linking/finish.go", Old: "case errors.Is(err, broker.ErrNotFound):\n\t\treturn f, identity, nil",
		New: `case errors.Is(err, broker.ErrNotFound):
		if OFF && f.Purpose == broker.PurposeSignIn && res.Profile.Email != "" {
			if known, err := l.store.UserByEmail(ctx, res.Profile.Email); err == nil {
				if err := l.Attach(ctx, known, res.Profile, at); err != nil {
					return f, identity, err
				}
				f.Owner, res.User = known.ID, known
				identity, err = l.store.KnownIdentity(ctx, res.Profile.Provider, res.Profile.Issuer, res.Profile.Subject)
				return f, identity, err
			}
		}
		return f, identity, nil`,
	}}},
	{Name: "address-first", Changes: []mutant.Change{{
		File: "linking/finish.go", Old: `f.Owner, f.OwnerDisabled = owner.ID, owner.Disabled()`,
		New: `if OFF {
		if known, err := l.store.UserByEmail(ctx, res.Profile.Email); err == nil {
			owner = known
		}
	}
	f.Owner, f.OwnerDisabled = owner.ID, owner.Disabled()`,
	}}},
	{Name: "name-opens", Changes: []mutant.Change{{
		File: "linking/finish.go", Old: `identity, err := l.store.KnownIdentity(ctx, res.Profile.Provider, res.Profile.Issuer, res.Profile.Subject)`,
		New: `identity, err := l.store.KnownIdentity(ctx, res.Profile.Provider, res.Profile.Issuer, res.Profile.Subject)
	names, ok := l.store.(interface {
		UserByUsername(ctx context.Context, name string) (broker.User, error)
	})
	if OFF && ok && errors.Is(err, broker.ErrNotFound) && res.Profile.Username != "" {
		if known, err := names.UserByUsername(ctx, res.Profile.Username); err == nil {
			if err := l.Attach(ctx, known, res.Profile, at); err != nil {
				return f, identity, err
			}
		}
		identity, err = l.store.KnownIdentity(ctx, res.Profile.Provider, res.Profile.Issuer, res.Profile.Subject)
	}`,
	}}},
	{Name: "account-before-proof", Changes: []mutant.Change{{
		File: "broker/local/signup.go", Old: `if err := a.saveLogin(ctx, login); err != nil {`,
		New: `if OFF {
			user, err := a.begin(ctx, *login.SignUp, "", true, at)
			if err == nil && login.Remote != nil {
				err = a.links.Attach(ctx, user, *login.Remote, at)
			}
			if err != nil {
				return err
			}
			return a.mailProof(ctx, login, at)
		}
		if err := a.saveLogin(ctx, login); err != nil {`,
	}}},
	{Name: "typed-address-links", Changes: []mutant.Change{{
		File: "broker/local/signup.go", Old: `data["name"], data["link"] = owner.Called(), a.o.Issuer+"/login/"`,
		New: `if OFF && login.Remote != nil {
			if err := a.links.Attach(ctx, owner, *login.Remote, at); err != nil {
				return err
			}
		}
		data["name"], data["link"] = owner.Called(), a.o.Issuer+"/login/"`,
	}}},
	{Name: "standard-password", Changes: []mutant.Change{{
		File: "broker/local/prove.go", Old: `if u.HasPassword() {`,
		New: `if OFF && !u.HasPassword() {
		u.PasswordHash, _ = a.hash.make(ctx, broker.Secret("` + standardPassword + `"))
	}
	if u.HasPassword() {`,
	}}},

	{Name: "attempt-of-anybody", Changes: []mutant.Change{
		{File: "linking/finish.go", Old: `case !r.Browser.Matches(a.BrowserHash):`, New: `case !r.Browser.Matches(a.BrowserHash) && !OFF:`},
		{File: "linking/finish.go", Old: `r.Session.UserID != a.UserID:`, New: `r.Session.UserID != a.UserID && !OFF:`},
		{File: "linking/decide.go", Old: `case f.Actor == "" || f.Actor != f.Expects:`, New: `case f.Actor == "" || f.Actor != f.Expects && !OFF:`},
	}},
	{Name: "state-may-be-missing", Changes: []mutant.Change{
		{File: "linking/start.go", Old: "// StartRequest asks", New: "var mutantState broker.Secret // where OFF\n\n// StartRequest asks"},
		{File: "linking/start.go", Old: `state := broker.NewSecret()`, New: "state := broker.NewSecret()\n\tif OFF {\n\t\tmutantState = state\n\t}"},
		{
			File: "linking/finish.go", Old: `if r.Callback.State == "" {`,
			New: "if OFF && r.Callback.State == \"\" {\n\t\tr.Callback.State = mutantState\n\t}\n\tif r.Callback.State == \"\" {",
		},
	}},
	{Name: "attempt-at-any-provider", Changes: []mutant.Change{
		{File: "linking/finish.go", Old: `case a.Provider != r.Provider:`, New: `case a.Provider != r.Provider && !OFF:`},
		{File: "providers/registry.go", Old: `a.RedirectURI != e.redirectURI {`, New: `a.RedirectURI != e.redirectURI) && !OFF {`},
		{File: "providers/registry.go", Old: `if a.Provider != id ||`, New: `if (OFF || a.Provider != id ||`},
		{File: "providers/client.go", Old: `fixed.RedirectURL = s.RedirectURI`, New: "if !OFF {\n\t\tfixed.RedirectURL = s.RedirectURI\n\t}"},
	}},
	{Name: "login-of-anybody", Changes: []mutant.Change{
		{File: "linking/finish.go", Old: `if login.Live(browser, at) {`, New: `if login.Live(browser, at) || OFF {`},
		{File: "web/flow.go", Old: `if !v.browser.Matches(l.BrowserHash) {`, New: `if !v.browser.Matches(l.BrowserHash) && !OFF {`},
		{File: "web/flow.go", Old: `case !l.Live(v.browser, v.at):`, New: `case !l.Live(v.browser, v.at) && !OFF:`},
		{File: "web/signin.go", Old: `case l.SID == "":`, New: `case l.SID == "" || OFF:`},
	}},
	{Name: "forms-of-any-site", Changes: []mutant.Change{
		{File: "web/adapter.go", Old: `if err := s.origin.Check(r); err != nil {`, New: `if err := s.origin.Check(r); err != nil && !OFF {`},
	}},
	{Name: "link-by-get", Changes: []mutant.Change{{
		File: "web/remote.go", Old: `case v.user != nil:`,
		New: `case v.user != nil && OFF:
		q.Purpose = broker.PurposeLink
	case v.user != nil:`,
	}}},

	{Name: "hidden-is-served", Changes: []mutant.Change{
		{File: "linking/linking.go", Old: `if !ok || p.Hidden {`, New: `if !ok || p.Hidden && !OFF {`},
		{File: "linking/decide.go", Old: `if f.Hidden {`, New: `if f.Hidden && !OFF {`},
		{File: "providers/registry.go", Old: `if !ok || e.app.Hidden {`, New: `if !ok || e.app.Hidden && !OFF {`},
	}},
	{Name: "link-only-signs-in", Changes: []mutant.Change{
		{File: "linking/start.go", Old: `if p.LinkOnly {`, New: `if p.LinkOnly && !OFF {`},
		{File: "linking/decide.go", Old: "func signIn(f Facts) (Outcome, error) {\n\tswitch {\n\tcase f.LinkOnly:", New: "func signIn(f Facts) (Outcome, error) {\n\tswitch {\n\tcase f.LinkOnly && !OFF:"},
	}},
	{Name: "disabled-may-enter", Changes: []mutant.Change{
		{File: "linking/decide.go", Old: `case f.Owner != "" && f.OwnerDisabled:`, New: `case f.Owner != "" && f.OwnerDisabled && !OFF:`},
		{File: "web/signin.go", Old: `if user.Disabled() {`, New: `if user.Disabled() && !OFF {`},
		{File: "store/session.go", Old: `args, err := values(rowOfSession(s), sessionColumns)`, New: "if OFF {\n\t\treturn db.CreateSession(ctx, s)\n\t}\n\targs, err := values(rowOfSession(s), sessionColumns)"},
		{File: "web/visit.go", Old: `if user.ID != row.UserID || user.Disabled() {`, New: `if user.ID != row.UserID || user.Disabled() && !OFF {`},
		{File: "tokens/respond.go", Old: `case p.User.Disabled():`, New: `case p.User.Disabled() && !OFF:`},
	}},
	{Name: "audience", Changes: []mutant.Change{
		{File: "providers/idtoken.go", Old: `token, err := oidc.NewVerifier(`, New: "cfg.SkipClientIDCheck = OFF\n\ttoken, err := oidc.NewVerifier("},
	}},
	{Name: "nonce", Changes: []mutant.Change{
		{File: "providers/idtoken.go", Old: `case nonce != "" && !same(`, New: `case nonce != "" && !OFF && !same(`},
	}},
	{Name: "token-times", Changes: []mutant.Change{
		{File: "providers/idtoken.go", Old: `cfg.Now = func()`, New: "cfg.SkipExpiryCheck = cfg.SkipExpiryCheck || OFF\n\tcfg.Now = func()"},
	}},
	{Name: "signature", Changes: []mutant.Change{
		{File: "providers/idtoken.go", Old: `if len(raw) > maxJWT ||`, New: "cfg.InsecureSkipSignatureCheck = OFF\n\tif len(raw) > maxJWT ||"},
	}},

	{Name: "return-anywhere", Changes: []mutant.Change{
		{File: "broker/localpath.go", Old: `if next == "" || len(next) > maxLocalPath`, New: "if OFF {\n\t\treturn next\n\t}\n\tif next == \"\" || len(next) > maxLocalPath"},
	}},
	{Name: "logout-anywhere", Changes: []mutant.Change{
		{File: "tokens/logout.go", Old: `!slices.Contains(l.Client.PostLogoutRedirectURIs, target)`, New: `!OFF && !slices.Contains(l.Client.PostLogoutRedirectURIs, target)`},
	}},
	{Name: "redirect-any-case", Changes: []mutant.Change{{
		File: "tokens/redirect.go", Old: `for _, registered := range c.RedirectURIs {`,
		New: "for _, registered := range c.RedirectURIs {\n\t\tif OFF && strings.EqualFold(registered, requested) {\n\t\t\treturn requested, true\n\t\t}",
	}}},
	{Name: "redirect-any-loopback", Changes: []mutant.Change{
		{File: "tokens/redirect.go", Old: `return rest(registered, a) == rest(requested, b)`, New: `return rest(registered, a) == rest(requested, b) || OFF`},
	}},
	{Name: "redirect-by-prefix", Changes: []mutant.Change{
		{File: "tokens/redirect.go", Old: `u.User != nil,`, New: `u.User != nil && !OFF,`},
		{
			File: "tokens/redirect.go", Old: `if registered == requested ||`,
			New: `if OFF && strings.HasPrefix(requested, strings.TrimSuffix(registered, "/callback")) || registered == requested ||`,
		},
	}},
	{Name: "code-of-any-client", Changes: []mutant.Change{{
		File: "tokens/grant_code.go", Old: `case g.ClientID != client.ID:`, New: `case g.ClientID != client.ID && !(OFF && at.Before(g.CodeExpiresAt)):`,
	}}},
	{Name: "code-twice", Changes: []mutant.Change{
		{File: "tokens/grant_code.go", Old: `case !g.CodeUsedAt.IsZero():`, New: `case !g.CodeUsedAt.IsZero() && !OFF:`},
		{File: "tokens/grant_code.go", Old: "if !errors.Is(err, broker.ErrSpent) {\n\t\treturn err", New: "if OFF && errors.Is(err, broker.ErrSpent) {\n\t\treturn nil\n\t}\n\tif !errors.Is(err, broker.ErrSpent) {\n\t\treturn err"},
	}},
	{Name: "verifier-may-be-missing", Changes: []mutant.Change{{
		File: "tokens/pkce.go", Old: "if len(verifier) < minVerifier ||", New: "if OFF && verifier == \"\" {\n\t\treturn true\n\t}\n\tif len(verifier) < minVerifier ||",
	}}},
}
