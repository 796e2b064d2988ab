package metastore

import (
	"bytes"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
)

func TestEtcdLogsThroughSlog(t *testing.T) {
	var out bytes.Buffer
	lg := newZapLogger(slog.New(slog.NewTextHandler(&out, nil)))
	lg.Info("not told")
	lg.Warn("check file permission")
	require.Empty(t, out.String())
	lg.With(zap.String("member", "m1")).Warn("slow", zap.Int("ms", 7))
	require.Regexp(t, `level=WARN .*etcd_message=slow.*ms=7`, out.String())
	require.Contains(t, out.String(), "member=m1")
	out.Reset()
	lg.Error("bad")
	require.Contains(t, out.String(), "level=ERROR")
	require.NoError(t, lg.Sync())
}
