package sdk

import (
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/keys"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/proto/table"
	"github.com/fluss-go/fluss/sdk/internal/rowcodec"
)

// lookupVersion is what look-ups of one schema version have in common; immutable.
type lookupVersion struct {
	info *table.Info
	// template has what all requests have.
	template *flussv1.LookupRequest
	// keyFields are the columns of a key, in its order, keySchema the same.
	keyFields []schema.Field
	keySchema *schema.Schema
	shape     *rowcodec.Shape
	keys      *rowcodec.Keys
	all       []int // the places of all columns of a key
	hasher    *keys.Hasher
	builders  sync.Pool
	// sent are the places of the columns that are sent, sentSchema their schema.
	sent       []int
	sentSchema *arrow.Schema
	encoders   sync.Pool
	// columns are those of answers, in layout with nulls allowed.
	columns *schema.Schema
	layout  *batch.Layout
	answer  *rowcodec.Shape
	readers sync.Map // of *rowcodec.Reader by reflect.Type
}

// newLookupVersion fails with NOT_PRIMARY_KEY_TABLE, UNKNOWN_COLUMN and
// INVALID_ARGUMENT. Keys never change: they are those of the version before, if
// there is one.
func newLookupVersion(info *table.Info, o *lookupOptions, before *lookupVersion) (*lookupVersion, error) {
	d := info.Descriptor
	if !d.HasPrimaryKey() {
		return nil, errcode.New(errcode.NotPrimaryKeyTable, nil, "%s has no primary key to look rows up by: scan it", info.Path)
	}
	v := &lookupVersion{info: info}
	if err := v.project(o, before); err != nil {
		return nil, err
	}
	if err := v.keyed(o); err != nil {
		return nil, err
	}
	if o.insertIfAbsent {
		key := make([]ids.FieldID, len(v.keyFields))
		for i, f := range v.keyFields {
			key[i] = f.ID
		}
		if err := info.CheckInsertAbsent(info.Schema(), key); err != nil {
			return nil, err
		}
	}
	v.builders.New = func() any { return rowcodec.NewBuilder(v.shape) }
	v.request(o)
	sent := make([]schema.Field, len(v.sent))
	for i, at := range v.sent {
		sent[i] = v.keyFields[at]
	}
	v.sentSchema = v.shape.Project(v.sent)
	layout := batch.NewLayout(sent)
	v.encoders.New = func() any { return batch.NewEncoder(layout, batch.EncoderOptions{}) }
	return v, nil
}

// project finds the columns of answers: by name, and in later versions by id.
func (v *lookupVersion) project(o *lookupOptions, before *lookupVersion) error {
	s := v.info.Schema()
	v.columns = &schema.Schema{ID: s.ID, Columns: s.Columns}
	if o.columns != nil {
		v.columns.Columns = make([]schema.Field, len(o.columns))
		for i, name := range o.columns {
			var f schema.Field
			var err error
			if before == nil {
				f, err = s.Column(name)
			} else {
				at, ok := s.IndexByID(before.columns.Columns[i].ID)
				if !ok {
					return errcode.New(errcode.UnknownColumn, nil, "column %q of %s was dropped: open another lookuper", name, v.info.Path).With("column", name)
				}
				f = s.Columns[at]
			}
			if err != nil {
				return err
			}
			if slices.Contains(o.columns[:i], name) {
				return errcode.New(errcode.InvalidArgument, nil, "column %q is wanted twice", name).With("column", name)
			}
			v.columns.Columns[i] = f
		}
		if len(o.columns) == 0 {
			return errcode.New(errcode.InvalidArgument, nil, "WithLookupColumns names no column")
		}
	}
	fields := slices.Clone(v.columns.Columns)
	for i := range fields {
		fields[i].Type.Nullable = true
	}
	v.layout = batch.NewLayout(fields)
	v.answer = rowcodec.NewShape(fields)
	return nil
}

// keyed finds the columns of keys.
func (v *lookupVersion) keyed(o *lookupOptions) error {
	d := v.info.Descriptor
	names := d.Schema.PrimaryKey
	if o.prefix {
		names = slices.DeleteFunc(slices.Clone(names), func(name string) bool {
			return !slices.Contains(d.BucketKeys, name) && !slices.Contains(d.PartitionKeys, name)
		})
	}
	for _, name := range names {
		f, err := d.Schema.Column(name)
		if err != nil {
			return err
		}
		v.keyFields = append(v.keyFields, f)
	}
	v.keySchema = &schema.Schema{ID: d.Schema.ID, Columns: v.keyFields}
	v.shape = rowcodec.NewShape(v.keyFields)
	v.all = make([]int, len(names))
	for i := range v.all {
		v.all[i] = i
	}
	v.keys = rowcodec.NewKeys(v.shape, v.all)
	if o.prefix {
		if err := v.checkPrefix(); err != nil {
			return err
		}
	}
	var err error
	v.hasher, err = keys.NewHasher(v.keySchema, d.BucketKeys)
	return err
}

