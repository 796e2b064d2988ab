package table

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/schema"
)

// AggregateFunction is how the merge engine AGGREGATION makes one value of a column
// out of the one that is there and the one that is written.
type AggregateFunction string

// The aggregate functions; AggregateFunctions tells what they do.
const (
	Sum                   AggregateFunction = "sum"
	Product               AggregateFunction = "product"
	Max                   AggregateFunction = "max"
	Min                   AggregateFunction = "min"
	LastValue             AggregateFunction = "last_value"
	LastValueIgnoreNulls  AggregateFunction = "last_value_ignore_nulls"
	FirstValue            AggregateFunction = "first_value"
	FirstValueIgnoreNulls AggregateFunction = "first_value_ignore_nulls"
	BoolAnd               AggregateFunction = "bool_and"
	BoolOr                AggregateFunction = "bool_or"
	ListAgg               AggregateFunction = "listagg"
	RBM32                 AggregateFunction = "rbm32"
	RBM64                 AggregateFunction = "rbm64"
	Count                 AggregateFunction = "count"
)

// Aggregate is a column's aggregate function and its parameters.
type Aggregate struct {
	Function AggregateFunction
	// Delimiter stands between the values of ListAgg, and is "" for others.
	Delimiter string
}

// DefaultAggregate is the function of columns that name none.
func DefaultAggregate() Aggregate { return Aggregate{Function: LastValueIgnoreNulls} }

// FunctionInfo describes an aggregate function.
type FunctionInfo struct {
	Function AggregateFunction
	// Alias is another name, "" when there is none.
	Alias string
	// Kinds are those of the columns that take it; nil is any.
	Kinds []schema.Kind
	// Meaning is what a column becomes, as a sentence in Markdown.
	Meaning string
}

var (
	numbers = []schema.Kind{
		schema.TinyInt, schema.SmallInt, schema.Int, schema.BigInt, schema.Float, schema.Double, schema.Decimal,
	}
	ordered = append(slices.Clone(numbers), schema.Char, schema.String, schema.Date, schema.Time, schema.Timestamp, schema.TimestampLTZ)
)

const (
	defaultDelimiter = ","

	// fieldPrefix, aggregateSuffix and delimiterParameter make up the names of
	// custom properties: fields.<column>.agg, fields.<column>.<function>.delimiter.
	fieldPrefix        = "fields."
	aggregateSuffix    = "agg"
	delimiterParameter = "delimiter"
)

var functions = []FunctionInfo{
	{Sum, "", numbers, "The sum. A whole number or DECIMAL that the type does not hold refuses the batch; FLOAT and DOUBLE become infinite."},
	{Product, "", numbers, "The product. A whole number or DECIMAL that the type does not hold refuses the batch; FLOAT and DOUBLE become infinite."},
	{Max, "", ordered, "The largest value; texts are compared byte by byte, and NaN is above all numbers."},
	{Min, "", ordered, "The smallest value."},
	{LastValue, "", nil, "The value written last, null too."},
	{LastValueIgnoreNulls, "", nil, "The value written last that is not null. Columns that name no function have this one."},
	{FirstValue, "", nil, "The value written first, null too."},
	{FirstValueIgnoreNulls, "", nil, "The value written first that is not null."},
	{BoolAnd, "", []schema.Kind{schema.Boolean}, "Whether all values are true."},
	{BoolOr, "", []schema.Kind{schema.Boolean}, "Whether any value is true."},
	{
		ListAgg, "string_agg", []schema.Kind{schema.Char, schema.String},
		"The values after each other, with `fields.<column>.listagg.delimiter` (`,` when not given) between them.",
	},
	{RBM32, "", []schema.Kind{schema.Bytes}, "The union of serialized 32-bit Roaring bitmaps."},
	{RBM64, "", []schema.Kind{schema.Bytes}, "The union of serialized 64-bit Roaring bitmaps."},
	{
		Count, "", []schema.Kind{schema.Int, schema.BigInt},
		"How many values were written, whatever they were. An average is a sum divided by a count.",
	},
}

