package schema

import (
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
)

func columns(t *testing.T, text string) []Field {
	t.Helper()
	out, err := ParseColumns(text)
	require.NoError(t, err)
	return out
}

func newSchema(t *testing.T, text string, key ...string) *Schema {
	t.Helper()
	s, err := New(columns(t, text), key)
	require.NoError(t, err)
	return s
}

// show writes columns with their ids: "1:a INT, 2:r ROW<3:b INT>".
func show(fields []Field) string {
	parts := make([]string, len(fields))
	for i, f := range fields {
		parts[i] = fmt.Sprintf("%d:%s", f.ID, f.Name)
		if len(f.Type.Fields) > 0 {
			parts[i] += " " + f.Type.Kind.String() + "<" + show(f.Type.Fields) + ">"
		} else {
			parts[i] += " " + f.Type.String()
		}
		if f.Comment != "" {
			parts[i] += " '" + f.Comment + "'"
		}
	}
	return strings.Join(parts, ", ")
}

func TestNewNumbersDepthFirstAndMakesTheKeyNotNull(t *testing.T) {
	given := columns(t, "a INT, r ROW<x INT, m MAP<STRING, ARRAY<INT>>>, z STRING")
	s, err := New(given, []string{"z", "a"})
	require.NoError(t, err)
	require.Equal(t, "1:a INT NOT NULL, 2:r ROW<3:x INT, 4:m MAP<5:key STRING NOT NULL, 6:value ARRAY<7:element INT>>>, 8:z STRING NOT NULL",
		show(s.Columns))
	require.Equal(t, ids.FieldID(8), s.HighestFieldID)
	require.Equal(t, ids.SchemaID(1), s.ID)
	require.NoError(t, s.Validate())
	require.Zero(t, given[0].ID, "the argument is copied")
	require.True(t, given[0].Type.Nullable)
	require.Zero(t, given[1].Type.Fields[0].ID)
}

func TestNewRefuses(t *testing.T) {
	deep := Of(Int)
	for range MaxDepth {
		deep = ArrayOf(deep)
	}
	many := make([]Field, MaxFields+1)
	for i := range many {
		many[i] = Field{Name: fmt.Sprint("c", i), Type: Of(Int)}
	}
	for _, tc := range []struct {
		name    string
		columns []Field
		key     []string
		want    string
	}{
		{"nothing", nil, nil, "at least one column"},
		{"too many", many, nil, "more than 5000"},
		{"no name", []Field{{Type: Of(Int)}}, nil, "has no name"},
		{"long name", []Field{{Name: strings.Repeat("x", 201), Type: Of(Int)}}, nil, "longer than 200 bytes"},
		{"name not UTF-8", []Field{{Name: "\xff", Type: Of(Int)}}, nil, "not UTF-8"},
		{"control character", []Field{{Name: "a\nb", Type: Of(Int)}}, nil, "control character"},
		{"reserved", []Field{{Name: "__offset", Type: Of(Int)}}, nil, `"__offset" is reserved`},
		{"twice", columns(t, "a INT, a INT"), nil, `two columns are named "a"`},
		{"twice nested", columns(t, "a ROW<b INT, b INT>"), nil, `column "a" has two fields named "b"`},
		{"no kind", []Field{{Name: "a"}}, nil, "unknown type kind 0"},
		{"bad kind", []Field{{Name: "a", Type: Type{Kind: 20}}}, nil, "unknown type kind 20"},
		{"deep", []Field{{Name: "a", Type: deep}}, nil, "nested more than 32"},
		{"array of nothing", []Field{{Name: "a", Type: Type{Kind: Array}}}, nil, "an ARRAY has exactly one field"},
		{"map of one", []Field{{Name: "a", Type: Type{Kind: Map, Fields: []Field{{Name: "key"}}}}}, nil, "a MAP has exactly two"},
		{"null key in map", []Field{{Name: "a", Type: Type{Kind: Map, Fields: []Field{
			{Name: "key", Type: Of(Int)}, {Name: "value", Type: Of(Int)}}}}}, nil, "key of a MAP must be NOT NULL"},
		{"empty row", []Field{{Name: "a", Type: Type{Kind: Row}}}, nil, "a ROW needs at least one field"},
		{"wide binary", []Field{{Name: "a", Type: Type{Kind: Binary, Length: 1 << 21}}}, nil, "the length of BINARY"},
		{"nested parameter", []Field{{Name: "a", Type: ArrayOf(Type{Kind: Decimal})}}, nil, `column "a".element: the precision`},
		{"key unknown", columns(t, "alpha INT"), []string{"alpa"}, `names "alpa", which is no column; did you mean "alpha"?`},
		{"key twice", columns(t, "a INT"), []string{"a", "a"}, `names "a" twice`},
		{"key nested", columns(t, "a ARRAY<INT>"), []string{"a"}, "cannot be in the primary key"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := New(tc.columns, tc.key)
			requireCode(t, err, errcode.InvalidSchema)
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func TestValidateIDs(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*Schema)
		want   string
	}{
		{"schema id", func(s *Schema) { s.ID = 0 }, "schema id must be 1 or more"},
		{"no id", func(s *Schema) { s.Columns[1].ID = 0 }, `field "b" has the id 0`},
		{"above the highest", func(s *Schema) { s.HighestFieldID = 1 }, "outside 1 to 1"},
		{"twice", func(s *Schema) { s.Columns[1].Type.Fields[0].ID = 1 }, `fields "a" and "element" have the same id 1`},
		{"null key", func(s *Schema) { s.Columns[0].Type.Nullable = true }, `"a" is in the primary key and must be NOT NULL`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newSchema(t, "a INT, b ARRAY<INT>", "a")
			tc.change(s)
			err := s.Validate()
			requireCode(t, err, errcode.InvalidSchema)
			require.ErrorContains(t, err, tc.want)
		})
	}
}

