// Package iceberg keeps Fluss tables as Apache Iceberg tables: schema mapping by field id,
// Parquet data files, deletion vectors, and commits that say up to which offsets the lake
// has the log.
package iceberg

import _ "github.com/apache/iceberg-go" // the fence: no other package of this project imports it
