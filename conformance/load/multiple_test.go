package main

import (
	"slices"
	"testing"
	"time"

	"idbroker/conformance/load/driver"
)

func TestMultiples(t *testing.T) {
	run := func(flow string, operations int, cpu time.Duration) driver.Report {
		return driver.Report{Flow: flow, Operations: operations, Requests: operations, CPU: cpu}
	}
	got := multiples([]driver.Report{
		run("code", 10, 500*time.Millisecond), run("jwks", 100, 150*time.Millisecond), run(driver.BareFlow, 1000, time.Second), // 1 ms
		run("code", 10, 800*time.Millisecond), run("jwks", 100, 0), run(driver.BareFlow, 1000, 2*time.Second),
		run("code", 10, 600*time.Millisecond), run("jwks", 100, 130*time.Millisecond), run(driver.BareFlow, 1000, time.Second),
		run("code", 10, time.Second), // no bare handler to compare with
	})
	want := []multiple{{"code", 50, 40, 60}, {"jwks", 1.4, 1.3, 1.5}}
	if !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := multiples([]driver.Report{run("code", 1, 0), run(driver.BareFlow, 1, 0)}); got != nil {
		t.Errorf("without CPU time: %+v", got)
	}
}
