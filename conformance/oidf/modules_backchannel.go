package oidf

import (
	"encoding/base64"
	"net/http"
	"strings"
	"time"
)

// backchannelName is the address of static clients, as in the official suite.
const backchannelName = "backchannel_logout"

// backchannelModules are about what the OP tells applications directly.
func backchannelModules() []Module {
	return []Module{
		{
			Name: "oidcc-backchannel-logout-discovery-endpoint-verification", Summary: "Looks for back-channel logout in the metadata.",
			Clauses: []Clause{backchannel("2.1"), rpLogout("2.1")},
			Run:     func(r *Run) { r.offersLogout("backchannel", backchannel("2.1")) },
		},
		{
			Name: "oidcc-backchannel-rp-initiated-logout", Summary: "Signs out, and checks the logout token that the OP sends.",
			Clauses: []Clause{backchannel("2.4"), backchannel("2.5"), backchannel("2.6")},
			Run:     backchannelLogout,
		},
	}
}

// offersLogout checks what the metadata says of a kind of logout.
func (r *Run) offersLogout(kind string, c Clause) {
	r.needsLogout(kind)
	r.Pass(c, "%s_logout_supported is true", kind)
	r.checkURL(r.endSession(), "end_session_endpoint", rpLogout("2.1"))
	session := kind + "_logout_session_supported"
	value, there := r.Metadata[session]
	if _, isBool := value.(bool); there {
		r.Check(isBool, c, "%s is true or false", session)
	}
	if !r.Metadata.Flag(session, false) {
		r.Warn(c, "%s is not true: applications cannot tell sessions apart", session)
	}
}

// needsLogout skips where the OP does not claim the kind of logout.
func (r *Run) needsLogout(kind string) {
	if !r.Metadata.Flag(kind+"_logout_supported", false) {
		r.Skip("the OP does not say %s_logout_supported: it does not claim this", kind)
	}
	r.endSession()
}

// logoutBox is an inbox for the module's client: of a name that nobody else has
// where the client registers itself, of the one that static clients have otherwise.
func (r *Run) logoutBox(static string) *Inbox {
	if r.Variant.Registration == DynamicClient {
		return r.Inbox(static + "_" + strings.ToLower(random()))
	}
	return r.Inbox(static)
}

func backchannelLogout(r *Run) {
	r.needsLogout("backchannel")
	sessions := r.Metadata.Flag("backchannel_logout_session_supported", false)
	box := r.logoutBox(backchannelName)
	c := r.logoutClient(Metadata{"backchannel_logout_uri": box.URL, "backchannel_logout_session_required": sessions})
	f := r.SignIn()
	id := f.IDToken()
	if sessions && r.Variant.Registration == DynamicClient {
		r.Check(id.Text("sid") != "", backchannel("2.1"), "the ID token has a sid, since backchannel_logout_session_supported is true")
	}
	s := r.SignOut(r.farewell(f))
	in := r.logoutNotice(box, id.Text("sid"))
	r.Check(in.Method == http.MethodPost && strings.HasPrefix(in.Header.Get("Content-Type"), "application/x-www-form-urlencoded"), backchannel("2.5"), "the logout token comes with POST as a form")
	r.Check(len(in.Form["logout_token"]) == 1 && !in.Query.Has("logout_token"), backchannel("2.5"), "logout_token stands in the body, once")
	r.LogoutToken(c, in.Form.Get("logout_token"), WantLogout{Subject: id.Text("sub"), SID: id.Text("sid"), SIDRequired: sessions && r.Variant.Registration == DynamicClient})
	r.CameBack(s)
	r.Ended()
}

// logoutNotice waits for the notice. To the address of a static client the OP may
// send those of other sessions again; they are passed over.
func (r *Run) logoutNotice(box *Inbox, sid string) Received {
	others := 0
	for deadline := time.Now().Add(r.suite.o.Notice); ; others++ {
		in, ok := r.Wait(box, time.Until(deadline))
		if !ok {
			r.Fatal(backchannel("2.5"), "the OP sends a logout token for this session to %s within %s; can it reach that address, and is it registered as backchannel_logout_uri? (%d came for other sessions)", box.URL, r.suite.o.Notice, others)
		}
		payload, _ := base64.RawURLEncoding.DecodeString(payloadOf(in.Form.Get("logout_token")))
		o, err := object(payload)
		if r.Variant.Registration == DynamicClient || err != nil || o["sid"] == nil || sid == "" || o["sid"] == sid {
			return in
		}
		r.Log("a logout token for another session came; it is passed over")
	}
}

// LogoutToken checks a logout token of the client and returns its claims. What w
// leaves empty is filled in: issuer, client, algorithms, time.
func (r *Run) LogoutToken(c *Client, raw string, w WantLogout) Claims {
	w.Issuer, w.ClientID, w.Secret = r.Issuer, c.ID, c.Secret
	if w.Algs == nil {
		w.Algs = r.idTokenAlgs(c)
	}
	if w.Now.IsZero() {
		w.Now = time.Now()
	}
	claims, found := CheckLogoutToken(raw, r.Keys, w)
	for _, f := range found {
		if f.Should && !f.OK {
			r.Warn(f.Clause, "better: %s", f.Text)
			continue
		}
		r.Check(f.OK, f.Clause, "%s", f.Text)
	}
	if claims == nil {
		panic(stop{})
	}
	return claims
}
