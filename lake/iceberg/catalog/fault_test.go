package catalog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/catalog/rest"
	"github.com/apache/iceberg-go/table"
	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/lake/objstore"
)

// A store that does not work is told as such, and as nothing else.
func TestAStoreThatFails(t *testing.T) {
	store := objstore.NewFaulty(&objstore.Memory{}, 1, objstore.Faults{})
	c := New(&MemKV{}, store)
	create(t, c, "z")
	s := serve(t, c, options())
	store.Set(objstore.Faults{Before: 1})
	status, body := call(t, "GET", s.URL+"/v1/namespaces/db/tables/z", "")
	require.Equal(t, 503, status)
	require.Contains(t, body, "ServiceUnavailableException")
	require.NotContains(t, body, "injected")
	status, _ = call(t, "HEAD", s.URL+"/v1/namespaces/db/tables/z", "")
	require.Equal(t, 204, status, "the store is not asked")
}

// unsure is a KV whose commits fail, before they are done or after.
type unsure struct {
	MemKV
	mu     sync.Mutex // guards all below
	before int        // commits that are to fail and do nothing
	after  int        // commits that are to fail when they are done
	then   func()     // is called after such a one
}

var errUnsure = errors.New("the KV did not answer")

func (u *unsure) take(n *int) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if *n == 0 {
		return false
	}
	*n--
	return true
}

func (u *unsure) Commit(ctx context.Context, ops []Op) error {
	if u.take(&u.before) {
		return errUnsure
	}
	err := u.MemKV.Commit(ctx, ops)
	if err == nil && u.take(&u.after) {
		if u.then != nil {
			u.then()
		}
		return errUnsure
	}
	return err
}

func set(key string) []table.Update {
	return []table.Update{table.NewSetPropertiesUpdate(iceberg.Properties{key: "x"})}
}

// A commit whose outcome the KV could not tell is done once, and its caller knows.
func TestACommitWithoutAnAnswer(t *testing.T) {
	ident := table.Identifier{"db", "t"}
	kv := &unsure{}
	store := &objstore.Memory{}
	c := New(kv, store)
	create(t, c, "t")
	for _, tc := range []struct {
		name          string
		before, after int
	}{{"not done", 1, 0}, {"done", 0, 1}, {"done at the second time", 1, 1}} {
		kv.before, kv.after = tc.before, tc.after
		_, location, err := c.CommitTable(t.Context(), ident, nil, set(tc.name))
		require.NoError(t, err, tc.name)
		loaded, err := c.LoadTable(t.Context(), ident)
		require.NoError(t, err)
		require.Equal(t, "x", loaded.Properties()[tc.name])
		require.Equal(t, location, loaded.MetadataLocation())
	}
	require.Equal(t, 4, count(t, store))
	// Ours was done, and another's after it, before we look.
	kv.after = 1
	kv.then = func() {
		_, _, err := New(&kv.MemKV, store).CommitTable(t.Context(), ident, nil, set("theirs"))
		require.NoError(t, err)
	}
	_, _, err := c.CommitTable(t.Context(), ident, nil, set("ours"))
	require.NoError(t, err)
	loaded, err := c.LoadTable(t.Context(), ident)
	require.NoError(t, err)
	require.Equal(t, "x", loaded.Properties()["ours"])
	require.Equal(t, "x", loaded.Properties()["theirs"])
	kv.then = nil
	kv.after = 1
	require.NoError(t, c.Drop(t.Context(), ident))
	require.Zero(t, count(t, store))
}

// A commit that nobody knows the outcome of is not told to have failed: clients would
// remove the files that it has.
func TestACommitOfUnknownOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kv := &unsure{}
		store := &objstore.Memory{}
		c := New(kv, store)
		create(t, c, "t")
		kv.before = 1 << 30
		client, err := rest.NewCatalog(t.Context(), "fluss", "http://in.process", rest.WithCustomTransport(NewTransport(NewHandler(c, options()))),
			rest.WithHeaders(map[string]string{CommitterHeader: token}))
		require.NoError(t, err)
		_, _, err = client.CommitTable(t.Context(), table.Identifier{"db", "t"}, nil, set("a"))
		require.ErrorIs(t, err, rest.ErrCommitStateUnknown)
		require.ErrorContains(t, err, "CommitStateUnknownException")
		require.NotErrorIs(t, err, table.ErrCommitFailed)
		require.Equal(t, 2, count(t, store), "the metadata stays: a table may point at it")
		require.NoError(t, client.Close())
	})
}

