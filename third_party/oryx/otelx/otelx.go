// Package otelx stands in for the package of that name in github.com/ory/x;
// errorsx beside it says why.
package otelx

import "go.opentelemetry.io/otel/trace"

// End ends span. The broker configures no tracer, so there is nobody to tell
// of *err.
func End(span trace.Span, err *error) { span.End() }
