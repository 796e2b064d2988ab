package merge

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/proto/table"
)

// Types by group, with three values in ascending order.
var (
	numbers = map[string][3]string{
		"TINYINT": {"-3", "2", "7"}, "SMALLINT": {"-300", "2", "700"}, "INT": {"-70000", "2", "70000"},
		"BIGINT": {"-5000000000", "2", "5000000000"}, "FLOAT": {"-1.5", "2", "1e+10"}, "DOUBLE": {"-1.5", "2", "1e+300"},
		"DECIMAL(10, 2)": {"-1.50", "2.00", "99999999.99"}, "DECIMAL(38, 0)": {"-20000000000000000000", "2", "30000000000000000000"},
	}
	ordered = map[string][3]string{
		"STRING": {"B", "a", "ä"}, "CHAR(3)": {"a", "ab", "b"}, "DATE": {"-1", "0", "20000"}, "TIME(3)": {"0", "1", "86399999"},
		"TIME(9)": {"0", "1", "86399999999999"}, "TIMESTAMP(0)": {"-1", "0", "1"}, "TIMESTAMP_LTZ(6)": {"-1", "0", "4294967296"},
	}
	unordered = map[string][3]string{
		"BOOLEAN": {"false", "true", "false"}, "BINARY(2)": {"0000", "0102", "ffff"}, "BYTES": {"", "01", "ff"},
		"ARRAY<TINYINT>": {"00000000", "010000000005", "010000000007"}, "ROW<a TINYINT>": {"0001", "0002", "0003"},
	}
)

func everyType() map[string][3]string {
	out := map[string][3]string{}
	for _, group := range []map[string][3]string{numbers, ordered, unordered} {
		for typ, values := range group {
			out[typ] = values
		}
	}
	return out
}

// after is what v is after each write.
func after(w *world, writes ...string) string {
	w.Helper()
	s := w.session(Write{})
	var out []string
	for _, v := range writes {
		got := w.upsert(s, "1", v)
		out = append(out, strings.TrimPrefix(got, "1 "))
	}
	return strings.Join(out, " ")
}

// Functions that take every type: a is the first value and b the second.
func TestFirstAndLast(t *testing.T) {
	for typ, v := range everyType() {
		for function, tc := range map[string]struct{ writes, want string }{
			"last_value":               {"a b null a", "a b null a"},
			"last_value_ignore_nulls":  {"null a null b", "null a keep b"},
			"first_value":              {"a b null", "a keep keep"},
			"first_value_ignore_nulls": {"null a b null", "null a keep keep"},
		} {
			t.Run(typ+" "+function, func(t *testing.T) {
				if typ == "BYTES" || typ == "STRING" {
					v[0] = "00" // an empty text is hard to see
				}
				values := strings.NewReplacer("a b", v[0]+" "+v[1], "null", "null", "keep", "keep", "a", v[0], "b", v[1])
				var writes []string
				for _, x := range strings.Fields(tc.writes) {
					writes = append(writes, values.Replace(x))
				}
				var want []string
				for _, x := range strings.Fields(tc.want) {
					want = append(want, values.Replace(x))
				}
				require.Equal(t, strings.Join(want, " "), after(aggregating(t, typ, function), writes...))
			})
		}
	}
	t.Run("first null", func(t *testing.T) {
		require.Equal(t, "null keep", after(aggregating(t, "INT", "first_value"), null, "1"))
	})
}

func TestExtremes(t *testing.T) {
	for _, group := range []map[string][3]string{numbers, ordered} {
		for typ, v := range group {
			t.Run(typ, func(t *testing.T) {
				require.Equal(t, "null "+v[1]+" keep keep "+v[2]+" keep keep",
					after(aggregating(t, typ, "max"), null, v[1], v[1], v[0], v[2], null, v[1]))
				require.Equal(t, v[1]+" keep keep "+v[0]+" keep",
					after(aggregating(t, typ, "min"), v[1], v[2], null, v[0], v[1]))
			})
		}
	}
	for _, typ := range []string{"FLOAT", "DOUBLE"} {
		t.Run("NaN "+typ, func(t *testing.T) {
			require.Equal(t, "+Inf NaN keep keep keep", after(aggregating(t, typ, "max"), "+Inf", "NaN", "NaN", "+Inf", "1"))
			require.Equal(t, "NaN +Inf keep -Inf", after(aggregating(t, typ, "min"), "NaN", "+Inf", "NaN", "-Inf"))
			require.Equal(t, "0 keep", after(aggregating(t, typ, "max"), "0", "-0"))
			require.Equal(t, "0 keep", after(aggregating(t, typ, "min"), "0", "-0"), "zeros are equal")
		})
	}
}

