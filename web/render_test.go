package web

import (
	"net/http/httptest"
	"testing"
)

func renderSample(t testing.TB, r *renderer, s sample) string {
	t.Helper()
	w := httptest.NewRecorder()
	if err := r.render(w, 200, s.page); err != nil {
		t.Fatalf("%s: %v", s.name, err)
	}
	return w.Body.String()
}

func TestSamplesRender(t *testing.T) {
	r := testRenderer(t, sampleBrand)
	for _, s := range samples(r, "en", plainWords) {
		renderSample(t, r, s)
	}
}
