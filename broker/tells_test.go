package broker

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

// TestTells: whatever is told of a person counts, but not when it was written.
func TestTells(t *testing.T) {
	now := time.Now()
	p := Profile{Provider: "p", Issuer: "i", Subject: "s", ClientID: "c", Username: "u", Name: "n", Email: "e", EmailVerified: true, ProfileURL: "url", Extra: json.RawMessage(`{}`)}
	known := p.Account("id", "user", now)
	if !known.Tells(p.Account("another", "user", now.Add(time.Hour))) {
		t.Error("the same is taken for something new")
	}
	for i := range reflect.TypeFor[RemoteAccount]().NumField() {
		told := known
		switch f := reflect.ValueOf(&told).Elem().Field(i); f.Interface().(type) {
		case bool:
			f.SetBool(!f.Bool())
		case json.RawMessage:
			f.SetBytes([]byte(`{"a":1}`))
		case time.Time:
			continue
		default:
			f.SetString("new")
		}
		if name := reflect.TypeFor[RemoteAccount]().Field(i).Name; known.Tells(told) && name != "ID" {
			t.Errorf("a new %s is not noticed", name)
		}
	}
}
