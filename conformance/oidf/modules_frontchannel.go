package oidf

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

func frontchannel(section string) Clause {
	return Clause("OpenID Connect Front-Channel Logout 1.0, " + section)
}

const (
	// frontchannelWait is how long the request of a frame may take that the browser
	// has loaded already.
	frontchannelWait = 2 * time.Second
	// frontchannelName is the address of static clients, as in the official suite.
	frontchannelName = "frontchannel_logout"
)

// frontchannelModules are about what the OP tells applications through frames.
func frontchannelModules() []Module {
	return []Module{
		{
			Name: "oidcc-frontchannel-logout-discovery-endpoint-verification", Summary: "Looks for front-channel logout in the metadata.",
			Clauses: []Clause{frontchannel("3"), rpLogout("2.1")},
			Run:     func(r *Run) { r.offersLogout("frontchannel", frontchannel("3")) },
		},
		{
			Name: "oidcc-frontchannel-rp-initiated-logout", Summary: "Signs out, and loads the frames of the page as a browser does.",
			Clauses: []Clause{frontchannel("2"), frontchannel("3")},
			Run:     frontchannelLogout,
		},
	}
}

func frontchannelLogout(r *Run) {
	r.needsLogout("frontchannel")
	sessions := r.Metadata.Flag("frontchannel_logout_session_supported", false)
	box := r.logoutBox(frontchannelName)
	r.logoutClient(Metadata{"frontchannel_logout_uri": box.URL, "frontchannel_logout_session_required": sessions})
	f := r.SignIn()
	sid := f.IDToken().Text("sid")
	if sessions {
		r.Check(sid != "", frontchannel("3"), "the ID token has a sid, since frontchannel_logout_session_supported is true")
	}
	s := r.SignOut(r.farewell(f))
	in := r.frameOf(box, s)
	r.Check(in.Method == http.MethodGet, frontchannel("2"), "the frame is loaded with GET")
	iss, hasIss := in.Query["iss"]
	got, hasSID := in.Query["sid"]
	r.Check(hasIss == hasSID, frontchannel("2"), "iss and sid come together or not at all")
	if sessions && r.Variant.Registration == DynamicClient {
		r.Check(hasIss && hasSID, frontchannel("2"), "iss and sid are there, since the client registered frontchannel_logout_session_required")
	}
	if hasIss {
		r.Check(len(iss) == 1 && iss[0] == r.Issuer, frontchannel("2"), "iss is the issuer")
	}
	if hasSID {
		r.Check(len(got) == 1 && got[0] == sid && sid != "", frontchannel("2"), "sid is that of the ID token")
	}
	for name := range in.Query {
		if name != "iss" && name != "sid" {
			r.Warn(frontchannel("2"), "the frame's address has the unexpected parameter %s", name)
		}
	}
	r.CameBack(s)
	r.Ended()
}

// frameOf is the request that the frame for the application made.
func (r *Run) frameOf(box *Inbox, s SignedOut) Received {
	in, ok := r.Wait(box, frontchannelWait)
	if ok {
		return in
	}
	why := "no page of the sign-out has a frame in its HTML (no scripts are run)"
	if len(s.Frames) > 0 {
		var seen []string
		for _, frame := range s.Frames {
			seen = append(seen, fmt.Sprint(frame))
		}
		why = "the frames are: " + strings.Join(seen, "; ")
	}
	r.Fatal(frontchannel("3"), "the browser loads frontchannel_logout_uri %s in a frame while the person is signed out; %s", box.URL, why)
	return in
}
