package tokens

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ory/fosite"

	"idbroker/broker"
)

// Limits of an authorization request. The specifications name none; these are
// far above what relying parties send and keep a row and a redirect small.
const (
	maxParams = 32 << 10 // all parameters, encoded
	maxNonce  = 2 << 10
	maxHint   = 1 << 10 // login_hint, ui_locales, acr_values
	maxScopes = maxNarrowed
	maxClient = 255
)

// promptValues are the values of prompt that we know.
var promptValues = []string{promptNone, promptLogin, promptConsent, promptSelect, promptCreate}

// authorizeParams are the parameters that Authorization.Params keeps. Others
// are ignored (RFC 6749, section 3.1).
var authorizeParams = []string{
	"acr_values", "claims", "claims_locales", "client_id", "code_challenge", "code_challenge_method", "display", "id_token_hint", "idp_hint", "kc_idp_hint", "login_hint", "max_age",
	"nonce", "prompt", "redirect_uri", "registration", "request", "request_uri", "response_mode", "response_type", "scope", "state", "ui_locales",
}

// ParseAuthorization checks an authorization request. (nil, error): show a
// page, the redirect URI is not trusted. (a, error): call Refuse. (a, nil): go
// on with Decide.
func (s *Service) ParseAuthorization(ctx context.Context, form url.Values) (*Authorization, error) {
	a, err := s.parseSent(ctx, form)
	if a == nil {
		s.troubles.notePage(form.Get("client_id"), err)
	}
	return a, err
}

// parseSent checks a request that a browser brought.
func (s *Service) parseSent(ctx context.Context, form url.Values) (*Authorization, error) {
	form, repeated := known(form)
	if size := len(form.Encode()); size > maxParams {
		return nil, errRequestInvalid.Becausef("%d bytes of parameters", size)
	}
	if strings.HasPrefix(form.Get("request_uri"), pushedPrefix) {
		return s.parsePushed(ctx, form, repeated)
	}
	return s.parseSigned(ctx, form, repeated, false)
}

// origin is how a request came.
type origin struct {
	pushed bool // the client sent it directly
	signed bool // it was a request object
}

// parse checks a request.
func (s *Service) parse(ctx context.Context, form url.Values, repeated []string, o origin) (*Authorization, error) {
	a, err := s.trust(ctx, form, repeated)
	if err != nil {
		return nil, err
	}
	if o.signed {
		a.keep(signedParam, "1")
	}
	switch m := a.Client.Metadata; {
	case !o.pushed && (s.o.RequirePAR || m.RequirePAR):
		return a, refuse(fosite.ErrInvalidRequest, "The client must push its authorization requests (RFC 9126).")
	case !o.signed && (s.o.RequireSigned || m.RequireSignedObject):
		return a, refuse(fosite.ErrInvalidRequest, "The client must sign its authorization requests (RFC 9101, section 10.5).")
	}
	if len(repeated) > 0 {
		return a, refuseParam(slices.Min(repeated), isTwice)
	}
	for _, name := range slices.Sorted(maps.Keys(form)) {
		value := form.Get(name)
		if name == "claims" { // JSON may stand on several lines
			value = strings.NewReplacer("\n", "", "\r", "", "\t", "").Replace(value)
		}
		if name != "scope" && strings.ContainsFunc(value, unseen) { // of scopes, only ours are taken
			return a, refuseParam(name, isUnseen)
		}
	}
	if err := s.readyToSign(ctx, a.Client); err != nil {
		return a, err
	}
	if a.recipient, err = s.recipientFor(ctx, a.Client, idTokenEncryption(a.Client)); err != nil {
		return a, err
	}
	for _, check := range []func(context.Context, *Authorization, url.Values) error{
		s.checkUnsupported, s.checkResponse, s.checkScopes, s.checkTokens, s.checkPKCE, s.checkOpenID, s.checkHint, s.checkClaims, s.checkFactor, s.checkWithEngine,
	} {
		if err := check(ctx, a, form); err != nil {
			return a, err
		}
	}
	return a, nil
}

