package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/limits"
)

// errFactorWait: there were too many codes that did not count.
var errFactorWait = &broker.Error{Kind: broker.KindTooMany, Message: "factor.wait"}

// tryFactor asks the limits before a code of a second factor is looked at. The
// verdict goes to factorRight when the code counted.
func (s *Server) tryFactor(w http.ResponseWriter, r *http.Request, user broker.User, recovery bool) (limits.Verdict, error) {
	if s.o.Limits == nil {
		return limits.Verdict{}, nil
	}
	v, err := s.o.Limits.Factor(r.Context(), visitOf(r).at, s.holder(r, user), recovery)
	if err != nil || v.Wait == 0 {
		return v, err
	}
	s.log.WarnContext(r.Context(), "too many codes of a second factor", "user", user.ID, "recovery", recovery, "ip", broker.RequestOf(r.Context()).IP)
	return v, sentAway(w, v, errFactorWait)
}

// holder is what the limits know a browser by that has shown a user's second factor.
func (s *Server) holder(r *http.Request, u broker.User) limits.Holder {
	return limits.Holder{User: u.ID, Stamp: u.FactorStamp(), Devices: s.devices(r)}
}

// factorRight says that a second factor of a user, as they are now, was right: the try does not
// count, and from now on tries in this browser are none of those who only know the password.
func (s *Server) factorRight(w http.ResponseWriter, r *http.Request, v limits.Verdict, user broker.User) error {
	if s.o.Limits == nil {
		return nil
	}
	s.keepDevices(w, r, s.o.Limits.Shown(s.holder(r, user)))
	return s.o.Limits.Right(r.Context(), v)
}

// factorChanged is factorRight after a change of the factors, by which the user's stamp may be another one.
func (s *Server) factorChanged(w http.ResponseWriter, r *http.Request, v limits.Verdict, id broker.UserID) error {
	if s.o.Limits == nil {
		return nil
	}
	user, err := s.store.User(r.Context(), id)
	if err != nil {
		return fmt.Errorf("user of factor: %w", err)
	}
	return s.factorRight(w, r, v, user)
}

// factorProblems is formProblems for what a code can be refused for.
func factorProblems(err error) problems {
	if errors.Is(err, errFactorWait) || errors.Is(err, errSMSWait) || errors.Is(err, errSMSBusy) || errors.Is(err, local.ErrSMSSoon) || errors.Is(err, local.ErrFactorNeeded) {
		return problemsOf(err)
	}
	return formProblems(err)
}

// owingFactor is the login of a request whose person is at a step of theirs about a
// second factor. done tells that the request has been answered: the login was
// somewhere else.
func (s *Server) owingFactor(w http.ResponseWriter, r *http.Request, step broker.Step) (l broker.Login, done bool, err error) {
	if l, err = s.login(r); err != nil {
		return l, true, err
	}
	if l.Next(false) != step {
		return l, true, s.advance(w, r, l)
	}
	user, err := s.store.User(r.Context(), l.UserID)
	if err != nil {
		return l, true, fmt.Errorf("user of login: %w", err)
	}
	if user.Disabled() {
		return l, true, user.Refusal()
	}
	has, err := s.hasFactor(r.Context(), user)
	if err != nil {
		return l, true, err
	}
	lacks, err := s.lacksWayIn(r.Context(), user, l)
	if err != nil {
		return l, true, err
	}
	wanted := s.accounts.Factors() && has != l.SetsUpFactor || lacks && step == broker.StepSetUp
	if !wanted { // removed or set up meanwhile
		l.OwesFactor, l.SetsUpFactor = false, false // what is owed now is found out anew
		return l, true, s.advance(w, r, l)
	}
	visitOf(r).owing = &user
	return l, false, nil
}

// getFactor serves GET /second-factor/: the code of the app or (recovery=1) a
// recovery code.
func (s *Server) getFactor(w http.ResponseWriter, r *http.Request) error {
	l, done, err := s.owingFactor(w, r, broker.StepFactor)
	if done {
		return err
	}
	return s.showFactor(w, r, http.StatusOK, l, wayOf(visitOf(r)), nil)
}

