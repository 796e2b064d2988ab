package flight_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/flight"
	"github.com/fluss-go/fluss/flight/ticket"
	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/table"
)

func TestRowsAsTheyAreNow(t *testing.T) {
	source := newSource()
	_, buckets := source.createKeyed(t, "db.k", 2)
	rows := series(0, 5000)
	buckets[0].set(t, rows...)
	buckets[0].set(t, keyedRow{"changed", 0, 2, 7})
	buckets[0].remove(t, [2]int32{0, 0})
	buckets[1].set(t, keyedRow{"other", 5, 5, 5})
	rows = rows[1:]
	rows[1] = keyedRow{"changed", 0, 2, 7}
	now := time.UnixMilli(1_700_000_000_000)
	c := stockClient(t, serve(t, source, flight.Options{Now: func() time.Time { return now }}))
	for _, fields := range []string{``, `, "from": "full"`, `, "what": "rows", "until": "now"`} {
		chunks, _, err := read(t, c, `{"table": "db.k"`+fields+`}`)
		require.NoError(t, err)
		requireRows(t, append(texts(rows), "other|5|5|5"), flatten(chunks))
		last := chunks[len(chunks)-1].meta
		require.True(t, last.BucketEnd)
		require.EqualValues(t, 1, last.NextOffset)
		require.Empty(t, last.Resume)
	}
	chunks, got, err := read(t, c, `{"table": "db.k", "buckets": [0], "columns": ["n"], "limit": 1, "system_columns": ["__change_type", "__offset", "__bucket", "__timestamp"]}`)
	require.NoError(t, err)
	require.Equal(t, []string{"7|+I|5003|0|" + now.UTC().Format("2006-01-02T15:04:05Z")}, strings.Split(strings.ReplaceAll(flatten(chunks)[0], ".000", ""), "\n"))
	require.Equal(t, "__change_type", got.Field(1).Name)
	require.Len(t, buckets[0].scans[len(buckets[0].scans)-1].Schema.Columns, 1)
	counted, _, err := read(t, c, `{"table": "db.k", "columns": []}`)
	require.NoError(t, err)
	require.Len(t, flatten(counted), 5000)
	for _, b := range buckets {
		require.Zero(t, b.open)
	}
}

func TestLimitOfRowsReadsFewAndOpensFew(t *testing.T) {
	source := newSource()
	_, buckets := source.createKeyed(t, "db.k", 8)
	for _, b := range buckets {
		b.set(t, series(0, 5000)...)
	}
	c := stockClient(t, serve(t, source, flight.Options{}))
	chunks, _, err := read(t, c, `{"table": "db.k", "limit": 10}`)
	require.NoError(t, err)
	require.Len(t, flatten(chunks), 10)
	require.Equal(t, 10, buckets[0].read)
	for _, b := range buckets[1:] {
		require.Zero(t, b.opened)
	}
	chunks, _, err = read(t, c, `{"table": "db.k", "columns": ["id"], "filter": "note LIKE '%8'", "limit": 10}`)
	require.NoError(t, err)
	require.Len(t, flatten(chunks), 10)
	require.Less(t, buckets[0].read, 600)
	scan := buckets[0].scans[1]
	require.Len(t, scan.Schema.Columns, 2, "the projected column, and the filter's")
	require.Zero(t, buckets[0].open)
}

