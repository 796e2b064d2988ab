package codec

import (
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
)

// Field numbers of arrow.flight.protocol.FlightData.
const (
	fieldDescriptor  = 1
	fieldHeader      = 2
	fieldAppMetadata = 3
	fieldBody        = 1000
)

// FlightData is one arrow.flight.protocol.FlightData.
//
// To send one, set Header, AppMetadata and Body and pass it to SendMsg; when
// SendMsg has returned, with or without an error, call Free and the struct and
// the bytes of Header and AppMetadata may be used again. The buffers of Body
// are referenced until they are on the wire; their bytes must not change.
//
// To receive one, pass it to RecvMsg: Descriptor, Header, AppMetadata and Data
// are then parts of one pooled buffer and valid until Free.
type FlightData struct {
	// Descriptor is an encoded FlightDescriptor; nil when absent.
	Descriptor []byte
	// Header is an Arrow IPC Message flatbuffer without length prefix, 8-byte
	// aligned when received.
	Header []byte
	// AppMetadata is whatever the application adds; nil when absent.
	AppMetadata []byte
	// Body is the body to send, in pieces. Nil sends no body field, which is
	// right for a schema; a batch without bytes has an empty, non-nil Body.
	Body mem.BufferSlice
	// Data is the body received: contiguous and aligned to 64 bytes; nil when absent.
	Data []byte

	buf  *[]byte
	pool *Pool
}

// Free drops the references to Body and gives the received buffer back to the
// pool. It may be called more than once, not concurrently.
func (d *FlightData) Free() {
	d.Body.Free()
	if d.buf != nil {
		d.pool.Put(d.buf)
	}
	*d = FlightData{}
}

func (d *FlightData) marshal(pool *Pool) (mem.BufferSlice, error) {
	n := d.Body.Len()
	const overhead = 3*6 + 8 // tags and lengths
	buf := pool.Get(len(d.Descriptor) + len(d.Header) + len(d.AppMetadata) + overhead)
	b := (*buf)[:0]
	b = appendBytesField(b, fieldDescriptor, d.Descriptor)
	b = appendBytesField(b, fieldHeader, d.Header)
	b = appendBytesField(b, fieldAppMetadata, d.AppMetadata)
	if d.Body != nil {
		b = protowire.AppendTag(b, fieldBody, protowire.BytesType)
		b = protowire.AppendVarint(b, uint64(n))
	}
	*buf = b
	out := make(mem.BufferSlice, 0, 1+len(d.Body))
	out = append(out, mem.NewBuffer(buf, pool))
	for _, part := range d.Body {
		part.Ref()
		out = append(out, part)
	}
	return out, nil
}

func appendBytesField(b []byte, field protowire.Number, v []byte) []byte {
	if len(v) == 0 {
		return b
	}
	b = protowire.AppendTag(b, field, protowire.BytesType)
	return protowire.AppendBytes(b, v)
}

func (d *FlightData) unmarshal(data mem.BufferSlice, pool *Pool) error {
	const kind = "FlightData"
	total := data.Len()
	buf := pool.Get(total + 3*8 + Alignment)
	r := wireReader{in: data.Reader(), kind: kind, out: *buf}
	var out FlightData
	err := r.fields(func(field protowire.Number) (bool, error) {
		var err error
		switch field {
		case fieldDescriptor:
			err = r.bytes(&out.Descriptor, 8)
		case fieldHeader:
			err = r.bytes(&out.Header, 8)
		case fieldAppMetadata:
			err = r.bytes(&out.AppMetadata, 8)
		case fieldBody:
			err = r.bytes(&out.Data, Alignment)
		default:
			return false, nil
		}
		return true, err
	})
	_ = r.in.Close() // never fails
	if err != nil {
		pool.Put(buf)
		return err
	}
	out.buf, out.pool = buf, pool
	*d = out
	return nil
}
