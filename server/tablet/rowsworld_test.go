package tablet

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/batch"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/proto/table"
	"github.com/fluss-go/fluss/server/row"
)

// values are those of a row by field id; nulls are left out.
type values map[ids.FieldID]any

// of returns v without columns that s does not have.
func (v values) of(s *schema.Schema) values {
	v = maps.Clone(v)
	maps.DeleteFunc(v, func(id ids.FieldID, _ any) bool { _, ok := s.IndexByID(id); return !ok })
	return v
}

// The columns of the tables of a rowsWorld; more come and go.
const (
	fieldID      ids.FieldID = 1 + iota // INT, in the key
	fieldName                           // STRING, in the key
	fieldCount                          // BIGINT
	fieldText                           // STRING
	fieldVersion                        // BIGINT
	firstAdded
)

// change is one row of an upsert.
type change struct {
	row    values
	remove bool
}

// op is what was sent, so that it can be sent again.
type op struct {
	schema  *schema.Schema
	upsert  Upsert
	changes []change
	seq     ids.Sequence
	// alter is a new descriptor, instead of an upsert; checkpoint is neither.
	alter *flussv1.TableInfo
}

// rowsWorld makes random changes of one bucket of a primary-key table and knows
// what must come of them.
type rowsWorld struct {
	t      *testing.T
	rng    *rand.Rand
	clock  *manualClock
	engine table.MergeEngine
	wal    bool // table.changelog.image
	// faults says that the disk may fail, stopped that it did.
	faults, stopped bool

	mu sync.Mutex // guards changes of the state against a crash in the middle
	rowsState
}

// rowsState is what has been answered; it is replaced, not changed.
type rowsState struct {
	info *flussv1.TableInfo
	rows map[string]values // by the text of the key
	end  ids.Offset
	seq  ids.Sequence
	// pending was sent and not answered yet.
	pending *op
}

func newRowsWorld(t *testing.T, seed, stream uint64) *rowsWorld {
	w := &rowsWorld{t: t, rng: rand.New(rand.NewPCG(seed, stream)), clock: newManualClock()}
	w.engine = []table.MergeEngine{table.LastRow, table.FirstRow, table.Versioned, table.Aggregation}[stream%4]
	w.wal = w.engine != table.Aggregation && w.rng.IntN(3) == 0
	column := func(id ids.FieldID, name string, k schema.Kind) schema.Field {
		return schema.Field{ID: id, Name: name, Type: schema.Of(k)}
	}
	s := &schema.Schema{ID: 1, HighestFieldID: firstAdded - 1, PrimaryKey: []string{"id", "name"}, Columns: []schema.Field{
		column(fieldID, "id", schema.Int), column(fieldName, "name", schema.String), column(fieldCount, "count", schema.BigInt),
		column(fieldText, "text", schema.String), column(fieldVersion, "version", schema.BigInt),
	}}
	for i := range 2 {
		s.Columns[i].Type.Nullable = false
	}
	d := &table.Descriptor{Schema: s, BucketCount: 1, BucketKeys: []string{"id", "name"}, Properties: map[string]string{
		"table.log.segment-size": "64kb", "table.merge-engine": string(w.engine), "table.log.arrow.compression.type": "NONE",
	}, Custom: map[string]string{}}
	if w.wal {
		d.Properties["table.changelog.image"] = "WAL"
	}
	switch w.engine {
	case table.Versioned:
		d.Properties["table.merge-engine.versioned.ver-column"] = "version"
	case table.Aggregation:
		d.Custom["fields.count.agg"], d.Custom["fields.version.agg"] = "sum", "max"
		d.Properties["table.delete.behavior"] = "ALLOW"
	default:
	}
	w.rows = map[string]values{}
	w.info = &flussv1.TableInfo{
		Path: &flussv1.TablePath{Database: "db", Table: "t"}, TableId: 1, Version: 1, Descriptor_: d.Proto(), Schemas: []*flussv1.Schema{s.Proto()},
	}
	return w
}

func (w *rowsWorld) schema() *schema.Schema {
	s, err := schema.FromProto(w.info.GetDescriptor_().GetSchema())
	require.NoError(w.t, err)
	return s
}

func keyText(v values) string { return fmt.Sprint(v[fieldID], "/", v[fieldName]) }

