package batch

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/schema"
)

func TestRoundTrip(t *testing.T) {
	s := newSource(t)
	fields := fieldsOf(t, everyType)
	l := NewLayout(fields)
	for _, codec := range allCodecs {
		for _, rows := range []int{0, 1, 7, 8, 63, 64, 65, 500, 3000} {
			t.Run(fmt.Sprintf("%s/%d rows", codec, rows), func(t *testing.T) {
				for _, s.nulls = range []float64{0, 0.2, 1} {
					rec := s.sliced(fields, rows)
					b := encode(t, l, codec, rec)
					require.Zero(t, len(b)%Align)
					p, err := Validate(l, b, checkAll)
					require.NoError(t, err)
					require.False(t, p.Rebuilt)
					require.Equal(t, uint32(rows), p.Header.RowCount)
					require.Equal(t, ids.SchemaID(3), p.Header.SchemaID)
					require.Equal(t, ids.WriterID(5), p.Header.WriterID)
					require.Equal(t, ids.Sequence(6), p.Header.Sequence)
					got := decodeBatch(t, l, b)
					requireSame(t, rec, got)
					require.Equal(t, b, encode(t, l, codec, got), "what was decoded encodes to the same bytes")
				}
			})
		}
	}
}

func TestEncodeAppends(t *testing.T) {
	s := newSource(t)
	fields := fieldsOf(t, everyType)
	l := NewLayout(fields)
	for _, codec := range allCodecs {
		rec := s.sliced(fields, 300)
		e := NewEncoder(l, EncoderOptions{Codec: codec})
		first, err := e.Encode(nil, rec, EncodeInfo{})
		require.NoError(t, err)
		dirty := bytes.Repeat([]byte{0xa5}, 3*len(first)+1<<20)
		b, err := e.Encode(dirty[:Align], rec, EncodeInfo{})
		require.NoError(t, err)
		require.Equal(t, first, b[Align:], "old bytes in the destination do not show")
		require.Same(t, &dirty[0], &b[0], "a large enough destination is used")
		if size, err := e.EstimatedSize(rec); codec == None {
			require.NoError(t, err)
			require.Equal(t, int64(len(first)), size)
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	s := newSource(t)
	l := NewLayout(fieldsOf(t, "a INT NOT NULL, b STRING"))
	e := NewEncoder(l, EncoderOptions{})
	s.nulls = 1
	for _, tc := range []struct {
		name, columns, column, want string
	}{
		{"another type", "a BIGINT NOT NULL, b STRING", "a", "cast"},
		{"nulls in a NOT NULL column", "a INT, b STRING", "a", "NOT NULL"},
		{"too few columns", "a INT NOT NULL", "", "1 columns"},
		{"another binary type", "a INT NOT NULL, b BYTES", "b", "utf8"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rec := s.record(fieldsOf(t, tc.columns), 5)
			out, err := e.Encode([]byte("kept"), rec, EncodeInfo{})
			require.ErrorContains(t, err, tc.want)
			require.Equal(t, errcode.InvalidBatch, errcode.Of(err))
			require.Equal(t, tc.column, errcode.From(err).Facts["column"])
			require.Equal(t, "kept", string(out))
		})
	}
}

func TestNullsBelowNulls(t *testing.T) {
	fields := fieldsOf(t, "r ROW<x INT NOT NULL>")
	l := NewLayout(fields)
	b := array.NewRecordBuilder(memory.DefaultAllocator, l.Schema())
	r := b.Field(0).(*array.StructBuilder)
	r.Append(true)
	r.FieldBuilder(0).(*array.Int32Builder).Append(1)
	r.Append(false)
	r.FieldBuilder(0).AppendNull()
	hidden := b.NewRecordBatch()
	out := encode(t, l, None, hidden)
	_, err := Validate(l, out, checkAll)
	require.NoError(t, err)
	requireSame(t, hidden, decodeBatch(t, l, out))

	r.Append(true)
	r.FieldBuilder(0).AppendNull()
	_, err = NewEncoder(l, EncoderOptions{}).Encode(nil, b.NewRecordBatch(), EncodeInfo{})
	require.ErrorContains(t, err, `"r.x"`)
}

// stream frames metadata and body as an IPC stream behind a schema.
func stream(t testing.TB, s *arrow.Schema, meta, body []byte) []byte {
	var buf bytes.Buffer
	w := ipc.NewWriter(&buf, ipc.WithSchema(s))
	require.NoError(t, w.Close())
	out := buf.Bytes()[:buf.Len()-8]
	out = binary.LittleEndian.AppendUint32(out, 0xffffffff)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(meta)))
	return append(append(out, meta...), body...)
}

