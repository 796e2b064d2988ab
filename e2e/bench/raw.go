package main

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os/exec"
)

// rawChunk is what a bare TCP pair writes and reads at once.
const rawChunk = 1 << 20

// serveRaw is the child process of the bare TCP pair: it sends each client as
// many bytes as it asks for, and does nothing else.
func serveRaw(address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	chunk := make([]byte, rawChunk)
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		if err := sendRaw(conn, chunk); err != nil {
			return err
		}
	}
}

func sendRaw(conn net.Conn, chunk []byte) error {
	var want [8]byte
	if _, err := io.ReadFull(conn, want[:]); err != nil {
		return errors.Join(ignoreEOF(err), conn.Close()) // whoever looked whether we are up
	}
	for left := binary.LittleEndian.Uint64(want[:]); left > 0; {
		n, err := conn.Write(chunk[:min(left, rawChunk)])
		if err != nil {
			return err
		}
		left -= uint64(n)
	}
	return conn.Close()
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// startRaw starts the child of the bare TCP pair.
func startRaw(ctx context.Context) (string, *exec.Cmd, error) { return startChild(ctx, "-raw-server") }

// readRaw reads n bytes from the child: what loopback TCP costs at the least.
func readRaw(addr string, n int64) (rows, bytes int64, err error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return 0, 0, err
	}
	if err := binary.Write(conn, binary.LittleEndian, uint64(n)); err != nil {
		return 0, 0, err
	}
	chunk := make([]byte, rawChunk)
	for bytes < n {
		got, err := conn.Read(chunk)
		if err != nil {
			return 0, 0, err
		}
		bytes += int64(got)
	}
	return 1, bytes, conn.Close()
}
