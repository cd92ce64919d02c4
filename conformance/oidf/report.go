package oidf

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
)

// Report is what a run of plans says in the end.
type Report struct {
	Issuer  string          `json:"issuer"`
	Started time.Time       `json:"started"`
	Ended   time.Time       `json:"ended"`
	Totals  map[Outcome]int `json:"totals"`
	Results []Result        `json:"results"`
}

// NewReport counts.
func NewReport(issuer string, started, ended time.Time, results []Result) Report {
	r := Report{Issuer: issuer, Started: started.UTC(), Ended: ended.UTC(), Totals: map[Outcome]int{Passed: 0, Skipped: 0, Warned: 0, Failed: 0}, Results: results}
	for _, result := range results {
		r.Totals[result.Outcome]++
	}
	return r
}

// OK tells whether nothing failed and something ran.
func (r Report) OK() bool { return len(r.Results) > 0 && r.Totals[Failed] == 0 }

// Summary is the totals in a sentence.
func (r Report) Summary() string {
	return fmt.Sprintf("%d modules: %d passed, %d with a warning, %d skipped, %d failed", len(r.Results), r.Totals[Passed], r.Totals[Warned], r.Totals[Skipped], r.Totals[Failed])
}

// Group is the part of a report about one plan in one variant.
type Group struct {
	Plan    string
	Variant Variant
	Results []Result
}

// Groups are the results by plan and variant, in the order in which they ran.
func (r Report) Groups() []Group {
	var groups []Group
	for _, result := range r.Results {
		if n := len(groups); n == 0 || groups[n-1].Plan != result.Plan || groups[n-1].Variant != result.Variant {
			groups = append(groups, Group{Plan: result.Plan, Variant: result.Variant})
		}
		last := &groups[len(groups)-1]
		last.Results = append(last.Results, result)
	}
	return groups
}

// JSON writes the report with its logs.
func (r Report) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(r)
}

// Text writes a table for a terminal: a line a module, with the clause and the
// reason below where there is something to say.
func (r Report) Text(w io.Writer) error {
	var b strings.Builder
	for _, g := range r.Groups() {
		fmt.Fprintf(&b, "%s\nresponse_type=%s response_mode=%s client_auth_type=%s client_registration=%s\n\n",
			g.Plan, g.Variant.ResponseType, g.Variant.ResponseMode, g.Variant.ClientAuth, g.Variant.Registration)
		tab := tabwriter.NewWriter(&b, 0, 4, 2, ' ', 0)
		for _, result := range g.Results {
			fmt.Fprintf(tab, "  %s\t%s\t%.1f s\n", printable(result.Module), result.Outcome, result.Seconds)
		}
		if err := tab.Flush(); err != nil {
			return err
		}
		b.WriteString("\n")
		for _, result := range g.Results {
			if result.Outcome != Passed {
				fmt.Fprintf(&b, "  %s\n", result.words())
			}
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "%s\n%s\n", printable(r.Issuer), r.Summary())
	_, err := io.WriteString(w, b.String())
	return err
}

// words are what a result that is not "passed" says.
func (r Result) words() string {
	reason, _, _ := strings.Cut(r.Reason, "\n")
	where := ""
	if r.Clause != "" {
		where = " [" + string(r.Clause) + "]"
	}
	return printable(fmt.Sprintf("%s %s%s: %s", r.Module, r.Outcome, where, reason))
}

// printable replaces what a terminal could take for a command: an OP chooses
// what stands in its errors.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}

//go:embed report.html
var page string

// HTML writes a page that needs nothing else: no script, no font, no image.
func (r Report) HTML(w io.Writer) error {
	t, err := template.New("report").Funcs(template.FuncMap{
		"when":    func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") },
		"clock":   func(t time.Time) string { return t.UTC().Format("15:04:05.000") },
		"seconds": func(s float64) string { return fmt.Sprintf("%.1f s", s) },
		"lines":   func(s []string) string { return strings.Join(s, "\n") },
	}).Parse(page)
	if err != nil {
		return err
	}
	return t.Execute(w, r)
}
