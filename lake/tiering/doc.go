// Package tiering copies what the log of a table has beyond the lake into the lake: a
// round reads a range of every bucket, writes data files, and commits them with the
// offsets that the lake has from then on. The lake is the truth about what was tiered:
// a round that broke, wherever it was, leaves files that nobody knows, and the next
// one begins where the newest commit says.
//
// Of a primary-key table the lake has the rows as they are. A round folds its range
// to the last change of each key, and finds the rows that these replace by reading the
// key columns of the bucket's files: no index has to be kept or mended, and the
// memory of a round is bounded by its changes, not by the table. It costs reading the
// keys of the buckets that changed, once a round.
package tiering
