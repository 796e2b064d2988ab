// Package table is the model of a table: its path, descriptor, options,
// partitions, and the rules that they obey.
package table

import (
	"cmp"
	"strings"

	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
)

// DefaultDatabase is the database of a path that names none; it always exists.
const DefaultDatabase = "fluss"

// MaxNameLength is the longest name of a database, table or partition, in bytes.
const MaxNameLength = 200

// reservedPrefix starts the names of internal objects.
const reservedPrefix = "__"

// Path names a table. It is comparable.
type Path struct {
	Database, Table string
}

// String returns "db.t".
func (p Path) String() string { return p.Database + "." + p.Table }

// Compare orders paths by database and table.
func (p Path) Compare(o Path) int {
	return cmp.Or(strings.Compare(p.Database, o.Database), strings.Compare(p.Table, o.Table))
}

// Proto returns p as a message.
func (p Path) Proto() *flussv1.TablePath {
	return &flussv1.TablePath{Database: p.Database, Table: p.Table}
}

// Validate reports a bad name as INVALID_NAME.
func (p Path) Validate() error {
	if err := ValidateName("database", p.Database); err != nil {
		return err
	}
	return ValidateName("table", p.Table)
}

// PathFromProto returns the path of a message, checked; no database means
// DefaultDatabase. It fails with INVALID_NAME.
func PathFromProto(m *flussv1.TablePath) (Path, error) {
	p := Path{Database: cmp.Or(m.GetDatabase(), DefaultDatabase), Table: m.GetTable()}
	return p, p.Validate()
}

// ParsePath reads "db.t", or "t" in the DefaultDatabase. It fails with INVALID_NAME.
func ParsePath(text string) (Path, error) {
	database, name, found := strings.Cut(text, ".")
	if !found {
		database, name = DefaultDatabase, text
	}
	if strings.Contains(name, ".") {
		return Path{}, errcode.New(errcode.InvalidName, nil, "%q has more than one dot; a table is named db.table or table", text)
	}
	p := Path{Database: database, Table: name}
	if err := p.Validate(); err != nil {
		return Path{}, err
	}
	return p, nil
}

// ValidateName checks the name of a database or a table; kind says which, for
// the message. A name has 1 to 200 ASCII letters, digits, '_' and '-', and does
// not start with "__". It fails with INVALID_NAME.
func ValidateName(kind, name string) error {
	if fault := nameFault(name); fault != "" {
		return errcode.New(errcode.InvalidName, nil, "%s name %q %s", kind, shorten(name), fault)
	}
	return nil
}

// nameFault says what is wrong with a name, "" when nothing is.
func nameFault(name string) string {
	switch {
	case name == "":
		return "is empty"
	case len(name) > MaxNameLength:
		return "is longer than 200 characters"
	case strings.HasPrefix(name, reservedPrefix):
		return `starts with "__", which is reserved for internal objects`
	case strings.ContainsFunc(name, func(r rune) bool { return !isNameRune(r) }):
		return "has characters other than ASCII letters, digits, '_' and '-'"
	default:
		return ""
	}
}

func isNameRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-'
}

// shorten cuts what a message quotes.
func shorten(s string) string {
	const longest = 64
	if len(s) <= longest {
		return s
	}
	return strings.ToValidUTF8(s[:longest], "") + "…"
}
