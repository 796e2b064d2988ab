package crash

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/e2e/harness"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/proto/table"
	"github.com/fluss-go/fluss/sdk"
)

const (
	keyedTable = "crash_keys"
	// firstKeys is how many keys each writer begins with; a tenth of its changes add one.
	firstKeys = 500
	// probers look up keys all the while.
	probers = 2
	// followEvery is after how many rounds another reader starts to follow.
	followEvery = 10
)

// keyedRow is a row; Seq tells which of its writer's changes wrote it.
type keyedRow struct {
	Key    int64  `fluss:"k"`
	Writer int32  `fluss:"writer"`
	Seq    int64  `fluss:"seq"`
	Pad    string `fluss:"pad"`
}

// stateRow is a row as it is read.
type stateRow struct {
	Key int64 `fluss:"k"`
	Seq int64 `fluss:"seq"`
}

// changeRow is a change as it is read.
type changeRow struct {
	Type   string `fluss:"__change_type"`
	Key    int64  `fluss:"k"`
	Seq    int64  `fluss:"seq"`
	Bucket int32  `fluss:"__bucket"`
	Offset int64  `fluss:"__offset"`
}

func (c changeRow) String() string {
	return fmt.Sprintf("%s of key %d seq %d at offset %d of bucket %d", c.Type, c.Key, c.Seq, c.Offset, c.Bucket)
}

// operation is one change of one key by its only writer.
type operation struct {
	seq    int64
	delete bool
}

// keyHistory is all that was done to a key.
type keyHistory struct {
	ops []operation
	// acked is how many of ops were acked; acks of one key come in order.
	acked int
}

// model knows what was asked of each key, and what of it was acked.
type model struct {
	mu    sync.Mutex
	keys  map[int64]*keyHistory // guarded by mu
	all   []int64               // guarded by mu; the keys, to choose from
	acked atomic.Int64
}

func newModel() *model { return &model{keys: map[int64]*keyHistory{}} }

// issue notes an operation before it is sent.
func (m *model) issue(key int64, op operation) {
	m.mu.Lock()
	defer m.mu.Unlock()
	h := m.keys[key]
	if h == nil {
		h = &keyHistory{}
		m.keys[key] = h
		m.all = append(m.all, key)
	}
	h.ops = append(h.ops, op)
}

// ack notes that the next operation of a key is durable.
func (m *model) ack(key int64) {
	m.mu.Lock()
	m.keys[key].acked++
	m.mu.Unlock()
	m.acked.Add(1)
}

// TestNothingLostOfRowsByKey kills the server over and over under an 80/10/10
// load of updates, inserts and deletes, beside look-ups and readers that follow.
func TestNothingLostOfRowsByKey(t *testing.T) {
	for _, durability := range []string{"fsync", "memory"} {
		t.Run(durability, func(t *testing.T) { keyedKillLoop(t, durability, roundsOf(t, 4, 100)) })
	}
}

// roundsOf is how often a loop kills: FLUSS_ROUNDS, or one of the two.
func roundsOf(t *testing.T, short, long int) int {
	t.Helper()
	if text := os.Getenv("FLUSS_ROUNDS"); text != "" {
		n, err := strconv.Atoi(text)
		require.NoError(t, err, "FLUSS_ROUNDS")
		return n
	}
	if os.Getenv("FLUSS_LONG") != "" {
		return long
	}
	return short
}

