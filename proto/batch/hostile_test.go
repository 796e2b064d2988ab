package batch

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/schema"
)

// mutate changes a few bytes of b, with a liking for lengths, offsets and edges.
func (s *source) mutate(b []byte, from, to int) {
	for range 1 + s.IntN(3) {
		at := from + s.IntN(to-from)
		switch s.IntN(6) {
		case 0:
			b[at] ^= 1 << s.IntN(8)
		case 1:
			b[at] = byte(s.Uint32())
		case 2:
			b[at] = []byte{0, 1, 0x7f, 0x80, 0xff}[s.IntN(5)]
		case 3, 4:
			if at &^= 3; at+4 <= len(b) {
				v := binary.LittleEndian.Uint32(b[at:])
				v = []uint32{v + 1, v - 1, 0, 1 << 31, 1<<31 - 1, 1<<32 - 1, v * 2, 64}[s.IntN(8)]
				binary.LittleEndian.PutUint32(b[at:], v)
			}
		default:
			if at &^= 7; at+8 <= len(b) {
				v := binary.LittleEndian.Uint64(b[at:])
				v = []uint64{v + 1, v - 8, 0, 1 << 63, 1<<63 - 1, 1<<64 - 1, v + 64, 1 << 40}[s.IntN(8)]
				binary.LittleEndian.PutUint64(b[at:], v)
			}
		}
	}
}

// touch reads every value of a record batch.
func touch(rec arrow.RecordBatch) {
	for _, c := range rec.Columns() {
		_ = c.String()
	}
}

// checkAccepted proves what Validate promises about bytes that it accepts.
func checkAccepted(t testing.TB, l *Layout, p Parsed) {
	rec, err := tryDecode(l, p.Bytes)
	require.NoError(t, err)
	touch(rec)
	for _, c := range rec.Columns() {
		if c.DataType().ID() != arrow.NULL {
			v, ok := c.(interface{ ValidateFull() error })
			require.True(t, !ok || v.ValidateFull() == nil)
		}
	}
	again, err := NewEncoder(l, EncoderOptions{Codec: p.Header.Codec}).Encode(nil, rec, EncodeInfo{})
	require.NoError(t, err)
	_, err = Validate(l, again, checkAll)
	require.NoError(t, err)
	requireSame(t, rec, decodeBatch(t, l, again))
	for i := range l.Columns() {
		v, err := ParseView(p.Bytes, l)
		require.NoError(t, err)
		v.Stats(i)
	}
}

func TestMutations(t *testing.T) {
	rounds := 12000
	if testing.Short() {
		rounds = 1000
	}
	s := newSource(t)
	fields := fieldsOf(t, everyType)
	l := NewLayout(fields)
	accepted := 0
	for _, codec := range allCodecs {
		good := encode(t, l, codec, s.sliced(fields, 12))
		h, err := ParseHeader(good)
		require.NoError(t, err)
		b := make([]byte, len(good))
		for range rounds {
			copy(b, good)
			switch s.IntN(4) {
			case 0: // the head
				s.mutate(b, 0, h.HeadBytes())
			case 1: // the column table
				s.mutate(b, HeaderSize+int(h.MetadataBytes), h.HeadBytes())
			default:
				s.mutate(b, h.HeadBytes(), len(b))
			}
			if s.IntN(20) > 0 {
				reseal(l, b)
			}
			p, err := Validate(l, b, checkAll)
			if err == nil {
				accepted++
				checkAccepted(t, l, p)
				continue
			}
			code := errcode.Of(err)
			require.Contains(t, []errcode.Code{errcode.InvalidBatch, errcode.BadChecksum, errcode.RecordTooLarge, errcode.Unsupported}, code)
			rec, err := decodeUnchecked(l, b)
			if err == nil {
				rec.Release()
			}
		}
	}
	t.Logf("%d of %d mutants accepted", accepted, rounds*len(allCodecs))
	require.Positive(t, accepted)
}

// decodeUnchecked decodes as readers do that trust the bytes.
func decodeUnchecked(l *Layout, b []byte) (arrow.RecordBatch, error) {
	v, err := ParseView(b, l)
	if err != nil || v.header.HeadBytes() > len(b) {
		return nil, err
	}
	var m Meta
	v.Meta(&m)
	rec, err := Decode(l, &m, b[v.header.HeadBytes():], DecodeOptions{})
	if err != nil {
		return nil, err
	}
	return rec, nil
}

func TestEveryFlippedBitIsFound(t *testing.T) {
	s := newSource(t)
	fields := fieldsOf(t, "a INT, b STRING, c ARRAY<INT>")
	l := NewLayout(fields)
	b := encode(t, l, LZ4Frame, s.record(fields, 50))
	for at := range b {
		bit := byte(1) << s.IntN(8)
		b[at] ^= bit
		_, err := Validate(l, b, Limits{})
		require.Error(t, err, "byte %d", at)
		b[at] ^= bit
	}
	_, err := Validate(l, b, Limits{})
	require.NoError(t, err)
}

