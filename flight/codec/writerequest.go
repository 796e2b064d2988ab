package codec

import (
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
)

// Field numbers of fluss.v1.WriteRequest.
const (
	fieldRequestID     = 1
	fieldTableID       = 2
	fieldPartitionID   = 3
	fieldBucket        = 4
	fieldKind          = 5
	fieldTargetColumns = 6
	fieldMergeMode     = 7
	fieldBatch         = 15
)

// maxTargetColumns bounds the columns of a partial update, as a table's columns are.
const maxTargetColumns = 1 << 16

// WriteRequest is one fluss.v1.WriteRequest; the fields mean what they mean there.
//
// To send one, pass it to SendMsg. The bytes of Batch are read until they are
// on the wire, which may be after SendMsg has returned: do not change them
// before the answer came or the connection is closed.
//
// To receive one, pass it to RecvMsg: Batch is then contiguous, aligned to 64
// bytes, and valid until Free.
type WriteRequest struct {
	RequestID     uint64
	Table         ids.TableID
	Partition     ids.PartitionID
	Bucket        ids.BucketID
	Kind          flussv1.WriteKind
	TargetColumns []int32
	MergeMode     flussv1.MergeMode
	Batch         []byte

	buf  *[]byte
	pool *Pool
}

// Free gives a received buffer back to the pool and clears w. It may be called
// more than once, not concurrently. To keep Batch for ever, just do not call it.
func (w *WriteRequest) Free() {
	if w.buf != nil {
		w.pool.Put(w.buf)
	}
	*w = WriteRequest{}
}

func (w *WriteRequest) marshal(pool *Pool) (mem.BufferSlice, error) {
	const numbers = 6 * 11
	buf := pool.Get(numbers + 5*len(w.TargetColumns) + 32)
	b := (*buf)[:0]
	b = appendNumberField(b, fieldRequestID, w.RequestID)
	b = appendNumberField(b, fieldTableID, uint64(w.Table))
	b = appendNumberField(b, fieldPartitionID, uint64(w.Partition))
	b = appendNumberField(b, fieldBucket, uint64(w.Bucket))
	b = appendNumberField(b, fieldKind, uint64(w.Kind))
	if len(w.TargetColumns) > 0 {
		n := 0
		for _, c := range w.TargetColumns {
			n += protowire.SizeVarint(uint64(c))
		}
		b = protowire.AppendTag(b, fieldTargetColumns, protowire.BytesType)
		b = protowire.AppendVarint(b, uint64(n))
		for _, c := range w.TargetColumns {
			b = protowire.AppendVarint(b, uint64(c))
		}
	}
	b = appendNumberField(b, fieldMergeMode, uint64(w.MergeMode))
	b = protowire.AppendTag(b, fieldBatch, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(len(w.Batch)))
	if mem.IsBelowBufferPoolingThreshold(len(w.Batch)) {
		b = append(b, w.Batch...) // a copy is cheaper than one more piece
		*buf = b
		return mem.BufferSlice{mem.NewBuffer(buf, pool)}, nil
	}
	*buf = b
	return mem.BufferSlice{mem.NewBuffer(buf, pool), mem.SliceBuffer(w.Batch)}, nil
}

func appendNumberField(b []byte, field protowire.Number, v uint64) []byte {
	if v == 0 {
		return b
	}
	b = protowire.AppendTag(b, field, protowire.VarintType)
	return protowire.AppendVarint(b, v)
}

func (w *WriteRequest) unmarshal(data mem.BufferSlice, pool *Pool) error {
	buf := pool.Get(data.Len() + Alignment)
	r := wireReader{in: data.Reader(), kind: "WriteRequest", out: *buf}
	var out WriteRequest
	err := r.fields(func(field protowire.Number) (bool, error) {
		switch field { //nolint:exhaustive // the fields of the message, not of the package
		case fieldBatch:
			return true, r.bytes(&out.Batch, Alignment)
		case fieldTargetColumns:
			return true, out.readTargetColumns(&r)
		case fieldRequestID, fieldTableID, fieldPartitionID, fieldBucket, fieldKind, fieldMergeMode:
			v, err := r.number()
			out.setNumber(field, v)
			return true, err
		}
		return false, nil
	})
	_ = r.in.Close() // never fails
	if err != nil {
		pool.Put(buf)
		return err
	}
	out.buf, out.pool = buf, pool
	*w = out
	return nil
}

func (w *WriteRequest) setNumber(field protowire.Number, v uint64) {
	switch field { //nolint:exhaustive // the fields of the message, not of the package
	case fieldRequestID:
		w.RequestID = v
	case fieldTableID:
		w.Table = ids.TableID(v)
	case fieldPartitionID:
		w.Partition = ids.PartitionID(v)
	case fieldBucket:
		w.Bucket = ids.BucketID(v)
	case fieldKind:
		w.Kind = flussv1.WriteKind(v)
	case fieldMergeMode:
		w.MergeMode = flussv1.MergeMode(v)
	}
}

// readTargetColumns reads one number, or a packed run of them.
func (w *WriteRequest) readTargetColumns(r *wireReader) error {
	if r.typ == protowire.VarintType {
		v, err := r.varint()
		w.TargetColumns = append(w.TargetColumns, int32(v))
		return err
	}
	n, err := r.length()
	if err != nil {
		return err
	}
	for end := r.in.Remaining() - n; r.in.Remaining() > end; {
		v, err := r.varint()
		if err != nil {
			return err
		}
		if len(w.TargetColumns) >= maxTargetColumns {
			return errWire(r.kind, "more than %d target columns", maxTargetColumns)
		}
		w.TargetColumns = append(w.TargetColumns, int32(v))
	}
	return nil
}
