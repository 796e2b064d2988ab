package rowio

import (
	"bufio"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/rivo/uniseg"

	"github.com/fluss-go/fluss/sdk/rowjson"
)

// maxCell is the widest cell of a table; longer values are cut with an ellipsis.
const maxCell = 60

// tableSink prints aligned columns. Widths come from the first batch and only
// grow, so that rows which come later still look like a table.
type tableSink struct {
	out    *bufio.Writer
	names  []string
	right  []bool
	widths []int
	headed bool
}

func newTable(out *bufio.Writer, s *arrow.Schema) *tableSink {
	t := &tableSink{out: out}
	for _, f := range s.Fields() {
		t.names = append(t.names, oneLine(f.Name))
		t.right = append(t.right, arrow.IsPrimitive(f.Type.ID()) && f.Type.ID() != arrow.BOOL || arrow.IsDecimal(f.Type.ID()))
		t.widths = append(t.widths, uniseg.StringWidth(f.Name))
	}
	return t
}

func (t *tableSink) Write(rec arrow.RecordBatch) error {
	rows := make([][]string, rec.NumRows())
	var text []byte
	for i := range rows {
		rows[i] = make([]string, rec.NumCols())
		for c := range rows[i] {
			col := rec.Column(c)
			cell := "null"
			if !col.IsNull(i) {
				text = rowjson.AppendText(text[:0], col, i)
				cell = cut(oneLine(string(text)))
			}
			rows[i][c] = cell
			t.widths[c] = max(t.widths[c], uniseg.StringWidth(cell))
		}
	}
	t.head()
	for _, r := range rows {
		t.line(r)
	}
	return nil
}

func (t *tableSink) head() {
	if !t.headed {
		t.headed = true
		t.line(t.names)
	}
}

// line prints one line; bufio keeps the first error and returns it from Flush.
func (t *tableSink) line(cells []string) {
	var b strings.Builder
	for i, c := range cells {
		if i > 0 {
			b.WriteString("  ")
		}
		pad := strings.Repeat(" ", max(0, t.widths[i]-uniseg.StringWidth(c)))
		switch {
		case t.right[i]:
			b.WriteString(pad + c)
		case i == len(cells)-1:
			b.WriteString(c)
		default:
			b.WriteString(c + pad)
		}
	}
	b.WriteByte('\n')
	_, _ = t.out.WriteString(b.String())
}

func (t *tableSink) Flush() error { return t.out.Flush() }

func (t *tableSink) Close() error {
	t.head() // of no rows too, so that one sees the columns
	return t.out.Flush()
}

func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}

func cut(s string) string {
	if len(s) <= maxCell || uniseg.StringWidth(s) <= maxCell {
		return s
	}
	var b strings.Builder
	width := 0
	for _, r := range s {
		if width += uniseg.StringWidth(string(r)); width >= maxCell {
			break
		}
		b.WriteRune(r)
	}
	return b.String() + "…"
}
