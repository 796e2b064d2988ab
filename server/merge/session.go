package merge

import (
	"bytes"
	"encoding/binary"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/proto/table"
	"github.com/fluss-go/fluss/server/row"
)

var le = binary.LittleEndian

// Outcome is what becomes of the row under a key.
type Outcome uint8

// The outcomes.
const (
	// Keep leaves the row, or its absence, as it is: no change is logged.
	Keep Outcome = iota
	// Put makes the row the one that was returned.
	Put
	// Remove takes the row away.
	Remove
)

// keepScratch is the size, in bytes, up to which memory is kept for the next row.
const keepScratch = 1 << 20

// Session merges the rows of batches of one form, one after the other. It is not
// safe for concurrent use.
//
// Its methods take old, the row under the key, nil when there is none, and return
// the row to put in its stead. That is written itself wherever a row is taken as
// it was written; else it is made in the memory of dst, from its start, if that is
// enough, so that dst must be memory that nothing else uses. out is nil unless the
// outcome is Put. An auto-increment column is null in it or has the value of old:
// the caller sets it. A session keeps none of them. Errors do not say which row of a
// batch they are about: the caller knows.
type Session struct {
	m *Merger
	// engine and deletes are in force: those of the table unless it is overwritten.
	engine  table.MergeEngine
	deletes table.DeleteBehavior
	// given: the write named its columns; targets are they, with the key's and
	// without the auto-increment column.
	given   bool
	targets []bool
	// partial: a column of the table is left out, other than an auto-increment one.
	partial bool
	// required are the columns among those written that may not be null.
	required []int
	// bitmaps are the columns among those written that hold bitmaps.
	bitmaps []int

	builder *row.Builder
	number  [16]byte
	// text and sets are what aggregate functions write values of any length to.
	text []byte
	sets union
}

// Upsert merges written, which has null in the columns that the session does not
// write, into old. See Session for out.
//
// It fails with INVALID_BATCH(column) when a NOT NULL column is written with null,
// or an aggregate function cannot take the value, and with CORRUPT(column) when
// old has a value in it that no write leaves.
func (s *Session) Upsert(dst, old, written []byte) (out []byte, o Outcome, err error) {
	f := s.m.format
	for _, i := range s.required {
		if f.Null(written, i) {
			return nil, Keep, s.m.nullRefused(i)
		}
	}
	switch s.engine {
	case table.FirstRow:
		if old != nil {
			return nil, Keep, nil
		}
	case table.Versioned:
		if old != nil && !s.newer(old, written) {
			return nil, Keep, nil
		}
	case table.Aggregation:
		return s.aggregate(dst, old, written)
	case table.LastRow:
		if len(s.bitmaps) > 0 { // of an aggregation table that is overwritten
			if err := s.checkBitmaps(written); err != nil {
				return nil, Keep, err
			}
		}
		if s.partial && old != nil {
			return s.overlay(dst, old, written), Put, nil
		}
	}
	return written, Put, nil
}

// InsertAbsent puts written if there is no old row, as Upsert does, and keeps old
// otherwise.
func (s *Session) InsertAbsent(dst, old, written []byte) (out []byte, o Outcome, err error) {
	if old != nil {
		return nil, Keep, nil
	}
	return s.Upsert(dst, nil, written)
}

// Delete deletes old, as far as the table's delete behavior lets it. A session
// with targets makes those columns null, and removes the row when no column
// outside of the key has a value then. See Session for out.
//
// It fails with DELETION_DISABLED, whether there is a row or not, when the table
// refuses deletes, and with INVALID_BATCH(column) when a target is NOT NULL and
// the row stays.
func (s *Session) Delete(dst, old []byte) (out []byte, o Outcome, err error) {
	switch s.deletes {
	case table.DisableDelete:
		return nil, Keep, errcode.New(errcode.DeletionDisabled, nil,
			"table %s refuses deletes (table.delete.behavior = DISABLE)", s.m.path)
	case table.IgnoreDelete:
		return nil, Keep, nil
	case table.AllowDelete:
	}
	switch {
	case old == nil:
		return nil, Keep, nil
	case !s.given:
		return nil, Remove, nil
	default:
		return s.clear(dst, old)
	}
}

