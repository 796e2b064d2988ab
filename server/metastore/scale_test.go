package metastore

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/table"
)

// anonymousMB is the memory of the process that is not of files.
func anonymousMB(t testing.TB) int {
	debug.FreeOSMemory()
	status, err := os.ReadFile("/proc/self/status")
	require.NoError(t, err)
	for line := range bytes.Lines(status) {
		var kb int
		if n, _ := fmt.Sscanf(string(line), "RssAnon: %d kB", &kb); n == 1 {
			return kb >> 10
		}
	}
	return 0
}

// TestManyPartitionsAndBuckets: 1,000 partitions of 4,096 buckets stay within
// etcd's limits, and a catalog of them within memory and time.
func TestManyPartitionsAndBuckets(t *testing.T) {
	dir := t.TempDir()
	before := anonymousMB(t)
	start := time.Now()
	s, err := Open(t.Context(), Options{Dir: dir, UnsafeNoSync: true})
	require.NoError(t, err)
	t.Logf("fresh start %s, RSS (anonymous) +%d MB", time.Since(start), anonymousMB(t)-before)
	require.NoError(t, s.CreateDatabase(t.Context(), &flussv1.DatabaseInfo{Name: "d"}))
	tab := createTable(t, s, flights, 4096, "p")
	start = time.Now()
	for i := range 1000 {
		intent, err := s.BeginPartition(t.Context(), tab)
		require.NoError(t, err)
		name := fmt.Sprintf("p%d", i)
		require.NoError(t, s.PublishPartition(t.Context(), intent, tab, &flussv1.PartitionInfo{PartitionId: int64(intent.Partition), Name: name}, spread(4096)))
	}
	t.Logf("1,000 partitions of 4,096 buckets in %s, RSS +%d MB", time.Since(start), anonymousMB(t)-before)
	got, err := s.Catalog().Table(flights)
	require.NoError(t, err)
	require.Equal(t, 1000, got.PartitionCount())
	require.NoError(t, s.Close())
	start = time.Now()
	s, err = Open(t.Context(), Options{Dir: dir, UnsafeNoSync: true})
	require.NoError(t, err)
	t.Logf("start with them %s, RSS +%d MB", time.Since(start), anonymousMB(t)-before)
	got, err = s.Catalog().Table(flights)
	require.NoError(t, err)
	require.Equal(t, 1000, got.PartitionCount())
	start = time.Now()
	require.NoError(t, s.DropTable(t.Context(), flights, got))
	t.Logf("dropped in %s", time.Since(start))
	require.NoError(t, s.Close())
}

func TestManyTables(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	require.NoError(t, s.CreateDatabase(t.Context(), &flussv1.DatabaseInfo{Name: "d"}))
	start := time.Now()
	const tables = 3000
	for i := range tables {
		createTable(t, s, table.Path{Database: "d", Table: fmt.Sprintf("t%d", i)}, 4)
	}
	t.Logf("%d tables in %s (%s each)", tables, time.Since(start), time.Since(start)/tables)
	require.NoError(t, s.Close())
	start = time.Now()
	s = open(t, dir)
	t.Logf("start with them %s", time.Since(start))
	require.Len(t, s.Catalog().Paths("d"), tables)
	var kept runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&kept)
	t.Logf("heap %d MB", kept.HeapAlloc>>20)
}

// TestSyncedStart is about the default: with synced files.
func TestSyncedStart(t *testing.T) {
	dir := t.TempDir() + "/etcd"
	for i := range 6 {
		start := time.Now()
		s, err := Open(t.Context(), Options{Dir: dir})
		require.NoError(t, err)
		opened := time.Since(start)
		require.NoError(t, s.CreateDatabase(t.Context(), &flussv1.DatabaseInfo{Name: fmt.Sprint(i)}))
		start = time.Now()
		require.NoError(t, s.Close())
		t.Logf("open %s, close %s", opened, time.Since(start))
	}
	disk, err := exec.CommandContext(t.Context(), "du", "-sk", dir).Output()
	require.NoError(t, err)
	t.Logf("disk, KiB: %s", disk)
}

func BenchmarkApplyOneOf5000Tables(b *testing.B) {
	r := newRecords("/f/")
	var events []event
	for i := range 5000 {
		events = append(events, event{key: fmt.Sprintf("/f/name/d/t%d", i), value: fmt.Append(nil, i+1), created: 1, modified: 1})
	}
	r.apply(events, 1)
	b.ReportAllocs()
	for i := range b.N {
		r.apply([]event{{key: fmt.Sprintf("/f/name/d/x%d", i%100), value: fmt.Append(nil, 6000+i%100), created: 1, modified: 1}}, int64(i+2))
	}
}

func BenchmarkLookup(b *testing.B) {
	r := newRecords("/f/")
	var events []event
	for i := range 5000 {
		events = append(events, event{key: fmt.Sprintf("/f/name/d/t%d", i), value: fmt.Append(nil, i+1), created: 1, modified: 1})
	}
	c := r.apply(events, 1)
	p := table.Path{Database: "d", Table: "t77"}
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := c.byPath.get(p); !ok {
			b.Fatal("missing")
		}
	}
}
