package metastore

import (
	"context"
	"log/slog"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// expectedWarnings are etcd's warnings about what this package does on purpose.
var expectedWarnings = map[string]bool{
	"Running http and grpc server on single port. This is not recommended for production.": true,
	"simple token is not cryptographically signed":                                         true,
	"check file permission": true,
	// On the first start there is no term to read yet; etcd tries again by itself.
	"Failed to detect schema version":  true,
	"failed to update storage version": true,
	// After a restart etcd refuses proposals until it has applied its log again.
	"failed to publish local member to cluster through raft": true,
	// Closed while it was still starting.
	"failed to update cluster version":      true,
	"server has stopped; skipping GoAttach": true,
}

// newZapLogger returns etcd's logger: warnings and worse go to logger. An entry
// of level fatal is logged as an error, then zap ends the process: etcd has
// lost its disk and nothing it says can be trusted.
func newZapLogger(logger *slog.Logger) *zap.Logger {
	return zap.New(slogCore{logger: logger})
}

// slogCore is a zapcore.Core over a slog.Logger.
type slogCore struct {
	logger *slog.Logger
}

var _ zapcore.Core = slogCore{}

// Enabled reports whether entries of the level are logged.
func (c slogCore) Enabled(level zapcore.Level) bool { return level >= zapcore.WarnLevel }

// With returns a core that adds the fields to every entry.
func (c slogCore) With(fields []zapcore.Field) zapcore.Core {
	return slogCore{logger: slog.New(c.logger.Handler().WithAttrs(attrs(fields)))}
}

// Check adds the core to ce when it logs the entry.
func (c slogCore) Check(entry zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(entry.Level) && !expectedWarnings[entry.Message] {
		return ce.AddCore(entry, c)
	}
	return ce
}

// Write logs the entry.
func (c slogCore) Write(entry zapcore.Entry, fields []zapcore.Field) error {
	level := slog.LevelWarn
	if entry.Level >= zapcore.ErrorLevel {
		level = slog.LevelError
	}
	all := append([]slog.Attr{slog.String("etcd_message", entry.Message)}, attrs(fields)...)
	c.logger.LogAttrs(context.Background(), level, "embedded etcd reports", all...)
	return nil
}

// Sync does nothing: a slog.Logger does not hold entries back.
func (c slogCore) Sync() error { return nil }

func attrs(fields []zapcore.Field) []slog.Attr {
	enc := zapcore.NewMapObjectEncoder()
	out := make([]slog.Attr, 0, len(fields))
	for _, f := range fields {
		f.AddTo(enc)
	}
	for _, f := range fields {
		if v, ok := enc.Fields[f.Key]; ok {
			out = append(out, slog.Any(f.Key, v))
		}
	}
	return out
}
