// Package node is one running server: it puts the metadata, the tablets and the
// services together, starts them in order and stops them in the opposite one.
package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"

	"github.com/fluss-go/fluss/flight"
	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/server/clock"
	"github.com/fluss-go/fluss/server/config"
	"github.com/fluss-go/fluss/server/coordinator"
	"github.com/fluss-go/fluss/server/metastore"
	"github.com/fluss-go/fluss/server/metrics"
	"github.com/fluss-go/fluss/server/rpc"
	"github.com/fluss-go/fluss/server/tablet"
)

// Places in the data directory besides those of the tablets.
const (
	etcdDir      = "etcd"
	serverIDFile = "server-id"
)

// Node is a running server. Start makes one.
type Node struct {
	cfg      *config.Config
	logger   *slog.Logger
	clock    clock.Clock
	metrics  *prometheus.Registry
	counters *metrics.Server
	lock     io.Closer
	listener net.Listener
	server   ids.ServerID
	meta     *metastore.Store
	host     *tablet.Host
	coord    *coordinator.Coordinator
	putters  *rpc.Putters
	writes   *rpc.Writes
	flight   *flight.Service
	grpc     *grpc.Server
	http     *httpServer
	started  time.Time
	serving  errgroup.Group
	reserve  *reserve
	upkeep   errgroup.Group
	stop     context.CancelFunc // ends upkeep
}

// Start starts a server and returns when it takes writes and reads. ctx bounds
// the start only. It fails with INVALID_OPTION when another process holds the data
// directory. The caller must Close the node.
func Start(ctx context.Context, cfg *config.Config, logger *slog.Logger) (*Node, error) {
	debug.SetMemoryLimit(int64(cfg.HeapLimit()))
	n := &Node{cfg: cfg, logger: logger, clock: clock.System(), metrics: metrics.NewRegistry()}
	n.counters = metrics.New(n.metrics, Version)
	n.started = n.clock.Now()
	if err := n.start(ctx); err != nil {
		return nil, errors.Join(err, n.Close(context.WithoutCancel(ctx)))
	}
	return n, nil
}

func (n *Node) start(ctx context.Context) (err error) {
	if n.lock, err = lockDir(vfs.Default, n.cfg.DataDir); err != nil {
		return err
	}
	if n.listener, err = net.Listen("tcp", n.cfg.Listen); err != nil {
		return fmt.Errorf("listening for clients on %s: %w", n.cfg.Listen, err)
	}
	n.startReserve()
	if err = n.startMetadata(ctx); err != nil {
		return err
	}
	if err = n.startTablets(ctx); err != nil {
		return err
	}
	if err = n.startCoordinator(ctx); err != nil {
		return err
	}
	n.serve()
	if n.cfg.HTTP != config.HTTPOff {
		if n.http, err = startHTTP(n.cfg.HTTP, gatherer{n}, n.ready); err != nil {
			return fmt.Errorf("listening for HTTP on %s: %w", n.cfg.HTTP, err)
		}
	}
	return n.register(ctx)
}

func (n *Node) startMetadata(ctx context.Context) (err error) {
	opts := metastore.Options{
		Prefix: n.cfg.EtcdPrefix, QuotaBytes: int64(n.cfg.EtcdQuota), Logger: n.logger.With("component", "metastore"),
	}
	if len(n.cfg.EtcdEndpoints) > 0 {
		opts.Endpoints, opts.Identity = n.cfg.EtcdEndpoints, n.identity()
	} else {
		opts.Dir = filepath.Join(n.cfg.DataDir, etcdDir)
	}
	if n.meta, err = metastore.Open(ctx, opts); err != nil {
		return err
	}
	n.server, err = serverID(ctx, vfs.Default, filepath.Join(n.cfg.DataDir, serverIDFile), n.meta)
	return err
}

func (n *Node) startTablets(ctx context.Context) error {
	tablets, err := n.meta.InitTablets(ctx, n.cfg.Tablets, n.server)
	if err != nil {
		return err
	}
	n.host, err = tablet.OpenHost(ctx, tablet.HostOptions{
		FS: vfs.Default, Dir: n.cfg.DataDir, Tablets: tablets, Durability: tablet.Durability(n.cfg.Durability),
		InflightBytes: int64(n.cfg.MemoryInflight), InflightWait: n.cfg.InflightWait,
		TailBytes: int64(n.cfg.MemoryTail), PendingBytes: int64(n.cfg.MemoryPending), RowsBytes: int64(n.cfg.MemoryRows), CacheBytes: int64(n.cfg.MemoryCache),
		MaxOpenFiles:    n.cfg.MaxOpenFiles,
		CheckpointBytes: int64(n.cfg.CheckpointBytes), CheckpointEvery: n.cfg.CheckpointInterval,
		RetentionEvery: n.cfg.RetentionCheckInterval, WriterExpiry: n.cfg.WriterExpiry,
		DiskUsage: n.fullness, WriteLimitRatio: n.cfg.DiskWriteLimitRatio, WriteResumeRatio: n.cfg.DiskRecoverRatio,
		DiskCheckEvery: n.cfg.DiskCheckInterval,
		Clock:          n.clock, Logger: n.logger.With("component", "tablet"), Metrics: n.metrics,
	})
	return err
}

