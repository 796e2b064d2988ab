package sdk

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
)

// Defaults of the options.
const (
	DefaultBufferMemory   = 64 << 20
	DefaultRequestTimeout = 30 * time.Second
	DefaultRetryTimeout   = 2 * time.Minute
	DefaultBatchBytes     = 1 << 20
	DefaultMaxInFlight    = 5
	DefaultScanStreams    = 2
	DefaultPrefetch       = 4
)

// Option sets something of a client.
type Option func(*clientOptions)

type clientOptions struct {
	name           string
	connections    int
	bufferMemory   int64
	requestTimeout time.Duration
	retryTimeout   time.Duration
	backoffMin     time.Duration
	backoffMax     time.Duration
	credentials    credentials.TransportCredentials
	dial           []grpc.DialOption
	hooks          Hooks
	logger         *slog.Logger
}

func (o *clientOptions) ensureDefaults() {
	*o = clientOptions{
		name:           "fluss-go",
		connections:    1,
		bufferMemory:   DefaultBufferMemory,
		requestTimeout: DefaultRequestTimeout,
		retryTimeout:   DefaultRetryTimeout,
		backoffMin:     10 * time.Millisecond,
		backoffMax:     time.Second,
		credentials:    insecure.NewCredentials(),
		hooks:          NoHooks{},
		logger:         slog.New(slog.DiscardHandler),
	}
}

func (o *clientOptions) validate() error {
	var errs []error
	if o.connections < 1 || o.connections > 64 {
		errs = append(errs, fmt.Errorf("WithConnections(%d): must be 1 to 64", o.connections))
	}
	if o.bufferMemory < 1<<20 {
		errs = append(errs, fmt.Errorf("WithBufferMemory(%d): must be at least 1 MiB", o.bufferMemory))
	}
	if o.requestTimeout <= 0 {
		errs = append(errs, fmt.Errorf("WithRequestTimeout(%v): must be positive", o.requestTimeout))
	}
	if o.retryTimeout <= 0 {
		errs = append(errs, fmt.Errorf("WithRetryTimeout(%v): must be positive", o.retryTimeout))
	}
	if o.backoffMin <= 0 || o.backoffMax < o.backoffMin {
		errs = append(errs, fmt.Errorf("WithBackoff(%v, %v): want 0 < first <= most", o.backoffMin, o.backoffMax))
	}
	if o.hooks == nil || o.logger == nil || o.credentials == nil {
		errs = append(errs, errors.New("hooks, logger and credentials must not be nil"))
	}
	return errors.Join(errs...)
}

// WithClientName sets the name told to the server in the handshake; default "fluss-go".
func WithClientName(name string) Option { return func(o *clientOptions) { o.name = name } }

// WithConnections spreads writes and scans over n connections to each server,
// 1 to 64, default 1. One connection keeps one CPU core of each side busy.
func WithConnections(n int) Option { return func(o *clientOptions) { o.connections = n } }

// WithBufferMemory bounds the bytes of rows that wait for their ack, over all
// appenders of the client; default 64 MiB, at least 1 MiB. Past it Append blocks.
func WithBufferMemory(bytes int64) Option { return func(o *clientOptions) { o.bufferMemory = bytes } }

// WithRequestTimeout sets how long a server may leave one request unanswered
// before the connection is taken for broken; default 30 s.
func WithRequestTimeout(d time.Duration) Option {
	return func(o *clientOptions) { o.requestTimeout = d }
}

// WithRetryTimeout sets how long a batch, a scan without progress, or a call
// whose context has no deadline is retried; default 2 minutes.
func WithRetryTimeout(d time.Duration) Option { return func(o *clientOptions) { o.retryTimeout = d } }

// WithBackoff sets the pause before the first retry and the longest one between
// two; default 10 ms and 1 s. Pauses double and are spread by half at random.
func WithBackoff(first, most time.Duration) Option {
	return func(o *clientOptions) { o.backoffMin, o.backoffMax = first, most }
}

// WithTransportCredentials sets TLS or other credentials; default is plain text.
func WithTransportCredentials(c credentials.TransportCredentials) Option {
	return func(o *clientOptions) { o.credentials = c }
}

// WithDialOptions adds gRPC options, for example a dialer, after the client's own.
func WithDialOptions(opts ...grpc.DialOption) Option {
	return func(o *clientOptions) { o.dial = append(o.dial, opts...) }
}

// WithHooks sets what is told about every batch, scan and retry; for metrics.
func WithHooks(h Hooks) Option { return func(o *clientOptions) { o.hooks = h } }

// WithLogger sets where retries and reconnects are logged; default nowhere.
func WithLogger(l *slog.Logger) Option { return func(o *clientOptions) { o.logger = l } }

// Assignment says which bucket gets a row of a table without bucket key.
type Assignment uint8

const (
	// Sticky fills a batch in one bucket before it goes to the next. The default.
	Sticky Assignment = iota
	// RoundRobin gives each row, or each Arrow batch, to the next bucket.
	RoundRobin
)

// AppenderOption sets something of an Appender.
type AppenderOption interface{ appender(o *writerOptions) }

// UpserterOption sets something of an Upserter or a Deleter.
type UpserterOption interface{ upserter(o *writerOptions) }

// WriterOption sets something of whatever writes: it is an AppenderOption and an
// UpserterOption.
type WriterOption struct{ set func(o *writerOptions) }