func TestKeyRanges(t *testing.T) {
	source := newSource()
	_, buckets := source.createKeyed(t, "db.k", 1)
	var rows []keyedRow
	for i := range int32(400) {
		rows = append(rows, keyedRow{fmt.Sprint(i), i/20 - 10, i%20 - 10, i})
	}
	buckets[0].set(t, rows...)
	c := stockClient(t, serve(t, source, flight.Options{}))
	for _, tc := range []struct {
		filter string
		take   func(r keyedRow) bool
		read   int
	}{
		{"g = 3", func(r keyedRow) bool { return r.g == 3 }, 20},
		{"g = -3 AND id = 4", func(r keyedRow) bool { return r.g == -3 && r.id == 4 }, 1},
		{"g = 3 AND id > -2 AND id <= 5", func(r keyedRow) bool { return r.g == 3 && r.id > -2 && r.id <= 5 }, 7},
		{"g = 3 AND id >= -2 AND id < 5 AND n > 0", func(r keyedRow) bool { return r.g == 3 && r.id >= -2 && r.id < 5 && r.n > 0 }, 7},
		{"g BETWEEN 2 AND 4", func(r keyedRow) bool { return r.g >= 2 && r.g <= 4 }, 60},
		{"g >= 8", func(r keyedRow) bool { return r.g >= 8 }, 40},
		{"g < -8", func(r keyedRow) bool { return r.g < -8 }, 40},
		{"3 = g AND id IN (5, 2, 3)", func(r keyedRow) bool { return r.g == 3 && (r.id == 5 || r.id == 2 || r.id == 3) }, 4},
		{"g > 5 AND g < 3", func(keyedRow) bool { return false }, 0},
		{"g = 3 OR g = 4", func(r keyedRow) bool { return r.g == 3 || r.g == 4 }, 400},
		{"NOT g = 3", func(r keyedRow) bool { return r.g != 3 }, 400},
		{"g <> 3 AND id = 2", func(r keyedRow) bool { return r.g != 3 && r.id == 2 }, 400},
		{"id = 2", func(r keyedRow) bool { return r.id == 2 }, 400},
	} {
		t.Run(tc.filter, func(t *testing.T) {
			before := buckets[0].read
			chunks, _, err := read(t, c, fmt.Sprintf(`{"table": "db.k", "filter": %q}`, tc.filter))
			require.NoError(t, err)
			want := texts(slices.DeleteFunc(slices.Clone(rows), func(r keyedRow) bool { return !tc.take(r) }))
			requireRows(t, want, flatten(chunks))
			require.Equal(t, tc.read, buckets[0].read-before)
		})
	}
}

func TestChangelog(t *testing.T) {
	source := newSource()
	_, buckets := source.createKeyed(t, "db.k", 1)
	b := buckets[0]
	b.set(t, series(0, 2)...)
	b.set(t, keyedRow{"x", 0, 0, 5})
	b.remove(t, [2]int32{1, 1})
	b.set(t, keyedRow{"big", 9, 9, 9}, keyedRow{"big", 9, 9, 10}, keyedRow{"y", 1, 1, 1})
	c := stockClient(t, serve(t, source, flight.Options{}))
	want := []string{
		"note 0|0|0|0|+I|0", "note 1|1|1|10|+I|1", "note 0|0|0|0|-U|2", "x|0|0|5|+U|3", "note 1|1|1|10|-D|4",
		"big|9|9|9|+I|5", "big|9|9|9|-U|6", "big|9|9|10|+U|7", "y|1|1|1|+I|8",
	}
	for fields, rows := range map[string][]string{
		`"what": "changelog"`:                             want,
		`"what": "changelog", "from": "full"`:             want,
		`"from": "earliest"`:                              want,
		`"from": {"offset": 3}, "until": {"offset": 7}`:   want[3:7],
		`"what": "changelog", "from": {"offset": 4}`:      want[4:],
		`"what": "changelog", "filter": "note = 'x'"`:     want[3:4],
		`"what": "changelog", "limit": 4`:                 want[:4],
		`"what": "changelog", "filter": "n > 8 AND g=9"`:  want[5:8],
		`"what": "changelog", "filter": "n = 5 OR n = 0"`: {want[0], want[2], want[3]},
	} {
		chunks, _, err := read(t, c, `{"table": "db.k", "system_columns": ["__change_type", "__offset"], `+fields+`}`)
		require.NoError(t, err, fields)
		requireRows(t, rows, flatten(chunks))
	}
	all, _, err := read(t, c, `{"table": "db.k", "what": "changelog", "columns": ["n"]}`)
	require.NoError(t, err)
	require.Len(t, flatten(all), len(want))
}

func TestChangelogThatIsSliced(t *testing.T) {
	source := newSource()
	_, buckets := source.createKeyed(t, "db.k", 1)
	rows := series(0, 9000)
	buckets[0].set(t, rows...) // of one change type
	buckets[0].set(t, append(rows, series(9000, 9001)...)...)
	c := stockClient(t, serve(t, source, flight.Options{}))
	chunks, _, err := read(t, c, `{"table": "db.k", "columns": ["id"], "system_columns": ["__change_type"], "what": "changelog"}`)
	require.NoError(t, err)
	var want []string
	for i := range 9000 {
		want = append(want, fmt.Sprint(i, "|+I"))
	}
	for i := range 9000 {
		want = append(want, fmt.Sprint(i, "|-U"), fmt.Sprint(i, "|+U"))
	}
	requireRows(t, append(want, "9000|+I"), flatten(chunks))
}

