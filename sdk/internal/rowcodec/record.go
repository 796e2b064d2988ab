package rowcodec

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/schema"
)

// Size returns the bytes of the rows of rec: of slices, their part only.
func Size(rec arrow.RecordBatch) int {
	n := 0
	for _, c := range rec.Columns() {
		n += sizeOf(c, 0, c.Len())
	}
	return n
}

func sizeOf(a arrow.Array, from, to int) int {
	rows := to - from
	if rows == 0 {
		return 0
	}
	n := 0
	if a.NullN() > 0 {
		n = (rows + 7) / 8
	}
	switch a := a.(type) {
	case *array.String:
		offsets := a.ValueOffsets()
		return n + 4*rows + int(offsets[to]-offsets[from])
	case *array.Binary:
		offsets := a.ValueOffsets()
		return n + 4*rows + int(offsets[to]-offsets[from])
	case *array.List:
		first, _ := a.ValueOffsets(from)
		_, last := a.ValueOffsets(to - 1)
		return n + 4*rows + sizeOf(a.ListValues(), int(first), int(last))
	case *array.Map:
		first, _ := a.ValueOffsets(from)
		_, last := a.ValueOffsets(to - 1)
		return n + 4*rows + sizeOf(a.Keys(), int(first), int(last)) + sizeOf(a.Items(), int(first), int(last))
	case *array.Struct:
		for i := range a.NumField() {
			n += sizeOf(a.Field(i), from, to)
		}
		return n
	case *array.Boolean:
		return n + (rows+7)/8
	}
	if w, ok := a.DataType().(arrow.FixedWidthDataType); ok {
		n += rows * w.Bytes()
	}
	return n
}

// Conform returns rec with exactly the shape's columns, in order: matched by
// name, cast where types differ, null where they are missing. The result is the
// caller's to release, and shares the memory of columns that fit already. It
// fails with UNKNOWN_COLUMN and INVALID_BATCH, naming the column.
func (s *Shape) Conform(rec arrow.RecordBatch) (arrow.RecordBatch, error) {
	source, err := s.sources(rec)
	if err != nil {
		return nil, err
	}
	columns := make([]arrow.Array, len(s.columns))
	defer func() {
		for _, c := range columns {
			if c != nil {
				c.Release()
			}
		}
	}()
	rows := int(rec.NumRows())
	for i, col := range s.columns {
		want := s.arrow.Field(i).Type
		if source[i] < 0 {
			if columns[i], err = nulls(col, want, rows); err != nil {
				return nil, err
			}
			continue
		}
		have := rec.Column(source[i])
		if columns[i], err = s.conformColumn(col, want, have); err != nil {
			return nil, err
		}
	}
	return array.NewRecordBatch(s.arrow, columns, rec.NumRows()), nil
}

// sources finds the place in rec of each column; -1 for those that it does not have.
func (s *Shape) sources(rec arrow.RecordBatch) ([]int, error) {
	source := make([]int, len(s.columns))
	for i := range source {
		source[i] = -1
	}
	for j, f := range rec.Schema().Fields() {
		i, ok := s.byName[f.Name]
		if !ok {
			if err := s.given(f.Name, rec.Column(j).NullN() == rec.Column(j).Len()); err != nil {
				return nil, err
			}
			continue
		}
		if source[i] >= 0 {
			return nil, errcode.New(errcode.InvalidBatch, nil, "the batch has two columns %q", f.Name).With("column", f.Name)
		}
		source[i] = j
	}
	return source, nil
}

func nulls(col *shape, want arrow.DataType, rows int) (arrow.Array, error) {
	if !col.field.Type.Nullable && rows > 0 {
		return nil, errcode.New(errcode.InvalidBatch, nil, "column %s is NOT NULL and the batch does not have it", col.path).With("column", col.path)
	}
	c := newColumn(col)
	for range rows {
		if err := c.addNull(); err != nil {
			return nil, err
		}
	}
	return c.array(want), nil
}

func (c *Column) array(t arrow.DataType) arrow.Array {
	data := c.arrowData(t)
	defer data.Release()
	return array.MakeFromData(data)
}

func (s *Shape) conformColumn(col *shape, want arrow.DataType, have arrow.Array) (arrow.Array, error) {
	if have.NullN() > 0 && !col.field.Type.Nullable {
		return nil, errcode.New(errcode.InvalidBatch, nil, "column %s is NOT NULL and row %d of the batch is null", col.path, firstNull(have)).With("column", col.path)
	}
	if len(col.kids) == 0 && arrow.TypeEqual(want, have.DataType()) && col.field.Type.Kind != schema.Char {
		have.Retain()
		return have, nil
	}
	c := newColumn(col)
	if err := c.appendArray(have, 0, have.Len()); err != nil {
		return nil, err
	}
	return c.array(want), nil
}

func firstNull(a arrow.Array) int {
	for i := range a.Len() {
		if a.IsNull(i) {
			return i
		}
	}
	return 0 // an array of the null type has no bits
}

// AppendRecord appends the rows of rec, which must have come from Conform of the
// builder's shape.
func (b *Builder) AppendRecord(rec arrow.RecordBatch) error {
	for i := range b.columns {
		a := rec.Column(i)
		if err := b.columns[i].appendArray(a, 0, a.Len()); err != nil {
			b.Truncate(b.rows)
			return err
		}
	}
	b.rows += int(rec.NumRows())
	return nil
}

// appendArray appends the values [from, to) of a, cast to the column's type.
func (c *Column) appendArray(a arrow.Array, from, to int) error {
	add, err := c.caster(a)
	if err != nil {
		return err
	}
	for i := from; i < to; i++ {
		if a.IsNull(i) {
			if err = c.addNull(); err != nil {
				return inRow(err, i)
			}
			continue
		}
		if err = add(i); err != nil {
			return inRow(err, i)
		}
	}
	return nil
}

// inRow adds to err which row of the batch it is about.
func inRow(err error, row int) error {
	e := errcode.From(err)
	if _, known := e.Facts["row"]; known {
		return e
	}
	out := errcode.New(e.Code, nil, "row %d: %s", row, e.Message)
	for name, value := range e.Facts {
		_ = out.With(name, value)
	}
	return out.With("row", row)
}

// Adapt returns rec, whose columns are from, with the columns of another version
// of the same table: matched by field id, dropped or null where one side does
// not have them. The result is the caller's to release.
func Adapt(rec arrow.RecordBatch, from []schema.Field, to *Shape) (arrow.RecordBatch, error) {
	var fields []arrow.Field
	var columns []arrow.Array
	for _, want := range to.columns {
		for j := range from {
			if from[j].ID == want.field.ID {
				f := rec.Schema().Field(j)
				f.Name = want.field.Name
				fields = append(fields, f)
				columns = append(columns, rec.Column(j))
			}
		}
	}
	renamed := array.NewRecordBatch(arrow.NewSchema(fields, nil), columns, rec.NumRows())
	defer renamed.Release()
	return to.Conform(renamed)
}
