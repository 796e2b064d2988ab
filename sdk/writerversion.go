package sdk

import (
	"slices"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/keys"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/proto/table"
	"github.com/fluss-go/fluss/sdk/internal/rowcodec"
)

// writes says what a writer's rows do to the table. It is comparable.
type writes struct {
	kind flussv1.WriteKind
	// targets are the target columns, as packTargets makes them.
	targets string
	mode    flussv1.MergeMode
}

// keyed reports whether rows are written under keys.
func (w *writes) keyed() bool { return w.kind != flussv1.WriteKind_WRITE_KIND_APPEND }

// String names the operation.
func (w *writes) String() string {
	switch w.kind { //nolint:exhaustive // there is no other
	case flussv1.WriteKind_WRITE_KIND_UPSERT:
		return "upsert"
	case flussv1.WriteKind_WRITE_KIND_DELETE:
		return "delete"
	}
	return "append"
}

// packTargets makes field ids comparable.
func packTargets(targets []ids.FieldID) string {
	out := make([]rune, len(targets))
	for i, id := range targets {
		out[i] = rune(id)
	}
	return string(out)
}

func unpackTargets(s string) (out []ids.FieldID) {
	for _, r := range s {
		out = append(out, ids.FieldID(r))
	}
	return out
}

// writerVersion is what rows of one schema version are encoded with; immutable.
type writerVersion struct {
	info   *table.Info
	schema *schema.Schema
	writes writes
	// fields are the columns of batches, as the table has them: those outside the
	// key may be nullable in layout only.
	fields []schema.Field
	// columns is a schema of the fields.
	columns *schema.Schema
	shape   *rowcodec.Shape
	// keys appends rows to delete; nil on log tables.
	keys *rowcodec.Keys
	// targets are the field ids that requests name.
	targets []int32
	// hasher finds the buckets of rows, and removed those of records of keys, whose
	// columns are keyRows. They are nil when the table has no bucket key.
	hasher, removed *keys.Hasher
	keyRows         *schema.Schema
	// keyHasher is for records of the bucket key's columns alone, at the places keyColumns.
	keyHasher  *keys.Hasher
	keyColumns []int
	keySchema  *arrow.Schema
	// nullBytes is what a row that is removed takes beyond its key, about.
	nullBytes int
	// partitionColumns are the places of the partition columns; none when not partitioned.
	partitionColumns []int
	// plain encodes rows, marked rows with a change type each.
	plain, marked encoding
	builders      sync.Pool
}

// encoding has the encoders of one layout.
type encoding struct {
	layout   *batch.Layout
	encoders sync.Pool
}

func (e *encoding) init(l *batch.Layout, o batch.EncoderOptions) {
	e.layout = l
	e.encoders.New = func() any { return batch.NewEncoder(l, o) }
}

// newWriterVersion fails with INVALID_ARGUMENT, UNKNOWN_COLUMN and INVALID_BATCH
// when the table does not take such writes.
func newWriterVersion(info *table.Info, w writes) (*writerVersion, error) {
	v := &writerVersion{info: info, schema: info.Schema(), writes: w}
	targets := unpackTargets(w.targets)
	for _, id := range targets {
		v.targets = append(v.targets, int32(id))
	}
	written, err := v.written(targets)
	if err != nil {
		return nil, err
	}
	v.fields = make([]schema.Field, len(written))
	for i, f := range written {
		at, _ := v.schema.IndexByID(f.ID)
		v.fields[i] = v.schema.Columns[at]
	}
	v.columns = &schema.Schema{ID: v.schema.ID, Columns: v.fields}
	v.shape = rowcodec.NewShape(v.fields)
	if err = v.locate(); err != nil {
		return nil, err
	}
	options := encoderOptions(info)
	if w.keyed() {
		// The server takes the rows apart at once: compressing them does not pay.
		options = batch.EncoderOptions{}
	}
	l := batch.NewLayout(written)
	v.plain.init(l, options)
	if w.kind == flussv1.WriteKind_WRITE_KIND_UPSERT {
		v.marked.init(l.WithChangeTypes(), options)
	}
	v.builders.New = func() any { return rowcodec.NewBuilder(v.shape) }
	v.nullBytes = rowcodec.NewBuilder(v.shape).RowBytes()
	return v, nil
}

