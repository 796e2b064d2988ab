package flight_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	arrowflight "github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/flight"
	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/schema"
)

// memLooker looks rows up in bucket 0.
type memLooker struct {
	k       *keyedBucket
	closed  *atomic.Bool
	request flight.LookRequest
	fields  []schema.Field
}

func (s *memSource) Looker(_ context.Context, r flight.LookRequest) (flight.Looker, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := &memLooker{k: s.keyed[ids.Bucket{Table: s.tables[r.Path].Info.ID}], request: r, closed: &s.closed}
	for _, f := range l.k.schema.Columns {
		f.Type.Nullable = true
		l.fields = append(l.fields, f)
	}
	if r.Columns != nil {
		l.fields = nil
		for _, name := range r.Columns {
			f, err := l.k.schema.Column(name)
			if err != nil {
				return nil, err
			}
			f.Type.Nullable = true
			l.fields = append(l.fields, f)
		}
	}
	return l, nil
}

func (l *memLooker) Schema() *arrow.Schema { return schema.ArrowFields(l.fields) }

func (l *memLooker) Close() error {
	l.closed.Store(true)
	return nil
}

func (l *memLooker) Look(_ context.Context, keys arrow.RecordBatch) (arrow.RecordBatch, []uint32, error) {
	b := array.NewRecordBuilder(memory.DefaultAllocator, l.Schema())
	defer b.Release()
	g := keys.Column(0).(*array.Int32)
	counts := make([]uint32, keys.NumRows())
	for i := range counts {
		for id := range int32(100) {
			row, ok := l.k.rows[[2]int32{g.Value(i), id}]
			if !ok || !l.request.Prefix && keys.Column(1).(*array.Int32).Value(i) != id {
				continue
			}
			counts[i]++
			for c, f := range l.fields {
				appendKeyed(b.Field(c), f.Name, row)
			}
		}
	}
	return b.NewRecordBatch(), counts, nil
}

// exchange sends batches of keys with a stock client and returns the answers.
func exchange(t testing.TB, c arrowflight.Client, d *arrowflight.FlightDescriptor, s *arrow.Schema, batches ...arrow.RecordBatch) ([][]string, *arrow.Schema, error) {
	t.Helper()
	stream, err := c.DoExchange(context.Background())
	require.NoError(t, err)
	require.NoError(t, stream.Send(&arrowflight.FlightData{FlightDescriptor: d}))
	w := arrowflight.NewRecordWriter(stream, ipc.WithSchema(s))
	for _, rec := range batches {
		if w.Write(rec) != nil {
			break
		}
	}
	_ = w.Close()
	_ = stream.CloseSend()
	r, err := arrowflight.NewRecordReader(stream)
	if err != nil {
		return nil, nil, err
	}
	defer r.Release()
	var out [][]string
	for {
		rec, err := r.Read()
		if errors.Is(err, io.EOF) {
			return out, r.Schema(), nil
		}
		if err != nil {
			return out, nil, err
		}
		out = append(out, rowsOf(rec))
	}
}

func command(text string) *arrowflight.FlightDescriptor {
	return &arrowflight.FlightDescriptor{Type: arrowflight.DescriptorCMD, Cmd: []byte(text)}
}

func TestExchangeWhoseAnswersNobodyReadsIsEnded(t *testing.T) {
	source := newSource()
	_, buckets := source.createKeyed(t, "db.k", 1)
	buckets[0].set(t, series(0, 6)...)
	c := stockClient(t, serve(t, source, flight.Options{Stall: 100 * time.Millisecond}))
	stream, err := c.DoExchange(context.Background())
	require.NoError(t, err)
	require.NoError(t, stream.Send(&arrowflight.FlightData{FlightDescriptor: command(`{"table": "db.k", "prefix": true}`)}))
	groups := arrow.NewSchema([]arrow.Field{{Name: "g", Type: arrow.PrimitiveTypes.Int32}}, nil)
	w := arrowflight.NewRecordWriter(stream, ipc.WithSchema(groups))
	keys := arrowJSON(t, groups, "["+strings.Repeat(`{"g": 0},`, 5000)+`{"g": 0}]`)
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		for w.Write(keys) == nil {
		}
	})
	require.Eventually(t, func() bool { return source.closed.Load() }, 10*time.Second, 5*time.Millisecond)
	for err == nil {
		_, err = stream.Recv()
	}
	require.Equal(t, errcode.DeadlineExceeded, codeOf(err), "%v", err)
}

