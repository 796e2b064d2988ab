package cli

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/fluss-go/fluss/proto/errcode"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/proto/schema"
	"github.com/fluss-go/fluss/proto/table"
	"github.com/fluss-go/fluss/sdk"
)

// writeTarget takes the rows of one `fluss write`.
type writeTarget struct {
	write func(context.Context, arrow.RecordBatch) (sdk.Future, error)
	close func(context.Context) error
}

func openTarget(ctx context.Context, c *sdk.Client, path string, f writeFlags, onAck func(sdk.Ack)) (*writeTarget, error) {
	if f.mode == modeAppend {
		assign := sdk.Sticky
		if f.assign == assignRoundRobin {
			assign = sdk.RoundRobin
		}
		w, err := c.Appender(ctx, path, sdk.WithAssignment(assign), sdk.WithOnAck(onAck))
		if err != nil {
			return nil, err
		}
		return &writeTarget{w.AppendBatch, w.Close}, nil
	}
	opts := []sdk.UpserterOption{sdk.WithOnAck(onAck)}
	if len(f.targets) > 0 {
		opts = append(opts, sdk.WithTargetColumns(f.targets...))
	}
	if f.mergeMode == mergeOverwrite {
		opts = append(opts, sdk.WithMergeMode(sdk.MergeOverwrite))
	}
	if f.mode == modeDelete {
		w, err := c.Deleter(ctx, path, opts...)
		if err != nil {
			return nil, err
		}
		return &writeTarget{w.DeleteBatch, w.Close}, nil
	}
	w, err := c.Upserter(ctx, path, opts...)
	if err != nil {
		return nil, err
	}
	return &writeTarget{w.UpsertBatch, w.Close}, nil
}

// sourceColumns are the columns that a source without types of its own reads.
func sourceColumns(info *table.Info, f writeFlags) ([]schema.Field, error) {
	s := info.Schema()
	switch f.mode {
	case modeDelete:
		return keySource(s, s.PrimaryKey, f.noHeader), nil
	case modeUpsert:
		var targets []ids.FieldID
		for _, name := range f.targets {
			c, err := s.Column(name)
			if err != nil {
				return nil, err
			}
			targets = append(targets, c.ID)
		}
		written, err := info.WriteFields(s, targets)
		if err != nil {
			return nil, err
		}
		for i, w := range written { // as the table says: a null in a NOT NULL column is found with its row
			at := slices.IndexFunc(s.Columns, func(c schema.Field) bool { return c.ID == w.ID })
			written[i] = s.Columns[at]
		}
		return written, nil
	default:
		return s.Columns, nil
	}
}

// keySource returns the columns of a source of keys: those of the key in its
// order and, unless only those can be there, the others, which are not looked at
// and may be missing. So whole rows do as keys, too.
func keySource(s *schema.Schema, key []string, only bool) []schema.Field {
	var out, others []schema.Field
	for _, c := range s.Columns {
		if !slices.Contains(key, c.Name) {
			c.Type.Nullable = true
			others = append(others, c)
		}
	}
	for _, name := range key {
		if at, ok := s.Index(name); ok {
			out = append(out, s.Columns[at])
		}
	}
	if only {
		return out
	}
	return append(out, others...)
}

// explain tells why a column that the table has cannot be written, and which
// columns are the key when one of them has no value.
func explain(err error, info *table.Info, f writeFlags) error {
	var e *errcode.Error
	if !errors.As(err, &e) {
		return err
	}
	name, key := e.Facts["column"], info.Schema().PrimaryKey
	if e.Code == errcode.InvalidBatch && slices.Contains(key, name) && !strings.Contains(e.Message, "primary key") {
		e.Message += "; the primary key is " + strings.Join(key, ", ")
		return err
	}
	if f.mode != modeUpsert || e.Code != errcode.UnknownColumn {
		return err
	}
	if _, ok := info.Schema().Index(name); !ok {
		return err
	}
	if len(f.targets) > 0 {
		return errcode.New(errcode.InvalidBatch, nil, "the rows have the column %q, which --target-columns %s does not name: name it there, or leave it out",
			name, strings.Join(f.targets, ","))
	}
	return errcode.New(errcode.InvalidBatch, nil, "the rows have the column %q, which the server numbers: leave it out", name)
}
