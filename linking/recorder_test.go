package linking_test

import (
	"fmt"
	"testing"
)

// recorder is a test that may fail without anybody minding.
type recorder struct {
	testing.TB
	failed bool
	text   string
}

func (r *recorder) Helper()                   {}
func (r *recorder) Name() string              { return "mutant" }
func (r *recorder) Logf(f string, a ...any)   { r.text += fmt.Sprintf(f, a...) + "\n" }
func (r *recorder) Log(a ...any)              { r.text += fmt.Sprintln(a...) }
func (r *recorder) Errorf(f string, a ...any) { r.failed = true; r.Logf(f, a...) }
func (r *recorder) Error(a ...any)            { r.failed = true; r.Log(a...) }
func (r *recorder) Fatalf(f string, a ...any) { r.Errorf(f, a...); panic(r) }
func (r *recorder) Fatal(a ...any)            { r.Error(a...); panic(r) }
func (r *recorder) FailNow()                  { r.failed = true; panic(r) }
func (r *recorder) Fail()                     { r.failed = true }
func (r *recorder) Failed() bool              { return r.failed }
