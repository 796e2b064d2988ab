package iceberg

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/table/dv"

	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/schema"
)

// readRows is how many rows are read at a time.
const readRows = 16 << 10

// LiveFile is a data file of a table with the rows that are deleted from it.
type LiveFile struct {
	DataFile
	// Bucket is the bucket whose rows the file has.
	Bucket ids.BucketID
	vector iceberg.DataFile // nil when no row is deleted
}

// LiveFiles returns the table's data files, in no particular order.
func (t *Table) LiveFiles(ctx context.Context) ([]LiveFile, error) {
	if t.table.CurrentSnapshot() == nil {
		return nil, nil
	}
	tasks, err := t.table.Scan().PlanFiles(ctx)
	if err != nil {
		return nil, fmt.Errorf("the files of table %s of the lake cannot be listed: %w", t.def.Path, err)
	}
	out := make([]LiveFile, 0, len(tasks))
	for _, task := range tasks {
		if len(task.DeleteFiles) > 0 || len(task.EqualityDeleteFiles) > 0 || len(task.DeletionVectorFiles) > 1 {
			return nil, fmt.Errorf("%s has deletes of a kind that this release does not write", task.File.FilePath())
		}
		f := LiveFile{DataFile: DataFile{task.File}}
		if len(task.DeletionVectorFiles) == 1 {
			f.vector = task.DeletionVectorFiles[0]
		}
		spec := t.table.Metadata().PartitionSpecByID(int(task.File.SpecID()))
		if spec == nil {
			return nil, fmt.Errorf("%s has the unknown partition spec %d", task.File.FilePath(), task.File.SpecID())
		}
		for _, p := range spec.Fields() {
			if b, ok := task.File.Partition()[p.FieldID].(int32); ok && p.SourceID() == int(bucketField) {
				f.Bucket = ids.BucketID(b)
			}
		}
		out = append(out, f)
	}
	return out, nil
}

// Rows are rows of a data file that are not deleted, one after the other.
type Rows struct {
	// Record has the columns asked for. It is valid until the next step of the iteration.
	Record arrow.RecordBatch
	// Position is that of the first row in the file.
	Position int64
}

// Read yields the rows of a file that are not deleted. fields are columns of the table
// and of the system, found by their ids and read as the types that they have here; those
// that the file does not have are null. The iteration ends after an error.
func (t *Table) Read(ctx context.Context, f LiveFile, fields []schema.Field) iter.Seq2[Rows, error] {
	return func(yield func(Rows, error) bool) {
		if err := t.read(ctx, f, fields, func(r Rows) bool { return yield(r, nil) }); err != nil {
			yield(Rows{}, fmt.Errorf("reading %s: %w", f.Location(), err))
		}
	}
}

// SystemFields are the columns that the lake adds, for Read.
func SystemFields() []schema.Field { return systemColumns() }

func (t *Table) read(ctx context.Context, f LiveFile, fields []schema.Field, yield func(Rows) bool) (err error) {
	fs := &storeIO{ctx, t.lake.store}
	var deleted *dv.RoaringPositionBitmap
	if f.vector != nil {
		if deleted, err = dv.ReadDV(fs, f.vector); err != nil {
			return err
		}
	}
	opened, err := fs.Open(f.Location())
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
	leaves := leavesOf(reader, fields)
	records, err := reader.GetRecordReader(ctx, leaves, nil)
	if err != nil {
		return err
	}
	defer records.Release()
	target := arrow.NewSchema(arrowFields(fields), nil)
	position := int64(0)
	for records.Next() {
		rec := records.RecordBatch()
		out, err := readAs(rec, target, fields)
		if err != nil {
			return err
		}
		more := live(out, position, deleted, yield)
		position += rec.NumRows()
		out.Release()
		if !more {
			return nil
		}
	}
	return records.Err()
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

// live yields the runs of rows that are not deleted; false when no more are wanted.
func live(rec arrow.RecordBatch, position int64, deleted *dv.RoaringPositionBitmap, yield func(Rows) bool) bool {
	if deleted == nil {
		return yield(Rows{rec, position})
	}
	for from := int64(0); from < rec.NumRows(); {
		to := from
		for to < rec.NumRows() && !deleted.Contains(uint64(position+to)) { //nolint:gosec // positions are not negative
			to++
		}
		if to > from {
			part := rec.NewSlice(from, to)
			more := yield(Rows{part, position + from})
			part.Release()
			if !more {
				return false
			}
		}
		from = to + 1
	}
	return true
}
