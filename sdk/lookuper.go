package sdk

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/proto/table"
	"github.com/fluss-go/fluss/sdk/internal/rowcodec"
)

// LookupOption sets something of a Lookuper.
type LookupOption func(*lookupOptions)

type lookupOptions struct {
	// columns are those wanted; all when nil.
	columns        []string
	prefix         bool
	stale          bool
	insertIfAbsent bool
}

// WithLookupColumns sets the columns wanted of rows, in that order; default all.
func WithLookupColumns(names ...string) LookupOption {
	return func(o *lookupOptions) { o.columns = append([]string{}, names...) }
}

// WithPrefix makes keys the columns of the bucket key, which must be the first of
// the primary key, with the partition columns: a look-up then finds all rows that
// have them, in key order.
func WithPrefix() LookupOption { return func(o *lookupOptions) { o.prefix = true } }

// WithStaleReads lets the replica that is asked answer with what it has, which may
// lack the newest writes; it is cheaper where there are several replicas.
func WithStaleReads() LookupOption { return func(o *lookupOptions) { o.stale = true } }

// WithInsertIfAbsent makes a row for a key that has none, atomically: its other
// columns are null, or filled by the server. A partition that is missing is made
// too. It does not go with WithPrefix.
func WithInsertIfAbsent() LookupOption { return func(o *lookupOptions) { o.insertIfAbsent = true } }

// Lookuper finds rows of a primary-key table by key. Concurrent callers share
// requests: a key is sent at once while few requests to its server are under way,
// else with all that came meanwhile. No timer holds one back. A program wants one
// for each table and options.
//
// A look-up sees every write that was acked before it, unless WithStaleReads is
// given. What broken connections and moving leaders make fail is tried again until
// the caller's context ends, or, when it has no deadline, for the retry timeout.
type Lookuper struct {
	c    *Client
	path string
	opts lookupOptions

	// life ends when Close is called.
	life context.Context //nolint:containedctx // for requests that outlive the calls that they are of
	end  context.CancelFunc

	version atomic.Pointer[lookupVersion]
	meta    atomic.Pointer[tableMetadata]
	// refreshes counts the times that metadata were asked for; the mutex is held
	// while they are.
	refreshing sync.Mutex
	refreshes  atomic.Uint64

	mu sync.Mutex
	// lanes are those to the servers, by endpoint.
	lanes map[string]*lookupLane
}

// Lookuper opens look-ups in a primary-key table. It fails with UNKNOWN_TABLE,
// NOT_PRIMARY_KEY_TABLE, UNKNOWN_COLUMN and INVALID_ARGUMENT.
func (c *Client) Lookuper(ctx context.Context, path string, opts ...LookupOption) (*Lookuper, error) {
	l := &Lookuper{c: c, path: path, lanes: map[string]*lookupLane{}}
	for _, f := range opts {
		f(&l.opts)
	}
	if l.opts.prefix && l.opts.insertIfAbsent {
		return nil, errcode.New(errcode.InvalidArgument, nil, "a prefix names no row that could be inserted: WithPrefix does not go with WithInsertIfAbsent")
	}
	meta, err := c.metadata.refresh(ctx, path)
	if err != nil {
		return nil, err
	}
	v, err := newLookupVersion(meta.info, &l.opts, nil)
	if err != nil {
		return nil, err
	}
	l.meta.Store(meta)
	l.version.Store(v)
	l.life, l.end = context.WithCancel(c.life)
	return l, nil
}

// Table describes the table as the lookuper knows it.
func (l *Lookuper) Table() *table.Info { return l.version.Load().info }

// Schema has the columns of the rows found, in order, with the id of the schema
// version that they are of.
func (l *Lookuper) Schema() *schema.Schema { return l.version.Load().columns }

// KeyColumns are the columns of a key, in its order: that of a Key's values.
func (l *Lookuper) KeyColumns() []schema.Field { return l.version.Load().keyFields }

// Refresh asks the server for the table's newest schema, which later rows have. A
// lookuper does so by itself only when the server refuses the old one.
func (l *Lookuper) Refresh(ctx context.Context) error { return l.refresh(ctx, l.refreshes.Load()) }

// Close ends the look-ups under way, which fail with CANCELED. It need not be
// called: the client's Close is enough.
func (l *Lookuper) Close() error {
	l.end()
	return nil
}

// refresh takes over metadata asked for after the refresh numbered seen: those of
// another caller if they are new enough.
func (l *Lookuper) refresh(ctx context.Context, seen uint64) error {
	l.refreshing.Lock()
	defer l.refreshing.Unlock()
	// One that had begun before the caller looked may have missed what it wants.
	if l.refreshes.Load() > seen+1 {
		return nil
	}
	meta, err := l.c.metadata.refresh(ctx, l.path)
	if err != nil {
		return err
	}
	old := l.meta.Load()
	if meta.info.ID != old.info.ID {
		return errcode.New(errcode.UnknownTable, nil, "%s was dropped and created again: open another lookuper", l.path)
	}
	if v := l.version.Load(); meta.info.Schema().ID > v.columns.ID {
		next, err := newLookupVersion(meta.info, &l.opts, v)
		if err != nil {
			return err
		}
		l.version.Store(next)
	}
	l.meta.Store(meta)
	l.refreshes.Add(1)
	return nil
}

// lane returns the lane to a server.
func (l *Lookuper) lane(endpoint string) *lookupLane {
	l.mu.Lock()
	defer l.mu.Unlock()
	lane := l.lanes[endpoint]
	if lane == nil {
		lane = &lookupLane{l: l, endpoint: endpoint, pauses: l.c.opts.backoff()}
		l.lanes[endpoint] = lane
	}
	return lane
}

// bucketOf finds the bucket of the one key in scratch. Its partition is 0 for a
// table without; ok is false when there is no such partition, nor to be one.
func (l *Lookuper) bucketOf(ctx context.Context, v *lookupVersion, scratch *rowcodec.Builder) (b ids.Bucket, ok bool, err error) {
	if b.Bucket, err = v.bucketOf(scratch); err != nil {
		return b, false, err
	}
	b.Table = v.info.ID
	if len(v.info.Descriptor.PartitionKeys) == 0 {
		return b, true, nil
	}
	rec := scratch.Record()
	defer rec.Release()
	names, err := v.partitionNames(rec)
	if err != nil {
		return b, false, err
	}
	b.Partition, err = l.partition(ctx, names[0])
	return b, b.Partition != 0, err
}

// partition returns the id of a partition, 0 when there is none; it is made first
// when rows are to be inserted.
func (l *Lookuper) partition(ctx context.Context, name string) (ids.PartitionID, error) {
	seen := l.refreshes.Load()
	if id, ok := l.meta.Load().partitions[name]; ok {
		return id, nil
	}
	// It may have been made since, and a look-up sees what was written.
	if err := l.refresh(ctx, seen); err != nil {
		return 0, err
	}
	id, ok := l.meta.Load().partitions[name]
	if ok || !l.opts.insertIfAbsent {
		return id, nil
	}
	if err := l.c.createPartition(ctx, l.version.Load().info, name); err != nil {
		return 0, err
	}
	if err := l.refresh(ctx, l.refreshes.Load()); err != nil {
		return 0, err
	}
	if id, ok = l.meta.Load().partitions[name]; !ok {
		return 0, errcode.New(errcode.UnknownPartition, nil, "partition %q of %s was created and is gone again", name, l.path)
	}
	return id, nil
}
