package keys

import (
	"encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"
	"github.com/twmb/murmur3"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/schema"
)

// vector is one row of testdata/bucket_hash.json: values as JSON that Arrow
// reads for the type (bytes in base64, times as text), their hash, and the
// bucket for some numbers of buckets.
type vector struct {
	Comment string            `json:"comment,omitempty"`
	Types   []string          `json:"types"`
	Values  []json.RawMessage `json:"values"`
	Hash    int32             `json:"hash"`
	Buckets map[int]int32     `json:"buckets"`
}

func schemaOf(t testing.TB, columns string) *schema.Schema {
	fields, err := schema.ParseColumns(columns)
	require.NoError(t, err)
	s, err := schema.New(fields, nil)
	require.NoError(t, err)
	return s
}

func recordOf(t testing.TB, s *schema.Schema, rows string) arrow.RecordBatch {
	rec, _, err := array.RecordFromJSON(memory.DefaultAllocator, s.Arrow(), strings.NewReader(rows))
	require.NoError(t, err)
	return rec
}

func TestBucketVectors(t *testing.T) {
	text, err := os.ReadFile("testdata/bucket_hash.json")
	require.NoError(t, err)
	var vectors []vector
	require.NoError(t, json.Unmarshal(text, &vectors))
	require.NotEmpty(t, vectors)
	for i := range vectors {
		v := &vectors[i]
		t.Run(strings.Join(v.Types, ",")+" "+v.Comment, func(t *testing.T) {
			var columns, names, values []string
			for k, typ := range v.Types {
				name := string(rune('a' + k))
				columns, names = append(columns, name+" "+typ), append(names, name)
				values = append(values, `"`+name+`":`+string(v.Values[k]))
			}
			s := schemaOf(t, strings.Join(columns, ","))
			rec := recordOf(t, s, "[{"+strings.Join(values, ",")+"}]")
			h, err := NewHasher(s, names)
			require.NoError(t, err)
			got, err := h.Buckets(rec, 1<<30, nil)
			require.NoError(t, err)
			require.Equal(t, v.Hash&(1<<30-1), got[0], "hash %d", v.Hash)
			for n, want := range v.Buckets {
				got, err := h.Buckets(rec, n, got)
				require.NoError(t, err)
				require.Equal(t, want, got[0], "%d buckets", n)
				require.Equal(t, (v.Hash&0x7fffffff)%int32(n), want)
			}
		})
	}
}

func TestMurmur(t *testing.T) {
	for n := range 40 {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(rand.Uint32())
		}
		require.Equal(t, murmur3.Sum32(b), hashBytes(b), "%x", b)
	}
	uuid, err := hex.DecodeString("f79c3e09677c4bbda4793f349cb785e7")
	require.NoError(t, err)
	require.Equal(t, int32(1488055340), int32(hashBytes(uuid)))
}

func TestHasherRefuses(t *testing.T) {
	s := schemaOf(t, "a INT, l ARRAY<INT>")
	for _, tc := range []struct {
		name string
		keys []string
		code errcode.Code
	}{
		{"no column", nil, errcode.InvalidArgument},
		{"an unknown column", []string{"x"}, errcode.UnknownColumn},
		{"a nested column", []string{"l"}, errcode.InvalidSchema},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := NewHasher(s, tc.keys)
			require.Equal(t, tc.code, errcode.Of(err))
		})
	}
	h, err := NewHasher(s, []string{"a"})
	require.NoError(t, err)
	_, err = h.Buckets(recordOf(t, schemaOf(t, "a ARRAY<INT>"), "[{}]"), 3, nil)
	require.Equal(t, errcode.InvalidBatch, errcode.Of(err))
}

const splitColumns = `i INT, s STRING, b BOOLEAN, x BINARY(3), d DECIMAL(20, 2), l ARRAY<STRING>, m MAP<STRING, INT>,
	r ROW<y BIGINT, z ARRAY<BOOLEAN>>, n BYTES`

