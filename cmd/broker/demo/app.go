package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"idbroker/broker"
)

const (
	callbackPath  = "/callback"
	signedOutPath = "/signed-out"
	appPart       = "Demo Application"
)

var appScopes = []string{oidc.ScopeOpenID, "profile", "email", oidc.ScopeOfflineAccess}

// app is a relying party as an application's author would write it with
// x/oauth2 and go-oidc.
type app struct {
	issuer, baseURL, mailboxURL string
	secret                      broker.Secret
	log                         *slog.Logger
	http                        *http.Client
	visits                      visits

	mu     sync.Mutex
	issued *issuer // nil: not discovered yet
}

// issuer is what discovery told of the broker.
type issuer struct {
	provider   *oidc.Provider
	verifier   *oidc.IDTokenVerifier
	oauth      oauth2.Config
	revocation string
	endSession string
	sendsIss   bool // RFC 9207
}

// signedIn is what the application got of the broker.
type signedIn struct {
	token    *oauth2.Token
	rawID    string
	subject  string
	claims   json.RawMessage // of the verified ID token
	userInfo json.RawMessage
	userErr  string // why there is no userInfo
	at       time.Time
}

func newApp(o Options) http.Handler {
	a := &app{
		issuer: o.Issuer, baseURL: o.AppURL, mailboxURL: o.MailboxURL, secret: o.ClientSecret, log: o.Log,
		http:   &http.Client{Timeout: remoteTimeout, Transport: bounded{http.DefaultTransport}},
		visits: visits{m: map[string]*visit{}},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.getStart)
	mux.HandleFunc("GET /sign-in", a.getSignIn)
	mux.HandleFunc("GET "+callbackPath, a.getCallback)
	mux.HandleFunc("GET "+signedOutPath, a.getSignedOut)
	mux.Handle("POST /refresh", sameOrigin(a.postRefresh))
	mux.Handle("POST /userinfo", sameOrigin(a.postUserInfo))
	mux.Handle("POST /revoke", sameOrigin(a.postRevoke))
	mux.Handle("POST /sign-out", sameOrigin(a.postSignOut))
	return part(o.AppURL, []string{o.Issuer}, mux)
}

// discover asks the broker for its endpoints until it has answered once.
func (a *app) discover(ctx context.Context) (*issuer, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.issued != nil {
		return a.issued, nil
	}
	p, err := oidc.NewProvider(oidc.ClientContext(ctx, a.http), a.issuer)
	if err != nil {
		return nil, fmt.Errorf("discover %s: %w", a.issuer, err)
	}
	var more struct {
		Revocation string `json:"revocation_endpoint"`
		EndSession string `json:"end_session_endpoint"`
		SendsIss   bool   `json:"authorization_response_iss_parameter_supported"`
	}
	if err := p.Claims(&more); err != nil {
		return nil, fmt.Errorf("discover %s: %w", a.issuer, err)
	}
	endpoint := p.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInHeader
	a.issued = &issuer{
		provider: p,
		verifier: p.Verifier(&oidc.Config{ClientID: ClientID}),
		oauth: oauth2.Config{
			ClientID: ClientID, ClientSecret: a.secret.Reveal(), Endpoint: endpoint,
			RedirectURL: a.baseURL + callbackPath, Scopes: appScopes,
		},
		revocation: more.Revocation, endSession: more.EndSession, sendsIss: more.SendsIss,
	}
	return a.issued, nil
}

// startPage is the application's one page: an invitation, or what it knows.
type startPage struct {
	frame
	Issuer     string
	MailboxURL string
	Notice     string
	In         *inView
}

type inView struct {
	Called     string
	Claims     []claimRow
	UserInfo   []claimRow
	UserErr    string
	CanRefresh bool
	Expiry     string
	At         string
}

// getStart serves GET /.
func (a *app) getStart(w http.ResponseWriter, r *http.Request) {
	page := startPage{frame: frame{Title: appPart, Part: appPart}, Issuer: a.issuer, MailboxURL: a.mailboxURL}
	a.visits.with(w, r, false, func(v *visit) {
		page.Notice, v.notice = v.notice, ""
		if v.signedIn != nil {
			page.In = viewOf(v.signedIn)
		}
	})
	render(w, http.StatusOK, "start.html", page)
}

// getSignedOut serves GET /signed-out, where the broker leads after a sign-out.
func (a *app) getSignedOut(w http.ResponseWriter, r *http.Request) {
	page := startPage{frame: frame{Title: appPart, Part: appPart}, Issuer: a.issuer, MailboxURL: a.mailboxURL}
	page.Notice = "You are signed out of this application and of the broker."
	render(w, http.StatusOK, "start.html", page)
}

// fail shows what went wrong in the application.
func (a *app) fail(w http.ResponseWriter, status int, message string, err error) {
	detail := ""
	if err != nil {
		detail = err.Error()
		a.log.Info("demo application shows an error", "status", status, "message", message)
	}
	render(w, status, "error.html", errorPage{
		frame: frame{Title: appPart, Part: appPart}, Message: message, Detail: detail, Href: "/", Action: "Back to the start",
	})
}

// bounded limits what is read of an answer.
type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := b.next.RoundTrip(r)
	if err == nil {
		res.Body = http.MaxBytesReader(nil, res.Body, remoteBytes)
	}
	return res, err
}

// withQuery adds parameters to an endpoint that may have some.
func withQuery(endpoint string, add url.Values) (string, error) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return "", err
	}
	q := u.Query()
	for k, v := range add {
		q[k] = v
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}
