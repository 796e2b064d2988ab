package keys

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/table"
)

func TestPartitionNames(t *testing.T) {
	for _, tc := range []struct{ column, value, want string }{
		{"STRING", `"eu-west"`, "eu-west"},
		{"CHAR(3)", `"abc"`, "abc"},
		{"BOOLEAN", `true`, "true"},
		{"TINYINT", `-5`, "-5"},
		{"BIGINT", `9007199254740993`, "9007199254740993"},
		{"DOUBLE", `0.25`, "0.25"},
		{"FLOAT", `1.5`, "1.5"},
		{"FLOAT", `-0.0`, "0"},
		{"DOUBLE", `-0.0`, "0"},
		{"BYTES", `"q83v"`, "abcdef"},
		{"BINARY(2)", `"AP8="`, "00ff"},
		{"DATE", `"2026-11-22"`, "2026-11-22"},
		{"DATE", `"1969-12-31"`, "1969-12-31"},
		{"TIME(0)", `"10:00:01"`, "10:00:01"},
		{"TIME(9)", `"10:00:01.000000007"`, "10:00:01.000000007"},
		{"TIMESTAMP(0)", `"2026-11-22T10:00:00"`, "2026-11-22T10:00:00"},
		{"TIMESTAMP(1)", `"2026-11-22T10:00:00.5"`, "2026-11-22T10:00:00.5"},
		{"TIMESTAMP(3)", `"1969-12-31T23:59:59.999"`, "1969-12-31T23:59:59.999"},
		{"TIMESTAMP_LTZ(6)", `"2026-11-22T10:00:00.000001Z"`, "2026-11-22T10:00:00.000001Z"},
	} {
		t.Run(tc.column, func(t *testing.T) {
			s := schemaOf(t, "p "+tc.column+", n INT")
			rec := recordOf(t, s, `[{"p":`+tc.value+`,"n":1},{"p":`+tc.value+`,"n":2}]`)
			names, err := PartitionNames(s, []string{"p"}, rec)
			require.NoError(t, err)
			require.Equal(t, []string{tc.want, tc.want}, names)
			canonical, err := table.CanonicalValue(s.Columns[0].Type, names[0])
			require.NoError(t, err)
			require.Equal(t, tc.want, canonical, "the name is what the server makes of it")
			names, err = PartitionNames(s, []string{"n", "p"}, rec)
			require.NoError(t, err)
			require.Equal(t, []string{"1$" + tc.want, "2$" + tc.want}, names)
		})
	}
}

func TestPartitionNamesRefuse(t *testing.T) {
	for _, tc := range []struct{ name, column, value string }{
		{"null", "INT", `null`},
		{"an empty text", "STRING", `""`},
		{"a separator", "STRING", `"a$b"`},
		{"too many digits", "TIMESTAMP(4)", `"2026-11-22T10:00:00.123456"`},
		{"a list", "ARRAY<INT>", `[1]`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := schemaOf(t, "p "+tc.column)
			_, err := PartitionNames(s, []string{"p"}, recordOf(t, s, `[{"p":`+tc.value+`}]`))
			require.Equal(t, errcode.InvalidPartition, errcode.Of(err))
			require.Equal(t, "p", errcode.From(err).Facts["column"])
		})
	}
}
