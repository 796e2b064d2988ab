package row

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// benchColumns make rows of about 100 bytes.
const benchColumns = `id BIGINT NOT NULL, n INT, price DOUBLE, at TIMESTAMP(6), name STRING, note STRING`

const benchRows = 4096

// benchEncoded returns rows with the share of nulls.
func benchEncoded(b *testing.B, columns string, nulls float64) (*Format, [][]byte) {
	s := seeded(5)
	s.nulls = nulls
	f := NewFormat(schemaOf(b, 1, columns))
	rows := encodeAll(b, f, f.Schema().Columns, s.record(f.Schema().Columns, benchRows))
	builder := f.NewBuilder()
	total := 0
	for i := range rows {
		builder.Reset()
		for c := range f.Columns() {
			builder.Copy(rows[i], c)
		}
		if columns == benchColumns {
			builder.Set(4, s.bytes(10+s.IntN(10)))
			builder.Set(5, s.bytes(40+s.IntN(10)))
		}
		rows[i] = builder.Append(nil)
		total += len(rows[i])
	}
	b.SetBytes(int64(total / benchRows))
	b.ReportMetric(float64(total/benchRows), "B/row")
	return f, rows
}

func reportRows(b *testing.B) {
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrows/s")
	b.ReportAllocs()
}

func BenchmarkCollector(b *testing.B) {
	for _, bc := range []struct {
		name, columns string
		nulls         float64
	}{
		{"mixed", benchColumns, 0}, {"nulls", benchColumns, 0.2}, {"scalars", scalars, 0}, {"every", everyType, 0.1},
	} {
		b.Run(bc.name, func(b *testing.B) {
			f, rows := benchEncoded(b, bc.columns, bc.nulls)
			c := NewCollector(f.Schema().Columns)
			b.ResetTimer()
			for i := range b.N {
				if err := c.Add(f, rows[i%benchRows]); err != nil {
					b.Fatal(err)
				}
				if c.Bytes() > 1<<20 {
					c.Record().Release()
				}
			}
			reportRows(b)
		})
	}
}

// One row at a time, as a look-up answers it.
func BenchmarkCollectOne(b *testing.B) {
	f, rows := benchEncoded(b, benchColumns, 0)
	c := NewCollector(f.Schema().Columns)
	b.ResetTimer()
	for i := range b.N {
		if err := c.Add(f, rows[i%benchRows]); err != nil {
			b.Fatal(err)
		}
		c.Record().Release()
	}
	reportRows(b)
}

func BenchmarkEncoder(b *testing.B) {
	for _, bc := range []struct {
		name, columns string
		nulls         float64
	}{
		{"mixed", benchColumns, 0}, {"nulls", benchColumns, 0.2}, {"scalars", scalars, 0}, {"every", everyType, 0.1},
	} {
		b.Run(bc.name, func(b *testing.B) {
			f, rows := benchEncoded(b, bc.columns, bc.nulls)
			c := NewCollector(f.Schema().Columns)
			for _, r := range rows {
				require.NoError(b, c.Add(f, r))
			}
			e, err := f.NewEncoder(f.Schema().Columns)
			require.NoError(b, err)
			require.NoError(b, e.Bind(c.Record()))
			var dst []byte
			b.ResetTimer()
			for i := range b.N {
				if len(dst) > 1<<18 {
					dst = dst[:0]
				}
				dst = e.Append(dst, i%benchRows)
			}
			reportRows(b)
		})
	}
}

func BenchmarkBind(b *testing.B) {
	f := NewFormat(schemaOf(b, 1, benchColumns))
	rec := seeded(5).record(f.Schema().Columns, 1)
	e, err := f.NewEncoder(f.Schema().Columns)
	require.NoError(b, err)
	for range b.N {
		if err := e.Bind(rec); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
}

func BenchmarkUpgrade(b *testing.B) {
	f, rows := benchEncoded(b, benchColumns, 0)
	to := NewFormat(schemaOf(b, 2, `id BIGINT NOT NULL, n BIGINT, price DOUBLE, at TIMESTAMP(6), name STRING, note STRING, extra STRING`))
	var dst []byte
	b.ResetTimer()
	for i := range b.N {
		var err error
		if dst, err = to.Upgrade(dst[:0], f, rows[i%benchRows]); err != nil {
			b.Fatal(err)
		}
	}
	reportRows(b)
}

func BenchmarkBuilder(b *testing.B) {
	f, rows := benchEncoded(b, benchColumns, 0)
	builder := f.NewBuilder()
	var dst []byte
	b.ResetTimer()
	for i := range b.N {
		r := rows[i%benchRows]
		builder.Reset()
		for c := range f.Columns() {
			builder.Copy(r, c)
		}
		dst = builder.Append(dst[:0])
	}
	reportRows(b)
}

func BenchmarkCheck(b *testing.B) {
	f, rows := benchEncoded(b, benchColumns, 0)
	b.ResetTimer()
	for i := range b.N {
		if err := f.Check(rows[i%benchRows]); err != nil {
			b.Fatal(err)
		}
	}
	reportRows(b)
}
