package iceberg

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/table"
	"github.com/apache/iceberg-go/table/dv"
	"github.com/google/uuid"

	"github.com/fluss-go/fluss/proto/errcode"
)

// stageDeletes writes what deletes rows, in the form of the table's version.
func (t *Table) stageDeletes(ctx context.Context, delta *table.RowDelta, deleted map[string][]int64) error {
	live, err := t.LiveFiles(ctx)
	if err != nil {
		return err
	}
	targets := map[string]LiveFile{}
	for _, f := range live {
		targets[f.Location()] = f
	}
	for path, positions := range deleted {
		f, ok := targets[path]
		if !ok {
			return errcode.New(errcode.Conflict, nil, "rows are to be deleted from %s, which is no file of table %s any more", path, t.def.Path)
		}
		for _, p := range positions {
			if p < 0 || p >= f.Rows() {
				return fmt.Errorf("%w: it deletes row %d of the %d of %s", errChange, p, f.Rows(), path)
			}
		}
	}
	if t.table.Metadata().Version() < DeletionVectors {
		return t.stagePositions(ctx, delta, targets, deleted)
	}
	return t.stageVectors(ctx, delta, targets, deleted)
}

// stageVectors writes deletion vectors. A file has one: a new one has what the old one, or
// files of positions from before the table had vectors, had, and takes its place.
func (t *Table) stageVectors(ctx context.Context, delta *table.RowDelta, targets map[string]LiveFile, deleted map[string][]int64) error {
	fs := &storeIO{ctx, t.lake.store}
	w := dv.NewDVWriter(fs, func(id int32) *iceberg.PartitionSpec { return t.table.Metadata().PartitionSpecByID(int(id)) })
	for _, path := range slices.Sorted(maps.Keys(deleted)) {
		f := targets[path]
		old, err := t.deletedRows(ctx, f)
		if err != nil {
			return err
		}
		if old != nil {
			w.Load(path, old, f.file.SpecID(), f.file.Partition())
		}
		if f.vector != nil {
			delta.RemoveDeletes(f.vector)
		}
		if err := w.Add(path, deleted[path], f.file.SpecID(), f.file.Partition()); err != nil {
			return err
		}
	}
	vectors, err := w.Flush(ctx, t.Location()+"/data/deletes-"+uuid.NewString()+".puffin")
	if err != nil {
		return err
	}
	delta.AddDeletes(vectors...)
	return nil
}

// stagePositions writes one file of positions for each data file, beside those that it has:
// version 2 has no commit that replaces them.
func (t *Table) stagePositions(ctx context.Context, delta *table.RowDelta, targets map[string]LiveFile, deleted map[string][]int64) error {
	for _, path := range slices.Sorted(maps.Keys(deleted)) {
		positions := slices.Compact(slices.Sorted(slices.Values(deleted[path])))
		f, err := t.writePositions(ctx, targets[path].file, positions)
		if err != nil {
			return err
		}
		delta.AddDeletes(f)
	}
	return nil
}

// writePositions puts a file of positions of rows of a data file, sorted, into the lake.
func (t *Table) writePositions(ctx context.Context, target iceberg.DataFile, positions []int64) (iceberg.DataFile, error) {
	b := array.NewRecordBuilder(memory.DefaultAllocator, table.PositionalDeleteArrowSchema)
	defer b.Release()
	paths, ok := b.Field(0).(*array.StringBuilder)
	places, ok2 := b.Field(1).(*array.Int64Builder)
	if !ok || !ok2 {
		return nil, fmt.Errorf("positions of rows are of the types %s", table.PositionalDeleteArrowSchema)
	}
	path := target.FilePath()
	for range positions {
		paths.Append(path)
	}
	places.AppendValues(positions, nil)
	rec := b.NewRecordBatch()
	defer rec.Release()

	var file bytes.Buffer
	w, err := pqarrow.NewFileWriter(table.PositionalDeleteArrowSchema, &file, parquet.NewWriterProperties(
		parquet.WithCompression(compress.Codecs.Zstd), parquet.WithCompressionLevel(zstdLevel), parquet.WithStats(true), // the path is in a dictionary
		parquet.WithDictionaryFor("pos", false), parquet.WithEncodingFor("pos", parquet.Encodings.DeltaBinaryPacked)), pqarrow.DefaultWriterProps())
	if err != nil {
		return nil, err
	}
	if err := errors.Join(w.WriteBuffered(rec), w.Close()); err != nil {
		return nil, err
	}
	meta, err := w.FileMetadata()
	if err != nil {
		return nil, err
	}
	location := t.Location() + "/data/deletes-" + uuid.NewString() + ".parquet"
	if err := (&storeIO{ctx, t.lake.store}).WriteFile(location, file.Bytes()); err != nil {
		return nil, err
	}
	spec := t.table.Metadata().PartitionSpecByID(int(target.SpecID()))
	if spec == nil {
		return nil, fmt.Errorf("%s has the unknown partition spec %d", path, target.SpecID())
	}
	return table.DataFileFromMetadata(table.DataFileArgs{
		Schema: iceberg.PositionalDeleteSchema, Spec: *spec, Format: iceberg.ParquetFile, Metadata: meta, FilePath: location, FileSize: int64(file.Len()),
		Content: iceberg.EntryContentPosDeletes, PartitionValues: target.Partition(), Properties: t.table.Properties(),
		FormatVersion: t.table.Metadata().Version(), ReferencedDataFile: &path,
	})
}

// deletedRows returns the positions of a file's rows that are deleted; nil when none is.
func (t *Table) deletedRows(ctx context.Context, f LiveFile) (*dv.RoaringPositionBitmap, error) {
	fs := &storeIO{ctx, t.lake.store}
	if f.vector != nil {
		return dv.ReadDV(fs, f.vector) // it has what files of positions have
	}
	if len(f.positions) == 0 {
		return nil, nil //nolint:nilnil // the comment says so
	}
	out := dv.NewRoaringPositionBitmap()
	for _, p := range f.positions {
		if err := t.readPositions(ctx, fs, p.FilePath(), f.Location(), out); err != nil {
			return nil, fmt.Errorf("reading %s: %w", p.FilePath(), err)
		}
	}
	return out, nil
}

// readPositions adds the positions that a file of them has for a data file.
func (t *Table) readPositions(ctx context.Context, fs *storeIO, location, target string, out *dv.RoaringPositionBitmap) error {
	return eachRecord(ctx, fs, location, func(r *pqarrow.FileReader) (leaves, groups []int) {
		return []int{0, 1}, everyGroup(r)
	}, func(rec arrow.RecordBatch, _ int64) (bool, error) {
		if rec.NumCols() != 2 {
			return false, fmt.Errorf("a file of positions has %d columns", rec.NumCols())
		}
		paths, ok := rec.Column(0).(*array.String)
		places, ok2 := rec.Column(1).(*array.Int64)
		if !ok || !ok2 {
			return false, fmt.Errorf("a file of positions has the columns %s", rec.Schema())
		}
		for i := range int(rec.NumRows()) {
			if p := places.Value(i); paths.Value(i) == target && p >= 0 {
				out.Set(uint64(p))
			}
		}
		return true, nil
	})
}
