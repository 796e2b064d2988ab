package table

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/schema"
)

func at(t *testing.T, text string) time.Time {
	t.Helper()
	out, err := time.Parse(time.RFC3339, text)
	require.NoError(t, err)
	return out
}

func TestPartitionName(t *testing.T) {
	require.Equal(t, "2026$eu", PartitionName([]string{"2026", "eu"}))
	got, err := ParsePartitionName("2026$eu", 2)
	require.NoError(t, err)
	require.Equal(t, []string{"2026", "eu"}, got)
	_, err = ParsePartitionName("2026$eu", 1)
	requireCode(t, err, errcode.InvalidPartition)
}

func TestCanonicalPartitionName(t *testing.T) {
	fields, err := schema.ParseColumns("day DATE, f DOUBLE, v INT")
	require.NoError(t, err)
	s, err := schema.New(fields, nil)
	require.NoError(t, err)
	d := &Descriptor{Schema: s, PartitionKeys: []string{"day", "f"}}
	require.Equal(t, "2026-11-22$0", d.CanonicalPartitionName("2026-11-22$-0.0"))
	for _, other := range []string{"2026-11-22", "monday$1", ""} {
		require.Equal(t, other, d.CanonicalPartitionName(other))
	}
}

// The vectors are read by other packages and by Java too: type, a text that is
// accepted, the canonical text.
func TestCanonicalValue(t *testing.T) {
	bytes, err := os.ReadFile("testdata/partition-values.json")
	require.NoError(t, err)
	var vectors []struct{ Type, Text, Canonical string }
	require.NoError(t, json.Unmarshal(bytes, &vectors))
	require.NotEmpty(t, vectors)
	for _, v := range vectors {
		typ, err := schema.ParseType(v.Type)
		require.NoError(t, err)
		got, err := CanonicalValue(typ, v.Text)
		require.NoError(t, err, "%s %s", v.Type, v.Text)
		require.Equal(t, v.Canonical, got)
		again, err := CanonicalValue(typ, got)
		require.NoError(t, err)
		require.Equal(t, got, again)
	}
}

func TestCanonicalValueRefuses(t *testing.T) {
	for _, tc := range []struct{ typ, in string }{
		{"STRING", ""},
		{"STRING", "a$b"},
		{"STRING", "a/b"},
		{"STRING", ".."},
		{"STRING", "__historical__"},
		{"STRING", "ä"},
		{"STRING", strings.Repeat("x", 201)},
		{"CHAR(2)", "eur"},
		{"BOOLEAN", "1"},
		{"TINYINT", "128"},
		{"INT", "1.0"},
		{"BIGINT", "9223372036854775808"},
		{"DOUBLE", "NaN"},
		{"DOUBLE", "-Inf"},
		{"FLOAT", "1e39"},
		{"BYTES", "0"},
		{"BYTES", ""},
		{"BYTES", strings.Repeat("00", 101)},
		{"BINARY(2)", "00"},
		{"DATE", "2026-02-30"},
		{"DATE", "20261122"},
		{"TIME", "10:00:00.5"},
		{"TIME(3)", "10:00:00,5"},
		{"TIMESTAMP(3)", "2026-11-22T10:00:00.1234"},
		{"TIMESTAMP(3)", "2026-11-22T10:00:00Z"},
		{"TIMESTAMP_LTZ(3)", "2026-11-22T10:00:00"},
		{"DECIMAL(3, 1)", "1.0"},
		{"ARRAY<INT>", "1"},
	} {
		typ, err := schema.ParseType(tc.typ)
		require.NoError(t, err)
		got, err := CanonicalValue(typ, tc.in)
		require.Error(t, err, "%s %q gave %q", tc.typ, tc.in, got)
		requireCode(t, err, errcode.InvalidPartition)
	}
}

