package volatile

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/gomodule/redigo/redis"

	"idbroker/broker"
)

// readAtOnce sessions are read in one round trip: more than anybody has who is no
// program.
const readAtOnce = 500

// row is what the database keeps of a session: what changes with every visit is not in
// it. LastSeenAt stays as it began, for a broker that goes on without Redis.
func row(s broker.Session) broker.Session {
	s.Data, s.UserAgent, s.IP, s.IPAt = nil, "", "", time.Time{}
	s.Turn, s.TurnedAt, s.ShownAt = 0, time.Time{}, time.Time{}
	return s
}

// CreateSession writes a new session. One of nobody has no row.
func (h *Home) CreateSession(ctx context.Context, s broker.Session) error {
	if s.UserID != "" {
		if err := h.db.CreateSession(ctx, row(s)); err != nil {
			return err
		}
	}
	return h.put(ctx, s)
}

// CreateSessionOf is store's: broker.ErrSpent where u may not have one any more.
func (h *Home) CreateSessionOf(ctx context.Context, s broker.Session, u broker.User) error {
	if err := h.db.CreateSessionOf(ctx, row(s), u); err != nil {
		return err
	}
	return h.put(ctx, s)
}

// ask reads what Redis has of sessions; the answers are in their order.
func (h *Home) ask(ctx context.Context, idHashes ...string) ([]stored, error) {
	if h.unit(ctx) != nil {
		return nil, errInUnit
	}
	got := make([][keysPerSession]*command, len(idHashes))
	err := h.redis.trip(ctx, "read sessions", func(b *batch) {
		for i, id := range idHashes {
			k := h.keys(id)
			// A byte more than there may be shows that there is more; nobody has us read that.
			got[i] = [...]*command{b.read(k.seen, maxSeen), b.read(k.place, maxPlace), b.read(k.data, maxData)}
		}
	})
	if err != nil {
		return nil, err
	}
	all := make([]stored, len(idHashes))
	for i, g := range got {
		all[i] = stored{g[0].bytes(), g[1].bytes(), g[2].bytes()}
	}
	return all, nil
}

// look reads what Redis has of one session, and tells whether it is nobody's.
// broker.ErrNotFound.
func (h *Home) look(ctx context.Context, idHash string) (s broker.Session, visitor bool, err error) {
	got, err := h.ask(ctx, idHash)
	if err != nil {
		return s, false, err
	}
	s.IDHash = idHash
	if visitor, err = h.read(&s, got[0], time.Now()); err != nil {
		return broker.Session{}, false, broker.ErrNotFound.Because(err)
	}
	return s, visitor, nil
}

// merged is a row with what Redis knows of it.
func merged(r, known broker.Session) broker.Session {
	r.Data, r.UserAgent, r.IP, r.IPAt, r.LastSeenAt = known.Data, known.UserAgent, known.IP, known.IPAt, known.LastSeenAt
	r.Turn, r.TurnedAt, r.ShownAt = known.Turn, known.TurnedAt, known.ShownAt
	return r
}

// Session returns the session of a cookie's hash, expired ones too, or
// broker.ErrNotFound.
func (h *Home) Session(ctx context.Context, idHash string) (broker.Session, error) {
	known, visitor, err := h.look(ctx, idHash)
	if err != nil || visitor {
		return known, err
	}
	r, err := h.db.Session(ctx, idHash)
	if err != nil {
		return broker.Session{}, err
	}
	return merged(r, known), nil
}

// SessionUser returns the session of a cookie's hash and its user, or
// broker.ErrNotFound. It takes a round trip to Redis and, where that knows a session of
// somebody, one read of the database: a cookie that was made up costs that nothing.
func (h *Home) SessionUser(ctx context.Context, idHash string) (broker.Session, broker.User, error) {
	known, visitor, err := h.look(ctx, idHash)
	if err != nil || visitor {
		return known, broker.User{}, err
	}
	r, u, err := h.db.SessionUser(ctx, idHash)
	if err != nil {
		return broker.Session{}, broker.User{}, err
	}
	return merged(r, known), u, nil
}