func TestExchange(t *testing.T) {
	source := newSource()
	_, buckets := source.createKeyed(t, "db.k", 1)
	numbers(t, source, 1, 3)
	buckets[0].set(t, series(0, 6)...)
	c := stockClient(t, serve(t, source, flight.Options{}))
	// Another order, another integer type, a column that is not looked at.
	given := arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.PrimitiveTypes.Int16, Nullable: true}, {Name: "n", Type: arrow.PrimitiveTypes.Int32, Nullable: true},
		{Name: "g", Type: arrow.PrimitiveTypes.Int32, Nullable: true},
	}, nil)
	first := arrowJSON(t, given, `[{"g": 1, "id": 3}, {"g": 0, "id": 3}, {"g": 0, "id": 4}]`)
	none := arrowJSON(t, given, `[]`)
	got, s, err := exchange(t, c, command(`{"table": "db.k"}`), given, first, none, first)
	require.NoError(t, err)
	want := []string{"note 3|1|3|30|true", "(null)|(null)|(null)|(null)|false", "note 4|0|4|40|true"}
	require.Equal(t, [][]string{want, {}, want}, got)
	require.Equal(t, "__found", s.Field(4).Name)
	got, _, err = exchange(t, c, descriptor("db", "k"), given, first)
	require.NoError(t, err)
	require.Equal(t, [][]string{want}, got)

	groups := arrow.NewSchema([]arrow.Field{{Name: "g", Type: arrow.PrimitiveTypes.Int32}, {Name: "id", Type: arrow.PrimitiveTypes.Int32}}, nil)
	got, s, err = exchange(t, c, command(`{"table": "db.k", "columns": ["id"], "prefix": true}`), groups, arrowJSON(t, groups, `[{"g": 1, "id": 0}, {"g": 7, "id": 0}, {"g": 0, "id": 0}]`))
	require.NoError(t, err)
	require.Equal(t, [][]string{{"1|0", "3|0", "5|0", "0|2", "2|2", "4|2"}}, got)
	require.Equal(t, "__key", s.Field(1).Name)

	for _, tc := range []struct {
		d    *arrowflight.FlightDescriptor
		s    *arrow.Schema
		rows string
		code errcode.Code
	}{
		{nil, given, `[]`, errcode.InvalidTicket},
		{command(`{"table": "db.k", "column": []}`), given, `[]`, errcode.InvalidTicket},
		{command(`{"table": "db.k", "prefix": true, "insert_if_absent": true}`), given, `[]`, errcode.InvalidTicket},
		{command(`{"table": "db.none"}`), given, `[]`, errcode.UnknownTable},
		{command(`{"table": "db.n"}`), given, `[]`, errcode.NotPrimaryKeyTable},
		{command(`{"table": "db.k", "columns": ["x"]}`), given, `[]`, errcode.UnknownColumn},
		{command(`{"table": "db.k"}`), given, `[{"g": 1, "id": null}]`, errcode.InvalidBatch},
		{command(`{"table": "db.k"}`), arrow.NewSchema(given.Fields()[1:], nil), `[]`, errcode.InvalidSchema},
		{command(`{"table": "db.k"}`), arrow.NewSchema([]arrow.Field{{Name: "x", Type: arrow.PrimitiveTypes.Int32}}, nil), `[]`, errcode.UnknownColumn},
	} {
		_, _, err := exchange(t, c, tc.d, tc.s, arrowJSON(t, tc.s, tc.rows))
		require.Equal(t, tc.code, codeOf(err), "%v: %v", tc.d, err)
	}
}

