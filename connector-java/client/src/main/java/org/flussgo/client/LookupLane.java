package org.flussgo.client;

import com.google.protobuf.ByteString;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.StreamObserver;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.flussgo.client.arrow.ArrowBatch;
import org.flussgo.client.arrow.BatchWriter;
import org.flussgo.client.arrow.Codec;
import org.flussgo.proto.v1.LookupGrpc;
import org.flussgo.proto.v1.LookupKeys;
import org.flussgo.proto.v1.LookupRequest;
import org.flussgo.proto.v1.LookupResponse;

/** The look-ups on their way to one server: few requests at a time, and while they are away the next one collects. */
final class LookupLane {
    private static final int MAX_IN_FLIGHT = 2;
    private static final int MAX_KEYS = 1024;

    /** The keys of one bucket in a request, and who waits for each. */
    private static final class Group {
        final long partition;
        final int bucket;
        final List<CompletableFuture<Lookuper.Found>> calls = new ArrayList<>();
        BatchWriter writer;
        ByteString keys;

        Group(long partition, int bucket, BatchWriter writer) {
            this.partition = partition;
            this.bucket = bucket;
            this.writer = writer;
        }
    }

    /** Keys that travel together. */
    private static final class Request {
        final Map<Long, Group> groups = new LinkedHashMap<>();
        int keys;
        /** When it is given up, in nanoseconds, once it has failed; 0 before. */
        long until;

        long pause;
        /** The shape that it was refused in last. */
        Lookuper.Shape shaped;
    }

    private final Lookuper l;
    private final String endpoint;
    // Guarded by this.
    private final ArrayDeque<Request> ready = new ArrayDeque<>();
    private final ArrayDeque<BatchWriter> idle = new ArrayDeque<>();
    private final List<ClientCall<?, ?>> under = new ArrayList<>();
    private Request open = new Request();
    private int inflight;

    LookupLane(Lookuper l, String endpoint) {
        this.l = l;
        this.endpoint = endpoint;
    }

    void add(long partition, int bucket, Values key, CompletableFuture<Lookuper.Found> call) {
        List<Request> go;
        synchronized (this) {
            if (open.keys >= MAX_KEYS) {
                ready.add(open);
                open = new Request();
            }
            Group g = open.groups.computeIfAbsent(partition << 13 ^ bucket, k -> new Group(partition, bucket, borrow()));
            g.writer.add(key, l.sentPositions, (byte) 0);
            g.calls.add(call);
            open.keys++;
            go = take();
        }
        go.forEach(this::send);
    }

    private BatchWriter borrow() {
        BatchWriter w = idle.poll();
        return w != null ? w : new BatchWriter(l.sent, l.keySchemaId, false, Codec.NONE, null);
    }

    /** The requests that may be sent now, counted as in flight. */
    private List<Request> take() {
        List<Request> out = new ArrayList<>();
        while (inflight < MAX_IN_FLIGHT) {
            Request r = ready.poll();
            if (r == null && open.keys > 0) {
                r = open;
                open = new Request();
            }
            if (r == null) {
                break;
            }
            r.groups.values().removeIf(g -> g.calls.isEmpty()); // its only key was refused
            for (Group g : r.groups.values()) {
                if (g.writer != null) {
                    g.keys = com.google.protobuf.UnsafeByteOperations.unsafeWrap(g.writer.encode());
                    g.writer.reset();
                    idle.push(g.writer);
                    g.writer = null;
                }
            }
            inflight++;
            out.add(r);
        }
        return out;
    }

    private void send(Request r) {
        Lookuper.Shape shape = l.shape();
        LookupRequest.Builder b = shape.template.toBuilder();
        for (Group g : r.groups.values()) {
            b.addBuckets(LookupKeys.newBuilder().setPartitionId(g.partition).setBucket(g.bucket).setKeys(g.keys));
        }
        CallOptions options = CallOptions.DEFAULT.withDeadlineAfter(l.client.config().requestTimeout().toMillis(), TimeUnit.MILLISECONDS);
        ClientCall<LookupRequest, LookupResponse> call =
                l.client.channel(endpoint, FlussClient.LOOKUPS).newCall(LookupGrpc.getLookupMethod(), options);
        synchronized (this) {
            under.add(call);
        }
        ClientCalls.asyncUnaryCall(call, b.build(), new StreamObserver<LookupResponse>() {
            @Override
            public void onNext(LookupResponse v) {
                ended(call);
                try {
                    deliver(r, v, shape);
                } catch (RuntimeException e) {
                    fail(r, FlussException.from(e));
                }
            }

            @Override
            public void onError(Throwable t) {
                ended(call);
                refused(r, FlussException.from(t), shape);
            }

            @Override
            public void onCompleted() {
                // the one answer was all
            }
        });
    }

