package metastore

import (
	"context"
	"fmt"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3client"
	"go.etcd.io/etcd/server/v3/storage/wal"

	"github.com/fluss-go/fluss/proto/errcode"
)

// Settings of the embedded etcd. It has one member that talks to nobody, so a
// short election is harmless: it decides how soon the store is usable (the
// member waits from one tick to one election timeout, at least five ticks). An
// idle etcd costs CPU by the tick: measured on a noisy machine, 0.6 to 1.4 % of a
// core at 20 to 25 ms, 0.9 % at 40 ms, 0.5 % at 100 ms.
const (
	embeddedTickMs     = 25
	embeddedElectionMs = 125
	// embeddedWALSegmentBytes is preallocated twice; etcd's own default of 64 MB
	// would make a fresh data directory 128 MB large.
	embeddedWALSegmentBytes = 8 << 20
	// embeddedSnapshotCount and embeddedCatchUp bound the entries that etcd keeps
	// in memory: a lone member has no follower that could need them.
	embeddedSnapshotCount = 2000
	embeddedCatchUp       = 100
	// embeddedKeptRevisions is the history that compaction leaves. A watch that
	// is farther behind loads everything again.
	embeddedKeptRevisions = "5000"
	embeddedStartTimeout  = 60 * time.Second
)

// setWALSize shrinks the WAL files of etcd, whose size is a variable of its package.
var setWALSize = sync.OnceFunc(func() { wal.SegmentSizeBytes = embeddedWALSegmentBytes })

// startEmbedded starts an etcd of one member and waits until it is usable. It
// listens nowhere, not even on a unix socket: the client makes direct calls.
func startEmbedded(ctx context.Context, opts Options) (*clientv3.Client, func(), error) {
	setWALSize()
	cfg := embed.NewConfig()
	cfg.Name = "fluss"
	cfg.Dir = opts.Dir
	cfg.ListenClientUrls, cfg.ListenPeerUrls = nil, nil
	cfg.InitialCluster = cfg.InitialClusterFromName(cfg.Name)
	cfg.TickMs, cfg.ElectionMs = embeddedTickMs, embeddedElectionMs
	cfg.SnapshotCount, cfg.SnapshotCatchUpEntries = embeddedSnapshotCount, embeddedCatchUp
	cfg.MaxSnapFiles, cfg.MaxWalFiles = 2, 2
	cfg.QuotaBackendBytes = opts.QuotaBytes
	cfg.AutoCompactionMode, cfg.AutoCompactionRetention = embed.CompactorModeRevision, embeddedKeptRevisions
	cfg.UnsafeNoFsync = opts.UnsafeNoSync
	cfg.Logger = "zap"
	cfg.ZapLoggerBuilder = embed.NewZapLoggerBuilder(newZapLogger(opts.Logger))
	cfg.EnableGRPCGateway = false
	server, err := embed.StartEtcd(cfg)
	if err != nil {
		return nil, nil, errcode.New(errcode.Unavailable, err, "the embedded metadata store in %s does not start: %v", opts.Dir, err)
	}
	timeout := time.NewTimer(embeddedStartTimeout)
	defer timeout.Stop()
	select {
	case <-server.Server.ReadyNotify():
		client := v3client.New(server.Server)
		return client, func() { _ = client.Close(); server.Close() }, nil
	case err = <-server.Err():
	case <-server.Server.StopNotify():
		err = fmt.Errorf("etcd stopped while starting")
	case <-timeout.C:
		err = fmt.Errorf("not ready after %s", embeddedStartTimeout)
	case <-ctx.Done():
		err = ctx.Err()
	}
	server.Close()
	return nil, nil, errcode.New(errcode.Unavailable, err, "the embedded metadata store in %s does not become ready", opts.Dir)
}
