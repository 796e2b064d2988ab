// Package row is the encoded row of a primary-key table: the bytes under a key.
//
// A row has the id of its schema version in front, then the null bitmap, the
// values of fixed width, where each of the others ends, and those; FORMAT.md has
// the drawing. Any column is found in O(1), so that a projected look-up touches
// only what it returns.
//
// A Format is a schema version compiled for rows. An Encoder turns Arrow records
// into rows, a Collector turns rows into Arrow records, a Builder makes single
// rows of values, and Format.Upgrade lifts a row of one schema version to another.
//
// Values, as Format.Value returns and Builder.Set takes them: BOOLEAN is a byte, 0
// or 1; integers, FLOAT, DOUBLE, DATE, TIME, TIMESTAMP and TIMESTAMP_LTZ are
// little-endian in the width of the Arrow type that schema.Type.Arrow tells;
// DECIMAL is the unscaled value in 16 bytes, little-endian, two's complement;
// CHAR, STRING, BINARY and BYTES are their bytes; ARRAY, MAP and ROW are nested
// encodings, which equal values share byte by byte.
//
// Columns of two schema versions belong together by field id. The value of a
// widened column is converted, a column that a version lacks is null.
//
// Nullability is not looked at: a row may hold a null in a NOT NULL column.
package row
