package sdk

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"google.golang.org/grpc"

	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/keys"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/proto/table"
	"github.com/fluss-go/fluss/sdk/internal/rowcodec"
)

// writerKey says which appenders share a tableWriter.
type writerKey struct {
	path   string
	shared sharedOptions
}

// tableWriter collects the rows of all appenders of one table and options.
type tableWriter struct {
	c    *Client
	key  writerKey
	path string
	opts sharedOptions
	// refs counts the appenders; guarded by the client's mu.
	refs int

	version atomic.Pointer[writerVersion]
	meta    atomic.Pointer[tableMetadata]
	// writerID is that of buckets which have not lost theirs; 0 when not idempotent.
	writerID ids.WriterID

	// whole is the one «partition» of a table that has none.
	whole *partitionWriter

	mu sync.Mutex
	// byName and byKey find a partition by its name, and by the bytes of its
	// values in a row; guarded by mu.
	byName map[string]*partitionWriter
	byKey  map[string]*partitionWriter
	// creating serializes the creation of partitions.
	creating sync.Mutex
}

// tableWriter returns the writer for path and options, with one more reference.
func (c *Client) tableWriter(ctx context.Context, path string, o *writerOptions) (*tableWriter, error) {
	if err := o.validate(&c.opts); err != nil {
		return nil, errcode.New(errcode.InvalidArgument, nil, "bad options of a writer: %v", err)
	}
	meta, err := c.metadata.refresh(ctx, path)
	if err != nil {
		return nil, err
	}
	if err = o.resolve(meta.info); err != nil {
		return nil, err
	}
	key := writerKey{path: path, shared: o.sharedOptions}
	if w, err := c.sharedWriter(key, meta.info.ID); w != nil || err != nil {
		return w, err
	}
	w, err := c.newTableWriter(ctx, key, meta)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, errClientClosed()
	}
	if old := c.writers[key]; old != nil && old.meta.Load().info.ID == meta.info.ID {
		old.refs++
		return old, nil
	}
	w.refs = 1
	c.writers[key] = w
	return w, nil
}

func (c *Client) sharedWriter(key writerKey, id ids.TableID) (*tableWriter, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, errClientClosed()
	}
	// A table dropped and created again under the name gets a writer of its own.
	if w := c.writers[key]; w != nil && w.meta.Load().info.ID == id {
		w.refs++
		return w, nil
	}
	return nil, nil //nolint:nilnil // none is shared
}

func (c *Client) releaseWriter(w *tableWriter) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w.refs--
	if w.refs == 0 && c.writers[w.key] == w {
		delete(c.writers, w.key)
	}
}

func (c *Client) newTableWriter(ctx context.Context, key writerKey, meta *tableMetadata) (*tableWriter, error) {
	v, err := newWriterVersion(meta.info, key.shared.writes)
	if err != nil {
		return nil, err
	}
	w := &tableWriter{
		c: c, key: key, path: key.path, opts: key.shared,
		byName: map[string]*partitionWriter{}, byKey: map[string]*partitionWriter{},
	}
	w.version.Store(v)
	w.meta.Store(meta)
	if w.opts.idempotent {
		if w.writerID, err = c.initWriter(ctx); err != nil {
			return nil, err
		}
	}
	if len(v.partitionColumns) == 0 {
		w.whole = w.newPartition(0)
	}
	return w, nil
}

// resolve checks that the table is of the kind that is written to, and finds the
// target columns; of an upsert, those of the key are added.
func (o *writerOptions) resolve(info *table.Info) error {
	d := info.Descriptor
	switch {
	case o.writes.keyed() && !d.HasPrimaryKey():
		return errcode.New(errcode.NotPrimaryKeyTable, nil, "%s has no primary key: append to it", info.Path)
	case !o.writes.keyed() && d.HasPrimaryKey():
		return errcode.New(errcode.NotLogTable, nil, "%s has a primary key; rows can be appended only to log tables", info.Path)
	}
	var targets []ids.FieldID
	add := func(name string) error {
		c, err := d.Schema.Column(name)
		if err == nil {
			targets = append(targets, c.ID)
		}
		return err
	}
	if o.partial && o.writes.kind == flussv1.WriteKind_WRITE_KIND_UPSERT {
		for _, name := range d.Schema.PrimaryKey {
			if slices.Contains(o.targets, name) {
				continue
			}
			if err := add(name); err != nil {
				return err
			}
		}
	}
	for _, name := range o.targets {
		if err := add(name); err != nil {
			return err
		}
	}
	o.writes.targets = packTargets(targets)
	return nil
}