func TestSumAndProduct(t *testing.T) {
	for _, tc := range []struct{ typ, function, writes, want string }{
		{"TINYINT", "sum", "null 100 null 27 -127 -128", "null 100 keep 127 0 -128"},
		{"SMALLINT", "sum", "32000 767 -1", "32000 32767 32766"},
		{"INT", "sum", "2147483646 1 0", "2147483646 2147483647 keep"},
		{"BIGINT", "sum", "9223372036854775806 1 -9223372036854775807", "9223372036854775806 9223372036854775807 0"},
		{"BIGINT", "sum", "-9223372036854775807 -1", "-9223372036854775807 -9223372036854775808"},
		{"FLOAT", "sum", "16777216 1 1.5", "1.6777216e+07 keep 1.6777218e+07"},
		{"FLOAT", "sum", "3e38 3e38 -Inf 1", "3e+38 +Inf NaN keep"},
		{"DOUBLE", "sum", "0.1 0.2", "0.1 0.30000000000000004"},
		{"DECIMAL(10, 2)", "sum", "100.50 200.75 -301.25", "100.50 301.25 0.00"},
		{"DECIMAL(38, 0)", "sum", strings.Repeat("9", 37) + "8 1", strings.Repeat("9", 37) + "8 " + strings.Repeat("9", 38)},
		{"TINYINT", "product", "null 16 -8 1 0 5", "null 16 -128 keep 0 keep"},
		{"INT", "product", "-46341 46340 -1", "-46341 -2147441940 2147441940"},
		{"BIGINT", "product", "-4294967296 2147483648", "-4294967296 -9223372036854775808"},
		{"BIGINT", "product", "-9223372036854775808 1 0", "-9223372036854775808 keep 0"},
		{"FLOAT", "product", "0.1 0.1", "0.1 0.010000001"},
		{"DOUBLE", "product", "0.9 0.8 1e308 1e308", "0.9 0.7200000000000001 7.200000000000001e+307 +Inf"},
		{"DECIMAL(10, 2)", "product", "1.05 0.50 -1.00 0.50", "1.05 0.53 -0.53 -0.27"},
		{"DECIMAL(10, 2)", "product", "0.01 0.49", "0.01 0.00"},
		{"DECIMAL(3, 0)", "product", "-7 3 0", "-7 -21 0"},
		{"DECIMAL(38, 38)", "product", "0.5 0.5", "0.5" + strings.Repeat("0", 37) + " 0.25" + strings.Repeat("0", 36)},
	} {
		t.Run(tc.typ+" "+tc.function, func(t *testing.T) {
			require.Equal(t, tc.want, after(aggregating(t, tc.typ, tc.function), strings.Fields(tc.writes)...))
		})
	}
}