func keyedKillLoop(t *testing.T, durability string, rounds int) {
	seed := uint64(time.Now().UnixNano()) //nolint:gosec // any number
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, seed)) //nolint:gosec // not a secret
	ctx := harness.Context(t, time.Duration(rounds)*30*time.Second+time.Minute)
	args := []string{"--durability", durability, "--checkpoint-bytes", "8MiB", "--checkpoint-interval", "1s"}
	server, err := harness.Start(ctx, t.TempDir(), args...)
	require.NoError(t, err)
	defer func() {
		server.Kill()
		if t.Failed() {
			t.Logf("output of the last server:\n%s", server.Output())
		}
	}()
	client := server.Client(t, sdk.WithRetryTimeout(time.Minute), sdk.WithRequestTimeout(10*time.Second))
	createKeyedTable(ctx, t, client)

	m := newModel()
	stop := make(chan struct{})
	var running sync.WaitGroup
	for w := range writers {
		running.Go(func() { m.write(ctx, t, client, int32(w), seed, stop) }) //nolint:gosec // small
	}
	for p := range probers {
		running.Go(func() { m.probe(ctx, t, client, seed+uint64(p), stop) }) //nolint:gosec // small
	}
	var followers []*fold
	for round := range rounds {
		before := m.acked.Load()
		start := time.Now()
		m.waitBeyond(ctx, t, before) // every kill hits a server under load
		resumed := time.Since(start)
		if round%followEvery == 0 {
			followers = append(followers, followFold(ctx, t, client))
		}
		time.Sleep(time.Duration(random.IntN(300)) * time.Millisecond)
		acked := m.acked.Load() - before
		server.Kill()
		start = time.Now()
		server, err = harness.StartAt(ctx, server.Dir, server.Addr, server.HTTP, args...)
		require.NoError(t, err, "round %d", round)
		t.Logf("round %d: first ack after %s; killed after %d changes more were acked; ready again in %s",
			round, resumed.Round(time.Millisecond), acked, time.Since(start).Round(time.Millisecond))
		if t.Failed() {
			break
		}
	}
	close(stop)
	running.Wait()
	t.Logf("%d changes acked in all, of %d keys", m.acked.Load(), len(m.all))
	m.check(ctx, t, client, followers)
	// What is read is the same after one more kill, with nothing under way.
	server.Kill()
	server, err = harness.StartAt(ctx, server.Dir, server.Addr, server.HTTP, args...)
	require.NoError(t, err)
	m.check(ctx, t, client, nil)
}

func createKeyedTable(ctx context.Context, t *testing.T, client *sdk.Client) {
	t.Helper()
	columns, err := schema.ParseColumns("k BIGINT NOT NULL, writer INT NOT NULL, seq BIGINT NOT NULL, pad STRING")
	require.NoError(t, err)
	s, err := schema.New(columns, []string{"k"})
	require.NoError(t, err)
	_, err = client.Admin().CreateTable(ctx, keyedTable, &table.Descriptor{
		Schema: s, BucketCount: buckets, Properties: map[string]string{"table.log.segment-size": "4mb"},
	})
	require.NoError(t, err)
}

func (m *model) waitBeyond(ctx context.Context, t *testing.T, n int64) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for m.acked.Load() <= n {
		select {
		case <-tick.C:
			require.False(t, t.Failed(), "something failed meanwhile")
		case <-ctx.Done():
			t.Fatalf("no change was acked any more after %d", n)
		}
	}
}

// write changes keys of its own until stop: 80 of 100 changes update, 10 insert, 10 delete.
func (m *model) write(ctx context.Context, t *testing.T, client *sdk.Client, writer int32, seed uint64, stop <-chan struct{}) {
	upserter, err := client.Upserter(ctx, keyedTable)
	if err != nil {
		t.Errorf("writer %d: %v", writer, err)
		return
	}
	type pending struct {
		key    int64
		future sdk.Future
	}
	waiting := make(chan pending, inFlight)
	var acks sync.WaitGroup
	acks.Go(func() {
		for p := range waiting {
			if _, err := p.future.Wait(ctx); err != nil {
				t.Errorf("writer %d key %d: %v", writer, p.key, err)
				continue
			}
			m.ack(p.key)
		}
	})
	random := rand.New(rand.NewPCG(seed, uint64(writer))) //nolint:gosec // not a secret
	zipf := rand.NewZipf(random, 1.1, 10, firstKeys-1)
	own := int64(firstKeys)
	pad := string(make([]byte, 100))
	for seq := int64(0); ; seq++ {
		select {
		case <-stop:
		default:
			n := int64(zipf.Uint64()) //nolint:gosec // small
			op := operation{seq: seq}
			switch dice := random.IntN(100); {
			case dice < 10:
				op.delete = true
			case dice < 20:
				n, own = own, own+1
			case dice < 50:
				n = random.Int64N(own)
			}
			key := n*writers + int64(writer)
			m.issue(key, op)
			var future sdk.Future
			if op.delete {
				future, err = upserter.Delete(ctx, sdk.Key{key})
			} else {
				future, err = upserter.Upsert(ctx, keyedRow{key, writer, seq, pad})
			}
			if err == nil {
				waiting <- pending{key, future}
				continue
			}
			t.Errorf("writer %d key %d: %v", writer, key, err)
		}
		break
	}
	close(waiting)
	acks.Wait()
	if err := upserter.Close(ctx); err != nil {
		t.Errorf("writer %d: %v", writer, err)
	}
}

