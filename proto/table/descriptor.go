package table

import (
	"maps"
	"slices"
	"strings"

	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/schema"
)

// Limits are what a cluster allows a table. A field that is 0 sets no limit.
type Limits struct {
	// MaxBuckets is the most buckets that a table, or each partition, may have.
	MaxBuckets int
	// MaxReplicas is the largest replication factor: the number of servers.
	MaxReplicas int
}

// DefaultMaxBuckets is the MaxBuckets of a cluster that sets none.
const DefaultMaxBuckets = 4096

// MaxPartitionKeys is how many partition columns a table may have.
const MaxPartitionKeys = 16

// maxCommentLength bounds comments and property values, in bytes.
const (
	maxCommentLength  = 16 << 10
	maxPropertyLength = 16 << 10
	maxProperties     = 1000
)

// Descriptor is what a user says about a table. One that is shared is not changed.
type Descriptor struct {
	Schema *schema.Schema
	// PartitionKeys names the partition columns in order; empty when the table is
	// not partitioned.
	PartitionKeys []string
	// BucketCount is the number of buckets of the table, or of each partition; 0
	// in a request means the server's default.
	BucketCount int
	// BucketKeys names the columns that say which bucket a row goes to; empty for
	// a log table that spreads rows freely. For a primary-key table empty means
	// the primary key without the partition columns.
	BucketKeys []string
	Comment    string
	// Properties are options under the names `table.*`.
	Properties map[string]string
	// Custom are any other properties: kept, and not interpreted but for
	// `auto-increment.fields` and those that begin with `fields.`.
	Custom map[string]string
}

// FromProto returns the descriptor of a message and shares nothing with it. It
// checks the schema as schema.FromProto does; the rest is for Validate.
func FromProto(m *flussv1.TableDescriptor) (*Descriptor, error) {
	s, err := schema.FromProto(m.GetSchema())
	if err != nil {
		return nil, err
	}
	return &Descriptor{
		Schema:        s,
		PartitionKeys: slices.Clone(m.GetPartitionKeys()),
		BucketCount:   int(m.GetBucketCount()),
		BucketKeys:    slices.Clone(m.GetBucketKeys()),
		Comment:       m.GetComment(),
		Properties:    maps.Clone(m.GetProperties()),
		Custom:        maps.Clone(m.GetCustomProperties()),
	}, nil
}

// Proto returns d as a message that shares nothing with it.
func (d *Descriptor) Proto() *flussv1.TableDescriptor {
	m := &flussv1.TableDescriptor{
		PartitionKeys:    slices.Clone(d.PartitionKeys),
		BucketCount:      int32(d.BucketCount), //nolint:gosec // Validate bounds it
		BucketKeys:       slices.Clone(d.BucketKeys),
		Comment:          d.Comment,
		Properties:       maps.Clone(d.Properties),
		CustomProperties: maps.Clone(d.Custom),
	}
	if d.Schema != nil {
		m.Schema = d.Schema.Proto()
	}
	return m
}

// Clone returns a copy that shares only the schema, which nobody changes.
func (d *Descriptor) Clone() *Descriptor {
	c := *d
	c.PartitionKeys, c.BucketKeys = slices.Clone(d.PartitionKeys), slices.Clone(d.BucketKeys)
	c.Properties, c.Custom = maps.Clone(d.Properties), maps.Clone(d.Custom)
	return &c
}

// HasPrimaryKey reports whether the table is a primary-key table; else it is a log
// table.
func (d *Descriptor) HasPrimaryKey() bool { return len(d.Schema.PrimaryKey) > 0 }

// Partitioned reports whether the table has partitions.
func (d *Descriptor) Partitioned() bool { return len(d.PartitionKeys) > 0 }

// Normalize returns a copy as it is stored for a new table: the schema with id 1
// and field ids from 1 on, BucketCount replaced by defaultBuckets when it is 0,
// the bucket keys of a primary-key table filled in. It fails as Validate does.
func (d *Descriptor) Normalize(defaultBuckets int, limits Limits) (*Descriptor, error) {
	c := d.Clone()
	if c.Schema == nil {
		return nil, errcode.New(errcode.InvalidSchema, nil, "the schema is missing")
	}
	s, err := schema.New(c.Schema.Columns, c.Schema.PrimaryKey)
	if err != nil {
		return nil, err
	}
	c.Schema = s
	if c.BucketCount == 0 {
		c.BucketCount = defaultBuckets
	}
	if c.HasPrimaryKey() && len(c.BucketKeys) == 0 {
		for _, k := range s.PrimaryKey {
			if !slices.Contains(c.PartitionKeys, k) {
				c.BucketKeys = append(c.BucketKeys, k)
			}
		}
	}
	if err := c.Validate(limits); err != nil {
		return nil, err
	}
	return c, nil
}

