package web

import (
	"cmp"
	"fmt"
	"html/template"
	"net/url"
	"slices"
	"strings"

	"github.com/boombuler/barcode/qr"

	"idbroker/broker"
	"idbroker/broker/local"
)

// secondFactorPage asks for the second factor on the way in:
// templates/second_factor.html, at /second-factor/. It posts login, code and
// way, or remember=1 to do without in this browser for a while.
type secondFactorPage struct {
	base
	Login        broker.LoginID
	Client       *clientView  // the application that asks; nil none
	Way          string       // what it takes: a kind of factor, or wayRecovery
	Ways         []factorWay  // the others that the person has
	Number       string       // that a code is sent to, to recognise it by; "" none
	Sent         bool         // one was
	RememberDays int          // how long the browser may be remembered; 0 not at all
	Problems     problems     // fields: code
	OtherURL     string       // to sign in as somebody else
	Passkey      *passkeyView // instead of a code; nil: they have none
	NoApp        bool         // there is no code to type: Passkey is all they have
}

// PasskeyLabel stands on the button of Passkey.
func (p secondFactorPage) PasskeyLabel() string {
	if p.NoApp {
		return p.T("passkey.factor_only")
	}
	return p.T("passkey.factor")
}

// Recovery tells whether the page takes a recovery code.
func (p secondFactorPage) Recovery() bool { return p.Way == wayRecovery }

// BySMS tells whether it takes a code that is sent to a number.
func (p secondFactorPage) BySMS() bool { return p.Way == waySMS }

// factorWay leads to another way of showing a second factor.
type factorWay struct{ Label, URL string }

// factorPage shows and changes the second factor: templates/factor.html, at
// /account/settings/second-factor/. It posts code to confirm/, codes/ and remove/
// behind it, nothing to start/ and swap/, code and current to swap/confirm/ and
// number/swap/confirm/, phone to number/ and number/swap/, and code to number/confirm/.
type factorPage struct {
	base
	Factor broker.Factor // zero: none
	Ways   []local.FactorWay
	SMS    bool   // a number can be one
	Number string // that is being set up; "" none
	Codes  int    // recovery codes that are left

	NextNumber string // that is to take the place of the one there is; "" none
	Pending    bool   // it is being set up: Key says how
	Swapping   bool   // an app is to take the place of the one there is: Key says how
	Needed     bool   // one is needed here, and there is no passkey: it cannot be removed
	Key        appKey
	Posted     string `json:"-"` // the form that something is wrong with, as its path ends; "" none
	Problems   problems
}

// appKey is what an app is set up with: the part "app_key" of templates/_parts.html.
type appKey struct {
	Picture qrCode `json:"-"` // programs draw their own
	Secret  string // in groups of four
	URI     string // otpauth:
}

// OpenURL opens the app on the device that shows the page.
func (k appKey) OpenURL() template.URL { return template.URL(k.URI) } //nolint:gosec // local.KeyURI made it of escaped parts

// setUpFactorPage has somebody set up the second factor that they need to go on:
// templates/set_up_factor.html, at /second-factor/set-up/. It posts login to start/
// behind it, login and phone to number/, login, name and credential to passkey/, and
// login, way and code, or decision=cancel, to the same path.
type setUpFactorPage struct {
	base
	Login     broker.LoginID
	Client    *clientView // the application that asks; nil none
	Everybody bool        // it is needed here, whatever the application
	WayIn     bool        // nothing else opens the account, and a passkey alone will do
	Passkey   *passkeyView
	Key       appKey   // zero: no app was begun with
	SMS       bool     // a telephone number will do
	Number    string   // that a code was sent to; "" none
	Problems  problems // fields: code
	OtherURL  string   // to sign in as somebody else
}

// Pending tells whether an app is being set up.
func (p setUpFactorPage) Pending() bool { return p.Key.URI != "" }

// On tells whether there is a factor, which is asked for.
func (p factorPage) On() bool { return p.Factor.Confirmed() || len(p.Ways) > 0 }