const allKinds = "a BOOLEAN, b TINYINT, c SMALLINT, d INT, e BIGINT, f FLOAT, g DOUBLE, h CHAR(3), i STRING, j DECIMAL(15, 2), k DATE, " +
	"l TIME, m TIME(3), n TIME(6), o TIME(9), p TIMESTAMP(0), q TIMESTAMP(1), r TIMESTAMP(4), s TIMESTAMP(9), t TIMESTAMP_LTZ(3), " +
	"u BINARY(16), v BYTES NOT NULL, w ARRAY<INT NOT NULL>, x MAP<STRING, INT>, y ROW<z INT>"

func TestArrowTypes(t *testing.T) {
	s := newSchema(t, allKinds)
	want := []string{
		"bool", "int8", "int16", "int32", "int64", "float32", "float64", "utf8", "utf8", "decimal(15, 2)", "date32",
		"time32[s]", "time32[ms]", "time64[us]", "time64[ns]", "timestamp[s]", "timestamp[ms]", "timestamp[us]", "timestamp[ns]",
		"timestamp[ms, tz=UTC]", "fixed_size_binary[16]", "binary", "list<element: int32>",
		"map<utf8, int32, items_nullable>", "struct<z: int32 nullable>",
	}
	a := s.Arrow()
	for i, f := range a.Fields() {
		require.Equal(t, want[i], f.Type.String(), f.Name)
		require.Equal(t, f.Name != "v", f.Nullable, f.Name)
		id, ok := f.Metadata.GetValue("PARQUET:field_id")
		require.True(t, ok)
		require.Equal(t, fmt.Sprint(s.Columns[i].ID), id)
	}
	back, err := FromArrow(a)
	require.NoError(t, err)
	for i, f := range back { // what Arrow cannot tell
		switch f.Name {
		case "h":
			require.Equal(t, String, f.Type.Kind)
		case "q", "r":
			require.Equal(t, TimeUnit(s.Columns[i].Type.Precision), TimeUnit(f.Type.Precision))
		default:
			require.Equal(t, s.Columns[i], f)
		}
	}
}

