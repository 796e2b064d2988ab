package sdk_test

import (
	"context"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/schema"
)

func benchmarkRows(n int) []wide {
	r := rand.New(rand.NewPCG(1, 1))
	text := make([]byte, 8<<10)
	for i := range text {
		text[i] = "abcdefghij klmnop"[r.IntN(17)]
	}
	rows := make([]wide, n)
	for i := range rows {
		s := func() string { k := r.IntN(7 << 10); return string(text[k : k+240]) }
		rows[i] = wide{1, 2, 3, int32(i), 4, 5, 6, int64(i), 1, 2, 3, 4, s(), s(), s(), s(), s(), s(), s(), s()}
	}
	return rows
}

type wide struct {
	I0 int32   `fluss:"i0"`
	I1 int32   `fluss:"i1"`
	I2 int32   `fluss:"i2"`
	I3 int32   `fluss:"i3"`
	L0 int64   `fluss:"l0"`
	L1 int64   `fluss:"l1"`
	L2 int64   `fluss:"l2"`
	L3 int64   `fluss:"l3"`
	D0 float64 `fluss:"d0"`
	D1 float64 `fluss:"d1"`
	D2 float64 `fluss:"d2"`
	D3 float64 `fluss:"d3"`
	S0 string  `fluss:"s0"`
	S1 string  `fluss:"s1"`
	S2 string  `fluss:"s2"`
	S3 string  `fluss:"s3"`
	S4 string  `fluss:"s4"`
	S5 string  `fluss:"s5"`
	S6 string  `fluss:"s6"`
	S7 string  `fluss:"s7"`
}

const wideColumns = "i0 INT, i1 INT, i2 INT, i3 INT, l0 BIGINT, l1 BIGINT, l2 BIGINT, l3 BIGINT, d0 DOUBLE, d1 DOUBLE, d2 DOUBLE, d3 DOUBLE, " +
	"s0 STRING, s1 STRING, s2 STRING, s3 STRING, s4 STRING, s5 STRING, s6 STRING, s7 STRING"

func cpuSeconds() float64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
}

func wideRecord(b *testing.B, rows []wide) arrow.RecordBatch {
	fields, err := schema.ParseColumns(wideColumns)
	require.NoError(b, err)
	r := array.NewRecordBuilder(memory.DefaultAllocator, schema.ArrowFields(fields))
	for i := range rows {
		w := &rows[i]
		for c, v := range []int32{w.I0, w.I1, w.I2, w.I3} {
			r.Field(c).(*array.Int32Builder).Append(v)
		}
		for c, v := range []int64{w.L0, w.L1, w.L2, w.L3} {
			r.Field(4 + c).(*array.Int64Builder).Append(v)
		}
		for c, v := range []float64{w.D0, w.D1, w.D2, w.D3} {
			r.Field(8 + c).(*array.Float64Builder).Append(v)
		}
		for c, v := range []string{w.S0, w.S1, w.S2, w.S3, w.S4, w.S5, w.S6, w.S7} {
			r.Field(12 + c).(*array.StringBuilder).Append(v)
		}
	}
	return r.NewRecordBatch()
}

// BenchmarkAppend writes rows of 20 columns and 2 KB to a server that forgets
// them, as Arrow batches of 1 MiB and as structs; cpu-s/GB is of client and server.
func BenchmarkAppend(b *testing.B) {
	rows := benchmarkRows(512)
	rec := wideRecord(b, rows)
	for _, codec := range []string{"NONE", "ZSTD"} {
		for _, form := range []string{"arrow", "structs", "hashed arrow", "hashed structs"} {
			b.Run(codec+"/"+form, func(b *testing.B) {
				f := newFake(b)
				f.forget = true
				var keys []string
				if strings.HasPrefix(form, "hashed") {
					keys = []string{"l3"}
				}
				f.create(b, "t", wideColumns, 4, keys, nil, map[string]string{"table.log.arrow.compression.type": codec})
				c := f.connect(b)
				a := open(b, c, "t")
				ctx := context.Background()
				before := cpuSeconds()
				n := 0
				for b.Loop() {
					n++
					if strings.HasSuffix(form, "arrow") {
						_, err := a.AppendBatch(ctx, rec)
						require.NoError(b, err)
						continue
					}
					for i := range rows {
						if _, err := a.Append(ctx, &rows[i]); err != nil {
							b.Fatal(err)
						}
					}
				}
				require.NoError(b, a.Flush(ctx))
				size := 512 * (4*4 + 8*8 + 8*244)
				b.SetBytes(int64(size))
				b.ReportMetric((cpuSeconds()-before)/(float64(n)*float64(size)/1e9), "cpu-s/GB")
			})
		}
	}
}