func TestPutsIntoPrimaryKeyTables(t *testing.T) {
	source := newSource()
	source.createKeyed(t, "db.k", 1)
	numbers(t, source, 1, 3)
	c := stockClient(t, serve(t, source, flight.Options{}))
	field := func(name string) arrow.Field {
		if name == "note" {
			return arrow.Field{Name: name, Type: arrow.BinaryTypes.String, Nullable: true}
		}
		return arrow.Field{Name: name, Type: arrow.PrimitiveTypes.Int32, Nullable: true}
	}
	of := func(names ...string) *arrow.Schema {
		var fields []arrow.Field
		for _, name := range names {
			fields = append(fields, field(name))
		}
		return arrow.NewSchema(fields, nil)
	}
	const upserts, deletes = flussv1.WriteKind_WRITE_KIND_UPSERT, flussv1.WriteKind_WRITE_KIND_DELETE
	for _, tc := range []struct {
		name    string
		d       *arrowflight.FlightDescriptor
		s       *arrow.Schema
		rows    string
		mode    flussv1.WriteKind
		columns []string
		want    []string
	}{
		{"by path", descriptor("db", "k"), of("id", "g", "note"), `[{"g": 1, "id": 2, "note": "a"}]`, upserts, []string{"note", "g", "id", "n"}, []string{"a|1|2|(null)"}},
		{"upsert", command(`{"table": "db.k", "mode": "upsert"}`), of("id", "g"), `[{"g": 1, "id": 2}]`, upserts, []string{"note", "g", "id", "n"}, []string{"(null)|1|2|(null)"}},
		{"some columns", command(`{"table": "db.k", "columns": ["n", "id", "g"]}`), of("id", "g", "n"), `[{"g": 1, "id": 2, "n": 3}]`, upserts, []string{"n", "id", "g"}, []string{"3|2|1"}},
		{"delete", command(`{"table": "db.k", "mode": "delete"}`), of("note", "id", "g"), `[{"g": 1, "id": 2}]`, deletes, []string{"g", "id"}, []string{"1|2"}},
		{"delete columns", command(`{"table": "db.k", "mode": "delete", "columns": ["n"]}`), of("id", "g"), `[{"g": 1, "id": 2}]`, deletes, []string{"g", "id"}, []string{"1|2"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			acks, err := put(t, c, tc.d, tc.s, arrowJSON(t, tc.s, tc.rows))
			require.NoError(t, err)
			require.Len(t, acks, 1)
			p := source.puts[len(source.puts)-1]
			require.Equal(t, tc.mode, p.request.Mode)
			require.Equal(t, tc.columns, p.columns)
			require.Equal(t, tc.want, p.rows)
		})
	}
	key := of("g", "id")
	for _, tc := range []struct {
		command string
		s       *arrow.Schema
		rows    string
		code    errcode.Code
	}{
		{`{"table": "db.k", "mode": "append"}`, key, `[]`, errcode.NotLogTable},
		{`{"table": "db.n", "mode": "upsert"}`, of("n"), `[]`, errcode.NotPrimaryKeyTable},
		{`{"table": "db.n", "mode": "delete"}`, of("n"), `[]`, errcode.NotPrimaryKeyTable},
		{`{"table": "db.n", "columns": ["n"]}`, of("n"), `[]`, errcode.NotPrimaryKeyTable},
		{`{"table": "db.k"}`, of("g"), `[]`, errcode.InvalidSchema},
		{`{"table": "db.k", "mode": "delete"}`, of("g"), `[]`, errcode.InvalidSchema},
		{`{"table": "db.k"}`, key, `[{"g": 1, "id": null}]`, errcode.InvalidBatch},
		{`{"table": "db.k", "columns": ["g", "n"]}`, key, `[]`, errcode.InvalidArgument},
		{`{"table": "db.k", "columns": ["g", "id", "x"]}`, key, `[]`, errcode.UnknownColumn},
		{`{"table": "db.k", "columns": ["g", "id", "n"]}`, key, `[]`, errcode.InvalidSchema},
		{`{"table": "db.k", "columns": ["g", "id"]}`, of("g", "id", "n"), `[]`, errcode.InvalidSchema},
		{`{"table": "db.k", "mode": "delete", "columns": ["g"]}`, key, `[]`, errcode.InvalidArgument},
	} {
		_, err := put(t, c, command(tc.command), tc.s, arrowJSON(t, tc.s, tc.rows))
		require.Equal(t, tc.code, codeOf(err), "%s: %v", tc.command, err)
	}
}
