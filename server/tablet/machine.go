package tablet

import (
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/server/keyspace"
	"github.com/fluss-go/fluss/server/kvstore"
	"github.com/fluss-go/fluss/server/logstore"
)

// machine is the replicated state machine of one tablet: entries in, offsets
// and answers out. It knows no clock and starts no goroutine, and its only I/O is
// to read old rows of primary-key tables.
//
// apply and everything that changes state is for one goroutine at a time; the
// look-ups that say so may be called concurrently with it.
type machine struct {
	tablet ids.TabletID
	// openLog makes the log of a bucket from its state; it does no I/O.
	openLog func(b ids.Bucket, t *tableState, st logstore.State) *logstore.Log
	// closeLog ends the log of a dropped bucket; its files stay until a
	// checkpoint covers the drop.
	closeLog func(l *logstore.Log)
	// kv has the rows as of the last checkpoint.
	kv     *kvstore.Store
	cache  *keyspace.Cache
	merger merger
	// lane is held by the one that merges rows; nil while nobody reads yet.
	lane chan struct{}
	// heavy is held by the one whose batch took more than lightMerge; nil for no such bound.
	heavy chan struct{}
	// rowBytes is the memory of the rows set since the last capture.
	rowBytes int64

	applied appliedState
	changes changes
	// removed are logs of dropped buckets whose files go after the next checkpoint.
	removed []*logstore.Log

	// mu guards the maps against concurrent look-ups; only apply writes them.
	mu      sync.RWMutex
	tables  map[ids.TableID]*tableState
	buckets map[ids.Bucket]*bucket
}

// bucket is one log with what apply knows of its writers.
type bucket struct {
	id      ids.Bucket
	table   *tableState
	log     *logstore.Log
	rows    *bucketRows // nil in a log table
	writers map[ids.WriterID]*writer
	// dirty says that the bucket is in changes; changed are its writers with
	// dirty set.
	dirty   bool
	changed []*writer
	dropped bool
}

// result is the answer to one command.
type result struct {
	base, end ids.Offset
	err       error
}

func newMachine(
	tablet ids.TabletID, kv *kvstore.Store, cache *keyspace.Cache,
	openLog func(ids.Bucket, *tableState, logstore.State) *logstore.Log, closeLog func(*logstore.Log),
) *machine {
	return &machine{
		tablet:   tablet,
		kv:       kv,
		cache:    cache,
		openLog:  openLog,
		closeLog: closeLog,
		tables:   map[ids.TableID]*tableState{},
		buckets:  map[ids.Bucket]*bucket{},
	}
}

// apply applies the committed entry at p and appends the answer to each of its
// commands to out, in order. An empty entry changes nothing but the applied index.
//
// It owns data from now on: the headers of batches are completed in place and
// the logs keep them. An error means that this replica cannot apply the entry,
// now or later; the state is then that before the entry, or undefined.
func (m *machine) apply(p position, data []byte, out []result) ([]result, error) {
	if p.index != m.applied.at.index+1 {
		return out, fmt.Errorf("entry %d applied after %d", p.index, m.applied.at.index)
	}
	if len(data) > 0 {
		r, err := readEntry(data)
		if err != nil {
			return out, err
		}
		m.applied.lastMs = max(m.applied.lastMs, r.timestampMs)
		var c command
		for {
			ok, err := r.next(&c)
			if err != nil {
				return out, err
			}
			if !ok {
				break
			}
			answer, err := m.do(p, &c)
			if err != nil {
				return out, fmt.Errorf("%s to %s: %w", c.kind, c.bucket, err)
			}
			out = append(out, answer)
		}
	}
	m.applied.at = p
	m.changes.any = true
	return out, nil
}

// do applies one command. The error is this replica's; a refusal that all
// replicas agree on is in the result.
func (m *machine) do(p position, c *command) (result, error) {
	switch c.kind {
	case kindAppend:
		return m.append(p, c)
	case kindOpenBuckets:
		return m.openBuckets(c)
	case kindUpdateTable:
		return m.updateTable(c)
	case kindDropBuckets:
		return m.dropBuckets(c), nil
	case kindTrimLog:
		return m.trimLog(c)
	case kindExpireWriters:
		return m.expireWriters(c)
	case kindUpsert:
		return m.upsert(p, c)
	default:
		return result{}, fmt.Errorf("%w: %s", errEntry, c.kind)
	}
}

