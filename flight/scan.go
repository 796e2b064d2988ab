package flight

import (
	"context"
	"slices"
	"strings"

	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"

	"github.com/fluss-go/fluss/flight/filter"
	"github.com/fluss-go/fluss/flight/project"
	"github.com/fluss-go/fluss/flight/ticket"
	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/proto/table"
)

// scan is a scan request checked against its table.
type scan struct {
	request *flussv1.ScanRequest
	table   *Table
	out     *project.Output
	filter  *filter.Filter
	// partitions are those asked for; one with the id 0 when the table has none.
	partitions []Partition
	// buckets are the numbers asked for, ascending.
	buckets []ids.BucketID
	starts  map[bucketKey]bucketStart
	// rows is set when the scan begins with the rows of a primary-key table as
	// they are now.
	rows *rowsPlan
}

// bucketStart is where one bucket is to start: at offset, unless resume tells
// that not all rows were read.
type bucketStart struct {
	offset ids.Offset
	resume *ticket.Resume
}

type bucketKey struct {
	partition ids.PartitionID
	bucket    ids.BucketID
}

// resolve checks a request against the table as it is now.
func (s *Service) resolve(ctx context.Context, r *flussv1.ScanRequest) (*scan, error) {
	path, err := table.PathFromProto(r.GetPath())
	if err != nil {
		return nil, err
	}
	t, err := s.source.Table(ctx, path)
	if err != nil {
		return nil, err
	}
	if id := ids.TableID(r.GetTableId()); id != 0 && id != t.Info.ID {
		return nil, errcode.New(errcode.UnknownTable, nil, "table %s was dropped and created again: the one with id %d is gone", path, id)
	}
	if err := checkWhat(r.GetWhat(), t.Info); err != nil {
		return nil, err
	}
	sc := &scan{request: r, table: t}
	target, err := targetSchema(t.Info, ids.SchemaID(r.GetSchemaId()))
	if err != nil {
		return nil, err
	}
	output := project.NewOutput
	if r.GetWhat() == flussv1.ScanWhat_SCAN_WHAT_BINLOG {
		output = project.NewBinlog
	}
	if sc.out, err = output(target, r.GetProjection(), r.GetSystemColumns()); err != nil {
		return nil, err
	}
	if r.GetFilter() != "" {
		if sc.filter, err = filter.Parse(r.GetFilter(), target.Columns); err != nil {
			return nil, err
		}
	}
	if sc.partitions, err = sc.pickPartitions(t); err != nil {
		return nil, err
	}
	if err := sc.pickBuckets(); err != nil {
		return nil, err
	}
	if err := sc.planRows(); err != nil {
		return nil, err
	}
	return sc, sc.checkFilter()
}

// checkFilter refuses a filter that would have readers of changes go wrong: without
// the rows before updates, a row that a change takes out of the filter would stay.
func (sc *scan) checkFilter() error {
	info := sc.table.Info
	if sc.filter == nil || !isKeyed(info) || info.Options.ChangelogImage != table.WALImage || !sc.readsChanges() {
		return nil
	}
	key := info.Schema().PrimaryKey
	for _, i := range sc.filter.Columns() {
		if name := sc.out.Target().Columns[i].Name; !slices.Contains(key, name) {
			return errcode.New(errcode.InvalidFilter, nil,
				"%s is none of the primary key (%s): the changes of table %s, whose table.changelog.image is WAL, can be filtered by these only, since they do not tell which rows leave the filter; read all changes, or the rows as they are now",
				name, strings.Join(key, ", "), info.Path)
		}
	}
	return nil
}

// readsChanges reports whether the scan is about changes, at its end or altogether.
func (sc *scan) readsChanges() bool {
	return sc.request.GetFollow() || !slices.ContainsFunc(sc.refs(), sc.begins)
}