// AggregateFunctions returns the functions, in the order of the docs; the slice is
// the caller's, what is in it is not to be changed. All but LAST_VALUE and
// FIRST_VALUE pass over nulls.
func AggregateFunctions() []FunctionInfo { return slices.Clone(functions) }

// ParseAggregateFunction reads the name of a function in any case, with '-' for '_'
// if need be. It fails with INVALID_ARGUMENT.
func ParseAggregateFunction(text string) (AggregateFunction, error) {
	name := strings.ReplaceAll(strings.ToLower(strings.TrimSpace(text)), "-", "_")
	names := make([]string, 0, len(functions)+1)
	for i := range functions {
		f := &functions[i]
		if name == string(f.Function) || f.Alias != "" && name == f.Alias {
			return f.Function, nil
		}
		names = append(names, string(f.Function))
		if f.Alias != "" {
			names = append(names, f.Alias)
		}
	}
	return "", errcode.New(errcode.InvalidArgument, nil, "there is no aggregate function %q%s; there are %s",
		shorten(text), schema.Suggest(name, names), strings.Join(names, ", "))
}

// Aggregations returns the columns that have an aggregate function by
// `fields.<column>.agg`, with it; the others have that of DefaultAggregate. The map
// is the caller's, and empty for tables without the merge engine AGGREGATION.
//
// It fails with INVALID_OPTION, as Validate does, telling every fault.
func (d *Descriptor) Aggregations() (map[string]Aggregate, error) {
	var f faults
	o := parseOptions(d.Properties, &f)
	if f.any() {
		return nil, f.err()
	}
	out := d.aggregations(&o, &f)
	return out, f.err()
}

// fieldProperty is a custom property `fields.<column>...`.
type fieldProperty struct {
	key, column string
	// function and parameter are those of fields.<column>.<function>.<parameter>;
	// "" for fields.<column>.agg.
	function, parameter string
}

// parseFieldProperty reads the name of a custom property; ok when it begins with
// "fields.", and column is "" when it is nothing that means something.
func parseFieldProperty(key string) (p fieldProperty, ok bool) {
	rest, ok := strings.CutPrefix(key, fieldPrefix)
	if !ok {
		return p, false
	}
	p.key = key
	head, last := cutLast(rest) // columns may have dots in their names
	if last == aggregateSuffix {
		p.column = head
		return p, true
	}
	p.column, p.function = cutLast(head)
	p.parameter = last
	return p, true
}

// aggregateKey is the custom property that names the function of a column.
func aggregateKey(column string) string { return fieldPrefix + column + "." + aggregateSuffix }

// cutLast cuts s at its last dot; head is "" when there is none.
func cutLast(s string) (head, tail string) {
	i := strings.LastIndexByte(s, '.')
	if i < 0 {
		return "", s
	}
	return s[:i], s[i+1:]
}

// aggregations reads the properties of the aggregate functions.
func (d *Descriptor) aggregations(o *Options, f *faults) map[string]Aggregate {
	out := map[string]Aggregate{}
	var parameters []fieldProperty
	for _, key := range slices.Sorted(maps.Keys(d.Custom)) {
		p, ok := parseFieldProperty(key)
		switch {
		case !ok:
		case p.column == "":
			f.option(key, "%s says nothing about a column: expected fields.<column>.agg or fields.<column>.<function>.<parameter>", shorten(key))
		case o.MergeEngine != Aggregation || !d.HasPrimaryKey():
			f.option(key, "%s is for tables with table.merge-engine = aggregation; this is a %s", shorten(key), d.kindText(o))
		case p.parameter != "":
			parameters = append(parameters, p)
		default:
			if a, ok := d.aggregate(p, f); ok {
				out[p.column] = a
			}
		}
	}
	seen := map[string]string{} // the delimiter's property by column
	for _, p := range parameters {
		if before, ok := seen[p.column]; ok {
			f.option(p.key, "%s and %s both give the delimiter of column %q", shorten(before), shorten(p.key), p.column)
			continue
		}
		seen[p.column] = p.key
		d.parameter(p, out, f)
	}
	return out
}

