package org.flussgo.client;

import io.grpc.Channel;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.flussgo.proto.v1.GetTableMetadataRequest;
import org.flussgo.proto.v1.HelloRequest;
import org.flussgo.proto.v1.HelloResponse;
import org.flussgo.proto.v1.InitWriterRequest;
import org.flussgo.proto.v1.MetadataGrpc;
import org.flussgo.proto.v1.ScanRequest;
import org.flussgo.proto.v1.TablePath;
import org.flussgo.proto.v1.WriteGrpc;

/**
 * A client of a Fluss server: the door to administration, writers, look-ups and scans. Opening one costs nothing; clients of equal
 * configuration share connections. Thread-safe. Close everything that was made from it first.
 */
public final class FlussClient implements AutoCloseable {
    // Lanes: connections that share nothing.
    static final int CONTROL = 0;
    static final int WRITES = 1;
    static final int LOOKUPS = 2;
    private static final int SCANS = 3;
    private static final int SCAN_LANES = 4;

    private static final int PROTOCOL_VERSION = 1;
    private static final int MAX_ATTEMPTS = 10;
    private static final long FIRST_PAUSE_MS = 50;
    private static final long LAST_PAUSE_MS = 2_000;
    private static final long MAX_SERVER_PAUSE_MS = 10_000;

    private final ClientConfig config;
    private final Channels channels;
    private final AtomicBoolean closed = new AtomicBoolean();
    private final AtomicInteger scans = new AtomicInteger();
    private final AtomicInteger bootstrap = new AtomicInteger();

    private FlussClient(ClientConfig config) {
        this.config = config;
        this.channels = Channels.join(config);
    }

    /** A client of the servers that the configuration names. Nothing is sent before it is used; see {@link #hello}. */
    public static FlussClient connect(ClientConfig config) {
        return new FlussClient(config);
    }

    /**
     * Asks the server who it is.
     *
     * @throws FlussException UNAVAILABLE when no server can be reached in time
     */
    public HelloResponse hello() {
        HelloRequest r = HelloRequest.newBuilder().setClient("fluss-java").setProtocolVersion(PROTOCOL_VERSION).build();
        return call(true, ch -> deadline(MetadataGrpc.newBlockingStub(ch)).hello(r));
    }

    /** Databases, tables and partitions. */
    public Admin admin() {
        return new Admin(this);
    }

    /**
     * Everything about a table that writing and reading needs, as the server knows it now.
     *
     * @throws FlussException UNKNOWN_TABLE, UNKNOWN_DATABASE
     */
    public TableMetadata table(TablePath path) {
        GetTableMetadataRequest r = GetTableMetadataRequest.newBuilder().setPath(path).build();
        return new TableMetadata(call(true, ch -> deadline(MetadataGrpc.newBlockingStub(ch)).getTableMetadata(r)));
    }

    /**
     * A writer of a table.
     *
     * @param expectedTableId the id that the table must have, or 0: one that was dropped and created again is UNKNOWN_TABLE
     * @throws FlussException UNKNOWN_TABLE, UNKNOWN_COLUMN, INVALID_ARGUMENT
     */
    public TableWriter writer(TablePath path, long expectedTableId, WriteOptions options) {
        return new TableWriter(this, path, expectedTableId, options);
    }

    /**
     * Look-ups in a primary-key table.
     *
     * @param expectedTableId the id that the table must have, or 0
     * @throws FlussException UNKNOWN_TABLE, NOT_PRIMARY_KEY_TABLE, UNKNOWN_COLUMN, INVALID_ARGUMENT
     */
    public Lookuper lookuper(TablePath path, long expectedTableId, LookupOptions options) {
        return new Lookuper(this, path, expectedTableId, options);
    }

    /**
     * Starts a scan on a server; what comes, and what fails, is asked of the stream.
     *
     * @param endpoint of {@link TableMetadata#endpoint}
     * @param onReady called from other threads whenever there is something to ask the stream for
     */
    public ScanStream scan(String endpoint, ScanRequest request, Runnable onReady) {
        return new ScanStream(channel(endpoint, SCANS + Math.floorMod(scans.getAndIncrement(), SCAN_LANES)), request, onReady);
    }

    /** What it was made with. */
    public ClientConfig config() {
        return config;
    }

