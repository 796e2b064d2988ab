package flight_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	arrowflight "github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"

	"github.com/fluss-go/fluss/flight"
	"github.com/fluss-go/fluss/flight/codec"
	"github.com/fluss-go/fluss/flight/rpcerr"
	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/schema"
)

func fromJSON(t testing.TB, s *schema.Schema, rows string) arrow.RecordBatch {
	t.Helper()
	return arrowJSON(t, s.Arrow(), rows)
}

func arrowJSON(t testing.TB, s *arrow.Schema, rows string) arrow.RecordBatch {
	t.Helper()
	rec, _, err := array.RecordFromJSON(memory.DefaultAllocator, s, strings.NewReader(rows))
	require.NoError(t, err)
	return rec
}

var toClose = map[testing.TB]*flight.Service{}

// serveService is serve with a service that closeService closes.
func serveService(t testing.TB, source flight.Source) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	g := grpc.NewServer(append(codec.ServerOptions(), rpcerr.Options(slog.New(slog.DiscardHandler))...)...)
	s := flight.New(source, flight.Options{})
	s.Register(g)
	toClose[t] = s
	go func() { _ = g.Serve(l) }()
	t.Cleanup(g.Stop)
	return l.Addr().String()
}

func closeService(t testing.TB) { toClose[t].Close() }

type putResult struct {
	Bucket, Rows int
	Base, End    int64
}

// put sends records with a stock writer and returns the answers.
func put(t testing.TB, c arrowflight.Client, d *arrowflight.FlightDescriptor, s *arrow.Schema, recs ...arrow.RecordBatch) ([]putResult, error) {
	t.Helper()
	stream, err := c.DoPut(context.Background())
	require.NoError(t, err)
	w := arrowflight.NewRecordWriter(stream, ipc.WithSchema(s))
	w.SetFlightDescriptor(d)
	for _, rec := range recs {
		if err := w.Write(rec); err != nil {
			break
		}
	}
	_ = w.Close()
	_ = stream.CloseSend()
	var out []putResult
	for {
		r, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		var p putResult
		require.NoError(t, json.Unmarshal(r.GetAppMetadata(), &p))
		out = append(out, p)
	}
}

func descriptor(path ...string) *arrowflight.FlightDescriptor {
	return &arrowflight.FlightDescriptor{Type: arrowflight.DescriptorPATH, Path: path}
}

func TestPut(t *testing.T) {
	source := newSource()
	s := newSchema(t, "id BIGINT NOT NULL, name CHAR(5), tags ARRAY<STRING>, at TIMESTAMP_LTZ(3), d DOUBLE, extra INT")
	source.create(t, "db.t", 1, s)
	c := stockClient(t, serve(t, source, flight.Options{}))
	// Another order, other list names and zone, narrower types, columns left out.
	given := arrow.NewSchema([]arrow.Field{
		{Name: "tags", Type: arrow.ListOf(arrow.BinaryTypes.String), Nullable: true},
		{Name: "name", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "id", Type: arrow.PrimitiveTypes.Int32, Nullable: true},
		{Name: "at", Type: &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "UTC"}, Nullable: true},
		{Name: "d", Type: arrow.PrimitiveTypes.Float32, Nullable: true},
	}, nil)
	rec := arrowJSON(t, given, `[{"id": 1, "name": "a", "tags": ["x", null], "at": "2026-01-01T00:00:00Z", "d": 0.5}, {"id": 2}]`)
	acks, err := put(t, c, descriptor("db", "t"), given, rec, rec)
	require.NoError(t, err)
	require.Equal(t, []putResult{{0, 2, 0, 2}, {0, 2, 2, 4}}, acks)
	chunks, _, err := read(t, c, `{"table": "db.t"}`)
	require.NoError(t, err)
	rows := flatten(chunks)
	require.Len(t, rows, 4)
	require.Equal(t, `1|a|["x",null]|2026-01-01T00:00:00Z|0.5|(null)`, rows[0])
	require.Equal(t, "2|(null)|(null)|(null)|(null)|(null)", rows[3])
}

