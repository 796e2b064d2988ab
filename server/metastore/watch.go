package metastore

import (
	"context"
	"errors"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

const (
	// loadPage is how many keys are read at once.
	loadPage = 1000
	// watchBackoff is the pause before a broken watch is started again.
	watchBackoff = 200 * time.Millisecond
)

// load reads everything, as of one revision, and publishes the catalog.
func (s *Store) load(ctx context.Context) (*records, int64, error) {
	records := newRecords(s.keys)
	var events []event
	var revision int64
	key, end := string(s.keys), clientv3.GetPrefixRangeEnd(string(s.keys))
	for {
		bounded, cancel := context.WithTimeout(ctx, opTimeout)
		page, err := s.client.Get(bounded, key, clientv3.WithRange(end), clientv3.WithLimit(loadPage),
			clientv3.WithRev(revision), clientv3.WithSort(clientv3.SortByKey, clientv3.SortAscend))
		cancel()
		if err != nil {
			return nil, 0, failure(err, "loading the metadata")
		}
		if revision == 0 {
			revision = page.Header.GetRevision()
		}
		for _, kv := range page.Kvs {
			events = append(events, event{string(kv.Key), kv.Value, kv.CreateRevision, kv.ModRevision, false})
		}
		if !page.More || len(page.Kvs) == 0 {
			break
		}
		key = string(page.Kvs[len(page.Kvs)-1].Key) + "\x00"
	}
	catalog := records.apply(events, revision)
	for key, fault := range catalog.faults {
		s.logger.Error("a stored value of the metadata cannot be read", "key", key, "error", fault)
	}
	s.publish(catalog)
	return records, revision, nil
}

// watch keeps the catalog current until ctx ends. A watch that is too far
// behind, because etcd has compacted what it missed, loads everything again.
func (s *Store) watch(ctx context.Context, records *records, revision int64) {
	defer s.unpublish()
	for ctx.Err() == nil {
		var err error
		if revision, err = s.follow(ctx, records, revision); ctx.Err() != nil {
			return
		}
		s.logger.Warn("the watch of the metadata broke", "revision", revision, "error", err)
		if errors.Is(err, rpctypes.ErrCompacted) {
			if fresh, at, err := s.load(ctx); err == nil {
				records, revision = fresh, at
				continue
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(watchBackoff):
		}
	}
}

// follow applies what changes after revision until the watch ends, and returns
// the last revision it applied and why the watch ended.
func (s *Store) follow(ctx context.Context, records *records, revision int64) (int64, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// Fragments would split a transaction: etcd sends whole ones unless asked.
	answers := s.client.Watch(clientv3.WithRequireLeader(ctx), string(s.keys), clientv3.WithPrefix(), clientv3.WithRev(revision+1))
	for answer := range answers {
		if err := answer.Err(); err != nil {
			return revision, err
		}
		if len(answer.Events) == 0 {
			continue
		}
		events := make([]event, 0, len(answer.Events))
		for _, e := range answer.Events {
			events = append(events, event{
				string(e.Kv.Key), e.Kv.Value, e.Kv.CreateRevision, e.Kv.ModRevision, e.Type == mvccpb.Event_DELETE,
			})
			revision = max(revision, e.Kv.ModRevision)
		}
		before := records.last.faults
		catalog := records.apply(events, revision)
		for key, fault := range catalog.faults {
			if _, known := before[key]; !known {
				s.logger.Error("a stored value of the metadata cannot be read", "key", key, "error", fault)
			}
		}
		s.publish(catalog)
	}
	return revision, errors.New("the watch ended")
}
