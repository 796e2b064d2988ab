package cli

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/e2e/harness"
	"github.com/fluss-go/fluss/sdk"
)

// TestColumnsAreAddedUnderReaders: a scan that follows the changes, and look-ups,
// go on while columns are added to a table that is written.
func TestColumnsAreAddedUnderReaders(t *testing.T) {
	const columns, keys = 10, 50
	s := harness.TestServer(t, "--durability", "memory")
	s.OK(t, "table", "create", "altered", "--columns", "k INT, v BIGINT", "--primary-key", "k", "--buckets", "2")
	ctx, stop := context.WithCancel(harness.Context(t, time.Minute))
	c := s.Client(t)
	up, err := c.Upserter(ctx, "altered")
	require.NoError(t, err)
	look, err := c.Lookuper(ctx, "altered")
	require.NoError(t, err)
	changes, err := c.Scanner(ctx, "altered", sdk.ScanOptions{What: sdk.ScanChangelog, Follow: true, Columns: []string{"k", "v"}})
	require.NoError(t, err)
	var wg sync.WaitGroup
	work := func(f func(i int) error) {
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				if err := f(i); err != nil && ctx.Err() == nil && !errors.Is(err, context.Canceled) {
					t.Errorf("while columns were added: %v", err)
					return
				}
			}
		})
	}
	work(func(i int) error {
		f, err := up.Upsert(ctx, map[string]any{"k": int32(i % keys), "v": int64(i)}) //nolint:gosec // below keys
		if err == nil && i%keys == 0 {
			_, err = f.Wait(ctx)
		}
		return err
	})
	work(func(i int) error {
		_, err := look.Lookup(ctx, sdk.Key{int32(i % keys)}) //nolint:gosec // below keys
		return err
	})
	work(func(int) error {
		b, err := changes.Next(ctx)
		if err == nil {
			b.Release()
		}
		return err
	})
	for i := range columns {
		time.Sleep(50 * time.Millisecond) // some writes between
		s.OK(t, "table", "alter", "altered", "--add", fmt.Sprintf("c%d STRING", i))
	}
	stop()
	wg.Wait()
	_ = changes.Close()
}
