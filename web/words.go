package web

import (
	"strconv"
	"strings"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
)

// span is a piece of a sentence; Value marks what was put into it.
type span struct {
	Text  string
	Value bool
}

// Private-use characters that mark where a value begins and ends.
const valueStart, valueEnd = "\ue000", "\ue001"

// Rich is the message under key cut into pieces, so that its values can stand
// out wherever a language puts them.
func (b base) Rich(key string, args ...string) []span {
	marked := pairs(args)
	for k, v := range marked {
		marked[k] = valueStart + strings.NewReplacer(valueStart, "", valueEnd, "").Replace(v) + valueEnd
	}
	var spans []span
	for i, piece := range strings.Split(b.Say(key, marked), valueStart) {
		if value, rest, ok := strings.Cut(piece, valueEnd); ok && i > 0 {
			spans = append(spans, span{value, true}, span{rest, false})
		} else {
			spans = append(spans, span{piece, false})
		}
	}
	return spans
}

// Tell is what an error says to the person; "" for none.
func (b base) Tell(e *broker.Error) string {
	if e == nil {
		return ""
	}
	return b.Say(e.Words(), e.Args)
}

// NumberProblem is e where it is about a code that came to a telephone, else nil.
func (b base) NumberProblem(e *broker.Error) *broker.Error {
	if e == nil || e.Words() != local.ErrSMSWrong.Words() {
		return nil
	}
	return e
}

// AppProblem is e where it is about the code of an app, else nil.
func (b base) AppProblem(e *broker.Error) *broker.Error {
	if b.NumberProblem(e) != nil {
		return nil
	}
	return e
}

// List joins words as the language does: "name, address and username".
func (b base) List(words []string) string {
	switch len(words) {
	case 0:
		return ""
	case 1:
		return words[0]
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " " + b.T("list.and") + " " + words[last]
}

// MinHint says how long a password must be; "" where nothing is asked.
func (b base) MinHint(min int) string {
	if min <= 0 {
		return ""
	}
	return b.N("field.password_hint", min)
}

// when is a moment in three ways of telling it.
type when struct {
	ISO      string // RFC 3339, for machines
	Exact    string // "22 November 2026, 01:52 UTC"
	Relative string // "3 days ago", or the date where it is to come
}

// When tells a moment relative to the time of the page, and exactly.
func (b base) When(t time.Time) when {
	return when{t.UTC().Format(time.RFC3339), b.exact(t), b.ago(t)}
}

func (b base) exact(t time.Time) string {
	t = b.here(t)
	return b.T("time.exact", "date", b.date(t), "clock", t.Format("15:04"), "zone", t.Format("MST"))
}

func (b base) date(t time.Time) string {
	t = b.here(t)
	return b.T("time.date", "day", strconv.Itoa(t.Day()), "month", b.T("time.month_"+strconv.Itoa(int(t.Month()))), "year", strconv.Itoa(t.Year()))
}

// here is t in the time zone of the page.
func (b base) here(t time.Time) time.Time {
	if b.Zone == nil {
		return t.UTC()
	}
	return t.In(b.Zone)
}

const day = 24 * time.Hour

// clockSkew is how far clocks of ours may differ: what is further ahead is still to come.
const clockSkew = time.Minute

// ago rounds down, so that "2 hours ago" never is less. Past a month it is the
// date. So is a moment to come, with the clock where it is less than a day ahead: it
// stands after words such as "until".
func (b base) ago(t time.Time) string {
	switch d := b.Now.Sub(t); {
	case d < -day:
		return b.date(t)
	case d < -clockSkew:
		return b.exact(t)
	case d < time.Minute:
		return b.T("time.now")
	case d < time.Hour:
		return b.N("time.minutes_ago", int(d/time.Minute))
	case d < day:
		return b.N("time.hours_ago", int(d/time.Hour))
	case d < 31*day:
		return b.N("time.days_ago", int(d/day))
	}
	return b.date(t)
}
