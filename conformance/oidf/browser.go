package oidf

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/html"
)

// maxHops bounds the redirects of one step.
const maxHops = 20

// Browser is the person's browser: it keeps cookies, follows redirects, and
// stops where the application would take over: at a redirect URI. It runs no
// scripts.
type Browser struct {
	wire *wire
	// stops are the addresses, without query and fragment, that are the application's.
	stops func(*url.URL) bool
	// home is the application's origin: what it opens is cross-site for the OP.
	home *url.URL
	jar  jar
	page *Page
	back *Arrival
	seen []*Page // since an address was opened
}

// Arrival is how the browser came back to the application.
type Arrival struct {
	URL      *url.URL
	Query    url.Values
	Fragment url.Values // nil: the redirect had none
	Form     url.Values // of form_post; nil: it was a redirect
	Page     *Page      // of form_post: the page with the form
}

// Page is what the browser shows; nil once it is back at the application.
func (b *Browser) Page() *Page { return b.page }

// Arrived is how the browser came back to the application; nil: it did not.
func (b *Browser) Arrived() *Arrival { return b.back }

// Open goes to an address, as the application's link or redirect does.
func (b *Browser) Open(ctx context.Context, address string) error {
	return b.begin(ctx, &submission{method: http.MethodGet}, address)
}

// Post sends a form from a page of the application: cross-site for the OP.
func (b *Browser) Post(ctx context.Context, address string, form url.Values) error {
	return b.begin(ctx, &submission{method: http.MethodPost, values: form}, address)
}

func (b *Browser) begin(ctx context.Context, s *submission, address string) error {
	to, err := url.Parse(address)
	if err != nil {
		return err
	}
	s.to = to
	b.seen = nil
	return b.navigate(ctx, s, b.home)
}

// navigate sends s, which began at a page of another or the same site, and
// follows redirects.
func (b *Browser) navigate(ctx context.Context, s *submission, from *url.URL) error {
	b.page, b.back = nil, nil
	crossSite := false
	for range maxHops {
		if b.stops(s.to) {
			b.back = arrival(s)
			return nil
		}
		crossSite = crossSite || site(from) != site(s.to)
		res, err := b.send(ctx, s, from, origin{crossSite: crossSite})
		if err != nil {
			return err
		}
		location := res.Header.Get("Location")
		if res.Status < 300 || res.Status > 399 || location == "" {
			return b.show(res)
		}
		to, err := s.to.Parse(location)
		if err != nil {
			return fmt.Errorf("the redirect to %q: %w", location, err)
		}
		if to.Fragment == "" && s.to.Fragment != "" { // RFC 9110, section 10.2.2
			to.Fragment, to.RawFragment = s.to.Fragment, s.to.RawFragment
		}
		next := &submission{method: http.MethodGet, to: to}
		if res.Status == http.StatusTemporaryRedirect || res.Status == http.StatusPermanentRedirect {
			next.method, next.values = s.method, s.values
		}
		s = next
	}
	return fmt.Errorf("more than %d redirects, the last to %s", maxHops, maskURL(s.to))
}

func (b *Browser) send(ctx context.Context, s *submission, from *url.URL, o origin) (*Response, error) {
	var body any
	if s.method == http.MethodPost {
		body = s.values
	}
	address := *s.to
	address.Fragment, address.RawFragment = "", ""
	req, err := newRequest(ctx, s.method, address.String(), body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.5")
	req.Header.Set("Accept-Language", "en")
	req.Header.Set("Sec-Fetch-Dest", "document")
	if o.frame {
		req.Header.Set("Sec-Fetch-Dest", "iframe")
	}
	req.Header.Set("Sec-Fetch-Mode", "navigate")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	if o.crossSite {
		req.Header.Set("Sec-Fetch-Site", "cross-site")
	}
	if s.method == http.MethodPost {
		req.Header.Set("Origin", from.Scheme+"://"+from.Host)
	}
	now := time.Now()
	for _, c := range b.jar.give(s.to, s.method, o, now) {
		req.AddCookie(c)
	}
	res, err := b.wire.do(req)
	if err == nil {
		b.jar.take(s.to, res.Header, now)
	}
	return res, err
}

// show makes a response the page. A page whose form goes to the application by
// itself is an arrival (OAuth 2.0 Form Post Response Mode).
func (b *Browser) show(res *Response) error {
	p, err := parsePage(res.Request.URL, res.Status, res.Header, res.Body)
	if err != nil {
		return err
	}
	b.page, b.seen = p, append(b.seen, p)
	for form := range elements(p.root, "form") {
		s, err := p.submit(form, nil)
		if err != nil || s.method != http.MethodPost || !b.stops(s.to) {
			continue
		}
		b.back = arrival(s)
		b.back.Page, b.page = p, nil
		return nil
	}
	return nil
}

// Frame loads an address as a frame of the page does and returns the response
// that comes in the end; the page stays.
func (b *Browser) Frame(ctx context.Context, address string) (*Response, error) {
	if b.page == nil {
		return nil, errors.New("there is no page that a frame could be in")
	}
	to, err := b.page.URL.Parse(address)
	if err != nil {
		return nil, err
	}
	crossSite := false
	for range maxHops {
		crossSite = crossSite || site(b.page.URL) != site(to)
		res, err := b.send(ctx, &submission{method: http.MethodGet, to: to}, b.page.URL, origin{crossSite: crossSite, frame: true})
		if err != nil {
			return nil, err
		}
		location := res.Header.Get("Location")
		if res.Status < 300 || res.Status > 399 || location == "" {
			return res, nil
		}
		if to, err = to.Parse(location); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("more than %d redirects in a frame", maxHops)
}

// click presses an element of the page.
func (b *Browser) click(ctx context.Context, n *html.Node) error {
	s, err := b.page.press(n)
	if err != nil || s == nil {
		return err
	}
	if s.method == http.MethodGet && n.Data != "a" {
		s.to.RawQuery = s.values.Encode()
	}
	return b.navigate(ctx, s, b.page.URL)
}

func arrival(s *submission) *Arrival {
	a := &Arrival{URL: s.to, Query: s.to.Query()}
	if s.method == http.MethodPost {
		a.Form = s.values
	}
	if strings.Contains(s.to.String(), "#") {
		a.Fragment, _ = url.ParseQuery(s.to.EscapedFragment())
	}
	return a
}
