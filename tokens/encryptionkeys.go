package tokens

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"idbroker/broker"
)

const (
	// encryptionKeyLife is how long a key is published to be encrypted to.
	encryptionKeyLife = 90 * 24 * time.Hour
	// encryptionKeyTail is how long it opens what comes after: clients keep our
	// keys, and publish request objects that they encrypted before. One that nobody
	// wants stays as long, so that who registers to and fro makes no heap of keys.
	encryptionKeyTail = 7 * 24 * time.Hour
	// openingPause is the least time between two looks for a key that we do not
	// know. Another replica may have made it a moment ago, or nobody.
	openingPause = 5 * time.Second
)

// ktys are the kinds of keys that clients encrypt to, by what the names of their
// algorithms begin with.
var ktys = map[string]string{"RSA": "RSA", "ECDH": "EC"}

// ktyOf is the kind of key for an algorithm; "" none.
func ktyOf(alg string) string {
	if !slices.Contains(encryptionAlgs, alg) {
		return ""
	}
	for prefix, kty := range ktys {
		if strings.HasPrefix(alg, prefix) {
			return kty
		}
	}
	return ""
}

// openingKey is a key of ours that clients encrypt to, parsed once.
type openingKey struct {
	broker.EncryptionKey
	private crypto.PrivateKey
	public  jose.JSONWebKey
}

// openingKeys is a snapshot of them, newest first. It never changes.
type openingKeys struct {
	keys   []*openingKey
	readAt time.Time
}

// openings are the keys that were loaded; never nil.
func (s *Service) openings() *openingKeys {
	if set := s.opening.Load(); set != nil {
		return set
	}
	return &openingKeys{}
}

// published are the public halves that belong in the JWKS.
func (set *openingKeys) published() (public []jose.JSONWebKey) {
	for _, k := range set.keys {
		if k.RetiresAt.IsZero() {
			public = append(public, k.public)
		}
	}
	return public
}

// loadEncryptionKeys loads the keys that clients encrypt to.
func (s *Service) loadEncryptionKeys(ctx context.Context) error {
	at := time.Now()
	rows, err := s.store.EncryptionKeys(ctx)
	if err != nil {
		return fmt.Errorf("load encryption keys: %w", err)
	}
	set := &openingKeys{readAt: at}
	for _, row := range rows {
		k := &openingKey{}
		if i := slices.IndexFunc(s.openings().keys, func(old *openingKey) bool { return old.ID == row.ID }); i >= 0 {
			*k = *s.openings().keys[i]
		} else if err := k.parse(row); err != nil {
			return fmt.Errorf("encryption key %s: %w", row.ID, err)
		}
		row.Private = ""
		k.EncryptionKey = row
		set.keys = append(set.keys, k)
	}
	s.opening.Store(set)
	return nil
}

func (k *openingKey) parse(row broker.EncryptionKey) error {
	block, _ := pem.Decode([]byte(row.Private.Reveal()))
	if block == nil {
		return fmt.Errorf("no PEM")
	}
	private, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return err
	}
	var public crypto.PublicKey
	switch p := private.(type) {
	case *rsa.PrivateKey:
		public = p.Public()
	case *ecdsa.PrivateKey:
		public = p.Public()
	default:
		return fmt.Errorf("%T is not supported", private)
	}
	// No "alg": one key serves every algorithm of its kind.
	k.private, k.public = private, jose.JSONWebKey{Key: public, KeyID: row.ID, Use: "enc"}
	return nil
}

// newEncryptionKey makes a key of a kind.
func newEncryptionKey(kty string, at time.Time) (broker.EncryptionKey, error) {
	var private any
	var err error
	if kty == "EC" {
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	} else {
		private, err = rsa.GenerateKey(rand.Reader, rsaBits)
	}
	if err != nil {
		return broker.EncryptionKey{}, fmt.Errorf("make encryption key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return broker.EncryptionKey{}, fmt.Errorf("make encryption key: %w", err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	return broker.EncryptionKey{ID: broker.NewID(), Kty: kty, Private: broker.Secret(text), CreatedAt: at}, nil
}

// KeepEncryptionKeys makes the keys that clients encrypt to where one is
// registered for that, follows up those that are old, and lets those retire that
// nobody needs. Replicas that do so at the same time may make a key each; all
// of them open.
func (s *Service) KeepEncryptionKeys(ctx context.Context) error {
	clients, err := s.store.Clients(ctx)
	if err != nil {
		return fmt.Errorf("list clients: %w", err)
	}
	wanted := map[string]bool{}
	for _, c := range clients {
		if kty := ktyOf(c.Metadata.RequestObjectEncryptionAlg); kty != "" && c.DisabledAt.IsZero() {
			wanted[kty] = true
		}
	}
	return s.keepEncryptionKeys(ctx, wanted, true)
}

// keepEncryptionKeys sees to a key of each kind that is wanted; the others retire
// where all are named.
func (s *Service) keepEncryptionKeys(ctx context.Context, wanted map[string]bool, all bool) error {
	s.making.Lock()
	defer s.making.Unlock()
	if err := s.loadEncryptionKeys(ctx); err != nil {
		return err
	}
	at, changed := time.Now(), false
	has := map[string]bool{}
	for _, k := range s.openings().keys {
		if k.RetiresAt.IsZero() && at.Sub(k.CreatedAt) < encryptionKeyLife {
			has[k.Kty] = true
		}
	}
	for kty := range wanted {
		if has[kty] {
			continue
		}
		k, err := newEncryptionKey(kty, at)
		if err != nil {
			return err
		}
		if err := s.store.CreateEncryptionKey(ctx, k); err != nil {
			return fmt.Errorf("create encryption key: %w", err)
		}
		s.log.InfoContext(ctx, "encryption key made", "key", k.ID, "kty", kty)
		changed = true
	}
	for _, k := range s.openings().keys {
		age := at.Sub(k.CreatedAt)
		if !k.RetiresAt.IsZero() || wanted[k.Kty] && age < encryptionKeyLife || !wanted[k.Kty] && (!all || age < encryptionKeyTail) {
			continue
		}
		row := k.EncryptionKey
		row.RetiresAt, row.ExpiresAt = at, at.Add(encryptionKeyTail)
		if err := s.store.RetireEncryptionKey(ctx, row); err != nil {
			return fmt.Errorf("retire encryption key: %w", err)
		}
		s.log.InfoContext(ctx, "encryption key retired", "key", k.ID, "kty", k.Kty)
		changed = true
	}
	if !changed {
		return nil
	}
	return s.ReloadKeys(ctx) // the JWKS tells of them
}

// readyToOpen makes the key that a client encrypts to, so that it is published
// when the client hears that it is registered. What fails now, the job does.
func (s *Service) readyToOpen(ctx context.Context, c broker.Client) {
	kty := ktyOf(c.Metadata.RequestObjectEncryptionAlg)
	if kty == "" || slices.ContainsFunc(s.openings().keys, func(k *openingKey) bool { return k.Kty == kty && k.RetiresAt.IsZero() }) {
		return
	}
	if err := s.keepEncryptionKeys(ctx, map[string]bool{kty: true}, false); err != nil {
		s.log.WarnContext(ctx, "encryption key not made", "kty", kty, "err", err)
	}
}
