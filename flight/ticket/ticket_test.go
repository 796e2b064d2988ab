package ticket_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"hash/crc32"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/fluss-go/fluss/flight/ticket"
	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

var path = &flussv1.TablePath{Database: "db", Table: "t"}

func offset(n int64) *flussv1.OffsetSpec {
	return &flussv1.OffsetSpec{Spec: &flussv1.OffsetSpec_Offset{Offset: n}}
}

func timestamp(ms int64) *flussv1.OffsetSpec {
	return &flussv1.OffsetSpec{Spec: &flussv1.OffsetSpec_TimestampMs{TimestampMs: ms}}
}

func TestJSONTickets(t *testing.T) {
	for _, tc := range []struct {
		name, json string
		want       *flussv1.ScanRequest
	}{
		{"only the table", `{"table": "db.t"}`, &flussv1.ScanRequest{}},
		{"default database", ` {"table": "t"}`, &flussv1.ScanRequest{Path: &flussv1.TablePath{Database: "fluss", Table: "t"}}},
		{
			"all fields", `{"table": "db.t", "columns": ["b", "a"], "filter": "a > 1", "from": {"offset": 17}, "until": {"offset": 9007199254740993},
			 "limit": 5, "buckets": [0, 2], "partitions": ["p"], "what": "rows", "system_columns": ["__offset", "__bucket"]}`,
			&flussv1.ScanRequest{
				Projection: &flussv1.Projection{Names: []string{"b", "a"}}, Filter: "a > 1", Start: offset(17), Stop: offset(9007199254740993),
				Limit: 5, Buckets: []int32{0, 2}, Partitions: []string{"p"}, What: flussv1.ScanWhat_SCAN_WHAT_ROWS,
				SystemColumns: []flussv1.SystemColumn{flussv1.SystemColumn_SYSTEM_COLUMN_OFFSET, flussv1.SystemColumn_SYSTEM_COLUMN_BUCKET},
			},
		},
		{"no columns", `{"table": "db.t", "columns": []}`, &flussv1.ScanRequest{Projection: &flussv1.Projection{}}},
		{"null is absent", `{"table": "db.t", "columns": null, "from": null}`, &flussv1.ScanRequest{}},
		{"earliest, never", `{"table": "db.t", "from": "earliest", "until": "never"}`, &flussv1.ScanRequest{
			Start: &flussv1.OffsetSpec{Spec: &flussv1.OffsetSpec_Earliest{Earliest: &flussv1.Empty{}}}, Follow: true,
		}},
		{"latest, now", `{"table": "db.t", "from": "latest", "until": "now"}`, &flussv1.ScanRequest{
			Start: &flussv1.OffsetSpec{Spec: &flussv1.OffsetSpec_Latest{Latest: &flussv1.Empty{}}},
		}},
		{"times", `{"table": "db.t", "from": {"timestamp": "1970-01-01T00:00:01.0005Z"}, "until": {"timestamp": "1970-01-01T01:00:02+01:00"}}`,
			&flussv1.ScanRequest{Start: timestamp(1001), Stop: timestamp(2000)}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.want.JsonMetadata = true
			if tc.want.Path == nil {
				tc.want.Path = path
			}
			got, err := ticket.Decode([]byte(tc.json))
			require.NoError(t, err)
			require.True(t, proto.Equal(tc.want, got), protojson.Format(got))
			b, err := ticket.Encode(got)
			require.NoError(t, err)
			again, err := ticket.Decode(b)
			require.NoError(t, err)
			require.True(t, proto.Equal(got, again))
		})
	}
}

