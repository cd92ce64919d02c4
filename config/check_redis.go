package config

import (
	"net/url"
	"os"
	"regexp"
	"strconv"
)

// prefixPattern is what keys in Redis may begin with: nothing that an operator would
// have to quote in a rule of access.
var prefixPattern = regexp.MustCompile(`^[A-Za-z0-9:._-]{1,64}$`)

// redis checks how Redis is reached. The URL must hold no password, and is not shown,
// since it may.
func (k *checker) redis() {
	r := k.c.Redis
	if r.URL == "" {
		for path, set := range map[string]bool{"redis.password": r.Password != "", "redis.ca": r.CA != ""} {
			if set {
				k.c.warnings = append(k.c.warnings, path+": is of no use without redis.url")
			}
		}
		return
	}
	if !prefixPattern.MatchString(r.Prefix) && !k.wrong("redis.prefix") {
		k.add("redis.prefix", shown(r.Prefix), "cannot begin a key", "write 1 to 64 letters, digits, \":\", \".\", \"_\" or \"-\"")
	}
	const path = "redis.url"
	if k.wrong(path) {
		return
	}
	u, err := url.Parse(r.URL)
	if err != nil {
		k.add(path, "", "is not a URL", "write redis://HOST:6379/0, with special characters percent-encoded")
		return
	}
	if _, set := u.User.Password(); set {
		k.add(path, "", "holds a password", "put that into a file and name it in redis.password_file")
	}
	switch u.Scheme {
	case "unix":
		if u.Host != "" || len(u.Path) < 2 {
			k.add(path, "", "names no socket", "write unix:///run/redis/redis.sock")
		}
	case "redis", "rediss":
		k.redisServer(u)
	default:
		k.add(path, "", "is not a URL of Redis", "begin it with redis://, rediss:// (TLS) or unix://")
	}
	if u.RawQuery != "" && u.Scheme != "unix" || u.Fragment != "" {
		k.add(path, "", "has something behind the number of the database", "write redis://HOST:6379/0; time limits are not to be set")
	}
	if r.CA == "" {
		return
	}
	if u.Scheme != "rediss" {
		k.add("redis.ca", shown(r.CA), "is of no use without TLS", "begin redis.url with rediss://, or leave it out")
	} else if _, err := os.ReadFile(r.CA); err != nil {
		k.add("redis.ca", shown(r.CA), "cannot be read: "+cause(err), "name a PEM file that the broker may read")
	}
}

// redisServer checks host, port and number, and warns of what travels in the clear.
func (k *checker) redisServer(u *url.URL) {
	const path = "redis.url"
	if u.Hostname() == "" {
		k.add(path, "", "names no host", "write redis://HOST:6379/0")
	}
	if n := u.Path; n != "" && n != "/" {
		if db, err := strconv.Atoi(n[1:]); err != nil || db < 0 || strconv.Itoa(db) != n[1:] {
			k.add(path, "", "has a path that is no number of a database", "write redis://HOST:6379/0")
		}
	}
	if u.Scheme == "redis" && u.Hostname() != "" && !Loopback(u.Hostname()) {
		k.c.warnings = append(k.c.warnings, "redis.url: redis:// lets the password and all else travel in the clear; use rediss://")
	}
}
