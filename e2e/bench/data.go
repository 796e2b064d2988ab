package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// Shape of the wide rows: 4 INT, 4 BIGINT, 4 DOUBLE and 8 STRING of words, about 2 KB.
const (
	wideInts       = 4
	wideLongs      = 4
	wideDoubles    = 4
	wideStrings    = 8
	wordsPerString = 39
)

var words = strings.Fields(`stream table bucket tablet leader replica offset segment batch column schema field writer reader
	commit snapshot partition lake change merge lookup value order price customer nation region shipment supplier clerk
	priority comment discount quantity return status active pending morning evening river mountain harbour signal`)

// wideSchema is the Arrow schema of the wide rows.
func wideSchema() *arrow.Schema {
	var fields []arrow.Field
	add := func(prefix string, n int, t arrow.DataType) {
		for i := range n {
			fields = append(fields, arrow.Field{Name: fmt.Sprintf("%s%d", prefix, i), Type: t, Nullable: true})
		}
	}
	add("i", wideInts, arrow.PrimitiveTypes.Int32)
	add("l", wideLongs, arrow.PrimitiveTypes.Int64)
	add("d", wideDoubles, arrow.PrimitiveTypes.Float64)
	add("s", wideStrings, arrow.BinaryTypes.String)
	return arrow.NewSchema(fields, nil)
}

// wideColumns is the same for the SDK: SQL text.
func wideColumns() string {
	var b []string
	for _, f := range wideSchema().Fields() {
		kind := map[arrow.Type]string{arrow.INT32: "INT", arrow.INT64: "BIGINT", arrow.FLOAT64: "DOUBLE", arrow.STRING: "STRING"}[f.Type.ID()]
		b = append(b, f.Name+" "+kind)
	}
	return strings.Join(b, ", ")
}

// wideBatch makes rows wide rows. The caller releases it.
func wideBatch(seed uint64, rows int) arrow.RecordBatch {
	rng := rand.New(rand.NewPCG(seed, 1))
	b := array.NewRecordBuilder(memory.DefaultAllocator, wideSchema())
	defer b.Release()
	for range rows {
		for c, fb := range b.Fields() {
			switch fb := fb.(type) {
			case *array.Int32Builder:
				fb.Append(rng.Int32N(1_000_000))
			case *array.Int64Builder:
				fb.Append(rng.Int64N(1 << 40))
			case *array.Float64Builder:
				fb.Append(float64(rng.IntN(1_000_000)) / 100)
			case *array.StringBuilder:
				fb.Append(sentence(rng))
			default:
				panic(fmt.Sprintf("no value for column %d", c))
			}
		}
	}
	return b.NewRecordBatch()
}

func sentence(rng *rand.Rand) string {
	var s strings.Builder
	for range wordsPerString {
		s.WriteString(words[rng.IntN(len(words))])
		s.WriteByte(' ')
	}
	return s.String()
}

// wideBatches makes n different batches of rows each; they are kept for the whole run.
func wideBatches(n, rows int) []arrow.RecordBatch {
	out := make([]arrow.RecordBatch, n)
	for i := range out {
		out[i] = wideBatch(uint64(i), rows)
	}
	return out
}

// dataBytes is the size of the values and offsets of a batch: what «uncompressed
// rows» means in the figures.
func dataBytes(rec arrow.RecordBatch) int64 {
	var n int64
	for _, c := range rec.Columns() {
		for _, b := range c.Data().Buffers() {
			if b != nil {
				n += int64(b.Len())
			}
		}
	}
	return n
}

// flights reads the flights file into batches of the given rows.
func flights(path string, rows int64) ([]arrow.RecordBatch, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("the flights file of the shared data is needed: %w", err)
	}
	pf, err := file.NewParquetReader(f)
	if err != nil {
		return nil, err
	}
	defer func() { _ = pf.Close() }()
	r, err := pqarrow.NewFileReader(pf, pqarrow.ArrowReadProperties{BatchSize: rows}, memory.DefaultAllocator)
	if err != nil {
		return nil, err
	}
	rr, err := r.GetRecordReader(context.Background(), nil, nil)
	if err != nil {
		return nil, err
	}
	defer rr.Release()
	var out []arrow.RecordBatch
	for rr.Next() {
		rec := rr.RecordBatch()
		rec.Retain()
		out = append(out, rec)
	}
	return out, rr.Err()
}
