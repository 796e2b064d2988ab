package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/apache/iceberg-go/catalog"
	"github.com/apache/iceberg-go/table"

	"github.com/fluss-go/fluss/lake/objstore"
)

// What starts the keys of documents.
const (
	tablesPrefix    = "table/"
	namespacePrefix = "namespace/"
	purgePrefix     = "purge/"
)

// levelSeparator joins the levels of a namespace, in addresses and, escaped, in keys.
const levelSeparator = "\x1f"

// Bounds of names.
const (
	maxNameBytes = 255
	maxLevels    = 16
)

// pointer is the value of a table's document.
type pointer struct {
	// Metadata is the location of the newest metadata.
	Metadata string `json:"metadata-location"`
	// Managed tables are our committer's; see caller.
	Managed bool `json:"managed,omitempty"`
}

// purgeDoc is the value of a document that says what to remove.
type purgeDoc struct {
	Location string `json:"location"`
}

// state is a table as it was read.
type state struct {
	pointer
	ident   table.Identifier
	key     string
	version int64 // 0 when there is none
	meta    table.Metadata
	raw     []byte // the metadata as its file has it
}

var (
	// errInvalid tells of a request that makes no sense.
	errInvalid = errors.New("the request is not valid")
	// errForbidden tells of a change that the caller may not make.
	errForbidden = errors.New("the change is not allowed")
)

// fault is an error whose text is for the caller, and whose cause decides its code.
type fault struct {
	cause error
	text  string
}

func (f *fault) Error() string { return f.text }
func (f *fault) Unwrap() error { return f.cause }

func say(cause error, format string, args ...any) error {
	return &fault{cause, fmt.Sprintf(format, args...)}
}

func nameOf(ident []string) string { return strings.Join(ident, ".") }

// escape makes a name a part of a key.
func escape(name string) string { return url.PathEscape(name) }

func escapeNamespace(ns []string) string { return escape(strings.Join(ns, levelSeparator)) }

// identOf is what keyOf did, undone, without tablesPrefix.
func identOf(key string) (table.Identifier, error) {
	ns, name, _ := strings.Cut(key, "/")
	ns, errNS := url.PathUnescape(ns)
	name, errName := url.PathUnescape(name)
	return append(strings.Split(ns, levelSeparator), name), errors.Join(errNS, errName)
}

func validName(name string) error {
	switch {
	case name == "" || len(name) > maxNameBytes || !utf8.ValidString(name):
		return say(errInvalid, "a name has 1 to %d bytes of UTF-8", maxNameBytes)
	case strings.ContainsFunc(name, unicode.IsControl):
		return say(errInvalid, "the name %q has control characters", name)
	}
	return nil
}

func validNamespace(ns []string) error {
	if len(ns) == 0 || len(ns) > maxLevels {
		return say(errInvalid, "a namespace has 1 to %d levels", maxLevels)
	}
	for _, level := range ns {
		if err := validName(level); err != nil {
			return err
		}
	}
	return nil
}

// keyOf returns the key of a table's document.
func keyOf(ident table.Identifier) (string, error) {
	if len(ident) < 2 {
		return "", say(errInvalid, "a table is named with its namespace")
	}
	last := len(ident) - 1
	if err := errors.Join(validNamespace(ident[:last]), validName(ident[last])); err != nil {
		return "", err
	}
	return tablesPrefix + escapeNamespace(ident[:last]) + "/" + escape(ident[last]), nil
}

// look returns the document of a table, with version 0 when there is none.
func (c *Catalog) look(ctx context.Context, ident table.Identifier) (state, error) {
	s := state{ident: ident}
	var err error
	if s.key, err = keyOf(ident); err != nil {
		return s, err
	}
	value, version, err := c.kv.Get(ctx, s.key)
	if err != nil || version == 0 {
		return s, err
	}
	s.version = version
	if err := json.Unmarshal(value, &s.pointer); err != nil {
		return s, fmt.Errorf("the catalog's document of table %s cannot be read: %w", nameOf(ident), err)
	}
	return s, nil
}

// find is look that fails with catalog.ErrNoSuchTable.
func (c *Catalog) find(ctx context.Context, ident table.Identifier) (state, error) {
	s, err := c.look(ctx, ident)
	if err == nil && s.version == 0 {
		err = say(catalog.ErrNoSuchTable, "there is no table %s in the lake", nameOf(ident))
	}
	return s, err
}

// read adds the metadata to what find returned.
func (c *Catalog) read(ctx context.Context, s state) (state, error) {
	var err error
	s.meta, s.raw, err = c.metadata(ctx, s.Metadata)
	return s, err
}

// current returns a table and its newest metadata. It fails with catalog.ErrNoSuchTable.
func (c *Catalog) current(ctx context.Context, ident table.Identifier) (state, error) {
	s, err := c.find(ctx, ident)
	for err == nil {
		if s, err = c.read(ctx, s); !errors.Is(err, objstore.ErrNotFound) {
			break
		}
		// Commits remove old metadata, perhaps between our looking and our reading.
		missing := err
		was := s.version
		if s, err = c.find(ctx, ident); err == nil && s.version == was {
			return s, missing
		}
	}
	return s, err
}
