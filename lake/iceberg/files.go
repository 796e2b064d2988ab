package iceberg

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/table"

	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/schema"
	flusstable "github.com/fluss-go/fluss/proto/table"
)

// Range are the offsets [From, To).
type Range struct{ From, To ids.Offset }

// LiveFile is a data file of a table with the rows that are deleted from it.
type LiveFile struct {
	DataFile
	// Partition is the name of the partition whose rows the file has; empty when the
	// table has no partitions, or none can have the values.
	Partition string
	// Bucket is the bucket whose rows the file has.
	Bucket ids.BucketID
	// Offsets hold those of all rows, deleted ones too. Known is false when the
	// file does not say.
	Offsets Range
	Known   bool

	vector    iceberg.DataFile   // the deletion vector; nil when there is none
	positions []iceberg.DataFile // files of positions that are deleted
}

// outside reports whether no row can have one of the offsets.
func (f *LiveFile) outside(r Range) bool {
	return f.Known && (f.Offsets.To <= r.From || r.To <= f.Offsets.From)
}

// cut reports whether some rows may have other offsets.
func (f *LiveFile) cut(r Range) bool {
	if r == everyOffset {
		return false
	}
	return !f.Known || f.Offsets.From < r.From || r.To < f.Offsets.To
}

// LiveFiles returns the table's data files, ordered by bucket and by their first offset.
func (t *Table) LiveFiles(ctx context.Context) ([]LiveFile, error) {
	snapshot := t.snapshot()
	if snapshot == nil {
		return nil, nil
	}
	tasks, err := t.table.Scan(table.WithSnapshotID(snapshot.SnapshotID)).PlanFiles(ctx)
	if err != nil {
		return nil, fmt.Errorf("the files of table %s of the lake cannot be listed: %w", t.def.Path, err)
	}
	out := make([]LiveFile, 0, len(tasks))
	for i := range tasks {
		f, err := t.liveFile(&tasks[i])
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	slices.SortFunc(out, func(a, b LiveFile) int {
		return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Bucket, b.Bucket),
			cmp.Compare(a.Offsets.From, b.Offsets.From), cmp.Compare(a.Location(), b.Location()))
	})
	return out, nil
}

func (t *Table) liveFile(task *table.FileScanTask) (LiveFile, error) {
	path := task.File.FilePath()
	if len(task.EqualityDeleteFiles) > 0 || len(task.DeletionVectorFiles) > 1 {
		return LiveFile{}, fmt.Errorf("%s has deletes of a kind that this release does not write", path)
	}
	f := LiveFile{DataFile: DataFile{task.File}, positions: task.DeleteFiles}
	if len(task.DeletionVectorFiles) == 1 {
		f.vector = task.DeletionVectorFiles[0]
	}
	spec := t.table.Metadata().PartitionSpecByID(int(task.File.SpecID()))
	if spec == nil {
		return LiveFile{}, fmt.Errorf("%s has the unknown partition spec %d", path, task.File.SpecID())
	}
	values := map[ids.FieldID]any{}
	for _, p := range spec.Fields() {
		values[ids.FieldID(p.SourceID())] = task.File.Partition()[p.FieldID]
	}
	if b, ok := values[bucketField].(int32); ok {
		f.Bucket = ids.BucketID(b)
	}
	f.Partition = t.partitionName(values)
	low, ok := offsetBound(task.File.LowerBoundValues())
	high, ok2 := offsetBound(task.File.UpperBoundValues())
	if ok && ok2 && low <= high {
		f.Offsets, f.Known = Range{low, high + 1}, true
	}
	return f, nil
}

// offsetBound returns the offset among the bounds of a file's columns.
func offsetBound(bounds map[int][]byte) (ids.Offset, bool) {
	const size = 8
	b, ok := bounds[int(offsetField)]
	if !ok || len(b) != size {
		return 0, false
	}
	o := ids.Offset(binary.LittleEndian.Uint64(b)) //nolint:gosec // the bytes of an int64
	return o, o >= 0 && o < everyOffset.To
}

// partitionName returns the name of the partition with the values; empty when there is none.
func (t *Table) partitionName(values map[ids.FieldID]any) string {
	texts := make([]string, 0, len(t.def.PartitionKeys))
	for _, key := range t.def.PartitionKeys {
		i, ok := t.def.Schema.Index(key)
		if !ok {
			return ""
		}
		c := t.def.Schema.Columns[i]
		text, err := flusstable.CanonicalValue(c.Type, partitionText(c.Type, values[c.ID]))
		if err != nil {
			return ""
		}
		texts = append(texts, text)
	}
	if len(texts) == 0 {
		return ""
	}
	return flusstable.PartitionName(texts)
}

// partitionText returns a text of the value of a partition column, in one of the forms that
// CanonicalValue takes.
func partitionText(t schema.Type, v any) string {
	const (
		clock = "15:04:05.999999999"
		stamp = "2006-01-02T" + clock
	)
	switch v := v.(type) {
	case string:
		return v
	case []byte:
		return fmt.Sprintf("%x", v)
	case float32:
		return strconv.FormatFloat(float64(v), 'g', -1, 32)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case iceberg.Date:
		return v.ToTime().UTC().Format(time.DateOnly)
	case iceberg.Time:
		return time.UnixMicro(int64(v)).UTC().Format(clock)
	case iceberg.Timestamp:
		return zoned(t, v.ToTime().UTC().Format(stamp))
	case iceberg.TimestampNano:
		return zoned(t, v.ToTime().UTC().Format(stamp))
	case int64:
		if t.Kind == schema.Time {
			return time.UnixMicro(v).UTC().Format(clock)
		}
	case nil:
		return ""
	}
	return fmt.Sprint(v)
}

func zoned(t schema.Type, text string) string {
	if t.Kind == schema.TimestampLTZ {
		return strings.TrimSuffix(text, "Z") + "Z"
	}
	return text
}
