package project

import (
	"encoding/binary"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
)

// changeTypeBytes is the length of every change type's text.
const changeTypeBytes = 2

// systemValues are the values of the system columns of one batch.
type systemValues struct {
	bucket    ids.BucketID
	timestamp int64
	// offset is that of the first row; when constant, of every row.
	offset   ids.Offset
	constant bool
	// change is the change type of every row unless changes has them.
	change  batch.ChangeType
	changes []int8
}

// systemValues returns what the system columns of b say. The change types are
// only found out if they are asked for, and are valid until the next call.
func (w *Wire) systemValues(p *Plan, b Stored, at Origin) (systemValues, error) {
	h := b.View().Header()
	v := systemValues{bucket: at.Bucket, timestamp: h.CommitTimestamp, offset: h.BaseOffset}
	if at.Snapshot {
		v.timestamp, v.offset, v.constant, v.change = at.Timestamp, at.Offset, true, batch.Insert
		return v, nil
	}
	if p.changes == missing || !w.out.asks(flussv1.SystemColumn_SYSTEM_COLUMN_CHANGE_TYPE) {
		return v, nil
	}
	var err error
	v.change, v.changes, err = w.changeTypes(p, b)
	return v, err
}

// asks reports whether the system column is part of the output.
func (o *Output) asks(kind flussv1.SystemColumn) bool {
	for _, c := range o.columns {
		if c.system == kind {
			return true
		}
	}
	return false
}

// changeTypes returns the one change type of a batch, without reading its body
// when the statistics tell that there is but one, or that of each row.
func (w *Wire) changeTypes(p *Plan, b Stored) (batch.ChangeType, []int8, error) {
	if s, ok := b.View().Stats(p.changes); ok {
		least, _ := s.Min.(int64)
		if most, _ := s.Max.(int64); least == most && batch.ChangeType(least).Valid() && int64(batch.ChangeType(least)) == least {
			return batch.ChangeType(least), nil, nil
		}
	}
	d, err := decode(p, b, []int{p.changes})
	if err != nil {
		return 0, nil, err
	}
	defer d.free()
	values, ok := d.columns[p.changes].(*array.Int8)
	if !ok {
		return 0, nil, errWidening()
	}
	w.changes = append(w.changes[:0], values.Int8Values()...)
	for i, c := range w.changes {
		if !batch.ChangeType(c).Valid() || values.IsNull(i) {
			return 0, nil, errcode.New(errcode.InvalidBatch, nil, "row %d has the change type %d, which there is not", i, c)
		}
	}
	return 0, w.changes, nil
}

// text returns the change type of row i.
func (v *systemValues) text(i int) string {
	if v.changes != nil {
		return batch.ChangeType(v.changes[i]).String()
	}
	return v.change.String()
}

func (v *systemValues) offsetOf(i int) uint64 {
	if v.constant {
		return uint64(v.offset)
	}
	return uint64(v.offset) + uint64(i)
}

// appendSystem appends the values of a system column for rows of a batch.
func (c *column) appendSystem(kind flussv1.SystemColumn, v *systemValues, rows Rows) {
	n := rows.Len()
	row := func(i int) int { return rows.From + i }
	if rows.List != nil {
		row = func(i int) int { return int(rows.List[i]) }
	}
	switch kind { //nolint:exhaustive // Output has no others
	case flussv1.SystemColumn_SYSTEM_COLUMN_BUCKET:
		c.repeat(binary.LittleEndian.AppendUint32(nil, uint32(v.bucket)), n)
	case flussv1.SystemColumn_SYSTEM_COLUMN_TIMESTAMP:
		c.repeat(binary.LittleEndian.AppendUint64(nil, uint64(v.timestamp)), n)
	case flussv1.SystemColumn_SYSTEM_COLUMN_OFFSET:
		for i := range n {
			c.values = binary.LittleEndian.AppendUint64(c.values, v.offsetOf(row(i)))
		}
		c.rows += n
	default:
		for i := range n {
			c.appendText(v.text(row(i)))
		}
	}
}

// appendText appends a value to a variable column.
func (c *column) appendText(s string) {
	c.values = append(c.values, s...)
	c.offsets = binary.LittleEndian.AppendUint32(c.offsets, uint32(len(c.values)))
	c.rows++
}

// system appends a system column of n rows.
func (b *rawBody) system(kind flussv1.SystemColumn, v *systemValues, n int) {
	b.meta.Nodes = append(b.meta.Nodes, batch.Node{Length: int64(n)})
	b.zeros(0)
	switch kind { //nolint:exhaustive // Output has no others
	case flussv1.SystemColumn_SYSTEM_COLUMN_BUCKET:
		b.add(n*4, func(dst []byte) { fillRepeated(dst, binary.LittleEndian.AppendUint32(nil, uint32(v.bucket))) })
	case flussv1.SystemColumn_SYSTEM_COLUMN_TIMESTAMP:
		b.add(n*8, func(dst []byte) { fillRepeated(dst, binary.LittleEndian.AppendUint64(nil, uint64(v.timestamp))) })
	case flussv1.SystemColumn_SYSTEM_COLUMN_OFFSET:
		b.add(n*8, func(dst []byte) {
			for i := range n {
				binary.LittleEndian.PutUint64(dst[i*8:], v.offsetOf(i))
			}
		})
	default:
		b.add((n+1)*4, func(dst []byte) {
			for i := range n + 1 {
				binary.LittleEndian.PutUint32(dst[i*4:], uint32(i*changeTypeBytes))
			}
		})
		b.add(n*changeTypeBytes, func(dst []byte) {
			if v.changes == nil {
				fillRepeated(dst, []byte(v.change.String()))
				return
			}
			for i := range n {
				copy(dst[i*changeTypeBytes:], v.text(i))
			}
		})
	}
}
