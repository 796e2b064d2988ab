package flight_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/flight"
	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/keys"
	"github.com/fluss-go/fluss/proto/schema"
)

// keyedColumns are those of the primary-key tables here; the key is (g, id).
const keyedColumns = "note STRING, g INT NOT NULL, id INT NOT NULL, n INT"

// keyedRow is a row of them.
type keyedRow struct {
	note     string
	g, id, n int32
}

func (r keyedRow) String() string { return fmt.Sprintf("%s|%d|%d|%d", r.note, r.g, r.id, r.n) }

// less orders rows by key.
func (r keyedRow) compare(o keyedRow) int {
	if r.g != o.g {
		return int(r.g) - int(o.g)
	}
	return int(r.id) - int(o.id)
}

func (r keyedRow) key() [2]int32 { return [2]int32{r.g, r.id} }

// change is a row of a changelog.
type change struct {
	keyedRow
	kind batch.ChangeType
}

// keyedBucket is a bucket of a primary-key table in memory.
type keyedBucket struct {
	log    *memLog
	schema *schema.Schema

	mu   sync.Mutex // guards all below
	rows map[[2]int32]keyedRow
	// most bounds the rows of a batch that a cursor returns; 0 does not.
	most int
	// opened counts the snapshots that were taken, open those that are not closed,
	// read the rows that cursors returned.
	opened, open, read int
	scans              []flight.RowScan
}

// createKeyed makes a primary-key table.
func (s *memSource) createKeyed(t testing.TB, name string, buckets int) (*flight.Table, []*keyedBucket) {
	t.Helper()
	f, err := schema.ParseColumns(keyedColumns)
	require.NoError(t, err)
	sch, err := schema.New(f, []string{"g", "id"})
	require.NoError(t, err)
	tab := s.create(t, name, buckets, sch)
	tab.Info.Descriptor.BucketKeys = []string{"g"}
	var out []*keyedBucket
	for b := range buckets {
		ref := ids.Bucket{Table: tab.Info.ID, Bucket: ids.BucketID(b)}
		s.keyed[ref] = &keyedBucket{log: s.logs[ref], schema: sch, rows: map[[2]int32]keyedRow{}}
		out = append(out, s.keyed[ref])
	}
	return tab, out
}

func (s *memSource) Rows(_ context.Context, b ids.Bucket) (flight.Rows, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, ok := s.keyed[b]
	if !ok {
		return nil, errcode.New(errcode.UnknownBucket, nil, "there is no %s", b)
	}
	return k.snapshot(), nil
}

// set upserts rows as one batch of changes.
func (k *keyedBucket) set(t testing.TB, rows ...keyedRow) {
	var changes []change
	for _, r := range rows {
		old, ok := k.rows[r.key()]
		if ok {
			changes = append(changes, change{old, batch.UpdateBefore}, change{r, batch.UpdateAfter})
		} else {
			changes = append(changes, change{r, batch.Insert})
		}
		k.mu.Lock()
		k.rows[r.key()] = r
		k.mu.Unlock()
	}
	k.append(t, changes)
}

// remove deletes the rows with the keys, which are there.
func (k *keyedBucket) remove(t testing.TB, keys ...[2]int32) {
	var changes []change
	for _, key := range keys {
		changes = append(changes, change{k.rows[key], batch.Delete})
		k.mu.Lock()
		delete(k.rows, key)
		k.mu.Unlock()
	}
	k.append(t, changes)
}

func (k *keyedBucket) append(t testing.TB, changes []change) {
	layout := batch.NewLayout(k.schema.Columns).WithChangeTypes()
	b := array.NewRecordBuilder(memory.DefaultAllocator, layout.Schema())
	defer b.Release()
	for _, c := range changes {
		for i := range 4 {
			appendKeyed(b.Field(i), k.schema.Columns[i].Name, c.keyedRow)
		}
		b.Field(4).(*array.Int8Builder).Append(int8(c.kind))
	}
	k.log.appendAs(t, layout, k.schema.ID, b.NewRecordBatch(), batch.Codec(len(changes)%3), 1000)
}

