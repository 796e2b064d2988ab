package tablet

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/keys"
	"github.com/fluss-go/fluss/proto/table"
	"github.com/fluss-go/fluss/server/keyspace"
	"github.com/fluss-go/fluss/server/merge"
)

// bucketRows is what a bucket of a primary-key table has beside its log. Apply
// changes it; count and nextID under the space's lock.
type bucketRows struct {
	space *keyspace.Space
	// count is the number of rows.
	count int64
	// nextID is the next value of the auto-increment column; 0 before the first.
	nextID int64
}

// merged is a batch that was merged and is not committed.
type merged struct {
	// changes are batches for the log.
	changes [][]byte
	// keys and rows are what to set; a nil row takes the key away.
	keys, rows [][]byte
	// bytes is the memory of keys and rows.
	bytes         int64
	count, nextID int64
}

// slot is one key of a batch, with the row that it has by now.
type slot struct {
	key []byte
	// row is the key's row in the newest format, nil when it has none. It aliases
	// the merger's arena, or what the caller may not change.
	row []byte
	// changed says that row is not what the bucket has.
	changed bool
}

// maxChangeBytes is the size past which changes go into another batch.
const maxChangeBytes = 512 << 10

// breathe is after how many rows, and breatheBytes after how much memory taken, a
// merge lets other goroutines and other tablets' merges run: reads must not wait for
// the 10 ms after which the scheduler would see to that.
const (
	breathe      = 64
	breatheBytes = 1 << 20
)

// merger has the memory that merging a batch takes; it is used again and again.
type merger struct {
	keys keys.Keys
	// slots are the keys of the batch, each once; of has the slot of each row, order
	// the slots by key.
	slots []slot
	of    []int32
	order []ordered
	index map[string]int32
	arena arena
	row   []byte // an old row in the newest format
	out   merged
	// taken is the memory that the batch took so far, in bytes; heavy that it waited
	// for machine.heavy. taken depends on the batch and the rows alone.
	taken int64
	heavy bool
	// paused is taken at the last pause, wrote the size of the last row written.
	paused int64
	wrote  int
}

// maxMergeBytes bounds the memory that merging one batch takes. A small batch that
// changes large rows makes a large changelog: past this it is refused, with no row
// left to chance, for apply can neither stop half-way nor wait for a disk. The row
// that passes it is merged, so that a batch of one row is never refused. All
// replicas must come to the same, so it is no option.
const maxMergeBytes = 128 << 20

// keyOverhead is about what a key takes beside its bytes while it is merged.
const keyOverhead = 160

// merge works out what a batch makes of a bucket, and changes nothing. It fails
// with INVALID_BATCH(column), RECORD_TOO_LARGE, DELETION_DISABLED and whatever
// else a writer can get wrong, with the row named; any other error is this replica's.
func (m *machine) merge(b *bucket, u *Upsert, h *batch.Header) (*merged, error) {
	t := b.table.rowTable()
	plan, err := t.plan(u, h)
	if err != nil {
		return nil, err
	}
	rec, err := decodeRows(plan.layout, h, u.Batch)
	if err != nil {
		return nil, err
	}
	defer rec.Release()
	g := &m.merger
	g.begin(b, t, h)
	defer g.end(t)
	if err := plan.keys.Encode(rec, &g.keys); err != nil {
		return nil, err
	}
	if err := plan.encoder.Bind(rec); err != nil {
		return nil, err
	}
	defer func() { _ = plan.encoder.Bind(nil) }() // lets go of rec, and cannot fail
	for i := range int(rec.NumRows()) {
		if err := g.slot(g.keys.At(i)); err != nil {
			return nil, inRow(err, i, plan.keyText(rec, i))
		}
		if i%breathe == breathe-1 {
			m.pause()
		}
	}
	if err := m.find(b, t); err != nil {
		return nil, err
	}
	types := changeTypes(rec, h)
	for i := range int(rec.NumRows()) {
		if err := m.admit(i); err != nil {
			return nil, err
		}
		s := &g.slots[g.of[i]]
		remove := u.Kind == DeleteKeys || types != nil && batch.ChangeType(types[i]) == batch.Delete
		if err := g.change(t, plan, s, i, remove); err != nil {
			return nil, inRow(err, i, plan.keyText(rec, i))
		}
	}
	if err := g.flush(t); err != nil {
		return nil, err
	}
	return g.finish(), nil
}

// find gets the row of every slot. It goes by key: rows whose keys are near are
// near in the layers and in the store, and in the memory that the processor has at
// hand.
func (m *machine) find(b *bucket, t *rowTable) error {
	g := &m.merger
	g.sort()
	sweep := b.rows.space.Sweep(len(g.order), b.rows.count)
	defer sweep.Close()
	for i, o := range g.order {
		if err := m.admit(i); err != nil {
			return err
		}
		s := &g.slots[o.at]
		old, err := sweep.Get(s.key)
		if err != nil {
			return err
		}
		if old != nil {
			if old, err = t.upgrade(&g.row, old); err != nil {
				return fmt.Errorf("the row under key %x: %w", s.key, err)
			}
			s.row = g.arena.keep(old)
		}
		g.taken += int64(len(s.key)+len(old)) + keyOverhead
	}
	return nil
}

