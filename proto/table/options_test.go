package table

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/errcode"
)

func requireCode(t *testing.T, err error, code errcode.Code) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, code, errcode.Of(err), err.Error())
}

func TestDefaultOptions(t *testing.T) {
	o := DefaultOptions()
	require.Equal(t, Options{
		ReplicationFactor: 1,
		LogTTL:            7 * 24 * time.Hour, LogLocalTTL: 7 * 24 * time.Hour, LogTieredLocalSegments: 2,
		LogSegmentSize: 128 << 20, LogSegmentAge: 24 * time.Hour,
		LogFormat: ArrowFormat, LogCompression: ZSTD, LogZSTDLevel: 1,
		KVFormat: Compacted, KVFormatVersion: 2, KVStandby: true,
		AutoPartitionUnit: Day, AutoPartitionZone: "UTC", AutoPartitionPrecreate: 2, AutoPartitionRetention: 7,
		MergeEngine: LastRow, DeleteBehavior: AllowDelete, ChangelogImage: FullImage, AutoIncrementCache: 100000,
		LakeFormat: Iceberg, LakeFreshness: 3 * time.Minute,
	}, o)
	parsed, err := ParseOptions(nil)
	require.NoError(t, err)
	require.Equal(t, o, parsed)
	given := map[string]string{}
	for _, k := range KnownOptions() {
		if k.Default != "" {
			given[k.Name] = k.Default
		}
	}
	parsed, err = ParseOptions(given)
	require.NoError(t, err, "every default is in its own range")
	require.Equal(t, o, parsed)
}

func TestParseOptions(t *testing.T) {
	o, err := ParseOptions(map[string]string{
		"table.log.ttl": "P1D", "table.log.local-ttl": "2h", "table.log.segment-size": " 64 KB ", "table.log.arrow.compression.type": "lz4_frame",
		"table.auto-partition.enabled": "TRUE", "table.auto-partition.time-unit": "quarter", "table.auto-partition.time-format": "yyyy-'Q'Q",
		"table.auto-partition.time-zone": "Asia/Kathmandu", "table.statistics.columns": "a, b", "table.merge-engine": "first_row",
		"table.replication.factor": "3",
	})
	require.NoError(t, err)
	require.Equal(t, 24*time.Hour, o.LogTTL)
	require.Equal(t, 2*time.Hour, o.LogLocalTTL)
	require.Equal(t, int64(64<<10), o.LogSegmentSize)
	require.Equal(t, LZ4Frame, o.LogCompression)
	require.True(t, o.AutoPartition)
	require.Equal(t, Quarter, o.AutoPartitionUnit)
	require.Equal(t, []string{"a", "b"}, o.StatisticsColumns)
	require.Equal(t, IgnoreDelete, o.DeleteBehavior, "follows the merge engine")
	require.Equal(t, 3, o.ReplicationFactor)
}

func TestParseOptionsFaults(t *testing.T) {
	for _, tc := range []struct{ key, value, want string }{
		{"table.log.tll", "1d", `there is no option table.log.tll; did you mean "table.log.ttl"?`},
		{"bucket.num", "1", "there is no option bucket.num"},
		{"table.log.ttl", "soon", `table.log.ttl = "soon": expected a duration such as 7d`},
		{"table.log.ttl", "-1d", "expected a duration"},
		{"table.log.ttl", "300000d", "too long"},
		{"table.log.segment-size", "1kb", "it must be 64kb to 1gb"},
		{"table.log.segment-size", "big", "expected a size such as 128mb"},
		{"table.log.retention-size", "-1", "expected a size"},
		{"table.log.tiered.local-segments", "0", "it must be 1 to"},
		{"table.log.tiered.local-segments", "2.5", "expected a whole number"},
		{"table.log.arrow.compression.zstd.level", "23", "it must be 1 to 22"},
		{"table.log.arrow.compression.type", "SNAPPY", "expected ZSTD, LZ4_FRAME or NONE"},
		{"table.log.format", "indexed", "expected ARROW"},
		{"table.datalake.format", "paimon", "expected ICEBERG"},
		{"table.datalake.enabled", "yes", "expected true or false"},
		{"table.datalake.freshness", "0s", "it must be 1s or more"},
		{"table.auto-partition.key", "", "it is empty"},
		{"table.auto-partition.time-zone", "Mars/Olympus", "unknown time zone"},
		{"table.auto-partition.time-zone", "Local", "expected a zone such as UTC"},
		{"table.auto-partition.time-zone", "+2", "expected an offset such as +02:00"},
		{"table.auto-partition.time-zone", "../../etc/passwd", "unknown time zone"},
		{"table.auto-partition.time-format", "yyyy", "for the time unit DAY it needs yyyy, MM, dd in this order, as in yyyyMMdd"},
		{"table.auto-partition.num-retention", "-2", "it must be -1 to"},
		{"table.statistics.columns", "a,,b", "names with commas between"},
		{"table.statistics.columns", "a,a", `"a" is there twice`},
		{"table.merge-engine", "versioned", "ver-column is needed"},
		{"table.merge-engine.versioned.ver-column", "v", "only for table.merge-engine = versioned"},
	} {
		t.Run(tc.key+"="+tc.value, func(t *testing.T) {
			_, err := ParseOptions(map[string]string{tc.key: tc.value})
			requireCode(t, err, errcode.InvalidOption)
			require.ErrorContains(t, err, tc.want)
			require.NotEmpty(t, errcode.From(err).Facts["option"])
		})
	}
}

