package schema

import (
	"slices"

	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
)

// Apply returns the next version of s after the changes of columns, in order, all
// or none; other changes are passed over. It returns s itself when no change is
// one of columns.
//
// It fails with UNKNOWN_COLUMN, COLUMN_EXISTS, or INVALID_SCHEMA: for an added
// column that is NOT NULL or reserved, a type that CanWiden forbids, the last
// column dropped, or a column of the primary key dropped or given another type.
func (s *Schema) Apply(changes []*flussv1.TableChange) (*Schema, error) {
	next := &Schema{
		ID: s.ID + 1, Columns: cloneFields(s.Columns), PrimaryKey: slices.Clone(s.PrimaryKey), HighestFieldID: s.HighestFieldID,
	}
	touched := false
	for _, change := range changes {
		var err error
		switch c := change.GetChange().(type) {
		case *flussv1.TableChange_AddColumn:
			err = next.add(c.AddColumn)
		case *flussv1.TableChange_DropColumn:
			err = next.drop(c.DropColumn.GetName())
		case *flussv1.TableChange_RenameColumn:
			err = next.rename(c.RenameColumn.GetName(), c.RenameColumn.GetNewName())
		case *flussv1.TableChange_ModifyColumn:
			err = next.modify(c.ModifyColumn)
		default:
			continue
		}
		if err != nil {
			return nil, err
		}
		touched = true
	}
	if !touched {
		return s, nil
	}
	if err := next.Validate(); err != nil {
		return nil, err
	}
	return next, nil
}

func (s *Schema) add(m *flussv1.AddColumn) error {
	if m.GetColumn() == nil {
		return errcode.New(errcode.InvalidSchema, nil, "the column to add is missing")
	}
	f, err := FieldFromProto(m.GetColumn())
	if err != nil {
		return err
	}
	if err := s.checkNew(f.Name); err != nil {
		return err
	}
	if !f.Type.Nullable {
		return errcode.New(errcode.InvalidSchema, nil,
			"column %q is NOT NULL; an added column must be nullable, for the rows that there are have no value in it", f.Name)
	}
	added := []Field{f}
	s.HighestFieldID = number(added, s.HighestFieldID)
	s.Columns = append(s.Columns, added[0])
	return s.move(f.Name, m.GetPosition())
}

func (s *Schema) drop(name string) error {
	i, err := s.find(name)
	if err != nil {
		return err
	}
	if slices.Contains(s.PrimaryKey, name) {
		return errcode.New(errcode.InvalidSchema, nil, "column %q is in the primary key and cannot be dropped", name)
	}
	if len(s.Columns) == 1 {
		return errcode.New(errcode.InvalidSchema, nil, "column %q is the only one and cannot be dropped", name)
	}
	s.Columns = slices.Delete(s.Columns, i, i+1)
	return nil
}

func (s *Schema) rename(from, to string) error {
	i, err := s.find(from)
	if err != nil || from == to {
		return err
	}
	if err := s.checkNew(to); err != nil {
		return err
	}
	s.Columns[i].Name = to
	if k := slices.Index(s.PrimaryKey, from); k >= 0 {
		s.PrimaryKey[k] = to
	}
	return nil
}

func (s *Schema) modify(m *flussv1.ModifyColumn) error {
	i, err := s.find(m.GetName())
	if err != nil {
		return err
	}
	c := &s.Columns[i]
	if m.GetType() != nil {
		to, err := TypeFromProto(m.GetType())
		if err != nil {
			return err
		}
		if err := s.widen(c, to); err != nil {
			return err
		}
	}
	if m.Comment != nil {
		c.Comment = m.GetComment()
	}
	return s.move(m.GetName(), m.GetPosition())
}

func (s *Schema) widen(c *Field, to Type) error {
	if c.Type.Equal(to) {
		return nil
	}
	if slices.Contains(s.PrimaryKey, c.Name) {
		return errcode.New(errcode.InvalidSchema, nil, "column %q is in the primary key; its type cannot change", c.Name)
	}
	if !CanWiden(c.Type, to) {
		return errcode.New(errcode.InvalidSchema, nil,
			"column %q cannot change from %s to %s: possible are larger integers, FLOAT to DOUBLE, more precision of a DECIMAL"+
				" with the same scale, a longer CHAR or STRING, BINARY to BYTES, and NOT NULL to nullable", c.Name, c.Type, to)
	}
	to.Fields = cloneFields(to.Fields)
	keepIDs(to.Fields, c.Type.Fields)
	c.Type = to
	return nil
}

// keepIDs gives fields the ids of those that they replace, by place: CanWiden has
// seen that they have the same names in the same order.
func keepIDs(fields, before []Field) {
	for i := range fields {
		fields[i].ID = before[i].ID
		keepIDs(fields[i].Type.Fields, before[i].Type.Fields)
	}
}

// move puts the column called name where the position says; nil leaves it.
func (s *Schema) move(name string, p *flussv1.ColumnPosition) error {
	if !p.GetFirst() && p.GetAfter() == "" {
		return nil
	}
	if p.GetFirst() && p.GetAfter() != "" {
		return errcode.New(errcode.InvalidSchema, nil, "column %q cannot be both first and after %q", name, p.GetAfter())
	}
	if p.GetAfter() == name {
		return errcode.New(errcode.InvalidSchema, nil, "column %q cannot be after itself", name)
	}
	from, err := s.find(name)
	if err != nil {
		return err
	}
	c := s.Columns[from]
	s.Columns = slices.Delete(s.Columns, from, from+1)
	to := 0
	if !p.GetFirst() {
		after, err := s.find(p.GetAfter())
		if err != nil {
			return err
		}
		to = after + 1
	}
	s.Columns = slices.Insert(s.Columns, to, c)
	return nil
}

func (s *Schema) find(name string) (int, error) {
	if i, ok := s.Index(name); ok {
		return i, nil
	}
	_, err := s.Column(name)
	return 0, err
}

// checkNew refuses the name of another column.
func (s *Schema) checkNew(name string) error {
	if _, ok := s.Index(name); ok {
		return errcode.New(errcode.ColumnExists, nil, "there is a column %q already", name)
	}
	return validateColumnName(name)
}

// Mapping tells, for each of the wanted fields, the place of the column with the
// same id in s, or -1 when s has none: the column was added later and reads as
// null.
func (s *Schema) Mapping(wanted []Field) []int {
	places := make(map[ids.FieldID]int, len(s.Columns))
	for i := range s.Columns {
		places[s.Columns[i].ID] = i
	}
	out := make([]int, len(wanted))
	for i := range wanted {
		place, ok := places[wanted[i].ID]
		if !ok {
			place = -1
		}
		out[i] = place
	}
	return out
}
