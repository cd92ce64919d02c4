package web

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/mileusna/useragent"

	"idbroker/broker"
	"idbroker/broker/local"
)

// passkeysPath is where a person looks after their passkeys.
const passkeysPath = "/account/settings/passkeys/"

// getPasskeys serves GET /account/settings/passkeys/.
func (s *Server) getPasskeys(w http.ResponseWriter, r *http.Request) error {
	return s.showPasskeys(w, r, http.StatusOK, "", nil)
}

// showPasskeys shows the passkeys of the person. name is what they typed for a new
// one; "" nothing.
func (s *Server) showPasskeys(w http.ResponseWriter, r *http.Request, status int, name string, bad problems) error {
	if !s.accounts.Passkeys() {
		return local.ErrNoPasskeys
	}
	v, ctx := visitOf(r), r.Context()
	all, err := s.accounts.PasskeysOf(ctx, v.user.ID)
	if err != nil {
		return err
	}
	p := passkeysPage{base: s.base(r), Problems: bad, Full: len(all) >= local.MaxPasskeys}
	p.Section, p.Path = "security", passkeysPath
	if len(all) == 1 {
		left, err := s.accounts.WaysIn(ctx, *v.user, 1)
		if err != nil {
			return err
		}
		p.OnlyWay = left.Lasting() == 0
	}
	p.Needed = len(all) == 1 && s.accounts.NeedFactors() && !v.user.HasSecondFactor()
	for _, k := range all {
		row := passkeyRow{
			ID: k.ID, Name: k.Name, Syncable: k.Syncable, Synced: k.Synced, Transports: k.Transports, CreatedAt: k.CreatedAt, LastUsedAt: k.LastUsedAt,
		}
		if !p.OnlyWay && !p.Needed {
			row.RemoveURL = passkeysPath + "remove/?id=" + url.QueryEscape(k.ID)
		}
		p.Passkeys = append(p.Passkeys, row)
	}
	switch {
	case !v.session.Fresh(s.o.FreshFor, v.at):
		p.ProveURL = proveAgain(passkeysPath)
	case !p.Full:
		p.Add, err = s.passkeyView(r, s.newPasskeyAsk(w, r), passkeyView{Action: passkeysPath + "add/", Label: p.T("passkeys.add"), Primary: true})
		if err == nil && p.Add != nil {
			p.Add.Field, err = passkeyName(p.base, p.Problems, or(name, proposedName(p.base, r, all)))
		}
		if err != nil {
			return err
		}
	}
	return s.show(w, r, status, &p)
}

// newPasskeyAsk is what a new passkey has to answer.
func (s *Server) newPasskeyAsk(w http.ResponseWriter, r *http.Request) local.PasskeyAsk {
	return local.PasskeyAsk{Purpose: broker.PasskeyAdd, Browser: s.browser(w, r).Hash(), User: visitOf(r).user.ID}
}

// proposedName is a name that none of the passkeys has: the system that the browser
// runs on, which will keep the new one more often than not.
func proposedName(b base, r *http.Request, all []broker.Passkey) string {
	first := printable(useragent.Parse(broker.RequestOf(r.Context()).UserAgent).OS, broker.MaxPasskeyName/2)
	if first == "" {
		first = b.T("passkeys.name_default")
	}
	taken := map[string]bool{}
	for _, k := range all {
		taken[broker.FoldCase(k.Name)] = true
	}
	name := first
	for n := 2; taken[broker.FoldCase(name)]; n++ {
		name = first + " " + strconv.Itoa(n)
	}
	return name
}

// changePasskeys does something about the person's passkeys and tells them notice.
// Where the sign-in is too old it leads them to sign in first, and where something
// is wrong back to the list.
func (s *Server) changePasskeys(w http.ResponseWriter, r *http.Request, name, notice string, do func() error) error {
	err := do()
	bad := formProblems(err)
	if errors.Is(err, local.ErrPasskeyLast) || errors.Is(err, local.ErrFactorNeeded) {
		bad = problemsOf(err)
	}
	switch {
	case errors.Is(err, broker.ErrSignIn):
		return s.redirect(w, r, proveAgain(passkeysPath))
	case bad != nil:
		return s.showPasskeys(w, r, statusOf(err), name, bad)
	case err != nil:
		return err
	}
	s.o.Wake()
	if err := s.say(w, r, sessionNotice{Key: notice}); err != nil {
		return err
	}
	return s.redirect(w, r, passkeysPath)
}

// postPasskeyAdd serves POST /account/settings/passkeys/add/.
func (s *Server) postPasskeyAdd(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	name := v.form.Get("name")
	return s.changePasskeys(w, r, name, "passkeys.added", func() error {
		return s.accounts.AddPasskey(r.Context(), v.session, s.newPasskeyAsk(w, r), name, v.form.Get("credential"))
	})
}

// postPasskeyRename serves POST /account/settings/passkeys/rename/.
func (s *Server) postPasskeyRename(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	return s.changePasskeys(w, r, "", "passkeys.renamed", func() error {
		err := s.accounts.RenamePasskey(r.Context(), v.user.ID, v.form.Get("id"), v.form.Get("name"))
		var e *broker.Error
		if errors.As(err, &e) {
			return e.At("") // the page has another field of that name
		}
		return err
	})
}

// getPasskeyRemove serves GET /account/settings/passkeys/remove/: what it means.
func (s *Server) getPasskeyRemove(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	all, err := s.accounts.PasskeysOf(r.Context(), v.user.ID)
	if err != nil {
		return err
	}
	for _, k := range all {
		if k.ID != v.query.Get("id") {
			continue
		}
		if !v.session.Fresh(s.o.FreshFor, v.at) {
			return s.redirect(w, r, proveAgain(passkeysPath))
		}
		p := confirmPage{base: s.base(r), Action: passkeysPath + "remove/", Fields: []hidden{{"id", k.ID}}, Danger: true, BackURL: passkeysPath}
		p.Section = "security"
		p.Title, p.Button = p.T("passkeys.confirm", "name", k.Name), p.T("passkeys.remove")
		p.Lines = []string{p.T("passkeys.remove_effect"), p.T("passkeys.remove_device")}
		if left, err := s.accounts.WaysIn(r.Context(), *v.user, 1); err != nil {
			return err
		} else if left.OnlyCode() {
			p.Lines = append(p.Lines, p.T("ways.then_by_mail", "email", v.user.Email))
		}
		return s.show(w, r, http.StatusOK, &p)
	}
	return local.ErrPasskeyGone
}

// postPasskeyRemove serves POST /account/settings/passkeys/remove/.
func (s *Server) postPasskeyRemove(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	return s.changePasskeys(w, r, "", "passkeys.removed", func() error {
		return s.accounts.RemovePasskey(r.Context(), v.session, v.form.Get("id"))
	})
}
