package rowcodec

import (
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/schema"
)

// Shape is the compiled form of a list of columns, from which builders are made
// and plans are compiled. It is safe for concurrent use.
type Shape struct {
	columns []*shape
	byName  map[string]int
	// others are the columns of the table that the shape leaves out.
	others map[string]leftOut
	arrow  *arrow.Schema
	plans  planCache
}

// leftOut says why a column of the table is not in a shape.
type leftOut uint8

const (
	// skipped columns are not written: values for them are not looked at.
	skipped leftOut = iota + 1
	// generated columns are filled by the server: values for them are refused, but
	// in structs, which are also there to read rows into.
	generated
)

// Skip makes rows with values for columns that the shape does not have good: they
// are not looked at. It must be called before the shape is used.
func (s *Shape) Skip(names ...string) { s.leaveOut(names, skipped) }

// SkipGenerated says that the server fills the columns: a row that has values for
// them fails with INVALID_ARGUMENT, unless it is a struct, of which the fields are
// not looked at. It must be called before the shape is used.
func (s *Shape) SkipGenerated(names ...string) { s.leaveOut(names, generated) }

func (s *Shape) leaveOut(names []string, why leftOut) {
	if s.others == nil {
		s.others = map[string]leftOut{}
	}
	for _, name := range names {
		s.others[name] = why
	}
}

// given judges a value for a column that the shape does not have.
func (s *Shape) given(name string, null bool) error {
	switch {
	case s.others[name] == 0:
		return errcode.New(errcode.UnknownColumn, nil, "the table has no column %q; it has %s", name, s.Names()).With("column", name)
	case s.others[name] == generated && !null:
		return errcode.New(errcode.InvalidArgument, nil, "column %q is filled by the server: leave it out", name).With("column", name)
	}
	return nil
}

// NewShape compiles columns.
func NewShape(columns []schema.Field) *Shape {
	s := &Shape{byName: make(map[string]int, len(columns))}
	fields := make([]arrow.Field, len(columns))
	for i, f := range columns {
		s.columns = append(s.columns, newShape(f, ""))
		s.byName[f.Name] = i
		fields[i] = f.Arrow()
	}
	s.arrow = arrow.NewSchema(fields, nil)
	return s
}

// Arrow returns the Arrow schema of a builder's records.
func (s *Shape) Arrow() *arrow.Schema { return s.arrow }

// Builder collects rows of one shape.
type Builder struct {
	shape   *Shape
	columns []Column
	rows    int
	// rowBytes is the size of what each row has of fixed width.
	rowBytes int
	// variable are the places of the columns of variable size.
	variable []int
	// one is what First returned last; its values lie at the addresses at, those of
	// the columns firsts.
	one    arrow.RecordBatch
	firsts []int
	at     []*byte
}

// NewBuilder returns an empty builder.
func NewBuilder(s *Shape) *Builder {
	b := &Builder{shape: s}
	for i, c := range s.columns {
		b.columns = append(b.columns, newColumn(c))
		if c.variable {
			b.variable = append(b.variable, i)
			continue
		}
		b.rowBytes += max(1, c.width)
		for _, k := range c.kids {
			b.rowBytes += max(1, k.width)
		}
	}
	return b
}

// Rows returns the number of rows.
func (b *Builder) Rows() int { return b.rows }

// Bytes returns the size of the rows, before compression; it is cheap.
func (b *Builder) Bytes() int {
	n := b.rows * b.rowBytes
	for _, i := range b.variable {
		n += b.columns[i].bytes()
	}
	return n
}

// RowBytes is what a row takes when its values of variable size are empty.
func (b *Builder) RowBytes() int { return b.rowBytes + 4*len(b.variable) }

// Reset drops the rows and keeps the memory.
func (b *Builder) Reset() {
	b.rows = 0
	for i := range b.columns {
		b.columns[i].reset()
	}
}

// Truncate drops the rows from n on.
func (b *Builder) Truncate(n int) {
	for i := range b.columns {
		b.columns[i].undo(n)
	}
	b.rows = min(b.rows, n)
}

// AppendRow appends row i of src, a builder of the same shape.
func (b *Builder) AppendRow(src *Builder, i int) {
	for c := range b.columns {
		b.columns[c].copyRow(&src.columns[c], i)
	}
	b.rows++
}

// Key appends the bytes of row i's values in the columns to dst: the same for
// the same values and different ones for different values. The columns must not be nested.
func (b *Builder) Key(dst []byte, columns []int, i int) []byte {
	for _, c := range columns {
		dst = b.columns[c].key(dst, i)
	}
	return dst
}

