package project

import (
	"context"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/fluss-go/fluss/flight/codec"
	"github.com/fluss-go/fluss/flight/filter"
	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/schema"
	"google.golang.org/grpc/mem"
)

// Stored is a stored batch: its head, and the bytes of columns one after the
// other, nil for the whole body. A piece of the slice holds whole columns.
type Stored interface {
	View() *batch.View
	ReadColumns(columns []int) (mem.BufferSlice, error)
}

// Origin is where a batch is from: what the system columns say that its header
// does not.
type Origin struct {
	Bucket ids.BucketID
	// Snapshot tells that the batch is of the rows as they were at Timestamp, in
	// ms, when the next change was that with the offset Offset.
	Snapshot  bool
	Offset    ids.Offset
	Timestamp int64
}

// Rows are rows of a batch: those numbered in List, ascending, or all of
// [From, To) when List is nil.
type Rows struct {
	From, To int
	List     []int32
}

// Len counts the rows.
func (r Rows) Len() int {
	if r.List != nil {
		return len(r.List)
	}
	return r.To - r.From
}

// First returns the first n rows.
func (r Rows) First(n int) Rows {
	if n >= r.Len() {
		return r
	}
	if r.List != nil {
		return Rows{r.From, int(r.List[n-1]) + 1, r.List[:n]}
	}
	return Rows{r.From, r.From + n, nil}
}

// Wire makes the messages of one stream. It is not safe for concurrent use.
type Wire struct {
	out    *Output
	filter *filter.Filter
	eval   *filter.Evaluator
	// matching returns why Match gives up; nil while it does not.
	matching func() error
	gathering

	// picked and changes are scratch.
	picked  []int32
	changes []int8
}

// gathering is the rows of a message to be.
type gathering struct {
	pool    *codec.Pool
	columns []*column
	rows    int

	meta   batch.Meta
	header []byte
}

// NewWire returns a Wire for o; f may be nil. Match gives up when ctx ends.
func NewWire(ctx context.Context, o *Output, f *filter.Filter, pool *codec.Pool) *Wire {
	w := &Wire{out: o, filter: f, gathering: gathering{pool: pool}}
	if f != nil {
		w.eval = f.NewEvaluator(func() bool { return ctx.Err() != nil })
		w.matching = ctx.Err
	}
	for _, c := range o.columns {
		w.columns = append(w.columns, newColumn(c.field.Type))
	}
	return w
}

// MayMatch reports whether the batch may have rows that the filter takes.
func (w *Wire) MayMatch(p *Plan, v *batch.View) bool {
	if w.filter == nil {
		return true
	}
	rows := int64(v.Header().RowCount)
	return w.filter.MayMatch(rows, func(i int) (filter.Bounds, bool) {
		source := p.filterSources[i]
		if source == missing {
			return filter.Bounds{Nulls: rows}, true
		}
		s, _ := v.Stats(source) // the nulls are always known
		return filter.Bounds{Nulls: s.NullCount, Min: s.Min, Max: s.Max, MaxPrefix: !s.MaxExact}, true
	})
}

// Match returns the rows of [from, to) that the filter takes. A List is valid
// until the next call.
func (w *Wire) Match(p *Plan, b Stored, from, to int) (Rows, error) {
	all := Rows{From: from, To: to}
	if w.filter == nil {
		return all, nil
	}
	n := int(b.View().Header().RowCount)
	columns := w.filter.Columns()
	arrays := make(map[int]arrow.Array, len(columns))
	var read []int
	for _, i := range columns {
		if source := p.filterSources[i]; source != missing {
			read = append(read, source)
		}
	}
	d, err := decode(p, b, read)
	if err != nil {
		return Rows{}, err
	}
	defer d.free()
	for _, i := range columns {
		t := w.out.target.Columns[i].Type
		source := p.filterSources[i]
		switch {
		case source == missing:
			arrays[i] = array.MakeFromData(nullArray(t, n))
		case sameForm(p.fields[source].Type, t):
			arrays[i] = d.columns[source]
		default:
			data, ok := widened(d.columns[source].Data(), p.fields[source].Type, t)
			if !ok {
				return Rows{}, errWidening()
			}
			arrays[i] = array.MakeFromData(data)
		}
	}
	w.picked = w.eval.Select(w.picked[:0], n, func(i int) arrow.Array { return arrays[i] })
	if err := w.matching(); err != nil {
		return Rows{}, errcode.From(err)
	}
	return Pick(w.picked, all), nil
}

