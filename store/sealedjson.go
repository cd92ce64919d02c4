package store

import (
	"encoding/json"
	"errors"

	"idbroker/broker"
)

// A broker.Secret marshals to "[redacted]", so what is sealed as JSON goes
// through types of its own, in which the secrets are plain. They never leave
// this file unsealed.

type profileJSON struct {
	Provider      string      `json:"provider"`
	Issuer        string      `json:"issuer"`
	Subject       string      `json:"subject"`
	ClientID      string      `json:"client_id,omitempty"`
	Username      string      `json:"username,omitempty"`
	Name          string      `json:"name,omitempty"`
	Email         string      `json:"email,omitempty"`
	EmailVerified bool        `json:"email_verified,omitempty"`
	EmailAsserted bool        `json:"email_asserted,omitempty"`
	Locale        string      `json:"locale,omitempty"`
	ProfileURL    string      `json:"profile_url,omitempty"`
	AMR           []string    `json:"amr,omitempty"`
	ACR           string      `json:"acr,omitempty"`
	TwoFactors    bool        `json:"two_factors,omitempty"`
	AuthTime      micros      `json:"auth_time,omitempty"`
	SID           string      `json:"sid,omitempty"`
	Tokens        []tokenJSON `json:"tokens,omitempty"`
	Extra         []byte      `json:"extra,omitempty"` // JSON, byte for byte: json.RawMessage would be compacted
}

type tokenJSON struct {
	AccountID    string   `json:"account_id,omitempty"`
	Kind         string   `json:"kind,omitempty"`
	AccessToken  string   `json:"access_token,omitempty"`
	RefreshToken string   `json:"refresh_token,omitempty"`
	IDToken      string   `json:"id_token,omitempty"`
	TokenType    string   `json:"token_type,omitempty"`
	Scopes       []string `json:"scopes,omitempty"`
	ExpiresAt    micros   `json:"expires_at,omitempty"`
	RefreshEnds  micros   `json:"refresh_expires_at,omitempty"`
	UpdatedAt    micros   `json:"updated_at,omitempty"`
}

type signUpJSON struct {
	Email        string                     `json:"email"`
	Name         string                     `json:"name,omitempty"`
	Username     string                     `json:"username,omitempty"`
	Locale       string                     `json:"locale,omitempty"`
	PasswordHash string                     `json:"password_hash,omitempty"`
	Fields       map[string]json.RawMessage `json:"fields,omitempty"`
}

func profileJSONOf(p *broker.Profile) *profileJSON {
	if p == nil {
		return nil
	}
	j := &profileJSON{
		Provider: p.Provider, Issuer: p.Issuer, Subject: p.Subject, ClientID: p.ClientID, Username: p.Username, Name: p.Name,
		Email: p.Email, EmailVerified: p.EmailVerified, EmailAsserted: p.EmailAsserted, Locale: p.Locale, ProfileURL: p.ProfileURL,
		AMR: p.AMR, ACR: p.ACR, TwoFactors: p.TwoFactors, AuthTime: micro(p.AuthTime), SID: p.SID, Extra: p.Extra,
	}
	for _, t := range p.Tokens {
		j.Tokens = append(j.Tokens, tokenJSON{
			AccountID: t.AccountID, Kind: t.Kind, AccessToken: t.AccessToken.Reveal(), RefreshToken: t.RefreshToken.Reveal(),
			IDToken: t.IDToken.Reveal(), TokenType: t.TokenType, Scopes: t.Scopes, ExpiresAt: micro(t.ExpiresAt),
			RefreshEnds: micro(t.RefreshExpiresAt), UpdatedAt: micro(t.UpdatedAt),
		})
	}
	return j
}

func (j *profileJSON) profile() *broker.Profile {
	if j == nil {
		return nil
	}
	p := &broker.Profile{
		Provider: j.Provider, Issuer: j.Issuer, Subject: j.Subject, ClientID: j.ClientID, Username: j.Username, Name: j.Name,
		Email: j.Email, EmailVerified: j.EmailVerified, EmailAsserted: j.EmailAsserted, Locale: j.Locale, ProfileURL: j.ProfileURL,
		AMR: j.AMR, ACR: j.ACR, TwoFactors: j.TwoFactors, AuthTime: j.AuthTime.time(), SID: j.SID, Extra: j.Extra,
	}
	for _, t := range j.Tokens {
		p.Tokens = append(p.Tokens, broker.RemoteToken{
			AccountID: t.AccountID, Kind: t.Kind, AccessToken: broker.Secret(t.AccessToken), RefreshToken: broker.Secret(t.RefreshToken),
			IDToken: broker.Secret(t.IDToken), TokenType: t.TokenType, Scopes: t.Scopes, ExpiresAt: t.ExpiresAt.time(),
			RefreshExpiresAt: t.RefreshEnds.time(), UpdatedAt: t.UpdatedAt.time(),
		})
	}
	return p
}

func signUpJSONOf(s *broker.SignUp) *signUpJSON {
	if s == nil {
		return nil
	}
	return &signUpJSON{Email: s.Email, Name: s.Name, Username: s.Username, Locale: s.Locale, PasswordHash: s.PasswordHash.Reveal(), Fields: s.Fields}
}

func (j *signUpJSON) signUp() *broker.SignUp {
	if j == nil {
		return nil
	}
	return &broker.SignUp{Email: j.Email, Name: j.Name, Username: j.Username, Locale: j.Locale, PasswordHash: broker.Secret(j.PasswordHash), Fields: j.Fields}
}

type upstreamJSON struct {
	Issuer   string `json:"issuer"`
	Subject  string `json:"subject"`
	SID      string `json:"sid,omitempty"`
	ClientID string `json:"client_id,omitempty"`
	IDToken  string `json:"id_token,omitempty"`
}

func upstreamJSONOf(u broker.Upstream) *upstreamJSON {
	if u == (broker.Upstream{}) {
		return nil
	}
	return &upstreamJSON{Issuer: u.Issuer, Subject: u.Subject, SID: u.SID, ClientID: u.ClientID, IDToken: u.IDToken.Reveal()}
}

func (j *upstreamJSON) upstream() broker.Upstream {
	if j == nil {
		return broker.Upstream{}
	}
	return broker.Upstream{Issuer: j.Issuer, Subject: j.Subject, SID: j.SID, ClientID: j.ClientID, IDToken: broker.Secret(j.IDToken)}
}

// identifierJSONOf is what somebody has typed to name themselves: people mistake the
// field for the one of the password.
func identifierJSONOf(typed string) *string {
	if typed == "" {
		return nil
	}
	return &typed
}

func identifierOf(j *string) string {
	if j == nil {
		return ""
	}
	return *j
}

// sealJSON seals v as JSON; nil as an empty value.
func sealJSON[T any](k Keyring, p place, v *T) ([]byte, error) {
	if v == nil {
		return []byte{}, nil
	}
	text, err := json.Marshal(v)
	if err != nil {
		return nil, errors.New("seal " + p.table + "." + p.column + ": not JSON") // the cause may quote it
	}
	return k.seal(p, text)
}

// openJSON opens what sealJSON sealed.
func openJSON[T any](k Keyring, p place, sealed []byte) (*T, error) {
	text, err := k.open(p, sealed)
	if err != nil || text == nil {
		return nil, err
	}
	v := new(T)
	if err := json.Unmarshal(text, v); err != nil {
		return nil, errors.New("open " + p.table + "." + p.column + ": not the JSON that it should be")
	}
	return v, nil
}
