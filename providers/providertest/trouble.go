package providertest

import (
	"net/http"
	"net/http/httptest"
	"strings"
)

// Trouble is what goes wrong with one answer of a fake.
type Trouble func(w http.ResponseWriter, r *http.Request, answer http.HandlerFunc)

// scripted is a trouble that waits for its request.
type scripted struct {
	suffix  string
	trouble Trouble
}

// Script makes the next request whose path ends in suffix go wrong. Several
// for one path happen one after the other.
func (r *remote) Script(suffix string, t Trouble) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.troubles = append(r.troubles, scripted{suffix, t})
}

// nextTrouble takes what is scripted for path; nil nothing. The caller holds mu.
func (r *remote) nextTrouble(path string) Trouble {
	for i, s := range r.troubles {
		if strings.HasSuffix(path, s.suffix) {
			r.troubles = append(r.troubles[:i:i], r.troubles[i+1:]...)
			return s.trouble
		}
	}
	return nil
}

// Fails is a Failure as a Trouble.
func Fails(f Failure) Trouble {
	return func(w http.ResponseWriter, r *http.Request, answer http.HandlerFunc) {
		if !f.play(w, r, answer) {
			answer(w, r)
		}
	}
}

// Edited changes the text of a good answer.
func Edited(change func(body string) string) Trouble {
	return func(w http.ResponseWriter, r *http.Request, answer http.HandlerFunc) {
		a := httptest.NewRecorder()
		answer(a, r)
		for k, v := range a.Header() {
			w.Header()[k] = v
		}
		w.WriteHeader(a.Code)
		_, _ = w.Write([]byte(change(a.Body.String())))
	}
}
