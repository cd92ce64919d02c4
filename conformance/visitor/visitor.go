// Package visitor is somebody at a browser without JavaScript: it follows
// redirects, keeps cookies, reads pages, clicks links and fills in forms. It
// talks to loopback addresses only, so that neither a test nor a load run can
// reach anybody else. It never knows what a page means; its caller does.
package visitor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"syscall"
	"time"

	"golang.org/x/net/html"
)

const (
	// maxPage bounds a page: the broker's are under 100 KiB.
	maxPage = 1 << 20
	// maxHops bounds the redirects of one step.
	maxHops = 20
	timeout = 30 * time.Second
)

// ErrNotLoopback: the address is not one of this machine's loopback range.
var ErrNotLoopback = errors.New("not a loopback address")

// Transport returns a transport that connects to loopback addresses alone,
// whatever a name resolves to, with up to conns kept connections to a host.
func Transport(conns int) *http.Transport {
	dialer := &net.Dialer{Timeout: 5 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return err
		}
		if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
			return fmt.Errorf("%s: %w", address, ErrNotLoopback)
		}
		return nil
	}}
	return &http.Transport{
		DialContext: dialer.DialContext, MaxIdleConns: 2 * conns, MaxIdleConnsPerHost: conns,
		IdleConnTimeout: time.Minute, DisableCompression: true,
	}
}

// Visitor is one browser. It is not for concurrent use.
type Visitor struct {
	// Stop ends the following of redirects: a redirect to a URL that begins
	// with it is kept in Stopped and not requested. "": none does. So is a form
	// that would be posted there, with its fields in Posted.
	Stop    string
	Stopped *url.URL
	Posted  url.Values // nil: Stopped is a redirect

	At     *url.URL // of the page that is shown
	Status int
	Header http.Header
	Body   string
	root   *html.Node

	client *http.Client
}

// New returns a visitor without cookies.
func New(t http.RoundTripper) *Visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		panic(err) // it never fails without options
	}
	v := &Visitor{At: &url.URL{}}
	v.client = &http.Client{Transport: t, Jar: jar, Timeout: timeout, CheckRedirect: v.redirect}
	return v
}

// Client is the visitor's HTTP client; it shares the cookies.
func (v *Visitor) Client() *http.Client { return v.client }

func (v *Visitor) stopsAt(u *url.URL) bool {
	return v.Stop != "" && strings.HasPrefix(u.String(), v.Stop)
}

func (v *Visitor) redirect(r *http.Request, via []*http.Request) error {
	if v.stopsAt(r.URL) {
		v.Stopped = r.URL
		return http.ErrUseLastResponse
	}
	if len(via) >= maxHops {
		return fmt.Errorf("more than %d redirects", maxHops)
	}
	return nil
}

// Open goes to an address, relative to the page that is shown.
func (v *Visitor) Open(ctx context.Context, address string) error {
	u, err := v.At.Parse(address)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return err
	}
	return v.show(r)
}

// show sends the request and reads the page that comes in the end.
func (v *Visitor) show(r *http.Request) error {
	v.Stopped, v.Posted = nil, nil
	res, err := v.client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxPage+1))
	if err != nil {
		return err
	}
	if len(body) > maxPage {
		return fmt.Errorf("%s: the page is larger than %d bytes", res.Request.URL, maxPage)
	}
	v.At, v.Status, v.Header, v.Body = res.Request.URL, res.StatusCode, res.Header, string(body)
	v.root, err = html.Parse(strings.NewReader(v.Body))
	return err
}

// Click follows the first link whose text contains the words.
func (v *Visitor) Click(ctx context.Context, words string) error {
	for n := range nodes(v.root, "a") {
		if href, ok := attr(n, "href"); ok && strings.Contains(text(n), words) {
			return v.Open(ctx, href)
		}
	}
	return v.lost("link", words)
}

// Fill is what is typed into the fields of a form, by name.
type Fill map[string]string

// Press fills in and submits the first form that has the button: one whose text
// contains the words, or whose "name=value" they are.
func (v *Visitor) Press(ctx context.Context, button string, fill Fill) error {
	for form := range nodes(v.root, "form") {
		for n := range nodes(form, "button") {
			if !strings.Contains(text(n), button) && named(n) != button {
				continue
			}
			return v.submit(ctx, form, n, fill)
		}
	}
	return v.lost("button", button)
}

// PressFirst submits the first form that has all the fields, with its first button.
func (v *Visitor) PressFirst(ctx context.Context, fill Fill) error {
	for form := range nodes(v.root, "form") {
		have := map[string]bool{}
		for n := range nodes(form, "input", "select", "textarea") {
			name, _ := attr(n, "name")
			have[name] = true
		}
		all := len(fill) > 0
		for name := range fill {
			all = all && have[name]
		}
		if !all {
			continue
		}
		for n := range nodes(form, "button") {
			return v.submit(ctx, form, n, fill)
		}
	}
	return v.lost("form with the fields", fmt.Sprint(fill.names()))
}

func (f Fill) names() []string {
	var names []string
	for name := range f {
		names = append(names, name)
	}
	return names
}

// lost tells where the visitor is and did not find something.
func (v *Visitor) lost(what, words string) error {
	return fmt.Errorf("no %s %q on %s (%d %q)", what, words, v.At.Path, v.Status, v.Title())
}
