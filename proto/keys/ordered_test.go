package keys

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/schema"
)

// keyVector is one row of testdata/ordered_keys.json: values as in vector, and the
// bytes of the key in hex. Rows of the same types follow each other in ascending
// order; a row that says so has the key of the one behind it.
type keyVector struct {
	Comment string            `json:"comment,omitempty"`
	Types   []string          `json:"types"`
	Values  []json.RawMessage `json:"values"`
	Key     string            `json:"key"`
}

// encodeOne returns the key of all columns of the only row of rec.
func encodeOne(t testing.TB, s *schema.Schema, rec arrow.RecordBatch) []byte {
	t.Helper()
	e, err := NewKeyEncoder(s.Columns, s.Names())
	require.NoError(t, err)
	var k Keys
	require.NoError(t, e.Encode(rec, &k))
	require.Equal(t, 1, k.Len())
	return k.At(0)
}

func TestKeyVectors(t *testing.T) {
	text, err := os.ReadFile("testdata/ordered_keys.json")
	require.NoError(t, err)
	var vectors []keyVector
	require.NoError(t, json.Unmarshal(text, &vectors))
	require.NotEmpty(t, vectors)
	for i := range vectors {
		v := &vectors[i]
		var columns, values []string
		for k, typ := range v.Types {
			name := string(rune('a' + k))
			columns, values = append(columns, name+" "+typ), append(values, `"`+name+`":`+string(v.Values[k]))
		}
		row := strings.Join(v.Types, ", ") + " " + string(bytes.Join(rawBytes(v.Values), []byte(", ")))
		s := schemaOf(t, strings.Join(columns, ","))
		got := encodeOne(t, s, recordOf(t, s, "[{"+strings.Join(values, ",")+"}]"))
		require.Equal(t, v.Key, hex.EncodeToString(got), row)
		if i == 0 || !slices.Equal(v.Types, vectors[i-1].Types) {
			continue
		}
		if vectors[i-1].Comment != "" {
			require.Equal(t, vectors[i-1].Key, v.Key, row)
		} else {
			require.Less(t, vectors[i-1].Key, v.Key, row)
		}
	}
}

func rawBytes(in []json.RawMessage) (out [][]byte) {
	for _, m := range in {
		out = append(out, m)
	}
	return out
}

// keyKinds makes random values for a column type: appended to the builder, and the
// value as EncodeValue takes it.
var keyKinds = map[string]func(rng *rand.Rand, b array.Builder) any{
	"BOOLEAN": func(rng *rand.Rand, b array.Builder) any {
		v := rng.IntN(2) == 0
		b.(*array.BooleanBuilder).Append(v)
		return v
	},
	"TINYINT": func(rng *rand.Rand, b array.Builder) any {
		v := int8(randomInt(rng))
		b.(*array.Int8Builder).Append(v)
		return int64(v)
	},
	"SMALLINT": func(rng *rand.Rand, b array.Builder) any {
		v := int16(randomInt(rng))
		b.(*array.Int16Builder).Append(v)
		return int64(v)
	},
	"INT": func(rng *rand.Rand, b array.Builder) any {
		v := int32(randomInt(rng))
		b.(*array.Int32Builder).Append(v)
		return int64(v)
	},
	"BIGINT": func(rng *rand.Rand, b array.Builder) any {
		v := randomInt(rng)
		b.(*array.Int64Builder).Append(v)
		return v
	},
	"DATE": func(rng *rand.Rand, b array.Builder) any {
		v := int32(randomInt(rng))
		b.(*array.Date32Builder).Append(arrow.Date32(v))
		return int64(v)
	},
	"TIME(3)": func(rng *rand.Rand, b array.Builder) any {
		v := int32(randomInt(rng))
		b.(*array.Time32Builder).Append(arrow.Time32(v))
		return int64(v)
	},
	"TIME(6)": func(rng *rand.Rand, b array.Builder) any {
		v := randomInt(rng)
		b.(*array.Time64Builder).Append(arrow.Time64(v))
		return v
	},
	"TIMESTAMP(3)": func(rng *rand.Rand, b array.Builder) any {
		v := randomInt(rng)
		b.(*array.TimestampBuilder).Append(arrow.Timestamp(v))
		return v
	},
	"TIMESTAMP_LTZ(9)": func(rng *rand.Rand, b array.Builder) any {
		v := randomInt(rng)
		b.(*array.TimestampBuilder).Append(arrow.Timestamp(v))
		return v
	},
	"FLOAT": func(rng *rand.Rand, b array.Builder) any {
		v := float32(randomFloat(rng))
		b.(*array.Float32Builder).Append(v)
		return float64(v)
	},
	"DOUBLE": func(rng *rand.Rand, b array.Builder) any {
		v := randomFloat(rng)
		b.(*array.Float64Builder).Append(v)
		return v
	},
	"DECIMAL(38, 5)": func(rng *rand.Rand, b array.Builder) any {
		v := decimal128.New(randomInt(rng)>>rng.IntN(64), uint64(randomInt(rng)))
		b.(*array.Decimal128Builder).Append(v)
		return v
	},
	"STRING": func(rng *rand.Rand, b array.Builder) any {
		v := string(randomBytes(rng, rng.IntN(5)))
		b.(*array.StringBuilder).Append(v)
		return v
	},
	"CHAR(9)": func(rng *rand.Rand, b array.Builder) any {
		v := strings.Repeat("ä", rng.IntN(4))
		b.(*array.StringBuilder).Append(v)
		return v
	},
	"BYTES": func(rng *rand.Rand, b array.Builder) any {
		v := randomBytes(rng, rng.IntN(5))
		b.(*array.BinaryBuilder).Append(v)
		return v
	},
	"BINARY(3)": func(rng *rand.Rand, b array.Builder) any {
		v := randomBytes(rng, 3)
		b.(*array.FixedSizeBinaryBuilder).Append(v)
		return v
	},
}

