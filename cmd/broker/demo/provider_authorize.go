package demo

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// request is an authorization request (OpenID Connect Core 1.0, section
// 3.1.2.1). The page repeats it in hidden fields, and the answer checks it again.
type request struct {
	ClientID, RedirectURI, ResponseType, Scope, State, Nonce string
	Challenge, Method, Prompt                                string
}

func readRequest(form url.Values) request {
	return request{
		ClientID: form.Get("client_id"), RedirectURI: form.Get("redirect_uri"), ResponseType: form.Get("response_type"),
		Scope: form.Get("scope"), State: form.Get("state"), Nonce: form.Get("nonce"),
		Challenge: form.Get("code_challenge"), Method: form.Get("code_challenge_method"), Prompt: form.Get("prompt"),
	}
}

// challengeForm is the form of an S256 code challenge (RFC 7636, section 4.2).
var challengeForm = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// trusted tells why the person cannot even be sent back; "" they can.
func (p *provider) trusted(q request) string {
	switch {
	case q.ClientID != p.app.ClientID:
		return "no client has the id " + quoted(q.ClientID)
	case q.RedirectURI != p.redirectURI:
		return "the redirect URI " + quoted(q.RedirectURI) + " is not registered"
	}
	return ""
}

// refuse tells the error and its description to send back; "" there is none.
func refuse(q request) (code, description string) {
	switch {
	case q.ResponseType != "code":
		return "unsupported_response_type", "response_type must be code"
	case !slices.Contains(strings.Fields(q.Scope), "openid"):
		return "invalid_scope", "scope must contain openid"
	case q.State == "":
		return "invalid_request", "state is missing"
	case q.Nonce == "":
		return "invalid_request", "nonce is missing"
	case q.Method != "S256" || !challengeForm.MatchString(q.Challenge):
		return "invalid_request", "a code_challenge with code_challenge_method S256 is needed"
	case slices.Contains(strings.Fields(q.Prompt), "none"):
		return "login_required", "this provider remembers nobody"
	}
	return "", ""
}

type choosePage struct {
	frame
	Action  string
	Broker  string
	Request request
	People  []Person
	Problem string
}

// getAuthorize serves GET {path}/authorize: who do you want to be?
func (p *provider) getAuthorize(w http.ResponseWriter, r *http.Request) {
	q, ok := p.check(w, r, r.URL.Query())
	if !ok {
		return
	}
	render(w, http.StatusOK, "choose.html", p.choose(q, ""))
}

func (p *provider) choose(q request, problem string) choosePage {
	return choosePage{
		frame:  frame{Title: "Sign in to " + p.app.Title, Part: p.app.Title},
		Action: p.path + "/authorize", Broker: p.brokerURL, Request: q, People: People(), Problem: problem,
	}
}

// postAuthorize serves POST {path}/authorize: the person chose, or said no.
func (p *provider) postAuthorize(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		p.page(w, http.StatusBadRequest, "This form cannot be read.", err.Error())
		return
	}
	q, ok := p.check(w, r, r.PostForm)
	if !ok {
		return
	}
	choice := r.PostForm.Get("person")
	if choice == "deny" {
		p.back(w, r, q, url.Values{"error": {"access_denied"}, "error_description": {"the person said no"}})
		return
	}
	person, ok := personOf(choice)
	if !ok {
		render(w, http.StatusUnprocessableEntity, "choose.html", p.choose(q, "Choose one of these people."))
		return
	}
	at := time.Now()
	code := p.codes.put(grant{
		person: person, redirectURI: q.RedirectURI, challenge: q.Challenge, nonce: q.Nonce, scope: q.Scope, authTime: at,
	}, at)
	p.log.Info("demo provider signed somebody in", "provider", p.app.ID, "person", person.Key)
	p.back(w, r, q, url.Values{"code": {code.Reveal()}})
}

// check answers requests that cannot be served: with a page before the redirect
// URI is trusted, with a redirect after that.
func (p *provider) check(w http.ResponseWriter, r *http.Request, form url.Values) (request, bool) {
	q := readRequest(form)
	if why := p.trusted(q); why != "" {
		p.page(w, http.StatusBadRequest, "The broker sent you here with a request that cannot be trusted.", why)
		return q, false
	}
	if code, description := refuse(q); code != "" {
		p.back(w, r, q, url.Values{"error": {code}, "error_description": {description}})
		return q, false
	}
	return q, true
}

// back redirects to the broker with state and iss (RFC 9207).
func (p *provider) back(w http.ResponseWriter, r *http.Request, q request, v url.Values) {
	v.Set("iss", p.app.Issuer)
	if q.State != "" {
		v.Set("state", q.State)
	}
	to, err := withQuery(q.RedirectURI, v)
	if err != nil {
		p.page(w, http.StatusBadRequest, "The way back cannot be read.", err.Error())
		return
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

func (p *provider) page(w http.ResponseWriter, status int, message, detail string) {
	render(w, status, "error.html", errorPage{
		frame: frame{Title: p.app.Title, Part: p.app.Title}, Message: message, Detail: detail,
		Href: p.brokerURL + "/", Action: "Go to the broker",
	})
}

// quoted bounds foreign text for a page or a log.
func quoted(s string) string {
	if len(s) > 200 {
		s = s[:200] + "…"
	}
	return "“" + strings.ToValidUTF8(s, "�") + "”"
}
