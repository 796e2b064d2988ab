package table

import (
	"maps"
	"slices"
	"strings"

	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/schema"
)

// Apply returns the descriptor after the changes, in order, all or none; d stays as
// it is. Column changes make one new schema, as schema.Apply does. Renaming a
// column renames it in the keys, in the options and in the custom properties that
// name it; dropping one drops the custom properties `fields.<column>.*`. Those may
// only be set for columns that are added by the same changes.
//
// It fails with INVALID_SCHEMA when a column of a key, the version column or the
// auto-increment column would be dropped, or a partition column renamed or given
// another type, INVALID_OPTION for options that are not alterable or bad, and as
// schema.Apply and Validate do.
func (d *Descriptor) Apply(changes []*flussv1.TableChange) (*Descriptor, error) {
	out := d.Clone()
	var f faults
	for _, change := range changes {
		switch c := change.GetChange().(type) {
		case *flussv1.TableChange_SetOption:
			out.set(c.SetOption.GetKey(), c.SetOption.GetValue(), &f)
		case *flussv1.TableChange_ResetOption:
			out.reset(c.ResetOption.GetKey(), &f)
		case *flussv1.TableChange_SetComment:
			out.Comment = c.SetComment.GetComment()
		case *flussv1.TableChange_DropColumn:
			out.checkDrop(c.DropColumn.GetName(), &f)
		case *flussv1.TableChange_RenameColumn:
			out.rename(c.RenameColumn.GetName(), c.RenameColumn.GetNewName(), &f)
		case nil:
			f.list = append(f.list, errcode.New(errcode.InvalidArgument, nil,
				"a change says nothing that this server knows; it may be older than its client"))
		}
	}
	if f.any() {
		return nil, f.err()
	}
	s, err := d.Schema.Apply(changes)
	if err != nil {
		return nil, err
	}
	out.Schema = s
	if err := out.checkPartitionTypes(d.Schema); err != nil {
		return nil, err
	}
	if err := out.Validate(Limits{}); err != nil { // limits may have been lowered since the table was made
		return nil, err
	}
	if err := out.checkAggregations(d); err != nil {
		return nil, err
	}
	return out, nil
}

func (d *Descriptor) set(key, value string, f *faults) {
	if !checkAlterable(key, f) {
		return
	}
	m := &d.Custom
	if strings.HasPrefix(key, OptionPrefix) {
		m = &d.Properties
	}
	if *m == nil {
		*m = map[string]string{}
	}
	(*m)[key] = value
}

func (d *Descriptor) reset(key string, f *faults) {
	if checkAlterable(key, f) {
		delete(d.Properties, key)
		delete(d.Custom, key)
	}
}

// fixed are settings of Apache Fluss' SQL that are no options here, and cannot be
// changed there or here.
var fixed = []string{"bucket.num", "bucket.key", autoIncrementKey, "bootstrap.servers"}

func checkAlterable(key string, f *faults) bool {
	_, isKnown := byName[key]
	switch {
	case key == "":
		f.option(key, "an option to alter has no name")
	case slices.Contains(fixed, key):
		f.option(key, "%s is fixed when a table is created", key)
	case Alterable(key):
		return true
	case isKnown:
		f.option(key, "%s is fixed when a table is created; alterable are %s", key, strings.Join(alterableNames(), ", "))
	default:
		f.option(key, "there is no option %s%s", shorten(key), schema.Suggest(key, slices.Sorted(maps.Keys(byName))))
	}
	return false
}

func alterableNames() []string {
	var out []string
	for i := range known {
		if known[i].Alterable {
			out = append(out, known[i].Name)
		}
	}
	return out
}

