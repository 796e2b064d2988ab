// Package merge decides what a write makes of the row that a primary-key table has
// under the key: the table's merge engine, its delete behavior, and what partial
// writes leave as it is.
//
// A Merger is compiled for one version of a table's descriptor. A Session has the
// memory for the batches of one form: the columns that they write and the merge
// mode. Rows are those of server/row, old and written ones both of the newest
// schema's format; whoever calls lifts older rows to it and makes sure that rows
// are whole (row.Format.Check).
//
// Everything is deterministic, to the byte: every replica merges by itself, and
// all must come to the same row. Hence NaNs that come out of a sum are all alike,
// and bitmaps are united here and not by a library whose next version may choose
// other containers.
package merge
