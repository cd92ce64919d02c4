package main

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/config"
	"idbroker/fields"
	"idbroker/i18n"
	"idbroker/limits"
	"idbroker/linking"
	"idbroker/providers"
	"idbroker/store"
	"idbroker/tokens"
	"idbroker/volatile"
	"idbroker/web"
)

// rooms are the rooms of the house that commands and serve need, wired.
type rooms struct {
	cfg      config.Config
	base     string // external URL, without a slash at the end
	db       *store.DB
	ring     store.Keyring   // as it was read last
	kept     kept            // the database as the rooms see it
	redis    *volatile.Redis // nil: sessions and buckets are in the database
	texts    *i18n.Catalogs
	apps     linking.Apps
	linker   *linking.Linker
	accounts *local.Accounts
	breached *local.Breached // nil: none
	asked    *fields.Schema  // nil: the operator asks for nothing beside
	limits   *limits.Limiter
	tokens   *tokens.Service
	log      *slog.Logger
}

// kept is the database with whoever counts what goes through it.
type kept interface {
	linking.Store
	limits.Store
	local.Store
	tokens.Store
	web.Store
}

// furnish wires the rooms over an open database. counted may be nil.
func furnish(cfg config.Config, base string, db *store.DB, ring store.Keyring, texts *i18n.Catalogs, extra []providers.App, counted *counters, log *slog.Logger) (r *rooms, err error) {
	apps, err := registry(cfg, base, log, extra...)
	if err != nil {
		return nil, err
	}
	r = &rooms{cfg: cfg, base: base, db: db, kept: db, texts: texts, apps: apps, log: log}
	if err := r.useRedis(ring, counted); err != nil {
		return nil, err
	}
	redis := r.redis // a refusal returns no rooms
	defer func() {
		if err != nil && redis != nil {
			_ = redis.Close()
		}
	}()
	if counted != nil {
		r.kept, r.apps = countedStore{r.kept, counted}, countedApps{apps, counted}
	}
	o := tokenOptions(cfg, base, ring, texts, log)
	if r.asked, err = asked(cfg); err != nil {
		return nil, err
	}
	o.Claims = profileClaims(cfg, r.asked)
	if o.Registration.Statements, err = statementIssuers(cfg); err != nil {
		return nil, err
	}
	if r.tokens, err = tokens.New(r.kept, o); err != nil {
		return nil, err
	}
	if err := r.setRing(ring); err != nil {
		return nil, err
	}
	var refused func(string, error)
	if counted != nil {
		refused = counted.refused
	}
	r.linker = linking.New(r.kept, r.apps, linking.Options{
		Refused: refused,
		Issuer:  base, FreshFor: cfg.Sessions.Fresh, UndoWithin: cfg.Linking.UndoWithin, NoPasswords: !cfg.Accounts.Passwords, Log: log, EndGrants: r.tokens.EndGrants,
		Begin:  beginner(cfg, r),
		Admits: func(ctx context.Context, email string) (bool, error) { return r.accounts.Admits(ctx, email) },
		Username: func(ctx context.Context, u broker.User, wanted string, at time.Time) (string, error) {
			return r.accounts.UsernameFor(ctx, u, wanted, at)
		},
		Named:    func(ctx context.Context, wanted string) (bool, error) { return r.accounts.Nameable(ctx, wanted) },
		Passkeys: passkeys(cfg, base), Codes: mailedCodes(cfg) == local.CodesSignIn, Usernames: !identifies(cfg, "email"),
	})
	own, err := r.accountOptions(ring, counted)
	if err != nil {
		return nil, err
	}
	r.limits = limiter(cfg, base, r.kept, ring)
	r.accounts = local.New(r.kept, r.linker, own)
	return r, nil
}

