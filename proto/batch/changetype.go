package batch

import "fmt"

// ChangeType is how a row changed its table: a value of the last column of a
// batch with FlagChangeTypes. The numbers are those of Apache Fluss and part of
// the format.
type ChangeType int8

// The change types.
const (
	// AppendOnly is a row of a log table.
	AppendOnly ChangeType = 0
	// Insert is a row under a key that had none.
	Insert ChangeType = 1
	// UpdateBefore is a row as it was before the update behind it.
	UpdateBefore ChangeType = 2
	// UpdateAfter is a row as an update made it.
	UpdateAfter ChangeType = 3
	// Delete is a row as it was before it was removed.
	Delete ChangeType = 4
)

var changeTypeTexts = [...]string{"+A", "+I", "-U", "+U", "-D"}

// Valid reports whether c is one of the change types.
func (c ChangeType) Valid() bool { return c >= AppendOnly && c <= Delete }

// String returns "+A", "+I", "-U", "+U" or "-D".
func (c ChangeType) String() string {
	if c.Valid() {
		return changeTypeTexts[c]
	}
	return fmt.Sprintf("change type %d", int8(c))
}
