package filter

import (
	"errors"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/stretchr/testify/require"
)

const testColumns = "flag BOOLEAN, tiny TINYINT, small SMALLINT, num INT, big BIGINT, f FLOAT, d DOUBLE, name STRING, code CHAR(2), " +
	"price DECIMAL(10, 2), day DATE, tod TIME(3), ts TIMESTAMP(6), tz TIMESTAMP_LTZ(3), bin BINARY(2), raw BYTES, " +
	"tags ARRAY<STRING>, `and` INT, num2 INT"

func fields(t testing.TB, text string) []schema.Field {
	t.Helper()
	f, err := schema.ParseColumns(text)
	require.NoError(t, err)
	return f
}

// record makes a record of JSON rows.
func record(t testing.TB, columns []schema.Field, rows string) arrow.RecordBatch {
	t.Helper()
	var af []arrow.Field
	for _, f := range columns {
		af = append(af, f.Arrow())
	}
	rec, _, err := array.RecordFromJSON(memory.DefaultAllocator, arrow.NewSchema(af, nil), strings.NewReader(rows))
	require.NoError(t, err)
	return rec
}

const testRows = `[
 {"flag": true,  "tiny": 1, "small": 1, "num": 60,  "big": 9007199254740993, "f": 0.1, "d": 0.1, "name": "Berlin", "code": "LH", "price": "10.50",
  "day": "2026-11-22", "tod": "10:30:00", "ts": "2026-11-22 10:00:00.000001", "tz": "2026-11-22T10:00:00Z", "bin": "AAE=", "raw": "/w==", "tags": ["x"], "and": 1, "num2": 60},
 {"flag": false, "tiny": -1, "small": 300, "num": 61, "big": 9007199254740992, "f": 2.5, "d": 2.5, "name": "Bonn_50%", "code": "OS", "price": "-0.01",
  "day": "1969-12-31", "tod": "00:00:00.001", "ts": "1969-12-31 23:59:59", "tz": "2026-11-22T09:00:00Z", "bin": "AAI=", "raw": "", "tags": [], "and": 2, "num2": 60},
 {}
]`