func (d *Descriptor) checkDrop(name string, f *faults) {
	auto, numbered := d.AutoIncrement()
	switch {
	case slices.Contains(d.PartitionKeys, name):
		f.schema("column %q is a partition column and cannot be dropped", name)
	case slices.Contains(d.BucketKeys, name):
		f.schema("column %q is in the bucket key and cannot be dropped", name)
	case strings.TrimSpace(d.Properties[versionColumnKey]) == name:
		f.schema("column %q is the version column of the merge engine and cannot be dropped", name)
	case numbered && auto == name:
		f.schema("column %q is the auto-increment column and cannot be dropped", name)
	default:
		d.moveFieldProperties(name, "", f)
	}
}

// moveFieldProperties renames the custom properties `fields.<from>.*`; it drops
// them when to is "".
func (d *Descriptor) moveFieldProperties(from, to string, f *faults) {
	for _, key := range slices.Sorted(maps.Keys(d.Custom)) {
		p, ok := parseFieldProperty(key)
		if !ok || p.column != from {
			continue
		}
		value := d.Custom[key]
		delete(d.Custom, key)
		if to == "" {
			continue
		}
		renamed := fieldPrefix + to + strings.TrimPrefix(key, fieldPrefix+from)
		if _, taken := d.Custom[renamed]; taken {
			f.option(renamed, "%s is fixed: column %q keeps the aggregate function that it had as %q", shorten(renamed), to, from)
			continue
		}
		d.Custom[renamed] = value
	}
}

// checkAggregations compares the aggregate functions with those before: the values
// that there are were made by them.
func (d *Descriptor) checkAggregations(before *Descriptor) error {
	if len(before.Custom) == 0 && len(d.Custom) == 0 {
		return nil
	}
	was, err := before.Aggregations()
	if err != nil {
		return err
	}
	is, err := d.Aggregations()
	if err != nil {
		return err
	}
	var f faults
	of := func(m map[string]Aggregate, column string) Aggregate {
		if a, ok := m[column]; ok {
			return a
		}
		return DefaultAggregate()
	}
	for i := range d.Schema.Columns {
		c := &d.Schema.Columns[i]
		at, ok := before.Schema.IndexByID(c.ID)
		if !ok {
			continue
		}
		if of(was, before.Schema.Columns[at].Name) != of(is, c.Name) {
			key := aggregateKey(c.Name)
			f.option(key, "%s is fixed: the aggregate function of a column, and its delimiter, can be chosen when the column is added, not later", shorten(key))
		}
	}
	return f.err()
}

// checkPartitionTypes compares the partition columns' types with those before: the
// names of partitions that there are were made from them.
func (d *Descriptor) checkPartitionTypes(before *schema.Schema) error {
	for _, name := range d.PartitionKeys {
		c, err := d.Schema.Column(name)
		if err != nil {
			return err
		}
		i, ok := before.IndexByID(c.ID)
		if !ok {
			return errcode.New(errcode.InvalidSchema, nil, "column %q is a partition column and cannot be replaced", name)
		}
		was := before.Columns[i].Type
		if was.Nullable = c.Type.Nullable; !was.Equal(c.Type) {
			return errcode.New(errcode.InvalidSchema, nil, "column %q is a partition column; its type cannot change", name)
		}
	}
	return nil
}

func (d *Descriptor) rename(from, to string, f *faults) {
	if from != to && slices.Contains(d.PartitionKeys, from) { // partitions that there are tell their columns by name
		f.schema("column %q is a partition column and cannot be renamed", from)
		return
	}
	replace := func(names []string) {
		if i := slices.Index(names, from); i >= 0 {
			names[i] = to
		}
	}
	replace(d.BucketKeys)
	if auto, ok := d.AutoIncrement(); ok && auto == from {
		d.Custom[autoIncrementKey] = to
	}
	if from != to {
		d.moveFieldProperties(from, to, f)
	}
	for _, key := range []string{versionColumnKey, "table.statistics.columns"} {
		value, ok := d.Properties[key]
		if !ok {
			continue
		}
		names, err := parseList(value)
		if err != nil {
			continue // Validate tells
		}
		replace(names)
		d.Properties[key] = strings.Join(names, ",")
	}
}
