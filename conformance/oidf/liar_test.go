package oidf

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// liar is an OP for sign-outs that does one thing wrong, or "" none. Everybody is
// signed in as soon as they come.
type liar struct {
	*httptest.Server
	lie        string
	key        jose.JSONWebKey
	front      string // frontchannel_logout_uri of its client
	back       string // backchannel_logout_uri
	initiate   string // initiate_login_uri of who registered last
	afterwards string // post_logout_redirect_uri

	mu       sync.Mutex
	sessions map[string]bool
	codes    map[string][3]string // client, nonce, sid
}

func newLiar(t *testing.T, lie string) *liar {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	o := &liar{lie: lie, key: jose.JSONWebKey{Key: private, KeyID: "k", Algorithm: "ES256", Use: "sig"}, sessions: map[string]bool{}, codes: map[string][3]string{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+wellKnown, o.metadata)
	mux.HandleFunc("GET /jwks", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{o.key.Public()}})
	})
	mux.HandleFunc("GET /authorize", o.authorize)
	mux.HandleFunc("POST /token", o.token)
	mux.HandleFunc("GET /end", o.end)
	mux.HandleFunc("POST /yes", func(w http.ResponseWriter, r *http.Request) {
		if !o.is("asks and forgets") {
			o.forget(w, r)
		}
		answerPage(w, http.StatusOK, "<p>Bye")
	})
	mux.HandleFunc("GET /frame", o.frame)
	mux.HandleFunc("POST /register", o.register)
	mux.HandleFunc("GET /open/{client}", o.open)
	o.Server = httptest.NewServer(mux)
	t.Cleanup(o.Close)
	return o
}

func (o *liar) is(lie string) bool { return o.lie == lie }

// either is a where the OP tells the lie and b where not.
func (o *liar) either(lie, a, b string) string {
	if o.is(lie) {
		return a
	}
	return b
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func answerPage(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(status)
	_, _ = fmt.Fprint(w, body)
}

func (o *liar) metadata(w http.ResponseWriter, _ *http.Request) {
	m := map[string]any{
		"issuer": o.URL, "authorization_endpoint": o.URL + "/authorize", "token_endpoint": o.URL + "/token", "jwks_uri": o.URL + "/jwks",
		"registration_endpoint": o.URL + "/register", "id_token_signing_alg_values_supported": []string{"ES256"},
		"end_session_endpoint": o.either("end_session_endpoint without host", "/end", o.URL+"/end"), "check_session_iframe": o.URL + "/frame",
		"frontchannel_logout_supported": true, "frontchannel_logout_session_supported": true, "backchannel_logout_supported": true,
		"backchannel_logout_session_supported": o.lie != "no sessions in the back",
	}
	if o.is("sessions as text") {
		m["frontchannel_logout_session_supported"] = "true"
	}
	reply(w, http.StatusOK, m)
}

func (o *liar) session(r *http.Request) string {
	c, err := r.Cookie("s")
	o.mu.Lock()
	defer o.mu.Unlock()
	if err != nil || !o.sessions[c.Value] {
		return ""
	}
	return c.Value
}

func (o *liar) authorize(w http.ResponseWriter, r *http.Request) {
	q, sid := r.URL.Query(), o.session(r)
	answer := url.Values{"state": {q.Get("state")}}
	if sid == "" && q.Get("prompt") == "none" {
		answer.Set("error", "login_required")
	} else {
		if sid == "" {
			sid = random()
		}
		code := random()
		o.mu.Lock()
		o.sessions[sid], o.codes[code] = true, [3]string{q.Get("client_id"), q.Get("nonce"), sid}
		o.mu.Unlock()
		http.SetCookie(w, &http.Cookie{Name: "s", Value: sid, Path: "/", HttpOnly: true})
		seen := &http.Cookie{Name: "seen", Value: sid, Path: "/frame", Secure: true, SameSite: http.SameSiteNoneMode, HttpOnly: o.is("hidden cookie")}
		if o.is("cookie for its own site") {
			seen.SameSite = http.SameSiteLaxMode
		}
		http.SetCookie(w, seen)
		answer.Set("code", code)
	}
	salt := random()
	text := strings.Join([]string{q.Get("client_id"), originOf(q.Get("redirect_uri")), sid, salt}, " ")
	sum := sha256.Sum256([]byte(text))
	if answer.Set("session_state", base64.RawURLEncoding.EncodeToString(sum[:])+"."+salt); o.is("no session_state") || o.is("no session_state in errors") && answer.Has("error") {
		answer.Del("session_state")
	} else if o.is("session_state with a space") {
		answer.Set("session_state", "a b")
	}
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+answer.Encode(), http.StatusFound)
}

func (o *liar) sign(claims map[string]any, typ string) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: o.key}, (&jose.SignerOptions{}).WithType(jose.ContentType(typ)))
	if err != nil {
		panic(err)
	}
	token, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		panic(err)
	}
	return token
}

func (o *liar) token(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	code := o.codes[r.PostFormValue("code")]
	o.mu.Unlock()
	now := time.Now().Unix()
	claims := map[string]any{"iss": o.URL, "aud": code[0], "sub": "ada", "iat": now, "exp": now + 600, "sid": code[2]}
	if code[1] != "" {
		claims["nonce"] = code[1]
	}
	if o.is("ID token without sid") {
		delete(claims, "sid")
	}
	reply(w, http.StatusOK, map[string]any{"access_token": random(), "token_type": "Bearer", "expires_in": 60, "id_token": o.sign(claims, "JWT")})
}

