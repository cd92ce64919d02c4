package web

import (
	"context"
	"net/http"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/limits"
)

// errSMSWait: there were too many messages to a number, a person, or from here.
var errSMSWait = &broker.Error{Kind: broker.KindTooMany, Message: "sms.wait"}

// errSMSBusy: there were too many messages to everybody together.
var errSMSBusy = &broker.Error{Kind: broker.KindTooMany, Message: "sms.busy"}

// text asks the limits and sends a code to a number of a user, which send does. proven tells that the number
// is the user's factor already. Nothing is asked about a number that messages do not go to.
func (s *Server) text(w http.ResponseWriter, r *http.Request, user broker.User, number string, proven bool, send func() error) error {
	prefix, err := s.accounts.SMSTo(number)
	if err != nil && proven {
		return err
	}
	if err != nil {
		return local.ErrSMSCountry.At("phone")
	}
	if s.o.Limits == nil {
		return send()
	}
	ip := broker.RequestOf(r.Context()).IP
	v, err := s.o.Limits.SMS(r.Context(), visitOf(r).at, limits.Message{To: s.holder(r, user), Number: number, Prefix: prefix, Proven: proven, IP: ip})
	switch {
	case err != nil:
		return err
	case v.Bound != "":
		return s.smsBusy(w, r, v, prefix)
	case v.Wait > 0:
		s.log.WarnContext(r.Context(), "too many messages with codes", "user", user.ID, "ip", ip)
		return sentAway(w, v, errSMSWait)
	}
	if err := send(); err != nil {
		if back := s.o.Limits.Right(r.Context(), v); back != nil { // no message is sent
			s.log.ErrorContext(r.Context(), "message that was not sent is counted", "err", back)
		}
		return err
	}
	return nil
}

// smsBusy tells the operator, once in a while, and the person that all messages together have had enough.
func (s *Server) smsBusy(w http.ResponseWriter, r *http.Request, v limits.Verdict, prefix string) error {
	if s.o.OnSMSHeld != nil {
		s.o.OnSMSHeld(string(v.Bound))
	}
	if v.Tell {
		s.log.WarnContext(r.Context(), "messages with codes are held back: all together have reached a bound within an hour",
			"bound", string(v.Bound), "prefix", prefix, "wait", v.Wait.Round(time.Second).String(),
			"todo", "look at the service's bill and at broker_sms_held_total: if these are not your people, name your countries in accounts.sms.countries; if they are, raise accounts.sms.per_hour or per_country")
	}
	return sentAway(w, v, errSMSBusy)
}

// startSMS sends a code to the number of a form, for who sets it up: start is
// local.Accounts.StartSMS, or StartNumberSwap.
func (s *Server) startSMS(w http.ResponseWriter, r *http.Request, user broker.User, stay broker.Session, start func(context.Context, broker.Session, string) error) error {
	typed := visitOf(r).form.Get("phone")
	number, err := broker.NormalizePhone(typed)
	if err != nil {
		return err
	}
	send := func() error { return start(r.Context(), stay, typed) }
	if number == "" || !s.accounts.SMS() { // nobody's is no message
		return send()
	}
	return s.text(w, r, user, number, false, send)
}

// sendSMS sends a code to the number of a user, for a login or a session.
func (s *Server) sendSMS(w http.ResponseWriter, r *http.Request, user broker.User, by string) error {
	ways, err := s.accounts.FactorWays(r.Context(), user.ID)
	if err != nil {
		return err
	}
	send := func() error { return s.accounts.SendSMS(r.Context(), user, by) }
	for _, way := range ways {
		if way.Kind == broker.FactorSMS {
			if visitOf(r).at.Sub(way.SentAt) < local.SMSAgain { // costs nobody a message
				return local.ErrSMSSoon
			}
			return s.text(w, r, user, way.Number, true, send)
		}
	}
	return send()
}