// Validate reports every fault at once, with the code and facts of the first one:
// INVALID_SCHEMA for columns and keys, LIMIT_EXCEEDED for the number of buckets,
// INVALID_OPTION for options.
func (d *Descriptor) Validate(limits Limits) error {
	if d.Schema == nil {
		return errcode.New(errcode.InvalidSchema, nil, "the schema is missing")
	}
	if err := d.Schema.Validate(); err != nil {
		return err // the rules below need columns that are right
	}
	var f faults
	d.checkPartitionKeys(&f)
	d.checkBuckets(limits, &f)
	d.checkProperties(&f)
	before := len(f.list)
	o := parseOptions(d.Properties, &f)
	if len(f.list) == before { // the rules below need options that are right
		d.checkOptions(&o, limits, &f)
		d.checkAutoIncrement(&o, &f)
		d.aggregations(&o, &f)
	}
	return f.err()
}

func (d *Descriptor) checkPartitionKeys(f *faults) {
	if len(d.PartitionKeys) > MaxPartitionKeys {
		f.schema("a table may have %d partition columns, not %d", MaxPartitionKeys, len(d.PartitionKeys))
		return
	}
	for i, name := range d.PartitionKeys {
		c, ok := d.keyColumn("partition key", name, d.PartitionKeys[:i], f)
		if !ok {
			continue
		}
		if !partitionKind(c.Type.Kind) {
			f.schema("partition column %q is %s; a partition column may be any scalar but DECIMAL", name, c.Type)
		}
		if d.HasPrimaryKey() && !slices.Contains(d.Schema.PrimaryKey, name) {
			f.schema("partition column %q is not in the primary key (%s); it must be", name, strings.Join(d.Schema.PrimaryKey, ", "))
		}
	}
	if len(d.PartitionKeys) == len(d.Schema.Columns) {
		f.schema("every column is a partition column; a table needs another one")
	}
}

// keyColumn finds the column of a key; earlier are the key's columns before it.
func (d *Descriptor) keyColumn(key, name string, earlier []string, f *faults) (schema.Field, bool) {
	i, ok := d.Schema.Index(name)
	if !ok {
		f.schema("the %s names %q, which is no column%s", key, name, schema.Suggest(name, d.Schema.Names()))
		return schema.Field{}, false
	}
	if slices.Contains(earlier, name) {
		f.schema("the %s names %q twice", key, name)
		return schema.Field{}, false
	}
	return d.Schema.Columns[i], true
}

func (d *Descriptor) checkBuckets(limits Limits, f *faults) {
	if d.BucketCount < 1 {
		f.schema("a table needs at least one bucket, not %d", d.BucketCount)
	}
	if limits.MaxBuckets > 0 && d.BucketCount > limits.MaxBuckets {
		f.list = append(f.list, errcode.New(errcode.LimitExceeded, nil,
			"%d buckets are more than the %d that a table or partition may have (max-bucket-number)",
			d.BucketCount, limits.MaxBuckets).With("limit", limits.MaxBuckets))
	}
	for i, name := range d.BucketKeys {
		c, ok := d.keyColumn("bucket key", name, d.BucketKeys[:i], f)
		if !ok {
			continue
		}
		if c.Type.Kind.Nested() {
			f.schema("bucket key column %q is %s; ARRAY, MAP and ROW cannot be in the bucket key", name, c.Type)
		}
		if slices.Contains(d.PartitionKeys, name) {
			f.schema("bucket key column %q is a partition column: all rows of a partition would go to one bucket", name)
		} else if d.HasPrimaryKey() && !slices.Contains(d.Schema.PrimaryKey, name) {
			f.schema("bucket key column %q is not in the primary key (%s); it must be", name, strings.Join(d.Schema.PrimaryKey, ", "))
		}
	}
	if d.HasPrimaryKey() && len(d.BucketKeys) == 0 {
		f.schema("every primary key column is a partition column; the primary key needs another one to tell buckets by")
	}
}

func (d *Descriptor) checkProperties(f *faults) {
	if len(d.Comment) > maxCommentLength {
		f.list = append(f.list, errcode.New(errcode.LimitExceeded, nil, "the comment is longer than %d bytes", maxCommentLength).
			With("limit", maxCommentLength))
	}
	if len(d.Custom) > maxProperties {
		f.list = append(f.list, errcode.New(errcode.LimitExceeded, nil, "more than %d custom properties", maxProperties).
			With("limit", maxProperties))
	}
	for _, key := range slices.Sorted(maps.Keys(d.Custom)) {
		switch {
		case key == "":
			f.option(key, "a custom property has no name")
		case strings.HasPrefix(key, OptionPrefix):
			f.option(key, "%s is an option, not a custom property; give it among the options", shorten(key))
		case len(key)+len(d.Custom[key]) > maxPropertyLength:
			f.option(shorten(key), "the custom property %s is longer than %d bytes", shorten(key), maxPropertyLength)
		case NearMiss(key) != "":
			f.option(key, "%s would be a property of your own, which the server does nothing with; did you mean %q?", key, NearMiss(key))
		}
	}
}