// postFactor serves POST /second-factor/.
func (s *Server) postFactor(w http.ResponseWriter, r *http.Request) error {
	l, done, err := s.owingFactor(w, r, broker.StepFactor)
	if done {
		return err
	}
	v := visitOf(r)
	way, method := wayOf(v), broker.AMROTP
	verdict, err := s.tryFactor(w, r, *v.owing, way == wayRecovery)
	switch {
	case err != nil:
	case way == wayRecovery:
		err = s.accounts.UseRecovery(r.Context(), l.UserID, v.form.Get("code"))
	case way == waySMS:
		method = broker.AMRSMS
		err = s.accounts.UseSMS(r.Context(), l.UserID, byLogin(l), v.form.Get("code"))
	default:
		err = s.accounts.UseFactor(r.Context(), l.UserID, v.form.Get("code"))
	}
	if bad := factorProblems(err); bad != nil {
		return s.showFactor(w, r, statusOf(err), l, way, bad)
	}
	if err != nil {
		return err
	}
	if err := s.factorRight(w, r, verdict, *v.owing); err != nil {
		return err
	}
	s.o.Wake() // a recovery code is told by mail
	l.FactorShown(method)
	if way != wayRecovery && v.form.Get("remember") == "1" {
		if err := s.remember(w, r, l); err != nil {
			return err
		}
	}
	return s.advance(w, r, l)
}

// The ways of showing a second factor on the way in, as a request names them: each
// kind of factor by its name, and recovery codes.
const (
	wayRecovery = "recovery"
	waySMS      = string(broker.FactorSMS)
	wayApp      = string(broker.FactorTOTP)
)

// useWay are the words for a link to a way.
var useWay = map[broker.FactorKind]string{broker.FactorTOTP: "second_factor.use_totp", broker.FactorSMS: "second_factor.use_sms"}

// wayOf is the way that a request names; "" none.
func wayOf(v *visit) string {
	if v.value("recovery") == "1" {
		return wayRecovery
	}
	return v.value("way")
}

// showFactor shows the page of a way, and leads to the others that the person has. The one
// that they used last is shown to who has not chosen.
func (s *Server) showFactor(w http.ResponseWriter, r *http.Request, status int, l broker.Login, way string, bad problems) error {
	formsLeave(w)
	client, err := s.client(r.Context(), l.ClientID, s.language(r))
	if err != nil {
		return err
	}
	has, err := s.accounts.FactorWays(r.Context(), l.UserID)
	if err != nil {
		return err
	}
	here := stepPath(broker.StepFactor, l)
	p := secondFactorPage{base: s.base(r), Login: l.ID, Client: client, Problems: bad, OtherURL: withLogin("/login/", l) + "&switch=1"}
	known := way == wayRecovery
	for _, f := range has {
		known = known || string(f.Kind) == way
	}
	switch {
	case known:
		p.Way = way
	case len(has) > 0:
		p.Way = string(has[0].Kind)
	default:
		p.Way = wayRecovery
	}
	for _, f := range has {
		if string(f.Kind) != p.Way {
			p.Ways = append(p.Ways, factorWay{Label: p.T(useWay[f.Kind]), URL: here + "&way=" + url.QueryEscape(string(f.Kind))})
		} else if f.Kind == broker.FactorSMS {
			p.Number, p.Sent = f.Hint, !f.SentAt.IsZero()
		}
	}
	if p.Way != wayRecovery {
		p.Ways = append(p.Ways, factorWay{Label: p.T("second_factor.use_recovery"), URL: here + "&way=" + wayRecovery})
		p.RememberDays = int(s.accounts.RememberFor() / (24 * time.Hour))
	}
	p.NoApp = !visitOf(r).owing.HasSecondFactor()
	if p.Passkey, err = s.passkeyView(r, s.factorAsk(w, r, l), passkeyView{Action: "/second-factor/passkey/", Label: p.PasskeyLabel(), Primary: p.NoApp}); err != nil {
		return err
	}
	return s.show(w, r, status, &p)
}

