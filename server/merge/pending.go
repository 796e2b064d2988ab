package merge

import (
	"strings"

	"github.com/fluss-go/fluss/proto/table"
)

// Until proto/table tells the aggregate functions of a table's columns itself, they
// are read here, unchecked.
type aggregateFunction string

const (
	fnSum                  aggregateFunction = "sum"
	fnProduct              aggregateFunction = "product"
	fnMax                  aggregateFunction = "max"
	fnMin                  aggregateFunction = "min"
	fnLastValue            aggregateFunction = "last_value"
	fnLastValueIgnoreNulls aggregateFunction = "last_value_ignore_nulls"
	fnFirstValue           aggregateFunction = "first_value"
	fnFirstValueNonNull    aggregateFunction = "first_value_ignore_nulls"
	fnBoolAnd              aggregateFunction = "bool_and"
	fnBoolOr               aggregateFunction = "bool_or"
	fnListAgg              aggregateFunction = "listagg"
	fnRBM32                aggregateFunction = "rbm32"
	fnRBM64                aggregateFunction = "rbm64"
	fnCount                aggregateFunction = "count"
)

type functionOf struct {
	Function  aggregateFunction
	Delimiter string
}

func aggregations(d *table.Descriptor) (map[string]functionOf, error) {
	out := map[string]functionOf{}
	for name, value := range d.Custom {
		c, ok := strings.CutSuffix(name, ".agg")
		if !ok {
			continue
		}
		c = strings.TrimPrefix(c, "fields.")
		f := functionOf{aggregateFunction(strings.ReplaceAll(strings.ToLower(value), "-", "_")), ","}
		if f.Function == "string_agg" {
			f.Function = fnListAgg
		}
		for _, fn := range []string{"listagg", "string_agg"} {
			if delimiter, ok := d.Custom["fields."+c+"."+fn+".delimiter"]; ok {
				f.Delimiter = delimiter
			}
		}
		out[c] = f
	}
	return out, nil
}
