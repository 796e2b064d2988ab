package sdk

import (
	"context"
	"strings"
	"sync"

	"google.golang.org/grpc"

	"github.com/fluss-go/fluss/proto/errcode"
	flussv1 "github.com/fluss-go/fluss/proto/fluss/v1"
	"github.com/fluss-go/fluss/proto/table"
)

// ProtocolVersion is the version of the wire protocol that this client speaks.
const ProtocolVersion = 1

// Client is a connection to a cluster. Appenders and scanners share its sockets
// and its memory budget: a program wants one.
type Client struct {
	opts     clientOptions
	servers  *serverPool
	metadata *metadataCache
	budget   *budget
	hello    *flussv1.HelloResponse

	// life ends when Close is called.
	life context.Context //nolint:containedctx // the client's own lifetime, for work that outlives a call
	end  context.CancelFunc
	wg   sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	writers  map[writerKey]*tableWriter
	conns    map[connKey]*writeConn
	scanners map[*Scanner]struct{}
}

// Connect connects to a cluster by the address of one of its servers,
// "host:port", or several separated by commas, of which the first that answers
// is taken. It makes the handshake before it returns, so that a wrong address is
// known at once: it fails with UNAVAILABLE, UNSUPPORTED (the versions do not fit)
// and INVALID_ARGUMENT.
func Connect(ctx context.Context, address string, opts ...Option) (*Client, error) {
	c := &Client{writers: map[writerKey]*tableWriter{}, conns: map[connKey]*writeConn{}, scanners: map[*Scanner]struct{}{}}
	c.opts.ensureDefaults()
	for _, f := range opts {
		f(&c.opts)
	}
	if err := c.opts.validate(); err != nil {
		return nil, errcode.New(errcode.InvalidArgument, nil, "bad client options: %v", err)
	}
	c.life, c.end = context.WithCancel(context.WithoutCancel(ctx))
	c.servers = newServerPool(&c.opts)
	c.metadata = newMetadataCache(c)
	c.budget = newBudget(c.opts.bufferMemory, c.opts.hooks)
	if err := c.handshake(ctx, strings.Split(address, ",")); err != nil {
		c.end()
		c.servers.close()
		return nil, err
	}
	return c, nil
}

// handshake greets the addresses in turn until one answers, which becomes the bootstrap server.
func (c *Client) handshake(ctx context.Context, addresses []string) error {
	var last *errcode.Error
	for _, address := range addresses {
		address = strings.TrimSpace(address)
		if address == "" {
			continue
		}
		conn, err := c.servers.conn(address, 0)
		if err != nil {
			last = err
			continue
		}
		ctx, cancel := context.WithTimeout(ctx, c.opts.requestTimeout)
		hello, callErr := flussv1.NewMetadataClient(conn).Hello(ctx, &flussv1.HelloRequest{Client: c.opts.name, ProtocolVersion: ProtocolVersion})
		cancel()
		if callErr != nil {
			last = connectError(address, callErr)
			continue
		}
		if ProtocolVersion < hello.GetMinProtocolVersion() {
			return errcode.New(errcode.Unsupported, nil,
				"the server %s (release %s) wants protocol version %d or later and this client speaks %d: update the client",
				address, hello.GetVersion(), hello.GetMinProtocolVersion(), ProtocolVersion)
		}
		c.hello = hello
		c.servers.bootstrap = address
		return nil
	}
	if last == nil {
		return errcode.New(errcode.InvalidArgument, nil, "no server address is given; want \"host:port\"")
	}
	return last
}

func connectError(address string, err error) *errcode.Error {
	e := errcode.From(err)
	if e.Code == errcode.Unavailable {
		return errcode.New(errcode.Unavailable, err, "no server answers at %s; is it running, and is the address right?", address)
	}
	return e
}

// Close gives up what is not acked (Flush first), ends scans, and closes the
// connections. It returns when all goroutines of the client have ended.
func (c *Client) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	c.closed = true
	scanners := make([]*Scanner, 0, len(c.scanners))
	for s := range c.scanners {
		scanners = append(scanners, s)
	}
	writers := make([]*tableWriter, 0, len(c.writers))
	for _, w := range c.writers {
		writers = append(writers, w)
	}
	c.mu.Unlock()
	c.end()
	for _, s := range scanners {
		_ = s.Close()
	}
	for _, w := range writers {
		w.abandon(errClientClosed())
	}
	c.servers.close()
	c.wg.Wait()
	return nil
}

func errClientClosed() *errcode.Error {
	return errcode.New(errcode.Canceled, nil, "the client is closed")
}

// Admin returns the calls that create, change, list and drop.
func (c *Client) Admin() *Admin { return &Admin{c} }

// spawn runs f in a goroutine that Close waits for; it does nothing once the client is closed.
func (c *Client) spawn(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.wg.Go(f)
	}
}

// ServerVersion is the release of the server that was connected to.
func (c *Client) ServerVersion() string { return c.hello.GetVersion() }

// Table describes a table from the client's cache, asking the server when it is
// not there; Admin.Table always asks. It fails with UNKNOWN_TABLE.
func (c *Client) Table(ctx context.Context, path string) (*table.Info, error) {
	m, err := c.metadata.get(ctx, path)
	if err != nil {
		return nil, err
	}
	return m.info, nil
}

func pathProto(path string) (*flussv1.TablePath, error) {
	p, err := table.ParsePath(path)
	if err != nil {
		return nil, err
	}
	return &flussv1.TablePath{Database: p.Database, Table: p.Table}, nil
}

// serverPool holds the connections to every server, by endpoint.
type serverPool struct {
	opts *clientOptions
	// bootstrap is the address that the user gave; set once by the handshake.
	bootstrap string

	mu    sync.Mutex
	conns map[string][]*grpc.ClientConn
	down  bool
}

func newServerPool(opts *clientOptions) *serverPool {
	return &serverPool{opts: opts, conns: map[string][]*grpc.ClientConn{}}
}

// conn returns connection i, counted round, of those to endpoint; "" is the bootstrap server.
func (p *serverPool) conn(endpoint string, i int) (*grpc.ClientConn, *errcode.Error) {
	if endpoint == "" {
		endpoint = p.bootstrap
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down {
		return nil, errClientClosed()
	}
	all := p.conns[endpoint]
	if all == nil {
		all = make([]*grpc.ClientConn, p.opts.connections)
		p.conns[endpoint] = all
	}
	i %= len(all)
	if all[i] == nil {
		conn, err := dial(endpoint, p.opts)
		if err != nil {
			return nil, errcode.New(errcode.InvalidArgument, err, "%q is no server address; want \"host:port\"", endpoint)
		}
		all[i] = conn
	}
	return all[i], nil
}

func (p *serverPool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = true
	for _, all := range p.conns {
		for _, conn := range all {
			if conn != nil {
				_ = conn.Close()
			}
		}
	}
}
