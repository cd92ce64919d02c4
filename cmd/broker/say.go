package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/config"
	"idbroker/i18n"
	"idbroker/store"
)

// say words an error for an operator: what the person would read, and the cause.
func say(err error) string {
	var problems config.Problems
	if errors.As(err, &problems) {
		return problems.Error() // one line a problem
	}
	var found findings
	if errors.As(err, &found) {
		return found.Error() // likewise
	}
	return oneLine(words(err))
}

// notKept follows why something could not be read or written.
const notKept = "; see to it that the database runs, takes writes and has room on its disk, and so does the Redis, if there is one; then try again"

func words(err error) string {
	texts, e := i18n.New()
	if e != nil {
		return err.Error()
	}
	var form *local.FormError
	if errors.As(err, &form) {
		var lines []string
		for field, problem := range form.Fields {
			lines = append(lines, field+": "+worded(texts, problem))
		}
		slices.Sort(lines)
		return strings.Join(lines, "; ")
	}
	var be *broker.Error
	if errors.As(err, &be) {
		if errors.Is(be, store.ErrAway) && be.Err != nil && be.Words() == be.Message {
			return be.Err.Error() + notKept
		}
		return worded(texts, be)
	}
	return err.Error()
}

func worded(texts *i18n.Catalogs, e *broker.Error) string {
	text := e.Message
	if texts.Has(e.Message) {
		text = texts.Text(i18n.Default, e.Message, e.Args)
	}
	if e.Err != nil {
		text += " (" + e.Err.Error() + ")"
	}
	return text
}

// oneLine keeps an error from breaking out of its line, or out of a terminal.
func oneLine(s string) string {
	lines := strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' })
	for i := range lines {
		lines[i] = strings.Trim(strings.ReplaceAll(lines[i], "\t", " "), " ;")
	}
	return printable(strings.Join(lines, "; "))
}

// printable replaces what a terminal could take for a command.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '\uFFFD'
	}, s)
}

// output is the flag of every command that lists or shows.
type output struct {
	JSON bool `name:"json" help:"Print JSON for scripts."`
}

// print writes v as JSON, or what text writes.
func (o output) print(w io.Writer, v any, text func(w io.Writer)) error {
	if o.JSON {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return enc.Encode(v)
	}
	tab := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	text(tab)
	return tab.Flush()
}

// row writes the cells of a line of a table.
func row(w io.Writer, cells ...any) {
	texts := make([]string, len(cells))
	for i, c := range cells {
		switch c := c.(type) {
		case time.Time:
			texts[i] = when(c)
		case []string:
			texts[i] = printable(strings.Join(c, " "))
		default:
			texts[i] = printable(fmt.Sprint(c))
		}
		if texts[i] == "" {
			texts[i] = "-"
		}
	}
	fmt.Fprintln(w, strings.Join(texts, "\t"))
}

// when is a time for an operator; "-" for none.
func when(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// howMany is a number of things, such as "1 problem" or "2 problems".
func howMany(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