// randomInt returns numbers of all sizes, and often the same small ones.
func randomInt(rng *rand.Rand) int64 { return int64(rng.Uint64()) >> rng.IntN(64) }

func randomFloat(rng *rand.Rand) float64 {
	if special := []float64{0, math.Copysign(0, -1), math.NaN(), -math.NaN(), math.Inf(1), math.Inf(-1)}; rng.IntN(3) == 0 {
		return special[rng.IntN(len(special))]
	}
	return math.Float64frombits(rng.Uint64())
}

func randomBytes(rng *rand.Rand, n int) []byte {
	out := make([]byte, n)
	for i := range out {
		out[i] = []byte{0, 0, 1, 'a', 0xfe, 0xff}[rng.IntN(6)]
	}
	return out
}

// compareValues is the order that keys must have.
func compareValues(a, b any) int {
	switch a := a.(type) {
	case bool:
		return int(boolByte(a)) - int(boolByte(b.(bool)))
	case int64:
		return cmp.Compare(a, b.(int64))
	case float64:
		b := b.(float64)
		switch {
		case math.IsNaN(a) && math.IsNaN(b):
			return 0
		case math.IsNaN(a):
			return 1
		case math.IsNaN(b):
			return -1
		}
		return cmp.Compare(a, b)
	case decimal128.Num:
		return a.Cmp(b.(decimal128.Num))
	case string:
		return strings.Compare(a, b.(string))
	default:
		return bytes.Compare(a.([]byte), b.([]byte))
	}
}

// TestKeysCompareAsValues makes random keys of random columns: each pair compares
// as the values do, the beginnings of a key are what encoders of fewer columns and
// EncodeValue make, and no key is a prefix of another.
func TestKeysCompareAsValues(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	kinds := slices.Sorted(func(yield func(string) bool) {
		for k := range keyKinds {
			if !yield(k) {
				return
			}
		}
	})
	const rows = 40
	for round := range 300 {
		types := []string{kinds[round%len(kinds)]}
		for rng.IntN(2) == 0 {
			types = append(types, kinds[rng.IntN(len(kinds))])
		}
		var columns []string
		for i, typ := range types {
			columns = append(columns, fmt.Sprintf("c%d %s", i, typ))
		}
		s := schemaOf(t, "extra INT,"+strings.Join(columns, ","))
		b := array.NewRecordBuilder(memory.DefaultAllocator, s.Arrow())
		values := make([][]any, rows)
		for i := range rows {
			b.Field(0).AppendNull()
			for k, typ := range types {
				values[i] = append(values[i], keyKinds[typ](rng, b.Field(k+1)))
			}
		}
		checkOrder(t, s, b.NewRecordBatch().NewSlice(3, rows), values[3:])
	}
}

