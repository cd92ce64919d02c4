package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"idbroker/broker"
	"idbroker/config"
	"idbroker/i18n"
	"idbroker/mail"
	"idbroker/web"
)

// What a directory of templates consists of.
const (
	pagesPart    = "pages"
	mailsPart    = "mails"
	catalogPart  = "catalog"
	exportedFile = "exported.json" // messages as they were exported
)

// overrides are an operator's templates and texts, or ours.
type overrides struct {
	texts *i18n.Catalogs
	pages *web.Pages      // nil: ours
	mails *mail.Templates // nil: ours
}

// findings are the reason not to use a directory.
type findings []broker.Finding

// Error implements error: one line each.
func (f findings) Error() string {
	var lines []string
	for _, x := range f {
		lines = append(lines, printable(x.String()))
	}
	return fmt.Sprintf("templates: %d to be mended:\n%s", len(f), strings.Join(lines, "\n"))
}

// readOverrides reads a directory. Where a finding is more than a note, nothing of
// it is to be used.
func readOverrides(dir string) (overrides, []broker.Finding, error) {
	ours, err := i18n.New()
	if err != nil || dir == "" {
		return overrides{texts: ours}, nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return overrides{}, nil, config.Unreadable("templates.directory", dir, err, "name a directory that \"broker templates export\" has prepared, or remove the setting")
	}
	var found []broker.Finding
	known := map[string]bool{pagesPart: true, mailsPart: true, catalogPart: true, exportedFile: false, "README.md": false}
	for _, e := range entries {
		name := filepath.Join(dir, e.Name())
		isDir, ok := known[e.Name()]
		info, err := os.Stat(name) // behind links, as mounts have them
		switch {
		case strings.HasPrefix(e.Name(), "."):
		case err != nil:
			found = append(found, broker.Finding{File: name, Text: "cannot be read: " + err.Error()})
		case !ok, info.IsDir() != isDir:
			found = append(found, broker.Finding{File: name, Text: "has no place here; there are the directories pages, mails and catalog"})
		}
	}
	part := func(name string) fs.FS { return os.DirFS(filepath.Join(dir, name)) }
	exported := map[string]map[string]string{}
	if text, err := os.ReadFile(filepath.Join(dir, exportedFile)); err == nil {
		if err := json.Unmarshal(text, &exported); err != nil {
			found = append(found, broker.Finding{File: filepath.Join(dir, exportedFile), Text: "is not as \"broker templates export\" wrote it: " + err.Error()})
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		found = append(found, broker.Finding{File: filepath.Join(dir, exportedFile), Text: "cannot be read: " + err.Error()})
	}
	var o overrides
	var more []broker.Finding
	o.texts, more = i18n.Read(part(catalogPart), filepath.Join(dir, catalogPart), exported)
	found = append(found, more...)
	texts := o.texts
	if texts == nil {
		texts = ours // so that the rest can be told, too
	}
	o.pages, more = web.ReadPages(part(pagesPart), filepath.Join(dir, pagesPart), texts)
	found = append(found, more...)
	o.mails, more = mail.ReadTemplates(part(mailsPart), filepath.Join(dir, mailsPart), texts)
	found = broker.SortFindings(append(found, more...))
	return o, found, nil
}

// overrides reads templates.directory.
func (s *server) overrides() (overrides, error) {
	o, found, err := readOverrides(s.cfg.Templates.Directory)
	if err != nil {
		return o, err
	}
	for _, f := range found {
		if f.Note {
			s.log.Warn("templates", "file", f.File, "line", f.Line, "note", f.Text)
		}
	}
	if refused := broker.Refused(found); len(refused) > 0 {
		return overrides{}, findings(refused)
	}
	return o, nil
}

// reloadOverrides reads templates.directory again: all of it, or nothing.
func (s *server) reloadOverrides() {
	if s.cfg.Templates.Directory == "" {
		return
	}
	o, err := s.overrides()
	var found findings
	if errors.As(err, &found) {
		for _, f := range found {
			s.log.Error("templates", "file", f.File, "line", f.Line, "problem", f.Text)
		}
		err = fmt.Errorf("%d to be mended", len(found))
	}
	if err == nil {
		err = s.face.UsePages(o.pages)
	}
	if err != nil {
		s.log.Error("templates not reloaded, those before stay", "err", err, "todo", "broker templates check "+s.cfg.Templates.Directory)
		return
	}
	s.rooms.texts.Replace(o.texts)
	s.sender.Use(o.mails)
	s.log.Info("templates reloaded", "directory", s.cfg.Templates.Directory, "languages", strings.Join(o.texts.Languages(), " "))
}