func FuzzCanonicalValue(f *testing.F) {
	f.Add("TIMESTAMP(6)", "2026-11-22T10:00:00.25")
	f.Add("DOUBLE", "1e300")
	f.Fuzz(func(t *testing.T, typ, text string) {
		parsed, err := schema.ParseType(typ)
		if err != nil {
			return
		}
		got, err := CanonicalValue(parsed, text)
		if err != nil {
			return
		}
		require.NotContains(t, got, separator)
		again, err := CanonicalValue(parsed, got)
		require.NoError(t, err)
		require.Equal(t, got, again)
	})
}

func values(pairs ...string) []*flussv1.PartitionValue {
	var out []*flussv1.PartitionValue
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, &flussv1.PartitionValue{Column: pairs[i], Value: pairs[i+1]})
	}
	return out
}

func TestPartitionValues(t *testing.T) {
	d := descriptor(t, "day STRING, region STRING, n INT, x INT", func(d *Descriptor) {
		d.PartitionKeys = []string{"day", "n"}
		d.Properties = map[string]string{"table.auto-partition.key": "day", "table.auto-partition.time-format": "yyyy-MM-dd"}
	})
	require.NoError(t, d.Validate(Limits{}))
	got, err := d.PartitionValues(values("n", "007", "day", "2026-11-22"))
	require.NoError(t, err)
	require.Equal(t, []string{"2026-11-22", "7"}, got)
	filter, err := d.PartitionFilter(values("n", "7"))
	require.NoError(t, err)
	require.Equal(t, map[int]string{1: "7"}, filter)
	for _, tc := range []struct {
		name  string
		given []*flussv1.PartitionValue
		want  string
	}{
		{"missing", values("n", "1"), `"day" has no value; give one for each of day, n`},
		{"unknown", values("dya", "1"), `did you mean "day"?`},
		{"twice", values("n", "1", "n", "2"), `"n" has two values`},
		{"bad value", values("n", "x"), "expected a whole number"},
		{"bound format, though not enabled", values("n", "1", "day", "20261122"), "is not in the form yyyy-MM-dd"},
		{"no such day", values("n", "1", "day", "2026-02-30"), "no time that exists"},
		{"nil", []*flussv1.PartitionValue{nil}, "is none of the partition columns"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := d.PartitionValues(tc.given)
			requireCode(t, err, errcode.InvalidPartition)
			require.ErrorContains(t, err, tc.want)
		})
	}
	_, err = descriptor(t, "a INT", nil).PartitionValues(values("a", "1"))
	require.ErrorContains(t, err, "not partitioned")
}

func TestPartitionNameIsBounded(t *testing.T) {
	d := descriptor(t, "a STRING, b STRING, c INT", func(d *Descriptor) { d.PartitionKeys = []string{"a", "b"} })
	_, err := d.PartitionValues(values("a", strings.Repeat("x", 150), "b", strings.Repeat("x", 150)))
	requireCode(t, err, errcode.InvalidPartition)
}

func TestPartitionProto(t *testing.T) {
	p := Partition{ID: 3, Name: "a$b", Values: []string{"a", "b"}, CreatedAt: time.UnixMilli(5)}
	m := p.Proto([]string{"x", "y"})
	require.Equal(t, "y", m.GetValues()[1].GetColumn())
	require.Equal(t, p, PartitionFromProto(m))
}

func TestTimeFormat(t *testing.T) {
	when := at(t, "2026-08-09T07:30:00Z")
	for _, tc := range []struct {
		pattern string
		unit    TimeUnit
		want    string
	}{
		{Hour.Format(), Hour, "2026080907"},
		{Day.Format(), Day, "20260809"},
		{Month.Format(), Month, "202608"},
		{Quarter.Format(), Quarter, "20263"},
		{Year.Format(), Year, "2026"},
		{"yyyy-MM-dd", Day, "2026-08-09"},
		{"yyyy-MM-dd-HH", Hour, "2026-08-09-07"},
		{"yyyy_'Q'Q", Quarter, "2026_Q3"},
		{"'d'yyyyMMdd", Day, "d20260809"},
	} {
		f, err := ParseTimeFormat(tc.pattern, tc.unit)
		require.NoError(t, err, tc.pattern)
		require.Equal(t, tc.want, f.Format(when))
		require.NoError(t, f.Check(tc.want))
		require.Equal(t, tc.pattern, f.String())
	}
}

