package metastore

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/fluss-go/fluss/proto/errcode"
)

const (
	// opTimeout bounds one etcd call, so that a lost etcd is an error and no hang.
	opTimeout   = 10 * time.Second
	dialTimeout = 5 * time.Second
	// maxAttempts bounds how often a counter or a value that others change too is
	// tried again.
	maxAttempts = 64
	// maxMessageBytes bounds what an external etcd may answer at once.
	maxMessageBytes = 64 << 20
)

// Store is the metadata. Safe for concurrent use.
type Store struct {
	opts   Options
	keys   keyspace
	logger *slog.Logger
	client *clientv3.Client
	stop   func() // ends the client and the embedded etcd

	view     atomic.Pointer[view]
	counters counters
	session  session

	cancel context.CancelFunc
	wg     sync.WaitGroup
	closed sync.Once
}

// view is a catalog, and the channel that is closed when there is a newer one.
type view struct {
	catalog *Catalog
	changed chan struct{}
}

// Open starts the embedded etcd or connects to an external one, loads the
// catalog and starts to watch. ctx bounds the opening only. It fails with
// INVALID_ARGUMENT for bad options and UNAVAILABLE when etcd is not usable.
func Open(ctx context.Context, opts Options) (*Store, error) {
	opts = opts.EnsureDefaults()
	if err := opts.Validate(); err != nil {
		return nil, errcode.New(errcode.InvalidArgument, err, "the options of the metadata store are wrong: %v", err)
	}
	client, stop, err := connect(ctx, opts)
	if err != nil {
		return nil, err
	}
	return attach(ctx, opts, client, stop)
}

