package main

import (
	"bytes"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/config"
	"idbroker/i18n"
	"idbroker/limits"
	"idbroker/store"
	"idbroker/store/storetest"
)

// TestMessageBoundsAreTheOperators: the settings reach the rooms, and two replicas share one bound.
func TestMessageBoundsAreTheOperators(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		cfg, err := config.Parse("broker.yaml", []byte("accounts: {sms: {url: 'http://127.0.0.1:9/', secret: 0123456789abcdef0123456789abcdef, countries: ['+41'], per_hour: 20, per_country: 10}}\nlimits: {enabled: false}"), nil)
		need(t, err)
		texts, err := i18n.New()
		need(t, err)
		ring := store.NewKeyring()
		var replicas []*rooms
		for range 2 {
			r, err := furnish(cfg, cfg.Server.BaseURL, db, ring, texts, nil, newCounters(), slog.New(slog.DiscardHandler))
			need(t, err)
			replicas = append(replicas, r)
		}
		if _, err := replicas[0].accounts.SMSTo("+49301234567"); !errors.Is(err, local.ErrSMSCountry) {
			t.Errorf("another country: %v", err)
		}
		prefix, err := replicas[0].accounts.SMSTo("+41227676111")
		need(t, err)
		at, sent := time.Now(), 0
		for i := range 10 {
			m := limits.Message{To: limits.Holder{User: broker.UserID(strconv.Itoa(i))}, Number: "+4122767611" + strconv.Itoa(i), Prefix: prefix, Proven: true}
			v, err := replicas[i%2].limits.SMS(t.Context(), at, m)
			need(t, err)
			if v.Allowed() {
				sent++
			} else if v.Bound != limits.SMSCountry {
				t.Errorf("%+v", v)
			}
		}
		if sent != 5 {
			t.Errorf("%d messages at once, of ten an hour", sent)
		}
	})
}

// TestHeldMessagesAreCounted under the name that the documents give.
func TestHeldMessagesAreCounted(t *testing.T) {
	c := newCounters()
	c.held(string(limits.SMSSite))
	c.held(string(limits.SMSSite))
	var b bytes.Buffer
	if c.write(&b); !strings.Contains(b.String(), `broker_sms_held_total{bound="site"} 2`) {
		t.Error(b.String())
	}
}
