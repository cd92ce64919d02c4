package limits

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/netip"
	"time"

	"idbroker/broker"
)

// Store is what limits need of the database.
type Store interface {
	TakeTokens(ctx context.Context, at time.Time, charges ...broker.Charge) ([]broker.Charged, error)
	ReturnToken(ctx context.Context, keys ...string) error
}

// Options configures a Limiter. The zero value of a field is its default.
type Options struct {
	Key     [32]byte       // keys of buckets, challenges and device cookies are made with it
	Exempt  []netip.Prefix // networks whose addresses are not counted, such as a campus behind one address
	Account broker.Limit   // tries at one account from browsers that it does not know; zero: 5, then one every 3 minutes
	Network broker.Limit   // tries from one address (IPv4) or /64 (IPv6); zero: 30, then one every 30 seconds
	Mails   broker.Limit   // mails that strangers may have us send to one address, and each browser that has signed in with it; zero: 4, then one every 15 minutes
	Captcha *Captcha       // asked for in the place of proofs of work; nil: none
	// SMSPerHour is how many messages are sent to telephones within any hour, all together; 0: 200.
	// SMSPerCountry is how many of them to one prefix (broker.PhonePrefix); 0: 100.
	SMSPerHour, SMSPerCountry int
	Off                       bool // nothing is limited, but for these two
}

// Limiter says who may try.
type Limiter struct {
	store Store
	o     Options
}

const (
	// wideFactor is how many more tries the network around has (a /24 of IPv4,
	// a /48 of IPv6): who owns it can move about in it.
	wideFactor = 10
	// deepFactor is how much more the second bucket of a network or an account holds, which
	// each proof of work takes from.
	deepFactor = 10
	// queueFactor is how many more may wait at one account than of one network: else who has many
	// networks could guess without computing. Who cannot compute has their own browser
	// and "lost password" then.
	queueFactor = 2
	// deviceFactor is how much more a browser that knows the account may try: its
	// person has forgotten which password it was. Whoever looks for a username that is
	// free may try as often.
	deviceFactor = 2
)

// Defaults of Options. NIST SP 800-63B, section 5.2.2, wants guesses limited to
// 100 in a row; a guesser who proves work for each gets about 50 an hour beyond the first.
var (
	account = broker.Limit{Burst: 5, Every: 3 * time.Minute}
	network = broker.Limit{Burst: 30, Every: 30 * time.Second}
	mails   = broker.Limit{Burst: 4, Every: 15 * time.Minute}
)

// New returns a Limiter over a store.
func New(store Store, o Options) *Limiter {
	for _, l := range []struct{ set, otherwise *broker.Limit }{{&o.Account, &account}, {&o.Network, &network}, {&o.Mails, &mails}} {
		if l.set.Burst == 0 {
			*l.set = *l.otherwise
		}
	}
	if o.SMSPerHour == 0 {
		o.SMSPerHour = smsPerHour
	}
	if o.SMSPerCountry == 0 {
		o.SMSPerCountry = smsPerCountry
	}
	return &Limiter{store, o}
}

// Visitor is who tries.
type Visitor struct {
	IP      string        // "" unknown
	Browser string        // hash of the browser's cookie; challenges are made for it
	Devices broker.Secret // the cookie with the accounts that this browser has signed in to; "" none
	Proof   Proof         // what came with the form; zero: nothing
}

// Verdict is what to answer. The zero value lets the visitor try.
type Verdict struct {
	Challenge broker.Secret // to be solved before this try; "" none is needed
	Next      broker.Secret // let through, but the next try needs this to be solved; "" it does not
	Wait      time.Duration // too many, also with proofs: 429; 0 no
	Own       bool          // of Mail: in a browser that has signed in with the address
	Proven    bool          // of Mail: strangers have had theirs, and this one has proven work
	Silent    bool          // let through as if, but send no mail: the address has had enough
	Bound     SMSBound      // with Wait: all messages together have had enough, not this person; "" it is them
	Tell      bool          // with Bound: nobody was told of it within the last minutes
	Trouble   error         // the captcha's service could not be asked, and a proof of work counted instead; nil: none
	taken     []string      // buckets that a right password gives back
}

