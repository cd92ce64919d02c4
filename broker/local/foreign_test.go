package local

import (
	"errors"
	"strings"
	"testing"

	"idbroker/broker"
)

// What passlib 1.7.4 made of "correct horse é", and what Invenio documents and ships as vectors.
var foreignHashes = map[string]string{
	"bcrypt":              "$2b$04$4H8kxA4afQtLukrACelGaOEVAQN556KWwIFja0lHG2tfVizwV3Kyq",
	"bcrypt-sha256":       "$bcrypt-sha256$v=2,t=2b,r=4$YulPCjf2tC9iXhG9kyj15u$pU8jWLN78jHEeVK7Q2eF00iiiXRnpIe",
	"scrypt":              "$scrypt$ln=4,r=8,p=1$A2BszRmjVOpdC0EIISRkLA$FDrkkPEII1xO6hi8wGxJ3TMbMua8tKVp1aM5LgPAQf4",
	"pbkdf2-sha256":       "$pbkdf2-sha256$1000$9t5b6x3jPGfs/b83xtgbQw$2e34S8aeKVVlQuzJ5TJ3M7Z5vuo20CH8WYL/JsbfDJk",
	"pbkdf2-sha512":       "$pbkdf2-sha512$1000$hVDqnXNOybm3Vurd27vXmg$ECWz7Z2opXLU7dlLvoauoom3J6ziCdXH9WN.KbsUmrHq6nJfC0jbniOznUpl0PRPigbVWUaABhB1NUCP8kJgLg",
	"of the NFKD form":    "$pbkdf2-sha512$1000$SkkphfBey5mTMqaUknJOKQ$iyqxipmZBrqPtF9e9eG0OScsmB4E1.DdsbIwtrL3WQ7/jPnBD61rICmHjYGBWhssFPIb73oXceDTJR0/1fr6Kg",
	"sha256-crypt":        "$5$rounds=1000$s8GWh0KLDaTV5L29$Pzv2naj4VNsK76Y/zVouTAsF2XfUFV5.6WKVZ046ugD",
	"sha512-crypt":        "$6$eyffFgRRXykraTiF$VhqVCqM/UrHVfptG6yGO0ewP16Iu0pBMC67sfQDVZW9zl6M69rXdmhIaRd0jPJDToZ6LKrp147jCtMGlUPJBm/",
	"Invenio's double":    doubleHash + "$pbkdf2-sha512$25000$MDEyMzQ1Njc4OWFiY2RlZg$uYSEdBQqQ9JX7hGlClLdaeGJm8LIsSORMmyM3iFoW1/H53GBw3OBnhEIiVam3N19qAUUCf98FD8vGXVQ7O8zGw",
	"argon2id of another": "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
	"invenio-aes":         "$invenio-aes$info@inveniosoftware.org$2111c5afa1b6900ff0a10a662c1ee084a7a7ff58dfad5766ac2aac1744602b80",
	"invenio-aes, Greek":  "$invenio-aes$ada@example.org$dfcea3c84ca4e178391e4cf0e0399ee281361eea2341fb1bcf31b786dca8538e",
	"bcrypt of 80 x":      "$2b$04$7ajdwXrxU8KVMJ2/mFat7.6Og1vK7L3rDFhmRODi52iuVMIjZ6sKe",
}

func foreignPassword(kind string) broker.Secret {
	switch kind {
	case "argon2id of another":
		return "password"
	case "invenio-aes":
		return "123456"
	case "invenio-aes, Greek":
		return "κωδικός"
	case "bcrypt of 80 x":
		return broker.Secret(strings.Repeat("x", 80))
	}
	return "correct horse \u00e9"
}

var cheapest = Argon2{MemoryKiB: 64, Passes: 1, Lanes: 1}

