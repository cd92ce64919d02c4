package main

import (
	"net/netip"
	"net/url"
	"time"

	"idbroker/broker"
	"idbroker/config"
	"idbroker/fetch"
	"idbroker/web"
)

// fetcher fetches what applications publish, and tells them of sign-outs. A broker on loopback is one that is
// tried out, with applications beside it.
func fetcher(cfg config.Config, base string) *fetch.Client {
	return fetch.New(reach(cfg, base))
}

const (
	// logoInterval is between two requests for a logo that is not there: a page
	// does without it, so nobody has to hurry.
	logoInterval = 10 * time.Minute
	// logosKept bounds the memory to 16 MiB: fetch takes a quarter of one each.
	logosKept = 64
)

// logos fetches the logos of applications, apart from what tokens waits for. nil:
// none are shown.
func logos(cfg config.Config, base string) web.Logos {
	if !cfg.Applications.Logos {
		return nil
	}
	o := reach(cfg, base)
	o.Accept, o.MinInterval, o.Kept = "image/webp, image/png, image/jpeg, image/gif", logoInterval, logosKept
	return fetch.New(o)
}

// reach is where applications may be.
func reach(cfg config.Config, base string) fetch.Options {
	o := fetch.Options{Networks: cfg.Applications.NetworkPrefixes()}
	if u, err := url.Parse(base); err == nil && broker.Loopback(u.Hostname()) {
		o.PlainHTTP = true
		o.Networks = append(o.Networks, netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"))
	}
	return o
}
