package sdk_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/flight/codec"
	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/proto/table"
	"github.com/fluss-go/fluss/sdk/internal/rowcodec"
)

// keyedOp is one row of a write to a primary-key table, as the fake server got it.
type keyedOp struct {
	kind    flussv1.WriteKind
	change  batch.ChangeType
	values  map[string]any
	targets []int32
	mode    flussv1.MergeMode
}

// createKeyed creates a primary-key table.
func (f *fakeServer) createKeyed(t testing.TB, name, columns string, d table.Descriptor, key ...string) {
	t.Helper()
	fields, err := schema.ParseColumns(columns)
	require.NoError(t, err)
	d.Schema, err = schema.New(fields, key)
	require.NoError(t, err)
	normal, err := d.Normalize(1, table.Limits{MaxBuckets: 100})
	require.NoError(t, err)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.infos[name] = &flussv1.TableInfo{
		Path: &flussv1.TablePath{Database: "fluss", Table: name}, TableId: int64(len(f.infos) + 1), Descriptor_: normal.Proto(),
		Schemas: []*flussv1.Schema{normal.Schema.Proto()}, Version: 1,
	}
}

func (f *fakeServer) infoByID(id ids.TableID) *table.Info {
	for _, info := range f.infos {
		if info.GetTableId() == int64(id) {
			out, err := table.NewInfo(info)
			if err != nil {
				panic(err)
			}
			return out
		}
	}
	return nil
}

func mustDecode(l *batch.Layout, b []byte) arrow.RecordBatch {
	h, err := batch.ParseHeader(b)
	if err != nil {
		panic(err)
	}
	var meta batch.Meta
	if err = batch.ParseMeta(b[batch.HeaderSize:batch.HeaderSize+int(h.MetadataBytes)], &meta); err != nil {
		panic(err)
	}
	rec, err := batch.Decode(l, &meta, b[len(b)-int(h.BodyBytes):], batch.DecodeOptions{Validate: true})
	if err != nil {
		panic(err)
	}
	return rec
}

// applyKeyed writes a batch to a primary-key table as the last-row engine does,
// and returns the number of changes; mu is held.
func (f *fakeServer) applyKeyed(b *fakeBucket, r *codec.WriteRequest, h batch.Header) int {
	info := f.infoByID(r.Table)
	s, ok := info.SchemaByID(h.SchemaID)
	if !ok {
		panic("no such schema")
	}
	var targets []ids.FieldID
	for _, id := range r.TargetColumns {
		targets = append(targets, ids.FieldID(id))
	}
	fields := info.KeyFields(s)
	if r.Kind == flussv1.WriteKind_WRITE_KIND_UPSERT {
		var err error
		if fields, err = info.WriteFields(s, targets); err != nil {
			panic(err)
		}
	}
	l := batch.NewLayout(fields)
	if h.Flags&batch.FlagChangeTypes != 0 {
		l = l.WithChangeTypes()
	}
	rec := mustDecode(l, r.Batch)
	if b.rows == nil {
		b.rows = map[string]map[string]any{}
	}
	changes := 0
	for i := range int(rec.NumRows()) {
		op := keyedOp{kind: r.Kind, values: map[string]any{}, targets: r.TargetColumns, mode: r.MergeMode}
		for c := range fields {
			op.values[fields[c].Name] = rowcodec.Value(rec.Column(c), i)
		}
		if h.Flags&batch.FlagChangeTypes != 0 {
			op.change = batch.ChangeType(rowcodec.Value(rec.Column(len(fields)), i).(int8))
		}
		b.ops = append(b.ops, op)
		changes += b.put(op, s.PrimaryKey)
	}
	return changes
}

func (b *fakeBucket) put(op keyedOp, primaryKey []string) int {
	key := keyText(op.values, primaryKey)
	old := b.rows[key]
	if op.kind == flussv1.WriteKind_WRITE_KIND_DELETE || op.change == batch.Delete {
		delete(b.rows, key)
		return min(1, len(old))
	}
	next := map[string]any{}
	for name, v := range old {
		next[name] = v
	}
	for name, v := range op.values {
		next[name] = v
	}
	b.rows[key] = next
	return 1 + min(1, len(old))
}

func keyText(values map[string]any, names []string) string {
	parts := make([]string, len(names))
	for i, name := range names {
		parts[i] = fmt.Sprint(values[name])
	}
	return strings.Join(parts, "|")
}

