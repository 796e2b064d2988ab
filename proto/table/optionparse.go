package table

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/schema"
)

// OptionPrefix starts the names of the options that the server knows. Anything
// else is a custom property.
const OptionPrefix = "table."

// Option describes one of the `table.*` options.
type Option struct {
	Name string
	// Type is "boolean", "integer", "size", "duration", "text", "list" or "enum".
	Type string
	// Default is the value when none is given; "" when Unset tells in words.
	Default, Unset string
	// Range is "low..high", both inclusive, either may be missing; "" is any.
	Range string
	// Values are those of an enum.
	Values    []string
	Alterable bool

	field int // of Options
}

var (
	known   = describeOptions()
	byName  = indexOptions()
	initial = defaultOptions()
)

// KnownOptions returns every option, in the order of the fields of Options; the
// slice is the caller's.
func KnownOptions() []Option { return slices.Clone(known) }

// Alterable reports whether ALTER may set or reset key: custom properties always,
// options when their description says so, unknown options never.
func Alterable(key string) bool {
	if !strings.HasPrefix(key, OptionPrefix) {
		return true
	}
	i, ok := byName[key]
	return ok && known[i].Alterable
}

func describeOptions() []Option {
	t := reflect.TypeFor[Options]()
	out := make([]Option, t.NumField())
	for i := range out {
		f := t.Field(i)
		o := Option{
			Name: f.Tag.Get("option"), Default: f.Tag.Get("default"), Unset: f.Tag.Get("unset"),
			Range: f.Tag.Get("range"), Alterable: f.Tag.Get("alterable") == "true", field: i,
		}
		if v := f.Tag.Get("values"); v != "" {
			o.Values = strings.Split(v, ",")
		}
		switch {
		case o.Values != nil:
			o.Type = "enum"
		case f.Type == reflect.TypeFor[time.Duration]():
			o.Type = "duration"
		case f.Tag.Get("unit") == "bytes":
			o.Type = "size"
		case f.Type.Kind() == reflect.Bool:
			o.Type = "boolean"
		case f.Type.Kind() == reflect.Slice:
			o.Type = "list"
		case f.Type.Kind() == reflect.String:
			o.Type = "text"
		default:
			o.Type = "integer"
		}
		out[i] = o
	}
	return out
}

func indexOptions() map[string]int {
	out := make(map[string]int, len(known))
	for i := range known {
		out[known[i].Name] = i
	}
	return out
}

func defaultOptions() Options {
	var o Options
	for i := range known {
		if known[i].Default == "" {
			continue
		}
		if err := known[i].set(&o, known[i].Default); err != nil {
			panic(fmt.Sprintf("default of %s: %v", known[i].Name, err)) // a slip in a tag; any test shows it
		}
	}
	return o
}

// DefaultOptions returns the options of a table that gives none.
func DefaultOptions() Options {
	o := initial
	o.deriveUnset(nil)
	return o
}

// ParseOptions reads the options of a table, every one under its full name, and
// fills in defaults. What one option alone, or two together, get wrong is found
// here; what needs the schema is found by Descriptor.Validate.
//
// It fails with INVALID_OPTION that tells every fault, the fact `option` naming the
// first one. The Options are meaningless then.
func ParseOptions(properties map[string]string) (Options, error) {
	var f faults
	o := parseOptions(properties, &f)
	return o, f.err()
}

func parseOptions(properties map[string]string, f *faults) Options {
	o := initial
	before := len(f.list)
	for _, key := range slices.Sorted(maps.Keys(properties)) {
		i, ok := byName[key]
		if !ok {
			f.option(key, "there is no option %s%s", key, schema.Suggest(key, slices.Sorted(maps.Keys(byName))))
			continue
		}
		if err := known[i].set(&o, properties[key]); err != nil {
			f.option(key, "%s = %q: %v", key, shorten(properties[key]), err)
		}
	}
	o.deriveUnset(properties)
	if len(f.list) == before { // rules about two options only make sense for values that are right
		o.check(properties, f)
	}
	return o
}

// deriveUnset fills in the defaults that depend on other options.
func (o *Options) deriveUnset(properties map[string]string) {
	if _, ok := properties["table.log.local-ttl"]; !ok {
		o.LogLocalTTL = o.LogTTL
	}
	if o.DeleteBehavior == "" {
		o.DeleteBehavior = AllowDelete
		if o.MergeEngine != LastRow {
			o.DeleteBehavior = IgnoreDelete
		}
	}
}

