package providers

import "github.com/markbates/goth"

// newGeneric makes an OpenID Provider about which we know nothing but its
// issuer.
func newGeneric(app *App, e env) (goth.Provider, error) { return newOpenID(app, e, rules{}) }