// Whatever the store does, what was told to be done is, and what was told to have failed is not.
func TestCommitsOnAStoreThatFailsNowAndThen(t *testing.T) { synctest.Test(t, commitsOnAStoreThatFails) }

func commitsOnAStoreThatFails(t *testing.T) {
	store := objstore.NewFaulty(&objstore.Memory{}, 7, objstore.Faults{})
	c := New(&MemKV{}, store)
	create(t, c, "t")
	store.Set(objstore.Faults{Before: 0.3, After: 0.3, Cut: 0.2})
	ident := table.Identifier{"db", "t"}
	want := map[string]bool{}
	failed := 0
	for i := range 60 {
		key := fmt.Sprint("k", i)
		_, _, err := c.CommitTable(t.Context(), ident, nil, set(key))
		want[key] = err == nil
		if err != nil {
			require.NotErrorIs(t, err, ErrOutcomeUnknown)
			failed++
		}
	}
	require.NotZero(t, failed)
	require.Less(t, failed, 60)
	store.Set(objstore.Faults{})
	loaded, err := c.LoadTable(t.Context(), ident)
	require.NoError(t, err)
	for key, there := range want {
		require.Equal(t, there, loaded.Properties()[key] != "", key)
	}
}

// A table goes even if its files cannot, and these go later.
func TestDropsGoOn(t *testing.T) {
	store := objstore.NewFaulty(&objstore.Memory{}, 7, objstore.Faults{})
	fail := ""
	store.Hook = func(op, _ string) error {
		if op == fail {
			return objstore.ErrInjected
		}
		return nil
	}
	kv := &MemKV{}
	c := New(kv, store)
	ident := table.Identifier{"db", "t"}
	for _, again := range []func() error{func() error { return c.Drop(t.Context(), ident) }, func() error { return c.Purge(t.Context()) }} {
		create(t, c, "t")
		fail = "Delete"
		require.ErrorIs(t, c.Drop(t.Context(), ident), objstore.ErrInjected)
		_, err := c.LoadTable(t.Context(), ident)
		require.Error(t, err)
		fail = ""
		require.Equal(t, 1, count(t, store))
		// Nobody may have the place before it is empty.
		_, _, err = c.CommitTable(t.Context(), ident, []table.Requirement{table.AssertCreate()}, []table.Update{
			table.NewSetLocationUpdate(store.URL() + "/db/t"),
		})
		require.Error(t, err)
		require.NoError(t, again())
		require.Zero(t, count(t, store))
		docs, err := kv.List(t.Context(), "")
		require.NoError(t, err)
		require.Empty(t, docs)
	}
}

// Metadata that is damaged is no reason to crash, nor to keep the table.
func TestDamagedMetadata(t *testing.T) {
	store := &objstore.Memory{}
	c := New(&MemKV{}, store)
	s := serve(t, c, options())
	ident := table.Identifier{"db", "t"}
	for _, text := range []string{"", "{", "null", `{"format-version":2}`, "\x1f\x8b", "\x1f\x8bxxxxxxxxxxx"} {
		create(t, c, "t")
		loaded, err := c.LoadTable(t.Context(), ident)
		require.NoError(t, err)
		key := strings.TrimPrefix(loaded.MetadataLocation(), store.URL()+"/")
		require.NoError(t, store.Put(t.Context(), key, strings.NewReader(text), int64(len(text))))
		status, _ := call(t, "GET", s.URL+"/v1/namespaces/db/tables/t", "")
		require.Equal(t, 503, status, text)
		require.NoError(t, c.Drop(t.Context(), ident))
		require.NoError(t, store.Delete(t.Context(), key))
	}
}

// The store's answers are bounded, also those to what callers named.
func TestMetadataIsBounded(t *testing.T) {
	_, err := readBounded(io.LimitReader(zeros{}, maxMetadataBytes+1))
	require.ErrorIs(t, err, errMetadata)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }
