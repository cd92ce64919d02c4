package web

import (
	"errors"

	"idbroker/broker"
	"idbroker/broker/local"
)

// formProblems sorts what is wrong with a form by its fields. It returns nil where err
// belongs to no form: the adapter shows that.
func formProblems(err error) problems {
	var form *local.FormError
	if errors.As(err, &form) {
		return problems(form.Fields)
	}
	if broker.KindOf(err) != broker.KindInvalid && !errors.Is(err, errChallenge) {
		return nil
	}
	return problemsOf(err)
}
