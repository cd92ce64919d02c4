package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"time"

	"idbroker/broker"
)

// startedField is the field of a form that was opened while the sign-in was fresh.
// It lets the form be sent for a while longer (Options.FreshGrace): nobody fills one
// in for naught. Who finds the browser open later opens no such form.
const startedField = "started"

// started is what that field holds: it is worth something in this session alone, and
// for this sign-in. "" where the session is not fresh.
func (s *Server) started(v *visit) string {
	now := v.session
	now.Grace = time.Time{}
	if s.o.FreshGrace > 0 && (now.Fresh(s.o.FreshFor, v.at) || v.inTime) { // a form that is shown again was opened then
		return s.startedMAC(v.session)
	}
	return ""
}

func (s *Server) startedMAC(row broker.Session) string {
	m := hmac.New(sha256.New, s.o.FormKey[:])
	_, _ = m.Write([]byte("started\x00" + row.IDHash + "\x00" + strconv.FormatInt(row.AuthTime.UnixMicro(), 10)))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// isStarted tells whether the form of a visit was opened in its session while that
// was fresh.
func (s *Server) isStarted(v *visit) bool {
	return v.session.UserID != "" && hmac.Equal([]byte(v.form.Get(startedField)), []byte(s.startedMAC(v.session)))
}

// grace lets a form that was opened in time be sent.
func (s *Server) grace(r *http.Request) {
	v := visitOf(r)
	if s.o.FreshGrace > 0 && r.Method == http.MethodPost && s.isStarted(v) {
		v.inTime = true
		v.session.Grace = v.session.AuthTime.Add(s.o.FreshFor + s.o.FreshGrace)
	}
}

// fresh tells whether the visitor has signed in a moment ago, or had when they opened
// the form that they send.
func (s *Server) fresh(v *visit) bool { return v.session.Fresh(s.o.FreshFor, v.at) }
