package filter

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/stretchr/testify/require"
)

// oracle is an expression as text and as a plain function of one row, written
// apart from the package: the two must agree on every row.
type oracle struct {
	text string
	eval func(row []any) truth
}

// testColumn makes values of one column; the values in rows are nil, int64,
// float64 or string, whatever the column's type.
type testColumn struct {
	name, sqlType string
	value         func(r *rand.Rand) any
	literal       func(r *rand.Rand) (text string, v any)
	append        func(b array.Builder, v any)
}

func randomColumns() []testColumn {
	word := func(r *rand.Rand) string {
		const letters = "aAbü_%"
		runes := []rune(letters)
		var sb strings.Builder
		for range r.IntN(5) {
			sb.WriteRune(runes[r.IntN(len(runes))])
		}
		return sb.String()
	}
	floats := []float64{math.NaN(), 0, math.Copysign(0, -1), 1.5, -2, 3, math.Inf(1)}
	return []testColumn{
		{
			"i", "INT", func(r *rand.Rand) any { return int64(r.IntN(9) - 4) },
			func(r *rand.Rand) (string, any) {
				v := float64(r.IntN(20)-10) / 2
				return strconv.FormatFloat(v, 'f', -1, 64), v
			},
			func(b array.Builder, v any) { b.(*array.Int32Builder).Append(int32(v.(int64))) },
		},
		{
			"x", "DOUBLE", func(r *rand.Rand) any { return floats[r.IntN(len(floats))] },
			func(r *rand.Rand) (string, any) {
				v := float64(r.IntN(14)-6) / 2
				return strconv.FormatFloat(v, 'f', -1, 64), v
			},
			func(b array.Builder, v any) { b.(*array.Float64Builder).Append(v.(float64)) },
		},
		{
			"s", "STRING", func(r *rand.Rand) any { return word(r) },
			func(r *rand.Rand) (string, any) { w := word(r); return "'" + w + "'", w },
			func(b array.Builder, v any) { b.(*array.StringBuilder).Append(v.(string)) },
		},
		{
			"p", "DECIMAL(6, 1)", func(r *rand.Rand) any { return float64(r.IntN(60)-30) / 10 },
			func(r *rand.Rand) (string, any) {
				v := float64(r.IntN(120)-60) / 20
				return strconv.FormatFloat(v, 'f', 2, 64), v
			},
			func(b array.Builder, v any) {
				b.(*array.Decimal128Builder).Append(decimal128.FromI64(int64(math.Round(v.(float64) * 10))))
			},
		},
		{
			"day", "DATE", func(r *rand.Rand) any { return int64(r.IntN(9) - 4) },
			func(r *rand.Rand) (string, any) {
				d := int64(r.IntN(9) - 4)
				return "'" + time.Unix(d*86400, 0).UTC().Format(time.DateOnly) + "'", d
			},
			func(b array.Builder, v any) { b.(*array.Date32Builder).Append(arrow.Date32(v.(int64))) },
		},
	}
}

func asFloat(v any) float64 {
	if i, ok := v.(int64); ok {
		return float64(i)
	}
	return v.(float64)
}

func compareAny(a any, sign string, b any) truth {
	if a == nil || b == nil {
		return unknown
	}
	var c int
	if s, ok := a.(string); ok {
		c = strings.Compare(s, b.(string))
	} else {
		x, y := asFloat(a), asFloat(b)
		if math.IsNaN(x) || math.IsNaN(y) {
			return truthOf(sign == "<>")
		}
		c = cmp.Compare(x, y)
		if x == y {
			c = 0
		}
	}
	return truthOf(map[string]bool{"=": c == 0, "<>": c != 0, "<": c < 0, "<=": c <= 0, ">": c > 0, ">=": c >= 0}[sign])
}

// likeSlow matches by definition.
func likeSlow(s, p []rune) bool {
	if len(p) == 0 {
		return len(s) == 0
	}
	if p[0] == '%' {
		return likeSlow(s, p[1:]) || len(s) > 0 && likeSlow(s[1:], p)
	}
	return len(s) > 0 && (p[0] == '_' || p[0] == s[0]) && likeSlow(s[1:], p[1:])
}

func randomOracle(r *rand.Rand, columns []testColumn, depth int) oracle {
	if depth > 0 {
		switch a := randomOracle(r, columns, depth-1); r.IntN(4) {
		case 0:
			return oracle{"NOT (" + a.text + ")", func(row []any) truth { return yes - a.eval(row) }}
		case 1:
			b := randomOracle(r, columns, depth-1)
			return oracle{"(" + a.text + ") AND (" + b.text + ")", func(row []any) truth { return min(a.eval(row), b.eval(row)) }}
		case 2:
			b := randomOracle(r, columns, depth-1)
			return oracle{"(" + a.text + ") OR (" + b.text + ")", func(row []any) truth { return max(a.eval(row), b.eval(row)) }}
		}
	}
	at := r.IntN(len(columns))
	c := columns[at]
	text, v := c.literal(r)
	switch r.IntN(6) {
	case 0:
		return oracle{c.name + " IS NULL", func(row []any) truth { return truthOf(row[at] == nil) }}
	case 1:
		text2, v2 := c.literal(r)
		return oracle{c.name + " BETWEEN " + text + " AND " + text2, func(row []any) truth {
			return min(compareAny(row[at], ">=", v), compareAny(row[at], "<=", v2))
		}}
	case 2:
		text2, v2 := c.literal(r)
		with, extra := "", no
		if r.IntN(3) == 0 {
			with, extra = ", NULL", unknown
		}
		return oracle{c.name + " IN (" + text + ", " + text2 + with + ")", func(row []any) truth {
			if row[at] == nil {
				return unknown
			}
			return max(compareAny(row[at], "=", v), compareAny(row[at], "=", v2), extra)
		}}
	case 3:
		if s, ok := v.(string); ok {
			return oracle{c.name + " LIKE " + text, func(row []any) truth {
				if row[at] == nil {
					return unknown
				}
				return truthOf(likeSlow([]rune(row[at].(string)), []rune(s)))
			}}
		}
	}
	sign := []string{"=", "<>", "<", "<=", ">", ">="}[r.IntN(6)]
	return oracle{c.name + " " + sign + " " + text, func(row []any) truth { return compareAny(row[at], sign, v) }}
}

