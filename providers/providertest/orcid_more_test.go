package providertest_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"idbroker/providers/providertest"
)

func TestORCIDRefreshOptions(t *testing.T) {
	o := startORCID(t, true)
	body := orcidAnswer(t, o, sofia, "scope", "openid /read-limited")
	refresh := member(t, body, "refresh_token")
	for _, tt := range []struct {
		pairs        []string
		status, live int
		has          string
	}{
		{[]string{"revoke_old", "false", "scope", "openid", "expires_in", "60"}, 200, 2, `"expires_in":60`},
		{[]string{"scope", "/person/update"}, 400, 2, "invalid_scope"},
		{nil, 200, 2, `"scope":"openid /read-limited"`}, // the old pair dies
		{nil, 400, 2, "invalid_grant"},
	} {
		status, body := orcidToken(t, o, append([]string{"grant_type", "refresh_token", "refresh_token", refresh}, tt.pairs...)...)
		if status != tt.status || o.LiveTokens(sofia) != tt.live || !strings.Contains(body, tt.has) {
			t.Errorf("%v: %d %s, %d live", tt.pairs, status, body, o.LiveTokens(sofia))
		}
	}
	o.Advance(2 * time.Minute)
	if o.LiveTokens(sofia) != 1 {
		t.Errorf("%d live after a minute's token expired", o.LiveTokens(sofia))
	}
}

func TestORCIDUserInfo(t *testing.T) {
	o := startORCID(t, false)
	access := member(t, orcidAnswer(t, o, sofia), "access_token")
	_, client := orcidToken(t, o, "grant_type", "client_credentials", "scope", "/read-public")
	for token, want := range map[string]int{access: 200, "wrong": 403, member(t, client, "access_token"): 403} {
		status, _, body := say(t, o.Client(), "GET", o.URL+"/oauth/userinfo", "", "bearer", token)
		if status != want || status == 403 && member(t, body, "error-description") != "access_token is invalid" || status == 200 && member(t, body, "sub") != sofia {
			t.Errorf("%d %s", status, body)
		}
	}
}

func TestORCIDRecordAPI(t *testing.T) {
	o := startORCID(t, true)
	weak := member(t, orcidAnswer(t, o, sofia), "access_token")
	strong := member(t, orcidAnswer(t, o, sofia, "scope", "openid /read-limited"), "access_token")
	others := member(t, orcidAnswer(t, o, mark, "scope", "openid /read-limited"), "access_token")
	for _, tt := range []struct {
		name, api, token, accept string
		status                   int
		kind, emails             string
	}{
		{"public", o.PublicAPI(), weak, "application/json", 200, "application/json", "public@example.org"},
		{"anybody", o.PublicAPI(), "", "application/json", 200, "application/json", "public@example.org"},
		{"public with the scope", o.PublicAPI(), strong, "application/vnd.orcid+json", 200, "application/json", "public@example.org"},
		{"member without scope", o.MemberAPI(), weak, "application/json", 200, "application/json", "public@example.org"},
		{"member", o.MemberAPI(), strong, "application/json", 200, "application/json", "public@example.org limited@example.org"},
		{"member with another's token", o.MemberAPI(), others, "application/json", 200, "application/json", "public@example.org"},
		{"member without token", o.MemberAPI(), "", "application/json", 401, "application/json", ""},
		{"wrong token", o.PublicAPI(), "x", "application/json", 401, "application/json", ""},
		{"no Accept", o.PublicAPI(), weak, "", 200, "application/xml", ""},
		{"any Accept", o.PublicAPI(), weak, "*/*", 200, "application/xml", ""},
		{"wrong Accept", o.PublicAPI(), weak, "text/html", 406, "application/json", ""},
	} {
		status, h, body := say(t, o.Client(), "GET", tt.api+"/"+sofia+"/email", "", "bearer", tt.token, "Accept", tt.accept)
		if status != tt.status || !strings.HasPrefix(h.Get("Content-Type"), tt.kind) {
			t.Errorf("%s: %d %s %s", tt.name, status, h.Get("Content-Type"), body)
			continue
		}
		var list struct {
			Email []struct{ Email string } `json:"email"`
		}
		var got []string
		if tt.kind == "application/json" && status == 200 {
			if err := json.Unmarshal([]byte(body), &list); err != nil {
				t.Fatal(err)
			}
			for _, e := range list.Email {
				got = append(got, e.Email)
			}
		}
		if strings.Join(got, " ") != tt.emails {
			t.Errorf("%s: %q", tt.name, got)
		}
	}
}