// merge is the model of the merge engines. targets are the columns written,
// whole says that the others become null.
func (w *rowsWorld) merge(old values, c change, targets []ids.FieldID, whole bool) (after values, keep bool) {
	if c.remove {
		deletes := w.engine == table.LastRow || w.engine == table.Aggregation
		return nil, old == nil || !deletes
	}
	switch w.engine {
	case table.FirstRow:
		if old != nil {
			return nil, true
		}
	case table.Versioned:
		if v, ok := c.row[fieldVersion]; old != nil {
			stored, has := old[fieldVersion]
			if !ok || has && v.(int64) < stored.(int64) {
				return nil, true
			}
		}
	default:
	}
	if after = maps.Clone(old); after == nil || whole && w.engine != table.Aggregation {
		after = values{}
	}
	for _, id := range targets {
		v, ok := c.row[id]
		if w.engine == table.Aggregation && id > fieldName {
			was, had := old[id]
			switch {
			case !ok:
				continue
			case had && id == fieldCount:
				v = was.(int64) + v.(int64)
			case had && id == fieldVersion:
				v = max(was.(int64), v.(int64))
			}
		}
		if ok {
			after[id] = v
		} else {
			delete(after, id)
		}
	}
	return after, false
}

// fold returns what o makes of the rows, and how many changes that is.
func (w *rowsWorld) fold(o *op) (rows map[string]values, n ids.Offset) {
	rows = maps.Clone(w.rows)
	targets := o.upsert.Targets
	whole := len(targets) == 0
	if whole {
		for _, c := range o.schema.Columns {
			targets = append(targets, c.ID)
		}
	}
	live := w.schema()
	for _, c := range o.changes {
		key := keyText(c.row)
		old := rows[key]
		after, keep := w.merge(old, c, targets, whole)
		if keep {
			continue
		}
		if after == nil {
			n++
			delete(rows, key)
			continue
		}
		after = after.of(live) // columns that are gone are forgotten at the next write
		if w.engine == table.Aggregation && old != nil && maps.Equal(after, old.of(live)) {
			continue // nothing to add up
		}
		n++
		if old != nil && !w.wal {
			n++
		}
		rows[key] = after
	}
	return rows, n
}

// draw makes a random upsert.
func (w *rowsWorld) draw() *op {
	s := w.schema()
	if len(w.info.GetSchemas()) > 1 && w.rng.IntN(4) == 0 { // a client that has not heard of the newest
		older, err := schema.FromProto(w.info.GetSchemas()[w.rng.IntN(len(w.info.GetSchemas()))])
		require.NoError(w.t, err)
		s = older
	}
	o := &op{schema: s, seq: w.seq, upsert: Upsert{Bucket: bucket1}}
	if w.rng.IntN(3) == 0 && (w.engine == table.LastRow || w.engine == table.Aggregation) {
		o.upsert.Targets = []ids.FieldID{fieldID, fieldName}
		for _, c := range s.Columns[2:] {
			if w.rng.IntN(2) == 0 {
				o.upsert.Targets = append(o.upsert.Targets, c.ID)
			}
		}
	}
	if w.rng.IntN(6) == 0 {
		o.upsert.Kind, o.upsert.Targets = DeleteKeys, nil
	}
	for range 1 + w.rng.IntN(12) {
		v := values{fieldID: int32(w.rng.IntN(12)) - 3, fieldName: []string{"", "a", "b\x00"}[w.rng.IntN(3)]}
		for _, c := range s.Columns[2:] {
			if w.rng.IntN(5) == 0 {
				continue
			}
			if v[c.ID] = int64(w.rng.IntN(50)); c.Type.Kind == schema.String {
				v[c.ID] = fmt.Sprint("text", w.rng.IntN(50))
			}
		}
		remove := o.upsert.Kind == DeleteKeys || len(o.upsert.Targets) == 0 && w.rng.IntN(5) == 0
		o.changes = append(o.changes, change{v, remove})
	}
	w.encode(o)
	return o
}

// encode makes the batch of o.
func (w *rowsWorld) encode(o *op) {
	info, err := table.NewInfo(w.info)
	require.NoError(w.t, err)
	fields := info.KeyFields(o.schema)
	if o.upsert.Kind != DeleteKeys {
		fields, err = info.WriteFields(o.schema, o.upsert.Targets)
		require.NoError(w.t, err)
	}
	layout := batch.NewLayout(fields)
	types := o.upsert.Kind != DeleteKeys && slices.ContainsFunc(o.changes, func(c change) bool { return c.remove })
	if types {
		layout = layout.WithChangeTypes()
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, layout.Schema())
	defer b.Release()
	for _, c := range o.changes {
		for i, f := range fields {
			v, ok := c.row[f.ID]
			if c.remove && f.ID > fieldName || !ok {
				b.Field(i).AppendNull()
				continue
			}
			appendValue(b.Field(i), v)
		}
		if types {
			t := batch.UpdateAfter
			if c.remove {
				t = batch.Delete
			}
			b.Field(len(fields)).(*array.Int8Builder).Append(int8(t))
		}
	}
	rec := b.NewRecordBatch()
	defer rec.Release()
	o.upsert.Batch, err = batch.NewEncoder(layout, batch.EncoderOptions{}).Encode(nil, rec,
		batch.EncodeInfo{SchemaID: o.schema.ID, WriterID: 7, Sequence: o.seq})
	require.NoError(w.t, err)
}