// Has tells whether there is one of a kind.
func (p factorPage) Has(kind string) bool {
	return slices.ContainsFunc(p.Ways, func(w local.FactorWay) bool { return string(w.Kind) == kind })
}

// Several tells whether one can be removed beside which there is another.
func (p factorPage) Several() bool { return len(p.Ways) > 1 }

// ProblemAt is what is wrong with a field of the form whose path ends so; "" nothing.
// The forms share the names of their fields.
func (p factorPage) ProblemAt(form, field string) string {
	if p.Posted != form {
		return ""
	}
	return p.Tell(p.Problems.On(field))
}

// Loose is what is wrong with a code whose form is not on the page, or not any more;
// "" nothing.
func (p factorPage) Loose() string {
	shown := false
	switch p.Posted {
	case "codes/":
		shown = p.On()
	case "remove/":
		shown = p.On() && (!p.Needed || p.Several())
	case "confirm/":
		shown = p.Pending && !p.Has(wayApp)
	case "swap/confirm/":
		shown = p.Swapping && p.Has(wayApp)
	case "number/confirm/":
		shown = p.SMS && p.Number != "" && !p.Has(waySMS)
	case "number/swap/confirm/":
		shown = p.SMS && p.NextNumber != "" && p.Has(waySMS)
	}
	if shown {
		return ""
	}
	return p.Tell(cmp.Or(p.Problems.On("code"), p.Problems.On("current")))
}

// CodesLeft says how many recovery codes there are.
func (p factorPage) CodesLeft() string {
	if p.Codes == 0 {
		return p.T("factor.codes_none")
	}
	return p.N("factor.codes_left", p.Codes)
}

// recoveryCodesPage shows new recovery codes, once: templates/recovery_codes.html.
type recoveryCodesPage struct {
	base
	Account  string // whose they are
	Codes    []string
	DoneURL  string
	OnTheWay bool // they were on their way somewhere, and go on
}

// FileURL is the codes as a text that a browser saves, without asking us again.
func (p recoveryCodesPage) FileURL() template.URL {
	text := p.cat.Text(p.Lang, "recovery_codes.file", map[string]string{"account": p.Account, "brand": p.Brand.Name}) +
		"\r\n\r\n" + strings.Join(p.Codes, "\r\n") + "\r\n"
	return template.URL("data:text/plain;charset=utf-8," + url.PathEscape(text)) //nolint:gosec // escaped
}

// qrCode is a square of black modules on white, with its margin.
type qrCode struct {
	Size int    // modules along a side
	Path string // SVG path of the black ones
}

// qrMargin is how many modules of white stand around (ISO/IEC 18004, section 9.1).
const qrMargin = 4

// drawQR draws a text as a QR code. A phone reads it from a screen that is clean,
// so a little redundancy will do.
func drawQR(text string) (qrCode, error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return qrCode{}, err
	}
	size := code.Bounds().Dx()
	var path strings.Builder
	for y := range size {
		for x := 0; x < size; x++ {
			begin := x
			for x < size && isBlack(code.At(x, y)) {
				x++
			}
			if x > begin {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", begin+qrMargin, y+qrMargin, x-begin, x-begin)
			}
		}
	}
	return qrCode{size + 2*qrMargin, path.String()}, nil
}

func isBlack(c interface{ RGBA() (r, g, b, a uint32) }) bool {
	r, _, _, _ := c.RGBA()
	return r == 0
}

// inGroups parts a text into groups of four, to be typed.
func inGroups(s string) string {
	var groups []string
	for ; len(s) > 4; s = s[4:] {
		groups = append(groups, s[:4])
	}
	return strings.Join(append(groups, s), " ")
}

func (secondFactorPage) template() string  { return "second_factor" }
func (setUpFactorPage) template() string   { return "set_up_factor" }
func (factorPage) template() string        { return "factor" }
func (recoveryCodesPage) template() string { return "recovery_codes" }
