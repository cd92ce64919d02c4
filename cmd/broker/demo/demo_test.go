package demo

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
)

// site is a demo on real listeners. Its "broker" is a demo provider, which
// speaks the same protocol; what it lacks, a test adds to more.
type site struct {
	*Demo
	app, providers, mailbox *httptest.Server
	issuer                  *provider // plays the broker for the application
	more                    *http.ServeMux
	down                    bool // the broker does not answer
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{more: http.NewServeMux()}
	handler := func(get func() http.Handler) *httptest.Server {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { get().ServeHTTP(w, r) }))
		t.Cleanup(srv.Close)
		return srv
	}
	var play http.Handler
	brokerSrv := handler(func() http.Handler {
		if s.down {
			return http.NotFoundHandler()
		}
		return play
	})
	s.app = handler(func() http.Handler { return s.App })
	s.providers = handler(func() http.Handler { return s.Provider })
	s.mailbox = handler(func() http.Handler { return s.Mailbox })
	o := Options{Issuer: brokerSrv.URL, AppURL: s.app.URL, ProviderURL: s.providers.URL, MailboxURL: s.mailbox.URL}
	d, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Demo = d

	o.RedirectURI = func(string) string { return s.app.URL + callbackPath }
	o.Log = discard
	s.issuer = newProvider(o, "broker", "Broker", broker.ES256)
	s.issuer.path = ""
	s.issuer.app = ProviderApp{Issuer: brokerSrv.URL, ClientID: ClientID, ClientSecret: d.ClientSecret()}
	inner := providerHandler(Options{Issuer: brokerSrv.URL, AppURL: s.app.URL, ProviderURL: brokerSrv.URL}, []*provider{s.issuer})
	s.more.Handle("/", inner)
	play = s.more
	return s
}

// browser keeps cookies and does not follow redirects by itself.
type browser struct {
	t *testing.T
	*http.Client
}

func newBrowser(t *testing.T) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t, &http.Client{
		Jar: jar, Timeout: 10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// answer is a response that has been read.
type answer struct {
	*http.Response
	body string
}

func (b *browser) do(r *http.Request) answer {
	b.t.Helper()
	res, err := b.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer{res, string(body)}
}

func (b *browser) get(to string) answer {
	b.t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, to, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.do(r)
}

func (b *browser) post(to string, form url.Values, header ...string) answer {
	b.t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, to, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return b.do(r)
}

// to is where a redirect leads.
func (a answer) to(t *testing.T) *url.URL {
	t.Helper()
	u, err := a.Location()
	if err != nil {
		t.Fatalf("%s %s: %v: %s", a.Request.Method, a.Request.URL, err, a.body)
	}
	return u
}

var hidden = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)">`)

// fields are the hidden fields of the page.
func (a answer) fields() url.Values {
	v := url.Values{}
	for _, m := range hidden.FindAllStringSubmatch(a.body, -1) {
		v.Set(m[1], strings.NewReplacer("&#43;", "+", "&amp;", "&").Replace(m[2]))
	}
	return v
}

func TestNewRefusesWrongURLs(t *testing.T) {
	ok := Options{Issuer: "http://127.0.0.1:1", AppURL: "http://127.0.0.1:2", ProviderURL: "http://127.0.0.1:3", MailboxURL: "https://[::1]:4"}
	if _, err := New(ok); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", "127.0.0.1:1", "ftp://127.0.0.1", "http://", "http://127.0.0.1:1/", "http://127.0.0.1?x", "http://[::1"} {
		for i, o := range []Options{ok, ok, ok, ok} {
			*[]*string{&o.Issuer, &o.AppURL, &o.ProviderURL, &o.MailboxURL}[i] = bad
			if _, err := New(o); err == nil {
				t.Errorf("URL %d = %q is accepted", i, bad)
			}
		}
	}
}

func TestClientAndProviders(t *testing.T) {
	s := newSite(t)
	c := s.Client(time.Now())
	if !c.Authenticates(s.ClientSecret(), time.Now()) || c.Public() || c.FirstParty || !c.RequirePKCE {
		t.Errorf("registration: %+v", c)
	}
	if c.RedirectURIs[0] != s.app.URL+"/callback" || c.PostLogoutRedirectURIs[0] != s.app.URL+"/signed-out" {
		t.Errorf("URIs: %q, %q", c.RedirectURIs, c.PostLogoutRedirectURIs)
	}
	if ps := s.Providers(); len(ps) != 2 || ps[0].Issuer == ps[1].Issuer || ps[0].ClientSecret == ps[1].ClientSecret {
		t.Errorf("providers: %+v", ps)
	}
	var verified, unverified, none int
	for _, p := range People() {
		switch {
		case p.Email == "":
			none++
		case p.EmailVerified:
			verified++
		default:
			unverified++
		}
	}
	if verified != 1 || unverified != 1 || none != 1 {
		t.Errorf("people: %d verified, %d unverified, %d without", verified, unverified, none)
	}
	if _, ok := personOf("mallory"); ok {
		t.Error("mallory is known")
	}
}

// Every page of every part has the same strict headers and says that it is a
// demo; nothing is inline.
func TestPagesAreStrict(t *testing.T) {
	s, b := newSite(t), newBrowser(t)
	for _, at := range []string{
		s.app.URL + "/", s.app.URL + "/signed-out", s.app.URL + "/callback", s.app.URL + "/nothing",
		s.providers.URL + "/", s.providers.URL + "/harbour/authorize", s.mailbox.URL + "/",
	} {
		a := b.get(at)
		if csp := a.Header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'") {
			t.Errorf("%s: policy %q", at, csp)
		}
		if a.Header.Get("X-Content-Type-Options") != "nosniff" || a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: headers %v", at, a.Header)
		}
		if a.StatusCode != http.StatusNotFound && !strings.Contains(a.body, "a demo on this computer") {
			t.Errorf("%s does not say that it is a demo: %s", at, a.body)
		}
		if regexp.MustCompile(`(?i)<script|<style|\sstyle=|\son[a-z]+=|javascript:`).MatchString(a.body) {
			t.Errorf("%s has inline code: %s", at, a.body)
		}
	}
	if a := b.get(s.mailbox.URL + "/demo.css"); a.StatusCode != 200 || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/css") {
		t.Errorf("stylesheet: %d %q", a.StatusCode, a.Header.Get("Content-Type"))
	}
}

// A name that is not the configured one leads to it: cookies and redirect URIs
// belong to one host, and a rebound DNS name reads nothing.
func TestOtherHostNames(t *testing.T) {
	s, b := newSite(t), newBrowser(t)
	other := strings.Replace(s.app.URL, "127.0.0.1", "localhost", 1)
	if a := b.get(other + "/callback?code=x"); a.StatusCode != http.StatusTemporaryRedirect || a.to(t).String() != s.app.URL+"/callback?code=x" {
		t.Errorf("GET: %d %v", a.StatusCode, a.Header)
	}
	if a := b.post(other+"/sign-out", nil); a.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("POST: %d", a.StatusCode)
	}
}

func TestForeignPostsAreRefused(t *testing.T) {
	s, b := newSite(t), newBrowser(t)
	for _, at := range []string{
		s.app.URL + "/refresh", s.app.URL + "/userinfo", s.app.URL + "/revoke", s.app.URL + "/sign-out", s.providers.URL + "/harbour/authorize",
	} {
		if a := b.post(at, nil, "Sec-Fetch-Site", "cross-site"); a.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %d", at, a.StatusCode)
		}
		if a := b.post(at, nil, "Origin", "http://evil.example"); a.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %d", at, a.StatusCode)
		}
	}
}
