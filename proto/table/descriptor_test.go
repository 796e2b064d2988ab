package table

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/schema"
)

// descriptor returns that of a table with one bucket; "k*" columns make the
// primary key.
func descriptor(t *testing.T, columns string, change func(*Descriptor)) *Descriptor {
	t.Helper()
	fields, err := schema.ParseColumns(columns)
	require.NoError(t, err)
	var key []string
	for _, f := range fields {
		if strings.HasPrefix(f.Name, "k") {
			key = append(key, f.Name)
		}
	}
	s, err := schema.New(fields, key)
	require.NoError(t, err)
	d := &Descriptor{Schema: s, BucketCount: 1}
	if change != nil {
		change(d)
	}
	return d
}

func TestParsePath(t *testing.T) {
	for text, want := range map[string]Path{
		"t": {DefaultDatabase, "t"}, "db.t": {"db", "t"}, "My-db.t_1": {"My-db", "t_1"},
	} {
		got, err := ParsePath(text)
		require.NoError(t, err)
		require.Equal(t, want, got)
		again, err := PathFromProto(got.Proto())
		require.NoError(t, err)
		require.Equal(t, want, again)
	}
	require.Equal(t, "db.t", Path{"db", "t"}.String())
	require.Negative(t, Path{"a", "z"}.Compare(Path{"b", "a"}))
	require.Positive(t, Path{"a", "z"}.Compare(Path{"a", "b"}))
	for text, want := range map[string]string{
		"": "table name \"\" is empty", ".t": "database name", "db.": "table name", "a.b.c": "more than one dot", "..": "more than one dot",
		"__x": "reserved for internal", "db.ä": "ASCII", "a b": "ASCII", strings.Repeat("x", 201): "longer than 200",
	} {
		_, err := ParsePath(text)
		requireCode(t, err, errcode.InvalidName)
		require.ErrorContains(t, err, want, text)
	}
	_, err := PathFromProto(nil)
	requireCode(t, err, errcode.InvalidName)
}