func checkOrder(t *testing.T, s *schema.Schema, rec arrow.RecordBatch, values [][]any) {
	t.Helper()
	names := s.Names()[1:]
	prefixes := make([]Keys, len(names))
	for n := range names {
		e, err := NewKeyEncoder(s.Columns, names[:n+1])
		require.NoError(t, err)
		require.NoError(t, e.Encode(rec, &prefixes[n]))
		require.Equal(t, len(values), prefixes[n].Len())
	}
	all := &prefixes[len(names)-1]
	for i := range values {
		var whole []byte
		for n := range names {
			var err error
			whole, err = EncodeValue(whole, s.Columns[n+1].Type, values[i][n])
			require.NoError(t, err)
			require.Equal(t, whole, prefixes[n].At(i), "%v", values[i][:n+1])
		}
		for k := range values {
			want := 0
			for n := 0; n < len(names) && want == 0; n++ {
				want = compareValues(values[i][n], values[k][n])
			}
			require.Equal(t, sign(want), bytes.Compare(all.At(i), all.At(k)), "%v %v", values[i], values[k])
			require.True(t, want == 0 || !bytes.HasPrefix(all.At(i), all.At(k)), "%v %v", values[i], values[k])
			in := bytes.Compare(all.At(k), prefixes[0].At(i)) >= 0
			if after := After(prefixes[0].At(i)); after != nil {
				in = in && bytes.Compare(all.At(k), after) < 0
			}
			require.Equal(t, compareValues(values[i][0], values[k][0]) == 0, in, "the range of a prefix")
		}
	}
}

func sign(n int) int { return cmp.Compare(n, 0) }