func appendValue(b array.Builder, v any) {
	switch b := b.(type) {
	case *array.Int32Builder:
		b.Append(v.(int32))
	case *array.Int64Builder:
		b.Append(v.(int64))
	case *array.StringBuilder:
		b.Append(v.(string))
	}
}

// alter makes the descriptor of the next schema version.
func (w *rowsWorld) alter() *op {
	s := w.schema()
	next := &schema.Schema{ID: s.ID + 1, Columns: slices.Clone(s.Columns), PrimaryKey: slices.Clone(s.PrimaryKey), HighestFieldID: s.HighestFieldID}
	added := slices.IndexFunc(next.Columns, func(f schema.Field) bool { return f.ID >= firstAdded })
	switch n := w.rng.IntN(3); {
	case n == 0 && added >= 0:
		next.Columns = slices.Delete(next.Columns, added, added+1)
	case n == 1 && added >= 0:
		next.Columns[added].Name = fmt.Sprint("renamed", next.ID)
	default:
		next.HighestFieldID++
		next.Columns = append(next.Columns, schema.Field{ID: next.HighestFieldID, Name: fmt.Sprint("added", next.ID), Type: schema.Of(schema.BigInt)})
	}
	d, err := table.FromProto(w.info.GetDescriptor_())
	require.NoError(w.t, err)
	d.Schema = next
	return &op{alter: &flussv1.TableInfo{
		Path: w.info.GetPath(), TableId: 1, Version: w.info.GetVersion() + 1, Descriptor_: d.Proto(),
		Schemas: append(slices.Clone(w.info.GetSchemas()), next.Proto()),
	}}
}

// step does one thing; what is not answered is pending.
func (w *rowsWorld) step(h *Host) {
	switch n := w.rng.IntN(30); {
	case n < 3:
		if err := h.Checkpoint(context.Background()); err != nil {
			w.t.Logf("checkpoint: %v", err)
		}
		return
	case n == 3 && len(w.info.GetSchemas()) < 12:
		w.become(func(s *rowsState) { s.pending = w.alter() })
	case n < 6 && !w.faults:
		w.check(h)
		return
	default:
		w.become(func(s *rowsState) { s.pending = w.draw() })
	}
	w.send(h)
}

// send sends what is pending, which may have been applied before, and folds it
// into the model once it is answered. It must be answered as if for the first time.
func (w *rowsWorld) send(h *Host) {
	o := w.pending
	if o == nil {
		return
	}
	tab := tabletOf(w.t, h, 1)
	if o.alter != nil {
		if err := tab.UpdateTable(context.Background(), o.alter); w.fails(err) {
			return
		}
		w.become(func(s *rowsState) { s.info, s.pending = o.alter, nil })
		return
	}
	rows, n := w.fold(o)
	for range 1 + w.rng.IntN(2) {
		r := upsertNow(tab, o.upsert)
		if w.fails(r.Err) {
			return
		}
		require.Equal(w.t, AppendResult{Base: w.end, End: w.end + n}, r)
	}
	w.become(func(s *rowsState) {
		s.rows, s.pending = rows, nil
		s.end += n
		s.seq++
	})
}

// fails reports whether err is one that the disk may be the reason of.
func (w *rowsWorld) fails(err error) bool {
	if err == nil {
		return false
	}
	require.True(w.t, w.faults, "%v", err)
	w.stopped = true
	return true
}

func (w *rowsWorld) become(change func(*rowsState)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(&w.rowsState)
}

func upsertNow(tab *Tablet, u Upsert) AppendResult {
	ch := make(chan AppendResult, 1)
	if err := tab.Upsert(context.Background(), u, func(r AppendResult) { ch <- r }); err != nil {
		return AppendResult{Err: err}
	}
	return <-ch
}

