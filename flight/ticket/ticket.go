// Package ticket reads and writes what names a scan or a put in Arrow Flight:
// tickets, command descriptors and path descriptors.
//
// Our own tickets are the bytes "FSR1" and then a fluss.v1.ScanRequest; tickets
// and commands may also be JSON, so that a user of a stock Flight client needs
// no library of ours. Both forms come from strangers: nothing here panics, and
// what is wrong is said with the name of the field.
package ticket

import (
	"bytes"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/table"
	"google.golang.org/protobuf/proto"
)

// Magic starts a ticket that is not JSON; its last byte is the version.
const Magic = "FSR1"

// Bounds of what a ticket may hold.
const (
	// MaxBytes bounds a ticket or command.
	MaxBytes = 1 << 20
	// MaxFilterBytes bounds the text of a filter.
	MaxFilterBytes = 64 << 10
)

// Encode returns the ticket of r.
func Encode(r *flussv1.ScanRequest) ([]byte, error) {
	b, err := proto.MarshalOptions{Deterministic: true}.MarshalAppend([]byte(Magic), r)
	if err != nil {
		return nil, errcode.New(errcode.InvalidTicket, err, "the scan request cannot be encoded")
	}
	return b, nil
}

// Decode reads a ticket or a command in either form. It fails with
// InvalidTicket, and with InvalidName when the table's name is no name.
func Decode(b []byte) (*flussv1.ScanRequest, error) {
	if len(b) > MaxBytes {
		return nil, errcode.New(errcode.InvalidTicket, nil, "a ticket of %d bytes: at most %d are taken", len(b), MaxBytes)
	}
	if isJSON(b) {
		return scanFromJSON(b)
	}
	rest, ok := bytes.CutPrefix(b, []byte(Magic))
	if !ok {
		return nil, errcode.New(errcode.InvalidTicket, nil,
			"the ticket is neither one that this server gave out nor JSON; ask GetFlightInfo for one, or send {\"table\": \"db.t\"}")
	}
	r := &flussv1.ScanRequest{}
	if err := proto.Unmarshal(rest, r); err != nil {
		return nil, errcode.New(errcode.InvalidTicket, err, "the ticket is damaged: ask GetFlightInfo for a new one")
	}
	return r, validate(r)
}

// validate checks what no later step checks.
func validate(r *flussv1.ScanRequest) error {
	if r.GetPath().GetTable() == "" {
		return errcode.New(errcode.InvalidTicket, nil, "the ticket names no table")
	}
	if r.GetLimit() < 0 {
		return errcode.New(errcode.InvalidTicket, nil, "limit is %d: it must not be negative", r.GetLimit())
	}
	if n := len(r.GetFilter()); n > MaxFilterBytes {
		return errcode.New(errcode.InvalidFilter, nil, "a filter of %d bytes: at most %d are taken", n, MaxFilterBytes)
	}
	if r.GetKeepAliveMs() < 0 {
		return errcode.New(errcode.InvalidTicket, nil, "keep_alive_ms is %d: it must not be negative", r.GetKeepAliveMs())
	}
	return nil
}

func isJSON(b []byte) bool {
	t := bytes.TrimLeft(b, " \t\r\n")
	return len(t) > 0 && t[0] == '{'
}

// FromDescriptor reads the descriptor of a scan: a path ["db", "t"] or
// ["db.t"], or a command in either form of a ticket.
func FromDescriptor(d *flight.FlightDescriptor) (*flussv1.ScanRequest, error) {
	switch d.GetType() {
	case flight.DescriptorPATH:
		path, err := fromPath(d.GetPath())
		if err != nil {
			return nil, err
		}
		return &flussv1.ScanRequest{Path: path, JsonMetadata: true}, nil
	case flight.DescriptorCMD:
		return Decode(d.GetCmd())
	default:
		return nil, errcode.New(errcode.InvalidTicket, nil, "the descriptor has no type: send a path [\"db\", \"t\"] or a command {\"table\": \"db.t\"}")
	}
}

// Descriptor returns the path descriptor of a table.
func Descriptor(path table.Path) *flight.FlightDescriptor {
	return &flight.FlightDescriptor{Type: flight.DescriptorPATH, Path: []string{path.Database, path.Table}}
}

func fromPath(path []string) (*flussv1.TablePath, error) {
	switch len(path) {
	case 1:
		return ParseTable(path[0])
	case 2:
		if path[0] == "" || path[1] == "" {
			return nil, errcode.New(errcode.InvalidName, nil, "the path %q has an empty part", path)
		}
		return &flussv1.TablePath{Database: path[0], Table: path[1]}, nil
	}
	return nil, errcode.New(errcode.InvalidTicket, nil, "a path of %d parts: it must be [\"db\", \"t\"] or [\"db.t\"]", len(path))
}

// ParseTable reads "db.t", or "t" in the default database. Whether the names
// are valid is found out when the table is looked up.
func ParseTable(text string) (*flussv1.TablePath, error) {
	database, name, found := strings.Cut(text, ".")
	if !found {
		database, name = table.DefaultDatabase, text
	}
	if database == "" || name == "" || strings.Contains(name, ".") {
		return nil, errcode.New(errcode.InvalidName, nil, "%q names no table: write db.t, or t for a table of the database %q", text, table.DefaultDatabase)
	}
	return &flussv1.TablePath{Database: database, Table: name}, nil
}
