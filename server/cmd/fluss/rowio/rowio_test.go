package rowio

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/schema"
)

const allTypes = "b BOOLEAN, i INT, l BIGINT NOT NULL, d DOUBLE, dec DECIMAL(12, 3), s STRING, day DATE, t TIME(3), ts TIMESTAMP(6), " +
	"z TIMESTAMP_LTZ(3), raw BYTES, arr ARRAY<INT>, r ROW<x INT, y STRING>"

const jsonRows = `{"b":true,"i":-1,"l":9007199254740993,"d":1.5,"dec":"123456789.125","s":"a \"quoted\", text","day":"2026-11-22","t":"10:30:00.5","ts":"2026-11-22T10:30:00.000001","z":"2026-11-22T10:30:00Z","raw":"AAEC","arr":[1,null,3],"r":{"x":1,"y":"z"}}
{"b":null,"i":null,"l":0,"d":null,"dec":null,"s":"","day":null,"t":null,"ts":null,"z":null,"raw":null,"arr":null,"r":null}
{"b":false,"i":2147483647,"l":-5,"d":-0.25,"dec":"0.001","s":null,"day":"1969-12-31","t":"00:00:00","ts":"1960-01-01T00:00:00","z":"1960-01-01T00:00:00Z","raw":"","arr":[],"r":{"x":null,"y":"two\nlines"}}
`

func columns(t *testing.T, text string) []schema.Field {
	t.Helper()
	c, err := schema.ParseColumns(text)
	require.NoError(t, err)
	return c
}

// readAll returns the rows as JSON, and the error that ended them unless it was io.EOF.
func readAll(t *testing.T, s Source) (string, error) {
	t.Helper()
	var out bytes.Buffer
	var sink Sink
	for {
		rec, err := s.Next()
		if err != nil {
			if sink != nil {
				require.NoError(t, sink.Close())
			}
			if errors.Is(err, io.EOF) {
				err = nil
			}
			require.NoError(t, s.Close())
			return out.String(), err
		}
		if sink == nil {
			sink, err = NewSink(&out, JSON, rec.Schema())
			require.NoError(t, err)
		}
		require.NoError(t, sink.Write(rec))
	}
}

func open2(t *testing.T, f Format, text string, o Options) Source {
	t.Helper()
	s, err := Open(context.Background(), "-", f, strings.NewReader(text), o)
	require.NoError(t, err)
	return s
}

// write converts JSON rows to a format.
func write(t *testing.T, f Format, cols []schema.Field, rows string) []byte {
	t.Helper()
	s := open2(t, JSON, rows, Options{Columns: cols})
	var out bytes.Buffer
	sink, err := NewSink(&out, f, schema.ArrowFields(cols))
	require.NoError(t, err)
	for {
		rec, err := s.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		require.NoError(t, sink.Write(rec))
		require.NoError(t, sink.Flush())
	}
	require.NoError(t, sink.Close())
	return out.Bytes()
}

func TestEveryFormatKeepsEveryType(t *testing.T) {
	cols := columns(t, allTypes)
	for _, f := range []Format{JSON, CSV, Arrow, Parquet} {
		t.Run(string(f), func(t *testing.T) {
			b := write(t, f, cols, jsonRows)
			got, err := readAll(t, open2(t, f, string(b), Options{Columns: cols}))
			require.NoError(t, err)
			require.Equal(t, jsonRows, got)

			path := filepath.Join(t.TempDir(), "rows."+string(f))
			require.NoError(t, os.WriteFile(path, b, 0o600))
			s, err := Open(context.Background(), path, f, nil, Options{Columns: cols})
			require.NoError(t, err)
			_, total := s.Progress()
			require.Positive(t, total)
			got, err = readAll(t, s)
			require.NoError(t, err)
			require.Equal(t, jsonRows, got)
			done, total := s.Progress()
			require.Equal(t, total, done)
		})
	}
}

func TestArrowFileForm(t *testing.T) {
	cols := columns(t, "l BIGINT NOT NULL, s STRING")
	path := filepath.Join(t.TempDir(), "rows.arrow")
	f, err := os.Create(path)
	require.NoError(t, err)
	w, err := ipc.NewFileWriter(f, ipc.WithSchema(schema.ArrowFields(cols)))
	require.NoError(t, err)
	s := open2(t, JSON, `{"l":1,"s":"x"}`, Options{Columns: cols})
	rec, err := s.Next()
	require.NoError(t, err)
	require.NoError(t, w.Write(rec))
	require.NoError(t, w.Close())
	require.NoError(t, f.Close())
	src, err := Open(context.Background(), path, Arrow, nil, Options{})
	require.NoError(t, err)
	got, err := readAll(t, src)
	require.NoError(t, err)
	require.JSONEq(t, `{"l":1,"s":"x"}`, got)
	found, err := Columns(context.Background(), path)
	require.NoError(t, err)
	require.Equal(t, "BIGINT NOT NULL", found[0].Type.String())
}

