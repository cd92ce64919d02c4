package web

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gorilla/sessions"

	"idbroker/broker"
	"idbroker/broker/local"
)

// visit is what a request tells of its visitor. The adapter makes it, enter
// fills it in.
type visit struct {
	at        time.Time         // when the request came
	jar       *sessions.Session // nil: the route does not look at sessions
	session   broker.Session    // zero: none that counts
	ended     bool              // the browser shows a session that has ended
	user      *broker.User      // nil: nobody is signed in
	owing     *broker.User      // whose second factor the request is about, before they are signed in; nil nobody's
	inTime    bool              // the form that was sent was opened while the sign-in was fresh
	twoThere  bool              // the provider that they have just come from has seen two factors
	proven    broker.User       // who has just been authenticated, as read then; zero nobody
	browser   broker.Secret     // "" the browser has no cookie yet
	form      formValues        // of a POST, sent as a form or as JSON
	query     formValues
	onlyJSON  bool          // the route knows no pages
	locales   string        // ui_locales of the login that the page belongs to
	returnTo  string        // way on for an error page; "" the start page
	challenge broker.Secret // for the next form that is shown; "" none
	devices   broker.Secret // deviceCookie as this answer writes it; "" as it came
}

type visitKey struct{}

// visitOf is the visit of a request that came through the adapter.
func visitOf(r *http.Request) *visit {
	v, _ := r.Context().Value(visitKey{}).(*visit)
	return v
}

// page makes a route of a handler that looks at who is there.
func (s *Server) page(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := s.enter(w, r)
		if err == nil {
			err = h(w, r)
		}
		if err != nil {
			s.fail(w, r, err)
		}
	}
}

// member makes a route of a handler that somebody must be signed in for. Who is
// not is sent to sign in and comes back to what they wanted to see; what
// they wanted to do is not done for them behind that.
func (s *Server) member(h handler) http.HandlerFunc {
	return s.page(func(w http.ResponseWriter, r *http.Request) error {
		isolate(w)
		if visitOf(r).user != nil {
			return h(w, r)
		}
		if (r.Method == http.MethodGet || r.Method == http.MethodHead) && !wantsJSON(r) {
			return s.redirect(w, r, "/login/?next="+url.QueryEscape(r.URL.RequestURI()))
		}
		return broker.ErrSignIn
	})
}

// enter reads the form, the session and its user.
func (s *Server) enter(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	if err := v.read(r, s.operation(r)); err != nil {
		return err
	}
	v.browser = s.cookies.secretCookie(r, browserCookie)
	jar, err := s.sessions.Get(r, sessionCookie)
	v.jar = jar
	if err != nil {
		return err
	}
	if st, ok := jar.Values[stolenKey{}].(stolen); ok {
		delete(jar.Values, stolenKey{})
		return s.endStolen(w, r, st)
	}
	if cookie, ok := jar.Values[turnKey{}].(*http.Cookie); ok {
		http.SetCookie(w, cookie)
	}
	if _, v.ended = jar.Values[endedKey{}]; v.ended {
		delete(jar.Values, endedKey{})
	}
	row := rowOf(jar)
	if row.UserID == "" {
		v.session = row
		return nil
	}
	user, _ := jar.Values[userKey{}].(broker.User)
	if user.ID != row.UserID || user.Disabled() {
		return s.drop(w, r) // the session dies with the account
	}
	if row.Remembered == "" && s.accounts.OwesFactor(user, row.ACR) {
		return s.drop(w, r) // it began before the second factor did
	}
	v.session, v.user = row, &user
	s.grace(r)
	return nil
}

// operation is what the table says of the route of a request; zero nothing.
func (s *Server) operation(r *http.Request) operation {
	v, op := visitOf(r), s.operations[r.Pattern]
	if s.onField != nil {
		asked := func(name string) { s.onField(r.Pattern, name) }
		v.form.asked, v.query.asked = asked, asked
	}
	return op
}

