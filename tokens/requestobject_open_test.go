package tokens

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/ory/fosite"

	"idbroker/broker"
)

// openingWorld has an application that encrypts its request objects, and our
// keys of both kinds.
func openingWorld(t testing.TB) *world {
	w := newWorld(t)
	for id, alg := range map[string]string{"ec": "ECDH-ES", "rsa": "RSA-OAEP-256"} {
		w.signingClient(id, func(c *broker.Client) { c.Metadata.RequestObjectEncryptionAlg = alg })
	}
	w.signingClient("plain")
	must(t, w.s.KeepEncryptionKeys(t.Context()))
	return w
}

// ourKey is what the JWKS says of our key of a kind.
func (w *world) ourKey(alg string) jose.JSONWebKey {
	w.t.Helper()
	var set jose.JSONWebKeySet
	must(w.t, json.Unmarshal(w.s.keys.Load().jwks.body, &set))
	for _, k := range set.Keys {
		_, ec := k.Key.(*ecdsa.PublicKey)
		if k.Use == "enc" && ec == strings.HasPrefix(alg, "ECDH") {
			return k
		}
	}
	w.t.Fatalf("no key for %s in %s", alg, w.s.keys.Load().jwks.body)
	return jose.JSONWebKey{}
}

// sealing is what a test changes of an encrypted request object.
type sealing struct {
	alg, enc, cty string
	key           any
	kid           string // "-": none
	zip           bool
	header        map[string]any
}

// seal encrypts to us as a client does.
func (w *world) seal(o sealing, contents string) string {
	w.t.Helper()
	alg := orDefault(o.alg, "ECDH-ES")
	r := jose.Recipient{Algorithm: jose.KeyAlgorithm(alg), Key: o.key, KeyID: o.kid}
	if o.key == nil {
		k := w.ourKey(alg)
		r.Key = k.Key
		r.KeyID = orDefault(o.kid, k.KeyID)
	}
	if r.KeyID == "-" {
		r.KeyID = ""
	}
	options := &jose.EncrypterOptions{}
	if o.cty != "-" {
		options.WithContentType(jose.ContentType(orDefault(o.cty, "JWT")))
	}
	if o.zip {
		options.Compression = jose.DEFLATE
	}
	for k, v := range o.header {
		options.WithHeader(jose.HeaderKey(k), v)
	}
	encrypter, err := jose.NewEncrypter(jose.ContentEncryption(orDefault(o.enc, "A128CBC-HS256")), r, options)
	must(w.t, err)
	jwe, err := encrypter.Encrypt([]byte(contents))
	must(w.t, err)
	text, err := jwe.CompactSerialize()
	must(w.t, err)
	return text
}

