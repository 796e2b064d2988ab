package table

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/schema"
)

// separator stands between the values of a partition's name.
const separator = "$"

// Partition is a partition of a table. It is not changed once made.
type Partition struct {
	ID ids.PartitionID
	// Name is the values joined by '$'.
	Name string
	// Values are the texts of the partition columns, in the table's order.
	Values []string
	// CreatedAt is when the partition was made.
	CreatedAt time.Time
}

// PartitionFromProto returns the partition of a message; the message is trusted to
// come from the server.
func PartitionFromProto(m *flussv1.PartitionInfo) Partition {
	p := Partition{ID: ids.PartitionID(m.GetPartitionId()), Name: m.GetName(), CreatedAt: time.UnixMilli(m.GetCreatedAtMs())}
	for _, v := range m.GetValues() {
		p.Values = append(p.Values, v.GetValue())
	}
	return p
}

// Proto returns p as a message; keys are the table's partition columns.
func (p Partition) Proto(keys []string) *flussv1.PartitionInfo {
	m := &flussv1.PartitionInfo{PartitionId: int64(p.ID), Name: p.Name, CreatedAtMs: p.CreatedAt.UnixMilli()}
	for i, v := range p.Values {
		m.Values = append(m.Values, &flussv1.PartitionValue{Column: keys[i], Value: v})
	}
	return m
}

// PartitionName returns the name of the partition with the values, in order of the
// partition columns: "2026$eu".
func PartitionName(values []string) string { return strings.Join(values, separator) }

// ParsePartitionName splits a name into the values of n partition columns. It
// does not check them. It fails with INVALID_PARTITION.
func ParsePartitionName(name string, n int) ([]string, error) {
	values := strings.Split(name, separator)
	if len(values) != n {
		return nil, errcode.New(errcode.InvalidPartition, nil,
			"the partition name %q has %d values with '$' between them; the table has %d partition columns", shorten(name), len(values), n)
	}
	return values, nil
}

// CanonicalPartitionName returns the name that the partition called name has, each
// value in its canonical text; name itself when it is none of the table's.
func (d *Descriptor) CanonicalPartitionName(name string) string {
	values, err := ParsePartitionName(name, len(d.PartitionKeys))
	if err != nil {
		return name
	}
	for i, v := range values {
		if values[i], err = d.partitionValue(i, v); err != nil {
			return name
		}
	}
	return PartitionName(values)
}

// partitionKind reports whether a column of the kind may be a partition column.
func partitionKind(k schema.Kind) bool { return !k.Nested() && k != schema.Decimal }

// CanonicalValue returns the one text that stands for a partition value, or
// INVALID_PARTITION when text is no value of t or cannot be in a partition's name.
//
// The texts: STRING and CHAR as they are (1 to 200 ASCII letters, digits, '_' and
// '-', no "__" in front); integers in decimal; true and false; FLOAT and DOUBLE as
// Go's shortest 'g' form, -0 as 0; BINARY and BYTES in lower-case hex; DATE as 2026-11-22,
// TIME as 10:00:00 and TIMESTAMP as 2026-11-22T10:00:00, with exactly p digits
// after a point when p is not 0; TIMESTAMP_LTZ in UTC with a Z at the end. Other
// forms of the same value are accepted: a space for the T, an offset for the Z,
// fewer or no digits of the second, upper case.
func CanonicalValue(t schema.Type, text string) (string, error) {
	out, err := canonicalValue(t, text)
	if err == nil && len(out) > MaxNameLength {
		err = fmt.Errorf("it is longer than %d characters", MaxNameLength)
	}
	if err != nil {
		return "", errcode.New(errcode.InvalidPartition, nil, "partition value %q is no %s that a partition may have: %v",
			shorten(text), t.Kind, err)
	}
	return out, nil
}

func canonicalValue(t schema.Type, text string) (string, error) {
	switch t.Kind { //nolint:exhaustive // the others cannot be partition columns
	case schema.String:
		return canonicalText(text)
	case schema.Char:
		if n := utf8.RuneCountInString(text); n > t.Length {
			return "", fmt.Errorf("it has %d characters, more than %d", n, t.Length)
		}
		return canonicalText(text)
	case schema.Boolean:
		if b := strings.ToLower(text); b == "true" || b == "false" {
			return b, nil
		}
		return "", errors.New("expected true or false")
	case schema.TinyInt, schema.SmallInt, schema.Int, schema.BigInt:
		n, err := strconv.ParseInt(text, 10, intBits[t.Kind])
		if err != nil {
			return "", fmt.Errorf("expected a whole number of %d bits", intBits[t.Kind])
		}
		return strconv.FormatInt(n, 10), nil
	case schema.Float:
		return canonicalFloat(text, 32)
	case schema.Double:
		return canonicalFloat(text, 64)
	case schema.Binary, schema.Bytes:
		b, err := hex.DecodeString(text)
		if err != nil || len(b) == 0 || t.Kind == schema.Binary && len(b) != t.Length {
			return "", errors.New("expected bytes in hex, two digits each, as many as the type has")
		}
		return hex.EncodeToString(b), nil
	case schema.Date, schema.Time, schema.Timestamp, schema.TimestampLTZ:
		return canonicalTime(t, text)
	default:
		return "", errors.New("columns of this type cannot be partition columns")
	}
}

