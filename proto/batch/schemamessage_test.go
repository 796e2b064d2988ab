package batch

import (
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/schema"
)

func schemaMessage(t testing.TB, s *arrow.Schema) []byte {
	p := ipc.GetSchemaPayload(s, memory.DefaultAllocator)
	defer p.Release()
	require.NotNil(t, p.Meta())
	return append([]byte(nil), p.Meta().Bytes()...)
}

func oneColumn(dt arrow.DataType) *arrow.Schema {
	return arrow.NewSchema([]arrow.Field{{Name: "c", Type: dt, Nullable: true}}, nil)
}

var arrowSchemas = []*arrow.Schema{
	oneColumn(arrow.Null), oneColumn(arrow.PrimitiveTypes.Uint8), oneColumn(arrow.PrimitiveTypes.Uint64),
	oneColumn(arrow.FixedWidthTypes.Float16), oneColumn(arrow.BinaryTypes.LargeString), oneColumn(arrow.BinaryTypes.LargeBinary),
	oneColumn(&arrow.Decimal256Type{Precision: 50, Scale: 3}), oneColumn(arrow.FixedWidthTypes.Date64),
	oneColumn(arrow.FixedWidthTypes.Duration_us), oneColumn(&arrow.TimestampType{Unit: arrow.Nanosecond, TimeZone: "Europe/Berlin"}),
	oneColumn(arrow.LargeListOf(arrow.PrimitiveTypes.Int8)), oneColumn(arrow.FixedSizeListOf(3, arrow.PrimitiveTypes.Int8)),
	arrow.NewSchema([]arrow.Field{
		{Name: "a", Type: arrow.PrimitiveTypes.Int32, Metadata: arrow.NewMetadata([]string{"k", "PARQUET:field_id"}, []string{"v", "7"})},
		{Name: "b", Type: arrow.StructOf(arrow.Field{Name: "x", Type: arrow.MapOf(arrow.BinaryTypes.String, arrow.ListOf(arrow.FixedWidthTypes.Boolean))})},
	}, &[]arrow.Metadata{arrow.NewMetadata([]string{"schema"}, []string{"meta"})}[0]),
}

func TestParseSchemaMessage(t *testing.T) {
	all := append([]*arrow.Schema{schema.ArrowFields(fieldsOf(t, everyType))}, arrowSchemas...)
	for _, want := range all {
		got, err := ParseSchemaMessage(schemaMessage(t, want))
		require.NoError(t, err, "%s", want)
		require.True(t, want.Equal(got), "%s\n%s", want, got)
		require.True(t, want.Metadata().Equal(got.Metadata()))
	}
	fields, err := schema.FromArrow(schema.ArrowFields(fieldsOf(t, everyType)))
	require.NoError(t, err)
	require.True(t, NewLayout(fields).Schema().Equal(schema.ArrowFields(fieldsOf(t, everyType))))
}

func TestSchemaMessageRefuses(t *testing.T) {
	list := func(dt arrow.DataType) arrow.DataType { return arrow.ListOfField(arrow.Field{Name: "item", Type: dt}) }
	for _, tc := range []struct {
		name, column string
		dt           arrow.DataType
	}{
		{"dictionary", "c", &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}},
		{"view", "c", arrow.BinaryTypes.StringView},
		{"view in a list", "c.item", list(arrow.BinaryTypes.BinaryView)},
		{"run ends", "c", arrow.RunEndEncodedOf(arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Int8)},
		{"union", "c", arrow.SparseUnionOf([]arrow.Field{{Name: "x", Type: arrow.PrimitiveTypes.Int8}}, []arrow.UnionTypeCode{1})},
		{"interval", "c", arrow.FixedWidthTypes.MonthInterval},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := ParseSchemaMessage(schemaMessage(t, oneColumn(tc.dt)))
			require.Equal(t, errcode.Unsupported, errcode.Of(err))
			require.Equal(t, tc.column, errcode.From(err).Facts["column"])
		})
	}
	for _, b := range [][]byte{nil, {1}, make([]byte, 64), schemaMessage(t, arrowSchemas[0])[:30], AppendMeta(nil, &Meta{})} {
		_, err := ParseSchemaMessage(b)
		require.Equal(t, errcode.InvalidSchema, errcode.Of(err))
	}
}

func TestSchemaMessageMutations(t *testing.T) {
	s := newSource(t)
	good := schemaMessage(t, schema.ArrowFields(fieldsOf(t, everyType)))
	for range 20000 {
		b := append([]byte(nil), good...)
		s.mutate(b, 0, len(b))
		if got, err := ParseSchemaMessage(b); err == nil {
			_ = got.String()
			_, _ = schema.FromArrow(got)
		}
	}
}
