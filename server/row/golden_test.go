package row

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"
)

// Rows of version 1 as they were written once; never write them anew.
func TestGoldenRows(t *testing.T) {
	var golden struct {
		Columns string            `json:"columns"`
		Schema  int32             `json:"schema_id"`
		Rows    []json.RawMessage `json:"rows"`
		Encoded []string          `json:"encoded"`
	}
	text, err := os.ReadFile("testdata/v1.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &golden))
	require.Len(t, golden.Encoded, len(golden.Rows))
	s := schemaOf(t, 1, golden.Columns)
	require.EqualValues(t, 258, golden.Schema)
	s.ID = 258
	f := NewFormat(s)
	for i, row := range golden.Rows {
		rec, _, err := array.RecordFromJSON(memory.DefaultAllocator, s.Arrow(), strings.NewReader("["+string(row)+"]"))
		require.NoError(t, err)
		want, err := hex.DecodeString(strings.ReplaceAll(golden.Encoded[i], " ", ""))
		require.NoError(t, err)
		require.Equal(t, hex.EncodeToString(want), hex.EncodeToString(encodeAll(t, f, s.Columns, rec)[0]), "row %d", i)
		require.NoError(t, f.Check(want))
		c := NewCollector(s.Columns)
		require.NoError(t, c.Add(f, want))
		requireSame(t, rec, c.Record())
	}
}