// clear makes the targets null.
func (s *Session) clear(dst, old []byte) ([]byte, Outcome, error) {
	f := s.m.format
	var left, changed bool
	var refused error
	for i := range s.m.columns {
		c := &s.m.columns[i]
		switch {
		case c.key || f.Null(old, i):
		case !s.targets[i]:
			left = true
		default:
			changed = true
			if !c.typ.Nullable && refused == nil {
				refused = errcode.New(errcode.InvalidBatch, nil,
					"column %q is NOT NULL: a delete of some columns cannot make it null; delete the whole row", c.name).With("column", c.name)
			}
		}
	}
	switch {
	case !left:
		return nil, Remove, nil
	case !changed:
		return nil, Keep, nil
	case refused != nil:
		return nil, Keep, refused
	}
	b := s.begin()
	for i := range s.m.columns {
		if !s.targets[i] || s.m.columns[i].key {
			b.Copy(old, i)
		}
	}
	return s.finish(dst), Put, nil
}

// overlay returns old with the targets of written.
func (s *Session) overlay(dst, old, written []byte) []byte {
	b := s.begin()
	for i, target := range s.targets {
		if target {
			b.Copy(written, i)
		} else {
			b.Copy(old, i)
		}
	}
	return s.finish(dst)
}

// begin returns a builder whose columns are all null.
func (s *Session) begin() *row.Builder {
	if s.builder == nil {
		s.builder = s.m.format.NewBuilder()
	} else {
		s.builder.Reset()
	}
	return s.builder
}

// finish returns the row built, and lets go of memory that only large rows need.
func (s *Session) finish(dst []byte) []byte {
	out := s.builder.Append(dst[:0])
	if len(out) > keepScratch {
		s.builder = nil
	}
	return out
}

// newer reports whether written replaces old in the engine VERSIONED: its version
// is no lower. Null is lower than every version, and never replaces a row.
func (s *Session) newer(old, written []byte) bool {
	before, after := s.m.format.Value(old, s.m.version), s.m.format.Value(written, s.m.version)
	switch {
	case after == nil:
		return false
	case before == nil:
		return true
	case s.m.columns[s.m.version].typ.Kind == schema.Int:
		return int32(le.Uint32(after)) >= int32(le.Uint32(before))
	default: // BIGINT, TIMESTAMP, TIMESTAMP_LTZ
		return int64(le.Uint64(after)) >= int64(le.Uint64(before))
	}
}

// aggregate merges column by column.
func (s *Session) aggregate(dst, old, written []byte) ([]byte, Outcome, error) {
	if err := s.checkBitmaps(written); err != nil {
		return nil, Keep, err
	}
	if old == nil {
		return s.first(dst, written), Put, nil
	}
	f, b := s.m.format, s.begin()
	for i := range s.m.columns {
		c := &s.m.columns[i]
		if s.targets != nil && !s.targets[i] {
			b.Copy(old, i)
			continue
		}
		switch c.aggregate.pick(f.Null(old, i), f.Null(written, i)) {
		case takeOld:
			b.Copy(old, i)
		case takeWritten:
			b.Copy(written, i)
		case takeFirst:
			b.Set(i, c.aggregate.first(s, written, i))
		case takeBoth:
			v, err := c.aggregate.fold(s, c, f.Value(old, i), f.Value(written, i))
			if err != nil {
				return nil, Keep, err
			}
			b.Set(i, v)
		}
	}
	out := s.finish(dst)
	s.shrink()
	if bytes.Equal(out, old) {
		return nil, Keep, nil
	}
	return out, Put, nil
}

// first returns the row that written makes where there was none.
func (s *Session) first(dst, written []byte) []byte {
	if !s.m.firsts {
		return written
	}
	f, b := s.m.format, s.begin()
	for i := range s.m.columns {
		a := &s.m.columns[i].aggregate
		if a.first != nil && !f.Null(written, i) {
			b.Set(i, a.first(s, written, i))
		} else {
			b.Copy(written, i)
		}
	}
	return s.finish(dst)
}

// shrink lets go of memory that only large values need.
func (s *Session) shrink() {
	if cap(s.text) > keepScratch {
		s.text = nil
	}
	s.sets.shrink()
}

func (m *Merger) nullRefused(i int) error {
	name := m.columns[i].name
	return errcode.New(errcode.InvalidBatch, nil, "column %q is NOT NULL and null", name).With("column", name)
}
