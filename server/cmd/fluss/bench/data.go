// Package bench measures a running server: appends, scans, and the time from a
// write to its read. `fluss bench` and e2e/bench are thin over it.
package bench

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/schema"
)

// Shape is a kind of rows.
type Shape string

// The shapes.
const (
	// Wide rows have 4 INT, 4 BIGINT, 4 DOUBLE and 8 STRING columns of words, about 2 KB.
	Wide Shape = "wide"
	// Narrow rows have one BIGINT and one DOUBLE.
	Narrow Shape = "narrow"
	// Flights rows have date, delay, distance, origin and destination.
	Flights Shape = "flights"
	// Keyed rows have a primary key: a BIGINT, another one and a STRING of words.
	Keyed Shape = "keyed"
)

// Columns returns the columns of a shape.
func Columns(s Shape) ([]schema.Field, error) {
	switch s {
	case Wide:
		var text []string
		for i := range 4 {
			text = append(text, fmt.Sprintf("i%d INT NOT NULL", i))
		}
		for i := range 4 {
			text = append(text, fmt.Sprintf("l%d BIGINT NOT NULL", i))
		}
		for i := range 4 {
			text = append(text, fmt.Sprintf("d%d DOUBLE NOT NULL", i))
		}
		for i := range 8 {
			text = append(text, fmt.Sprintf("s%d STRING NOT NULL", i))
		}
		return schema.ParseColumns(strings.Join(text, ", "))
	case Narrow:
		return schema.ParseColumns("id BIGINT NOT NULL, value DOUBLE NOT NULL")
	case Flights:
		return schema.ParseColumns("date TIMESTAMP(3) NOT NULL, delay BIGINT NOT NULL, distance BIGINT NOT NULL, origin STRING NOT NULL, destination STRING NOT NULL")
	case Keyed:
		return schema.ParseColumns("id BIGINT NOT NULL, version BIGINT NOT NULL, value STRING NOT NULL")
	}
	return nil, errcode.New(errcode.InvalidArgument, nil, "the shape %q is not known: want wide, narrow or flights", s)
}

// words make text that compresses like text.
var words = strings.Fields(`the of and a to in is you that it he was for on are as with his they I at be this have from or one had
by word but not what all were we when your can said there use an each which she do how their if will up other about out many
then them these so some her would make like him into time has look two more write go see number no way could people my than
first water been call who oil its now find long down day did get come made may part stream table bucket offset segment batch`)

var airports = strings.Fields("ATL LAX ORD DFW DEN JFK SFO SEA LAS MCO EWR CLT PHX IAH MIA BOS MSP FLL DTW PHL LGA BWI SLC SAN IAD DCA MDW TPA PDX HNL")

// wideText is the size of one STRING of a wide row, so that a row has about 2 KB.
const wideText = 235

// Generator makes batches of rows of one shape; the same seed makes the same rows.
type Generator struct {
	schema *arrow.Schema
	shape  Shape
	rand   *rand.Rand
	// corpus is text that strings are cut from.
	corpus string
	id     int64
	// valueBytes is the size of a STRING.
	valueBytes int
}

// NewGenerator returns a generator of rows.
func NewGenerator(s Shape, seed uint64) (*Generator, error) {
	columns, err := Columns(s)
	if err != nil {
		return nil, err
	}
	g := &Generator{schema: schema.ArrowFields(columns), shape: s, valueBytes: wideText}
	g.rand = rand.New(rand.NewPCG(seed, seed)) //nolint:gosec // not a secret
	var b strings.Builder
	const corpusBytes = 1 << 20
	for b.Len() < corpusBytes {
		b.WriteString(words[g.rand.IntN(len(words))])
		b.WriteByte(' ')
	}
	g.corpus = b.String()
	return g, nil
}

// Batch returns the next n rows, which the caller releases.
func (g *Generator) Batch(n int) arrow.RecordBatch {
	b := array.NewRecordBuilder(memory.DefaultAllocator, g.schema)
	defer b.Release()
	for c, f := range g.schema.Fields() {
		g.fill(b.Field(c), f.Name, n)
	}
	g.id += int64(n)
	return b.NewRecordBatch()
}

func (g *Generator) fill(b array.Builder, column string, n int) {
	b.Reserve(n)
	for i := range n {
		switch b := b.(type) {
		case *array.Int32Builder:
			b.UnsafeAppend(int32(g.rand.IntN(1 << 20))) //nolint:gosec // fits
		case *array.Int64Builder:
			b.UnsafeAppend(g.integer(column, int64(i)))
		case *array.Float64Builder:
			b.UnsafeAppend(float64(g.rand.IntN(1<<24)) / 64)
		case *array.TimestampBuilder:
			const start = 1_704_067_200_000 // 2024-01-01
			b.UnsafeAppend(arrow.Timestamp(start + (g.id+int64(i))*60_000/100))
		case *array.StringBuilder:
			b.Append(g.text())
		}
	}
}

func (g *Generator) integer(column string, i int64) int64 {
	switch {
	case column == "id":
		return g.id + i
	case g.shape == Flights:
		return g.rand.Int64N(2000) - 30
	default:
		return g.rand.Int64N(1 << 40)
	}
}

func (g *Generator) text() string {
	if g.shape == Flights {
		return airports[g.rand.IntN(len(airports))]
	}
	at := g.rand.IntN(len(g.corpus) - g.valueBytes)
	return g.corpus[at : at+g.valueBytes]
}

// Bytes returns the size of a batch's Arrow buffers.
func Bytes(rec arrow.RecordBatch) int64 {
	var n uint64
	for _, c := range rec.Columns() {
		n += c.Data().SizeInBytes()
	}
	return int64(n) //nolint:gosec // memory is smaller
}