// Allowed tells whether the visitor may try now.
func (v Verdict) Allowed() bool { return v.Challenge == "" && v.Wait == 0 }

// Password is asked before somebody's password is looked at. account is what
// was typed to name it, normalised; known and unknown ones are the same here.
func (l *Limiter) Password(ctx context.Context, at time.Time, v Visitor, account string) (Verdict, error) {
	if l.o.Off {
		return Verdict{}, nil
	}
	own := broker.Charge{Key: l.key("account", account), Limit: l.o.Account}
	deep := broker.Charge{Key: l.key("account, proven", account), Limit: times(l.o.Account, deepFactor)}
	if device := l.device(v.Devices, account); device != "" {
		own = broker.Charge{Key: l.key("device", device), Limit: times(l.o.Account, deviceFactor)}
		deep = broker.Charge{Key: l.key("device, proven", device), Limit: times(l.o.Account, deepFactor)}
	}
	return l.ask(ctx, at, v, own, deep)
}

// Passkey is asked before what a device has signed is looked at. It names the account
// by itself and cannot be guessed, so the network's bucket alone is asked.
func (l *Limiter) Passkey(ctx context.Context, at time.Time, v Visitor) (Verdict, error) {
	if l.o.Off {
		return Verdict{}, nil
	}
	return l.ask(ctx, at, v, broker.Charge{}, broker.Charge{})
}

// Username is asked before a member hears whether a username is free. user is whose
// session asks. The buckets are none that a password takes from: whoever asks for names keeps nobody out.
func (l *Limiter) Username(ctx context.Context, at time.Time, v Visitor, user broker.UserID) (Verdict, error) {
	if l.o.Off {
		return Verdict{}, nil
	}
	return l.ask(ctx, at, v,
		broker.Charge{Key: l.key("username", string(user)), Limit: times(l.o.Account, deviceFactor)},
		broker.Charge{Key: l.key("username, proven", string(user)), Limit: times(l.o.Account, deepFactor)})
}

// Right gives back what a try took that was none of a guesser.
func (l *Limiter) Right(ctx context.Context, v Verdict) error {
	if len(v.taken) == 0 {
		return nil
	}
	return l.store.ReturnToken(ctx, v.taken...)
}

// ask takes the tokens of one try. own is the bucket of what is tried; deep the
// one that counts tries with a proof of work.
func (l *Limiter) ask(ctx context.Context, at time.Time, v Visitor, own, deep broker.Charge) (Verdict, error) {
	charges := append([]broker.Charge{own}, l.networks("network", v.IP, 1)...)
	got, err := l.store.TakeTokens(ctx, at, charges...)
	if err != nil {
		return Verdict{}, err
	}
	var out Verdict
	empty, last := false, false
	for i, g := range got {
		empty, last = empty || g.Refused, last || g.Last
		if !g.Refused && charges[i].Limit.Burst > 0 {
			out.taken = append(out.taken, charges[i].Key)
		}
	}
	if !empty {
		if last {
			out.Next = l.challenge(at, v.Browser, l.first())
		}
		return out, nil
	}
	verdict, unused, err := l.proven(ctx, at, v, own, deep, out)
	if err != nil || verdict.Allowed() {
		return verdict, err
	}
	// Nothing was tried. Or whoever is held up for their network would go on
	// emptying the buckets of accounts, and have their people compute.
	if own.Limit.Burst > 0 && !got[0].Refused {
		unused = append(unused, own.Key)
	}
	return verdict, l.Right(ctx, Verdict{taken: unused})
}

