package cli

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/spf13/cobra"

	"github.com/fluss-go/fluss/proto/batch"
	"github.com/fluss-go/fluss/server/logstore"
	"github.com/fluss-go/fluss/server/tablet/wal"
)

func (a *app) inspectCommand() *cobra.Command {
	return group("inspect", "Look into files of a data directory, without changing them", a.inspectSegment(), a.inspectWAL())
}

func millis(ms int64) string {
	if ms == 0 {
		return ""
	}
	return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z07:00")
}

// segmentBatch is one batch of a segment.
type segmentBatch struct {
	pos int64
	h   batch.Header
}

func (a *app) inspectSegment() *cobra.Command {
	var batches bool
	c := &cobra.Command{
		Use: "segment FILE", Short: "Show what a segment holds and whether it is damaged", Args: exactArgs("FILE"),
		RunE: func(_ *cobra.Command, args []string) error {
			var found []segmentBatch
			in, err := logstore.InspectSegment(vfs.Default, args[0], func(pos int64, h batch.Header) {
				if batches {
					found = append(found, segmentBatch{pos, h})
				}
			})
			if err != nil {
				return err
			}
			if batches {
				if err := a.showBatches(found); err != nil {
					return err
				}
			}
			if err := a.showSegment(in); err != nil {
				return err
			}
			return in.Damage
		},
	}
	c.Flags().BoolVar(&batches, "batches", false, "show each batch")
	return a.withOutput(c)
}

func (a *app) showBatches(found []segmentBatch) error {
	headings := []string{"POSITION", "BYTES", "OFFSETS", "ROWS", "CODEC", "COMMITTED", "SCHEMA", "WRITER", "SEQUENCE", "TERM", "INDEX"}
	err := list(a, found, headings, func(b segmentBatch) []any {
		return []any{
			b.pos, b.h.TotalBytes, fmt.Sprintf("[%d, %d)", b.h.BaseOffset, b.h.EndOffset()), b.h.RowCount, b.h.Codec,
			millis(b.h.CommitTimestamp), b.h.SchemaID, b.h.WriterID, b.h.Sequence, b.h.Term, b.h.Index,
		}
	}, func(b segmentBatch) any {
		return map[string]any{
			"position": b.pos, "bytes": b.h.TotalBytes, "base": b.h.BaseOffset, "end": b.h.EndOffset(), "rows": b.h.RowCount,
			"codec": fmt.Sprint(b.h.Codec), "committed_at": millis(b.h.CommitTimestamp), "schema_id": b.h.SchemaID,
			"writer_id": b.h.WriterID, "sequence": b.h.Sequence, "term": b.h.Term, "index": b.h.Index,
		}
	})
	if err == nil && a.output == outputTable {
		err = a.printf("\n")
	}
	return err
}

func (a *app) showSegment(in *logstore.Inspection) error {
	damage := ""
	if in.Damage != nil {
		damage = in.Damage.Error()
	}
	if a.output == outputJSON {
		return a.emit(map[string]any{
			"base": in.Base, "end": in.End, "batches": in.Batches, "rows": in.Rows, "data_bytes": in.DataBytes, "file_bytes": in.FileBytes,
			"first_timestamp": millis(in.FirstTimestamp), "last_timestamp": millis(in.LastTimestamp), "last_index": in.LastIndex,
			"sealed": in.Sealed, "index_entries": in.IndexEntries, "damage": damage,
		})
	}
	return a.properties(
		property{"offsets", fmt.Sprintf("[%d, %d)", in.Base, in.End)}, property{"batches", in.Batches}, property{"rows", in.Rows},
		property{"data bytes", in.DataBytes}, property{"file bytes", in.FileBytes},
		property{"first committed", millis(in.FirstTimestamp)}, property{"last committed", millis(in.LastTimestamp)},
		property{"last raft index", in.LastIndex}, property{"sealed", in.Sealed}, property{"index entries", in.IndexEntries},
		property{"damage", damage})
}

func (a *app) inspectWAL() *cobra.Command {
	var records bool
	c := &cobra.Command{
		Use: "wal FILE", Short: "Show what a file of a tablet's write-ahead log holds", Args: exactArgs("FILE"),
		RunE: func(_ *cobra.Command, args []string) error {
			var found []wal.Record
			kinds := map[string]int{}
			end, size, err := wal.Inspect(vfs.Default, args[0], func(r wal.Record) error {
				kinds[r.Type.String()]++
				if records {
					r.Data = nil // the callee's
					found = append(found, r)
				}
				return nil
			})
			if records {
				if listErr := a.showRecords(found); listErr != nil {
					return listErr
				}
			}
			if err != nil {
				return err
			}
			if a.output == outputJSON {
				return a.emit(map[string]any{"records": kinds, "end": end, "file_bytes": size})
			}
			ps := []property{{"file bytes", size}, {"end of records", end}}
			for _, kind := range slices.Sorted(maps.Keys(kinds)) {
				ps = append(ps, property{"records", fmt.Sprintf("%d %s", kinds[kind], kind)})
			}
			return a.properties(ps...)
		},
	}
	c.Flags().BoolVar(&records, "records", false, "show each record")
	return a.withOutput(c)
}

func (a *app) showRecords(found []wal.Record) error {
	err := list(a, found, []string{"POSITION", "BYTES", "TYPE", "TERM", "INDEX", "COMMIT"}, func(r wal.Record) []any {
		return []any{r.Position, r.Size, r.Type, r.Term, r.Index, r.Commit}
	}, func(r wal.Record) any {
		return map[string]any{
			"position": r.Position, "bytes": r.Size, "type": r.Type.String(), "term": r.Term, "index": r.Index,
			"vote": r.Vote, "commit": r.Commit, "sequence": r.Sequence, "next": r.Next,
		}
	})
	if err == nil && a.output == outputTable {
		err = a.printf("\n")
	}
	return err
}
