package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"idbroker/broker"
	"idbroker/i18n"
	"idbroker/mail"
	"idbroker/web"
)

type templateCommands struct {
	Export templatesExport `cmd:"" help:"Write the templates of pages and mails, and the texts, into a directory."`
	Check  templatesCheck  `cmd:"" help:"Tell what is wrong with such a directory."`
}

type templatesExport struct {
	Dir string `arg:"" help:"A directory that does not exist yet, or is empty."`
}

// Help teaches.
func (templatesExport) Help() string {
	return `Change what you like, remove the rest, check it, and name the directory in templates.directory. Files and messages that you leave as they are have no effect, so a newer version brings its own. Remove neither the first line of a template nor exported.json: they tell what has changed since.

	broker templates export templates
	broker templates check templates`
}

// Run writes the directory.
func (c templatesExport) Run(p *program) error {
	if there, err := os.ReadDir(c.Dir); err == nil && len(there) > 0 {
		return fmt.Errorf("%s is not empty; name another directory and compare the two", c.Dir)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w; name a directory that you may write to", err)
	}
	n, version := 0, versionName()
	write := func(part string, from fs.FS, mark bool) error {
		return fs.WalkDir(from, ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := fs.ReadFile(from, name)
			if err != nil {
				return err
			}
			if mark {
				text = broker.MarkCopy(path.Join(part, name), version, text)
			}
			n++
			return writeNew(filepath.Join(c.Dir, part, filepath.FromSlash(name)), text)
		})
	}
	exported := map[string]map[string]string{}
	catalogs := i18n.Originals()
	names, err := fs.Glob(catalogs, "*.json")
	if err != nil {
		return err
	}
	for _, name := range names {
		text, err := fs.ReadFile(catalogs, name)
		if err != nil {
			return err
		}
		exported[strings.TrimSuffix(name, ".json")] = i18n.Hashes(text)
	}
	hashes, err := json.MarshalIndent(exported, "", " ")
	if err != nil {
		return err
	}
	for _, part := range []func() error{
		func() error { return write(pagesPart, web.PageTemplates(), true) },
		func() error { return write(mailsPart, mail.Originals(), true) },
		func() error { return write(catalogPart, catalogs, false) },
		func() error { return writeNew(filepath.Join(c.Dir, exportedFile), append(hashes, '\n')) },
	} {
		if err := part(); err != nil { // what hinders one hinders them all
			return fmt.Errorf("%w; name a directory that you may write to", err)
		}
	}
	fmt.Fprintf(p.out, "%d files of version %s are in %s\nnext: broker templates check %s\n", n, version, c.Dir, c.Dir)
	return nil
}

// versionName is the version as a copy tells it.
func versionName() string {
	v := version()
	if v.Version == "(devel)" && len(v.Commit) >= 12 {
		return v.Commit[:12]
	}
	return v.Version
}

// writeNew writes a file that everybody may read; there is no secret in it.
func writeNew(name string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

type templatesCheck struct {
	Dir    string `arg:"" optional:"" help:"The directory. Otherwise templates.directory of the configuration."`
	Strict bool   `help:"Fail for notes, too."`
	output
}

// Help teaches.
func (templatesCheck) Help() string {
	return `Each template is shown made-up values of every kind beside ours. Told are: what cannot be read; values and texts that there are not; forms that lack what the broker needs (method, action, hidden fields, buttons) or have what it does not know; what browsers are told not to run or load; messages with unknown values or without a plural form; mails without their link or code. Notes tell what is only worth knowing, such as an original that has changed since the copy was made.

The exit code is 1 where something must be mended: the broker would not start with the directory.`
}

// findingView is a finding for scripts.
type findingView struct {
	File string `json:"file"`
	Line int    `json:"line,omitempty"`
	Text string `json:"text"`
	Note bool   `json:"note"`
}

// Run checks the directory.
func (c templatesCheck) Run(p *program) error {
	if c.Dir == "" {
		cfg, err := p.load()
		if err != nil {
			return err
		}
		if c.Dir = cfg.Templates.Directory; c.Dir == "" {
			return errors.New("name a directory: templates.directory is not set")
		}
	}
	o, found, err := readOverrides(c.Dir)
	if err != nil {
		return err
	}
	views := make([]findingView, 0, len(found))
	for _, f := range found {
		views = append(views, findingView(f))
	}
	if err := c.print(p.out, views, func(w io.Writer) {
		for _, f := range found {
			fmt.Fprintln(w, printable(f.String()))
		}
	}); err != nil {
		return err
	}
	refused := len(broker.Refused(found))
	switch {
	case refused > 0:
		return fmt.Errorf("%d to be mended in %s", refused, c.Dir)
	case c.Strict && len(found) > 0:
		return fmt.Errorf("%d notes on %s", len(found), c.Dir)
	case !c.JSON:
		fmt.Fprintf(p.out, "%s can be used; languages: %s\n", c.Dir, strings.Join(o.texts.Languages(), " "))
	}
	return nil
}