var versionKinds = []schema.Kind{schema.Int, schema.BigInt, schema.Timestamp, schema.TimestampLTZ}

// versionColumnKey is the option that names the version column.
const versionColumnKey = "table.merge-engine.versioned.ver-column"

// primaryKeyOptions mean nothing for a log table.
var primaryKeyOptions = []string{
	"table.merge-engine", versionColumnKey, "table.delete.behavior", "table.changelog.image",
}

// checkOptions finds what options get wrong about this table.
func (d *Descriptor) checkOptions(o *Options, limits Limits, f *faults) {
	if limits.MaxReplicas > 0 && o.ReplicationFactor > limits.MaxReplicas {
		f.option("table.replication.factor", "table.replication.factor = %d, but the cluster has %d servers",
			o.ReplicationFactor, limits.MaxReplicas)
	}
	if !d.HasPrimaryKey() {
		for _, key := range primaryKeyOptions {
			if _, ok := d.Properties[key]; ok {
				f.option(key, "%s is for primary-key tables; this is a log table", key)
			}
		}
	}
	if o.MergeVersionColumn != "" && d.HasPrimaryKey() {
		i, ok := d.Schema.Index(o.MergeVersionColumn)
		if !ok {
			f.option(versionColumnKey, "table.merge-engine.versioned.ver-column names %q, which is no column%s",
				shorten(o.MergeVersionColumn), schema.Suggest(o.MergeVersionColumn, d.Schema.Names()))
		} else if t := d.Schema.Columns[i].Type; !slices.Contains(versionKinds, t.Kind) {
			f.option(versionColumnKey,
				"the version column %q is %s; it must be INT, BIGINT, TIMESTAMP or TIMESTAMP_LTZ", o.MergeVersionColumn, t)
		} else if slices.Contains(d.Schema.PrimaryKey, o.MergeVersionColumn) {
			f.option(versionColumnKey, "the version column %q is in the primary key: rows with one key would all have one version; name another column", o.MergeVersionColumn)
		}
	}
	for _, name := range o.StatisticsColumns {
		if _, ok := d.Schema.Index(name); !ok && name != "*" && !strings.EqualFold(name, "none") {
			f.option("table.statistics.columns", "table.statistics.columns names %q, which is no column%s",
				shorten(name), schema.Suggest(name, d.Schema.Names()))
		}
	}
	d.checkAutoPartition(o, f)
}

func (d *Descriptor) checkAutoPartition(o *Options, f *faults) {
	const enabled, key, format, precreate = "table.auto-partition.enabled", "table.auto-partition.key",
		"table.auto-partition.time-format", "table.auto-partition.num-precreate"
	if !o.AutoPartition && o.AutoPartitionFormat == "" && o.AutoPartitionKey == "" {
		return
	}
	if !d.Partitioned() {
		f.option(enabled, "automatic partitions need a table with partition columns")
		return
	}
	name := o.AutoPartitionKey
	if name == "" {
		if name = d.PartitionKeys[0]; len(d.PartitionKeys) > 1 {
			f.option(key, "%s is needed: it says which of the partition columns (%s) holds the time",
				key, strings.Join(d.PartitionKeys, ", "))
			return
		}
	}
	if !slices.Contains(d.PartitionKeys, name) {
		f.option(key, "%s = %q is none of the partition columns (%s)", key, shorten(name), strings.Join(d.PartitionKeys, ", "))
		return
	}
	if o.AutoPartition && len(d.PartitionKeys) > 1 && o.AutoPartitionPrecreate != 0 {
		f.option(precreate, "%s must be 0 with several partition columns: partitions cannot be created ahead then", precreate)
	}
	i, ok := d.Schema.Index(name)
	if !ok {
		return // told by checkPartitionKeys
	}
	t := d.Schema.Columns[i].Type
	switch t.Kind { //nolint:exhaustive // the others are refused
	case schema.Date:
		if o.AutoPartitionUnit != Day || o.AutoPartitionFormat != "" && o.AutoPartitionFormat != dateFormat {
			f.option(format, "partition column %q is a DATE: the time unit must be DAY and the time format %s", name, dateFormat)
		}
	case schema.String, schema.Char:
	case schema.Int, schema.BigInt:
		if strings.Trim(o.timePattern(t.Kind), "yMdHQ") != "" {
			f.option(format, "partition column %q is %s: times in it must be numbers, without '-' and '_'", name, t)
		}
	default:
		f.option(key, "partition column %q is %s; automatic partitions need STRING, CHAR, DATE, INT or BIGINT", name, t)
	}
}

// timePattern is the time format for a column of the kind.
func (o *Options) timePattern(k schema.Kind) string {
	switch {
	case o.AutoPartitionFormat != "":
		return o.AutoPartitionFormat
	case k == schema.Date:
		return dateFormat
	default:
		return o.AutoPartitionUnit.Format()
	}
}
