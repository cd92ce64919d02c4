package oidf

import (
	"bytes"
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/html"
)

// registrationModules are about what clients register.
func registrationModules() []Module {
	return []Module{
		{
			Name: "oidcc-idtoken-rs256", Summary: "Registers for ID tokens that are signed with RS256.", Clauses: []Clause{core("2"), registration("2")},
			Run: func(r *Run) {
				r.Use(r.Register(Metadata{"id_token_signed_response_alg": "RS256"}))
				h := r.header(r.SignIn().RawIDToken())
				r.Check(h.Algorithm == "RS256", registration("2"), "the ID token is signed with RS256; it is %s", h.Algorithm)
			},
		},
		{Name: "oidcc-userinfo-rs256", Summary: "Registers for userinfo that is signed with RS256.", Clauses: []Clause{core("5.3.2"), registration("2")}, Run: userInfoRS256},
		{Name: "oidcc-registration-logo-uri", Summary: "Registers a logo and looks for it on the pages.", Clauses: []Clause{registration("2")}, Run: registrationLogo},
		{
			Name: "oidcc-registration-policy-uri", Summary: "Registers a privacy notice and looks for it on the pages.", Clauses: []Clause{registration("2")},
			Run: func(r *Run) { registrationLink(r, "policy_uri") },
		},
		{
			Name: "oidcc-registration-tos-uri", Summary: "Registers terms of service and looks for them on the pages.", Clauses: []Clause{registration("2")},
			Run: func(r *Run) { registrationLink(r, "tos_uri") },
		},
		{Name: "oidcc-registration-sector-uri", Summary: "Registers two clients of one sector, which know a person by one sub.", Clauses: []Clause{core("8.1"), registration("5")}, Run: sector},
		{Name: "oidcc-registration-sector-bad", Summary: "Tries to register with a sector that does not have the redirect URI.", Clauses: []Clause{core("8.1"), registration("5")}, Run: sectorBad},
	}
}

func userInfoRS256(r *Run) {
	if !r.Metadata.Offers("userinfo_signing_alg_values_supported", "RS256") {
		r.Skip("the OP does not list RS256 in userinfo_signing_alg_values_supported")
	}
	r.Use(r.Register(Metadata{"userinfo_signed_response_alg": "RS256"}))
	f := r.SignIn()
	res := r.TryUserInfo(GetHeader, f.AccessToken())
	r.Check(strings.HasPrefix(strings.ToLower(res.Header.Get("Content-Type")), "application/jwt"), core("5.3.2"), "userinfo is application/jwt, as registered; it is %q", res.Header.Get("Content-Type"))
	r.UserInfo(GetHeader, f.Client, f.AccessToken(), f.IDToken().Text("sub"))
}

// picture is a PNG of one colour that no other module has.
func picture() []byte {
	id := random()
	img := image.NewRGBA(image.Rect(0, 0, 32, 32))
	for i := range 32 * 32 {
		img.Set(i%32, i/32, color.RGBA{R: id[0], G: id[1], B: id[2], A: 255})
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		panic(err) // nothing about it depends on anything
	}
	return b.Bytes()
}

// fromPages registers a member that is an address, signs in, and returns every
// page that the person saw.
func (r *Run) fromPages(member, address string) []*Page {
	c := r.Register(Metadata{member: address, "client_uri": r.suite.o.BaseURL + r.ownPath()})
	r.Use(c)
	if c.Metadata.Text(member) != address {
		r.Warn(registration("3.2"), "%s is ignored: the answer to the registration does not have it", member)
	}
	f := r.SignIn()
	if len(f.Answer.Seen) == 0 {
		r.Fatal(journey, "the person was shown no page")
	}
	return f.Answer.Seen
}

func registrationLogo(r *Run) {
	address, logo := r.suite.o.BaseURL+r.ownPath()+"/logo.png", picture()
	if r.suite.host != nil {
		address = r.Publish("logo-"+random()+".png", "image/png", logo)
	}
	for _, p := range r.fromPages("logo_uri", address) {
		for n := range elements(p.root, "img") {
			if src, _ := attr(n, "src"); src == address || r.isPicture(p, n, logo) {
				r.Pass(registration("2"), "the logo is on the page %q", p.Title())
				return
			}
		}
	}
	r.Warn(registration("2"), "no page has the logo; an OP should show it when it asks for approval")
}

// isPicture tells whether an image on a page is the picture, served by the OP.
func (r *Run) isPicture(p *Page, n *html.Node, want []byte) bool {
	src, _ := attr(n, "src")
	u, err := p.URL.Parse(src)
	if src == "" || err != nil || !r.wire.allowed(u) {
		return false
	}
	req, err := newRequest(r.ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return false
	}
	for _, c := range r.Browser.jar.give(u, http.MethodGet, origin{}, time.Now()) {
		req.AddCookie(c)
	}
	res := r.Send(req)
	return res.Status == http.StatusOK && bytes.Equal(res.Body, want)
}

func registrationLink(r *Run, member string) {
	address := r.suite.o.BaseURL + r.ownPath() + "/" + strings.TrimSuffix(member, "_uri") + "-" + random()
	for _, p := range r.fromPages(member, address) {
		for n := range elements(p.root, "a") {
			if href, _ := attr(n, "href"); href == address {
				r.Pass(registration("2"), "%s is a link on the page %q", member, p.Title())
				return
			}
		}
	}
	r.Warn(registration("2"), "no page links to %s; an OP should show it", member)
}

// sectorDocument publishes a sector identifier.
func (r *Run) sectorDocument(redirectURIs ...string) string {
	b, err := json.Marshal(redirectURIs)
	if err != nil {
		panic(err) // they are strings
	}
	return r.Publish("sector-"+random()+".json", "application/json", b)
}

func sector(r *Run) {
	address := r.sectorDocument(r.RedirectURI(), r.RedirectURI()+"/other")
	member := Metadata{"sector_identifier_uri": address}
	pairwise := r.Metadata.Offers("subject_types_supported", "pairwise")
	if pairwise {
		member["subject_type"] = "pairwise"
	}
	r.Use(r.Register(member))
	if u, err := url.Parse(address); err == nil {
		r.Check(r.Fetched(strings.TrimPrefix(u.Path, r.ownPath()+"/")) > 0, registration("5"), "the OP has fetched the sector_identifier_uri")
	}
	first := r.SignIn()
	if !pairwise {
		r.Log("the OP offers no pairwise subjects: a sector changes nothing")
		return
	}
	r.Use(r.Register(member))
	second := r.SignIn()
	r.Check(first.IDToken().Text("sub") == second.IDToken().Text("sub"), core("8.1"), "sub is the same for clients of one sector")
	if !r.Metadata.Offers("subject_types_supported", "public") {
		return
	}
	r.Use(r.Register(Metadata{"subject_type": "public"}))
	public := r.SignIn()
	r.Check(public.IDToken().Text("sub") != first.IDToken().Text("sub"), core("8.1"), "sub is another for a client with public subjects")
}

func sectorBad(r *Run) {
	member := Metadata{"sector_identifier_uri": r.sectorDocument(r.RedirectURI() + "/other")}
	if r.Metadata.Offers("subject_types_supported", "pairwise") {
		member["subject_type"] = "pairwise"
	}
	r.registrationError(member, registration("5"), "invalid_client_metadata", "invalid_redirect_uri")
}
