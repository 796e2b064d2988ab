package table

import (
	"time"
)

//go:generate go run ./optiondoc -source options.go -out ../../docs/table-options.md

// Compression is how the buffers of a log's batches are compressed.
type Compression string

// The compressions.
const (
	ZSTD            Compression = "ZSTD"
	LZ4Frame        Compression = "LZ4_FRAME"
	NoneCompression Compression = "NONE"
)

// LogFormat is the form of a log's batches.
type LogFormat string

// ArrowFormat is the only log format.
const ArrowFormat LogFormat = "ARROW"

// KVFormat names the form of the rows of a primary-key table.
type KVFormat string

// The names of Apache Fluss' formats; both mean the one form that there is.
const (
	Compacted KVFormat = "COMPACTED"
	Indexed   KVFormat = "INDEXED"
)

// MergeEngine is what a primary-key table does when a key is written again.
type MergeEngine string

// The merge engines.
const (
	LastRow     MergeEngine = "NONE"
	FirstRow    MergeEngine = "FIRST_ROW"
	Versioned   MergeEngine = "VERSIONED"
	Aggregation MergeEngine = "AGGREGATION"
)

// DeleteBehavior is what a primary-key table does with deletes.
type DeleteBehavior string

// The delete behaviors.
const (
	AllowDelete   DeleteBehavior = "ALLOW"
	IgnoreDelete  DeleteBehavior = "IGNORE"
	DisableDelete DeleteBehavior = "DISABLE"
)

// ChangelogImage is what a primary-key table's changelog tells of an update.
type ChangelogImage string

// The images: FullImage has the row before and after, WALImage only after.
const (
	FullImage ChangelogImage = "FULL"
	WALImage  ChangelogImage = "WAL"
)

// LakeFormat is the format of a table's lake side.
type LakeFormat string

// Iceberg is the only lake format.
const Iceberg LakeFormat = "ICEBERG"

