package tokens

import (
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"unicode/utf8"

	"github.com/ory/fosite"
)

// maxBody bounds a form at an endpoint for clients. The longest thing in one is
// a verifier of 128 characters or a token of ours; 64 KiB leave room for
// parameters that we ignore.
const maxBody = 64 << 10

// Protocol errors about the shape of a request.
var (
	errMethod = &fosite.RFC6749Error{ErrorField: "invalid_request", DescriptionField: "Use the POST method.", CodeField: http.StatusMethodNotAllowed}
	errTooBig = &fosite.RFC6749Error{ErrorField: "invalid_request", DescriptionField: "The body is too large.", CodeField: http.StatusRequestEntityTooLarge}
	errType   = refuse(fosite.ErrInvalidRequest, "The content type must be application/x-www-form-urlencoded.")
	errForm   = refuse(fosite.ErrInvalidRequest, "The body is not a form.")
	errQuery  = refuse(fosite.ErrInvalidRequest, "Parameters belong in the body, not in the URL.")
)

// formParams are the parameters that our endpoints read, beside authorizeParams. A
// refusal names one of those; what else a stranger makes up is not said back.
var formParams = []string{
	"access_token", "client_assertion", "client_assertion_type", "client_secret", "code", "code_verifier", "grant_type", "logout_hint", "post_logout_redirect_uri",
	"refresh_token", "token", "token_type_hint",
}

// refuseParam is a refusal about a parameter: its name where we know it, then what
// is wrong.
func refuseParam(name, wrong string) *fosite.RFC6749Error {
	if !slices.Contains(formParams, name) && !slices.Contains(authorizeParams, name) {
		return refuse(fosite.ErrInvalidRequest, "A parameter "+wrong)
	}
	return refuse(fosite.ErrInvalidRequest, "The parameter "+name+" "+wrong)
}

// What can be wrong with a parameter.
const (
	isTwice   = "is there more than once."
	isNoText  = "is not text: it must be UTF-8 without NUL."
	isUnseen  = "has a character that changes the direction of text or cannot be seen."
	isTooLong = "is too long, or not text."
)

// bodyOnly are parameters that must not be in a URL, where logs and histories
// keep them (RFC 6749, sections 2.3.1 and 3.2; RFC 6750, section 2.3).
var bodyOnly = []string{"client_secret", "client_assertion", "code", "code_verifier", "refresh_token", "access_token", "token", "password"}

// readForm reads the form of a POST request. Parameters without a value are
// omitted, and none may be there twice (RFC 6749, section 3.2).
func readForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return nil, errMethod
	}
	if len(r.Header["Content-Type"]) > 1 {
		return nil, errType
	}
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/x-www-form-urlencoded" {
		return nil, errType
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if err := r.ParseForm(); err != nil {
		var big *http.MaxBytesError
		if errors.As(err, &big) {
			return nil, errTooBig
		}
		return nil, errForm
	}
	query := r.URL.Query()
	for _, name := range bodyOnly {
		if query.Has(name) {
			return nil, errQuery
		}
	}
	for name, values := range r.PostForm {
		if len(values) > 1 && name != "resource" { // RFC 8707 repeats it
			return nil, refuseParam(name, isTwice)
		}
		for _, v := range values {
			if !plainText(v) || !plainText(name) {
				return nil, refuseParam(name, isNoText)
			}
		}
		if len(values) == 0 || values[0] == "" {
			r.PostForm.Del(name)
		}
	}
	return r.PostForm, nil
}

// plainText tells whether a database can keep text: UTF-8 without NUL.
func plainText(text string) bool {
	for i := 0; i < len(text); i++ {
		if text[i] == 0 {
			return false
		}
	}
	return utf8.ValidString(text)
}

// Values of headers as http.Header keeps them. They are shared by all answers;
// nobody writes into them.
var (
	jsonType = []string{"application/json"}
	noStore  = []string{"no-store"}
	noCache  = []string{"no-cache"}
	nosniff  = []string{"nosniff"}
)

// writeJSON answers a client. Nothing that these endpoints say is kept (RFC
// 6749, section 5.1).
func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil { // of our own types: cannot be
		status, body = http.StatusInternalServerError, []byte(`{"error":"server_error"}`)
	}
	h := w.Header()
	h["Content-Type"], h["Cache-Control"], h["Pragma"], h["X-Content-Type-Options"] = jsonType, noStore, noCache, nosniff
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// oauthError is an error response (RFC 6749, section 5.2).
type oauthError struct {
	Error       string `json:"error"`
	Description string `json:"error_description,omitempty"`
}

// fail answers a client with an error. What is ours goes to the log.
func (s *Service) fail(w http.ResponseWriter, r *http.Request, endpoint string, err error) {
	code, description, status := protocolError(err)
	switch {
	case status >= http.StatusInternalServerError:
		s.log.ErrorContext(r.Context(), "request not answered", "endpoint", endpoint, "err", err)
		if status == http.StatusServiceUnavailable {
			w.Header().Set("Retry-After", "5")
		}
	default:
		if endpoint != "register" && endpoint != "registration" { // their reasons quote what was sent
			s.troubles.noteRequest(r, endpoint, code, description)
		}
		s.log.InfoContext(r.Context(), "request refused", "endpoint", endpoint, "error", code, "reason", description)
	}
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="`+s.o.Issuer+`", charset="UTF-8"`)
	}
	writeJSON(w, status, oauthError{code, description})
}
