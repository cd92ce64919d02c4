package local

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/ccojocar/zxcvbn-go/data"
	"github.com/ccojocar/zxcvbn-go/entropy"
	"github.com/ccojocar/zxcvbn-go/match"
)

// wordLists are the library's: common passwords, words and names, each from the most
// common one on.
var wordLists = []string{"Passwords", "English", "MaleNames", "FemaleNames", "Surnames"}

// words are those of lists, sorted: two megabytes, where a map would have five.
type words []rankedWord

// rankedWord is a word in lower case with its place in its list, from 1.
type rankedWord struct {
	text string
	rank int
}

// commonWords are those of all lists. They are read when the first password is
// chosen; most programs, and many brokers, never see one.
var commonWords = sync.OnceValue(func() words {
	var all words
	for _, name := range wordLists {
		var list struct{ List []string }
		if err := json.Unmarshal(data.MustAsset("data/"+name+".json"), &list); err != nil {
			panic(fmt.Sprintf("list of words %s: %v", name, err)) // linked in: a test reads it
		}
		one := strings.Join(list.List, "\n") // instead of a piece of memory for each
		all = append(all, ranked(strings.Split(one, "\n"))...)
	}
	return slices.Clip(all.sorted())
})

// listOf makes words of a list.
func listOf(list []string) words { return ranked(list).sorted() }

// ranked gives each word its place.
func ranked(list []string) words {
	all := make(words, len(list))
	for i, word := range list {
		all[i] = rankedWord{strings.ToLower(word), i + 1}
	}
	return all
}

func (w words) sorted() words {
	slices.SortFunc(w, func(a, b rankedWord) int { return strings.Compare(a.text, b.text) })
	return w
}

// find finds the words in a password, which is ASCII.
func (w words) find(password, list string) []match.Match {
	var all []match.Match
	lower := strings.ToLower(password)
	for i := range lower {
		from := w // words that begin with what was read so far
		for end := i + 1; end <= len(lower) && len(from) > 0; end++ {
			from = from.beginning(lower[i:end])
			if len(from) > 0 && from[0].text == lower[i:end] {
				m := found("dictionary", password, i, end)
				m.DictionaryName = list
				m.Entropy = entropy.DictionaryEntropy(m, float64(from[0].rank))
				all = append(all, m)
			}
		}
	}
	return all
}

// beginning are the words that begin so.
func (w words) beginning(with string) words {
	low, _ := slices.BinarySearchFunc(w, with, func(word rankedWord, with string) int { return strings.Compare(word.text, with) })
	high, _ := slices.BinarySearchFunc(w[low:], with, func(word rankedWord, with string) int {
		if strings.HasPrefix(word.text, with) {
			return -1
		}
		return 1
	})
	return w[low : low+high]
}