func TestIPCMutations(t *testing.T) {
	rounds := 8000
	if testing.Short() {
		rounds = 500
	}
	s := newSource(t)
	fields := fieldsOf(t, everyType)
	l := NewLayout(fields)
	for _, codec := range allCodecs {
		meta, body := payload(t, s.sliced(fields, 12), arrowCodecs[codec]...)
		for i := range rounds {
			m, b := bytes.Clone(meta), body
			if i%2 == 0 {
				s.mutate(m, 0, len(m))
			} else {
				b = alignedCopy(body)
				s.mutate(b, 0, len(b))
			}
			if rec, err := DecodeIPC(l, m, b, Limits{CheckUTF8: true}); err == nil {
				touch(rec)
				encode(t, l, None, rec)
			}
		}
	}
}

func TestValidateNamesWhatIsWrong(t *testing.T) {
	fields := fieldsOf(t, "a INT NOT NULL, s STRING, l ARRAY<INT>")
	l := NewLayout(fields)
	s := seeded(1) // the mutations below need the places that they change to be there
	s.nulls, s.plain = 0, 1
	rec := s.record(fields, 64)
	good := encode(t, l, None, rec)
	h, err := ParseHeader(good)
	require.NoError(t, err)
	v, err := ParseView(good, l)
	require.NoError(t, err)
	body := h.HeadBytes()
	le := binary.LittleEndian
	text := rec.Column(1).(*array.String)
	for _, tc := range []struct {
		name   string
		make   func(b []byte)
		seal   bool
		code   errcode.Code
		column string
		want   string
	}{
		{"a byte of a column", func(b []byte) { b[body+int(v.Buffer(3).Off)] ^= 1 }, false, errcode.BadChecksum, "s", "checksum"},
		{"offsets that go down", func(b []byte) { le.PutUint32(b[body+int(v.Buffer(3).Off)+80:], 0x7000) }, true, errcode.InvalidBatch, "s", "go down"},
		{"offsets past the end", func(b []byte) {
			le.PutUint32(b[body+int(v.Buffer(3).Off)+256:], uint32(len(text.ValueBytes())+1))
		}, true, errcode.InvalidBatch, "s", "into"},
		{"text that is not UTF-8", func(b []byte) { b[body+int(v.Buffer(4).Off)+1] = 0xff }, true, errcode.InvalidBatch, "s", "UTF-8"},
		{"a list shorter than its offsets", func(b []byte) { le.PutUint64(b[HeaderSize+metaNodes+3*16:], 1) }, true, errcode.InvalidBatch, "l.element", "values"},
		{"bytes behind the last buffer", func(b []byte) { b[len(b)-1] = 1 }, true, errcode.InvalidBatch, "", "belong to no buffer"},
		{"reserved bytes", func(b []byte) { b[atReservedTail+3] = 1 }, true, errcode.InvalidBatch, "", "reserved"},
		{"wrong size when decompressed", func(b []byte) { b[atUncompressed]++ }, true, errcode.InvalidBatch, "", "decompressed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := bytes.Clone(good)
			tc.make(b)
			if tc.seal {
				reseal(l, b)
			}
			_, err := Validate(l, b, checkAll)
			require.ErrorContains(t, err, tc.want)
			require.Equal(t, tc.code, errcode.Of(err))
			require.Equal(t, tc.column, errcode.From(err).Facts["column"])
		})
	}
	s.nulls = 0.5
	nullable := fieldsOf(t, "a INT, s STRING, l ARRAY<INT>")
	_, err = Validate(l, encode(t, NewLayout(nullable), None, s.record(nullable, 64)), checkAll)
	require.ErrorContains(t, err, "NOT NULL")
	require.Equal(t, "a", errcode.From(err).Facts["column"])
	for _, limits := range []Limits{{MaxBytes: 128}, {MaxRows: 63}, {MaxUncompressed: 64}} {
		_, err := Validate(l, good, limits)
		require.Equal(t, errcode.RecordTooLarge, errcode.Of(err))
		require.NotEmpty(t, errcode.From(err).Facts["limit"])
	}
}

// The header says how much a batch has when decompressed, and nothing is
// decompressed before that is known to be true.
func TestSizeIsCheckedBeforeDecompressing(t *testing.T) {
	fields := fieldsOf(t, "s STRING NOT NULL")
	l := NewLayout(fields)
	rec, _, err := array.RecordFromJSON(memory.DefaultAllocator, schema.ArrowFields(fields),
		strings.NewReader(`[{"s": "`+strings.Repeat("a", 1000)+`"}]`))
	require.NoError(t, err)
	b := encode(t, l, Zstd, rec)
	v, err := ParseView(b, l)
	require.NoError(t, err)
	h := v.Header()
	b[h.HeadBytes()+int(v.Buffer(2).Off)+prefixBytes] ^= 1 // of the frame
	reseal(l, b)
	_, err = Validate(l, b, checkAll)
	require.ErrorContains(t, err, "does not decompress")
	b[atUncompressed] ^= 64
	reseal(l, b)
	_, err = Validate(l, b, checkAll)
	require.ErrorContains(t, err, "bytes when decompressed and says")
}

