package volatile

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/gomodule/redigo/redis"
)

// defaultPort is Redis's.
const defaultPort = "6379"

// errURL: a URL cannot be used.
var errURL = errors.New("the URL of Redis cannot be used (it is not shown, it may hold a password); write redis://HOST:6379/0, rediss:// for TLS, or unix:///PATH")

// address is where Redis is, and as whom it is asked.
type address struct {
	network, address string // as net.Dial takes them
	user, password   string
	database         int
	tls              *tls.Config // nil: in the clear
}

// parseAddress reads redis://, rediss:// and unix://. The number of the database is the
// path, or with unix:// the query's db. Its error does not quote the URL.
func parseAddress(raw string) (address, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Opaque != "" || u.Fragment != "" {
		return address{}, errURL
	}
	var a address
	if u.User != nil {
		a.user = u.User.Username()
		a.password, _ = u.User.Password()
	}
	number := ""
	switch u.Scheme {
	case "redis", "rediss":
		host, port := u.Hostname(), u.Port()
		if host == "" {
			host = "localhost"
		}
		if port == "" {
			port = defaultPort
		}
		a.network, a.address, number = "tcp", net.JoinHostPort(host, port), strings.Trim(u.Path, "/")
		if u.Scheme == "rediss" {
			a.tls = &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
		}
	case "unix":
		a.network, a.address = "unix", u.Path
		if strings.TrimSpace(u.Path) == "" {
			return address{}, errURL
		}
	default:
		return address{}, errURL
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return address{}, errURL
	}
	if query.Get("db") != "" {
		number = query.Get("db")
	}
	if delete(query, "db"); len(query) > 0 {
		return address{}, errURL
	}
	if number != "" {
		if a.database, err = strconv.Atoi(number); err != nil || a.database < 0 {
			return address{}, errURL
		}
	}
	return a, nil
}

// trust has the server's certificate come from an authority (PEM).
func (a *address) trust(authority []byte) error {
	if a.tls == nil {
		return errors.New("an authority is of use with rediss:// alone")
	}
	a.tls.RootCAs = x509.NewCertPool()
	if !a.tls.RootCAs.AppendCertsFromPEM(authority) {
		return errors.New("there is no certificate (PEM) in the file of the authority")
	}
	return nil
}

// dial makes a connection, and says who we are.
func (a address) dial(ctx context.Context) (redis.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	dial := (&net.Dialer{}).DialContext
	if a.tls != nil {
		dial = (&tls.Dialer{Config: a.tls}).DialContext
	}
	conn, err := redis.DialContext(ctx, a.network, a.address, redis.DialContextFunc(dial),
		redis.DialReadTimeout(tripTime), redis.DialWriteTimeout(tripTime),
		redis.DialUsername(a.user), redis.DialPassword(a.password), redis.DialDatabase(a.database))
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	return conn, nil
}