// written returns the columns of batches.
func (v *writerVersion) written(targets []ids.FieldID) ([]schema.Field, error) {
	switch v.writes.kind { //nolint:exhaustive // the others are appends
	case flussv1.WriteKind_WRITE_KIND_UPSERT:
		return v.info.WriteFields(v.schema, targets)
	case flussv1.WriteKind_WRITE_KIND_DELETE:
		if len(targets) > 0 {
			if err := v.info.CheckDeleteTargets(v.schema, targets); err != nil {
				return nil, err
			}
		}
		return v.info.KeyFields(v.schema), nil
	}
	return v.schema.Columns, nil
}

// locate finds the columns that say where rows go and what their key is.
func (v *writerVersion) locate() error {
	d := v.info.Descriptor
	if v.writes.keyed() {
		key, err := placesOf(v.fields, d.Schema.PrimaryKey)
		if err != nil {
			return err
		}
		v.keys = rowcodec.NewKeys(v.shape, key)
		v.keyRows = &schema.Schema{ID: v.schema.ID, Columns: v.info.KeyFields(v.schema)}
		v.leaveOut()
	}
	if err := v.hashBy(d.BucketKeys); err != nil {
		return err
	}
	var err error
	v.partitionColumns, err = placesOf(v.fields, d.PartitionKeys)
	return err
}

// leaveOut tells the shape of the table's columns that are not written.
func (v *writerVersion) leaveOut() {
	auto, _ := v.info.Descriptor.AutoIncrement()
	for _, c := range v.schema.Columns {
		switch {
		case slices.ContainsFunc(v.fields, func(f schema.Field) bool { return f.ID == c.ID }):
		case c.Name == auto:
			v.shape.SkipGenerated(c.Name)
		default:
			v.shape.Skip(c.Name)
		}
	}
}

// placesOf returns the places of the named columns in fields.
func placesOf(fields []schema.Field, names []string) ([]int, error) {
	var out []int
	for _, name := range names {
		i := slices.IndexFunc(fields, func(f schema.Field) bool { return f.Name == name })
		if i < 0 {
			return nil, errcode.New(errcode.Internal, nil, "column %q says where rows go and is not among those written", name)
		}
		out = append(out, i)
	}
	return out, nil
}

// hashBy prepares the hashers of a bucket key, if there is one.
func (v *writerVersion) hashBy(bucketKeys []string) (err error) {
	if len(bucketKeys) == 0 {
		return nil
	}
	if v.hasher, err = keys.NewHasher(v.columns, bucketKeys); err != nil {
		return err
	}
	if v.keys != nil {
		if v.removed, err = keys.NewHasher(v.keyRows, bucketKeys); err != nil {
			return err
		}
	}
	if v.keyColumns, err = placesOf(v.fields, bucketKeys); err != nil {
		return err
	}
	only := &schema.Schema{ID: v.schema.ID}
	for _, i := range v.keyColumns {
		only.Columns = append(only.Columns, v.fields[i])
	}
	v.keySchema = v.shape.Project(v.keyColumns)
	v.keyHasher, err = keys.NewHasher(only, bucketKeys)
	return err
}

func (v *writerVersion) builder() *rowcodec.Builder { return v.builders.Get().(*rowcodec.Builder) }

func (v *writerVersion) free(b *rowcodec.Builder) {
	b.Reset()
	v.builders.Put(b)
}

// add appends a row, or the row with a key to delete, to b.
func (v *writerVersion) add(b *rowcodec.Builder, row any, remove bool) error {
	if !remove {
		return b.Append(row)
	}
	if key, ok := row.(Key); ok {
		row = []any(key)
	}
	return v.keys.Append(b, row)
}

// marks reports whether rows that delete are told by a change type.
func (v *writerVersion) marks() bool { return v.marked.layout != nil }

// withTypes returns rec with a column of change types behind its own.
func (v *writerVersion) withTypes(rec arrow.RecordBatch, types []byte) arrow.RecordBatch {
	data := array.NewData(arrow.PrimitiveTypes.Int8, len(types), []*memory.Buffer{nil, memory.NewBufferBytes(types)}, nil, 0, 0)
	defer data.Release()
	column := array.MakeFromData(data)
	defer column.Release()
	columns := append(slices.Clone(rec.Columns()), column)
	return array.NewRecordBatch(v.marked.layout.Schema(), columns, rec.NumRows())
}
