package ticket

import (
	"encoding/base64"
	"strconv"

	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// AppendMetadata appends the app_metadata of a streamed batch to dst: as
// protobuf, or as a JSON object with the same field names, in which resume is
// base64 and left out when empty.
func AppendMetadata(dst []byte, m *flussv1.ScanMetadata, asJSON bool) []byte {
	if asJSON {
		return appendMetadataJSON(dst, m)
	}
	for _, f := range [...]struct {
		number protowire.Number
		value  int64
	}{
		{1, m.GetPartitionId()},
		{2, int64(m.GetBucket())},
		{3, m.GetBaseOffset()},
		{4, m.GetNextOffset()},
		{5, m.GetHighWatermark()},
		{6, m.GetCommitTimestampMs()},
		{7, int64(m.GetSchemaId())},
		{8, int64(protowire.EncodeBool(m.GetBucketEnd()))},
	} {
		if f.value != 0 {
			dst = protowire.AppendTag(dst, f.number, protowire.VarintType)
			dst = protowire.AppendVarint(dst, uint64(f.value))
		}
	}
	if len(m.GetResume()) > 0 {
		dst = protowire.AppendTag(dst, 9, protowire.BytesType)
		dst = protowire.AppendBytes(dst, m.GetResume())
	}
	return dst
}

func appendMetadataJSON(dst []byte, m *flussv1.ScanMetadata) []byte {
	for i, f := range [...]struct {
		name  string
		value int64
	}{
		{"partition_id", m.GetPartitionId()},
		{"bucket", int64(m.GetBucket())},
		{"base_offset", m.GetBaseOffset()},
		{"next_offset", m.GetNextOffset()},
		{"high_watermark", m.GetHighWatermark()},
		{"commit_timestamp_ms", m.GetCommitTimestampMs()},
		{"schema_id", int64(m.GetSchemaId())},
	} {
		dst = append(dst, ",\""...)
		if i == 0 {
			dst[len(dst)-2] = '{'
		}
		dst = append(dst, f.name...)
		dst = append(dst, "\":"...)
		dst = strconv.AppendInt(dst, f.value, 10)
	}
	dst = append(dst, ",\"bucket_end\":"...)
	dst = strconv.AppendBool(dst, m.GetBucketEnd())
	if len(m.GetResume()) > 0 {
		dst = append(dst, ",\"resume\":\""...)
		dst = base64.StdEncoding.AppendEncode(dst, m.GetResume())
		dst = append(dst, '"')
	}
	return append(dst, '}')
}

// ParseMetadata reads the protobuf form that AppendMetadata writes.
func ParseMetadata(b []byte, m *flussv1.ScanMetadata) error {
	if err := proto.Unmarshal(b, m); err != nil {
		return errcode.New(errcode.Internal, err, "the metadata of a batch cannot be read")
	}
	return nil
}
