package oidf

import (
	"context"
	"net/http"
	"net/url"
	"slices"
)

func rpLogout(section string) Clause {
	return Clause("OpenID Connect RP-Initiated Logout 1.0, " + section)
}

// SignedOut is where a logout request led, and what the browser loaded on the way.
type SignedOut struct {
	Answer
	Frames []Framed
}

// SignOut opens a logout request in the browser, does what the configuration says
// the person does, and what a browser does by itself: it loads frames and follows
// Refresh.
func (r *Run) SignOut(params url.Values) SignedOut {
	u, err := url.Parse(r.endSession())
	if err != nil {
		r.Fatal(rpLogout("2.1"), "end_session_endpoint: %v", err)
	}
	q := u.Query()
	for name, values := range params {
		q[name] = values
	}
	u.RawQuery = q.Encode()
	a := r.Walk(params, u.String(), func(address string) error { return r.Browser.Open(r.ctx, address) })
	frames, err := r.Browser.settle(r.ctx)
	if err != nil {
		r.Fatal(journey, "%v", err)
	}
	for _, f := range frames {
		r.Log("the page has the frame %s", f)
	}
	if now := r.Browser.Arrived(); now != nil && a.Arrival == nil {
		r.Log("back at the application: %s", maskURL(now.URL))
	}
	a.Arrival, a.Page = r.Browser.Arrived(), r.Browser.Page()
	return SignedOut{a, frames}
}

func (r *Run) endSession() string {
	endpoint := r.Metadata.Text("end_session_endpoint")
	if endpoint == "" {
		r.Skip("the OP has no end_session_endpoint: it does not claim RP-Initiated Logout")
	}
	return endpoint
}

// logoutClient makes the client of the configuration, or one that is registered
// with the changes, the module's: it may be left for PostLogoutRedirectURI.
func (r *Run) logoutClient(changes Metadata) *Client {
	r.endSession()
	if r.Variant.Registration == StaticClient {
		return r.Client()
	}
	m := Metadata{"post_logout_redirect_uris": []string{r.PostLogoutRedirectURI()}}
	for name, v := range changes {
		m[name] = v
	}
	c := r.Register(m)
	r.Check(slices.Contains(c.Metadata.List("post_logout_redirect_uris"), r.PostLogoutRedirectURI()), rpLogout("3.1"), "the registration's answer has the post_logout_redirect_uris")
	r.Use(c)
	return c
}

// farewell is a whole logout request for what was signed in.
func (r *Run) farewell(f Flow) url.Values {
	return url.Values{"id_token_hint": {f.RawIDToken()}, "post_logout_redirect_uri": {r.PostLogoutRedirectURI()}, "state": {random()}}
}

// CameBack checks that the browser is at the post_logout_redirect_uri with the
// state that was sent.
func (r *Run) CameBack(s SignedOut) {
	if s.Arrival == nil {
		r.Fatal(rpLogout("3"), "the browser comes back to post_logout_redirect_uri; it stands at %v", s.Page)
	}
	at := *s.Arrival.URL
	at.RawQuery, at.Fragment = "", ""
	r.Check(at.String() == s.Request.Get("post_logout_redirect_uri"), rpLogout("3"), "the browser comes back to post_logout_redirect_uri")
	want, sent := s.Request["state"]
	if sent {
		r.Check(slices.Equal(s.Arrival.Query["state"], want), rpLogout("3"), "state comes back as it was sent, once")
	} else {
		r.Check(!s.Arrival.Query.Has("state"), rpLogout("3"), "there is no state where none was sent")
	}
}

// StayedAtOP checks that the browser was not sent to the application, and shows
// a page for people.
func (r *Run) StayedAtOP(s SignedOut, c Clause, why string) {
	if s.Arrival != nil {
		r.Fatal(c, "the browser is not sent to the application %s; it came to %s", why, maskURL(s.Arrival.URL))
	}
	r.Pass(c, "the browser is not sent to the application %s", why)
	r.Check(s.Page.IsHTML() && s.Page.Text() != "", c, "the person is shown a page (text/html) that says something")
}

// LoggedIn asks the OP, with prompt=none, whether the person is signed in.
func (r *Run) LoggedIn() bool {
	a := r.Visit(r.Request(With("prompt", "none")))
	if a.Arrival == nil {
		r.Fatal(core("3.1.2.1"), "prompt=none is answered without pages; the browser stands at %v", a.Page)
	}
	if p := r.Params(a); p.Has("error") {
		r.Refused(a, core("3.1.2.6"), "login_required", "interaction_required")
		return false
	}
	r.Granted(a)
	return true
}

// Ended checks that the person is not signed in any more.
func (r *Run) Ended() {
	r.Check(!r.LoggedIn(), rpLogout("2"), "the person is signed out at the OP: prompt=none is answered with login_required")
}

// AskedFirst checks what becomes of a session for which the request proves
// nothing: it ends only when the person says so, and then it does. Where the OP
// refuses the request instead (mayRefuse) there is nobody to ask.
func (r *Run) AskedFirst(s SignedOut, mayRefuse bool) {
	in, asked := r.LoggedIn(), len(s.Acted) > 0
	switch {
	case asked:
		r.Check(!in, rpLogout("2"), "who is asked and says yes is signed out")
	case !in:
		r.Fail(rpLogout("2"), "the person was signed out without having been asked, though the request does not prove that it is theirs")
	case mayRefuse:
		r.Pass(rpLogout("2"), "nobody was signed out without having been asked")
	default:
		r.Warn(journey, "nobody was asked whether to sign out: the OP must ask, and the configuration's browser needs an entry for %s* in which the person says yes", r.endSession())
	}
}

// settle is what browsers do by themselves with the page: they load its frames and
// go where Refresh leads.
func (b *Browser) settle(ctx context.Context) (loaded []Framed, err error) {
	for range maxHops {
		p := b.page
		if p == nil {
			return loaded, nil
		}
		for _, src := range p.frames() {
			loaded = append(loaded, b.load(ctx, src))
		}
		to := p.refresh()
		if to == nil {
			return loaded, nil
		}
		if err := b.navigate(ctx, &submission{method: http.MethodGet, to: to}, p.URL); err != nil {
			return loaded, err
		}
	}
	return loaded, nil
}
