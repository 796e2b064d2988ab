package ticket

import (
	"errors"

	"github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
)

// Put says what a DoPut writes to and how.
type Put struct {
	Path *flussv1.TablePath
	// Mode is APPEND, UPSERT or DELETE; UNSPECIFIED when the client did not
	// say, which is what suits the table.
	Mode flussv1.WriteKind
	// Columns are those of a partial update, by name; nil means all.
	Columns []string
}

// putFields are the fields of a put command in JSON.
var putFields = []string{"table", "mode", "columns"}

var modes = map[string]flussv1.WriteKind{
	"append": flussv1.WriteKind_WRITE_KIND_APPEND,
	"upsert": flussv1.WriteKind_WRITE_KIND_UPSERT,
	"delete": flussv1.WriteKind_WRITE_KIND_DELETE,
}

// PutFromDescriptor reads the descriptor of a DoPut: a path ["db", "t"] or
// ["db.t"], or a JSON command. It fails with InvalidTicket or InvalidName.
func PutFromDescriptor(d *flight.FlightDescriptor) (Put, error) {
	switch d.GetType() {
	case flight.DescriptorPATH:
		path, err := fromPath(d.GetPath())
		return Put{Path: path}, err
	case flight.DescriptorCMD:
		return putFromJSON(d.GetCmd())
	default:
		return Put{}, errcode.New(errcode.InvalidTicket, nil,
			"the first message names no table: send the descriptor path [\"db\", \"t\"] or the command {\"table\": \"db.t\", \"mode\": \"append\"}")
	}
}

func putFromJSON(b []byte) (Put, error) {
	if len(b) > MaxBytes {
		return Put{}, invalid("a command of %d bytes: at most %d are taken", len(b), MaxBytes)
	}
	o, err := parseObject("the command", b, putFields)
	if err != nil {
		return Put{}, err
	}
	var p Put
	if p.Path, err = o.table(); err != nil {
		return Put{}, err
	}
	if err := o.read("columns", &p.Columns, "a list of column names"); err != nil {
		return Put{}, err
	}
	if err := o.notEmpty("columns", "leave it out to write whole rows"); err != nil {
		return Put{}, err
	}
	var mode string
	if err := o.read("mode", &mode, `"append", "upsert" or "delete"`); err != nil {
		return Put{}, err
	}
	if mode != "" {
		kind, ok := modes[mode]
		if !ok {
			return Put{}, o.wrong("mode", `"append", "upsert" or "delete"`)
		}
		p.Mode = kind
	}
	return p, nil
}

// Exchange says what a DoExchange looks up and how.
type Exchange struct {
	Path *flussv1.TablePath
	// Columns are those wanted, by name; nil is all.
	Columns []string
	// Prefix tells that all rows with the key's columns of the bucket key are wanted.
	Prefix bool
	// InsertIfAbsent makes a row for a key that has none.
	InsertIfAbsent bool
}

// exchangeFields are the fields of a look-up command in JSON.
var exchangeFields = []string{"table", "columns", "prefix", "insert_if_absent"}

// ExchangeFromDescriptor reads the descriptor of a DoExchange: a path, or a JSON
// command. It fails with InvalidTicket or InvalidName.
func ExchangeFromDescriptor(d *flight.FlightDescriptor) (Exchange, error) {
	switch d.GetType() {
	case flight.DescriptorPATH:
		path, err := fromPath(d.GetPath())
		return Exchange{Path: path}, err
	case flight.DescriptorCMD:
	default:
		return Exchange{}, errcode.New(errcode.InvalidTicket, nil,
			"the first message names no table: send the descriptor path [\"db\", \"t\"] or the command {\"table\": \"db.t\", \"columns\": [\"a\"]}")
	}
	b := d.GetCmd()
	if len(b) > MaxBytes {
		return Exchange{}, invalid("a command of %d bytes: at most %d are taken", len(b), MaxBytes)
	}
	o, err := parseObject("the command", b, exchangeFields)
	if err != nil {
		return Exchange{}, err
	}
	var e Exchange
	if e.Path, err = o.table(); err != nil {
		return Exchange{}, err
	}
	err = errors.Join(
		o.read("columns", &e.Columns, "a list of column names"),
		o.notEmpty("columns", "leave it out to get all"),
		o.read("prefix", &e.Prefix, "true or false"),
		o.read("insert_if_absent", &e.InsertIfAbsent, "true or false"),
	)
	if err != nil {
		return Exchange{}, first(err)
	}
	if e.Prefix && e.InsertIfAbsent {
		return Exchange{}, invalid("the command asks for prefix and insert_if_absent: a row cannot be made of a part of its key")
	}
	return e, nil
}
