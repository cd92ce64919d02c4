package oidf

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Entry is what the person does who comes to an address that matches: the tasks,
// one after the other.
type Entry struct {
	Comment string `json:"comment,omitempty"`
	// Match is a pattern of the address; * stands for anything.
	Match string `json:"match"`
	// MatchLimit is how many visits of one module the entry serves; 0: all.
	MatchLimit int    `json:"match-limit,omitempty"`
	Tasks      []Task `json:"tasks"`
}

// Task is what is done on one page.
type Task struct {
	Task string `json:"task,omitempty"`
	// Match is the pattern of the page's address; "": any page.
	Match string `json:"match,omitempty"`
	// Optional: a page with another address passes the task over.
	Optional bool      `json:"optional,omitempty"`
	Commands []Command `json:"commands,omitempty"`
}

// Command is one act: ["text", "name", "email", "ada@example.org", "optional"],
// ["click", "css", "button"], ["wait", "contains", "/consent/", 10],
// ["wait", "id", "submission_complete", 10, "regular expression"].
type Command struct {
	Verb     string // text, click or wait; wait-element-visible is a wait, too
	By       string // id, name, css, class; of a wait: contains and match, too, which are about the address
	Target   string
	Value    string // of text: what is typed; of wait: the regular expression that the element's text must match
	Seconds  int    // of wait
	Optional bool   // nothing is done where the element is not there
	// Placeholder, of a wait for an element's text, makes the official suite keep
	// the page as a picture for who reviews the results: update-image-placeholder,
	// or …-optional, which does not mind where no picture is wanted.
	Placeholder string

	pattern *regexp.Regexp // Value of a wait
}

// UnmarshalJSON reads the list of a command.
func (c *Command) UnmarshalJSON(b []byte) error {
	var words []any
	if err := json.Unmarshal(b, &words); err != nil {
		return errors.New(`a command is a list such as ["click", "id", "submit"]`)
	}
	if len(words) < 3 {
		return fmt.Errorf("command %s is too short: it needs a verb, a way to find the element, and the element", b)
	}
	texts := make([]string, len(words))
	for i, w := range words {
		switch w := w.(type) {
		case string:
			texts[i] = w
		case float64:
			if w != float64(int(w)) || w < 0 || w > 3600 {
				return fmt.Errorf("command %s: %v is no number of seconds up to 3600", b, w)
			}
			if c.Seconds == 0 {
				c.Seconds = int(w)
			}
		default:
			return fmt.Errorf("command %s: %v is neither text nor a number", b, w)
		}
	}
	c.Verb, c.By, c.Target = texts[0], texts[1], texts[2]
	rest := texts[3:]
	for len(rest) > 0 {
		last := rest[len(rest)-1]
		if last != "optional" && last != "update-image-placeholder" && last != "update-image-placeholder-optional" {
			break
		}
		if last != "optional" {
			c.Placeholder = last
		}
		c.Optional = c.Optional || last != "update-image-placeholder"
		rest = rest[:len(rest)-1]
	}
	return c.shape(b, rest)
}

func (c *Command) shape(b []byte, rest []string) error {
	ways := "id, name, css or class"
	switch c.Verb {
	case "text":
		if len(rest) != 1 {
			return fmt.Errorf("command %s: text needs the one value that is typed", b)
		}
		c.Value = rest[0]
		if c.Placeholder != "" {
			return fmt.Errorf("command %s: %s belongs to a wait", b, c.Placeholder)
		}
	case "click":
		if len(rest) != 0 || c.Placeholder != "" {
			return fmt.Errorf("command %s: nothing but \"optional\" may follow the element", b)
		}
	case "wait", "wait-element-visible", "wait-element-invisible":
		if len(rest) > 0 && rest[0] == "" { // the number of seconds
			rest = rest[1:]
		}
		if len(rest) > 1 {
			return fmt.Errorf("command %s: after the seconds comes one regular expression at most", b)
		}
		if len(rest) == 1 {
			p, err := regexp.Compile(rest[0])
			if err != nil {
				return fmt.Errorf("command %s: %w", b, err)
			}
			c.Value, c.pattern = rest[0], p
		}
		ways += "; contains or match for the address"
		if c.Verb == "wait" && (c.By == "contains" || c.By == "match") {
			return nil
		}
	default:
		return fmt.Errorf("command %s: the verb is not text, click or wait", b)
	}
	switch c.By {
	case "id", "name", "class":
	case "css":
		if _, err := parseSelector(c.Target); err != nil {
			return fmt.Errorf("command %s: %w", b, err)
		}
	default:
		return fmt.Errorf("command %s: find the element by %s, not by %q", b, ways, c.By)
	}
	if c.Target == "" {
		return fmt.Errorf("command %s names no element", b)
	}
	return nil
}

// MarshalJSON writes the list of a command.
func (c Command) MarshalJSON() ([]byte, error) {
	words := []any{c.Verb, c.By, c.Target}
	switch {
	case c.Verb == "text":
		words = append(words, c.Value)
	case strings.HasPrefix(c.Verb, "wait"):
		words = append(words, c.Seconds)
		if c.Value != "" {
			words = append(words, c.Value)
		}
	}
	switch {
	case c.Placeholder != "":
		words = append(words, c.Placeholder)
	case c.Optional:
		words = append(words, "optional")
	}
	return json.Marshal(words)
}

func checkEntries(where string, entries []Entry) []error {
	var problems []error
	for i, e := range entries {
		if e.Match == "" {
			problems = append(problems, fmt.Errorf(`%s[%d].match is missing: give the address at which the person begins, such as "https://op.example.org/authorize*"`, where, i))
		}
		if len(e.Tasks) == 0 {
			problems = append(problems, fmt.Errorf("%s[%d].tasks is empty: say what the person does there", where, i))
		}
	}
	return problems
}

// matches tells whether an address is of the pattern, in which * stands for
// anything, as in the official suite.
func matches(pattern, address string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == address
	}
	rest, ok := strings.CutPrefix(address, parts[0])
	if !ok {
		return false
	}
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(rest, p)
		if i < 0 {
			return false
		}
		rest = rest[i+len(p):]
	}
	return strings.HasSuffix(rest, parts[len(parts)-1])
}
