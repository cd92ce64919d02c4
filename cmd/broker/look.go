package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/config"
	"idbroker/i18n"
	"idbroker/providers"
)

// loadWhole is load with a look at all that the configuration names, so that what
// serve would refuse is told at once, and "config validate" tells the same. What only
// a start can show is left to it: ports, the database, rights to write.
func (p *program) loadWhole(ctx context.Context) (config.Config, error) {
	return config.Load(p.config, p.environ, func(cfg config.Config) config.Problems { return look(ctx, cfg) })
}

// look finds what is wrong with the files, keys and providers of a configuration.
func look(ctx context.Context, cfg config.Config) config.Problems {
	_, tlsErr := newCertificate(cfg.Server.TLS)
	_, countriesErr := newCountries(cfg.Sessions.Countries)
	_, brandErr := brand(cfg.Brand)
	_, _, ringErr := findKeyring(ctx, cfg)
	_, pepperErr := peppers(cfg)
	list, breachedErr := breached(cfg)
	if list != nil {
		breachedErr = errors.Join(breachedErr, list.Close())
	}
	shared, redisErr := openRedis(cfg, nil, slog.New(slog.DiscardHandler)) // which connects to nothing yet
	if shared != nil {
		redisErr = errors.Join(redisErr, shared.Close())
	}
	_, askedErr := asked(cfg)
	_, statementsErr := statementIssuers(cfg)
	_, providersErr := registry(cfg, orElse(cfg.Server.BaseURL, "http://"+cfg.Server.Address), nil)
	return slices.Concat(problemsOf(errors.Join(tlsErr, countriesErr, brandErr, ringErr, pepperErr, breachedErr, redisErr, askedErr, statementsErr, providersErr)),
		lookAtTexts(cfg), lookAtMail(cfg.Mail), lookAtDatabase(cfg))
}

// problemsOf takes an error apart into problems.
func problemsOf(err error) config.Problems {
	if err == nil {
		return nil
	}
	var all config.Problems
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			all = append(all, problemsOf(e)...)
		}
		return all
	}
	var one config.Problem
	switch {
	case errors.As(err, &all):
		return all
	case errors.As(err, &one):
		return config.Problems{one}
	}
	return config.Problems{{What: err.Error()}}
}

// peppers reads the keys that are mixed into password hashes.
func peppers(cfg config.Config) (local.Peppers, error) {
	p, err := local.ParsePeppers(cfg.Accounts.Pepper)
	if err != nil {
		return p, config.Problem{Path: "accounts.pepper", What: err.Error(), Fix: "restore the file: passwords made with a pepper need it"}
	}
	return p, nil
}

// providerProblems says of each of a registry's complaints which provider it is about.
func providerProblems(err error) config.Problems {
	var all config.Problems
	list := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		list = joined.Unwrap()
	}
	for _, one := range list {
		var app *providers.AppError
		if errors.As(one, &app) {
			path := fmt.Sprintf("providers[%s]", orElse(app.ID, fmt.Sprint(app.N-1)))
			all = append(all, config.Problem{Path: path, What: strings.Join(strings.Split(app.Err.Error(), "\n"), "; "), Fix: "mend it there; \"broker config example\" and the page of the provider in docs/ say what it needs"})
			continue
		}
		all = append(all, config.Problem{Path: "providers", What: one.Error(), Fix: "mend server.base_url"})
	}
	return all
}

// lookAtTexts reads templates.directory, and asks whether there is a text in the
// language that accounts get.
func lookAtTexts(cfg config.Config) config.Problems {
	locale := cfg.Accounts.Defaults.Locale
	if cfg.Templates.Directory == "" && locale == "" {
		return nil
	}
	o, found, err := readOverrides(cfg.Templates.Directory)
	if err != nil {
		return problemsOf(err)
	}
	var all config.Problems
	for _, f := range broker.Refused(found) {
		all = append(all, config.Problem{Path: "templates.directory", What: printable(f.String())})
	}
	if len(all) == 0 && locale != "" && !speaks(o.texts, locale) {
		all = append(all, config.Unfit("accounts.defaults.locale", locale, "is no language of the pages", "write one of "+strings.Join(o.texts.Languages(), ", ")))
	}
	return all
}

// speaks tells whether there are texts in a language.
func speaks(texts *i18n.Catalogs, locale string) bool {
	return slices.ContainsFunc(texts.Languages(), func(lang string) bool { return strings.EqualFold(lang, locale) })
}

// lookAtMail asks whether mails can leave, without making the directory.
func lookAtMail(m config.Mail) config.Problems {
	if m.SMTP.Host != "" {
		if _, err := mailTransport(m); err != nil {
			return config.Problems{{Path: "mail.smtp", What: err.Error()}}
		}
		return nil
	}
	at := m.Directory
	for {
		info, err := os.Stat(at)
		if errors.Is(err, fs.ErrNotExist) && filepath.Dir(at) != at {
			at = filepath.Dir(at)
			continue
		}
		if err == nil && !info.IsDir() || err != nil {
			return config.Problems{config.Unfit("mail.directory", m.Directory, "cannot be a directory: "+at+" is none", "name a directory that is there or can be made, or set mail.smtp")}
		}
		return nil
	}
}

// lookAtDatabase asks whether the file of SQLite can be there.
func lookAtDatabase(cfg config.Config) config.Problems {
	if !isSQLite(cfg) {
		return nil
	}
	const path = "database.dsn"
	name, _, _ := strings.Cut(sqlitePath(cfg), "?")
	if info, err := os.Stat(filepath.Dir(name)); err != nil || !info.IsDir() {
		return config.Problems{config.Unfit(path, filepath.Dir(name), "is no directory for the database to be in", "make it, or name another")}
	}
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return config.Problems{config.Unfit(path, name, "is not a file", "name a file, such as sqlite:broker.db")}
	}
	return nil
}