var intBits = map[schema.Kind]int{schema.TinyInt: 8, schema.SmallInt: 16, schema.Int: 32, schema.BigInt: 64}

func canonicalText(text string) (string, error) {
	if fault := nameFault(text); fault != "" {
		return "", errors.New("it " + fault)
	}
	return text, nil
}

func canonicalFloat(text string, bits int) (string, error) {
	v, err := strconv.ParseFloat(text, bits)
	if err != nil || v != v || v-v != 0 { //nolint:gocritic // NaN and infinity
		return "", errors.New("expected a finite number")
	}
	return strconv.FormatFloat(v+0, 'g', -1, bits), nil // -0 + 0 is 0, which it equals as a key
}

func canonicalTime(t schema.Type, text string) (string, error) {
	layout, example := "2006-01-02", "2026-11-22"
	switch t.Kind { //nolint:exhaustive // called for times only
	case schema.Time:
		layout, example = "15:04:05", "10:00:00"
	case schema.Timestamp:
		layout, example = "2006-01-02T15:04:05", "2026-11-22T10:00:00"
	case schema.TimestampLTZ:
		layout, example = "2006-01-02T15:04:05Z07:00", "2026-11-22T10:00:00Z"
	}
	if len(text) > len(dateFormat) && text[len(dateFormat)] == ' ' {
		text = text[:len(dateFormat)] + "T" + text[len(dateFormat)+1:]
	}
	v, err := time.Parse(layout, text)
	if err != nil {
		return "", fmt.Errorf("expected one such as %s", example)
	}
	if strings.Contains(text, ",") { // time.Parse takes it for a point
		return "", fmt.Errorf("expected one such as %s", example)
	}
	if unit := time.Duration(pow10(schema.MaxFraction - t.Precision)); t.Kind != schema.Date && v.Nanosecond()%int(unit) != 0 {
		return "", fmt.Errorf("it has more than %d digits of a second", t.Precision)
	}
	if t.Kind != schema.Date && t.Precision > 0 {
		layout = strings.Replace(layout, ":05", ":05."+strings.Repeat("0", t.Precision), 1)
	}
	return v.UTC().Format(layout), nil
}

func pow10(n int) int64 {
	out := int64(1)
	for range n {
		out *= 10
	}
	return out
}

// PartitionValues puts the values of a partition in order of the partition columns,
// each in its canonical text, and checks them against the columns' types and the
// time format of automatic partitions.
//
// It fails with INVALID_PARTITION for a missing, doubled, unknown or bad value,
// and when the table is not partitioned.
func (d *Descriptor) PartitionValues(given []*flussv1.PartitionValue) ([]string, error) {
	filter, err := d.PartitionFilter(given)
	if err != nil {
		return nil, err
	}
	values := make([]string, len(d.PartitionKeys))
	for i, key := range d.PartitionKeys {
		v, ok := filter[i]
		if !ok {
			return nil, errcode.New(errcode.InvalidPartition, nil, "partition column %q has no value; give one for each of %s",
				key, strings.Join(d.PartitionKeys, ", "))
		}
		values[i] = v
	}
	if name := PartitionName(values); len(name) > MaxNameLength {
		return nil, errcode.New(errcode.InvalidPartition, nil, "the partition name %q is longer than %d characters", shorten(name), MaxNameLength)
	}
	return values, nil
}

// PartitionFilter returns the canonical values of some partition columns by their
// place in PartitionKeys. It fails as PartitionValues does, except that values
// may be missing.
func (d *Descriptor) PartitionFilter(given []*flussv1.PartitionValue) (map[int]string, error) {
	if !d.Partitioned() {
		return nil, errcode.New(errcode.InvalidPartition, nil, "the table is not partitioned")
	}
	out := make(map[int]string, len(d.PartitionKeys))
	for _, v := range given {
		at := slices.Index(d.PartitionKeys, v.GetColumn())
		if at < 0 {
			return nil, errcode.New(errcode.InvalidPartition, nil, "%q is none of the partition columns (%s)%s",
				shorten(v.GetColumn()), strings.Join(d.PartitionKeys, ", "), schema.Suggest(v.GetColumn(), d.PartitionKeys))
		}
		if _, ok := out[at]; ok {
			return nil, errcode.New(errcode.InvalidPartition, nil, "partition column %q has two values", v.GetColumn())
		}
		text, err := d.partitionValue(at, v.GetValue())
		if err != nil {
			return nil, err
		}
		out[at] = text
	}
	return out, nil
}