func (n *Node) startCoordinator(ctx context.Context) error {
	n.coord = coordinator.New(n.meta, hostTablets{n.host}, n.clock, n.logger.With("component", "coordinator"), coordinator.Options{
		DefaultBuckets: n.cfg.DefaultBucketNumber, MaxBuckets: n.cfg.MaxBucketNumber, MaxPartitions: n.cfg.MaxPartitionNumber,
		MaxReplicas: 1, AutoPartitionInterval: n.cfg.AutoPartitionCheckInterval,
	})
	return n.coord.Start(ctx)
}

// startReserve keeps room for the metadata from before it is opened.
func (n *Node) startReserve() {
	n.reserve = &reserve{
		fs: vfs.Default, path: filepath.Join(n.cfg.DataDir, reserveFile), log: n.logger,
		free: func() int64 { free, _ := diskSpace(n.cfg.DataDir); return free },
	}
	n.reserve.check()
	ctx, cancel := context.WithCancel(context.Background())
	n.stop = cancel
	n.upkeep.Go(func() error { n.reserve.run(ctx, n.clock, n.cfg.DiskCheckInterval); return nil })
}

// diskUsage is the used part of the disk that holds the data directory, in [0, 1];
// 0 when the system does not tell.
func (n *Node) diskUsage() float64 {
	free, total := diskSpace(n.cfg.DataDir)
	if total == 0 {
		return 0
	}
	return 1 - float64(free)/float64(total)
}

// fullness is diskUsage for those who refuse writes by it: more than any limit
// while there is no reserve.
func (n *Node) fullness() float64 {
	if !n.reserve.held.Load() {
		return 2
	}
	return n.diskUsage()
}

// identity names this server among those that share an external etcd.
func (n *Node) identity() string {
	if n.cfg.ServerName != "" {
		return n.cfg.ServerName
	}
	return n.Endpoint()
}

func (n *Node) register(ctx context.Context) error {
	return n.meta.Register(ctx, &flussv1.ServerInfo{
		ServerId: int32(n.server), Endpoint: n.Endpoint(), HttpEndpoint: n.HTTPAddr(), Version: Version,
		Roles: n.cfg.Roles, StartedAtMs: n.started.UnixMilli(),
	})
}

// ready answers whether writes and reads work.
func (n *Node) ready(context.Context) error {
	for _, id := range n.meta.Catalog().TabletIDs() {
		t, ok := n.host.Tablet(id)
		if !ok {
			continue
		}
		if st := t.Status(); st.State != tablet.StateLeading {
			return errcode.New(errcode.NoLeader, nil, "tablet %d is %s %s", id, st.State, st.Cause)
		}
	}
	if n.host.WriteLocked() {
		return errcode.New(errcode.DiskFull, nil, "the disk is %.0f %% full: writes are refused until there is room", n.diskUsage()*100)
	}
	return nil
}

// Addr is the address that is listened on for gRPC and Flight, host:port.
func (n *Node) Addr() string { return n.listener.Addr().String() }

// Endpoint is where clients are told to connect to, host:port.
func (n *Node) Endpoint() string {
	if n.cfg.Advertise != "" {
		return n.cfg.Advertise
	}
	return n.Addr()
}

// HTTPAddr is the address that is listened on for HTTP; empty when it is off.
func (n *Node) HTTPAddr() string {
	if n.http == nil {
		return ""
	}
	return n.http.listener.Addr().String()
}

// Close stops taking requests, lets those under way end, at most until ctx ends,
// and closes everything; acked writes are on disk, or in the write-ahead log. It
// may be called twice.
func (n *Node) Close(ctx context.Context) error {
	var errs []error
	if n.http != nil {
		errs = append(errs, n.http.close(ctx))
		n.http = nil
	}
	n.stopServing(ctx)
	if n.coord != nil {
		n.coord.Close()
		n.coord = nil
	}
	if n.host != nil {
		errs = append(errs, n.host.Close())
		n.host = nil
	}
	if n.meta != nil {
		errs = append(errs, n.meta.Close())
		n.meta = nil
	}
	if n.stop != nil {
		n.stop()
		errs = append(errs, n.upkeep.Wait())
		n.stop = nil
	}
	if n.lock != nil {
		errs = append(errs, n.lock.Close())
		n.lock = nil
	}
	return errors.Join(errs...)
}
