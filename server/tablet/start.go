package tablet

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
	pb "go.etcd.io/raft/v3/raftpb"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/server/logstore"
	"github.com/fluss-go/fluss/server/tablet/wal"
)

func (h *Host) newTablet(id ids.TabletID) *Tablet {
	t := &Tablet{
		id: id, host: h, logger: h.opt.Logger.With("tablet", id),
		queue: newQueue(h.opt.EntryBytes),
		stop:  make(chan struct{}), ready: make(chan struct{}), done: make(chan struct{}),
		state: StateStarting, doomed: map[ids.Bucket]*logstore.Log{},
	}
	t.machine = newMachine(id, h.kv, h.rows, t.openLog, t.closeLog)
	t.machine.heavy = h.heavy
	return t
}

// start opens the tablet and runs its driver.
func (t *Tablet) start() {
	if err := t.guarded(t.open); err != nil {
		t.apply.Lock()
		t.broken = true
		t.apply.Unlock()
		t.fence(err)
		close(t.done)
		return
	}
	t.run()
}

// open loads the state of the last checkpoint and opens the log after it.
func (t *Tablet) open() error {
	applied, err := t.load()
	if err != nil {
		return err
	}
	w, found, err := wal.Open(wal.Options{
		FS: t.host.opt.FS, Dir: t.path("wal"), FileBytes: t.host.opt.WALFileBytes, Recycle: t.host.recycle(), Logger: t.logger,
	}, applied.at.index)
	if err != nil {
		return err
	}
	t.wal = w
	if found.Last < applied.at.index || found.State.GetTerm() < applied.at.term {
		return errcode.New(errcode.Corrupt, nil,
			"the write-ahead log ends at entry %d of term %d, before the applied one %d of term %d: files of it are missing",
			found.Last, found.State.GetTerm(), applied.at.index, applied.at.term).With("segment", t.path("wal")).With("position", 0)
	}
	hard := found.State
	commit := min(max(hard.GetCommit(), applied.at.index), max(found.Last, applied.at.index))
	t.storage = storage{
		hard:    &pb.HardState{Term: new(hard.GetTerm()), Vote: new(hard.GetVote()), Commit: new(commit)},
		voters:  []uint64{replicaID},
		before:  applied.at,
		entries: found.Entries,
	}
	if len(applied.voters) > 0 {
		t.storage.voters = applied.voters
	}
	t.machine.applied.voters = t.storage.voters
	t.at = applied.at
	var n int64
	for _, e := range found.Entries {
		n += int64(len(e.Data))
	}
	t.written.Add(n)
	return t.sweep()
}

func (t *Tablet) load() (appliedState, error) {
	t.apply.Lock()
	defer t.apply.Unlock()
	err := t.machine.load(t.host.kv)
	return t.machine.applied, err
}

func (t *Tablet) path(elem ...string) string {
	return t.host.opt.FS.PathJoin(append([]string{t.host.opt.Dir, "tablet", strconv.Itoa(int(t.id))}, elem...)...)
}

func (t *Tablet) logDir(b ids.Bucket) string {
	return t.path(append([]string{"log"}, bucketDir(b)...)...)
}

// openLog makes the log of a bucket. Files of a dropped bucket of the same name go first.
func (t *Tablet) openLog(b ids.Bucket, table *tableState, st logstore.State) *logstore.Log {
	t.mu.Lock()
	_, doomed := t.doomed[b]
	delete(t.doomed, b)
	t.mu.Unlock()
	if doomed {
		if err := removeAll(t.host.opt.FS, t.logDir(b)); err != nil {
			t.logger.Warn("files of a dropped bucket stay", "bucket", b, "error", err)
		}
	}
	return t.host.logs.Open(t.logDir(b), b, st, table.logOptions())
}

// closeLog ends the readers of a dropped bucket. Its files stay until a
// checkpoint covers the drop: until then a restart would apply it again.
func (t *Tablet) closeLog(l *logstore.Log) {
	t.mu.Lock()
	t.doomed[l.Bucket()] = l
	t.mu.Unlock()
	l.Drop()
}

