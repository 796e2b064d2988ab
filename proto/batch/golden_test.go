package batch

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"
)

// writeGolden makes the files of the current version. Those of an older one are
// never made again.
var writeGolden = flag.Bool("write-golden", false, "write testdata for the current version of the format")

const goldenColumns = `b BOOLEAN, i8 TINYINT, i16 SMALLINT, i32 INT NOT NULL, i64 BIGINT, f FLOAT, d DOUBLE, c CHAR(4), s STRING,
	dec DECIMAL(38, 4), day DATE, t0 TIME(0), t9 TIME(9), ts3 TIMESTAMP(3), bin BINARY(5), bytes BYTES NOT NULL,
	a ARRAY<INT>, m MAP<STRING, BIGINT>, r ROW<x INT NOT NULL, y ARRAY<ROW<z STRING>>, w BOOLEAN>`

func golden(name string) string { return filepath.Join("testdata", name) }

// TestGoldenV1: the batches of version 1 decode to the rows in v1.json for ever,
// and those rows, not compressed, still encode to the same bytes.
func TestGoldenV1(t *testing.T) {
	fields := fieldsOf(t, goldenColumns)
	l := NewLayout(fields)
	if *writeGolden {
		s := seeded(42)
		s.finite = true
		rec := s.record(fields, 24)
		text, err := rec.MarshalJSON()
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(golden("v1.json"), text, 0o644))
		for _, codec := range allCodecs {
			require.NoError(t, os.WriteFile(golden("v1_"+codec.String()+".batch"), encode(t, l, codec, rec), 0o644))
		}
	}
	text, err := os.ReadFile(golden("v1.json"))
	require.NoError(t, err)
	want, _, err := array.RecordFromJSON(memory.DefaultAllocator, l.Schema(), bytes.NewReader(text))
	require.NoError(t, err)
	for _, codec := range allCodecs {
		b, err := os.ReadFile(golden("v1_" + codec.String() + ".batch"))
		require.NoError(t, err)
		b = alignedCopy(b)
		p, err := Validate(l, b, checkAll)
		require.NoError(t, err)
		require.False(t, p.Rebuilt)
		requireSame(t, want, decodeBatch(t, l, b))
		if codec == None {
			require.Equal(t, b, encode(t, l, codec, decodeBatch(t, l, b)))
		}
	}
}

// TestAllocations: what is done for every batch that is read or taken in.
func TestAllocations(t *testing.T) {
	fields, rec := wideRecord(t)
	l := NewLayout(fields)
	for _, codec := range allCodecs {
		b := encode(t, l, codec, rec)
		var m Meta
		require.Zero(t, testing.AllocsPerRun(50, func() {
			v, _ := ParseView(b, l)
			v.Meta(&m)
		}))
		var out []byte
		require.Zero(t, testing.AllocsPerRun(50, func() { out = AppendMeta(out[:0], &m) }))
	}
	foreign, _ := payload(t, rec)
	var m Meta
	require.Zero(t, testing.AllocsPerRun(50, func() { _ = ParseMeta(foreign, &m) }))
}
