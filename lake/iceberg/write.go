package iceberg

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/table"
	"github.com/google/uuid"

	"github.com/fluss-go/fluss/lake/objstore"
	"github.com/fluss-go/fluss/proto/schema"
)

// How data files are written: zstd at its fastest and small row groups, for memory; strings
// with a dictionary while it is small.
const (
	rowGroupRows      = 128 << 10
	rowGroupBytes     = 32 << 20 // in memory, of what is not encoded yet
	targetFileBytes   = 128 << 20
	zstdLevel         = 1
	dictionaryMaxSize = 256 << 10
)

// DataFile is a file with rows that is written and not in a table yet.
type DataFile struct {
	file iceberg.DataFile
}

// Location is the file's URL.
func (f DataFile) Location() string { return f.file.FilePath() }

// Rows is how many rows the file has; row i is at position i.
func (f DataFile) Rows() int64 { return f.file.Count() }

// Bytes is the file's size.
func (f DataFile) Bytes() int64 { return f.file.FileSizeBytes() }

// RowError tells of a row that the lake cannot take.
type RowError struct {
	// Row is its place in the record.
	Row int64
	// Column is the column whose value is at fault.
	Column string
	err    error
}

// Error says what is wrong with the value.
func (e *RowError) Error() string { return fmt.Sprintf("row %d: %v", e.Row, e.err) }

// Unwrap returns what is wrong with the value.
func (e *RowError) Unwrap() error { return e.err }

// Writer writes the rows of one bucket of one partition to data files. It is used by
// one goroutine.
type Writer struct {
	table   *Table
	fields  []schema.Field // of the records written
	schema  *arrow.Schema  // of the files
	sources []int          // of each file column, the record's column; -1: null
	keys    []int          // the files' partition columns

	scratch *os.File
	out     *pqarrow.FileWriter
	target  int64       // the size past which a file is ended
	values  map[int]any // of the partition; nil before the first row
	files   []DataFile
	err     error // of a file that did not get into the lake
}

// NewWriter returns a writer of records whose columns are those of the table, as Open
// defined them, and the system columns BucketColumn, OffsetColumn and TimestampColumn
// behind them. Files are made in dir first. Close or Abort must follow.
func (t *Table) NewWriter(dir string) (*Writer, error) {
	sc, err := table.SchemaToArrowSchema(t.table.Schema(), nil, true, false)
	if err != nil {
		return nil, err
	}
	w := &Writer{table: t, fields: append(t.columns(), systemColumns()...), schema: sc, target: targetFileBytes}
	byID := map[int]int{}
	for i, f := range w.fields {
		byID[int(f.ID)] = i
	}
	places := map[int]int{}
	for i, f := range sc.Fields() {
		id, _ := fieldID(f)
		at, ok := byID[id]
		if !ok {
			at = -1
		}
		w.sources = append(w.sources, at)
		places[id] = i
	}
	for _, f := range t.specFields() {
		at, ok := places[f.SourceID()]
		if !ok {
			return nil, fmt.Errorf("the partition column %s of table %s is not there any more", f.Name, t.def.Path)
		}
		w.keys = append(w.keys, at)
	}
	if w.scratch, err = os.CreateTemp(dir, "tiering-*.parquet"); err != nil {
		return nil, err
	}
	return w, os.Remove(w.scratch.Name()) // it goes when it is closed, or when the process dies
}

func (t *Table) specFields() iter.Seq2[int, iceberg.PartitionField] {
	spec := t.table.Spec()
	return spec.Fields()
}

// Write adds rows, which are all of one bucket and partition. rec stays the caller's. ctx bounds
// the upload of a file that has become full.
//
// It fails with a *RowError, having written nothing of rec, when the lake cannot take
// a row; the writer may be used further. After any other error it can only be aborted.
func (w *Writer) Write(ctx context.Context, rec arrow.RecordBatch) error {
	if w.err != nil || rec.NumRows() == 0 {
		return w.err
	}
	if int(rec.NumCols()) != len(w.fields) {
		return fmt.Errorf("a record of %d columns is written to a table of %d", rec.NumCols(), len(w.fields))
	}
	out, err := w.convert(rec)
	if err != nil {
		return err
	}
	defer out.Release()
	w.err = w.add(ctx, out)
	return w.err
}

// add adds rows in the form of the file.
func (w *Writer) add(ctx context.Context, rec arrow.RecordBatch) error {
	if err := w.takePartition(rec); err != nil {
		return err
	}
	if w.out == nil {
		if err := w.begin(); err != nil {
			return err
		}
	}
	if err := w.out.WriteBuffered(rec); err != nil {
		return err
	}
	if w.out.RowGroupTotalBytesWritten() > rowGroupBytes {
		w.out.NewBufferedRowGroup()
	}
	if at, err := w.scratch.Seek(0, io.SeekCurrent); err != nil || at < w.target {
		return err
	}
	return w.finish(ctx)
}

func (w *Writer) convert(rec arrow.RecordBatch) (arrow.RecordBatch, error) {
	columns := make([]arrow.Array, len(w.sources))
	defer func() {
		for _, c := range columns {
			if c != nil {
				c.Release()
			}
		}
	}()
	for i, at := range w.sources {
		f := w.schema.Field(i)
		if at < 0 {
			columns[i] = array.MakeArrayOfNull(memory.DefaultAllocator, f.Type, int(rec.NumRows()))
			continue
		}
		c, err := convert(rec.Column(at), f.Type)
		if err != nil {
			if e, ok := errors.AsType[*RowError](err); ok {
				e.Column = f.Name
			}
			return nil, fmt.Errorf("column %s: %w", f.Name, err)
		}
		columns[i] = c
	}
	return array.NewRecordBatch(w.schema, columns, rec.NumRows()), nil
}

