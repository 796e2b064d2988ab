package row

import (
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/schema"
)

// versions returns two versions of a schema between which columns were widened,
// dropped, added, renamed, moved and made nullable.
func versions(t testing.TB) (before, after *Format) {
	old := schemaOf(t, 1, `id BIGINT NOT NULL, a1 TINYINT, a2 TINYINT, a3 TINYINT, b1 SMALLINT, b2 SMALLINT, c INT NOT NULL,
		f FLOAT, d DECIMAL(9, 2), ch CHAR(3), bin BINARY(4), gone STRING, gone2 INT, same STRING, list ARRAY<INT NOT NULL>`)
	wide := schemaOf(t, 2, `id BIGINT NOT NULL, a1 SMALLINT, a2 INT, a3 BIGINT, b1 INT, b2 BIGINT, c BIGINT,
		f DOUBLE, d DECIMAL(30, 2), ch STRING, bin BYTES, gone STRING, gone2 INT, renamed STRING, list ARRAY<INT>`)
	added := schemaOf(t, 2, `x STRING, y INT, z ARRAY<INT>, w BOOLEAN`).Columns
	for i := range added {
		added[i].ID += 100
	}
	columns := append([]schema.Field{added[0], added[1]}, wide.Columns...)
	columns = append(columns, added[2:]...)
	kept := columns[:0:0]
	for _, c := range columns {
		if !strings.HasPrefix(c.Name, "gone") {
			kept = append(kept, c)
		}
	}
	kept[2], kept[7] = kept[7], kept[2]
	return NewFormat(old), NewFormat(&schema.Schema{ID: 2, Columns: kept, HighestFieldID: 200})
}

// Upgrade, an encoder of old columns, and a collector of new ones say the same.
func TestVersionsAgree(t *testing.T) {
	s := newMaker(t)
	before, after := versions(t)
	old, fields := before.Schema().Columns, after.Schema().Columns
	mixed, upgraded := NewCollector(fields), NewCollector(fields)
	for range 20 {
		rec := s.sliced(old, 100)
		was, is := encodeAll(t, before, old, rec), encodeAll(t, after, old, rec)
		for i := range was {
			r, err := after.Upgrade([]byte("x"), before, was[i])
			require.NoError(t, err)
			r = r[1:]
			require.Equal(t, is[i], r)
			require.NoError(t, after.Check(r))
			same, err := after.Upgrade(nil, after, r)
			require.NoError(t, err)
			require.Equal(t, r, same)
			require.NoError(t, upgraded.Add(after, r))
			if i%2 == 0 {
				require.NoError(t, mixed.Add(before, was[i]))
			} else {
				require.NoError(t, mixed.Add(after, r))
			}
		}
		want, got := upgraded.Record(), mixed.Record()
		requireSame(t, want, got)
		require.EqualValues(t, 100, got.Column(0).NullN())
		want.Release()
		got.Release()
	}
}

// What conversions make of values, once written down.
func TestConversions(t *testing.T) {
	before, after := versions(t)
	arrow := before.Schema().Arrow()
	rec, _, err := array.RecordFromJSON(memory.DefaultAllocator, arrow, strings.NewReader(
		`[{"id": 7, "a1": -5, "a2": 127, "a3": -128, "b1": -32768, "b2": -2, "c": -2147483648, "f": 0.5, "d": "-3.25",
		   "ch": "äb", "bin": "AQIDBA==", "gone": "g", "gone2": 1, "same": "s", "list": [1, -2]}]`))
	require.NoError(t, err)
	c := NewCollector(after.Schema().Columns)
	require.NoError(t, c.Add(before, encodeAll(t, before, before.Schema().Columns, rec)[0]))
	out, err := c.Record().MarshalJSON()
	require.NoError(t, err)
	require.JSONEq(t, `[{"x": null, "y": null, "id": 7, "a1": -5, "a2": 127, "a3": -128, "b1": -32768, "b2": -2, "c": -2147483648, "f": 0.5,
		"d": "-3.25", "ch": "äb", "bin": "AQIDBA==", "renamed": "s", "list": [1, -2], "z": null, "w": null}]`, string(out))
}

// Many old versions: plans are kept, and not for ever.
func TestManyVersions(t *testing.T) {
	to := NewFormat(schemaOf(t, 100, `a INT, b STRING`))
	c := NewCollector(to.Schema().Columns)
	for i := range 3 * maxUpgrades {
		from := NewFormat(schemaOf(t, ids.SchemaID(i+1), `a INT`))
		for range 2 {
			r, err := to.Upgrade(nil, from, from.NewBuilder().Append(nil))
			require.NoError(t, err)
			require.NoError(t, c.Add(to, r))
		}
		require.NoError(t, c.Add(from, from.NewBuilder().Append(nil)))
	}
	require.LessOrEqual(t, len(*to.upgrades.Load()), maxUpgrades)
	require.LessOrEqual(t, len(c.plans), maxPlans)
	require.Equal(t, 9*maxUpgrades, c.Rows())
}

func TestTypesThatDoNotWiden(t *testing.T) {
	wide, narrow := NewFormat(schemaOf(t, 1, `a BIGINT, s STRING`)), NewFormat(schemaOf(t, 2, `a INT, s STRING`))
	r := wide.NewBuilder().Append(nil)

	_, err := narrow.Upgrade(nil, wide, r)
	requireError(t, err, errcode.Internal, `column "a" of stored rows is BIGINT, which cannot be read as INT`)

	c := NewCollector(narrow.Schema().Columns)
	requireError(t, c.Add(wide, r), errcode.Internal, `column "a"`)
	require.NoError(t, c.Add(narrow, narrow.NewBuilder().Append(nil)))
	require.Equal(t, 1, c.Rows())

	_, err = narrow.NewEncoder(wide.Schema().Columns)
	requireError(t, err, errcode.InvalidBatch, `column "a" is BIGINT in the batch, which cannot become INT`)
}

func requireError(t *testing.T, err error, code errcode.Code, text string) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, code, errcode.Of(err), err)
	require.ErrorContains(t, err, text)
}
