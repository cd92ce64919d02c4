package tokens

import "log/slog"

// Service is the OpenID Provider. It is safe for concurrent use.
type Service struct {
	store Store
	log   *slog.Logger
	o     Options
}

// New makes a Service. Call EnsureKeys before the first request.
func New(store Store, o Options) (*Service, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	return &Service{store: store, log: o.Log, o: o}, nil
}