func TestTimeFormatRefuses(t *testing.T) {
	for _, tc := range []struct {
		pattern string
		unit    TimeUnit
		want    string
	}{
		{"", Day, "needs yyyy, MM, dd in this order"},
		{"ddMMyyyy", Day, "in this order"},
		{"yyyyMM", Day, "needs yyyy, MM, dd"},
		{"yyyyMMddHH", Day, "needs yyyy, MM, dd"},
		{"yyyyyyyyMMdd", Day, `expected "yyyy" at character 1`},
		{"yyMMdd", Day, `expected "yyyy" at character 1`},
		{"yyyyMdd", Day, `expected "MM" at character 5`},
		{"yyyyQQ", Quarter, `expected "Q" at character 5`},
		{"yyyy[MM]dd", Day, "character 5, '[', is none of"},
		{"yyyy/MM/dd", Day, "is none of"},
		{"yyyy'ä'MMdd", Day, "text of ASCII letters"},
		{"yyyy'x", Year, "closing quote"},
		{"yyyy''", Year, "closing quote"},
		{"__yyyy", Year, "reserved"},
		{"'__'yyyy", Year, "reserved"},
		{strings.Repeat("-", 300) + "yyyy", Year, "longer than"},
	} {
		_, err := ParseTimeFormat(tc.pattern, tc.unit)
		require.ErrorContains(t, err, tc.want, tc.pattern)
	}
	f, err := ParseTimeFormat("yyyy_'Q'Q", Quarter)
	require.NoError(t, err)
	for _, text := range []string{"", "2026", "2026_Q", "2026_Q0", "2026_Q5", "2026_Q11", "2026-Q1", "+026_Q1", "2026_Q1x"} {
		require.Error(t, f.Check(text), text)
	}
}

func FuzzTimeFormat(f *testing.F) {
	f.Add("yyyy-MM-dd", "DAY", "2026-08-09")
	f.Add("yyyy_'Q'Q", "QUARTER", "2026_Q3")
	f.Fuzz(func(t *testing.T, pattern, unit, text string) {
		format, err := ParseTimeFormat(pattern, TimeUnit(unit))
		if err != nil {
			return
		}
		_ = format.Check(text)
		require.NoError(t, format.Check(format.Format(time.Unix(1e9, 0))))
	})
}

// auto returns how partitions of one STRING column follow the time.
func auto(t *testing.T, properties ...string) AutoPartition {
	t.Helper()
	d := descriptor(t, "p STRING, x INT", func(d *Descriptor) {
		d.PartitionKeys = []string{"p"}
		d.Properties = map[string]string{"table.auto-partition.enabled": "true"}
		for i := 0; i < len(properties); i += 2 {
			d.Properties["table.auto-partition."+properties[i]] = properties[i+1]
		}
	})
	require.NoError(t, d.Validate(Limits{}))
	a, ok, err := d.AutoPartition()
	require.NoError(t, err)
	require.True(t, ok)
	return a
}

