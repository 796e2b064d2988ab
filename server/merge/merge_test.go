package merge

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
)

const stock = "k INT NOT NULL, shop STRING, n BIGINT, seen TIMESTAMP(3)"

var overwrite = Write{Mode: flussv1.MergeMode_MERGE_MODE_OVERWRITE}

func TestLastRow(t *testing.T) {
	w := newWorld(t, stock)
	all := w.session(Write{})
	require.Equal(t, "7 Lyon 3 1000", w.upsert(all, "7", "Lyon", "3", "1000"))
	require.Equal(t, "7 null 4 null", w.upsert(all, "7", null, "4", null))
	require.Equal(t, "7 null 4 null", w.upsert(all, "7", null, "4", null), "the same row again is a change")
	require.Equal(t, "none", w.delete(all))
	require.Equal(t, "keep", w.delete(all))

	n, shop := w.session(Write{Targets: w.targets("k", "n")}), w.session(Write{Targets: w.targets("k", "shop")})
	require.Equal(t, "7 null 5 null", w.upsert(n, "7", null, "5", null))
	require.Equal(t, "7 Nice 5 null", w.upsert(shop, "7", "Nice", null, null))
	require.Equal(t, "7 Nice null null", w.upsert(n, "7", null, null, null), "a null that is named is written")
}

// What is taken as it was written is not copied.
func TestRowsTakenAsWritten(t *testing.T) {
	for _, engine := range []string{"none", "first_row", "versioned", "aggregation"} {
		t.Run(engine, func(t *testing.T) {
			options := []string{"table.merge-engine=" + engine}
			if engine == "versioned" {
				options = append(options, "table.merge-engine.versioned.ver-column=n")
			}
			w := newWorld(t, stock, options...)
			written := w.encode("7", "Lyon", "3", "1000")
			old := w.encode("7", "Nice", "2", "1000")
			s := w.session(Write{})
			out, o, err := s.Upsert(nil, nil, written)
			require.NoError(t, err)
			require.Equal(t, Put, o)
			require.Same(t, &written[0], &out[0])
			if engine == "none" || engine == "versioned" {
				out, _, err = s.Upsert(nil, old, written)
				require.NoError(t, err)
				require.Same(t, &written[0], &out[0])
			}
		})
	}
}

// What is made is made where the caller wants it.
func TestRowsMadeInDst(t *testing.T) {
	w := newWorld(t, stock)
	dst := make([]byte, 0, 1000)
	s := w.session(Write{Targets: w.targets("n")})
	out, _, err := s.Upsert(dst, w.encode("7", "Nice", "2", "1000"), w.encode("7", null, "3", null))
	require.NoError(t, err)
	require.Same(t, &dst[:1][0], &out[0])
	require.Equal(t, "7 Nice 3 1000", w.decode(out))
	out, _, err = s.Delete(out, w.encode("7", "Nice", "2", "1000"))
	require.NoError(t, err)
	require.Same(t, &dst[:1][0], &out[0])
	require.Equal(t, "7 Nice null 1000", w.decode(out))
}

func TestFirstRow(t *testing.T) {
	w := newWorld(t, stock, "table.merge-engine=first_row")
	all := w.session(Write{})
	require.Equal(t, "7 null 3 1000", w.upsert(all, "7", null, "3", "1000"))
	require.Equal(t, "keep", w.upsert(all, "7", "Lyon", "4", "2000"))
	require.Equal(t, "keep", w.delete(all), "deletes are ignored by default")
}

