package rpc

import (
	"context"
	"encoding/binary"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/proto/table"
	"github.com/fluss-go/fluss/server/tablet"
)

// Bounds of what is kept compiled, in columns, each of some hundred bytes. Clients
// choose the columns of what they send to primary-key tables and get from there,
// and could make any number of shapes.
const (
	maxTableColumns = 1 << 20
	maxKeyedColumns = 1 << 17
)

// shapeKey names the shape of written batches.
type shapeKey struct {
	table ids.TableID
	// version is that of the table's metadata; 0 for log tables, where it does not matter.
	version int64
	schema  ids.SchemaID
	kind    flussv1.WriteKind
	changes bool
	targets string
}

// shape is what written batches of one kind with the same columns have in common.
// It is immutable and safe for concurrent use.
type shape struct {
	layout *batch.Layout

	// Of primary-key tables:

	// fields are the batch's columns, without that of change types.
	fields  []schema.Field
	changes bool
	// keys and required are the places of the columns that must not be null: the
	// primary key's in every row, the others in rows that are upserted.
	keys, required []int
	targets        []ids.FieldID
	place          *placer
}

// shapes keeps the shapes that are written with.
type shapes struct{ logs, keyed *cache[shapeKey, *shape] }

func newShapes() shapes {
	return shapes{newCache[shapeKey, *shape](maxTableColumns), newCache[shapeKey, *shape](maxKeyedColumns)}
}

// ofLog returns the shape of batches of a log table, or UNKNOWN_SCHEMA.
func (c shapes) ofLog(info *table.Info, id ids.SchemaID) (*shape, error) {
	key := shapeKey{table: info.ID, schema: id, kind: flussv1.WriteKind_WRITE_KIND_APPEND}
	if s, ok := c.logs.find(key); ok {
		return s, nil
	}
	s, err := schemaOf(info, id)
	if err != nil {
		return nil, err
	}
	return c.logs.add(key, &shape{layout: batch.NewLayout(s.Columns)}, len(s.Columns)), nil
}

// ofKeyed returns the shape of batches of a primary-key table. It fails with
// UNKNOWN_SCHEMA and as table.Info.WriteFields and CheckDeleteTargets do.
func (c shapes) ofKeyed(info *table.Info, h *batch.Header, kind flussv1.WriteKind, targets []int32) (*shape, error) {
	key := shapeKey{
		table: info.ID, version: info.Version, schema: h.SchemaID, kind: kind, changes: h.Flags&batch.FlagChangeTypes != 0, targets: packIDs(targets),
	}
	if s, ok := c.keyed.find(key); ok {
		return s, nil
	}
	s, err := newKeyedShape(info, key, targets)
	if err != nil {
		return nil, err
	}
	return c.keyed.add(key, s, len(s.fields)), nil
}

func newKeyedShape(info *table.Info, key shapeKey, targets []int32) (*shape, error) {
	version, err := schemaOf(info, key.schema)
	if err != nil {
		return nil, err
	}
	s := &shape{changes: key.changes, targets: fieldIDs(targets)}
	if key.kind == flussv1.WriteKind_WRITE_KIND_DELETE {
		if s.changes {
			return nil, errcode.New(errcode.InvalidBatch, nil, "a batch of keys to delete has no change types: send it without, or as an upsert")
		}
		if len(s.targets) > 0 {
			err = info.CheckDeleteTargets(version, s.targets)
		}
		s.fields = info.KeyFields(version)
	} else {
		s.fields, err = info.WriteFields(version, s.targets)
	}
	if err != nil {
		return nil, err
	}
	primary, err := keyIDs(info, info.Schema().PrimaryKey)
	if err != nil {
		return nil, err
	}
	for i := range s.fields {
		at, _ := version.IndexByID(s.fields[i].ID)
		switch {
		case slices.Contains(primary, s.fields[i].ID):
			s.keys = append(s.keys, i)
		case !version.Columns[at].Type.Nullable:
			s.required = append(s.required, i)
		}
	}
	// Nulls are looked for here and not by batch.Validate, to name the row.
	s.layout = batch.NewLayout(nullable(s.fields))
	if s.changes {
		s.layout = s.layout.WithChangeTypes()
	}
	s.place, err = newPlacer(info, version, s.fields, true)
	return s, err
}

// check looks at the rows of a batch, which is decoded and otherwise valid, and
// returns how many of them delete. It fails with INVALID_BATCH(column, row).
func (s *shape) check(rec arrow.RecordBatch, bucket ids.Bucket, partition string) (deletes int64, err error) {
	changes, deletes, err := s.changesOf(rec)
	if err != nil {
		return 0, err
	}
	for _, c := range s.keys {
		if arr := rec.Column(c); arr.NullN() > 0 {
			return 0, rowError(firstNull(arr, nil), s.fields[c].Name, "column %q of the primary key is null", s.fields[c].Name)
		}
	}
	for _, c := range s.required {
		arr := rec.Column(c)
		if arr.NullN() == 0 {
			continue
		}
		if row := firstNull(arr, changes); row >= 0 {
			return 0, rowError(row, s.fields[c].Name, "column %q is NOT NULL and null", s.fields[c].Name)
		}
	}
	_, err = s.place.check(rec, bucket, partition, nil)
	return deletes, err
}

