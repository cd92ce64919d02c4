package web

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// colour is an sRGB colour, 0 to 255 a channel.
type colour struct{ r, g, b uint8 }

// String is the colour as CSS has it.
func (c colour) String() string { return fmt.Sprintf("#%02x%02x%02x", c.r, c.g, c.b) }

// parseColour reads "#rrggbb" or "#rgb".
func parseColour(s string) (colour, error) {
	hex, ok := strings.CutPrefix(strings.TrimSpace(s), "#")
	if ok && len(hex) == 3 {
		hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
	}
	n, err := strconv.ParseUint(hex, 16, 32)
	if !ok || len(hex) != 6 || err != nil {
		return colour{}, fmt.Errorf("%q is no colour: write it as #rrggbb", s)
	}
	return colour{uint8(n >> 16), uint8(n >> 8), uint8(n)}, nil
}

// luminance is the relative luminance of WCAG 2.2, from 0 (black) to 1 (white).
func (c colour) luminance() float64 {
	linear := func(channel uint8) float64 {
		v := float64(channel) / 255
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c.r) + 0.7152*linear(c.g) + 0.0722*linear(c.b)
}

// contrast is the contrast ratio of WCAG 2.2, from 1 to 21.
func contrast(a, b colour) float64 {
	x, y := a.luminance(), b.luminance()
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// mix moves c towards another colour by a share between 0 and 1.
func (c colour) mix(to colour, share float64) colour {
	channel := func(a, b uint8) uint8 {
		return uint8(math.Round(float64(a) + (float64(b)-float64(a))*share))
	}
	return colour{channel(c.r, to.r), channel(c.g, to.g), channel(c.b, to.b)}
}

var black, white = colour{0, 0, 0}, colour{255, 255, 255}

// Contrast that WCAG 2.2 asks for at level AA: text (1.4.3), and outlines and
// focus marks (1.4.11).
const contrastText, contrastLine = 4.5, 3

// textOn is black or white, whichever is easier to read on c. One of them
// always has contrastText.
func textOn(c colour) colour {
	if contrast(c, white) >= contrastText {
		return white // of two that can be read, the one that people expect
	}
	return black
}

// readable moves c towards another colour no further than it takes to be read on
// every ground.
func readable(c, towards colour, ratio float64, grounds ...colour) colour {
	for step := 0; step <= 100; step++ {
		moved := c.mix(towards, float64(step)/100)
		ok := true
		for _, g := range grounds {
			ok = ok && contrast(moved, g) >= ratio
		}
		if ok {
			return moved
		}
	}
	return towards
}

// The grounds that links and outlines stand on; style.css has the same, and a
// test compares them.
var (
	lightGrounds = []colour{{0xf4, 0xf5, 0xf7}, white}
	darkGrounds  = []colour{{0x11, 0x13, 0x17}, {0x1a, 0x1d, 0x23}}
)

// accentCSS is the stylesheet that puts an operator's colour in the place of
// ours: as it is where something is filled with it, and moved as far as it must
// be where it is text or an outline.
func accentCSS(c colour) string {
	return fmt.Sprintf(":root{--accent:%s;--accent-text:%s;--link:light-dark(%s,%s)}\n", c, textOn(c),
		readable(c, black, contrastText, lightGrounds...), readable(c, white, contrastText, darkGrounds...))
}