func TestVersioned(t *testing.T) {
	for _, tc := range []struct {
		name, typ string
		// steps are versions and what comes of them.
		steps [][2]string
	}{
		{"int", "INT", [][2]string{{"-5", "put"}, {"3", "put"}, {"2", "keep"}, {"3", "put"}, {"-2147483648", "keep"}, {"2147483647", "put"}}},
		{"bigint", "BIGINT", [][2]string{{"1", "put"}, {"-1", "keep"}, {"9223372036854775807", "put"}, {"4294967296", "keep"}}},
		{"timestamp", "TIMESTAMP(3)", [][2]string{{"1000", "put"}, {"999", "keep"}, {"2000", "put"}, {null, "keep"}}},
		{"timestamp with zone", "TIMESTAMP_LTZ(9)", [][2]string{{"-1", "put"}, {"-2", "keep"}, {"0", "put"}}},
		{"null first", "BIGINT", [][2]string{{null, "put"}, {null, "keep"}, {"-9223372036854775808", "put"}, {null, "keep"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, "k INT NOT NULL, ver "+tc.typ+", note STRING",
				"table.merge-engine=versioned", "table.merge-engine.versioned.ver-column=ver")
			for i, step := range tc.steps {
				out, o, err := w.session(Write{}).Upsert(nil, w.row, w.encode("1", step[0], "x"))
				require.NoError(t, err)
				require.Equal(t, map[string]Outcome{"put": Put, "keep": Keep}[step[1]], o, "step %d", i)
				if o == Put {
					w.row = out
				}
			}
			require.Equal(t, "keep", w.delete(w.session(Write{})))
		})
	}
}

func TestWritesThatDoNotGoTogether(t *testing.T) {
	for _, engine := range []string{"first_row", "versioned"} {
		options := []string{"table.merge-engine=" + engine}
		if engine == "versioned" {
			options = append(options, "table.merge-engine.versioned.ver-column=n")
		}
		w := newWorld(t, stock, options...)
		for _, mode := range []flussv1.MergeMode{0, 1, 2} {
			_, err := w.merger.NewSession(Write{Targets: w.targets("k", "n"), Mode: mode})
			require.Equal(t, errcode.InvalidArgument, errcode.Of(err))
			require.ErrorContains(t, err, "takes whole rows")
			_, err = w.merger.NewSession(Write{Targets: w.targets("k", "n", "shop", "seen"), Mode: mode})
			require.NoError(t, err, "all columns, named")
		}
	}
	_, err := newWorld(t, stock).merger.NewSession(Write{Mode: 7})
	require.Equal(t, errcode.InvalidArgument, errcode.Of(err))
	require.ErrorContains(t, err, "merge mode 7")
}

func TestOverwrite(t *testing.T) {
	for _, tc := range []struct{ name, options, want string }{
		{"first row", "table.merge-engine=first_row", "7 Lyon 1 500"},
		{"aggregation", "table.merge-engine=aggregation", "7 Lyon 1 500"},
		{"deletes refused", "table.delete.behavior=disable", "7 Lyon 1 500"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, stock, tc.options)
			require.Equal(t, "7 null 3 1000", w.upsert(w.session(Write{}), "7", null, "3", "1000"))
			s := w.session(overwrite)
			require.Equal(t, tc.want, w.upsert(s, "7", "Lyon", "1", "500"))
			require.Equal(t, "none", w.delete(s))
		})
	}
	t.Run("some columns", func(t *testing.T) {
		w := newWorld(t, stock, "table.merge-engine=aggregation", "fields.n.agg=sum")
		require.Equal(t, "7 Lyon 3 1000", w.upsert(w.session(Write{}), "7", "Lyon", "3", "1000"))
		s := w.session(Write{Targets: w.targets("k", "n"), Mode: overwrite.Mode})
		require.Equal(t, "7 Lyon 2 1000", w.upsert(s, "7", null, "2", null))
		require.Equal(t, "7 Lyon null 1000", w.upsert(s, "7", null, null, null))
	})
}

