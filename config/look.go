package config

import "strings"

// Look looks at what a configuration names beside its own text, such as the contents
// of files. It returns a Problem with a Path for each thing that is wrong; where the
// setting stands is added. It may be given settings that are wrong themselves.
type Look func(Config) Problems

// further adds what looks find, but for what follows from a problem that is told
// already.
func (k *checker) further(looks []Look) {
	known := k.problems
	for _, look := range looks {
		for _, p := range look(*k.c) {
			if known.about(p.Path) {
				continue
			}
			if p.Where == "" {
				p.Where = orElse(k.where[p.Path], orElse(k.where[p.Path+fileSuffix], whereabouts(k.where, p.Path)))
			}
			k.problems = append(k.problems, p)
		}
	}
}

// about tells whether one of the problems is about the setting at path, about the
// file that holds it, or about something below it.
func (ps Problems) about(path string) bool {
	for _, p := range ps {
		rest, ok := strings.CutPrefix(p.Path, path)
		if ok && (rest == "" || rest == fileSuffix || rest[0] == '.' || rest[0] == '[') {
			return true
		}
	}
	return false
}

// Unreadable is the problem of a setting that names a file which cannot be read.
func Unreadable(path, name string, err error, fix string) Problem {
	return Problem{Path: path, Value: shown(name), What: "cannot be read: " + cause(err), Fix: fix}
}

// Unfit is the problem of a setting that names something which cannot be used.
func Unfit(path, name, what, fix string) Problem {
	return Problem{Path: path, Value: shown(name), What: what, Fix: fix}
}

// Error implements error.
func (p Problem) Error() string { return p.String() }
