package logstore

import (
	"sort"

	"github.com/fluss-go/fluss/proto/ids"
)

// tailEntry is a batch in memory.
type tailEntry struct {
	bytes []byte // shared, immutable
	base  ids.Offset
	pos   int64 // in seg
	time  int64 // commit timestamp, ms
	seg   *segment
}

// entryOverhead is what a batch costs in memory beside its bytes, roughly.
const entryOverhead = 96

func cost(b []byte) int64 { return int64(len(b)) + entryOverhead }

// tail is the end of a log in memory: batches that wait to be written, and
// before them those that were written lately. Batches are numbered from 0 in
// the order of their appends since the log was opened. The log's mutex guards it.
type tail struct {
	entries fifo[tailEntry]
	// first is the number of the oldest entry; written is the first that is
	// not in a file; entries below condemned go as soon as they are written.
	// Invariant: first <= written <= next().
	first, written, condemned uint64
	pendingBytes              int64
}

// next is the number that the next batch gets.
func (t *tail) next() uint64 { return t.first + uint64(t.entries.len()) }

func (t *tail) push(e tailEntry) {
	t.entries.push(e)
	t.pendingBytes += int64(len(e.bytes))
}

func (t *tail) at(number uint64) *tailEntry { return t.entries.at(int(number - t.first)) }

// wrote says that the entries below number are in files.
func (t *tail) wrote(number uint64, bytes int64) {
	t.written = number
	t.pendingBytes -= bytes
	t.evict()
}

// condemn lets the oldest entry that is not condemned go, now or once written.
func (t *tail) condemn() {
	t.condemned++
	t.evict()
}

func (t *tail) evict() {
	for t.first < min(t.condemned, t.written) {
		t.entries.pop()
		t.first++
	}
}

// find returns the batch that holds row from, if it is in memory.
func (t *tail) find(from ids.Offset) (*tailEntry, bool) {
	n := t.entries.len()
	if n == 0 || t.entries.at(0).base > from {
		return nil, false
	}
	i := sort.Search(n, func(i int) bool { return t.entries.at(i).base > from })
	return t.entries.at(i - 1), true
}

// since returns the first batch that is not older than ms, if that is certain
// to be in memory: because an older one is there too.
func (t *tail) since(ms int64) (*tailEntry, bool) {
	n := t.entries.len()
	if n == 0 || t.entries.at(0).time >= ms {
		return nil, false
	}
	i := sort.Search(n, func(i int) bool { return t.entries.at(i).time >= ms })
	if i == n {
		return nil, false
	}
	return t.entries.at(i), true
}