func (w WriterOption) appender(o *writerOptions) { w.set(o) }
func (w WriterOption) upserter(o *writerOptions) { w.set(o) }

var (
	_ AppenderOption = WriterOption{}
	_ UpserterOption = WriterOption{}
)

type appenderOption func(o *writerOptions)

func (f appenderOption) appender(o *writerOptions) { f(o) }

type upserterOption func(o *writerOptions)

func (f upserterOption) upserter(o *writerOptions) { f(o) }

// sharedOptions are those that writers must agree on to share accumulators.
type sharedOptions struct {
	writes            writes
	batchBytes        int
	maxInFlight       int
	linger            time.Duration
	assignment        Assignment
	idempotent        bool
	dynamicPartitions bool
}

type writerOptions struct {
	sharedOptions
	onAck func(Ack)
	// targets are the names of the target columns; partial tells that they were given.
	targets []string
	partial bool
}

func defaultWriterOptions(kind flussv1.WriteKind) writerOptions {
	o := writerOptions{sharedOptions: sharedOptions{
		writes:            writes{kind: kind},
		batchBytes:        DefaultBatchBytes,
		maxInFlight:       DefaultMaxInFlight,
		idempotent:        true,
		dynamicPartitions: true,
	}}
	if o.writes.keyed() {
		o.writes.mode = flussv1.MergeMode_MERGE_MODE_DEFAULT
	}
	return o
}

func (o *writerOptions) validate(c *clientOptions) error {
	var errs []error
	if o.batchBytes < 1<<10 || o.batchBytes > maxBatchBytes {
		errs = append(errs, fmt.Errorf("WithBatchBytes(%d): must be 1 KiB to 4 MiB", o.batchBytes))
	}
	if o.maxInFlight < 1 || o.maxInFlight > DefaultMaxInFlight {
		errs = append(errs, fmt.Errorf("WithMaxInFlight(%d): must be 1 to 5", o.maxInFlight))
	}
	if o.linger < 0 || o.linger > c.requestTimeout {
		errs = append(errs, fmt.Errorf("WithLinger(%v): must be from 0 to the request timeout %v", o.linger, c.requestTimeout))
	}
	if o.assignment > RoundRobin {
		errs = append(errs, errors.New("WithAssignment: unknown assignment"))
	}
	if o.partial && len(o.targets) == 0 {
		errs = append(errs, errors.New("WithTargetColumns: no column is named"))
	}
	if o.writes.keyed() && o.writes.mode == flussv1.MergeMode_MERGE_MODE_UNSPECIFIED {
		errs = append(errs, errors.New("WithMergeMode: unknown merge mode"))
	}
	return errors.Join(errs...)
}

// maxBatchBytes is the largest batch that may be asked for, before compression.
const maxBatchBytes = 4 << 20

// WithBatchBytes sets how many bytes of rows, before compression, fill a batch;
// default 1 MiB, range 1 KiB to 4 MiB.
func WithBatchBytes(n int) WriterOption {
	return WriterOption{func(o *writerOptions) { o.batchBytes = n }}
}

// WithMaxInFlight sets how many batches of one bucket may wait for their acks
// at a time; default and most 5.
func WithMaxInFlight(n int) WriterOption {
	return WriterOption{func(o *writerOptions) { o.maxInFlight = n }}
}

// WithLinger holds a batch that is not full open for d, overriding the default
// of 0, with which it is sent as soon as nothing is in flight for its bucket.
func WithLinger(d time.Duration) WriterOption {
	return WriterOption{func(o *writerOptions) { o.linger = d }}
}

// WithAssignment sets how rows of a table without bucket key are spread; default Sticky.
func WithAssignment(a Assignment) AppenderOption {
	return appenderOption(func(o *writerOptions) { o.assignment = a })
}

// WithoutIdempotence gives up the promise that a retried batch is written once.
func WithoutIdempotence() WriterOption {
	return WriterOption{func(o *writerOptions) { o.idempotent = false }}
}

// WithoutDynamicPartitions makes a row of a missing partition an
// UNKNOWN_PARTITION error instead of creating the partition.
func WithoutDynamicPartitions() WriterOption {
	return WriterOption{func(o *writerOptions) { o.dynamicPartitions = false }}
}

// WithOnAck calls f for each acked run of this writer's rows: once a batch,
// unless other writers' rows lie between. f must not block, nor call the writer;
// calls for one bucket come in order of offsets.
func WithOnAck(f func(Ack)) WriterOption { return WriterOption{func(o *writerOptions) { o.onAck = f }} }

// WithTargetColumns makes upserts partial: only the named columns are written,
// those of the key in any case. The others keep their values, or are null in a
// row that was not there. Of a Deleter they are the columns to make null.
func WithTargetColumns(names ...string) UpserterOption {
	return upserterOption(func(o *writerOptions) { o.targets, o.partial = names, true })
}

// WithMergeMode sets whether the merge engine takes part; default MergeDefault.
func WithMergeMode(m MergeMode) UpserterOption {
	return upserterOption(func(o *writerOptions) {
		switch m {
		case MergeDefault:
			o.writes.mode = flussv1.MergeMode_MERGE_MODE_DEFAULT
		case MergeOverwrite:
			o.writes.mode = flussv1.MergeMode_MERGE_MODE_OVERWRITE
		default:
			o.writes.mode = flussv1.MergeMode_MERGE_MODE_UNSPECIFIED
		}
	})
}