// checkPrefix reports a bucket key that is not the beginning of the primary key.
func (v *lookupVersion) checkPrefix() error {
	d := v.info.Descriptor
	physical := d.PhysicalKey()
	for _, name := range physical[:min(len(d.BucketKeys), len(physical))] {
		if !slices.Contains(d.BucketKeys, name) {
			return errcode.New(errcode.InvalidArgument, nil,
				"%s has no look-ups by prefix: its bucket key (%s) is not the beginning of its primary key (%s)", v.info.Path,
				strings.Join(d.BucketKeys, ", "), strings.Join(physical, ", "))
		}
	}
	return nil
}

// request makes the template of requests.
func (v *lookupVersion) request(o *lookupOptions) {
	r := &flussv1.LookupRequest{
		TableId: int64(v.info.ID), Prefix: o.prefix, InsertIfAbsent: o.insertIfAbsent, SchemaId: int32(v.columns.ID),
		Consistency: flussv1.LookupConsistency_LOOKUP_CONSISTENCY_LINEARIZABLE,
	}
	if o.stale {
		r.Consistency = flussv1.LookupConsistency_LOOKUP_CONSISTENCY_STALE
	}
	for i, f := range v.keyFields {
		// The server knows partitions by id, and prefixes without them.
		if o.prefix && slices.Contains(v.info.Descriptor.PartitionKeys, f.Name) {
			continue
		}
		r.KeyColumns = append(r.KeyColumns, int32(f.ID))
		v.sent = append(v.sent, i)
	}
	if o.columns != nil {
		for _, f := range v.columns.Columns {
			r.Columns = append(r.Columns, int32(f.ID))
		}
	}
	v.template = r
}

func (v *lookupVersion) builder() *rowcodec.Builder { return v.builders.Get().(*rowcodec.Builder) }

func (v *lookupVersion) free(b *rowcodec.Builder) {
	b.Reset()
	v.builders.Put(b)
}

func (v *lookupVersion) add(b *rowcodec.Builder, key any) error {
	if k, ok := key.(Key); ok {
		key = []any(k)
	}
	return v.keys.Append(b, key)
}

// encodeKeys returns the batch of the keys in b.
func (v *lookupVersion) encodeKeys(e *batch.Encoder, b *rowcodec.Builder) ([]byte, error) {
	rec := b.Select(v.sentSchema, v.sent)
	defer rec.Release()
	return e.Encode(nil, rec, batch.EncodeInfo{SchemaID: v.columns.ID})
}

// decode returns the rows of an answer; nil when there are none.
func (v *lookupVersion) decode(b []byte) (arrow.RecordBatch, error) {
	if len(b) == 0 {
		return nil, nil //nolint:nilnil // no row was found
	}
	h, err := batch.ParseHeader(b)
	if err != nil {
		return nil, err
	}
	head := h.HeadBytes()
	if head+int(h.BodyBytes) != len(b) {
		return nil, errcode.New(errcode.Internal, nil, "the server answered with %d bytes of rows whose parts are %d and %d", len(b), head, h.BodyBytes)
	}
	var meta batch.Meta
	if err = batch.ParseMeta(b[batch.HeaderSize:batch.HeaderSize+int(h.MetadataBytes)], &meta); err != nil {
		return nil, err
	}
	return batch.Decode(v.layout, &meta, b[head:], batch.DecodeOptions{Validate: true})
}

func (v *lookupVersion) buckets() int { return max(1, v.info.Descriptor.BucketCount) }

func (v *lookupVersion) bucketOf(scratch *rowcodec.Builder) (ids.BucketID, error) {
	n := v.buckets()
	if n == 1 {
		return 0, nil
	}
	rec := scratch.First(v.shape.Arrow(), v.all)
	var room [1]int32
	buckets, err := v.hasher.Buckets(rec, n, room[:0])
	if err != nil {
		return 0, err
	}
	return ids.BucketID(buckets[0]), nil
}

func (v *lookupVersion) partitionNames(rec arrow.RecordBatch) ([]string, error) {
	return keys.PartitionNames(v.keySchema, v.info.Descriptor.PartitionKeys, rec)
}

// reader returns the reader of answers into values of t.
func (v *lookupVersion) reader(t reflect.Type) (*rowcodec.Reader, error) {
	if r, ok := v.readers.Load(t); ok {
		return r.(*rowcodec.Reader), nil
	}
	r, err := rowcodec.NewReader(v.layout.Schema(), t)
	if err == nil {
		v.readers.Store(t, r)
	}
	return r, err
}
