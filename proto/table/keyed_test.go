package table

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/schema"
)

// keyed returns a primary-key table; options are name=value, custom properties
// those without "table." in front.
func keyed(t *testing.T, columns string, options ...string) *Descriptor {
	t.Helper()
	return descriptor(t, columns, func(d *Descriptor) {
		d.BucketKeys = d.Schema.PrimaryKey
		d.Properties, d.Custom = map[string]string{}, map[string]string{}
		for _, o := range options {
			name, value, _ := strings.Cut(o, "=")
			if strings.HasPrefix(name, OptionPrefix) {
				d.Properties[name] = value
			} else {
				d.Custom[name] = value
			}
		}
	})
}

func fieldNames(fields []schema.Field) string {
	var out []string
	for _, f := range fields {
		null := ""
		if f.Type.Nullable {
			null = "?"
		}
		out = append(out, f.Name+null)
	}
	return strings.Join(out, " ")
}

func TestPhysicalKey(t *testing.T) {
	d := keyed(t, "k1 INT, k2 STRING, k3 INT, a INT")
	require.Equal(t, []string{"k1", "k2", "k3"}, d.PhysicalKey())
	d.Schema.PrimaryKey, d.PartitionKeys = []string{"k3", "k1", "k2"}, []string{"k1"}
	require.Equal(t, []string{"k3", "k2"}, d.PhysicalKey())
	require.Equal(t, []string{"k3", "k1", "k2"}, d.Schema.PrimaryKey, "the key stays")
	require.Empty(t, descriptor(t, "a INT", nil).PhysicalKey())
}

func TestAutoIncrement(t *testing.T) {
	d := keyed(t, "k STRING, n BIGINT", "auto-increment.fields= n ")
	require.NoError(t, d.Validate(Limits{}))
	name, ok := d.AutoIncrement()
	require.True(t, ok)
	require.Equal(t, "n", name)
	field, ok := newInfo(t, d).AutoIncrement()
	require.True(t, ok)
	require.EqualValues(t, 2, field.ID)
	_, ok = newInfo(t, keyed(t, "k STRING, n BIGINT")).AutoIncrement()
	require.False(t, ok)

	ranges := keyed(t, "k INT, n INT", "auto-increment.fields=n", "table.auto-increment.cache-size=536870911")
	ranges.BucketCount = 4
	require.NoError(t, ranges.Validate(Limits{}))
	ranges.Properties[autoIncrementCacheKey] = "536870912"
	for _, tc := range []struct {
		name string
		d    *Descriptor
		code errcode.Code
		want string
	}{
		{"ranges past INT", ranges, errcode.InvalidOption, "536870912 values for each of 4 buckets are more than"},
		{"two", keyed(t, "k INT, a INT, b INT", "auto-increment.fields=a,b"), errcode.InvalidOption, "one auto-increment column at most"},
		{"none", keyed(t, "k INT", "auto-increment.fields="), errcode.InvalidOption, "expected the name of one column"},
		{"unknown", keyed(t, "k INT, abc INT", "auto-increment.fields=abd"), errcode.InvalidOption, `did you mean "abc"?`},
		{"type", keyed(t, "k INT, a SMALLINT", "auto-increment.fields=a"), errcode.InvalidOption, `"a" is SMALLINT; it must be INT or BIGINT`},
		{"key", keyed(t, "k INT, a INT", "auto-increment.fields=k"), errcode.InvalidOption, "is in the primary key"},
		{"version column", keyed(t, "k INT, a INT", "auto-increment.fields=a", "table.merge-engine=versioned", "table.merge-engine.versioned.ver-column=a"),
			errcode.InvalidOption, "is the version column"},
		{"log table", descriptor(t, "a INT", func(d *Descriptor) { d.Custom = map[string]string{"auto-increment.fields": "a"} }),
			errcode.InvalidOption, "is for primary-key tables"},
		{"partitioned", descriptor(t, "k INT, k2 INT, a INT", func(d *Descriptor) {
			d.Custom, d.PartitionKeys, d.BucketKeys = map[string]string{"auto-increment.fields": "a"}, []string{"k"}, []string{"k2"}
		}), errcode.Unsupported, "does not go with partition columns: "},
		{"aggregate function", keyed(t, "k INT, a INT", "auto-increment.fields=a", "table.merge-engine=aggregation", "fields.a.agg=sum"),
			errcode.InvalidOption, "is numbered by the server and has no aggregate function"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := tc.d.Validate(Limits{})
			requireCode(t, err, tc.code)
			require.ErrorContains(t, err, tc.want)
			require.NotEmpty(t, errcode.From(err).Facts["option"])
		})
	}
}

