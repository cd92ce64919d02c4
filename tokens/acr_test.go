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
		if on != (err == nil) || !on && !errors.Is(err, errUnmet) {
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