func TestArrowReadsWhatIsStored(t *testing.T) {
	s := newSource(t)
	fields := fieldsOf(t, everyType)
	l := NewLayout(fields)
	for _, codec := range allCodecs {
		for _, rows := range []int{0, 1, 777} {
			rec := s.sliced(fields, rows)
			b := encode(t, l, codec, rec)
			v, err := ParseView(b, l)
			require.NoError(t, err)
			h := v.Header()
			r, err := ipc.NewReader(bytes.NewReader(stream(t, l.Schema(), v.MetaBytes(), b[h.HeadBytes():])))
			require.NoError(t, err)
			require.True(t, r.Next(), "%v", r.Err())
			requireSame(t, rec, r.RecordBatch())
		}
	}
}

func TestProjectionByRanges(t *testing.T) {
	s := newSource(t)
	fields := fieldsOf(t, everyType)
	l := NewLayout(fields)
	for _, codec := range allCodecs {
		rec := s.sliced(fields, 333)
		b := encode(t, l, codec, rec)
		v, err := ParseView(b, l)
		require.NoError(t, err)
		h := v.Header()
		body := b[h.HeadBytes():]
		for i := range fields {
			off, n := v.ColumnRange(i)
			require.Equal(t, CRC(body[off:off+n]), v.ColumnCRC(i))
			m := Meta{Rows: int64(h.RowCount), BodyBytes: n, Codec: h.Codec}
			for k, to := l.Nodes(i); k < to; k++ {
				m.Nodes = append(m.Nodes, v.Node(k))
			}
			for k, to := l.Buffers(i); k < to; k++ {
				r := v.Buffer(k)
				m.Buffers = append(m.Buffers, BufferRange{r.Off - off, r.Len})
			}
			got, err := Decode(NewLayout(fields[i:i+1]), &m, body[off:off+n], DecodeOptions{Validate: true})
			require.NoError(t, err)
			require.True(t, array.ApproxEqual(rec.Column(i), got.Column(0), array.WithNaNsEqual(true)))
		}
	}
}

func TestMetaRoundTrip(t *testing.T) {
	for _, codec := range allCodecs {
		m := Meta{Rows: 5, BodyBytes: 640, Codec: codec, Nodes: []Node{{5, 0}, {7, 2}}, Buffers: []BufferRange{{0, 0}, {0, 20}, {64, 1}}}
		b := AppendMeta([]byte("x"), &m)[1:]
		require.Len(t, b, m.Size())
		var fast, slow Meta
		require.NoError(t, ParseMeta(b, &fast))
		require.Equal(t, m, fast)
		require.NoError(t, parseForeignMeta(append(b, 0, 0, 0, 0), &slow))
		require.Equal(t, m, slow)
	}
}

func payload(t testing.TB, rec arrow.RecordBatch, opts ...ipc.Option) (meta, body []byte) {
	p, err := ipc.GetRecordBatchPayload(rec, opts...)
	require.NoError(t, err)
	defer p.Release()
	var buf bytes.Buffer
	require.NoError(t, p.SerializeBody(&buf))
	return bytes.Clone(p.Meta().Bytes()), alignedCopy(buf.Bytes())
}

var arrowCodecs = map[Codec][]ipc.Option{None: nil, LZ4Frame: {ipc.WithLZ4()}, Zstd: {ipc.WithZstd()}}

func TestDecodeIPC(t *testing.T) {
	s := newSource(t)
	fields := fieldsOf(t, everyType)
	l := NewLayout(fields)
	for _, codec := range allCodecs {
		for _, rows := range []int{0, 1, 100, 5000} {
			rec := s.sliced(fields, rows)
			meta, body := payload(t, rec, arrowCodecs[codec]...)
			got, err := DecodeIPC(l, meta, body, Limits{CheckUTF8: true})
			require.NoError(t, err, "%s, %d rows", codec, rows)
			requireSame(t, rec, got)
		}
	}
}

