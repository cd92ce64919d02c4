package volatile

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gomodule/redigo/redis"

	"idbroker/broker"
)

// A bucket is one number, as in store: the moment at which it will be full again, in
// microseconds (the generic cell rate algorithm). Behind it stands what a token costs,
// for who puts one back. One that is full is gone. What is not ours counts as none.
const readBucket = `
local function bucket(key)
	local text = redis.pcall('GETRANGE', key, 0, 63)
	if type(text) ~= 'string' then return nil end
	local full, every = string.match(text, '^(%d+) (%d+)$')
	full, every = tonumber(full), tonumber(every)
	if not full or full > 9007199254740991 or every > 9007199254740991 then return nil end
	return full, every
end
`

// takeTokens answers, for each bucket, 1 and when it is full after this token, or 0 and
// when it is full. The clock is the caller's; Redis's own only removes what is full.
var takeTokens = newScript(readBucket + `
local at, answers = tonumber(ARGV[1]), {}
for i, key in ipairs(KEYS) do
	local every, burst = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
	local full = bucket(key)
	if full and full + every > at + burst * every then
		answers[#answers + 1] = '0'
		answers[#answers + 1] = string.format('%.0f', full)
	else
		local next = math.max(full or at, at) + every
		redis.call('SET', key, string.format('%.0f %.0f', next, every), 'PX', math.ceil((next - at) / 1000))
		answers[#answers + 1] = '1'
		answers[#answers + 1] = string.format('%.0f', next)
	end
end
return answers`)

// returnToken puts a token back. A bucket that is gone is full already.
var returnToken = newScript(readBucket + `
for _, key in ipairs(KEYS) do
	local full, every = bucket(key)
	if full and full > every then redis.call('SET', key, string.format('%.0f %.0f', full - every, every), 'KEEPTTL') end
end
return 1`)

// TakeTokens takes one token from each bucket, all in one script, and answers in the
// order of the charges, as store does.
func (h *Home) TakeTokens(ctx context.Context, at time.Time, charges ...broker.Charge) ([]broker.Charged, error) {
	if h.unit(ctx) != nil {
		return nil, errInUnit
	}
	answers := make([]broker.Charged, len(charges))
	var keys []string
	args := []any{at.UnixMicro()}
	index := map[string]int{} // of a bucket, in keys
	for _, c := range charges {
		if _, twice := index[c.Key]; twice || unlimited(c.Limit) {
			continue
		}
		index[c.Key] = len(keys)
		keys = append(keys, h.redis.prefix+"b:"+c.Key)
		args = append(args, c.Limit.Every.Microseconds(), c.Limit.Burst)
	}
	if len(keys) == 0 {
		return answers, nil
	}
	answer, err := h.redis.run(ctx, "take tokens", takeTokens, keys, args...)
	if err != nil {
		return nil, err
	}
	got, err := redis.Strings(answer, nil)
	if err != nil || len(got) != 2*len(keys) {
		return nil, fmt.Errorf("take tokens: %d answers for %d buckets: %w", len(got), len(keys), errRecord)
	}
	for i, c := range charges {
		if unlimited(c.Limit) {
			continue
		}
		j := 2 * index[c.Key]
		full, err := strconv.ParseInt(got[j+1], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("take tokens: %w", errRecord)
		}
		// One fits as soon as the bucket is full within burst-1 steps.
		wait := time.UnixMicro(full).Sub(at) - time.Duration(c.Limit.Burst-1)*c.Limit.Every
		if got[j] == "1" {
			answers[i].Last = wait > 0
		} else {
			answers[i] = broker.Charged{Refused: true, Wait: max(wait, 0)}
		}
	}
	return answers, nil
}

func unlimited(l broker.Limit) bool { return l.Burst <= 0 || l.Every <= 0 }

// ReturnToken puts a token back that was taken and not used.
func (h *Home) ReturnToken(ctx context.Context, keys ...string) error {
	if len(keys) == 0 {
		return nil
	}
	if h.unit(ctx) != nil {
		return errInUnit
	}
	var names []string
	for _, key := range slices.Compact(slices.Sorted(slices.Values(keys))) {
		if !strings.ContainsRune(key, 0) {
			names = append(names, h.redis.prefix+"b:"+key)
		}
	}
	_, err := h.redis.run(ctx, "return token", returnToken, names)
	return err
}