func TestCSV(t *testing.T) {
	cols := columns(t, "id BIGINT NOT NULL, name STRING, must STRING NOT NULL, amount DECIMAL(6, 2)")
	for _, tc := range []struct {
		name, in, want, fault string
		options               Options
	}{
		{name: "columns in another order, some missing", in: "must,id\nx,1\n", want: `{"id":1,"name":null,"must":"x","amount":null}` + "\n"},
		{name: "nothing is null, quotes are the empty text", in: "id,name,must,amount\n1,,\"\",\n2,\"\",\"\",\n",
			want: `{"id":1,"name":null,"must":"","amount":null}` + "\n" + `{"id":2,"name":"","must":"","amount":null}` + "\n"},
		{name: "null text", options: Options{Null: "NA"}, in: "id,name,must\n1,NA,\"NA\"\n", want: `{"id":1,"name":null,"must":"NA","amount":null}` + "\n"},
		{name: "quotes, commas, lines and carriage returns", in: "id,must\r\n1,\"a \"\"b\"\",\r\nc\"\r\n\r\n2,d\r\n",
			want: `{"id":1,"name":null,"must":"a \"b\",\r\nc","amount":null}` + "\n" + `{"id":2,"name":null,"must":"d","amount":null}` + "\n"},
		{name: "no header", options: Options{NoHeader: true}, in: "1,a,b,2.50", want: `{"id":1,"name":"a","must":"b","amount":"2.50"}` + "\n"},
		{name: "byte order mark", in: "\ufeffid,must\n1,a", want: `{"id":1,"name":null,"must":"a","amount":null}` + "\n"},
		{name: "wrong type", in: "id,must\n1,a\nx2,b\n", want: `{"id":1,"name":null,"must":"a","amount":null}` + "\n", fault: "row 2 (line 3): column id"},
		{name: "too many digits", in: "id,must,amount\n1,a,1.234\n", fault: "row 1 (line 2): column amount"},
		{name: "too few values", in: "id,must\n1\n", fault: "row 1 (line 2): 1 values, want 2"},
		{name: "unknown column", in: "id,mutt\n1,a\n", fault: `line 1 names the column "mutt", which the table does not have; did you mean "must"?`},
		{name: "column twice", in: "id,id\n1,2\n", fault: "twice"},
		{name: "open quote", in: "id,must\n1,\"a\n2,b\n", fault: "line 2: a quote is not closed"},
		{name: "text after a quote", in: "id,must\n1,\"a\"b\n", fault: "line 2, value 2"},
		{name: "quote inside", in: "id,must\n1,a\"b\"\n", fault: "line 2, value 2"},
		{name: "empty", in: "", fault: "is empty"},
		{name: "an empty text that must be quoted", in: "id,must\n1,\"\"\n2,\n", want: `{"id":1,"name":null,"must":"","amount":null}` + "\n",
			fault: "row 2 (line 3): column must is NOT NULL"},
		{name: "null in a column that has none", in: "id,must\n,a\n", fault: "row 1 (line 2): column id"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.options.Columns = cols
			s, err := Open(context.Background(), "-", CSV, strings.NewReader(tc.in), tc.options)
			got := ""
			if err == nil {
				got, err = readAll(t, s)
			}
			require.Equal(t, tc.want, got)
			if tc.fault == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tc.fault)
			require.NotEqual(t, errcode.Internal, errcode.Of(err))
		})
	}
}

// Rows of one column come back from CSV as they went, nulls among them: an empty
// line is one, unless the column has none.
func TestCSVOfOneColumn(t *testing.T) {
	cols := columns(t, "s STRING")
	rows := `{"s":null}` + "\n" + `{"s":""}` + "\n" + `{"s":"a"}` + "\n" + `{"s":null}` + "\n"
	text := write(t, CSV, cols, rows)
	for _, o := range []Options{{Columns: cols}, {Columns: columns(t, "id BIGINT, s STRING")}} {
		got, err := readAll(t, open2(t, CSV, string(text), o))
		require.NoError(t, err)
		require.Equal(t, rows, strings.ReplaceAll(got, `"id":null,`, ""))
	}
	got, err := readAll(t, open2(t, CSV, "s\na\n\nb\n\n", Options{Columns: columns(t, "s STRING NOT NULL")}))
	require.NoError(t, err)
	require.Equal(t, `{"s":"a"}`+"\n"+`{"s":"b"}`+"\n", got)
}

func TestNestedCSV(t *testing.T) {
	cols := columns(t, "id BIGINT NOT NULL, tags ARRAY<STRING>")
	for _, tc := range []struct{ name, in, want, fault string }{
		{"lists", "id,tags\n1,\"[\"\"a\"\",null]\"\n2,\n", `{"id":1,"tags":["a",null]}` + "\n" + `{"id":2,"tags":null}` + "\n", ""},
		{"no JSON", "id,tags\n1,[1\n", "", "row 1: column tags"},
		{"wrong type", "id,tags\n1,[]\nx,[]\n", `{"id":1,"tags":[]}` + "\n", "row 2: column id"},
		{"record too short", "id,tags\n1\n", "", "row 1 (line 2): 1 values, want 2"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := readAll(t, open2(t, CSV, tc.in, Options{Columns: cols}))
			require.Equal(t, tc.want, got)
			if tc.fault == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, tc.fault)
			}
		})
	}
}

