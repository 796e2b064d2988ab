package row

import (
	"sync/atomic"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/schema"
)

// version is the first byte of a row. It is odd: places of columns that a
// version lacks take its lowest bit for their null bit.
const version = 1

// headerSize is the size of what lies before the null bitmap: the version, a
// reserved byte, and the schema id.
const (
	atSchemaID = 2
	headerSize = 6
)

// Format is a schema version compiled for rows. It is immutable and safe for
// concurrent use.
type Format struct {
	schema *schema.Schema
	tuple  *tuple
	// blank is a row up to its variable area, of nulls only.
	blank []byte
	// head32 and head16 are the header as numbers.
	head32 uint32
	head16 uint16
	// upgrades are the plans of Upgrade that were made so far, few of them.
	upgrades atomic.Pointer[[]*upgrade]
}

// NewFormat compiles s, which must be valid and not change afterwards. A schema
// reduced to some of its columns, or to none, is fine.
func NewFormat(s *schema.Schema) *Format {
	f := &Format{schema: s, tuple: newTuple(s.Columns, headerSize)}
	f.blank = make([]byte, f.tuple.end)
	f.blank[0] = version
	le.PutUint32(f.blank[atSchemaID:], uint32(s.ID))
	f.head32, f.head16 = le.Uint32(f.blank), le.Uint16(f.blank[4:])
	for i := range f.tuple.places {
		p := &f.tuple.places[i]
		f.blank[p.nullAt] |= p.nullMask
	}
	return f
}

// Schema returns the schema that f was made of; it must not be changed.
func (f *Format) Schema() *schema.Schema { return f.schema }

// Columns is the number of columns.
func (f *Format) Columns() int { return len(f.tuple.places) }

// Null reports whether a column of r is null. r must be a row that Check lets pass.
func (f *Format) Null(r []byte, column int) bool { return f.tuple.places[column].null(r) }

// Value returns the value of a column of r, as the package comment describes it,
// nil for null and never nil otherwise. It aliases r, which must be a row that
// Check lets pass.
func (f *Format) Value(r []byte, column int) []byte {
	p := &f.tuple.places[column]
	if p.null(r) {
		return nil
	}
	return f.tuple.value(p, r)
}

// SchemaID returns the schema version of any row. It fails with CORRUPT when r
// is too short for a row or of another version of the format.
func SchemaID(r []byte) (ids.SchemaID, error) {
	if len(r) < headerSize {
		return 0, corrupt("it has %d bytes, its header takes %d", len(r), headerSize)
	}
	if r[0] != version || r[1] != 0 {
		return 0, corrupt("its format is %d.%d, this server reads %d.0", r[0], r[1], version)
	}
	return ids.SchemaID(int32(le.Uint32(r[atSchemaID:]))), nil
}

func corrupt(format string, args ...any) *errcode.Error {
	return errcode.New(errcode.Corrupt, nil, "a stored row is damaged: "+format, args...)
}

func corruptColumn(column, format string, args ...any) *errcode.Error {
	return corrupt("column %q "+format, append([]any{column}, args...)...).With("column", column)
}

// frame checks what every reader of r relies on, but for the end offsets.
func (f *Format) frame(r []byte) error {
	if len(r) >= len(f.blank) && le.Uint32(r) == f.head32 && le.Uint16(r[4:]) == f.head16 {
		return nil
	}
	id, err := SchemaID(r)
	switch {
	case err != nil:
		return err
	case id != f.schema.ID:
		return corrupt("it is of schema version %d and read as one of %d", id, f.schema.ID)
	default:
		return corrupt("it has %d bytes, its columns take %d at least", len(r), len(f.blank))
	}
}