func TestBinlog(t *testing.T) {
	source := newSource()
	_, buckets := source.createKeyed(t, "db.k", 1)
	b := buckets[0]
	b.set(t, series(0, 2)...)
	b.set(t, keyedRow{"x", 0, 0, 5}, keyedRow{"z", 3, 3, 3})
	b.remove(t, [2]int32{1, 1})
	c := stockClient(t, serve(t, source, flight.Options{}))
	want := []string{
		`(null)|{"id":0,"n":0}|+I|0`, `(null)|{"id":1,"n":10}|+I|1`, `{"id":0,"n":0}|{"id":0,"n":5}|+U|3`,
		`(null)|{"id":3,"n":3}|+I|4`, `{"id":1,"n":10}|(null)|-D|5`,
	}
	for fields, rows := range map[string][]string{
		``:                            want,
		`, "from": {"offset": 3}`:     want[2:], // the pair has begun before
		`, "until": {"offset": 3}`:    want[:2],
		`, "limit": 3`:                want[:3],
		`, "filter": "note = 'x'"`:    want[2:3],
		`, "filter": "n = 0"`:         {want[0], want[2]},
		`, "filter": "n IN (3, 10)"`:  {want[1], want[3], want[4]},
		`, "filter": "note = 'none'"`: {},
	} {
		chunks, got, err := read(t, c, `{"table": "db.k", "what": "binlog", "columns": ["id", "n"], "system_columns": ["__change_type", "__offset"]`+fields+`}`)
		require.NoError(t, err, fields)
		requireRows(t, rows, flatten(chunks))
		require.Equal(t, "before", got.Field(0).Name)
		require.Equal(t, "after", got.Field(1).Name)
		if fields == `, "limit": 3` {
			require.EqualValues(t, 4, chunks[len(chunks)-1].meta.NextOffset)
		}
	}
	f := follow(t, c, `{"table": "db.k", "what": "binlog", "from": "latest", "until": "never"}`)
	require.Eventually(t, func() bool {
		b.log.mu.Lock()
		defer b.log.mu.Unlock()
		return len(b.log.watchers) > 0
	}, 10*time.Second, time.Millisecond)
	b.set(t, keyedRow{"w", 8, 8, 8})
	require.Equal(t, []string{`(null)|{"g":8,"id":8,"n":8,"note":"w"}`}, f.next(t).rows)
}

func TestRefusedScansOfRows(t *testing.T) {
	source := newSource()
	tab, buckets := source.createKeyed(t, "db.k", 2)
	numbers(t, source, 1, 3)
	buckets[0].set(t, series(0, 10)...)
	c := stockClient(t, serve(t, source, flight.Options{}))
	token := func(r ticket.Resume) string {
		return base64.StdEncoding.EncodeToString(ticket.AppendResume(nil, &r))
	}
	id := tab.Info.ID
	good := token(ticket.Resume{Bucket: ids.Bucket{Table: id}})
	for tk, want := range map[string]errcode.Code{
		`{"table": "db.k", "until": {"offset": 3}}`:                                                                                                                               errcode.InvalidTicket,
		`{"table": "db.k", "from": {"resume": "AQID"}}`:                                                                                                                           errcode.InvalidTicket,
		`{"table": "db.k", "from": {"resume": "%%"}}`:                                                                                                                             errcode.InvalidTicket,
		`{"table": "db.k", "what": "changelog", "from": {"resume": "` + good + `"}}`:                                                                                              errcode.InvalidTicket,
		`{"table": "db.k", "buckets": [1], "from": {"resume": "` + good + `"}}`:                                                                                                   errcode.InvalidTicket,
		`{"table": "db.n", "from": {"resume": "` + good + `"}}`:                                                                                                                   errcode.InvalidTicket,
		`{"table": "db.k", "from": {"resume": "` + token(ticket.Resume{Bucket: ids.Bucket{Table: id + 9}}) + `"}}`:                                                                errcode.InvalidTicket,
		`{"table": "db.k", "from": {"resume": "` + token(ticket.Resume{Bucket: ids.Bucket{Table: id, Partition: 3}}) + `"}}`:                                                      errcode.UnknownPartition,
		`{"table": "db.k", "from": {"resume": "` + token(ticket.Resume{Bucket: ids.Bucket{Table: id, Bucket: 7}}) + `"}}`:                                                         errcode.UnknownBucket,
		`{"table": "db.k", "from": {"resume": "` + token(ticket.Resume{Bucket: ids.Bucket{Table: id}, Parts: []ticket.Part{{Offset: 999, Last: []byte("x")}}}) + `"}}`:            errcode.OffsetOutOfRange,
		`{"table": "db.k", "from": {"resume": "` + token(ticket.Resume{Bucket: ids.Bucket{Table: id}, Parts: []ticket.Part{{Offset: 999}}, Changes: true, Position: 999}) + `"}}`: errcode.OffsetOutOfRange,
	} {
		_, _, err := read(t, c, tk)
		require.Equal(t, want, codeOf(err), "%s: %v", tk, err)
	}
	chunks, _, err := read(t, c, `{"table": "db.k", "from": {"resume": "`+good+`"}}`)
	require.NoError(t, err)
	require.Len(t, flatten(chunks), 10)
}

