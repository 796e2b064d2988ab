package schema

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
)

func add(t *testing.T, column string, at *flussv1.ColumnPosition) *flussv1.TableChange {
	t.Helper()
	return &flussv1.TableChange{Change: &flussv1.TableChange_AddColumn{AddColumn: &flussv1.AddColumn{
		Column: columns(t, column)[0].Proto(), Position: at}}}
}

func drop(name string) *flussv1.TableChange {
	return &flussv1.TableChange{Change: &flussv1.TableChange_DropColumn{DropColumn: &flussv1.DropColumn{Name: name}}}
}

func rename(from, to string) *flussv1.TableChange {
	return &flussv1.TableChange{Change: &flussv1.TableChange_RenameColumn{RenameColumn: &flussv1.RenameColumn{Name: from, NewName: to}}}
}

func modify(t *testing.T, name, typ string, comment *string, at *flussv1.ColumnPosition) *flussv1.TableChange {
	t.Helper()
	m := &flussv1.ModifyColumn{Name: name, Comment: comment, Position: at}
	if typ != "" {
		parsed, err := ParseType(typ)
		require.NoError(t, err)
		m.Type = parsed.Proto()
	}
	return &flussv1.TableChange{Change: &flussv1.TableChange_ModifyColumn{ModifyColumn: m}}
}

var (
	first = &flussv1.ColumnPosition{First: true}
	note  = "note"
	none  = ""
)

func after(name string) *flussv1.ColumnPosition { return &flussv1.ColumnPosition{After: name} }

func TestApply(t *testing.T) {
	for _, tc := range []struct {
		name    string
		changes []*flussv1.TableChange
		want    string
	}{
		{"add last", []*flussv1.TableChange{add(t, "x INT COMMENT 'c'", nil)}, "1:k INT NOT NULL, 2:a INT, 3:b ROW<4:c INT>, 5:x INT 'c'"},
		{"add first", []*flussv1.TableChange{add(t, "x ROW<y INT>", first)}, "5:x ROW<6:y INT>, 1:k INT NOT NULL, 2:a INT, 3:b ROW<4:c INT>"},
		{"add after", []*flussv1.TableChange{add(t, "x INT", after("k"))}, "1:k INT NOT NULL, 5:x INT, 2:a INT, 3:b ROW<4:c INT>"},
		{"drop and add again: another id", []*flussv1.TableChange{drop("b"), add(t, "b INT", nil)}, "1:k INT NOT NULL, 2:a INT, 5:b INT"},
		{"rename the key", []*flussv1.TableChange{rename("k", "key")}, "1:key INT NOT NULL, 2:a INT, 3:b ROW<4:c INT>"},
		{"swap names", []*flussv1.TableChange{rename("a", "t"), rename("b", "a"), rename("t", "b")}, "1:k INT NOT NULL, 2:b INT, 3:a ROW<4:c INT>"},
		{"rename to itself", []*flussv1.TableChange{rename("a", "a")}, "1:k INT NOT NULL, 2:a INT, 3:b ROW<4:c INT>"},
		{"widen", []*flussv1.TableChange{modify(t, "a", "BIGINT", nil, nil)}, "1:k INT NOT NULL, 2:a BIGINT, 3:b ROW<4:c INT>"},
		{"comment", []*flussv1.TableChange{modify(t, "a", "", &note, nil)}, "1:k INT NOT NULL, 2:a INT 'note', 3:b ROW<4:c INT>"},
		{"comment taken away", []*flussv1.TableChange{modify(t, "a", "", &note, nil), modify(t, "a", "", &none, nil)},
			"1:k INT NOT NULL, 2:a INT, 3:b ROW<4:c INT>"},
		{"move first", []*flussv1.TableChange{modify(t, "b", "", nil, first)}, "3:b ROW<4:c INT>, 1:k INT NOT NULL, 2:a INT"},
		{"move after", []*flussv1.TableChange{modify(t, "k", "", nil, after("a"))}, "2:a INT, 1:k INT NOT NULL, 3:b ROW<4:c INT>"},
		{"same nested type keeps ids", []*flussv1.TableChange{modify(t, "b", "ROW<c INT>", nil, nil)}, "1:k INT NOT NULL, 2:a INT, 3:b ROW<4:c INT>"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newSchema(t, "k INT, a INT, b ROW<c INT>", "k")
			before := show(s.Columns)
			next, err := s.Apply(tc.changes)
			require.NoError(t, err)
			require.Equal(t, tc.want, show(next.Columns))
			require.Equal(t, ids.SchemaID(2), next.ID)
			require.NoError(t, next.Validate())
			require.Equal(t, before, show(s.Columns), "the old one stays")
			require.Equal(t, []string{"k"}, s.PrimaryKey)
		})
	}
}