func TestFromArrowLeavesOutWhatIsNotThere(t *testing.T) {
	got, err := FromArrow(arrow.NewSchema([]arrow.Field{
		{Name: "a", Type: arrow.ListOf(arrow.PrimitiveTypes.Int32), Nullable: true},
		{Name: "b", Type: &arrow.TimestampType{Unit: arrow.Second, TimeZone: "Europe/Berlin"}},
		{Name: "c", Type: arrow.MapOf(arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int8), Metadata: arrow.NewMetadata([]string{FieldIDKey}, []string{"x"})},
	}, nil))
	require.NoError(t, err)
	require.Equal(t, "0:a ARRAY<0:element INT>, 0:b TIMESTAMP_LTZ(0) NOT NULL, 0:c MAP<0:key STRING NOT NULL, 0:value TINYINT>", show(got))
}

func TestFromArrowRefuses(t *testing.T) {
	deep := arrow.DataType(arrow.PrimitiveTypes.Int8)
	for range MaxDepth {
		deep = arrow.ListOf(deep)
	}
	for _, tc := range []struct {
		dt   arrow.DataType
		want string
	}{
		{&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}, "decode it to its values first"},
		{arrow.RunEndEncodedOf(arrow.PrimitiveTypes.Int32, arrow.BinaryTypes.String), "decode it to its values first"},
		{arrow.BinaryTypes.StringView, "cast it to utf8"},
		{arrow.BinaryTypes.LargeString, "cast it to utf8"},
		{arrow.BinaryTypes.LargeBinary, "cast it to binary"},
		{arrow.LargeListOf(arrow.PrimitiveTypes.Int8), "cast it to list"},
		{arrow.FixedSizeListOf(3, arrow.PrimitiveTypes.Int8), "cast it to list<"},
		{arrow.PrimitiveTypes.Uint16, "cast it to int32"},
		{arrow.PrimitiveTypes.Uint64, "int64, or to decimal(20, 0)"},
		{arrow.FixedWidthTypes.Float16, "cast it to float32"},
		{arrow.FixedWidthTypes.Date64, "cast it to date32"},
		{arrow.FixedWidthTypes.Duration_s, "cast it to int64"},
		{arrow.FixedWidthTypes.MonthInterval, "choose another type"},
		{&arrow.Decimal256Type{Precision: 40}, "cast it to decimal128"},
		{&arrow.Decimal128Type{Precision: 10, Scale: -2}, "the scale of DECIMAL"},
		{arrow.Null, "choose another type"},
		{arrow.SparseUnionOf([]arrow.Field{{Name: "x", Type: arrow.PrimitiveTypes.Int8}}, []int8{0}), "choose another type"},
		{deep, "nested more than 32"},
	} {
		_, err := FromArrow(arrow.NewSchema([]arrow.Field{{Name: "bad", Type: tc.dt}}, nil))
		requireCode(t, err, errcode.InvalidSchema)
		require.ErrorContains(t, err, tc.want)
		require.ErrorContains(t, err, `column "bad`)
	}
	_, err := FromArrow(arrow.NewSchema([]arrow.Field{{Name: "s", Type: arrow.StructOf(arrow.Field{Name: "v", Type: arrow.BinaryTypes.StringView})}}, nil))
	require.ErrorContains(t, err, `column "s.v"`)
}

func TestLike(t *testing.T) {
	got, err := Like(arrow.NewSchema([]arrow.Field{
		{Name: "a", Type: arrow.PrimitiveTypes.Uint8}, {Name: "b", Type: arrow.PrimitiveTypes.Uint64},
		{Name: "c", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.LargeString}},
		{Name: "d", Type: arrow.FixedSizeListOf(3, arrow.FixedWidthTypes.Float16)},
		{Name: "e", Type: arrow.LargeListOf(arrow.BinaryTypes.StringView), Metadata: arrow.NewMetadata([]string{FieldIDKey}, []string{"4"})},
		{Name: "f", Type: &arrow.Decimal64Type{Precision: 9, Scale: 2}}, {Name: "g", Type: arrow.FixedWidthTypes.Date64},
	}, nil))
	require.NoError(t, err)
	for i := range got {
		got[i].Type.Nullable = true
	}
	require.Equal(t, "0:a SMALLINT, 0:b DECIMAL(20, 0), 0:c STRING, 0:d ARRAY<0:element FLOAT>, "+
		"0:e ARRAY<0:element STRING>, 0:f DECIMAL(9, 2), 0:g DATE", show(got))
	_, err = Like(arrow.NewSchema([]arrow.Field{{Name: "x", Type: arrow.FixedWidthTypes.Duration_s}}, nil))
	requireCode(t, err, errcode.InvalidSchema)
}

