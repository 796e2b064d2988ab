package sdk

import (
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/schema"
)

// Change is one change of a table, for Admin.AlterTable.
type Change struct{ change *flussv1.TableChange }

// AddColumn adds a column, last unless First or After is called on the change.
// It must be nullable; its id is given by the server.
func AddColumn(f schema.Field) Change {
	return Change{&flussv1.TableChange{Change: &flussv1.TableChange_AddColumn{AddColumn: &flussv1.AddColumn{Column: f.Proto()}}}}
}

// DropColumn drops a column. Old rows keep its values, which nothing can read.
func DropColumn(name string) Change {
	return Change{&flussv1.TableChange{Change: &flussv1.TableChange_DropColumn{DropColumn: &flussv1.DropColumn{Name: name}}}}
}

// RenameColumn renames a column.
func RenameColumn(name, newName string) Change {
	return Change{&flussv1.TableChange{Change: &flussv1.TableChange_RenameColumn{RenameColumn: &flussv1.RenameColumn{Name: name, NewName: newName}}}}
}

// MoveColumn moves a column to where First or After, called on the change, says.
func MoveColumn(name string) Change {
	return Change{&flussv1.TableChange{Change: &flussv1.TableChange_ModifyColumn{ModifyColumn: &flussv1.ModifyColumn{Name: name}}}}
}

// WidenColumn gives a column a wider type, like BIGINT for INT.
func WidenColumn(name string, t schema.Type) Change {
	return Change{&flussv1.TableChange{Change: &flussv1.TableChange_ModifyColumn{ModifyColumn: &flussv1.ModifyColumn{Name: name, Type: t.Proto()}}}}
}

// CommentColumn sets a column's comment.
func CommentColumn(name, comment string) Change {
	return Change{&flussv1.TableChange{Change: &flussv1.TableChange_ModifyColumn{ModifyColumn: &flussv1.ModifyColumn{Name: name, Comment: &comment}}}}
}

// SetOption sets a `table.*` option or a custom property.
func SetOption(key, value string) Change {
	return Change{&flussv1.TableChange{Change: &flussv1.TableChange_SetOption{SetOption: &flussv1.SetOption{Key: key, Value: value}}}}
}

// ResetOption gives an option its default back, or removes a custom property.
func ResetOption(key string) Change {
	return Change{&flussv1.TableChange{Change: &flussv1.TableChange_ResetOption{ResetOption: &flussv1.ResetOption{Key: key}}}}
}

// SetComment sets the table's comment.
func SetComment(comment string) Change {
	return Change{&flussv1.TableChange{Change: &flussv1.TableChange_SetComment{SetComment: &flussv1.SetComment{Comment: comment}}}}
}

// First puts an added or moved column first. It changes and returns c; on other changes it does nothing.
func (c Change) First() Change { return c.at(&flussv1.ColumnPosition{First: true}) }

// After puts an added or moved column behind another. It changes and returns c;
// on other changes it does nothing.
func (c Change) After(name string) Change { return c.at(&flussv1.ColumnPosition{After: name}) }

func (c Change) at(p *flussv1.ColumnPosition) Change {
	if add := c.change.GetAddColumn(); add != nil {
		add.Position = p
	}
	if modify := c.change.GetModifyColumn(); modify != nil {
		modify.Position = p
	}
	return c
}
