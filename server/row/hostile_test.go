package row

import (
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
)

// Each row of a small table, damaged in one place.
func TestDamagedRows(t *testing.T) {
	f := NewFormat(schemaOf(t, 3, `b BOOLEAN, i INT, s STRING, n BINARY(2), a ARRAY<BOOLEAN>, m MAP<STRING, INT>, r ROW<x STRING, y INT>`))
	rec, _, err := array.RecordFromJSON(memory.DefaultAllocator, f.Schema().Arrow(), strings.NewReader(
		`[{"b": true, "i": null, "s": "text", "n": "AQI=", "a": [true, null], "m": [{"key": "k", "value": 7}], "r": {"x": "v", "y": 5}}]`))
	require.NoError(t, err)
	good := encodeAll(t, f, f.Schema().Columns, rec)[0]
	require.NoError(t, f.Check(good))
	const ends = 12 // of s, n, a, m and r
	const area = 32 // s 4, n 2, a 4+1+2, m 8+(1+4+1)+(1+4), r 1+4+4+1
	const array, aMap, aRow = area + 6, area + 13, area + 32
	require.Len(t, good, aRow+10)
	for _, tc := range []struct {
		name string
		edit func(r []byte) []byte
		text string
	}{
		{"empty", func([]byte) []byte { return nil }, "it has 0 bytes, its header takes 6"},
		{"short", func(r []byte) []byte { return r[:area-1] }, "it has 31 bytes, its columns take 32 at least"},
		{"version", set(0, 2), "its format is 2.0, this server reads 1.0"},
		{"reserved", set(1, 1), "its format is 1.1"},
		{"schema", set(2, 4), "it is of schema version 4 and read as one of 3"},
		{"bitmap", set(6, 0x82), "has bits in its bitmap behind the last value"},
		{"null with a value", set(9, 1), `column "i" is null and has a value`},
		{"null with a text", set(6, 6), `column "s" is null and has a value`},
		{"boolean", set(7, 2), `column "b" is a BOOLEAN and neither`},
		{"offset down", set(ends+4, 3), `column "n" has end offsets that go down`},
		{"offset beyond", set(ends+18, 1), `column "r" has end offsets`},
		{"rest", func(r []byte) []byte { return append(r, 0) }, "has bytes behind its last value"},
		{"binary", set(ends, 5), `column "n" has another number of bytes than its type`},
		{"list length", set(array, 4), `column "a" ends before its values do`},
		{"list bitmap", set(array+4, 4), `column "a" has bits in its bitmap`},
		{"list rest", set(array, 1), `column "a" has bits in its bitmap`},
		{"list boolean", set(array+5, 2), `column "a" is a BOOLEAN`},
		{"list null", set(array+6, 1), `column "a" is null and has a value`},
		{"map keys", set(aMap+4, 20), `column "m" is a MAP and its keys end outside`},
		{"map key null", set(aMap+8, 1), `column "m" is null and has a value`},
		{"map key offset", set(aMap+9, 2), `column "m" has end offsets`},
		{"map keys short", set(aMap+4, 3), `column "m" ends before its values do`},
		{"row offset", set(aRow+5, 9), `column "r" has end offsets`},
		{"row bitmap", set(aRow, 4), `column "r" has bits in its bitmap`},
		{"row rest", set(aRow+5, 0), `column "r" has bytes behind its last value`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			requireError(t, f.Check(tc.edit(slices.Clone(good))), errcode.Corrupt, tc.text)
		})
	}
	key := slices.Delete(set(aMap+8, 1)(slices.Clone(good)), aMap+13, aMap+14)
	key[aMap+4], key[aMap+9], key[ends+12], key[ends+16] = 5, 0, 31, 41
	requireError(t, f.Check(key), errcode.Corrupt, `column "m" is a MAP and has a null key`)
	requireError(t, NewCollector(f.Schema().Columns).Add(f, key), errcode.Corrupt, `column "m" is a MAP and has a null key`)
}

func set(at int, to byte) func([]byte) []byte {
	return func(r []byte) []byte {
		r[at] = to
		return r
	}
}

