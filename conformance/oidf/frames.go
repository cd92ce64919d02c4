package oidf

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Framed is a frame of a page that the browser showed.
type Framed struct {
	URL     *url.URL
	Status  int   // 0: it was not loaded
	Problem error // why not; nil: it was
}

// String names the frame in messages.
func (f Framed) String() string {
	if f.Problem != nil {
		return fmt.Sprintf("%s, which was not loaded: %v", maskURL(f.URL), f.Problem)
	}
	return fmt.Sprintf("%s, which answered with %d", maskURL(f.URL), f.Status)
}

// frames are the addresses of the page's iframes.
func (p *Page) frames() []*url.URL {
	var found []*url.URL
	for n := range elements(p.root, "iframe") {
		src, _ := attr(n, "src")
		if u, err := p.URL.Parse(strings.TrimSpace(src)); src != "" && err == nil && u.Host != "" {
			found = append(found, u)
		}
	}
	return found
}

// refresh is where the Refresh header or a meta element leads; nil: nowhere.
func (p *Page) refresh() *url.URL {
	values := []string{p.Header.Get("Refresh")}
	for n := range elements(p.root, "meta") {
		if kind, _ := attr(n, "http-equiv"); strings.EqualFold(kind, "refresh") {
			content, _ := attr(n, "content")
			values = append(values, content)
		}
	}
	for _, v := range values {
		_, rest, ok := strings.Cut(v, ";")
		rest = strings.TrimSpace(rest)
		if !ok || len(rest) < 4 || !strings.EqualFold(rest[:4], "url=") {
			continue
		}
		if u, err := p.URL.Parse(strings.Trim(strings.TrimSpace(rest[4:]), `"'`)); err == nil {
			return u
		}
	}
	return nil
}

// load loads a frame as far as the page's policy lets it.
func (b *Browser) load(ctx context.Context, u *url.URL) Framed {
	if !mayFrame(b.page, u) {
		return Framed{URL: u, Problem: fmt.Errorf("the page's Content-Security-Policy does not let it: %s", strings.Join(b.page.Header.Values("Content-Security-Policy"), ", "))}
	}
	res, err := b.Frame(ctx, u.String())
	if err != nil {
		return Framed{URL: u, Problem: err}
	}
	return Framed{URL: u, Status: res.Status}
}

// policies are the policies of a response: every header, and every part between
// commas, counts for itself (CSP Level 3, section 2.2.2).
func policies(h http.Header) []map[string][]string {
	var all []map[string][]string
	for _, header := range h.Values("Content-Security-Policy") {
		for _, policy := range strings.Split(header, ",") {
			directives := map[string][]string{}
			for _, d := range strings.Split(policy, ";") {
				words := strings.Fields(d)
				if len(words) == 0 {
					continue
				}
				if name := strings.ToLower(words[0]); directives[name] == nil {
					directives[name] = append([]string{}, words[1:]...)
				}
			}
			all = append(all, directives)
		}
	}
	return all
}

// mayFrame tells whether the policies of the page let it have a frame with the
// address: frame-src, else child-src, else default-src.
func mayFrame(p *Page, u *url.URL) bool {
	for _, policy := range policies(p.Header) {
		for _, name := range []string{"frame-src", "child-src", "default-src"} {
			if sources, there := policy[name]; there {
				if !slices.ContainsFunc(sources, func(s string) bool { return sourceMatches(s, u, p.URL) }) {
					return false
				}
				break
			}
		}
	}
	return true
}

// framedBy tells what keeps a response out of a frame on a page of another origin;
// "" nothing does. X-Frame-Options counts only without frame-ancestors (CSP Level
// 3, section 6.4.2).
func framedBy(h http.Header, own, page *url.URL) string {
	ancestors := false
	for _, policy := range policies(h) {
		sources, there := policy["frame-ancestors"]
		if !there {
			continue
		}
		ancestors = true
		if !slices.ContainsFunc(sources, func(s string) bool { return sourceMatches(s, page, own) }) {
			return "Content-Security-Policy: frame-ancestors " + strings.Join(sources, " ")
		}
	}
	if x := h.Get("X-Frame-Options"); x != "" && !ancestors {
		return "X-Frame-Options: " + x
	}
	return ""
}

// sourceMatches tells whether a source expression of a policy of own names u (CSP
// Level 3, section 6.7.2.8).
func sourceMatches(source string, u, own *url.URL) bool {
	switch source = strings.ToLower(source); {
	case source == "'none'":
		return false
	case source == "'self'":
		return u.Scheme == own.Scheme && u.Host == own.Host
	case source == "*":
		return u.Scheme == "https" || u.Scheme == "http"
	case strings.HasSuffix(source, ":") && !strings.Contains(source, "/"):
		return u.Scheme+":" == source
	}
	scheme, rest, ok := strings.Cut(source, "://")
	if !ok {
		scheme, rest = own.Scheme, source
	}
	if u.Scheme != scheme && (scheme != "http" || u.Scheme != "https") {
		return false
	}
	host, path, hasPath := strings.Cut(rest, "/")
	name, port, hasPort := strings.Cut(host, ":")
	if suffix, wild := strings.CutPrefix(name, "*"); wild {
		if !strings.HasSuffix(u.Hostname(), suffix) {
			return false
		}
	} else if !strings.EqualFold(name, u.Hostname()) {
		return false
	}
	if hasPort && port != "*" && port != portOf(u) || !hasPort && portOf(u) != portOf(&url.URL{Scheme: u.Scheme}) {
		return false
	}
	path = "/" + path
	return !hasPath || path == u.Path || strings.HasSuffix(path, "/") && strings.HasPrefix(u.Path, path)
}

// portOf is the port of an address, said or not.
func portOf(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	return map[string]string{"https": "443", "http": "80"}[u.Scheme]
}
