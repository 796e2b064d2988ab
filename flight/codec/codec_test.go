package codec_test

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/fluss-go/fluss/flight/codec"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// pieces splits b as frames off a connection are.
func pieces(b []byte, size int) mem.BufferSlice {
	var out mem.BufferSlice
	for len(b) > size {
		out = append(out, mem.SliceBuffer(b[:size]))
		b = b[size:]
	}
	return append(out, mem.SliceBuffer(b))
}

func aligned(b []byte) bool {
	return uintptr(unsafe.Pointer(unsafe.SliceData(b)))%codec.Alignment == 0
}

func TestFlightDataBothWays(t *testing.T) {
	c := codec.New(&codec.Pool{})
	body := bytes.Repeat([]byte("0123456789abcdef"), 5000)
	for _, tc := range []struct {
		name string
		in   *flight.FlightData
		body mem.BufferSlice
	}{
		{"schema", &flight.FlightData{DataHeader: []byte("header")}, nil},
		{"no columns", &flight.FlightData{DataHeader: []byte("header"), AppMetadata: []byte("m")}, mem.BufferSlice{}},
		{"batch in pieces", &flight.FlightData{DataHeader: []byte("header"), DataBody: body, AppMetadata: []byte("meta")}, pieces(body, 16<<10)},
		{"descriptor", &flight.FlightData{FlightDescriptor: &flight.FlightDescriptor{Type: 1, Path: []string{"a"}}, DataHeader: []byte("h")}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			out := &codec.FlightData{Header: tc.in.DataHeader, AppMetadata: tc.in.AppMetadata, Body: tc.body}
			if tc.in.FlightDescriptor != nil {
				out.Descriptor, _ = proto.Marshal(tc.in.FlightDescriptor)
			}
			wire, err := c.Marshal(out)
			require.NoError(t, err)
			got := &flight.FlightData{}
			require.NoError(t, proto.Unmarshal(wire.Materialize(), got))
			require.True(t, proto.Equal(tc.in, got))

			stock, err := proto.Marshal(tc.in)
			require.NoError(t, err)
			var in codec.FlightData
			require.NoError(t, c.Unmarshal(pieces(stock, 1000), &in))
			require.Equal(t, tc.in.DataHeader, in.Header)
			require.Equal(t, tc.in.AppMetadata, in.AppMetadata)
			require.True(t, bytes.Equal(tc.in.DataBody, in.Data))
			require.True(t, aligned(in.Data) || in.Data == nil)
			in.Free()
			in.Free()
			out.Free()
		})
	}
}

func TestWriteRequestBothWays(t *testing.T) {
	c := codec.New(&codec.Pool{})
	for _, size := range []int{0, 1, 1000, 1 << 20} {
		want := &flussv1.WriteRequest{
			RequestId: 1 << 60, TableId: 7, PartitionId: 1 << 40, Bucket: 3, Kind: flussv1.WriteKind_WRITE_KIND_UPSERT,
			TargetColumns: []int32{1, 300, -1}, MergeMode: flussv1.MergeMode_MERGE_MODE_OVERWRITE, Batch: bytes.Repeat([]byte{7}, size),
		}
		out := &codec.WriteRequest{
			RequestID: 1 << 60, Table: 7, Partition: 1 << 40, Bucket: 3, Kind: want.Kind,
			TargetColumns: want.TargetColumns, MergeMode: want.MergeMode, Batch: want.Batch,
		}
		wire, err := c.Marshal(out)
		require.NoError(t, err)
		got := &flussv1.WriteRequest{}
		require.NoError(t, proto.Unmarshal(wire.Materialize(), got))
		require.Equal(t, want.GetTargetColumns(), got.GetTargetColumns())
		require.True(t, bytes.Equal(want.GetBatch(), got.GetBatch()))
		got.Batch, want.Batch = nil, nil
		require.True(t, proto.Equal(want, got))

		var in codec.WriteRequest
		require.NoError(t, c.Unmarshal(wire, &in))
		require.True(t, aligned(in.Batch))
		require.Len(t, in.Batch, size)
		require.Equal(t, out.TargetColumns, in.TargetColumns)
		require.Equal(t, out.Table, in.Table)
		require.Equal(t, out.Partition, in.Partition)
		require.Equal(t, out.RequestID, in.RequestID)
		in.Free()
		require.Nil(t, in.Batch)
	}
}

