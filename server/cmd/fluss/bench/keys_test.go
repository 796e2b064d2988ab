package bench

import (
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/stretchr/testify/require"
)

func TestKeysStayInRangeAndFollowTheirDistribution(t *testing.T) {
	const keys, draws = 1000, 100_000
	for _, tc := range []struct {
		d Distribution
		// least and most are how often the most frequent key comes.
		least, most int
	}{{Uniform, draws / keys, draws / keys * 2}, {Zipf, draws / 20, draws / 2}} {
		k, err := newKeys(Options{Keys: keys, Distribution: tc.d}, rand.New(rand.NewPCG(1, 1)))
		require.NoError(t, err)
		counts := make([]int, keys)
		for range draws {
			counts[k.next()]++ // panics out of range
		}
		most, different := 0, 0
		for _, n := range counts {
			most = max(most, n)
			if n > 0 {
				different++
			}
		}
		require.GreaterOrEqual(t, most, tc.least, tc.d)
		require.LessOrEqual(t, most, tc.most, tc.d)
		require.Greater(t, different, keys*9/10, tc.d)
	}
	_, err := newKeys(Options{Keys: 1, Distribution: "normal"}, nil)
	require.ErrorContains(t, err, "zipf or uniform")
	one, err := newKeys(Options{Keys: 1, Distribution: Zipf}, rand.New(rand.NewPCG(1, 1)))
	require.NoError(t, err)
	require.Zero(t, one.next())
}

func TestChangesKeepTheirMix(t *testing.T) {
	c, err := newChanges(Options{
		Keys: 500, Rows: 10_000, BatchRows: 100, Distribution: Zipf, Updates: 80, Inserts: 10, ValueBytes: 20, Seed: 7,
	})
	require.NoError(t, err)
	var kinds [3]int
	fresh := int64(500)
	for range 200 { // twice round
		for _, change := range c.take(100) {
			kinds[change.kind]++
			if change.kind == changeInsert {
				require.Equal(t, fresh, change.id, "keys of inserts were never there")
				fresh++
			} else {
				require.Less(t, change.id, int64(500))
			}
		}
	}
	require.InDelta(t, 16_000, kinds[changeUpdate], 500)
	require.InDelta(t, 2_000, kinds[changeInsert], 300)
	require.InDelta(t, 2_000, kinds[changeDelete], 300)
}

func TestBatchesOfKeys(t *testing.T) {
	g, err := NewGenerator(Keyed, 1)
	require.NoError(t, err)
	g.valueBytes = 20
	rec := g.Batch(5)
	defer rec.Release()
	cut := withKeys(rec, []int64{7, 9})
	defer cut.Release()
	require.EqualValues(t, 2, cut.NumRows())
	require.Equal(t, []int64{7, 9}, cut.Column(0).(*array.Int64).Int64Values())
	require.Len(t, cut.Column(2).(*array.String).Value(1), 20)
	require.Equal(t, rec.Column(2).ValueStr(1), cut.Column(2).ValueStr(1))
	only := keyBatch([]int64{3})
	defer only.Release()
	require.Equal(t, "id", only.ColumnName(0))
	require.Equal(t, []int64{3}, only.Column(0).(*array.Int64).Int64Values())
}
