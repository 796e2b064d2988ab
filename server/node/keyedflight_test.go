package node_test

import (
	"io"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/table"
	"github.com/fluss-go/fluss/server/node"
)

// arrowClient is a client that knows nothing of us.
func arrowClient(t testing.TB, n *node.Node) flight.Client {
	conn, err := grpc.NewClient(n.Addr(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	return flight.NewClientFromConn(conn, nil)
}

func command(text string) *flight.FlightDescriptor {
	return &flight.FlightDescriptor{Type: flight.DescriptorCMD, Cmd: []byte(text)}
}

func arrowRows(t testing.TB, columns, rows string) arrow.RecordBatch {
	var fields []arrow.Field
	for name := range strings.SplitSeq(columns, ",") {
		types := map[string]arrow.DataType{"id": arrow.PrimitiveTypes.Int64, "age": arrow.PrimitiveTypes.Int32}
		f := arrow.Field{Name: name, Type: arrow.BinaryTypes.String, Nullable: true}
		if typ, ok := types[name]; ok {
			f.Type = typ
		}
		fields = append(fields, f)
	}
	rec, _, err := array.RecordFromJSON(memory.DefaultAllocator, arrow.NewSchema(fields, nil), strings.NewReader(rows))
	require.NoError(t, err)
	return rec
}

// doPut sends rows and returns how many were acked.
func doPut(t testing.TB, c flight.Client, cmd string, rec arrow.RecordBatch) (string, error) {
	stream, err := c.DoPut(t.Context())
	require.NoError(t, err)
	w := flight.NewRecordWriter(stream, ipc.WithSchema(rec.Schema()))
	w.SetFlightDescriptor(command(cmd))
	if err := w.Write(rec); err != nil {
		_, err = stream.Recv()
		return "", err
	}
	require.NoError(t, w.Close())
	require.NoError(t, stream.CloseSend())
	var acks []string
	for {
		ack, err := stream.Recv()
		if err == io.EOF { //nolint:errorlint // as gRPC documents it
			return strings.Join(acks, "\n"), nil
		}
		if err != nil {
			return "", err
		}
		acks = append(acks, string(ack.GetAppMetadata()))
	}
}

// doExchange looks keys up and returns the answer as JSON.
func doExchange(t testing.TB, c flight.Client, cmd string, keys arrow.RecordBatch) (string, error) {
	stream, err := c.DoExchange(t.Context())
	require.NoError(t, err)
	w := flight.NewRecordWriter(stream, ipc.WithSchema(keys.Schema()))
	w.SetFlightDescriptor(command(cmd))
	if err := w.Write(keys); err != nil {
		_, err = stream.Recv()
		return "", err
	}
	require.NoError(t, w.Close())
	require.NoError(t, stream.CloseSend())
	r, err := flight.NewRecordReader(stream)
	if err != nil {
		return "", err
	}
	defer r.Release()
	var lines []string
	for r.Next() {
		text, err := array.RecordToStructArray(r.RecordBatch()).MarshalJSON()
		require.NoError(t, err)
		lines = append(lines, strings.Split(strings.Trim(string(text), "[]\n"), "\n,")...)
	}
	return strings.Join(lines, "\n"), r.Err()
}

// A client that knows Arrow Flight only writes, looks up and reads.
func TestPrimaryKeyTablesOverFlight(t *testing.T) {
	n := start(t, testConfig(t))
	w := newKeyedWorld(t, n.Addr(), connect(t, n))
	w.create("id BIGINT NOT NULL, name STRING, age INT", table.Descriptor{BucketCount: 1}, "id")
	c := arrowClient(t, n)

	acks, err := doPut(t, c, `{"table": "t"}`, arrowRows(t, "id,name,age", `[{"id": 1, "name": "ann", "age": 30}, {"id": 2, "name": "bob", "age": 40}, {"id": 3, "name": "cid", "age": 50}]`))
	require.NoError(t, err)
	require.JSONEq(t, `{"bucket": 0, "base": 0, "end": 3, "rows": 3}`, acks)
	_, err = doPut(t, c, `{"table": "t", "mode": "upsert", "columns": ["id", "age"]}`, arrowRows(t, "age,id", `[{"id": 1, "age": 31}]`))
	require.NoError(t, err)
	_, err = doPut(t, c, `{"table": "t", "mode": "delete"}`, arrowRows(t, "id", `[{"id": 2}]`))
	require.NoError(t, err)
	_, err = doPut(t, c, `{"table": "t", "mode": "delete", "columns": ["age"]}`, arrowRows(t, "id", `[{"id": 3}]`))
	require.NoError(t, err)
	require.EqualValues(t, 2, w.count())

	got, err := doExchange(t, c, `{"table": "t"}`, arrowRows(t, "id", `[{"id": 3}, {"id": 2}, {"id": 1}]`))
	require.NoError(t, err)
	require.Equal(t, `{"__found":true,"age":null,"id":3,"name":"cid"}`+"\n"+
		`{"__found":false,"age":null,"id":null,"name":null}`+"\n"+
		`{"__found":true,"age":31,"id":1,"name":"ann"}`, got)
	got, err = doExchange(t, c, `{"table": "t", "columns": ["name"], "insert_if_absent": true}`, arrowRows(t, "id", `[{"id": 9}]`))
	require.NoError(t, err)
	require.Equal(t, `{"__found":true,"name":null}`, got)
	require.EqualValues(t, 3, w.count())

	for _, tc := range []struct {
		name, command string
		keys          arrow.RecordBatch
		code          errcode.Code
	}{
		{"a column that is not there", `{"table": "t", "columns": ["nope"]}`, arrowRows(t, "id", `[{"id": 1}]`), errcode.UnknownColumn},
		{"a null key", `{"table": "t"}`, arrowRows(t, "id", `[{}]`), errcode.InvalidBatch},
		{"an insert by prefix", `{"table": "t", "prefix": true, "insert_if_absent": true}`, arrowRows(t, "id", `[{"id": 1}]`), errcode.InvalidTicket},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := doExchange(t, c, tc.command, tc.keys)
			require.Error(t, err)
			require.Equal(t, tc.code, errcode.Of(err), err)
		})
	}
	_, err = doPut(t, c, `{"table": "t", "mode": "append"}`, arrowRows(t, "id", `[{"id": 1}]`))
	require.Equal(t, errcode.NotLogTable, errcode.Of(err), err)
}

func TestPrefixesOverFlight(t *testing.T) {
	n := start(t, testConfig(t))
	w := newKeyedWorld(t, n.Addr(), connect(t, n))
	w.create("name STRING NOT NULL, id BIGINT NOT NULL, v STRING", table.Descriptor{BucketCount: 3, BucketKeys: []string{"name"}}, "name", "id")
	require.Nil(t, w.upsert(`[{"name": "a", "id": 1, "v": "x"}, {"name": "a", "id": 2, "v": "y"}, {"name": "c", "id": 1, "v": "z"}]`))
	got, err := doExchange(t, arrowClient(t, n), `{"table": "t", "columns": ["v"], "prefix": true}`, arrowRows(t, "name", `[{"name": "b"}, {"name": "c"}, {"name": "a"}]`))
	require.NoError(t, err)
	require.Equal(t, `{"__key":1,"v":"z"}`+"\n"+`{"__key":2,"v":"x"}`+"\n"+`{"__key":2,"v":"y"}`, got)
}