// boundsOf returns the statistics of a column as a batch would have them; texts
// are cut to cut bytes.
func boundsOf(rows [][]any, at, cut int) Bounds {
	var b Bounds
	for _, row := range rows {
		v := row[at]
		switch v := v.(type) {
		case nil:
			b.Nulls++
			continue
		case float64:
			if math.IsNaN(v) {
				continue
			}
		}
		if b.Min == nil || compareAny(v, "<", b.Min) == yes {
			b.Min = v
		}
		if b.Max == nil || compareAny(v, ">", b.Max) == yes {
			b.Max = v
		}
	}
	if s, ok := b.Min.(string); ok && len(s) > cut {
		b.Min = s[:cut]
	}
	if s, ok := b.Max.(string); ok && len(s) > cut {
		b.Max, b.MaxPrefix = s[:cut], true
	}
	return b
}

func TestRandomFiltersAgainstPlainEvaluation(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	columns := randomColumns()
	var sql []string
	for _, c := range columns {
		sql = append(sql, c.name+" "+c.sqlType)
	}
	table := fields(t, strings.Join(sql, ", "))
	pruned, skippable := 0, 0
	for range 4000 {
		rows, rec := randomRows(r, columns, table)
		o := randomOracle(r, columns, r.IntN(4))
		f, err := Parse(o.text, table)
		require.NoError(t, err, o.text)
		var want []int32
		for i, row := range rows {
			if o.eval(row) == yes {
				want = append(want, int32(i))
			}
		}
		require.Equal(t, want, f.NewEvaluator(nil).Select(nil, len(rows), rec.Column), "%s on %v", o.text, rows)
		cut := r.IntN(4)
		may := f.MayMatch(int64(len(rows)), func(i int) (Bounds, bool) {
			b := boundsOf(rows, i, cut)
			if v, ok := b.Min.(float64); ok && columns[i].name == "p" {
				b.Min, b.Max = decimal128.FromI64(int64(math.Round(v*10))), decimal128.FromI64(int64(math.Round(b.Max.(float64)*10)))
			}
			return b, true
		})
		require.True(t, may || len(want) == 0, "%s drops rows of %v", o.text, rows)
		for i := range columns {
			requireInside(t, f.Interval(i), rec.Column(i), want, o.text)
		}
		if len(want) == 0 {
			skippable++
			if !may {
				pruned++
			}
		}
	}
	require.Greater(t, pruned, skippable/4, "statistics are of little use")
	t.Logf("pruned %d of %d batches without a match", pruned, skippable)
}

// requireInside checks that the values of rows that a filter takes lie in its
// interval; a NaN lies above all.
func requireInside(t *testing.T, interval Interval, values arrow.Array, rows []int32, text string) {
	t.Helper()
	if interval.low == nil && interval.high == nil {
		return
	}
	at := reader(values, interval.kind)
	for _, i := range rows {
		require.False(t, values.IsNull(int(i)), "%s takes a null", text)
		v := at(int(i))
		nan := math.IsNaN(v.float)
		if low := interval.low; low != nil && !nan {
			c := v.order(low.value, interval.kind)
			require.True(t, c > 0 || c == 0 && !low.open, "%s takes %v, below its interval", text, v)
		}
		if high := interval.high; high != nil {
			c := v.order(high.value, interval.kind)
			require.True(t, !nan && (c < 0 || c == 0 && !high.open), "%s takes %v, above its interval", text, v)
		}
	}
}

func randomRows(r *rand.Rand, columns []testColumn, table []schema.Field) ([][]any, arrow.RecordBatch) {
	var af []arrow.Field
	for _, f := range table {
		af = append(af, f.Arrow())
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(af, nil))
	defer b.Release()
	rows := make([][]any, 1+r.IntN(6))
	nulls := r.IntN(3)
	for i := range rows {
		for j, c := range columns {
			if r.IntN(4) < nulls {
				rows[i] = append(rows[i], nil)
				b.Field(j).AppendNull()
				continue
			}
			v := c.value(r)
			rows[i] = append(rows[i], v)
			c.append(b.Field(j), v)
		}
	}
	return rows, b.NewRecordBatch()
}

func BenchmarkSelect(b *testing.B) {
	columns := fields(b, "num INT, name STRING")
	rb := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{columns[0].Arrow(), columns[1].Arrow()}, nil))
	for i := range 10_000 {
		rb.Field(0).(*array.Int32Builder).Append(int32(i % 100))
		rb.Field(1).(*array.StringBuilder).Append(fmt.Sprint("name", i%50))
	}
	rec := rb.NewRecordBatch()
	for _, text := range []string{"num > 60", "name = 'name7'", "name LIKE '%e7%'", "num IN (1, 2, 3) OR name < 'name2'"} {
		b.Run(text, func(b *testing.B) {
			f, err := Parse(text, columns)
			require.NoError(b, err)
			e := f.NewEvaluator(nil)
			var sel []int32
			for b.Loop() {
				sel = e.Select(sel[:0], 10_000, rec.Column)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10_000, "ns/row")
		})
	}
}
