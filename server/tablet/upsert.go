package tablet

import (
	"encoding/binary"
	"fmt"

	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
)

// The payload of kindUpsert is the batch and behind it a trailer: version, kind,
// merge mode, a byte that is 0, the number of targets and the targets, little
// endian, 4 bytes each. The batch says how long it is.
const (
	upsertVersion = 1
	upsertTrailer = 8
)

// appendTrailer appends what u says beside its batch.
func appendTrailer(dst []byte, u *Upsert) []byte {
	le := binary.LittleEndian
	dst = append(dst, upsertVersion, byte(u.Kind), byte(u.Mode), 0)
	dst = le.AppendUint32(dst, uint32(len(u.Targets)))
	for _, id := range u.Targets {
		dst = le.AppendUint32(dst, uint32(id))
	}
	return dst
}

// decodeUpsert reads the payload of kindUpsert; the Upsert aliases b. It fails with
// errEntry: proposers validate batches, so nobody wrote such bytes.
func decodeUpsert(b []byte) (Upsert, batch.Header, error) {
	h, err := batch.ParseHeader(b)
	if err != nil {
		return Upsert{}, h, fmt.Errorf("%w: %w", errEntry, err)
	}
	if int64(h.TotalBytes) > int64(len(b)) || len(b)-int(h.TotalBytes) < upsertTrailer {
		return Upsert{}, h, fmt.Errorf("%w: a batch of %d bytes in %d", errEntry, h.TotalBytes, len(b))
	}
	u := Upsert{Batch: b[:h.TotalBytes]}
	t := b[h.TotalBytes:]
	n := int(binary.LittleEndian.Uint32(t[4:]))
	if t[0] != upsertVersion || t[1] > byte(InsertAbsent) || len(t) != upsertTrailer+4*n {
		return Upsert{}, h, fmt.Errorf("%w: an upsert's trailer of %d bytes, version %d, kind %d", errEntry, len(t), t[0], t[1])
	}
	u.Kind, u.Mode = WriteKind(t[1]), flussv1.MergeMode(t[2])
	for i := range n {
		u.Targets = append(u.Targets, ids.FieldID(int32(binary.LittleEndian.Uint32(t[upsertTrailer+4*i:]))))
	}
	return u, h, nil
}

// upsert applies a batch of changes: it merges the rows, appends what changed to
// the log, and sets the rows. A batch that is refused changes nothing.
func (m *machine) upsert(p position, c *command) (result, error) {
	b, ok := m.buckets[c.bucket]
	if !ok {
		return result{err: unknownBucket(c.bucket)}, nil
	}
	if b.rows == nil {
		return result{err: notPrimaryKey(c.bucket)}, nil
	}
	u, h, err := decodeUpsert(c.payload)
	if err != nil {
		return result{}, err
	}
	var w *writer
	if h.WriterID != 0 {
		var s span
		var repeated bool
		if w, s, repeated, err = b.writer(h.WriterID, h.Sequence); err != nil || repeated {
			return result{base: s.base, end: s.end, err: err}, nil
		}
	}
	m.enter()
	defer m.leave()
	done, err := m.merge(b, &u, &h)
	if err != nil {
		if refusal(err) {
			return result{err: err}, nil
		}
		return result{}, err
	}
	s, err := m.commit(p, b, done)
	if err != nil {
		return result{}, err
	}
	m.changes.bucket(b)
	if w != nil {
		w.note(h.Sequence, s, m.applied.lastMs)
		b.keep(w)
	}
	return result{base: s.base, end: s.end}, nil
}

// refusal reports whether err is the writer's, with the same outcome on every
// replica, and not this replica's.
func refusal(err error) bool {
	code := errcode.Of(err)
	return code != "" && code != errcode.Corrupt && code != errcode.Internal
}

// commit makes a merged batch part of the bucket. Readers see its changes and its
// rows at once.
func (m *machine) commit(p position, b *bucket, done *merged) (span, error) {
	r := b.rows
	r.space.Lock()
	defer r.space.Unlock()
	base := b.log.State().End
	end := base
	for _, changes := range done.changes {
		h, err := batch.ParseHeader(changes)
		if err != nil {
			return span{}, err
		}
		h.BaseOffset, h.CommitTimestamp = end, m.applied.lastMs
		h.Term, h.Index = p.term, p.index
		batch.PutHeader(changes, h)
		st, err := b.log.Append(changes)
		if err != nil {
			return span{}, err
		}
		end = st.End
	}
	for i := range done.keys {
		r.space.Set(done.keys[i], done.rows[i])
	}
	r.count, r.nextID = done.count, done.nextID
	m.rowBytes += done.bytes
	return span{base, end}, nil
}

func notPrimaryKey(b ids.Bucket) error {
	return errcode.New(errcode.NotPrimaryKeyTable, nil, "%s belongs to a log table: rows are appended to it, not upserted", b)
}