// known keeps the parameters that we know and that have a value (RFC 6749,
// section 3.1: one without is omitted), and names those that are there twice.
func known(form url.Values) (url.Values, []string) {
	kept := url.Values{}
	var repeated []string
	for name, values := range form {
		if len(values) > 1 && name != "resource" { // RFC 8707 repeats it
			repeated = append(repeated, name)
		}
		if len(values) > 0 && values[0] != "" && slices.Contains(authorizeParams, name) {
			kept.Set(name, values[0])
		}
	}
	return kept, repeated
}

// trust finds out where errors may be sent.
func (s *Service) trust(ctx context.Context, form url.Values, repeated []string) (*Authorization, error) {
	id := form.Get("client_id")
	switch {
	case id == "":
		return nil, errClientMissing
	case !clientIDChars(id):
		return nil, errClientUnknown
	}
	for _, name := range []string{"client_id", "redirect_uri"} {
		if slices.Contains(repeated, name) {
			return nil, errTwiceInPage.At(name).With("field", name)
		}
	}
	c, err := s.store.CurrentClient(ctx, id)
	switch {
	case errors.Is(err, broker.ErrNotFound):
		return nil, errClientUnknown.Becausef("client %.100q: %w", id, err)
	case err != nil:
		return nil, err
	case !c.DisabledAt.IsZero():
		return nil, errClientDisabled.Becausef("client %q", c.ID)
	}
	uri := form.Get("redirect_uri")
	if uri == "" && (len(c.RedirectURIs) != 1 || slices.Contains(strings.Split(form.Get("scope"), " "), scopeOpenID)) {
		return nil, errRedirectMissing // required with "openid" (OpenID Connect Core 1.0, section 3.1.2.1)
	}
	trusted, ok := matchRedirect(c, uri)
	if !ok {
		shown, _, _ := strings.Cut(uri, "?") // what stands behind may be anybody's secret
		return nil, errRedirectUnknown.With("client", c.Name).Becausef("client %q has not registered %.200q", c.ID, shown)
	}
	a := &Authorization{Client: c, RedirectURI: trusted, Params: form.Encode(), state: form.Get("state")}
	a.responseMode, a.modeOK = s.responseMode(c, trusted, form)
	return a, nil
}

// clientIDChars tells whether id can be a client_id (RFC 6749, appendix A.1).
func clientIDChars(id string) bool {
	for i := 0; i < len(id); i++ {
		if id[i] < 0x20 || id[i] > 0x7e {
			return false
		}
	}
	return id != "" && len(id) <= maxClient
}

// checkUnsupported answers what OpenID Connect Core 1.0, section 7.2.1, has for
// an OpenID Provider without registration in the request.
func (s *Service) checkUnsupported(_ context.Context, _ *Authorization, form url.Values) error {
	switch {
	case form.Has("registration"):
		return refuse(fosite.ErrRegistrationNotSupported, "The registration parameter is not supported.")
	}
	return nil
}

// checkScopes compares scopes as they are written: they are case-sensitive (RFC
// 6749, section 3.3).
func (s *Service) checkScopes(_ context.Context, a *Authorization, form url.Values) error {
	scopes, err := parseScopes(form.Get("scope"), a.Client.Scopes)
	if err != nil {
		return err
	}
	if scopes = slices.DeleteFunc(scopes, s.withheld); len(scopes) == 0 {
		return refuse(fosite.ErrInvalidScope, "The scope is missing.")
	}
	if !a.Client.MayGrant(broker.GrantRefresh) || !a.answersWith(responseCode) {
		// There is nothing to be had offline (OpenID Connect Core 1.0, section
		// 11: the request is ignored).
		scopes = slices.DeleteFunc(scopes, func(s string) bool { return s == scopeOffline })
	}
	a.Scopes = scopes
	return nil
}

// parseScopes splits a scope parameter, drops repetitions, and refuses what is
// not in allowed.
func parseScopes(text string, allowed []string) ([]string, error) {
	var scopes []string
	for _, scope := range strings.Split(text, " ") {
		switch {
		case scope == "", slices.Contains(scopes, scope):
			continue
		case !slices.Contains(allowed, scope):
			return nil, refuse(fosite.ErrInvalidScope, "The client may not ask for one of the scopes.")
		case len(scopes) == maxScopes:
			return nil, refuse(fosite.ErrInvalidScope, "There are too many scopes.")
		}
		scopes = append(scopes, scope)
	}
	return scopes, nil
}