func TestProtoRoundTrip(t *testing.T) {
	s := newSchema(t, allKinds, "e")
	s.ID, s.HighestFieldID = 7, 99
	s.Columns[0].Comment = "x"
	bytes, err := proto.Marshal(s.Proto())
	require.NoError(t, err)
	var m flussv1.Schema
	require.NoError(t, proto.Unmarshal(bytes, &m))
	back, err := FromProto(&m)
	require.NoError(t, err)
	require.Equal(t, s, back)
	require.True(t, s.Equal(back))
	back.Columns[24].Type.Fields[0].Comment = "other"
	require.False(t, s.Equal(back))
}

func TestFromProtoGivesIDsToARequest(t *testing.T) {
	s, err := FromProto(&flussv1.Schema{Columns: FieldsProto(columns(t, "a INT, b ROW<c INT>")), PrimaryKey: []string{"a"}})
	require.NoError(t, err)
	require.Equal(t, "1:a INT NOT NULL, 2:b ROW<3:c INT>", show(s.Columns))
}

func TestFromProtoRefuses(t *testing.T) {
	deep := Of(Int).Proto()
	for range MaxDepth {
		deep = &flussv1.DataType{Kind: flussv1.TypeKind_TYPE_KIND_ARRAY, Fields: []*flussv1.Field{{Name: "element", Type: deep}}}
	}
	for _, tc := range []struct {
		name string
		m    *flussv1.Schema
		want string
	}{
		{"nothing", nil, "the schema is missing"},
		{"nil column", &flussv1.Schema{Columns: []*flussv1.Field{nil}}, "has no type"},
		{"no type", &flussv1.Schema{Columns: []*flussv1.Field{{Name: "a"}}}, `field "a" has no type`},
		{"kind", &flussv1.Schema{Columns: []*flussv1.Field{{Name: "a", Type: &flussv1.DataType{Kind: 300}}}}, "unknown type kind 300"},
		{"negative", &flussv1.Schema{Columns: []*flussv1.Field{{Name: "a", Type: &flussv1.DataType{
			Kind: flussv1.TypeKind_TYPE_KIND_CHAR, Length: -1}}}}, "not -1"},
		{"deep", &flussv1.Schema{Columns: []*flussv1.Field{{Name: "a", Type: deep}}}, "nested more than 32"},
		{"negative id", &flussv1.Schema{Id: -1, Columns: FieldsProto(columns(t, "a INT"))}, "schema id must be 1 or more"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := FromProto(tc.m)
			requireCode(t, err, errcode.InvalidSchema)
			require.ErrorContains(t, err, tc.want)
		})
	}
	got, err := TypeFromProto(&flussv1.DataType{Kind: flussv1.TypeKind_TYPE_KIND_INT, Nullable: true, Length: 4, Scale: 3, Precision: 2})
	require.NoError(t, err)
	require.Equal(t, Of(Int), got, "parameters that the kind does not have are dropped")
}

func TestSuggest(t *testing.T) {
	known := []string{"table.log.ttl", "table.log.local-ttl", "id"}
	require.Equal(t, `; did you mean "table.log.ttl"?`, Suggest("table.log.tll", known))
	require.Equal(t, `; did you mean "table.log.ttl"?`, Suggest("TABLE.LOG.TTL", known))
	require.Empty(t, Suggest("something.else", known))
	require.Empty(t, Suggest(strings.Repeat("x", 1<<20), known))
	require.Empty(t, Suggest("", nil))
	require.Empty(t, Suggest("x", []string{"k", "v"}), "any letter is like any other")
	require.Equal(t, `; did you mean "K"?`, Suggest("k", []string{"K", "v"}))
	require.True(t, Near("Field", "fields", 1))
	require.False(t, Near("fld", "fields", 2))
	require.False(t, Near("fields.and.more", "fields", 2))
}
