package batch

import (
	"bytes"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/schema"
)

// foreignSchema has the Arrow types that no table stores and that are converted.
func foreignSchema() *arrow.Schema {
	large := arrow.BinaryTypes.LargeString
	return arrow.NewSchema([]arrow.Field{
		{Name: "s", Type: large, Nullable: true},
		{Name: "b", Type: arrow.BinaryTypes.LargeBinary, Nullable: true},
		{Name: "u8", Type: arrow.PrimitiveTypes.Uint8, Nullable: true},
		{Name: "u16", Type: arrow.PrimitiveTypes.Uint16, Nullable: true},
		{Name: "u32", Type: arrow.PrimitiveTypes.Uint32, Nullable: true},
		{Name: "day", Type: arrow.FixedWidthTypes.Date64, Nullable: true},
		{Name: "l", Type: arrow.LargeListOf(large), Nullable: true},
		{Name: "f", Type: arrow.FixedSizeListOf(2, arrow.PrimitiveTypes.Uint8), Nullable: true},
		{Name: "r", Type: arrow.StructOf(arrow.Field{Name: "x", Type: arrow.ListOf(large), Nullable: true}), Nullable: true},
		{Name: "m", Type: arrow.MapOf(large, arrow.PrimitiveTypes.Uint16), Nullable: true},
		{Name: "same", Type: arrow.MapOf(arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int32), Nullable: true},
	}, nil)
}

const foreignRows = `[
	{"s":"Straße","b":"AQI=","u8":255,"u16":65535,"u32":4294967295,"day":"2026-11-22","l":["a",null],"f":[1,255],
	 "r":{"x":["y","z"]},"m":[{"key":"k","value":65535}],"same":[{"key":"k","value":-1}]},
	{"s":null,"b":null,"u8":null,"u16":null,"u32":null,"day":null,"l":null,"f":null,"r":null,"m":null,"same":null},
	{"s":"","b":"","u8":0,"u16":0,"u32":0,"day":"1969-12-31","l":[],"f":[0,7],"r":{"x":null},"m":[],"same":[]},
	{"s":"x","b":"","u8":128,"u16":1,"u32":7,"day":"1970-01-01","l":["b"],"f":[3,null],"r":{"x":[null]},"m":null,"same":null}]`

func foreignRecord(t testing.TB) (*Layout, arrow.RecordBatch, []schema.Field) {
	s := foreignSchema()
	rec, _, err := array.RecordFromJSON(memory.DefaultAllocator, s, strings.NewReader(foreignRows))
	require.NoError(t, err)
	fields, err := schema.Like(s)
	require.NoError(t, err)
	l, err := NewIPCLayout(s, fields)
	require.NoError(t, err)
	return l, rec, fields
}

func TestDecodeIPCConverts(t *testing.T) {
	l, rec, fields := foreignRecord(t)
	want, _, err := array.RecordFromJSON(memory.DefaultAllocator, schema.ArrowFields(fields), strings.NewReader(foreignRows))
	require.NoError(t, err)
	for _, codec := range allCodecs {
		for n := range rec.NumRows() + 1 {
			meta, body := payload(t, rec.NewSlice(0, n), arrowCodecs[codec]...)
			got, err := DecodeIPC(l, meta, body, Limits{CheckUTF8: true})
			require.NoError(t, err)
			require.True(t, got.Schema().Equal(schema.ArrowFields(fields)))
			requireSame(t, want.NewSlice(0, n), got)
			encode(t, NewLayout(fields), None, got)
		}
	}
}

func TestIPCLayoutRefuses(t *testing.T) {
	for _, tc := range []struct {
		columns string
		wire    arrow.DataType
	}{
		{"c INT", arrow.PrimitiveTypes.Int64},
		{"c STRING", arrow.BinaryTypes.LargeBinary},
		{"c INT", arrow.PrimitiveTypes.Uint8},
		{"c ARRAY<INT>", arrow.LargeListOf(arrow.PrimitiveTypes.Int8)},
		{"c ROW<a INT>", arrow.StructOf()},
	} {
		_, err := NewIPCLayout(oneColumn(tc.wire), fieldsOf(t, tc.columns))
		require.Equal(t, errcode.InvalidSchema, errcode.Of(err))
	}
}

func TestForeignMutations(t *testing.T) {
	s := newSource(t)
	l, rec, fields := foreignRecord(t)
	own := NewLayout(fields)
	for _, codec := range allCodecs {
		meta, body := payload(t, rec, arrowCodecs[codec]...)
		for range 4000 {
			m, b := bytes.Clone(meta), alignedCopy(body)
			if s.IntN(2) == 0 {
				s.mutate(m, 0, len(m))
			} else {
				s.mutate(b, 0, len(b))
			}
			if rec, err := DecodeIPC(l, m, b, Limits{CheckUTF8: true}); err == nil {
				touch(rec)
				encode(t, own, None, rec)
			}
		}
	}
}
