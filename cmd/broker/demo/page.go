package demo

import (
	"bytes"
	"embed"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
)

//go:embed templates demo.css
var files embed.FS

var templates = template.Must(template.New("").ParseFS(files, "templates/*.html"))

// maxForm bounds the body of a request: the longest form repeats an
// authorization request, which is under 4 KiB.
const maxForm = 64 << 10

// frame is what every page has; pages embed it.
type frame struct {
	Title string
	Part  string // which of the demo's parts speaks
}

// render writes the page with the template of that name.
func render(w http.ResponseWriter, status int, name string, page any) {
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, name, page); err != nil {
		http.Error(w, "the page could not be written", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = b.WriteTo(w)
}

// errorPage says what happened and leads on.
type errorPage struct {
	frame
	Message string
	Detail  string // in the words of the protocol; "" none
	Href    string // the way on
	Action  string
}

// part wraps the pages of one part of the demo: the stylesheet, one host name,
// no foreign posts, bounded bodies, strict headers. Forms may lead to the
// origins, beside the own one: browsers hold redirects after a form to it.
func part(base string, origins []string, pages http.Handler) http.Handler {
	host := ""
	if u, err := url.Parse(base); err == nil {
		host = u.Host
	}
	policy := "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action " +
		strings.Join(append([]string{"'self'"}, origins...), " ")
	mux := http.NewServeMux()
	mux.HandleFunc("GET /demo.css", func(w http.ResponseWriter, r *http.Request) {
		css, _ := fs.ReadFile(files, "demo.css")
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		_, _ = w.Write(css)
	})
	mux.Handle("/", pages)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if r.Host != host { // a cookie of localhost is not one of 127.0.0.1
			if r.Method != http.MethodGet && r.Method != http.MethodHead {
				http.Error(w, "this demo lives at "+base, http.StatusMisdirectedRequest)
				return
			}
			http.Redirect(w, r, base+r.URL.RequestURI(), http.StatusTemporaryRedirect)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		mux.ServeHTTP(w, r)
	})
}

// sameOrigin refuses forms of other sites.
func sameOrigin(h http.HandlerFunc) http.Handler {
	return http.NewCrossOriginProtection().Handler(h)
}