func TestWriteFields(t *testing.T) {
	const columns = "a STRING, k1 INT, n BIGINT NOT NULL, b INT, k2 STRING" // ids 1 to 5
	last := newInfo(t, keyed(t, columns))
	auto := newInfo(t, keyed(t, columns, "auto-increment.fields=n"))
	first := newInfo(t, keyed(t, columns, "table.merge-engine=first_row", "auto-increment.fields=n"))
	versioned := newInfo(t, keyed(t, columns, "table.merge-engine=versioned", "table.merge-engine.versioned.ver-column=b"))
	sums := newInfo(t, keyed(t, columns, "table.merge-engine=aggregation", "fields.n.agg=sum"))
	for _, tc := range []struct {
		name    string
		info    *Info
		targets []ids.FieldID
		want    string
	}{
		{"all", last, nil, "a? k1 n? b? k2"},
		{"some, in their order", last, []ids.FieldID{5, 3, 2}, "k2 n? k1"},
		{"all but the one that is numbered", auto, nil, "a? k1 b? k2"},
		{"a NOT NULL column left out that is numbered", auto, []ids.FieldID{2, 5, 1}, "k1 k2 a?"},
		{"only the key", auto, []ids.FieldID{2, 5}, "k1 k2"},
		{"a whole row in another order", versioned, []ids.FieldID{5, 4, 3, 2, 1}, "k2 b? n? k1 a?"},
		{"a whole row but what is numbered", first, []ids.FieldID{1, 2, 4, 5}, "a? k1 b? k2"},
		{"partial aggregation", sums, []ids.FieldID{2, 3, 5}, "k1 n? k2"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := tc.info.WriteFields(tc.info.Schema(), tc.targets)
			require.NoError(t, err)
			require.Equal(t, tc.want, fieldNames(got))
			require.False(t, tc.info.Schema().Columns[2].Type.Nullable, "the schema stays")
		})
	}
	for _, tc := range []struct {
		name    string
		info    *Info
		targets []ids.FieldID
		code    errcode.Code
		column  string
		want    string
	}{
		{"unknown", last, []ids.FieldID{2, 9}, errcode.UnknownColumn, "", "no column with the id 9"},
		{"zero", last, []ids.FieldID{0}, errcode.UnknownColumn, "", "no column with the id 0"},
		{"twice", last, []ids.FieldID{2, 3, 5, 3}, errcode.InvalidArgument, "n", `"n" is named twice`},
		{"key missing", last, []ids.FieldID{2, 3}, errcode.InvalidArgument, "k2", `"k2" is in the primary key (k1, k2) and must be among`},
		{"NOT NULL missing", last, []ids.FieldID{2, 5}, errcode.InvalidArgument, "n", `"n" is NOT NULL and not written`},
		{"numbered", auto, []ids.FieldID{2, 3, 5}, errcode.InvalidArgument, "n", `"n" is numbered by the server`},
		{"partial FIRST_ROW", first, []ids.FieldID{2, 4, 5}, errcode.InvalidArgument, "a", "the merge engine FIRST_ROW, which takes whole rows"},
		{"partial VERSIONED", versioned, []ids.FieldID{2, 3, 4, 5}, errcode.InvalidArgument, "a", "the merge engine VERSIONED, which takes whole rows"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := tc.info.WriteFields(tc.info.Schema(), tc.targets)
			requireCode(t, err, tc.code)
			require.ErrorContains(t, err, tc.want)
			require.Equal(t, tc.column, errcode.From(err).Facts["column"])
		})
	}
}

// An older schema knows columns by other names, some that are gone, and not those
// that came later.
func TestWriteFieldsOfOlderSchema(t *testing.T) {
	older := newInfo(t, keyed(t, "k INT, n BIGINT, old STRING, v INT", "auto-increment.fields=n"))
	m, err := older.Altered([]*flussv1.TableChange{rename("k", "key"), rename("n", "number"), drop("old"), add(t, "added INT")}, older.ModifiedAt)
	require.NoError(t, err)
	info, err := NewInfo(m)
	require.NoError(t, err)
	for id, want := range map[ids.SchemaID]string{1: "k old? v?", 2: "key v? added?"} {
		s, ok := info.SchemaByID(id)
		require.True(t, ok)
		got, err := info.WriteFields(s, nil)
		require.NoError(t, err)
		require.Equal(t, want, fieldNames(got))
		got, err = info.WriteFields(s, []ids.FieldID{1, 4})
		require.NoError(t, err)
		require.Len(t, got, 2)
		require.Len(t, info.KeyFields(s), 1)
		_, err = info.WriteFields(s, []ids.FieldID{1, 2})
		requireCode(t, err, errcode.InvalidArgument)
	}
	_, err = info.WriteFields(info.Schema(), []ids.FieldID{1, 3})
	requireCode(t, err, errcode.UnknownColumn)
}

