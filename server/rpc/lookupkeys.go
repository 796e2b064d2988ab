package rpc

import (
	"context"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"

	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/keys"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/proto/table"
	"github.com/fluss-go/fluss/server/tablet"
)

// keyShapeKey names the shape of keys.
type keyShapeKey struct {
	table   ids.TableID
	version int64 // of the table's metadata
	schema  ids.SchemaID
	prefix  bool
	columns string
}

// keyShape is what batches of keys with the same columns have in common. It is
// immutable and safe for concurrent use.
type keyShape struct {
	schema  ids.SchemaID
	layout  *batch.Layout
	encoder *keys.KeyEncoder
	place   *placer
	columns []ids.FieldID
}

// keyScratch is memory for reading keys.
type keyScratch struct {
	meta    batch.Meta
	keys    keys.Keys
	buckets []int32
	// list is the keys; they alias keys.
	list [][]byte
}

// maxKeptKeys bounds the keys whose memory is used again.
const maxKeptKeys = 4096

func (s *keyScratch) shrink() {
	if cap(s.list) > maxKeptKeys {
		*s = keyScratch{}
	}
}

// keyShape returns the shape of a request's keys. It fails with UNKNOWN_SCHEMA,
// UNKNOWN_COLUMN and INVALID_ARGUMENT.
func (s *Lookups) keyShape(info *table.Info, req *flussv1.LookupRequest) (*keyShape, error) {
	key := keyShapeKey{
		table: info.ID, version: info.Version, schema: ids.SchemaID(req.GetSchemaId()), prefix: req.GetPrefix(),
		columns: packIDs(req.GetKeyColumns()),
	}
	if k, ok := s.keys.find(key); ok {
		return k, nil
	}
	k, err := newKeyShape(info, key, fieldIDs(req.GetKeyColumns()))
	if err != nil {
		return nil, err
	}
	return s.keys.add(key, k, len(k.columns)), nil
}

func newKeyShape(info *table.Info, key keyShapeKey, columns []ids.FieldID) (*keyShape, error) {
	version := info.Schema()
	if key.schema != 0 {
		var err error
		if version, err = schemaOf(info, key.schema); err != nil {
			return nil, err
		}
	}
	fields := make([]schema.Field, len(columns))
	for i, id := range columns {
		at, ok := version.IndexByID(id)
		if !ok {
			return nil, errcode.New(errcode.UnknownColumn, nil, "schema version %d of table %s has no column with the id %d", version.ID, info.Path, id)
		}
		fields[i] = version.Columns[at]
	}
	ordered, err := keyOrder(info, key.prefix, columns)
	if err != nil {
		return nil, err
	}
	k := &keyShape{schema: version.ID, columns: columns, layout: batch.NewLayout(nullable(fields))} // the encoder names the row of a null
	names, err := namesIn(&schema.Schema{Columns: fields}, info, ordered)
	if err != nil {
		return nil, err
	}
	if k.encoder, err = keys.NewKeyEncoder(fields, names); err != nil {
		return nil, err
	}
	k.place, err = newPlacer(info, version, fields, !key.prefix)
	return k, err
}

// keyOrder returns the names of the key's columns, partition columns left out, in
// the order of the key, and checks that they are those given.
func keyOrder(info *table.Info, prefix bool, given []ids.FieldID) ([]string, error) {
	d := info.Descriptor
	want, ordered := d.Schema.PrimaryKey, d.PhysicalKey()
	what := "a look-up by key takes the columns of the primary key"
	if prefix {
		if len(d.BucketKeys) > len(ordered) || !sameNames(d.BucketKeys, ordered[:len(d.BucketKeys)]) {
			return nil, errcode.New(errcode.InvalidArgument, nil,
				"table %s has no look-ups by prefix: its bucket key (%s) is not the beginning of its primary key (%s)",
				info.Path, strings.Join(d.BucketKeys, ", "), strings.Join(ordered, ", "))
		}
		want, ordered = d.BucketKeys, ordered[:len(d.BucketKeys)]
		what = "a look-up by prefix takes the columns of the bucket key"
	}
	wanted, err := keyIDs(info, want)
	if err != nil {
		return nil, err
	}
	sorted, got := slices.Sorted(slices.Values(wanted)), slices.Sorted(slices.Values(given))
	if !slices.Equal(sorted, got) {
		return nil, errcode.New(errcode.InvalidArgument, nil, "%s of table %s, each once: %s (field ids %v), not the field ids %v",
			what, info.Path, strings.Join(want, ", "), wanted, given)
	}
	return ordered, nil
}

// sameNames reports whether a and b have the same names in any order.
func sameNames(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// read makes the keys of a batch of hostile bytes the list of s, and returns the
// records, which alias b. It fails with INVALID_BATCH(column, row), BAD_CHECKSUM,
// LIMIT_EXCEEDED and UNSUPPORTED.
func (k *keyShape) read(s *keyScratch, b []byte, limits batch.Limits, bucket ids.Bucket, partition string) (arrow.RecordBatch, error) {
	_, rec, err := readRows(k.layout, b, limits, &s.meta)
	if err != nil {
		return nil, err
	}
	if err := k.encode(s, rec, bucket, partition); err != nil {
		rec.Release()
		return nil, err
	}
	return rec, nil
}

func (k *keyShape) encode(s *keyScratch, rec arrow.RecordBatch, bucket ids.Bucket, partition string) (err error) {
	s.keys.Reset()
	if err := k.encoder.Encode(rec, &s.keys); err != nil {
		return err
	}
	if s.buckets, err = k.place.check(rec, bucket, partition, s.buckets); err != nil {
		return err
	}
	n := s.keys.Len()
	s.list = slices.Grow(s.list[:0], n)[:n]
	for i := range s.list {
		s.list[i] = s.keys.At(i)
	}
	return nil
}

// rowsPerCheck is after how many rows of a prefix it is seen whether the client still waits.
const rowsPerCheck = 1024

// prefix takes the rows whose keys begin with prefix, and returns how many.
func (l *lookup) prefix(ctx context.Context, rows *tablet.Rows, prefix []byte) (n uint32, err error) {
	it, err := rows.Iterate(prefix, keys.After(prefix))
	if err != nil {
		return 0, err
	}
	defer it.Close()
	for it.Next() {
		if err := l.answer.add(it.Row()); err != nil {
			return n, err
		}
		if n++; n%rowsPerCheck == 0 && ctx.Err() != nil {
			return n, errcode.From(ctx.Err())
		}
	}
	return n, it.Err()
}