// attach makes a store over client; stop, when the store is closed or cannot be
// made, ends the client.
func attach(ctx context.Context, opts Options, client *clientv3.Client, stop func()) (*Store, error) {
	s := &Store{opts: opts, keys: keyspace(opts.Prefix), logger: opts.Logger, client: client, stop: stop}
	s.counters.known = map[string]counterValue{}
	records, revision, err := s.load(ctx)
	if err != nil {
		s.stop()
		return nil, err
	}
	background, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	s.wg.Go(func() { s.watch(background, records, revision) })
	if err := s.begin(ctx, background); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

// connect returns a client of the embedded or external etcd and what ends it.
func connect(ctx context.Context, opts Options) (*clientv3.Client, func(), error) {
	if opts.Dir != "" {
		if err := os.MkdirAll(opts.Dir, 0o700); err != nil {
			return nil, nil, errcode.New(errcode.Unavailable, err, "the directory of the metadata store cannot be made: %v", err)
		}
		return startEmbedded(ctx, opts)
	}
	client, err := clientv3.New(clientv3.Config{
		Endpoints: opts.Endpoints, Username: opts.Username, Password: opts.Password, TLS: opts.TLS,
		DialTimeout: dialTimeout, DialKeepAliveTime: opTimeout, DialKeepAliveTimeout: dialTimeout,
		MaxCallRecvMsgSize: maxMessageBytes, Logger: newZapLogger(opts.Logger),
	})
	if err != nil {
		return nil, nil, errcode.New(errcode.Unavailable, err, "the metadata store at %v cannot be reached: %v", opts.Endpoints, err)
	}
	return client, func() { _ = client.Close() }, nil
}

// begin makes what a store must have: the cluster's id and a session.
func (s *Store) begin(ctx, background context.Context) error {
	if s.Catalog().ClusterID() == "" {
		id := make([]byte, 16)
		_, _ = rand.Read(id) // never fails
		key := s.keys.join(familyCluster, "id")
		_, err := s.commit(ctx, []clientv3.Cmp{clientv3.Compare(clientv3.CreateRevision(key), "=", 0)},
			[]clientv3.Op{clientv3.OpPut(key, hex.EncodeToString(id))}, []clientv3.Op{clientv3.OpGet(key)})
		if err != nil {
			return err
		}
	}
	return s.startSession(ctx, background)
}

// Close ends the session, the watch and the embedded etcd. It may be called twice.
func (s *Store) Close() error {
	s.closed.Do(func() {
		s.cancel()
		s.wg.Wait()
		s.endSession()
		s.stop()
	})
	return nil
}

// Catalog returns the newest catalog. It is cheap: one atomic load.
func (s *Store) Catalog() *Catalog { return s.view.Load().catalog }

// Watch returns the newest catalog and a channel that is closed when there is a
// newer one; nil, so never ready, once the store is closed.
func (s *Store) Watch() (*Catalog, <-chan struct{}) {
	v := s.view.Load()
	return v.catalog, v.changed
}

// Changed returns a channel that is closed when there is a newer catalog than
// the newest one at this call: take it before Catalog, or use Watch. It is nil,
// so never ready, once the store is closed.
func (s *Store) Changed() <-chan struct{} { return s.view.Load().changed }

// Wait returns the first catalog, from the newest on, for which ok is true. It
// fails with CANCELED, DEADLINE_EXCEEDED, or SHUTTING_DOWN when the store is closed.
func (s *Store) Wait(ctx context.Context, ok func(*Catalog) bool) (*Catalog, error) {
	for {
		catalog, changed := s.Watch()
		if ok(catalog) {
			return catalog, nil
		}
		if changed == nil {
			return nil, errcode.New(errcode.ShuttingDown, nil, "the server is shutting down: try another, or again later")
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, failure(ctx.Err(), "waiting for the metadata to change")
		}
	}
}

// Sync returns a catalog that shows everything that was changed, by any server,
// before the call. It costs a write: for rare use.
func (s *Store) Sync(ctx context.Context) (*Catalog, error) {
	if _, err := s.commit(ctx, nil, []clientv3.Op{clientv3.OpPut(s.keys.join(familySync, ""), s.opts.Identity)}, nil); err != nil {
		return nil, err
	}
	return s.Catalog(), nil
}

// publish makes catalog the newest.
func (s *Store) publish(catalog *Catalog) {
	before := s.view.Swap(&view{catalog: catalog, changed: make(chan struct{})})
	if before != nil {
		close(before.changed)
	}
}

// unpublish tells everybody who waits that nothing newer comes: the last
// catalog stays, without a channel.
func (s *Store) unpublish() {
	before := s.view.Swap(&view{catalog: s.Catalog()})
	close(before.changed)
}

// await waits until the catalog shows revision.
func (s *Store) await(ctx context.Context, revision int64) error {
	_, err := s.Wait(ctx, func(c *Catalog) bool { return c.version >= revision })
	return err
}

// commit runs one transaction. When the comparisons hold it returns after the
// catalog shows the change, else after it shows what the transaction read
// instead (the answers to otherwise).
func (s *Store) commit(ctx context.Context, when []clientv3.Cmp, then, otherwise []clientv3.Op) (*clientv3.TxnResponse, error) {
	bounded, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	answer, err := s.client.Txn(bounded).If(when...).Then(then...).Else(otherwise...).Commit()
	if err != nil {
		return nil, failure(err, "changing the metadata")
	}
	revision := answer.Header.GetRevision()
	if !answer.Succeeded {
		revision = 0
		for i := range answer.Responses {
			for _, kv := range answer.Responses[i].GetResponseRange().GetKvs() {
				revision = max(revision, kv.ModRevision)
			}
		}
	}
	if err := s.await(bounded, revision); err != nil {
		if !answer.Succeeded {
			return nil, err
		}
		return nil, errcode.New(errcode.OutcomeUnknown, err, "the metadata was changed, but this server has not seen it yet: look before you try again")
	}
	return answer, nil
}

// failure turns an error of etcd or of a context into one that users see.
func failure(err error, doing string) error {
	var known *errcode.Error
	switch {
	case errors.As(err, &known):
		return err
	case errors.Is(err, context.Canceled):
		return errcode.New(errcode.Canceled, err, "the call was canceled while %s", doing)
	case errors.Is(err, context.DeadlineExceeded):
		return errcode.New(errcode.DeadlineExceeded, err, "the deadline passed while %s: it may have been done", doing)
	case errors.Is(err, rpctypes.ErrNoSpace):
		return errcode.New(errcode.DiskFull, err, "the metadata store is full: raise its quota, or drop what is not needed")
	case errors.Is(err, rpctypes.ErrRequestTooLarge), errors.Is(err, rpctypes.ErrTooManyOps):
		return errcode.New(errcode.LimitExceeded, err, "the description is too large for the metadata store: shorten comments and properties")
	}
	return errcode.New(errcode.Unavailable, err, "the metadata store does not work while %s", doing)
}

// answered returns the key-values that the i-th operation of a failed transaction read.
func answered(t *clientv3.TxnResponse, i int) bool {
	return i < len(t.Responses) && len(t.Responses[i].GetResponseRange().GetKvs()) > 0
}

func conflict(format string, args ...any) error {
	return errcode.New(errcode.Conflict, nil, "%s: try again", fmt.Sprintf(format, args...))
}