// kindText says what a table is that has no aggregate functions.
func (d *Descriptor) kindText(o *Options) string {
	if !d.HasPrimaryKey() {
		return "log table"
	}
	if o.MergeEngine == LastRow {
		return "primary-key table without a merge engine"
	}
	return "primary-key table with table.merge-engine = " + strings.ToLower(string(o.MergeEngine))
}

// aggregate reads the function of a column; false when it is wrong.
func (d *Descriptor) aggregate(p fieldProperty, f *faults) (Aggregate, bool) {
	text := d.Custom[p.key]
	i, ok := d.Schema.Index(p.column)
	if !ok {
		f.option(p.key, "%s names %q, which is no column%s", shorten(p.key), shorten(p.column), schema.Suggest(p.column, d.Schema.Names()))
		return Aggregate{}, false
	}
	function, err := ParseAggregateFunction(text)
	if err != nil {
		f.option(p.key, "%s = %q: %s", shorten(p.key), shorten(text), errcode.From(err).Message)
		return Aggregate{}, false
	}
	if slices.Contains(d.Schema.PrimaryKey, p.column) {
		f.option(p.key, "column %q is in the primary key and has no aggregate function (%s)", p.column, shorten(p.key))
		return Aggregate{}, false
	}
	if auto, ok := d.AutoIncrement(); ok && auto == p.column {
		f.option(p.key, "column %q is numbered by the server and has no aggregate function (%s)", p.column, shorten(p.key))
		return Aggregate{}, false
	}
	at := slices.IndexFunc(functions, func(i FunctionInfo) bool { return i.Function == function })
	if kinds, t := functions[at].Kinds, d.Schema.Columns[i].Type; kinds != nil && !slices.Contains(kinds, t.Kind) {
		f.option(p.key, "%s = %s: column %q is %s; the function takes %s", shorten(p.key), function, p.column, t, kindList(kinds))
		return Aggregate{}, false
	}
	a := Aggregate{Function: function}
	if function == ListAgg {
		a.Delimiter = defaultDelimiter
	}
	return a, true
}

func kindList(kinds []schema.Kind) string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.String()
	}
	return orList(names)
}

// parameter reads a parameter of a column's function into out.
func (d *Descriptor) parameter(p fieldProperty, out map[string]Aggregate, f *faults) {
	key := shorten(p.key)
	function, err := ParseAggregateFunction(p.function)
	switch {
	case err != nil:
		f.option(p.key, "%s: %s", key, errcode.From(err).Message)
		return
	case function != ListAgg:
		f.option(p.key, "%s: the function %s has no parameters; only %s has one, %s", key, function, ListAgg, delimiterParameter)
		return
	case p.parameter != delimiterParameter:
		f.option(p.key, "%s: the function %s has no parameter %q; it has %q", key, function, shorten(p.parameter), delimiterParameter)
		return
	}
	a, ok := out[p.column]
	if _, wrong := d.Custom[aggregateKey(p.column)]; wrong && !ok {
		return // told of the function
	}
	if a.Function != ListAgg {
		f.option(p.key, "%s is for a column with fields.%s.agg = %s", key, shorten(p.column), ListAgg)
		return
	}
	switch a.Delimiter = d.Custom[p.key]; {
	case a.Delimiter == "":
		f.option(p.key, "%s is empty; leave it out for %q", key, defaultDelimiter)
	case !utf8.ValidString(a.Delimiter):
		f.option(p.key, "%s is not UTF-8", key)
	default:
		out[p.column] = a
	}
}
