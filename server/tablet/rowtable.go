package tablet

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/keys"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/proto/table"
	"github.com/fluss-go/fluss/server/merge"
	"github.com/fluss-go/fluss/server/row"
)

// rowTable is a primary-key table compiled for merging, for one version of its
// descriptor. Only apply uses it.
type rowTable struct {
	info    *table.Info
	format  *row.Format // of the newest schema
	formats map[ids.SchemaID]*row.Format
	merger  *merge.Merger
	image   table.ChangelogImage

	// changes makes the log's batches of what collector has.
	changes   *batch.Encoder
	collector *row.Collector

	// autoIncrement is the column that is numbered, -1 when none is.
	autoIncrement int
	increment     increment
	builder       *row.Builder

	plans map[string]*upsertPlan
}

// upsertPlan is how batches of one form are read.
type upsertPlan struct {
	layout  *batch.Layout
	keys    *keys.KeyEncoder
	encoder *row.Encoder
	session *merge.Session
	absent  bool
	// names are what the batch calls the columns of the primary key, for people.
	names []string
}

func newRowTable(info *table.Info) (*rowTable, error) {
	s := info.Schema()
	t := &rowTable{
		info: info, format: row.NewFormat(s), formats: map[ids.SchemaID]*row.Format{}, image: info.Options.ChangelogImage,
		changes:       batch.NewEncoder(batch.NewLayout(s.Columns).WithChangeTypes(), encoding(&info.Options)),
		collector:     row.NewChangeCollector(s.Columns),
		autoIncrement: -1, plans: map[string]*upsertPlan{},
	}
	for _, id := range info.SchemaIDs() {
		old, _ := info.SchemaByID(id)
		t.formats[id] = row.NewFormat(old)
	}
	t.formats[s.ID] = t.format
	t.builder = t.format.NewBuilder()
	if name, ok := info.Descriptor.AutoIncrement(); ok {
		t.autoIncrement, _ = s.Index(name)
		t.increment = increment{
			stride: info.Options.AutoIncrementCache, buckets: int64(info.Descriptor.BucketCount),
			kind: s.Columns[t.autoIncrement].Type.Kind, column: name,
		}
	}
	var err error
	t.merger, err = merge.New(info, t.format)
	return t, err
}

func encoding(o *table.Options) batch.EncoderOptions {
	out := batch.EncoderOptions{Level: o.LogZSTDLevel}
	switch o.LogCompression {
	case table.ZSTD:
		out.Codec = batch.Zstd
	case table.LZ4Frame:
		out.Codec = batch.LZ4Frame
	case table.NoneCompression:
		out.Codec = batch.None
	}
	return out
}

// maxPlans bounds the plans that are kept; past it they are made anew.
const maxPlans = 256

// plan returns how u's batch is read. It fails with what the writer got wrong.
func (t *rowTable) plan(u *Upsert, h *batch.Header) (*upsertPlan, error) {
	key := binary.LittleEndian.AppendUint32(nil, uint32(h.SchemaID))
	key = append(key, h.Flags, byte(u.Kind), byte(u.Mode))
	for _, id := range u.Targets {
		key = binary.LittleEndian.AppendUint32(key, uint32(id))
	}
	if p, ok := t.plans[string(key)]; ok {
		return p, nil
	}
	p, err := t.newPlan(u, h)
	if err != nil {
		return nil, err
	}
	if len(t.plans) >= maxPlans {
		clear(t.plans)
	}
	t.plans[string(key)] = p
	return p, nil
}

func (t *rowTable) newPlan(u *Upsert, h *batch.Header) (*upsertPlan, error) {
	s, ok := t.info.SchemaByID(h.SchemaID)
	if !ok {
		return nil, errcode.New(errcode.UnknownSchema, nil, "table %s has no schema %d; ask for metadata again", t.info.Path, h.SchemaID)
	}
	fields, write, err := t.shape(u, s)
	if err != nil {
		return nil, err
	}
	p := &upsertPlan{layout: batch.NewLayout(fields), absent: u.Kind == InsertAbsent}
	if h.Flags&batch.FlagChangeTypes != 0 {
		p.layout = p.layout.WithChangeTypes()
	}
	physical, err := t.namesIn(s, t.info.Descriptor.PhysicalKey())
	if err != nil {
		return nil, err
	}
	if p.names, err = t.namesIn(s, t.format.Schema().PrimaryKey); err != nil {
		return nil, err
	}
	if p.keys, err = keys.NewKeyEncoder(fields, physical); err != nil {
		return nil, err
	}
	if p.encoder, err = t.format.NewEncoder(fields); err != nil {
		return nil, err
	}
	p.session, err = t.merger.NewSession(write)
	return p, err
}

