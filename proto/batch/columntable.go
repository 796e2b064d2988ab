package batch

import (
	"bytes"
	"encoding/binary"
	"math"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/fluss-go/fluss/proto/schema"
)

// The column table: an entry per top-level column, then the bytes of their
// statistics, those of each column's smallest value and then its largest.
const (
	columnEntry  = 16
	columnNulls  = 4
	columnFlags  = 8
	columnMin    = 9
	columnMax    = 10
	columnZero   = 11
	columnOffset = 12

	// maxStatBytes is where a text is cut.
	maxStatBytes = 32
)

// The flags of an entry.
const (
	columnHasBounds = 1 << 0
	columnMinCut    = 1 << 1
	columnMaxCut    = 1 << 2
)

// statKind is how the bounds of a column are stored.
type statKind uint8

const (
	statNone statKind = iota
	statBool
	statInt8
	statInt16
	statInt32
	statInt64
	statFloat32
	statFloat64
	statDecimal
	statText
	statBytes
)

// statWidths has the bytes of a bound; 0 for those of any length.
var statWidths = [...]int{statBool: 1, statInt8: 1, statInt16: 2, statInt32: 4, statInt64: 8, statFloat32: 4, statFloat64: 8, statDecimal: 16, statBytes: 0}

func statOf(t schema.Type) statKind {
	switch t.Kind {
	case schema.Boolean:
		return statBool
	case schema.TinyInt:
		return statInt8
	case schema.SmallInt:
		return statInt16
	case schema.Int, schema.Date:
		return statInt32
	case schema.BigInt, schema.Timestamp, schema.TimestampLTZ:
		return statInt64
	case schema.Float:
		return statFloat32
	case schema.Double:
		return statFloat64
	case schema.Time:
		if _, ok := t.Arrow().(*arrow.Time32Type); ok {
			return statInt32
		}
		return statInt64
	case schema.Decimal:
		return statDecimal
	case schema.Char, schema.String:
		return statText
	case schema.Binary, schema.Bytes:
		return statBytes
	default:
		return statNone
	}
}

// Stats is what is known about the values of one column of a batch.
type Stats struct {
	// NullCount is the number of nulls.
	NullCount int64
	// Min and Max bound the values that are neither null nor NaN: bool; int64 for
	// integers, and for dates, times and timestamps in their unit; float64;
	// decimal128.Num; string; []byte. Nil when unknown or when there is no value.
	Min, Max any
	// MinExact and MaxExact tell that the bound is a value of the column. If not,
	// it is the first bytes (at most 32) of one: so Min is still not above any
	// value, but the largest value starts with Max and is above it.
	MinExact, MaxExact bool
}

// decodeStats reads entry i of a column table; false when it has no bounds or
// they are malformed. The null count is always set.
func decodeStats(table []byte, i int, kind statKind) (Stats, bool) {
	le := binary.LittleEndian
	e := table[columnEntry*i:][:columnEntry]
	s := Stats{NullCount: int64(le.Uint32(e[columnNulls:]))}
	minLen, maxLen := int64(e[columnMin]), int64(e[columnMax])
	at := int64(le.Uint32(e[columnOffset:]))
	if e[columnFlags]&columnHasBounds == 0 || at+minLen+maxLen > int64(len(table)) {
		return s, false
	}
	var ok bool
	if s.Min, ok = statValue(kind, table[at:at+minLen]); !ok {
		return s, false
	}
	if s.Max, ok = statValue(kind, table[at+minLen:at+minLen+maxLen]); !ok {
		s.Min = nil
		return s, false
	}
	s.MinExact, s.MaxExact = e[columnFlags]&columnMinCut == 0, e[columnFlags]&columnMaxCut == 0
	return s, true
}

