package project

import (
	"encoding/binary"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/fluss-go/fluss/flight/codec"
	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/schema"
)

// The columns that answers to look-ups have behind those of the rows.
const (
	// ColumnFound is BOOLEAN NOT NULL: whether the key has a row.
	ColumnFound = "__found"
	// ColumnKey is INT NOT NULL: which key of its batch, from 0, a row belongs to.
	ColumnKey = "__key"
)

// Answers makes the messages that answer look-ups. It is not safe for concurrent use.
type Answers struct {
	gathering
	fields []schema.Field
	prefix bool
	// picked is scratch.
	picked []int32
}

// NewAnswers returns Answers of rows with the columns of s, nullable. Of look-ups
// by prefix they have any number of rows for each key and the column __key, of
// others one for each key, in order, and the column __found. It fails with
// InvalidProjection when s has a column of that name, and as schema.FromArrow does.
func NewAnswers(s *arrow.Schema, prefix bool, pool *codec.Pool) (*Answers, error) {
	fields, err := schema.FromArrow(s)
	if err != nil {
		return nil, err
	}
	extra := schema.Field{Name: ColumnFound, Type: schema.Type{Kind: schema.Boolean}}
	if prefix {
		extra = schema.Field{Name: ColumnKey, Type: schema.Type{Kind: schema.Int}}
	}
	a := &Answers{gathering: gathering{pool: pool}, prefix: prefix}
	for _, f := range fields {
		if f.Name == extra.Name {
			return nil, errcode.New(errcode.InvalidProjection, nil, "the table has a column %q, as answers do: name the columns wanted without it", f.Name)
		}
		f.Type.Nullable = true
		a.fields = append(a.fields, f)
	}
	a.fields = append(a.fields, extra)
	for _, f := range a.fields {
		a.columns = append(a.columns, newColumn(f.Type))
	}
	return a, nil
}

// Schema returns the Arrow schema of the answers.
func (a *Answers) Schema() *arrow.Schema { return schema.ArrowFields(a.fields) }

// Answer puts into dst the answer to as many keys as counts has: rows, those of a
// key after each other, has counts[i] rows of key i. dst.Header is valid until the
// next call.
func (a *Answers) Answer(dst *codec.FlightData, rows arrow.RecordBatch, counts []uint32) error {
	total, most := int64(0), uint32(0)
	for _, n := range counts {
		total, most = total+int64(n), max(most, n)
	}
	if total != rows.NumRows() || int(rows.NumCols()) != len(a.fields)-1 || !a.prefix && most > 1 {
		return errcode.New(errcode.Internal, nil, "a look-up returned %d rows of %d columns where %d of %d belong", rows.NumRows(), rows.NumCols(), total, len(a.fields)-1)
	}
	a.picked = a.picked[:0]
	last := a.columns[len(a.columns)-1]
	next := int32(0)
	for key, n := range counts {
		if !a.prefix {
			last.values = setBits(last.values, last.rows, 1, n > 0)
			last.rows++
			if n == 0 {
				a.picked = append(a.picked, None)
			}
		}
		for range n {
			a.picked = append(a.picked, next)
			next++
		}
		if a.prefix {
			last.repeat(binary.LittleEndian.AppendUint32(nil, uint32(key)), int(n))
		}
	}
	for i, c := range a.columns[:len(a.columns)-1] {
		c.appendPicked(rows.Column(i).Data(), a.picked)
	}
	a.rows = len(a.picked)
	a.Finish(dst)
	return nil
}
