package config

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
	"unicode"
)

// Problem is one thing that is wrong with the configuration.
type Problem struct {
	Path  string // "server.base_url"; "" the file as a whole
	Where string // "broker.yaml:4", "BROKER_SERVER__BASE_URL"; "" unknown
	Value string // as given, quoted and cut; never a secret; "" not shown
	What  string // what is wrong
	Fix   string // what to do
}

// String is the problem in one line.
func (p Problem) String() string {
	var b strings.Builder
	if p.Path != "" {
		b.WriteString(p.Path)
	}
	if p.Where != "" {
		if b.Len() > 0 {
			b.WriteString(" (" + p.Where + ")")
		} else {
			b.WriteString(p.Where)
		}
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	if p.Value != "" {
		b.WriteString(p.Value + " ")
	}
	b.WriteString(p.What)
	if p.Fix != "" {
		b.WriteString("; " + p.Fix)
	}
	return b.String()
}

// Problems is everything that is wrong, as an error.
type Problems []Problem

// Error is one line, or a heading and a line for each problem.
func (ps Problems) Error() string {
	if len(ps) == 1 {
		return "configuration: " + ps[0].String()
	}
	lines := make([]string, 0, len(ps)+1)
	lines = append(lines, fmt.Sprintf("configuration: %d problems", len(ps)))
	for _, p := range ps {
		lines = append(lines, "  "+p.String())
	}
	return strings.Join(lines, "\n")
}

// sorted puts the problems in the order of the file, then by path.
func (ps Problems) sorted() Problems {
	sort.SliceStable(ps, func(i, j int) bool { return lineOf(ps[i].Where) < lineOf(ps[j].Where) })
	return ps
}

// lineOf is the line in "file:12"; a large number where there is none.
func lineOf(where string) int {
	i := strings.LastIndexByte(where, ':')
	if n, err := strconv.Atoi(where[i+1:]); i >= 0 && err == nil {
		return n
	}
	return 1 << 30
}

// maxShown is how much of a bad value a problem repeats.
const maxShown = 60

// shown quotes a value for a problem. What could hold a password is not shown.
func shown(v any) string {
	s := fmt.Sprint(v)
	if strings.Contains(s, "@") {
		return ""
	}
	if runes := []rune(s); len(runes) > maxShown {
		s = string(runes[:maxShown]) + "…"
	}
	return strconv.Quote(s)
}

// plain makes a key safe to print: it may be anything at all.
func plain(key string) string {
	runes := []rune(key)
	if len(runes) > maxShown {
		runes = append(runes[:maxShown], '…')
	}
	for i, r := range runes {
		if !unicode.IsPrint(r) {
			runes[i] = '\uFFFD'
		}
	}
	return string(runes)
}

// nearest is the known word that a misspelt one most likely means; "" none.
func nearest(word string, known []string) string {
	best, least := "", 3 // more than two slips are another word
	if len(word) <= 4 {
		least = 2
	}
	for _, k := range known {
		if d := distance(strings.ToLower(word), k); d < least {
			best, least = k, d
		}
	}
	return best
}

// distance is the Levenshtein distance, with "-" and "_" taken as the same.
func distance(a, b string) int {
	const enough = 64 // no key is longer
	if len(a) > enough || len(b) > enough {
		return enough
	}
	a = strings.ReplaceAll(a, "-", "_")
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := before
			if a[i-1] != b[j-1] {
				cost = 1 + min(before, row[j], row[j-1])
			}
			before, row[j] = row[j], cost
		}
	}
	return row[len(b)]
}
