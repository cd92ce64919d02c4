package tokens

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
)

// BrowserState is the OP browser state of a session (OpenID Connect Session
// Management 1.0, section 3.2): it changes with the session and opens nothing.
// Applications know the sid, so it is a MAC and they cannot compute it.
func (s *Service) BrowserState(sid string) string {
	key, err := hkdf.Key(sha256.New, s.oldest[:], nil, "idbroker browser state v1", sha256.Size)
	if err != nil || sid == "" { // an error is impossible: the length is fixed
		return ""
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(sid))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16])
}

// withSessionState adds session_state to the answer to an approved request with
// the scope openid.
func (s *Service) withSessionState(a *Authorization, p Approval, params url.Values) url.Values {
	if p.Session.SID != "" {
		s.addSessionState(params, a, p.Scopes, p.Session.SID)
	}
	return params
}

// addSessionState adds session_state for a session, "" for that nobody is signed
// in. What is sent to an application without a web origin carries none: no page
// of it could ask.
func (s *Service) addSessionState(params url.Values, a *Authorization, scopes []string, sid string) {
	if origin := messageOrigin(a.RedirectURI); origin != "" && slices.Contains(scopes, scopeOpenID) {
		params.Set("session_state", sessionState(a.Client.ID, origin, s.BrowserState(sid), rand.Text()[:16]))
	}
}

// sessionState is what web/static/check_session.js computes again.
func sessionState(client, origin, state, salt string) string {
	sum := sha256.Sum256([]byte(client + " " + origin + " " + state + " " + salt))
	return base64.RawURLEncoding.EncodeToString(sum[:]) + "." + salt
}

// messageOrigin is the origin of a URI as browsers write it in messages: without
// the port that the scheme has by itself; "" for what is not http or https.
func messageOrigin(uri string) string {
	u, err := url.Parse(uri)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return ""
	}
	host, usual := strings.ToLower(u.Host), map[string]string{"http": ":80", "https": ":443"}[u.Scheme]
	return u.Scheme + "://" + strings.TrimSuffix(strings.TrimSuffix(host, usual), ":")
}
