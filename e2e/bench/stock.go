package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// stockServer is an arrow-go Flight server that serves the same wide rows from
// memory, as its documentation shows: the least that anybody would run.
type stockServer struct {
	flight.BaseFlightServer
	batches []arrow.RecordBatch
	repeat  int
}

// DoGet implements flight.FlightServer.
func (s *stockServer) DoGet(_ *flight.Ticket, stream flight.FlightService_DoGetServer) error {
	w := flight.NewRecordWriter(stream, ipc.WithSchema(s.batches[0].Schema()))
	for range s.repeat {
		for _, b := range s.batches {
			if err := w.Write(b); err != nil {
				return err
			}
		}
	}
	return w.Close()
}

// serveStock is the child process.
func serveStock(address string, batches, rows, repeat int) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	g := grpc.NewServer()
	flight.RegisterFlightServiceServer(g, &stockServer{batches: wideBatches(batches, rows), repeat: repeat})
	return g.Serve(listener)
}

// startStock starts the child that serves the wide rows.
func startStock(ctx context.Context, batches, rows, repeat int) (addr string, cmd *exec.Cmd, err error) {
	return startChild(ctx, "-stock-shape", fmt.Sprintf("%d,%d,%d", batches, rows, repeat), "-stock-server")
}

// startChild starts this program again with args and a free address, and waits
// until that answers.
func startChild(ctx context.Context, args ...string) (addr string, cmd *exec.Cmd, err error) {
	if addr, err = freeAddress(); err != nil {
		return "", nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	cmd = exec.Command(self, append(args, addr)...)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	for range 2000 {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		if err == nil {
			return addr, cmd, conn.Close()
		}
		time.Sleep(10 * time.Millisecond)
	}
	return "", nil, errors.Join(fmt.Errorf("the child on %s did not start", addr), cmd.Process.Kill())
}

// scanStock reads everything with the stock client.
func scanStock(ctx context.Context, addr string) (rows, bytes int64, err error) {
	client, err := flight.NewClientWithMiddleware(addr, nil, nil,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(64<<20)))
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = client.Close() }()
	stream, err := client.DoGet(ctx, &flight.Ticket{Ticket: []byte("all")})
	if err != nil {
		return 0, 0, err
	}
	r, err := flight.NewRecordReader(stream)
	if err != nil {
		return 0, 0, err
	}
	defer r.Release()
	for {
		rec, err := r.Read()
		if errors.Is(err, io.EOF) {
			return rows, bytes, nil
		}
		if err != nil {
			return 0, 0, err
		}
		rows += rec.NumRows()
		bytes += dataBytes(rec)
	}
}
