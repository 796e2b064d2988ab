package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/sdk"
)

// parsePlace reads earliest, latest, offset:N and time:RFC3339.
func parsePlace(text string) (sdk.OffsetSpec, error) {
	if n, ok := strings.CutPrefix(text, "offset:"); ok {
		o, err := strconv.ParseInt(n, 10, 64)
		if err != nil || o < 0 {
			return sdk.OffsetSpec{}, fmt.Errorf("%q: want offset: and a number from 0, like offset:1000", text)
		}
		return sdk.AtOffset(ids.Offset(o)), nil
	}
	if t, ok := strings.CutPrefix(text, "time:"); ok {
		at, err := time.Parse(time.RFC3339Nano, t)
		if err != nil {
			return sdk.OffsetSpec{}, fmt.Errorf("%q: want time: and a time like 2026-11-22T10:00:00Z", text)
		}
		return sdk.AtTime(at), nil
	}
	switch text {
	case "earliest":
		return sdk.Earliest(), nil
	case "latest":
		return sdk.Latest(), nil
	}
	return sdk.OffsetSpec{}, fmt.Errorf("%q: want earliest, latest, offset:N or time:2026-11-22T10:00:00Z", text)
}

func bucketIDs(ns []int32) []ids.BucketID {
	out := make([]ids.BucketID, len(ns))
	for i, n := range ns {
		out[i] = ids.BucketID(n)
	}
	return out
}

func (a *app) offsetsCommand() *cobra.Command {
	var at string
	var partitions []string
	var buckets []int32
	c := &cobra.Command{
		Use: "offsets TABLE", Short: "Show the first and next offset of each bucket", Args: exactArgs("TABLE"),
		Example: "  fluss offsets flights\n  fluss offsets flights --at time:2026-11-22T10:00:00Z",
		RunE: func(cmd *cobra.Command, args []string) error {
			spec, err := parsePlace(at)
			if err != nil {
				return usagef(cmd, "--at %v", err)
			}
			return a.withAdmin(cmd.Context(), func(admin *sdk.Admin) error {
				all, err := admin.Offsets(cmd.Context(), args[0], sdk.OffsetQuery{Spec: spec, Partitions: partitions, Buckets: bucketIDs(buckets)})
				if err != nil {
					return err
				}
				return a.showOffsets(all, cmd.Flags().Changed("at"))
			})
		},
	}
	c.Flags().StringVar(&at, "at", "latest", "also tell the offset of a place: earliest, latest, offset:N, time:T")
	c.Flags().StringSliceVar(&partitions, "partition", nil, "only these partitions, by name")
	c.Flags().Int32SliceVar(&buckets, "bucket", nil, "only these buckets")
	return a.withOutput(c)
}

func (a *app) showOffsets(all []sdk.BucketOffset, withPlace bool) error {
	headings := []string{"PARTITION", "BUCKET", "START", "NEXT", "ROWS"}
	if withPlace {
		headings = append(headings, "AT")
	}
	return list(a, all, headings, func(o sdk.BucketOffset) []any {
		name := o.Partition
		if name == "" {
			name = "-"
		}
		row := []any{name, o.Bucket.Bucket, o.Start, o.HighWatermark, int64(o.HighWatermark - o.Start)}
		if withPlace {
			row = append(row, o.Offset)
		}
		return row
	}, func(o sdk.BucketOffset) any {
		return map[string]any{
			"partition": o.Partition, "bucket": o.Bucket.Bucket, "start": o.Start, "high_watermark": o.HighWatermark, "offset": o.Offset,
		}
	})
}
