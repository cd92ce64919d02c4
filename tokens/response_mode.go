package tokens

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/ory/fosite"

	"idbroker/broker"
)

// responseModes are the response modes that we write, form_post only where
// somebody renders the page (OAuth 2.0 Multiple Response Type Encoding
// Practices, section 2.1; OAuth 2.0 Form Post Response Mode).
var responseModes = []fosite.ResponseModeType{fosite.ResponseModeQuery, fosite.ResponseModeFragment, fosite.ResponseModeFormPost}

// FormPost answers a request with a page whose form posts params to
// redirectURI, an http or https URL that is trusted. It must not be kept, and
// its own policy must let the form leave.
type FormPost func(w http.ResponseWriter, r *http.Request, redirectURI string, params url.Values)

// UseFormPost offers the response mode form_post, with page. Call it before the
// first request.
func (s *Service) UseFormPost(page FormPost) error {
	s.formPost = page
	set := *s.keys.Load()
	if set.discovery.body == nil {
		return nil // no keys yet: EnsureKeys writes the metadata
	}
	var err error
	if set.discovery, err = s.newDiscovery(); err != nil {
		return err
	}
	s.keys.Store(&set)
	return nil
}

// modes are the response modes that are offered.
func (s *Service) modes() []fosite.ResponseModeType {
	if s.formPost == nil {
		return slices.DeleteFunc(slices.Clone(responseModes), func(m fosite.ResponseModeType) bool { return m == fosite.ResponseModeFormPost })
	}
	return responseModes
}

// responseMode is where the answer to a request goes, and whether that is what
// was asked for. Errors go where the answer would; where the mode itself is
// wrong, to the default of the response type: tokens never stand in a query,
// which logs and Referer headers keep.
func (s *Service) responseMode(c broker.Client, redirectURI string, form url.Values) (fosite.ResponseModeType, bool) {
	preset := fosite.ResponseModeQuery
	if types := strings.Fields(form.Get("response_type")); slices.Contains(types, responseToken) || slices.Contains(types, responseIDToken) {
		preset = fosite.ResponseModeFragment
	}
	asked := fosite.ResponseModeType(form.Get("response_mode"))
	switch {
	case asked == "":
		return preset, true
	case !slices.Contains(s.modes(), asked), c.Metadata.ResponseModes != nil && !slices.Contains(c.Metadata.ResponseModes, string(asked)):
		return preset, false
	case asked == fosite.ResponseModeQuery && preset == fosite.ResponseModeFragment:
		return preset, false
	case asked == fosite.ResponseModeFormPost && !postable(redirectURI):
		return preset, false
	}
	return asked, true
}

// postable tells whether a browser can post a form there: a scheme of an app's
// own takes no body.
func postable(uri string) bool {
	u, err := url.Parse(uri)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http")
}

// addParams adds parameters to a redirect URI and leaves its text alone.
func addParams(uri string, mode fosite.ResponseModeType, params url.Values) string {
	switch {
	case mode == fosite.ResponseModeFragment:
		return uri + "#" + params.Encode()
	case !strings.Contains(uri, "?"):
		return uri + "?" + params.Encode()
	case strings.HasSuffix(uri, "?"), strings.HasSuffix(uri, "&"):
		return uri + params.Encode()
	}
	return uri + "&" + params.Encode()
}

// answer sends the browser back to the application. Every answer names us (RFC
// 9207) and none is kept: not in a cache, not in a Referer.
func (s *Service) answer(w http.ResponseWriter, r *http.Request, a *Authorization, params url.Values) {
	if a.state != "" {
		params.Set("state", a.state)
	}
	params.Set("iss", s.o.Issuer)
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	if a.responseMode == fosite.ResponseModeFormPost {
		s.formPost(w, r, a.RedirectURI, params)
		return
	}
	h.Set("Location", addParams(a.RedirectURI, a.responseMode, params))
	w.WriteHeader(http.StatusSeeOther) // 303: never repeats a POST (RFC 9700, section 4.12)
}
