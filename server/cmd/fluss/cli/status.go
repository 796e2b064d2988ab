package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fluss-go/fluss/sdk"
)

func (a *app) statusCommand() *cobra.Command {
	return a.withOutput(&cobra.Command{
		Use: "status", Short: "Show the servers, tablets and disk", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withAdmin(cmd.Context(), func(admin *sdk.Admin) error {
				c, err := admin.Cluster(cmd.Context())
				if err != nil {
					return err
				}
				if a.output == outputJSON {
					return a.emit(statusObject(c))
				}
				return a.showStatus(c)
			})
		},
	})
}

func (a *app) showStatus(c sdk.Cluster) error {
	disk := fmt.Sprintf("%.0f %% used", 100*c.DiskUsage)
	if c.WriteLocked {
		disk += ", writes are refused"
	}
	if err := a.properties(property{"databases", c.Databases}, property{"tables", c.Tables},
		property{"durability", c.Durability}, property{"disk", disk}); err != nil {
		return err
	}
	rows := make([][]any, len(c.Servers))
	for i, s := range c.Servers {
		rows[i] = []any{s.ID, s.Endpoint, s.HTTPEndpoint, s.Version, strings.Join(s.Roles, ","), when(s.StartedAt)}
	}
	if err := a.printf("\n"); err != nil {
		return err
	}
	if err := a.table([]string{"SERVER", "ENDPOINT", "HTTP", "VERSION", "ROLES", "STARTED"}, rows); err != nil {
		return err
	}
	rows = make([][]any, len(c.Tablets))
	for i, t := range c.Tablets {
		rows[i] = []any{t.ID, t.Leader, t.Term, t.AppliedIndex, t.Buckets, t.State, t.Detail}
	}
	if err := a.printf("\n"); err != nil {
		return err
	}
	return a.table([]string{"TABLET", "LEADER", "TERM", "APPLIED", "BUCKETS", "STATE", "DETAIL"}, rows)
}

func statusObject(c sdk.Cluster) any {
	servers := make([]map[string]any, len(c.Servers))
	for i, s := range c.Servers {
		servers[i] = map[string]any{
			"id": s.ID, "endpoint": s.Endpoint, "http_endpoint": s.HTTPEndpoint, "version": s.Version, "roles": emptyList(s.Roles), "started_at": when(s.StartedAt),
		}
	}
	tablets := make([]map[string]any, len(c.Tablets))
	for i, t := range c.Tablets {
		tablets[i] = map[string]any{
			"id": t.ID, "leader": t.Leader, "term": t.Term, "applied_index": t.AppliedIndex, "buckets": t.Buckets, "state": t.State, "detail": t.Detail,
		}
	}
	return map[string]any{
		"databases": c.Databases, "tables": c.Tables, "durability": c.Durability, "disk_usage_ratio": c.DiskUsage,
		"disk_write_locked": c.WriteLocked, "servers": servers, "tablets": tablets,
	}
}
