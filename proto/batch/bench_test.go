package batch

import (
	"fmt"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/schema"
)

// wideRecord has ten columns of about 100 bytes a row and about 1 MiB.
func wideRecord(t testing.TB) ([]schema.Field, arrow.RecordBatch) {
	const rows = 10000
	fields := fieldsOf(t, `id BIGINT NOT NULL, at TIMESTAMP(6) NOT NULL, customer INT, name STRING, city STRING, amount DECIMAL(18, 2),
		price DOUBLE, flag BOOLEAN, day DATE, note STRING`)
	s := seeded(9)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema.ArrowFields(fields))
	cities := []string{"Berlin", "Stockholm", "San Francisco", "Kuala Lumpur", "Paris"}
	for i := range rows {
		b.Field(0).(*array.Int64Builder).Append(int64(i) + 1<<40)
		b.Field(1).(*array.TimestampBuilder).Append(arrow.Timestamp(1.7e15 + float64(i)*1000 + float64(s.IntN(900))))
		b.Field(3).(*array.StringBuilder).Append(fmt.Sprintf("customer-%06d", s.IntN(100000)))
		b.Field(4).(*array.StringBuilder).Append(cities[s.IntN(len(cities))])
		b.Field(9).(*array.StringBuilder).Append(fmt.Sprintf("order %d of %d: please ring the bell twice", s.IntN(1000), i))
		for _, k := range []int{2, 5, 6, 7, 8} {
			f := fields[k].Type
			s.nulls = 0
			if k == 2 {
				s.nulls = 0.05
			}
			s.append(b.Field(k), f)
		}
	}
	return fields, b.NewRecordBatch()
}

// reportRate adds GB/s of uncompressed bytes.
func reportRate(b *testing.B, bytes int64) {
	b.SetBytes(bytes)
	b.ReportAllocs()
}

func BenchmarkEncode(b *testing.B) {
	fields, rec := wideRecord(b)
	l := NewLayout(fields)
	for _, codec := range allCodecs {
		b.Run(codec.String(), func(b *testing.B) {
			e := NewEncoder(l, EncoderOptions{Codec: codec})
			size, err := e.EstimatedSize(rec)
			require.NoError(b, err)
			var dst []byte
			reportRate(b, size)
			for b.Loop() {
				if dst, err = e.Encode(dst[:0], rec, EncodeInfo{}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(size)/float64(len(dst)), "ratio")
		})
	}
}

func BenchmarkValidate(b *testing.B) {
	fields, rec := wideRecord(b)
	l := NewLayout(fields)
	for _, codec := range allCodecs {
		for _, utf8 := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/utf8=%t", codec, utf8), func(b *testing.B) {
				batch := encode(b, l, codec, rec)
				h, err := ParseHeader(batch)
				require.NoError(b, err)
				reportRate(b, int64(h.UncompressedBytes))
				for b.Loop() {
					if _, err := Validate(l, batch, Limits{CheckUTF8: utf8}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	fields, rec := wideRecord(b)
	l := NewLayout(fields)
	for _, codec := range allCodecs {
		for _, validate := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/validate=%t", codec, validate), func(b *testing.B) {
				batch := encode(b, l, codec, rec)
				v, err := ParseView(batch, l)
				require.NoError(b, err)
				h := v.Header()
				var m Meta
				v.Meta(&m)
				reportRate(b, int64(h.UncompressedBytes))
				for b.Loop() {
					out, err := Decode(l, &m, batch[h.HeadBytes():], DecodeOptions{Validate: validate})
					if err != nil {
						b.Fatal(err)
					}
					out.Release()
				}
			})
		}
	}
}

func BenchmarkParseView(b *testing.B) {
	fields, rec := wideRecord(b)
	l := NewLayout(fields)
	batch := encode(b, l, None, rec)
	h, err := ParseHeader(batch)
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		v, err := ParseView(batch[:h.HeadBytes()], l)
		if err != nil || v.Columns() != len(fields) {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseMeta(b *testing.B) {
	fields, rec := wideRecord(b)
	batch := encode(b, NewLayout(fields), None, rec)
	h, err := ParseHeader(batch)
	require.NoError(b, err)
	foreign, _ := payload(b, rec)
	for name, meta := range map[string][]byte{"own": batch[HeaderSize : HeaderSize+h.MetadataBytes], "foreign": foreign} {
		b.Run(name, func(b *testing.B) {
			var m Meta
			b.ReportAllocs()
			for b.Loop() {
				if err := ParseMeta(meta, &m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppendMeta(b *testing.B) {
	fields, rec := wideRecord(b)
	l := NewLayout(fields)
	v, err := ParseView(encode(b, l, None, rec), l)
	require.NoError(b, err)
	var m Meta
	v.Meta(&m)
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = AppendMeta(dst[:0], &m)
	}
}

func BenchmarkMemcpyAndCRC(b *testing.B) {
	src, dst := make([]byte, 1<<20), make([]byte, 1<<20)
	b.Run("memcpy", func(b *testing.B) {
		b.SetBytes(1 << 20)
		for b.Loop() {
			copy(dst, src)
		}
	})
	b.Run("crc", func(b *testing.B) {
		b.SetBytes(1 << 20)
		for b.Loop() {
			CRC(src)
		}
	})
}
