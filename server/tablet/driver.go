package tablet

import (
	"errors"
	"fmt"
	"runtime/debug"
	"syscall"
	"time"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/server/tablet/wal"
)

// replicaID is the id of the only voter of a tablet on one server.
const replicaID = 1

// run is the driver: it leads until the tablet is closed, waits and begins
// again when the disk was full, and fences the replica after anything else.
func (t *Tablet) run() {
	defer close(t.done)
	for {
		err := t.guarded(t.lead)
		switch {
		case err == nil:
			t.setState(StateClosed, nil)
			return
		case errors.Is(err, wal.ErrUndone):
			if t.waitForRoom(err) {
				continue
			}
			t.setState(StateClosed, nil)
			return
		default:
			t.fence(err)
			return
		}
	}
}

// guarded turns a panic into an error: raft panics on what must not be, and one
// broken tablet must not end the others.
func (t *Tablet) guarded(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			t.logger.Error("tablet panicked", "panic", v, "stack", string(debug.Stack()))
			err = errcode.New(errcode.Internal, fmt.Errorf("%v", v), "an invariant of the tablet is broken; the server's log has details")
		}
	}()
	return f()
}

// lead makes the replica leader, applies what the log has, and serves the queue
// until the tablet is closed: then it returns nil.
func (t *Tablet) lead() error {
	if err := t.elect(); err != nil {
		return err
	}
	t.machine.lane = t.host.lane
	t.queue.refuse(nil)
	t.setState(StateLeading, nil)
	for {
		p, closed := t.queue.pop()
		switch {
		case closed:
			t.mu.Lock()
			defer t.mu.Unlock()
			return t.interrupted
		case p == nil:
			<-t.queue.wake
		case t.hold(p):
			if err := t.replicate(p); err != nil {
				return err
			}
		}
	}
}

// elect begins a raft node at the applied index and makes it the leader at
// once: the only voter waits for nobody.
func (t *Tablet) elect() error {
	node, err := raft.NewRawNode(&raft.Config{
		ID:                        replicaID,
		ElectionTick:              50,
		HeartbeatTick:             5,
		Storage:                   &t.storage,
		Applied:                   t.storage.before.index,
		MaxSizePerMsg:             1 << 20,
		MaxCommittedSizePerReady:  16 << 20,
		MaxUncommittedEntriesSize: 64 << 20,
		MaxInflightMsgs:           64,
		MaxInflightBytes:          16 << 20,
		CheckQuorum:               true,
		PreVote:                   true,
		DisableProposalForwarding: true,
		StepDownOnRemoval:         true,
		Logger:                    raftLogger{t.logger},
	})
	if err != nil {
		return fmt.Errorf("begin raft: %w", err)
	}
	t.node = node
	if err := node.Campaign(); err != nil {
		return fmt.Errorf("campaign: %w", err)
	}
	if err := t.process(); err != nil {
		return err
	}
	if s := node.BasicStatus(); s.RaftState != raft.StateLeader {
		return fmt.Errorf("the only voter is %s after its election", s.RaftState)
	}
	return nil
}

// replicate proposes p and sees it through: saved, committed, applied, answered.
func (t *Tablet) replicate(p *proposal) error {
	sealEntry(p.entry, t.host.opt.Clock.Now().UnixMilli(), len(p.waiters))
	if err := t.node.Propose(p.entry); err != nil { // copies the entry
		t.answerAll(p, errcode.New(errcode.NoLeader, err, "tablet %d did not take the proposal", t.id).With("tablet", t.id))
		return nil
	}
	t.inflight = p
	t.host.metrics.entry(len(p.waiters), len(p.entry))
	err := t.process()
	if err == nil && t.inflight != nil {
		err = fmt.Errorf("entry %d of term %d was not committed by its only voter", p.at.index, p.at.term)
	}
	// Any other error fences the tablet, which answers what is in flight.
	if errors.Is(err, wal.ErrUndone) && t.inflight != nil {
		t.inflight = nil
		if p.at.index == 0 {
			t.answerAll(p, notSaved(t, err))
		} else {
			t.answerAll(p, outcomeUnknown(t, err))
		}
	}
	return err
}

func outcomeUnknown(t *Tablet, err error) *errcode.Error {
	return errcode.New(errcode.OutcomeUnknown, err,
		"tablet %d failed while it wrote; the batch may or may not be there: repeat it with the same writer id and sequence", t.id)
}

func notSaved(t *Tablet, err error) *errcode.Error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return errcode.New(errcode.DiskFull, err, "the server's disk is full; nothing was written: free space and try again")
	}
	return errcode.New(errcode.NoLeader, err, "tablet %d could not write its log; nothing was written", t.id).With("tablet", t.id)
}

