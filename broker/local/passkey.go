package local

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
	"github.com/go-webauthn/webauthn/webauthn"

	"idbroker/broker"
)

const (
	// MaxPasskeys is how many an account may have: more than anybody has devices,
	// and few enough to be named to a browser.
	MaxPasskeys = 20
	// MaxCredential bounds what a browser sends of a passkey, in bytes. The answer
	// of a security key with its certificates has less than 4 KiB.
	MaxCredential = 16 << 10
	// maxCredentialID is the longest id of a credential, in bytes (WebAuthn Level
	// 3, section 7.1, step 25).
	maxCredentialID = 1023
)

// Errors about passkeys.
var (
	ErrNoPasskeys        = &broker.Error{Kind: broker.KindNotFound, Message: "passkey.off"}
	ErrPasskeyGone       = &broker.Error{Kind: broker.KindNotFound, Message: "passkey.gone"}
	ErrPasskeyUnreadable = &broker.Error{Kind: broker.KindInvalid, Message: "passkey.unreadable"}
	ErrPasskeyExpired    = &broker.Error{Kind: broker.KindInvalid, Message: "passkey.expired"} // or answered before
	ErrPasskeyUnknown    = &broker.Error{Kind: broker.KindInvalid, Message: "passkey.unknown"}
	ErrPasskeyOther      = &broker.Error{Kind: broker.KindInvalid, Message: "passkey.other"}
	ErrPasskeyUnverified = &broker.Error{Kind: broker.KindInvalid, Message: "passkey.unverified"}
	ErrPasskeyRefused    = &broker.Error{Kind: broker.KindInvalid, Message: "passkey.refused"}
	ErrPasskeyCloned     = &broker.Error{Kind: broker.KindInvalid, Message: "passkey.cloned"}
	ErrPasskeyKnown      = &broker.Error{Kind: broker.KindInvalid, Message: "passkey.known"}
	ErrPasskeyMany       = &broker.Error{Kind: broker.KindInvalid, Message: "passkey.many"}
	ErrPasskeyName       = &broker.Error{Kind: broker.KindInvalid, Message: "passkey.name_invalid", Field: "name"}
	ErrPasskeyNameTaken  = &broker.Error{Kind: broker.KindInvalid, Message: "passkey.name_taken", Field: "name"}
	ErrPasskeyLast       = &broker.Error{Kind: broker.KindConflict, Message: "passkey.last"}
)

// PasskeyAsk is what a challenge for a passkey is bound to, beside the time. What
// answers it must come with the same.
type PasskeyAsk struct {
	Purpose broker.PasskeyPurpose
	Browser string         // hash of the browser's cookie
	Login   broker.LoginID // that goes on with the answer; "" none
	User    broker.UserID  // whose passkey it must be; "" whoever's
}

// algorithms are the ones that we take, best first: what every platform has, and
// nothing that is weaker.
var algorithms = []protocol.CredentialParameter{
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgEdDSA},
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgES256},
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgRS256},
}

// PasskeysAt tells whether passkeys can work at a base URL. They are bound to its
// host, which has to be a name: browsers refuse addresses, 127.0.0.1 among them.
func PasskeysAt(baseURL string) bool {
	_, err := newRelyingParty(baseURL, "")
	return err == nil
}

// newRelyingParty is us, as WebAuthn sees us.
func newRelyingParty(baseURL, brand string) (*webauthn.WebAuthn, error) {
	u, err := url.Parse(baseURL)
	if err != nil {
		return nil, err
	}
	if err := protocol.ValidateRPID(u.Hostname()); err != nil {
		return nil, err
	}
	if brand == "" {
		brand = u.Host
	}
	limit := webauthn.TimeoutConfig{Timeout: broker.PasskeyChallengeLifetime, TimeoutUVD: broker.PasskeyChallengeLifetime}
	return webauthn.New(&webauthn.Config{
		RPID: u.Hostname(), RPDisplayName: brand, RPOrigins: []string{baseURL},
		// Which make a device is of would tell more of the person than we need.
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, RequireResidentKey: protocol.ResidentKeyRequired(), UserVerification: protocol.VerificationRequired,
		},
		Timeouts: webauthn.TimeoutsConfig{Login: limit, Registration: limit},
	})
}

