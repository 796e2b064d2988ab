package metastore

import (
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.etcd.io/etcd/server/v3/embed"

	"log/slog"

	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
)

// externalEtcd starts an etcd that listens on a unix socket, as an operator's would.
func externalEtcd(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "e") // t.TempDir is too long for a socket's path
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	socket := url.URL{Scheme: "unix", Path: filepath.Join(dir, "s")}
	cfg := embed.NewConfig()
	cfg.Dir = filepath.Join(dir, "d")
	cfg.ListenPeerUrls = nil
	cfg.ListenClientUrls, cfg.AdvertiseClientUrls = []url.URL{socket}, []url.URL{socket}
	cfg.TickMs, cfg.ElectionMs, cfg.UnsafeNoFsync = 20, 100, true
	cfg.ZapLoggerBuilder = embed.NewZapLoggerBuilder(newZapLogger(slog.New(slog.DiscardHandler)))
	server, err := embed.StartEtcd(cfg)
	require.NoError(t, err)
	t.Cleanup(server.Close)
	<-server.Server.ReadyNotify()
	return socket.String()
}

func TestExternalEtcd(t *testing.T) {
	endpoint := externalEtcd(t)
	open := func(identity, prefix string) *Store {
		s, err := Open(t.Context(), Options{Endpoints: []string{endpoint}, Identity: identity, Prefix: prefix})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, s.Close()) })
		return s
	}
	a, b, other := open("a", ""), open("b", ""), open("a", "/other/")
	require.NoError(t, a.CreateDatabase(t.Context(), &flussv1.DatabaseInfo{Name: "d"}))
	created := createTable(t, a, flights, 16)
	catalog, err := b.Sync(t.Context())
	require.NoError(t, err)
	got, err := catalog.Table(flights)
	require.NoError(t, err)
	require.Equal(t, created.ID(), got.ID())
	require.Equal(t, a.Catalog().ClusterID(), catalog.ClusterID())
	require.NotEqual(t, a.Catalog().ClusterID(), other.Catalog().ClusterID())
	require.Empty(t, other.Catalog().Databases())
	require.NoError(t, b.DropTable(t.Context(), flights, got))
	code(t, a.DropTable(t.Context(), flights, created), errcode.UnknownTable, "meanwhile")
}