// Options are the `table.*` options of a table, parsed. The tags of the fields are
// what ParseOptions and docs/table-options.md go by: option is the name, default
// and range are values in the option's own text form, alterable says that ALTER
// may change it later, and unset is what the docs say instead of a default.
type Options struct {
	// ReplicationFactor is how many servers hold each bucket. It may not be more
	// than the servers of the cluster.
	ReplicationFactor int `option:"table.replication.factor" default:"1" range:"1..7"`

	// LogTTL is how long rows are kept in the log, counted from their commit;
	// rows go a whole segment at a time. 0 keeps them for ever. For a
	// primary-key table it is the age of the changelog only; rows stay.
	LogTTL time.Duration `option:"table.log.ttl" default:"7d" range:"0ms.." alterable:"true"`
	// LogRetentionSize is how large the log of one bucket may grow before its
	// oldest segments are removed, whatever their age. 0 sets no limit.
	LogRetentionSize int64 `option:"table.log.retention-size" default:"0b" range:"0b.." unit:"bytes" alterable:"true"`
	// LogSegmentSize is the size past which the active segment of a bucket is
	// closed and a new one begun. Smaller segments expire more finely and cost
	// more files.
	LogSegmentSize int64 `option:"table.log.segment-size" default:"128mb" range:"64kb..1gb" unit:"bytes" alterable:"true"`
	// LogSegmentAge is the age of its first row past which the active segment
	// of a bucket is closed, so that rows expire in time in a slow table too.
	// 0 closes segments by size only.
	LogSegmentAge time.Duration `option:"table.log.segment-age" default:"1d" range:"0ms.." alterable:"true"`
	// LogLocalTTL is how long segments stay on local disk after they were copied
	// to remote storage; it may not be longer than `table.log.ttl`.
	LogLocalTTL time.Duration `option:"table.log.local-ttl" unset:"the value of table.log.ttl" range:"0ms.." alterable:"true"`
	// LogTieredLocalSegments is how many segments of a bucket stay on local disk
	// after they were copied to remote storage.
	LogTieredLocalSegments int `option:"table.log.tiered.local-segments" default:"2" range:"1..1000000" alterable:"true"`
	// LogFormat is the form of the log's batches. Apache Fluss' COMPACTED and
	// INDEXED are refused: the log is always Arrow.
	LogFormat LogFormat `option:"table.log.format" default:"ARROW" values:"ARROW"`
	// LogCompression is how each column of a batch is compressed, by the writer.
	// Reading a few columns decompresses only those.
	LogCompression Compression `option:"table.log.arrow.compression.type" default:"ZSTD" values:"ZSTD,LZ4_FRAME,NONE"`
	// LogZSTDLevel is the effort of ZSTD. Level 1 of the library in use comes
	// close to the size that level 3 gives, at half the CPU time.
	LogZSTDLevel int `option:"table.log.arrow.compression.zstd.level" default:"1" range:"1..22"`

	// KVFormat is accepted so that descriptors of Apache Fluss work: rows have
	// one form, whatever it says.
	KVFormat KVFormat `option:"table.kv.format" default:"COMPACTED" values:"COMPACTED,INDEXED"`
	// KVFormatVersion is accepted so that descriptors of Apache Fluss work: keys
	// have one form, whatever it says.
	KVFormatVersion int `option:"table.kv.format-version" default:"2" range:"1..2"`
	// KVStandby is accepted so that descriptors of Apache Fluss work: every
	// replica holds the rows, and may take over, whatever it says.
	KVStandby bool `option:"table.kv.standby-replica.enabled" default:"true" alterable:"true"`

	// AutoPartition makes the server create the partitions of the present and
	// the near future, and drop old ones. The table must be partitioned.
	AutoPartition bool `option:"table.auto-partition.enabled" default:"false" alterable:"true"`
	// AutoPartitionKey is the partition column that holds the time. It must be
	// given when there are several partition columns; then partitions are only
	// dropped, not created.
	AutoPartitionKey string `option:"table.auto-partition.key" unset:"the only partition column"`
	// AutoPartitionUnit is how long a partition lasts.
	AutoPartitionUnit TimeUnit `option:"table.auto-partition.time-unit" default:"DAY" values:"HOUR,DAY,MONTH,QUARTER,YEAR"`
	// AutoPartitionFormat is how a partition's time is written: yyyy, MM, dd, HH
	// and Q for the quarter, from the largest to the smallest down to the time
	// unit, with '-' or '_' between. While it is set it also binds partitions
	// that are made by hand or by writers. A DATE column needs yyyy-MM-dd.
	AutoPartitionFormat string `option:"table.auto-partition.time-format" unset:"by unit: yyyyMMddHH, yyyyMMdd, yyyyMM, yyyyQ, yyyy; yyyy-MM-dd for a DATE column"`
	// AutoPartitionZone is the time zone in which a partition begins and ends, by
	// its IANA name, such as Europe/Berlin, or as an offset such as +02:00.
	AutoPartitionZone string `option:"table.auto-partition.time-zone" default:"UTC"`
	// AutoPartitionPrecreate is how many partitions there are from the present
	// one on: 2 is the present and the next one. With several partition columns
	// it must be 0.
	AutoPartitionPrecreate int `option:"table.auto-partition.num-precreate" default:"2" range:"0..1000" alterable:"true"`
	// AutoPartitionRetention is how many partitions before the present one are
	// kept. -1 keeps all.
	AutoPartitionRetention int `option:"table.auto-partition.num-retention" default:"7" range:"-1..1000000" alterable:"true"`

	// MergeEngine says which row stays when a key is written again: NONE the
	// last one, FIRST_ROW the first, VERSIONED the one with the highest version,
	// AGGREGATION a row aggregated column by column, as the custom properties
	// `fields.<column>.agg` say. FIRST_ROW and VERSIONED take whole rows only.
	// Primary-key tables only.
	MergeEngine MergeEngine `option:"table.merge-engine" default:"NONE" values:"NONE,FIRST_ROW,VERSIONED,AGGREGATION"`
	// MergeVersionColumn is the column with the version of a row for the merge
	// engine VERSIONED: INT, BIGINT, TIMESTAMP or TIMESTAMP_LTZ.
	MergeVersionColumn string `option:"table.merge-engine.versioned.ver-column" unset:"none"`
	// DeleteBehavior says what becomes of deletes: ALLOW does them, IGNORE drops
	// them, DISABLE fails them. Primary-key tables only; ALLOW is refused with
	// the merge engines FIRST_ROW and VERSIONED. Writes in the mode OVERWRITE
	// delete whatever it says.
	DeleteBehavior DeleteBehavior `option:"table.delete.behavior" unset:"ALLOW; IGNORE with a merge engine" values:"ALLOW,IGNORE,DISABLE"`
	// ChangelogImage says what the changelog tells of an update: FULL the row
	// before and after, WAL only the row after. Primary-key tables only; the
	// merge engine AGGREGATION needs FULL.
	ChangelogImage ChangelogImage `option:"table.changelog.image" default:"FULL" values:"FULL,WAL"`
	// AutoIncrementCache is how many values of an auto-increment column a bucket
	// reserves at a time. Those of all buckets must fit the column's type.
	AutoIncrementCache int64 `option:"table.auto-increment.cache-size" default:"100000" range:"1..1000000000"`

	// StatisticsColumns is accepted so that descriptors of Apache Fluss work:
	// statistics are always kept for every column. The columns must exist.
	StatisticsColumns []string `option:"table.statistics.columns" unset:"all columns (*)" alterable:"true"`

	// LakeEnabled makes the server keep a copy of the table in the lake.
	LakeEnabled bool `option:"table.datalake.enabled" default:"false" alterable:"true"`
	// LakeFormat is the format of the copy in the lake.
	LakeFormat LakeFormat `option:"table.datalake.format" default:"ICEBERG" values:"ICEBERG"`
	// LakeFreshness is how far the copy in the lake may lag behind.
	LakeFreshness time.Duration `option:"table.datalake.freshness" default:"3min" range:"1s.." alterable:"true"`
	// LakeAutoCompaction makes the server rewrite small files of the lake copy.
	LakeAutoCompaction bool `option:"table.datalake.auto-compaction" default:"false" alterable:"true"`
	// LakeAutoExpire makes the server drop old snapshots of the lake copy.
	LakeAutoExpire bool `option:"table.datalake.auto-expire-snapshot" default:"false" alterable:"true"`
}
