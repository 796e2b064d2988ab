package rpc

import (
	"slices"
	"sync"

	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/proto/table"
	"github.com/fluss-go/fluss/server/row"
)

type formatKey struct {
	table  ids.TableID
	schema ids.SchemaID
}

// formats keeps the format of each schema version whose rows are read.
type formats struct {
	catalog Catalog
	*cache[formatKey, *row.Format]
}

func newFormats(catalog Catalog) *formats {
	return &formats{catalog, newCache[formatKey, *row.Format](maxTableColumns)}
}

// get returns the format of a schema version. It fails with UNKNOWN_TABLE, and
// with CONFLICT when the table has no such version: tablets write one just before
// the catalog tells of it.
func (f *formats) get(key formatKey) (*row.Format, error) {
	if found, ok := f.find(key); ok {
		return found, nil
	}
	t, err := f.catalog.Catalog().TableByID(key.table)
	if err != nil {
		return nil, err
	}
	s, ok := t.Info.SchemaByID(key.schema)
	if !ok {
		return nil, errcode.New(errcode.Conflict, nil, "table %s is being altered: a row has its schema version %d, which is not known here yet; try again",
			t.Info.Path, key.schema)
	}
	return f.add(key, row.NewFormat(s), len(s.Columns)), nil
}

// tableFormats finds the formats of one table's rows. It is for one goroutine.
type tableFormats struct {
	formats *formats
	table   ids.TableID
	// last is the format of the row before, mostly that of the next one, too.
	last   *row.Format
	lastID ids.SchemaID
}

// of returns the format of r. It fails with CORRUPT, CONFLICT and UNKNOWN_TABLE.
func (t *tableFormats) of(r []byte) (*row.Format, error) {
	id, err := row.SchemaID(r)
	if err != nil {
		return nil, err
	}
	if t.last != nil && t.lastID == id {
		return t.last, nil
	}
	f, err := t.formats.get(formatKey{t.table, id})
	if err != nil {
		return nil, err
	}
	t.last, t.lastID = f, id
	return f, nil
}

// collect adds r to c. It fails with CORRUPT, and with UNKNOWN_SCHEMA when r is
// of a newer schema version, in which a column was widened, than c's columns.
func (t *tableFormats) collect(c *row.Collector, r []byte) error {
	f, err := t.of(r)
	if err != nil {
		return err
	}
	err = c.Add(f, r)
	if err != nil && errcode.Of(err) == errcode.Internal {
		return errcode.New(errcode.UnknownSchema, err, "table %d has rows of schema version %d, whose types are wider: refresh the table's metadata",
			t.table, t.lastID).With("schema_id", t.lastID)
	}
	return err
}

// rowShapeKey names the shape of answers.
type rowShapeKey struct {
	table   ids.TableID
	version int64 // of the table's metadata
	schema  ids.SchemaID
	columns string
}

// rowShape is what the answers with the same columns have in common. It is safe
// for concurrent use.
type rowShape struct {
	table   ids.TableID
	schema  ids.SchemaID
	want    []schema.Field
	layout  *batch.Layout
	answers sync.Pool // of *answer
}

// rowShape returns the shape of answers with the columns of a schema version, 0
// being the newest; all when there are none. It fails with UNKNOWN_SCHEMA,
// UNKNOWN_COLUMN and INVALID_PROJECTION.
func (s *Lookups) rowShape(info *table.Info, id ids.SchemaID, columns []int32) (*rowShape, error) {
	key := rowShapeKey{table: info.ID, version: info.Version, schema: id, columns: packIDs(columns)}
	if found, ok := s.answers.find(key); ok {
		return found, nil
	}
	version := info.Schema()
	if id != 0 {
		var err error
		if version, err = schemaOf(info, id); err != nil {
			return nil, err
		}
	}
	want := version.Columns
	if len(columns) > 0 {
		want = make([]schema.Field, len(columns))
		for i, c := range columns {
			at, ok := version.IndexByID(ids.FieldID(c))
			if !ok {
				return nil, errcode.New(errcode.UnknownColumn, nil, "schema version %d of table %s has no column with the id %d", version.ID, info.Path, c)
			}
			if slices.Contains(columns[:i], c) {
				return nil, errcode.New(errcode.InvalidProjection, nil, "column %q of table %s is wanted twice", version.Columns[at].Name, info.Path)
			}
			want[i] = version.Columns[at]
		}
	}
	if err := stillThere(info, version, want); err != nil {
		return nil, err
	}
	shape := &rowShape{table: info.ID, schema: version.ID, want: nullable(want)}
	shape.layout = batch.NewLayout(shape.want)
	return s.answers.add(key, shape, len(want)), nil
}