// TestForeignHashes: what other systems made is verified, in whatever Unicode
// form the password is typed, and is to be replaced.
func TestForeignHashes(t *testing.T) {
	h := newHasher(cheapest, 1, "s3cr3t-salt", Peppers{}, nil)
	for kind, hash := range foreignHashes {
		right := foreignPassword(kind)
		typed := []broker.Secret{right}
		if strings.HasSuffix(right.Reveal(), "\u00e9") && kind != "of the NFKD form" {
			typed = append(typed, broker.Secret(strings.Replace(right.Reveal(), "\u00e9", "e\u0301", 1)))
		}
		for _, p := range typed {
			if ok, outdated, unread, err := h.verify(t.Context(), broker.Secret(hash), p); !ok || !outdated || unread != nil || err != nil {
				t.Errorf("%s: %v %v %v %v", kind, ok, outdated, unread, err)
			}
		}
		for _, wrong := range []broker.Secret{"", "X" + right, "correct horse e", right + "\x00", right + "\x00" + right, broker.Secret(strings.Repeat("y", maxPassword))} {
			if ok, _, _, err := h.verify(t.Context(), broker.Secret(hash), wrong); ok || err != nil {
				t.Errorf("%s: %q opens it (%v)", kind, wrong.Reveal(), err)
			}
		}
	}
	if _, _, unread, _ := newHasher(cheapest, 1, "", Peppers{}, nil).verify(t.Context(), broker.Secret(foreignHashes["Invenio's double"]), "x"); !errors.Is(unread, errNoHMACKey) {
		t.Errorf("without the salt: %v", unread)
	}
}

// TestSaltOfAnyLetters: the salt of a double hash may have any letters. Python's own
// HMAC and PBKDF2 made these, the second as Flask-Security-Too does, which hashes the
// NFKD form.
func TestSaltOfAnyLetters(t *testing.T) {
	h := newHasher(cheapest, 1, "s\u00e4lt \u20ac", Peppers{}, nil)
	for form, hash := range map[string]broker.Secret{
		"as typed": "$pbkdf2-sha512$1000$MDEyMzQ1Njc4OWFiY2RlZg$.TF3UWbDtJH8guJuEqsktotRQrFp4BuTiI9IdjLC8CoMEPCIRFL4rWTsRCAka.kms49RG9J4Dj5A4s.I.TMfUg",
		"NFKD":     "$pbkdf2-sha512$1000$MDEyMzQ1Njc4OWFiY2RlZg$uzR3NNyrIcEWhj9YT0aLdPsLKlYhK6ijD2WYsjJtqIdnbsZ8XaaHiQTxbBKTXBOc09MrCPrdd7ndSLGjIRnM.Q",
	} {
		for _, typed := range []broker.Secret{"correct horse \u00e9", "correct horse e\u0301"} {
			if ok, outdated, unread, err := h.verify(t.Context(), doubleHash+hash, typed); !ok || !outdated || unread != nil || err != nil {
				t.Errorf("%s, %+q: %v %v %v %v", form, typed.Reveal(), ok, outdated, unread, err)
			}
		}
		for _, salt := range []broker.Secret{"sa\u0308lt \u20ac", "s\u00e4lt", "s\u00e4lt \u20ac "} {
			if ok, _, _, err := newHasher(cheapest, 1, salt, Peppers{}, nil).verify(t.Context(), doubleHash+hash, "correct horse \u00e9"); ok || err != nil {
				t.Errorf("%s: the salt %+q opens it (%v)", form, salt.Reveal(), err)
			}
		}
	}
}

// TestHashOfNothing: an imported account without a password has the hash of an
// empty one; neither an empty nor an overlong password opens it.
func TestHashOfNothing(t *testing.T) {
	h := newHasher(cheapest, 1, "", Peppers{}, nil)
	const empty = "$2b$04$H3vMLN5dtZXRkBo8jVZM9uZ0XFCEzw/YShqvRfVrff2p9AGN8Heka"
	if r, err := h.read(empty); err != nil || !r.matches(nil) {
		t.Fatal("not the hash of nothing", err)
	}
	for _, p := range []broker.Secret{"", "\x00", broker.Secret(strings.Repeat("x", maxPassword+1))} {
		if ok, _, _, err := h.verify(t.Context(), empty, p); ok || err != nil {
			t.Errorf("%q: %v %v", p.Reveal(), ok, err)
		}
	}
}

