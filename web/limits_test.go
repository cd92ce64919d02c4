package web

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/bits"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"idbroker/broker"
	"idbroker/limits"
	"idbroker/store/storetest"
	"idbroker/tokens"
)

// limited is a world that counts tries; network is how many one network has.
func limited(t *testing.T, network int) *world {
	db := storetest.New(t)
	return worldOn(t, db, tokens.Options{}, func(o *Options) {
		o.TrustedHops = 1
		o.Limits = limits.New(db, limits.Options{
			Account: broker.Limit{Burst: 3, Every: 1e12}, Network: broker.Limit{Burst: network, Every: 1e12}, Mails: broker.Limit{Burst: 2, Every: 1e12},
		})
	})
}

// from sends a form from an address.
func (b *browser) from(ip, path string, pairs ...string) answer {
	b.w.t.Helper()
	r := b.request("POST", path, strings.NewReader(form(pairs...).Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("X-Forwarded-For", ip)
	return b.do(r)
}

var challenged = regexp.MustCompile(`data-challenge="([^"]+)" data-bits="(\d+)"`)

// solution computes what a page asks for; nil where it asks for nothing.
func (a answer) solution() []string {
	found := challenged.FindStringSubmatch(a.body)
	if found == nil {
		return nil
	}
	want, _ := strconv.Atoi(found[2])
	return []string{"challenge", found[1], "solution", solve(&challengeJSON{Text: found[1], Bits: want})}
}

// solve computes what a challenge asks for.
func solve(c *challengeJSON) string {
	for i := 0; ; i++ {
		sum := sha256.Sum256(fmt.Appendf(nil, "%s:%d", c.Text, i))
		if bits.LeadingZeros64(binary.BigEndian.Uint64(sum[:])) >= c.Bits {
			return strconv.Itoa(i)
		}
	}
}

// TestGuessing: after some wrong passwords the form comes with a challenge, and
// the right password does not help without its solution. The browser that the
// account knows is not concerned.
func TestGuessing(t *testing.T) {
	w := limited(t, 1000)
	w.user("ada")
	known := w.browser()
	known.post("/login/", "email", "ada", "password", password).to("/")
	mallory := w.browser()
	var last answer
	for i := range 3 {
		last = mallory.from("198.51.100."+strconv.Itoa(i), "/login/", "email", "ada", "password", "wrong").want(http.StatusUnprocessableEntity)
		if (last.solution() != nil) != (i == 2) {
			t.Errorf("guess %d: %s", i, text(last.body))
		}
	}
	early := last.solution() // the page asks for it before it is needed
	bare := mallory.from("198.51.100.9", "/login/", "email", "ADA", "password", password).want(http.StatusTooManyRequests)
	if bare.says("send it once more"); bare.header.Get("Retry-After") != "30" || !strings.Contains(bare.body, `value="ADA"`) {
		t.Errorf("Retry-After %q, or the address is gone", bare.header.Get("Retry-After"))
	}
	mallory.from("198.51.100.9", "/login/", append(early, "email", "ada", "password", "wrong")...).want(http.StatusUnprocessableEntity)
	mallory.from("198.51.100.9", "/login/", append(early, "email", "ada", "password", password)...).want(http.StatusTooManyRequests)
	w.browser().from("198.51.100.9", "/login/", append(bare.solution(), "email", "ada", "password", password)...).want(http.StatusTooManyRequests)
	mallory.from("198.51.100.9", "/login/", append(bare.solution(), "email", "ada", "password", password)...).to("/")

	known.post("/logout/").want(http.StatusSeeOther)
	known.from("203.0.113.1", "/login/", "email", "ada", "password", "wrong").want(http.StatusUnprocessableEntity)
	known.from("203.0.113.1", "/login/", "email", "ada", "password", password).to("/")
}

// TestGuessingUnderOtherSpellings: however an account is spelled, as long as the
// spelling opens it, its tries are counted together.
func TestGuessingUnderOtherSpellings(t *testing.T) {
	w := limited(t, 1000)
	w.user("kiss")
	mallory := w.browser()
	for i, name := range []string{"kiss", " KISS", "ki\u017fs", "\u212ai\u017f\u017f"} {
		want := http.StatusUnprocessableEntity
		if i == 3 {
			want = http.StatusTooManyRequests
		}
		mallory.from("198.51.100."+strconv.Itoa(i), "/login/", "email", name, "password", "wrong").want(want)
	}
	o := worldOn(t, storetest.New(t), tokens.Options{}, func(*Options) {})
	o.user("kiss")
	o.browser().post("/login/", "email", "\u212ai\u017f\u017f", "password", password).to("/") // it is the same account
}

// TestGuessingInSettings: whoever found a browser signed in cannot try passwords at will
// on the page that changes it, and the right one does not help without a proof either.
func TestGuessingInSettings(t *testing.T) {
	w := limited(t, 1000)
	w.user("ada")
	b := w.browser()
	b.post("/login/", "email", "ada@example.org", "password", password).to("/")
	const path, next = "/account/settings/password/", "another password of hers"
	var last answer
	for i := 0; i < 20 && last.status != http.StatusTooManyRequests; i++ {
		last = b.from("198.51.100."+strconv.Itoa(i), path, "current", "wrong", "password", next)
	}
	if last.want(http.StatusTooManyRequests).says("send it once more"); last.solution() == nil {
		t.Fatal("no challenge")
	}
	b.from("198.51.100.99", path, "current", password, "password", next).want(http.StatusTooManyRequests)
	b.from("198.51.100.99", path, append(last.solution(), "current", "wrong", "password", next)...).want(http.StatusUnprocessableEntity)
	proof := b.from("198.51.100.99", path, "current", password, "password", next).solution()
	b.from("198.51.100.99", path, append(proof, "current", password, "password", next)...).to(securityPath)
}

// TestGuessingAtTheRemoval: nor does the form that removes the password let anybody guess who
// found the browser open.
func TestGuessingAtTheRemoval(t *testing.T) {
	w := limited(t, 1000)
	w.user("ada")
	b := w.browser()
	b.signIn("ada")
	var last answer
	for i := 0; i < 20 && last.status != http.StatusTooManyRequests; i++ {
		last = b.from("198.51.100."+strconv.Itoa(i), removePasswordPath, "current", "wrong")
	}
	last.want(http.StatusTooManyRequests)
	b.from("198.51.100.99", removePasswordPath, "current", password).want(http.StatusTooManyRequests)
}

// TestProbingUsernames: a member does not hear of as many usernames as they like, by whatever
// networks, pages, JSON and sessions they ask; and a password is theirs to type all the same.
func TestProbingUsernames(t *testing.T) {
	w := limited(t, 1000)
	w.user("ada")
	w.user("mallory")
	b, p := w.browser(), w.program()
	b.post("/login/", "email", "mallory", "password", password).to("/")
	p.signIn("mallory@example.org")
	for i := range 3 {
		b.from("198.51.100."+strconv.Itoa(i), usernamePath, "username", "ada").want(http.StatusUnprocessableEntity).says("Somebody else has this username")
		p.post(usernamePath, "username", "ada").refused(http.StatusUnprocessableEntity, "field.username_taken", "username")
	}
	p.post(usernamePath, "username", "ada").refused(http.StatusTooManyRequests, "limits.challenge")
	var held [2]answer
	for i, name := range []string{"ada", "nobody-has-this"} {
		held[i] = b.from("203.0.113.9", usernamePath, "username", name).want(http.StatusTooManyRequests)
	}
	if proof := held[1].solution(); proof == nil {
		t.Errorf("no challenge: %s", text(held[1].body))
	} else {
		b.from("203.0.113.9", usernamePath, append(proof, "username", "ada")...).want(http.StatusUnprocessableEntity).says("Somebody else has this username")
		b.from("203.0.113.9", usernamePath, append(proof, "username", "ada")...).want(http.StatusTooManyRequests) // it is spent
	}
	if a, n := strings.Contains(held[0].body, "Somebody else"), strings.Contains(held[1].body, "Somebody else"); a || n {
		t.Errorf("told: %v, %v", a, n)
	}
	w.browser().from("203.0.113.9", "/login/", "email", "mallory", "password", password).to("/")
}

// TestGuessingTellsNothing: an account that there is not answers like one that
// there is.
func TestGuessingTellsNothing(t *testing.T) {
	w := limited(t, 1000)
	w.user("ada")
	var told [2][]string
	for i, name := range []string{"ada@example.org", "eve@example.org"} {
		b := w.browser()
		for range 5 {
			a := b.from("198.51.100.7", "/login/", "email", name, "password", "wrong")
			told[i] = append(told[i], strconv.Itoa(a.status)+strings.ReplaceAll(text(a.body), name, "NAME"))
		}
	}
	if strings.Join(told[0], "\n") != strings.Join(told[1], "\n") {
		t.Errorf("%s\n\n%s", told[0], told[1])
	}
}

// TestNetworkIsSentAway: who goes on with proofs from one network waits, sees for
// how long, and nobody else does.
func TestNetworkIsSentAway(t *testing.T) {
	w := limited(t, 1)
	w.user("ada")
	mallory := w.browser()
	for i := range 40 {
		name := fmt.Sprintf("user%d@example.org", i)
		a := mallory.from("198.51.100.7", "/login/", "email", name, "password", "wrong")
		if s := a.solution(); a.status == http.StatusTooManyRequests && s != nil {
			a = mallory.from("198.51.100.7", "/login/", append(s, "email", name, "password", "wrong")...)
		}
		if a.status != http.StatusTooManyRequests {
			continue
		}
		seconds, err := strconv.Atoi(a.header.Get("Retry-After"))
		if a.says("Too many tries"); i < 8 || err != nil || seconds <= int(limits.Patience()/time.Second) || !strings.Contains(w.log.String(), "network sent away") {
			t.Errorf("try %d, Retry-After %q", i, a.header.Get("Retry-After"))
		}
		w.browser().from("203.0.113.1", "/login/", "email", "ada", "password", password).to("/")
		return
	}
	t.Error("it goes on for ever")
}

// TestMailsAreHeldBack: a stranger can have somebody mailed twice, and must compute for more, whether there is an account or not.
func TestMailsAreHeldBack(t *testing.T) {
	w := limited(t, 1000)
	w.user("ada")
	w.mails()
	var told [2][]string
	sent := 0
	for i, email := range []string{"ada@example.org", "nobody@example.org"} {
		b := w.browser()
		for n := range 5 {
			ip := "198.51." + strconv.Itoa(100+n) + ".7"
			a := b.from(ip, "/lost-password/", "email", email)
			if proof := a.solution(); n >= 2 && proof != nil {
				sent += len(w.mails())
				a.want(http.StatusTooManyRequests)
				b.from(ip, "/lost-password/", append(proof, "email", email)...).want(http.StatusOK)
				if extra := len(w.mails()); extra != 1-i {
					t.Errorf("%s: %d mails for a proof", email, extra)
				}
			} else {
				a.want(http.StatusOK)
			}
			told[i] = append(told[i], strings.ReplaceAll(text(a.body), email, "ADDRESS"))
		}
	}
	if sent != 2 || strings.Join(told[0], "\n") != strings.Join(told[1], "\n") {
		t.Errorf("%d mails, want 2; or told something else: %q", sent, told)
	}
}

// TestChallengeInChromium: the browser solves the challenge by itself, also when
// the form is sent at once, and the person gets in.
func TestChallengeInChromium(t *testing.T) {
	ctx := chromium(t)
	w := limited(t, 1000)
	w.user("ada")
	mallory := w.browser()
	for i := range 5 {
		mallory.from("198.51.100."+strconv.Itoa(i), "/login/", "email", "ada@example.org", "password", "wrong")
	}
	must(t, chromedp.Do(ctx,
		chromedp.Navigate(w.url+"/login/"),
		chromedp.SendKeys(chromedp.CSS("input[name=email]"), "ada@example.org"),
		chromedp.SendKeys(chromedp.CSS("input[name=password]"), password),
		chromedp.Submit(chromedp.CSS("input[name=password]")),
		chromedp.WaitVisible(chromedp.CSS("[data-challenge]")),
	))
	// A page may have it at several forms (password, passkey): once is enough.
	again, err := chromedp.Run(ctx, chromedp.Evaluate[string](`new Promise((done) => {
		addEventListener("error", (event) => done(event.message));
		const tag = document.querySelector("script[src*=challenge]"), copy = document.createElement("script");
		for (const a of tag.attributes) copy.setAttribute(a.name, a.value);
		copy.onload = () => done("");
		document.body.append(copy);
	})`, chromedp.EvalAwaitPromise))
	if err != nil || again != "" {
		t.Errorf("the script is there twice: %q, %v", again, err)
	}
	must(t, chromedp.Do(ctx,
		chromedp.SendKeys(chromedp.CSS("input[name=password]"), password),
		chromedp.Click(chromedp.CSS("form[action='/login/'] button:not([name])")),
		chromedp.WaitVisible(chromedp.CSS("main a[href='/logout/']")),
	))
}

// TestAccountKey: the spellings of a mailbox, or of a name, are one account to the limits.
func TestAccountKey(t *testing.T) {
	for want, all := range map[string][]string{
		"ada@example.org":           {"ada@example.org", " ADA@Example.org", "ada@\uff45xample.org", "ada@example\u3002org"},
		"ada@xn--bcher-kva.example": {"ada@b\u00fccher.example", "ada@bu\u0308cher.example", "ada@XN--bcher-kva.example"},
		"ada@localhost":             {"ada@localhost"},
		broker.FoldCase("ada"):      {"ada", "ADA"},
	} {
		for _, typed := range all {
			if got := accountKey(typed); got != want {
				t.Errorf("%q is counted as %q, want %q", typed, got, want)
			}
		}
	}
}
