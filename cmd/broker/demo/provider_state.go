package demo

import (
	"sync"
	"time"

	"idbroker/broker"
)

const (
	// codeLifetime is a tenth of what RFC 6749, section 4.1.2, allows at most.
	codeLifetime = time.Minute
	// accessLifetime is how long the broker may ask for the userinfo.
	accessLifetime = 10 * time.Minute
	// maxKept bounds codes and tokens in memory.
	maxKept = 10000
)

// grant is what a code or an access token stands for.
type grant struct {
	person      Person
	redirectURI string
	challenge   string
	nonce       string
	scope       string
	authTime    time.Time
	access      broker.Secret // issued for the code; "" none yet
}

// spendOnce keeps things by the hash of a random key for a while.
type spendOnce[T any] struct {
	lifetime time.Duration
	mu       sync.Mutex
	m        map[string]*kept[T]
}

type kept[T any] struct {
	value T
	spent bool
	at    time.Time
}

func newSpendOnce[T any](lifetime time.Duration) *spendOnce[T] {
	return &spendOnce[T]{lifetime: lifetime, m: map[string]*kept[T]{}}
}

// put keeps the value and returns the key to it.
func (s *spendOnce[T]) put(value T, at time.Time) broker.Secret {
	key := broker.NewSecret()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.m) >= maxKept {
		for k, one := range s.m {
			if at.Sub(one.at) >= s.lifetime {
				delete(s.m, k)
			}
		}
	}
	if len(s.m) >= maxKept { // all of them are live: somebody floods us
		clear(s.m)
	}
	s.m[key.Hash()] = &kept[T]{value: value, at: at}
	return key
}

// get returns a live value.
func (s *spendOnce[T]) get(key broker.Secret, at time.Time) (T, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.m[key.Hash()]
	if one == nil || one.spent || at.Sub(one.at) >= s.lifetime {
		var none T
		return none, false
	}
	return one.value, true
}

// spend returns a live value the first time. The second time it returns the
// value with again true, so that what came of the first can be ended.
func (s *spendOnce[T]) spend(key broker.Secret, at time.Time) (value T, ok, again bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.m[key.Hash()]
	if one == nil {
		return value, false, false
	}
	if one.spent {
		return one.value, false, true
	}
	one.spent = true
	return one.value, at.Sub(one.at) < s.lifetime, false
}

// change replaces the value under key.
func (s *spendOnce[T]) change(key broker.Secret, value T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if one := s.m[key.Hash()]; one != nil {
		one.value = value
	}
}

// drop forgets the key.
func (s *spendOnce[T]) drop(key broker.Secret) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.m, key.Hash())
}