// shape returns the columns of u's batch, of schema s, and what it writes.
func (t *rowTable) shape(u *Upsert, s *schema.Schema) ([]schema.Field, merge.Write, error) {
	write := merge.Write{Mode: u.Mode}
	if u.Kind == DeleteKeys {
		if len(u.Targets) > 0 {
			if err := t.info.CheckDeleteTargets(s, u.Targets); err != nil {
				return nil, write, err
			}
			write.Targets = t.columns(u.Targets)
		}
		return t.info.KeyFields(s), write, nil
	}
	targets := u.Targets
	if u.Kind == InsertAbsent {
		fields := make([]schema.Field, 0, len(targets))
		for _, id := range targets {
			i, ok := s.IndexByID(id)
			if !ok {
				return nil, write, errcode.New(errcode.UnknownColumn, nil, "table %s has no column with the id %d", t.info.Path, id)
			}
			fields = append(fields, s.Columns[i])
		}
		return fields, write, nil
	}
	fields, err := t.info.WriteFields(s, targets)
	if err != nil {
		return nil, write, err
	}
	if len(targets) > 0 {
		write.Targets = t.columns(targets)
	}
	return fields, write, nil
}

// columns returns the places in the newest schema of the columns with the ids;
// those that were dropped have none. It is never nil.
func (t *rowTable) columns(targets []ids.FieldID) []int {
	out := make([]int, 0, len(targets))
	for _, id := range targets {
		if i, ok := t.format.Schema().IndexByID(id); ok {
			out = append(out, i)
		}
	}
	slices.Sort(out)
	return out
}

// namesIn returns the names in s, an older schema maybe, of columns of the key.
func (t *rowTable) namesIn(s *schema.Schema, newNames []string) ([]string, error) {
	newest := t.format.Schema()
	var out []string
	for _, name := range newNames {
		i, _ := newest.Index(name)
		j, ok := s.IndexByID(newest.Columns[i].ID)
		if !ok {
			return nil, errcode.New(errcode.UnknownSchema, nil, "schema %d of table %s lacks the key column %q", s.ID, t.info.Path, name)
		}
		out = append(out, s.Columns[j].Name)
	}
	return out, nil
}

// upgrade returns r in the newest format: r itself, or what it wrote to scratch.
func (t *rowTable) upgrade(scratch *[]byte, r []byte) ([]byte, error) {
	id, err := row.SchemaID(r)
	if err != nil {
		return nil, err
	}
	if id == t.format.Schema().ID {
		return r, t.format.Check(r)
	}
	from, ok := t.formats[id]
	if !ok {
		return nil, errcode.New(errcode.Corrupt, nil, "a row of table %s has the schema %d, which the table lacks", t.info.Path, id)
	}
	*scratch, err = t.format.Upgrade((*scratch)[:0], from, r)
	return *scratch, err
}

// increment gives out the values of an auto-increment column. Each bucket takes
// ranges of stride values of its own: the first bucket the 1st, the second the
// 2nd, and when one is used up the bucket takes that number of buckets further on.
type increment struct {
	stride, buckets int64
	bucket          int64
	kind            schema.Kind
	column          string
}

// next returns the value after last, the first one when last is 0.
func (n *increment) next(last int64) (int64, error) {
	limit := int64(math.MaxInt64)
	if n.kind == schema.Int {
		limit = math.MaxInt32
	}
	next := last + 1
	switch {
	case last == 0:
		next = n.bucket*n.stride + 1
	case last%n.stride == 0: // the last one of its range
		if next = last + (n.buckets-1)*n.stride + 1; next < last {
			next = math.MinInt64
		}
	}
	if next <= 0 || next > limit {
		return 0, errcode.New(errcode.LimitExceeded, nil,
			"the auto-increment column %q has given out all values of its type %s", n.column, n.kind).With("limit", limit)
	}
	return next, nil
}

// value is v in the form of a row's value.
func (n *increment) value(v int64) []byte {
	if n.kind == schema.Int {
		return binary.LittleEndian.AppendUint32(nil, uint32(int32(v)))
	}
	return binary.LittleEndian.AppendUint64(nil, uint64(v))
}
