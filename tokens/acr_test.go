package tokens

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"idbroker/broker"
)

// TestSecondFactorIsOffered where there is one, is refused where there is none,
// and tokens tell what a client insists on.
func TestSecondFactorIsOffered(t *testing.T) {
	const insists = `{"id_token": {"acr": {"essential": true, "value": "` + broker.ACRSecond + `"}}}`
	for _, on := range []bool{false, true} {
		w := newWorld(t, func(o *Options) { o.SecondFactor = on })
		rec := httptest.NewRecorder()
		w.s.ServeDiscovery(rec, httptest.NewRequest(http.MethodGet, "/.well-known/openid-configuration", nil))
		var m struct {
			ACR []string `json:"acr_values_supported"`
		}
		if err := json.Unmarshal(rec.Body.Bytes(), &m); err != nil || slices.Contains(m.ACR, broker.ACRSecond) != on || m.ACR[0] != broker.ACRSingle {
			t.Errorf("on %v: acr_values_supported %q, %v", on, m.ACR, err)
		}
		a, err := w.s.ParseAuthorization(t.Context(), with(request("app"), "claims", insists))
		if on != (err == nil) || !on && !errors.Is(err, ErrUnmet) {
			t.Errorf("on %v: %v", on, err)
		}
		if on && (a.meets(broker.ACRSingle) || !a.meets(broker.ACRSecond) || a.toldACR(broker.ACRSecond) != broker.ACRSecond) {
			t.Error("one factor meets what asks for two")
		}
	}
	single := Authorization{essentialACR: &claimWish{Essential: true, Value: []byte(`"` + broker.ACRSingle + `"`)}}
	if got := single.toldACR(broker.ACRSecond); got != broker.ACRSingle {
		t.Errorf("tells %q to who insists on one factor", got)
	}
}

// TestFactorWish is the whole table of how an application asks for a second factor.
func TestFactorWish(t *testing.T) {
	const one, two = broker.ACRSingle, broker.ACRSecond
	acr := func(wish string) string { return `{"id_token": {"acr": ` + wish + `}}` }
	for _, tt := range []struct {
		name, acrValues, claims string
		registered              []string
		client                  bool
		refused                 bool // where there are no second factors
		want                    factorWish
	}{
		{name: "nothing"},
		{name: "something else", acrValues: "phr 1"},
		{name: "two", acrValues: two, want: factorNeeded},
		{name: "two among unknown ones", acrValues: "phr " + two, want: factorNeeded},
		{name: "two, or else one", acrValues: two + " " + one, want: factorPreferred},
		{name: "one, or else two", acrValues: one + " " + two},
		{name: "one", acrValues: one},
		{name: "registered", registered: []string{two}, want: factorNeeded},
		{name: "registered, and the request says one", registered: []string{two}, acrValues: one},
		{name: "essential", claims: acr(`{"essential": true, "value": "` + two + `"}`), refused: true, want: factorNeeded},
		{name: "essential, one of both", claims: acr(`{"essential": true, "values": ["` + two + `", "` + one + `"]}`), want: factorPreferred},
		{name: "essential, and acr_values says one", claims: acr(`{"essential": true, "value": "` + two + `"}`), acrValues: one, refused: true, want: factorNeeded},
		{name: "a claim that is wished for", claims: acr(`{"values": ["` + two + `"]}`), want: factorNeeded},
		{name: "a claim that is wished for, one beside", claims: acr(`{"values": ["` + two + `", "` + one + `"]}`), want: factorPreferred},
		{name: "a claim stands before the registration", claims: acr(`{"value": "` + one + `"}`), registered: []string{two}},
		{name: "the application's own rule", client: true, want: factorNeeded},
		{name: "the application's own rule, whatever it asks", client: true, acrValues: one, claims: acr(`{"value": "` + one + `"}`), want: factorNeeded},
	} {
		for _, on := range []bool{true, false} {
			w := newWorld(t, func(o *Options) { o.SecondFactor = on })
			c, err := w.db.Client(t.Context(), "app")
			must(t, err)
			c.Metadata.DefaultACRValues, c.Metadata.SecondFactor = tt.registered, tt.client
			must(t, w.db.UpdateClient(t.Context(), c))
			a, err := w.s.ParseAuthorization(t.Context(), with(request("app"), "acr_values", tt.acrValues, "claims", tt.claims))
			switch {
			case on && (err != nil || a.factor != tt.want):
				t.Errorf("%s: %v, %v", tt.name, a.factor, err)
			case !on && (tt.client || tt.refused) && !errors.Is(err, ErrUnmet):
				t.Errorf("%s, without factors: %v", tt.name, err)
			case !on && !tt.client && !tt.refused && (err != nil || a.factor != factorAny):
				t.Errorf("%s, without factors: %v, %v", tt.name, a.factor, err)
			}
		}
	}
}