// Polars and others send large strings; pandas unsigned integers.
func TestPutOfTypesThatNoTableStores(t *testing.T) {
	source := newSource()
	source.create(t, "db.t", 1, newSchema(t, "id BIGINT NOT NULL, name STRING, tags ARRAY<STRING>, day DATE"))
	c := stockClient(t, serve(t, source, flight.Options{}))
	given := arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.PrimitiveTypes.Uint32, Nullable: true},
		{Name: "name", Type: arrow.BinaryTypes.LargeString, Nullable: true},
		{Name: "tags", Type: arrow.LargeListOf(arrow.BinaryTypes.LargeString), Nullable: true},
		{Name: "day", Type: arrow.FixedWidthTypes.Date64, Nullable: true},
	}, nil)
	_, err := put(t, c, descriptor("db", "t"), given,
		arrowJSON(t, given, `[{"id": 4294967295, "name": "ü", "tags": ["x", null], "day": "1969-12-31"}, {"id": 2}]`))
	require.NoError(t, err)
	chunks, _, err := read(t, c, `{"table": "db.t"}`)
	require.NoError(t, err)
	require.Equal(t, []string{`4294967295|ü|["x",null]|1969-12-31`, "2|(null)|(null)|(null)"}, flatten(chunks))
}

func TestBadPuts(t *testing.T) {
	source := newSource()
	source.create(t, "db.t", 1, newSchema(t, "id BIGINT NOT NULL, name STRING"))
	c := stockClient(t, serve(t, source, flight.Options{}))
	id := arrow.Field{Name: "id", Type: arrow.PrimitiveTypes.Int64, Nullable: true}
	good := arrow.NewSchema([]arrow.Field{id}, nil)
	for _, tc := range []struct {
		name string
		d    *arrowflight.FlightDescriptor
		s    *arrow.Schema
		rows string
		code errcode.Code
		want string
	}{
		{"no descriptor", nil, good, `[{"id": 1}]`, errcode.InvalidTicket, "names no table"},
		{"unknown table", descriptor("db", "x"), good, `[{"id": 1}]`, errcode.UnknownTable, "db.x"},
		{"null", descriptor("db", "t"), good, `[{"id": 1}, {"id": null}]`, errcode.InvalidBatch, `"id" is NOT NULL and 1 values are null, the first is number 1`},
		{"unknown column", descriptor("db", "t"), arrow.NewSchema([]arrow.Field{id, {Name: "x", Type: arrow.PrimitiveTypes.Int8}}, nil), `[{"id": 1, "x": 1}]`, errcode.UnknownColumn, `"x"`},
		{"missing column", descriptor("db", "t"), arrow.NewSchema([]arrow.Field{{Name: "name", Type: arrow.BinaryTypes.String, Nullable: true}}, nil), `[{"name": "a"}]`, errcode.InvalidSchema, `"id" is missing`},
		{"wrong type", descriptor("db", "t"), arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Float64}}, nil), `[{"id": 1}]`, errcode.InvalidSchema, "cannot take the Arrow type float64"},
		{"command", &arrowflight.FlightDescriptor{Type: arrowflight.DescriptorCMD, Cmd: []byte(`{"table": "db.t", "mod": "append"}`)}, good, `[{"id": 1}]`, errcode.InvalidTicket, "known ones"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := put(t, c, tc.d, tc.s, arrowJSON(t, tc.s, tc.rows))
			require.Equal(t, tc.code, codeOf(err), "%v", err)
			require.ErrorContains(t, err, tc.want)
		})
	}
	t.Run("dictionary", func(t *testing.T) {
		dict := arrow.NewSchema([]arrow.Field{id, {Name: "name", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}}}, nil)
		b := array.NewRecordBuilder(memory.DefaultAllocator, dict)
		b.Field(0).(*array.Int64Builder).Append(1)
		require.NoError(t, b.Field(1).(*array.BinaryDictionaryBuilder).AppendString("x"))
		_, err := put(t, c, descriptor("db", "t"), dict, b.NewRecordBatch())
		require.ErrorContains(t, err, "name")
		require.Contains(t, []errcode.Code{errcode.InvalidSchema, errcode.Unsupported}, codeOf(err))
	})
	t.Run("nothing", func(t *testing.T) {
		stream, err := c.DoPut(context.Background())
		require.NoError(t, err)
		require.NoError(t, stream.CloseSend())
		_, err = stream.Recv()
		require.Equal(t, errcode.InvalidTicket, codeOf(err))
	})
}
