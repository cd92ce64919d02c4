package local

import (
	"cmp"
	"slices"
	"strings"

	"github.com/ccojocar/zxcvbn-go/adjacency"
	"github.com/ccojocar/zxcvbn-go/entropy"
	"github.com/ccojocar/zxcvbn-go/match"
)

// The lists, keyboards and arithmetic of what guessers try are the library's. Its
// search is not used: that package builds maps of all words whenever a program
// starts, which takes a fifth of a second and eight megabytes.

const (
	// minPattern is how many signs in a row make a pattern.
	minPattern = 3
	// hinted is the name of the list of words that a person is known by.
	hinted = "user_inputs"
)

// keyboards are those whose rows people type.
var keyboards = []string{"qwerty", "dvorak", "keypad", "macKeypad"}

// alphabets are what people type in order, or backwards.
var alphabets = []string{"abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"}

// guesses finds what a guesser would try in a password, which is ASCII: words, those
// of hints, rows of keys, repetitions, sequences and dates.
func guesses(password string, hints []string) []match.Match {
	all := listOf(hints).find(password, hinted)
	all = append(all, commonWords().find(password, "common")...)
	for _, name := range keyboards {
		all = append(all, keyRows(password, adjacency.GraphMap[name])...)
	}
	all = append(all, repeats(password)...)
	all = append(all, sequences(password)...)
	all = append(all, dates(password)...)
	slices.SortStableFunc(all, func(a, b match.Match) int {
		return cmp.Or(cmp.Compare(a.I, b.I), cmp.Compare(a.J, b.J))
	})
	return all
}

// found is the part of a password from i up to end.
func found(pattern, password string, i, end int) match.Match {
	return match.Match{Pattern: pattern, I: i, J: end - 1, Token: password[i:end]}
}

// keyRows finds keys that lie side by side, one after the other.
func keyRows(password string, keys adjacency.Graph) []match.Match {
	var all []match.Match
	for i := 0; i < len(password); {
		end, turns, shifted, last := i+1, 0, 0, -1
		for ; end < len(password); end++ {
			direction := slices.IndexFunc(keys.Graph[password[end-1:end]], func(key string) bool {
				return strings.Contains(key, password[end:end+1]) // "aA": as it is, and with shift
			})
			if direction < 0 {
				break
			}
			if direction != last {
				turns, last = turns+1, direction
			}
			if key := keys.Graph[password[end-1:end]][direction]; strings.Index(key, password[end:end+1]) == 1 {
				shifted++
			}
		}
		if end-i >= minPattern {
			m := found("spatial", password, i, end)
			m.DictionaryName = keys.Name
			m.Entropy = entropy.SpatialEntropy(m, turns, shifted)
			all = append(all, m)
		}
		i = end
	}
	return all
}

// repeats finds one sign again and again.
func repeats(password string) []match.Match {
	var all []match.Match
	for i := 0; i < len(password); {
		end := i + 1
		for end < len(password) && strings.EqualFold(password[end:end+1], password[i:i+1]) {
			end++
		}
		if end-i >= minPattern {
			m := found("repeat", password, i, end)
			m.Entropy = entropy.RepeatEntropy(m)
			all = append(all, m)
		}
		i = end
	}
	return all
}

// sequences finds parts of alphabets, also backwards.
func sequences(password string) []match.Match {
	var all []match.Match
	for i := 0; i < len(password); {
		end := i + 1
		for _, alphabet := range alphabets {
			for _, step := range []int{1, -1} {
				run := i + 1
				for run < len(password) && follows(alphabet, password[run-1], password[run], step) {
					run++
				}
				if run-i >= minPattern {
					m := found("sequence", password, i, run)
					m.Entropy = entropy.SequenceEntropy(m, len(alphabet), step > 0)
					all = append(all, m)
				}
				end = max(end, run)
			}
		}
		i = end
	}
	return all
}

// follows tells whether b stands in the alphabet so many places behind a.
func follows(alphabet string, a, b byte, step int) bool {
	i, j := strings.IndexByte(alphabet, a), strings.IndexByte(alphabet, b)
	return i >= 0 && j >= 0 && j-i == step
}