func (o *liar) forget(w http.ResponseWriter, r *http.Request) {
	if o.is("keeps the session") {
		return
	}
	sid := o.session(r)
	o.mu.Lock()
	delete(o.sessions, sid)
	o.mu.Unlock()
	if !o.is("stale cookie") {
		http.SetCookie(w, &http.Cookie{Name: "seen", Value: "", Path: "/frame", Secure: true, SameSite: http.SameSiteNoneMode, MaxAge: -1})
	}
}

// good tells whether a hint is ours.
func (o *liar) good(hint string) bool {
	parts := strings.Split(hint, ".")
	if o.is("takes unsigned hints") && len(parts) == 3 && parts[2] == "" || o.is("takes anybody's hints") && len(parts) == 3 && parts[2] != "" {
		return true
	}
	signed, err := jose.ParseSignedCompact(hint, signatures)
	if err != nil {
		return false
	}
	_, err = signed.Verify(o.key.Public().Key)
	return err == nil
}

func (o *liar) end(w http.ResponseWriter, r *http.Request) {
	q, sid := r.URL.Query(), o.session(r)
	to, hint := q.Get("post_logout_redirect_uri"), q.Get("id_token_hint")
	known := to == o.afterwards || o.is("goes anywhere") && strings.HasPrefix(to, o.afterwards) || o.is("passes over queries") && strings.HasPrefix(to, o.afterwards+"?")
	switch {
	case hint != "" && !o.good(hint), hint != "" && to != "" && !known:
		answerPage(w, http.StatusBadRequest, "<p>This sign-out is wrong.")
		return
	case hint == "" && !o.is("never asks") && !o.is("goes on without a hint"):
		answerPage(w, http.StatusOK, `<form method="post" action="/yes"><button>Yes</button></form>`)
		return
	}
	o.forget(w, r)
	if o.is("goes on without a hint") && to != "" || hint != "" && to != "" {
		u, _ := url.Parse(to)
		back := u.Query()
		if state := q.Get("state"); state != "" && !o.is("drops state") {
			back.Set("state", state)
		} else if o.is("makes up state") {
			back.Set("state", "x")
		}
		u.RawQuery = back.Encode()
		to = u.String()
		o.tell(sid)
		o.goodbye(w, r, sid, o.either("goes elsewhere", o.afterwards+"/x", to))
		return
	}
	answerPage(w, http.StatusOK, o.either("says nothing", "", "<p>Bye"))
}

// goodbye is the page with frames, where the client has an address for them.
func (o *liar) goodbye(w http.ResponseWriter, r *http.Request, sid, to string) {
	if o.front == "" || o.is("no frame") {
		http.Redirect(w, r, to, http.StatusFound)
		return
	}
	src := url.Values{"iss": {o.either("foreign iss", "https://evil.example", o.URL)}, "sid": {o.either("foreign sid", "x", sid)}}
	switch o.lie {
	case "only iss":
		src.Del("sid")
	case "more in the frame":
		src.Set("more", "1")
	case "policy without frames":
		w.Header().Set("Content-Security-Policy", "default-src 'self'")
	}
	w.Header().Set("Refresh", "1; url="+to)
	answerPage(w, http.StatusOK, `<iframe src="`+html.EscapeString(o.front+"?"+src.Encode())+`"></iframe>`)
}

// tell posts the logout token.
func (o *liar) tell(sid string) {
	if o.back == "" || o.is("tells nobody") {
		return
	}
	now := time.Now().Unix()
	claims := map[string]any{
		"iss": o.URL, "aud": "c", "sub": "ada", "iat": now, "exp": now + 120, "jti": random(), "sid": o.either("token for another session", "x", sid),
		"events": map[string]any{logoutEvent: map[string]any{}},
	}
	if o.is("token with nonce") {
		claims["nonce"] = "n"
	}
	form := url.Values{"logout_token": {o.sign(claims, o.either("token without its typ", "JWT", logoutType))}}.Encode()
	kind := o.either("token as text", "text/plain", "application/x-www-form-urlencoded")
	if res, err := http.Post(o.back, kind, strings.NewReader(form)); err == nil {
		_ = res.Body.Close()
	}
}

func (o *liar) frame(w http.ResponseWriter, _ *http.Request) {
	switch o.lie {
	case "no framing":
		w.Header().Set("X-Frame-Options", "DENY")
	case "no ancestors":
		w.Header().Set("Content-Security-Policy", "frame-ancestors 'self'")
	}
	answerPage(w, http.StatusOK, o.either("no script", "<p>Hello", o.either("script is missing", `<script src="/nothing.js"></script>`, "<script>1</script>")))
}

func (o *liar) register(w http.ResponseWriter, r *http.Request) {
	var m map[string]any
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		reply(w, http.StatusBadRequest, map[string]any{"error": "invalid_client_metadata"})
		return
	}
	o.initiate, _ = m["initiate_login_uri"].(string)
	if strings.HasPrefix(o.initiate, "http://") && !o.is("takes http") {
		reply(w, http.StatusBadRequest, map[string]any{"error": o.either("another error", "invalid_redirect_uri", "invalid_client_metadata")})
		return
	}
	m["client_id"], m["client_secret"], m["client_secret_expires_at"] = "c", "s", 0
	if o.is("forgets initiate_login_uri") {
		delete(m, "initiate_login_uri")
	}
	reply(w, http.StatusCreated, m)
}

func (o *liar) open(w http.ResponseWriter, r *http.Request) {
	to := o.initiate + "&" + url.Values{"iss": {o.either("foreign iss", "https://evil.example", o.URL)}}.Encode()
	switch o.lie {
	case "drops the query":
		to = strings.Split(o.initiate, "?")[0] + "?iss=" + url.QueryEscape(o.URL)
	case "opens nothing":
		answerPage(w, http.StatusOK, "<p>Hello")
		return
	case "more parameters":
		to += "&more=1"
	}
	http.Redirect(w, r, to, http.StatusFound)
}
