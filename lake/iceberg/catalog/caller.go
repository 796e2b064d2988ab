package catalog

import (
	"slices"
	"strings"

	"github.com/apache/iceberg-go/table"
)

// caller is who wants to change something.
type caller struct {
	// committer is true of our own, which may change all.
	committer bool
	// unmanaged lets others change what is not managed.
	unmanaged bool
	// databases are the namespaces whose tables are managed.
	databases []string
}

// committer calls from this process.
var committer = caller{committer: true}

// mayChange tells whether a table may be made, changed or removed. It fails with errForbidden.
func (c caller) mayChange(ident table.Identifier, managed bool) error {
	ns := ident[:len(ident)-1]
	switch {
	case c.committer:
		return nil
	case managed || c.managed(ns):
		return say(errForbidden, "table %s is a copy that Fluss keeps, and engines only read them: write to the table in Fluss, and its copy follows", nameOf(ident))
	case !c.unmanaged:
		return say(errForbidden, closedText, nameOf(ns))
	}
	return nil
}

const closedText = "namespace %s is no database of Fluss, and in others this catalog changes nothing: " +
	"the server option iceberg.catalog.unmanaged lets engines keep tables of their own there"

// mayChangeNamespace tells whether a namespace may be made, changed or removed. It
// fails with errForbidden.
func (c caller) mayChangeNamespace(ns []string) error {
	switch {
	case c.committer:
		return nil
	case c.managed(ns):
		return say(errForbidden, "namespace %s is a database of Fluss, and engines only read them: change the database in Fluss", nameOf(ns))
	case !c.unmanaged:
		return say(errForbidden, closedText, nameOf(ns))
	}
	return nil
}

// mayChangeAny tells whether there is anything that the caller may change. It fails with
// errForbidden.
func (c caller) mayChangeAny() error {
	if c.committer || c.unmanaged {
		return nil
	}
	return say(errForbidden, "the tables of this catalog are copies that Fluss keeps, and engines only read them: write to the table in Fluss, and "+
		"its copy follows; the server option iceberg.catalog.unmanaged lets engines keep tables of their own beside them")
}

// managed reports whether a namespace is a database of Fluss, or would be in one.
func (c caller) managed(ns []string) bool { return len(ns) > 0 && slices.Contains(c.databases, ns[0]) }

// mayPlace tells whether the files of a table may be at a location, below the lake's root: those of
// others are not among those of Fluss, since whoever drops a table removes what is
// there. It fails with errInvalid.
func (c caller) mayPlace(root, location string) error {
	path, ok := strings.CutPrefix(location, root+"/")
	if !ok {
		return say(errInvalid, "the location %s is not in the lake: tables of this catalog are below %s", location, root)
	}
	parts := strings.Split(path, "/")
	for _, p := range parts {
		if p == "" || p == "." || p == ".." {
			return say(errInvalid, "the location %s has an empty part, or one of dots", location)
		}
	}
	if c.committer {
		return nil
	}
	if len(parts) < 2 || slices.Contains(c.databases, parts[0]) {
		return say(errInvalid, "the location %s is not for a table of an engine: choose one below %s/<namespace>/ that is no database of Fluss, or none", location, root)
	}
	return nil
}

// newLocation is where a table is placed whose maker names no location. Other programs use
// it as a path, so it has plain characters only; the id makes it the table's own.
func newLocation(root string, ident table.Identifier, id string) string {
	var b strings.Builder
	b.WriteString(root)
	for _, level := range ident[:len(ident)-1] {
		b.WriteString("/" + plain(level))
	}
	return b.String() + "/" + plain(ident[len(ident)-1]) + "-" + id
}

// plain returns a name of letters, digits and _ - as it is, and else one that ends in ~,
// as no database of Fluss does.
func plain(name string) string {
	out := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '_', r == '-':
			return r
		}
		return '_'
	}, name)
	if out != name {
		out += "~"
	}
	return out
}
