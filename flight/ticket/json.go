package ticket

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
)

// object is a JSON object whose fields are read one by one with the types that
// they must have; what is wrong is named by its field.
type object struct {
	// what names the object in messages: "the ticket", "from".
	what   string
	fields map[string]json.RawMessage
}

// parseObject reads b, which must hold one object with only known fields, each once.
func parseObject(what string, b []byte, known []string) (object, error) {
	o := object{what: what, fields: map[string]json.RawMessage{}}
	dec := json.NewDecoder(bytes.NewReader(b))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return o, invalid("%s is no JSON object", what)
	}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return o, invalid("%s is no valid JSON: %v", what, err)
		}
		name, _ := t.(string)
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return o, invalid("%s is no valid JSON at %q: %v", what, name, err)
		}
		if _, twice := o.fields[name]; twice {
			return o, invalid("%s has the field %q twice", what, name)
		}
		if string(value) != "null" {
			o.fields[name] = value
		}
		if !slices.Contains(known, name) {
			return o, invalid("%s has an unknown field %q: the known ones are %s", what, name, strings.Join(known, ", "))
		}
	}
	if _, err := dec.Token(); err != nil {
		return o, invalid("%s is no valid JSON: it is cut short", what)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return o, invalid("%s is no valid JSON: more follows after its end", what)
	}
	return o, nil
}

func invalid(format string, args ...any) error {
	return errcode.New(errcode.InvalidTicket, nil, format, args...)
}

// read decodes the field into dst if it is there; shape tells users what belongs there.
func (o object) read(name string, dst any, shape string) error {
	value, ok := o.fields[name]
	if !ok {
		return nil
	}
	if err := json.Unmarshal(value, dst); err != nil {
		return o.wrong(name, shape)
	}
	return nil
}

func (o object) wrong(name, shape string) error {
	value := string(o.fields[name])
	if len(value) > 80 {
		value = value[:80] + "..."
	}
	return invalid("%s: %q must be %s, not %s", o.what, name, shape, value)
}

// notEmpty refuses an empty list in the field; instead tells what to do.
func (o object) notEmpty(name, instead string) error {
	var list []json.RawMessage
	if value, ok := o.fields[name]; ok && json.Unmarshal(value, &list) == nil && len(list) == 0 {
		return invalid("%s: %q names none: %s", o.what, name, instead)
	}
	return nil
}

// table reads the field "table", which must be there.
func (o object) table() (*flussv1.TablePath, error) {
	var text string
	if _, ok := o.fields["table"]; !ok {
		return nil, invalid("%s lacks \"table\", the one field that is required: {\"table\": \"db.t\"}", o.what)
	}
	if err := o.read("table", &text, `a name like "db.t"`); err != nil {
		return nil, err
	}
	return ParseTable(text)
}

// scanFields are the fields of a scan in JSON.
var scanFields = []string{"table", "columns", "filter", "from", "until", "limit", "buckets", "partitions", "what", "system_columns"}

func scanFromJSON(b []byte) (*flussv1.ScanRequest, error) {
	o, err := parseObject("the ticket", b, scanFields)
	if err != nil {
		return nil, err
	}
	r := &flussv1.ScanRequest{JsonMetadata: true}
	if r.Path, err = o.table(); err != nil {
		return nil, err
	}
	var columns *[]string
	var what string
	var system []string
	err = errors.Join(
		o.read("columns", &columns, "a list of column names"),
		o.read("filter", &r.Filter, `a text like "a > 1"`),
		o.read("limit", &r.Limit, "a whole number"),
		o.read("buckets", &r.Buckets, "a list of bucket numbers"),
		o.read("partitions", &r.Partitions, "a list of partition names"),
		o.read("what", &what, `"rows", "changelog", "binlog" or "lake"`),
		o.read("system_columns", &system, "a list of "+names(systemColumns)),
		o.readStart(r),
		o.readStop(r),
	)
	if err != nil {
		return nil, first(err)
	}
	for _, name := range []string{"buckets", "partitions"} {
		if err := o.notEmpty(name, "leave it out to read all"); err != nil {
			return nil, err
		}
	}
	if columns != nil {
		r.Projection = &flussv1.Projection{Names: *columns}
	}
	if what != "" {
		value, ok := whats[what]
		if !ok {
			return nil, o.wrong("what", `"rows", "changelog", "binlog" or "lake"`)
		}
		r.What = value
	}
	for _, name := range system {
		value, ok := systemColumns[name]
		if !ok {
			return nil, o.wrong("system_columns", "a list of "+names(systemColumns))
		}
		r.SystemColumns = append(r.SystemColumns, value)
	}
	return r, validate(r)
}

// first returns the first of joined errors: a user mends one field at a time,
// and each error carries its own code.
func first(err error) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // the outermost is meant
		return joined.Unwrap()[0]
	}
	return err
}

