package metastore

import (
	"context"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/fluss-go/fluss/proto/errcode"
)

// Document is a value that another part of the server keeps in the metadata store
// under a key of its own making. Catalogs do not show it.
type Document struct {
	Key   string
	Value []byte
	// Version is higher after each change of the key, never 0.
	Version int64
}

// DocumentChange is one of the changes of a Commit.
type DocumentChange struct {
	Key string
	// Version is the one that the document must have; 0 means that there is none.
	Version int64
	// Value is the new one; nil removes the document.
	Value []byte
}

// maxDocumentChanges bounds the changes of one Commit: etcd refuses more
// operations in a transaction.
const maxDocumentChanges = 120

// Documents are the documents under one name. Safe for concurrent use.
type Documents struct {
	store *Store
	root  string
}

// Documents returns those under name, which is no other family of keys; see FORMAT.md.
func (s *Store) Documents(name string) *Documents {
	return &Documents{store: s, root: s.keys.join(name)}
}

// Get returns the document of a key as it is after everything that was committed
// before; false when there is none.
func (d *Documents) Get(ctx context.Context, key string) (Document, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	answer, err := d.store.client.Get(ctx, d.root+key)
	if err != nil {
		return Document{}, false, failure(err, "reading a document of the metadata")
	}
	if len(answer.Kvs) == 0 {
		return Document{}, false, nil
	}
	kv := answer.Kvs[0]
	return Document{Key: key, Value: kv.Value, Version: kv.ModRevision}, true, nil
}

// List returns the documents whose keys start with prefix, ordered by key, all as
// of one moment.
func (d *Documents) List(ctx context.Context, prefix string) ([]Document, error) {
	var out []Document
	var revision int64
	key, end := d.root+prefix, clientv3.GetPrefixRangeEnd(d.root+prefix)
	for {
		bounded, cancel := context.WithTimeout(ctx, opTimeout)
		page, err := d.store.client.Get(bounded, key, clientv3.WithRange(end), clientv3.WithLimit(loadPage),
			clientv3.WithRev(revision), clientv3.WithSort(clientv3.SortByKey, clientv3.SortAscend))
		cancel()
		if err != nil {
			return nil, failure(err, "reading documents of the metadata")
		}
		revision = page.Header.GetRevision()
		for _, kv := range page.Kvs {
			out = append(out, Document{Key: strings.TrimPrefix(string(kv.Key), d.root), Value: kv.Value, Version: kv.ModRevision})
		}
		if !page.More || len(page.Kvs) == 0 {
			return out, nil
		}
		key = string(page.Kvs[len(page.Kvs)-1].Key) + "\x00"
	}
}

// Commit makes all changes, or none and fails with CONFLICT when a document has
// not the version that a change names. It takes 120 changes at most.
func (d *Documents) Commit(ctx context.Context, changes []DocumentChange) error {
	if len(changes) > maxDocumentChanges {
		return errcode.New(errcode.LimitExceeded, nil, "%d documents of the metadata are to change at once: the limit is %d", len(changes), maxDocumentChanges)
	}
	var when []clientv3.Cmp
	var then, otherwise []clientv3.Op
	for _, c := range changes {
		key := d.root + c.Key
		when = append(when, clientv3.Compare(clientv3.ModRevision(key), "=", c.Version))
		otherwise = append(otherwise, clientv3.OpGet(key, clientv3.WithKeysOnly()))
		if c.Value == nil {
			then = append(then, clientv3.OpDelete(key))
		} else {
			then = append(then, clientv3.OpPut(key, string(c.Value)))
		}
	}
	answer, err := d.store.commit(ctx, when, then, otherwise)
	if err != nil {
		return err
	}
	if !answer.Succeeded {
		return conflict("another server changed a document of the metadata meanwhile")
	}
	return nil
}