func TestParseOptionsOfTwo(t *testing.T) {
	for _, tc := range []struct {
		name string
		in   map[string]string
		want string
	}{
		{"local longer than ttl", map[string]string{"table.log.ttl": "1h", "table.log.local-ttl": "1d"}, "table.log.local-ttl = 1d is longer than table.log.ttl = 1h"},
		{"allow deletes", map[string]string{"table.merge-engine": "first_row", "table.delete.behavior": "allow"}, "does not go with table.merge-engine = first_row"},
		{"wal", map[string]string{"table.merge-engine": "aggregation", "table.changelog.image": "wal"}, "choose FULL"},
		{"level without zstd", map[string]string{"table.log.arrow.compression.type": "NONE", "table.log.arrow.compression.zstd.level": "3"}, "does not go with"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := ParseOptions(tc.in)
			requireCode(t, err, errcode.InvalidOption)
			require.ErrorContains(t, err, tc.want)
		})
	}
	_, err := ParseOptions(map[string]string{"table.log.ttl": "0ms", "table.log.local-ttl": "1d"})
	require.NoError(t, err, "0 keeps for ever")
}

func TestParseOptionsTellsAllFaults(t *testing.T) {
	_, err := ParseOptions(map[string]string{"table.log.ttl": "x", "table.foo": "1", "table.kv.format": "y"})
	requireCode(t, err, errcode.InvalidOption)
	for _, part := range []string{"3 faults: (1) there is no option table.foo", "(2) table.kv.format", "(3) table.log.ttl"} {
		require.ErrorContains(t, err, part)
	}
	require.Equal(t, "table.foo", errcode.From(err).Facts["option"])
}

func TestAlterable(t *testing.T) {
	require.True(t, Alterable("table.log.ttl"))
	require.True(t, Alterable("my.own"))
	require.False(t, Alterable("table.log.format"))
	require.False(t, Alterable("table.unknown"))
	want := []string{ // those of Apache Fluss that there are here, and our own
		"table.auto-partition.enabled", "table.auto-partition.num-precreate", "table.auto-partition.num-retention",
		"table.datalake.auto-compaction", "table.datalake.auto-expire-snapshot", "table.datalake.enabled", "table.datalake.freshness",
		"table.kv.standby-replica.enabled", "table.log.local-ttl", "table.log.retention-size", "table.log.segment-age",
		"table.log.segment-size", "table.log.tiered.local-segments", "table.log.ttl", "table.statistics.columns",
	}
	require.Equal(t, want, slices.Sorted(slices.Values(alterableNames())))
}

func TestOptionNamesAreUnique(t *testing.T) {
	require.Len(t, byName, len(KnownOptions()))
	for name := range maps.Keys(byName) {
		require.True(t, strings.HasPrefix(name, OptionPrefix), name)
	}
}

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"7d": 7 * day, "10min": 10 * time.Minute, "3 h": 3 * time.Hour, "500ms": 500 * time.Millisecond, "1 h 30 min": 90 * time.Minute,
		"1h30m": 90 * time.Minute, "2 Days": 2 * day, "1.5h": 90 * time.Minute, "250": 250 * time.Millisecond, "0": 0, "5us": 5 * time.Microsecond,
		"9 µs": 9 * time.Microsecond, "1ns": 1, "1w": 7 * day, " 1s ": time.Second,
		"P7D": 7 * day, "pt10m": 10 * time.Minute, "P1DT2H3M4.5S": day + 2*time.Hour + 3*time.Minute + 4500*time.Millisecond, "P1W": 7 * day, "PT0S": 0,
	} {
		got, err := ParseDuration(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
		again, err := ParseDuration(FormatDuration(got))
		require.NoError(t, err)
		require.Equal(t, got, again)
	}
	for _, text := range []string{
		"", " ", "d", "7x", "-7d", "1d 2", "1 2 3", "1..2s", "P", "PT", "P1", "P1H", "PT1D", "PT1M1H", "P1D1D", "P1DT", "P-1D", "PTT1H", "P1MT1S",
		"1e9s", "99999999999999999999d", "P99999999999999999999D", "100000d 100000d", "0.5ns", strings.Repeat("9", 1000) + "s", "7d;", "1 s\n2s",
	} {
		_, err := ParseDuration(text)
		require.Error(t, err, text)
	}
	require.Equal(t, "36h", FormatDuration(36*time.Hour))
	require.Equal(t, "0ms", FormatDuration(0))
	require.Equal(t, "7ns", FormatDuration(7))
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "4096": 4096, "1b": 1, "64kb": 64 << 10, "64 KiB": 64 << 10, "128mb": 128 << 20, "1g": 1 << 30, "2 TB": 2 << 40, "1.5k": 1536, "10 bytes": 10,
	} {
		got, err := ParseSize(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
		again, err := ParseSize(FormatSize(got))
		require.NoError(t, err)
		require.Equal(t, got, again)
	}
	for _, text := range []string{"", "mb", "1pb", "-1", "1mb 2", "0.5b", "99999999999tb", "1.2.3k"} {
		_, err := ParseSize(text)
		require.Error(t, err, text)
	}
	require.Equal(t, "128mb", FormatSize(128<<20))
	require.Equal(t, "1025b", FormatSize(1025))
}

func FuzzParseDuration(f *testing.F) {
	for _, s := range []string{"7d", "1 h 30 min", "P1DT2H3M4.5S", "250"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParseDuration(text)
		if err != nil {
			return
		}
		require.GreaterOrEqual(t, got, time.Duration(0))
		again, err := ParseDuration(FormatDuration(got))
		require.NoError(t, err)
		require.Equal(t, got, again)
	})
}