// TestFiltersOfOneImage: without -U, changes that a filter leaves out would stay
// rows of whoever folds them, so only the key may be asked for.
func TestFiltersOfOneImage(t *testing.T) {
	source := newSource()
	tab, buckets := source.createKeyed(t, "db.k", 2)
	tab.Info.Options.ChangelogImage = table.WALImage
	buckets[0].set(t, series(0, 10)...)
	c := stockClient(t, serve(t, source, flight.Options{}))
	for _, changes := range []string{`"what": "changelog"`, `"what": "binlog"`, `"from": "earliest"`, `"until": "never"`} {
		_, _, err := read(t, c, `{"table": "db.k", `+changes+`, "filter": "n > 3 AND g = 0"}`)
		require.Equal(t, errcode.InvalidFilter, codeOf(err), "%s: %v", changes, err)
		require.ErrorContains(t, err, "n is none of the primary key (g, id)")
	}
	for _, fine := range []string{`"filter": "n > 3"`, `"what": "changelog", "filter": "g = 0 AND id > 2"`} {
		_, _, err := read(t, c, `{"table": "db.k", `+fine+`}`)
		require.NoError(t, err)
	}
}

func TestInfoCountsRows(t *testing.T) {
	source := newSource()
	_, buckets := source.createKeyed(t, "db.k", 2)
	buckets[0].set(t, series(0, 10)...)
	buckets[0].set(t, series(0, 10)...)
	buckets[1].set(t, series(0, 7)...)
	c := stockClient(t, serve(t, source, flight.Options{}))
	for text, want := range map[string]int64{
		`{"table": "db.k"}`: 17, `{"table": "db.k", "limit": 3}`: 3, `{"table": "db.k", "filter": "n = 0"}`: -1, `{"table": "db.k", "what": "changelog"}`: 37,
	} {
		info, err := c.GetFlightInfo(context.Background(), command(text))
		require.NoError(t, err)
		require.Equal(t, want, info.GetTotalRecords(), text)
		if strings.Contains(text, "limit") {
			continue
		}
		require.Len(t, info.GetEndpoint(), 2)
	}
	require.Zero(t, buckets[0].open)
}

func TestChangesThatAreGoneByTheEndOfTheRows(t *testing.T) {
	source := newSource()
	tab, buckets := source.createKeyed(t, "db.k", 1)
	buckets[0].set(t, series(0, 10)...)
	c := stockClient(t, serve(t, source, flight.Options{}))
	f := follow(t, c, `{"table": "db.k", "until": "never", "limit": 5}`)
	last := f.next(t)
	require.NoError(t, <-f.err)
	buckets[0].set(t, series(0, 10)...)
	log := source.log(tab, 0)
	log.mu.Lock()
	log.start, log.batches = log.end, nil
	log.mu.Unlock()
	from := fmt.Sprintf(`{"table": "db.k", "from": {"resume": %q}`, base64.StdEncoding.EncodeToString(last.meta.Resume))
	chunks, _, err := read(t, c, from+`}`)
	require.NoError(t, err, "the rest of the rows needs no changes")
	require.Len(t, flatten(chunks), 5)
	_, _, err = read(t, c, from+`, "until": "never"}`)
	require.Equal(t, errcode.OffsetOutOfRange, codeOf(err), "%v", err)
	require.ErrorContains(t, err, "read all rows again")
}

func TestSnapshotsAreClosedWhenClientsVanish(t *testing.T) {
	source := newSource()
	_, buckets := source.createKeyed(t, "db.k", 3)
	for _, b := range buckets {
		b.set(t, series(0, 3000)...)
		b.most = 10
	}
	addr := serve(t, source, flight.Options{})
	for range 5 {
		f := follow(t, stockClient(t, addr), `{"table": "db.k", "until": "never", "filter": "n >= 0"}`)
		f.next(t)
		f.cancel()
	}
	for _, b := range buckets {
		require.Eventually(t, func() bool { b.mu.Lock(); defer b.mu.Unlock(); return b.open == 0 }, 10*time.Second, time.Millisecond)
	}
}

// reader folds what scans of a bucket return, and goes on from where they ended.
type reader struct {
	rows map[string]string
	// resume and next are of the last batch; began tells that there is one.
	resume []byte
	next   int64
	began  bool
	// offsets are those of the changes seen.
	offsets map[string]bool
}