// Passkeys tells whether accounts may have passkeys here.
func (a *Accounts) Passkeys() bool { return a.party != nil }

// holder is an account as the library wants it.
type holder struct {
	handle        []byte
	name, display string
	keys          []webauthn.Credential
}

func (h holder) WebAuthnID() []byte                         { return h.handle }
func (h holder) WebAuthnName() string                       { return h.name }
func (h holder) WebAuthnDisplayName() string                { return h.display }
func (h holder) WebAuthnCredentials() []webauthn.Credential { return h.keys }

// keyOf is a passkey as the library wants it.
func keyOf(p broker.Passkey) webauthn.Credential {
	id, _ := base64.RawURLEncoding.DecodeString(p.CredentialID) // we encoded it; what is not, matches nothing
	c := webauthn.Credential{
		ID: id, PublicKey: p.PublicKey, Flags: webauthn.CredentialFlags{UserVerified: true, BackupEligible: p.Syncable, BackupState: p.Synced},
		Authenticator: webauthn.Authenticator{SignCount: uint32(p.SignCount)}, //nolint:gosec // it was one
	}
	for _, t := range p.Transports {
		c.Transport = append(c.Transport, protocol.AuthenticatorTransport(t))
	}
	return c
}

// PasskeyOptions is what a page hands to its browser, as JSON: a challenge and what
// may answer it. It writes nothing, so that a page can be looked at for free. ""
// where there is nothing that could answer: passkeys are off, or the user has none.
// To whom it is not known who asks, it says the same whoever they are.
func (a *Accounts) PasskeyOptions(ctx context.Context, ask PasskeyAsk, at time.Time) (string, error) {
	if !a.Passkeys() {
		return "", nil
	}
	var mine []protocol.CredentialDescriptor
	if ask.User != "" {
		keys, err := a.store.PasskeysOf(ctx, ask.User)
		if err != nil {
			return "", fmt.Errorf("passkeys: %w", err)
		}
		for _, p := range keys {
			c := keyOf(p)
			mine = append(mine, c.Descriptor())
		}
		if ask.Purpose != broker.PasskeyAdd && len(mine) == 0 {
			return "", nil
		}
	}
	challenge := a.challenge(ask, at)
	var options any
	if ask.Purpose == broker.PasskeyAdd {
		user, err := a.store.User(ctx, ask.User)
		if err != nil {
			return "", fmt.Errorf("find user: %w", err)
		}
		h := holder{handle: a.handle(user.ID), name: user.Email, display: user.Called()}
		creation, _, err := a.party.BeginRegistration(h, webauthn.WithExclusions(mine), webauthn.WithCredentialParameters(algorithms))
		if err != nil {
			return "", fmt.Errorf("begin registration: %w", err)
		}
		creation.Response.Challenge = challenge
		options = creation.Response
	} else {
		options = protocol.PublicKeyCredentialRequestOptions{
			Challenge: challenge, Timeout: int(broker.PasskeyChallengeLifetime.Milliseconds()), RelyingPartyID: a.party.Config.RPID,
			AllowedCredentials: mine, UserVerification: verification(ask.Purpose),
		}
	}
	text, err := json.Marshal(options)
	return string(text), err
}

// verification says whether a device must know its person. Beside something else
// that was proven it need not: it is what they have.
func verification(p broker.PasskeyPurpose) protocol.UserVerificationRequirement {
	if p == broker.PasskeyFactor {
		return protocol.VerificationPreferred
	}
	return protocol.VerificationRequired
}

// knownTransports are the words that browsers use for how a device is reached. The
// browser alone says them, so what is none is dropped.
var knownTransports = []string{"internal", "hybrid", "usb", "nfc", "ble", "smart-card"}

func transportsOf(c *webauthn.Credential) []string {
	var all []string
	for _, t := range c.Transport {
		if s := string(t); slices.Contains(knownTransports, s) && !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}
