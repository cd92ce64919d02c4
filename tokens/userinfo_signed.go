package tokens

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"idbroker/broker"
)

// signedInfo is userinfo as a JWT: it says who tells whom (OpenID Connect Core
// 1.0, section 5.3.2). It has no end, which keeps it from passing for an ID
// token.
type signedInfo struct {
	Issuer   string `json:"iss"`
	Audience string `json:"aud"`
	userInfo
}

// tellUserInfo answers with what the token may read of user, signed and encrypted
// where the client is registered for it. An error: nothing was written.
func (s *Service) tellUserInfo(w http.ResponseWriter, r *http.Request, t standing, user broker.User) error {
	c := t.state.Client
	info := s.infoOf(user, t.scopes, t.claims()...)
	info.Subject = s.subjectOf(c, user.ID)
	to, err := s.recipientFor(r.Context(), c, userInfoEncryption(c))
	if err != nil {
		return err
	}
	alg := c.Metadata.UserInfoSignedResponseAlg
	if alg == "none" {
		alg = ""
	}
	if alg == "" && to == nil {
		body, err := withCustom(info, info.custom)
		if err == nil {
			writeJSON(w, http.StatusOK, body)
		}
		return err
	}
	payload, err := withCustom(signedInfo{Issuer: s.o.Issuer, Audience: c.ID, userInfo: info}, info.custom)
	if err != nil {
		return err
	}
	token, contents := string(payload), ""
	if alg != "" {
		if token, err = s.signInfo(r.Context(), c, alg, payload); err != nil {
			return err
		}
		contents = nestedType
	}
	if to != nil { // what is signed is signed first (section 5.3.2)
		if token, err = to.encrypt([]byte(token), contents, nil); err != nil {
			return err
		}
	}
	h := w.Header()
	h.Set("Content-Type", "application/jwt")
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write([]byte(token))
	return nil
}

// signInfo signs userinfo with an algorithm that a client is registered for.
func (s *Service) signInfo(ctx context.Context, c broker.Client, alg string, payload []byte) (string, error) {
	key := s.keys.Load().signer(alg, time.Now())
	if key == nil { // the client was registered with it since its token was issued
		if err := s.readyToSign(ctx, c); err != nil {
			return "", err
		}
		if key = s.keys.Load().signer(alg, time.Now()); key == nil {
			return "", fmt.Errorf("%w: %s", errNoKey, alg)
		}
	}
	return key.sign(payload)
}
