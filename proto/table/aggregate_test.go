package table

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/schema"
)

func add(t *testing.T, column string) *flussv1.TableChange {
	t.Helper()
	fields, err := schema.ParseColumns(column)
	require.NoError(t, err)
	return &flussv1.TableChange{Change: &flussv1.TableChange_AddColumn{AddColumn: &flussv1.AddColumn{Column: fields[0].Proto()}}}
}

// every scalar type, and one that holds others.
var everyType = []string{
	"BOOLEAN", "TINYINT", "SMALLINT", "INT", "BIGINT", "FLOAT", "DOUBLE", "CHAR(3)", "STRING", "DECIMAL(9, 2)", "DATE", "TIME(3)",
	"TIMESTAMP(3)", "TIMESTAMP_LTZ(3)", "BINARY(3)", "BYTES", "ARRAY<INT>",
}

// TestAggregateTypes tries each function on each type: those of the reference, with
// count on top.
func TestAggregateTypes(t *testing.T) {
	numeric := "TINYINT SMALLINT INT BIGINT FLOAT DOUBLE DECIMAL"
	want := map[AggregateFunction]string{
		Sum: numeric, Product: numeric,
		Max: numeric + " CHAR STRING DATE TIME TIMESTAMP TIMESTAMP_LTZ", Min: numeric + " CHAR STRING DATE TIME TIMESTAMP TIMESTAMP_LTZ",
		LastValue: "", LastValueIgnoreNulls: "", FirstValue: "", FirstValueIgnoreNulls: "",
		BoolAnd: "BOOLEAN", BoolOr: "BOOLEAN", ListAgg: "CHAR STRING", RBM32: "BYTES", RBM64: "BYTES", Count: "INT BIGINT",
	}
	require.Len(t, AggregateFunctions(), len(want))
	for _, f := range AggregateFunctions() {
		types, known := want[f.Function]
		require.True(t, known, f.Function)
		for _, typ := range everyType {
			kind, _, _ := strings.Cut(strings.ReplaceAll(typ, "<", "("), "(")
			err := keyed(t, "k INT, v "+typ, "table.merge-engine=aggregation", "fields.v.agg="+string(f.Function)).Validate(Limits{})
			if types == "" || slices.Contains(strings.Fields(types), kind) {
				require.NoError(t, err, "%s of %s", f.Function, typ)
				continue
			}
			requireCode(t, err, errcode.InvalidOption)
			require.ErrorContains(t, err, `column "v" is `+typ+"; the function takes ")
		}
	}
}

func TestAggregations(t *testing.T) {
	d := keyed(t, "k INT, a INT, b STRING, c STRING, `d.e` STRING, f BYTES, g BIGINT", "table.merge-engine=AGGREGATION",
		"fields.a.agg=Last-Value", "fields.b.agg=STRING_AGG", "fields.c.agg=listagg", "fields.c.string-agg.delimiter= | ",
		"fields.d.e.agg=listagg", "fields.d.e.listagg.delimiter=;", "fields.f.agg=RBM64", "owner=me")
	require.NoError(t, d.Validate(Limits{}))
	want := map[string]Aggregate{
		"a": {Function: LastValue}, "b": {Function: ListAgg, Delimiter: ","}, "c": {Function: ListAgg, Delimiter: " | "},
		"d.e": {Function: ListAgg, Delimiter: ";"}, "f": {Function: RBM64},
	}
	got, err := d.Aggregations()
	require.NoError(t, err)
	require.Equal(t, want, got)
	info := newInfo(t, d)
	for column, a := range want {
		require.Equal(t, a, info.Aggregate(column))
	}
	require.Equal(t, Aggregate{Function: LastValueIgnoreNulls}, info.Aggregate("g"))
	got, err = keyed(t, "k INT, a INT").Aggregations()
	require.NoError(t, err)
	require.Empty(t, got)
	_, err = keyed(t, "k INT", "table.merge-engine=x").Aggregations()
	requireCode(t, err, errcode.InvalidOption)
}

