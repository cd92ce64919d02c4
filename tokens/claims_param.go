package tokens

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"

	"github.com/ory/fosite"

	"idbroker/broker"
)

// Limits of the claims parameter. We know a dozen claims; a request that names
// a hundred is asking for something else.
const (
	maxClaimsParam = 8 << 10
	maxClaimNames  = 100
)

// claimScopes are the claims that can be asked for one by one, and the scope
// that asks for each together with others. A client that may not ask for the
// scope may not ask for its claims either.
var claimScopes = map[string]string{
	"name": scopeProfile, "preferred_username": scopeProfile, "locale": scopeProfile, "zoneinfo": scopeProfile, "updated_at": scopeProfile,
	"email": scopeEmail, "email_verified": scopeEmail,
	"phone_number": scopePhone, "phone_number_verified": scopePhone, "address": scopeAddress,
}

// claimWish is what a request says of one claim (OpenID Connect Core 1.0,
// section 5.5.1). Members that we don't know are ignored.
type claimWish struct {
	Essential bool
	Value     json.RawMessage
	Values    []json.RawMessage
}

// UnmarshalJSON reads members by their exact names.
func (c *claimWish) UnmarshalJSON(text []byte) error {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(text, &m); err != nil {
		return err
	}
	c.Value = m["value"]
	var err error
	if v := m["essential"]; v != nil {
		err = json.Unmarshal(v, &c.Essential)
	}
	if v := m["values"]; v != nil {
		err = errors.Join(err, json.Unmarshal(v, &c.Values))
	}
	return err
}

// accepts tells whether text is among the values that are asked for; any is
// where none is.
func (c *claimWish) accepts(text string) bool {
	if c == nil || len(c.Value) == 0 && len(c.Values) == 0 {
		return true
	}
	return slices.ContainsFunc(append(slices.Clone(c.Values), c.Value), func(v json.RawMessage) bool {
		var s string
		return json.Unmarshal(v, &s) == nil && s == text
	})
}

// texts are the values that are asked for, as far as they are text.
func (c *claimWish) texts() []string {
	var all []string
	for _, v := range append([]json.RawMessage{c.Value}, c.Values...) {
		var s string
		if json.Unmarshal(v, &s) == nil && s != "" {
			all = append(all, s)
		}
	}
	return all
}

// claimWishes are the members of the claims parameter. A claim with a nil wish
// is asked for and no more said of it.
type claimWishes struct {
	IDToken  map[string]*claimWish `json:"id_token,omitempty"`
	UserInfo map[string]*claimWish `json:"userinfo,omitempty"`
}

// errClaims: the text is no claims parameter.
var errClaims = errors.New("tokens: not a claims parameter")

// parseClaims reads a claims parameter. What it means must not depend on who
// reads it, so a member that is there twice is refused.
func parseClaims(text string) (claimWishes, error) {
	var w claimWishes
	if len(text) > maxClaimsParam {
		return w, errClaims
	}
	members, err := readObject([]byte(text))
	if err != nil {
		return claimWishes{}, errClaims
	}
	for name, wishes := range map[string]*map[string]*claimWish{"id_token": &w.IDToken, "userinfo": &w.UserInfo} {
		if members[name] != nil && json.Unmarshal(members[name], wishes) != nil {
			return claimWishes{}, errClaims
		}
	}
	if len(w.IDToken)+len(w.UserInfo) > maxClaimNames {
		return claimWishes{}, errClaims
	}
	return w, nil
}