// choose returns a key and what was acked of it.
func (m *model) choose(random *rand.Rand) (key int64, acked int, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.all) == 0 {
		return 0, 0, false
	}
	key = m.all[random.IntN(len(m.all))]
	return key, m.keys[key].acked, true
}

// probe looks up keys through all the crashes: what was acked before is seen.
func (m *model) probe(ctx context.Context, t *testing.T, client *sdk.Client, seed uint64, stop <-chan struct{}) {
	lookuper, err := client.Lookuper(ctx, keyedTable)
	if err != nil {
		t.Errorf("look-ups: %v", err)
		return
	}
	defer func() { _ = lookuper.Close() }()
	random := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // not a secret
	for n := 0; ; {
		select {
		case <-stop:
			t.Logf("%d look-ups", n)
			return
		default:
		}
		key, acked, ok := m.choose(random)
		if !ok {
			continue
		}
		row, found, err := sdk.LookupOne[keyedRow](ctx, lookuper, sdk.Key{key})
		if err == nil {
			err = m.seen(key, acked, row, found)
		}
		if err != nil {
			t.Errorf("look-up of key %d: %v", key, err)
			return
		}
		n++
	}
}

// seen checks what a look-up found that began when acked operations of the key were acked.
func (m *model) seen(key int64, acked int, row keyedRow, found bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	ops := m.keys[key].ops
	// The state must be that after one of the operations from the last acked one on.
	if acked == 0 && !found {
		return nil
	}
	for _, op := range ops[max(0, acked-1):] {
		if op.delete != found && (!found || op.seq == row.Seq) {
			return nil
		}
	}
	return fmt.Errorf("found %t, seq %d; %d of its %d changes were acked before, the last of them %+v", found, row.Seq, acked, len(ops), ops[max(0, acked-1)])
}

// check compares rows, count, look-ups and changelog with the model.
func (m *model) check(ctx context.Context, t *testing.T, client *sdk.Client, followers []*fold) {
	t.Helper()
	if t.Failed() {
		return
	}
	want := map[int64]int64{}
	for key, h := range m.keys {
		if len(h.ops) != h.acked {
			t.Fatalf("%d of %d changes of key %d were acked", h.acked, len(h.ops), key)
		}
		if last := h.ops[len(h.ops)-1]; !last.delete {
			want[key] = last.seq
		}
	}
	got := map[int64]int64{}
	scan(ctx, t, client, sdk.ScanOptions{Columns: []string{"k", "seq"}}, func(r stateRow) {
		if _, twice := got[r.Key]; twice { // require.NotContains is slow on large maps
			t.Fatalf("the key %d comes twice", r.Key)
		}
		got[r.Key] = r.Seq
	})
	require.Equal(t, want, got, "the rows are not what the acked changes made")
	n, err := client.Admin().CountRows(ctx, keyedTable)
	require.NoError(t, err)
	require.EqualValues(t, len(want), n)
	m.checkChangelog(ctx, t, client, want)
	for i, f := range followers {
		f.check(ctx, t, want, fmt.Sprintf("follower %d", i))
	}
}

// checkChangelog compares the whole changelog, key by key, with what the operations say.
func (m *model) checkChangelog(ctx context.Context, t *testing.T, client *sdk.Client, want map[int64]int64) {
	t.Helper()
	type told struct {
		kind string
		seq  int64
	}
	byKey := map[int64][]told{}
	f := newFold()
	o := changesOf(sdk.ScanOptions{What: sdk.ScanChangelog})
	scan(ctx, t, client, o, func(c changeRow) {
		if f.next[c.Bucket] != c.Offset {
			t.Fatalf("%s: the offsets are not dense, %d is next", c, f.next[c.Bucket])
		}
		if err := f.add(c); err != nil {
			t.Fatal(err)
		}
		byKey[c.Key] = append(byKey[c.Key], told{c.Type, c.Seq})
	})
	require.Equal(t, want, f.rows, "the changelog does not fold to the rows")
	for key, h := range m.keys {
		var expected []told
		there, last := false, int64(0)
		for _, op := range h.ops {
			switch {
			case op.delete && there:
				expected = append(expected, told{"-D", last})
			case op.delete:
			case there:
				expected = append(expected, told{"-U", last}, told{"+U", op.seq})
			default:
				expected = append(expected, told{"+I", op.seq})
			}
			there, last = !op.delete, op.seq
		}
		if !slices.Equal(expected, byKey[key]) {
			require.Equal(t, expected, byKey[key], "the changes of key %d", key)
		}
	}
	offsets, err := client.Admin().Offsets(ctx, keyedTable, sdk.OffsetQuery{})
	require.NoError(t, err)
	for _, b := range offsets {
		require.EqualValues(t, f.next[int32(b.Bucket.Bucket)], b.HighWatermark, "bucket %d", b.Bucket.Bucket)
	}
}