// getFactorSettings serves GET /account/settings/second-factor/.
func (s *Server) getFactorSettings(w http.ResponseWriter, r *http.Request) error {
	return s.showFactorSettings(w, r, http.StatusOK, nil)
}

func (s *Server) showFactorSettings(w http.ResponseWriter, r *http.Request, status int, bad problems) error {
	if !s.accounts.Factors() {
		return local.ErrNoFactors
	}
	v := visitOf(r)
	f, codes, err := s.accounts.FactorOf(r.Context(), v.user.ID)
	if err != nil {
		return err
	}
	p := factorPage{base: s.base(r), Factor: f, Codes: codes, SMS: s.accounts.SMS(), Problems: bad}
	if bad != nil {
		p.Posted = strings.TrimPrefix(r.URL.Path, factorPath)
	}
	if p.Ways, err = s.accounts.FactorWays(r.Context(), v.user.ID); err != nil {
		return err
	}
	if p.Number, err = s.accounts.PendingSMS(r.Context(), v.session); err != nil {
		return err
	}
	if p.NextNumber, err = s.accounts.NextNumber(r.Context(), v.session); err != nil {
		return err
	}
	may, err := s.accounts.MayRemoveFactors(r.Context(), v.user.ID)
	if err != nil {
		return err
	}
	p.Section, p.Path, p.Needed = "security", factorPath, !may
	next, err := s.accounts.NextApp(r.Context(), v.session)
	if err != nil {
		return err
	}
	if p.Swapping = next.ID != ""; p.Swapping {
		if p.Key, err = s.keyOf(next, v.user.Email); err != nil {
			return err
		}
	}
	// The secret is shown to who signed in a moment ago, not to who finds the browser open.
	if p.Pending = f.ID != "" && !f.Confirmed() && f.BegunBy == v.session.SID && s.fresh(v); p.Pending {
		if p.Key, err = s.keyOf(f, v.user.Email); err != nil {
			return err
		}
	}
	return s.show(w, r, status, &p)
}

// keyOf is what a page shows of an app that account is setting up.
func (s *Server) keyOf(f broker.Factor, account string) (appKey, error) {
	uri := local.KeyURI(f, s.pages.brand.Name, account)
	picture, err := drawQR(uri)
	if err != nil {
		return appKey{}, fmt.Errorf("draw the key: %w", err)
	}
	return appKey{Picture: picture, URI: uri, Secret: inGroups(f.Secret.Reveal())}, nil
}

// freshly does something about a person's second factor. Where the sign-in is too old it
// leads them to sign in first, and where something is wrong back to the form. done
// tells that the request has been answered.
func (s *Server) freshly(w http.ResponseWriter, r *http.Request, do func() error) (done bool, err error) {
	err = do()
	bad := factorProblems(err)
	switch {
	case errors.Is(err, broker.ErrSignIn):
		return true, s.redirect(w, r, proveAgain(factorPath))
	case bad != nil:
		return true, s.showFactorSettings(w, r, statusOf(err), bad)
	}
	return err != nil, err
}

// postFactorStart serves POST /account/settings/second-factor/start/: a new
// secret for an app.
func (s *Server) postFactorStart(w http.ResponseWriter, r *http.Request) error {
	done, err := s.freshly(w, r, func() error { return s.accounts.StartFactor(r.Context(), visitOf(r).session) })
	if done {
		return err
	}
	return s.redirect(w, r, factorPath)
}

// withCode does something that takes a code of the person's second factor.
func (s *Server) withCode(w http.ResponseWriter, r *http.Request, do func(code string) error) (done bool, err error) {
	v := visitOf(r)
	return s.freshly(w, r, func() error {
		if !s.fresh(v) {
			return broker.ErrSignIn
		}
		verdict, err := s.tryFactor(w, r, *v.user, false)
		if err == nil {
			err = do(v.form.Get("code"))
		}
		if err != nil {
			return err
		}
		return s.factorChanged(w, r, verdict, v.user.ID)
	})
}
