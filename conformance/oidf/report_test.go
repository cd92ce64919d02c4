package oidf

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func someReport() Report {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	v := Variant{ResponseType: "code", ResponseMode: "default", ClientAuth: AuthBasic, Registration: StaticClient}
	return NewReport("https://op.example", at, at.Add(time.Minute), []Result{
		{Plan: "plan-a", Variant: v, Module: "oidcc-server", Outcome: Passed, Seconds: 1.23},
		{
			Plan: "plan-a", Variant: v, Module: "oidcc-scope-email-and-more", Outcome: Failed, Clause: core("5.4"), Reason: "no <b>\x1b[31m e-mail\nsecond line",
			Log: []Line{{At: at, Kind: Exchange, HTTP: &Traffic{Method: "GET", URL: "https://op.example/<script>", Status: 200, ResponseBody: "<script>alert(1)</script>"}}, {At: at, Kind: Failure, Text: "no"}},
		},
		{Plan: "plan-b", Variant: v, Module: "oidcc-scope-phone", Outcome: Skipped, Reason: "not offered"},
	})
}

func TestTextIsAlignedAndCannotCommandATerminal(t *testing.T) {
	var b strings.Builder
	if err := someReport().Text(&b); err != nil {
		t.Fatal(err)
	}
	got := b.String()
	for _, want := range []string{
		"  oidcc-server                passed  1.2 s\n", "  oidcc-scope-email-and-more  failed  0.0 s\n",
		"failed [OpenID Connect Core 1.0, 5.4]: no <b>", "oidcc-scope-phone skipped: not offered", "plan-b\n",
		"3 modules: 1 passed, 0 with a warning, 1 skipped, 1 failed\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if strings.ContainsAny(got, "\x1b\t") || strings.Contains(got, "second line") {
		t.Errorf("control characters or a second line in\n%q", got)
	}
}

func TestJSONHasStableNames(t *testing.T) {
	var b strings.Builder
	if err := someReport().JSON(&b); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Issuer  string
		Totals  map[string]int
		Results []struct {
			Plan, Module, Outcome, Clause, Reason string
			Variant                               map[string]string
			Log                                   []struct {
				HTTP struct {
					Method       string
					ResponseBody string `json:"response_body"`
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(b.String()), &got); err != nil {
		t.Fatal(err)
	}
	r := got.Results[1]
	if got.Issuer != "https://op.example" || got.Totals["failed"] != 1 || r.Outcome != "failed" || r.Clause == "" || r.Variant["client_registration"] != StaticClient || r.Log[0].HTTP.ResponseBody == "" {
		t.Errorf("%+v", got)
	}
}

func TestHTMLEscapesWhatTheOPSays(t *testing.T) {
	var b strings.Builder
	if err := someReport().HTML(&b); err != nil {
		t.Fatal(err)
	}
	got := b.String()
	for _, never := range []string{"<script>", "<b>", "http-equiv=\"refresh", "src="} {
		if strings.Contains(got, never) {
			t.Errorf("%q in the page", never)
		}
	}
	for _, want := range []string{"oidcc-scope-phone", "&lt;script&gt;alert(1)", "default-src 'none'", "light dark", "1 failed"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in the page", want)
		}
	}
}

func TestReportIsOKOnlyIfSomethingRan(t *testing.T) {
	if NewReport("", time.Time{}, time.Time{}, nil).OK() {
		t.Error("a report without results is OK")
	}
	if someReport().OK() {
		t.Error("a report with a failure is OK")
	}
	if !NewReport("", time.Time{}, time.Time{}, []Result{{Outcome: Warned}, {Outcome: Skipped}}).OK() {
		t.Error("warnings are failures")
	}
}
