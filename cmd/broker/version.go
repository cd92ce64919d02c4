package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
)

type versionCommand struct{ output }

type versionView struct {
	Version string `json:"version"` // of the module, or "(devel)"
	Commit  string `json:"commit,omitempty"`
	Date    string `json:"date,omitempty"` // of the commit
	Dirty   bool   `json:"dirty,omitempty"`
	Go      string `json:"go"`
	Target  string `json:"target"` // "linux/amd64"
}

// version tells what the binary was built from, as the go command noted it.
func version() versionView {
	v := versionView{Version: "(devel)", Go: runtime.Version(), Target: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if info.Main.Version != "" {
		v.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Commit = s.Value
		case "vcs.time":
			v.Date = s.Value
		case "vcs.modified":
			v.Dirty = s.Value == "true"
		}
	}
	return v
}

// Run prints the version.
func (c versionCommand) Run(p *program) error {
	v := version()
	return c.print(p.out, v, func(w io.Writer) {
		fmt.Fprintf(w, "broker %s %s %s\n", v.Version, v.Go, v.Target)
	})
}