// check compares rows, look-ups, the count and the folded changelog with the model.
func (w *rowsWorld) check(h *Host) {
	tab := tabletOf(w.t, h, 1)
	rows, err := tab.Rows(bucket1)
	require.NoError(w.t, err)
	defer rows.Close()
	require.Equal(w.t, w.end, rows.Offset())
	require.EqualValues(w.t, len(w.rows), rows.Count())
	it, err := rows.Iterate(nil, nil)
	require.NoError(w.t, err)
	defer it.Close()
	got := map[string]values{}
	var found [][]byte
	for it.Next() {
		v := w.read(it.Row())
		got[keyText(v)] = v
		found = append(found, slices.Clone(it.Key()))
	}
	require.NoError(w.t, it.Err())
	require.True(w.t, slices.IsSortedFunc(found, func(a, b []byte) int { return cmp.Compare(string(a), string(b)) }))
	require.Equal(w.t, w.visible(), got)
	require.NoError(w.t, tab.Lookup(bucket1, append(found, []byte("none")), func(i int, r []byte) error {
		if i == len(found) {
			require.Nil(w.t, r)
			return nil
		}
		v := w.read(r)
		require.Equal(w.t, got[keyText(v)], v)
		return nil
	}))
	require.Equal(w.t, w.visible(), w.foldLog(tab))
}

// visible is the model without columns that were dropped.
func (w *rowsWorld) visible() map[string]values {
	s := w.schema()
	out := map[string]values{}
	for key, v := range w.rows {
		out[key] = v.of(s)
	}
	return out
}

// read decodes a row in the newest schema.
func (w *rowsWorld) read(r []byte) values {
	s := w.schema()
	id, err := row.SchemaID(r)
	require.NoError(w.t, err)
	i := slices.IndexFunc(w.info.GetSchemas(), func(p *flussv1.Schema) bool { return ids.SchemaID(p.GetId()) == id })
	stored, err := schema.FromProto(w.info.GetSchemas()[i])
	require.NoError(w.t, err)
	c := row.NewCollector(s.Columns)
	require.NoError(w.t, c.Add(row.NewFormat(stored), r))
	rec := c.Record()
	defer rec.Release()
	return valuesAt(rec, s.Columns, 0)
}

func valuesAt(rec arrow.RecordBatch, fields []schema.Field, i int) values {
	v := values{}
	for c, f := range fields {
		if col := rec.Column(c); !col.IsNull(i) {
			switch a := col.(type) {
			case *array.Int32:
				v[f.ID] = a.Value(i)
			case *array.Int64:
				v[f.ID] = a.Value(i)
			case *array.String:
				v[f.ID] = string([]byte(a.Value(i)))
			}
		}
	}
	return v
}

// foldLog folds the changelog, and checks that each change fits what is before it.
func (w *rowsWorld) foldLog(tab *Tablet) map[string]values {
	l, err := tab.Log(bucket1)
	require.NoError(w.t, err)
	c, err := l.Cursor(l.Start())
	require.NoError(w.t, err)
	defer c.Close()
	rows, at := map[string]values{}, ids.Offset(0)
	for {
		b, err := c.Next()
		require.NoError(w.t, err)
		if b == nil {
			break
		}
		h := b.Header()
		require.Equal(w.t, at, h.BaseOffset)
		at = h.EndOffset()
		body, err := b.ReadColumns(nil)
		require.NoError(w.t, err)
		var meta batch.Meta
		b.View().Meta(&meta)
		fields := w.fieldsOf(h.SchemaID)
		rec, err := batch.Decode(batch.NewLayout(fields).WithChangeTypes(), &meta, body.Materialize(), batch.DecodeOptions{Validate: true})
		require.NoError(w.t, err)
		types := rec.Column(len(fields)).(*array.Int8)
		for i := range int(rec.NumRows()) {
			w.foldChange(rows, batch.ChangeType(types.Value(i)), valuesAt(rec, fields, i), fields)
		}
		rec.Release()
		body.Free()
		b.Release()
	}
	require.Equal(w.t, w.end, at)
	s := w.schema()
	for key, v := range rows {
		rows[key] = v.of(s)
	}
	return rows
}

func (w *rowsWorld) fieldsOf(id ids.SchemaID) []schema.Field {
	for _, p := range w.info.GetSchemas() {
		if ids.SchemaID(p.GetId()) == id {
			s, err := schema.FromProto(p)
			require.NoError(w.t, err)
			return s.Columns
		}
	}
	w.t.Fatalf("no schema %d", id)
	return nil
}

