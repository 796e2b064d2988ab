package flight_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	arrowflight "github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/fluss-go/fluss/flight"
	"github.com/fluss-go/fluss/flight/codec"
	"github.com/fluss-go/fluss/flight/ticket"
	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/schema"
)

const allTypes = "id BIGINT NOT NULL, flag BOOLEAN, tiny TINYINT, small SMALLINT, num INT, f FLOAT, d DOUBLE, name STRING, code CHAR(8), " +
	"price DECIMAL(10, 2), day DATE, tod0 TIME(0), tod TIME(6), ts TIMESTAMP(6), tz TIMESTAMP_LTZ(3), bin BINARY(3), raw BYTES, " +
	"tags ARRAY<STRING>, attrs MAP<STRING, INT>, place ROW<x DOUBLE, y ARRAY<INT>, n STRING>"

// metadata is the app_metadata of a batch in JSON.
type metadata struct {
	PartitionID   int64  `json:"partition_id"`
	Bucket        int32  `json:"bucket"`
	BaseOffset    int64  `json:"base_offset"`
	NextOffset    int64  `json:"next_offset"`
	HighWatermark int64  `json:"high_watermark"`
	Timestamp     int64  `json:"commit_timestamp_ms"`
	SchemaID      int32  `json:"schema_id"`
	BucketEnd     bool   `json:"bucket_end"`
	Resume        []byte `json:"resume"`
}

// chunk is a batch as a client got it: its rows as text, a value per column.
type chunk struct {
	meta metadata
	rows []string
}

func rowsOf(rec arrow.RecordBatch) []string {
	out := make([]string, rec.NumRows())
	for i := range out {
		values := make([]string, rec.NumCols())
		for j, c := range rec.Columns() {
			values[j] = c.ValueStr(i)
		}
		out[i] = strings.Join(values, "|")
	}
	return out
}

// read runs a JSON ticket to its end with a stock client.
func read(t testing.TB, c arrowflight.Client, tk string) ([]chunk, *arrow.Schema, error) {
	t.Helper()
	stream, err := c.DoGet(context.Background(), &arrowflight.Ticket{Ticket: []byte(tk)})
	require.NoError(t, err)
	r, err := arrowflight.NewRecordReader(stream)
	if err != nil {
		return nil, nil, err
	}
	defer r.Release()
	var out []chunk
	for r.Next() {
		var ch chunk
		require.NoError(t, json.Unmarshal(r.LatestAppMetadata(), &ch.meta), string(r.LatestAppMetadata()))
		ch.rows = rowsOf(r.RecordBatch())
		out = append(out, ch)
	}
	return out, r.Schema(), r.Err()
}

func flatten(chunks []chunk) []string {
	out := []string{}
	for _, c := range chunks {
		out = append(out, c.rows...)
	}
	return out
}

func codeOf(err error) errcode.Code { return errcode.Of(err) }

