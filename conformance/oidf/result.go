package oidf

import "time"

// Outcome is how a module ended.
type Outcome string

// The outcomes, worst last.
const (
	Passed  Outcome = "passed"
	Skipped Outcome = "skipped"
	Warned  Outcome = "warning"
	Failed  Outcome = "failed"
)

// Result is a module's row of the report.
type Result struct {
	Plan    string    `json:"plan"`
	Variant Variant   `json:"variant"`
	Module  string    `json:"module"`
	Summary string    `json:"summary,omitempty"`
	Clauses []Clause  `json:"clauses,omitempty"`
	Outcome Outcome   `json:"outcome"`
	Clause  Clause    `json:"clause,omitempty"` // of the first failure or warning
	Reason  string    `json:"reason,omitempty"` // why it failed, warns or was skipped
	Started time.Time `json:"started"`
	Seconds float64   `json:"seconds"`
	Log     []Line    `json:"log,omitempty"`
}