func (w *rowsWorld) foldChange(rows map[string]values, c batch.ChangeType, v values, fields []schema.Field) {
	key := keyText(v)
	old, had := rows[key]
	if c == batch.UpdateBefore || c == batch.Delete {
		require.True(w.t, had, "%s of %s, which is not there", c, key)
		for _, f := range fields {
			require.Equal(w.t, old[f.ID], v[f.ID], "%s of %s", c, key)
		}
	}
	switch c {
	case batch.Insert:
		require.False(w.t, had, "+I of %s, which is there", key)
		rows[key] = v
	case batch.UpdateAfter:
		require.True(w.t, had, "+U of %s, which is not there", key)
		rows[key] = v
	case batch.Delete:
		delete(rows, key)
	case batch.UpdateBefore:
		require.False(w.t, w.wal, "-U in a changelog of image WAL")
	default:
		w.t.Errorf("change type %s", c)
	}
}

func (w *rowsWorld) options(fs vfs.FS) HostOptions {
	o := testOptions(fs)
	o.Clock, o.RowsBytes = w.clock, 1<<20 // held back, the manual clock would stand still
	return o
}

func (w *rowsWorld) open(fs vfs.FS) *Host {
	h := openHost(w.t, w.options(fs))
	tab := tabletOf(w.t, h, 1)
	if len(tab.Tables()) == 0 {
		require.NoError(w.t, tab.OpenBuckets(context.Background(), w.info, 0, []ids.BucketID{0}))
	}
	return h
}

// TestRowsFollowTheModel runs random histories of primary-key tables with every
// merge engine, restarts and schema changes.
func TestRowsFollowTheModel(t *testing.T) {
	seed := seedOf(t)
	for round := range rounds(8) {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			w := newRowsWorld(t, seed, uint64(round))
			mem := vfs.NewMem()
			for range 4 {
				h := w.open(mem)
				w.check(h)
				for range 80 {
					w.step(h)
				}
				w.check(h)
				require.NoError(t, h.Close())
			}
		})
	}
}

// TestRowsSurviveCrashes cuts the power at a random sync, opens what is left,
// sends again what was not answered, and goes on.
func TestRowsSurviveCrashes(t *testing.T) {
	seed := seedOf(t)
	for round := range rounds(12) {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			w := newRowsWorld(t, seed, uint64(round))
			mem := vfs.NewCrashableMem()
			for life := range 5 {
				rng := rand.New(rand.NewPCG(seed, uint64(1000*round+life)))
				var atCrash rowsState
				c := &crasher{mem: mem, at: 1 + rng.Int64N(60), promise: func() map[ids.Bucket]modelBucket {
					w.mu.Lock()
					defer w.mu.Unlock()
					atCrash = w.rowsState
					return nil
				}}
				if life%2 == 1 {
					c.cfg = vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rng}
				}
				w.lives(errorfs.Wrap(renaming{mem}, c), c)
				mem = c.clone
				w.rowsState = atCrash
			}
			h := w.open(mem)
			w.send(h)
			w.check(h)
			require.NoError(t, h.Close())
		})
	}
}

// lives runs until the crash.
func (w *rowsWorld) lives(fs vfs.FS, c *crasher) {
	h := w.open(fs)
	w.send(h)
	if !c.crashed() {
		w.check(h)
	}
	for !c.crashed() {
		w.step(h)
	}
	require.NoError(w.t, h.Close())
}

// TestRowsSurviveFaults fails operation i of everything, once, and then opens the
// directory again.
func TestRowsSurviveFaults(t *testing.T) {
	seed := seedOf(t)
	stride := max(1, 24/max(1, rounds(1)))
	for fail := int(seed % uint64(stride)); ; fail += stride {
		w := newRowsWorld(t, seed, uint64(fail))
		mem := vfs.NewCrashableMem()
		inj := errorfs.OnIndex(int32(fail))
		var hit atomic.Bool
		w.faults = true
		o := w.options(errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
			if inj.MaybeError(op) == nil {
				return nil
			}
			hit.Store(true)
			return []error{syscall.EIO, syscall.ENOSPC}[fail%2]
		})))
		if h, err := OpenHost(t.Context(), o); err == nil {
			tab := tabletOf(t, h, 1)
			if !w.fails(tab.OpenBuckets(context.Background(), w.info, 0, []ids.BucketID{0})) {
				for range 60 {
					if w.step(h); w.stopped {
						break
					}
				}
			}
			_ = h.Close() // may fail: that is the point
		}
		w.faults, w.stopped = false, false
		h := w.open(mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(0, 0))}))
		w.send(h)
		w.check(h)
		for range 10 {
			w.step(h)
		}
		w.check(h)
		require.NoError(t, h.Close())
		if !hit.Load() {
			return
		}
	}
}
