package web

// Brand is how the operator's community presents itself on every page.
type Brand struct {
	Name   string // of the community; "" "Identity Broker"
	Logo   []byte // an SVG, PNG, WebP or JPEG image that is served by us; nil the name alone
	Accent string // "#rrggbb", colour of the primary action; "" ours. Text on it and links are computed from it
	Help   string // URL, or "mailto:" address, of who helps; "" no link
	// Further links of the footer; "" no link.
	Privacy, Terms, Imprint string

	logo string // path of the logo
}

// defaultBrand is the name where the operator gave none.
const defaultBrand = "Identity Broker"

// LogoURL is the path of the logo; "" there is none.
func (b Brand) LogoURL() string { return b.logo }