func TestEncryptedRequestObject(t *testing.T) {
	w := openingWorld(t)
	for _, client := range []string{"ec", "rsa"} {
		for _, alg := range encryptionAlgs { // any, since a client may use others than it told
			for _, enc := range contentAlgs {
				object := w.seal(sealing{alg: alg, enc: enc}, sign(t, header{}, objectOf(client).with("login_hint", "ada")))
				a := w.parse(with(nil, "client_id", client, "response_type", "code", "scope", "openid", "request", object))
				if a.LoginHint != "ada" || a.Client.ID != client {
					t.Errorf("%s, %s: %+v", alg, enc, a)
				}
			}
		}
	}
	signed := sign(t, header{typ: objectType}, objectOf("ec"))
	for name, o := range map[string]sealing{"no kid": {kid: "-"}, "no cty": {cty: "-"}, "cty": {cty: "oauth-authz-req+jwt"}, "cty in full": {cty: "application/JWT"}} {
		if _, err := w.s.ParseAuthorization(t.Context(), with(nil, "client_id", "ec", "request", w.seal(o, signed))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := w.s.ParseAuthorization(t.Context(), with(nil, "client_id", "ec", "request", signed)); err != nil {
		t.Errorf("signed alone: %v", err)
	}
}

// TestEncryptedRequestObjectsThatAreRefused: whatever is wrong with the outside
// has one answer, and what stands inside is checked as if it were outside.
func TestEncryptedRequestObjectsThatAreRefused(t *testing.T) {
	w := openingWorld(t)
	good := sign(t, header{}, objectOf("ec"))
	sealed := w.seal(sealing{}, good)
	parts := strings.Split(sealed, ".")
	reheaded := func(change func(h map[string]any)) string { // the header is authenticated too
		raw, err := base64.RawURLEncoding.DecodeString(parts[0])
		must(t, err)
		var h map[string]any
		must(t, json.Unmarshal(raw, &h))
		change(h)
		raw, err = json.Marshal(h)
		must(t, err)
		return strings.Join(append([]string{base64.RawURLEncoding.EncodeToString(raw)}, parts[1:]...), ".")
	}
	twice := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"ECDH-ES","alg":"RSA-OAEP","enc":"A128GCM"}`))
	other, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	must(t, err)
	stranger := clientKeyring()["stranger"].Public()
	body := parts[3][:len(parts[3])-4] + "AAAA"
	for name, tt := range map[string]struct {
		object string
		want   error
	}{
		"compressed":            {w.seal(sealing{zip: true}, good), errObjectOpen},
		"a bomb":                {w.seal(sealing{zip: true}, strings.Repeat("a", 10<<20)), errObjectOpen},
		"RSA1_5":                {w.seal(sealing{alg: "RSA1_5"}, good), errObjectOpen},
		"dir":                   {w.seal(sealing{alg: "dir", enc: "A128GCM", key: make([]byte, 16)}, good), errObjectOpen},
		"A128KW":                {w.seal(sealing{alg: "A128KW", key: make([]byte, 16)}, good), errObjectOpen},
		"PBES2":                 {w.seal(sealing{alg: "PBES2-HS256+A128KW", key: []byte("password")}, good), errObjectOpen},
		"A192KW":                {w.seal(sealing{alg: "ECDH-ES+A192KW"}, good), errObjectOpen},
		"A192GCM":               {w.seal(sealing{enc: "A192GCM"}, good), errObjectOpen},
		"to a stranger":         {w.seal(sealing{key: stranger, kid: "-"}, good), errObjectOpen},
		"stranger with our kid": {w.seal(sealing{key: stranger, kid: w.ourKey("ECDH-ES").KeyID}, good), errObjectOpen},
		"another curve":         {w.seal(sealing{key: other.Public(), kid: w.ourKey("ECDH-ES").KeyID}, good), errObjectOpen},
		"kid of another kind":   {w.seal(sealing{kid: w.ourKey("RSA-OAEP").KeyID}, good), errObjectOpen},
		"kid of a signing key":  {w.seal(sealing{kid: testKeys()[1].ID}, good), errObjectOpen},
		"unknown kid":           {w.seal(sealing{kid: "nobody"}, good), errObjectOpen},
		"crit":                  {w.seal(sealing{header: map[string]any{"crit": []string{"x"}, "x": 1}}, good), errObjectOpen},
		"kid a number":          {reheaded(func(h map[string]any) { h["kid"] = 1 }), errObjectOpen},
		"no alg":                {reheaded(func(h map[string]any) { delete(h, "alg") }), errObjectOpen},
		"alg exchanged":         {reheaded(func(h map[string]any) { h["alg"] = "ECDH-ES+A128KW" }), errObjectOpen},
		"no epk":                {reheaded(func(h map[string]any) { delete(h, "epk") }), errObjectOpen},
		"epk off the curve": {reheaded(func(h map[string]any) {
			h["epk"] = map[string]any{"kty": "EC", "crv": "P-256", "x": base64.RawURLEncoding.EncodeToString(make([]byte, 32)), "y": base64.RawURLEncoding.EncodeToString(make([]byte, 32))}
		}), errObjectOpen},
		"members twice":      {strings.Join(append([]string{twice}, parts[1:]...), "."), errObjectOpen},
		"other contents":     {strings.Join([]string{parts[0], parts[1], parts[2], body, parts[4]}, "."), errObjectOpen},
		"other tag":          {strings.Join([]string{parts[0], parts[1], parts[2], parts[3], base64.RawURLEncoding.EncodeToString(make([]byte, 16))}, "."), errObjectOpen},
		"short tag":          {strings.Join([]string{parts[0], parts[1], parts[2], parts[3], "AAAA"}, "."), errObjectOpen},
		"dots":               {"....", errObjectOpen},
		"too long":           {w.seal(sealing{}, strings.Repeat("a", 18<<10)), errObjectOpen},
		"six parts":          {sealed + ".x", errObject},
		"another JWT inside": {w.seal(sealing{cty: "logout+jwt"}, good), errObjectOpen},

		"unsigned inside":         {w.seal(sealing{}, `{"client_id":"ec"}`), errObject},
		"alg none inside":         {w.seal(sealing{}, base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`))+"."+strings.Split(good, ".")[1]+"."), errObject},
		"a stranger inside":       {w.seal(sealing{}, sign(t, header{key: "stranger"}, objectOf("ec"))), errObject},
		"encrypted twice":         {w.seal(sealing{}, sealed), errObject},
		"another client's inside": {w.seal(sealing{}, sign(t, header{}, objectOf("rsa"))), errObjectParties},
		"expired inside":          {w.seal(sealing{}, sign(t, header{}, objectOf("ec").with("exp", 1))), errObjectTime},
		"an assertion inside":     {w.seal(sealing{}, sign(t, header{}, objectOf("ec").with("sub", "ec"))), errObjectType},
		"nothing inside":          {w.seal(sealing{}, ""), errObject},
	} {
		_, err := w.s.ParseAuthorization(t.Context(), with(request("ec"), "request", tt.object))
		var got, want *fosite.RFC6749Error
		if !errors.As(err, &got) || !errors.As(tt.want, &want) || got.DescriptionField != want.DescriptionField {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	_, err = w.s.ParseAuthorization(t.Context(), with(request("plain"), "request", w.seal(sealing{}, sign(t, header{}, objectOf("plain")))))
	if !errors.Is(err, errObjectEncrypted) {
		t.Errorf("of a client that is not registered for it: %v", err)
	}
}

// TestEncryptionKeysFollowOneAnother: the new key is published alone; the old one
// opens for a week, and is gone then. Another replica finds a key that it does
// not know yet.
func TestEncryptionKeysFollowOneAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openingWorld(t)
		other, err := New(w.db, w.s.o)
		must(t, err)
		must(t, other.EnsureKeys(t.Context()))
		old := w.ourKey("ECDH-ES")
		must(t, w.s.KeepEncryptionKeys(t.Context()))
		if w.ourKey("ECDH-ES").KeyID != old.KeyID {
			t.Fatal("a key that serves is followed up")
		}
		sealOld := func() string {
			return w.seal(sealing{key: old.Key, kid: old.KeyID}, sign(t, header{}, objectOf("ec")))
		}
		opens := func(s *Service, object string) bool {
			_, err := s.ParseAuthorization(t.Context(), with(request("ec"), "request", object))
			return err == nil
		}
		time.Sleep(encryptionKeyLife)
		must(t, w.s.KeepEncryptionKeys(t.Context()))
		young := w.ourKey("ECDH-ES")
		if young.KeyID == old.KeyID || strings.Contains(string(w.s.keys.Load().jwks.body), old.KeyID) {
			t.Fatal("the old key is still published")
		}
		if !opens(w.s, sealOld()) || !opens(other, sealOld()) {
			t.Error("the old key does not open any more")
		}
		if !opens(other, w.seal(sealing{}, sign(t, header{}, objectOf("ec")))) {
			t.Error("another replica does not find the new key")
		}
		time.Sleep(encryptionKeyTail + time.Second)
		if opens(w.s, sealOld()) {
			t.Error("the old key opens for ever")
		}
		_, err = w.db.Prune(t.Context(), time.Now())
		must(t, err)
		must(t, w.s.KeepEncryptionKeys(t.Context()))
		if n := len(w.s.openings().keys); n != 2 {
			t.Errorf("%d keys are kept", n)
		}
		// Nobody encrypts with RSA any more.
		must(t, w.db.DeleteClient(t.Context(), "rsa"))
		must(t, w.s.KeepEncryptionKeys(t.Context()))
		if n := len(w.s.openings().published()); n != 1 {
			t.Errorf("%d keys are published", n)
		}
	})
}

