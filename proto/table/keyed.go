package table

import (
	"math"
	"slices"
	"strings"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/schema"
)

// autoIncrementKey is the custom property that names the auto-increment column.
const autoIncrementKey = "auto-increment.fields"

// autoIncrementCacheKey is the option Options.AutoIncrementCache.
const autoIncrementCacheKey = "table.auto-increment.cache-size"

// PhysicalKey returns the names of the columns that tell the rows of a bucket
// apart, in key order: the primary key without the partition columns, which are
// the same in all of a bucket's rows. It is empty for a log table; the slice is
// the caller's.
func (d *Descriptor) PhysicalKey() []string {
	return slices.DeleteFunc(slices.Clone(d.Schema.PrimaryKey), func(name string) bool {
		return slices.Contains(d.PartitionKeys, name)
	})
}

// AutoIncrement returns the column whose values the server hands out; false when
// the table has none.
func (d *Descriptor) AutoIncrement() (column string, ok bool) {
	text, ok := d.Custom[autoIncrementKey]
	return strings.TrimSpace(text), ok
}

// checkAutoIncrement finds what the auto-increment column gets wrong.
func (d *Descriptor) checkAutoIncrement(o *Options, f *faults) {
	name, ok := d.AutoIncrement()
	if !ok {
		return
	}
	if !d.HasPrimaryKey() {
		f.option(autoIncrementKey, "%s is for primary-key tables; this is a log table", autoIncrementKey)
		return
	}
	if d.Partitioned() {
		f.list = append(f.list, errcode.New(errcode.Unsupported, nil,
			"%s does not go with partition columns: numbers are handed out per bucket, and those of two partitions would be the same",
			autoIncrementKey).With("option", autoIncrementKey))
		return
	}
	if list, err := parseList(name); err != nil || len(list) != 1 {
		f.option(autoIncrementKey, "%s = %q: expected the name of one column; a table has one auto-increment column at most",
			autoIncrementKey, shorten(name))
		return
	}
	i, ok := d.Schema.Index(name)
	if !ok {
		f.option(autoIncrementKey, "%s names %q, which is no column%s", autoIncrementKey, shorten(name), schema.Suggest(name, d.Schema.Names()))
		return
	}
	t := d.Schema.Columns[i].Type
	if t.Kind != schema.Int && t.Kind != schema.BigInt {
		f.option(autoIncrementKey, "the auto-increment column %q is %s; it must be INT or BIGINT", name, t)
	}
	// The first ranges of the buckets come one after the other.
	if limit := math.MaxInt32 / int64(max(d.BucketCount, 1)); t.Kind == schema.Int && o.AutoIncrementCache > limit {
		f.list = append(f.list, errcode.New(errcode.InvalidOption, nil,
			"%s = %d values for each of %d buckets are more than the INT column %q has: make it at most %d, or the column BIGINT",
			autoIncrementCacheKey, o.AutoIncrementCache, d.BucketCount, name, limit).With("option", autoIncrementCacheKey).With("limit", limit))
	}
	if slices.Contains(d.Schema.PrimaryKey, name) {
		f.option(autoIncrementKey, "the auto-increment column %q is in the primary key: writers must know the key, and only the server knows this column", name)
	}
	if name == o.MergeVersionColumn {
		f.option(autoIncrementKey, "the auto-increment column %q is the version column: writers must give versions, and only the server gives this column", name)
	}
}

// autoIncrementID returns the field id of the auto-increment column; 0 when there
// is none.
func (i *Info) autoIncrementID() ids.FieldID {
	field, _ := i.AutoIncrement()
	return field.ID
}

// AutoIncrement returns the auto-increment column as the newest schema has it;
// false when the table has none.
func (i *Info) AutoIncrement() (schema.Field, bool) {
	name, ok := i.Descriptor.AutoIncrement()
	if !ok {
		return schema.Field{}, false
	}
	at, ok := i.Descriptor.Schema.Index(name)
	if !ok {
		return schema.Field{}, false
	}
	return i.Descriptor.Schema.Columns[at], true
}

// WriteFields returns the columns of a batch that upserts rows of s, a version of
// the table's schema: those with the ids targets, in that order; all but an
// auto-increment column, in the order of s, when targets is empty. Columns outside
// the primary key are nullable: rows of the batch that delete have nulls there.
// The slice is the caller's.
//
// It fails with UNKNOWN_COLUMN for an id that s lacks, and with INVALID_ARGUMENT,
// the fact `column` naming the column: for one that is there twice, a column of the
// primary key that is missing, an auto-increment column, a NOT NULL column that is
// left out, and any column left out of a table with the merge engine FIRST_ROW or
// VERSIONED.
func (i *Info) WriteFields(s *schema.Schema, targets []ids.FieldID) ([]schema.Field, error) {
	auto := i.autoIncrementID()
	var out []schema.Field
	if len(targets) == 0 {
		out = make([]schema.Field, 0, len(s.Columns))
		for _, c := range s.Columns {
			if c.ID != auto {
				out = append(out, c)
			}
		}
	} else {
		var err error
		if out, err = i.targets(s, targets); err != nil {
			return nil, err
		}
		if err := i.checkLeftOut(s, targets); err != nil {
			return nil, err
		}
	}
	for k := range out {
		if !slices.Contains(s.PrimaryKey, out[k].Name) {
			out[k].Type.Nullable = true
		}
	}
	return out, nil
}

