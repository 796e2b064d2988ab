package rowio

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/errcode"
)

func TestFirstAndProject(t *testing.T) {
	s, err := OneRow(columns(t, "a INT, b STRING, c BIGINT"), []string{"1", "x", "3"})
	require.NoError(t, err)
	rec, err := s.Next()
	require.NoError(t, err)

	front := First(rec, "c")
	defer front.Release()
	require.Equal(t, []string{"c", "a", "b"}, []string{front.ColumnName(0), front.ColumnName(1), front.ColumnName(2)})
	require.Equal(t, "3", front.Column(0).ValueStr(0))
	require.Equal(t, "x", front.Column(2).ValueStr(0))
	require.True(t, FirstField(rec.Schema(), "c").Equal(front.Schema()))
	for _, same := range []string{"a", "missing"} {
		r := First(rec, same)
		require.True(t, rec.Schema().Equal(r.Schema()))
		require.True(t, rec.Schema().Equal(FirstField(rec.Schema(), same)))
		r.Release()
	}

	cut, missing := Project(rec, []string{"b", "a"})
	require.Empty(t, missing)
	defer cut.Release()
	require.EqualValues(t, 2, cut.NumCols())
	require.Equal(t, "x", cut.Column(0).ValueStr(0))
	_, missing = Project(rec, []string{"a", "d", "e"})
	require.Equal(t, "d", missing)
}

func TestOneRow(t *testing.T) {
	s, err := OneRow(columns(t, "k BIGINT NOT NULL, day DATE NOT NULL, raw BYTES NOT NULL, name STRING NOT NULL"),
		[]string{"-9007199254740993", "2026-11-22", "AAEC", ""})
	require.NoError(t, err)
	out, err := readAll(t, s)
	require.NoError(t, err)
	require.Equal(t, `{"k":-9007199254740993,"day":"2026-11-22","raw":"AAEC","name":""}`+"\n", out)

	for _, tc := range []struct{ column, text string }{{"INT", "seven"}, {"INT", ""}, {"TINYINT", "300"}, {"DATE", "soon"}, {"DECIMAL(4, 2)", "1.234"}} {
		_, err := OneRow(columns(t, "k "+tc.column+" NOT NULL"), []string{tc.text})
		require.Error(t, err, tc)
		e := errcode.From(err)
		require.Equal(t, errcode.InvalidBatch, e.Code)
		require.Contains(t, e.Message, "k")
		require.NotContains(t, e.Message, "row 1")
	}
}