// accountOptions are the options of accounts of our own.
func (r *rooms) accountOptions(ring store.Keyring, counted *counters) (o local.Options, err error) {
	cfg := r.cfg
	if r.breached, err = breached(cfg); err != nil {
		return o, err
	}
	peppers, err := peppers(cfg)
	if err != nil {
		return o, err
	}
	names, err := usernames(cfg, ring)
	if err != nil {
		return o, err
	}
	var hashed func()
	if counted != nil {
		hashed = counted.set.NewCounter("broker_password_hashes_total").Inc
	}
	return local.Options{
		Issuer: r.base, MinPassword: cfg.Accounts.PasswordMin, MinStrength: strength(cfg), Site: cfg.Brand.Name, MaxHashing: cfg.Accounts.HashingAtOnce, OnHash: hashed, HMACKey: cfg.Accounts.InvenioSalt, Breached: r.breached, BreachedRange: ranges(cfg, r.base, counted), Peppers: peppers, FreshFor: cfg.Sessions.Fresh, UndoWithin: cfg.Linking.UndoWithin, CloseAfter: cfg.Accounts.CloseAfter, NoSignUp: !cfg.Accounts.SignUp, Log: r.log, EndGrants: r.tokens.EndGrants,
		Codes: mailedCodes(cfg), CodeKeys: [][32]byte{ring.DeriveOldest("mail codes")}, NoFactors: noFactors(cfg), NeedFactors: cfg.Accounts.SecondFactor == "required", RememberFactor: cfg.Accounts.RememberFactor, SMS: cfg.Accounts.SMS.URL != "", SMSPrefixes: cfg.Accounts.SMS.Countries,
		NoPasskeys: !passkeys(cfg, r.base), PasskeyKey: ring.DeriveOldest("passkeys"),
		Usernames: names, Fields: fielder(r.asked), Presets: local.Presets{Locale: cfg.Accounts.Defaults.Locale, Zone: cfg.Accounts.Defaults.Zone},
		NoPasswords: !cfg.Accounts.Passwords, Welcome: local.Welcome(cfg.Accounts.WelcomeMail), Domains: broker.DomainStatus(cfg.Accounts.Domains.Default),
	}, nil
}

// strength is how strong a new password must be; for local, 0 is the default.
func strength(cfg config.Config) int {
	if cfg.Accounts.PasswordStrength == 0 {
		return -1
	}
	return cfg.Accounts.PasswordStrength
}

// beginner lets the linker begin accounts, where newcomers may and need tell
// nothing more than a provider does; the room that does it is furnished later.
func beginner(cfg config.Config, r *rooms) func(context.Context, broker.SignUp, string, time.Time) (broker.User, error) {
	if !cfg.Accounts.SignUp || r.asked != nil && r.asked.AtSignUp() {
		return nil
	}
	return func(ctx context.Context, s broker.SignUp, provider string, at time.Time) (broker.User, error) {
		return r.accounts.Begin(ctx, s, provider, at)
	}
}

// rooms opens everything that a command needs.
func (p *program) rooms(ctx context.Context) (*rooms, error) {
	cfg, db, ring, err := p.open(ctx)
	if err != nil {
		return nil, err
	}
	texts, err := i18n.New()
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	base := orElse(cfg.Server.BaseURL, "http://"+cfg.Server.Address)
	r, err := furnish(cfg, base, db, ring, texts, nil, nil, p.logger(cfg, slog.LevelWarn))
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return r, nil
}

func (r *rooms) close() error {
	err := r.db.Close()
	if r.redis != nil {
		err = errors.Join(err, r.redis.Close())
	}
	if r.breached != nil {
		err = errors.Join(err, r.breached.Close())
	}
	return err
}

func tokenOptions(cfg config.Config, base string, ring store.Keyring, texts *i18n.Catalogs, log *slog.Logger) tokens.Options {
	t := cfg.Tokens
	grace := t.RefreshGrace
	if grace == 0 {
		grace = -1 // none
	}
	outside := fetcher(cfg, base)
	lifetime := t.SigningKeys.RotateEvery
	if lifetime == 0 {
		lifetime = -1 // for ever
	}
	secret, older, _ := ring.DeriveEach(tokenPurpose)
	return tokens.Options{
		Issuer: base, Secret: secret, OldSecrets: older, Log: log, Fetcher: outside, Notices: outside, RequirePAR: cfg.Applications.RequirePAR, RequireSigned: cfg.Applications.RequireSigned,
		CodeLifetime: t.Code, AccessLifetime: t.Access, IDTokenLifetime: t.ID,
		RefreshIdle: t.RefreshIdle, RefreshAbsolute: t.RefreshAbsolute, RefreshGrace: grace, KeyOverlap: t.SigningKeys.PublishBefore, KeyLifetime: lifetime,
		Registration: tokens.Registration{
			Mode: cfg.Registration.Mode, Scopes: cfg.Registration.Scopes, PerAddress: cfg.Registration.PerAddress,
			PerDay: cfg.Registration.PerDay, Total: cfg.Registration.Total, RequireStatement: cfg.Registration.Required, Unused: cfg.Registration.Unused,
		},
		SecondFactor: !noFactors(cfg) || passkeys(cfg, base),
		Phone:        cfg.Accounts.Profile.Phone, Address: cfg.Accounts.Profile.Address,
		NoSignUp: !cfg.Accounts.SignUp, UILocales: texts.Languages(), PolicyURI: cfg.Brand.Privacy, TermsURI: cfg.Brand.Terms,
	}
}

// noFactors tells whether nobody is asked for a second factor.
func noFactors(cfg config.Config) bool { return cfg.Accounts.SecondFactor == "never" }

// passkeys tells whether people may sign in with passkeys.
func passkeys(cfg config.Config, base string) bool {
	return cfg.Accounts.Passkeys != "never" && local.PasskeysAt(base)
}

