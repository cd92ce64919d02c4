package limits_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/limits"
)

// service stands in for a captcha's service, over HTTP. It knows tokens by their answers.
type service struct {
	*httptest.Server
	mu     sync.Mutex
	asked  []string // tokens
	status int
	away   bool
}

func newService(t *testing.T, at time.Time) *service {
	s := &service{status: http.StatusOK}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		token := r.PostFormValue("response")
		s.asked = append(s.asked, token)
		if r.Method != http.MethodPost || r.PostFormValue("secret") != "s3cret" || r.URL.RawQuery != "" || r.PostFormValue("remoteip") != "" {
			t.Errorf("%s %s %v", r.Method, r.URL, r.PostForm)
		}
		if s.away {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		answer := map[string]any{"success": true, "hostname": "id.example.org", "action": "try", "challenge_ts": at.Add(-time.Minute).UTC().Format(time.RFC3339)}
		switch kind, _, _ := strings.Cut(token, " "); kind {
		case "good":
		case "elsewhere":
			answer["hostname"] = "shop.example"
		case "nowhere":
			delete(answer, "hostname")
		case "action":
			answer["action"] = "newsletter"
		case "old":
			answer["challenge_ts"] = at.Add(-time.Hour).UTC().Format(time.RFC3339)
		case "redirect":
			http.Redirect(w, r, "/", http.StatusTemporaryRedirect)
			return
		case "page":
			_, _ = w.Write([]byte("<html>success"))
			return
		case "unsure":
			answer = map[string]any{"hostname": "id.example.org"}
		case "secret":
			answer = map[string]any{"success": false, "error-codes": []string{"invalid-input-secret"}}
		case "slow":
			s.mu.Unlock()
			<-r.Context().Done() // until whoever asks gives up
			s.mu.Lock()
		default:
			w.WriteHeader(http.StatusBadRequest)
			answer = map[string]any{"success": false, "error-codes": []string{"invalid-input-response"}}
		}
		_ = json.NewEncoder(w).Encode(answer)
	}))
	t.Cleanup(s.Close)
	return s
}

// TestCaptcha: one of ours counts once, in the browser that it was asked of; any other does not, and where nobody can
// tell, the proof of work does.
func TestCaptcha(t *testing.T) {
	o := limits.Options{Account: broker.Limit{Burst: 1, Every: 1000 * time.Hour}, Network: small.Network}
	o.Captcha = &limits.Captcha{Kind: limits.Turnstile, SiteKey: "site", Secret: "s3cret", Host: "id.example.org", Always: true}
	each(t, o, func(w *world) {
		s := newService(w.T, w.at)
		own := o
		captcha := *o.Captcha
		captcha.VerifyURL = s.URL + "/siteverify"
		own.Captcha = &captcha
		w.Limiter = limits.New(w.store, own)
		w.try(mallory, "ada@example.org")
		ask := func(token string, proven bool) (limits.Verdict, limits.Visitor) {
			v := mallory
			v.Proof = limits.Proof{Challenge: w.try(mallory, "ada@example.org").Challenge}
			if w.Widget(v.Proof.Challenge) == nil {
				w.Fatal("no captcha is shown")
			}
			if proven {
				v.Proof = solve(v.Proof.Challenge)
			}
			v.Proof.Captcha = token
			return w.try(v, "ada@example.org"), v
		}
		verdict, v := ask("good 1", false)
		if !verdict.Allowed() || verdict.Trouble != nil {
			w.Fatalf("a good one: %+v", verdict)
		}
		if w.try(v, "ada@example.org").Allowed() {
			w.Error("it counts twice")
		}
		for _, token := range []string{"good 1", "bad", "", "elsewhere", "nowhere", "action", "old", strings.Repeat("x", 9000)} {
			if verdict, _ := ask(token, false); verdict.Allowed() || verdict.Challenge == "" {
				w.Errorf("%.20q: %+v", token, verdict)
			}
		}
		if verdict, _ := ask("", true); verdict.Allowed() {
			w.Error("the proof of work counts while the service is there")
		}
		other := limits.Visitor{IP: "203.0.113.9", Browser: "another"}
		if _, v := ask("bad", false); true {
			if other.Proof = (limits.Proof{Challenge: v.Proof.Challenge, Captcha: "good 2"}); w.try(other, "ada@example.org").Allowed() {
				w.Error("the challenge of another browser counts")
			}
		}
		for _, token := range []string{"redirect", "page", "unsure", "secret", "slow"} {
			if verdict, _ := ask(token, false); verdict.Allowed() || verdict.Trouble == nil {
				w.Errorf("%s, without a proof: %+v", token, verdict)
			}
			if verdict, _ := ask(token+" 2", true); !verdict.Allowed() || verdict.Trouble == nil {
				w.Errorf("%s: locked out: %+v", token, verdict)
			}
		}
		s.mu.Lock()
		s.away = true
		s.mu.Unlock()
		if verdict, _ := ask("", true); !verdict.Allowed() {
			w.Errorf("away: locked out: %+v", verdict)
		}
		_, v = ask("", false)
		v.Proof = limits.Proof{Challenge: w.try(mallory, "ada@example.org").Challenge}
		if w.at = w.at.Add(limits.Patience()); !w.try(v, "ada@example.org").Allowed() {
			w.Error("waiting does not help")
		}
	})
}

// TestCaptchaForHardOnes: it is asked for where proofs of work get hard, not before, and nobody's browser
// talks to the service until then.
func TestCaptchaForHardOnes(t *testing.T) {
	o := smaller
	o.Captcha = &limits.Captcha{Kind: limits.HCaptcha, SiteKey: "site", Secret: "s3cret", Host: "id.example.org", VerifyURL: "http://127.0.0.1:1/"}
	each(t, o, func(w *world) {
		w.try(mallory, "ada@example.org")
		for range 30 {
			c := w.try(mallory, "ada@example.org").Challenge
			if w.Widget(c) != nil {
				w.Fatal("at the first challenge")
			}
			v := mallory
			v.Proof = solve(c)
			if c = w.try(v, "ada@example.org").Challenge; c != "" {
				if limits.Difficulty(c) != 20 || w.Widget(c) == nil || w.Widget(c).Field != "h-captcha-response" {
					w.Errorf("%d bits, %+v", limits.Difficulty(c), w.Widget(c))
				}
				return
			}
		}
		w.Error("never")
	})
}