func TestKeyFields(t *testing.T) {
	d := keyed(t, "a STRING, k1 INT, k2 STRING")
	d.Schema.PrimaryKey = []string{"k2", "k1"}
	require.Equal(t, "k1 k2", fieldNames(newInfo(t, d).KeyFields(d.Schema)))
}

func TestCheckDeleteTargets(t *testing.T) {
	const columns = "k INT, a STRING, n BIGINT NOT NULL, auto INT" // ids 1 to 4
	info := newInfo(t, keyed(t, columns, "auto-increment.fields=auto"))
	require.NoError(t, info.CheckDeleteTargets(info.Schema(), []ids.FieldID{2}))
	first := newInfo(t, keyed(t, columns, "table.merge-engine=first_row"))
	require.NoError(t, first.CheckDeleteTargets(first.Schema(), nil), "a delete of whole rows")
	sums := newInfo(t, keyed(t, columns, "table.merge-engine=aggregation", "table.delete.behavior=allow"))
	require.NoError(t, sums.CheckDeleteTargets(sums.Schema(), []ids.FieldID{2, 4}))
	for _, tc := range []struct {
		name    string
		info    *Info
		targets []ids.FieldID
		code    errcode.Code
		want    string
	}{
		{"unknown", info, []ids.FieldID{2, 7}, errcode.UnknownColumn, "no column with the id 7"},
		{"twice", info, []ids.FieldID{2, 2}, errcode.InvalidArgument, "named twice"},
		{"key", info, []ids.FieldID{1}, errcode.InvalidArgument, "is in the primary key"},
		{"NOT NULL", info, []ids.FieldID{2, 3}, errcode.InvalidArgument, `"n" is NOT NULL`},
		{"numbered", info, []ids.FieldID{4}, errcode.InvalidArgument, "is numbered by the server"},
		{"FIRST_ROW", first, []ids.FieldID{2}, errcode.InvalidArgument, "which takes whole rows"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := tc.info.CheckDeleteTargets(tc.info.Schema(), tc.targets)
			requireCode(t, err, tc.code)
			require.ErrorContains(t, err, tc.want)
		})
	}
}

// The delete behavior that is in force follows the merge engine.
func TestNearMissesOfProperties(t *testing.T) {
	for _, tc := range []struct{ key, want string }{
		{"field.v.agg", "fields.v.agg"},
		{"Fields.a.b.agg", "fields.a.b.agg"},
		{"auto-increment.field", "auto-increment.fields"},
		{"auto-increment", "auto-increment.fields"},
		{"merge-engine", "table.merge-engine"},
		{"tables.merge-engine", "table.merge-engine"},
		{"owner", ""}, {"fields.v.agg", ""}, {"auto-increment.fields", ""}, {"field.agg", ""}, {"scan.startup.mode", ""}, {"my.log.ttl", ""},
	} {
		require.Equal(t, tc.want, NearMiss(tc.key), tc.key)
	}
	d := keyed(t, "k INT, v INT")
	d.Custom = map[string]string{"field.v.agg": "sum"}
	err := d.Validate(Limits{})
	require.Equal(t, errcode.InvalidOption, errcode.Of(err))
	require.ErrorContains(t, err, `did you mean "fields.v.agg"?`)
}

// TestVersionInTheKey: it would never decide between two rows of one key.
func TestVersionInTheKey(t *testing.T) {
	d := keyed(t, "k INT, v INT", "table.merge-engine=versioned", "table.merge-engine.versioned.ver-column=k")
	require.ErrorContains(t, d.Validate(Limits{}), `the version column "k" is in the primary key`)
}

func TestDeleteBehavior(t *testing.T) {
	for _, tc := range []struct {
		engine, behavior string
		want             DeleteBehavior // "" for refused
	}{
		{"none", "", AllowDelete}, {"first_row", "", IgnoreDelete}, {"versioned", "", IgnoreDelete}, {"aggregation", "", IgnoreDelete},
		{"NONE", "disable", DisableDelete}, {"Aggregation", "Allow", AllowDelete}, {"FIRST_ROW", "disable", DisableDelete},
		{"versioned", "ignore", IgnoreDelete}, {"first_row", "allow", ""}, {"versioned", "allow", ""},
	} {
		properties := map[string]string{"table.merge-engine": tc.engine}
		if tc.behavior != "" {
			properties["table.delete.behavior"] = tc.behavior
		}
		if tc.engine == "versioned" {
			properties["table.merge-engine.versioned.ver-column"] = "v"
		}
		o, err := ParseOptions(properties)
		if tc.want == "" {
			requireCode(t, err, errcode.InvalidOption)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, tc.want, o.DeleteBehavior, tc)
	}
}
