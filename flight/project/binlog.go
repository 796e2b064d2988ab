package project

import (
	"encoding/binary"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/fluss-go/fluss/proto/batch"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
)

// None stands for the number of a row that there is not.
const None = int32(-1)

// Pair is a change of a row: the numbers of the rows before and after it in
// their batch, None for the one that there is not.
type Pair struct {
	Before, After int32
	Type          batch.ChangeType
}

// Last is the number of the change's last row.
func (p Pair) Last() int32 { return max(p.Before, p.After) }

// Pairs returns the changes of b whose last row lies in [from, to) and whose row
// before or after the filter takes.
func (w *Wire) Pairs(p *Plan, b Stored, from, to int) ([]Pair, error) {
	matching, err := w.Match(p, b, 0, int(b.View().Header().RowCount))
	if err != nil || matching.Len() == 0 {
		return nil, err
	}
	v := systemValues{change: batch.AppendOnly}
	if p.changes != missing {
		if v.change, v.changes, err = w.changeTypes(p, b); err != nil {
			return nil, err
		}
	}
	var out []Pair
	for i := from; i < to; i++ {
		pair := v.pair(i)
		if pair.Last() != None && (matching.has(pair.Before) || matching.has(pair.After)) {
			out = append(out, pair)
		}
	}
	return out, nil
}

// pair returns the change that row i is the last of; if it is none, one without rows.
func (v *systemValues) pair(i int) Pair {
	change, row := v.at(i), int32(i)
	switch change {
	case batch.UpdateBefore:
		return Pair{None, None, change}
	case batch.UpdateAfter:
		if i > 0 && v.at(i-1) == batch.UpdateBefore {
			return Pair{row - 1, row, change}
		}
		return Pair{None, row, change}
	case batch.Delete:
		return Pair{row, None, change}
	case batch.AppendOnly, batch.Insert:
	}
	return Pair{None, row, batch.Insert}
}

func (v *systemValues) at(i int) batch.ChangeType {
	if v.changes != nil {
		return batch.ChangeType(v.changes[i])
	}
	return v.change
}

// has reports whether the row is one of r.
func (r Rows) has(row int32) bool {
	if row == None {
		return false
	}
	if r.List != nil {
		_, found := slices.BinarySearch(r.List, row)
		return found
	}
	return int(row) >= r.From && int(row) < r.To
}

// AppendPairs gathers changes of b, as the output's rows before and after, for
// the message that Finish makes.
func (w *Wire) AppendPairs(p *Plan, b Stored, at Origin, pairs []Pair) error {
	d, err := decode(p, b, p.columns)
	if err != nil {
		return err
	}
	defer d.free()
	sides := [2][]int32{make([]int32, len(pairs)), make([]int32, len(pairs))}
	for i, pair := range pairs {
		sides[0][i], sides[1][i] = pair.Before, pair.After
	}
	for i, c := range w.out.leaves {
		source := p.sources[i]
		var data arrow.ArrayData
		if source != missing {
			var ok bool
			if data, ok = widened(d.columns[source].Data(), p.fields[source].Type, c.field.Type); !ok {
				return errWidening()
			}
		}
		for side, rows := range sides {
			w.columns[side].children[i].appendPicked(data, rows)
		}
	}
	for side, rows := range sides {
		w.columns[side].appendPresence(rows)
	}
	h := b.View().Header()
	for i, c := range w.out.columns[len(sides):] {
		col := w.columns[len(sides)+i]
		for _, pair := range pairs {
			switch c.system { //nolint:exhaustive // Output has no others
			case flussv1.SystemColumn_SYSTEM_COLUMN_BUCKET:
				col.repeat(binary.LittleEndian.AppendUint32(nil, uint32(at.Bucket)), 1)
			case flussv1.SystemColumn_SYSTEM_COLUMN_TIMESTAMP:
				col.appendInt64(h.CommitTimestamp)
			case flussv1.SystemColumn_SYSTEM_COLUMN_OFFSET:
				col.appendInt64(int64(h.BaseOffset) + int64(pair.Last()))
			default:
				col.appendText(pair.Type.String())
			}
		}
	}
	w.rows += len(pairs)
	return nil
}

// appendPicked appends the rows of d with the given numbers, in any order, and a
// null for None; without d only nulls.
func (c *column) appendPicked(d arrow.ArrayData, rows []int32) {
	if d == nil {
		c.appendNulls(len(rows))
		return
	}
	for i := 0; i < len(rows); {
		j := i + 1
		if rows[i] == None {
			for j < len(rows) && rows[j] == None {
				j++
			}
			c.appendNulls(j - i)
		} else {
			for j < len(rows) && rows[j] == rows[j-1]+1 {
				j++
			}
			c.appendRange(d, int(rows[i]), j-i)
		}
		i = j
	}
}

// appendPresence appends to a column of structs, whose children have the values
// already, a null for None.
func (c *column) appendPresence(rows []int32) {
	for _, row := range rows {
		switch {
		case row == None:
			c.validity = setBits(c.fullValidity(), c.rows, 1, false)
			c.nulls++
		case c.nulls > 0:
			c.validity = setBits(c.validity, c.rows, 1, true)
		}
		c.rows++
	}
}
