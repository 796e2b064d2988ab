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

	"github.com/fluss-go/fluss/proto/batch"
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

// writerVersion is what rows of one schema version are encoded with; immutable.
type writerVersion struct {
	info   *table.Info
	schema *schema.Schema
	shape  *rowcodec.Shape
	layout *batch.Layout
	hasher *keys.Hasher
	// keyHasher is for records of the bucket key's columns alone, at the places keyColumns.
	keyHasher  *keys.Hasher
	keyColumns []int
	keySchema  *arrow.Schema
	// partitionColumns are the places of the partition columns; none when not partitioned.
	partitionColumns []int
	encoders         sync.Pool
	builders         sync.Pool
}

func newWriterVersion(info *table.Info) (*writerVersion, error) {
	s := info.Descriptor.Schema
	v := &writerVersion{info: info, schema: s, shape: rowcodec.NewShape(s.Columns), layout: batch.NewLayout(s.Columns)}
	if err := v.hashBy(info.Descriptor.BucketKeys); err != nil {
		return nil, err
	}
	for _, name := range info.Descriptor.PartitionKeys {
		i, ok := s.Index(name)
		if !ok {
			return nil, errcode.New(errcode.Internal, nil, "the partition column %q is not in the schema", name)
		}
		v.partitionColumns = append(v.partitionColumns, i)
	}
	encoding := encoderOptions(info)
	v.encoders.New = func() any { return batch.NewEncoder(v.layout, encoding) }
	v.builders.New = func() any { return rowcodec.NewBuilder(v.shape) }
	return v, nil
}

// hashBy prepares the hashers of a bucket key, if there is one.
func (v *writerVersion) hashBy(bucketKeys []string) (err error) {
	if len(bucketKeys) == 0 {
		return nil
	}
	if v.hasher, err = keys.NewHasher(v.schema, bucketKeys); err != nil {
		return err
	}
	only := &schema.Schema{ID: v.schema.ID}
	for _, name := range bucketKeys {
		i, _ := v.schema.Index(name)
		v.keyColumns = append(v.keyColumns, i)
		only.Columns = append(only.Columns, v.schema.Columns[i])
	}
	v.keySchema = v.shape.Project(v.keyColumns)
	v.keyHasher, err = keys.NewHasher(only, bucketKeys)
	return err
}

func (v *writerVersion) builder() *rowcodec.Builder { return v.builders.Get().(*rowcodec.Builder) }

func (v *writerVersion) free(b *rowcodec.Builder) {
	b.Reset()
	v.builders.Put(b)
}

