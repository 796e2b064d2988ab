package tablet

import (
	"fmt"
	"slices"

	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/server/logstore"
)

// openBuckets creates the buckets that do not exist. The descriptor replaces an
// older one.
func (m *machine) openBuckets(c *command) (result, error) {
	info, buckets, err := decodeOpen(c.payload)
	if err != nil {
		return result{}, err
	}
	id := ids.TableID(info.GetTableId())
	t, ok := m.tables[id]
	if !ok {
		if t, err = newTableState(info); err != nil {
			return result{err: err}, nil
		}
		m.setTable(t)
	} else if err := m.replaceTable(t, info); err != nil {
		return result{err: err}, nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, n := range buckets {
		b := ids.Bucket{Table: id, Partition: c.bucket.Partition, Bucket: n}
		if _, ok := m.buckets[b]; ok {
			continue
		}
		m.buckets[b] = m.newBucket(b, t, logstore.State{})
		m.changes.bucket(m.buckets[b])
	}
	return result{}, nil
}

func (m *machine) updateTable(c *command) (result, error) {
	info, err := decodeTable(c.payload)
	if err != nil {
		return result{}, err
	}
	t, ok := m.tables[ids.TableID(info.GetTableId())]
	if !ok {
		return result{err: errcode.New(errcode.UnknownTable, nil, "table %d has no bucket on tablet %d", info.GetTableId(), m.tablet)}, nil
	}
	return result{err: m.replaceTable(t, info)}, nil
}

// replaceTable takes info as the table's descriptor unless it has a newer one.
func (m *machine) replaceTable(t *tableState, info *flussv1.TableInfo) error {
	changed, err := t.replace(info)
	if err != nil || !changed {
		return err
	}
	m.changes.table(t)
	opt := t.logOptions()
	for id, b := range m.buckets {
		if id.Table == t.id {
			b.log.SetOptions(opt)
		}
	}
	return nil
}

func (m *machine) setTable(t *tableState) {
	m.mu.Lock()
	m.tables[t.id] = t
	m.mu.Unlock()
	m.changes.table(t)
}

// dropBuckets drops the buckets of a partition, or of the whole table when the
// partition is 0, and with the last bucket of a table its descriptor.
func (m *machine) dropBuckets(c *command) result {
	table, partition := c.bucket.Table, c.bucket.Partition
	gone, left := m.takeOut(table, partition)
	slices.SortFunc(gone, func(a, b *bucket) int { return a.id.Compare(b.id) })
	for _, b := range gone {
		b.dropped = true
		m.removed = append(m.removed, b.log)
		m.closeLog(b.log) // waits for its files: not under mu
		m.changes.dropBucket(m.tablet, b.id)
	}
	if t, ok := m.tables[table]; ok && !left {
		m.mu.Lock()
		delete(m.tables, table)
		m.mu.Unlock()
		t.dropped = true
		m.changes.dropTable(m.tablet, table)
	}
	return result{}
}

// takeOut takes the buckets of a partition, or of the whole table when the
// partition is 0, out of the map, and tells whether the table has any left.
func (m *machine) takeOut(table ids.TableID, partition ids.PartitionID) (gone []*bucket, left bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, b := range m.buckets {
		switch {
		case id.Table != table:
		case partition == 0 || id.Partition == partition:
			gone = append(gone, b)
		default:
			left = true
		}
	}
	for _, b := range gone {
		delete(m.buckets, b.id)
	}
	return gone, left
}

// trimLog moves the start of a log up to an offset at most; a log that begins
// later, or is gone, stays.
func (m *machine) trimLog(c *command) (result, error) {
	before, err := decodeInt(c.payload)
	if err != nil {
		return result{}, err
	}
	b, ok := m.buckets[c.bucket]
	if !ok {
		return result{err: unknownBucket(c.bucket)}, nil
	}
	st := b.log.State()
	if ids.Offset(before) <= st.Start {
		return result{base: st.Start, end: st.End}, nil
	}
	if ids.Offset(before) > st.End {
		return result{err: errcode.New(errcode.OffsetOutOfRange, nil, "%s ends at %d and cannot be trimmed up to %d", c.bucket, st.End, before).
			With("start", st.Start).With("end", st.End)}, nil
	}
	if st, err = b.log.Trim(ids.Offset(before)); err != nil {
		return result{}, fmt.Errorf("trim: %w", err)
	}
	m.changes.bucket(b)
	return result{base: st.Start, end: st.End}, nil
}

// expireWriters forgets the writers whose last batch is older than a time.
func (m *machine) expireWriters(c *command) (result, error) {
	before, err := decodeInt(c.payload)
	if err != nil {
		return result{}, err
	}
	for _, b := range m.buckets { // the order does not matter: each writer stands for itself
		for id, w := range b.writers {
			if w.lastMs >= before {
				continue
			}
			delete(b.writers, id)
			if w.dirty {
				b.changed = slices.DeleteFunc(b.changed, func(x *writer) bool { return x == w })
			}
			m.changes.dropWriter(m.tablet, b.id, id)
		}
	}
	return result{}, nil
}