// Nothing wraps: the error names the column, the function and the values.
func TestOverflow(t *testing.T) {
	nines := strings.Repeat("9", 38)
	for _, tc := range []struct{ typ, function, old, written, want string }{
		{"TINYINT", "sum", "127", "1", "the sum of 127 and 1 does not fit TINYINT"},
		{"SMALLINT", "sum", "-32768", "-1", "-32768 and -1"},
		{"INT", "sum", "2147483647", "1", "does not fit INT"},
		{"BIGINT", "sum", "9223372036854775807", "1", "does not fit BIGINT"},
		{"BIGINT", "sum", "-9223372036854775808", "-9223372036854775808", "does not fit BIGINT"},
		{"DECIMAL(4, 2)", "sum", "99.99", "0.01", "the sum of 99.99 and 0.01 does not fit DECIMAL(4, 2)"},
		{"DECIMAL(38, 0)", "sum", nines, nines, "does not fit DECIMAL(38, 0)"},
		{"DECIMAL(38, 0)", "sum", "-" + nines, "-" + nines, "does not fit DECIMAL(38, 0)"},
		{"TINYINT", "product", "-128", "-1", "the product of -128 and -1 does not fit TINYINT"},
		{"BIGINT", "product", "-9223372036854775808", "-1", "does not fit BIGINT"},
		{"BIGINT", "product", "4294967296", "2147483648", "does not fit BIGINT"},
		{"BIGINT", "product", "9223372036854775807", "9223372036854775807", "does not fit BIGINT"},
		{"DECIMAL(4, 2)", "product", "10.00", "-10.00", "does not fit DECIMAL(4, 2)"},
		{"DECIMAL(38, 0)", "product", nines, nines, "does not fit DECIMAL(38, 0)"},
		{"CHAR(5)", "listagg", "äb", "cde", "listagg of 2 characters and 4 more does not fit CHAR(5)"},
	} {
		t.Run(tc.typ+" "+tc.function+" "+tc.old, func(t *testing.T) {
			w := aggregating(t, tc.typ, tc.function)
			_, _, err := w.session(Write{}).Upsert(nil, w.encode("1", tc.old), w.encode("1", tc.written))
			require.Equal(t, errcode.InvalidBatch, errcode.Of(err))
			require.ErrorContains(t, err, `column "v": `)
			require.ErrorContains(t, err, tc.want)
			require.Equal(t, "v", errcode.From(err).Facts["column"])
		})
	}
}

// Which NaN a processor makes is up to it; ours is one.
func TestNaNsAreAlike(t *testing.T) {
	w := aggregating(t, "DOUBLE", "sum")
	b := w.format.NewBuilder()
	b.Copy(w.encode("1", "0"), 0)
	b.Set(1, le.AppendUint64(nil, 0xfff8000000000bad))
	out, _, err := w.session(Write{}).Upsert(nil, b.Append(nil), w.encode("1", "1"))
	require.NoError(t, err)
	require.Equal(t, math.Float64bits(math.NaN()), le.Uint64(w.format.Value(out, 1)))
}

func TestCount(t *testing.T) {
	for _, typ := range []string{"INT", "BIGINT"} {
		require.Equal(t, "null 1 keep 2 3", after(aggregating(t, typ, "count"), null, "700", null, "-1", "0"))
		require.Equal(t, "1 2", after(aggregating(t, typ, "count"), "5", "5"))
	}
	w := aggregating(t, "INT", "count")
	_, _, err := w.session(Write{}).Upsert(nil, w.encode("1", "2147483647"), w.encode("1", "1"))
	require.ErrorContains(t, err, "the count of 2147483647 and one more does not fit INT")
	w = newWorld(t, "k INT NOT NULL, n BIGINT, note STRING", "table.merge-engine=aggregation", "fields.n.agg=count")
	note := w.session(Write{Targets: w.targets("note")})
	n := w.session(Write{Targets: w.targets("n")})
	require.Equal(t, "1 null x", w.upsert(note, "1", null, "x"))
	require.Equal(t, "1 1 x", w.upsert(n, "1", "1", null))
	require.Equal(t, "1 1 y", w.upsert(note, "1", null, "y"))
	require.Equal(t, "1 2 y", w.upsert(n, "1", "1", null))
}

func TestLogical(t *testing.T) {
	require.Equal(t, "null true keep keep false keep", after(aggregating(t, "BOOLEAN", "bool_and"), null, "true", "true", null, "false", "true"))
	require.Equal(t, "false keep true keep keep", after(aggregating(t, "BOOLEAN", "bool_or"), "false", null, "true", "false", "true"))
}

func TestList(t *testing.T) {
	require.Equal(t, "null go go,java keep go,java,sql", after(aggregating(t, "STRING", "listagg"), null, "go", "java", null, "sql"))
	require.Equal(t, "a a,b", after(aggregating(t, "CHAR(3)", "string_agg"), "a", "b"))
	w := newWorld(t, "k INT NOT NULL, v STRING", "table.merge-engine=aggregation", "fields.v.agg=LISTAGG", "fields.v.listagg.delimiter= → ")
	s := w.session(Write{})
	w.upsert(s, "1", "a")
	require.Equal(t, "1 a → b", w.upsert(s, "1", "b"))
	large := strings.Repeat("x", 2*keepScratch)
	require.Len(t, w.upsert(s, "1", large), 2*keepScratch+len("1 a → b → "))
	require.Nil(t, s.text, "memory for a large row is let go")
	require.Nil(t, s.builder)
	require.Contains(t, w.upsert(s, "1", "c"), "x → c")
}

