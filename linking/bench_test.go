package linking_test

import (
	"testing"

	"idbroker/broker"
	"idbroker/linking"
	"idbroker/store/storetest"
)

// BenchmarkSignIn is a journey of a known identity, as far as it is ours: start,
// callback and a new session.
func BenchmarkSignIn(b *testing.B) {
	for name, open := range map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		b.Run(name, func(b *testing.B) {
			r := newReal(b, open(b))
			r.reset()
			r.create(addresses[0], true)
			r.password(0, 1, -1, true)
			journey := func(i int, p broker.Purpose) linking.Outcome {
				r.start(leg{seat: 0, provider: "one", subject: "ada", email: addresses[0], purpose: p})
				return r.finish(0, "one", i, i, 0).outcome
			}
			if got := journey(0, broker.PurposeLink); got != linking.Linked {
				b.Fatal(got)
			}
			for i := 1; b.Loop(); i++ {
				if got := journey(i, broker.PurposeSignIn); got != linking.SignedIn {
					b.Fatal(got)
				}
			}
		})
	}
}