// changesOf returns the change types of the rows, nil when the batch has none,
// and how many delete.
func (s *shape) changesOf(rec arrow.RecordBatch) (changes []int8, deletes int64, err error) {
	if !s.changes {
		return nil, 0, nil
	}
	col, ok := rec.Column(len(s.fields)).(*array.Int8)
	if !ok || col.NullN() > 0 {
		return nil, 0, errcode.New(errcode.InvalidBatch, nil, "the column of change types is to be TINYINT without nulls").
			With("column", schema.ColumnChangeType)
	}
	changes = col.Int8Values()
	for row, c := range changes {
		switch c := batch.ChangeType(c); c {
		case batch.Insert, batch.UpdateAfter:
		case batch.Delete:
			deletes++
		default:
			return nil, 0, rowError(row, schema.ColumnChangeType, "the change type is %d (%s), only %s, %s and %s are written",
				int8(c), c, batch.Insert, batch.UpdateAfter, batch.Delete)
		}
	}
	return changes, deletes, nil
}

// firstNull returns the first row with a null that does not delete; -1 when there is none.
func firstNull(arr arrow.Array, changes []int8) int {
	for row := range arr.Len() {
		if arr.IsNull(row) && (changes == nil || batch.ChangeType(changes[row]) != batch.Delete) {
			return row
		}
	}
	return -1
}

// schemaOf returns a version of the table's schema, or UNKNOWN_SCHEMA.
func schemaOf(info *table.Info, id ids.SchemaID) (*schema.Schema, error) {
	s, ok := info.SchemaByID(id)
	if !ok {
		return nil, errcode.New(errcode.UnknownSchema, nil, "table %s has no schema version %d, its newest is %d: refresh the table's metadata",
			info.Path, id, info.Schema().ID).With("schema_id", id)
	}
	return s, nil
}

// nullable returns the fields with nulls allowed.
func nullable(fields []schema.Field) []schema.Field {
	out := slices.Clone(fields)
	for i := range out {
		out[i].Type.Nullable = true
	}
	return out
}

// keyIDs returns the field ids of columns of the newest schema.
func keyIDs(info *table.Info, names []string) ([]ids.FieldID, error) {
	out := make([]ids.FieldID, len(names))
	for i, name := range names {
		f, err := info.Schema().Column(name)
		if err != nil {
			return nil, err
		}
		out[i] = f.ID
	}
	return out, nil
}

func fieldIDs(given []int32) []ids.FieldID {
	if len(given) == 0 {
		return nil
	}
	out := make([]ids.FieldID, len(given))
	for i, id := range given {
		out[i] = ids.FieldID(id)
	}
	return out
}

// packIDs makes ids part of a key.
func packIDs(given []int32) string {
	if len(given) == 0 {
		return ""
	}
	b := make([]byte, 0, 4*len(given))
	for _, id := range given {
		b = binary.LittleEndian.AppendUint32(b, uint32(id))
	}
	return string(b)
}

// readRows validates a batch of hostile bytes, as batch.Validate does with
// CheckCompressed, and returns its rows, which alias b. m is memory to use. Values
// and texts are decompressed once.
func readRows(l *batch.Layout, b []byte, limits batch.Limits, m *batch.Meta) (batch.Parsed, arrow.RecordBatch, error) {
	limits.CheckCompressed = false
	parsed, err := batch.Validate(l, b, limits)
	if err != nil {
		return parsed, nil, err
	}
	v, err := batch.ParseView(parsed.Bytes, l)
	if err != nil {
		return parsed, nil, err
	}
	v.Meta(m)
	rec, err := batch.Decode(l, m, parsed.Bytes[parsed.Header.HeadBytes():], batch.DecodeOptions{
		Validate: parsed.Header.Codec != batch.None, SkipUTF8: !limits.CheckUTF8, MaxUncompressed: limits.MaxUncompressed,
	})
	return parsed, rec, err
}

// reserve takes room in the host's budget for a batch when decompressed, and
// returns what gives it back, which may be called twice. The bytes of the batch are
// counted when it is proposed: give back before, for nobody may wait for room who
// has some.
func reserve(ctx context.Context, host *tablet.Host, b []byte, limits batch.Limits) (free func(), err error) {
	h, err := batch.ParseHeader(b)
	if err != nil {
		return nil, err
	}
	if h.Codec == batch.None {
		return func() {}, nil
	}
	return host.Reserve(ctx, min(int64(h.UncompressedBytes), limits.MaxUncompressed))
}
