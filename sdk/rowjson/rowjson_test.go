package rowjson_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/sdk/rowjson"
)

func columns(t testing.TB, text string) []schema.Field {
	t.Helper()
	f, err := schema.ParseColumns(text)
	require.NoError(t, err)
	return f
}

const everyType = "a BOOLEAN, e BIGINT, f FLOAT, g DOUBLE, i STRING, j DECIMAL(38, 2), k DATE, l TIME(3), m TIMESTAMP(6), n TIMESTAMP_LTZ(3), " +
	"p BYTES, q ARRAY<INT>, r MAP<INT, BIGINT>, s ROW<x INT, y ARRAY<STRING>>"

func TestLinesComeBackAsTheyWent(t *testing.T) {
	lines := []string{
		`{"a":true,"e":9223372036854775807,"f":1.5,"g":-2.5e-07,"i":"é\"\\\n","j":"123456789012345678901234567890123456.78","k":"2026-11-22",` +
			`"l":"10:30:00.25","m":"2026-11-22T10:30:00.000001","n":"2026-11-22T10:30:00Z","p":"AAEC","q":[1,null,3],"r":{"7":8},"s":{"x":1,"y":["a"]}}`,
		`{"a":null,"e":null,"f":null,"g":null,"i":null,"j":null,"k":null,"l":null,"m":null,"n":null,"p":null,"q":null,"r":null,"s":null}`,
		`{"a":false,"e":-9223372036854775808,"f":"NaN","g":"-Infinity","i":"","j":"-0.01","k":"0001-01-01","l":"00:00:00","m":"1969-12-31T23:59:59.9",` +
			`"n":"1969-12-31T23:59:59.999Z","p":"","q":[],"r":{},"s":{"x":null,"y":null}}`,
	}
	d := rowjson.NewDecoder(strings.NewReader(strings.Join(lines, "\n")+"\n"), columns(t, everyType))
	rec, err := d.Next(100, 1<<20)
	require.NoError(t, err)
	e := rowjson.NewEncoder(rec.Schema())
	for i, want := range lines {
		require.Equal(t, want, string(e.AppendRow(nil, rec, i)))
	}
	_, err = d.Next(100, 1<<20)
	require.ErrorIs(t, err, io.EOF)
}

func TestOtherFormsAreRead(t *testing.T) {
	for _, tc := range []struct{ column, in, want string }{
		{"c DECIMAL(10, 2)", `1.50`, `"1.50"`},
		{"c DECIMAL(10, 2)", `1.5e3`, `"1500.00"`},
		{"c BIGINT", `"9007199254740993"`, `9007199254740993`},
		{"c BIGINT", `1e3`, `1000`},
		{"c TIMESTAMP_LTZ(3)", `"2026-11-22T12:30:00+02:00"`, `"2026-11-22T10:30:00Z"`},
		{"c TIMESTAMP(0)", `"2026-11-22 10:30:00.00"`, `"2026-11-22T10:30:00"`},
		{"c STRING", `"\u00e9\ud83d\ude00\/"`, `"é😀/"`},
		{"c BYTES", `"AAE"`, `"AAE="`},
		{"c STRING", ` "x" `, `"x"`},
	} {
		d := rowjson.NewDecoder(strings.NewReader(`{"c":`+tc.in+"}\n"), columns(t, tc.column))
		rec, err := d.Next(1, 1<<20)
		require.NoError(t, err, tc.in)
		require.Equal(t, tc.want, string(rowjson.AppendValue(nil, rec.Column(0), 0)), tc.in)
	}
}

// A time loses no digits silently, as a decimal does not.
func TestTimesWithTooManyDigitsAreRefused(t *testing.T) {
	for _, tc := range []struct{ column, in string }{
		{"c TIMESTAMP(0)", "2026-11-22 10:30:00.75"},
		{"c TIMESTAMP(3)", "1969-12-31T23:59:59.9999"},
		{"c TIMESTAMP_LTZ(3)", "2026-01-01T00:00:00.0001Z"},
		{"c TIME(0)", "10:30:00.5"},
	} {
		d := rowjson.NewDecoder(strings.NewReader(`{"c":"`+tc.in+`"}`+"\n"), columns(t, tc.column))
		_, err := d.Next(1, 1<<20)
		require.ErrorIs(t, err, &errcode.Error{Code: errcode.InvalidBatch}, tc.in)
		require.ErrorContains(t, err, "digits of a second", tc.in)
	}
}