// errWidening is our own mistake: Plan has checked the types.
func errWidening() error {
	return errcode.New(errcode.Internal, nil, "a stored column cannot be brought into the type asked for")
}

// Pick returns those of picked, ascending, that lie in [all.From, all.To), as a
// range if they are one. It keeps picked.
func Pick(picked []int32, all Rows) Rows {
	for len(picked) > 0 && int(picked[0]) < all.From {
		picked = picked[1:]
	}
	for len(picked) > 0 && int(picked[len(picked)-1]) >= all.To {
		picked = picked[:len(picked)-1]
	}
	if n := len(picked); n > 0 && int(picked[n-1]-picked[0]) == n-1 {
		return Rows{From: int(picked[0]), To: int(picked[n-1]) + 1}
	}
	if len(picked) == 0 {
		return Rows{From: all.From, To: all.From}
	}
	all.List = picked
	return all
}

// decoded are columns of a batch as Arrow data, by their place in the batch.
type decoded struct {
	columns map[int]arrow.Array
	records []arrow.RecordBatch
	body    mem.BufferSlice
}

func (d *decoded) free() {
	for _, r := range d.records {
		r.Release()
	}
	d.body.Free()
}

// decode reads columns of b; the result is to be freed.
func decode(p *Plan, b Stored, columns []int) (*decoded, error) {
	d := &decoded{columns: make(map[int]arrow.Array, len(columns))}
	if len(columns) == 0 {
		return d, nil
	}
	body, err := b.ReadColumns(columns)
	if err != nil {
		return nil, err
	}
	d.body = body
	v := b.View()
	pieces := pieceReader{pieces: body}
	for _, c := range columns {
		_, n := v.ColumnRange(c)
		bytes, err := pieces.next(int(n))
		if err != nil {
			d.free()
			return nil, err
		}
		if err := d.add(p, v, c, bytes); err != nil {
			d.free()
			return nil, err
		}
	}
	return d, nil
}

// add decodes the stored column c from its bytes.
func (d *decoded) add(p *Plan, v *batch.View, c int, bytes []byte) error {
	h := v.Header()
	off, n := v.ColumnRange(c)
	one := batch.Meta{Rows: int64(h.RowCount), BodyBytes: n, Codec: h.Codec}
	for i := p.nodes[c]; i < p.nodes[c+1]; i++ {
		one.Nodes = append(one.Nodes, v.Node(i))
	}
	for i := p.buffers[c]; i < p.buffers[c+1]; i++ {
		r := v.Buffer(i)
		r.Off -= off
		one.Buffers = append(one.Buffers, r)
	}
	rec, err := batch.Decode(p.layout(c), &one, bytes, batch.DecodeOptions{})
	if err != nil {
		return err
	}
	d.records = append(d.records, rec)
	d.columns[c] = rec.Column(0)
	return nil
}

// pieceReader takes columns off pieces that hold whole columns.
type pieceReader struct {
	pieces mem.BufferSlice
	at     int
}

func (r *pieceReader) next(n int) ([]byte, error) {
	for len(r.pieces) > 0 && r.at == r.pieces[0].Len() {
		r.pieces, r.at = r.pieces[1:], 0
	}
	if n == 0 {
		return nil, nil
	}
	if len(r.pieces) == 0 || r.pieces[0].Len()-r.at < n {
		return nil, errcode.New(errcode.Internal, nil, "the columns that were read have other sizes than the batch says")
	}
	b := r.pieces[0].ReadOnlyData()[r.at : r.at+n]
	r.at += n
	return b, nil
}

