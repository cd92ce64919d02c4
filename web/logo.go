package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"golang.org/x/image/webp"

	"idbroker/broker"
)

// Logos gets the pictures that applications are registered with (logo_uri of
// OpenID Connect Dynamic Client Registration 1.0, section 2). It keeps to the
// public Internet, bounds size and time, and remembers failures, since whoever
// registers an application names the address.
type Logos interface {
	Get(ctx context.Context, url string, maxAge time.Duration) ([]byte, error)
}

const (
	// logoAge is how long a logo is shown before it is asked for again.
	logoAge = 24 * time.Hour
	// logoPatience is how long a page waits for the logos on it. One that takes
	// longer is there the next time.
	logoPatience = 700 * time.Millisecond
	// logoTime is how long the picture itself may wait for its source.
	logoTime = 5 * time.Second
	// maxLogoSide bounds each side in pixels: what a browser has to unpack for a
	// picture of the size of a thumb.
	maxLogoSide = 1024
)

// errLogo: the answer is not a picture that we pass on.
var errLogo = errors.New("web: a logo must be a PNG, JPEG, GIF or WebP image of at most " + strconv.Itoa(maxLogoSide) + " pixels a side")

// logo is a picture that has been looked at.
type logo struct {
	kind    string // Content-Type
	ext     string
	content []byte
}

// logoKinds are the pictures that we pass on, by what they begin with. SVG is
// not among them: it is a program.
var logoKinds = map[string]struct {
	ext    string
	config func(io.Reader) (image.Config, error)
}{
	"image/png":  {".png", png.DecodeConfig},
	"image/jpeg": {".jpg", jpeg.DecodeConfig},
	"image/gif":  {".gif", gif.DecodeConfig},
	"image/webp": {".webp", webp.DecodeConfig},
}

// lookAt tells what a picture is by its content, never by what its source says.
func lookAt(content []byte) (l logo, err error) {
	defer func() { // a stranger's picture must not end the broker, whatever a decoder makes of it
		if recover() != nil {
			l, err = logo{}, errLogo
		}
	}()
	kind := http.DetectContentType(content)
	known, ok := logoKinds[kind]
	if !ok {
		return logo{}, errLogo
	}
	size, err := known.config(bytes.NewReader(content))
	if err != nil || size.Width < 1 || size.Height < 1 || size.Width > maxLogoSide || size.Height > maxLogoSide {
		return logo{}, errLogo
	}
	return logo{kind, known.ext, content}, nil
}

// name is the file that the logo is served as: its content decides, so that what
// a page was made with is what it shows, whatever its source has by then.
func (l logo) name() string {
	sum := sha256.Sum256(l.content)
	return hex.EncodeToString(sum[:16]) + l.ext
}

// logoURI is where the logo of an application is, in a language; "" nowhere.
func logoURI(c broker.Client, lang string) string {
	return c.Localized("logo_uri", lang, c.Metadata.LogoURI)
}

// logoAt gets and checks the picture at a URI.
func (s *Server) logoAt(ctx context.Context, uri string) (logo, error) {
	if s.o.Logos == nil || uri == "" {
		return logo{}, errNoSuchPage
	}
	content, err := s.o.Logos.Get(ctx, uri, logoAge)
	if err != nil {
		return logo{}, err
	}
	return lookAt(content)
}

// addLogos finds the logos of the applications on a page, all at once, and
// leaves out what is not there soon. Only pages for people who are signed in
// have logos: nobody else makes us ask.
func (s *Server) addLogos(ctx context.Context, lang string, clients []broker.Client, at func(i int, path string)) {
	ctx, cancel := context.WithTimeout(ctx, logoPatience)
	defer cancel()
	paths := make([]string, len(clients))
	var wait sync.WaitGroup
	for i, c := range clients {
		wait.Go(func() {
			l, err := s.logoAt(ctx, logoURI(c, lang))
			switch {
			case err == nil:
				paths[i] = "/applications/" + url.PathEscape(c.ID) + "/logo/" + l.name()
			case !errors.Is(err, errNoSuchPage) && ctx.Err() == nil:
				s.log.DebugContext(ctx, "logo left out", "client", c.ID, "err", err)
			}
		})
	}
	wait.Wait()
	for i, path := range paths {
		if path != "" {
			at(i, path)
		}
	}
}

// getLogo serves GET /applications/{client}/logo/{file}. The page that named the
// file may have been made by another replica, so the picture is asked for again
// where it is not at hand.
func (s *Server) getLogo(w http.ResponseWriter, r *http.Request) error {
	if visitOf(r).user == nil {
		return errNoSuchPage
	}
	ctx, cancel := context.WithTimeout(r.Context(), logoTime)
	defer cancel()
	c, err := s.store.Client(ctx, r.PathValue("client"))
	if err != nil {
		return err // not found is 404
	}
	uris := []string{logoURI(c, s.language(r)), c.Metadata.LogoURI} // the page may have been in another language
	for _, uri := range slices.Compact(uris) {
		l, err := s.logoAt(ctx, uri)
		if err != nil || l.name() != r.PathValue("file") {
			continue
		}
		h := w.Header()
		h.Set("Content-Type", l.kind)
		h.Set("Content-Length", strconv.Itoa(len(l.content)))
		h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
		h.Set("Cache-Control", "private, max-age=31536000, immutable")
		_, err = w.Write(l.content)
		return err
	}
	return errNoSuchPage
}

// initials stand where there is no logo: the first letters of the first two
// words; "" where there are none.
func initials(name string) string {
	var letters []rune
	for _, word := range strings.Fields(name) {
		for _, r := range word {
			if unicode.IsLetter(r) || unicode.IsDigit(r) {
				letters = append(letters, unicode.ToUpper(r))
				break
			}
		}
	}
	return string(letters[:min(len(letters), 2)])
}
