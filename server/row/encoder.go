package row

import (
	"math"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/schema"
)

// Encoder turns the rows of Arrow records into rows of a format. It is not safe
// for concurrent use.
type Encoder struct {
	format *Format
	fields []schema.Field
	// head is a row up to its variable area, where the columns that records do
	// not have are null.
	head []byte
	// sources are the columns of the record at hand that the format has.
	sources []source
	// fixed and variable are the steps, the latter one for each column of
	// variable length of the format.
	fixed, variable []encodeStep
}

// encodeStep writes one column of a row.
type encodeStep struct {
	op op
	// place is where the column lies in a row.
	at, nullAt int
	nullMask   byte
	size       int // of a BINARY
	// src is the source of the values, -1 for none.
	src int
	// valid is the bitmap of the values, nil if none is null; its first bit is
	// bit validAt.
	valid   []byte
	validAt int
	// data are the values of fixed width, or the bytes that offsets lead into;
	// of a BOOLEAN, bits from validAt on.
	data    []byte
	offsets []byte
}

// NewEncoder returns an encoder of records with the columns fields, in order.
// They are matched to the columns of f by field id: columns of f that are not
// among them are null in every row, fields that f does not have are passed over,
// values of narrower types are converted.
//
// It fails with INVALID_BATCH(column) when the type of a field does not widen to
// that of the column, or an id is there twice.
func (f *Format) NewEncoder(fields []schema.Field) (*Encoder, error) {
	e := &Encoder{format: f, fields: fields, head: append([]byte(nil), f.blank...)}
	given := placesByID(fields)
	for i := range fields {
		if k, ok := given[fields[i].ID]; ok && k != i {
			return nil, batchError(fields[i].Name, "and column %q have the same field id %d", fields[k].Name, fields[i].ID)
		}
	}
	for i := range f.tuple.places {
		p := &f.tuple.places[i]
		s := encodeStep{op: opNull, at: p.at, nullAt: p.nullAt, nullMask: p.nullMask, size: p.size, src: -1}
		to := &f.schema.Columns[i]
		if k, ok := given[to.ID]; ok {
			if s.op, ok = convert(fields[k].Type, to.Type); !ok {
				return nil, batchError(to.Name, "is %s in the batch, which cannot become %s", fields[k].Type, to.Type)
			}
			if s.op == opBinary {
				s.size = fields[k].Type.Length
			}
			s.src = len(e.sources)
			e.sources = append(e.sources, newSource(fields[k].Type, k))
			e.head[p.nullAt] &^= p.nullMask
		}
		switch {
		case p.width == 0:
			e.variable = append(e.variable, s)
		case s.op != opNull:
			e.fixed = append(e.fixed, s)
		}
	}
	return e, nil
}

func batchError(column, format string, args ...any) *errcode.Error {
	return errcode.New(errcode.InvalidBatch, nil, "column %q "+format, append([]any{column}, args...)...).With("column", column)
}

// Bind makes rec the record whose rows Append encodes. Its columns are those of
// NewEncoder; any behind them, such as one of change types, are not looked at.
// The encoder refers to the memory of rec until the next Bind; the caller keeps
// rec until then. Bind(nil) lets go of it.
//
// It fails with INVALID_BATCH(column) when a column is missing or of another
// Arrow type.
func (e *Encoder) Bind(rec arrow.RecordBatch) error {
	e.forget()
	if rec == nil {
		return nil
	}
	if int(rec.NumCols()) < len(e.fields) {
		return errcode.New(errcode.InvalidBatch, nil, "the record batch has %d columns, it must have %d", rec.NumCols(), len(e.fields))
	}
	for i := range e.sources {
		s := &e.sources[i]
		f := &e.fields[s.column]
		d := rec.Column(s.column).Data()
		if !sameArrow(s.dtype, d.DataType()) {
			e.forget()
			return batchError(f.Name, "is of the Arrow type %s and the table wants %s; cast it", d.DataType(), s.dtype)
		}
		s.bind(d)
	}
	e.bindSteps(e.fixed)
	e.bindSteps(e.variable)
	return nil
}

func (e *Encoder) forget() {
	for i := range e.sources {
		e.sources[i].forget()
	}
	e.bindSteps(e.fixed)
	e.bindSteps(e.variable)
}

func (e *Encoder) bindSteps(steps []encodeStep) {
	for i := range steps {
		if s := &steps[i]; s.src >= 0 {
			from := &e.sources[s.src]
			s.valid, s.validAt, s.data, s.offsets = from.valid, from.at, from.data, from.offsets
		}
	}
}

// Append appends row i of the record, counted from 0, to dst and returns the longer dst.
func (e *Encoder) Append(dst []byte, i int) []byte {
	base := len(dst)
	dst = append(dst, e.head...)
	area := len(dst)
	e.appendFixed(dst[base:], i)
	for k := range e.variable {
		s := &e.variable[k]
		if s.valid != nil && !bit(s.valid, s.validAt+i) {
			dst[base+s.nullAt] |= s.nullMask
		} else {
			switch s.op {
			case opBytes:
				o := s.offsets[4*i : 4*i+8]
				dst = append(dst, s.data[le.Uint32(o):le.Uint32(o[4:])]...)
			case opBinary:
				dst = append(dst, s.data[i*s.size:(i+1)*s.size]...)
			case opNested:
				dst = e.sources[s.src].appendValue(dst, i)
			default:
			}
		}
		le.PutUint32(dst[base+s.at:], uint32(len(dst)-area))
	}
	return dst
}

// appendFixed fills in the values of fixed width of row i.
func (e *Encoder) appendFixed(r []byte, i int) {
	for k := range e.fixed {
		s := &e.fixed[k]
		if s.valid != nil && !bit(s.valid, s.validAt+i) {
			r[s.nullAt] |= s.nullMask
			continue
		}
		switch s.op {
		case op8:
			le.PutUint64(r[s.at:], le.Uint64(s.data[8*i:]))
		case op4:
			le.PutUint32(r[s.at:], le.Uint32(s.data[4*i:]))
		case opBool:
			r[s.at] = s.data[(s.validAt+i)>>3] >> ((s.validAt + i) & 7) & 1
		case op1:
			r[s.at] = s.data[i]
		case op2:
			le.PutUint16(r[s.at:], le.Uint16(s.data[2*i:]))
		case op16:
			le.PutUint64(r[s.at:], le.Uint64(s.data[16*i:]))
			le.PutUint64(r[s.at+8:], le.Uint64(s.data[16*i+8:]))
		case op1to2:
			le.PutUint16(r[s.at:], uint16(int8(s.data[i])))
		case op1to4:
			le.PutUint32(r[s.at:], uint32(int8(s.data[i])))
		case op1to8:
			le.PutUint64(r[s.at:], uint64(int8(s.data[i])))
		case op2to4:
			le.PutUint32(r[s.at:], uint32(int16(le.Uint16(s.data[2*i:]))))
		case op2to8:
			le.PutUint64(r[s.at:], uint64(int16(le.Uint16(s.data[2*i:]))))
		case op4to8:
			le.PutUint64(r[s.at:], uint64(int32(le.Uint32(s.data[4*i:]))))
		case opFloatToDouble:
			le.PutUint64(r[s.at:], math.Float64bits(float64(math.Float32frombits(le.Uint32(s.data[4*i:])))))
		default:
		}
	}
}