// SaveSession writes what a session is worth: every field but those that
// SaveSessionData and TouchSession write. broker.ErrNotFound.
func (h *Home) SaveSession(ctx context.Context, s broker.Session) error {
	if err := h.db.SaveSession(ctx, row(s)); err != nil {
		return err
	}
	record, life := h.lifetimes(s, time.Now()) // which may be another one now
	k := h.keys(s.IDHash)
	return h.write(ctx, "save session", func(b *batch) {
		b.expire(k.seen, record)
		b.expire(k.data, record)
		b.expire(k.place, life)
	})
}

// saveData writes what waits in a session that is there, for as long as that is.
var saveData = newScript(`
local left = redis.call('PTTL', KEYS[1])
if left == -2 then return 0 end
if ARGV[1] == '' then redis.call('DEL', KEYS[2]) return 1 end
if left <= 0 then left = ARGV[2] end
redis.call('SET', KEYS[2], ARGV[1], 'PX', left)
return 1`)

// SaveSessionData writes the Data of a session, and nothing else; the database is not
// asked. broker.ErrNotFound, but inside a unit of work.
func (h *Home) SaveSessionData(ctx context.Context, s broker.Session) error {
	k, data := h.keys(s.IDHash), h.dataOf(s)
	record, _ := h.lifetimes(s, time.Now())
	args := []any{data, max(record, time.Millisecond).Milliseconds()}
	if h.unit(ctx) != nil {
		return h.write(ctx, "save session", func(b *batch) { b.eval(saveData, []string{k.seen, k.data}, args...) })
	}
	answer, err := h.redis.run(ctx, "save session", saveData, []string{k.seen, k.data}, args...)
	if err != nil {
		return err
	}
	if n, err := redis.Int(answer, nil); err != nil || n == 0 {
		return broker.ErrNotFound.Becausef("save session")
	}
	return nil
}

// touch never takes a turn back, and brings nothing back that is gone: of two tabs the
// slower one writes nothing. What stands there is the kind, the turn, and a blank.
var touch = newScript(`
local have = redis.pcall('GETRANGE', KEYS[1], 0, 15)
local turn = type(have) == 'string' and string.match(have, '^' .. ARGV[1] .. '(%d+) ')
if not turn or tonumber(turn) > tonumber(ARGV[2]) then return 0 end
redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4])
if ARGV[5] == '' or ARGV[6] == '0' then redis.call('DEL', KEYS[2]) else redis.call('SET', KEYS[2], ARGV[5], 'PX', ARGV[6]) end
redis.call('PEXPIRE', KEYS[3], ARGV[4])
return 1`)

// TouchSession notes that a session was used. The database is not asked. Nothing where it
// is gone, or has had another turn since.
func (h *Home) TouchSession(ctx context.Context, s broker.Session) error {
	if h.unit(ctx) != nil {
		return errInUnit
	}
	record, life := h.lifetimes(s, time.Now())
	if record == 0 {
		return nil // it has ended, as its row says
	}
	text, err := h.seenOf(s)
	if err != nil {
		return err
	}
	k := h.keys(s.IDHash)
	_, err = h.redis.run(ctx, "touch session", touch, []string{k.seen, k.place, k.data},
		string(kindOf(s)), strconv.Itoa(s.Turn), text, record.Milliseconds(), h.placeOf(s), life.Milliseconds())
	return err
}

// DeleteSession removes a session; nothing where it is gone.
func (h *Home) DeleteSession(ctx context.Context, idHash string) error {
	return h.removed(ctx, idHash, h.db.DeleteSession(ctx, idHash))
}

// TakeSession removes a session whose place another one takes. broker.ErrSpent.
func (h *Home) TakeSession(ctx context.Context, idHash string) error {
	return h.removed(ctx, idHash, h.db.TakeSession(ctx, idHash))
}

// ExpireSession removes a session that has expired at a time. broker.ErrSpent.
func (h *Home) ExpireSession(ctx context.Context, idHash string, at time.Time) error {
	return h.removed(ctx, idHash, h.db.ExpireSession(ctx, idHash, at))
}