// initWriter asks for the id of a fresh idempotent writer.
func (c *Client) initWriter(ctx context.Context) (ids.WriterID, error) {
	var id ids.WriterID
	err := c.call(ctx, "InitWriter", true, func(ctx context.Context, conn grpc.ClientConnInterface) error {
		resp, err := flussv1.NewWriteClient(conn).InitWriter(ctx, &flussv1.InitWriterRequest{})
		id = ids.WriterID(resp.GetWriterId())
		return err
	})
	return id, err
}

// refresh takes over the newest metadata: leaders, partitions and schema.
func (w *tableWriter) refresh(ctx context.Context) error {
	meta, err := w.c.metadata.refresh(ctx, w.path)
	if err != nil {
		return err
	}
	old := w.meta.Load()
	if meta.info.ID != old.info.ID {
		return errcode.New(errcode.UnknownTable, nil, "%s was dropped and created again: open another writer", w.path)
	}
	w.meta.Store(meta)
	if v := w.version.Load(); meta.info.Descriptor.Schema.ID > v.schema.ID {
		next, err := newWriterVersion(meta.info, w.opts.writes)
		if err != nil {
			return err
		}
		w.version.Store(next)
		w.mu.Lock()
		clear(w.byKey) // the bytes of a value depend on the column's type
		w.mu.Unlock()
	}
	return nil
}

// partitionWriter has the buckets of one partition.
type partitionWriter struct {
	w       *tableWriter
	id      ids.PartitionID
	buckets []atomic.Pointer[bucketWriter]
	make    sync.Mutex
	// at is the bucket for rows without bucket key, filled the bytes that went to
	// it since it became that.
	at     atomic.Uint32
	filled atomic.Int64
}

func (w *tableWriter) newPartition(id ids.PartitionID) *partitionWriter {
	n := max(1, w.version.Load().info.Descriptor.BucketCount)
	p := &partitionWriter{w: w, id: id, buckets: make([]atomic.Pointer[bucketWriter], n)}
	p.at.Store(rand.Uint32N(uint32(n))) //nolint:gosec // spread, no secret
	return p
}

func (p *partitionWriter) bucket(b ids.BucketID) *bucketWriter {
	if bw := p.buckets[b].Load(); bw != nil {
		return bw
	}
	p.make.Lock()
	defer p.make.Unlock()
	if bw := p.buckets[b].Load(); bw != nil {
		return bw
	}
	bw := newBucketWriter(p.w, ids.Bucket{Table: p.w.meta.Load().info.ID, Partition: p.id, Bucket: b})
	p.buckets[b].Store(bw)
	return bw
}

// spread returns the bucket for the next rows of a table without bucket key.
func (p *partitionWriter) spread() *bucketWriter {
	n := uint32(len(p.buckets)) //nolint:gosec // at most 4096
	if p.w.opts.assignment == RoundRobin {
		return p.bucket(ids.BucketID(p.at.Add(1) % n)) //nolint:gosec // below n
	}
	return p.bucket(ids.BucketID(p.at.Load() % n)) //nolint:gosec // below n
}

// spent books bytes that went to the bucket of spread.
func (p *partitionWriter) spent(bytes int) {
	if p.w.opts.assignment == Sticky && len(p.buckets) > 1 && p.filled.Add(int64(bytes)) >= int64(p.w.opts.batchBytes) {
		p.filled.Store(0)
		p.at.Add(1)
	}
}

