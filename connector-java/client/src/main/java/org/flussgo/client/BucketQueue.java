package org.flussgo.client;

import java.util.ArrayDeque;
import java.util.Map;
import org.flussgo.client.arrow.BatchWriter;

/**
 * The batches of one bucket, in order: rows collect in an open one, closed ones wait, sent ones are in flight until they are answered.
 *
 * <p>Batches in flight have consecutive sequences, and the server takes them only in that order. So once one is refused, those behind it
 * are refused as well, and nothing is sent until all are answered (halted). Guarded by the writer's lock.
 */
final class BucketQueue {
    /** A closed batch. */
    static final class Batch {
        final BucketQueue bucket;
        final byte[] data;
        final int rows;
        boolean numbered;
        /** When it was last sent, and when first; nanoseconds. */
        long sentAt;

        long firstSentAt;
        /** Whether it may have been written though it was refused, or no answer came. */
        boolean uncertain;
        /** Why it was refused; null until it is. */
        FlussException refused;

        Batch(BucketQueue bucket, byte[] data, int rows) {
            this.bucket = bucket;
            this.data = data;
            this.rows = rows;
        }
    }

    final long partition;
    final int number;
    private final TableWriter w;
    private final ArrayDeque<Batch> queue = new ArrayDeque<>();
    private final ArrayDeque<Batch> inflight = new ArrayDeque<>();
    private BatchWriter open;
    private long openedAt;
    private long writerId;
    private int nextSequence;
    private boolean halted;
    private boolean recovering;
    private long pause;

    BucketQueue(TableWriter w, long partition, int number, long writerId) {
        this.w = w;
        this.partition = partition;
        this.number = number;
        this.writerId = writerId;
    }

    /** Adds a row; returns whether the batch that it went to is full. Throws what the row is refused for. */
    boolean add(Values row, byte changeType) {
        if (open == null) {
            open = w.borrow();
            openedAt = System.nanoTime();
        }
        int before = open.bytes();
        open.add(row, null, changeType);
        w.held += open.bytes() - before;
        return open.bytes() >= w.options.batchBytes();
    }

    /** When the open batch got its first row, in nanoseconds; {@code now} when there is none. */
    long openedAt(long now) {
        return open == null ? now : openedAt;
    }

    /** Whether something is not acked yet. */
    boolean busy() {
        return open != null || !queue.isEmpty() || !inflight.isEmpty();
    }

    /** Closes the open batch and sends what may be sent. */
    void close() {
        if (open != null && !open.isEmpty()) {
            Batch b = new Batch(this, open.encode(), open.rows());
            w.held += b.data.length - open.bytes();
            queue.add(b);
            if (b.data.length > w.maxBatchBytes) {
                w.fail(tooLarge(b));
                return;
            }
        }
        if (open != null) {
            w.giveBack(open);
            open = null;
        }
        send();
    }

    void send() {
        while (!halted && !queue.isEmpty() && inflight.size() < w.options.maxInFlight()) {
            Batch b = queue.poll();
            if (!b.numbered) {
                BatchWriter.number(b.data, writerId, nextSequence);
                nextSequence = nextSequence == Integer.MAX_VALUE ? 0 : nextSequence + 1;
                b.numbered = true;
            }
            b.refused = null;
            b.sentAt = System.nanoTime();
            if (b.firstSentAt == 0) {
                b.firstSentAt = b.sentAt;
            }
            inflight.add(b);
            w.link(w.endpoint(this)).send(b);
        }
    }

    void acked(Batch b) {
        if (inflight.remove(b)) {
            w.acked(b);
        }
        pause = 0;
        resolve();
        send();
    }

    /** Books the answer to a batch; {@code lost} tells that the answer never came. */
    void refused(Batch b, FlussException e, boolean lost) {
        if (inflight.contains(b)) {
            b.refused = e;
            b.uncertain |= lost || e.code() == ErrorCode.OUTCOME_UNKNOWN;
            halted = true;
        }
        resolve();
    }

    /** Decides about what is in flight once all of it is answered: by the first, for those behind were refused because of it. */
    private void resolve() {
        if (!halted || recovering || inflight.isEmpty()) {
            return;
        }
        for (Batch b : inflight) {
            if (b.refused == null) {
                return;
            }
        }
        Batch head = inflight.peek();
        FlussException e = head.refused;
        boolean late = System.nanoTime() - head.firstSentAt > w.client.config().retryTimeout().toNanos();
        // A forgotten writer's batches were refused, and so surely not written, unless an answer was lost before.
        boolean renew = e.code() == ErrorCode.UNKNOWN_WRITER;
        if (late || e.code().retry() == ErrorCode.Retry.NEVER || renew && head.uncertain) {
            w.fail(head.uncertain ? unknown(head, e) : e);
            return;
        }
        for (Batch b; (b = inflight.pollLast()) != null; ) {
            if (renew) {
                b.numbered = false;
                b.uncertain = false;
            }
            queue.addFirst(b);
        }
        recovering = true;
        if (pause == 0) {
            w.retrying(this, e);
        }
        pause = FlussClient.nextPause(pause);
        w.recoverLater(this, e, renew ? 0 : FlussClient.pauseOf(e, pause));
    }

    private FlussException tooLarge(Batch b) {
        return new FlussException(
                ErrorCode.RECORD_TOO_LARGE,
                b.rows + " rows of " + w.table().name() + " make a batch of " + b.data.length + " bytes and the server takes " + w.maxBatchBytes
                        + ": make the values smaller, or send fewer rows at a time");
    }

    private FlussException unknown(Batch b, FlussException e) {
        return new FlussException(
                ErrorCode.OUTCOME_UNKNOWN,
                b.rows + " rows of bucket " + number + " of " + w.table().name() + " were sent and may or may not have been written: "
                        + e.getMessage(),
                Map.of(),
                e);
    }

    /** Goes on after {@link TableWriter#recoverLater}; with a new writer's id unless it is 0. */
    void recovered(long newWriterId) {
        recovering = false;
        halted = false;
        if (newWriterId != 0) {
            writerId = newWriterId;
            nextSequence = 0;
            queue.forEach(b -> b.numbered = false);
        }
        send();
    }

    /** Whether batches have waited to be sent again for too long. */
    boolean late() {
        Batch head = queue.peek();
        return head != null
                && head.firstSentAt != 0
                && System.nanoTime() - head.firstSentAt > w.client.config().retryTimeout().toNanos();
    }
}