// targets returns the columns with the ids, none of them twice or numbered by the
// server.
func (i *Info) targets(s *schema.Schema, targets []ids.FieldID) ([]schema.Field, error) {
	places := make(map[ids.FieldID]int, len(s.Columns))
	for at := range s.Columns {
		places[s.Columns[at].ID] = at
	}
	const used = -1
	auto := i.autoIncrementID()
	var out []schema.Field
	for _, id := range targets {
		at, ok := places[id]
		switch {
		case !ok:
			return nil, errcode.New(errcode.UnknownColumn, nil, "schema version %d of table %s has no column with the id %d; refresh the table's metadata",
				s.ID, i.Path, id)
		case at == used:
			at, _ = s.IndexByID(id)
			return nil, refuseTarget(s.Columns[at].Name, "is named twice among the target columns")
		case id == auto:
			return nil, refuseTarget(s.Columns[at].Name, "is numbered by the server; leave it out of the target columns")
		}
		out = append(out, s.Columns[at])
		places[id] = used
	}
	return out, nil
}

func refuseTarget(column, format string, args ...any) error {
	return errcode.New(errcode.InvalidArgument, nil, "column %q "+format, append([]any{column}, args...)...).With("column", column)
}

// checkLeftOut finds what an upsert of the targets alone cannot leave out.
func (i *Info) checkLeftOut(s *schema.Schema, targets []ids.FieldID) error {
	given := make(map[ids.FieldID]bool, len(targets))
	for _, id := range targets {
		given[id] = true
	}
	auto := i.autoIncrementID()
	for k := range s.Columns {
		c := &s.Columns[k]
		switch {
		case given[c.ID] || c.ID == auto:
		case slices.Contains(s.PrimaryKey, c.Name):
			return refuseTarget(c.Name, "is in the primary key (%s) and must be among the target columns", strings.Join(s.PrimaryKey, ", "))
		case i.wholeRows():
			return refuseTarget(c.Name, "is not written, and table %s has the merge engine %s, which takes whole rows; write all columns",
				i.Path, i.Options.MergeEngine)
		case !c.Type.Nullable:
			return refuseTarget(c.Name, "is NOT NULL and not written; write it too")
		}
	}
	return nil
}

// wholeRows reports whether the merge engine takes no partial updates or deletes.
func (i *Info) wholeRows() bool {
	return i.Options.MergeEngine == FirstRow || i.Options.MergeEngine == Versioned
}

// CheckInsertAbsent checks that rows of the key alone, whose columns have the ids in
// s, may be made for keys that have none. It fails as WriteFields does.
func (i *Info) CheckInsertAbsent(s *schema.Schema, key []ids.FieldID) error {
	_, err := i.WriteFields(s, key)
	if err == nil {
		return nil
	}
	e := errcode.From(err)
	out := errcode.New(e.Code, err, "insert-if-absent makes rows of a key alone, which table %s does not take: %s", i.Path, e.Message)
	for name, fact := range e.Facts {
		out = out.With(name, fact)
	}
	return out
}

// KeyFields returns the columns of the primary key in the order of s, a version of
// the table's schema: those of a batch of keys to delete. The slice is the
// caller's.
func (i *Info) KeyFields(s *schema.Schema) []schema.Field {
	out := make([]schema.Field, 0, len(s.PrimaryKey))
	for _, c := range s.Columns {
		if slices.Contains(s.PrimaryKey, c.Name) {
			out = append(out, c)
		}
	}
	return out
}

// CheckDeleteTargets checks the columns of s, a version of the table's schema, that
// a partial delete makes null. No columns are no partial delete, and right.
//
// It fails with UNKNOWN_COLUMN for an id that s lacks, and with INVALID_ARGUMENT,
// mostly with the fact `column`: for a column that is there twice, one of the
// primary key, an auto-increment column, one that is NOT NULL, and for tables with
// the merge engine FIRST_ROW or VERSIONED.
func (i *Info) CheckDeleteTargets(s *schema.Schema, targets []ids.FieldID) error {
	if len(targets) == 0 {
		return nil
	}
	fields, err := i.targets(s, targets)
	if err != nil {
		return err
	}
	if i.wholeRows() {
		return errcode.New(errcode.InvalidArgument, nil,
			"table %s has the merge engine %s, which takes whole rows; single columns cannot be deleted", i.Path, i.Options.MergeEngine)
	}
	for k := range fields {
		switch c := &fields[k]; {
		case slices.Contains(s.PrimaryKey, c.Name):
			return refuseTarget(c.Name, "is in the primary key; a delete of single columns names columns outside of it")
		case !c.Type.Nullable:
			return refuseTarget(c.Name, "is NOT NULL: a delete of single columns cannot make it null; delete the whole row")
		}
	}
	return nil
}
