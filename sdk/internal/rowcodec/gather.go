package rowcodec

import (
	"github.com/apache/arrow-go/v18/arrow"
)

// Place is some rows of one of several records.
type Place struct{ Record, From, Rows int }

// Gather returns a record of the shape with the rows at the places, in that order.
// The records have the shape's columns. It fails with RECORD_TOO_LARGE when the
// values of a column exceed 2 GiB.
func (s *Shape) Gather(records []arrow.RecordBatch, places []Place) (arrow.RecordBatch, error) {
	if len(records) == 1 {
		if rec, ok := sliceOf(records[0], places); ok {
			return rec, nil
		}
	}
	b := NewBuilder(s)
	for i := range b.columns {
		if err := b.columns[i].gather(i, records, places); err != nil {
			return nil, err
		}
	}
	for _, p := range places {
		b.rows += p.Rows
	}
	return b.Record(), nil
}

// sliceOf returns the rows at places that follow each other without copying them.
func sliceOf(rec arrow.RecordBatch, places []Place) (arrow.RecordBatch, bool) {
	from, to := -1, -1
	for _, p := range places {
		switch {
		case p.Rows == 0:
			continue
		case from < 0:
			from = p.From
		case p.From != to:
			return nil, false
		}
		to = p.From + p.Rows
	}
	return rec.NewSlice(int64(max(0, from)), int64(max(0, to))), true
}

func (c *Column) gather(column int, records []arrow.RecordBatch, places []Place) error {
	adds := make([]func(i int) error, len(records))
	arrays := make([]arrow.Array, len(records))
	for k, rec := range records {
		arrays[k] = rec.Column(column)
		var err error
		if adds[k], err = c.caster(arrays[k]); err != nil {
			return err
		}
	}
	for _, p := range places {
		for i := p.From; i < p.From+p.Rows; i++ {
			if arrays[p.Record].IsNull(i) {
				c.putNull()
				continue
			}
			if err := adds[p.Record](i); err != nil {
				return err
			}
		}
	}
	return nil
}