func TestAutoPartitionNames(t *testing.T) {
	for _, tc := range []struct {
		name, unit, zone, now string
		want                  []string
	}{
		{"hours", "HOUR", "UTC", "2026-12-31T22:59:59Z", []string{"2026123122", "2026123123", "2027010100"}},
		{"days across a leap day", "DAY", "UTC", "2028-02-28T00:00:00Z", []string{"20280228", "20280229", "20280301"}},
		{"the zone's day", "DAY", "Asia/Tokyo", "2026-11-22T15:00:00Z", []string{"20261123", "20261124", "20261125"}},
		{"an offset's day", "DAY", "-03:00", "2026-11-22T02:59:00Z", []string{"20261121", "20261122", "20261123"}},
		{"months from a 31st", "MONTH", "UTC", "2026-01-31T23:59:59Z", []string{"202601", "202602", "202603"}},
		{"quarters", "QUARTER", "UTC", "2026-08-31T00:00:00Z", []string{"20263", "20264", "20271"}},
		{"years", "YEAR", "UTC", "2026-12-31T23:59:59Z", []string{"2026", "2027", "2028"}},
		{"the year has begun there", "YEAR", "Pacific/Auckland", "2026-12-31T12:00:00Z", []string{"2027", "2028", "2029"}},
		{"an hour left out", "HOUR", "Europe/Berlin", "2026-03-29T00:30:00Z", []string{"2026032901", "2026032903", "2026032904"}},
		{"an hour twice", "HOUR", "Europe/Berlin", "2026-10-25T00:30:00Z", []string{"2026102502", "2026102503"}},
		{"days over a change of the clock", "DAY", "Europe/Berlin", "2026-03-28T22:30:00Z", []string{"20260328", "20260329", "20260330"}},
		{"a day that begins at one", "DAY", "America/Sao_Paulo", "2018-11-03T12:00:00Z", []string{"20181103", "20181104", "20181105"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := auto(t, "time-unit", tc.unit, "time-zone", tc.zone, "num-precreate", "3")
			require.Equal(t, tc.want, a.Names(at(t, tc.now)))
		})
	}
	a := auto(t, "num-precreate", "0")
	require.Empty(t, a.Names(at(t, "2026-01-01T00:00:00Z")))
	a = auto(t, "time-format", "yyyy-MM-dd", "num-precreate", "1")
	require.Equal(t, []string{"2026-01-01"}, a.Names(at(t, "2026-01-01T00:00:00Z")))
}

func partitions(names ...string) []Partition {
	var out []Partition
	for _, n := range names {
		out = append(out, Partition{Name: n, Values: strings.Split(n, separator)})
	}
	return out
}

func TestExpired(t *testing.T) {
	all := partitions("20261119", "20261120", "20261121", "20261122", "20261123", "other", "2026112")
	now := at(t, "2026-11-22T12:00:00Z")
	for retention, want := range map[string][]Partition{
		"2": all[:1], "1": all[:2], "0": all[:3], "-1": nil, "1000000": nil,
	} {
		a := auto(t, "num-retention", retention)
		require.Equal(t, want, a.Expired(now, all), retention)
	}
	a := auto(t, "time-unit", "QUARTER", "num-retention", "1")
	require.Equal(t, partitions("20261", "20254"), a.Expired(at(t, "2026-08-31T00:00:00Z"), partitions("20263", "20262", "20261", "20254")))
}

func TestExpiredWithSeveralColumns(t *testing.T) {
	d := descriptor(t, "region STRING, day DATE, x INT", func(d *Descriptor) {
		d.PartitionKeys = []string{"region", "day"}
		d.Properties = map[string]string{
			"table.auto-partition.enabled": "true", "table.auto-partition.key": "day",
			"table.auto-partition.num-precreate": "0", "table.auto-partition.num-retention": "1",
		}
	})
	require.NoError(t, d.Validate(Limits{}))
	a, _, err := d.AutoPartition()
	require.NoError(t, err)
	now := at(t, "2026-11-22T12:00:00Z")
	require.Empty(t, a.Names(now))
	require.Equal(t, partitions("eu$2026-11-20"), a.Expired(now, partitions("eu$2026-11-20", "eu$2026-11-21", "us$2026-11-22", "odd")))
}

func TestNamesAreNeverExpired(t *testing.T) {
	for _, unit := range []string{"HOUR", "DAY", "MONTH", "QUARTER", "YEAR"} {
		for _, zone := range []string{"UTC", "America/New_York", "Australia/Lord_Howe"} {
			a := auto(t, "time-unit", unit, "time-zone", zone, "num-precreate", "4", "num-retention", "0")
			for now := at(t, "2026-01-01T00:00:00Z"); now.Year() == 2026; now = now.Add(7*time.Hour + 13*time.Minute) {
				require.Empty(t, a.Expired(now, partitions(a.Names(now)...)), "%s %s %s", unit, zone, now)
			}
		}
	}
}
