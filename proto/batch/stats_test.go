package batch

import (
	"bytes"
	"cmp"
	"math"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"
)

// valueAt returns value i as Stats gives bounds; false when it is null or NaN.
func valueAt(arr arrow.Array, i int) (any, bool) {
	if arr.IsNull(i) {
		return nil, false
	}
	switch a := arr.(type) {
	case *array.Boolean:
		return a.Value(i), true
	case *array.Int8:
		return int64(a.Value(i)), true
	case *array.Int16:
		return int64(a.Value(i)), true
	case *array.Int32:
		return int64(a.Value(i)), true
	case *array.Int64:
		return a.Value(i), true
	case *array.Float32:
		return float64(a.Value(i)), a.Value(i) == a.Value(i)
	case *array.Float64:
		return a.Value(i), a.Value(i) == a.Value(i)
	case *array.Date32:
		return int64(a.Value(i)), true
	case *array.Time32:
		return int64(a.Value(i)), true
	case *array.Time64:
		return int64(a.Value(i)), true
	case *array.Timestamp:
		return int64(a.Value(i)), true
	case *array.Decimal128:
		return a.Value(i), true
	case *array.String:
		return a.Value(i), true
	case *array.Binary:
		return a.Value(i), true
	case *array.FixedSizeBinary:
		return a.Value(i), true
	}
	return nil, false
}

func compare(a, b any) int {
	switch a := a.(type) {
	case bool:
		return cmp.Compare(map[bool]int{true: 1}[a], map[bool]int{true: 1}[b.(bool)])
	case int64:
		return cmp.Compare(a, b.(int64))
	case float64:
		return cmp.Compare(a, b.(float64))
	case decimal128.Num:
		return a.Cmp(b.(decimal128.Num))
	case string:
		return strings.Compare(a, b.(string))
	default:
		return bytes.Compare(a.([]byte), b.([]byte))
	}
}

func isPrefix(prefix, of any) bool {
	if p, ok := prefix.(string); ok {
		return strings.HasPrefix(of.(string), p)
	}
	return bytes.HasPrefix(of.([]byte), prefix.([]byte))
}

func TestStats(t *testing.T) {
	s := newSource(t)
	fields := fieldsOf(t, everyType)
	l := NewLayout(fields)
	for _, rows := range []int{0, 1, 2, 5, 64, 200, 1000} {
		for _, s.nulls = range []float64{0, 0.1, 0.9, 1} {
			rec := s.sliced(fields, rows)
			v, err := ParseView(encode(t, l, None, rec), l)
			require.NoError(t, err)
			for i := range fields {
				checkStats(t, rec.Column(i), &v, i)
			}
		}
	}
}

func checkStats(t *testing.T, arr arrow.Array, v *View, i int) {
	t.Helper()
	var lo, hi any
	for k := range arr.Len() {
		x, ok := valueAt(arr, k)
		if !ok {
			continue
		}
		if lo == nil || compare(x, lo) < 0 {
			lo = x
		}
		if hi == nil || compare(x, hi) > 0 {
			hi = x
		}
	}
	st, ok := v.Stats(i)
	require.Equal(t, int64(arr.NullN()), st.NullCount)
	require.Equal(t, lo != nil, ok)
	if lo == nil {
		return
	}
	if st.MinExact {
		require.Zero(t, compare(lo, st.Min), "%v %v", lo, st.Min)
	} else {
		require.True(t, isPrefix(st.Min, lo))
	}
	if st.MaxExact {
		require.Zero(t, compare(hi, st.Max), "%v %v", hi, st.Max)
	} else {
		require.True(t, isPrefix(st.Max, hi))
	}
}

func TestStatsOfLongTexts(t *testing.T) {
	l := NewLayout(fieldsOf(t, "s STRING"))
	b := array.NewRecordBuilder(memory.DefaultAllocator, l.Schema())
	long := strings.Repeat("x", 31) + "é" + "tail"
	b.Field(0).(*array.StringBuilder).AppendValues([]string{long, strings.Repeat("a", 32)}, nil)
	v, err := ParseView(encode(t, l, None, b.NewRecordBatch()), l)
	require.NoError(t, err)
	st, ok := v.Stats(0)
	require.True(t, ok)
	require.Equal(t, Stats{Min: strings.Repeat("a", 32), Max: strings.Repeat("x", 31), MinExact: true}, st)
}

func TestStatsOfNaN(t *testing.T) {
	l := NewLayout(fieldsOf(t, "d DOUBLE"))
	b := array.NewRecordBuilder(memory.DefaultAllocator, l.Schema())
	b.Field(0).(*array.Float64Builder).AppendValues([]float64{math.NaN(), math.NaN()}, nil)
	out := encode(t, l, None, b.NewRecordBatch())
	_, err := Validate(l, out, checkAll)
	require.NoError(t, err)
	v, err := ParseView(out, l)
	require.NoError(t, err)
	_, ok := v.Stats(0)
	require.False(t, ok)
}