// statValue returns the value of a bound; false when its length is wrong.
func statValue(kind statKind, b []byte) (any, bool) {
	if kind == statNone || kind < statText && len(b) != statWidths[kind] {
		return nil, false
	}
	le := binary.LittleEndian
	switch kind {
	case statBool:
		return b[0] != 0, true
	case statInt8:
		return int64(int8(b[0])), true
	case statInt16:
		return int64(int16(le.Uint16(b))), true
	case statInt32:
		return int64(int32(le.Uint32(b))), true
	case statInt64:
		return int64(le.Uint64(b)), true
	case statFloat32:
		return float64(math.Float32frombits(le.Uint32(b))), true
	case statFloat64:
		return math.Float64frombits(le.Uint64(b)), true
	case statDecimal:
		return decimal128.New(int64(le.Uint64(b[8:])), le.Uint64(b)), true
	case statText:
		return string(b), true
	default:
		return b, true
	}
}

// inOrder reports whether lo is not above hi, both well-formed bounds of the kind.
func inOrder(kind statKind, lo, hi []byte) bool {
	if kind == statNone || kind < statText && (len(lo) != statWidths[kind] || len(hi) != statWidths[kind]) {
		return false
	}
	le := binary.LittleEndian
	switch kind {
	case statBool:
		return lo[0] <= hi[0] && hi[0] <= 1
	case statInt8:
		return int8(lo[0]) <= int8(hi[0])
	case statInt16:
		return int16(le.Uint16(lo)) <= int16(le.Uint16(hi))
	case statInt32:
		return int32(le.Uint32(lo)) <= int32(le.Uint32(hi))
	case statInt64:
		return int64(le.Uint64(lo)) <= int64(le.Uint64(hi))
	case statFloat32:
		return math.Float32frombits(le.Uint32(lo)) <= math.Float32frombits(le.Uint32(hi))
	case statFloat64:
		return math.Float64frombits(le.Uint64(lo)) <= math.Float64frombits(le.Uint64(hi))
	case statDecimal:
		a, b := int64(le.Uint64(lo[8:])), int64(le.Uint64(hi[8:]))
		return a < b || a == b && le.Uint64(lo) <= le.Uint64(hi)
	default:
		return bytes.Compare(lo, hi) <= 0
	}
}

// checkColumnTable makes sure that a table is one that an Encoder could have
// written for these nulls: no byte in it is free.
func checkColumnTable(l *Layout, m *Meta, table []byte) error {
	at := columnEntry * len(l.columns)
	if len(table) < at {
		return invalid("the column table has %d bytes, too few for %d columns", len(table), len(l.columns))
	}
	le := binary.LittleEndian
	for i := range l.columns {
		c := &l.columns[i]
		e := table[columnEntry*i:][:columnEntry]
		if nulls := int64(le.Uint32(e[columnNulls:])); nulls != m.Nodes[c.node].Nulls {
			return columnError(c.path, "has %d nulls by the column table and %d by the metadata", nulls, m.Nodes[c.node].Nulls)
		}
		n := int(e[columnMin]) + int(e[columnMax])
		if e[columnZero] != 0 || !checkBounds(c, e, table, at, m.Rows == m.Nodes[c.node].Nulls) {
			return columnError(c.path, "has malformed statistics in the column table")
		}
		at += n
	}
	if at != len(table) {
		return invalid("the column table has %d bytes, its columns take %d", len(table), at)
	}
	return nil
}

func checkBounds(c *columnLayout, e, table []byte, at int, empty bool) bool {
	flags, minLen, maxLen := e[columnFlags], int(e[columnMin]), int(e[columnMax])
	if flags&columnHasBounds == 0 {
		return flags == 0 && minLen == 0 && maxLen == 0 && binary.LittleEndian.Uint32(e[columnOffset:]) == 0
	}
	if empty || flags&^(columnHasBounds|columnMinCut|columnMaxCut) != 0 ||
		binary.LittleEndian.Uint32(e[columnOffset:]) != uint32(at) || at+minLen+maxLen > len(table) ||
		minLen > maxStatBytes || maxLen > maxStatBytes {
		return false
	}
	if c.stat < statText && flags != columnHasBounds {
		return false
	}
	lo, hi := table[at:at+minLen], table[at+minLen:at+minLen+maxLen]
	if c.stat == statText && !(utf8.Valid(lo) && utf8.Valid(hi)) {
		return false
	}
	return inOrder(c.stat, lo, hi)
}

// columnError is about the column, or what is nested in one, at path.
func columnError(path, format string, args ...any) error {
	return invalid("column %q "+format, append([]any{path}, args...)...).With("column", path)
}
