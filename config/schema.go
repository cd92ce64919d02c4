package config

import (
	_ "embed"
	"slices"
)

//go:embed config.schema.json
var schemaText []byte

// Schema is the JSON Schema (2020-12) of the configuration file, for editors
// and linters. Tests make it from the types of this package.
func Schema() []byte { return slices.Clone(schemaText) }