// mailedCodes is what codes are mailed for. Where passwords are off, a mailbox
// opens no account unless that was asked for.
func mailedCodes(cfg config.Config) local.Codes {
	switch codes := cfg.Accounts.EmailCodes; {
	case codes == "sign_in":
		return local.CodesSignIn
	case codes == "off", !cfg.Accounts.Passwords:
		return local.CodesOff
	}
	return local.CodesLink
}

// tokenPurpose derives the secrets of our tokens from the keys of the ring: each
// key has one, so that a new key in front ends no token.
const tokenPurpose = "tokens"

// limiter makes what counts tries. A right password or a quarter of an hour makes a
// bucket of tries full again, an hour one of mails.
func limiter(cfg config.Config, base string, db limits.Store, ring store.Keyring) *limits.Limiter {
	within := func(d time.Duration, n int) broker.Limit { return broker.Limit{Burst: n, Every: d / time.Duration(n)} }
	l := cfg.Limits
	return limits.New(db, limits.Options{
		Key: ring.DeriveOldest("limits"), Exempt: l.Exempt(), Off: !l.Enabled,
		Account: within(15*time.Minute, l.AccountTries), Network: within(15*time.Minute, l.NetworkTries), Mails: within(time.Hour, l.MailsPerHour),
		SMSPerHour: cfg.Accounts.SMS.PerHour, SMSPerCountry: cfg.Accounts.SMS.PerCountry,
		Captcha: captcha(cfg, base),
	})
}

// captcha is the service that the configuration names; nil none.
func captcha(cfg config.Config, base string) *limits.Captcha {
	c := cfg.Limits.Captcha
	if c.Kind == "off" || c.Kind == "" {
		return nil
	}
	host := ""
	if u, err := url.Parse(base); err == nil {
		host = u.Hostname()
	}
	return &limits.Captcha{Kind: limits.CaptchaKind(c.Kind), SiteKey: c.SiteKey, Secret: c.Secret, Host: host, Always: c.When == "always"}
}

// registry makes the configured remote apps, and extra ones. Providers on
// loopback are for a broker on loopback.
func registry(cfg config.Config, base string, log *slog.Logger, extra ...providers.App) (*providers.Registry, error) {
	o := providers.Options{BaseURL: base, Log: log, Apps: extra}
	if u, err := url.Parse(base); err == nil {
		o.AllowPrivate = config.Loopback(u.Hostname())
	}
	for _, p := range cfg.Providers {
		o.Apps = append(o.Apps, providers.App{
			ID: p.ID, Kind: p.Kind, Title: p.Title, Icon: p.Icon, Order: p.Order,
			Issuer: p.Issuer, BaseURL: p.BaseURL, ClientID: p.ClientID, ClientSecret: p.ClientSecret, Scopes: p.Scopes, AuthParams: p.AuthParams, Forward: p.Forward,
			SecondFactor: providers.SecondFactor{AMR: p.SecondFactor["amr"], ACR: p.SecondFactor["acr"]},
			Sandbox:      p.Sandbox, Member: p.Member, EmailTrust: p.EmailTrust, EmailDomains: p.EmailDomains, AllowedDomains: p.AllowedDomains,
			Hidden: p.Hidden, LinkOnly: p.LinkOnly, Second: broker.Second(p.Second),
			SignUp: broker.SignUpBy(p.SignUp), Unmailed: !p.ConfirmEmail, LinkByEmail: p.LinkByEmail,
			Profile: broker.ProfileRules{Name: broker.ProfileRule(p.Profile["name"]), Username: broker.ProfileRule(p.Profile["username"]), Locale: broker.ProfileRule(p.Profile["locale"])},
			SignOut: broker.SignOut(p.SignOut), SignOutURL: p.SignOutURL,
			AuthStyle: authStyle(p.AuthStyle), PKCE: p.PKCE, IssuerParam: p.IssuerParam,
			AllowedClaims: p.AllowedClaims, AllowedOrganizations: p.AllowedOrganizations,
			AllowedRoles: p.AllowedRoles, AllowedIdentityClasses: p.AllowedIdentityClasses, AllowServiceAccounts: p.AllowServiceAccounts,
			RequiredIdentityProvider: p.RequiredIdentityProvider, AllowedIdentityProviders: p.AllowedIdentityProviders, AllowedGroups: p.AllowedGroups, PrivateNetwork: p.PrivateNetwork,
		})
	}
	r, err := providers.New(o)
	if err != nil {
		return nil, providerProblems(err)
	}
	return r, nil
}

// authStyle is the protocol's word for the operator's.
func authStyle(s string) string {
	return map[string]string{"basic": providers.AuthBasic, "post": providers.AuthPost, "none": providers.AuthNone}[s]
}