    private void ended(ClientCall<?, ?> call) {
        List<Request> go;
        synchronized (this) {
            under.remove(call);
            inflight--;
            go = take();
        }
        go.forEach(this::send);
    }

    private void deliver(Request r, LookupResponse v, Lookuper.Shape shape) {
        if (v.getRowCountsCount() != r.keys) {
            throw new FlussException(ErrorCode.INTERNAL, "the server answered " + v.getRowCountsCount() + " of " + r.keys + " keys");
        }
        ArrowBatch rows = null;
        if (!v.getRows().isEmpty()) {
            byte[] b = v.getRows().toByteArray();
            rows = shape.answers.readBatch(b, 0, b.length);
        }
        int have = rows == null ? 0 : rows.rows();
        long told = v.getRowCountsList().stream().mapToLong(Integer::longValue).sum();
        if (told != have) {
            throw new FlussException(ErrorCode.INTERNAL, "the server answered with " + have + " rows and told " + told);
        }
        int at = 0;
        int k = 0;
        for (Group g : r.groups.values()) {
            for (CompletableFuture<Lookuper.Found> call : g.calls) {
                int n = v.getRowCounts(k++);
                call.complete(new Lookuper.Found(n == 0 ? null : rows, at, at + n));
                at += n;
            }
        }
    }

    private void refused(Request r, FlussException e, Lookuper.Shape shape) {
        boolean large = e.code() == ErrorCode.RECORD_TOO_LARGE || e.code() == ErrorCode.LIMIT_EXCEEDED;
        if (large && r.groups.size() > 1) {
            alone(r);
            return;
        }
        long now = System.nanoTime();
        if (r.until == 0) {
            r.until = now + l.client.config().retryTimeout().toNanos();
        }
        boolean passes = e.code().retry() != ErrorCode.Retry.NEVER || e.code() == ErrorCode.DEADLINE_EXCEEDED;
        passes &= !(e.code() == ErrorCode.UNKNOWN_SCHEMA && r.shaped == shape); // the newest metadata did not help
        r.shaped = shape;
        if (l.closed() || !passes || now - r.until > 0) {
            fail(r, e);
            return;
        }
        r.pause = FlussClient.nextPause(r.pause);
        try {
            l.client.timer().schedule(
                    () -> l.client.executor().execute(() -> again(r)), FlussClient.pauseOf(e, r.pause), TimeUnit.MILLISECONDS);
        } catch (RejectedExecutionException stopped) {
            fail(r, e);
        }
    }

    /** Sends the groups of a request whose answer was too large by themselves. */
    private void alone(Request r) {
        for (Map.Entry<Long, Group> g : r.groups.entrySet()) {
            Request one = new Request();
            one.groups.put(g.getKey(), g.getValue());
            one.keys = g.getValue().calls.size();
            enqueue(this, one);
        }
    }

    /** Sends a request's keys once more, to where their buckets are by now. */
    private void again(Request r) {
        try {
            l.refresh();
        } catch (FlussException e) {
            refused(r, e, null);
            return;
        }
        Map<LookupLane, Request> moved = new LinkedHashMap<>();
        for (Map.Entry<Long, Group> e : r.groups.entrySet()) {
            Group g = e.getValue();
            if (g.partition != 0 && l.table().partition(g.partition) == null) {
                // The partition was dropped, and its rows with it.
                g.calls.forEach(c -> c.complete(new Lookuper.Found(null, 0, 0)));
                continue;
            }
            try {
                LookupLane to = l.lane(l.table().endpoint(g.partition, g.bucket));
                Request part = moved.computeIfAbsent(to, t -> new Request());
                part.groups.put(e.getKey(), g);
                part.keys += g.calls.size();
                part.until = r.until;
                part.pause = r.pause;
                part.shaped = r.shaped;
            } catch (FlussException closed) {
                g.calls.forEach(c -> c.completeExceptionally(closed));
            }
        }
        moved.forEach(LookupLane::enqueue);
    }

    private static void enqueue(LookupLane to, Request r) {
        List<Request> go;
        synchronized (to) {
            to.ready.addFirst(r);
            go = to.take();
        }
        go.forEach(to::send);
    }

    private static void fail(Request r, FlussException e) {
        r.groups.values().forEach(g -> g.calls.forEach(c -> c.completeExceptionally(e)));
    }

    void close() {
        List<ClientCall<?, ?>> calls;
        List<Request> waiting;
        synchronized (this) {
            calls = new ArrayList<>(under);
            waiting = new ArrayList<>(ready);
            waiting.add(open);
            ready.clear();
            open = new Request();
        }
        calls.forEach(c -> c.cancel("the lookuper was closed", null));
        FlussException e = new FlussException(ErrorCode.CANCELED, "the lookuper was closed");
        waiting.forEach(r -> fail(r, e));
    }
}
