package codec

import (
	"io"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
)

// wireReader reads the fields of one protobuf message off the frames it came in
// and copies byte fields to out, one after the other. Each byte field may come
// once, so that out, sized by the message, is never too small.
type wireReader struct {
	in   *mem.Reader
	kind string
	out  []byte
	pos  int
	// typ is the wire type of the field at hand.
	typ protowire.Type
}

// fields calls f for each field until the message ends. f reads the field and
// returns true, or returns false to have it skipped.
func (r *wireReader) fields(f func(field protowire.Number) (bool, error)) error {
	for r.in.Remaining() > 0 {
		tag, err := r.varint()
		if err != nil {
			return err
		}
		field, typ := protowire.DecodeTag(tag)
		if field < protowire.MinValidNumber {
			return errWire(r.kind, "field number %d", field)
		}
		r.typ = typ
		read, err := f(field)
		if err != nil {
			return err
		}
		if read {
			continue
		}
		if err := r.skip(); err != nil {
			return err
		}
	}
	return nil
}

func (r *wireReader) varint() (uint64, error) {
	var v uint64
	for shift := 0; shift < 64; shift += 7 {
		c, err := r.in.ReadByte()
		if err != nil {
			return 0, errWire(r.kind, "cut short in a number")
		}
		if shift == 63 && c > 1 {
			break
		}
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return v, nil
		}
	}
	return 0, errWire(r.kind, "a number of more than 64 bits")
}

// number reads a varint field.
func (r *wireReader) number() (uint64, error) {
	if r.typ != protowire.VarintType {
		return 0, errWire(r.kind, "wire type %d where a number belongs", r.typ)
	}
	return r.varint()
}

// length reads the length of a byte field and checks it against what is left.
func (r *wireReader) length() (int, error) {
	if r.typ != protowire.BytesType {
		return 0, errWire(r.kind, "wire type %d where bytes belong", r.typ)
	}
	n, err := r.varint()
	if err != nil {
		return 0, err
	}
	if n > uint64(r.in.Remaining()) {
		return 0, errWire(r.kind, "a field of %d bytes with %d left", n, r.in.Remaining())
	}
	return int(n), nil
}

// bytes copies a byte field to out at a multiple of align and points dst to it.
func (r *wireReader) bytes(dst *[]byte, align int) error {
	n, err := r.length()
	if err != nil {
		return err
	}
	if *dst != nil {
		return errWire(r.kind, "a field comes twice")
	}
	at := (r.pos + align - 1) &^ (align - 1)
	b := r.out[at : at+n : at+n]
	if _, err := io.ReadFull(r.in, b); err != nil && n > 0 {
		return errWire(r.kind, "cut short")
	}
	r.pos = at + n
	*dst = b
	return nil
}

func (r *wireReader) skip() error {
	n := 0
	switch r.typ {
	case protowire.VarintType:
		_, err := r.varint()
		return err
	case protowire.Fixed32Type:
		n = 4
	case protowire.Fixed64Type:
		n = 8
	case protowire.BytesType:
		length, err := r.length()
		if err != nil {
			return err
		}
		n = length
	case protowire.StartGroupType, protowire.EndGroupType:
		return errWire(r.kind, "groups are not supported")
	default:
		return errWire(r.kind, "wire type %d", r.typ)
	}
	if n > r.in.Remaining() {
		return errWire(r.kind, "cut short")
	}
	_, err := r.in.Discard(n)
	return err
}