func TestValidateRebuildsForeignMetadata(t *testing.T) {
	s := newSource(t)
	fields := fieldsOf(t, everyType)
	l := NewLayout(fields)
	rec := s.sliced(fields, 200)
	b := encode(t, l, Zstd, rec)
	v, err := ParseView(b, l)
	require.NoError(t, err)
	var m Meta
	v.Meta(&m)
	// The same numbers behind a root that is 8 bytes further on: not the stored form.
	foreign := append(make([]byte, 8), AppendMeta(nil, &m)...)
	binary.LittleEndian.PutUint32(foreign, 8+metaMessage)
	h := v.Header()
	head := int(headBytes(uint32(len(foreign)), h.ColumnTableBytes))
	odd := make([]byte, head, head+int(h.BodyBytes))
	copy(odd[HeaderSize:], foreign)
	copy(odd[HeaderSize+len(foreign):], v.table)
	odd = append(odd, b[h.HeadBytes():]...)
	h.MetadataBytes, h.TotalBytes = uint32(len(foreign)), uint32(len(odd))
	PutHeader(odd, h)
	resealHead(odd)
	before := bytes.Clone(odd)

	p, err := Validate(l, odd, checkAll)
	require.NoError(t, err)
	require.True(t, p.Rebuilt)
	require.Equal(t, before, odd)
	require.Equal(t, b, p.Bytes)
	require.Equal(t, h.RowCount, p.Header.RowCount)
	again, err := ParseHeader(p.Bytes)
	require.NoError(t, err)
	require.Equal(t, again, p.Header)
}

func TestRelease(t *testing.T) {
	s := newSource(t)
	fields := fieldsOf(t, everyType)
	l := NewLayout(fields)
	for _, codec := range allCodecs {
		b := encode(t, l, codec, s.record(fields, 100))
		v, err := ParseView(b, l)
		require.NoError(t, err)
		var m Meta
		v.Meta(&m)
		h := v.Header()
		released := 0
		rec, err := Decode(l, &m, b[h.HeadBytes():], DecodeOptions{Release: func() { released++ }})
		require.NoError(t, err)
		col := rec.Column(8)
		col.Retain()
		rec.Release()
		require.Zero(t, released, "a column is still held")
		col.Release()
		require.Equal(t, 1, released)

		m.Nodes[3].Nulls = -1
		_, err = Decode(l, &m, b[h.HeadBytes():], DecodeOptions{Release: func() { released++ }})
		require.Error(t, err)
		require.Equal(t, 1, released)
	}
}

func TestDecodeCopiesMisalignedBodies(t *testing.T) {
	s := newSource(t)
	fields := fieldsOf(t, everyType)
	l := NewLayout(fields)
	rec := s.record(fields, 100)
	b := alignedCopy(append(make([]byte, 3), encode(t, l, None, rec)...))[3:]
	requireSame(t, rec, decodeBatch(t, l, b))
}

func TestChangeTypes(t *testing.T) {
	fields := fieldsOf(t, "a INT")
	l := NewLayout(fields).WithChangeTypes()
	require.Equal(t, 2, l.Columns())
	require.Equal(t, schema.ColumnChangeType, l.Fields()[1].Name)
	b := encode(t, l, None, newSource(t).record(l.Fields(), 10))
	_, err := Validate(l, b, Limits{})
	require.NoError(t, err)
	_, err = Validate(NewLayout(l.Fields()), b, Limits{})
	require.ErrorContains(t, err, "flags")
}

func TestHeaderRefuses(t *testing.T) {
	l := NewLayout(fieldsOf(t, "a INT"))
	good := encode(t, l, None, newSource(t).record(l.Fields(), 3))
	for _, tc := range []struct {
		name string
		make func(b []byte) []byte
		want string
	}{
		{"cut short", func(b []byte) []byte { return b[:HeaderSize-1] }, "127"},
		{"another magic", func(b []byte) []byte { b[0] = 'X'; return b }, "FLB1"},
		{"version from the future", func(b []byte) []byte { b[atVersion] = 2; return b }, "version 2"},
		{"unknown codec", func(b []byte) []byte { b[atCodec] = 3; return b }, "codec 3"},
		{"sizes that do not add up", func(b []byte) []byte { b[atTotal]++; return b }, "add up"},
		{"too many rows", func(b []byte) []byte { b[atRows+3] = 0x80; return b }, "rows"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := ParseHeader(tc.make(bytes.Clone(good)))
			require.ErrorContains(t, err, tc.want)
			require.Equal(t, errcode.InvalidBatch, errcode.Of(err))
		})
	}
}