func TestAllTypesAllCodecsAnyProjection(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	s := newSchema(t, allTypes)
	source := newSource()
	tab := source.create(t, "db.t", 1, s)
	log := source.log(tab, 0)
	var recs []arrow.RecordBatch
	for i, n := range []int{1, 300, 2000, 7, 1, 64, 100} {
		rec := randomRecord(r, s, n, i%3*3)
		recs = append(recs, rec)
		log.append(t, s, rec, batch.Codec(i%3), int64(1000+i))
	}
	c := stockClient(t, serve(t, source, flight.Options{}))
	for range 60 {
		var columns []string
		picked := []int{}
		for _, i := range r.Perm(len(s.Columns))[:r.IntN(len(s.Columns)+1)] {
			columns = append(columns, s.Columns[i].Name)
			picked = append(picked, i)
		}
		list, _ := json.Marshal(append([]string{}, columns...))
		chunks, got, err := read(t, c, fmt.Sprintf(`{"table": "db.t", "columns": %s, "system_columns": ["__offset", "__timestamp", "__bucket", "__change_type"]}`, list))
		require.NoError(t, err)
		require.Len(t, got.Fields(), len(picked)+4)
		var want []string
		offset := 0
		for k, rec := range recs {
			for i := range int(rec.NumRows()) {
				var values []string
				for _, p := range picked {
					values = append(values, rec.Column(p).ValueStr(i))
				}
				at := time.UnixMilli(int64(1000 + k)).UTC().Format("2006-01-02T15:04:05.999Z")
				values = append(values, fmt.Sprint(offset), at, "0", "+A")
				want = append(want, strings.Join(values, "|"))
				offset++
			}
		}
		requireRows(t, want, flatten(chunks))
		last := chunks[len(chunks)-1].meta
		require.True(t, last.BucketEnd)
		require.EqualValues(t, offset, last.NextOffset)
	}
	all, got, err := read(t, c, `{"table": "db.t"}`)
	require.NoError(t, err)
	require.True(t, got.Equal(s.Arrow()), "%s", got)
	var want []string
	for _, rec := range recs {
		want = append(want, rowsOf(rec)...)
	}
	requireRows(t, want, flatten(all))
	none, _, err := read(t, c, `{"table": "db.t", "columns": []}`)
	require.NoError(t, err)
	require.Len(t, flatten(none), len(want))
}

