package conformance

import (
	"context"
	"strings"
	"testing"
	"time"

	"idbroker/conformance/visitor"
)

// walker is a visitor whose steps must succeed.
type walker struct {
	*visitor.Visitor
	t *testing.T
	h *house
}

func walk(t *testing.T, h *house) *walker {
	return &walker{visitor.New(h.transport(4)), t, h}
}

func (w *walker) must(err error) *walker {
	w.t.Helper()
	if err != nil {
		w.t.Fatalf("%v\nat %s (%d): %s", err, w.At, w.Status, w.Text())
	}
	return w
}

func (w *walker) open(address string) *walker {
	w.t.Helper()
	return w.must(w.Open(context.Background(), address))
}

func (w *walker) press(button string, fill visitor.Fill) *walker {
	w.t.Helper()
	return w.must(w.Press(context.Background(), button, fill))
}

// sees fails where the page does not say the words.
func (w *walker) sees(words ...string) *walker {
	w.t.Helper()
	for _, one := range words {
		if !w.Has(one) {
			w.t.Fatalf("%s (%d) does not say %q: %s", w.At, w.Status, one, w.Text())
		}
	}
	return w
}

// mailLink is the link to the path in the newest mail that has one.
func (w *walker) mailLink(path string) string {
	w.t.Helper()
	reader := walk(w.t, w.h)
	for end := time.Now().Add(stepTime); time.Now().Before(end); time.Sleep(50 * time.Millisecond) { // the outbox works behind the page
		for _, link := range reader.open(w.h.mailbox + "/").Links() {
			if strings.HasPrefix(link, w.h.issuer+path) {
				return link
			}
		}
	}
	w.t.Fatalf("no mail leads to %s: %s", path, reader.Text())
	return ""
}