func appendKeyed(b array.Builder, column string, r keyedRow) {
	switch column {
	case "note":
		b.(*array.StringBuilder).Append(r.note)
	case "g":
		b.(*array.Int32Builder).Append(r.g)
	case "id":
		b.(*array.Int32Builder).Append(r.id)
	default:
		b.(*array.Int32Builder).Append(r.n)
	}
}

type memRows struct {
	bucket *keyedBucket
	rows   []keyedRow
	keys   [][]byte
	offset ids.Offset
}

func (k *keyedBucket) snapshot() *memRows {
	k.mu.Lock()
	defer k.mu.Unlock()
	r := &memRows{bucket: k, offset: k.log.HighWatermark()}
	for _, row := range k.rows {
		r.rows = append(r.rows, row)
	}
	slices.SortFunc(r.rows, keyedRow.compare)
	fields := []schema.Field{k.schema.Columns[1], k.schema.Columns[2]}
	e, _ := keys.NewKeyEncoder(fields, []string{"g", "id"})
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema.ArrowFields(fields))
	for _, row := range r.rows {
		b.Field(0).(*array.Int32Builder).Append(row.g)
		b.Field(1).(*array.Int32Builder).Append(row.id)
	}
	var out keys.Keys
	_ = e.Encode(b.NewRecordBatch(), &out)
	for i := range out.Len() {
		r.keys = append(r.keys, bytes.Clone(out.At(i)))
	}
	k.opened++
	k.open++
	return r
}

func (r *memRows) Offset() ids.Offset { return r.offset }
func (r *memRows) Count() int64       { return int64(len(r.rows)) }
func (r *memRows) Close()             { r.bucket.mu.Lock(); r.bucket.open--; r.bucket.mu.Unlock() }

func (r *memRows) Scan(s flight.RowScan) (flight.RowCursor, error) {
	r.bucket.mu.Lock()
	defer r.bucket.mu.Unlock()
	r.bucket.scans = append(r.bucket.scans, s)
	r.bucket.open++
	at := 0
	for at < len(r.keys) && (s.After != nil && bytes.Compare(r.keys[at], s.After) <= 0 || bytes.Compare(r.keys[at], s.From) < 0) {
		at++
	}
	return &memRowCursor{r, s, at}, nil
}

type memRowCursor struct {
	rows *memRows
	scan flight.RowScan
	at   int
}

func (c *memRowCursor) Close() { c.rows.Close() }

func (c *memRowCursor) Next(maxRows, _ int) (flight.Batch, []byte, error) {
	k := c.rows.bucket
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.most > 0 {
		maxRows = min(maxRows, k.most)
	}
	layout := batch.NewLayout(c.scan.Schema.Columns)
	b := array.NewRecordBuilder(memory.DefaultAllocator, layout.Schema())
	n := 0
	for n < maxRows && c.at < len(c.rows.rows) && (c.scan.To == nil || bytes.Compare(c.rows.keys[c.at], c.scan.To) < 0) {
		for i, f := range c.scan.Schema.Columns {
			appendKeyed(b.Field(i), f.Name, c.rows.rows[c.at])
		}
		c.at++
		n++
	}
	if n == 0 {
		return nil, nil, nil
	}
	k.read += n
	rec := b.NewRecordBatch()
	rec = array.NewRecordBatch(rec.Schema(), rec.Columns(), int64(n))
	bytes, err := batch.NewEncoder(layout, batch.EncoderOptions{}).Encode(nil, rec, batch.EncodeInfo{SchemaID: c.scan.Schema.ID})
	if err != nil {
		return nil, nil, err
	}
	h, err := batch.ParseHeader(bytes)
	if err != nil {
		return nil, nil, err
	}
	v, err := batch.ParseView(bytes, layout)
	return &memBatch{&memLog{}, &stored{bytes, h, layout}, v}, c.rows.keys[c.at-1], err
}

// series returns the rows with the ids [from, to) in the groups 0 and 1.
func series(from, to int32) []keyedRow {
	var out []keyedRow
	for i := from; i < to; i++ {
		out = append(out, keyedRow{fmt.Sprint("note ", i), i % 2, i, i * 10})
	}
	return out
}

func texts(rows []keyedRow) []string {
	rows = slices.SortedFunc(slices.Values(rows), keyedRow.compare)
	out := make([]string, len(rows))
	for i, r := range rows {
		out[i] = r.String()
	}
	return out
}
