package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	koanfyaml "github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/rawbytes"
	"github.com/knadh/koanf/v2"
)

const (
	// prefix begins every variable of ours.
	prefix = "BROKER_"
	// delim stands between section and key in a variable. One underscore
	// would not do: keys have underscores, and Kubernetes sets BROKER_PORT
	// and the like for a service that is called "broker".
	delim = "__"
)

// layers is the file with the environment laid over it.
type layers struct {
	values map[string]any
	where  map[string]string // path: "broker.yaml:4" or "BROKER_SERVER__ADDRESS"
}

// readLayers reads both layers. What it returns can be decoded whatever the
// problems are.
func readLayers(name string, data []byte, environ []string) (layers, Problems) {
	in := layers{values: map[string]any{}, where: map[string]string{}}
	problems := readLines(name, data, in.where)
	file := koanf.New(delim)
	if len(problems) == 0 {
		if err := file.Load(rawbytes.Provider(data), koanfyaml.Parser()); err != nil {
			problems = append(problems, yamlProblems(name, err)...)
		}
	}
	vars, variables, more := readEnvironment(environ)
	problems = append(problems, more...)

	values := file.Raw()
	layProviders(values, vars, variables, in.where)
	for key, name := range variables {
		if !strings.HasPrefix(key, "providers"+delim) {
			in.where[strings.ReplaceAll(key, delim, ".")] = name
		}
	}
	merged := koanf.New(delim)
	for _, layer := range []map[string]any{values, vars} {
		if err := merged.Load(confmap.Provider(layer, ""), nil); err != nil {
			problems = append(problems, Problem{Where: name, What: "cannot be merged with the environment"})
		}
	}
	in.values = merged.Raw()
	return in, problems
}

// readEnvironment turns BROKER_SECTION__KEY=value into nested values, and
// tells which variable each key came from. Empty variables count as not set:
// compose files and charts leave many of them.
func readEnvironment(environ []string) (values map[string]any, names map[string]string, problems Problems) {
	names = map[string]string{}
	k := koanf.New(delim)
	collapsed := collapsedKeys()
	usable := make([]string, 0, len(environ))
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(name, prefix) || value == "" {
			continue
		}
		key := strings.ToLower(strings.TrimPrefix(name, prefix))
		if !strings.Contains(key, delim) {
			if want, ok := collapsed[key]; ok {
				problems = append(problems, Problem{Where: name, What: "has one underscore between section and key", Fix: "call it " + want})
			}
			continue // not ours
		}
		names[key] = name
		usable = append(usable, kv)
	}
	// A key below another key's value would make the result depend on the
	// order of the variables.
	for key, name := range names {
		for parent := key; ; {
			i := strings.LastIndex(parent, delim)
			if i < 0 {
				break
			}
			parent = parent[:i]
			if other, ok := names[parent]; ok {
				problems = append(problems, Problem{Where: name, What: "lies below " + other + ", which has a value", Fix: "unset one of them"})
			}
		}
	}
	if len(problems) > 0 {
		return map[string]any{}, map[string]string{}, problems
	}
	err := k.Load(env.Provider(delim, env.Opt{
		EnvironFunc: func() []string { return usable },
		TransformFunc: func(name, value string) (string, any) {
			return strings.ToLower(strings.TrimPrefix(name, prefix)), value
		},
	}), nil)
	if err != nil {
		problems = append(problems, Problem{What: "the environment cannot be read"})
	}
	return k.Raw(), names, problems
}

// collapsedKeys maps "server_base_url" to the variable that was meant.
func collapsedKeys() map[string]string {
	all := map[string]string{}
	for _, s := range Settings() {
		name := VariableOf(s.Path)
		all[strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(name, prefix), delim, "_"))] = name
	}
	return all
}

var pathToVariable = strings.NewReplacer("[", ".", "]", "", "-", "_")

// VariableOf is the variable that overrides the setting at a path.
func VariableOf(path string) string {
	path = pathToVariable.Replace(path)
	return prefix + strings.ToUpper(strings.ReplaceAll(path, ".", delim))
}

var idPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)

// elementPath names an element of a list by its id where it has a usable one,
// since positions change.
func elementPath(path string, i int, id any) string {
	if s, ok := id.(string); ok && idPattern.MatchString(s) {
		return path + "[" + s + "]"
	}
	return fmt.Sprintf("%s[%d]", path, i)
}

// layProviders lays BROKER_PROVIDERS__ID__KEY over the element of the list
// that has the id (with "_" for "-"), or appends one, and takes "providers" out
// of vars.
func layProviders(values, vars map[string]any, names, where map[string]string) {
	byID, ok := vars["providers"].(map[string]any)
	if !ok {
		return
	}
	delete(vars, "providers")
	list, ok := values["providers"].([]any)
	if !ok && values["providers"] != nil {
		return // the file is wrong there, and the decoder says so
	}
	for _, word := range slices.Sorted(maps.Keys(byID)) {
		over, ok := byID[word].(map[string]any)
		if !ok {
			over = map[string]any{word: byID[word]} // BROKER_PROVIDERS__X: no such key
		}
		at := slices.IndexFunc(list, func(e any) bool {
			m, _ := e.(map[string]any)
			id, _ := m["id"].(string)
			return m != nil && strings.ReplaceAll(id, "-", "_") == word
		})
		if at < 0 {
			list = append(list, map[string]any{"id": word})
			at = len(list) - 1
		}
		element := list[at].(map[string]any)
		merged := koanf.New(delim)
		_ = merged.Load(confmap.Provider(element, ""), nil)
		_ = merged.Load(confmap.Provider(over, ""), nil)
		list[at] = merged.Raw()
		path := elementPath("providers", at, element["id"])
		for key, name := range names {
			if rest, ok := strings.CutPrefix(key, "providers"+delim+word+delim); ok {
				where[path+"."+strings.ReplaceAll(rest, delim, ".")] = name
			}
		}
	}
	values["providers"] = list
}