// attack has what hostile rows are given to.
type attack struct {
	f, next *Format
	c, wide *Collector
	rows    *Encoder
	batches *batch.Encoder
	builder *Builder
}

// newAttack is of two versions of a schema with a column of every type.
func newAttack(t testing.TB) *attack {
	columns := strings.NewReplacer("i32 INT", "i32 BIGINT", "f FLOAT", "f DOUBLE", "bin BINARY(5)", "bin BYTES").Replace(everyType)
	a := &attack{f: NewFormat(schemaOf(t, 3, everyType)), next: NewFormat(schemaOf(t, 4, columns+", added STRING"))}
	fields := a.f.Schema().Columns
	a.c, a.wide, a.builder = NewCollector(fields), NewCollector(a.next.Schema().Columns), a.f.NewBuilder()
	a.batches = batch.NewEncoder(batch.NewLayout(fields), batch.EncoderOptions{})
	var err error
	a.rows, err = a.f.NewEncoder(fields)
	require.NoError(t, err)
	return a
}

func (a *attack) seeds(t testing.TB, s *maker, n int) [][]byte {
	return encodeAll(t, a.f, a.f.Schema().Columns, s.record(a.f.Schema().Columns, n))
}

// with does with r all that can be done, and requires of a row that Check lets
// pass that it is the only encoding of what it says.
func (a *attack) with(t *testing.T, r []byte) {
	_, idErr := SchemaID(r)
	bad := a.f.Check(r)
	err := a.c.Add(a.f, r)
	_ = a.wide.Add(a.f, r)
	up, upErr := a.next.Upgrade(nil, a.f, r)
	if upErr == nil {
		_ = a.wide.Add(a.next, up)
	}
	rec, widened := a.c.Record(), a.wide.Record()
	defer rec.Release()
	defer widened.Release()
	_, _ = a.batches.Encode(nil, rec, batch.EncodeInfo{})
	if bad != nil {
		require.Equal(t, errcode.Corrupt, errcode.Of(bad))
		return
	}
	require.NoError(t, idErr)
	require.NoError(t, err)
	require.NoError(t, upErr)
	require.NoError(t, a.next.Check(up))
	require.EqualValues(t, 2, widened.NumRows())
	require.NoError(t, a.rows.Bind(rec))
	require.Equal(t, r, a.rows.Append(nil, 0))
	a.builder.Reset()
	for i := range a.f.Columns() {
		if v := a.f.Value(r, i); a.f.Null(r, i) {
			require.Nil(t, v)
		} else {
			a.builder.Set(i, v)
		}
	}
	require.Equal(t, r, a.builder.Append(nil))
}

// Bytes of a row changed, and the row cut, here and there; all of them are for FuzzRow.
func TestHostileRows(t *testing.T) {
	s := newMaker(t)
	a := newAttack(t)
	for _, r := range a.seeds(t, s, 4) {
		a.with(t, r)
		for i := s.IntN(9); i < len(r); i += 1 + s.IntN(9) {
			was := r[i]
			r[i] ^= 1 << s.IntN(8)
			a.with(t, r)
			r[i] = byte(s.Uint32())
			a.with(t, r)
			r[i] = was
			a.with(t, r[:i])
		}
	}
}

func FuzzRow(f *testing.F) {
	a := newAttack(f)
	for _, r := range a.seeds(f, seeded(9), 10) {
		f.Add(r)
	}
	f.Fuzz(a.with)
}

// A collector that refused a row has what it had before.
func TestRefusedRowsLeaveNothing(t *testing.T) {
	s := newMaker(t)
	f := NewFormat(schemaOf(t, 3, everyType))
	fields := f.Schema().Columns
	c := NewCollector(fields)
	rec := s.record(fields, 200)
	for _, r := range encodeAll(t, f, fields, rec) {
		for range 5 {
			hurt := slices.Clone(r)
			for range 3 {
				hurt[s.IntN(len(hurt))] = byte(s.Uint32())
			}
			if f.Check(hurt) != nil && NewCollector(fields).Add(f, hurt) != nil {
				require.Error(t, c.Add(f, hurt))
			}
		}
		require.NoError(t, c.Add(f, r))
	}
	requireSame(t, rec, c.Record())
}
