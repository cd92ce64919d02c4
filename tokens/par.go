package tokens

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ory/fosite"

	"idbroker/broker"
)

const (
	// pushedPrefix begins the request_uri of a pushed request (RFC 9126,
	// section 2.2); a random secret follows.
	pushedPrefix = "urn:ietf:params:oauth:request_uri:"
	// pushedLifetime is the time in which a browser must bring it.
	pushedLifetime = 90 * time.Second
	// pushedParam carries, in Authorization.Params alone, what the request was
	// pushed under.
	pushedParam = "pushed_request"
	// signedParam says there that the request was signed.
	signedParam = "signed_request"
)

var (
	errPushedURI      = refuse(fosite.ErrInvalidRequest, "A pushed request has no request_uri.")
	errPushedRedirect = refuse(fosite.ErrInvalidRequest, "The redirect_uri is missing or not registered.")
	errPushed         = refuse(fosite.ErrInvalidRequest, "The request cannot be read.")
)

// pushedAnswer is the answer of RFC 9126, section 2.2.
type pushedAnswer struct {
	RequestURI string `json:"request_uri"`
	ExpiresIn  int    `json:"expires_in"` // seconds
}

// ServePAR serves the pushed authorization request endpoint (RFC 9126): the
// client authenticates as at the token endpoint, and its request is checked here
// as it would be at the authorization endpoint.
func (s *Service) ServePAR(w http.ResponseWriter, r *http.Request) {
	answer, err := s.push(w, r)
	if err != nil {
		s.fail(w, r, "par", err)
		return
	}
	writeJSON(w, http.StatusCreated, answer)
}

func (s *Service) push(w http.ResponseWriter, r *http.Request) (pushedAnswer, error) {
	form, err := readForm(w, r)
	if err != nil {
		return pushedAnswer{}, err
	}
	ctx, at := r.Context(), time.Now()
	client, err := s.authenticate(ctx, r, form, at)
	switch {
	case err != nil:
		return pushedAnswer{}, err
	case r.URL.RawQuery != "":
		return pushedAnswer{}, errQuery
	case form.Has("request_uri"):
		return pushedAnswer{}, errPushedURI
	}
	form, _ = known(form) // and so without credentials
	form.Set("client_id", client.ID)
	if len(form.Encode()) > maxParams {
		return pushedAnswer{}, errTooBig
	}
	a, err := s.parseSigned(ctx, form, nil, true)
	if err != nil {
		return pushedAnswer{}, forClient(err)
	}
	secret := broker.NewSecret()
	err = s.store.CreatePushedRequest(ctx, broker.PushedRequest{
		URIHash: secret.Hash(), ClientID: client.ID, Params: a.Params, CreatedAt: at, ExpiresAt: at.Add(pushedLifetime),
	})
	if err != nil {
		return pushedAnswer{}, err
	}
	s.log.InfoContext(ctx, "authorization request pushed", "client", client.ID)
	return pushedAnswer{RequestURI: pushedPrefix + secret.Reveal(), ExpiresIn: int(pushedLifetime / time.Second)}, nil
}

// forClient turns an error that would be a page into one that a client reads.
func forClient(err error) error {
	var page *broker.Error
	var refusal *fosite.RFC6749Error
	switch {
	case errors.As(err, &refusal):
		return refusal
	case errors.Is(err, errRedirectMissing), errors.Is(err, errRedirectUnknown):
		return errPushedRedirect
	case errors.As(err, &page) && page.Kind == broker.KindBadRequest:
		return errPushed
	}
	return err
}

// parsePushed makes the authorization of a request that was pushed. Of what the
// browser sends beside request_uri and client_id, nothing counts (RFC 9126,
// section 4). A client that names another's request_uri learns nothing, and
// leaves it as it is.
func (s *Service) parsePushed(ctx context.Context, form url.Values, repeated []string) (*Authorization, error) {
	id := form.Get("client_id")
	switch {
	case slices.Contains(repeated, "client_id"):
		return nil, errTwiceInPage.At("client_id").With("field", "client_id")
	case slices.Contains(repeated, "request_uri"):
		return nil, errTwiceInPage.At("request_uri").With("field", "request_uri")
	case id == "":
		return nil, errClientMissing
	}
	hash := broker.Secret(strings.TrimPrefix(form.Get("request_uri"), pushedPrefix)).Hash()
	p, err := s.store.PushedRequest(ctx, hash)
	switch {
	case errors.Is(err, broker.ErrNotFound):
		return nil, errRequestGone.Because(err)
	case err != nil:
		return nil, err
	case p.ClientID != id:
		return nil, errRequestGone.Becausef("pushed by %s", p.ClientID)
	case !p.UsedAt.IsZero(), !time.Now().Before(p.ExpiresAt):
		return nil, errRequestGone.Becausef("used at %s, expired at %s", p.UsedAt, p.ExpiresAt)
	}
	return s.resume(ctx, p.Params, hash)
}

// ResumeAuthorization checks a request again that was checked before: the client
// may have changed while the person was away. params is Authorization.Params as
// we kept it, never what somebody sent. Results are those of ParseAuthorization.
func (s *Service) ResumeAuthorization(ctx context.Context, params string) (*Authorization, error) {
	form, err := url.ParseQuery(params)
	if err != nil {
		return nil, errRequestInvalid.Because(err)
	}
	a, err := s.resume(ctx, params, form.Get(pushedParam))
	if a == nil {
		s.troubles.notePage(form.Get("client_id"), err)
	}
	return a, err
}

func (s *Service) resume(ctx context.Context, params, pushed string) (*Authorization, error) {
	form, err := url.ParseQuery(params)
	if err != nil {
		return nil, errRequestInvalid.Because(err)
	}
	how := origin{pushed: pushed != "", signed: form.Get(signedParam) != ""}
	form, repeated := known(form)
	a, err := s.parse(ctx, form, repeated, how)
	if a != nil && pushed != "" {
		a.pushed = pushed
		a.keep(pushedParam, pushed)
	}
	return a, err
}

// keep adds to Params what we know of how the request came.
func (a *Authorization) keep(name, value string) {
	form, err := url.ParseQuery(a.Params)
	if err != nil { // we encoded it
		return
	}
	form.Set(name, value)
	a.Params = form.Encode()
}
