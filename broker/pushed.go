package broker

import "time"

// PushedRequest is an authorization request that a client sent us directly, and
// that a browser names by a request_uri (RFC 9126).
type PushedRequest struct {
	URIHash   string // of the random part of the request_uri
	ClientID  string
	Params    string // form-encoded; checked, and without credentials
	CreatedAt time.Time
	ExpiresAt time.Time // a browser must have come by then; people may take longer
	UsedAt    time.Time // a code was issued for it; zero: not yet
}
