package ticket

import (
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
