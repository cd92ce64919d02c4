// Package errorsx stands in for the package of that name in github.com/ory/x.
// fosite needs these few names of it; the real module would bring gRPC, OTLP,
// Zipkin, Jaeger and pop into the broker's binary for them. CI builds the
// broker against the real module too, so the two cannot drift apart.
package errorsx

// WithStack returns err. The real one records a stack trace, which costs
// about 30 µs for every refused request and is never printed here.
func WithStack(err error) error { return err }

// Cause follows Cause methods to the first error of the chain.
func Cause(err error) error {
	for err != nil {
		c, ok := err.(interface{ Cause() error })
		if !ok || c.Cause() == nil {
			return err
		}
		err = c.Cause()
	}
	return nil
}

// The carriers are what fosite's errors promise to tell about themselves.
type (
	StatusCodeCarrier interface{ StatusCode() int }
	RequestIDCarrier  interface{ RequestID() string }
	ReasonCarrier     interface{ Reason() string }
	DebugCarrier      interface{ Debug() string }
	StatusCarrier     interface{ Status() string }
	DetailsCarrier    interface{ Details() map[string]any }
	IDCarrier         interface{ ID() string }
)
