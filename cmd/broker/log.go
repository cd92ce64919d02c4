package main

import (
	"context"
	"io"
	"log/slog"
	"os"

	"idbroker/broker"
	"idbroker/config"
)

// logger writes to standard error what is at least as important as the
// configuration says, and as least.
func (p *program) logger(cfg config.Config, least slog.Level) *slog.Logger {
	level := slog.LevelInfo
	_ = level.UnmarshalText([]byte(cfg.Log.Level)) // checked by config
	return slog.New(newHandler(p.err, cfg.Log.Format, max(level, least)))
}

// spooled is the logger of a server, and what writes its last lines. Where
// somebody looks at a terminal, nothing waits.
func (p *program) spooled(cfg config.Config) (log *slog.Logger, flush func()) {
	if terminal(p.err) {
		return p.logger(cfg, slog.LevelDebug), func() {}
	}
	s := &spool{to: p.err}
	q := *p
	q.err = s
	return slog.New(spoolHandler{q.logger(cfg, slog.LevelDebug).Handler(), s}), func() { _ = s.flush() }
}

// newHandler writes text on a terminal and JSON otherwise, unless told.
func newHandler(w io.Writer, format string, level slog.Level) slog.Handler {
	o := &slog.HandlerOptions{Level: level}
	if format == "text" || format != "json" && terminal(w) {
		return requestHandler{slog.NewTextHandler(w, o)}
	}
	return requestHandler{slog.NewJSONHandler(w, o)}
}

// terminal tells whether somebody looks at w.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// requestKey is the key of the reference number that error pages show.
const requestKey = "request"

// requestHandler adds to each line the request that it belongs to.
type requestHandler struct{ slog.Handler }

// Handle implements slog.Handler.
func (h requestHandler) Handle(ctx context.Context, r slog.Record) error {
	if id := broker.RequestOf(ctx).ID; id != "" {
		told := false
		r.Attrs(func(a slog.Attr) bool {
			told = a.Key == requestKey
			return !told
		})
		if !told {
			r = r.Clone()
			r.AddAttrs(slog.String(requestKey, id))
		}
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h requestHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return requestHandler{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h requestHandler) WithGroup(name string) slog.Handler {
	return requestHandler{h.Handler.WithGroup(name)}
}
