package row

import (
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/schema"
)

// Collector turns rows, also of different formats, into Arrow records. It is not
// safe for concurrent use.
type Collector struct {
	want   []schema.Field
	schema *arrow.Schema
	// vecs are the columns wanted, and behind them that of change types if
	// changes is set.
	vecs    []vec
	changes bool
	// rows have been added, and there is room for capacity of them.
	rows, capacity int
	// variable is how many bytes of variable length were added, and nestedBytes
	// how many of nested values, encoded. Together they bound every offset.
	variable, nestedBytes int64
	// stride is how many bytes a row takes in buffers of fixed width and of offsets.
	stride int64
	// nested are the columns that hold others.
	nested []int
	plan   *plan
	plans  map[*Format]*plan
	// hint is the capacity that the record before had.
	hint int
}

// maxHintRows bounds the capacity that a record starts with, and maxPlans the
// plans that a collector keeps.
const (
	maxHintRows = 1<<16 - capacitySlack
	maxPlans    = 64
)

// plan is how rows of a format are added.
type plan struct {
	format *Format
	// steps are one for each column wanted.
	steps []collectStep
	// variable are the steps that read values of variable length.
	variable []int
}

type collectStep struct {
	op op
	// first: see place.first.
	first    bool
	nullMask byte
	nullAt   int
	at       int
	// node is the type in the row.
	node *node
	name string
}

// NewCollector returns a collector of records with the columns want, which are
// found in rows by field id: values of narrower types are converted, columns that
// a row's format lacks are null. Records have the Arrow types of
// schema.ArrowFields(want), as batch.Encoder takes them.
func NewCollector(want []schema.Field) *Collector {
	c := &Collector{want: want, schema: schema.ArrowFields(want), vecs: make([]vec, len(want)), plans: map[*Format]*plan{}}
	for i := range want {
		c.vecs[i] = newVec(want[i].Type)
		v := &c.vecs[i]
		switch {
		case v.hasOffsets():
			c.stride += offsetWidth
		default:
			c.stride += int64(v.stride())
		}
		if v.children != nil {
			c.nested = append(c.nested, i)
		}
	}
	return c
}

// NewChangeCollector returns a collector of changelog records, as batch.Encoder
// takes them for batch.NewLayout(want).WithChangeTypes(): behind the columns want
// they have that of change types, which AddChange fills in.
func NewChangeCollector(want []schema.Field) *Collector {
	c := NewCollector(want)
	t := schema.Field{Name: schema.ColumnChangeType, Type: schema.Of(schema.TinyInt).NotNull()}
	c.schema = schema.ArrowFields(append(want[:len(want):len(want)], t))
	c.vecs = append(c.vecs, newVec(t.Type))
	c.changes = true
	c.stride++
	return c
}

// Rows is the number of rows added.
func (c *Collector) Rows() int { return c.rows }

// Bytes is how many bytes the buffers of the record have, about: bitmaps and
// padding are estimated.
func (c *Collector) Bytes() int64 {
	total := int64(c.rows)*c.stride + c.variable + int64(c.rows/8*len(c.vecs))
	for _, i := range c.nested {
		total += c.vecs[i].bytes(0)
	}
	return total
}

// Add adds r, a row of format f, whose bytes are copied.
//
// It fails with CORRUPT(column) when r is not a row of f as far as the columns
// wanted go, with INTERNAL(column) when a type of f does not widen to that wanted,
// and with RECORD_TOO_LARGE when the record would be above 2 GiB; then nothing
// was added.
func (c *Collector) Add(f *Format, r []byte) error { return c.AddChange(f, r, batch.AppendOnly) }

// AddChange is Add of a row that changed its table so. The change type is kept by
// collectors of NewChangeCollector only.
func (c *Collector) AddChange(f *Format, r []byte, change batch.ChangeType) error {
	p := c.plan
	if p == nil || p.format != f {
		var err error
		if p, err = c.planOf(f); err != nil {
			return err
		}
	}
	if err := c.check(p, r); err != nil {
		return err
	}
	if c.rows == c.capacity {
		c.grow()
	}
	if c.changes {
		c.vecs[len(c.want)].data[c.rows] = byte(change)
	}
	c.add(p, r)
	return nil
}

