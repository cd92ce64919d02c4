package main

import (
	"fmt"
	"os"

	"idbroker/config"
	"idbroker/web"
)

// maxLogo bounds a logo: every first visit loads it.
const maxLogo = 256 << 10

// brand reads the logo and makes the brand of the pages.
func brand(b config.Brand) (web.Brand, error) {
	const path, fix = "brand.logo", "name a file with an SVG, PNG, WebP or JPEG image, or remove the setting"
	w := web.Brand{Name: b.Name, Accent: b.Accent, Help: b.Help, Privacy: b.Privacy, Terms: b.Terms, Imprint: b.Imprint}
	if b.Logo == "" {
		return w, nil
	}
	info, err := os.Stat(b.Logo)
	switch {
	case err != nil:
		return w, config.Unreadable(path, b.Logo, err, fix)
	case !info.Mode().IsRegular() || info.Size() > maxLogo:
		return w, config.Unfit(path, b.Logo, fmt.Sprintf("is no file of at most %d KiB", maxLogo>>10), "use a smaller image")
	}
	if w.Logo, err = os.ReadFile(b.Logo); err != nil {
		return w, config.Unreadable(path, b.Logo, err, fix)
	}
	if !web.IsLogo(w.Logo) {
		return w, config.Unfit(path, b.Logo, "is neither SVG, PNG, WebP nor JPEG", fix)
	}
	return w, nil
}