// partition finds the writer of a partition, and creates the partition when it
// is missing and that is wanted; nil when there is none to delete rows from.
func (w *tableWriter) partition(ctx context.Context, v *writerVersion, name string, remove bool) (*partitionWriter, error) {
	w.mu.Lock()
	p := w.byName[name]
	w.mu.Unlock()
	if p != nil {
		return p, nil
	}
	// The name may lie in the memory of a record; the map keeps it for longer.
	name = strings.Clone(name)
	w.creating.Lock()
	defer w.creating.Unlock()
	id, ok := w.meta.Load().partitions[name]
	if !ok {
		var err error
		if id, err = w.missingPartition(ctx, v, name, remove); err != nil || id == 0 {
			return nil, err
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if p = w.byName[name]; p == nil {
		p = w.newPartition(id)
		w.byName[name] = p
	}
	return p, nil
}

// missingPartition looks again for a partition and creates it unless rows are
// removed; its id is 0 when there is none.
func (w *tableWriter) missingPartition(ctx context.Context, v *writerVersion, name string, remove bool) (ids.PartitionID, error) {
	if err := w.refresh(ctx); err != nil {
		return 0, err
	}
	if id, ok := w.meta.Load().partitions[name]; ok || remove {
		return id, nil
	}
	if !w.opts.dynamicPartitions {
		return 0, errcode.New(errcode.UnknownPartition, nil, "%s has no partition %q, and the writer is not to create it", w.path, name)
	}
	if err := w.c.createPartition(ctx, v.info, name); err != nil {
		return 0, err
	}
	if err := w.refresh(ctx); err != nil {
		return 0, err
	}
	id, ok := w.meta.Load().partitions[name]
	if !ok {
		return 0, errcode.New(errcode.UnknownPartition, nil, "partition %q of %s was created and is gone again", name, w.path)
	}
	return id, nil
}

// createPartition creates the partition with the name unless it is there.
func (c *Client) createPartition(ctx context.Context, info *table.Info, name string) error {
	values, err := partitionTexts(info, name)
	if err != nil {
		return err
	}
	_, err = c.Admin().CreatePartition(ctx, info.Path.String(), values, IfNotExists())
	return err
}

// dropPartition forgets the writer of a partition that is no more.
func (w *tableWriter) dropPartition(id ids.PartitionID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for name, p := range w.byName {
		if p.id == id {
			delete(w.byName, name)
		}
	}
	for key, p := range w.byKey {
		if p.id == id {
			delete(w.byKey, key)
		}
	}
}

// all lists the buckets that rows have gone to.
func (w *tableWriter) all() []*bucketWriter {
	w.mu.Lock()
	parts := make([]*partitionWriter, 0, len(w.byName)+1)
	for _, p := range w.byName {
		parts = append(parts, p)
	}
	w.mu.Unlock()
	if w.whole != nil {
		parts = append(parts, w.whole)
	}
	var out []*bucketWriter
	for _, p := range parts {
		for i := range p.buckets {
			if bw := p.buckets[i].Load(); bw != nil {
				out = append(out, bw)
			}
		}
	}
	slices.SortFunc(out, func(a, b *bucketWriter) int { return a.id.Compare(b.id) })
	return out
}

// flush sends what is buffered and waits until no row that a appended before is open.
func (w *tableWriter) flush(ctx context.Context, a *writer) error {
	var open []*writeBatch
	for _, bw := range w.all() {
		open = bw.flush(a, open)
	}
	for _, b := range open {
		select {
		case <-b.done:
		case <-ctx.Done():
			return errcode.New(errcode.Of(ctx.Err()), ctx.Err(), "the flush did not end in time; rows are still being sent")
		}
	}
	return nil
}

// abandon fails all that is not acked.
func (w *tableWriter) abandon(e *errcode.Error) {
	for _, bw := range w.all() {
		bw.abandon(e)
	}
}

// addRow adds one row of a, or the key of one to delete.
func (w *tableWriter) addRow(ctx context.Context, a *writer, row any, remove bool) (Future, error) {
	v := w.version.Load()
	if w.whole != nil && (v.hasher == nil || len(w.whole.buckets) == 1) {
		bw := w.whole.spread()
		f, size, err := bw.addRow(a, v, row, remove)
		w.whole.spent(size)
		return f, err
	}
	scratch := v.builder()
	defer v.free(scratch)
	if err := v.add(scratch, row, remove); err != nil {
		return Future{}, err
	}
	p := w.whole
	if p == nil {
		var err error
		if p, err = w.partitionOfRow(ctx, v, scratch, remove); err != nil || p == nil {
			return Future{}, err
		}
	}
	if v.hasher == nil {
		bw := p.spread()
		f, size := bw.copyRow(a, v, scratch, remove)
		p.spent(size)
		return f, nil
	}
	b, err := v.bucketOfRow(scratch, len(p.buckets))
	if err != nil {
		return Future{}, err
	}
	f, _ := p.bucket(b).copyRow(a, v, scratch, remove)
	return f, nil
}

// partitionOfRow finds the partition of the one row in scratch; nil when a row is
// to be removed from one that does not exist.
func (w *tableWriter) partitionOfRow(ctx context.Context, v *writerVersion, scratch *rowcodec.Builder, remove bool) (*partitionWriter, error) {
	var room [64]byte
	key := scratch.Key(room[:0], v.partitionColumns, 0)
	w.mu.Lock()
	p := w.byKey[string(key)]
	w.mu.Unlock()
	if p != nil {
		return p, nil
	}
	rec := scratch.Record()
	defer rec.Release()
	names, err := keys.PartitionNames(v.columns, v.info.Descriptor.PartitionKeys, rec)
	if err != nil {
		return nil, err
	}
	if p, err = w.partition(ctx, v, names[0], remove); err != nil || p == nil {
		return nil, err
	}
	w.mu.Lock()
	if len(w.byKey) < maxPartitionKeys {
		w.byKey[string(key)] = p
	}
	w.mu.Unlock()
	return p, nil
}

// maxPartitionKeys bounds the cache from values to partitions.
const maxPartitionKeys = 1 << 14

func (v *writerVersion) bucketOfRow(scratch *rowcodec.Builder, n int) (ids.BucketID, error) {
	if n == 1 {
		return 0, nil
	}
	rec := scratch.First(v.keySchema, v.keyColumns)
	var room [1]int32
	buckets, err := v.keyHasher.Buckets(rec, n, room[:0])
	if err != nil {
		return 0, err
	}
	return ids.BucketID(buckets[0]), nil
}

// piece is rows of a record on their way to a bucket: rows to write with the
// columns of the version, or, to be removed, with those of the key alone.
type piece struct {
	v      *writerVersion
	rec    arrow.RecordBatch
	remove bool
}

// columns is a schema of the record's columns.
func (p *piece) columns() *schema.Schema {
	if p.remove {
		return p.v.keyRows
	}
	return p.v.columns
}

// with returns the piece with other rows.
func (p piece) with(rec arrow.RecordBatch) piece {
	p.rec = rec
	return p
}

// addRecord adds the rows of a batch of a, or the keys of rows to delete.
func (w *tableWriter) addRecord(ctx context.Context, a *writer, rec arrow.RecordBatch, remove bool) (Future, error) {
	v := w.version.Load()
	var err error
	if remove {
		rec, err = v.keys.Conform(rec)
	} else {
		rec, err = v.shape.Conform(rec)
	}
	if err != nil {
		return Future{}, err
	}
	defer rec.Release()
	if rec.NumRows() == 0 {
		return Future{}, nil
	}
	p := piece{v, rec, remove}
	if w.whole != nil {
		return w.addToPartition(a, w.whole, p)
	}
	return w.addPartitioned(ctx, a, p)
}

func (w *tableWriter) addPartitioned(ctx context.Context, a *writer, p piece) (Future, error) {
	names, err := keys.PartitionNames(p.columns(), p.v.info.Descriptor.PartitionKeys, p.rec)
	if err != nil {
		return Future{}, err
	}
	ordinals := make([]int32, len(names))
	index := map[string]int32{}
	var partitions []*partitionWriter
	for i, name := range names {
		n, ok := index[name]
		if !ok {
			to, err := w.partition(ctx, p.v, name, p.remove)
			if err != nil {
				return Future{}, err
			}
			n = int32(len(partitions)) //nolint:gosec // at most as many as rows
			partitions = append(partitions, to)
			index[name] = n
		}
		ordinals[i] = n
	}
	parts, err := keys.SplitByBucket(p.rec, ordinals)
	if err != nil {
		return Future{}, err
	}
	defer releaseParts(parts)
	var all Future
	for _, part := range parts {
		to := partitions[part.Bucket]
		if to == nil {
			continue // no row is there to be removed
		}
		f, err := w.addToPartition(a, to, p.with(part.Rec))
		if err != nil {
			return all, err
		}
		all = all.and(f)
	}
	return all, nil
}

func releaseParts(parts []keys.Part) {
	for _, p := range parts {
		p.Rec.Release()
	}
}

func (w *tableWriter) addToPartition(a *writer, to *partitionWriter, p piece) (Future, error) {
	if p.v.hasher == nil {
		f, size, err := to.spread().addRecord(a, p)
		to.spent(size)
		return f, err
	}
	if len(to.buckets) == 1 {
		f, _, err := to.bucket(0).addRecord(a, p)
		return f, err
	}
	hasher := p.v.hasher
	if p.remove {
		hasher = p.v.removed
	}
	buckets, err := hasher.Buckets(p.rec, len(to.buckets), nil)
	if err != nil {
		return Future{}, err
	}
	parts, err := keys.SplitByBucket(p.rec, buckets)
	if err != nil {
		return Future{}, err
	}
	defer releaseParts(parts)
	var all Future
	for _, part := range parts {
		f, _, err := to.bucket(ids.BucketID(part.Bucket)).addRecord(a, p.with(part.Rec))
		if err != nil {
			return all, err
		}
		all = all.and(f)
	}
	return all, nil
}