func TestAggregationsRefuse(t *testing.T) {
	const engine = "table.merge-engine=aggregation"
	for _, tc := range []struct {
		name    string
		options []string
		want    string
	}{
		{"unknown function", []string{engine, "fields.a.agg=summ"}, `there is no aggregate function "summ"; did you mean "sum"?`},
		{"no function", []string{engine, "fields.a.agg="}, `there is no aggregate function ""`},
		{"unknown column", []string{engine, "fields.abd.agg=sum"}, `names "abd", which is no column; did you mean "abc"?`},
		{"key column", []string{engine, "fields.k.agg=sum"}, `"k" is in the primary key and has no aggregate function`},
		{"wrong type", []string{engine, "fields.s.agg=sum"}, `column "s" is STRING; the function takes TINYINT, SMALLINT, INT, BIGINT, FLOAT, DOUBLE or DECIMAL`},
		{"no engine", []string{"fields.a.agg=sum"}, "is for tables with table.merge-engine = aggregation; this is a primary-key table without a merge engine"},
		{"another engine", []string{"table.merge-engine=first_row", "fields.a.agg=sum"}, "this is a primary-key table with table.merge-engine = first_row"},
		{"no column", []string{engine, "fields.agg=sum"}, "says nothing about a column"},
		{"nothing", []string{engine, "fields.=sum"}, "says nothing about a column"},
		{"column only", []string{engine, "fields.a.x=sum"}, "says nothing about a column"},
		{"unknown function of a parameter", []string{engine, "fields.s.listag.delimiter=;"}, `did you mean "listagg"?`},
		{"parameter of another function", []string{engine, "fields.a.agg=sum", "fields.a.sum.delimiter=;"}, "the function sum has no parameters"},
		{"unknown parameter", []string{engine, "fields.s.agg=listagg", "fields.s.listagg.delim=;"}, `has no parameter "delim"; it has "delimiter"`},
		{"delimiter alone", []string{engine, "fields.s.listagg.delimiter=;"}, "is for a column with fields.s.agg = listagg"},
		{"delimiter of a sum", []string{engine, "fields.a.agg=sum", "fields.a.listagg.delimiter=;"}, "is for a column with fields.a.agg = listagg"},
		{"empty delimiter", []string{engine, "fields.s.agg=listagg", "fields.s.listagg.delimiter="}, `is empty; leave it out for ","`},
		{"bad delimiter", []string{engine, "fields.s.agg=listagg", "fields.s.listagg.delimiter=\xff"}, "not UTF-8"},
		{"delimiter twice", []string{engine, "fields.s.agg=listagg", "fields.s.listagg.delimiter=;", "fields.s.string_agg.delimiter=;"}, "both give the delimiter"},
		{"wal", []string{engine, "table.changelog.image=wal"}, "choose FULL"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := keyed(t, "k INT, a INT, abc INT, s STRING", tc.options...)
			err := d.Validate(Limits{})
			requireCode(t, err, errcode.InvalidOption)
			require.ErrorContains(t, err, tc.want)
			require.NotContains(t, err.Error(), "2 faults")
			require.NotEmpty(t, errcode.From(err).Facts["option"])
			_, err = d.Aggregations()
			requireCode(t, err, errcode.InvalidOption)
		})
	}
	err := descriptor(t, "a INT", func(d *Descriptor) { d.Custom = map[string]string{"fields.a.agg": "sum"} }).Validate(Limits{})
	requireCode(t, err, errcode.InvalidOption)
	require.ErrorContains(t, err, "this is a log table")
	_, err = NewInfo(&flussv1.TableInfo{Path: Path{"db", "t"}.Proto(), Descriptor_: keyed(t, "k INT", engine, "fields.x.agg=sum").Proto()})
	requireCode(t, err, errcode.InvalidOption)
}

func aggregated(t *testing.T) *Descriptor {
	t.Helper()
	return keyed(t, "k INT, a INT, s STRING, n BIGINT", "table.merge-engine=aggregation", "fields.a.agg=sum", "fields.s.agg=listagg",
		"fields.s.listagg.delimiter=;", "auto-increment.fields=n")
}

func TestAlterPrimaryKeyTable(t *testing.T) {
	got, err := aggregated(t).Apply([]*flussv1.TableChange{
		rename("k", "key"), rename("s", "text"), rename("a", "s"), rename("n", "number"), // one takes the other's name
		add(t, "added DOUBLE"), set("fields.added.agg", "max"), set("owner", "me"), widen(t, "s", "BIGINT"),
	})
	require.NoError(t, err)
	require.Equal(t, map[string]string{
		"fields.s.agg": "sum", "fields.text.agg": "listagg", "fields.text.listagg.delimiter": ";", "auto-increment.fields": "number",
		"fields.added.agg": "max", "owner": "me",
	}, got.Custom)
	require.Equal(t, []string{"key"}, got.Schema.PrimaryKey)
	require.Equal(t, []string{"key"}, got.BucketKeys)

	got, err = aggregated(t).Apply([]*flussv1.TableChange{set("fields.late.agg", "max"), add(t, "late INT")})
	require.NoError(t, err, "whatever the order")
	require.Equal(t, "max", got.Custom["fields.late.agg"])
	got, err = aggregated(t).Apply([]*flussv1.TableChange{drop("s")})
	require.NoError(t, err)
	require.Equal(t, map[string]string{"fields.a.agg": "sum", "auto-increment.fields": "n"}, got.Custom)
	got, err = aggregated(t).Apply([]*flussv1.TableChange{drop("a"), add(t, "a STRING"), set("fields.a.agg", "min")})
	require.NoError(t, err, "another column of the same name")
	require.Equal(t, "min", got.Custom["fields.a.agg"])
	_, err = aggregated(t).Apply([]*flussv1.TableChange{set("fields.a.agg", "SUM")})
	require.NoError(t, err, "the same")

	versioned := keyed(t, "k INT, v INT", "table.merge-engine=versioned", "table.merge-engine.versioned.ver-column= v ")
	got, err = versioned.Apply([]*flussv1.TableChange{rename("v", "w"), widen(t, "w", "BIGINT")})
	require.NoError(t, err)
	require.Equal(t, "w", got.Properties["table.merge-engine.versioned.ver-column"])
	_, err = versioned.Apply([]*flussv1.TableChange{rename("v", "w"), drop("w")})
	requireCode(t, err, errcode.InvalidSchema)
	require.ErrorContains(t, err, "is the version column")
}

