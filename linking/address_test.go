package linking_test

import (
	"context"
	"testing"

	"idbroker/broker"
	"idbroker/linking"
	"idbroker/store/storetest"
)

// oneToken are apps that give everybody the same access token.
type oneToken struct{ linking.Apps }

func (o oneToken) Complete(ctx context.Context, id string, a broker.Attempt, cb broker.Callback) (broker.Profile, error) {
	p, err := o.Apps.Complete(ctx, id, a, cb)
	p.Tokens = []broker.RemoteToken{{AccessToken: "the token of ada", TokenType: "bearer"}}
	return p, err
}

// TestTokenOpensNothing: an access token that we hold for somebody says nothing
// about who brings it.
func TestTokenOpensNothing(t *testing.T) {
	w := newWorld(t, storetest.New(t))
	w.Linker = linking.New(w.db, oneToken{w.apps}, linking.Options{Issuer: base})
	u := w.user("ada", "hash")
	w.link(u, "one", "ada")
	before := w.state(u)
	for _, provider := range []string{"one", "two"} {
		if res := w.journey(newBrowser(), provider, broker.PurposeSignIn, "eve"); res.Outcome != linking.NewPerson || w.state(u) != before {
			t.Errorf("%s: %+v, %+v", provider, res, w.state(u))
		}
	}
}