// What came over a pipe is given out before more is waited for.
func TestCSVFromAPipeComesAsItComes(t *testing.T) {
	r, w := io.Pipe()
	go func() { _, _ = w.Write([]byte("id\n1\n2\n")) }()
	s, err := Open(context.Background(), "-", CSV, r, Options{Columns: columns(t, "id BIGINT NOT NULL")})
	require.NoError(t, err)
	rec, err := s.Next()
	require.NoError(t, err)
	require.EqualValues(t, 2, rec.NumRows())
	require.NoError(t, w.Close())
	_, err = s.Next()
	require.ErrorIs(t, err, io.EOF)
}

func TestDamagedFiles(t *testing.T) {
	for _, f := range []Format{Parquet, Arrow} {
		_, err := Open(context.Background(), "-", f, strings.NewReader("this is neither"), Options{})
		require.Equal(t, errcode.InvalidArgument, errcode.Of(err), f)
	}
	_, err := Open(context.Background(), "/no/such.csv", CSV, nil, Options{})
	require.ErrorContains(t, err, "/no/such.csv cannot be opened: no such file or directory")
	good := write(t, Arrow, columns(t, "l BIGINT, s STRING"), `{"l":1,"s":"x"}`)
	for i := range good { // cut anywhere: an error or fewer rows, never a panic
		if s, err := Open(context.Background(), "-", Arrow, bytes.NewReader(good[:i]), Options{}); err == nil {
			for range 3 {
				if _, err := s.Next(); err != nil {
					break
				}
			}
		}
	}
}

func TestFormatOf(t *testing.T) {
	for _, tc := range []struct {
		text, path string
		want       Format
	}{
		{"", "a.csv", CSV}, {"", "a.JSONL", JSON}, {"", "a.ndjson", JSON}, {"", "a.parquet", Parquet}, {"", "a.feather", Arrow}, {"csv", "-", CSV}, {"JSON", "a.txt", JSON},
	} {
		got, err := FormatOf(tc.text, tc.path)
		require.NoError(t, err)
		require.Equal(t, tc.want, got)
	}
	for _, bad := range [][2]string{{"", "-"}, {"", "noext"}, {"xml", "a"}, {"table", "a"}, {"", "a.xlsx"}} {
		_, err := FormatOf(bad[0], bad[1])
		require.Error(t, err, bad)
	}
}

func TestColumns(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	text := func(cols []schema.Field) string {
		var out []string
		for _, c := range cols {
			out = append(out, c.Name+" "+c.Type.String())
		}
		return strings.Join(out, ", ")
	}
	const guessed = "id BIGINT, zip STRING, f DOUBLE, ok BOOLEAN, day DATE, at TIMESTAMP_LTZ(6), s STRING, none STRING"
	got, err := Columns(context.Background(), file("a.csv",
		"id,zip,f,ok,day,at,s,none\n1,01234,1,true,2026-11-22,2026-11-22T10:00:00Z,,\n-2,9,2.5e3,false,2026-11-23,2026-11-22T10:00:00.123+01:00,x y,\n"))
	require.NoError(t, err)
	require.Equal(t, guessed, text(got))
	got, err = Columns(context.Background(), file("a.json",
		`{"id":1,"zip":"01234","f":1}`+"\n"+`{"f":2.5,"ok":true,"day":"2026-11-22","at":"2026-11-22T10:00:00Z","s":"x","none":null}`))
	require.NoError(t, err)
	require.Equal(t, guessed, text(got))

	got, err = Columns(context.Background(), file("a.parquet", string(write(t, Parquet, columns(t, allTypes), jsonRows))))
	require.NoError(t, err)
	require.Equal(t, text(columns(t, allTypes)), text(got))

	for name, in := range map[string]string{"empty.csv": "", "empty.json": "", "bad.json": "[1]", "nested.json": `{"a":[1]}`, "ragged.csv": "a,b\n1\n"} {
		_, err := Columns(context.Background(), file(name, in))
		require.Error(t, err, name)
	}
}

func TestTable(t *testing.T) {
	cols := columns(t, "id BIGINT NOT NULL, name STRING, amount DECIMAL(6, 2), note STRING")
	b := write(t, Table, cols, `{"id":1,"name":"tea","amount":"2.50","note":"tab\there"}
{"id":100,"name":null,"amount":"12.00","note":"`+strings.Repeat("long ", 30)+`"}
`)
	require.Equal(t, ` id  name  amount  note
  1  tea     2.50  tab here
100  null   12.00  long long long long long long long long long long long long…
`, strings.ReplaceAll(string(b), "long …", "long…"))
	b = write(t, Table, cols, "")
	require.Equal(t, "id  name  amount  note\n", string(b))
	_, err := NewSink(io.Discard, "xml", arrow.NewSchema(nil, nil))
	require.Error(t, err)
}
