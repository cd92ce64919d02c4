package visitor

import (
	"context"
	"net/http"
	"net/url"
	"strings"
)

// Post sends a form that no page showed, as a page of the same site would. header
// replaces single headers, such as Origin and Sec-Fetch-Site; nil none.
func (v *Visitor) Post(ctx context.Context, address string, values url.Values, header http.Header) error {
	to, err := v.At.Parse(address)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), strings.NewReader(values.Encode()))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", to.Scheme+"://"+to.Host)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for name, value := range header {
		r.Header[name] = value
	}
	return v.show(r)
}