// Append gathers rows of b for the message that Finish makes.
func (w *Wire) Append(p *Plan, b Stored, at Origin, rows Rows) error {
	values, err := w.systemValues(p, b, at)
	if err != nil {
		return err
	}
	d, err := decode(p, b, p.columns)
	if err != nil {
		return err
	}
	defer d.free()
	for i, c := range w.out.columns {
		col := w.columns[i]
		source := p.sources[i]
		switch {
		case c.system != 0:
			col.appendSystem(c.system, &values, rows)
		case source == missing:
			col.appendNulls(rows.Len())
		default:
			data, ok := widened(d.columns[source].Data(), p.fields[source].Type, c.field.Type)
			if !ok {
				return errWidening()
			}
			if rows.List != nil {
				col.appendRows(data, rows.List)
			} else {
				col.appendRange(data, rows.From, rows.To-rows.From)
			}
		}
	}
	w.rows += rows.Len()
	return nil
}

// Pending returns how many rows Append has gathered, and about their bytes.
func (w *gathering) Pending() (rows, bytes int) {
	for _, c := range w.columns {
		bytes += c.bytes()
	}
	return w.rows, bytes
}

// Finish puts the gathered rows into dst, which may be none, and forgets them.
// dst.Header is valid until the next call.
func (w *gathering) Finish(dst *codec.FlightData) {
	w.meta.Rows, w.meta.Codec = int64(w.rows), 0
	w.meta.Nodes, w.meta.Buffers = w.meta.Nodes[:0], w.meta.Buffers[:0]
	size := 0
	for _, c := range w.columns {
		size = c.describe(&w.meta, size)
	}
	w.meta.BodyBytes = int64(size)
	dst.Body = mem.BufferSlice{}
	if size > 0 {
		buf := w.pool.Get(size)
		body := (*buf)[:0]
		for _, c := range w.columns {
			body = c.write(body)
		}
		dst.Body = append(dst.Body, mem.NewBuffer(buf, w.pool))
	}
	w.header = batch.AppendMeta(w.header[:0], &w.meta)
	dst.Header = w.header
	for _, c := range w.columns {
		c.reset()
	}
	w.rows = 0
}

// Fields returns the stored columns with the ids, in that order. It fails with
// UnknownSchema when there is none with one of them.
func (p *Plan) Fields(wanted []ids.FieldID) ([]schema.Field, error) {
	places, err := p.places(wanted)
	fields := make([]schema.Field, len(places))
	for i, at := range places {
		fields[i] = p.fields[at]
	}
	return fields, err
}

func (p *Plan) places(wanted []ids.FieldID) ([]int, error) {
	var places []int
	for _, id := range wanted {
		at := slices.IndexFunc(p.fields, func(f schema.Field) bool { return f.ID == id })
		if at < 0 {
			return nil, errcode.New(errcode.UnknownSchema, nil, "a stored batch has no column with the id %d", id)
		}
		places = append(places, at)
	}
	return places, nil
}

// Columns returns the stored columns with the ids as they are; the record and
// what it holds of b are good until free is called. It fails as Fields does.
func (p *Plan) Columns(b Stored, wanted []ids.FieldID) (rec arrow.RecordBatch, free func(), err error) {
	places, err := p.places(wanted)
	if err != nil {
		return nil, nil, err
	}
	d, err := decode(p, b, places)
	if err != nil {
		return nil, nil, err
	}
	fields := make([]schema.Field, len(places))
	arrays := make([]arrow.Array, len(places))
	for i, at := range places {
		fields[i], arrays[i] = p.fields[at], d.columns[at]
	}
	rec = array.NewRecordBatch(schema.ArrowFields(fields), arrays, int64(b.View().Header().RowCount))
	return rec, func() { rec.Release(); d.free() }, nil
}