func checkWhat(what flussv1.ScanWhat, info *table.Info) error {
	switch what {
	case flussv1.ScanWhat_SCAN_WHAT_UNSPECIFIED, flussv1.ScanWhat_SCAN_WHAT_ROWS, flussv1.ScanWhat_SCAN_WHAT_CHANGELOG:
		return nil
	case flussv1.ScanWhat_SCAN_WHAT_LAKE:
		return errcode.New(errcode.Unsupported, nil, "this server has no lake to read from: ask for rows")
	case flussv1.ScanWhat_SCAN_WHAT_BINLOG:
		if !isKeyed(info) {
			return errcode.New(errcode.NotPrimaryKeyTable, nil, "table %s has no primary key and so no binlog: ask for rows", info.Path)
		}
		return nil
	}
	return errcode.New(errcode.Unsupported, nil, "a scan of the kind %d is not known to this server", what)
}

// isKeyed reports whether the table has a primary key.
func isKeyed(info *table.Info) bool { return len(info.Schema().PrimaryKey) > 0 }

func targetSchema(info *table.Info, id ids.SchemaID) (*schema.Schema, error) {
	if id == 0 {
		return info.Schema(), nil
	}
	if sch, ok := info.SchemaByID(id); ok {
		return sch, nil
	}
	return nil, errcode.New(errcode.UnknownSchema, nil, "table %s has no schema version %d: the newest is %d", info.Path, id, info.Schema().ID)
}

// pickPartitions returns the partitions of t that the request asks for.
func (sc *scan) pickPartitions(t *Table) ([]Partition, error) {
	names := sc.request.GetPartitions()
	if len(t.Info.Descriptor.PartitionKeys) == 0 {
		if len(names) > 0 {
			return nil, errcode.New(errcode.InvalidPartition, nil, "table %s is not partitioned: leave the partitions out", t.Info.Path)
		}
		return []Partition{{}}, nil
	}
	if len(names) == 0 {
		return t.Partitions, nil
	}
	var picked []Partition
	for _, name := range names {
		canonical := t.Info.Descriptor.CanonicalPartitionName(name)
		i := slices.IndexFunc(t.Partitions, func(p Partition) bool { return p.Name == canonical })
		if i < 0 {
			return nil, errcode.New(errcode.UnknownPartition, nil, "table %s has no partition %q", t.Info.Path, name)
		}
		if !slices.Contains(picked, t.Partitions[i]) {
			picked = append(picked, t.Partitions[i])
		}
	}
	return picked, nil
}

func (sc *scan) pickBuckets() error {
	count := sc.table.Info.Descriptor.BucketCount
	known := func(b int32) error {
		if b >= 0 && int(b) < count {
			return nil
		}
		return errcode.New(errcode.UnknownBucket, nil, "table %s has no bucket %d: it has the buckets 0 to %d", sc.table.Info.Path, b, count-1)
	}
	for _, b := range sc.request.GetBuckets() {
		if err := known(b); err != nil {
			return err
		}
		sc.buckets = append(sc.buckets, ids.BucketID(b))
	}
	slices.Sort(sc.buckets)
	sc.buckets = slices.Compact(sc.buckets)
	if len(sc.buckets) == 0 {
		for b := range count {
			sc.buckets = append(sc.buckets, ids.BucketID(b))
		}
	}
	sc.starts = map[bucketKey]bucketStart{}
	for _, st := range sc.request.GetBucketStarts() {
		if err := known(st.GetBucket()); err != nil {
			return err
		}
		start, err := sc.start(st)
		if err != nil {
			return err
		}
		sc.starts[bucketKey{ids.PartitionID(st.GetPartitionId()), ids.BucketID(st.GetBucket())}] = start
	}
	return nil
}

