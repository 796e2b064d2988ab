package batch

import (
	"github.com/apache/arrow-go/v18/arrow"

	"github.com/fluss-go/fluss/proto/errcode"
)

// DecodeIPC returns the Arrow record batch of an Arrow IPC message that came from
// any Flight client: header is FlightData.data_header, body FlightData.data_body.
// Both are taken as hostile and checked in full, texts if limits.CheckUTF8. The
// record batch aliases body, which must not change as long as it is used. l is of
// NewIPCLayout, or of NewLayout if the client's Arrow types are known to be just
// those; the record batch has the types of the fields that it was made with.
//
// It fails with INVALID_BATCH (column), RECORD_TOO_LARGE (bytes, limit) and UNSUPPORTED.
func DecodeIPC(l *Layout, header, body []byte, limits Limits) (arrow.RecordBatch, error) {
	limits.ensureDefaults()
	if n := int64(len(header)) + int64(len(body)); n > limits.MaxBytes {
		return nil, errcode.New(errcode.RecordTooLarge, nil, "the record batch has %d bytes, the limit is %d; send smaller ones",
			n, limits.MaxBytes).With("bytes", n).With("limit", limits.MaxBytes)
	}
	w := works.Get().(*work)
	defer w.free()
	if err := ParseMeta(header, &w.meta); err != nil {
		return nil, err
	}
	if w.meta.Rows > limits.MaxRows {
		return nil, errcode.New(errcode.RecordTooLarge, nil, "the record batch has %d rows, the limit is %d; send smaller ones",
			w.meta.Rows, limits.MaxRows).With("rows", w.meta.Rows).With("limit", limits.MaxRows)
	}
	if w.meta.BodyBytes > int64(len(body)) {
		return nil, invalid("the record batch says its body has %d bytes, there are %d", w.meta.BodyBytes, len(body))
	}
	rec, err := w.decode(l, body, DecodeOptions{Validate: true, SkipUTF8: !limits.CheckUTF8, MaxUncompressed: limits.MaxUncompressed})
	if err != nil || l.converted == nil {
		return rec, err
	}
	defer rec.Release()
	return l.convert(rec), nil
}
