package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/limits"
)

// Names of what a form carries about a challenge.
const (
	challengeField = "challenge"
	solutionField  = "solution"
)

// errChallenge: there were too many tries here. The form comes back with a
// challenge that the browser solves by itself.
var errChallenge = &broker.Error{Kind: broker.KindTooMany, Message: "limits.challenge"}

// errWait: also with solved challenges there were too many tries.
var errWait = &broker.Error{Kind: broker.KindTooMany, Message: "limits.wait"}

// challengeView is what a form shows of a challenge: templates/_parts.html,
// solved by static/challenge.js.
type challengeView struct {
	Text    broker.Secret
	Bits    int            // zero bits that its solution makes
	Seconds int            // until the form may be sent without a solution
	Captcha *limits.Widget // that stands in for it; nil none
}

// tryPassword asks the limits before a password is looked at. account is what
// was typed to name it. The verdict goes to limitRight when the password was right.
func (s *Server) tryPassword(w http.ResponseWriter, r *http.Request, account string) (limits.Verdict, error) {
	if s.o.Limits == nil {
		return limits.Verdict{}, nil
	}
	v, err := s.o.Limits.Password(r.Context(), visitOf(r).at, s.visitor(w, r), accountKey(account))
	return v, s.limited(w, r, v, err)
}

// tryMail asks the limits before a form has us mail an address. silent says to
// answer as if it had been mailed.
func (s *Server) tryMail(w http.ResponseWriter, r *http.Request, address string) (silent bool, err error) {
	v, err := s.tryMailing(w, r, address, false)
	return v.Silent, err
}

// tryCode is tryMail for a code.
func (s *Server) tryCode(w http.ResponseWriter, r *http.Request, address string) (local.CodeAsk, error) {
	v, err := s.tryMailing(w, r, address, true)
	return local.CodeAsk{Silent: v.Silent, Own: v.Own, Proven: v.Proven}, err
}

func (s *Server) tryMailing(w http.ResponseWriter, r *http.Request, address string, code bool) (limits.Verdict, error) {
	if s.o.Limits == nil {
		return limits.Verdict{}, nil
	}
	v, err := s.o.Limits.Mail(r.Context(), visitOf(r).at, s.visitor(w, r), accountKey(address), code)
	if v.Silent {
		s.log.InfoContext(r.Context(), "mail held back: the address has had enough", "ip", broker.RequestOf(r.Context()).IP)
	}
	return v, s.limited(w, r, v, err)
}

// tryUsername asks the limits before the member is told whether a username is free.
// What it took is not given back: also a free one was asked for.
func (s *Server) tryUsername(w http.ResponseWriter, r *http.Request) error {
	if s.o.Limits == nil {
		return nil
	}
	v, err := s.o.Limits.Username(r.Context(), visitOf(r).at, s.visitor(w, r), visitOf(r).user.ID)
	return s.limited(w, r, v, err)
}

// limited makes an error of a verdict, and lets the page show its challenge.
func (s *Server) limited(w http.ResponseWriter, r *http.Request, v limits.Verdict, err error) error {
	if v.Trouble != nil {
		s.log.WarnContext(r.Context(), "captcha not checked: the proof of work counts instead", "err", v.Trouble)
	}
	switch {
	case err != nil:
		return err
	case v.Wait > 0:
		s.log.WarnContext(r.Context(), "network sent away for a while", "ip", broker.RequestOf(r.Context()).IP, "wait", v.Wait.Round(time.Second).String())
		return sentAway(w, v, errWait)
	case v.Challenge != "":
		visitOf(r).challenge = v.Challenge
		w.Header().Set("Retry-After", strconv.Itoa(int(limits.Patience()/time.Second)))
		return errChallenge
	}
	visitOf(r).challenge = v.Next
	return nil
}

// sentAway is refusal with how long the verdict has somebody wait, for programs and for
// people: never shorter than that.
func sentAway(w http.ResponseWriter, v limits.Verdict, refusal *broker.Error) error {
	seconds := int((v.Wait + time.Second - 1) / time.Second)
	w.Header().Set("Retry-After", strconv.Itoa(seconds))
	return refusal.With("minutes", strconv.Itoa((seconds+59)/60))
}

// limitRight says that a password was right: the try does not count, and this browser
// is known to the account from now on.
func (s *Server) limitRight(w http.ResponseWriter, r *http.Request, v limits.Verdict, account string) error {
	if s.o.Limits == nil {
		return nil
	}
	s.keepDevices(w, r, s.o.Limits.Known(s.devices(r), accountKey(account)))
	return s.o.Limits.Right(r.Context(), v)
}

func (s *Server) visitor(w http.ResponseWriter, r *http.Request) limits.Visitor {
	v := visitOf(r)
	proof := limits.Proof{Challenge: broker.Secret(v.form.Get(challengeField)), Solution: v.form.Get(solutionField)}
	if field := s.o.Limits.CaptchaField(); field != "" {
		proof.Captcha = v.form.Get(field)
	}
	return limits.Visitor{IP: broker.RequestOf(r.Context()).IP, Browser: s.browser(w, r).Hash(), Devices: s.devices(r), Proof: proof}
}

// devices is the cookie of what this browser is known to, as this request has left it.
func (s *Server) devices(r *http.Request) broker.Secret {
	if v := visitOf(r); v.devices != "" {
		return v.devices
	}
	return broker.Secret(s.cookies.read(r, deviceCookie))
}

// keepDevices writes that cookie, in the place of the one that this answer has already.
func (s *Server) keepDevices(w http.ResponseWriter, r *http.Request, devices broker.Secret) {
	visitOf(r).devices = devices
	h, name := w.Header(), s.cookies.name(deviceCookie)+"="
	h["Set-Cookie"] = slices.DeleteFunc(h["Set-Cookie"], func(c string) bool { return strings.HasPrefix(c, name) })
	http.SetCookie(w, s.cookies.make(deviceCookie, devices.Reveal(), keepChoice))
}

// accountKey is how what was typed is counted. Somebody's address and username
// are two accounts to it: to look first whose they are would cost a read more for
// every guess, and gain a guesser no more than twice as many.
func accountKey(typed string) string {
	if email, err := broker.NormalizeEmail(typed); err == nil {
		return broker.FoldEmail(email) // in whatever letters it is spelled, the mail goes there
	}
	if name, ok := broker.CleanUsername(typed); ok {
		return broker.FoldCase(name) // as the store finds it: "ſ" is another way to write "s"
	}
	return ""
}

// challengeOf is the challenge that the next page of a visit shows; nil none.
func (s *Server) challengeOf(v *visit) *challengeView {
	if v.challenge == "" {
		return nil
	}
	return &challengeView{
		Text: v.challenge, Bits: limits.Difficulty(v.challenge), Seconds: int(limits.Patience() / time.Second), Captcha: s.o.Limits.Widget(v.challenge),
	}
}

// openForCaptcha lets the page load the captcha that it shows from where that lives, and from nowhere else.
// The service may know from which site it is loaded, and no more of the address.
func openForCaptcha(w http.ResponseWriter, c *limits.Widget) {
	from := " " + strings.Join(c.Sources, " ")
	policy := w.Header().Get("Content-Security-Policy")
	for _, of := range []string{"script-src 'self'", "style-src 'self'", "connect-src 'self'"} {
		policy = strings.Replace(policy, of, of+from, 1)
	}
	w.Header().Set("Content-Security-Policy", policy+"; frame-src"+from)
	w.Header().Set("Referrer-Policy", "strict-origin")
}
