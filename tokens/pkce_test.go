package tokens

import (
	"strings"
	"testing"

	"golang.org/x/oauth2"
)

func TestVerifies(t *testing.T) {
	verifier := oauth2.GenerateVerifier()
	challenge := oauth2.S256ChallengeFromVerifier(verifier)
	for _, tt := range []struct {
		name, verifier, challenge string
		want                      bool
	}{
		{"right", verifier, challenge, true},
		{"RFC 7636, appendix B", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", true},
		{"none at all", "", "", true},
		{"missing", "", challenge, false},
		{"challenge stripped", verifier, "", false},
		{"wrong", oauth2.GenerateVerifier(), challenge, false},
		{"the challenge itself", challenge, challenge, false},
		{"too short", verifier[:42], oauth2.S256ChallengeFromVerifier(verifier[:42]), false},
		{"too long", strings.Repeat("a", 129), oauth2.S256ChallengeFromVerifier(strings.Repeat("a", 129)), false},
		{"longest", strings.Repeat("a", 128), oauth2.S256ChallengeFromVerifier(strings.Repeat("a", 128)), true},
		{"not unreserved", strings.Repeat("ä", 43), oauth2.S256ChallengeFromVerifier(strings.Repeat("ä", 43)), false},
		{"padded challenge", verifier, challenge + "=", false},
	} {
		if got := verifies(tt.verifier, tt.challenge); got != tt.want {
			t.Errorf("%s: verifies = %v, want %v", tt.name, got, tt.want)
		}
	}
}