// checkClaims reads the claims parameter and the defaults of the client's
// registration beside it. Claims that we don't know are ignored, as the
// specification says; two are promises: an essential acr that nobody here can
// meet is a failed authentication, and "sub" with a value names the person.
func (s *Service) checkClaims(_ context.Context, a *Authorization, form url.Values) error {
	text := form.Get("claims")
	if text == "" || !slices.Contains(a.Scopes, scopeOpenID) {
		return nil
	}
	w, err := parseClaims(text)
	if err != nil {
		return refuse(fosite.ErrInvalidRequest, "The claims parameter is not what OpenID Connect Core 1.0, section 5.5, describes.")
	}
	if acr := w.IDToken["acr"]; acr != nil && acr.Essential && !slices.ContainsFunc(s.acrs(), acr.accepts) {
		return ErrUnmet
	} else if acr != nil && len(acr.Value)+len(acr.Values) > 0 && !form.Has("acr_values") {
		a.wishedACR = acr.texts()
		a.ACRValues = "" // the registered default stands back (OpenID Connect Dynamic Client Registration 1.0, section 2)
	}
	if acr := w.IDToken["acr"]; acr != nil && acr.Essential {
		a.essentialACR = acr
	}
	for _, member := range []map[string]*claimWish{w.IDToken, w.UserInfo} {
		if sub := member["sub"]; sub != nil && len(sub.Value) > 0 {
			var value string
			if json.Unmarshal(sub.Value, &value) != nil || value == "" {
				return refuse(fosite.ErrInvalidRequest, "The value of the claim sub is not text.")
			}
			user, ok := s.userOf(a.Client, value)
			if !ok { // nobody whom the client could know
				return ErrLoginRequired
			}
			if err := s.expect(a, user); err != nil {
				return err
			}
		}
	}
	a.scopeOf = s.scopeOf
	a.claims = claimWishes{IDToken: s.known(a, w.IDToken), UserInfo: s.known(a, w.UserInfo)}
	return nil
}

// acrs are the authentication contexts that people can meet here.
func (s *Service) acrs() []string {
	if s.o.SecondFactor {
		return []string{broker.ACRSingle, broker.ACRSecond}
	}
	return []string{broker.ACRSingle}
}

// expect makes the request one for a person.
func (s *Service) expect(a *Authorization, user broker.UserID) error {
	if a.HintSubject != "" && a.HintSubject != user {
		return refuse(fosite.ErrInvalidRequest, "The request names two people.")
	}
	a.HintSubject = user
	return nil
}

// known are the wishes for claims that we have and that the client may ask for.
func (s *Service) known(a *Authorization, wishes map[string]*claimWish) map[string]*claimWish {
	var kept map[string]*claimWish
	for name := range wishes {
		if scope := s.scopeOf(name); s.Offers(scope) && slices.Contains(a.Client.Scopes, scope) {
			if kept == nil {
				kept = map[string]*claimWish{}
			}
			kept[name] = nil // what was said of it changes nothing that we do
		}
	}
	return kept
}

// names are the claims of a member, in order.
func names(wishes map[string]*claimWish) []string {
	var all []string
	for name := range wishes {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// text is how Grant.Claims keeps the wishes; "" none.
func (w claimWishes) text() string {
	if len(w.IDToken)+len(w.UserInfo) == 0 {
		return ""
	}
	b, err := json.Marshal(w)
	if err != nil { // of our own type: cannot be
		return ""
	}
	return string(b)
}

// wishesOf reads Grant.Claims.
func wishesOf(g broker.Grant) (w claimWishes) {
	if g.Claims != "" {
		_ = json.NewDecoder(bytes.NewReader([]byte(g.Claims))).Decode(&w) // we wrote it
	}
	return w
}

// claimPrefix stands before a claim in Asked and in Consent.Scopes.
const claimPrefix = "claim:"

// Asked is everything that a person says yes to: the scopes, and "claim:" and
// the name for each claim that is asked for beside them.
func (a *Authorization) Asked() []string {
	asked := slices.Clone(a.Scopes)
	for _, name := range slices.Concat(names(a.claims.IDToken), names(a.claims.UserInfo)) {
		if !slices.Contains(a.Scopes, a.scopeAsking(name)) && !slices.Contains(asked, claimPrefix+name) {
			asked = append(asked, claimPrefix+name)
		}
	}
	return asked
}
