package local

import (
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/ccojocar/zxcvbn-go/data"
	"github.com/ccojocar/zxcvbn-go/entropy"
	"github.com/ccojocar/zxcvbn-go/match"
)

// wordLists are the library's: common passwords, words and names, each from the most
// common one on.
var wordLists = []string{"Passwords", "English", "MaleNames", "FemaleNames", "Surnames"}

// words are those of lists, sorted, in one text: 1.4 megabytes, where a list of them would
// have three, and a map five.
type words struct {
	text  string
	at    []uint32 // where each begins, and the end of the last one
	ranks []uint32 // its place in its list, from 1
}

// rankedWord is a word in lower case with its place in its list, from 1.
type rankedWord struct {
	text string
	rank int
}

// commonWords are those of all lists. They are read when the first password is
// chosen; most programs, and many brokers, never see one.
var commonWords = sync.OnceValue(func() words {
	var all []rankedWord
	for _, name := range wordLists {
		var list struct{ List []string }
		if err := json.Unmarshal(data.MustAsset("data/"+name+".json"), &list); err != nil {
			panic(fmt.Sprintf("list of words %s: %v", name, err)) // linked in: a test reads it
		}
		all = append(all, ranked(list.List)...)
	}
	return packed(all)
})

// listOf makes words of a list.
func listOf(list []string) words { return packed(ranked(list)) }

// ranked gives each word its place.
func ranked(list []string) []rankedWord {
	all := make([]rankedWord, len(list))
	for i, word := range list {
		all[i] = rankedWord{strings.ToLower(word), i + 1}
	}
	return all
}

// packed sorts them.
func packed(list []rankedWord) words {
	slices.SortFunc(list, func(a, b rankedWord) int { return strings.Compare(a.text, b.text) })
	size := 0
	for _, word := range list {
		size += len(word.text)
	}
	var text strings.Builder
	text.Grow(size)
	w := words{at: make([]uint32, 1, len(list)+1), ranks: make([]uint32, len(list))}
	for i, word := range list {
		text.WriteString(word.text)
		w.at, w.ranks[i] = append(w.at, uint32(text.Len())), uint32(word.rank)
	}
	w.text = text.String()
	return w
}

// len is how many there are.
func (w words) len() int { return len(w.ranks) }

// word is one of them.
func (w words) word(i int) string { return w.text[w.at[i]:w.at[i+1]] }

// find finds the words in a password, which is ASCII.
func (w words) find(password, list string) []match.Match {
	var all []match.Match
	lower := strings.ToLower(password)
	for i := range lower {
		from := w // words that begin with what was read so far
		for end := i + 1; end <= len(lower) && from.len() > 0; end++ {
			from = from.beginning(lower[i:end])
			if from.len() > 0 && from.word(0) == lower[i:end] {
				m := found("dictionary", password, i, end)
				m.DictionaryName = list
				m.Entropy = entropy.DictionaryEntropy(m, float64(from.ranks[0]))
				all = append(all, m)
			}
		}
	}
	return all
}

// beginning are the words that begin so.
func (w words) beginning(with string) words {
	low := sort.Search(w.len(), func(i int) bool { return w.word(i) >= with })
	high := low + sort.Search(w.len()-low, func(i int) bool { return !strings.HasPrefix(w.word(low+i), with) })
	if low == high {
		return words{}
	}
	return words{w.text, w.at[low : high+1], w.ranks[low:high]}
}
