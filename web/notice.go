package web

import (
	"errors"

	"idbroker/broker"
)

// Kinds of notices.
const (
	noticeOK      = "ok"
	noticeInfo    = "info"
	noticeProblem = "problem"
)

// notice is a message above a page.
type notice struct {
	Kind    string // noticeOK, noticeInfo or noticeProblem
	Message string // catalog key
	Args    map[string]string
}

// problems are what is wrong with a form that was sent: the field's name, or ""
// for the form as a whole, and what to say there.
type problems map[string]*broker.Error

// problemsOf sorts err by the field that it belongs to. It returns nil where
// err is no *broker.Error: such an error belongs to no form.
func problemsOf(err error) problems {
	var e *broker.Error
	if !errors.As(err, &e) {
		return nil
	}
	return problems{e.Field: e}
}

// Form is what is wrong with the form as a whole; nil nothing.
func (p problems) Form() *broker.Error { return p[""] }

// On is what is wrong with a field; nil nothing.
func (p problems) On(field string) *broker.Error { return p[field] }
