package merge

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const benchColumns = "k BIGINT NOT NULL, n INT, price DOUBLE, seen TIMESTAMP(6), name STRING, note STRING"

// benchWorld has rows of about 100 bytes.
func benchWorld(b *testing.B, options ...string) (w *world, old, written []byte) {
	w = newWorld(b, benchColumns, options...)
	note := strings.Repeat("x", 45)
	return w, w.encode("1", "5", "1.5", "1000", "first name", note), w.encode("1", "6", "2.5", "2000", "other name", note)
}

func BenchmarkUpsert(b *testing.B) {
	aggregation := []string{"table.merge-engine=aggregation", "fields.n.agg=sum", "fields.price.agg=max", "fields.seen.agg=max"}
	for _, bc := range []struct {
		name    string
		options []string
		targets []string
	}{
		{"last row", nil, nil},
		{"last row, 2 columns", nil, []string{"n", "price"}},
		{"first row", []string{"table.merge-engine=first_row"}, nil},
		{"versioned", []string{"table.merge-engine=versioned", "table.merge-engine.versioned.ver-column=seen"}, nil},
		{"aggregation", aggregation, nil},
		{"aggregation, 2 columns", aggregation, []string{"n", "price"}},
	} {
		b.Run(bc.name, func(b *testing.B) {
			w, old, written := benchWorld(b, bc.options...)
			write := Write{}
			if bc.targets != nil {
				write.Targets = w.targets(bc.targets...)
			}
			s := w.session(write)
			dst := make([]byte, 0, 2*len(old))
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := s.Upsert(dst, old, written); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrows/s")
		})
	}
}

// The usual write allocates nothing, whatever the engine.
func TestAllocations(t *testing.T) {
	for _, options := range [][]string{
		nil,
		{"table.merge-engine=first_row"},
		{"table.merge-engine=versioned", "table.merge-engine.versioned.ver-column=n"},
		{"table.merge-engine=aggregation", "fields.n.agg=sum", "fields.shop.agg=listagg"},
	} {
		w := newWorld(t, stock, options...)
		old, written := w.encode("7", "Nice", "2", "1000"), w.encode("7", "Lyon", "3", "1000")
		s := w.session(Write{})
		dst := make([]byte, 0, 2*len(old))
		require.Zero(t, testing.AllocsPerRun(100, func() {
			_, _, err := s.Upsert(dst, old, written)
			require.NoError(t, err)
		}), "%v", options)
	}
}

// One value is added to a bitmap of many.
func BenchmarkBitmap(b *testing.B) {
	for _, bc := range []struct {
		name   string
		values int
		step   uint32
	}{{"100 values", 100, 7}, {"1 M values, dense", 1 << 20, 2}, {"1 M values, sparse", 1 << 20, 1000}} {
		b.Run(bc.name, func(b *testing.B) {
			values := make([]uint32, bc.values)
			for i := range values {
				values[i] = uint32(i) * bc.step
			}
			old, written := bitmap32(b, values...), bitmap32(b, 55)
			var u union
			b.SetBytes(int64(len(old)))
			b.ReportAllocs()
			for b.Loop() {
				if err := u.check(written, 32); err != nil {
					b.Fatal(err)
				}
				u.out = u.out[:0]
				if _, _, err := u.unite32(old, written); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
