// Package oidf is a conformance suite for OpenID Providers, written from the
// specifications: one module a test, under the names that the OpenID
// Foundation's suite has for them, in the plans of its certification profiles.
// It knows nothing of the broker: it asks any OP over HTTP(S), and reads the
// configuration files of the official suite. It talks to the issuer's origins
// and what its metadata and the configuration name, and to nobody else.
//
// # How a module is run
//
// A [Suite] reads the OP's metadata. For each module of a [Plan], in each of its
// variants, it makes a [Run]: a fresh [Browser] without cookies, the client of
// the configuration or one that is registered and deleted, and a log. What the
// module says decides the [Result]: Fail and Fatal make it failed, Warn a
// warning, Skip skipped; a module that checked nothing has failed, too.
//
// An OP that must reach the suite, to tell it of sign-outs, needs Options.Listener.
// Static clients register BASE/test/a/ALIAS/backchannel_logout and
// BASE/test/a/ALIAS/frontchannel_logout; clients that register themselves get
// addresses of their own. Where people begin at an OP no specification says:
// [Extension] does.
//
// # How to add a module
//
// Write a Module into a table in a file such as modules_logout.go, add the table
// to [Modules], name it in the Member list of a plan, and write a mutant of our
// broker that it must notice into mutants_test.go. Its Run function reads
// like the test's description:
//
//	func promptNoneLoggedIn(r *Run) {
//		first := r.SignIn()
//		second := r.SignIn(With("prompt", "none"))
//		r.mustAct(second.Answer, core("3.1.2.1"), false)
//		r.samePerson(first, second)
//	}
//
// The steps of an authorization, from coarse to fine: SignIn does and checks all
// of it; Request, Visit (or VisitPost), Redeem are its parts; Refused and
// ErrorPage are for requests that must not be granted; Accept, Exchange,
// TryToken, IDToken, UserInfo, Refresh and Register stand below. A name that
// begins with Try returns the answer whatever it is. Every check names its
// clause and says what must be, so that the report reads as a sentence.
package oidf