// removed forgets a session whose row has gone, unless err says that it has not.
func (h *Home) removed(ctx context.Context, idHash string, err error) error {
	if err != nil {
		return err
	}
	return h.forget(ctx, idHash)
}

// ended forgets sessions whose rows have gone.
func (h *Home) ended(ctx context.Context, gone []broker.Session, err error) ([]broker.Session, error) {
	if err != nil || len(gone) == 0 {
		return gone, err
	}
	ids := make([]string, 0, len(gone))
	for _, s := range gone {
		ids = append(ids, s.IDHash)
	}
	return gone, h.forget(ctx, ids...)
}

// TakeSessions removes the sessions that a filter names, and returns them: UserID, SID
// and IDHash alone.
func (h *Home) TakeSessions(ctx context.Context, f broker.SessionFilter) ([]broker.Session, error) {
	gone, err := h.db.TakeSessions(ctx, f)
	return h.ended(ctx, gone, err)
}

// EndSession removes the session of a user that has a public id. broker.ErrNotFound.
func (h *Home) EndSession(ctx context.Context, user broker.UserID, sid string) error {
	if sid == "" {
		return broker.ErrNotFound.Becausef("end session")
	}
	gone, err := h.TakeSessions(ctx, broker.SessionFilter{UserID: user, SID: sid})
	if err == nil && len(gone) == 0 {
		return broker.ErrNotFound.Becausef("end session")
	}
	return err
}

// EndSessions removes the sessions of a user, but not exceptSID, and returns the public
// ids of those that it ended.
func (h *Home) EndSessions(ctx context.Context, user broker.UserID, exceptSID string) ([]string, error) {
	gone, err := h.TakeSessions(ctx, broker.SessionFilter{UserID: user, ExceptSID: exceptSID})
	return broker.SIDs(gone), err
}

// EndRemembered removes the sessions of a user that a remembered browser began without
// a second factor, and returns their public ids.
func (h *Home) EndRemembered(ctx context.Context, user broker.UserID, remembered string) ([]string, error) {
	if remembered == "" {
		return nil, nil
	}
	gone, err := h.TakeSessions(ctx, broker.SessionFilter{UserID: user, Remembered: remembered})
	return broker.SIDs(gone), err
}

// EndUpstream removes the sessions that came from what a provider says has ended.
func (h *Home) EndUpstream(ctx context.Context, l broker.UpstreamLogout) ([]broker.Session, error) {
	gone, err := h.db.EndUpstream(ctx, l)
	return h.ended(ctx, gone, err)
}

// EndLateUpstream is EndUpstream for what slipped past the provider's word.
func (h *Home) EndLateUpstream(ctx context.Context, since, at time.Time) ([]broker.Session, error) {
	gone, err := h.db.EndLateUpstream(ctx, since, at)
	return h.ended(ctx, gone, err)
}

// SessionsOf returns the sessions of a user that stand: those that have not expired and
// that Redis knows, the one seen last first. Inside a unit of work, which must not wait
// for Redis, it returns what the rows tell: whoever has one but no record opens nothing,
// and ends as it expires.
func (h *Home) SessionsOf(ctx context.Context, user broker.UserID) ([]broker.Session, error) {
	rows, err := h.db.SessionsOf(ctx, user)
	if err != nil || h.unit(ctx) != nil {
		return rows, err
	}
	now := time.Now()
	var all []broker.Session
	for part := range slices.Chunk(rows, readAtOnce) {
		ids := make([]string, len(part))
		for i, r := range part {
			ids[i] = r.IDHash
		}
		got, err := h.ask(ctx, ids...)
		if err != nil {
			return nil, err
		}
		for i, r := range part {
			known := broker.Session{IDHash: r.IDHash}
			if visitor, err := h.read(&known, got[i], now); err == nil && !visitor {
				all = append(all, merged(r, known))
			}
		}
	}
	slices.SortFunc(all, func(a, b broker.Session) int {
		return cmp.Or(b.LastSeenAt.Compare(a.LastSeenAt), cmp.Compare(a.IDHash, b.IDHash))
	})
	return all, nil
}