func TestAlterPrimaryKeyTableRefuses(t *testing.T) {
	for _, tc := range []struct {
		name    string
		changes []*flussv1.TableChange
		code    errcode.Code
		want    string
	}{
		{"drop key", []*flussv1.TableChange{drop("k")}, errcode.InvalidSchema, `"k" is in the`},
		{"widen key", []*flussv1.TableChange{widen(t, "k", "BIGINT NOT NULL")}, errcode.InvalidSchema, "is in the primary key; its type cannot change"},
		{"nullable key", []*flussv1.TableChange{widen(t, "k", "INT")}, errcode.InvalidSchema, "is in the primary key; its type cannot change"},
		{"drop auto-increment", []*flussv1.TableChange{drop("n")}, errcode.InvalidSchema, "is the auto-increment column"},
		{"other function", []*flussv1.TableChange{set("fields.a.agg", "max")}, errcode.InvalidOption, "fields.a.agg is fixed"},
		{"other function by another name", []*flussv1.TableChange{rename("a", "b"), set("fields.b.agg", "max")}, errcode.InvalidOption, "fields.b.agg is fixed"},
		{"function set before the name", []*flussv1.TableChange{set("fields.b.agg", "max"), rename("a", "b")}, errcode.InvalidOption, `keeps the aggregate function that it had as "a"`},
		{"no function", []*flussv1.TableChange{reset("fields.a.agg")}, errcode.InvalidOption, "fields.a.agg is fixed"},
		{"other delimiter", []*flussv1.TableChange{set("fields.s.listagg.delimiter", "-")}, errcode.InvalidOption, "fields.s.agg is fixed"},
		{"other auto-increment", []*flussv1.TableChange{set("auto-increment.fields", "a")}, errcode.InvalidOption, "auto-increment.fields is fixed"},
		{"wrong type of what is added", []*flussv1.TableChange{add(t, "b STRING"), set("fields.b.agg", "sum")}, errcode.InvalidOption, `column "b" is STRING`},
		{"no column is added", []*flussv1.TableChange{set("fields.b.agg", "sum")}, errcode.InvalidOption, `"b", which is no column`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := aggregated(t).Apply(tc.changes)
			requireCode(t, err, tc.code)
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func FuzzAggregations(f *testing.F) {
	f.Add("fields.a.agg", "sum", "fields.s.listagg.delimiter", ";")
	f.Add("fields.s.agg", "string-agg", "fields.s.string_agg.delimiter", "→")
	f.Add("fields..agg", "", "fields.", "x")
	s := &schema.Schema{ID: 1, HighestFieldID: 3, PrimaryKey: []string{"k"}, Columns: []schema.Field{
		{ID: 1, Name: "k", Type: schema.Of(schema.Int).NotNull()}, {ID: 2, Name: "a", Type: schema.Of(schema.Int)}, {ID: 3, Name: "s", Type: schema.Of(schema.String)},
	}}
	f.Fuzz(func(t *testing.T, key1, value1, key2, value2 string) {
		d := &Descriptor{
			Schema: s, BucketCount: 1, BucketKeys: []string{"k"}, Properties: map[string]string{"table.merge-engine": "aggregation"},
			Custom: map[string]string{key1: value1, key2: value2},
		}
		if d.Validate(Limits{}) != nil {
			return
		}
		got, err := d.Aggregations()
		require.NoError(t, err)
		for column, a := range got {
			require.Contains(t, []string{"a", "s"}, column)
			require.Equal(t, a.Function == ListAgg, a.Delimiter != "")
		}
	})
}
