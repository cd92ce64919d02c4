package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxDepth is how deep a file may nest. Ours needs four levels.
const maxDepth = 16

// readLines notes in where the line of every key of a YAML file, as
// "name:line". It finds what koanf's parser lets pass: a second document, a
// root that is no mapping, nesting without end.
func readLines(name string, data []byte, where map[string]string) Problems {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, second yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil // nothing in it
		}
		return yamlProblems(name, err)
	}
	if err := dec.Decode(&second); !errors.Is(err, io.EOF) {
		return Problems{{Where: name, What: "holds more than one YAML document", Fix: "keep the first one"}}
	}
	if len(doc.Content) == 0 {
		return nil
	}
	root := doc.Content[0]
	switch {
	case root.Tag == "!!null":
		return nil
	case root.Kind != yaml.MappingNode:
		return Problems{{Where: at(name, root.Line), What: "is not a list of sections such as \"server:\"", Fix: "run \"broker config example\" to see one"}}
	}
	return noteLines(name, "", root, 0, where)
}

func noteLines(name, path string, n *yaml.Node, depth int, where map[string]string) Problems {
	if depth > maxDepth {
		return Problems{{Where: at(name, n.Line), What: "nests too deeply"}}
	}
	var problems Problems
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i], n.Content[i+1]
			p := join(path, plain(key.Value))
			where[p] = at(name, key.Line)
			problems = append(problems, noteLines(name, p, value, depth+1, where)...)
		}
	case yaml.SequenceNode:
		for i, e := range n.Content {
			p := elementPath(path, i, idOf(e))
			where[p] = at(name, e.Line)
			problems = append(problems, noteLines(name, p, e, depth+1, where)...)
		}
	}
	return problems
}

// idOf is the value of the key "id" of a mapping; nil where there is none.
func idOf(n *yaml.Node) any {
	if n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == "id" && n.Content[i+1].Tag == "!!str" {
				return n.Content[i+1].Value
			}
		}
	}
	return nil
}

func at(name string, line int) string { return fmt.Sprintf("%s:%d", name, line) }

var (
	yamlLine  = regexp.MustCompile(`line (\d+): ?`)
	yamlQuote = regexp.MustCompile("`[^`]*`|\"[^\"]*\"")
)

// yamlProblems makes a problem of each line of a YAML error, without the
// values that it quotes: they may be secrets.
func yamlProblems(name string, err error) Problems {
	var texts []string
	var te *yaml.TypeError
	if errors.As(err, &te) {
		texts = te.Errors
	} else {
		texts = []string{err.Error()}
	}
	var problems Problems
	for _, text := range texts {
		p := Problem{Where: name, Fix: "correct the YAML there"}
		text = strings.TrimPrefix(text, "yaml: ")
		if m := yamlLine.FindStringSubmatch(text); m != nil {
			line, _ := strconv.Atoi(m[1])
			p.Where = at(name, line)
			text = strings.Replace(text, m[0], "", 1)
		}
		p.What = plain(yamlQuote.ReplaceAllString(text, "…"))
		problems = append(problems, p)
	}
	return problems
}
