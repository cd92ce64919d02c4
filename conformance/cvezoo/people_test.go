package cvezoo

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"

	"idbroker/conformance/visitor"
	"idbroker/providers/providertest"
)

const password, otherPassword = "a few unrelated words", "some more unrelated words"

var count atomic.Int64

// name makes a name that nobody else has: attacks share a world.
func name(who string) string { return who + "-" + strconv.FormatInt(count.Add(1), 10) }

// address is the address of somebody.
func address(name string) string { return name + "@example.org" }

// browser is somebody's browser.
type browser struct {
	*visitor.Visitor
	w *world
}

func (w *world) browser() *browser { return &browser{visitor.New(visitor.Transport(1)), w} }

// get opens an address at the broker.
func (b *browser) get(path string) *browser {
	b.w.t.Helper()
	if err := b.Open(context.Background(), b.absolute(path)); err != nil {
		b.w.t.Fatalf("GET %s: %v", path, err)
	}
	return b
}

// post sends a form: pairs of names and values.
func (b *browser) post(path string, pairs ...string) *browser { return b.postFrom(nil, path, pairs...) }

// postFrom is post by a page of another site, where header says so.
func (b *browser) postFrom(header http.Header, path string, pairs ...string) *browser {
	b.w.t.Helper()
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Add(pairs[i], pairs[i+1])
	}
	if err := b.Post(context.Background(), b.absolute(path), values, header); err != nil {
		b.w.t.Fatalf("POST %s: %v", path, err)
	}
	return b
}

// elsewhere are the headers of a browser that another site makes send a form.
var elsewhere = http.Header{"Origin": {"https://evil.example"}, "Sec-Fetch-Site": {"cross-site"}}

func (b *browser) absolute(path string) string {
	if strings.HasPrefix(path, "/") {
		return b.w.issuer + path
	}
	return path
}

// login is the login that the page belongs to; "" none.
func (b *browser) login() string { return b.At.Query().Get("login") }

// leaving stops where the browser would go to the provider, and returns that
// address; "" where it was not sent there.
func (b *browser) leaving(provider string, act func()) string {
	if b.Stop = b.w.fake(provider).URL; provider == "github" {
		b.Stop = b.w.github.URL
	}
	act()
	b.Stop = ""
	if b.Stopped == nil {
		return ""
	}
	return b.Stopped.String()
}

// toProvider begins a sign-in at a provider, as a part of a login or ("") of none.
func (b *browser) toProvider(provider, login string) string {
	path := "/oauth/login/" + provider + "/"
	if login != "" {
		path += "?login=" + url.QueryEscape(login)
	}
	return b.leaving(provider, func() { b.get(path) })
}

// toLink begins to link an identity of a provider, as the settings page does.
func (b *browser) toLink(provider string) string {
	return b.leaving(provider, func() { b.post("/oauth/login/" + provider + "/") })
}

// at is what somebody does at a provider: they sign in there and are sent back
// to the returned address.
func (w *world) at(provider, authorization, subject string) string {
	w.t.Helper()
	if authorization == "" {
		w.t.Fatalf("nobody was sent to %s", provider)
	}
	if provider == "github" {
		return w.github.Visitor().Allow(w.t, authorization, subject).String()
	}
	u, err := w.fake(provider).TryWalk(authorization, subject)
	if err != nil {
		w.t.Fatal(err)
	}
	return u.String()
}

// come signs in by an identity; the page that it leads to is shown.
func (b *browser) come(provider, subject string) *browser {
	b.w.t.Helper()
	return b.get(b.w.at(provider, b.toProvider(provider, ""), subject))
}

// account is the address of the account that is signed in; "" nobody is.
func (b *browser) account() string {
	b.w.t.Helper()
	const profile = "/account/settings/profile/"
	if b.get(profile); b.At.Path != profile || b.Status != http.StatusOK {
		return ""
	}
	return b.TextOf("class", "code")
}

// opens is the address of the account that an identity opens; "" none.
func (w *world) opens(provider, subject string) string {
	w.t.Helper()
	return w.browser().come(provider, subject).account()
}

// passwordOpens is the address of the account that a password opens; "" none.
func (w *world) passwordOpens(email, password string) string {
	w.t.Helper()
	return w.browser().post("/login/", "email", email, "password", password).account()
}

// remote makes an identity at campus or lab. verified nil: the provider does
// not say.
func (w *world) remote(provider, subject, email string, verified any) {
	w.fake(provider).AddPerson(providertest.Person{Subject: subject, Name: "Somebody", Email: email, EmailVerified: verified})
}

// signUp begins an account with a password and is signed in to it.
func (b *browser) signUp(email, password string) *browser {
	b.w.t.Helper()
	b.post("/signup/", "name", "Somebody", "email", email, "password", password).confirm(email)
	if got := b.account(); got != email {
		b.w.t.Fatalf("signed up as %s and is %q: %s", email, got, b.Text())
	}
	return b
}

// confirm opens the link in the mail to an address and presses its button.
func (b *browser) confirm(email string) *browser {
	b.w.t.Helper()
	return b.prove(b.w.mail(email, "/verify-email/"))
}

