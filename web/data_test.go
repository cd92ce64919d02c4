package web

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"idbroker/broker/local"
)

// TestExportOfAnAccount: a file, for whoever has signed in recently, and for no
// other site and no link.
func TestExportOfAnAccount(t *testing.T) {
	w := newWorld(t)
	ada := w.user("ada")
	w.user("eve")
	b := w.browser()
	b.signIn("ada")
	b.get(dataPath).want(200).says("Download your data")
	a := b.post(dataPath + "export/").want(200)
	var e local.Export
	must(t, json.Unmarshal([]byte(a.body), &e))
	if e.Profile.Subject != ada.ID || e.Profile.Email != ada.Email || len(e.Sessions) != 1 || strings.Contains(a.body, "eve@") || strings.Contains(a.body, "argon2") {
		t.Errorf("%s", a.body)
	}
	for name, want := range map[string]string{
		"Content-Disposition": `attachment; filename="account.json"`, "Content-Type": "application/json", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
	} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if a := b.get(dataPath + "export/"); a.status/100 == 2 || strings.Contains(a.body, string(ada.ID)) {
		t.Errorf("a link fetches it: %d", a.status)
	}
	r := b.request("POST", dataPath+"export/", nil)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	b.do(r).want(403)
	b.age(time.Hour)
	b.post(dataPath + "export/").to("/login/?again=1&next=" + dataPath)
	w.browser().post(dataPath + "export/").want(401)
	b.get(securityPath).want(200).says("Data downloaded")
}