// Functions beside each other; columns that a write leaves out keep their value.
func TestAggregationOfSomeColumns(t *testing.T) {
	w := newWorld(t, "k INT NOT NULL, price DOUBLE, sales BIGINT, seen TIMESTAMP(3), note STRING",
		"table.merge-engine=aggregation", "table.delete.behavior=allow",
		"fields.price.agg=max", "fields.sales.agg=Sum", "fields.note.agg=last_value")
	all, sales := w.session(Write{}), w.session(Write{Targets: w.targets("k", "sales")})
	require.Equal(t, "1 23.5 15 10 a", w.upsert(all, "1", "23.5", "15", "10", "a"))
	require.Equal(t, "1 30.25 35 11 null", w.upsert(all, "1", "30.25", "20", "11", null))
	require.Equal(t, "1 30.25 36 11 null", w.upsert(sales, "1", null, "1", null, null))
	require.Equal(t, "1 30.25 36 11 b", w.upsert(all, "1", "30", null, null, "b"))
	require.Equal(t, "keep", w.upsert(sales, "1", null, "0", null, null), "nothing changes")
	require.Equal(t, "1 30.25 null 11 b", w.delete(sales), "a delete takes no sum back")
	require.Equal(t, "1 30.25 4 11 b", w.upsert(sales, "1", null, "4", null, null))
	require.Equal(t, "none", w.delete(all))
	require.Equal(t, "1 null 4 null null", w.upsert(sales, "1", null, "4", null, null))
}

// Every function that a table may name for a type is there, and no other passes.
func TestFunctionsThatTablesMayName(t *testing.T) {
	for _, f := range table.AggregateFunctions() {
		for typ := range everyType() {
			fields, err := schema.ParseColumns("k INT NOT NULL, v " + typ)
			require.NoError(t, err)
			d := &table.Descriptor{
				Schema:     &schema.Schema{Columns: fields, PrimaryKey: []string{"k"}},
				Properties: map[string]string{"table.merge-engine": "aggregation"},
				Custom:     map[string]string{"fields.v.agg": string(f.Function)},
			}
			_, err = d.Normalize(1, table.Limits{})
			if f.Kinds == nil || slices.Contains(f.Kinds, fields[1].Type.Kind) {
				require.NoError(t, err, "%s of %s", f.Function, typ)
				aggregating(t, typ, string(f.Function))
			} else {
				require.Equal(t, errcode.InvalidOption, errcode.Of(err), "%s of %s", f.Function, typ)
				c := column{typ: fields[1].Type, aggregate: aggregate{function: f.Function}}
				require.False(t, c.compile(), "%s of %s", f.Function, typ)
			}
		}
	}
}

// An auto-increment column is the caller's: a row may come without it.
func TestAutoIncrementIsLeftAlone(t *testing.T) {
	for _, engine := range []string{"none", "aggregation"} {
		w := newWorld(t, "k INT NOT NULL, id BIGINT NOT NULL, n INT, m INT", "table.merge-engine="+engine,
			"table.delete.behavior=allow", "auto-increment.fields=id")
		require.Equal(t, "1 null 5 6", w.upsert(w.session(Write{}), "1", null, "5", "6"))
		w.row = w.encode("1", "100", "5", "6")
		n, both := w.session(Write{Targets: w.targets("k", "n")}), w.session(Write{Targets: w.targets("n", "m")})
		require.Equal(t, "1 100 7 6", w.upsert(n, "1", null, "7", null))
		require.Equal(t, "1 100 null 6", w.delete(n))
		require.Equal(t, "1 100 null null", w.delete(both), "a number is a reason to stay")
		require.Equal(t, "none", w.delete(w.session(Write{})))
	}
}