// TestHostileHashes: a stored hash cannot ask for a gigabyte or a minute, and
// none is computed to find that out.
func TestHostileHashes(t *testing.T) {
	h := newHasher(cheapest, 1, "salt", Peppers{}, nil)
	key43, key86, b53 := strings.Repeat("a", 43), strings.Repeat("a", 86), strings.Repeat("a", 53)
	for hash, want := range map[string]error{
		"$2b$16$" + b53: errHashDear, "$2b$31$" + b53: errHashDear, "$bcrypt-sha256$v=2,t=2b,r=31$" + b53[:22] + "$" + b53[:31]: errHashDear,
		"$scrypt$ln=20,r=8,p=1$c2FsdHNhbHQ$" + key43: errHashDear, "$scrypt$ln=99,r=8,p=1$c2FsdHNhbHQ$" + key43: errHashDear,
		"$scrypt$ln=17,r=8,p=99$c2FsdHNhbHQ$" + key43: errHashDear, "$scrypt$ln=0,r=8,p=1$c2FsdHNhbHQ$" + key43: errHash,
		"$scrypt$ln=4,ln=30,r=8,p=1$c2FsdHNhbHQ$" + key43: errHash, "$scrypt$ln=4,r=8,p=1$c2FsdHNhbHQ$YQ": errHash,
		"$pbkdf2-sha512$9999999$c2FsdHNhbHQ$" + key86: errHashDear, "$pbkdf2-sha512$99999999999$c2FsdHNhbHQ$" + key86: errHash,
		"$pbkdf2-sha512$0$c2FsdHNhbHQ$" + key86: errHash, "$pbkdf2-sha512$1000$c2FsdHNhbHQ$" + strings.Repeat("a", 400): errHash,
		"$pbkdf2-sha256$1000$c2FsdHNhbHQ$" + key86: errHash, "$pbkdf2-sha512$1000$c2FsdHNhbHQ$YQ": errHash,
		"$6$rounds=9999999$salt$" + key86: errHashDear, "$6$rounds=999999999$salt$" + key86: errHash, "$6$rounds=5000,rounds=999999999$salt$" + key86: errHash,
		"$6$rounds=0001$salt$" + key86: errHash, "$5$salt$a": errHash,
		"$argon2id$v=19$m=4194304,t=1,p=1$c29tZXNhbHQ$" + key43: errHashDear, "$argon2id$v=19$m=262144,t=16,p=1$c29tZXNhbHQ$" + key43: errHashDear,
		"$argon2id$v=19$m=64,t=99,p=1$c29tZXNhbHQ$" + key43: errHashDear, "$argon2id$v=19$m=64,t=1,p=256$c29tZXNhbHQ$" + key43: errHash,
		"$argon2id$v=19$m=64,t=1,p=255$c29tZXNhbHQ$" + key43: errHash, "$argon2id$v=19$m=64,t=0,p=1$c29tZXNhbHQ$" + key43: errHash,
		"$argon2id$v=19$m=64,t=1,p=1$$" + key43: errHash, "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$": errHash, "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$!!!!": errHash,
		"$argon2id$v=16$m=64,t=1,p=1$c29tZXNhbHQ$" + key43: errHash, "$argon2i$v=19$m=64,t=1,p=1$c29tZXNhbHQ$" + key43: errHash,
		"$invenio-aes$$" + strings.Repeat("a", 64): errHash, "$invenio-aes$a@b$" + strings.Repeat("a", 62): errHash,
		doubleHash + "$invenio-aes$ada@example.org$" + strings.Repeat("a", 64): errHash, doubleHash + doubleHash + "$2b$04$" + b53: errHash, doubleHash: errHash,
		"": errHash, "x": errHash, "*": errHash, "!": errHash, "plain text": errHash, "$2x$04$" + b53: errHash, "$1$salt$abcdefghijklmnopqrstuv": errHash,
		"$plaintext$secret": errHash, "$2b$04$" + b53 + "\n": errHash, "$2b$04$" + strings.Repeat("a", 1000): errHash,
	} {
		if _, err := h.read(broker.Secret(hash)); !errors.Is(err, want) {
			t.Errorf("%.60q: %v", hash, err)
		}
	}
	for _, hash := range []string{"$2b$15$" + b53, "$scrypt$ln=17,r=8,p=1$c2FsdHNhbHQ$" + key43, "$6$rounds=656000$salt$" + key86, "$pbkdf2-sha256$600000$c2FsdHNhbHQ$" + key43, "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$" + key43} {
		if _, err := h.read(broker.Secret(hash)); err != nil {
			t.Errorf("%.60q, which the usual systems write: %v", hash, err)
		}
	}
}

