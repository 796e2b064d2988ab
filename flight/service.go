// Package flight serves tables over Arrow Flight: scans by DoGet, which slices
// stored batches onto the wire, writes by DoPut and look-ups by DoExchange.
//
// A scan of the rows of a primary-key table takes the rows of each bucket as they
// are at one moment, in key order, and when it follows the changes since. One that
// is resumed takes the rows of a later moment behind the last key that was sent;
// changes that a part of the rows has are then left out, so that none is missed and
// none comes twice (ticket.Resume).
//
// What tables there are, their logs and how rows are written is the server's
// business, which it lends as a Source. Errors are *errcode.Error; the server
// installs flight/rpcerr to turn them into statuses, and the options of
// flight/codec, without which DoGet cannot send.
package flight

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"google.golang.org/grpc"

	"github.com/fluss-go/fluss/flight/codec"
	"github.com/fluss-go/fluss/proto/errcode"
)

// Options are the settings of a Service. Zero fields mean the default.
type Options struct {
	// Logger gets what a client cannot be told. Default: discard.
	Logger *slog.Logger
	// KeepAlive is how long a following scan is idle before it sends an empty
	// batch, unless its ticket says otherwise. Default 10 s.
	KeepAlive time.Duration
	// Stall is how long a client may take nothing of a stream that has something
	// for it; then the stream ends with DeadlineExceeded. A stalled stream holds
	// about two batches in memory, and what the snapshot of rows that it reads
	// has kept of rows that changed since. Default 10 min.
	Stall time.Duration
	// ShortStall is as Stall while Short says that memory is short; then the stream
	// ends with StoragePressure. Default 10 s, and never.
	ShortStall time.Duration
	Short      func() bool
	// MaxStreams bounds the scans and puts at one time; more are refused with
	// StoragePressure. Default 4096.
	MaxStreams int
	// PartitionCheck is how often a scan that follows all partitions of a table
	// looks for partitions that have come. Default 1 s.
	PartitionCheck time.Duration
	// MaxBatchBytes bounds a batch of a DoPut, plain. Default: what codec lets through.
	MaxBatchBytes int
	// Now tells the time. Default: time.Now.
	Now func() time.Time
	// Sent is told the rows and bytes of each batch that a scan has sent; it must
	// not block. Default: nobody is told.
	Sent func(rows, bytes int64)
}

// minKeepAlive bounds what a ticket may ask for.
const minKeepAlive = 10 * time.Millisecond

// EnsureDefaults sets what is not set.
func (o *Options) EnsureDefaults() {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	set := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	set(&o.KeepAlive, 10*time.Second)
	set(&o.Stall, 10*time.Minute)
	set(&o.ShortStall, 10*time.Second)
	if o.Short == nil {
		o.Short = func() bool { return false }
	}
	set(&o.PartitionCheck, time.Second)
	if o.MaxStreams == 0 {
		o.MaxStreams = 4096
	}
	if o.MaxBatchBytes == 0 {
		o.MaxBatchBytes = codec.MaxMessageBytes
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Sent == nil {
		o.Sent = func(int64, int64) {}
	}
}

// Service is the Flight service of a server.
type Service struct {
	flight.BaseFlightServer
	source  Source
	options Options

	// ctx ends when the service is closed.
	ctx     context.Context //nolint:containedctx // the life of the service, not of a call
	cancel  context.CancelFunc
	workers sync.WaitGroup
	// starting is held while a worker is begun, so that none is after Close.
	starting sync.Mutex
	streams  atomic.Int64
}

// New returns a service over source.
func New(source Source, options Options) *Service {
	options.EnsureDefaults()
	s := &Service{source: source, options: options}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// Register adds the service to a server.
func (s *Service) Register(r *grpc.Server) { flight.RegisterFlightServiceServer(r, s) }

// Streams is the number of scans and puts under way.
func (s *Service) Streams() int { return int(s.streams.Load()) }

// Close ends all scans and puts with ShuttingDown and waits for them. It may be
// called twice.
func (s *Service) Close() {
	s.starting.Lock()
	s.cancel()
	s.starting.Unlock()
	s.workers.Wait()
}

// admit takes a place for a stream and returns what gives it back.
func (s *Service) admit() (leave func(), err error) {
	if s.ctx.Err() != nil {
		return nil, errShutdown()
	}
	if s.streams.Add(1) > int64(s.options.MaxStreams) {
		s.streams.Add(-1)
		return nil, errcode.New(errcode.StoragePressure, nil, "the server has %d scans and puts open, as many as it takes: try again later",
			s.options.MaxStreams).With("retry_after_ms", time.Second.Milliseconds())
	}
	return func() { s.streams.Add(-1) }, nil
}

func errShutdown() error {
	return errcode.New(errcode.ShuttingDown, nil, "the server is shutting down: go on with another one, or when it is back")
}

// work runs f beside the handler of a call, which may return while f hangs in
// the stream: gRPC lets go of f then.
func (s *Service) work(f func() error) <-chan error {
	done := make(chan error, 1)
	s.starting.Lock()
	defer s.starting.Unlock()
	if s.ctx.Err() != nil { // Close waits for those that have begun
		done <- errShutdown()
		return done
	}
	s.workers.Go(func() {
		var err error
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
			}
			done <- err
		}()
		err = f()
	})
	return done
}

// schemaMessage returns the header of the first message of a stream: the
// schema's flatbuffer without the prefix of the stream format.
func schemaMessage(s *arrow.Schema) []byte {
	payload := ipc.GetSchemaPayload(s, memory.DefaultAllocator)
	defer payload.Release()
	return bytes.Clone(payload.Meta().Bytes())
}
