// Command get gets Keycloak for the tests that run against it, from Maven Central
// into the user's cache directory, once.
package main

import (
	"context"
	"fmt"
	"os"

	"idbroker/providers/providertest/keycloak"
)

func main() {
	dir, err := keycloak.CacheDir()
	if err == nil {
		dir, err = keycloak.Get(context.Background(), dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "get Keycloak:", err)
		os.Exit(1)
	}
	fmt.Println(dir)
}
