package node

import (
	"context"
	runtimemetrics "runtime/metrics"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"

	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"

	"github.com/fluss-go/fluss/flight"
	"github.com/fluss-go/fluss/flight/codec"
	"github.com/fluss-go/fluss/flight/rpcerr"
	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/server/rpc"
	"github.com/fluss-go/fluss/server/tablet"
)

// Version is the release of this build; the linker sets it.
var Version = "dev"

// maxBatchRows and maxUncompressedRatio bound what one batch may claim to hold.
const (
	maxBatchRows         = 1 << 22
	maxUncompressedRatio = 8
)

// writeLimits are the limits of a written batch. What is taken must be readable:
// readers decompress no more than batch.DefaultMaxUncompressed.
func writeLimits(maxBytes int64, verifyCompressed bool) batch.Limits {
	return batch.Limits{
		MaxBytes: maxBytes, MaxRows: maxBatchRows,
		MaxUncompressed: min(maxUncompressedRatio*maxBytes, batch.DefaultMaxUncompressed), CheckUTF8: true,
		CheckCompressed: verifyCompressed,
	}
}

// Bounds of what clients can make the server hold.
const (
	// framing is what a message may have around a batch.
	framing = 1 << 20
	// streamBytes is what a scan holds whose client takes nothing: two batches, and
	// what gRPC keeps of them. It bounds the number of scans by the memory limit.
	streamBytes = 3 << 20
	minStreams  = 64
	// answerPart is the part of the memory limit that answers to look-ups get.
	answerPart = 16
)

// serve starts answering clients.
func (n *Node) serve() {
	n.putters = rpc.NewPutters(n.Endpoint(), n.meta)
	limits := writeLimits(int64(n.cfg.MaxBatchSize), n.cfg.VerifyCompressed)
	opts := append(codec.ServerOptions(),
		grpc.MaxRecvMsgSize(int(n.cfg.MaxBatchSize)+framing),
		grpc.WaitForHandlers(true), // they use what Close closes next
		grpc.ChainUnaryInterceptor(rpcerr.Unary(n.logger), n.counters.Unary, n.reserve.guard, rpc.Hold),
		grpc.ChainStreamInterceptor(rpcerr.Stream(n.logger), n.counters.Stream),
	)
	n.grpc = grpc.NewServer(opts...)
	flussv1.RegisterAdminServer(n.grpc, &rpc.Admin{
		Coordinator: n.coord, Catalog: n.meta, Host: n.host, Server: n.server,
		Durability: tablet.Durability(n.cfg.Durability), DiskUsage: n.diskUsage,
	})
	flussv1.RegisterMetadataServer(n.grpc, &rpc.Metadata{
		Version: Version, Server: n.server, Endpoint: n.Endpoint(), MaxBatchBytes: limits.MaxBytes, Catalog: n.meta,
	})
	n.writes = rpc.NewWrites(rpc.WriteOptions{
		Catalog: n.meta, Host: n.host, IDs: n.meta, Limits: limits, Clock: n.clock, Metrics: n.counters,
	})
	flussv1.RegisterWriteServer(n.grpc, n.writes)
	flussv1.RegisterLookupServer(n.grpc, rpc.NewLookups(rpc.LookupOptions{
		Catalog: n.meta, Host: n.host, Limits: limits, Clock: n.clock, Metrics: n.counters,
		AnswerBytes: int64(n.cfg.MemoryLimit) / answerPart, AnswerWait: n.cfg.InflightWait,
	}))
	source := rpc.NewSource(n.meta, n.host, n.Endpoint(), n.putters)
	n.flight = flight.New(source, flight.Options{
		Logger: n.logger.With("component", "flight"), MaxBatchBytes: int(n.cfg.MaxBatchSize),
		MaxStreams: max(minStreams, int(n.cfg.MemoryLimit/streamBytes)), Short: n.short,
		Sent: func(rows, bytes int64) {
			n.counters.RowsRead.Add(float64(rows))
			n.counters.BytesRead.Add(float64(bytes))
		},
	})
	n.flight.Register(n.grpc)
	healthServer := health.NewServer()
	healthServer.SetServingStatus("", healthpb.HealthCheckResponse_SERVING)
	healthpb.RegisterHealthServer(n.grpc, healthServer)
	reflection.Register(n.grpc)

	n.serving.Go(func() error { return n.grpc.Serve(n.listener) })
	n.serving.Go(func() error { return n.grpc.Serve(n.putters.Listener()) })
}

// short reports whether most of the heap's limit was in use when it was last
// looked through. The budgets keep it below, but not what clients leave untaken.
func (n *Node) short() bool {
	live := []runtimemetrics.Sample{{Name: "/gc/heap/live:bytes"}}
	runtimemetrics.Read(live)
	return live[0].Value.Uint64() > uint64(n.cfg.HeapLimit()/8*7)
}

// stopServing refuses new requests and waits for those under way until ctx
// ends; scans that follow and write streams never end by themselves, so they are told to.
func (n *Node) stopServing(ctx context.Context) {
	if n.grpc == nil {
		if n.listener != nil {
			_ = n.listener.Close() // nothing was served on it
		}
		return
	}
	graceful := make(chan struct{})
	go func() {
		n.flight.Close()
		n.writes.Close()
		n.grpc.GracefulStop()
		close(graceful)
	}()
	select {
	case <-graceful:
	case <-ctx.Done():
		n.grpc.Stop()
		<-graceful
	}
	if err := n.serving.Wait(); err != nil {
		n.logger.Warn("serving ended", "error", err)
	}
	if err := n.putters.Close(); err != nil {
		n.logger.Warn("closing the in-process client", "error", err)
	}
	n.grpc, n.listener = nil, nil
}
