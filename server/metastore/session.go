package metastore

import (
	"context"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
)

const (
	// sessionBackoff is the pause before a lost session is made anew.
	sessionBackoff = time.Second
	// sessionEndTimeout bounds the farewell at Close.
	sessionEndTimeout = time.Second
)

// session is the store's lease, and what lives as long as it.
type session struct {
	// current is id, for those who must not wait for mu.
	current atomic.Int64

	mu sync.Mutex // guards all below; held over the calls that make a session
	id clientv3.LeaseID
	// registered holds the servers registered by this store; a new session
	// registers them again.
	registered map[ids.ServerID]*flussv1.ServerInfo
	ended      bool
}

// startSession makes a session and keeps it alive, and makes another whenever
// it is lost, until background ends.
func (s *Store) startSession(ctx, background context.Context) error {
	alive, err := s.newSession(ctx, background)
	if err != nil {
		return err
	}
	s.wg.Go(func() {
		for {
			for range alive { //nolint:revive // drained until the session is lost
			}
			if background.Err() != nil {
				return
			}
			s.logger.Warn("the session with the metadata store was lost; making another")
			for alive = nil; alive == nil; {
				if alive, err = s.newSession(background, background); err == nil {
					break
				}
				s.logger.Warn("no session with the metadata store", "error", err)
				select {
				case <-background.Done():
					return
				case <-time.After(sessionBackoff):
				}
			}
		}
	})
	return nil
}

// newSession makes a session, ends earlier ones of the same identity, and
// returns the channel that is closed when the session is lost.
func (s *Store) newSession(ctx, background context.Context) (<-chan *clientv3.LeaseKeepAliveResponse, error) {
	s.session.mu.Lock()
	defer s.session.mu.Unlock()
	bounded, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	lease, err := s.client.Grant(bounded, int64(s.opts.SessionTTL/time.Second))
	if err != nil {
		return nil, failure(err, "making a session")
	}
	ops := []clientv3.Op{clientv3.OpPut(s.keys.session(int64(lease.ID)), s.opts.Identity, clientv3.WithLease(lease.ID))}
	for id, identity := range s.Catalog().sessions {
		if identity == s.opts.Identity && len(ops) < maxTxnOps {
			ops = append(ops, clientv3.OpDelete(s.keys.session(id)))
		}
	}
	for id, info := range s.session.registered {
		value, err := proto.Marshal(info)
		if err != nil {
			return nil, failure(err, "registering the server")
		}
		ops = append(ops, clientv3.OpPut(s.keys.server(id), string(value), clientv3.WithLease(lease.ID)))
	}
	if _, err := s.commit(bounded, nil, ops, nil); err != nil {
		return nil, err
	}
	s.session.id = lease.ID
	s.session.current.Store(int64(lease.ID))
	alive, err := s.client.KeepAlive(background, lease.ID)
	if err != nil {
		return nil, failure(err, "keeping the session alive")
	}
	return alive, nil
}

// endSession tells the others at once that this process is gone.
func (s *Store) endSession() {
	s.session.mu.Lock()
	defer s.session.mu.Unlock()
	if s.session.id == 0 || s.session.ended {
		return
	}
	s.session.ended = true
	ctx, cancel := context.WithTimeout(context.Background(), sessionEndTimeout)
	defer cancel()
	if _, err := s.client.Revoke(ctx, s.session.id); err != nil {
		s.logger.Warn("the session with the metadata store was not ended", "error", err)
	}
}

// Session is the id of the store's session now, as in Intent.Session.
func (s *Store) Session() int64 { return s.session.current.Load() }

// Register tells that a server is there, for as long as this store is open, or
// replaces what was told. The store keeps info; it must not be changed.
func (s *Store) Register(ctx context.Context, info *flussv1.ServerInfo) error {
	id := ids.ServerID(info.GetServerId())
	if id < 1 {
		return errcode.New(errcode.InvalidArgument, nil, "server id %d is not valid: ids start at 1", id)
	}
	value, err := proto.Marshal(info)
	if err != nil {
		return failure(err, "registering the server")
	}
	s.session.mu.Lock()
	defer s.session.mu.Unlock()
	registered := maps.Clone(s.session.registered)
	if registered == nil {
		registered = map[ids.ServerID]*flussv1.ServerInfo{}
	}
	registered[id] = info
	s.session.registered = registered
	_, err = s.commit(ctx, nil, []clientv3.Op{clientv3.OpPut(s.keys.server(id), string(value), clientv3.WithLease(s.session.id))}, nil)
	return err
}