// tableWriter returns the writer for path and options, with one more reference.
func (c *Client) tableWriter(ctx context.Context, path string, shared sharedOptions) (*tableWriter, error) {
	meta, err := c.metadata.refresh(ctx, path)
	if err != nil {
		return nil, err
	}
	key := writerKey{path: path, shared: shared}
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
	if d := meta.info.Descriptor; len(d.Schema.PrimaryKey) > 0 {
		return nil, errcode.New(errcode.NotLogTable, nil, "%s has a primary key; rows can be appended only to log tables", key.path)
	}
	v, err := newWriterVersion(meta.info)
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
		return errcode.New(errcode.UnknownTable, nil, "%s was dropped and created again: open another appender", w.path)
	}
	w.meta.Store(meta)
	if v := w.version.Load(); meta.info.Descriptor.Schema.ID > v.schema.ID {
		next, err := newWriterVersion(meta.info)
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
// is missing and that is wanted.
func (w *tableWriter) partition(ctx context.Context, v *writerVersion, name string) (*partitionWriter, error) {
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
		if id, err = w.createPartition(ctx, v, name); err != nil {
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

func (w *tableWriter) createPartition(ctx context.Context, v *writerVersion, name string) (ids.PartitionID, error) {
	if err := w.refresh(ctx); err != nil {
		return 0, err
	}
	if id, ok := w.meta.Load().partitions[name]; ok {
		return id, nil
	}
	if !w.opts.dynamicPartitions {
		return 0, errcode.New(errcode.UnknownPartition, nil, "%s has no partition %q, and the appender is not to create it", w.path, name)
	}
	values, err := partitionTexts(v.info, name)
	if err != nil {
		return 0, err
	}
	if _, err = w.c.Admin().CreatePartition(ctx, w.path, values, IfNotExists()); err != nil {
		return 0, err
	}
	if err = w.refresh(ctx); err != nil {
		return 0, err
	}
	id, ok := w.meta.Load().partitions[name]
	if !ok {
		return 0, errcode.New(errcode.UnknownPartition, nil, "partition %q of %s was created and is gone again", name, w.path)
	}
	return id, nil
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
func (w *tableWriter) flush(ctx context.Context, a *Appender) error {
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

// appendRow adds one row of a.
func (w *tableWriter) appendRow(ctx context.Context, a *Appender, row any) (Future, error) {
	v := w.version.Load()
	if w.whole != nil && v.hasher == nil {
		bw := w.whole.spread()
		f, size, err := bw.appendRow(a, v, row)
		w.whole.spent(size)
		return f, err
	}
	scratch := v.builder()
	defer v.free(scratch)
	if err := scratch.Append(row); err != nil {
		return Future{}, err
	}
	p := w.whole
	if p == nil {
		var err error
		if p, err = w.partitionOfRow(ctx, v, scratch); err != nil {
			return Future{}, err
		}
	}
	if v.hasher == nil {
		bw := p.spread()
		f, size := bw.copyRow(a, v, scratch)
		p.spent(size)
		return f, nil
	}
	b, err := v.bucketOfRow(scratch, len(p.buckets))
	if err != nil {
		return Future{}, err
	}
	f, _ := p.bucket(b).copyRow(a, v, scratch)
	return f, nil
}

// partitionOfRow finds the partition of the one row in scratch.
func (w *tableWriter) partitionOfRow(ctx context.Context, v *writerVersion, scratch *rowcodec.Builder) (*partitionWriter, error) {
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
	names, err := keys.PartitionNames(v.schema, v.info.Descriptor.PartitionKeys, rec)
	if err != nil {
		return nil, err
	}
	if p, err = w.partition(ctx, v, names[0]); err != nil {
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
	rec := scratch.Select(v.keySchema, v.keyColumns)
	defer rec.Release()
	var room [1]int32
	buckets, err := v.keyHasher.Buckets(rec, n, room[:0])
	if err != nil {
		return 0, err
	}
	return ids.BucketID(buckets[0]), nil
}

// appendRecord adds the rows of a batch of a.
func (w *tableWriter) appendRecord(ctx context.Context, a *Appender, rec arrow.RecordBatch) (Future, error) {
	v := w.version.Load()
	rec, err := v.shape.Conform(rec)
	if err != nil {
		return Future{}, err
	}
	defer rec.Release()
	if rec.NumRows() == 0 {
		return Future{}, nil
	}
	if w.whole != nil {
		return w.appendToPartition(a, v, w.whole, rec)
	}
	return w.appendPartitioned(ctx, a, v, rec)
}

func (w *tableWriter) appendPartitioned(ctx context.Context, a *Appender, v *writerVersion, rec arrow.RecordBatch) (Future, error) {
	names, err := keys.PartitionNames(v.schema, v.info.Descriptor.PartitionKeys, rec)
	if err != nil {
		return Future{}, err
	}
	ordinals := make([]int32, len(names))
	index := map[string]int32{}
	var partitions []*partitionWriter
	for i, name := range names {
		n, ok := index[name]
		if !ok {
			p, err := w.partition(ctx, v, name)
			if err != nil {
				return Future{}, err
			}
			n = int32(len(partitions)) //nolint:gosec // at most as many as rows
			partitions = append(partitions, p)
			index[name] = n
		}
		ordinals[i] = n
	}
	parts, err := keys.SplitByBucket(rec, ordinals)
	if err != nil {
		return Future{}, err
	}
	defer releaseParts(parts)
	var all Future
	for _, part := range parts {
		f, err := w.appendToPartition(a, v, partitions[part.Bucket], part.Rec)
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

func (w *tableWriter) appendToPartition(a *Appender, v *writerVersion, p *partitionWriter, rec arrow.RecordBatch) (Future, error) {
	if v.hasher == nil {
		f, size, err := p.spread().appendRecord(a, v, rec)
		p.spent(size)
		return f, err
	}
	if len(p.buckets) == 1 {
		f, _, err := p.bucket(0).appendRecord(a, v, rec)
		return f, err
	}
	buckets, err := v.hasher.Buckets(rec, len(p.buckets), nil)
	if err != nil {
		return Future{}, err
	}
	parts, err := keys.SplitByBucket(rec, buckets)
	if err != nil {
		return Future{}, err
	}
	defer releaseParts(parts)
	var all Future
	for _, part := range parts {
		f, _, err := p.bucket(ids.BucketID(part.Bucket)).appendRecord(a, v, part.Rec)
		if err != nil {
			return all, err
		}
		all = all.and(f)
	}
	return all, nil
}

// and joins the futures of two parts of one append.
func (f Future) and(g Future) Future {
	if f.batch == nil {
		return g
	}
	if g.batch != nil {
		more := g.more
		g.more = nil
		f.more = append(append(f.more, g), more...)
	}
	return f
}
