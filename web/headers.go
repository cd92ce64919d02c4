package web

import "net/http"

// contentSecurityPolicy lets a page load our own style sheet, pictures and
// modules, and nothing else: no inline code, no frames around or inside it,
// no base element.
const contentSecurityPolicy = "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; frame-ancestors 'none'"

// formsStay is added where every form of a page ends on this site.
//
// It is left out of pages whose form may end at an application or a provider,
// because Chromium applies form-action to the whole chain of redirects behind
// a form post. The chain does not end at the registered redirect URI either:
// an application's own redirects are part of it, so naming its origin would
// break the ones whose callback lives on another host than their pages.
const formsStay = "; form-action 'self'"

// setHeaders sets what every answer carries. Whatever is personal must not be
// kept by a cache, and everything but the files under /static/ may be.
func (s *Server) setHeaders(h http.Header) {
	h.Set("Content-Security-Policy", contentSecurityPolicy+formsStay)
	h.Set("X-Frame-Options", "DENY") // for browsers without frame-ancestors
	h.Set("X-Content-Type-Options", "nosniff")
	// A login, a mail token or a code must not travel in a Referer.
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=(), interest-cohort=()")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	if s.cookies.secure {
		// Two years, the least that browsers' preload lists accept with room
		// to spare. Sub-domains are the operator's business.
		h.Set("Strict-Transport-Security", "max-age=63072000")
	}
}

// isolate cuts the page off from the window that opened it. The pages on the
// way to an application go without: it may have opened a pop-up for the
// sign-in and waits for word from it, and the header on any answer between
// the two would cut that tie for good.
func isolate(w http.ResponseWriter) {
	w.Header().Set("Cross-Origin-Opener-Policy", "same-origin")
}

// formsLeave lets the forms of the page end elsewhere; see formsStay.
func formsLeave(w http.ResponseWriter) {
	w.Header().Set("Content-Security-Policy", contentSecurityPolicy)
}