    /** Stops it; when it is the last of its configuration, calls under way are canceled. */
    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            channels.leave();
        }
    }

    long initWriter() {
        return call(true, ch -> deadline(WriteGrpc.newBlockingStub(ch)).initWriter(InitWriterRequest.getDefaultInstance())).getWriterId();
    }

    /** The connection of a lane to a server; "" is the bootstrap server. */
    Channel channel(String endpoint, int lane) {
        return channels.to(endpoint.isEmpty() ? bootstrapServer() : endpoint, lane);
    }

    ScheduledExecutorService timer() {
        return channels.timer;
    }

    Executor executor() {
        return channels.executor;
    }

    <S extends io.grpc.stub.AbstractStub<S>> S deadline(S stub) {
        return stub.withDeadlineAfter(config.requestTimeout().toMillis(), TimeUnit.MILLISECONDS);
    }

    private String bootstrapServer() {
        return config.servers().get(Math.floorMod(bootstrap.get(), config.servers().size()));
    }

    /**
     * Makes a call to a bootstrap server, again by the class of its error. One that changes something ({@code reads} false) is repeated
     * only after an answer that says that nothing was done.
     */
    <T> T call(boolean reads, Function<Channel, T> f) {
        long until = System.nanoTime() + config.requestTimeout().toNanos() * 2;
        long pause = FIRST_PAUSE_MS;
        for (int attempt = 1; ; attempt++) {
            try {
                return away(() -> f.apply(channel("", CONTROL)));
            } catch (RuntimeException t) {
                FlussException e = FlussException.from(t);
                if (e.code() == ErrorCode.UNAVAILABLE || e.code() == ErrorCode.DEADLINE_EXCEEDED) {
                    bootstrap.incrementAndGet(); // the next one may be there
                }
                boolean over = closed.get() || attempt >= MAX_ATTEMPTS || System.nanoTime() > until;
                if (over || !again(e.code(), reads)) {
                    throw e.code() == ErrorCode.UNAVAILABLE ? unreachable(e) : e;
                }
                sleep(pauseOf(e, pause), e);
                pause = Math.min(2 * pause, LAST_PAUSE_MS);
            }
        }
    }

    /**
     * Makes a call in one of the client's own threads: what libraries leave in the thread that calls them would keep their class loader for
     * as long as a thread of the application lives.
     */
    private <T> T away(Callable<T> call) {
        Future<T> f;
        try {
            f = channels.executor.submit(call);
        } catch (RejectedExecutionException e) {
            throw new FlussException(ErrorCode.CANCELED, "the client is closed", Map.of(), e);
        }
        try {
            return f.get();
        } catch (InterruptedException e) {
            f.cancel(true);
            Thread.currentThread().interrupt();
            throw new FlussException(ErrorCode.CANCELED, "interrupted while it waited for the server", Map.of(), e);
        } catch (ExecutionException e) {
            throw FlussException.from(e.getCause());
        }
    }

    private FlussException unreachable(FlussException e) {
        return new FlussException(
                ErrorCode.UNAVAILABLE,
                "no Fluss server answers at " + config + ": " + e.plainMessage() + "; is it running, and is bootstrap.servers right?",
                e.facts(),
                e);
    }

    private static boolean again(ErrorCode code, boolean reads) {
        switch (code) {
            case UNAVAILABLE:
            case OUTCOME_UNKNOWN:
                return reads;
            case CONFLICT:
                return false;
            case NOT_LEADER:
                return true;
            default:
                return code.retry() == ErrorCode.Retry.AFTER_BACKOFF;
        }
    }

    /** A pause around {@code ms}, at least as long as the server asked for. */
    static long pauseOf(FlussException e, long ms) {
        long spread = ms / 2 + ThreadLocalRandom.current().nextLong(ms + 1);
        String wanted = e.facts().get("retry_after_ms");
        if (wanted != null && wanted.matches("[0-9]{1,9}")) {
            return Math.max(spread, Math.min(Long.parseLong(wanted), MAX_SERVER_PAUSE_MS));
        }
        return spread;
    }

    /** The pause that follows one. */
    static long nextPause(long ms) {
        return ms == 0 ? FIRST_PAUSE_MS : Math.min(2 * ms, LAST_PAUSE_MS);
    }

    private static void sleep(long ms, FlussException e) {
        try {
            Thread.sleep(ms);
        } catch (InterruptedException stop) {
            Thread.currentThread().interrupt();
            throw new FlussException(ErrorCode.CANCELED, "interrupted while it waited to try again: " + e.getMessage(), e.facts(), e);
        }
    }
}