// admit goes before the i-th thing: it lets others run, and refuses the batch when
// those before took too much.
func (m *machine) admit(i int) error {
	g := &m.merger
	if i > 0 && g.taken > maxMergeBytes {
		return errcode.New(errcode.RecordTooLarge, nil,
			"merging the batch with the rows stored takes more than %d bytes; no row of the batch was written: send fewer rows at a time", maxMergeBytes).
			With("bytes", g.taken).With("limit", maxMergeBytes)
	}
	m.weigh()
	if i%breathe == breathe-1 || g.taken-g.paused > breatheBytes {
		g.paused = g.taken
		m.pause()
	}
	return nil
}

func decodeRows(l *batch.Layout, h *batch.Header, b []byte) (arrow.RecordBatch, error) {
	var meta batch.Meta
	if err := batch.ParseMeta(b[batch.HeaderSize:batch.HeaderSize+int(h.MetadataBytes)], &meta); err != nil {
		return nil, err
	}
	return batch.Decode(l, &meta, b[h.HeadBytes():], batch.DecodeOptions{})
}

// changeTypes returns the column of change types, nil when there is none.
func changeTypes(rec arrow.RecordBatch, h *batch.Header) []int8 {
	if h.Flags&batch.FlagChangeTypes == 0 {
		return nil
	}
	return rec.Column(int(rec.NumCols()) - 1).(*array.Int8).Int8Values()
}

// maxKeyText bounds the bytes of each value that an error tells of a key.
const maxKeyText = 60

// keyText is the primary key of a row for people: "id = 7, day = 2026-11-22".
func (p *upsertPlan) keyText(rec arrow.RecordBatch, i int) string {
	parts := make([]string, 0, len(p.names))
	for _, name := range p.names {
		for _, at := range rec.Schema().FieldIndices(name) {
			value := strings.ToValidUTF8(rec.Column(at).ValueStr(i), "?")
			if len(value) > maxKeyText {
				value = strings.ToValidUTF8(value[:maxKeyText], "") + "..."
			}
			parts = append(parts, name+" = "+value)
		}
	}
	return strings.Join(parts, ", ")
}

// inRow says which row of the batch, with which key, err is about.
func inRow(err error, i int, key string) error {
	e := errcode.From(err)
	if !refusal(err) {
		return fmt.Errorf("row %d: %w", i, err)
	}
	out := errcode.New(e.Code, err, "the row with %s, row %d of the batch: %s; no row of the batch was written", key, i, e.Message).With("row", i)
	for name, fact := range e.Facts {
		out = out.With(name, fact)
	}
	return out
}

// keepIndex is the number of keys up to which the index is used for the next batch.
const keepIndex = 16 << 10

func (g *merger) begin(b *bucket, t *rowTable, h *batch.Header) {
	if g.index == nil {
		g.index = map[string]int32{}
	}
	t.increment.bucket = int64(b.id.Bucket)
	g.out = merged{count: b.rows.count, nextID: b.rows.nextID}
	g.taken, g.paused = int64(h.UncompressedBytes), 0
}

// end lets go of the batch, and of the memory that a large one took.
func (g *merger) end(t *rowTable) {
	g.out = merged{}
	if t.collector.Rows() > 0 { // the batch was refused in the middle
		t.collector.Record().Release()
	}
	g.arena.reset()
	if cap(g.row) > arenaBlock {
		g.row = nil
	}
	if len(g.slots) > keepIndex { // to clear the index costs what it once held
		g.keys, g.slots, g.of, g.order, g.index = keys.Keys{}, nil, nil, nil, nil
		return
	}
	clear(g.slots)
	g.slots, g.of, g.order = g.slots[:0], g.of[:0], g.order[:0]
	clear(g.index)
	g.keys.Reset()
}

// slot gives the next row of the batch the slot of its key, which must stay as it
// is until the batch is merged.
func (g *merger) slot(key []byte) error {
	if len(key) > maxKeyBytes {
		return errcode.New(errcode.RecordTooLarge, nil, "the primary key has %d bytes, the limit is %d", len(key), maxKeyBytes).
			With("bytes", len(key)).With("limit", maxKeyBytes)
	}
	name := unsafe.String(unsafe.SliceData(key), len(key)) // the map forgets it before the key changes
	at, ok := g.index[name]
	if !ok {
		at = int32(len(g.slots))
		g.index[name] = at
		g.slots = append(g.slots, slot{key: key})
	}
	g.of = append(g.of, at)
	return nil
}

// ordered is a slot on its way to its place in the order of keys.
type ordered struct {
	prefix uint64 // the key's first 8 bytes, so that most comparisons need no other memory
	at     int32
}

// sort makes order.
func (g *merger) sort() {
	var head [8]byte
	for i := range g.slots {
		clear(head[copy(head[:], g.slots[i].key):])
		g.order = append(g.order, ordered{binary.BigEndian.Uint64(head[:]), int32(i)})
	}
	slices.SortFunc(g.order, func(a, b ordered) int {
		if a.prefix != b.prefix {
			return cmp.Compare(a.prefix, b.prefix)
		}
		return bytes.Compare(g.slots[a.at].key, g.slots[b.at].key)
	})
}

// change applies row i of the bound record to s.
func (g *merger) change(t *rowTable, plan *upsertPlan, s *slot, i int, remove bool) (err error) {
	var outcome merge.Outcome
	var out []byte
	if remove {
		out, outcome, err = plan.session.Delete(g.arena.room(len(s.row)), s.row)
	} else {
		written := plan.encoder.Append(g.arena.room(g.wrote), i) // about as large as the one before
		written = written[:len(written):len(written)]
		g.arena.claim(written)
		g.wrote = len(written)
		g.taken += int64(len(written))
		if plan.absent {
			out, outcome, err = plan.session.InsertAbsent(g.arena.room(len(written)), s.row, written)
		} else {
			out, outcome, err = plan.session.Upsert(g.arena.room(len(s.row)+len(written)), s.row, written)
		}
	}
	if err != nil {
		return err
	}
	g.arena.claim(out)
	switch outcome {
	case merge.Keep:
		return nil
	case merge.Remove:
		g.out.count--
		return g.log(t, s, nil)
	default:
		if out, err = g.number(t, s, out); err != nil {
			return err
		}
		if len(out) > maxRowBytes {
			return errcode.New(errcode.RecordTooLarge, nil, "the row has %d bytes after the merge, the limit is %d", len(out), maxRowBytes).
				With("bytes", len(out)).With("limit", maxRowBytes)
		}
		if s.row == nil {
			g.out.count++
		}
		return g.log(t, s, out)
	}
}

// maxKeyBytes bounds the encoded primary key of a row.
const maxKeyBytes = 32 << 10

// maxRowBytes bounds a row: an update's two, and what was collected before, make
// one batch, which must fit a message of 32 MiB to readers.
const maxRowBytes = 14 << 20

// number gives a new row its value of the auto-increment column, and lets an old
// one keep its own.
func (g *merger) number(t *rowTable, s *slot, out []byte) ([]byte, error) {
	if t.autoIncrement < 0 {
		return out, nil
	}
	b := t.builder
	b.Reset()
	for c := range t.format.Columns() {
		if c != t.autoIncrement {
			b.Copy(out, c)
		}
	}
	if s.row != nil {
		b.Copy(s.row, t.autoIncrement)
	} else {
		next, err := t.increment.next(g.out.nextID)
		if err != nil {
			return nil, err
		}
		b.Set(t.autoIncrement, t.increment.value(next))
		g.out.nextID = next
	}
	return b.Append(nil), nil
}

// log notes that s changes to the row after, nil to remove it.
func (g *merger) log(t *rowTable, s *slot, after []byte) error {
	before := s.row
	s.row, s.changed = after, true
	g.taken += int64(len(after))
	switch {
	case after == nil:
		return g.collect(t, before, batch.Delete)
	case before == nil:
		return g.collect(t, after, batch.Insert)
	}
	if t.image == table.FullImage {
		if err := g.collect(t, before, batch.UpdateBefore); err != nil {
			return err
		}
	}
	return g.collect(t, after, batch.UpdateAfter)
}

func (g *merger) collect(t *rowTable, r []byte, c batch.ChangeType) error {
	paired := c == batch.UpdateAfter && t.image == table.FullImage // to the change before
	if t.collector.Bytes() >= maxChangeBytes && !paired {
		if err := g.flush(t); err != nil {
			return err
		}
	}
	g.taken += int64(len(r))
	return t.collector.AddChange(t.format, r, c)
}

// flush makes a batch of the changes collected.
func (g *merger) flush(t *rowTable) error {
	if t.collector.Rows() == 0 {
		return nil
	}
	rec := t.collector.Record()
	defer rec.Release()
	out, err := t.changes.Encode(nil, rec, batch.EncodeInfo{SchemaID: t.format.Schema().ID})
	if err != nil {
		return err
	}
	g.out.changes = append(g.out.changes, out)
	return nil
}

// finish copies what is to be set out of the merger's memory, in the order of keys.
func (g *merger) finish() *merged {
	var bytes, n int
	for i := range g.slots {
		if s := &g.slots[i]; s.changed {
			bytes += len(s.key) + len(s.row)
			n++
		}
	}
	own := arena{blocks: [][]byte{make([]byte, 0, bytes)}}
	done := g.out
	done.keys, done.rows = make([][]byte, 0, n), make([][]byte, 0, n)
	for _, o := range g.order {
		s := &g.slots[o.at]
		if !s.changed {
			continue
		}
		done.keys = append(done.keys, own.keep(s.key))
		if s.row == nil {
			done.rows = append(done.rows, nil)
		} else {
			done.rows = append(done.rows, own.keep(s.row))
		}
	}
	done.bytes = int64(bytes) + int64(n)*entryOverhead
	return &done
}

// entryOverhead is about what a layer takes for an entry beside its bytes.
const entryOverhead = 96
