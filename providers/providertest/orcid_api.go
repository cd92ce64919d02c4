package providertest

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// userinfo answers 403 to whatever is wrong, with a hyphen in the key.
func (o *ORCID) userinfo(w http.ResponseWriter, r *http.Request) {
	at := o.Now()
	o.mu.Lock()
	defer o.mu.Unlock()
	tok := o.tokenBy(bearer(r), at)
	if tok == nil || tok.orcid == "" || !slices.Contains(tok.scopes, "openid") && !slices.Contains(tok.scopes, "/authenticate") {
		writeJSON(w, http.StatusForbidden, map[string]string{"error": "access_denied", "error-description": "access_token is invalid"})
		return
	}
	rec := o.records[tok.orcid]
	out := map[string]any{"id": o.URL + "/" + rec.ID, "sub": rec.ID, "name": nil, "family_name": nil, "given_name": nil}
	if !rec.NamePrivate {
		out["given_name"] = rec.Given
		if rec.Family != "" {
			out["family_name"], out["name"] = rec.Family, rec.publicName()
		}
	}
	writeJSON(w, http.StatusOK, out)
}

// revoke serves POST /oauth/revoke: 200 for unknown tokens too, and only this
// access and refresh pair dies.
func (o *ORCID) revoke(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if r.ParseForm() != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	client := o.authenticated(r.PostForm)
	if client == nil {
		orcidTokenError(w, http.StatusUnauthorized, "invalid_client", "Client authentication failed")
		return
	}
	for _, tok := range o.tokens {
		if text := r.PostForm.Get("token"); text != "" && tok.client == client.ID && (tok.access == text || tok.refresh == text) {
			tok.dead = true
		}
	}
	w.WriteHeader(http.StatusOK)
}

// tokenBy finds a live access token. The caller holds mu.
func (o *ORCID) tokenBy(access string, at time.Time) *orcidToken {
	for _, tok := range o.tokens {
		if access != "" && tok.access == access && !tok.dead && at.Before(tok.expires) {
			return tok
		}
	}
	return nil
}

// bearer is the token in the Authorization header; "" none.
func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return token
}

// section serves a section of a record at the public or the member API.
func (o *ORCID) section(member bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		at := o.Now()
		o.mu.Lock()
		defer o.mu.Unlock()
		asJSON, ok := orcidAccept(r.Header.Get("Accept"))
		if !ok {
			orcidFailure(w, http.StatusNotAcceptable, 9001, "The media type is not supported")
			return
		}
		var tok *orcidToken
		if access := bearer(r); access != "" || member { // the public API answers anybody
			if tok = o.tokenBy(access, at); tok == nil {
				writeJSON(w, http.StatusUnauthorized, map[string]string{"error": "invalid_token", "error_description": "Invalid access token: " + access})
				return
			}
		}
		rec := o.records[r.PathValue("orcid")]
		if rec == nil || r.PathValue("section") != "email" {
			orcidFailure(w, http.StatusNotFound, 9016, "The resource was not found")
			return
		}
		if rec.State != "" {
			o.unreadable(w, rec, member)
			return
		}
		limited := member && tok.orcid == rec.ID && slices.Contains(tok.scopes, "/read-limited")
		if !asJSON {
			w.Header().Set("Content-Type", "application/xml;charset=UTF-8")
			_, _ = w.Write([]byte(`<?xml version="1.0"?><email:emails xmlns:email="http://www.orcid.org/ns/email" path="/` + rec.ID + `/email"/>`))
			return
		}
		writeJSON(w, http.StatusOK, map[string]any{"last-modified-date": nil, "email": rec.listed(limited), "path": "/" + rec.ID + "/email"})
	}
}

// listed is what a reader sees: verified addresses that are public, or limited
// for who is trusted.
func (rec *ORCIDRecord) listed(limited bool) []map[string]any {
	out := []map[string]any{}
	for _, e := range rec.Emails {
		if e.Verified && (e.Visibility == "public" || limited && e.Visibility == "limited") {
			out = append(out, map[string]any{
				"email": e.Email, "path": nil, "visibility": e.Visibility, "verified": true, "primary": e.Primary, "put-code": nil,
				"created-date": map[string]any{"value": 1600000000000}, "last-modified-date": map[string]any{"value": 1717000000000},
				"source": map[string]any{"source-name": map[string]any{"value": rec.publicName()}},
			})
		}
	}
	return out
}

// unreadable answers for a record that is not there any more. The caller holds mu.
func (o *ORCID) unreadable(w http.ResponseWriter, rec *ORCIDRecord, member bool) {
	switch rec.State {
	case StateDeprecated:
		base := o.pub
		if member {
			base = o.api
		}
		w.Header().Set("Location", base+"/"+rec.merged+"/email")
		orcidFailure(w, http.StatusMovedPermanently, 9007, "This account is deprecated")
	case StateDeactivated:
		orcidFailure(w, http.StatusConflict, 9044, "The ORCID record is deactivated")
	case StateLocked:
		orcidFailure(w, http.StatusConflict, 9018, "The ORCID record is locked")
	case StateUnclaimed:
		orcidFailure(w, http.StatusConflict, 9036, "The ORCID record is not claimed")
	default:
		orcidFailure(w, http.StatusForbidden, 9039, "The item is private")
	}
}

func orcidFailure(w http.ResponseWriter, status, code int, message string) {
	writeJSON(w, status, map[string]any{
		"response-code": status, "developer-message": message, "user-message": message, "error-code": code,
		"more-info": "https://members.orcid.org/api/resources/troubleshooting",
	})
}

// orcidAccept tells whether to answer in JSON, and whether the type is one at all.
func orcidAccept(accept string) (asJSON, ok bool) {
	for part := range strings.SplitSeq(accept, ",") {
		mt, _, _ := strings.Cut(strings.TrimSpace(part), ";")
		switch mt {
		case "application/json", "application/orcid+json", "application/vnd.orcid+json":
			return true, true
		case "", "*/*", "application/xml", "application/orcid+xml", "application/vnd.orcid+xml":
			return false, true
		}
	}
	return false, false
}
