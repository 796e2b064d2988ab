package objstore

import (
	"errors"
	"fmt"
	"io"
)

// exact reads a body that has to have a known length, and fails before it hands
// out the last byte when there are more, or at the end when there are fewer. So
// whoever writes what it reads never takes a wrong body for a whole one.
type exact struct {
	key   string
	body  io.Reader
	size  int64
	done  int64 // bytes handed out
	ended bool  // the body has no more
}

func (e *exact) Read(p []byte) (int, error) {
	left := e.size - e.done
	switch {
	case left < 0:
		return 0, fmt.Errorf("%s: a body of %d bytes", e.key, e.size)
	case left == 0:
		if err := e.end(); err != nil {
			return 0, err
		}
		return 0, io.EOF
	case len(p) == 0:
		return 0, nil
	}
	n, err := e.body.Read(p[:min(left, int64(len(p)))])
	e.ended = errors.Is(err, io.EOF)
	if err != nil && !e.ended {
		return 0, e.failed(err)
	}
	if int64(n) < left && e.ended {
		return 0, fmt.Errorf("%s: the body has %d bytes and not %d", e.key, e.done+int64(n), e.size)
	}
	if int64(n) == left {
		if err := e.end(); err != nil {
			return 0, err
		}
	}
	e.done += int64(n)
	return n, nil
}

// end fails unless the body has no more.
func (e *exact) end() error {
	if e.ended {
		return nil
	}
	switch _, err := io.ReadFull(e.body, make([]byte, 1)); {
	case errors.Is(err, io.EOF):
		e.ended = true
		return nil
	case err != nil:
		return e.failed(err)
	}
	return fmt.Errorf("%s: the body has more than %d bytes", e.key, e.size)
}

// failed gives the error of a body a type of its own: minio-go takes a bare
// io.ErrUnexpectedEOF for an end.
func (e *exact) failed(err error) error {
	return fmt.Errorf("reading what is to be written to %s: %w", e.key, err)
}
