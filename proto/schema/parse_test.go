package schema

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fluss-go/fluss/proto/errcode"
)

func requireCode(t *testing.T, err error, code errcode.Code) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, code, errcode.Of(err), err.Error())
}

// canonicalTypes has one for every kind; they seed the fuzzer.
var canonicalTypes = []string{
	"BOOLEAN", "TINYINT", "SMALLINT", "INT", "BIGINT", "FLOAT", "DOUBLE", "CHAR(3)", "STRING", "DECIMAL(15, 2)", "DATE",
	"TIME(0)", "TIME(9)", "TIMESTAMP(6)", "TIMESTAMP_LTZ(3)", "BINARY(16)", "BYTES", "ARRAY<INT>", "MAP<STRING NOT NULL, DOUBLE>",
	"ROW<a INT, b ARRAY<STRING>>", "DECIMAL(15, 2) NOT NULL", "ROW<`a b` INT NOT NULL COMMENT 'it''s', ` ` INT> NOT NULL",
	"MAP<INT NOT NULL, ROW<x ARRAY<ARRAY<BYTES NOT NULL> NOT NULL>>>",
}

// The vectors are read by Java too: SQL text, and the text that String writes.
func TestParseTypeVectors(t *testing.T) {
	bytes, err := os.ReadFile("testdata/types.json")
	require.NoError(t, err)
	var vectors []struct{ Text, Canonical string }
	require.NoError(t, json.Unmarshal(bytes, &vectors))
	require.NotEmpty(t, vectors)
	for _, v := range vectors {
		got, err := ParseType(v.Text)
		require.NoError(t, err, v.Text)
		require.Equal(t, v.Canonical, got.String(), v.Text)
	}
}

func TestParseTypeErrorsTellPlaceAndWhatIsExpected(t *testing.T) {
	for _, tc := range []struct{ name, text, want, position string }{
		{"empty", "", "expected a type such as INT or STRING, found the end", "1"},
		{"misspelt", "BIGIMT", `unknown type "BIGIMT"; did you mean "BIGINT"?`, "1"},
		{"far off", "geometry_of_everything", `unknown type "geometry_of_everything"; the types are BOOLEAN`, "1"},
		{"precision", "DECIMAL(39, 1)", "the precision of DECIMAL must be 1 to 38, not 39", "1"},
		{"scale", "DECIMAL(5, 6)", "the scale of DECIMAL(5, s) must be 0 to 5, not 6", "1"},
		{"no length", "CHAR(0)", "the length of CHAR must be 1", "1"},
		{"fraction", "TIMESTAMP(10)", "the precision of TIMESTAMP must be 0 to 9, not 10", "1"},
		{"huge", "CHAR(99999999999999999999)", `expected a whole number, found "99999999999999999999"`, "6"},
		{"negative", "CHAR(-1)", "unexpected character '-'", "6"},
		{"open", "ARRAY<INT", `expected ">", found the end`, "10"},
		{"array without element", "ARRAY", `expected "<" and a type, as in ARRAY<INT>`, "6"},
		{"map with one", "MAP<INT>", `expected "," and the type of the values`, "8"},
		{"empty row", "ROW<>", "expected the name of a column", "5"},
		{"not", "INT NOT", "expected NULL after NOT", "8"},
		{"rest", "INT INT", `expected NOT NULL or the end, found "INT"`, "5"},
		{"zone", "TIMESTAMP(3) WITH TIME ZONE", "only WITH LOCAL TIME ZONE is known; write TIMESTAMP_LTZ(3)", "14"},
		{"quote", "ROW<`a INT>", "the quote ` is not closed", "5"},
		{"not UTF-8", "INT\xff", "not UTF-8", "4"},
		{"position counts characters", "ROW<`äöü` IMT>", "unknown type", "11"},
		{"deep", strings.Repeat("ARRAY<", 40) + "INT" + strings.Repeat(">", 40), "nested more than 32 deep", "193"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := ParseType(tc.text)
			requireCode(t, err, errcode.InvalidSchema)
			require.ErrorContains(t, err, tc.want)
			require.Equal(t, tc.position, errcode.From(err).Facts["position"], err.Error())
		})
	}
}

func TestParseColumns(t *testing.T) {
	got, err := ParseColumns("a INT NOT NULL COMMENT 'x', b STRING,`c d` ROW<e INT> 'y', \"f\"\"\" ARRAY<INT>, comment STRING, größe DOUBLE")
	require.NoError(t, err)
	var texts []string
	for _, f := range got {
		require.Zero(t, f.ID)
		texts = append(texts, f.String())
	}
	require.Equal(t, []string{
		"a INT NOT NULL COMMENT 'x'", "b STRING", "`c d` ROW<e INT> COMMENT 'y'", "`f\"` ARRAY<INT>", "comment STRING", "größe DOUBLE",
	}, texts)
}

func TestParseColumnsErrors(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"empty", " ", "at character 2 of \" \": expected the name of a column, found the end of the text"},
		{"trailing comma", "a INT,", "expected the name of a column, found the end"},
		{"no comma", "a INT b INT", `at character 7 of "a INT b INT": expected "," or the end after the column, found "b"`},
		{"no type", "a, b INT", `at character 2 of "a, b INT": expected a type such as INT or STRING, found ","`},
		{"comment", "a INT COMMENT x", `expected a comment in single quotes, found "x"`},
		{"number as name", "1a INT", `expected the name of a column, found "1a"`},
		{"primary key", "a INT, PRIMARY KEY (a)", "the primary key is not part of the list of columns"},
		{"semicolon", "a INT;", "unexpected character ';'"},
		{"many", strings.Repeat("a INT,", MaxFields+1) + "a INT", "more than 5000 columns"},
		{"long text is cut", "a INT, " + strings.Repeat("ä", 100) + "x !", "…"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := ParseColumns(tc.text)
			requireCode(t, err, errcode.InvalidSchema)
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func FuzzParseType(f *testing.F) {
	for _, text := range canonicalTypes {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParseType(text)
		if err != nil {
			require.Equal(t, errcode.InvalidSchema, errcode.Of(err))
			return
		}
		again, err := ParseType(got.String())
		require.NoError(t, err, got.String())
		require.Equal(t, got, again)
	})
}

func FuzzParseColumns(f *testing.F) {
	f.Add("a INT NOT NULL COMMENT 'x', b STRING, `c d` ROW<e INT 'y'>")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParseColumns(text)
		if err != nil {
			require.Equal(t, errcode.InvalidSchema, errcode.Of(err))
			return
		}
		var texts []string
		for _, c := range got {
			texts = append(texts, c.String())
		}
		again, err := ParseColumns(strings.Join(texts, ", "))
		require.NoError(t, err)
		require.Equal(t, got, again)
	})
}