func TestNewKeyEncoderRefuses(t *testing.T) {
	fields := schemaOf(t, "id INT, l ARRAY<INT>").Columns
	for _, tc := range []struct {
		name string
		keys []string
		code errcode.Code
		want string
	}{
		{"no column", nil, errcode.InvalidArgument, "at least one"},
		{"an unknown column", []string{"idd"}, errcode.UnknownColumn, `did you mean "id"?`},
		{"a nested column", []string{"id", "l"}, errcode.InvalidSchema, `"l" is ARRAY<INT>`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := NewKeyEncoder(fields, tc.keys)
			require.Equal(t, tc.code, errcode.Of(err))
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func TestEncodeRefuses(t *testing.T) {
	s := schemaOf(t, "v STRING, a INT, b TIMESTAMP(3)")
	e, err := NewKeyEncoder(s.Columns, []string{"a", "b"})
	require.NoError(t, err)
	var k Keys
	good := recordOf(t, s, `[{"a": 1, "b": "2026-01-01T00:00:00"}]`)
	require.NoError(t, e.Encode(good, &k))
	before := slices.Clone(k.At(0))
	for _, tc := range []struct {
		name, columns, rows string
		want                string
		facts               map[string]string
	}{
		{"null", "v STRING, a INT, b TIMESTAMP(3)", `[{"a":1,"b":"2026-01-01T00:00:00"},{"a":2,"b":"2026-01-01T00:00:00"},{"a":3}]`,
			`row 2: column "b" of the primary key is null`, map[string]string{"column": "b", "row": "2"}},
		{"another type", "v STRING, a BIGINT, b TIMESTAMP(3)", `[{"a":1}]`, `column "a" is of the Arrow type int64 and the table wants INT`,
			map[string]string{"column": "a"}},
		{"another unit", "v STRING, a INT, b TIMESTAMP(6)", `[{"a":1}]`, `column "b" is of the Arrow type timestamp[us]`, map[string]string{"column": "b"}},
		{"too few columns", "v STRING, a INT", `[{"a":1}]`, `lacks column "b"`, map[string]string{"column": "b"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := e.Encode(recordOf(t, schemaOf(t, tc.columns), tc.rows), &k)
			require.Equal(t, errcode.InvalidBatch, errcode.Of(err))
			require.ErrorContains(t, err, tc.want)
			require.Equal(t, tc.facts, errcode.From(err).Facts)
			require.Equal(t, 1, k.Len())
			require.Equal(t, before, k.At(0))
		})
	}
	require.NoError(t, e.Encode(good, &k), "appended")
	require.Equal(t, 2, k.Len())
	require.Equal(t, before, k.At(1))
	k.Reset()
	require.Zero(t, k.Len())
	require.NoError(t, e.Encode(good.NewSlice(0, 0), &k), "no rows")
	require.Zero(t, k.Len())
}

func TestAfter(t *testing.T) {
	for in, want := range map[string]string{"": "", "00": "01", "61ff": "62", "ff": "", "ffff": "", "fffe": "ffff", "00ffff": "01"} {
		b, err := hex.DecodeString(in)
		require.NoError(t, err)
		got := After(b)
		require.Equal(t, want, hex.EncodeToString(got), in)
		require.Equal(t, want == "", got == nil)
		require.Equal(t, in, hex.EncodeToString(b), "not written to")
	}
}

func TestEncodeValueRefuses(t *testing.T) {
	for _, tc := range []struct {
		typ string
		v   any
	}{
		{"TINYINT", int64(128)}, {"TINYINT", int64(-129)}, {"SMALLINT", int64(1 << 15)}, {"INT", int64(1 << 31)}, {"DATE", int64(-1<<31 - 1)},
		{"TIME(3)", int64(1 << 31)}, {"INT", 1}, {"INT", "1"}, {"INT", nil}, {"BOOLEAN", int64(1)}, {"STRING", int64(1)}, {"STRING", true},
		{"BIGINT", 1.0}, {"FLOAT", 0.1}, {"FLOAT", int64(1)}, {"DOUBLE", decimal128.FromI64(1)}, {"DECIMAL(5, 2)", 1.0}, {"DECIMAL(5, 2)", "1"},
		{"ARRAY<INT>", int64(1)}, {"INT", []byte("1")},
	} {
		typ, err := schema.ParseType(tc.typ)
		require.NoError(t, err)
		got, err := EncodeValue([]byte("x"), typ, tc.v)
		require.Equal(t, errcode.InvalidArgument, errcode.Of(err), "%s %v", tc.typ, tc.v)
		require.ErrorContains(t, err, tc.typ)
		require.Equal(t, "x", string(got))
	}
}

// FuzzKeys compares the keys of two rows of two texts and a number.
func FuzzKeys(f *testing.F) {
	f.Add([]byte("a"), []byte(""), int64(1), []byte("a\x00"), []byte("b"), int64(-1))
	f.Add([]byte("\x00\x01"), []byte("\xff"), int64(0), []byte("\x00"), []byte("\x01\xff"), int64(0))
	s := schemaOf(f, "a BYTES, b STRING, c BIGINT")
	e, err := NewKeyEncoder(s.Columns, []string{"a", "b", "c"})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, a1, b1 []byte, c1 int64, a2, b2 []byte, c2 int64) {
		b := array.NewRecordBuilder(memory.DefaultAllocator, s.Arrow())
		b.Field(0).(*array.BinaryBuilder).Append(a1)
		b.Field(0).(*array.BinaryBuilder).Append(a2)
		b.Field(1).(*array.StringBuilder).Append(string(b1))
		b.Field(1).(*array.StringBuilder).Append(string(b2))
		b.Field(2).(*array.Int64Builder).AppendValues([]int64{c1, c2}, nil)
		var k Keys
		require.NoError(t, e.Encode(b.NewRecordBatch(), &k))
		want := cmp.Or(bytes.Compare(a1, a2), bytes.Compare(b1, b2), cmp.Compare(c1, c2))
		require.Equal(t, want, bytes.Compare(k.At(0), k.At(1)))
		prefix, err := EncodeValue(nil, s.Columns[0].Type, a1)
		require.NoError(t, err)
		require.Equal(t, bytes.Equal(a1, a2), bytes.HasPrefix(k.At(1), prefix))
		after := After(prefix)
		require.Equal(t, bytes.Compare(a1, a2) < 0, bytes.Compare(k.At(1), after) >= 0)
	})
}

func BenchmarkEncode(b *testing.B) {
	s := schemaOf(b, "id BIGINT NOT NULL, shop INT NOT NULL, name STRING NOT NULL")
	builder := array.NewRecordBuilder(memory.DefaultAllocator, s.Arrow())
	const rows = 10000
	for i := range rows {
		builder.Field(0).(*array.Int64Builder).Append(int64(i))
		builder.Field(1).(*array.Int32Builder).Append(int32(i % 100))
		builder.Field(2).(*array.StringBuilder).Append(fmt.Sprintf("customer-%07d", i))
	}
	rec := builder.NewRecordBatch()
	for _, key := range []string{"id", "name", "shop,name,id"} {
		b.Run(key, func(b *testing.B) {
			e, err := NewKeyEncoder(s.Columns, strings.Split(key, ","))
			require.NoError(b, err)
			var k Keys
			b.ReportAllocs()
			for b.Loop() {
				k.Reset()
				require.NoError(b, e.Encode(rec, &k))
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
		})
	}
}
