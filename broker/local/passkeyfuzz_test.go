package local

import (
	"context"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/broker/local/passkeytest"
)

// keyStore is a database with one passkey, for what looks at nothing else.
type keyStore struct {
	Store
	key broker.Passkey
}

func (s keyStore) Passkey(context.Context, string) (broker.Passkey, error) { return s.key, nil }

func (s keyStore) PasskeysOf(context.Context, broker.UserID) ([]broker.Passkey, error) {
	return nil, nil
}

func (s keyStore) User(context.Context, broker.UserID) (broker.User, error) {
	return broker.User{ID: "u", Email: "ada@example.org"}, nil
}

func (s keyStore) InTx(context.Context, func(context.Context) error) error { return errPassed }

// errPassed: a signature was taken.
var errPassed = &broker.Error{Kind: broker.KindUnavailable, Message: "passed"}

// FuzzPasskey: whatever a browser sends as an answer or a new passkey is refused as
// the person's mistake, and never stops us; what is not signed as it must be opens
// nothing, however it is changed. Keys are new in each process, so that what is
// interesting is seldom so twice: -fuzzminimizetime 1x keeps the fuzzer from trying to
// make it smaller for as long as it runs.
func FuzzPasskey(f *testing.F) {
	const origin = "https://id.example.org"
	a := New(keyStore{}, nil, Options{Issuer: origin, PasskeyKey: [32]byte{1}})
	at := time.Now()
	adding := PasskeyAsk{Purpose: broker.PasskeyAdd, Browser: "b", User: "u"}
	signing := PasskeyAsk{Purpose: broker.PasskeySignIn, Browser: "b"}
	toAdd, err := a.PasskeyOptions(f.Context(), adding, at)
	if err != nil {
		f.Fatal(err)
	}
	toSign, err := a.PasskeyOptions(f.Context(), signing, at)
	if err != nil {
		f.Fatal(err)
	}
	var made broker.Passkey
	seeds := map[string]bool{}
	for _, alg := range []int{passkeytest.EdDSA, passkeytest.RS256, passkeytest.ES256} {
		k := passkeytest.New(f, alg)
		created := k.Register(f, toAdd, origin)
		if made, _, _, err = a.newPasskey(adding, created, at); err != nil {
			f.Fatal(err)
		}
		signed := k.Sign(f, toSign, origin)
		seeds[signed] = alg == passkeytest.ES256 // the one whose key we keep
		f.Add(created)
		f.Add(signed)
	}
	f.Add(`{"id":"AA","rawId":"AA","type":"public-key","response":{}}`)
	made.UserID = "u"
	a.store = keyStore{key: made}
	f.Fuzz(func(t *testing.T, credential string) {
		_, _, err := a.UsePasskey(t.Context(), signing, credential)
		switch kind := broker.KindOf(err); {
		case seeds[credential] && err != errPassed:
			t.Errorf("an honest answer: %v", err)
		case !seeds[credential] && err == errPassed && len(credential) <= MaxCredential && !sameAnswer(credential, seeds):
			t.Errorf("taken: %q", credential)
		case err != errPassed && kind != broker.KindInvalid:
			t.Errorf("kind %v: %v", kind, err)
		}
		if _, _, _, err := a.newPasskey(adding, credential, at); err != nil && broker.KindOf(err) != broker.KindInvalid {
			t.Errorf("new: %v", err)
		}
	})
}

// sameAnswer tells whether a text is another way to write the signed part of an
// honest answer: JSON has several, and what is not signed may be anything.
func sameAnswer(text string, seeds map[string]bool) bool {
	got, err := parseAssertion(text)
	if err != nil {
		return false
	}
	for seed, honest := range seeds {
		want, err := parseAssertion(seed)
		if honest && err == nil && string(got.Raw.AssertionResponse.AuthenticatorData) == string(want.Raw.AssertionResponse.AuthenticatorData) &&
			string(got.Raw.AssertionResponse.ClientDataJSON) == string(want.Raw.AssertionResponse.ClientDataJSON) {
			return true
		}
	}
	return false
}
