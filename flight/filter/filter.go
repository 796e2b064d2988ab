package filter

import (
	"slices"

	"github.com/fluss-go/fluss/proto/schema"
)

// Filter is a row filter bound to the columns of a table. It is immutable and
// safe for concurrent use.
type Filter struct {
	text    string
	root    node
	columns []int
}

// Parse reads the text of a filter and binds it to columns. It fails with
// InvalidFilter and the fact position, the number of the character, from 1.
func Parse(text string, columns []schema.Field) (*Filter, error) {
	tree, err := parseText(text)
	if err != nil {
		return nil, err
	}
	b := binder{columns: columns, used: map[int]bool{}}
	root, err := b.or(tree)
	if err != nil {
		return nil, err
	}
	f := &Filter{text: text, root: root}
	for i := range b.used {
		f.columns = append(f.columns, i)
	}
	slices.Sort(f.columns)
	return f, nil
}

// Columns returns the indexes of the columns that the filter reads, ascending.
func (f *Filter) Columns() []int { return slices.Clone(f.columns) }

// String returns the text as it was parsed.
func (f *Filter) String() string { return f.text }

// truth is a value of three-valued logic; AND is the minimum, OR the maximum.
type truth uint8

const (
	no      truth = 0
	unknown truth = 1
	yes     truth = 2
)

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

// node is a part of a bound filter.
type node interface {
	// eval sets out[i] for each row.
	eval(e *Evaluator, out []truth)
	// outcomes returns which values the rows of a batch may have.
	outcomes(s *summary) outcome
}

// op is a comparison.
type op uint8

const (
	eq op = iota
	ne
	lt
	le
	gt
	ge
)

var ops = map[string]op{"=": eq, "==": eq, "<>": ne, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge}

// mirrored returns the comparison with its sides swapped.
func (o op) mirrored() op {
	switch o {
	case lt:
		return gt
	case le:
		return ge
	case gt:
		return lt
	case ge:
		return le
	case eq, ne:
	}
	return o
}

// holds reports whether the comparison is true of two values with the order c
// (negative when the left is smaller).
func (o op) holds(c int) bool {
	switch o {
	case eq:
		return c == 0
	case ne:
		return c != 0
	case lt:
		return c < 0
	case le:
		return c <= 0
	case gt:
		return c > 0
	case ge:
		return c >= 0
	}
	return false
}

type andNode struct{ terms []node }

type orNode struct{ terms []node }

type notNode struct{ term node }

// isNull is true of rows where the column is null.
type isNull struct{ column int }

// always is value where the column is not null, else unknown: a comparison
// whose outcome does not depend on the value. column -1 stands for none.
type always struct {
	column int
	value  truth
}

// compare compares a column with a constant of the type that its values are
// stored as: see valueKind.
type compare struct {
	column int
	kind   valueKind
	op     op
	value  value
}

// member is true of rows whose value is one of a set.
type member struct {
	column int
	kind   valueKind
	set    map[any]struct{}
	values []value
	// hasNull makes rows unknown that are not in the set.
	hasNull bool
}

// matches is true of rows whose text matches a pattern.
type matches struct {
	column  int
	pattern *like
}

// pair compares two columns of one kind.
type pair struct {
	left, right int
	kind        valueKind
	op          op
}