const splitRows = `[
	{"i":1,"s":"one","b":true,"x":"AAEC","d":"1.25","l":["a",null,"c"],"m":[{"key":"k","value":1}],"r":{"y":5,"z":[true,false]},"n":"AQ=="},
	{"i":2,"s":null,"b":false,"x":null,"d":null,"l":null,"m":null,"r":null,"n":null},
	{"i":null,"s":"","b":null,"x":"AwQF","d":"-7.00","l":[],"m":[],"r":{"y":null,"z":null},"n":""},
	{"i":4,"s":"four","b":true,"x":"BgcI","d":"0.01","l":["d"],"m":[{"key":"a","value":null},{"key":"b","value":2}],"r":{"y":6,"z":[null]},"n":"AgM="},
	{"i":5,"s":"fünf","b":true,"x":"CQoL","d":"9.99","l":["e","f"],"m":null,"r":{"y":7,"z":[]},"n":"BA=="}]`

// TestSplit splits random slices of repeated rows and compares each part row by row.
func TestSplit(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	s := schemaOf(t, splitColumns)
	rows := strings.TrimSuffix(strings.TrimPrefix(splitRows, "["), "]")
	whole := recordOf(t, s, "["+strings.Repeat(rows+",", 19)+rows+"]")
	for range 200 {
		from := rng.IntN(int(whole.NumRows()))
		rec := whole.NewSlice(int64(from), int64(from)+int64(rng.IntN(int(whole.NumRows())-from+1)))
		buckets := make([]int32, rec.NumRows())
		n := 1 + rng.IntN(5)
		for i := range buckets {
			buckets[i] = int32(rng.IntN(n)) * 3
		}
		parts, err := SplitByBucket(rec, buckets)
		require.NoError(t, err)
		last, total := int32(-1), int64(0)
		for _, p := range parts {
			require.Greater(t, p.Bucket, last)
			last, total = p.Bucket, total+p.Rec.NumRows()
			at := int64(0)
			for i, b := range buckets {
				if b == p.Bucket {
					require.True(t, array.RecordEqual(rec.NewSlice(int64(i), int64(i)+1), p.Rec.NewSlice(at, at+1)), "row %d", i)
					at++
				}
			}
			require.Equal(t, at, p.Rec.NumRows())
			p.Rec.Release()
		}
		require.Equal(t, rec.NumRows(), total)
	}
	_, err := SplitByBucket(whole, make([]int32, 3))
	require.Equal(t, errcode.InvalidArgument, errcode.Of(err))
	bad := make([]int32, whole.NumRows())
	bad[7] = -1
	_, err = SplitByBucket(whole, bad)
	require.Equal(t, errcode.InvalidArgument, errcode.Of(err))
}

func BenchmarkBuckets(b *testing.B) {
	s := schemaOf(b, "id BIGINT NOT NULL, name STRING")
	builder := array.NewRecordBuilder(memory.DefaultAllocator, s.Arrow())
	for i := range 10000 {
		builder.Field(0).(*array.Int64Builder).Append(int64(i))
		builder.Field(1).(*array.StringBuilder).Append("customer-name")
	}
	rec := builder.NewRecordBatch()
	for _, key := range []string{"id", "name", "id,name"} {
		h, err := NewHasher(s, strings.Split(key, ","))
		require.NoError(b, err)
		b.Run(key, func(b *testing.B) {
			var dst []int32
			for b.Loop() {
				dst, _ = h.Buckets(rec, 12, dst)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1e4, "ns/row")
		})
	}
	h, err := NewHasher(s, []string{"id"})
	require.NoError(b, err)
	buckets, err := h.Buckets(rec, 12, nil)
	require.NoError(b, err)
	b.Run("split", func(b *testing.B) {
		for b.Loop() {
			_, _ = SplitByBucket(rec, buckets)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1e4, "ns/row")
	})
}
