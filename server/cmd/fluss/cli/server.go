package cli

import (
	"context"
	"errors"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/fluss-go/fluss/server/config"
	"github.com/fluss-go/fluss/server/node"
)

func (a *app) serverCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "server", Short: "Run a server", Args: noArgs,
		Long: "Run a server until it is interrupted. It keeps everything in one data directory, and listens on\n" +
			"loopback unless told otherwise. All options can also be set in a YAML file (--config) and in the\n" +
			"environment (FLUSS_DATA_DIR, ...); docs/server-options.md describes them.",
		Example: "  fluss server --data-dir /var/lib/fluss\n  fluss server --listen 127.0.0.1:0 --http off --durability memory",
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := config.Load(cmd.Flags(), a.LookupEnv)
			if err != nil {
				return faults(err)
			}
			return a.serve(cmd.Context(), l.Config)
		},
	}
	config.Flags(c.Flags())
	hideServerFlag(c)
	return c
}

// hideServerFlag takes the client's --server out of the help of a command that talks to none.
func hideServerFlag(c *cobra.Command) {
	usage := c.UsageFunc()
	c.SetUsageFunc(func(c *cobra.Command) error {
		if f := c.InheritedFlags().Lookup("server"); f != nil {
			f.Hidden = true
		}
		return usage(c)
	})
}

func (a *app) serve(ctx context.Context, cfg *config.Config) error {
	logger := a.logger(cfg)
	n, err := node.Start(ctx, cfg, logger)
	if err != nil {
		if ctx.Err() != nil {
			return nil // stopped while starting: nobody was served
		}
		return err
	}
	reach := "this machine only (loopback)"
	if !cfg.Loopback() {
		reach = "the network, without authentication"
	}
	a.errorf("fluss %s listens on %s, reachable from %s; data in %s, durability %s, http %s\n",
		Version(), n.Addr(), reach, cfg.DataDir, cfg.Durability, orOff(n.HTTPAddr()))
	<-ctx.Done()
	a.errorf("stopping; interrupt again to stop at once\n")
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), cfg.ShutdownTimeout)
	defer cancel()
	err = n.Close(closing)
	if errors.Is(err, context.DeadlineExceeded) {
		logger.Warn("requests under way were cut off", "timeout", cfg.ShutdownTimeout)
		err = nil
	}
	return err
}

func orOff(addr string) string {
	if addr == "" {
		return "off"
	}
	return "http://" + addr
}

func (a *app) logger(cfg *config.Config) *slog.Logger {
	opts := &slog.HandlerOptions{Level: cfg.Level()}
	if cfg.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(a.Stderr, opts))
	}
	return slog.New(slog.NewTextHandler(a.Stderr, opts))
}