// check finds what two options together get wrong.
func (o *Options) check(properties map[string]string, f *faults) {
	if o.LogTTL > 0 && o.LogLocalTTL > o.LogTTL {
		f.option("table.log.local-ttl", "table.log.local-ttl = %s is longer than table.log.ttl = %s",
			FormatDuration(o.LogLocalTTL), FormatDuration(o.LogTTL))
	}
	if _, err := loadZone(o.AutoPartitionZone); err != nil {
		f.option("table.auto-partition.time-zone", "table.auto-partition.time-zone = %q: %v", shorten(o.AutoPartitionZone), err)
	}
	if o.AutoPartitionFormat != "" {
		if _, err := ParseTimeFormat(o.AutoPartitionFormat, o.AutoPartitionUnit); err != nil {
			f.option("table.auto-partition.time-format", "table.auto-partition.time-format = %q: %v",
				shorten(o.AutoPartitionFormat), err)
		}
	}
	if versioned := o.MergeEngine == Versioned; versioned != (o.MergeVersionColumn != "") {
		f.option(versionColumnKey, "table.merge-engine.versioned.ver-column is %s",
			map[bool]string{true: "needed with table.merge-engine = versioned", false: "only for table.merge-engine = versioned"}[versioned])
	}
	if o.DeleteBehavior == AllowDelete && (o.MergeEngine == FirstRow || o.MergeEngine == Versioned) {
		f.option("table.delete.behavior", "table.delete.behavior = ALLOW does not go with table.merge-engine = %s; choose IGNORE or DISABLE",
			strings.ToLower(string(o.MergeEngine)))
	}
	if o.ChangelogImage == WALImage && o.MergeEngine == Aggregation {
		f.option("table.changelog.image", "table.changelog.image = WAL does not go with table.merge-engine = aggregation; choose FULL")
	}
	if _, ok := properties["table.log.arrow.compression.zstd.level"]; ok && o.LogCompression != ZSTD {
		f.option("table.log.arrow.compression.zstd.level",
			"table.log.arrow.compression.zstd.level does not go with table.log.arrow.compression.type = %s", o.LogCompression)
	}
}

// set parses text into the field of o.
func (d *Option) set(o *Options, text string) error {
	field := reflect.ValueOf(o).Elem().Field(d.field)
	text = strings.TrimSpace(text)
	switch d.Type {
	case "enum":
		return d.setEnum(field, text)
	case "text":
		if text == "" {
			return fmt.Errorf("it is empty; leave the option out instead")
		}
		field.SetString(text)
	case "list":
		list, err := parseList(text)
		field.Set(reflect.ValueOf(list))
		return err
	case "boolean":
		switch strings.ToLower(text) {
		case "true":
			field.SetBool(true)
		case "false":
			field.SetBool(false)
		default:
			return fmt.Errorf("expected true or false")
		}
	default:
		n, err := d.number(text)
		if err != nil {
			return err
		}
		if err := d.inRange(n); err != nil {
			return err
		}
		field.SetInt(n)
	}
	return nil
}

func (d *Option) setEnum(field reflect.Value, text string) error {
	upper := strings.ToUpper(text)
	if !slices.Contains(d.Values, upper) {
		return fmt.Errorf("expected %s%s", orList(d.Values), schema.Suggest(text, d.Values))
	}
	field.SetString(upper)
	return nil
}

// number reads an integer, size in bytes or duration in nanoseconds.
func (d *Option) number(text string) (int64, error) {
	switch d.Type {
	case "duration":
		n, err := ParseDuration(text)
		return int64(n), err
	case "size":
		return ParseSize(text)
	default:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("expected a whole number")
		}
		return n, nil
	}
}

func (d *Option) inRange(n int64) error {
	low, high, ok := strings.Cut(d.Range, "..")
	if !ok {
		return nil
	}
	least, most := int64(math.MinInt64), int64(math.MaxInt64)
	if low != "" {
		least, _ = d.number(low)
	}
	if high != "" {
		most, _ = d.number(high)
	}
	if n >= least && n <= most {
		return nil
	}
	if high == "" {
		return fmt.Errorf("it must be %s or more", low)
	}
	return fmt.Errorf("it must be %s to %s", low, high)
}

// parseList reads names with commas between them.
func parseList(text string) ([]string, error) {
	var out []string
	for part := range strings.SplitSeq(text, ",") {
		name := strings.TrimSpace(part)
		if name == "" {
			return nil, fmt.Errorf("expected names with commas between them")
		}
		if slices.Contains(out, name) {
			return nil, fmt.Errorf("%q is there twice", name)
		}
		out = append(out, name)
	}
	return out, nil
}

func orList(values []string) string {
	if len(values) == 1 {
		return values[0]
	}
	return strings.Join(values[:len(values)-1], ", ") + " or " + values[len(values)-1]
}

// faults gathers all that is wrong, to tell it at once.
type faults struct {
	list []*errcode.Error
}

func (f *faults) option(key, format string, args ...any) {
	f.list = append(f.list, errcode.New(errcode.InvalidOption, nil, format, args...).With("option", key))
}

func (f *faults) schema(format string, args ...any) {
	f.list = append(f.list, errcode.New(errcode.InvalidSchema, nil, format, args...))
}

func (f *faults) any() bool { return len(f.list) > 0 }

// err returns nil, the only fault, or one error with the first one's code and
// facts that tells all of them.
func (f *faults) err() error {
	switch len(f.list) {
	case 0:
		return nil
	case 1:
		return f.list[0]
	}
	texts := make([]string, len(f.list))
	for i, e := range f.list {
		texts[i] = fmt.Sprintf("(%d) %s", i+1, e.Message)
	}
	all := errcode.New(f.list[0].Code, nil, "%d faults: %s", len(f.list), strings.Join(texts, "; "))
	all.Facts = f.list[0].Facts
	return all
}
