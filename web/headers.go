package web

import (
	"net/http"
	"slices"
)

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

// machinePolicy is the policy of answers that are no pages: nothing may run in
// them, wherever somebody gets them shown.
const machinePolicy = "default-src 'none'; frame-ancestors 'none'"

// headerLine is a header whose value is the same in every answer, made once: its
// name in canonical form, its value as http.Header keeps it. Nobody writes into
// it: Set and Add put another slice in its place.
type headerLine struct {
	name  string
	value []string
}

// newHeaders are the headers that every answer carries: those of pages, and those of the
// endpoints for programs. Whatever is personal must not be kept by a cache, and
// everything but the files under /static/ and public documents may be.
func newHeaders(secure bool) (pages, machines []headerLine) {
	line := func(name, value string) headerLine { return headerLine{name, []string{value}} }
	machines = []headerLine{
		line("X-Frame-Options", "DENY"), // for browsers without frame-ancestors
		line("X-Content-Type-Options", "nosniff"),
		// A login, a mail token or a code must not travel in a Referer.
		line("Referrer-Policy", "no-referrer"),
		line("Cross-Origin-Resource-Policy", "same-origin"),
		line("Cache-Control", "no-store"),
	}
	if secure {
		// Two years, the least that browsers' preload lists accept with room
		// to spare. Sub-domains are the operator's business.
		machines = append(machines, line("Strict-Transport-Security", "max-age=63072000"))
	}
	pages = append(slices.Clone(machines),
		line("Content-Security-Policy", contentSecurityPolicy+formsStay),
		line("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=(), interest-cohort=()"))
	return pages, append(machines, line("Content-Security-Policy", machinePolicy))
}

func setHeaders(h http.Header, lines []headerLine) {
	for _, l := range lines {
		h[l.name] = l.value
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