// read parses query and body of a request for op. Text that is not UTF-8 or holds
// a NUL is nobody's typing, and databases choke on it; a field that comes twice
// is ambiguous.
func (v *visit) read(r *http.Request, op operation) error {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return errForm.Becausef("malformed query") // the cause would show a piece of it
	}
	if err := textual(query); err != nil {
		return err
	}
	if !utf8.ValidString(r.URL.Path) || strings.ContainsRune(r.URL.Path, 0) {
		return errText.Becausef("path")
	}
	for _, m := range wildcard.FindAllStringSubmatch(r.Pattern, -1) {
		if name := m[1]; !isID(r.PathValue(name)) {
			return errNoSuchPage.At(name)
		}
	}
	v.query.Values, v.form.Values = query, url.Values{}
	if err := once(op.query, query); err != nil {
		return err
	}
	if wantsJSON(r) && op.takesJSON() { // programs have no old links: what the document says of a query holds
		if err := checkQuery(op.query, query); err != nil {
			return err
		}
	}
	if r.Method != http.MethodPost {
		return nil
	}
	switch kind := sentType(r); {
	case kind == jsonMediaType && op.takesJSON():
		v.form.Values, err = readJSON(r, op.fields)
		return err
	case kind != formMediaType && r.ContentLength != 0:
		return errForm.Becausef("content type %.100q", r.Header.Get("Content-Type"))
	}
	if err := r.ParseForm(); err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return errTooLarge
		}
		return errForm.Becausef("malformed form")
	}
	v.form.Values = r.PostForm
	if err := textual(v.form.Values); err != nil {
		return err
	}
	return checkAll(op.fields, v.form.Values)
}

func textual(values url.Values) error {
	for name, all := range values {
		if !utf8.ValidString(name) || strings.ContainsRune(name, 0) {
			return errText.Becausef("name of a field")
		}
		for _, value := range all {
			if !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
				return about(errTextIn, name)
			}
		}
	}
	return nil
}

// value is a parameter of the form, or of the query where the request has no
// form.
func (v *visit) value(name string) string {
	if v.form.Has(name) {
		return v.form.Get(name)
	}
	return v.query.Get(name)
}

// next is the local path to go to at the end; "" none that is safe.
func (v *visit) next() string { return broker.LocalPath(v.value("next")) }

// base begins a page: language, user, and the notice that waits to be shown.
func (s *Server) base(r *http.Request) base {
	v := visitOf(r)
	path := r.URL.RequestURI()
	if r.Method != http.MethodGet || broker.LocalPath(path) == "" {
		path = "/" // a form cannot be returned to
		if v.query.Values != nil && broker.LocalPath(r.URL.Path) != "" {
			path = r.URL.Path
			if login := or(v.form.Values.Get("login"), v.query.Values.Get("login")); login != "" {
				path += "?login=" + url.QueryEscape(login)
			}
		}
	}
	if strings.HasPrefix(path, "/oauth/authorized/") {
		path = "/login/" // a code is for one use, and for no page
	}
	b := s.pages.base(s.language(r), path, v.user, v.at)
	b.Challenge = s.challengeOf(v)
	b.Zone = s.zone(v.user)
	if v.user != nil {
		b.Started = s.started(v)
	}
	return b
}

// language is what the visitor reads: what the application asked for, what they
// chose, what their browser sends.
func (s *Server) language(r *http.Request) string {
	v := visitOf(r)
	preference := s.cookies.read(r, languageCookie)
	if v.user != nil {
		preference = or(v.user.Locale, preference)
	}
	return s.cat.Match(v.locales, preference, r.Header.Get("Accept-Language"))
}

// show writes a page, with the notice that waits to be shown.
func (s *Server) show(w http.ResponseWriter, r *http.Request, status int, p page) error {
	n, err := s.takeNotice(w, r)
	if err != nil {
		return err
	}
	if p.top().Flash == nil {
		p.top().Flash = n
	}
	if c := p.top().Challenge; c != nil && c.Captcha != nil {
		openForCaptcha(w, c.Captcha)
	}
	return s.render(w, r, status, p)
}

// redirect sends the browser on with GET. to is a path of ours, or a URL that a
// room has found trustworthy.
func (s *Server) redirect(w http.ResponseWriter, r *http.Request, to string) error {
	if wantsJSON(r) {
		return s.giveLocation(w, r, to)
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

// drop ends the session of the request without a word to anybody.
func (s *Server) drop(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	v.jar.Options.MaxAge = -1
	s.setState(w, "")
	err := s.sessions.Save(r, w, v.jar)
	v.session, v.user = broker.Session{}, nil
	v.jar = sessions.NewSession(s.sessions, sessionCookie)
	return err
}

// printable is s without what cannot be printed, at most max bytes.
func printable(s string, max int) string {
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
	for len(s) > max {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}

// hostPort is a host with its port; "" the scheme's own.
type hostPort struct{ name, port string }

func splitHost(host string) hostPort {
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		return hostPort{name: strings.Trim(host, "[]")}
	}
	return hostPort{name, port}
}

// zone is the time zone of whoever is signed in, or the operator's.
func (s *Server) zone(u *broker.User) *time.Location {
	name := s.o.Zone
	if u != nil && u.Details.Zone != "" {
		name = u.Details.Zone
	}
	if loc, ok := s.zones.Load(name); ok {
		return loc.(*time.Location)
	}
	loc, ok := local.Zone(name)
	if ok { // there are a few hundred names
		s.zones.Store(name, loc)
	}
	return loc
}