func (b *browser) prove(link string) *browser {
	b.w.t.Helper()
	u, err := url.Parse(link)
	if err != nil {
		b.w.t.Fatal(err)
	}
	return b.get(link).post("/verify-email/", "token", u.Query().Get("token"))
}

// ask fills in the sign-up form that an identity has led to.
func (b *browser) ask(email string) *browser {
	b.w.t.Helper()
	if !strings.HasPrefix(b.At.Path, "/oauth/signup/") {
		b.w.t.Fatalf("no sign-up form but %s (%d): %s", b.At, b.Status, b.Text())
	}
	return b.post("/signup/", "login", b.login(), "name", "Somebody", "email", email)
}

// begin begins an account by an identity and is signed in to it.
func (b *browser) begin(provider, subject, email string) *browser {
	b.w.t.Helper()
	b.come(provider, subject).ask(email).confirm(email)
	if got := b.account(); got != email {
		b.w.t.Fatalf("began as %s and is %q: %s", email, got, b.Text())
	}
	return b
}

// link links an identity to the account that is signed in.
func (b *browser) link(provider, subject string) *browser {
	b.w.t.Helper()
	return b.get(b.w.at(provider, b.toLink(provider), subject))
}

// landsAt is the host that a browser goes to when the broker redirects it from
// path; "" it stays. Browsers read a Location more leniently than any RFC: tabs
// and line ends vanish, a backslash is a slash (WHATWG URL Standard, section 4.4).
func (b *browser) landsAt(path string) string {
	b.w.t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, b.absolute(path), nil)
	if err != nil {
		b.w.t.Fatal(err)
	}
	for _, c := range b.Client().Jar.Cookies(r.URL) {
		r.AddCookie(c)
	}
	res, err := b.Client().Transport.RoundTrip(r) // a client refuses what browsers do not
	if err != nil {
		b.w.t.Fatal(err)
	}
	_ = res.Body.Close()
	location := strings.NewReplacer("\t", "", "\r", "", "\n", "", "\\", "/").Replace(strings.Trim(res.Header.Get("Location"), " "))
	if location == "" {
		return ""
	}
	if rest := strings.TrimLeft(location, "/"); len(location)-len(rest) >= 2 {
		location = "//" + rest
	}
	to, err := r.URL.Parse(location)
	if err != nil {
		b.w.t.Fatalf("Location %q: %v", location, err)
	}
	if to.Host == r.URL.Host {
		return ""
	}
	return to.Host
}

// borrowed is another browser with one cookie of this one.
func (b *browser) borrowed(cookie string) *browser {
	b.w.t.Helper()
	u, err := url.Parse(b.w.issuer)
	if err != nil {
		b.w.t.Fatal(err)
	}
	thief := b.w.browser()
	for _, c := range b.Client().Jar.Cookies(u) {
		if c.Name == cookie {
			thief.Client().Jar.SetCookies(u, []*http.Cookie{c})
			return thief
		}
	}
	b.w.t.Fatalf("no cookie %s", cookie)
	return nil
}

// verifier is the PKCE verifier of every application, and challenge its challenge.
var (
	verifier  = strings.Repeat("verifier-", 6)
	sum       = sha256.Sum256([]byte(verifier))
	challenge = base64.RawURLEncoding.EncodeToString(sum[:])
)

// authorize is the authorization request of an application.
func authorize(c client, redirect string) string {
	return "/oauth2/authorize?" + url.Values{
		"client_id": {c.ID}, "redirect_uri": {redirect}, "response_type": {"code"}, "scope": {"openid email"}, "state": {"s"},
		"code_challenge": {challenge}, "code_challenge_method": {"S256"},
	}.Encode()
}

// codeFor is the authorization code that an application gets of who is signed
// in, with their consent; "" none.
func (b *browser) codeFor(c client, redirect string) string {
	b.w.t.Helper()
	scheme, rest, _ := strings.Cut(redirect, "://")
	host, _, _ := strings.Cut(rest, "/")
	b.Stop = scheme + "://" + host // with credentials, where there are some
	defer func() { b.Stop = "" }()
	b.get(authorize(c, redirect))
	if b.Stopped == nil && b.At.Path == "/consent/" {
		b.post("/consent/", "login", b.login(), "decision", "allow")
	}
	if b.Stopped == nil {
		return ""
	}
	return b.Stopped.Query().Get("code")
}

// redeem sends a code to the token endpoint, with a verifier unless it is "", and
// tells whether tokens came.
func (w *world) redeem(c client, code, redirect, verifier string) bool {
	w.t.Helper()
	form := url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirect}, "client_id": {c.ID}, "client_secret": {c.Secret},
	}
	if verifier != "" {
		form.Set("code_verifier", verifier)
	}
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, w.issuer+"/oauth2/token", strings.NewReader(form.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	client := &http.Client{Transport: visitor.Transport(1)}
	res, err := client.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var tokens struct {
		Access string `json:"access_token"`
	}
	return json.NewDecoder(res.Body).Decode(&tokens) == nil && res.StatusCode == http.StatusOK && tokens.Access != ""
}
