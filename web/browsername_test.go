package web

import (
	"strings"
	"testing"
)

func TestBrowserName(t *testing.T) {
	for agent, want := range map[string]string{
		"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0":                                          "Firefox, Linux",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36": "Chrome, Windows",
		"Go-http-client/1.1": "", "": "", "Mozilla/5.0 (" + strings.Repeat("x", 4096): "",
	} {
		if got := browserName(agent); got != want {
			t.Errorf("browserName(%.60q) = %q, want %q", agent, got, want)
		}
	}
	if got := browserName("Mozilla/5.0 (X11; Linux x86_64) \r\n\x00 Firefox/1"); strings.ContainsAny(got, "\r\n\x00") {
		t.Errorf("control characters came through: %q", got)
	}
}