func changesOf(o sdk.ScanOptions) sdk.ScanOptions {
	o.Columns = []string{"k", "seq"}
	o.SystemColumns = []sdk.SystemColumn{sdk.BucketColumn, sdk.OffsetColumn, sdk.ChangeTypeColumn}
	return o
}

// scan reads everything that the options say.
func scan[T any](ctx context.Context, t *testing.T, client *sdk.Client, o sdk.ScanOptions, visit func(T)) {
	t.Helper()
	s, err := client.Scanner(ctx, keyedTable, o)
	require.NoError(t, err)
	for {
		b, err := s.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		for r, err := range sdk.BatchRows[T](b) {
			require.NoError(t, err)
			visit(r)
		}
		b.Release()
	}
	require.NoError(t, s.Close())
}

// fold applies changes to rows, and checks that each fits.
type fold struct {
	rows map[int64]int64
	next map[int32]int64
	// before is the -U that the next change of a bucket belongs to.
	before map[int32]changeRow

	// Of a follower.
	scanner *sdk.Scanner
	mu      sync.Mutex
	failed  error // guarded by mu, as are the maps above
}

func newFold() *fold {
	return &fold{rows: map[int64]int64{}, next: map[int32]int64{}, before: map[int32]changeRow{}}
}

func (f *fold) add(c changeRow) error {
	f.next[c.Bucket] = c.Offset + 1
	seq, there := f.rows[c.Key]
	if b, ok := f.before[c.Bucket]; ok && (c.Type != "+U" || c.Key != b.Key) {
		return fmt.Errorf("%s follows %s", c, b)
	}
	switch c.Type {
	case "+I":
		if there {
			return fmt.Errorf("%s, but the key is there with seq %d", c, seq)
		}
	case "-U", "-D":
		if !there || seq != c.Seq {
			return fmt.Errorf("%s, but the key is there: %t, with seq %d", c, there, seq)
		}
	case "+U":
		if _, ok := f.before[c.Bucket]; !ok {
			return fmt.Errorf("%s without -U before it", c)
		}
	default:
		return fmt.Errorf("%s: no such change", c)
	}
	delete(f.before, c.Bucket)
	switch c.Type {
	case "-U":
		f.before[c.Bucket] = c
	case "-D":
		delete(f.rows, c.Key)
	default:
		f.rows[c.Key] = c.Seq
	}
	return nil
}

// followFold starts a reader of the rows as they are now and then of the changes,
// which goes on through all the crashes.
func followFold(ctx context.Context, t *testing.T, client *sdk.Client) *fold {
	t.Helper()
	s, err := client.Scanner(ctx, keyedTable, changesOf(sdk.ScanOptions{Follow: true}))
	require.NoError(t, err)
	f := newFold()
	f.scanner = s
	go func() {
		for f.read(ctx) { //nolint:revive // until it fails or ends
		}
	}()
	return f
}

func (f *fold) read(ctx context.Context) bool {
	b, err := f.scanner.Next(ctx)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err == nil {
		for r, rowErr := range sdk.BatchRows[changeRow](b) {
			if err == nil {
				err = errors.Join(rowErr, f.add(r))
			}
		}
		b.Release()
	}
	f.failed = err
	return err == nil
}

// has tells whether the changes read so far fold to the rows wanted.
func (f *fold) has(want map[int64]int64) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Equal(f.rows, want), f.failed
}

// caughtUpWithin is how long a reader may take once nothing is written any more.
const caughtUpWithin = time.Minute

// check waits until the reader has everything and compares.
func (f *fold) check(ctx context.Context, t *testing.T, want map[int64]int64, who string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, caughtUpWithin)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		all, err := f.has(want)
		require.NoError(t, err, who)
		if all {
			break
		}
		select {
		case <-tick.C:
			continue
		case <-ctx.Done():
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		require.Equal(t, want, f.rows, "%s, which is at %v", who, f.scanner.Positions())
		t.FailNow()
	}
	require.NoError(t, f.scanner.Close())
}
