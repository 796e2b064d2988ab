package sdk

import (
	"context"
	"reflect"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/sdk/internal/rowcodec"
)

// LookupRows is the rows that a look-up found. It is safe for concurrent use but
// for Release.
type LookupRows struct {
	version *lookupVersion
	// record has the rows from from to to; nil when there are none.
	record   arrow.RecordBatch
	from, to int
}

// Len is the number of rows: by a whole key 0 or 1.
func (r *LookupRows) Len() int { return r.to - r.from }

// Record returns the rows, with the columns wanted, all nullable, in order of
// their keys. The caller releases it.
func (r *LookupRows) Record() arrow.RecordBatch {
	if r.record == nil {
		return r.version.empty()
	}
	return r.record.NewSlice(int64(r.from), int64(r.to))
}

// Release lets go of the rows, which share the memory of those that were found
// for others. Records that Record has returned stay valid.
func (r *LookupRows) Release() { r.record, r.from, r.to = nil, 0, 0 }

// firstRow names the one key in a scratch builder.
var firstRow = []int32{0}

// Lookup finds the rows with a key: a struct or map with its columns, of which
// others are not looked at, or a Key. No row is no error. It fails with
// INVALID_ARGUMENT and INVALID_BATCH for what is no key of the table, UNKNOWN_TABLE
// when that was dropped, and with CANCELED and DEADLINE_EXCEEDED when ctx ends first.
func (l *Lookuper) Lookup(ctx context.Context, key any) (*LookupRows, error) {
	rows, err := l.lookup(ctx, key)
	if err != nil {
		return nil, err
	}
	return &rows, nil
}

func (l *Lookuper) lookup(ctx context.Context, key any) (LookupRows, error) {
	if err := ctx.Err(); err != nil {
		return LookupRows{}, errcode.From(err)
	}
	v := l.version.Load()
	scratch := v.builder()
	defer v.free(scratch)
	if err := v.add(scratch, key); err != nil {
		return LookupRows{}, err
	}
	b, ok, err := l.bucketOf(ctx, v, scratch)
	if err != nil || !ok {
		return LookupRows{version: v}, err
	}
	call := newLookupCall(ctx, 1)
	l.submit(v, b, scratch, firstRow, call)
	ended, err := call.wait(ctx, l)
	if !ended {
		return LookupRows{}, err // the call's are still written to
	}
	rows := call.rows
	call.free()
	return rows, err
}

// LookupOne looks up the row with a key and reads it into a T, as Rows does; false
// when there is none. It fails as Lookup does, with UNKNOWN_COLUMN and
// INVALID_ARGUMENT when T does not fit the columns, and with INVALID_ARGUMENT when
// a prefix has several rows.
func LookupOne[T any](ctx context.Context, l *Lookuper, key any) (T, bool, error) {
	var row T
	found, err := l.lookup(ctx, key)
	if err != nil || found.Len() == 0 {
		return row, false, err
	}
	if n := found.Len(); n > 1 {
		return row, false, errcode.New(errcode.InvalidArgument, nil, "%d rows have the prefix: read them with LookupAll", n)
	}
	err = found.read(found.from, reflect.TypeFor[T](), unsafe.Pointer(&row))
	return row, err == nil, err
}