// process does what raft asks for until it asks for nothing.
func (t *Tablet) process() error {
	for t.node.HasReady() {
		rd := t.node.Ready()
		if err := t.save(&rd); err != nil {
			return err
		}
		// rd.Messages are for other voters; there are none.
		for _, e := range rd.CommittedEntries {
			if err := t.applyEntry(e); err != nil {
				return err
			}
		}
		t.node.Advance(rd)
	}
	return nil
}

// save makes the hard state and the entries durable, as far as promised.
func (t *Tablet) save(rd *raft.Ready) error {
	sync := rd.MustSync && t.host.opt.Durability == DurabilityFsync
	began := t.host.metrics.now()
	if err := t.wal.Save(rd.HardState, rd.Entries, sync); err != nil {
		return fmt.Errorf("write-ahead log: %w", err)
	}
	if len(rd.Entries) > 0 {
		t.host.metrics.saved(began)
	}
	var n int64
	for _, e := range rd.Entries {
		n += int64(len(e.Data))
		if p := t.inflight; p != nil && p.at.index == 0 && len(e.Data) == len(p.entry) {
			p.at = position{e.GetIndex(), e.GetTerm()}
		}
	}
	t.written.Add(n)
	t.host.wrote()
	return t.storage.save(rd.HardState, rd.Entries)
}

// applyEntry applies one committed entry and answers those who wait for it.
func (t *Tablet) applyEntry(e *pb.Entry) error {
	if e.GetType() != pb.EntryNormal {
		return fmt.Errorf("entry %d changes the voters, which one server cannot", e.GetIndex())
	}
	at := position{e.GetIndex(), e.GetTerm()}
	results, err := t.applyData(at, e.Data)
	if err != nil {
		return fmt.Errorf("apply entry %d: %w", at.index, err)
	}
	t.host.wrote() // rows count from now on, and hold may be waiting for them
	t.storage.compact(at)
	t.mu.Lock()
	t.at = at
	t.mu.Unlock()
	if p := t.inflight; p != nil && p.at == at {
		t.inflight = nil
		t.answer(p, results)
	}
	return nil
}

// applyData applies the data of the entry at p. The tablet is broken when that
// did not end well, be it by a panic, and stays so when it was.
func (t *Tablet) applyData(p position, data []byte) ([]result, error) {
	t.apply.Lock()
	defer t.apply.Unlock()
	was, rows := t.broken, t.machine.rowBytes
	t.broken = true
	results, err := t.machine.apply(p, data, t.results[:0])
	t.rowsHeld.Add(t.machine.rowBytes - rows)
	if err == nil {
		t.broken, t.results = was, results
	}
	return results, err
}

// answer gives every waiter of p its result.
func (t *Tablet) answer(p *proposal, results []result) {
	t.host.budget.Release(p.bytes)
	for i, w := range p.waiters {
		r := results[i]
		w.done(AppendResult{Base: r.base, End: r.end, Err: r.err})
	}
	p.recycle()
}

func (t *Tablet) answerAll(p *proposal, err error) {
	t.host.budget.Release(p.bytes)
	for _, w := range p.waiters {
		w.done(AppendResult{Err: err})
	}
	p.recycle()
}

// hold waits until what was applied before is on its way to disk, and reports
// whether p may be proposed; if not in time, it answers p.
func (t *Tablet) hold(p *proposal) bool {
	const step = 2 * time.Millisecond
	if p.bytes == 0 { // control commands may be what makes room
		return true
	}
	for waited := time.Duration(0); t.host.behind(); waited += step {
		if waited >= t.host.opt.InflightWait {
			t.answerAll(p, pressure(1000, "segments are behind"))
			return false
		}
		select {
		case <-t.host.opt.Clock.After(step):
		case <-t.stop:
			t.answerAll(p, shuttingDown())
			return false
		}
	}
	return true
}

// waitForRoom refuses commands and waits before the log is tried again. It
// reports false when the tablet was closed.
func (t *Tablet) waitForRoom(err error) bool {
	t.logger.Warn("tablet cannot write its log and will try again", "tablet", t.id, "error", err)
	why := notSaved(t, err)
	for _, p := range t.queue.refuse(why) {
		t.answerAll(p, why)
	}
	t.setState(StateDiskFull, err)
	select {
	case <-t.host.opt.Clock.After(t.host.opt.DiskCheckEvery):
		return true
	case <-t.stop:
		return false
	}
}

// fence takes the replica out of service: it answers no more than that.
func (t *Tablet) fence(err error) {
	t.logger.Error("tablet is fenced", "tablet", t.id, "error", err)
	t.fenced.Store(true)
	why := failedError(t.id, err)
	if p := t.inflight; p != nil {
		t.inflight = nil
		t.answerAll(p, outcomeUnknown(t, err))
	}
	for _, p := range t.queue.close(why) {
		t.answerAll(p, why)
	}
	t.setState(StateFailed, err)
}

func shuttingDown() *errcode.Error {
	return errcode.New(errcode.ShuttingDown, nil, "the server is shutting down; the batch was not written")
}
