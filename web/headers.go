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

// headerSets are the headers that every answer carries, by what it is. They are as
// few as serve their purpose: behind the eighth, each costs as much as all before it.
type headerSets struct {
	pages     []headerLine
	machines  []headerLine // answers to programs: nobody looks at them, or follows a link
	documents []headerLine // of those, what everybody may read and keep
}

func newHeaders(secure bool) headerSets {
	line := func(name, value string) headerLine { return headerLine{name, []string{value}} }
	all := []headerLine{line("X-Content-Type-Options", "nosniff")}
	if secure {
		// Two years, the least that browsers' preload lists accept with room
		// to spare. Sub-domains are the operator's business.
		all = append(all, line("Strict-Transport-Security", "max-age=63072000"))
	}
	inert := append(slices.Clone(all), line("Content-Security-Policy", machinePolicy))
	// Whatever is personal must not be kept by a cache, and everything but the
	// files under /static/ and public documents may be.
	personal := []headerLine{line("Cache-Control", "no-store"), line("Cross-Origin-Resource-Policy", "same-origin")}
	return headerSets{
		documents: inert,
		machines:  append(slices.Clone(inert), personal...),
		pages: append(append(all, personal...),
			line("Content-Security-Policy", contentSecurityPolicy+formsStay),
			line("X-Frame-Options", "DENY"), // for browsers without frame-ancestors
			// A login, a mail token or a code must not travel in a Referer.
			line("Referrer-Policy", "no-referrer"),
			line("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=(), interest-cohort=()")),
	}
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
