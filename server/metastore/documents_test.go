package metastore

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/errcode"
)

func TestDocuments(t *testing.T) {
	s := open(t, t.TempDir())
	docs, ctx := s.Documents("iceberg"), t.Context()
	_, ok, err := docs.Get(ctx, "a")
	require.NoError(t, err)
	require.False(t, ok)
	require.NoError(t, docs.Commit(ctx, []DocumentChange{{Key: "a", Value: []byte("1")}, {Key: "b", Value: []byte{}}}))
	code(t, docs.Commit(ctx, []DocumentChange{{Key: "c", Value: []byte("x")}, {Key: "a", Value: []byte("2")}}), errcode.Conflict, "another server")
	a, ok, err := docs.Get(ctx, "a")
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, "1", string(a.Value))
	_, ok, _ = docs.Get(ctx, "c")
	require.False(t, ok, "all changes or none")

	require.NoError(t, docs.Commit(ctx, []DocumentChange{{Key: "a", Version: a.Version, Value: []byte("2")}}))
	code(t, docs.Commit(ctx, []DocumentChange{{Key: "a", Version: a.Version}}), errcode.Conflict, "another server")
	list, err := docs.List(ctx, "")
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.Equal(t, "a", list[0].Key)
	require.Equal(t, "2", string(list[0].Value))
	require.NoError(t, docs.Commit(ctx, []DocumentChange{{Key: "a", Version: list[0].Version}}))
	list, err = docs.List(ctx, "")
	require.NoError(t, err)
	require.Len(t, list, 1)
	code(t, docs.Commit(ctx, make([]DocumentChange, maxDocumentChanges+1)), errcode.LimitExceeded, "the limit is 120")
	require.Empty(t, s.Catalog().Faults(), "documents are none of the catalog's business")
}

// Of those who change one document at once, each wins once.
func TestDocumentsAreComparedAndSwapped(t *testing.T) {
	s := open(t, t.TempDir())
	docs, ctx := s.Documents("tiering"), t.Context()
	var lost atomic.Int64
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for won := 0; won < 10; {
				d, _, err := docs.Get(ctx, "n")
				if err != nil {
					t.Error(err)
					return
				}
				n := 0
				_, _ = fmt.Sscan(string(d.Value), &n)
				if docs.Commit(ctx, []DocumentChange{{Key: "n", Version: d.Version, Value: fmt.Append(nil, n+1)}}) != nil {
					lost.Add(1)
					continue
				}
				won++
			}
		})
	}
	wg.Wait()
	d, _, err := docs.Get(ctx, "n")
	require.NoError(t, err)
	require.Equal(t, "40", string(d.Value))
	t.Log("lost", lost.Load())
}

func TestListsOfDocumentsHavePages(t *testing.T) {
	s := open(t, t.TempDir())
	docs := s.Documents("iceberg")
	for i := range loadPage/100 + 2 {
		var changes []DocumentChange
		for j := range 100 {
			changes = append(changes, DocumentChange{Key: fmt.Sprintf("x/%04d", i*100+j), Value: []byte("v")})
		}
		require.NoError(t, docs.Commit(t.Context(), changes))
	}
	list, err := docs.List(t.Context(), "x/")
	require.NoError(t, err)
	require.Len(t, list, loadPage+200)
	require.Equal(t, "x/1199", list[len(list)-1].Key)
	list, err = docs.List(t.Context(), "x/00")
	require.NoError(t, err)
	require.Len(t, list, 100)
}
