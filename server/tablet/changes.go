package tablet

import (
	"fmt"
	"slices"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/server/keyspace"
	"github.com/fluss-go/fluss/server/kvstore"
	"github.com/fluss-go/fluss/server/logstore"
)

// changes is what apply changed since the last capture, by reference: a bucket
// that took a thousand batches is written once.
type changes struct {
	any     bool
	tables  []*tableState
	buckets []*bucket
	// deleted are keys, or with a second element ranges, that go; they go
	// before anything is set.
	deleted [][2][]byte
}

func (c *changes) table(t *tableState) {
	if !t.dirty {
		t.dirty = true
		c.tables = append(c.tables, t)
	}
}

func (c *changes) bucket(b *bucket) {
	if !b.dirty {
		b.dirty = true
		c.buckets = append(c.buckets, b)
	}
}

func (c *changes) dropTable(t ids.TabletID, id ids.TableID) {
	c.deleted = append(c.deleted, [2][]byte{appendTableKey(nil, t, id)})
}

func (c *changes) dropBucket(t ids.TabletID, b ids.Bucket) {
	writers := appendBucketKey(nil, t, spaceWriter, b)
	rows := appendBucketKey(nil, t, spaceRow, b)
	c.deleted = append(c.deleted,
		[2][]byte{appendBucketKey(nil, t, spaceBucket, b)},
		[2][]byte{appendBucketKey(nil, t, spaceRowState, b)},
		[2][]byte{writers, kvstore.After(writers)},
		[2][]byte{rows, kvstore.After(rows)})
}

func (c *changes) dropWriter(t ids.TabletID, b ids.Bucket, w ids.WriterID) {
	c.deleted = append(c.deleted, [2][]byte{appendWriterKey(nil, t, b, w)})
}

// captured is the state of one applied index, on its way to the store.
type captured struct {
	at      position
	changes changes
	writers map[*bucket][]*writer
	removed []*logstore.Log
	logs    []*logstore.Log
	// frozen are the rows that changed; rowBytes is their memory.
	frozen   []*keyspace.Frozen
	rowBytes int64
}

// capture writes what changed since the last capture, with the applied index,
// to w, and forgets it. The rows that changed are only taken; writeRows writes
// them. The logs of the result must be durable before w is.
func (m *machine) capture(w *kvstore.Batch) (*captured, error) {
	c := &captured{at: m.applied.at, changes: m.changes, removed: m.removed, writers: map[*bucket][]*writer{}}
	c.rowBytes = m.rowBytes
	m.changes, m.removed, m.rowBytes = changes{}, nil, 0
	for _, t := range c.changes.tables {
		t.dirty = false
	}
	for _, b := range c.changes.buckets {
		b.dirty = false
		c.writers[b], b.changed = b.changed, nil
		for _, wr := range c.writers[b] {
			wr.dirty = false
		}
		if b.dropped {
			continue
		}
		c.logs = append(c.logs, b.log)
		if b.rows != nil {
			if f := b.rows.space.Freeze(); f != nil {
				c.frozen = append(c.frozen, f)
			}
		}
	}
	if err := m.write(c, w); err != nil {
		m.restore(c)
		return nil, err
	}
	return c, nil
}

func (m *machine) write(c *captured, w *kvstore.Batch) error {
	var key, value []byte
	for _, d := range c.changes.deleted {
		var err error
		if d[1] != nil {
			err = w.DeleteRange(d[0], d[1])
		} else {
			err = w.Delete(d[0])
		}
		if err != nil {
			return err
		}
	}
	for _, t := range c.changes.tables {
		if t.dropped {
			continue
		}
		if err := w.Set(appendTableKey(key[:0], m.tablet, t.id), t.encoded()); err != nil {
			return err
		}
	}
	for _, b := range c.changes.buckets {
		if b.dropped {
			continue
		}
		key = appendBucketKey(key[:0], m.tablet, spaceBucket, b.id)
		value = b.log.State().Encode(value[:0])
		if err := w.Set(key, value); err != nil {
			return err
		}
		if b.rows != nil {
			key = appendBucketKey(key[:0], m.tablet, spaceRowState, b.id)
			value = b.rows.encodeState(value[:0])
			if err := w.Set(key, value); err != nil {
				return err
			}
		}
		for _, wr := range c.writers[b] {
			key = appendWriterKey(key[:0], m.tablet, b.id, wr.id)
			value = wr.encode(value[:0])
			if err := w.Set(key, value); err != nil {
				return err
			}
		}
	}
	return w.Set(appendSpace(key[:0], m.tablet, spaceApplied), m.applied.encode())
}

// writeRows writes the rows that changed to w. Apply may go on meanwhile.
func (c *captured) writeRows(w *kvstore.Batch) error {
	for _, f := range c.frozen {
		if err := f.Write(w); err != nil {
			return err
		}
	}
	return nil
}

// thaw drops the memory of rows that are durable.
func (c *captured) thaw() {
	for _, f := range c.frozen {
		f.Thaw()
	}
}

// restore takes back a capture that did not become durable.
func (m *machine) restore(c *captured) {
	for _, f := range c.frozen {
		f.Restore()
	}
	m.rowBytes += c.rowBytes
	m.changes.any = true
	m.changes.deleted = append(c.changes.deleted, m.changes.deleted...)
	m.removed = append(c.removed, m.removed...)
	for _, t := range c.changes.tables {
		m.changes.table(t)
	}
	for _, b := range c.changes.buckets {
		m.changes.bucket(b)
		for _, w := range c.writers[b] {
			if b.writers[w.id] == w {
				b.keep(w)
			}
		}
	}
}

// load reads the state of the last durable capture.
func (m *machine) load(kv *kvstore.Store) error {
	v, ok, err := kv.Get(appendSpace(nil, m.tablet, spaceApplied))
	if err != nil || !ok {
		return err
	}
	if m.applied, err = decodeApplied(v); err != nil {
		return err
	}
	if err := kv.Scan(appendSpace(nil, m.tablet, spaceTable), m.loadTable); err != nil {
		return fmt.Errorf("load tables: %w", err)
	}
	if err := kv.Scan(appendSpace(nil, m.tablet, spaceBucket), m.loadBucket); err != nil {
		return fmt.Errorf("load buckets: %w", err)
	}
	if err := kv.Scan(appendSpace(nil, m.tablet, spaceRowState), m.loadRowState); err != nil {
		return fmt.Errorf("load row counts: %w", err)
	}
	if err := kv.Scan(appendSpace(nil, m.tablet, spaceWriter), m.loadWriter); err != nil {
		return fmt.Errorf("load writers: %w", err)
	}
	return nil
}

func (m *machine) loadTable(_, value []byte) error {
	info, err := decodeTable(value)
	if err != nil {
		return errcode.New(errcode.Corrupt, err, "the descriptor of a table cannot be read")
	}
	t, err := newTableState(info)
	if err != nil {
		return err
	}
	m.tables[t.id] = t
	return nil
}

func (m *machine) loadBucket(key, value []byte) error {
	id, err := parseBucketKey(key)
	if err != nil {
		return err
	}
	st, err := logstore.DecodeState(value)
	if err != nil {
		return fmt.Errorf("%s: %w", id, err)
	}
	t, ok := m.tables[id.Table]
	if !ok {
		return errcode.New(errcode.Corrupt, nil, "%s has no table", id)
	}
	m.buckets[id] = m.newBucket(id, t, st)
	return nil
}

func (m *machine) newBucket(id ids.Bucket, t *tableState, st logstore.State) *bucket {
	b := &bucket{id: id, table: t, log: m.openLog(id, t, st)}
	if t.rowTable() != nil {
		space := keyspace.New(m.kv, m.cache, appendBucketKey(nil, m.tablet, spaceRow, id))
		b.rows = &bucketRows{space: space}
	}
	return b
}

func (m *machine) loadRowState(key, value []byte) error {
	id, err := parseBucketKey(key)
	if err != nil {
		return err
	}
	b, ok := m.buckets[id]
	if !ok || b.rows == nil {
		return errcode.New(errcode.Corrupt, nil, "a row count has no bucket %s with rows", id)
	}
	return b.rows.decodeState(value)
}

func (m *machine) loadWriter(key, value []byte) error {
	id, w, err := parseWriterKey(key)
	if err != nil {
		return err
	}
	b, ok := m.buckets[id]
	if !ok {
		return errcode.New(errcode.Corrupt, nil, "writer %d has no bucket %s", w, id)
	}
	state, err := decodeWriter(w, slices.Clone(value))
	if err != nil {
		return err
	}
	if b.writers == nil {
		b.writers = map[ids.WriterID]*writer{}
	}
	b.writers[w] = state
	return nil
}