// TestZipBomb: a few bytes that say, or are, very many.
func TestZipBomb(t *testing.T) {
	l := NewLayout(fieldsOf(t, "a BYTES NOT NULL"))
	zeros := make([]byte, 8<<20)
	for _, codec := range []Codec{LZ4Frame, Zstd} {
		c := newCompressor(codec, 1)
		frame := c.append(nil, zeros)
		for _, claim := range []uint64{8 << 20, 1 << 20, 1 << 40, 1<<64 - 2} {
			binary.LittleEndian.PutUint64(frame, claim)
			body := make([]byte, align(64+int64(len(frame))))
			m := Meta{Rows: 1, BodyBytes: int64(len(body)), Codec: codec, Nodes: []Node{{1, 0}}}
			offsets := c.append(nil, []byte{0, 0, 0, 0, 8, 0, 0, 0})
			copy(body, offsets)
			copy(body[64:], frame)
			m.Buffers = []BufferRange{{}, {0, int64(len(offsets))}, {64, int64(len(frame))}}
			_, err := DecodeIPC(l, AppendMeta(nil, &m), body, Limits{MaxUncompressed: 4 << 20})
			require.Error(t, err)
		}
	}
}

func FuzzValidate(f *testing.F) {
	l := NewLayout(fieldsOf(f, everyType))
	s := seeded(1)
	for _, codec := range allCodecs {
		f.Add(encode(f, l, codec, s.sliced(l.fields, 5)), true)
	}
	f.Fuzz(func(t *testing.T, b []byte, seal bool) {
		b = alignedCopy(b)
		if seal {
			reseal(l, b)
		}
		if p, err := Validate(l, b, checkAll); err == nil {
			checkAccepted(t, l, p)
		}
	})
}

func FuzzParseMeta(f *testing.F) {
	s := seeded(2)
	fields := fieldsOf(f, everyType)
	for _, codec := range allCodecs {
		meta, _ := payload(f, s.record(fields, 3), arrowCodecs[codec]...)
		f.Add(meta)
		f.Add(AppendMeta(nil, &Meta{Rows: 1, Codec: codec, Nodes: []Node{{1, 0}}, Buffers: []BufferRange{{0, 8}}}))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var m, again Meta
		if ParseMeta(b, &m) != nil {
			return
		}
		out := AppendMeta(nil, &m)
		require.NoError(t, ParseMeta(out, &again))
		require.Equal(t, m.Rows, again.Rows)
		require.Equal(t, out, AppendMeta(nil, &again))
		if c, ok := parseCanonical(b); ok && c.b != nil {
			require.Equal(t, b, out, "the stored form is the only one that is taken for it")
		}
	})
}

func FuzzParseView(f *testing.F) {
	l := NewLayout(fieldsOf(f, everyType))
	s := seeded(3)
	b := encode(f, l, None, s.record(l.fields, 3))
	h, err := ParseHeader(b)
	require.NoError(f, err)
	f.Add(b[:h.HeadBytes()])
	f.Fuzz(func(_ *testing.T, b []byte) {
		v, err := ParseView(b, l)
		if err != nil {
			return
		}
		var m Meta
		v.Meta(&m)
		for i := range v.Columns() {
			v.Stats(i)
			v.ColumnCRC(i)
			v.ColumnRange(i)
		}
	})
}

func FuzzDecodeIPC(f *testing.F) {
	l := NewLayout(fieldsOf(f, everyType))
	s := seeded(4)
	for _, codec := range allCodecs {
		meta, body := payload(f, s.record(l.fields, 3), arrowCodecs[codec]...)
		f.Add(meta, body)
	}
	f.Fuzz(func(t *testing.T, meta, body []byte) {
		if rec, err := DecodeIPC(l, meta, alignedCopy(body), Limits{CheckUTF8: true, MaxUncompressed: 1 << 20}); err == nil {
			touch(rec)
			encode(t, l, None, rec)
		}
	})
}

func FuzzParseSchemaMessage(f *testing.F) {
	for _, s := range arrowSchemas {
		f.Add(schemaMessage(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ParseSchemaMessage(b)
		if err != nil {
			require.Contains(t, []errcode.Code{errcode.InvalidSchema, errcode.Unsupported}, errcode.Of(err))
			return
		}
		_ = s.String()
	})
}