var whats = map[string]flussv1.ScanWhat{
	"rows":      flussv1.ScanWhat_SCAN_WHAT_ROWS,
	"changelog": flussv1.ScanWhat_SCAN_WHAT_CHANGELOG,
	"binlog":    flussv1.ScanWhat_SCAN_WHAT_BINLOG,
	"lake":      flussv1.ScanWhat_SCAN_WHAT_LAKE,
}

var systemColumns = map[string]flussv1.SystemColumn{
	"__bucket":      flussv1.SystemColumn_SYSTEM_COLUMN_BUCKET,
	"__offset":      flussv1.SystemColumn_SYSTEM_COLUMN_OFFSET,
	"__timestamp":   flussv1.SystemColumn_SYSTEM_COLUMN_TIMESTAMP,
	"__change_type": flussv1.SystemColumn_SYSTEM_COLUMN_CHANGE_TYPE,
}

func names[V any](m map[string]V) string {
	return `"` + strings.Join(slices.Sorted(maps.Keys(m)), `", "`) + `"`
}

const (
	startShape = `"full", "earliest", "latest", {"offset": 17}, {"timestamp": "2026-11-22T10:00:00Z"} or {"resume": "..."}`
	stopShape  = `"now", "never", {"offset": 17} or {"timestamp": "2026-11-22T10:00:00Z"}`
)

func (o object) readStart(r *flussv1.ScanRequest) error {
	value, ok := o.fields["from"]
	if !ok {
		return nil
	}
	switch string(value) {
	case `"full"`: // what a scan without a start is
		return nil
	case `"earliest"`:
		r.Start = &flussv1.OffsetSpec{Spec: &flussv1.OffsetSpec_Earliest{Earliest: &flussv1.Empty{}}}
		return nil
	case `"latest"`:
		r.Start = &flussv1.OffsetSpec{Spec: &flussv1.OffsetSpec_Latest{Latest: &flussv1.Empty{}}}
		return nil
	}
	place, err := o.readPlace("from", startShape, []string{"offset", "timestamp", "resume"})
	if err != nil {
		return err
	}
	if _, ok := place.fields["resume"]; ok {
		return place.readResume(r)
	}
	r.Start, err = place.spec()
	return err
}

// readResume reads the resume of a batch's metadata; the scan is then one of its bucket.
func (o object) readResume(r *flussv1.ScanRequest) error {
	var token []byte
	const shape = "the text of resume in a batch's metadata"
	if err := o.read("resume", &token, shape); err != nil {
		return err
	}
	resume, err := ParseResume(token)
	if err != nil {
		return err
	}
	bucket := int32(resume.Bucket.Bucket)
	r.BucketStarts = []*flussv1.BucketStart{{PartitionId: int64(resume.Bucket.Partition), Bucket: bucket, Resume: token}}
	if len(r.GetBuckets()) == 0 {
		r.Buckets = []int32{bucket}
	}
	if !slices.Contains(r.GetBuckets(), bucket) {
		return invalid("the ticket: \"from\" has a resume token of bucket %d, which is none of \"buckets\": a token goes on in its own bucket, so leave \"buckets\" out", bucket)
	}
	return nil
}

func (o object) readStop(r *flussv1.ScanRequest) error {
	value, ok := o.fields["until"]
	if !ok {
		return nil
	}
	switch string(value) {
	case `"now"`:
		return nil
	case `"never"`:
		r.Follow = true
		return nil
	}
	place, err := o.readPlace("until", stopShape, []string{"offset", "timestamp"})
	if err != nil {
		return err
	}
	r.Stop, err = place.spec()
	return err
}

// readPlace reads an object that has one of the fields.
func (o object) readPlace(name, shape string, fields []string) (object, error) {
	if !isJSON(o.fields[name]) {
		return object{}, o.wrong(name, shape)
	}
	place, err := parseObject(strconv.Quote(name), o.fields[name], fields)
	if err == nil && len(place.fields) != 1 {
		err = o.wrong(name, shape)
	}
	return place, err
}

// spec reads {"offset": n} or {"timestamp": "RFC 3339"}.
func (o object) spec() (*flussv1.OffsetSpec, error) {
	if _, ok := o.fields["offset"]; ok {
		var offset int64
		if err := o.read("offset", &offset, "a whole number"); err != nil {
			return nil, err
		}
		if offset < 0 {
			return nil, o.wrong("offset", "zero or more")
		}
		return &flussv1.OffsetSpec{Spec: &flussv1.OffsetSpec_Offset{Offset: offset}}, nil
	}
	var text string
	if err := o.read("timestamp", &text, `a time like "2026-11-22T10:00:00Z"`); err != nil {
		return nil, err
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return nil, o.wrong("timestamp", `a time like "2026-11-22T10:00:00Z", with its zone`)
	}
	return &flussv1.OffsetSpec{Spec: &flussv1.OffsetSpec_TimestampMs{TimestampMs: ceilMillis(t)}}, nil
}

// ceilMillis rounds up: rows from a time on are those not before it.
func ceilMillis(t time.Time) int64 {
	ms := t.UnixMilli()
	if t.Nanosecond()%int(time.Millisecond) != 0 && ms < math.MaxInt64 {
		ms++
	}
	return ms
}
