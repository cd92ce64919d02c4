package web

import (
	"time"

	"idbroker/broker"
)

// devicesPage lists where the person is signed in:
// templates/devices.html, at /account/settings/devices/. It posts to
// /account/settings/sessions/ sid, or others=1 for all but this one, and to
// /account/settings/devices/remember/ on, "1" or "".
type devicesPage struct {
	base
	Sessions []sessionRow // this browser's first
	More     int          // sessions that are not shown
	remembering
	signInViews
}

// signInViews are a person's latest sign-ins.
type signInViews struct {
	SignIn         signInView // the latest
	SignedInBefore signInView // the one before; zero: none is known
	SignIns        int        // in all, since they are counted
}

// signInView is a sign-in.
type signInView struct {
	At      time.Time
	How     string // translated: "with GitHub"
	IP      string // "" not known, or forgotten
	Country string // translated; "" not known
}

// Others tells whether the person is signed in elsewhere.
func (p devicesPage) Others() bool { return len(p.Sessions)+p.More > 1 }

// sessionRow is a browser where the person is signed in.
type sessionRow struct {
	SID        string
	Device     string // "Firefox on Linux"; "" unknown
	Browser    string // "Firefox 140"; "" unknown
	Kind       string // translated: "Phone"; "" unknown
	Mobile     bool
	IP         string // as it was seen last; "" not known, or forgotten
	Country    string // translated; "" not known
	How        string // translated: "with your password and a second step"
	Current    bool
	Remembered bool     // it outlives the browser
	Apps       []string // applications that were entered from it, by name
	SignedInAt time.Time
	CreatedAt  time.Time
	LastSeenAt time.Time
}

// Icon is a drawing of the device.
func (s sessionRow) Icon() string {
	if s.Mobile {
		return "phone"
	}
	return "device"
}

// how says with what somebody signed in: a provider by its title, a passkey, a mailed code, or
// else a password; and whether a second factor came with it.
func (b base) how(provider, by string, factor bool) string {
	text := b.T("security.with_password")
	switch {
	case provider != "":
		text = b.T("security.with", "provider", provider)
	case by == broker.AMRKey: // two factors in one
		return b.T("security.with_passkey")
	case by == amrCode:
		text = b.T("security.with_code")
	}
	if factor {
		return b.T("security.with_factor", "how", text)
	}
	return text
}