func TestSelect(t *testing.T) {
	columns := fields(t, testColumns)
	rec := record(t, columns, testRows)
	for _, tc := range []struct {
		text string
		want []int32
	}{
		{"num > 60", []int32{1}},
		{"60 < num", []int32{1}},
		{"num >= 60 AND num <= 60", []int32{0}},
		{"num = 60.0", []int32{0}},
		{"num > 60.5", []int32{1}},
		{"num < 60.5", []int32{0}},
		{"num = 60.5", nil},
		{"num <> 60.5", []int32{0, 1}},
		{"num != 60", []int32{1}},
		{"num > -1e3", []int32{0, 1}},
		{"num < 99999999999999999999", []int32{0, 1}},
		{"num > 99999999999999999999", nil},
		{"NOT num > 99999999999999999999", []int32{0, 1}},
		{"big = 9007199254740993", []int32{0}},
		{"tiny < 1000", []int32{0, 1}},
		{"small BETWEEN 2 AND 300", []int32{1}},
		{"small NOT BETWEEN 2 AND 300", []int32{0}},
		{"f = 0.1", []int32{0}},
		{"d = 0.1", []int32{0}},
		{"d > 1", []int32{1}},
		{"flag", []int32{0}},
		{"NOT flag", []int32{1}},
		{"flag = FALSE", []int32{1}},
		{"flag IS TRUE", []int32{0}},
		{"flag IS NOT TRUE", []int32{1, 2}},
		{"flag IS NOT FALSE", []int32{0, 2}},
		{"name = 'Berlin'", []int32{0}},
		{"name LIKE 'B%'", []int32{0, 1}},
		{"name LIKE 'B_rlin'", []int32{0}},
		{"name LIKE '%n'", []int32{0}},
		{"name NOT LIKE '%n'", []int32{1}},
		{"name LIKE '%!_50!%' ESCAPE '!'", []int32{1}},
		{"name LIKE '%!_51!%' ESCAPE '!'", nil},
		{"code IN ('LH', 'XX')", []int32{0}},
		{"code NOT IN ('LH', 'XX')", []int32{1}},
		{"code NOT IN ('LH', NULL)", nil},
		{"code IN ('LH', NULL)", []int32{0}},
		{"num IN (60, 61.5, 99999999999999999999)", []int32{0}},
		{"price = 10.5", []int32{0}},
		{"price > 10.495", []int32{0}},
		{"price < 0", []int32{1}},
		{"price IN (-0.01)", []int32{1}},
		{"day = '2026-11-22'", []int32{0}},
		{"day < DATE '1970-01-01'", []int32{1}},
		{"tod = '10:30'", []int32{0}},
		{"tod < TIME '00:00:00.0015'", []int32{1}},
		{"ts > '2026-11-22 10:00:00'", []int32{0}},
		{"ts = TIMESTAMP '2026-11-22 10:00:00.000001'", []int32{0}},
		{"ts < '1970-01-01'", []int32{1}},
		{"tz = '2026-11-22T11:00:00+01:00'", []int32{0}},
		{"tz < '2026-11-22 10:00:00'", []int32{1}},
		{"bin = X'0001'", []int32{0}},
		{"raw >= x'00'", []int32{0}},
		{"tags IS NOT NULL", []int32{0, 1}},
		{"tags IS NULL", []int32{2}},
		{`"and" = 1`, []int32{0}},
		{"`and` = 2", []int32{1}},
		{"num = num2", []int32{0}},
		{"num > num2 OR num IS NULL", []int32{1, 2}},
		{"num = NULL", nil},
		{"NOT (num = NULL)", nil},
		{"TRUE", []int32{0, 1, 2}},
		{"num = 60 OR TRUE", []int32{0, 1, 2}},
		{"num = 60 AND NULL", nil},
		{"not num = 60 or name like 'Ber%' and (flag)", []int32{0, 1}},
	} {
		t.Run(tc.text, func(t *testing.T) {
			f, err := Parse(tc.text, columns)
			require.NoError(t, err)
			got := f.NewEvaluator(nil).Select(nil, int(rec.NumRows()), rec.Column)
			require.Equal(t, tc.want, got)
			require.Equal(t, tc.text, f.String())
		})
	}
}

func TestBadFilters(t *testing.T) {
	columns := fields(t, testColumns)
	for _, tc := range []struct {
		text, want string
		position   string
	}{
		{"", "is empty", ""},
		{"num >", "ends too early", "6"},
		{"num > > 1", "«> 1» does not belong here", "7"},
		{"num > 'a", "does not end", "7"},
		{"nom > 1", "no column «nom»", "1"},
		{"NUM > 1", `but one "num"`, "1"},
		{"num > 'x'", "a text is compared with column num, which is INT: write a number", "7"},
		{"name > 5", "write a text in single quotes", "8"},
		{"day > 5", "write '2026-11-22'", "7"},
		{"day > 'tomorrow'", "«tomorrow» is no value of DATE", "7"},
		{"ts > '2026-11-22T10:00:00Z'", "(without a zone)", "6"},
		{"day = TIME '10:00:00'", "a TIME is compared with a column of type DATE", "7"},
		{"flag = 1", "write TRUE or FALSE", "8"},
		{"raw = 'a'", "X'0AFF'", "7"},
		{"raw = X'0'", "pairs of hex digits", "7"},
		{"tags = 'a'", "only IS NULL", "8"},
		{"num", "no condition by itself", "1"},
		{"5", "is no condition", "1"},
		{"1 = 1", "two constants", "1"},
		{"num LIKE 'a'", "LIKE is for texts", "1"},
		{"name LIKE 5", "a number follows LIKE", "11"},
		{"name LIKE 'a!' ESCAPE '!'", "escape character", "11"},
		{"name LIKE 'a' ESCAPE 'xx'", "one character", "22"},
		{"num = name", "cannot be compared", "7"},
		{"num IS TRUE", "for BOOLEAN", "1"},
		{"num > 1e9999999", "too large an exponent", "7"},
		{"num IN ()", "does not belong here", "9"},
		{strings.Repeat("(", 200) + "num = 1" + strings.Repeat(")", 200), "too large", "101"},
		{strings.Repeat("NOT ", 200) + "flag", "too large", "401"},
		{strings.Repeat("x", 70_000), "at most 65536", ""},
		{"num = 1; DROP TABLE t", "does not belong here", "8"},
	} {
		t.Run(tc.text[:min(len(tc.text), 30)], func(t *testing.T) {
			_, err := Parse(tc.text, columns)
			require.ErrorContains(t, err, tc.want)
			var e *errcode.Error
			require.True(t, errors.As(err, &e))
			require.Equal(t, errcode.InvalidFilter, e.Code)
			require.Equal(t, tc.position, e.Facts["position"])
		})
	}
}

