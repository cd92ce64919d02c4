package providers

import (
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/markbates/goth"
)

// factory fills in the defaults of its kind in app, checks what is particular
// to the kind and makes the provider. It makes no network call: a broker
// starts while its providers are down.
type factory func(app *App, env env) (goth.Provider, error)

// kinds is the table of remote apps that we know. A new provider is a file and
// a line here.
var kinds = map[string]factory{
	"cern":     newCERN,
	"github":   newGitHub,
	"globus":   newGlobus,
	"keycloak": newKeycloak,
	"oidc":     newGeneric,
	"orcid":    newORCID,
}

// env is what a factory gets beside the app.
type env struct {
	redirectURI  string // where the provider sends people back to
	signedOutURI string // where it may send people back to who signed out there
	logoutURI    string // where it tells that somebody did
	client       *client
	log          *slog.Logger
	allowPrivate bool             // http and loopback are fine
	now          func() time.Time // time.Now but in tests
}

func kindNames() []string { return slices.Sorted(maps.Keys(kinds)) }
