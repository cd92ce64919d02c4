package local

import (
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ccojocar/zxcvbn-go/scoring"
	"golang.org/x/text/unicode/norm"

	"idbroker/broker"
)

const (
	// minStrength is the default of Options.MinStrength: passwords below it are
	// guessed within 10^8 tries. Those are hours for who has stolen fast hashes,
	// but years for who steals ours, and for ever for who tries at the door.
	// One more would refuse many a pair of words that people can remember.
	minStrength = 2
	// maxStrength is what the estimate can say at most.
	maxStrength = 4
	// strengthRunes is how much of a password is looked at: the time grows with the
	// square. What stands behind can make a password better, and no worse.
	strengthRunes = 64
	// minHint is how long what we know of a person must be, in code points, to count
	// as theirs: an initial is in every password.
	minHint = 3
	// minRow is how many neighbouring keys make a row.
	minRow = 4
)

// Why a password is weak: what the person is told.
const (
	weakName       = "password.weak.name"        // it holds the person's name or username
	weakAddress    = "password.weak.address"     // it holds a part of their address
	weakSite       = "password.weak.site"        // it holds the name of this site
	weakRepeat     = "password.weak.repeat"      // aaaa, abcabc
	weakSequence   = "password.weak.sequence"    // abcd, 4321
	weakKeys       = "password.weak.keys"        // asdf
	weakDigits     = "password.weak.digits"      // no letter in it: numbers and dates
	weakWord       = "password.weak.word"        // one word that many know
	weakWordDigits = "password.weak.word_digits" // words, with digits and signs around
	weakWords      = "password.weak.words"       // several very common words
	weakLeet       = "password.weak.leet"        // p4ssw0rd
	weakGuessable  = "password.weak.guessable"   // none of these alone
)

// person is what is known of who chooses a password.
type person struct{ email, username, name string }

func personOf(u broker.User) person { return person{u.Email, u.Username, u.Name} }

// hints are words that a guesser would try first, with the reason that each is.
func (a *Accounts) hints(p person) map[string]string {
	all := map[string]string{}
	add := func(why, text string) {
		text = folded(text)
		words := strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
		for _, w := range append(words, text, strings.Join(words, "")) {
			if w = strings.ToLower(w); utf8.RuneCountInString(w) >= minHint {
				all[w] = why
			}
		}
	}
	local, domain, _ := strings.Cut(p.email, "@")
	if dot := strings.LastIndexByte(domain, '.'); dot >= 0 {
		domain = domain[:dot] // "org" is nobody's
	}
	for _, text := range []string{p.email, local, domain} {
		add(weakAddress, text)
	}
	add(weakSite, a.o.Site)
	add(weakName, p.username)
	add(weakName, p.name)
	return all
}

// weakness says why a password is weaker than what is asked for; "" it is not.
// password is in its normal form.
func (a *Accounts) weakness(password string, p person) string {
	if a.o.MinStrength < 0 {
		return ""
	}
	hints := a.hints(p)
	words := slices.Sorted(maps.Keys(hints))
	typed := first(folded(password), strengthRunes)
	if block := period(typed); len(block) < len(typed) { // the estimate adds up what is the same again
		if estimate(block, words).Score < a.o.MinStrength {
			return weakRepeat
		}
	}
	if e := estimate(typed, words); e.Score < a.o.MinStrength {
		return why(e, typed, hints)
	}
	for _, plain := range unleet(typed) {
		if e := estimate(plain, words); e.Score < a.o.MinStrength {
			if w := why(e, plain, hints); w == weakName || w == weakAddress || w == weakSite {
				return w
			}
			return weakLeet
		}
	}
	return ""
}

// estimate is how hard a password is to guess. Digits are not read as letters:
// unleet does that, where the library would take exponential time and every "1" for
// the word "I".
func estimate(password string, hints []string) scoring.MinEntropyMatch {
	return scoring.MinimumEntropyMatchSequence(password, guesses(password, hints))
}

// why finds the reason that helps a person most.
func why(e scoring.MinEntropyMatch, password string, hints map[string]string) string {
	words, longest, covered := 0, 0, make([]bool, len(password))
	kind := ""
	for _, m := range e.MatchSequence {
		n := m.J - m.I + 1
		if m.DictionaryName == hinted {
			if w := hints[strings.ToLower(m.Token)]; w != "" {
				return w
			}
		}
		if m.Pattern == "dictionary" && n >= minHint {
			words++
			for i := m.I; i <= m.J; i++ {
				covered[i] = true
			}
		}
		if n > longest && m.Pattern != "bruteforce" {
			longest, kind = n, m.Pattern
		}
	}
	letters, signs, loose := 0, 0, 0 // loose: letters that belong to no word
	for i, c := range []byte(password) {
		switch {
		case 'a' <= c|0x20 && c|0x20 <= 'z':
			letters++
			if !covered[i] {
				loose++
			}
		case c != ' ':
			signs++
		}
	}
	switch {
	case kind == "repeat" && 2*longest > len(password):
		return weakRepeat
	case kind == "sequence" && 2*longest > len(password):
		return weakSequence
	case kind == "spatial" && longest >= minRow && letters > 0:
		return weakKeys
	case letters == 0:
		return weakDigits
	case words > 0 && loose == 0 && signs > 0:
		return weakWordDigits
	case words > 1 && loose == 0:
		return weakWords
	case words == 1 && loose == 0:
		return weakWord
	}
	return weakGuessable
}

// folded is text in ASCII, one letter for each, which is what the library can count:
// letters lose their accents, and those of other alphabets become some letter, the
// same always, and neighbours for neighbours.
func folded(text string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(text) {
		switch {
		case r < utf8.RuneSelf:
			b.WriteRune(r)
		case unicode.Is(unicode.Mn, r):
		default:
			b.WriteRune('a' + r%26)
		}
	}
	return b.String()
}

// first is the beginning of an ASCII text.
func first(text string, n int) string { return text[:min(n, len(text))] }

// period is the shortest beginning whose repetition is the text, which may end within
// it: the whole text where it repeats nothing.
func period(text string) string {
	for n := 1; n <= len(text)/2; n++ {
		if text[n:] == text[:len(text)-n] {
			return text[:n]
		}
	}
	return text
}

// The letters that digits and signs commonly stand for. "1" is two of them.
var leet = []*strings.Replacer{
	strings.NewReplacer("4", "a", "@", "a", "3", "e", "1", "l", "!", "l", "|", "l", "0", "o", "5", "s", "$", "s", "7", "t", "+", "t"),
	strings.NewReplacer("4", "a", "@", "a", "3", "e", "1", "i", "!", "i", "|", "i", "0", "o", "5", "s", "$", "s", "7", "t", "+", "t"),
}

// unleet are the words that a password may be with signs in place of letters. Where
// half of it were signs, it is no word.
func unleet(password string) []string {
	var all []string
	for i, r := range leet {
		plain := r.Replace(password)
		changed := 0
		for j := range len(plain) {
			if plain[j] != password[j] {
				changed++
			}
		}
		if changed > 0 && 2*changed < len(password) && (i == 0 || plain != all[0]) {
			all = append(all, plain)
		}
		if len(all) == 0 {
			break
		}
	}
	return all
}

// errWeak refuses a password, and says why.
func errWeak(why string) error {
	return &broker.Error{Kind: broker.KindInvalid, Message: why, Field: "password"}
}
