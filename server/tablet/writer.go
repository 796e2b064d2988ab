package tablet

import (
	"encoding/binary"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
)

// remembered is how many of a writer's last batches per bucket are answered
// again when they are repeated; a writer has fewer of them in flight.
const remembered = 8

// writer is what a bucket knows of one idempotent writer.
type writer struct {
	id ids.WriterID
	// last is the sequence of the writer's last batch. Sequences count up and
	// begin again at 0 after the greatest.
	last ids.Sequence
	// count says how many of spans are filled, ending with last.
	count uint8
	dirty bool
	// lastMs is the commit timestamp of the last batch.
	lastMs int64
	// spans has the rows of the last batches, each at its sequence modulo remembered.
	spans [remembered]span
}

type span struct{ base, end ids.Offset }

// check decides about a batch with sequence seq: a repeated one returns its
// first answer and true, one that may be appended false.
func (w *writer) check(b ids.Bucket, seq ids.Sequence) (span, bool, error) {
	expected := w.last.Next()
	if seq == expected {
		return span{}, false, nil
	}
	if seq >= 0 && w.last.Since(seq) < int(w.count) {
		return w.spans[seq%remembered], true, nil
	}
	return span{}, false, errcode.New(errcode.OutOfOrderSequence, nil,
		"writer %d sent sequence %d to %s, expected is %d; the last %d batches may be repeated",
		w.id, seq, b, expected, w.count).With("expected", expected)
}

// note records that the batch after last has the rows [base, end).
func (w *writer) note(seq ids.Sequence, s span, nowMs int64) {
	w.last, w.lastMs = seq, nowMs
	w.spans[seq%remembered] = s
	w.count = min(w.count+1, remembered)
}

func unknownWriter(id ids.WriterID, b ids.Bucket, seq ids.Sequence) error {
	return errcode.New(errcode.UnknownWriter, nil,
		"writer %d is not known to %s and sent sequence %d: a writer begins at sequence 0; ask for a new writer id", id, b, seq)
}

const writerVersion = 1

// encode appends the durable form: version, count, last, time, and the spans
// from the oldest to the newest.
func (w *writer) encode(dst []byte) []byte {
	le := binary.LittleEndian
	dst = append(dst, writerVersion, w.count)
	dst = le.AppendUint32(dst, uint32(w.last))
	dst = le.AppendUint64(dst, uint64(w.lastMs))
	for i := int(w.count) - 1; i >= 0; i-- {
		s := w.spans[(int(w.last)-i)&(remembered-1)]
		dst = le.AppendUint64(dst, uint64(s.base))
		dst = le.AppendUint64(dst, uint64(s.end))
	}
	return dst
}

func decodeWriter(id ids.WriterID, b []byte) (*writer, error) {
	const fixed = 2 + 4 + 8
	if len(b) < fixed || b[0] != writerVersion || b[1] > remembered || len(b) != fixed+16*int(b[1]) {
		return nil, errcode.New(errcode.Corrupt, nil, "the state of writer %d cannot be read: %d bytes", id, len(b))
	}
	le := binary.LittleEndian
	w := &writer{id: id, count: b[1], last: ids.Sequence(int32(le.Uint32(b[2:]))), lastMs: int64(le.Uint64(b[6:]))}
	if w.last < 0 {
		return nil, errcode.New(errcode.Corrupt, nil, "the state of writer %d has the sequence %d", id, w.last)
	}
	for i := range int(w.count) {
		at := b[fixed+16*i:]
		w.spans[(int(w.last)-(int(w.count)-1-i))&(remembered-1)] = span{ids.Offset(le.Uint64(at)), ids.Offset(le.Uint64(at[8:]))}
	}
	return w, nil
}
