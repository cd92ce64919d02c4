package web

import (
	"fmt"
	"net/http"
	"strings"
)

// Brand is how the operator's community presents itself on every page.
type Brand struct {
	Name   string // of the community; "" "Identity Broker"
	Logo   []byte // an SVG, PNG, WebP or JPEG image that is served by us; nil a neutral mark
	Accent string // "#rrggbb", colour of the primary action; "" ours. Text on it and links are computed from it
	Help   string // URL, or "mailto:" address, of who helps; "" no link

	Privacy, Terms, Imprint string // URLs in the footer; "" no link

	logo, style string // paths of what is served
}

// defaultBrand is the name where the operator gave none.
const defaultBrand = "Identity Broker"

// LogoURL is the path of the logo; "" there is none.
func (b Brand) LogoURL() string { return b.logo }

// StyleURL is the path of the stylesheet that holds the colours which follow
// from Accent; "" ours are used.
func (b Brand) StyleURL() string { return b.style }

// serve puts logo and colours among the static files.
func (b Brand) serve(a *assets) (Brand, error) {
	if b.Name == "" {
		b.Name = defaultBrand
	}
	if len(b.Logo) > 0 {
		ext, ok := imageExt(b.Logo)
		if !ok {
			return b, fmt.Errorf("brand logo is neither SVG, PNG, WebP nor JPEG")
		}
		b.logo = a.add("logo"+ext, b.Logo)
	}
	if b.Accent != "" {
		accent, err := parseColour(b.Accent)
		if err != nil {
			return b, fmt.Errorf("brand accent: %w", err)
		}
		b.style = a.add("brand.css", []byte(accentCSS(accent)))
	}
	return b, nil
}

// IsLogo tells whether content can be Brand.Logo.
func IsLogo(content []byte) bool {
	_, ok := imageExt(content)
	return ok
}

// imageExt tells the kind of an image by its content.
func imageExt(content []byte) (string, bool) {
	switch http.DetectContentType(content) {
	case "image/png":
		return ".png", true
	case "image/webp":
		return ".webp", true
	case "image/jpeg":
		return ".jpg", true
	}
	head := strings.ToLower(string(content[:min(len(content), 1024)]))
	if strings.Contains(head, "<svg") {
		return ".svg", true
	}
	return "", false
}

// footLink is a link of the footer, or of an application.
type footLink struct{ Label, URL string }

// FootLinks are the operator's links.
func (b base) FootLinks() []footLink {
	return b.links("layout.help", b.Brand.Help, "layout.privacy", b.Brand.Privacy, "layout.terms", b.Brand.Terms, "layout.imprint", b.Brand.Imprint)
}

// links makes links of keys and addresses in turn, leaving out what is "".
func (b base) links(args ...string) []footLink {
	var all []footLink
	for i := 0; i+1 < len(args); i += 2 {
		if args[i+1] != "" {
			all = append(all, footLink{b.T(args[i]), args[i+1]})
		}
	}
	return all
}