func (m *machine) append(p position, c *command) (result, error) {
	b, ok := m.buckets[c.bucket]
	if !ok {
		return result{err: unknownBucket(c.bucket)}, nil
	}
	if b.rows != nil {
		return result{err: notLogTable(c.bucket)}, nil
	}
	h, err := batch.ParseHeader(c.payload)
	if err == nil {
		err = checkBatch(&h, len(c.payload))
	}
	if err != nil {
		return result{err: err}, nil
	}
	var w *writer
	if h.WriterID != 0 {
		var s span
		var repeated bool
		if w, s, repeated, err = b.writer(h.WriterID, h.Sequence); err != nil || repeated {
			return result{base: s.base, end: s.end, err: err}, nil
		}
	}
	st := b.log.State()
	h.BaseOffset, h.CommitTimestamp = st.End, m.applied.lastMs
	h.Term, h.Index = p.term, p.index
	batch.PutHeader(c.payload, h)
	after, err := b.log.Append(c.payload)
	if err != nil {
		return result{}, err
	}
	m.changes.bucket(b)
	s := span{st.End, after.End}
	if w != nil {
		w.note(h.Sequence, s, m.applied.lastMs)
		b.keep(w)
	}
	return result{base: s.base, end: s.end}, nil
}

// checkBatch makes sure that b is one whole batch that can be given offsets.
func checkBatch(h *batch.Header, size int) error {
	switch {
	case int64(h.TotalBytes) != int64(size):
		return errcode.New(errcode.InvalidBatch, nil, "the batch says it has %d bytes and has %d", h.TotalBytes, size)
	case h.RowCount == 0:
		return errcode.New(errcode.InvalidBatch, nil, "the batch has no rows; send at least one")
	case h.WriterID < 0 || h.WriterID != 0 && h.Sequence < 0:
		return errcode.New(errcode.InvalidBatch, nil, "writer id %d with sequence %d; neither may be negative", h.WriterID, h.Sequence)
	}
	return nil
}

// writer decides about a batch of a writer: it returns the writer, new or
// known, or the first answer of a batch that was written before.
func (b *bucket) writer(id ids.WriterID, seq ids.Sequence) (*writer, span, bool, error) {
	w, ok := b.writers[id]
	if !ok {
		if seq != 0 {
			return nil, span{}, false, unknownWriter(id, b.id, seq)
		}
		return &writer{id: id, last: math.MaxInt32}, span{}, false, nil
	}
	s, repeated, err := w.check(b.id, seq)
	return w, s, repeated, err
}

// keep puts w among the bucket's writers and those to persist.
func (b *bucket) keep(w *writer) {
	if w.dirty {
		return
	}
	if b.writers == nil {
		b.writers = map[ids.WriterID]*writer{}
	}
	b.writers[w.id] = w
	w.dirty = true
	b.changed = append(b.changed, w)
}

// bucketOf returns a bucket; it may be called concurrently with apply.
func (m *machine) bucketOf(b ids.Bucket) (*bucket, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	found, ok := m.buckets[b]
	return found, ok
}

// bucketIDs returns the buckets in order; it may be called concurrently with apply.
func (m *machine) bucketIDs() []ids.Bucket {
	m.mu.RLock()
	out := make([]ids.Bucket, 0, len(m.buckets))
	for id := range m.buckets {
		out = append(out, id)
	}
	m.mu.RUnlock()
	slices.SortFunc(out, ids.Bucket.Compare)
	return out
}

// tableIDs returns the tables in order; it may be called concurrently with apply.
func (m *machine) tableIDs() []ids.TableID {
	m.mu.RLock()
	out := make([]ids.TableID, 0, len(m.tables))
	for id := range m.tables {
		out = append(out, id)
	}
	m.mu.RUnlock()
	slices.Sort(out)
	return out
}

func unknownBucket(b ids.Bucket) error {
	return errcode.New(errcode.UnknownBucket, nil, "%s is not on this tablet; ask for metadata again", b)
}

func notLogTable(b ids.Bucket) error {
	return errcode.New(errcode.NotLogTable, nil, "%s belongs to a primary-key table: rows are upserted into it, not appended", b)
}