// stillThere reports columns of an older schema version that rows may no longer
// have values of, or of other types: UNKNOWN_SCHEMA.
func stillThere(info *table.Info, version *schema.Schema, want []schema.Field) error {
	newest := info.Schema()
	if version.ID == newest.ID {
		return nil
	}
	for i := range want {
		f := &want[i]
		at, ok := newest.IndexByID(f.ID)
		switch {
		case !ok && !f.Type.Nullable:
			return errcode.New(errcode.UnknownSchema, nil, "column %q of schema version %d of table %s was dropped: refresh the table's metadata",
				f.Name, version.ID, info.Path).With("schema_id", newest.ID)
		case ok && !sameValues(newest.Columns[at].Type, f.Type):
			return errcode.New(errcode.UnknownSchema, nil, "column %q of table %s was changed from %s to %s: refresh the table's metadata",
				f.Name, info.Path, f.Type, newest.Columns[at].Type).With("schema_id", newest.ID)
		}
	}
	return nil
}

// sameValues reports whether columns of the type to can hold what columns of the
// type from have, but for nulls.
func sameValues(from, to schema.Type) bool {
	from.Nullable, to.Nullable = true, true
	return schema.CanWiden(from, to)
}

// take returns an answer to fill; answer.free gives it back.
func (s *rowShape) take(f *formats) *answer {
	a, ok := s.answers.Get().(*answer)
	if !ok {
		a = &answer{
			shape: s, collector: row.NewCollector(s.want), encoder: batch.NewEncoder(s.layout, batch.EncoderOptions{}),
			formats: tableFormats{formats: f, table: s.table},
		}
	}
	return a
}

// answer gathers the rows of one look-up. It is for one goroutine.
type answer struct {
	shape     *rowShape
	collector *row.Collector
	encoder   *batch.Encoder
	formats   tableFormats
	rows      int
	// limit is how many bytes of rows may be collected, at most maxLookupBytes.
	limit int64
}

// add takes in a row. It fails with errNoFit, LIMIT_EXCEEDED(limit), CORRUPT and UNKNOWN_SCHEMA.
func (a *answer) add(r []byte) error {
	if a.limit < maxLookupBytes && a.collector.Bytes()+int64(len(r)) > a.limit {
		return errNoFit
	}
	if err := a.formats.collect(a.collector, r); err != nil {
		return err
	}
	a.rows++
	if a.collector.Bytes() > maxLookupBytes {
		return errcode.New(errcode.LimitExceeded, nil,
			"the rows found have more than %d bytes: look up fewer keys at a time, or fewer columns; read many rows by a scan", maxLookupBytes).
			With("limit", maxLookupBytes)
	}
	return nil
}

// encode returns the rows as a batch, nil when there are none.
func (a *answer) encode() ([]byte, error) {
	if a.rows == 0 {
		return nil, nil
	}
	rec := a.collector.Record()
	defer rec.Release()
	return a.encoder.Encode(nil, rec, batch.EncodeInfo{SchemaID: a.shape.schema})
}

// reset drops the rows.
func (a *answer) reset() {
	if a.collector.Rows() > 0 {
		a.collector.Record().Release() // of a look-up that failed
	}
	a.rows = 0
}

// free gives the answer back.
func (a *answer) free() {
	a.reset()
	a.shape.answers.Put(a)
}
