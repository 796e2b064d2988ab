package iceberg

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/apache/iceberg-go/table/dv"

	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/schema"
)

// readRows is how many rows are read at a time.
const readRows = 16 << 10

// everyOffset is the range of all offsets.
var everyOffset = Range{0, math.MaxInt64}

// Rows are rows of a data file that are not deleted, one after the other.
type Rows struct {
	// Record has the columns asked for. It is valid until the next step of the iteration.
	Record arrow.RecordBatch
	// Position is that of the first row in the file.
	Position int64
}

// SystemFields are the columns that the lake adds, for Read.
func SystemFields() []schema.Field { return systemColumns() }

// Read yields the rows of a file that are not deleted. fields are columns of the table
// and of the system, found by their ids and read as the types that they have here; those
// that the file does not have are null. The iteration ends after an error.
func (t *Table) Read(ctx context.Context, f LiveFile, fields []schema.Field) iter.Seq2[Rows, error] {
	return t.ReadRange(ctx, f, fields, everyOffset)
}

// ReadRange is Read of the rows whose offsets are in a range. What of the file has no such
// row is not read.
func (t *Table) ReadRange(ctx context.Context, f LiveFile, fields []schema.Field, offsets Range) iter.Seq2[Rows, error] {
	return func(yield func(Rows, error) bool) {
		if f.outside(offsets) {
			return
		}
		if err := t.read(ctx, f, fields, offsets, func(r Rows) bool { return yield(r, nil) }); err != nil {
			yield(Rows{}, fmt.Errorf("reading %s: %w", f.Location(), err))
		}
	}
}

func (t *Table) read(ctx context.Context, f LiveFile, fields []schema.Field, offsets Range, yield func(Rows) bool) error {
	deleted, err := t.deletedRows(ctx, f)
	if err != nil {
		return err
	}
	wanted := fields
	s := sieve{deleted: deleted, offsets: offsets, at: -1, fields: len(fields)}
	if f.cut(offsets) {
		s.at = len(fields)
		wanted = append(slices.Clone(fields), systemColumns()[1])
	}
	target := arrow.NewSchema(arrowFields(wanted), nil)
	plan := func(r *pqarrow.FileReader) (leaves, groups []int) {
		leaves = leavesOf(r, wanted)
		if s.at < 0 {
			return leaves, everyGroup(r)
		}
		return leaves, groupsOf(r, offsets)
	}
	return eachRecord(ctx, &storeIO{ctx, t.lake.store}, f.Location(), plan, func(rec arrow.RecordBatch, position int64) (bool, error) {
		out, err := readAs(rec, target, wanted)
		if err != nil {
			return false, err
		}
		defer out.Release()
		return s.each(out, position, yield)
	})
}

// eachRecord calls f with the columns and row groups of a Parquet file that plan chooses, piece
// by piece, and with the position of the first row, until f returns false or fails.
func eachRecord(ctx context.Context, fs *storeIO, location string, plan func(*pqarrow.FileReader) (leaves, groups []int),
	f func(rec arrow.RecordBatch, position int64) (bool, error),
) (err error) {
	opened, err := fs.Open(location)
	if err != nil {
		return err
	}
	parquetFile, err := file.NewParquetReader(opened)
	if err != nil {
		return errors.Join(err, opened.Close())
	}
	defer func() { err = errors.Join(err, parquetFile.Close()) }()
	reader, err := pqarrow.NewFileReader(parquetFile, pqarrow.ArrowReadProperties{BatchSize: readRows}, memory.DefaultAllocator)
	if err != nil {
		return err
	}
	leaves, groups := plan(reader)
	first := int64(0)
	for g := range parquetFile.NumRowGroups() {
		if slices.Contains(groups, g) {
			more, err := eachOfGroup(ctx, reader, leaves, g, first, f)
			if err != nil || !more {
				return err
			}
		}
		first += parquetFile.MetaData().RowGroup(g).NumRows()
	}
	return nil
}

func eachOfGroup(ctx context.Context, reader *pqarrow.FileReader, leaves []int, group int, position int64,
	f func(rec arrow.RecordBatch, position int64) (bool, error),
) (bool, error) {
	records, err := reader.GetRecordReader(ctx, leaves, []int{group})
	if err != nil {
		return false, err
	}
	defer records.Release()
	for records.Next() {
		rec := records.RecordBatch()
		if more, err := f(rec, position); err != nil || !more {
			return false, err
		}
		position += rec.NumRows()
	}
	return true, records.Err()
}

// everyGroup chooses the whole of a file of positions.
func everyGroup(r *pqarrow.FileReader) []int {
	out := make([]int, r.ParquetReader().NumRowGroups())
	for g := range out {
		out[g] = g
	}
	return out
}

