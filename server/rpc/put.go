package rpc

import (
	"context"
	"errors"
	"net"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
	"google.golang.org/grpc"
	"google.golang.org/grpc/test/bufconn"

	"github.com/fluss-go/fluss/flight"
	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/ids"
	"github.com/fluss-go/fluss/sdk"
)

// Bounds of what DoPut holds in memory.
const (
	// loopbackBuffer is the buffer of the in-process connection, per direction.
	loopbackBuffer = 1 << 20
	// maxOpenPuts is how many batches of one DoPut wait for their acks.
	maxOpenPuts = 32
)

// Putters writes what DoPut brings, and looks up what DoExchange asks for. It is a client of the server it runs in, so
// that buckets, partitions, retries and leaders are decided in one place, the SDK.
type Putters struct {
	endpoint string
	catalog  Catalog
	loopback *bufconn.Listener

	mu     sync.Mutex
	client *sdk.Client // made at the first DoPut
	closed bool
}

// NewPutters returns putters for the server that clients reach at endpoint. That
// server must serve Listener.
func NewPutters(endpoint string, catalog Catalog) *Putters {
	return &Putters{endpoint: endpoint, catalog: catalog, loopback: bufconn.Listen(loopbackBuffer)}
}

// Listener is the in-process end that the gRPC server must serve.
func (p *Putters) Listener() net.Listener { return p.loopback }

// Close ends the client; writes under way fail.
func (p *Putters) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	if p.client == nil {
		return nil
	}
	return p.client.Close()
}

// put starts writing rows; see flight.Source. The service has checked mode and
// columns against the table.
func (p *Putters) put(ctx context.Context, request flight.PutRequest) (flight.Putter, error) {
	client, err := p.connect(ctx)
	if err != nil {
		return nil, err
	}
	w, err := openWriter(ctx, client, request)
	if err != nil {
		return nil, err
	}
	return &putter{rows: w, catalog: p.catalog, open: make(chan struct{}, maxOpenPuts)}, nil
}

// rowWriter is what writes the rows of one DoPut: an appender, upserter or deleter.
type rowWriter struct {
	write func(context.Context, arrow.RecordBatch) (sdk.Future, error)
	close func(context.Context) error
}

func openWriter(ctx context.Context, client *sdk.Client, request flight.PutRequest) (rowWriter, error) {
	path := request.Path.String()
	var opts []sdk.UpserterOption
	if len(request.Columns) > 0 {
		opts = append(opts, sdk.WithTargetColumns(request.Columns...))
	}
	switch request.Mode {
	case flussv1.WriteKind_WRITE_KIND_APPEND:
		a, err := client.Appender(ctx, path)
		if err != nil {
			return rowWriter{}, err
		}
		return rowWriter{a.AppendBatch, a.Close}, nil
	case flussv1.WriteKind_WRITE_KIND_UPSERT:
		u, err := client.Upserter(ctx, path, opts...)
		if err != nil {
			return rowWriter{}, err
		}
		return rowWriter{u.UpsertBatch, u.Close}, nil
	case flussv1.WriteKind_WRITE_KIND_DELETE:
		d, err := client.Deleter(ctx, path, opts...)
		if err != nil {
			return rowWriter{}, err
		}
		return rowWriter{d.DeleteBatch, d.Close}, nil
	default:
		return rowWriter{}, errcode.New(errcode.InvalidArgument, nil, "the kind of write %d is not known to this server", request.Mode)
	}
}

func (p *Putters) connect(ctx context.Context) (*sdk.Client, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errcode.New(errcode.ShuttingDown, nil, "the server is shutting down")
	}
	if p.client != nil {
		return p.client, nil
	}
	client, err := sdk.Connect(ctx, p.endpoint, sdk.WithClientName("fluss-doput"),
		sdk.WithDialOptions(grpc.WithContextDialer(p.dial)))
	p.client = client
	return client, err
}

// dial connects in process to this server and over the network to others.
func (p *Putters) dial(ctx context.Context, address string) (net.Conn, error) {
	if address == p.endpoint {
		return p.loopback.DialContext(ctx)
	}
	return (&net.Dialer{}).DialContext(ctx, "tcp", address)
}

// putter is the writing end of one DoPut.
type putter struct {
	rows    rowWriter
	catalog Catalog
	open    chan struct{} // a place for each batch that waits for its acks
	wg      sync.WaitGroup

	mu     sync.Mutex
	failed error // the first failure
}

// Write implements flight.Putter.
func (p *putter) Write(ctx context.Context, rec arrow.RecordBatch, acked func(flight.Ack)) error {
	select {
	case p.open <- struct{}{}:
	case <-ctx.Done():
		return errcode.From(ctx.Err())
	}
	future, err := p.rows.write(ctx, rec)
	if err != nil {
		<-p.open
		return err
	}
	p.wg.Go(func() {
		defer func() { <-p.open }()
		acks, err := future.WaitAll(ctx)
		for _, a := range acks {
			acked(flight.Ack{Bucket: a.Bucket, Partition: partitionName(p.catalog, a.Bucket), Base: a.Base, End: a.End, Rows: int64(a.Rows())})
		}
		if err != nil {
			p.fail(err)
			acked(flight.Ack{Err: err})
		}
	})
	return nil
}

// partitionName is the name of the bucket's partition; empty when it has none,
// or when it was dropped meanwhile.
func partitionName(catalog Catalog, b ids.Bucket) string {
	if b.Partition == 0 {
		return ""
	}
	t, err := catalog.Catalog().TableByID(b.Table)
	if err != nil {
		return ""
	}
	p, err := t.PartitionByID(b.Partition)
	if err != nil {
		return ""
	}
	return p.Info.GetName()
}

func (p *putter) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failed == nil {
		p.failed = err
	}
}

// Close implements flight.Putter.
func (p *putter) Close(ctx context.Context) error {
	closed := p.rows.close(ctx)
	p.wg.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failed != nil {
		return p.failed
	}
	if errors.Is(closed, ctx.Err()) && ctx.Err() != nil {
		return nil // the client left; there is nobody to tell
	}
	return closed
}