// TestOneLargeHashAtOnce: what takes more memory than ours is computed one by
// one, and keeps nobody else from a free slot.
func TestOneLargeHashAtOnce(t *testing.T) {
	h := newHasher(cheapest, 4, "", Peppers{}, nil)
	done, err := h.turn(t.Context(), maxScryptKiB)
	if err != nil {
		t.Fatal(err)
	}
	for len(h.slots) < 3 {
		if _, err := h.turn(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
	}
	if len(h.large) != 1 {
		t.Error("a large hash takes no large slot")
	}
	done()
	if len(h.large) != 0 || len(h.slots) != 2 {
		t.Errorf("afterwards: %d large, %d in all", len(h.large), len(h.slots))
	}
}

// TestUnknownCostsAKnown: whatever is typed, nobody's account is asked for as
// many hashes of ours as an account with a hash of ours.
func TestUnknownCostsAKnown(t *testing.T) {
	h := newHasher(cheapest, 1, "", Peppers{}, nil)
	count := 0
	own, dummy := h.dummy.matches, h.dummy
	dummy.matches = func(p []byte) bool { count++; return own(p) }
	h.dummy = dummy
	for typed, want := range map[broker.Secret]int{"": 1, "ascii": 1, "\u00e9": 2, "\x00": 1, broker.Secret(strings.Repeat("\u00e9", maxPassword)): 1} {
		for _, hash := range []string{"", "not a hash", foreignHashes["invenio-aes"]} {
			count = 0
			if ok, _, _, err := h.verify(t.Context(), broker.Secret(hash), typed); ok || err != nil || count != want {
				t.Errorf("%.10q against %.20q: %d hashes, want %d (%v, %v)", typed.Reveal(), hash, count, want, ok, err)
			}
		}
	}
}

func FuzzReadHash(f *testing.F) {
	for _, hash := range foreignHashes {
		f.Add(hash)
	}
	h := newHasher(cheapest, 1, "s3cr3t-salt", Peppers{}, nil)
	f.Fuzz(func(t *testing.T, s string) {
		r, err := h.read(broker.Secret(s))
		if err != nil {
			if !errors.Is(err, errHash) && !errors.Is(err, errHashDear) {
				t.Errorf("%q: %v", s, err)
			}
			return
		}
		if r.matches == nil || r.memoryKiB > maxMemoryKiB || len(s) > maxHashText || !strings.HasPrefix(s, "$") {
			t.Errorf("%q: %d KiB", s, r.memoryKiB)
		}
		if p := pbkdf2Form().FindStringSubmatch(s); p == nil || number(p[1:]) < 1000 {
			if !strings.HasPrefix(s, "$invenio-aes$") && p == nil {
				return
			}
			r.matches([]byte("x"))
		}
	})
}