func TestBadLinesNameRowAndColumn(t *testing.T) {
	for _, tc := range []struct {
		in   string
		code errcode.Code
		want string
	}{
		{`{"a":"x"}`, errcode.InvalidBatch, `line 2: column a INT NOT NULL: "x" is no whole number`},
		{`{"a":1.5}`, errcode.InvalidBatch, "1.5 is no whole number"},
		{`{"a":3000000000}`, errcode.InvalidBatch, "out of range"},
		{`{"a":true}`, errcode.InvalidBatch, "cannot hold"},
		{`{"a":[1]}`, errcode.InvalidBatch, "cannot hold a JSON array"},
		{`{"a":1,"a":2}`, errcode.InvalidBatch, "given twice"},
		{`{"z":1}`, errcode.UnknownColumn, `line 2: the table has no column "z"`},
		{`{}`, errcode.InvalidBatch, "lacks column a, which is NOT NULL"},
		{`{"a":1,"b":7}`, errcode.InvalidBatch, "column b STRING: cannot hold the JSON number 7"},
		{`{"a":1,"d":"2026-13-01"}`, errcode.InvalidBatch, "column d DATE"},
		{`{"a":1`, errcode.InvalidBatch, "the JSON ends where"},
		{`[1]`, errcode.InvalidBatch, "an object is expected"},
		{`{"a":1} x`, errcode.InvalidBatch, "end of line is expected"},
		{`{"a":1,"b":"\x"}`, errcode.InvalidBatch, "an escape is expected"},
		{`{"a":1,"b":"\ud800"`, errcode.InvalidBatch, "the JSON ends"},
		{"{\"a\":1,\"b\":\"\xff\"}", errcode.InvalidBatch, "not valid UTF-8"},
	} {
		t.Run(tc.in, func(t *testing.T) {
			d := rowjson.NewDecoder(strings.NewReader("{\"a\":1}\n"+tc.in+"\n"), columns(t, "a INT NOT NULL, b STRING, d DATE"))
			rec, err := d.Next(10, 1<<20)
			require.NoError(t, err)
			require.EqualValues(t, 1, rec.NumRows(), "the row before the bad one")
			_, err = d.Next(10, 1<<20)
			require.ErrorContains(t, err, tc.want)
			require.Equal(t, tc.code, errcode.Of(err))
			require.Equal(t, "2", errcode.From(err).Facts["row"])
		})
	}
}

func TestRowsAreReturnedAsTheyCome(t *testing.T) {
	r, w := io.Pipe()
	d := rowjson.NewDecoder(r, columns(t, "a INT"))
	next := func() arrow.RecordBatch {
		rec, err := d.Next(100, 1<<20)
		require.NoError(t, err)
		return rec
	}
	go func() { _, _ = w.Write([]byte("{\"a\":1}\n")) }()
	require.EqualValues(t, 1, next().NumRows())
	go func() { _, _ = w.Write([]byte("{\"a\":2}\n{\"a\":3}\n\n{\"a\":4")) }()
	require.EqualValues(t, 2, next().NumRows())
	go func() { _, _ = w.Write([]byte("}\n")); _ = w.CloseWithError(errors.New("disk on fire")) }()
	require.EqualValues(t, 1, next().NumRows())
	_, err := d.Next(100, 1<<20)
	require.ErrorContains(t, err, "disk on fire")
}

func TestTexts(t *testing.T) {
	b := rowjson.NewTextBuilder(columns(t, "a INT, b STRING NOT NULL, c BYTES"))
	empty := func(texts []string) func(int) bool { return func(i int) bool { return texts[i] == "" } }
	row := []string{"7", "x", ""}
	require.NoError(t, b.Append(2, row, empty(row)))
	row = []string{"seven", "x", ""}
	err := b.Append(3, row, empty(row))
	require.ErrorContains(t, err, `row 3: column a INT: "seven" is no whole number`)
	require.Error(t, b.Append(4, row[:1], nil))
	rec := b.Record()
	require.EqualValues(t, 1, rec.NumRows())
	require.Equal(t, "7", string(rowjson.AppendText(nil, rec.Column(0), 0)))
	require.Empty(t, rowjson.AppendText(nil, rec.Column(2), 0))
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"a":true,"i":"x","q":[1,2],"r":{"1":2},"s":{"x":1,"y":["\u0041"]}}`))
	f.Add([]byte(`{"j":"1e70","m":"2026-11-22","p":"AA=="}`))
	cols := columns(f, everyType)
	f.Fuzz(func(t *testing.T, in []byte) {
		d := rowjson.NewDecoder(strings.NewReader(string(in)), cols)
		for {
			rec, err := d.Next(10, 1<<20)
			if err != nil {
				return
			}
			e := rowjson.NewEncoder(rec.Schema())
			for i := range int(rec.NumRows()) {
				line := string(e.AppendRow(nil, rec, i))
				again, err := rowjson.NewDecoder(strings.NewReader(line), cols).Next(1, 1<<20)
				require.NoError(t, err, line)
				require.Equal(t, line, string(e.AppendRow(nil, again, 0)))
			}
		}
	})
}
