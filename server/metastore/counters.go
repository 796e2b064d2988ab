package metastore

import (
	"context"
	"sync"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
)

// writerBlock is how many writer ids are taken at once; what is left of a block
// at a restart is never given out.
const writerBlock = 1000

// counters gives out ids. Every id is given out once, in all servers together.
type counters struct {
	mu    sync.Mutex // guards all below; held over etcd calls, as the next caller needs their outcome
	known map[string]counterValue
	// nextWriter and endWriter bound what is left of the block of writer ids.
	nextWriter, endWriter ids.WriterID
}

// counterValue is the last id given out and the revision of that change.
type counterValue struct{ last, revision int64 }

// addition is what a transaction that takes ids does besides.
type addition struct {
	when []clientv3.Cmp
	then []clientv3.Op
	// read is run when something of when does not hold; rejected makes the error
	// from its answers, read's first at index 0.
	read     []clientv3.Op
	rejected func(*clientv3.TxnResponse) error
}

// take gives out n ids of a counter and returns the first. extra, when not nil,
// adds to the transaction, knowing the first id. It returns the transaction's
// revision too.
func (s *Store) take(ctx context.Context, counter string, n int64, extra func(first int64) (addition, error)) (int64, int64, error) {
	s.counters.mu.Lock()
	defer s.counters.mu.Unlock()
	key := s.keys.counter(counter)
	for range maxAttempts {
		known := s.counters.known[counter]
		first := known.last + 1
		var add addition
		if extra != nil {
			var err error
			if add, err = extra(first); err != nil {
				return 0, 0, err
			}
		}
		answer, err := s.commit(ctx,
			append([]clientv3.Cmp{clientv3.Compare(clientv3.ModRevision(key), "=", known.revision)}, add.when...),
			append([]clientv3.Op{clientv3.OpPut(key, decimal(known.last+n))}, add.then...),
			append(add.read, clientv3.OpGet(key)))
		if err != nil {
			delete(s.counters.known, counter)
			return 0, 0, err
		}
		if answer.Succeeded {
			s.counters.known[counter] = counterValue{known.last + n, answer.Header.GetRevision()}
			return first, answer.Header.GetRevision(), nil
		}
		now := counterValue{}
		if kvs := answer.Responses[len(add.read)].GetResponseRange().GetKvs(); len(kvs) > 0 {
			last, err := parseID(string(kvs[0].Value), int64(0))
			if err != nil {
				return 0, 0, errcode.New(errcode.Corrupt, err, "the counter of %s ids cannot be read", counter)
			}
			now = counterValue{last, kvs[0].ModRevision}
		}
		if now == known {
			return 0, 0, add.rejected(answer)
		}
		s.counters.known[counter] = now
	}
	return 0, 0, conflict("others take %s ids all the time", counter)
}

// NextWriterID returns a writer id that nobody else gets. Most calls cost nothing.
func (s *Store) NextWriterID(ctx context.Context) (ids.WriterID, error) {
	s.counters.mu.Lock()
	if id := s.counters.nextWriter; id < s.counters.endWriter {
		s.counters.nextWriter++
		s.counters.mu.Unlock()
		return id, nil
	}
	s.counters.mu.Unlock()
	first, _, err := s.take(ctx, counterWriter, writerBlock, nil)
	if err != nil {
		return 0, err
	}
	s.counters.mu.Lock()
	defer s.counters.mu.Unlock()
	// Whoever came first with a block keeps it; the other block's rest is lost.
	s.counters.nextWriter, s.counters.endWriter = ids.WriterID(first+1), ids.WriterID(first+writerBlock)
	return ids.WriterID(first), nil
}

// NextServerID returns a server id that nobody else gets.
func (s *Store) NextServerID(ctx context.Context) (ids.ServerID, error) {
	first, _, err := s.take(ctx, counterServer, 1, nil)
	return ids.ServerID(first), err
}
