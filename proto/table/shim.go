// TEMPORARY shim by the lead so that others compile. H1 (proto/keys, proto/table) and H3 (server/merge): delete this file when your own version lands.

package table

import (
	"slices"

	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/schema"
)

func (i *Info) WriteFields(s *schema.Schema, targets []ids.FieldID) ([]schema.Field, error) {
	var out []schema.Field
	if len(targets) == 0 {
		for _, c := range s.Columns {
			targets = append(targets, c.ID)
		}
	}
	for _, id := range targets {
		at, _ := s.IndexByID(id)
		f := s.Columns[at]
		if !slices.Contains(s.PrimaryKey, f.Name) {
			f.Type.Nullable = true
		}
		out = append(out, f)
	}
	return out, nil
}

func (i *Info) KeyFields(s *schema.Schema) []schema.Field {
	var out []schema.Field
	for _, f := range s.Columns {
		if slices.Contains(s.PrimaryKey, f.Name) {
			out = append(out, f)
		}
	}
	return out
}
func (i *Info) CheckDeleteTargets(s *schema.Schema, targets []ids.FieldID) error { return nil }
func (d *Descriptor) PhysicalKey() []string {
	return slices.DeleteFunc(slices.Clone(d.Schema.PrimaryKey), func(n string) bool { return slices.Contains(d.PartitionKeys, n) })
}
func (d *Descriptor) AutoIncrement() (string, bool) { return "", false }