// postSetUpNumber serves POST /second-factor/set-up/number/: a code for a number that
// shall be the second factor.
func (s *Server) postSetUpNumber(w http.ResponseWriter, r *http.Request) error {
	l, done, err := s.owingFactor(w, r, broker.StepSetUp)
	if done {
		return err
	}
	done, err = s.inSetUp(w, r, l, func(stay broker.Session) error { return s.startSMS(w, r, *visitOf(r).owing, stay, s.accounts.StartSMS) })
	if done {
		return err
	}
	s.o.Wake()
	return s.redirect(w, r, stepPath(broker.StepSetUp, l))
}

// postFactorSend serves POST /second-factor/send/: a code to the person's number.
func (s *Server) postFactorSend(w http.ResponseWriter, r *http.Request) error {
	l, done, err := s.owingFactor(w, r, broker.StepFactor)
	if done {
		return err
	}
	err = s.sendSMS(w, r, *visitOf(r).owing, byLogin(l))
	if bad := factorProblems(err); bad != nil {
		return s.showFactor(w, r, statusOf(err), l, waySMS, bad)
	}
	if err != nil {
		return err
	}
	s.o.Wake()
	return s.redirect(w, r, stepPath(broker.StepFactor, l)+"&way="+waySMS)
}

// byLogin names a login to what a code is sent for. No session has such a name.
func byLogin(l broker.Login) string { return "login " + string(l.ID) }

// postNumberStart serves POST /account/settings/second-factor/number/.
func (s *Server) postNumberStart(w http.ResponseWriter, r *http.Request) error {
	return s.beginNumber(w, r, s.accounts.StartSMS)
}

// postNumberSwap serves POST /account/settings/second-factor/number/swap/: a code for a
// number in the place of the one that counts.
func (s *Server) postNumberSwap(w http.ResponseWriter, r *http.Request) error {
	return s.beginNumber(w, r, s.accounts.StartNumberSwap)
}

func (s *Server) beginNumber(w http.ResponseWriter, r *http.Request, start func(context.Context, broker.Session, string) error) error {
	done, err := s.freshly(w, r, func() error { return s.startSMS(w, r, *visitOf(r).user, visitOf(r).session, start) })
	if done {
		return err
	}
	s.o.Wake()
	return s.redirect(w, r, factorPath)
}

// postNumberSwapConfirm serves POST /account/settings/second-factor/number/swap/confirm/:
// the code came, and the person shows what they had.
func (s *Server) postNumberSwapConfirm(w http.ResponseWriter, r *http.Request) error {
	var codes []string
	done, err := s.withCode(w, r, func(code string) (err error) {
		codes, err = s.accounts.ConfirmNumberSwap(r.Context(), visitOf(r).session, code, visitOf(r).form.Get("current"))
		return err
	})
	if done {
		return err
	}
	s.o.Wake()
	return s.showRecoveryCodes(w, r, codes)
}

// postNumberConfirm serves POST /account/settings/second-factor/number/confirm/: the
// code came, and the number counts from now on. This session goes on as one that has
// shown it.
func (s *Server) postNumberConfirm(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	var codes []string
	done, err := s.withCode(w, r, func(code string) (err error) {
		var next renewed
		codes, err = s.accounts.ConfirmSMS(r.Context(), v.session, code, func(ctx context.Context) (err error) {
			next, err = s.renew(ctx, v, v.session.WithFactor(broker.AMRSMS))
			return err
		})
		if err == nil {
			next.wear(w, v)
		}
		return err
	})
	if done {
		return err
	}
	return s.factorCounts(w, r, codes)
}

// postNumberSend serves POST /account/settings/second-factor/number/send/: a code for
// a change of the factors.
func (s *Server) postNumberSend(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	done, err := s.freshly(w, r, func() error {
		if !s.fresh(v) {
			return broker.ErrSignIn
		}
		return s.sendSMS(w, r, *v.user, v.session.SID)
	})
	if done {
		return err
	}
	s.o.Wake()
	if err := s.say(w, r, sessionNotice{Key: "sms.sent"}); err != nil {
		return err
	}
	return s.redirect(w, r, factorPath)
}