func TestApplyRefuses(t *testing.T) {
	for _, tc := range []struct {
		name    string
		changes []*flussv1.TableChange
		code    errcode.Code
		want    string
	}{
		{"NOT NULL", []*flussv1.TableChange{add(t, "x INT NOT NULL", nil)}, errcode.InvalidSchema, "must be nullable"},
		{"there already", []*flussv1.TableChange{add(t, "a INT", nil)}, errcode.ColumnExists, `"a" already`},
		{"added twice", []*flussv1.TableChange{add(t, "x INT", nil), add(t, "x INT", nil)}, errcode.ColumnExists, `"x" already`},
		{"reserved", []*flussv1.TableChange{add(t, "_change_type INT", nil)}, errcode.InvalidSchema, "reserved"},
		{"nothing to add", []*flussv1.TableChange{{Change: &flussv1.TableChange_AddColumn{}}}, errcode.InvalidSchema, "missing"},
		{"after nobody", []*flussv1.TableChange{add(t, "x INT", after("alpah"))}, errcode.UnknownColumn, `did you mean "alpha"?`},
		{"first and after", []*flussv1.TableChange{add(t, "x INT", &flussv1.ColumnPosition{First: true, After: "a"})}, errcode.InvalidSchema, "both first and after"},
		{"after itself", []*flussv1.TableChange{modify(t, "a", "", nil, after("a"))}, errcode.InvalidSchema, "after itself"},
		{"drop nobody", []*flussv1.TableChange{drop("x")}, errcode.UnknownColumn, `no column "x"`},
		{"drop the key", []*flussv1.TableChange{drop("k")}, errcode.InvalidSchema, "in the primary key"},
		{"rename to another", []*flussv1.TableChange{rename("a", "k")}, errcode.ColumnExists, `"k" already`},
		{"rename to reserved", []*flussv1.TableChange{rename("a", "__bucket")}, errcode.InvalidSchema, "reserved"},
		{"rename to nothing", []*flussv1.TableChange{rename("a", "")}, errcode.InvalidSchema, "no name"},
		{"narrow", []*flussv1.TableChange{modify(t, "a", "SMALLINT", nil, nil)}, errcode.InvalidSchema, "cannot change from INT to SMALLINT"},
		{"key's type", []*flussv1.TableChange{modify(t, "k", "BIGINT NOT NULL", nil, nil)}, errcode.InvalidSchema, "in the primary key"},
		{"key nullable", []*flussv1.TableChange{modify(t, "k", "INT", nil, nil)}, errcode.InvalidSchema, "in the primary key"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newSchema(t, "k INT, a INT, alpha ROW<c INT>", "k")
			_, err := s.Apply(tc.changes)
			requireCode(t, err, tc.code)
			require.ErrorContains(t, err, tc.want)
		})
	}
	s := newSchema(t, "a INT")
	_, err := s.Apply([]*flussv1.TableChange{drop("a")})
	require.ErrorContains(t, err, "the only one")
}

func TestApplyPassesOverOtherChanges(t *testing.T) {
	s := newSchema(t, "a INT")
	next, err := s.Apply([]*flussv1.TableChange{{Change: &flussv1.TableChange_SetComment{}}, {}, nil})
	require.NoError(t, err)
	require.Same(t, s, next)
}

func TestMapping(t *testing.T) {
	old := newSchema(t, "a INT, b INT, c INT")
	now, err := old.Apply([]*flussv1.TableChange{rename("a", "z"), drop("b"), add(t, "b INT", nil), modify(t, "c", "", nil, first)})
	require.NoError(t, err)
	require.Equal(t, []string{"c", "z", "b"}, now.Names())
	require.Equal(t, []int{2, 0, -1}, old.Mapping(now.Columns))
}

func TestCanWiden(t *testing.T) {
	for _, tc := range []struct {
		from, to string
		want     bool
	}{
		{"INT", "INT", true},
		{"TINYINT", "SMALLINT", true},
		{"TINYINT", "BIGINT", true},
		{"INT", "BIGINT", true},
		{"BIGINT", "INT", false},
		{"INT", "FLOAT", false},
		{"BIGINT", "DECIMAL(20, 0)", false},
		{"FLOAT", "DOUBLE", true},
		{"DOUBLE", "FLOAT", false},
		{"DECIMAL(10, 2)", "DECIMAL(12, 2)", true},
		{"DECIMAL(10, 2)", "DECIMAL(9, 2)", false},
		{"DECIMAL(10, 2)", "DECIMAL(12, 3)", false},
		{"CHAR(3)", "CHAR(4)", true},
		{"CHAR(3)", "CHAR(2)", false},
		{"CHAR(3)", "STRING", true},
		{"STRING", "CHAR(3)", false},
		{"BINARY(3)", "BYTES", true},
		{"BINARY(3)", "BINARY(4)", false},
		{"BYTES", "BINARY(3)", false},
		{"TIMESTAMP(3)", "TIMESTAMP(6)", false},
		{"TIMESTAMP(3)", "TIMESTAMP_LTZ(3)", false},
		{"DATE", "TIMESTAMP", false},
		{"BOOLEAN", "INT", false},
		{"INT NOT NULL", "INT", true},
		{"INT NOT NULL", "BIGINT", true},
		{"INT", "INT NOT NULL", false},
		{"INT", "BIGINT NOT NULL", false},
		{"ARRAY<INT>", "ARRAY<INT>", true},
		{"ARRAY<INT NOT NULL> NOT NULL", "ARRAY<INT>", true},
		{"ARRAY<INT>", "ARRAY<BIGINT>", false},
		{"ROW<a INT, b INT>", "ROW<a INT>", false},
		{"ROW<a INT>", "ROW<b INT>", false},
		{"MAP<INT, INT>", "MAP<INT, INT>", true},
	} {
		from, err := ParseType(tc.from)
		require.NoError(t, err)
		to, err := ParseType(tc.to)
		require.NoError(t, err)
		require.Equal(t, tc.want, CanWiden(from, to), "%s to %s", tc.from, tc.to)
	}
}