// proven lets a try through whose buckets are empty, if work was proven for it.
// Where it does not, unused is the bucket of an account that it took from.
func (l *Limiter) proven(ctx context.Context, at time.Time, v Visitor, own, deep broker.Charge, out Verdict) (verdict Verdict, unused []string, err error) {
	c, solved := l.read(at, v)
	if !solved {
		return Verdict{Challenge: l.challenge(at, v.Browser, l.first())}, nil, nil
	}
	once := broker.Charge{Key: l.key("challenge", v.Proof.Challenge.Reveal()), Limit: broker.Limit{Burst: 1, Every: challengeLifetime}}
	var queue broker.Charge // of those who wait at one account, wherever they are
	charges := append(l.networks("network, proven", v.IP, deepFactor), once, deep)
	if c.waited { // nobody can wait for two things at once
		if own.Limit.Burst > 0 {
			queue = broker.Charge{Key: l.key("waited, account", own.Key), Limit: times(waiting, queueFactor)}
		}
		charges = append(append(charges, l.networks("waited", v.IP, 0)...), queue)
	}
	var token broker.Charge // the service may answer for one twice
	if v.Proof.Captcha != "" && l.wantsCaptcha(c.bits) {
		token = broker.Charge{Key: l.key("captcha", v.Proof.Captcha), Limit: once.Limit}
		charges = append(charges, token)
	}
	got, err := l.store.TakeTokens(ctx, at, charges...)
	if err != nil {
		return Verdict{}, nil, err
	}
	exhausted := false
	for i, g := range got {
		if !g.Refused {
			if charges[i].Key == deep.Key && deep.Limit.Burst > 0 {
				unused = []string{deep.Key}
			}
			continue
		}
		switch charges[i].Key {
		case deep.Key:
			exhausted = true
		case once.Key, queue.Key, token.Key: // it was used before; or too many wait, and who computes need not
			verdict.Challenge = l.challenge(at, v.Browser, l.first())
		default:
			verdict.Wait = max(verdict.Wait, g.Wait, time.Second)
		}
	}
	if verdict.Wait > 0 {
		verdict.Challenge = ""
	}
	if !verdict.Allowed() {
		return verdict, unused, nil
	}
	if exhausted && c.bits < hard && !c.waited {
		return Verdict{Challenge: l.challenge(at, v.Browser, hard)}, nil, nil
	}
	if !l.wantsCaptcha(c.bits) || c.waited {
		return out, nil, nil
	}
	passed, err := l.o.Captcha.passed(ctx, at, v.Proof.Captcha)
	if out.Trouble = err; passed || err != nil && c.solved { // nobody is locked out where the service is away
		return out, nil, nil
	}
	return Verdict{Challenge: l.challenge(at, v.Browser, c.bits), Trouble: err}, unused, nil
}

// networks are the charges for an address: its own network and the wide one around. factor
// widens the limit; 0 is for who waited instead of computing. Loopback is nobody's network: a proxy
// that was not told of (server.trusted_hops) would have everybody wait.
func (l *Limiter) networks(kind, ip string, factor int) []broker.Charge {
	a, err := netip.ParseAddr(ip)
	if err != nil || a.IsLoopback() {
		return nil
	}
	a = a.Unmap()
	for _, p := range l.o.Exempt {
		if p.Contains(a) {
			return nil
		}
	}
	near, far := 32, 24
	if a.Is6() {
		near, far = 64, 48
	}
	limit := waiting
	if factor > 0 {
		limit = times(l.o.Network, factor)
	}
	n, _ := a.Prefix(near)
	w, _ := a.Prefix(far)
	return []broker.Charge{
		{Key: l.key(kind, n.String()), Limit: limit},
		{Key: l.key(kind, w.String()), Limit: times(limit, wideFactor)},
	}
}

// times is a limit of factor times as many, in the same time.
func times(l broker.Limit, factor int) broker.Limit {
	return broker.Limit{Burst: l.Burst * factor, Every: l.Every / time.Duration(factor)}
}

// key names a bucket: whoever reads the table learns no address from it.
func (l *Limiter) key(kind, of string) string {
	mac := hmac.New(sha256.New, l.o.Key[:])
	mac.Write([]byte(kind + "\x00" + of))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16])
}
