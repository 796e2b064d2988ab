package merge

import (
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/stretchr/testify/require"

	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/proto/table"
	"github.com/fluss-go/fluss/server/row"
)

// null is a null among the texts of a row.
const null = "null"

// world is a table with a row in it.
type world struct {
	testing.TB
	merger *Merger
	format *row.Format
	row    []byte
}

// newWorld makes a table whose key is its first column. Options are given as
// name=value; those that do not start with "table." are custom properties.
func newWorld(t testing.TB, columns string, options ...string) *world {
	t.Helper()
	fields, err := schema.ParseColumns(columns)
	require.NoError(t, err)
	d := &table.Descriptor{
		Schema:     &schema.Schema{Columns: fields, PrimaryKey: []string{fields[0].Name}},
		Properties: map[string]string{}, Custom: map[string]string{},
	}
	for _, o := range options {
		name, value, _ := strings.Cut(o, "=")
		if strings.HasPrefix(name, table.OptionPrefix) {
			d.Properties[name] = value
		} else {
			d.Custom[name] = value
		}
	}
	d, err = d.Normalize(1, table.Limits{})
	require.NoError(t, err)
	info, err := table.NewInfo(&flussv1.TableInfo{
		Path: table.Path{Database: "shop", Table: "t"}.Proto(), TableId: 1, Descriptor_: d.Proto(),
	})
	require.NoError(t, err)
	f := row.NewFormat(info.Schema())
	m, err := New(info, f)
	require.NoError(t, err)
	return &world{TB: t, merger: m, format: f}
}

// aggregating makes a table k, v with the engine AGGREGATION.
func aggregating(t testing.TB, typ, function string) *world {
	return newWorld(t, "k INT NOT NULL, v "+typ, "table.merge-engine=aggregation", "fields.v.agg="+function)
}

func (w *world) session(write Write) *Session {
	w.Helper()
	s, err := w.merger.NewSession(write)
	require.NoError(w, err)
	return s
}

// targets returns the places of columns.
func (w *world) targets(names ...string) []int {
	out := []int{}
	for _, n := range names {
		i, ok := w.format.Schema().Index(n)
		require.True(w, ok, "column %s", n)
		out = append(out, i)
	}
	return out
}

// encode makes a row of texts, one a column.
func (w *world) encode(values ...string) []byte {
	w.Helper()
	require.Len(w, values, w.format.Columns())
	b := w.format.NewBuilder()
	for i, v := range values {
		if v != null {
			b.Set(i, value(w, w.format.Schema().Columns[i].Type, v))
		}
	}
	return b.Append(nil)
}

// decode is the reverse of encode, with spaces between.
func (w *world) decode(r []byte) string {
	w.Helper()
	if r == nil {
		return "none"
	}
	require.NoError(w, w.format.Check(r))
	var out []string
	for i, c := range w.format.Schema().Columns {
		if w.format.Null(r, i) {
			out = append(out, null)
		} else {
			out = append(out, text(c.Type, w.format.Value(r, i)))
		}
	}
	return strings.Join(out, " ")
}

// upsert writes a row and returns what became of the one under the key.
func (w *world) upsert(s *Session, values ...string) string {
	w.Helper()
	out, o, err := s.Upsert(nil, w.row, w.encode(values...))
	return w.apply(out, o, err)
}

func (w *world) delete(s *Session) string {
	w.Helper()
	out, o, err := s.Delete(nil, w.row)
	return w.apply(out, o, err)
}

func (w *world) apply(out []byte, o Outcome, err error) string {
	w.Helper()
	if err != nil {
		require.Nil(w, out)
		return err.Error()
	}
	switch o {
	case Put:
		w.row = out
	case Remove:
		require.Nil(w, out)
		w.row = nil
	case Keep:
		require.Nil(w, out)
		return "keep"
	}
	return w.decode(w.row)
}

func value(t testing.TB, typ schema.Type, v string) []byte {
	t.Helper()
	integer := func(size int) []byte {
		n, err := strconv.ParseInt(v, 10, 8*size)
		require.NoError(t, err)
		return le.AppendUint64(nil, uint64(n))[:size]
	}
	switch typ.Kind {
	case schema.Boolean:
		return []byte{map[string]byte{"true": 1, "false": 0}[v]}
	case schema.TinyInt:
		return integer(1)
	case schema.SmallInt:
		return integer(2)
	case schema.Int, schema.Date:
		return integer(4)
	case schema.BigInt, schema.Timestamp, schema.TimestampLTZ:
		return integer(8)
	case schema.Time:
		if typ.Precision > 3 {
			return integer(8)
		}
		return integer(4)
	case schema.Float:
		n, err := strconv.ParseFloat(v, 32)
		require.NoError(t, err)
		return le.AppendUint32(nil, math.Float32bits(float32(n)))
	case schema.Double:
		n, err := strconv.ParseFloat(v, 64)
		require.NoError(t, err)
		return le.AppendUint64(nil, math.Float64bits(n))
	case schema.Decimal:
		n, err := decimal128.FromString(v, int32(typ.Precision), int32(typ.Scale))
		require.NoError(t, err)
		return le.AppendUint64(le.AppendUint64(nil, n.LowBits()), uint64(n.HighBits()))
	case schema.Binary, schema.Bytes, schema.Array, schema.Map, schema.Row:
		b, err := hex.DecodeString(v)
		require.NoError(t, err)
		return b
	default:
		return []byte(v)
	}
}

func text(typ schema.Type, v []byte) string {
	switch typ.Kind {
	case schema.Boolean:
		return strconv.FormatBool(v[0] == 1)
	case schema.Float:
		return strconv.FormatFloat(floatOf(v), 'g', -1, 32)
	case schema.Double:
		return strconv.FormatFloat(floatOf(v), 'g', -1, 64)
	case schema.Decimal:
		return decimalOf(v).ToString(int32(typ.Scale))
	case schema.Char, schema.String:
		return string(v)
	case schema.Binary, schema.Bytes, schema.Array, schema.Map, schema.Row:
		return hex.EncodeToString(v)
	default:
		return fmt.Sprint(intOf(v))
	}
}
