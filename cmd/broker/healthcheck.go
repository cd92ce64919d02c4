package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// healthTimeout is how long a broker may take to say how it is.
const healthTimeout = 5 * time.Second

type healthcheckCommand struct {
	URL string `name:"url" placeholder:"URL" help:"What to ask. Not set: /healthz/ready at server.admin_address."`
	output
}

// Help teaches.
func (healthcheckCommand) Help() string {
	return `It exits with 0 when the broker can write its database and has a signing key, and with 1 otherwise. A Redis that is away is told, and is no failure: tokens do not need it. For a container without a shell:

	HEALTHCHECK CMD ["broker", "healthcheck"]`
}

// Run asks the broker.
func (c healthcheckCommand) Run(ctx context.Context, p *program) error {
	target := c.URL
	if target == "" {
		cfg, err := p.load()
		if err != nil {
			return err
		}
		if cfg.Server.AdminAddress == "" {
			return fmt.Errorf("server.admin_address is off, so nobody can be asked; name a URL with --url")
		}
		target = "http://" + reachable(cfg.Server.AdminAddress) + readyPath
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return fmt.Errorf("--url: %w", err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("not ready: %w; is \"broker serve\" running?", err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(res.Body, 1<<10))
	text := strings.TrimSpace(string(body))
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: %s: %s", res.Status, oneLine(text))
	}
	told := "ready"
	if strings.HasPrefix(text, told) { // ours, which may have more to tell
		told = oneLine(text)
	}
	return c.print(p.out, map[string]any{"ready": true, "told": told, "url": target}, func(w io.Writer) { fmt.Fprintln(w, told) })
}

// reachable is an address to call for one to listen on: every interface
// includes loopback.
func reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}