func TestOtherMessagesGoThroughProtobuf(t *testing.T) {
	c := codec.New(&codec.Pool{})
	require.Equal(t, "proto", c.Name())
	wire, err := c.Marshal(wrapperspb.String("x"))
	require.NoError(t, err)
	var got wrapperspb.StringValue
	require.NoError(t, c.Unmarshal(wire, &got))
	require.Equal(t, "x", got.GetValue())
}

func TestPool(t *testing.T) {
	p := &codec.Pool{}
	for _, n := range []int{0, 1, 255, 256, 257, 4096, 32 << 10, 32<<10 + 1, 40 << 10, 100_000, 1 << 20, 1<<20 + 1, 5 << 20, 64 << 20, 64<<20 + 1} {
		b := p.Get(n)
		require.Len(t, *b, n)
		require.True(t, aligned(*b), "%d bytes", n)
		if n > 32<<10 && n <= 64<<20 {
			require.LessOrEqual(t, cap(*b), n+n/4+1, "%d bytes", n)
		}
		for i := range *b {
			(*b)[i] = 1
		}
		p.Put(b)
	}
	foreign := make([]byte, 10, 300)
	p.Put(&foreign)
	p.Put(nil)
	r := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		n := r.IntN(1 << 21)
		b := p.Get(n)
		require.Len(t, *b, n)
		p.Put(b)
	}
}

// FuzzUnmarshal checks that hostile bytes do not panic, and that what is read is
// what protobuf reads.
func FuzzUnmarshal(f *testing.F) {
	c := codec.New(&codec.Pool{})
	seed, _ := proto.Marshal(&flight.FlightData{
		FlightDescriptor: &flight.FlightDescriptor{Cmd: []byte("x")}, DataHeader: []byte("abc"), AppMetadata: []byte("d"), DataBody: []byte("body"),
	})
	f.Add(seed, uint8(3))
	seed, _ = proto.Marshal(&flussv1.WriteRequest{RequestId: 1, TargetColumns: []int32{1, 2}, Batch: []byte("batch")})
	f.Add(seed, uint8(1))
	f.Fuzz(func(t *testing.T, b []byte, size uint8) {
		var d codec.FlightData
		if err := c.Unmarshal(pieces(b, int(size)+1), &d); err == nil {
			var stock flight.FlightData
			if proto.Unmarshal(b, &stock) == nil {
				require.True(t, bytes.Equal(stock.GetDataBody(), d.Data))
				require.True(t, bytes.Equal(stock.GetDataHeader(), d.Header))
				require.True(t, bytes.Equal(stock.GetAppMetadata(), d.AppMetadata))
			}
			d.Free()
		}
		var w codec.WriteRequest
		if err := c.Unmarshal(pieces(b, int(size)+1), &w); err == nil {
			var stock flussv1.WriteRequest
			if proto.Unmarshal(b, &stock) == nil {
				require.True(t, bytes.Equal(stock.GetBatch(), w.Batch))
				require.Equal(t, stock.GetRequestId(), w.RequestID)
				require.Equal(t, stock.GetTargetColumns(), w.TargetColumns)
			}
			w.Free()
		}
	})
}

func BenchmarkMarshal(b *testing.B) {
	c := codec.New(codec.Buffers)
	body := make([]byte, 1<<20)
	d := &codec.FlightData{Header: make([]byte, 600), AppMetadata: make([]byte, 20), Body: pieces(body, 1<<19)}
	for b.Loop() {
		wire, _ := c.Marshal(d)
		wire.Free()
	}
}