// TestWantingAndNotWantingMakesOneKey: a client that registers for encryption and
// takes that back, again and again, does not fill the database with keys.
func TestWantingAndNotWantingMakesOneKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openingWorld(t)
		before := len(w.s.openings().keys)
		for range 20 {
			c, err := w.db.Client(t.Context(), "rsa")
			must(t, err)
			wanted := c.Metadata.RequestObjectEncryptionAlg
			c.Metadata.RequestObjectEncryptionAlg = ""
			must(t, w.db.UpdateClient(t.Context(), c))
			must(t, w.s.KeepEncryptionKeys(t.Context()))
			time.Sleep(updatePause)
			c.Version++
			c.Metadata.RequestObjectEncryptionAlg = wanted
			must(t, w.db.UpdateClient(t.Context(), c))
			w.s.readyToOpen(t.Context(), c)
			time.Sleep(updatePause)
		}
		if n := len(w.s.openings().keys); n != before {
			t.Errorf("%d keys, before %d", n, before)
		}
	})
}

// TestUnknownKeysAreLookedForSeldom: who names made-up keys does not make us read
// the database each time.
func TestUnknownKeysAreLookedForSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openingWorld(t)
		time.Sleep(openingPause)
		object := w.seal(sealing{kid: "nobody"}, sign(t, header{}, objectOf("ec")))
		n := len(w.counted(func() {
			for range 50 {
				w.s.open(t.Context(), object)
			}
		}))
		if n != 1 {
			t.Errorf("%d statements", n)
		}
	})
}

// FuzzOpenObject: no text panics, and none that we did not encrypt opens.
func FuzzOpenObject(f *testing.F) {
	w := openingWorld(f)
	good := w.seal(sealing{}, "x")
	for _, s := range []string{good, w.seal(sealing{alg: "RSA-OAEP"}, "x"), "....", "a.b.c.d.e", strings.Replace(good, ".", ".AAAA", 1), "eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..AAAA.AAAA.AAAA"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, object string) {
		if text, ok := w.s.open(t.Context(), object); ok && text != "x" {
			t.Errorf("%q opens as %q", object, text)
		}
	})
}
