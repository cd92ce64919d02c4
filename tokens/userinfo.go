package tokens

import (
	"errors"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ory/fosite"
)

// ServeUserInfo serves the userinfo endpoint (OpenID Connect Core 1.0, section
// 5.3), GET and POST, with the token in the header or in the body of a POST.
func (s *Service) ServeUserInfo(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		w.Header().Set("Allow", "GET, POST")
		writeJSON(w, http.StatusMethodNotAllowed, oauthError{"invalid_request", "Use GET or POST."})
		return
	}
	token, problem := bearer(w, r)
	if problem != nil {
		s.challenge(w, *problem)
		return
	}
	t, err := s.access(r.Context(), token, "", time.Now())
	if err == nil && t.state.Grant.UserID != "" && slices.Contains(t.scopes, scopeOpenID) {
		if err = s.tellUserInfo(w, r, t, t.state.User); err == nil {
			return
		}
	}
	switch {
	case err == nil:
		s.challenge(w, bearerProblem{http.StatusForbidden, "insufficient_scope", "The token does not have the scope openid."})
	case errors.Is(err, errToken):
		s.challenge(w, bearerProblem{http.StatusUnauthorized, "invalid_token", "The access token is unknown, expired or revoked."})
	default:
		s.fail(w, r, "userinfo", err)
	}
}

// bearerProblem is a refusal of RFC 6750, section 3. Code is "" where no token
// was sent at all.
type bearerProblem struct {
	status      int
	code        string
	description string
}

func (s *Service) challenge(w http.ResponseWriter, p bearerProblem) {
	header := `Bearer realm="` + s.o.Issuer + `"`
	if p.code != "" {
		header += `, error="` + p.code + `", error_description="` + p.description + `"`
	}
	if p.code == "insufficient_scope" {
		header += `, scope="` + scopeOpenID + `"`
	}
	w.Header().Set("WWW-Authenticate", header)
	if p.code == "" {
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(p.status)
		return
	}
	writeJSON(w, p.status, oauthError{p.code, p.description})
}

// bearer finds the one access token of a request (RFC 6750, section 2). The URL
// is no place for it.
func bearer(w http.ResponseWriter, r *http.Request) (string, *bearerProblem) {
	invalid := func(text string) (string, *bearerProblem) {
		return "", &bearerProblem{http.StatusBadRequest, "invalid_request", text}
	}
	if r.URL.Query().Has("access_token") {
		return invalid("The access_token does not belong in the URL.")
	}
	var found []string
	for _, header := range r.Header.Values("Authorization") {
		scheme, token, _ := strings.Cut(header, " ")
		if strings.EqualFold(scheme, "Bearer") {
			found = append(found, strings.TrimSpace(token))
		}
	}
	if r.Method == http.MethodPost {
		if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err == nil && t == "application/x-www-form-urlencoded" {
			form, err := readForm(w, r)
			if errors.Is(err, errTooBig) {
				return "", &bearerProblem{http.StatusRequestEntityTooLarge, "invalid_request", errTooBig.DescriptionField}
			}
			var refusal *fosite.RFC6749Error
			if errors.As(err, &refusal) {
				return invalid(refusal.DescriptionField)
			}
			if err != nil {
				return invalid(errForm.DescriptionField)
			}
			if form.Has("access_token") {
				found = append(found, form.Get("access_token"))
			}
		}
	}
	switch len(found) {
	case 0:
		return "", &bearerProblem{status: http.StatusUnauthorized}
	case 1:
		return found[0], nil
	}
	return invalid("The access_token is there more than once.")
}