// Lookup implements flussv1.LookupServer.
func (f *fakeServer) Lookup(ctx context.Context, r *flussv1.LookupRequest) (*flussv1.LookupResponse, error) {
	f.mu.Lock()
	f.lookups = append(f.lookups, r)
	n := len(f.lookups)
	decide, delay := f.lookupFate, f.lookupDelay
	f.mu.Unlock()
	if delay > 0 {
		select {
		case <-time.After(delay):
		case <-ctx.Done():
			return nil, errcode.ToStatus(errcode.From(ctx.Err()))
		}
	}
	if decide != nil {
		if code := decide(n, r); code != "" {
			return nil, errcode.ToStatus(errcode.New(code, nil, "refused by the test"))
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	resp, err := f.lookup(r)
	if err != nil {
		return nil, errcode.ToStatus(err)
	}
	if f.garble != nil {
		f.garble(resp)
	}
	return resp, nil
}

func (f *fakeServer) lookup(r *flussv1.LookupRequest) (*flussv1.LookupResponse, error) {
	info := f.infoByID(ids.TableID(r.GetTableId()))
	if info == nil {
		return nil, errcode.New(errcode.UnknownTable, nil, "there is no table %d", r.GetTableId())
	}
	s, ok := info.SchemaByID(ids.SchemaID(r.GetSchemaId()))
	if !ok || s.ID < f.oldestSchema {
		return nil, errcode.New(errcode.UnknownSchema, nil, "there is no schema %d", r.GetSchemaId())
	}
	keyFields := fieldsByID(s, r.GetKeyColumns())
	want := s.Columns
	if len(r.GetColumns()) > 0 {
		want = fieldsByID(s, r.GetColumns())
	}
	for i := range want {
		want[i].Type.Nullable = true
	}
	rows := rowcodec.NewBuilder(rowcodec.NewShape(want))
	resp := &flussv1.LookupResponse{SchemaId: r.GetSchemaId()}
	for _, k := range r.GetBuckets() {
		id := ids.Bucket{Table: info.ID, Partition: ids.PartitionID(k.GetPartitionId()), Bucket: ids.BucketID(k.GetBucket())}
		if id.Partition != 0 && !slices.ContainsFunc(f.parts[info.Path.Table], func(p *flussv1.PartitionInfo) bool { return p.GetPartitionId() == k.GetPartitionId() }) {
			return nil, errcode.New(errcode.UnknownPartition, nil, "there is no partition %d", id.Partition)
		}
		keys := mustDecode(batch.NewLayout(keyFields), k.GetKeys())
		for i := range int(keys.NumRows()) {
			resp.RowCounts = append(resp.RowCounts, f.find(info, id, keys, i, r, want, rows))
		}
		keys.Release()
	}
	if f.mostRows > 0 && rows.Rows() > f.mostRows {
		return nil, errcode.New(errcode.LimitExceeded, nil, "too many rows")
	}
	if rows.Rows() > 0 {
		var err error
		if resp.Rows, err = batch.NewEncoder(batch.NewLayout(want), batch.EncoderOptions{}).Encode(nil, rows.Record(), batch.EncodeInfo{SchemaID: s.ID}); err != nil {
			panic(err)
		}
	}
	return resp, nil
}

// find adds the rows of key i to rows and returns how many there are.
func (f *fakeServer) find(info *table.Info, id ids.Bucket, keys arrow.RecordBatch, i int, r *flussv1.LookupRequest, want []schema.Field, rows *rowcodec.Builder) (n uint32) {
	b := f.buckets[id]
	if b == nil {
		b = &fakeBucket{writers: map[ids.WriterID]*fakeWriter{}}
		f.buckets[id] = b
	}
	if b.rows == nil {
		b.rows = map[string]map[string]any{}
	}
	given := map[string]any{}
	for c, field := range keys.Schema().Fields() {
		given[field.Name] = rowcodec.Value(keys.Column(c), i)
	}
	add := func(row map[string]any) {
		out := map[string]any{}
		for _, w := range want {
			out[w.Name] = row[w.Name]
		}
		if err := rows.Append(out); err != nil {
			panic(err)
		}
		n++
	}
	if !r.GetPrefix() {
		key := keyText(given, info.Schema().PrimaryKey)
		if b.rows[key] == nil && r.GetInsertIfAbsent() {
			b.rows[key] = given
		}
		if row := b.rows[key]; row != nil {
			add(row)
		}
		return n
	}
	var found []string
	for key, row := range b.rows {
		same := true
		for name, v := range given {
			same = same && fmt.Sprint(row[name]) == fmt.Sprint(v)
		}
		if same {
			found = append(found, key)
		}
	}
	slices.Sort(found)
	for _, key := range found {
		add(b.rows[key])
	}
	return n
}

func fieldsByID(s *schema.Schema, wanted []int32) (out []schema.Field) {
	for _, id := range wanted {
		at, ok := s.IndexByID(ids.FieldID(id))
		if !ok {
			panic("no such column")
		}
		out = append(out, s.Columns[at])
	}
	return out
}

// keyed returns the rows of all buckets of a primary-key table by key.
func (f *fakeServer) keyed() map[string]map[string]any {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := map[string]map[string]any{}
	for _, b := range f.buckets {
		for key, row := range b.rows {
			out[key] = row
		}
	}
	return out
}

// ops returns what was written to the buckets, in order in each.
func (f *fakeServer) ops() (out []keyedOp) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, b := range f.buckets {
		out = append(out, b.ops...)
	}
	return out
}

// CountRows implements flussv1.AdminServer.
func (f *fakeServer) CountRows(_ context.Context, r *flussv1.CountRowsRequest) (*flussv1.CountRowsResponse, error) {
	if len(r.GetPartitions()) > 0 {
		return nil, errcode.ToStatus(errcode.New(errcode.UnknownPartition, nil, "there is no partition %s", r.GetPartitions()[0]))
	}
	return &flussv1.CountRowsResponse{Rows: int64(len(f.keyed()))}, nil
}