func TestBadTickets(t *testing.T) {
	for _, tc := range []struct {
		in, want string
	}{
		{"", "neither one that this server gave out nor JSON"},
		{"FSR2", "neither"},
		{"FSR1\xff\xff", "damaged"},
		{"FSR1", "names no table"},
		{"{", "cut short"},
		{`{"table": "db.t"} {}`, "more follows"},
		{`{"table": "db.t", "colums": ["a"]}`, `unknown field "colums": the known ones are table, columns, filter, from, until, limit, buckets, partitions, what, system_columns`},
		{`{}`, `lacks "table"`},
		{`{"table": 5}`, `"table" must be a name like "db.t", not 5`},
		{`{"table": "a.b.c"}`, `"a.b.c" names no table`},
		{`{"table": ""}`, `names no table`},
		{`{"table": "t", "table": "u"}`, "twice"},
		{`{"table": "t", "columns": "a"}`, `"columns" must be a list of column names, not "a"`},
		{`{"table": "t", "limit": 1.5}`, `"limit" must be a whole number, not 1.5`},
		{`{"table": "t", "limit": -1}`, `must not be negative`},
		{`{"table": "t", "buckets": ["a"]}`, "a list of bucket numbers"},
		{`{"table": "t", "buckets": []}`, `"buckets" names none: leave it out to read all`},
		{`{"table": "t", "partitions": [ ]}`, `"partitions" names none`},
		{`{"table": "t", "from": "yesterday"}`, `"from" must be "full", "earliest", "latest", {"offset": 17}`},
		{`{"table": "t", "from": {"offset": -1}}`, "zero or more"},
		{`{"table": "t", "from": {"ofset": 1}}`, "the known ones are offset, timestamp"},
		{`{"table": "t", "from": {"offset": 1, "timestamp": "x"}}`, `"from" must be`},
		{`{"table": "t", "until": {"timestamp": "2026-11-22"}}`, "with its zone"},
		{`{"table": "t", "until": "later"}`, `"until" must be "now", "never"`},
		{`{"table": "t", "what": "snapshot"}`, `"what" must be "rows", "changelog", "binlog" or "lake", not "snapshot"`},
		{`{"table": "t", "system_columns": ["__row"]}`, `"__bucket", "__change_type", "__offset", "__timestamp"`},
	} {
		t.Run(tc.in, func(t *testing.T) {
			_, err := ticket.Decode([]byte(tc.in))
			require.ErrorContains(t, err, tc.want)
			require.Contains(t, []errcode.Code{errcode.InvalidTicket, errcode.InvalidName}, errcode.Of(err))
		})
	}
	_, err := ticket.Decode(make([]byte, ticket.MaxBytes+1))
	require.ErrorContains(t, err, "at most")
}

func TestDescriptors(t *testing.T) {
	for _, p := range [][]string{{"db", "t"}, {"db.t"}} {
		d := &flight.FlightDescriptor{Type: flight.DescriptorPATH, Path: p}
		r, err := ticket.FromDescriptor(d)
		require.NoError(t, err)
		require.True(t, proto.Equal(path, r.GetPath()))
		put, err := ticket.PutFromDescriptor(d)
		require.NoError(t, err)
		require.True(t, proto.Equal(path, put.Path))
	}
	r, err := ticket.FromDescriptor(&flight.FlightDescriptor{Type: flight.DescriptorCMD, Cmd: []byte(`{"table": "db.t", "limit": 3}`)})
	require.NoError(t, err)
	require.EqualValues(t, 3, r.GetLimit())
	for _, d := range []*flight.FlightDescriptor{
		nil, {}, {Type: flight.DescriptorPATH}, {Type: flight.DescriptorPATH, Path: []string{"a", "b", "c"}}, {Type: flight.DescriptorPATH, Path: []string{"", "t"}},
	} {
		_, err := ticket.FromDescriptor(d)
		require.Error(t, err)
		_, err = ticket.PutFromDescriptor(d)
		require.Error(t, err)
	}
}

func TestPutCommands(t *testing.T) {
	cmd := func(s string) *flight.FlightDescriptor {
		return &flight.FlightDescriptor{Type: flight.DescriptorCMD, Cmd: []byte(s)}
	}
	p, err := ticket.PutFromDescriptor(cmd(`{"table": "db.t", "mode": "upsert", "columns": ["a"]}`))
	require.NoError(t, err)
	require.Equal(t, flussv1.WriteKind_WRITE_KIND_UPSERT, p.Mode)
	require.Equal(t, []string{"a"}, p.Columns)
	for in, want := range map[string]string{
		`{"table": "db.t", "mode": "replace"}`: `"append", "upsert" or "delete"`,
		`{"table": "db.t", "from": "x"}`:       "the known ones are table, mode, columns",
		`{"table": "db.t", "columns": []}`:     `"columns" names none: leave it out to write whole rows`,
		`x`:                                    "no JSON object",
	} {
		_, err := ticket.PutFromDescriptor(cmd(in))
		require.ErrorContains(t, err, want)
	}
	_, err = ticket.ExchangeFromDescriptor(cmd(`{"table": "db.t", "columns": []}`))
	require.ErrorContains(t, err, `"columns" names none: leave it out to get all`)
}

func TestMetadata(t *testing.T) {
	want := &flussv1.ScanMetadata{
		PartitionId: 1, Bucket: 2, BaseOffset: 3, NextOffset: 1 << 60, HighWatermark: 5, CommitTimestampMs: 6, SchemaId: 7, BucketEnd: true,
	}
	got := &flussv1.ScanMetadata{}
	require.NoError(t, ticket.ParseMetadata(ticket.AppendMetadata(nil, want, false), got))
	require.True(t, proto.Equal(want, got))
	require.Empty(t, ticket.AppendMetadata(nil, &flussv1.ScanMetadata{}, false))
	text := ticket.AppendMetadata(nil, want, true)
	var fields map[string]any
	require.NoError(t, json.Unmarshal(text, &fields), string(text))
	require.Len(t, fields, 8)
	require.EqualValues(t, 2, fields["bucket"])
	require.Equal(t, true, fields["bucket_end"])

	want.Resume = []byte{0, 1, 255}
	got = &flussv1.ScanMetadata{}
	require.NoError(t, ticket.ParseMetadata(ticket.AppendMetadata(nil, want, false), got))
	require.True(t, proto.Equal(want, got))
	require.NoError(t, json.Unmarshal(ticket.AppendMetadata(nil, want, true), &fields))
	require.Equal(t, "AAH/", fields["resume"])
}

