package web

import (
	"net/http"
	"strconv"
	"time"

	"idbroker/broker"
)

// checkSessionPath is where applications ask, from their own pages and without
// the network, whether the session still stands (OpenID Connect Session
// Management 1.0, section 3.3). The state cookie goes to no other path.
const checkSessionPath = "/oauth2/check-session"

// stateCookie holds the browser state of the session, which is no secret: it is
// for the script at checkSessionPath alone.
const stateCookie = "broker_state"

// checkSessionAge is how long browsers keep the page, in seconds. It names the
// script by its hash, so it must not outlive an upgrade by much.
const checkSessionAge = 300

// stateCookieOf makes the state cookie; state "" removes it. Unlike all others
// the script reads it, in a frame on an application's page: so it is neither
// HttpOnly nor, on HTTPS, bound to our own site.
func (c cookies) stateCookieOf(state string) *http.Cookie {
	k := &http.Cookie{Name: stateCookie, Value: state, Path: checkSessionPath, SameSite: http.SameSiteLaxMode}
	if c.secure {
		k.Name, k.Secure, k.SameSite = "__Secure-"+stateCookie, true, http.SameSiteNoneMode
	}
	if state == "" {
		k.MaxAge = -1
	}
	return k
}

// setState tells the frames on applications' pages which session this browser
// has; "" none.
func (s *Server) setState(w http.ResponseWriter, sid string) {
	http.SetCookie(w, s.cookies.stateCookieOf(s.tokens.BrowserState(sid)))
}

// setStateOf is setState for a session, which may outlive the browser.
func (s *Server) setStateOf(w http.ResponseWriter, row broker.Session, at time.Time) {
	k := s.cookies.stateCookieOf(s.tokens.BrowserState(row.SID))
	if row.Lasting {
		k.MaxAge = int(row.ExpiresAt.Sub(at) / time.Second)
	}
	http.SetCookie(w, k)
}

// getCheckSession serves GET /oauth2/check-session: the same for everybody, so
// it looks at nothing. Applications load it into a frame; it may run our script
// and do nothing else.
func (s *Server) getCheckSession() http.HandlerFunc {
	script, err := s.pages.assets.path("check_session.js")
	body := `<!doctype html><meta charset="utf-8"><title>Session</title><script src="` + script + `"></script>` + "\n"
	return func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		if err != nil { // it is part of the program
			http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
			return
		}
		h.Del("X-Frame-Options")
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors *")
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Cache-Control", "public, max-age="+strconv.Itoa(checkSessionAge))
		h.Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write([]byte(body))
	}
}