// take folds one batch of rows "note|g|id|n|change|offset".
func (r *reader) take(t testing.TB, c chunk) {
	for _, row := range c.rows {
		v := strings.Split(row, "|")
		key, text := v[1]+"|"+v[2], strings.Join(v[:4], "|")
		offset, err := strconv.ParseInt(v[5], 10, 64)
		require.NoError(t, err)
		if offset < c.meta.NextOffset { // else it is of a snapshot
			require.False(t, r.offsets[v[5]], "offset %s comes twice", v[5])
			r.offsets[v[5]] = true
		}
		old, ok := r.rows[key]
		switch v[4] {
		case "+I":
			require.False(t, ok, "row %s is there already", row)
			r.rows[key] = text
		case "+U":
			r.rows[key] = text
		case "-U", "-D":
			require.Equal(t, old, text, "the row before")
			delete(r.rows, key)
		}
	}
	r.resume, r.next, r.began = c.meta.Resume, c.meta.NextOffset, true
}

// from returns the ticket's fields that go on where r is.
func (r *reader) from() string {
	switch {
	case !r.began:
		return ``
	case len(r.resume) > 0:
		return fmt.Sprintf(`, "from": {"resume": %q}`, base64.StdEncoding.EncodeToString(r.resume))
	}
	return fmt.Sprintf(`, "from": {"offset": %d}`, r.next)
}

func TestResumedScansFoldToTheTable(t *testing.T) {
	for range 20 {
		seed := uint64(time.Now().UnixNano())
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { foldRandomly(t, rand.New(rand.NewPCG(seed, 0))) })
	}
}

func foldRandomly(t *testing.T, rnd *rand.Rand) {
	source := newSource()
	_, buckets := source.createKeyed(t, "db.k", 1)
	b := buckets[0]
	b.most = 1 + rnd.IntN(40)
	write := func() {
		for range rnd.IntN(6) {
			var rows []keyedRow
			seen := map[[2]int32]bool{}
			for range 1 + rnd.IntN(10) {
				row := keyedRow{fmt.Sprint("v", rnd.IntN(1000)), rnd.Int32N(3), rnd.Int32N(60), rnd.Int32N(100)}
				if _, ok := b.rows[row.key()]; ok && rnd.IntN(4) == 0 && !seen[row.key()] {
					b.remove(t, row.key())
				} else if !seen[row.key()] {
					rows = append(rows, row)
				}
				seen[row.key()] = true
			}
			if len(rows) > 0 {
				b.set(t, rows...)
			}
		}
	}
	filter, takes := "", func(keyedRow) bool { return true }
	if rnd.IntN(2) == 0 {
		filter, takes = `, "filter": "g >= 1 AND n < 50"`, func(r keyedRow) bool { return r.g >= 1 && r.n < 50 }
	}
	c := stockClient(t, serve(t, source, flight.Options{KeepAlive: 10 * time.Millisecond}))
	r := &reader{rows: map[string]string{}, offsets: map[string]bool{}}
	scan := func(extra string, enough func(n int) bool) {
		f := follow(t, c, `{"table": "db.k", "until": "never", "system_columns": ["__change_type", "__offset"]`+filter+extra+r.from()+`}`)
		defer f.cancel()
		for n := 0; !enough(n); n++ {
			select {
			case ch := <-f.chunks:
				r.take(t, ch)
			case err := <-f.err:
				require.NoError(t, err)
				for len(f.chunks) > 0 {
					r.take(t, <-f.chunks)
				}
				return
			case <-time.After(10 * time.Second):
				require.FailNow(t, "no batch came")
			}
		}
	}
	write()
	for range 3 + rnd.IntN(12) {
		if rnd.IntN(2) == 0 {
			scan(fmt.Sprintf(`, "limit": %d`, 1+rnd.IntN(30)), func(n int) bool { return n > 3 })
		} else {
			most := rnd.IntN(3)
			scan(``, func(n int) bool { return n >= most })
		}
		write()
	}
	end := int64(b.log.HighWatermark())
	scan(``, func(int) bool { return r.began && len(r.resume) == 0 && r.next >= end })
	want := map[string]string{}
	for _, row := range b.rows {
		if takes(row) {
			want[fmt.Sprintf("%d|%d", row.g, row.id)] = row.String()
		}
	}
	require.Equal(t, want, r.rows)
	require.Eventually(t, func() bool { b.mu.Lock(); defer b.mu.Unlock(); return b.open == 0 }, 10*time.Second, time.Millisecond)
}
