package web

import (
	"context"
	"errors"
	"net/http"

	"idbroker/broker"
	"idbroker/broker/local"
)

// postFactorConfirm serves POST /account/settings/second-factor/confirm/: the app
// shows the right code, and counts from now on. This session goes on as one that
// has shown it.
func (s *Server) postFactorConfirm(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	var codes []string
	done, err := s.withCode(w, r, func(code string) error {
		var next renewed
		err := s.store.InTx(r.Context(), func(ctx context.Context) (err error) {
			if codes, err = s.accounts.ConfirmFactor(ctx, v.session, code); err != nil {
				return err
			}
			next, err = s.renew(ctx, v, v.session.WithFactor(broker.AMROTP))
			return err
		})
		if err == nil {
			next.wear(w, v)
		}
		return err
	})
	if errors.Is(err, local.ErrFactorHas) { // the answer was asked for once more: its codes are shown once
		if err := s.say(w, r, sessionNotice{Key: "factor.has_codes"}); err != nil {
			return err
		}
		return s.redirect(w, r, factorPath)
	}
	if done {
		return err
	}
	return s.factorCounts(w, r, codes)
}

// postFactorSwap serves POST /account/settings/second-factor/swap/: a new secret, for an
// app in the place of the one that counts.
func (s *Server) postFactorSwap(w http.ResponseWriter, r *http.Request) error {
	done, err := s.freshly(w, r, func() error { return s.accounts.StartSwap(r.Context(), visitOf(r).session) })
	if done {
		return err
	}
	return s.redirect(w, r, factorPath)
}

// postFactorSwapConfirm serves POST /account/settings/second-factor/swap/confirm/: the
// new app shows the right code, and the person what they had.
func (s *Server) postFactorSwapConfirm(w http.ResponseWriter, r *http.Request) error {
	var codes []string
	done, err := s.withCode(w, r, func(code string) (err error) {
		codes, err = s.accounts.ConfirmSwap(r.Context(), visitOf(r).session, code, visitOf(r).form.Get("current"))
		return err
	})
	if done {
		return err
	}
	s.o.Wake()
	return s.showRecoveryCodes(w, r, codes)
}

// factorCounts answers who has set a factor up: with the recovery codes that the first
// one brings.
func (s *Server) factorCounts(w http.ResponseWriter, r *http.Request, codes []string) error {
	s.o.Wake()
	if codes != nil {
		return s.showRecoveryCodes(w, r, codes)
	}
	if err := s.say(w, r, sessionNotice{Key: "factor.added"}); err != nil {
		return err
	}
	return s.redirect(w, r, factorPath)
}

// postFactorCodes serves POST /account/settings/second-factor/codes/: new recovery
// codes in the place of those before.
func (s *Server) postFactorCodes(w http.ResponseWriter, r *http.Request) error {
	var codes []string
	done, err := s.withCode(w, r, func(code string) (err error) {
		codes, err = s.accounts.RenewRecovery(r.Context(), visitOf(r).session, code)
		return err
	})
	if done {
		return err
	}
	s.o.Wake()
	return s.showRecoveryCodes(w, r, codes)
}

// showRecoveryCodes answers a form with what is never shown again.
func (s *Server) showRecoveryCodes(w http.ResponseWriter, r *http.Request, codes []string) error {
	p := recoveryCodesPage{base: s.base(r), Account: visitOf(r).user.Email, Codes: codes, DoneURL: factorPath}
	p.Section, p.Path = "security", factorPath
	return s.show(w, r, http.StatusOK, &p)
}

// postFactorRemove serves POST /account/settings/second-factor/remove/: all of them, or
// the one of a kind.
func (s *Server) postFactorRemove(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	kind := broker.FactorKind(v.form.Get("kind"))
	var codes []string
	done, err := s.withCode(w, r, func(code string) (err error) {
		if kind == "" {
			return s.accounts.RemoveFactor(r.Context(), v.session, code)
		}
		codes, err = s.accounts.RemoveOne(r.Context(), v.session, kind, code)
		return err
	})
	if done {
		return err
	}
	s.o.Wake()
	if codes != nil {
		return s.showRecoveryCodes(w, r, codes)
	}
	if err := s.say(w, r, sessionNotice{Key: "factor.removed"}); err != nil {
		return err
	}
	return s.redirect(w, r, securityPath)
}