func TestOwnCodecReadsTheSame(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	s := newSchema(t, allTypes)
	source := newSource()
	tab := source.create(t, "db.t", 1, s)
	var want []string
	for i := range 6 {
		rec := randomRecord(r, s, 200, 2)
		want = append(want, rowsOf(rec)...)
		source.log(tab, 0).append(t, s, rec, batch.Codec(i%3), 1)
	}
	conn, err := grpc.NewClient(serve(t, source, flight.Options{}), append(codec.DialOptions(), grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	require.NoError(t, err)
	defer conn.Close()
	tk, err := ticket.Encode(&flussv1.ScanRequest{Path: &flussv1.TablePath{Database: "db", Table: "t"}})
	require.NoError(t, err)
	stream, err := arrowflight.NewFlightServiceClient(conn).DoGet(context.Background(), &arrowflight.Ticket{Ticket: tk})
	require.NoError(t, err)
	var d codec.FlightData
	require.NoError(t, stream.RecvMsg(&d))
	require.Nil(t, d.Data)
	layout := batch.NewLayout(s.Columns)
	var got []string
	next := int64(0)
	for {
		err := stream.RecvMsg(&d)
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		var meta batch.Meta
		require.NoError(t, batch.ParseMeta(d.Header, &meta))
		rec, err := batch.Decode(layout, &meta, d.Data, batch.DecodeOptions{Validate: true})
		require.NoError(t, err)
		got = append(got, rowsOf(rec)...)
		var m flussv1.ScanMetadata
		require.NoError(t, ticket.ParseMetadata(d.AppMetadata, &m))
		require.Equal(t, next, m.GetBaseOffset())
		next = m.GetNextOffset()
		rec.Release()
		d.Free()
	}
	requireRows(t, want, got)
}

// evolve returns s with the columns changed, as the next version.
func evolve(s *schema.Schema, change func(columns []schema.Field, next *schema.Schema) []schema.Field) *schema.Schema {
	next := &schema.Schema{ID: s.ID + 1, HighestFieldID: s.HighestFieldID}
	columns := make([]schema.Field, len(s.Columns))
	copy(columns, s.Columns)
	next.Columns = change(columns, next)
	return next
}

func TestOldBatchesUnderANewSchema(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	old := newSchema(t, "gone INT, num INT, f FLOAT, name CHAR(4), bin BINARY(2), price DECIMAL(6, 2), small SMALLINT NOT NULL")
	s := evolve(old, func(c []schema.Field, next *schema.Schema) []schema.Field {
		byName := map[string]schema.Field{}
		for _, f := range c {
			byName[f.Name] = f
		}
		with := func(from, name, sqlType string) schema.Field {
			typ, err := schema.ParseType(sqlType)
			require.NoError(t, err)
			f := byName[from]
			f.Name, f.Type = name, typ
			return f
		}
		added := func(name, sqlType string) schema.Field {
			f := with("", name, sqlType)
			next.HighestFieldID++
			f.ID = next.HighestFieldID
			for i := range f.Type.Fields {
				next.HighestFieldID++
				f.Type.Fields[i].ID = next.HighestFieldID
			}
			return f
		}
		return []schema.Field{
			with("name", "title", "STRING"), added("extra", "STRING"), with("num", "num", "BIGINT"), with("f", "f", "DOUBLE"),
			with("bin", "bin", "BYTES"), with("price", "price", "DECIMAL(12, 2)"), with("small", "small", "INT NOT NULL"), added("tags", "ARRAY<INT>"),
		}
	})
	require.NoError(t, s.Validate())
	source := newSource()
	tab := source.create(t, "db.t", 1, old, s)
	log := source.log(tab, 0)
	oldRec, newRec := randomRecord(r, old, 50, 2), randomRecord(r, s, 20, 2)
	log.append(t, old, oldRec, batch.None, 1)
	log.append(t, s, newRec, batch.Zstd, 2)
	log.append(t, old, oldRec, batch.LZ4Frame, 3)
	c := stockClient(t, serve(t, source, flight.Options{}))

	f64 := func(rec arrow.RecordBatch, i int) string {
		v := rec.Column(2)
		if v.IsNull(i) {
			return "(null)"
		}
		return fmt.Sprint(float64(v.(interface{ Value(int) float32 }).Value(i)))
	}
	var oldRows []string
	for i := range int(oldRec.NumRows()) {
		str := func(c int) string { return oldRec.Column(c).ValueStr(i) }
		oldRows = append(oldRows, strings.Join([]string{str(3), "(null)", str(1), f64(oldRec, i), str(4), str(5), str(6), "(null)"}, "|"))
	}
	want := append(append(append([]string{}, oldRows...), rowsOf(newRec)...), oldRows...)
	chunks, got, err := read(t, c, `{"table": "db.t"}`)
	require.NoError(t, err)
	require.True(t, got.Equal(s.Arrow()))
	requireRows(t, want, flatten(chunks))

	t.Run("sliced with null columns", func(t *testing.T) {
		chunks, _, err := read(t, c, `{"table": "db.t", "columns": ["tags", "title", "extra"]}`)
		require.NoError(t, err)
		rows := flatten(chunks)
		require.Len(t, rows, 120)
		require.Equal(t, "(null)|"+oldRec.Column(3).ValueStr(0)+"|(null)", rows[0])
	})
	t.Run("filter on a widened column", func(t *testing.T) {
		chunks, _, err := read(t, c, `{"table": "db.t", "columns": ["num"], "filter": "num > 0 AND extra IS NULL"}`)
		require.NoError(t, err)
		var want []string
		add := func(rec arrow.RecordBatch, num, extra int) {
			for i := range int(rec.NumRows()) {
				if v := rec.Column(num); !v.IsNull(i) && !strings.HasPrefix(v.ValueStr(i), "-") && v.ValueStr(i) != "0" && (extra < 0 || rec.Column(extra).IsNull(i)) {
					want = append(want, v.ValueStr(i))
				}
			}
		}
		add(oldRec, 1, -1)
		add(newRec, 2, 1)
		add(oldRec, 1, -1)
		requireRows(t, want, flatten(chunks))
	})
	t.Run("a reader of the old schema", func(t *testing.T) {
		tk := func(names ...string) string {
			b, err := ticket.Encode(&flussv1.ScanRequest{
				Path: &flussv1.TablePath{Database: "db", Table: "t"}, SchemaId: 1, JsonMetadata: true, Projection: &flussv1.Projection{Names: names},
			})
			require.NoError(t, err)
			return string(b)
		}
		chunks, _, err := read(t, c, tk("gone", "name"))
		require.NoError(t, err)
		require.Len(t, flatten(chunks), 120)
		_, _, err = read(t, c, tk("num"))
		require.Equal(t, errcode.UnknownSchema, codeOf(err), "%v", err)
	})
}

// shifted returns f with all field ids raised by n.
func shifted(f schema.Field, n ids.FieldID) schema.Field {
	f.ID += n
	nested := make([]schema.Field, len(f.Type.Fields))
	for i := range nested {
		nested[i] = shifted(f.Type.Fields[i], n)
	}
	f.Type.Fields = nested
	return f
}

// requireRows compares rows and reports the first that differs.
func requireRows(t testing.TB, want, got []string) {
	t.Helper()
	for i := range min(len(want), len(got)) {
		require.Equal(t, want[i], got[i], "row %d", i)
	}
	require.Len(t, got, len(want))
}

func TestNullColumnsOfEveryTypeAreSliced(t *testing.T) {
	full := newSchema(t, allTypes)
	for _, rows := range []int{1, 5000} {
		for c := range batch.Codec(3) {
			old := newSchema(t, "id BIGINT NOT NULL, pad STRING")
			next := &schema.Schema{ID: 2, HighestFieldID: full.HighestFieldID + 10, Columns: append([]schema.Field{}, full.Columns...)}
			next.Columns[0].ID = 1
			for i := 1; i < len(next.Columns); i++ {
				next.Columns[i] = shifted(next.Columns[i], 5)
			}
			r := rand.New(rand.NewPCG(3, 3))
			source := newSource()
			tab := source.create(t, "db.t", 1, old, next)
			rec := randomRecord(r, old, rows, 0)
			source.log(tab, 0).append(t, old, rec, c, 1)
			client := stockClient(t, serve(t, source, flight.Options{}))
			chunks, _, err := read(t, client, `{"table": "db.t", "system_columns": ["__offset"]}`)
			require.NoError(t, err)
			for i, row := range flatten(chunks) {
				values := strings.Split(row, "|")
				require.Equal(t, rec.Column(0).ValueStr(i), values[0])
				require.Equal(t, strings.Repeat("(null)|", len(full.Columns)-1)+fmt.Sprint(i), strings.Join(values[1:], "|"))
			}
		}
	}
}

// numbers is a table with buckets of rows 0, 1, ... in batches of the sizes.
func numbers(t testing.TB, source *memSource, buckets int, sizes ...int) *flight.Table {
	s := newSchema(t, "n INT, s STRING")
	tab := source.create(t, "db.n", buckets, s)
	for b := range buckets {
		n := 0
		for i, size := range sizes {
			appendNumbers(t, source.log(tab, b), s, n, size, int64(1000*(i+1)))
			n += size
		}
	}
	return tab
}

func appendNumbers(t testing.TB, l *memLog, s *schema.Schema, from, n int, ms int64) {
	var sb strings.Builder
	sb.WriteByte('[')
	for i := range n {
		if i > 0 {
			sb.WriteByte(',')
		}
		fmt.Fprintf(&sb, `{"n": %d, "s": "row %d"}`, from+i, from+i)
	}
	sb.WriteByte(']')
	l.append(t, s, fromJSON(t, s, sb.String()), batch.None, ms)
}

func TestRanges(t *testing.T) {
	source := newSource()
	numbers(t, source, 2, 10, 10, 5000, 10)
	c := stockClient(t, serve(t, source, flight.Options{}))
	span := func(from, to int) []string {
		out := []string{}
		for i := from; i < to; i++ {
			out = append(out, fmt.Sprint(i))
		}
		return out
	}
	for _, tc := range []struct {
		fields string
		want   []string
	}{
		{`"from": {"offset": 7}, "until": {"offset": 13}`, span(7, 13)},
		{`"from": {"offset": 25}, "until": {"offset": 5019}`, span(25, 5019)},
		{`"from": {"offset": 20}, "until": {"offset": 5020}`, span(20, 5020)},
		{`"from": {"timestamp": "1970-01-01T00:00:02Z"}, "until": {"timestamp": "1970-01-01T00:00:03Z"}`, span(10, 20)},
		{`"from": {"offset": 5025}, "until": {"offset": 999999}`, span(5025, 5030)},
		{`"from": "latest"`, []string{}},
		{`"from": {"offset": 13}, "until": {"offset": 13}`, []string{}},
		{`"from": {"offset": 15}, "until": {"offset": 13}`, []string{}},
		{`"limit": 3`, span(0, 3)},
		{`"limit": 17, "from": {"offset": 5}`, span(5, 22)},
		{`"limit": 100000`, span(0, 5030)},
		{`"filter": "n >= 4 AND n < 4000", "limit": 30, "from": {"offset": 6}`, span(6, 36)},
		{`"filter": "n = 3 OR n = 5025"`, []string{"3", "5025"}},
		{`"filter": "s = 'row 17'"`, []string{"17"}},
		{`"filter": "n > 6000"`, []string{}},
		{`"filter": "n < 5020"`, span(0, 5020)},
	} {
		t.Run(tc.fields, func(t *testing.T) {
			chunks, _, err := read(t, c, `{"table": "db.n", "columns": ["n"], "buckets": [1], `+tc.fields+`}`)
			require.NoError(t, err)
			requireRows(t, tc.want, flatten(chunks))
			if !strings.Contains(tc.fields, "limit") {
				require.True(t, chunks[len(chunks)-1].meta.BucketEnd)
			}
			for _, ch := range chunks {
				require.EqualValues(t, 1, ch.meta.Bucket)
				require.LessOrEqual(t, ch.meta.BaseOffset, ch.meta.NextOffset)
				if len(ch.rows) > 0 {
					require.Equal(t, ch.rows[0], fmt.Sprint(ch.meta.BaseOffset))
				}
			}
		})
	}
	t.Run("all buckets", func(t *testing.T) {
		chunks, _, err := read(t, c, `{"table": "db.n", "columns": ["n"]}`)
		require.NoError(t, err)
		require.Len(t, flatten(chunks), 2*5030)
		ends := 0
		for _, ch := range chunks {
			if ch.meta.BucketEnd {
				ends++
			}
		}
		require.Equal(t, 2, ends)
	})
	t.Run("limit over all buckets", func(t *testing.T) {
		chunks, _, err := read(t, c, `{"table": "db.n", "limit": 5025}`)
		require.NoError(t, err)
		require.Len(t, flatten(chunks), 5025)
	})
}

func TestRandomScansOfAllTypes(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	s := newSchema(t, allTypes)
	source := newSource()
	log := source.log(source.create(t, "db.t", 1, s), 0)
	type row struct {
		text string
		num  int64
		null bool
	}
	var rows []row
	for range 40 {
		rec := randomRecord(r, s, 1+r.IntN(200), r.IntN(4))
		log.append(t, s, rec, batch.Codec(r.IntN(3)), 1)
		num, _ := rec.Column(4).(*array.Int32)
		for i, text := range rowsOf(rec) {
			rows = append(rows, row{text, int64(num.Value(i)), num.IsNull(i)})
		}
	}
	c := stockClient(t, serve(t, source, flight.Options{}))
	for range 60 {
		from, to := r.IntN(len(rows)+1), r.IntN(len(rows)+1)
		limit, bound := 1+r.IntN(300), r.IntN(1200)-600
		limited, filtered := r.IntN(2) == 0, r.IntN(2) == 0
		tk := fmt.Sprintf(`{"table": "db.t", "from": {"offset": %d}, "until": {"offset": %d}`, from, to)
		if limited {
			tk += fmt.Sprintf(`, "limit": %d`, limit)
		}
		if filtered {
			tk += fmt.Sprintf(`, "filter": "num >= %d OR num IS NULL"`, bound)
		}
		want := []string{}
		for _, row := range rows[min(from, to):to] {
			if (!filtered || row.null || row.num >= int64(bound)) && (!limited || len(want) < limit) {
				want = append(want, row.text)
			}
		}
		chunks, _, err := read(t, c, tk+"}")
		require.NoError(t, err)
		requireRows(t, want, flatten(chunks))
	}
}

func TestStatisticsSkipBatches(t *testing.T) {
	source := newSource()
	sizes := make([]int, 50)
	for i := range sizes {
		sizes[i] = 100
	}
	tab := numbers(t, source, 1, sizes...)
	c := stockClient(t, serve(t, source, flight.Options{}))
	chunks, _, err := read(t, c, `{"table": "db.n", "filter": "n BETWEEN 1234 AND 1236"}`)
	require.NoError(t, err)
	require.Equal(t, []string{"1234|row 1234", "1235|row 1235", "1236|row 1236"}, flatten(chunks))
	log := source.log(tab, 0)
	log.mu.Lock()
	defer log.mu.Unlock()
	require.Equal(t, 2, log.reads, "once for the filter, once for the rows")
	require.Zero(t, log.open)
}

func TestSmallBatchesAreGathered(t *testing.T) {
	source := newSource()
	sizes := make([]int, 1000)
	for i := range sizes {
		sizes[i] = 100
	}
	numbers(t, source, 1, sizes...)
	c := stockClient(t, serve(t, source, flight.Options{}))
	chunks, _, err := read(t, c, `{"table": "db.n", "columns": ["n"]}`)
	require.NoError(t, err)
	require.Len(t, flatten(chunks), 100_000)
	require.LessOrEqual(t, len(chunks), 20)
}

func TestBadRequests(t *testing.T) {
	source := newSource()
	numbers(t, source, 2, 10)
	c := stockClient(t, serve(t, source, flight.Options{}))
	for tk, want := range map[string]errcode.Code{
		`garbage`:                             errcode.InvalidTicket,
		``:                                    errcode.InvalidTicket,
		"FSR1\x00\x01\x02":                    errcode.InvalidTicket,
		`{"table": "db.x"}`:                   errcode.UnknownTable,
		`{"table": "db.n", "columns": ["m"]}`: errcode.UnknownColumn,
		`{"table": "db.n", "columns": ["n", "n"]}`:                  errcode.InvalidProjection,
		`{"table": "db.n", "filter": "m > 1"}`:                      errcode.InvalidFilter,
		`{"table": "db.n", "buckets": [2]}`:                         errcode.UnknownBucket,
		`{"table": "db.n", "buckets": [-1]}`:                        errcode.UnknownBucket,
		`{"table": "db.n", "partitions": ["p"]}`:                    errcode.InvalidPartition,
		`{"table": "db.n", "what": "lake"}`:                         errcode.Unsupported,
		`{"table": "db.n", "what": "binlog"}`:                       errcode.NotPrimaryKeyTable,
		`{"table": "../etc/passwd"}`:                                errcode.InvalidName,
		`{"table": "db.n", "buckets": [0], "from": {"offset": 11}}`: errcode.OffsetOutOfRange,
	} {
		_, _, err := read(t, c, tk)
		require.Equal(t, want, codeOf(err), "%s: %v", tk, err)
	}
}

func TestInfo(t *testing.T) {
	ctx := context.Background()
	source := newSource()
	numbers(t, source, 3, 5)
	source.create(t, "other.t", 1, newSchema(t, "a INT"))
	c := stockClient(t, serve(t, source, flight.Options{}))
	list, err := c.ListFlights(ctx, &arrowflight.Criteria{})
	require.NoError(t, err)
	var names []string
	for {
		info, err := list.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		names = append(names, strings.Join(info.GetFlightDescriptor().GetPath(), "."))
		rows, _, err := read(t, c, string(info.GetEndpoint()[0].GetTicket().GetTicket()))
		require.NoError(t, err)
		require.Len(t, flatten(rows), map[string]int{"db.n": 15, "other.t": 0}[names[len(names)-1]])
	}
	require.Equal(t, []string{"db.n", "other.t"}, names)

	info, err := c.GetFlightInfo(ctx, &arrowflight.FlightDescriptor{Type: arrowflight.DescriptorCMD, Cmd: []byte(`{"table": "db.n", "columns": ["s"], "from": {"offset": 2}}`)})
	require.NoError(t, err)
	require.EqualValues(t, 9, info.GetTotalRecords())
	require.Len(t, info.GetEndpoint(), 3)
	total := 0
	for i, e := range info.GetEndpoint() {
		require.Equal(t, "grpc+tcp://127.0.0.1:9123", e.GetLocation()[0].GetUri())
		chunks, _, err := read(t, c, string(e.GetTicket().GetTicket()))
		require.NoError(t, err)
		for _, ch := range chunks {
			require.EqualValues(t, i, ch.meta.Bucket)
		}
		total += len(flatten(chunks))
	}
	require.Equal(t, 9, total)
	limited, err := c.GetFlightInfo(ctx, &arrowflight.FlightDescriptor{Type: arrowflight.DescriptorCMD, Cmd: []byte(`{"table": "db.n", "limit": 4}`)})
	require.NoError(t, err)
	require.Len(t, limited.GetEndpoint(), 1)
	require.EqualValues(t, 4, limited.GetTotalRecords())

	sch, err := c.GetSchema(ctx, &arrowflight.FlightDescriptor{Type: arrowflight.DescriptorPATH, Path: []string{"db", "n"}})
	require.NoError(t, err)
	got, err := arrowflight.DeserializeSchema(sch.GetSchema(), nil)
	require.NoError(t, err)
	require.Equal(t, 2, got.NumFields())
	_, err = c.GetFlightInfo(ctx, &arrowflight.FlightDescriptor{Type: arrowflight.DescriptorPATH, Path: []string{"db", "none"}})
	require.Equal(t, errcode.UnknownTable, codeOf(err))

	actions, err := c.DoAction(ctx, &arrowflight.Action{Type: "list-tables"})
	require.NoError(t, err)
	result, err := actions.Recv()
	require.NoError(t, err)
	require.JSONEq(t, `{"table": "db.n", "id": 1, "buckets": 3, "columns": [{"name": "n", "type": "INT"}, {"name": "s", "type": "STRING"}]}`, string(result.GetBody()))
	actions, err = c.DoAction(ctx, &arrowflight.Action{Type: "drop"})
	require.NoError(t, err)
	_, err = actions.Recv()
	require.Equal(t, errcode.Unsupported, codeOf(err))
}

// FuzzTicket sends hostile tickets through the whole of a scan.
func FuzzTicket(f *testing.F) {
	source := newSource()
	numbers(f, source, 2, 5, 5)
	_, buckets := source.createKeyed(f, "db.k", 2)
	buckets[0].set(f, series(0, 9)...)
	buckets[0].set(f, series(3, 5)...)
	c := stockClient(f, serve(f, source, flight.Options{}))
	f.Add([]byte(`{"table": "db.k", "columns": ["n"], "filter": "g = 1 AND id IN (3, 4)", "what": "rows", "limit": 3}`))
	f.Add([]byte(`{"table": "db.k", "what": "binlog", "filter": "g = 1", "system_columns": ["__change_type"]}`))
	f.Add([]byte(`{"table": "db.n", "columns": ["n"], "filter": "n > 3", "from": {"offset": 2}, "limit": 3}`))
	tk, _ := ticket.Encode(&flussv1.ScanRequest{
		Path: &flussv1.TablePath{Database: "db", Table: "n"}, Projection: &flussv1.Projection{Ids: []int32{2, 1}}, Stop: &flussv1.OffsetSpec{Spec: &flussv1.OffsetSpec_Offset{Offset: 7}},
		SystemColumns: []flussv1.SystemColumn{1, 2, 3, 4}, BucketStarts: []*flussv1.BucketStart{{Bucket: 1, Offset: 3}},
	})
	f.Add(tk)
	f.Fuzz(func(t *testing.T, b []byte) {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		stream, err := c.DoGet(ctx, &arrowflight.Ticket{Ticket: b})
		require.NoError(t, err)
		r, _ := ticket.Decode(b)
		for err == nil {
			if _, err = stream.Recv(); err == nil && r.GetFollow() {
				return
			}
		}
		if !errors.Is(err, io.EOF) {
			require.NotContains(t, []errcode.Code{errcode.Internal, errcode.DeadlineExceeded}, codeOf(err), "%v", err)
		}
	})
}