// check checks what add relies on.
func (c *Collector) check(p *plan, r []byte) error {
	f := p.format
	if len(r) < len(f.blank) || le.Uint32(r) != f.head32 || le.Uint16(r[4:]) != f.head16 {
		return f.frame(r)
	}
	if size := c.variable + c.nestedBytes + int64(len(r)); size > math.MaxInt32 {
		return errcode.New(errcode.RecordTooLarge, nil, "the rows take %d bytes, the limit of a record is %d; read fewer at a time",
			size, math.MaxInt32).With("bytes", size).With("limit", math.MaxInt32)
	}
	limit := uint32(len(r) - len(f.blank))
	for _, i := range p.variable {
		s := &p.steps[i]
		from, to := uint32(0), le.Uint32(r[s.at:])
		if !s.first {
			from = le.Uint32(r[s.at-offsetWidth:])
		}
		if to < from || to > limit {
			return corruptColumn(s.name, faultOffsets)
		}
		if s.op != opBytes && r[s.nullAt]&s.nullMask == 0 {
			area := r[len(f.blank):]
			if what := s.node.checkVariable(area[from:to]); what != "" {
				return corruptColumn(s.name, "%s", what)
			}
		}
	}
	return nil
}

func (c *Collector) grow() {
	to := capacityFor(max(c.rows+1, c.hint))
	for i := range c.vecs {
		c.vecs[i].reserve(c.rows, to)
	}
	c.capacity = to
}

// add adds r, which was checked; there is room for it.
func (c *Collector) add(p *plan, r []byte) {
	row := c.rows
	vecs := c.vecs[:len(p.steps)]
	for k := range p.steps {
		s, v := &p.steps[k], &vecs[k]
		if r[s.nullAt]&s.nullMask != 0 {
			v.setNull(row)
			continue
		}
		switch s.op {
		case op8:
			le.PutUint64(v.data[8*row:], le.Uint64(r[s.at:]))
		case op4:
			le.PutUint32(v.data[4*row:], le.Uint32(r[s.at:]))
		case opBytes:
			b := s.value(p, r)
			at := len(v.data)
			if cap(v.data)-at < len(b) {
				v.growData(len(b))
			}
			v.data = v.data[:at+len(b)]
			copy(v.data[at:], b)
			le.PutUint32(v.offsets[offsetWidth*(row+1):], uint32(at+len(b)))
			c.variable += int64(len(b))
		case opBool:
			v.putBit(row, r[s.at]&1)
		case op1:
			v.data[row] = r[s.at]
		case op2:
			le.PutUint16(v.data[2*row:], le.Uint16(r[s.at:]))
		case op16:
			le.PutUint64(v.data[16*row:], le.Uint64(r[s.at:]))
			le.PutUint64(v.data[16*row+8:], le.Uint64(r[s.at+8:]))
		case opBinary, opNested:
			b := s.value(p, r)
			v.put(row, b)
			switch {
			case s.op == opNested:
				c.nestedBytes += int64(len(b))
			case v.kind == kindBytes:
				c.variable += int64(len(b))
			}
		default:
			s.op.fixed(v.data[row*v.width:], r[s.at:])
		}
	}
	c.rows = row + 1
}

// value returns the value of s, which is one of variable length and not null.
func (s *collectStep) value(p *plan, r []byte) []byte {
	area := r[len(p.format.blank):]
	from := uint32(0)
	if !s.first {
		from = le.Uint32(r[s.at-offsetWidth:])
	}
	return area[from:le.Uint32(r[s.at:])]
}

func (c *Collector) planOf(f *Format) (*plan, error) {
	p, ok := c.plans[f]
	if !ok {
		var err error
		if p, err = c.newPlan(f); err != nil {
			return nil, err
		}
		if len(c.plans) >= maxPlans {
			clear(c.plans)
		}
		c.plans[f] = p
	}
	c.plan = p
	return p, nil
}

func (c *Collector) newPlan(f *Format) (*plan, error) {
	p := &plan{format: f, steps: make([]collectStep, len(c.want))}
	given := placesByID(f.schema.Columns)
	for i := range c.want {
		s := &p.steps[i]
		k, ok := given[c.want[i].ID]
		if !ok {
			*s = collectStep{op: opNull, nullAt: 0, nullMask: version & 1, name: c.want[i].Name} // null in every row
			continue
		}
		o, err := convertColumn(&f.schema.Columns[k], &c.want[i])
		if err != nil {
			return nil, err
		}
		from := &f.tuple.places[k]
		*s = collectStep{op: o, first: from.first, nullMask: from.nullMask, nullAt: from.nullAt, at: from.at, node: &from.node, name: from.name}
		if from.width == 0 {
			p.variable = append(p.variable, i)
		}
	}
	return p, nil
}

// Record returns what was added since the record before, maybe no rows. The
// caller releases it; the collector does not refer to it any more.
func (c *Collector) Record() arrow.RecordBatch {
	cols := make([]arrow.Array, len(c.vecs))
	for i := range c.vecs {
		data := c.vecs[i].take(c.rows)
		cols[i] = array.MakeFromData(data)
		data.Release()
	}
	rec := array.NewRecordBatch(c.schema, cols, int64(c.rows))
	for _, col := range cols {
		col.Release()
	}
	c.hint = min(c.capacity, maxHintRows)
	c.rows, c.capacity, c.variable, c.nestedBytes = 0, 0, 0, 0
	return rec
}