func TestValidate(t *testing.T) {
	for _, tc := range []struct {
		name, columns string
		change        func(*Descriptor)
		code          errcode.Code
		want          string
	}{
		{"no bucket", "a INT", func(d *Descriptor) { d.BucketCount = 0 }, errcode.InvalidSchema, "at least one bucket"},
		{"buckets", "a INT", func(d *Descriptor) { d.BucketCount = 4097 }, errcode.LimitExceeded, "4097 buckets are more than the 4096"},
		{"bucket key unknown", "abc INT", func(d *Descriptor) { d.BucketKeys = []string{"abd"} }, errcode.InvalidSchema, `did you mean "abc"?`},
		{"bucket key twice", "a INT", func(d *Descriptor) { d.BucketKeys = []string{"a", "a"} }, errcode.InvalidSchema, "twice"},
		{"bucket key nested", "a ROW<b INT>", func(d *Descriptor) { d.BucketKeys = []string{"a"} }, errcode.InvalidSchema, "cannot be in the bucket key"},
		{"bucket key is a partition column", "a STRING, b INT", func(d *Descriptor) { d.PartitionKeys, d.BucketKeys = []string{"a"}, []string{"a"} },
			errcode.InvalidSchema, "all rows of a partition would go to one bucket"},
		{"bucket key not in the primary key", "k INT, a INT", func(d *Descriptor) { d.BucketKeys = []string{"a"} }, errcode.InvalidSchema, "not in the primary key (k)"},
		{"partition column unknown", "abc INT", func(d *Descriptor) { d.PartitionKeys = []string{"abd"} }, errcode.InvalidSchema, `did you mean "abc"?`},
		{"partition column twice", "a INT, b INT, c INT", func(d *Descriptor) { d.PartitionKeys = []string{"a", "a"} }, errcode.InvalidSchema, "twice"},
		{"partition column nested", "a ARRAY<INT>, b INT", func(d *Descriptor) { d.PartitionKeys = []string{"a"} }, errcode.InvalidSchema, "any scalar but DECIMAL"},
		{"partition column DECIMAL", "a DECIMAL, b INT", func(d *Descriptor) { d.PartitionKeys = []string{"a"} }, errcode.InvalidSchema, "any scalar but DECIMAL"},
		{"partition column not in the primary key", "k INT, a INT", func(d *Descriptor) { d.PartitionKeys, d.BucketKeys = []string{"a"}, []string{"k"} },
			errcode.InvalidSchema, `"a" is not in the primary key (k)`},
		{"only partition columns", "a INT", func(d *Descriptor) { d.PartitionKeys = []string{"a"} }, errcode.InvalidSchema, "every column is a partition column"},
		{"many partition columns", "a INT", func(d *Descriptor) { d.PartitionKeys = make([]string, 17) }, errcode.InvalidSchema, "may have 16"},
		{"nullable key", "k INT", func(d *Descriptor) { d.BucketKeys = []string{"k"}; d.Schema.Columns[0].Type.Nullable = true },
			errcode.InvalidSchema, "must be NOT NULL"},
		{"replicas", "a INT", func(d *Descriptor) { d.Properties = map[string]string{"table.replication.factor": "4"} }, errcode.InvalidOption, "the cluster has 3 servers"},
		{"merge engine of a log table", "a INT", func(d *Descriptor) { d.Properties = map[string]string{"table.merge-engine": "first_row"} },
			errcode.InvalidOption, "is for primary-key tables; this is a log table"},
		{"version column", "k INT, v STRING", func(d *Descriptor) {
			d.BucketKeys = []string{"k"}
			d.Properties = map[string]string{"table.merge-engine": "versioned", "table.merge-engine.versioned.ver-column": "v"}
		}, errcode.InvalidOption, `the version column "v" is STRING`},
		{"version column unknown", "k INT, ver INT", func(d *Descriptor) {
			d.BucketKeys = []string{"k"}
			d.Properties = map[string]string{"table.merge-engine": "versioned", "table.merge-engine.versioned.ver-column": "vers"}
		}, errcode.InvalidOption, `did you mean "ver"?`},
		{"statistics", "abc INT", func(d *Descriptor) { d.Properties = map[string]string{"table.statistics.columns": "abd"} }, errcode.InvalidOption, `did you mean "abc"?`},
		{"auto without partitions", "a INT", func(d *Descriptor) { d.Properties = map[string]string{"table.auto-partition.enabled": "true"} },
			errcode.InvalidOption, "need a table with partition columns"},
		{"auto key", "a STRING, b STRING, c INT", func(d *Descriptor) {
			d.PartitionKeys = []string{"a", "b"}
			d.Properties = map[string]string{"table.auto-partition.enabled": "true"}
		}, errcode.InvalidOption, "table.auto-partition.key is needed"},
		{"auto key is another column", "a STRING, c STRING", func(d *Descriptor) {
			d.PartitionKeys = []string{"a"}
			d.Properties = map[string]string{"table.auto-partition.enabled": "true", "table.auto-partition.key": "c"}
		}, errcode.InvalidOption, "none of the partition columns (a)"},
		{"precreate of several", "a STRING, b STRING, c INT", func(d *Descriptor) {
			d.PartitionKeys = []string{"a", "b"}
			d.Properties = map[string]string{"table.auto-partition.enabled": "true", "table.auto-partition.key": "b"}
		}, errcode.InvalidOption, "must be 0 with several partition columns"},
		{"date by month", "a DATE, c INT", func(d *Descriptor) {
			d.PartitionKeys = []string{"a"}
			d.Properties = map[string]string{"table.auto-partition.enabled": "true", "table.auto-partition.time-unit": "MONTH"}
		}, errcode.InvalidOption, "the time unit must be DAY"},
		{"number with dashes", "a INT, c INT", func(d *Descriptor) {
			d.PartitionKeys = []string{"a"}
			d.Properties = map[string]string{"table.auto-partition.time-format": "yyyy-MM-dd"}
		}, errcode.InvalidOption, "must be numbers"},
		{"auto of a boolean", "a BOOLEAN, c INT", func(d *Descriptor) {
			d.PartitionKeys = []string{"a"}
			d.Properties = map[string]string{"table.auto-partition.enabled": "true"}
		}, errcode.InvalidOption, "need STRING, CHAR, DATE, INT or BIGINT"},
		{"custom named as option", "a INT", func(d *Descriptor) { d.Custom = map[string]string{"table.x": "1"} }, errcode.InvalidOption, "is an option, not a custom property"},
		{"custom without name", "a INT", func(d *Descriptor) { d.Custom = map[string]string{"": "1"} }, errcode.InvalidOption, "no name"},
		{"large custom", "a INT", func(d *Descriptor) { d.Custom = map[string]string{"x": strings.Repeat("x", 1<<15)} }, errcode.InvalidOption, "longer than"},
		{"long comment", "a INT", func(d *Descriptor) { d.Comment = strings.Repeat("x", 1<<15) }, errcode.LimitExceeded, "comment is longer"},
		{"no schema", "a INT", func(d *Descriptor) { d.Schema = nil }, errcode.InvalidSchema, "schema is missing"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := descriptor(t, tc.columns, tc.change).Validate(Limits{MaxBuckets: DefaultMaxBuckets, MaxReplicas: 3})
			requireCode(t, err, tc.code)
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func TestValidateTellsAllFaults(t *testing.T) {
	err := descriptor(t, "a INT", func(d *Descriptor) {
		d.BucketCount, d.BucketKeys = 0, []string{"b"}
		d.Properties = map[string]string{"table.x": "1", "table.log.ttl": "z"}
	}).Validate(Limits{})
	requireCode(t, err, errcode.InvalidSchema)
	require.ErrorContains(t, err, "4 faults: ")
	require.NotContains(t, err.Error(), "faults: (1) 2 faults")
}

func TestNormalize(t *testing.T) {
	d := descriptor(t, "k1 STRING, k2 INT, a INT", func(d *Descriptor) {
		d.BucketCount, d.PartitionKeys = 0, []string{"k1"}
		d.Schema.ID, d.Schema.HighestFieldID = 9, 99
		d.Schema.Columns[2].ID = 99
	})
	got, err := d.Normalize(5, Limits{MaxBuckets: 5})
	require.NoError(t, err)
	require.Equal(t, []string{"k2"}, got.BucketKeys)
	require.Equal(t, 5, got.BucketCount)
	require.EqualValues(t, 1, got.Schema.ID)
	require.EqualValues(t, 3, got.Schema.HighestFieldID)
	require.Empty(t, d.BucketKeys, "the old one stays")

	_, err = d.Normalize(6, Limits{MaxBuckets: 5})
	requireCode(t, err, errcode.LimitExceeded)
	_, err = descriptor(t, "k STRING, a INT", func(d *Descriptor) { d.PartitionKeys = []string{"k"} }).Normalize(1, Limits{})
	require.ErrorContains(t, err, "needs another one to tell buckets by")
	_, err = (&Descriptor{}).Normalize(1, Limits{})
	requireCode(t, err, errcode.InvalidSchema)
}

func TestDescriptorProtoRoundTrip(t *testing.T) {
	d := descriptor(t, "k STRING, a INT", func(d *Descriptor) {
		d.BucketKeys, d.Comment = []string{"k"}, "x"
		d.Properties, d.Custom = map[string]string{"table.log.ttl": "1d"}, map[string]string{"owner": "me"}
	})
	back, err := FromProto(d.Proto())
	require.NoError(t, err)
	require.Equal(t, d, back)
	_, err = FromProto(nil)
	requireCode(t, err, errcode.InvalidSchema)
}

func set(key, value string) *flussv1.TableChange {
	return &flussv1.TableChange{Change: &flussv1.TableChange_SetOption{SetOption: &flussv1.SetOption{Key: key, Value: value}}}
}

func reset(key string) *flussv1.TableChange {
	return &flussv1.TableChange{Change: &flussv1.TableChange_ResetOption{ResetOption: &flussv1.ResetOption{Key: key}}}
}

func drop(name string) *flussv1.TableChange {
	return &flussv1.TableChange{Change: &flussv1.TableChange_DropColumn{DropColumn: &flussv1.DropColumn{Name: name}}}
}

func rename(from, to string) *flussv1.TableChange {
	return &flussv1.TableChange{Change: &flussv1.TableChange_RenameColumn{RenameColumn: &flussv1.RenameColumn{Name: from, NewName: to}}}
}

func widen(t *testing.T, name, typ string) *flussv1.TableChange {
	t.Helper()
	parsed, err := schema.ParseType(typ)
	require.NoError(t, err)
	return &flussv1.TableChange{Change: &flussv1.TableChange_ModifyColumn{ModifyColumn: &flussv1.ModifyColumn{Name: name, Type: parsed.Proto()}}}
}

func comment(text string) *flussv1.TableChange {
	return &flussv1.TableChange{Change: &flussv1.TableChange_SetComment{SetComment: &flussv1.SetComment{Comment: text}}}
}

func altered(t *testing.T) *Descriptor {
	t.Helper()
	return descriptor(t, "p INT, b INT, v INT", func(d *Descriptor) {
		d.PartitionKeys, d.BucketKeys = []string{"p"}, []string{"b"}
		d.Properties = map[string]string{"table.log.ttl": "1d", "table.statistics.columns": "v,b"}
		d.Custom = map[string]string{"owner": "me"}
	})
}

func TestDescriptorApply(t *testing.T) {
	d := altered(t)
	before := proto.Clone(d.Proto())
	got, err := d.Apply([]*flussv1.TableChange{
		set("table.log.ttl", "2d"), set("owner", "you"), set("team", "x"), reset("team"), reset("table.log.segment-age"), comment("hello"),
		rename("b", "bucket"), widen(t, "v", "BIGINT"),
	})
	require.NoError(t, err)
	require.Equal(t, map[string]string{"table.log.ttl": "2d", "table.statistics.columns": "v,bucket"}, got.Properties)
	require.Equal(t, map[string]string{"owner": "you"}, got.Custom)
	require.Equal(t, "hello", got.Comment)
	require.Equal(t, []string{"bucket"}, got.BucketKeys)
	require.Equal(t, []string{"p", "bucket", "v"}, got.Schema.Names())
	require.EqualValues(t, 2, got.Schema.ID)
	require.True(t, proto.Equal(before, d.Proto()), "the old one stays")

	got, err = descriptor(t, "a INT", nil).Apply([]*flussv1.TableChange{set("x", "1"), set("table.log.ttl", "1h")})
	require.NoError(t, err)
	require.EqualValues(t, 1, got.Schema.ID, "no column changed")
}

func TestDescriptorApplyRefuses(t *testing.T) {
	for _, tc := range []struct {
		name    string
		changes []*flussv1.TableChange
		code    errcode.Code
		want    string
	}{
		{"not alterable", []*flussv1.TableChange{set("table.log.format", "ARROW")}, errcode.InvalidOption, "fixed when a table is created; alterable are table.log.ttl"},
		{"unknown", []*flussv1.TableChange{set("table.log.tll", "1d")}, errcode.InvalidOption, `did you mean "table.log.ttl"?`},
		{"unknown reset", []*flussv1.TableChange{reset("table.log.tll")}, errcode.InvalidOption, `did you mean`},
		{"of Fluss' SQL", []*flussv1.TableChange{set("bucket.num", "4")}, errcode.InvalidOption, "bucket.num is fixed"},
		{"no name", []*flussv1.TableChange{set("", "4")}, errcode.InvalidOption, "no name"},
		{"bad value", []*flussv1.TableChange{set("table.log.ttl", "z")}, errcode.InvalidOption, "expected a duration"},
		{"several", []*flussv1.TableChange{set("bucket.num", "4"), drop("b")}, errcode.InvalidOption, "2 faults"},
		{"drop bucket key", []*flussv1.TableChange{drop("b")}, errcode.InvalidSchema, "in the bucket key"},
		{"drop renamed bucket key", []*flussv1.TableChange{rename("b", "c"), drop("c")}, errcode.InvalidSchema, "in the bucket key"},
		{"drop partition column", []*flussv1.TableChange{drop("p")}, errcode.InvalidSchema, "is a partition column"},
		{"rename partition column", []*flussv1.TableChange{rename("p", "q")}, errcode.InvalidSchema, "is a partition column"},
		{"widen partition column", []*flussv1.TableChange{widen(t, "p", "BIGINT")}, errcode.InvalidSchema, "its type cannot change"},
		{"unknown column", []*flussv1.TableChange{drop("w")}, errcode.UnknownColumn, `no column "w"`},
		{"nothing", []*flussv1.TableChange{{}}, errcode.InvalidArgument, "older than its client"},
		{"nil", []*flussv1.TableChange{nil}, errcode.InvalidArgument, "older than its client"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := altered(t).Apply(tc.changes)
			requireCode(t, err, tc.code)
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func newInfo(t *testing.T, d *Descriptor) *Info {
	t.Helper()
	i, err := NewInfo(&flussv1.TableInfo{
		Path: Path{"db", "t"}.Proto(), TableId: 7, Descriptor_: d.Proto(), CreatedAtMs: 1, ModifiedAtMs: 2, Version: 3,
	})
	require.NoError(t, err)
	return i
}

func TestInfo(t *testing.T) {
	i := newInfo(t, altered(t))
	require.Equal(t, Path{"db", "t"}, i.Path)
	require.EqualValues(t, 7, i.ID)
	require.Equal(t, 24*time.Hour, i.Options.LogTTL)
	require.Equal(t, i.Descriptor.Schema, i.Schema())
	_, ok := i.AutoPartition()
	require.False(t, ok)

	m, err := i.Altered([]*flussv1.TableChange{rename("v", "w")}, time.UnixMilli(9))
	require.NoError(t, err)
	next, err := NewInfo(m)
	require.NoError(t, err)
	require.EqualValues(t, 4, next.Version)
	require.Equal(t, time.UnixMilli(9).UTC(), next.ModifiedAt)
	old, ok := next.SchemaByID(1)
	require.True(t, ok)
	require.Equal(t, []string{"p", "b", "v"}, old.Names())
	now, ok := next.SchemaByID(2)
	require.True(t, ok)
	require.Equal(t, []string{"p", "b", "w"}, now.Names())
	_, ok = next.SchemaByID(3)
	require.False(t, ok)
	require.True(t, proto.Equal(m, next.Proto()))

	same, err := i.Altered([]*flussv1.TableChange{set("owner", "me")}, time.UnixMilli(9))
	require.NoError(t, err)
	require.EqualValues(t, 3, same.GetVersion(), "nothing changed")
}

func TestInfoAutoPartition(t *testing.T) {
	i := newInfo(t, descriptor(t, "p STRING, x INT", func(d *Descriptor) {
		d.PartitionKeys = []string{"p"}
		d.Properties = map[string]string{"table.auto-partition.enabled": "true"}
	}))
	a, ok := i.AutoPartition()
	require.True(t, ok)
	require.Equal(t, []string{"20261122", "20261123"}, a.Names(at(t, "2026-11-22T12:00:00Z")))
}

func TestNewInfoRefuses(t *testing.T) {
	good := func() *flussv1.TableInfo {
		return &flussv1.TableInfo{Path: Path{"db", "t"}.Proto(), Descriptor_: altered(t).Proto()}
	}
	for _, tc := range []struct {
		name   string
		change func(*flussv1.TableInfo)
		code   errcode.Code
	}{
		{"path", func(m *flussv1.TableInfo) { m.Path = nil }, errcode.InvalidName},
		{"descriptor", func(m *flussv1.TableInfo) { m.Descriptor_ = nil }, errcode.InvalidSchema},
		{"options", func(m *flussv1.TableInfo) { m.Descriptor_.Properties["table.x"] = "" }, errcode.InvalidOption},
		{"older schema", func(m *flussv1.TableInfo) { m.Schemas = []*flussv1.Schema{{Id: 1}} }, errcode.InvalidSchema},
		{"auto partition", func(m *flussv1.TableInfo) {
			m.Descriptor_.PartitionKeys = nil
			m.Descriptor_.Properties["table.auto-partition.enabled"] = "true"
		}, errcode.InvalidOption},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := good()
			tc.change(m)
			_, err := NewInfo(m)
			requireCode(t, err, tc.code)
		})
	}
}