// LookupAll looks up the rows with a key, most useful with WithPrefix, and reads
// them into Ts. It fails as LookupOne does.
func LookupAll[T any](ctx context.Context, l *Lookuper, key any) ([]T, error) {
	found, err := l.lookup(ctx, key)
	if err != nil || found.Len() == 0 {
		return nil, err
	}
	rows := make([]T, found.Len())
	for i := range rows {
		if err := found.read(found.from+i, reflect.TypeFor[T](), unsafe.Pointer(&rows[i])); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// read reads row i of the record into what p points to, a value of t.
func (r *LookupRows) read(i int, t reflect.Type, p unsafe.Pointer) error {
	reader, err := r.version.reader(t)
	if err != nil {
		return err
	}
	return reader.Read(r.record, i, p)
}

// batchWindow is how many requests of one LookupBatch wait in lanes at a time, so
// that the look-ups of others get their turn.
const batchWindow = 4

// bulk is the keys of one LookupBatch that are of one bucket, or some of them.
type bulk struct {
	bucket ids.Bucket
	// rows are the places of the keys in the batch.
	rows []int32
	call *lookupCall
}

// LookupBatch finds the rows with the keys of an Arrow batch, which stays the
// caller's: columns are matched by name, and those that are not of the key are not
// looked at. rows, which the caller releases, has the columns wanted, all
// nullable; those of each key follow each other in the order of the keys, and
// counts has how many each key has: 0 or 1, more only by prefix. It fails as
// Lookup does.
func (l *Lookuper) LookupBatch(ctx context.Context, keys arrow.RecordBatch) (rows arrow.RecordBatch, counts []uint32, err error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, errcode.From(err)
	}
	v := l.version.Load()
	rec, err := v.keys.Conform(keys)
	if err != nil {
		return nil, nil, err
	}
	defer rec.Release()
	counts = make([]uint32, rec.NumRows())
	src := v.builder()
	defer v.free(src)
	if err := v.keys.AppendRecord(src, rec); err != nil {
		return nil, nil, err
	}
	waiting, err := l.bulks(ctx, v, rec)
	if err != nil {
		return nil, nil, err
	}
	g := gather{places: make([]rowcodec.Place, rec.NumRows()), counts: counts}
	if err := l.performBulks(ctx, v, src, waiting, &g); err != nil {
		return nil, nil, err
	}
	rows, err = g.record(v)
	return rows, counts, err
}

// bulks splits keys by bucket, and into requests. Those of partitions that do not
// exist are left out.
func (l *Lookuper) bulks(ctx context.Context, v *lookupVersion, rec arrow.RecordBatch) ([]*bulk, error) {
	n := int(rec.NumRows())
	if n == 0 {
		return nil, nil
	}
	buckets, err := v.hasher.Buckets(rec, v.buckets(), nil)
	if err != nil {
		return nil, err
	}
	var names []string
	if len(v.info.Descriptor.PartitionKeys) > 0 {
		if names, err = v.partitionNames(rec); err != nil {
			return nil, err
		}
	}
	partitions := map[string]ids.PartitionID{}
	open := map[ids.Bucket]*bulk{}
	var out []*bulk
	for i := range n {
		b := ids.Bucket{Table: v.info.ID, Bucket: ids.BucketID(buckets[i])}
		if names != nil {
			id, ok := partitions[names[i]]
			if !ok {
				if id, err = l.partition(ctx, names[i]); err != nil {
					return nil, err
				}
				partitions[names[i]] = id
			}
			if b.Partition = id; id == 0 {
				continue
			}
		}
		k := open[b]
		if k == nil || len(k.rows) == laneKeys {
			k = &bulk{bucket: b}
			open[b] = k
			out = append(out, k)
		}
		k.rows = append(k.rows, int32(i)) //nolint:gosec // rows of one batch
	}
	return out, nil
}

// performBulks looks up all that waits and adds the rows to g.
func (l *Lookuper) performBulks(ctx context.Context, v *lookupVersion, src *rowcodec.Builder, waiting []*bulk, g *gather) error {
	sent := 0
	for i := 0; i < len(waiting); i++ {
		for ; sent < len(waiting) && sent < i+batchWindow; sent++ {
			k := waiting[sent]
			k.call = newLookupCall(ctx, len(k.rows))
			l.submit(v, k.bucket, src, k.rows, k.call)
		}
		k := waiting[i]
		ended, err := k.call.wait(ctx, l)
		if err == nil {
			err = g.add(k)
		}
		if ended {
			k.call.free()
		}
		if half := len(k.rows) / 2; ended && half > 0 && errcode.Of(err) == errcode.LimitExceeded {
			// The rows of so many keys do not fit an answer.
			waiting = append(waiting, &bulk{bucket: k.bucket, rows: k.rows[:half]}, &bulk{bucket: k.bucket, rows: k.rows[half:]})
			err = nil
		}
		if err != nil {
			for _, other := range waiting[i+1 : sent] {
				other.call.gone.Store(true)
			}
			return err
		}
	}
	return nil
}

// gather puts the rows of answers into the order of their keys.
type gather struct {
	version *lookupVersion
	records []arrow.RecordBatch
	// places are those of the rows of each key.
	places []rowcodec.Place
	counts []uint32
}

func (g *gather) add(k *bulk) error {
	found := &k.call.rows
	if g.version != nil && found.record != nil && g.version != found.version {
		return errcode.New(errcode.Conflict, nil, "the table's columns changed while its rows were looked up: try again")
	}
	at := found.from
	for i, row := range k.rows {
		n := k.call.counts[i]
		g.counts[row] = n
		g.places[row] = rowcodec.Place{Record: len(g.records), From: at, Rows: int(n)}
		at += int(n)
	}
	if found.record != nil {
		g.version = found.version
		g.records = append(g.records, found.record)
	}
	return nil
}

// record returns all rows.
func (g *gather) record(v *lookupVersion) (arrow.RecordBatch, error) {
	if g.version == nil {
		return v.empty(), nil
	}
	return g.version.answer.Gather(g.records, g.places)
}

// empty returns no rows.
func (v *lookupVersion) empty() arrow.RecordBatch {
	b := array.NewRecordBuilder(memory.DefaultAllocator, v.layout.Schema())
	defer b.Release()
	return b.NewRecordBatch()
}