// groupsOf returns the row groups that may have rows with the offsets.
func groupsOf(r *pqarrow.FileReader, offsets Range) []int {
	meta := r.ParquetReader().MetaData()
	column := -1
	for i := range meta.Schema.NumColumns() {
		if n := meta.Schema.Column(i).SchemaNode(); n.FieldID() == int32(offsetField) {
			column = i
		}
	}
	return slices.DeleteFunc(everyGroup(r), func(g int) bool {
		if column < 0 {
			return false
		}
		chunk, err := meta.RowGroup(g).ColumnChunk(column)
		if err != nil {
			return false // reading will tell
		}
		stats, err := chunk.Statistics()
		if err != nil || stats == nil || !stats.HasMinMax() {
			return false
		}
		s, ok := stats.(*metadata.Int64Statistics)
		return ok && (s.Max() < int64(offsets.From) || s.Min() >= int64(offsets.To))
	})
}

func arrowFields(fields []schema.Field) []arrow.Field {
	out := make([]arrow.Field, len(fields))
	for i, f := range fields {
		out[i] = f.Arrow()
		out[i].Nullable = true
	}
	return out
}

// leavesOf returns the columns of a Parquet file that fields are made of; the first one
// if there is none, so that rows are counted.
func leavesOf(reader *pqarrow.FileReader, fields []schema.Field) []int {
	leaves := []int{}
	var walk func(f *pqarrow.SchemaField)
	walk = func(f *pqarrow.SchemaField) {
		if len(f.Children) == 0 {
			leaves = append(leaves, f.ColIndex)
		}
		for i := range f.Children {
			walk(&f.Children[i])
		}
	}
	for i := range reader.Manifest.Fields {
		f := &reader.Manifest.Fields[i]
		id, ok := fieldID(*f.Field)
		if ok && slices.ContainsFunc(fields, func(w schema.Field) bool { return int(w.ID) == id }) {
			walk(f)
		}
	}
	if len(leaves) == 0 {
		leaves = append(leaves, 0)
	}
	return leaves
}

// readAs returns the columns of a file's record that are the fields.
func readAs(rec arrow.RecordBatch, target *arrow.Schema, fields []schema.Field) (arrow.RecordBatch, error) {
	columns := make([]arrow.Array, len(fields))
	defer func() {
		for _, c := range columns {
			if c != nil {
				c.Release()
			}
		}
	}()
	for i, want := range fields {
		at := slices.IndexFunc(rec.Schema().Fields(), func(f arrow.Field) bool {
			id, ok := fieldID(f)
			return ok && id == int(want.ID)
		})
		if at < 0 {
			columns[i] = array.MakeArrayOfNull(memory.DefaultAllocator, target.Field(i).Type, int(rec.NumRows()))
			continue
		}
		c, err := convert(rec.Column(at), target.Field(i).Type)
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", want.Name, err)
		}
		columns[i] = c
	}
	return array.NewRecordBatch(target, columns, rec.NumRows()), nil
}

// sieve chooses the rows of a file's records that are yielded.
type sieve struct {
	deleted *dv.RoaringPositionBitmap // nil: none is
	offsets Range
	at      int // the column of the offsets; -1: all are in the range
	fields  int // how many columns are yielded
}

// each yields the runs of rows that stay; false when no more are wanted.
func (s *sieve) each(rec arrow.RecordBatch, position int64, yield func(Rows) bool) (bool, error) {
	stays := func(i int64) bool { return s.deleted == nil || !s.deleted.Contains(uint64(position+i)) } //nolint:gosec // positions are not negative
	if s.at >= 0 {
		offsets, ok := rec.Column(s.at).(*array.Int64)
		if !ok {
			return false, fmt.Errorf("offsets are of the type %s", rec.Column(s.at).DataType())
		}
		undeleted := stays
		stays = func(i int64) bool {
			o := ids.Offset(offsets.Value(int(i)))
			return offsets.IsValid(int(i)) && s.offsets.From <= o && o < s.offsets.To && undeleted(i)
		}
		rec = array.NewRecordBatch(arrow.NewSchema(rec.Schema().Fields()[:s.fields], nil), rec.Columns()[:s.fields], rec.NumRows())
		defer rec.Release()
	} else if s.deleted == nil {
		return yield(Rows{rec, position}), nil
	}
	for from := int64(0); from < rec.NumRows(); {
		to := from
		for to < rec.NumRows() && stays(to) {
			to++
		}
		if to > from {
			part := rec.NewSlice(from, to)
			more := yield(Rows{part, position + from})
			part.Release()
			if !more {
				return false, nil
			}
		}
		from = to + 1
	}
	return true, nil
}