func (d *Descriptor) partitionValue(at int, value string) (string, error) {
	c, err := d.Schema.Column(d.PartitionKeys[at])
	if err != nil {
		return "", err
	}
	text, err := CanonicalValue(c.Type, value)
	if err != nil {
		return "", err
	}
	a, bound, err := d.AutoPartition()
	if err != nil || !bound || a.KeyIndex != at {
		return text, err
	}
	if err := a.Format.Check(text); err != nil {
		return "", errcode.New(errcode.InvalidPartition, err, "partition column %q is bound to a time format: %v", c.Name, err)
	}
	return text, nil
}

// AutoPartition is how a table's partitions follow the time.
type AutoPartition struct {
	// Enabled tells whether partitions are created and dropped; when not, the
	// format still binds values.
	Enabled bool
	// KeyIndex is the place of the time column among the Keys partition columns.
	KeyIndex, Keys int
	Unit           TimeUnit
	Format         TimeFormat
	Zone           *time.Location
	// Precreate is how many partitions to have from the present one on.
	Precreate int
	// Retention is how many partitions to keep before the present one; negative
	// keeps all.
	Retention int
}

// AutoPartition returns how the partitions follow the time; false when they do not,
// and no time format is set. It fails with INVALID_OPTION where Validate would.
func (d *Descriptor) AutoPartition() (AutoPartition, bool, error) {
	o, err := ParseOptions(d.Properties)
	if err != nil {
		return AutoPartition{}, false, err
	}
	return d.autoPartition(&o)
}

func (d *Descriptor) autoPartition(o *Options) (AutoPartition, bool, error) {
	if !o.AutoPartition && o.AutoPartitionFormat == "" {
		return AutoPartition{}, false, nil
	}
	var f faults
	if d.checkAutoPartition(o, &f); f.any() {
		return AutoPartition{}, false, f.err()
	}
	a := AutoPartition{
		Enabled: o.AutoPartition, Keys: len(d.PartitionKeys), Unit: o.AutoPartitionUnit,
		Precreate: o.AutoPartitionPrecreate, Retention: o.AutoPartitionRetention,
	}
	if o.AutoPartitionKey != "" {
		a.KeyIndex = slices.Index(d.PartitionKeys, o.AutoPartitionKey)
	}
	c, err := d.Schema.Column(d.PartitionKeys[a.KeyIndex])
	if err != nil {
		return AutoPartition{}, false, err
	}
	if a.Format, err = ParseTimeFormat(o.timePattern(c.Type.Kind), a.Unit); err != nil {
		return AutoPartition{}, false, errcode.New(errcode.InvalidOption, err, "bad time format")
	}
	if a.Zone, err = loadZone(o.AutoPartitionZone); err != nil {
		return AutoPartition{}, false, errcode.New(errcode.InvalidOption, err, "bad time zone")
	}
	return a, true, nil
}

// Names returns the names of the partitions that there must be at t: the present
// one and those after it, Precreate in all, oldest first. It returns none with
// several partition columns or when not Enabled.
func (a *AutoPartition) Names(t time.Time) []string {
	if !a.Enabled || a.Keys != 1 {
		return nil
	}
	var out []string
	for i := range a.Precreate {
		name := a.Format.Format(a.Unit.add(t.In(a.Zone), i))
		if len(out) == 0 || out[len(out)-1] != name { // an hour that comes twice
			out = append(out, name)
		}
	}
	return out
}

// Expired returns those of the partitions whose time has passed at t: more than
// Retention units before the present one. Partitions whose time cannot be read
// are left alone. The slice is the caller's, in the order given.
func (a *AutoPartition) Expired(t time.Time, partitions []Partition) []Partition {
	if !a.Enabled || a.Retention < 0 {
		return nil
	}
	oldest := a.Format.Format(a.Unit.add(t.In(a.Zone), -a.Retention))
	var out []Partition
	for _, p := range partitions {
		if len(p.Values) != a.Keys {
			continue
		}
		if v := p.Values[a.KeyIndex]; a.Format.Check(v) == nil && v < oldest {
			out = append(out, p)
		}
	}
	return out
}