// takePartition makes the partition that of the first rows written, and checks that it is the one of
// all others. A row in the file of another partition would be lost to who reads its own.
func (w *Writer) takePartition(rec arrow.RecordBatch) error {
	values := map[int]any{}
	i := 0
	for _, f := range w.table.specFields() {
		c := rec.Column(w.keys[i])
		v, err := partitionValue(c)
		if err != nil {
			return fmt.Errorf("partition column %s: %w", f.Name, err)
		}
		if n := rec.NumRows(); !array.SliceEqual(c, 0, n-1, c, 1, n) {
			return fmt.Errorf("%w: rows of one file have several values in the partition column %s", errChange, f.Name)
		}
		values[f.FieldID] = v
		i++
	}
	if w.values == nil {
		w.values = values
	}
	if !reflect.DeepEqual(values, w.values) {
		return fmt.Errorf("%w: rows of partition %v are written behind those of %v", errChange, values, w.values)
	}
	return nil
}

// begin starts a file.
func (w *Writer) begin() error {
	if _, err := w.scratch.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := w.scratch.Truncate(0); err != nil {
		return err
	}
	options := []parquet.WriterProperty{
		parquet.WithCompression(compress.Codecs.Zstd), parquet.WithCompressionLevel(zstdLevel), parquet.WithStats(true),
		parquet.WithMaxRowGroupLength(rowGroupRows), parquet.WithDataPageVersion(parquet.DataPageV2),
		parquet.WithDictionaryDefault(false), parquet.WithDictionaryPageSizeLimit(dictionaryMaxSize),
		parquet.WithStoreDecimalAsInteger(true), // as Iceberg wants it
	}
	for _, f := range w.schema.Fields() {
		if f.Type.ID() == arrow.STRING {
			options = append(options, parquet.WithDictionaryPath(parquet.ColumnPath{f.Name}, true))
		}
	}
	var err error
	w.out, err = pqarrow.NewFileWriter(w.schema, nopCloser{w.scratch}, parquet.NewWriterProperties(options...), pqarrow.DefaultWriterProps())
	return err
}

// nopCloser keeps the Parquet writer from closing what is read again.
type nopCloser struct{ io.Writer }

// finish ends the file and puts it into the lake.
func (w *Writer) finish(ctx context.Context) error {
	out := w.out
	w.out = nil
	if err := out.Close(); err != nil {
		return err
	}
	meta, err := out.FileMetadata()
	if err != nil {
		return err
	}
	size, err := w.scratch.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	location := w.table.Location() + "/data/" + uuid.NewString() + ".parquet"
	key, err := keyOf(w.table.lake.store, location)
	if err != nil {
		return err
	}
	err = objstore.Retry(ctx, func() error { return w.table.lake.store.Put(ctx, key, io.NewSectionReader(w.scratch, 0, size), size) })
	if err != nil {
		return err
	}
	f, err := w.dataFile(meta, location, size)
	if err == nil {
		w.files = append(w.files, DataFile{f})
	}
	return err
}

func (w *Writer) dataFile(meta *metadata.FileMetaData, location string, size int64) (iceberg.DataFile, error) {
	t := w.table.table
	return table.DataFileFromMetadata(table.DataFileArgs{
		Schema: t.Schema(), Spec: t.Spec(), Format: iceberg.ParquetFile, Metadata: meta, FilePath: location, FileSize: size,
		Content: iceberg.EntryContentData, PartitionValues: w.values, Properties: t.Properties(), FormatVersion: t.Metadata().Version(),
	})
}

// Close ends the last file and returns the files, in the order of their rows. After an error
// there are none.
func (w *Writer) Close(ctx context.Context) ([]DataFile, error) {
	var err error
	if w.out != nil && w.err == nil {
		err = w.finish(ctx)
	}
	if err = errors.Join(w.err, err, w.Abort()); err != nil {
		return nil, err
	}
	return w.files, nil
}

// Abort ends the writer; files that were put into the lake already stay there, known
// to nobody. It may be called after Close.
func (w *Writer) Abort() error {
	if w.scratch == nil {
		return nil
	}
	err := w.scratch.Close()
	w.scratch, w.out = nil, nil
	return err
}

// partitionValue returns the only value of a, whose type is one of the lake's, as that of a partition.
func partitionValue(a arrow.Array) (any, error) {
	if a.IsNull(0) {
		return nil, nil //nolint:nilnil // null is a value of a partition
	}
	switch a := a.(type) {
	case *array.String:
		return strings.Clone(a.Value(0)), nil
	case *array.Boolean:
		return a.Value(0), nil
	case *array.Int32:
		return a.Value(0), nil
	case *array.Int64:
		return a.Value(0), nil
	case *array.Float32:
		return a.Value(0), nil
	case *array.Float64:
		return a.Value(0), nil
	case *array.Date32:
		return iceberg.Date(a.Value(0)), nil
	case *array.Time64:
		return iceberg.Time(a.Value(0)), nil
	case *array.Timestamp:
		if unit(a.DataType()) < time.Microsecond {
			return iceberg.TimestampNano(a.Value(0)), nil
		}
		return iceberg.Timestamp(a.Value(0)), nil
	case *array.Binary:
		return bytes.Clone(a.Value(0)), nil
	case *array.FixedSizeBinary:
		return bytes.Clone(a.Value(0)), nil
	}
	return nil, fmt.Errorf("values of %s are none of partitions", a.DataType())
}
