// Package iceberg keeps Fluss tables as Apache Iceberg tables: schemas by field id,
// Parquet data files, deletion vectors, and commits that say up to which offsets the lake
// has the log. It is the only one, with its own sub-packages, that knows iceberg-go, of
// which it uses metadata, manifests, row deltas and deletion vectors: never its filtered
// deletes, overwrites and scans, which lose rows.
package iceberg