// The bytes of version 1, which are never made again.
func TestResumeGolden(t *testing.T) {
	r := ticket.Resume{
		Bucket: ids.Bucket{Table: 300, Partition: 4, Bucket: 5}, Changes: true, Position: 8,
		Parts: []ticket.Part{{Offset: 7, Last: []byte("key")}, {Offset: 900}},
	}
	require.Equal(t, "0101ac0204050207036b65798407000892f5b113", hex.EncodeToString(ticket.AppendResume(nil, &r)))
}

func TestResume(t *testing.T) {
	bucket := ids.Bucket{Table: 3, Partition: 4, Bucket: 5}
	for _, r := range []ticket.Resume{
		{Bucket: bucket},
		{Bucket: bucket, Parts: []ticket.Part{{Offset: 7, Last: []byte("k")}}},
		{Bucket: bucket, Parts: []ticket.Part{{Offset: 7, Last: []byte("k")}, {Offset: 1 << 60, Last: []byte("l")}}},
		{Bucket: bucket, Parts: []ticket.Part{{Offset: 7, Last: []byte("k")}, {Offset: 9}}, Changes: true, Position: 8},
	} {
		b := ticket.AppendResume(nil, &r)
		got, err := ticket.ParseResume(b)
		require.NoError(t, err)
		require.Equal(t, &r, got)
		require.NoError(t, got.Of(bucket))
		require.Error(t, got.Of(ids.Bucket{Table: 3, Bucket: 5}))
		for i := range b {
			damaged := bytes.Clone(b)
			damaged[i] ^= 0x10
			_, err := ticket.ParseResume(damaged)
			require.Equal(t, errcode.InvalidTicket, errcode.Of(err))
			_, err = ticket.ParseResume(b[:i])
			require.Equal(t, errcode.InvalidTicket, errcode.Of(err))
		}
	}
	for name, r := range map[string]ticket.Resume{
		"keys descend":          {Parts: []ticket.Part{{Offset: 7, Last: []byte("l")}, {Offset: 9, Last: []byte("k")}}},
		"offsets descend":       {Parts: []ticket.Part{{Offset: 9, Last: []byte("k")}, {Offset: 7, Last: []byte("l")}}},
		"no end":                {Parts: []ticket.Part{{Offset: 9, Last: []byte("k")}}, Changes: true, Position: 9},
		"an end too early":      {Parts: []ticket.Part{{Offset: 9}, {Offset: 9, Last: []byte("k")}}},
		"changes without parts": {Changes: true},
		"before the rows":       {Parts: []ticket.Part{{Offset: 9}}, Changes: true, Position: 8},
		"negative":              {Parts: []ticket.Part{{Offset: -9, Last: []byte("k")}}},
	} {
		_, err := ticket.ParseResume(ticket.AppendResume(nil, &r))
		require.Equal(t, errcode.InvalidTicket, errcode.Of(err), name)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"table": "db.t", "columns": ["b"], "from": {"offset": 1}, "until": {"timestamp": "2026-01-01T00:00:00Z"}}`))
	f.Add([]byte("FSR1\x0a\x07\x0a\x02db\x12\x01t"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ticket.Decode(b)
		if err != nil {
			return
		}
		again, err := ticket.Encode(r)
		require.NoError(t, err)
		r2, err := ticket.Decode(again)
		require.NoError(t, err)
		require.True(t, proto.Equal(r, r2))
	})
}

// FuzzResume puts the right checksum behind hostile bytes.
func FuzzResume(f *testing.F) {
	for _, r := range []ticket.Resume{
		{Bucket: ids.Bucket{Table: 1}},
		{Bucket: ids.Bucket{Table: 1}, Parts: []ticket.Part{{Offset: 3, Last: []byte("abc")}, {Offset: 9}}, Changes: true, Position: 5},
	} {
		b := ticket.AppendResume(nil, &r)
		f.Add(b[:len(b)-4])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		b := binary.LittleEndian.AppendUint32(bytes.Clone(body), crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)))
		r, err := ticket.ParseResume(b)
		if err != nil {
			require.Equal(t, errcode.InvalidTicket, errcode.Of(err))
			return
		}
		require.Equal(t, b, ticket.AppendResume(nil, r))
	})
}