// Record returns the rows as a batch that shares the builder's memory: it is
// valid until the builder is next changed.
func (b *Builder) Record() arrow.RecordBatch {
	columns := make([]arrow.Array, len(b.columns))
	for i := range b.columns {
		data := b.columns[i].arrowData(b.shape.arrow.Field(i).Type)
		columns[i] = array.MakeFromData(data)
		data.Release()
	}
	rec := array.NewRecordBatch(b.shape.arrow, columns, int64(b.rows))
	for _, c := range columns {
		c.Release()
	}
	return rec
}

// Project returns the Arrow schema of some columns, in the order of columns.
func (s *Shape) Project(columns []int) *arrow.Schema {
	fields := make([]arrow.Field, len(columns))
	for i, c := range columns {
		fields[i] = s.arrow.Field(c)
	}
	return arrow.NewSchema(fields, nil)
}

// Select returns the rows of some columns as Record does; s is their Project.
func (b *Builder) Select(s *arrow.Schema, columns []int) arrow.RecordBatch {
	arrays := make([]arrow.Array, len(columns))
	for i, c := range columns {
		arrays[i] = b.columns[c].array(s.Field(i).Type)
		defer arrays[i].Release()
	}
	return array.NewRecordBatch(s, arrays, int64(b.rows))
}

// First is Select for a builder with one row, made for being called for row after
// row: it returns the record that it returned before where that shows the values
// that are there now. The record stays the builder's.
func (b *Builder) First(s *arrow.Schema, columns []int) arrow.RecordBatch {
	if b.one != nil && slices.Equal(b.firsts, columns) {
		same := true
		for i, c := range columns {
			same = same && b.at[i] == b.columns[c].address()
		}
		if same {
			return b.one
		}
	}
	b.one, b.firsts, b.at = b.Select(s, columns), columns, b.at[:0]
	for _, c := range columns {
		at := b.columns[c].address()
		if at == nil {
			b.firsts = nil // it shows this row only
			break
		}
		b.at = append(b.at, at)
	}
	return b.one
}

// address is where the only value of a column lies; nil when it is null or its
// bytes are not all there is to it.
func (c *Column) address() *byte {
	if c.n != 1 || c.nulls > 0 || c.width == 0 || len(c.data) != c.width {
		return nil
	}
	return &c.data[0]
}

func (c *Column) arrowData(t arrow.DataType) arrow.ArrayData {
	var valid *memory.Buffer
	if c.nulls > 0 {
		valid = memory.NewBufferBytes(c.valid)
	}
	offsets := func() *memory.Buffer {
		return memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(c.offsets))
	}
	switch c.field.Type.Kind { //nolint:exhaustive // the others are of fixed width
	case schema.Char, schema.String, schema.Bytes:
		return array.NewData(t, c.n, []*memory.Buffer{valid, offsets(), memory.NewBufferBytes(c.data)}, nil, c.nulls, 0)
	case schema.Array:
		kid := c.kids[0].arrowData(t.(*arrow.ListType).Elem())
		defer kid.Release()
		return array.NewData(t, c.n, []*memory.Buffer{valid, offsets()}, []arrow.ArrayData{kid}, c.nulls, 0)
	case schema.Map:
		pair := t.(*arrow.MapType).Elem().(*arrow.StructType)
		key, value := c.kids[0].arrowData(pair.Field(0).Type), c.kids[1].arrowData(pair.Field(1).Type)
		defer key.Release()
		defer value.Release()
		pairs := array.NewData(pair, c.kids[0].n, []*memory.Buffer{nil}, []arrow.ArrayData{key, value}, 0, 0)
		defer pairs.Release()
		return array.NewData(t, c.n, []*memory.Buffer{valid, offsets()}, []arrow.ArrayData{pairs}, c.nulls, 0)
	case schema.Row:
		kids := make([]arrow.ArrayData, len(c.kids))
		for i := range c.kids {
			kids[i] = c.kids[i].arrowData(t.(*arrow.StructType).Field(i).Type)
			defer kids[i].Release()
		}
		return array.NewData(t, c.n, []*memory.Buffer{valid}, kids, c.nulls, 0)
	default:
		return array.NewData(t, c.n, []*memory.Buffer{valid, memory.NewBufferBytes(c.data)}, nil, c.nulls, 0)
	}
}

// AppendTexts appends a row of one text for each column, in order; a text at
// which null is true is a null. Numbers are decimal digits, times ISO 8601,
// bytes base64. A row that fails leaves the builder as it was; it fails with
// INVALID_BATCH naming the column.
func (b *Builder) AppendTexts(texts []string, null func(column int) bool) error {
	if len(texts) != len(b.columns) {
		return errcode.New(errcode.InvalidBatch, nil, "the row has %d values and the table %d columns", len(texts), len(b.columns))
	}
	for i := range b.columns {
		c := &b.columns[i]
		var err error
		if null != nil && null(i) {
			err = c.addNull()
		} else {
			err = c.addText(texts[i])
		}
		if err != nil {
			b.Truncate(b.rows)
			return err
		}
	}
	b.rows++
	return nil
}