// start checks where one bucket is to start.
func (sc *scan) start(st *flussv1.BucketStart) (bucketStart, error) {
	if len(st.GetResume()) == 0 {
		if st.GetOffset() < 0 {
			return bucketStart{}, errcode.New(errcode.InvalidTicket, nil, "bucket %d is to start at offset %d: it must not be negative", st.GetBucket(), st.GetOffset())
		}
		return bucketStart{offset: ids.Offset(st.GetOffset())}, nil
	}
	what := sc.request.GetWhat()
	if !isKeyed(sc.table.Info) || what != flussv1.ScanWhat_SCAN_WHAT_UNSPECIFIED && what != flussv1.ScanWhat_SCAN_WHAT_ROWS {
		return bucketStart{}, errcode.New(errcode.InvalidTicket, nil, "bucket %d is to go on with a resume token: only scans of the rows of a primary-key table do, others with an offset", st.GetBucket())
	}
	resume, err := ticket.ParseResume(st.GetResume())
	if err != nil {
		return bucketStart{}, err
	}
	partition := ids.PartitionID(st.GetPartitionId())
	if err := resume.Of(ids.Bucket{Table: sc.table.Info.ID, Partition: partition, Bucket: ids.BucketID(st.GetBucket())}); err != nil {
		return bucketStart{}, err
	}
	if !slices.ContainsFunc(sc.partitions, func(p Partition) bool { return p.ID == partition }) {
		return bucketStart{}, errcode.New(errcode.UnknownPartition, nil, "a resume token is of the partition with id %d, which is not read or is gone", partition)
	}
	return bucketStart{offset: resume.Position, resume: resume}, nil
}

// refs returns the buckets to read, those of one number after each other's partitions.
func (sc *scan) refs() []ids.Bucket {
	var out []ids.Bucket
	for _, p := range sc.partitions {
		for _, b := range sc.buckets {
			out = append(out, ids.Bucket{Table: sc.table.Info.ID, Partition: p.ID, Bucket: b})
		}
	}
	return out
}

// bounds returns the rows [start, stop) that the scan wants of a bucket. A scan
// that follows ignores stop.
//
// An offset given for one bucket must be in its log, so that a reader that lost
// rows to retention learns it. One given for several is moved into each log.
func (sc *scan) bounds(ctx context.Context, b ids.Bucket, log Log) (start, stop ids.Offset, err error) {
	high := log.HighWatermark()
	stop = high
	if !sc.request.GetFollow() && sc.request.GetStop() != nil {
		if stop, err = place(ctx, log, high, sc.request.GetStop(), high); err != nil {
			return 0, 0, err
		}
		stop = min(stop, high)
	}
	first := log.Start()
	given, exact := sc.starts[keyOf(b)]
	start = given.offset
	if !exact {
		if start, err = place(ctx, log, high, sc.request.GetStart(), first); err != nil {
			return 0, 0, err
		}
		_, exact = sc.request.GetStart().GetSpec().(*flussv1.OffsetSpec_Offset)
		exact = exact && len(sc.buckets) == 1 && len(sc.partitions) == 1
	}
	if exact && (start < first || start > high) {
		return 0, 0, errcode.New(errcode.OffsetOutOfRange, nil, "offset %d of bucket %d of table %s is not there: its log has [%d, %d)",
			start, b.Bucket, sc.table.Info.Path, first, high).
			With("start", int64(first)).With("end", int64(high))
	}
	return max(start, first), stop, nil
}

// place returns the offset that spec means, otherwise when it is absent.
func place(ctx context.Context, log Log, high ids.Offset, spec *flussv1.OffsetSpec, otherwise ids.Offset) (ids.Offset, error) {
	switch at := spec.GetSpec().(type) {
	case *flussv1.OffsetSpec_Earliest:
		return log.Start(), nil
	case *flussv1.OffsetSpec_Latest:
		return high, nil
	case *flussv1.OffsetSpec_TimestampMs:
		return log.OffsetAt(ctx, at.TimestampMs)
	case *flussv1.OffsetSpec_Offset:
		if at.Offset < 0 {
			return 0, errcode.New(errcode.InvalidTicket, nil, "offset %d: it must not be negative", at.Offset)
		}
		return ids.Offset(at.Offset), nil
	}
	return otherwise, nil
}
