package row

import (
	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/schema"
)

// maxUpgrades bounds the plans that a format keeps.
const maxUpgrades = 64

// upgrade is the plan by which rows of one format become such of another.
type upgrade struct {
	from *Format
	// fixed and variable are the columns of the new format, but for those of fixed
	// width that are null.
	fixed, variable []upgradeStep
}

type upgradeStep struct {
	op       op
	from, to *place
}

// Upgrade appends to dst the row r, of the format from, as a row of f: columns by
// field id, columns that from lacks null, widened types converted. It returns the
// longer dst.
//
// It fails with CORRUPT(column) when r is not a row of from, and with INTERNAL
// when a type of from does not widen to that of f; then dst is unchanged. Values
// of ARRAY, MAP, ROW and BINARY are copied without a look inside.
func (f *Format) Upgrade(dst []byte, from *Format, r []byte) ([]byte, error) {
	if err := from.frame(r); err != nil {
		return dst, err
	}
	if bad := from.tuple.badOffsets(r); bad != nil {
		return dst, corruptColumn(bad.name, faultOffsets)
	}
	if from == f {
		return append(dst, r...), nil
	}
	u, err := f.upgradeFrom(from)
	if err != nil {
		return dst, err
	}
	base := len(dst)
	dst = append(dst, f.blank...)
	head := dst[base:]
	for i := range u.fixed {
		s := &u.fixed[i]
		if !s.from.null(r) {
			head[s.to.nullAt] &^= s.to.nullMask
			s.op.fixed(head[s.to.at:], r[s.from.at:])
		}
	}
	area := len(dst)
	for i := range u.variable {
		s := &u.variable[i]
		if s.op != opNull && !s.from.null(r) {
			dst[base+s.to.nullAt] &^= s.to.nullMask
			dst = append(dst, from.tuple.value(s.from, r)...)
		}
		le.PutUint32(dst[base+s.to.at:], uint32(len(dst)-area))
	}
	return dst, nil
}

// badOffsets returns the first place whose end offset leads outside of b, nil
// when there is none.
func (t *tuple) badOffsets(b []byte) *place {
	from, limit := uint32(0), uint32(len(b)-t.end)
	for _, i := range t.variable {
		p := &t.places[i]
		to := le.Uint32(b[p.at:])
		if to < from || to > limit {
			return p
		}
		from = to
	}
	return nil
}

func (f *Format) upgradeFrom(from *Format) (*upgrade, error) {
	known := f.upgrades.Load()
	if known != nil {
		for _, u := range *known {
			if u.from == from {
				return u, nil
			}
		}
	}
	u, err := f.newUpgrade(from)
	if err != nil {
		return nil, err
	}
	next := []*upgrade{u}
	if known != nil {
		next = append(next, (*known)[:min(len(*known), maxUpgrades-1)]...)
	}
	f.upgrades.CompareAndSwap(known, &next) // whoever comes second makes it again next time
	return u, nil
}

func (f *Format) newUpgrade(from *Format) (*upgrade, error) {
	u := &upgrade{from: from}
	before := placesByID(from.schema.Columns)
	for i := range f.tuple.places {
		to := &f.tuple.places[i]
		s := upgradeStep{op: opNull, to: to}
		if k, ok := before[f.schema.Columns[i].ID]; ok {
			var err error
			if s.op, err = convertColumn(&from.schema.Columns[k], &f.schema.Columns[i]); err != nil {
				return nil, err
			}
			s.from = &from.tuple.places[k]
		}
		switch {
		case to.width == 0:
			u.variable = append(u.variable, s)
		case s.op != opNull:
			u.fixed = append(u.fixed, s)
		}
	}
	return u, nil
}

func convertColumn(from, to *schema.Field) (op, error) {
	o, ok := convert(from.Type, to.Type)
	if !ok {
		return 0, errcode.New(errcode.Internal, nil, "column %q of stored rows is %s, which cannot be read as %s",
			to.Name, from.Type, to.Type).With("column", to.Name)
	}
	return o, nil
}
