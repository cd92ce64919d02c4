package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"idbroker/broker"
)

// maxAnswer is how much of the answer to a form is read, in bytes, so that the
// connection serves again: an error of OpenID Connect Back-Channel Logout 1.0,
// section 2.8, is smaller.
const maxAnswer = 4 << 10

// Post sends a form to a URL and returns the status of the answer; redirects are
// not followed. An address that nobody may be sent to is broker.Permanent:
// trying again cannot mend it.
func (c *Client) Post(ctx context.Context, to string, form url.Values) (status int, err error) {
	if err := CheckURL(to, c.o.PlainHTTP); err != nil {
		return 0, broker.Permanent(fmt.Errorf("post: %w", err))
	}
	ctx, cancel := context.WithTimeout(ctx, c.o.Timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, broker.Permanent(fmt.Errorf("post: %w", err))
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("User-Agent", userAgent)
	resp, err := c.posts.Do(r)
	switch {
	case errors.Is(err, ErrAddress):
		return 0, broker.Permanent(fmt.Errorf("post: %w", err))
	case err != nil:
		return 0, fmt.Errorf("post: %w", err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer))
	return resp.StatusCode, nil
}