func TestORCIDStates(t *testing.T) {
	for state, want := range map[string]struct {
		status int
		code   string
	}{
		providertest.StateDeactivated: {409, "9044"}, providertest.StateLocked: {409, "9018"}, providertest.StateUnclaimed: {409, "9036"}, providertest.StatePrivate: {403, "9039"},
	} {
		o := startORCID(t, false)
		o.ChangeRecord(sofia, func(r *providertest.ORCIDRecord) { r.State = state })
		status, _, body := say(t, o.Client(), "GET", o.PublicAPI()+"/"+sofia+"/email", "", "Accept", "application/json")
		if status != want.status || !strings.Contains(body, `"error-code":`+want.code) {
			t.Errorf("%s: %d %s", state, status, body)
		}
		if u, _ := o.Visitor().Send(orcidLink(o), map[string][]string{"person": {sofia}, "decision": {"allow"}}); (u != nil) != (state == providertest.StatePrivate) {
			t.Errorf("%s: signing in leads to %v", state, u)
		}
	}
	o := startORCID(t, false)
	for path, code := range map[string]string{"/0000-0002-1825-0097/email": "9016", "/" + sofia + "/works": "9016"} {
		if status, _, body := say(t, o.Client(), "GET", o.PublicAPI()+path, "", "Accept", "application/json"); status != 404 || !strings.Contains(body, code) {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}

func TestORCIDMerge(t *testing.T) {
	o := startORCID(t, true)
	access := member(t, orcidAnswer(t, o, sofia), "access_token")
	o.Merge(sofia, mark)
	if o.LiveTokens(sofia) != 0 {
		t.Error("tokens of a deprecated record live on")
	}
	if status, _, _ := say(t, o.Client(), "GET", o.URL+"/oauth/userinfo", "", "bearer", access); status != 403 {
		t.Errorf("userinfo: %d", status)
	}
	status, h, body := say(t, o.Client(), "GET", o.PublicAPI()+"/"+sofia+"/email", "", "Accept", "application/json")
	if status != 301 || h.Get("Location") != o.PublicAPI()+"/"+mark+"/email" || !strings.Contains(body, "9007") {
		t.Errorf("%d %s %s", status, h.Get("Location"), body)
	}
	if body := orcidAnswer(t, o, sofia); member(t, body, "orcid") != mark {
		t.Errorf("signed in as %s", body)
	}
}

func TestORCIDRevocation(t *testing.T) {
	o := startORCID(t, false)
	first, second := orcidAnswer(t, o, sofia), orcidAnswer(t, o, sofia)
	for _, tt := range []struct {
		form         string
		status, live int
	}{
		{"client_id=APP-1&client_secret=x&token=" + member(t, first, "access_token"), 401, 2},
		{"client_id=APP-1&client_secret=s&token=unknown", 200, 2},
		{"client_id=APP-1&client_secret=s", 200, 2},
		{"client_id=APP-1&client_secret=s&token=" + member(t, first, "access_token"), 200, 1},
		{"client_id=APP-1&client_secret=s&token=" + member(t, second, "refresh_token"), 200, 0},
	} {
		if status, _, _ := say(t, o.Client(), "POST", o.URL+"/oauth/revoke", tt.form); status != tt.status || o.LiveTokens(sofia) != tt.live {
			t.Errorf("%s: %d, %d live", tt.form, status, o.LiveTokens(sofia))
		}
	}
}

func TestORCIDCheckCharacter(t *testing.T) {
	for digits, want := range map[string]string{"000000012345678": sofia, "000000021694233": mark, "000000021825009": "0000-0002-1825-0097"} {
		if got := providertest.ORCIDiD(digits); got != want {
			t.Errorf("%s: %s", digits, got)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("an iD with a wrong check character was issued")
		}
	}()
	providertest.NewORCID(t, false).AddRecord(providertest.ORCIDRecord{ID: "0000-0001-2345-6780"})
}

func TestORCIDBurst(t *testing.T) {
	o := startORCID(t, false)
	o.Script("/email", providertest.Fails(providertest.Failure{Status: 503}))
	for _, want := range []int{503, 200} {
		if status, _, _ := say(t, o.Client(), "GET", o.PublicAPI()+"/"+sofia+"/email", "", "Accept", "application/json"); status != want {
			t.Errorf("%d, want %d", status, want)
		}
	}
}