func TestDeletes(t *testing.T) {
	for _, tc := range []struct {
		name, engine, behavior, want string
	}{
		{"allow", "none", "allow", "none"},
		{"ignore", "none", "ignore", "keep"},
		{"disable", "none", "disable", "DELETION_DISABLED"},
		{"by default of an aggregation", "aggregation", "", "keep"},
		{"of an aggregation", "aggregation", "allow", "none"},
		{"disable of a first row", "first_row", "disable", "DELETION_DISABLED"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			options := []string{"table.merge-engine=" + tc.engine}
			if tc.behavior != "" {
				options = append(options, "table.delete.behavior="+tc.behavior)
			}
			w := newWorld(t, stock, options...)
			s := w.session(Write{})
			if got := w.delete(s); tc.want == "DELETION_DISABLED" {
				require.Contains(t, got, tc.want)
				require.Contains(t, got, "shop.t refuses deletes")
			} else {
				require.Equal(t, "keep", got)
			}
			w.upsert(s, "7", "Lyon", "3", "1000")
			require.Contains(t, w.delete(s), tc.want)
		})
	}
}

func TestDeletesOfSomeColumns(t *testing.T) {
	for _, engine := range []string{"none", "aggregation"} {
		t.Run(engine, func(t *testing.T) {
			w := newWorld(t, stock, "table.merge-engine="+engine, "table.delete.behavior=allow")
			w.upsert(w.session(Write{}), "7", "Lyon", "3", "1000")
			n, rest := w.session(Write{Targets: w.targets("n")}), w.session(Write{Targets: w.targets("k", "shop", "seen")})
			require.Equal(t, "7 Lyon null 1000", w.delete(n))
			require.Equal(t, "keep", w.delete(n), "it is null already")
			require.Equal(t, "keep", w.delete(w.session(Write{Targets: []int{}})), "a column that was dropped meanwhile")
			require.Equal(t, "none", w.delete(rest), "nothing else is left")
			require.Equal(t, "keep", w.delete(rest))
		})
	}
	w := newWorld(t, "k INT NOT NULL, a INT NOT NULL, b INT")
	w.upsert(w.session(Write{}), "1", "2", "3")
	s := w.session(Write{Targets: w.targets("k", "a")})
	require.Contains(t, w.delete(s), `column "a" is NOT NULL`)
	require.Equal(t, "1 2 null", w.delete(w.session(Write{Targets: w.targets("b")})))
	require.Equal(t, "none", w.delete(s), "the row goes, so that nothing is null")
}

func TestNotNull(t *testing.T) {
	for _, engine := range []string{"none", "first_row", "aggregation"} {
		w := newWorld(t, "k INT NOT NULL, a INT NOT NULL, b INT", "table.merge-engine="+engine)
		for _, mode := range []flussv1.MergeMode{1, 2} {
			_, _, err := w.session(Write{Mode: mode}).Upsert(nil, nil, w.encode("1", null, "3"))
			require.Equal(t, errcode.InvalidBatch, errcode.Of(err))
			require.ErrorContains(t, err, `column "a" is NOT NULL and null`)
			require.Equal(t, "a", errcode.From(err).Facts["column"])
		}
		_, _, err := w.session(Write{}).Upsert(nil, nil, w.encode(null, "2", "3"))
		require.ErrorContains(t, err, `column "k" is NOT NULL and null`)
	}
	w := newWorld(t, "k INT NOT NULL, a INT NOT NULL, b INT")
	w.upsert(w.session(Write{}), "1", "2", "3")
	require.Equal(t, "1 2 4", w.upsert(w.session(Write{Targets: w.targets("k", "b")}), "1", null, "4"), "a is not written")
}

func TestInsertAbsent(t *testing.T) {
	for _, engine := range []string{"none", "first_row", "aggregation"} {
		w := newWorld(t, stock, "table.merge-engine="+engine)
		s := w.session(Write{})
		out, o, err := s.InsertAbsent(nil, nil, w.encode("7", null, null, null))
		require.Equal(t, "7 null null null", w.apply(out, o, err))
		out, o, err = s.InsertAbsent(nil, w.row, w.encode("7", "x", null, null))
		require.Equal(t, "keep", w.apply(out, o, err))
	}
	w := newWorld(t, "k INT NOT NULL, a INT NOT NULL")
	_, _, err := w.session(Write{}).InsertAbsent(nil, nil, w.encode("1", null))
	require.ErrorContains(t, err, `column "a" is NOT NULL and null`)
}
