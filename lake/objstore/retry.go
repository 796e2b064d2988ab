package objstore

import (
	"context"
	"errors"
	"time"
)

// How often, and how fast, Retry repeats: half a minute in all.
const (
	retryAttempts = 40
	retryPause    = 10 * time.Millisecond
	maxRetryPause = time.Second
)

// Retry calls f again and again, with pauses that grow, until it succeeds, fails with
// ErrNotFound or ErrExists, or has failed for half a minute; then it returns the last
// error. f must be one that may be repeated: one that writes an object writes the same.
func Retry(ctx context.Context, f func() error) error {
	pause := retryPause
	for attempt := 1; ; attempt++ {
		err := f()
		if err == nil || errors.Is(err, ErrNotFound) || errors.Is(err, ErrExists) || attempt == retryAttempts || ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
		pause = min(2*pause, maxRetryPause)
	}
}
