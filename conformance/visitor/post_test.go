package visitor

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestPost(t *testing.T) {
	s, ctx := serve(t), context.Background()
	v := New(Transport(1))
	if err := v.Open(ctx, s.URL+"/"); err != nil {
		t.Fatal(err)
	}
	if err := v.Post(ctx, "/save", url.Values{"a": {"1", "2"}}, nil); err != nil || v.Text() != "POST a=1&a=2 "+s.URL+" same-origin" {
		t.Errorf("%v: %s", err, v.Text())
	}
	foreign := http.Header{"Origin": {"https://elsewhere.example"}, "Sec-Fetch-Site": {"cross-site"}}
	if err := v.Post(ctx, "/save", nil, foreign); err != nil || !strings.HasSuffix(v.Text(), "https://elsewhere.example cross-site") {
		t.Errorf("%v: %s", err, v.Text())
	}
	if err := v.Post(ctx, "\x00", nil, nil); err == nil {
		t.Error("no address, and no error")
	}
}
