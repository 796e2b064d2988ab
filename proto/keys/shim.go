// TEMPORARY shim by the lead so that others compile. H1 (proto/keys, proto/table) and H3 (server/merge): delete this file when your own version lands.

package keys

import (
	"encoding/binary"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/fluss-go/fluss/proto/schema"
)

type KeyEncoder struct{ at []int }

func NewKeyEncoder(fields []schema.Field, columns []string) (*KeyEncoder, error) {
	e := &KeyEncoder{}
	for _, c := range columns {
		for i, f := range fields {
			if f.Name == c {
				e.at = append(e.at, i)
			}
		}
	}
	return e, nil
}

type Keys struct {
	b   []byte
	off []int
}

func (k *Keys) Reset()   { k.b, k.off = k.b[:0], k.off[:0] }
func (k *Keys) Len() int { return len(k.off) }
func (k *Keys) At(i int) []byte {
	s := 0
	if i > 0 {
		s = k.off[i-1]
	}
	return k.b[s:k.off[i]:k.off[i]]
}

func (e *KeyEncoder) Encode(rec arrow.RecordBatch, dst *Keys) error {
	for i := range int(rec.NumRows()) {
		for _, c := range e.at {
			switch a := rec.Column(c).(type) {
			case *array.Int32:
				dst.b = binary.BigEndian.AppendUint32(dst.b, uint32(a.Value(i))^1<<31)
			case *array.Int64:
				dst.b = binary.BigEndian.AppendUint64(dst.b, uint64(a.Value(i))^1<<63)
			case *array.String:
				for _, x := range []byte(a.Value(i)) {
					dst.b = append(dst.b, x)
					if x == 0 {
						dst.b = append(dst.b, 0xff)
					}
				}
				dst.b = append(dst.b, 0, 1)
			}
		}
		dst.off = append(dst.off, len(dst.b))
	}
	return nil
}

func After(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] != 0xff {
			out := append([]byte(nil), prefix[:i+1]...)
			out[i]++
			return out
		}
	}
	return nil
}