func TestLike(t *testing.T) {
	for _, tc := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true},
		{"", "a", false},
		{"%", "", true},
		{"%%", "abc", true},
		{"a%c", "abc", true},
		{"a%c", "ac", true},
		{"a%c", "acd", false},
		{"ab%bc", "abc", false},
		{"_", "ü", true},
		{"_", "", false},
		{"__", "ü", false},
		{"%_b", "aüb", true},
		{"%ü_%c", "xüxyc", true},
		{"%a_a%", "abba aba", true},
		{"%_", "", false},
	} {
		l, ok := compileLike(tc.pattern, 0)
		require.True(t, ok)
		require.Equal(t, tc.want, l.match(tc.text), "%q LIKE %q", tc.text, tc.pattern)
	}
}

func FuzzParse(f *testing.F) {
	columns := fields(f, testColumns)
	rec := record(f, columns, testRows)
	f.Add("num > 60 AND (name LIKE 'a%' ESCAPE '!' OR NOT flag) AND price IN (1, NULL, .5e3) AND day BETWEEN DATE '2020-01-01' AND '2021-01-01'")
	f.Add("raw = X'00' OR `and` IS NOT NULL")
	f.Fuzz(func(t *testing.T, text string) {
		filter, err := Parse(text, columns)
		if err != nil {
			require.Equal(t, errcode.InvalidFilter, errcode.Of(err))
			return
		}
		got := filter.NewEvaluator(nil).Select(nil, int(rec.NumRows()), rec.Column)
		may := filter.MayMatch(rec.NumRows(), func(int) (Bounds, bool) { return Bounds{}, false })
		require.True(t, may || len(got) == 0)
	})
}

// A pattern that costs a server too much is refused; one that takes long is given up.
func TestCostlyPatterns(t *testing.T) {
	columns := []schema.Field{{Name: "b", Type: schema.Of(schema.String)}}
	_, err := Parse("b LIKE '%"+strings.Repeat("_a", 100)+"%'", columns)
	require.ErrorIs(t, err, &errcode.Error{Code: errcode.InvalidFilter})
	require.ErrorContains(t, err, "128 characters")
	f, err := Parse("b LIKE '"+strings.Repeat("_a", 1000)+"%x'", columns)
	require.NoError(t, err, "what is compared at one place only may be long")

	b := array.NewStringBuilder(memory.DefaultAllocator)
	b.AppendValues([]string{"x", "y", "z"}, nil)
	texts, asked := b.NewArray(), 0
	stop := func() bool { asked++; return asked > 1 }
	f.NewEvaluator(stop).Select(nil, 3, func(int) arrow.Array { return texts })
	require.Equal(t, 2, asked, "it goes on with a text although nobody wants the result")
}