// removeFiles removes the directories of buckets whose drop is durable.
func (t *Tablet) removeFiles(removed []*logstore.Log) {
	for _, l := range removed {
		t.mu.Lock()
		doomed := t.doomed[l.Bucket()] == l
		if doomed {
			delete(t.doomed, l.Bucket())
		}
		t.mu.Unlock()
		if !doomed { // opened again meanwhile, which removed them
			continue
		}
		if err := removeAll(t.host.opt.FS, t.logDir(l.Bucket())); err != nil {
			t.logger.Warn("files of a dropped bucket stay until the next start", "bucket", l.Bucket(), "error", err)
		}
	}
}

func removeAll(in vfs.FS, dir string) error {
	if err := in.RemoveAll(dir); err != nil && !isNotExist(err) {
		return err
	}
	return nil
}

func isNotExist(err error) bool { return errors.Is(err, fs.ErrNotExist) }

// sweep removes directories of buckets that the state does not have: what a
// crash left of dropped ones, and of new ones whose entries are applied again.
func (t *Tablet) sweep() error {
	disk := t.host.opt.FS
	tables, err := list(disk, t.path("log"))
	if err != nil {
		return err
	}
	for _, table := range tables {
		id, ok := number(table)
		if !ok {
			continue
		}
		dir := t.path("log", table)
		known, err := t.sweepBuckets(dir, ids.Bucket{Table: ids.TableID(id)})
		if err != nil {
			return err
		}
		if known == 0 {
			if err := removeAll(disk, dir); err != nil {
				return fmt.Errorf("remove a dropped table: %w", err)
			}
		}
	}
	return nil
}

// sweepBuckets sweeps the directory of a table or partition and returns how many
// buckets stay.
func (t *Tablet) sweepBuckets(dir string, in ids.Bucket) (int, error) {
	disk := t.host.opt.FS
	names, err := list(disk, dir)
	if err != nil {
		return 0, err
	}
	known := 0
	for _, name := range names {
		sub := disk.PathJoin(dir, name)
		keep := 0
		if p, ok := strings.CutPrefix(name, "p"); ok && in.Partition == 0 {
			id, ok := number(p)
			if !ok {
				continue
			}
			if keep, err = t.sweepBuckets(sub, ids.Bucket{Table: in.Table, Partition: ids.PartitionID(id)}); err != nil {
				return 0, err
			}
		} else if id, ok := number(name); ok {
			b := in
			b.Bucket = ids.BucketID(id)
			if _, ok := t.machine.bucketOf(b); ok {
				keep = 1
			}
		} else {
			continue
		}
		known += keep
		if keep == 0 {
			if err := removeAll(disk, sub); err != nil {
				return 0, fmt.Errorf("remove a dropped bucket: %w", err)
			}
		}
	}
	return known, nil
}

func number(name string) (int64, bool) {
	n, err := strconv.ParseInt(name, 10, 64)
	return n, err == nil && n >= 0 && strconv.FormatInt(n, 10) == name
}

func list(in vfs.FS, dir string) ([]string, error) {
	names, err := in.List(dir)
	if err != nil && !isNotExist(err) {
		return nil, fmt.Errorf("list %s: %w", dir, err)
	}
	return names, nil
}

// close stops the driver and waits for it.
func (t *Tablet) close() {
	t.mu.Lock()
	first := !t.closed
	t.closed = true
	t.mu.Unlock()
	if first {
		close(t.stop)
		why := shuttingDown()
		for _, p := range t.queue.close(why) {
			t.answerAll(p, why)
		}
	}
	<-t.done
}

// interrupt makes the driver fence the replica, from another goroutine.
func (t *Tablet) interrupt(err error) {
	t.mu.Lock()
	if t.interrupted == nil {
		t.interrupted = err
	}
	t.mu.Unlock()
	why := failedError(t.id, err)
	for _, p := range t.queue.close(why) {
		t.answerAll(p, why)
	}
}

// closeLogs wakes the readers of every log.
func (t *Tablet) closeLogs() {
	for _, id := range t.machine.bucketIDs() {
		if b, ok := t.machine.bucketOf(id); ok {
			b.log.Close()
		}
	}
}

// recycle is how many released files a tablet's write-ahead log keeps: what it
// fills between two checkpoints, and one.
func (h *Host) recycle() int {
	share := h.opt.CheckpointBytes / int64(len(h.opt.Tablets))
	return int(min(share/h.opt.WALFileBytes, 8)) + 1
}
