package tokens

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// TestTokenEndpointRefusesMalformedRequests, each with the answer of RFC 6749.
func TestTokenEndpointRefusesMalformedRequests(t *testing.T) {
	w := newWorld(t)
	good := "grant_type=authorization_code&code=x"
	for _, tt := range []struct {
		name, method, target, contentType, body string
		status                                  int
		code                                    string
	}{
		{"as a measure", "POST", "/", "application/x-www-form-urlencoded", good, 400, "invalid_grant"},
		{"with a charset", "POST", "/", "application/x-www-form-urlencoded; charset=UTF-8", good, 400, "invalid_grant"},
		{"unknown parameter", "POST", "/", "", good + "&x=y", 400, "invalid_grant"},
		{"resource twice", "POST", "/", "", good + "&resource=a&resource=b", 400, "invalid_grant"},
		{"unknown query", "POST", "/?x=y", "", good, 400, "invalid_grant"},

		{"GET", "GET", "/?" + good, "", "", 405, "invalid_request"},
		{"PUT", "PUT", "/", "", good, 405, "invalid_request"},
		{"JSON", "POST", "/", "application/json", `{"grant_type":"authorization_code"}`, 400, "invalid_request"},
		{"multipart", "POST", "/", "multipart/form-data; boundary=x", "--x--", 400, "invalid_request"},
		{"odd content type", "POST", "/", ";", good, 400, "invalid_request"},
		{"empty", "POST", "/", "", "", 400, "invalid_request"},
		{"no grant type", "POST", "/", "", "code=x", 400, "invalid_request"},
		{"empty grant type", "POST", "/", "", "grant_type=&code=x", 400, "invalid_request"},
		{"grant type twice", "POST", "/", "", good + "&grant_type=authorization_code", 400, "invalid_request"},
		{"code twice", "POST", "/", "", good + "&code=y", 400, "invalid_request"},
		{"unknown parameter twice", "POST", "/", "", good + "&x=1&x=2", 400, "invalid_request"},
		{"bad escape", "POST", "/", "", good + "&x=%zz", 400, "invalid_request"},
		{"NUL", "POST", "/", "", good + "&scope=%00", 400, "invalid_request"},
		{"not UTF-8", "POST", "/", "", good + "&scope=%ff", 400, "invalid_request"},
		{"too large", "POST", "/", "", good + "&x=" + strings.Repeat("a", maxBody), 413, "invalid_request"},
		{"code in the URL", "POST", "/?code=x", "", "grant_type=authorization_code", 400, "invalid_request"},
		{"secret in the URL", "POST", "/?client_secret=x", "", good, 400, "invalid_request"},

		{"password", "POST", "/", "", "grant_type=password&username=a&password=b", 400, "unsupported_grant_type"},
		{"jwt-bearer", "POST", "/", "", "grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion=x", 400, "unsupported_grant_type"},
		{"other case", "POST", "/", "", "grant_type=Authorization_Code&code=x", 400, "unsupported_grant_type"},
		{"two grant types in one", "POST", "/", "", "grant_type=authorization_code+refresh_token&code=x", 400, "unsupported_grant_type"},
		{"with a space", "POST", "/", "", "grant_type=authorization_code+&code=x", 400, "unsupported_grant_type"},
		{"quotes", "POST", "/", "", `grant_type="\ä`, 400, "unsupported_grant_type"},
	} {
		r := httptest.NewRequest(tt.method, tt.target, nil)
		r.Header.Set("Content-Type", tt.contentType)
		r.SetBasicAuth("app", testSecret.Reveal())
		a := w.send(w.s.ServeToken, r, tt.body)
		wantError(t, tt.name, a, tt.status, tt.code)
		if (a.header.Get("Allow") == "POST") != (tt.status == 405) {
			t.Errorf("%s: Allow %q", tt.name, a.header.Get("Allow"))
		}
	}
}

// TestNothingSecretIsLogged, whatever happens to a code or a token.
func TestNothingSecretIsLogged(t *testing.T) {
	var out bytes.Buffer
	w := newWorld(t, func(o *Options) {
		o.Log = slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	code := w.code(request("app"))
	a := w.redeem("app", code)
	w.redeem("other", code)
	b := w.refresh("app", a.str("refresh_token"))
	w.refresh("other", b.str("refresh_token"), "scope", "admin")
	w.redeem("app", code)
	w.call(w.s.ServeRevocation, "other", url.Values{"token": {b.str("access_token")}})
	w.userInfo(a.str("access_token"))
	if out.Len() == 0 {
		t.Fatal("nothing was logged")
	}
	for _, secret := range []string{code, a.str("access_token"), a.str("refresh_token"), a.str("id_token"), b.str("refresh_token"), testSecret.Reveal(), testVerifier, w.user.Email} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("%q is in the log", secret)
		}
	}
}

// FuzzTokenForm: no form makes the endpoint fail or give out a token.
func FuzzTokenForm(f *testing.F) {
	w := newWorld(f)
	a := w.tokens("app")
	f.Add("application/x-www-form-urlencoded", "grant_type=authorization_code&code=x&client_id=spa")
	f.Add("application/x-www-form-urlencoded", "grant_type=refresh_token&client_id=spa&refresh_token="+a.str("refresh_token"))
	f.Add("application/x-www-form-urlencoded", "grant_type=client_credentials&client_id=machine&client_secret=x")
	f.Add("multipart/form-data; boundary=x", "--x\r\n\r\n--x--")
	f.Fuzz(func(t *testing.T, contentType, body string) {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("Content-Type", contentType)
		rec := httptest.NewRecorder()
		w.s.ServeToken(rec, r)
		if rec.Code < 400 || rec.Code >= 500 {
			t.Errorf("%q: %d %s", body, rec.Code, rec.Body)
		}
	})
}