func (s *Service) checkOpenID(_ context.Context, a *Authorization, form url.Values) error {
	a.LoginHint, a.UILocales, a.ACRValues = form.Get("login_hint"), form.Get("ui_locales"), form.Get("acr_values")
	for _, name := range []string{"login_hint", "ui_locales", "acr_values", "claims_locales", "display"} {
		if !plain(form.Get(name), maxHint) {
			return refuseParam(name, isTooLong)
		}
	}
	if a.ACRValues == "" {
		a.ACRValues = strings.Join(a.Client.Metadata.DefaultACRValues, " ")
	}
	if !plain(form.Get("nonce"), maxNonce) {
		return refuseParam("nonce", isTooLong)
	}
	if p := form.Get("prompt"); p != "" {
		a.Prompt = strings.Fields(p)
		for _, value := range a.Prompt {
			if !slices.Contains(s.prompts(), value) {
				return refuse(fosite.ErrInvalidRequest, "A prompt value is not supported.")
			}
		}
		if slices.Contains(a.Prompt, promptNone) && len(a.Prompt) > 1 {
			return refuse(fosite.ErrInvalidRequest, "The prompt value none stands alone.")
		}
	}
	if m := form.Get("max_age"); m != "" {
		age, ok := parseAge(m)
		if !ok {
			return refuse(fosite.ErrInvalidRequest, "The max_age is not a number of seconds.")
		}
		a.MaxAge = &age
	} else if n := a.Client.Metadata.DefaultMaxAge; n != nil && *n >= 0 {
		age, _ := parseAge(strconv.Itoa(*n))
		a.MaxAge = &age
	}
	return nil
}

// unseen tells whether a character has no place in a parameter: it changes the
// direction of text, or nobody sees it. Some parameters are shown to people, and
// none needs one (RFC 6749, appendix A).
func unseen(r rune) bool { return !unicode.IsPrint(r) }

// plain tells whether text is UTF-8 without control characters, at most limit
// bytes long.
func plain(text string, limit int) bool {
	return len(text) <= limit && utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// maxAge is as far back as max_age reaches: nobody stays signed in longer.
const maxAge = 100 * 365 * 24 * time.Hour

// parseAge reads seconds in decimal digits. More than a century is a century.
func parseAge(text string) (time.Duration, bool) {
	for i := 0; i < len(text); i++ {
		if text[i] < '0' || text[i] > '9' {
			return 0, false
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) || text == "" {
		return 0, false
	}
	return time.Duration(min(n, int64(maxAge/time.Second))) * time.Second, true
}

// checkHint reads id_token_hint. An expired one is good; one for another client
// is not.
func (s *Service) checkHint(_ context.Context, a *Authorization, form url.Values) error {
	hint := form.Get("id_token_hint")
	if hint == "" {
		return nil
	}
	claims, err := s.readHint(hint)
	if err != nil || claims.Audience != a.Client.ID {
		return refuse(fosite.ErrInvalidRequest, "The id_token_hint is not an ID token that was issued to this client.")
	}
	return s.expect(a, s.hinted(a.Client, claims))
}

// checkWithEngine makes the engine's request, which checks much of this again.
func (s *Service) checkWithEngine(ctx context.Context, a *Authorization, form url.Values) error {
	sent := url.Values{}
	for _, name := range []string{"client_id", "redirect_uri", "response_type", "response_mode", "state", "nonce", "code_challenge", "code_challenge_method"} {
		if form.Has(name) {
			sent.Set(name, form.Get(name))
		}
	}
	sent.Set("scope", strings.Join(a.Scopes, " "))
	r := (&http.Request{Method: http.MethodGet, URL: &url.URL{}, Header: http.Header{}, Form: sent, PostForm: url.Values{}}).WithContext(ctx)
	client := &engineClient{Client: a.Client, redirectURI: a.RedirectURI}
	request, err := s.engine.NewAuthorizeRequest(context.WithValue(ctx, clientKey{}, client), r)
	if err != nil && !(errors.Is(err, fosite.ErrInvalidState) && a.state == "") { // state is recommended, not required
		return err
	}
	a.request = request
	return nil
}
