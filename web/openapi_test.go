package web

import (
	"bytes"
	"flag"
	"os"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
)

var update = flag.Bool("update", false, "write docs/openapi.json anew")

// openAPIFile is the document as it stands in the documentation.
const openAPIFile = "../docs/openapi.json"

// TestOpenAPIDocument: it is one of OpenAPI 3.1, and the one in docs is it.
func TestOpenAPIDocument(t *testing.T) {
	s := newWorld(t, func(o *Options) { o.BaseURL = "https://id.example.org" }).server
	served, err := s.openAPI()
	must(t, err)
	if *update {
		must(t, os.WriteFile(openAPIFile, served, 0o644)) //nolint:gosec // for everybody to read
	}
	kept, err := os.ReadFile(openAPIFile)
	must(t, err)
	if !bytes.Equal(kept, served) {
		t.Errorf("%s is not what the broker serves: go test ./web -run %s -update", openAPIFile, t.Name())
	}
	doc, err := libopenapi.NewDocument(served)
	must(t, err)
	v, errs := validator.NewValidator(doc)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	if ok, problems := v.ValidateDocument(); !ok {
		for _, p := range problems {
			t.Errorf("%s: %s", p.Message, p.Reason)
			for _, e := range p.SchemaValidationErrors {
				t.Errorf("  %s at %s", e.Reason, e.KeywordLocation)
			}
		}
	}
}
