package bench

import (
	"math/rand/v2"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/fluss-go/fluss/proto/errcode"
)

// Distribution says how often each key is chosen.
type Distribution string

// The distributions.
const (
	// Uniform chooses every key as often.
	Uniform Distribution = "uniform"
	// Zipf chooses the key of rank k with a weight of 1/k, nearly; hot keys lie apart.
	Zipf Distribution = "zipf"
)

// zipfExponent is the smallest that rand.Zipf works well with.
const zipfExponent = 1.01

// keyChooser chooses among the keys from 0. It is not safe for concurrent use.
type keyChooser struct {
	keys   uint64
	random *rand.Rand
	zipf   *rand.Zipf // nil for uniform
}

func newKeys(o Options, random *rand.Rand) (*keyChooser, error) {
	k := &keyChooser{keys: uint64(o.Keys), random: random} //nolint:gosec // positive
	switch o.Distribution {
	case Uniform:
	case Zipf:
		k.zipf = rand.NewZipf(random, zipfExponent, 1, k.keys-1)
	default:
		return nil, errcode.New(errcode.InvalidArgument, nil, "the distribution %q is not known: want zipf or uniform", o.Distribution)
	}
	return k, nil
}

// spread is a prime: multiplied with it, ranks that are neighbours become keys that are not.
const spread = 2_654_435_761

func (k *keyChooser) next() int64 {
	if k.zipf == nil {
		return int64(k.random.Uint64N(k.keys)) //nolint:gosec // o.Keys is an int64
	}
	return int64(k.zipf.Uint64() % k.keys * spread % k.keys) //nolint:gosec // o.Keys is an int64
}

// keyBatch returns the ids as a batch of keys, which the caller releases.
func keyBatch(ids []int64) arrow.RecordBatch {
	column := idColumn(ids)
	defer column.Release()
	fields := []arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64}}
	return array.NewRecordBatch(arrow.NewSchema(fields, nil), []arrow.Array{column}, int64(len(ids)))
}

// withKeys returns as many rows of rec as there are ids, with these in its first column.
func withKeys(rec arrow.RecordBatch, ids []int64) arrow.RecordBatch {
	n := int64(len(ids))
	cut := rec.NewSlice(0, n)
	defer cut.Release()
	column := idColumn(ids)
	defer column.Release()
	columns := append([]arrow.Array{column}, cut.Columns()[1:]...)
	return array.NewRecordBatch(rec.Schema(), columns, n)
}

// idColumn is an array over the slice itself.
func idColumn(ids []int64) arrow.Array {
	data := array.NewData(arrow.PrimitiveTypes.Int64, len(ids),
		[]*memory.Buffer{nil, memory.NewBufferBytes(arrow.Int64Traits.CastToBytes(ids))}, nil, 0, 0)
	defer data.Release()
	return array.NewInt64Data(data)
}
