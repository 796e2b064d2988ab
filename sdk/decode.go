package sdk

import (
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/fluss-go/fluss/flight/codec"
	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/table"
	"github.com/fluss-go/fluss/sdk/internal/rowcodec"
)

// decodeRecord makes a record of a received message, which it takes over: the
// record's buffers are the message's, and free it when the last is released.
func decodeRecord(st *scanStream, data *codec.FlightData) (arrow.RecordBatch, error) {
	if err := batch.ParseMeta(data.Header, &st.meta); err != nil {
		data.Free()
		return nil, err
	}
	return batch.Decode(st.layout, &st.meta, data.Data, batch.DecodeOptions{Validate: true, Release: data.Free})
}

// encoderOptions are how the table wants its batches compressed.
func encoderOptions(info *table.Info) batch.EncoderOptions {
	o := batch.EncoderOptions{Level: info.Options.LogZSTDLevel}
	switch info.Options.LogCompression {
	case table.ZSTD:
		o.Codec = batch.Zstd
	case table.LZ4Frame:
		o.Codec = batch.LZ4Frame
	case table.NoneCompression:
		o.Codec = batch.None
	}
	return o
}

// partitionTexts splits a partition's name into its values by column.
func partitionTexts(info *table.Info, name string) (map[string]string, error) {
	parts := strings.Split(name, "$")
	columns := info.Descriptor.PartitionKeys
	if len(parts) != len(columns) {
		return nil, errcode.New(errcode.InvalidPartition, nil, "%q has %d parts and %s has %d partition columns: a value must not hold a '$'",
			name, len(parts), info.Path, len(columns))
	}
	values := make(map[string]string, len(columns))
	for i, c := range columns {
		values[c] = parts[i]
	}
	return values, nil
}

// reencode turns a batch that the server refuses for its schema into one of the
// version v. Columns keep their ids; new ones are null.
func (b *writeBatch) reencode(v *writerVersion) *errcode.Error {
	h, err := batch.ParseHeader(b.data)
	if err != nil {
		return errcode.From(err)
	}
	head := batch.HeaderSize
	var meta batch.Meta
	if err = batch.ParseMeta(b.data[head:head+int(h.MetadataBytes)], &meta); err != nil {
		return errcode.From(err)
	}
	body := b.data[len(b.data)-int(h.BodyBytes):]
	layout := b.version.plain.layout
	if b.types != nil {
		layout = b.version.marked.layout
	}
	rec, err := batch.Decode(layout, &meta, body, batch.DecodeOptions{})
	if err != nil {
		return errcode.From(err)
	}
	defer rec.Release()
	// Rows to be deleted are null outside the key, as the layout allows.
	shape := v.shape
	if b.types != nil {
		shape = rowcodec.NewShape(v.plain.layout.Fields())
	}
	adapted, err := rowcodec.Adapt(rec, b.version.fields, shape)
	if err != nil {
		return errcode.From(err)
	}
	defer adapted.Release()
	// The old bytes were refused, so that nothing sends them again.
	b.version, b.buf, b.data = v, nil, nil
	b.sequenced, b.schemaRefused = false, 0
	return b.encode(adapted)
}
