package broker

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"time"
)

// FormerUsername is a username that somebody gave up. Nobody else may take it until
// Until: applications may know its person by it.
type FormerUsername struct {
	MAC       string // of the name as FoldCase makes it: the row outlives the account
	UserID    UserID // who may have it again; the account may be gone
	CreatedAt time.Time
	Until     time.Time // zero: for ever
}

// UsernameMAC is how a username that was given up is kept: names that differ in case
// only have the same.
func UsernameMAC(key [32]byte, name string) string {
	m := hmac.New(sha256.New, key[:])
	m.Write([]byte(FoldCase(name)))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// ReservedUsernames are names that people take for the service itself, whatever
// the operator reserves beside them: those that RFC 2142 gives to mailboxes, those
// of administrators, and words that mean somebody else in every text.
var ReservedUsernames = strings.Fields(`
	abuse account accounts admin administrator administration anonymous api daemon everyone guest help helpdesk
	hostmaster info login logout mail mailerdaemon me moderator moderators nobody noreply null oauth official operator
	operators owner postmaster root security self settings signin signout signup staff support superuser sysadmin
	system team undefined unknown webmaster www you`)

// BareUsername is what is left of a username when what only separates goes: "ad_min"
// is read as "admin".
func BareUsername(name string) string {
	return FoldCase(strings.Map(func(r rune) rune {
		if strings.ContainsRune("._-", r) {
			return -1
		}
		return r
	}, name))
}
