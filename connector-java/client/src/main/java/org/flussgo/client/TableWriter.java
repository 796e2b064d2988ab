package org.flussgo.client;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.flussgo.client.arrow.BatchWriter;
import org.flussgo.client.arrow.Codec;
import org.flussgo.proto.v1.Field;
import org.flussgo.proto.v1.MergeMode;
import org.flussgo.proto.v1.PartitionInfo;
import org.flussgo.proto.v1.TablePath;
import org.flussgo.proto.v1.WriteKind;
import org.flussgo.proto.v1.WriteRequest;

/**
 * Writes rows of one table. Rows of a bucket are written in the order in which they are handed over, each once, whatever connections and
 * servers do meanwhile: batches have sequences that the server knows again.
 *
 * <p>One thread at a time hands over rows; a call blocks while too many bytes wait for their acks. What fails for good fails the writer:
 * every later call throws the same {@link FlussException}. Of rows that were not flushed nothing is known then.
 */
public final class TableWriter implements AutoCloseable {
    private static final byte INSERT = 1;
    private static final byte DELETE = 4;

    final FlussClient client;
    final WriteOptions options;
    /** Bytes of rows that are not acked; guarded by lock. */
    long held;

    private final TablePath path;
    private final List<Field> columns;
    private final boolean keyed;
    private final boolean[] keyColumns;
    private final int schemaId;
    private final WriteRequest head;
    private final BucketHash hash;
    private final PartitionNames names;
    private final long writerId;
    final long maxBatchBytes;
    private final ScheduledFuture<?> ticks;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition progress = lock.newCondition();
    // Written under lock.
    private volatile TableMetadata table;
    // Guarded by lock.
    private final Map<Long, BucketQueue[]> buckets = new HashMap<>();
    private final Map<String, Long> partitionIds = new HashMap<>();
    private final Map<String, WriteLink> links = new HashMap<>();
    private final ArrayDeque<BatchWriter> idle = new ArrayDeque<>();
    private Runnable onFailure;
    private Consumer<String> onRetry;
    private FlussException failed;
    private boolean closed;
    private int spread;
    private long rowsAcked;
    private long bytesSent;
    private volatile long lastSendNanos;

    TableWriter(FlussClient client, TablePath path, long expectedTableId, WriteOptions options) {
        this.client = client;
        this.path = path;
        this.options = options;
        table = client.table(path);
        if (expectedTableId != 0 && table.info().getTableId() != expectedTableId) {
            throw replaced();
        }
        keyed = table.keyed();
        WriteColumns write = WriteColumns.of(table, options.targetColumns());
        columns = write.columns;
        keyColumns = write.keys;
        schemaId = table.schema().getId();
        WriteRequest.Builder b = WriteRequest.newBuilder()
                .setTableId(table.info().getTableId())
                .setKind(keyed ? WriteKind.WRITE_KIND_UPSERT : WriteKind.WRITE_KIND_APPEND);
        if (options.targetColumns() != null) {
            columns.forEach(f -> b.addTargetColumns(f.getId()));
        }
        if (options.overwrite()) {
            b.setMergeMode(MergeMode.MERGE_MODE_OVERWRITE);
        }
        head = b.build();
        List<String> bucketKeys = table.info().getDescriptor().getBucketKeysList();
        hash = bucketKeys.isEmpty() ? null : new BucketHash(columns, bucketKeys);
        names = table.partitioned() ? new PartitionNames(columns, table.info().getDescriptor().getPartitionKeysList()) : null;
        writerId = client.initWriter();
        maxBatchBytes = client.hello().getMaxBatchBytes();
        long tick = Math.max(5, options.linger().toMillis() / 2);
        ticks = client.timer().scheduleWithFixedDelay(this::tick, tick, tick, TimeUnit.MILLISECONDS);
    }

    /** The table as it was when last asked for. */
    public TableMetadata table() {
        return table;
    }

    /** The columns of the rows handed over, in their order: the target columns, else all but one that the server numbers. */
    public List<Field> columns() {
        return columns;
    }

    /** Appends a row to a log table. */
    public void append(Values row) {
        write(row, INSERT, false);
    }

    /** Makes or merges the row under its key, in a primary-key table. */
    public void upsert(Values row) {
        write(row, INSERT, true);
    }

    /** Deletes the row under a key, or makes its target columns null: only the key's columns are looked at. */
    public void delete(Values row) {
        write(row, DELETE, true);
    }

    private void write(Values row, byte changeType, boolean wantsKey) {
        if (keyed != wantsKey) {
            throw wantsKey
                    ? new FlussException(ErrorCode.NOT_PRIMARY_KEY_TABLE, table.name() + " has no primary key: append to it")
                    : new FlussException(ErrorCode.NOT_LOG_TABLE, table.name() + " has a primary key; rows can be appended only to log tables");
        }
        long partition = 0;
        if (names != null) {
            partition = partition(names.of(row), row, changeType == DELETE);
            if (partition == 0) {
                return; // nothing to delete in a partition that is not there
            }
        }
        lock.lock();
        try {
            check();
            awaitRoom();
            BucketQueue b = bucket(partition, row);
            if (b.add(row, changeType)) {
                b.close();
                if (!options.roundRobin()) {
                    spread++;
                }
            }
        } finally {
            lock.unlock();
        }
    }

    private BucketQueue bucket(long partition, Values row) {
        int n = table.buckets();
        BucketQueue[] all = buckets.computeIfAbsent(partition, p -> new BucketQueue[n]);
        int i;
        if (hash != null) {
            i = hash.bucket(row, all.length);
        } else {
            i = Math.floorMod(options.roundRobin() ? spread++ : spread, all.length);
        }
        if (all[i] == null) {
            all[i] = new BucketQueue(this, partition, i, writerId);
        }
        return all[i];
    }

    /** The id of a partition, made when it is missing and that is wanted; 0 when there is none to delete from. */
    private long partition(String name, Values row, boolean delete) {
        Long known = partitionIds.get(name);
        if (known != null) {
            return known;
        }
        PartitionInfo p = table.partitions().get(name);
        if (p == null) {
            refresh();
            p = table.partitions().get(name);
        }
        if (p == null && delete) {
            return 0;
        }
        if (p == null) {
            if (!options.dynamicPartitions()) {
                throw new FlussException(
                        ErrorCode.UNKNOWN_PARTITION, table.name() + " has no partition \"" + name + "\", and the writer is not to create it");
            }
            p = client.admin().createPartition(path, names.values(row), true);
            refresh();
        }
        lock.lock();
        try {
            partitionIds.put(name, p.getPartitionId());
        } finally {
            lock.unlock();
        }
        return p.getPartitionId();
    }

    private void refresh() {
        TableMetadata m = client.table(path);
        lock.lock();
        try {
            if (m.info().getTableId() != head.getTableId()) {
                throw replaced();
            }
            table = m;
        } finally {
            lock.unlock();
        }
    }

    private FlussException replaced() {
        return new FlussException(
                ErrorCode.UNKNOWN_TABLE,
                path.getDatabase() + "." + path.getTable() + " was dropped and created again: start the job anew, without its old state");
    }

    /** Waits until the rows held are fewer bytes than the bound; sends all when that is what it takes. */
    private void awaitRoom() {
        while (held >= options.bufferBytes()) {
            closeAll();
            await();
        }
    }

    private void await() {
        try {
            progress.await(1, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FlussException(ErrorCode.CANCELED, "interrupted while rows waited for their acks", Map.of(), e);
        }
        check();
    }

    private void closeAll() {
        for (BucketQueue[] all : buckets.values()) {
            for (BucketQueue b : all) {
                if (b != null) {
                    b.close();
                }
            }
        }
    }

    /**
     * Sends what is buffered and waits until all is acked.
     *
     * @throws FlussException why rows could not be written; CANCELED when the thread is interrupted
     */
    public void flush() {
        lock.lock();
        try {
            check();
            closeAll();
            check();
            while (busy()) {
                await();
            }
        } finally {
            lock.unlock();
        }
    }

    private boolean busy() {
        for (BucketQueue[] all : buckets.values()) {
            for (BucketQueue b : all) {
                if (b != null && b.busy()) {
                    return true;
                }
            }
        }
        return false;
    }

    private void check() {
        if (failed != null) {
            throw new FlussException(failed.code(), failed.plainMessage(), failed.facts(), failed);
        }
        if (closed) {
            throw new FlussException(ErrorCode.CANCELED, "the writer is closed");
        }
    }

    /** What is called once, from any thread, when the writer fails for good: at once when it has. */
    public void onFailure(Runnable r) {
        boolean now;
        lock.lock();
        try {
            onFailure = r;
            now = failed != null;
        } finally {
            lock.unlock();
        }
        if (now) {
            r.run();
        }
    }

    /** What is called, from any thread and with a sentence, when rows are refused for a while and will be sent again. It must not block. */
    public void onRetry(Consumer<String> c) {
        lock.lock();
        try {
            onRetry = c;
        } finally {
            lock.unlock();
        }
    }

    /** Rows that the server has acked. */
    public long rowsAcked() {
        lock.lock();
        try {
            return rowsAcked;
        } finally {
            lock.unlock();
        }
    }

    /** Bytes of batches that the server has acked. */
    public long bytesSent() {
        lock.lock();
        try {
            return bytesSent;
        } finally {
            lock.unlock();
        }
    }

    /** How long the batch that was acked last waited for its ack since it was first sent, in milliseconds; 0 when none was. */
    public long lastSendMillis() {
        return TimeUnit.NANOSECONDS.toMillis(lastSendNanos);
    }

    /** Stops at once; rows that were not flushed may or may not be written. */
    @Override
    public void close() {
        ticks.cancel(false);
        List<WriteLink> open;
        lock.lock();
        try {
            closed = true;
            open = new ArrayList<>(links.values());
            links.clear();
            progress.signalAll();
        } finally {
            lock.unlock();
        }
        open.forEach(l -> l.cancel("the writer was closed"));
    }

    // What follows is called by the writer's parts, most of it under the lock.

    /** Runs an answer's work under the lock, and tells of a failure that it found afterwards. */
    void locked(Runnable r) {
        Runnable tell = null;
        lock.lock();
        try {
            if (closed) {
                return;
            }
            boolean before = failed != null;
            r.run();
            if (!before && failed != null) {
                tell = onFailure;
            }
        } finally {
            lock.unlock();
        }
        if (tell != null) {
            tell.run();
        }
    }

    void fail(FlussException e) {
        if (failed == null) {
            failed = e;
            progress.signalAll();
        }
    }

    void retrying(BucketQueue b, FlussException e) {
        if (onRetry != null) {
            onRetry.accept("bucket " + b.number + " of " + table.name() + " does not take rows now, they are sent again for "
                    + client.config().retryTimeout().toSeconds() + " s: " + e.getMessage());
        }
    }

    void acked(BucketQueue.Batch b) {
        held -= b.data.length;
        rowsAcked += b.rows;
        bytesSent += b.data.length;
        lastSendNanos = System.nanoTime() - b.firstSentAt;
        progress.signalAll();
    }

    BatchWriter borrow() {
        BatchWriter w = idle.poll();
        return w != null ? w : new BatchWriter(columns, schemaId, keyed, Codec.NONE, keyColumns);
    }

    void giveBack(BatchWriter w) {
        w.reset();
        idle.push(w);
    }

    WriteRequest head(BucketQueue b) {
        return head.toBuilder().setPartitionId(b.partition).setBucket(b.number).build();
    }

    String endpoint(BucketQueue b) {
        return table.endpoint(b.partition, b.number);
    }

    WriteLink link(String endpoint) {
        return links.computeIfAbsent(endpoint, e -> new WriteLink(this, e));
    }

    void unlink(WriteLink l) {
        links.remove(l.endpoint, l);
    }

    /** Sends the bucket's batches again after a pause, with newer metadata or a new writer id where the error asks for it. */
    void recoverLater(BucketQueue b, FlussException e, long pauseMs) {
        try {
            client.timer().schedule(() -> client.executor().execute(() -> recover(b, e)), pauseMs, TimeUnit.MILLISECONDS);
        } catch (RejectedExecutionException stopped) {
            fail(new FlussException(ErrorCode.CANCELED, "the client was closed while rows waited to be sent again: " + e.getMessage(), Map.of(), e));
        }
    }

    private void recover(BucketQueue b, FlussException cause) {
        long newWriter = 0;
        try {
            if (cause.code() == ErrorCode.UNKNOWN_WRITER) {
                newWriter = client.initWriter();
            } else {
                refresh();
                if (b.partition != 0 && table.partition(b.partition) == null) {
                    throw new FlussException(ErrorCode.UNKNOWN_PARTITION, "a partition of " + table.name() + " was dropped while rows of it were written");
                }
            }
        } catch (FlussException e) {
            locked(() -> {
                if (e.code().retry() != ErrorCode.Retry.AFTER_BACKOFF && e.code() != ErrorCode.DEADLINE_EXCEEDED || b.late()) {
                    fail(e);
                } else {
                    recoverLater(b, cause, FlussClient.pauseOf(e, 500));
                }
            });
            return;
        }
        long id = newWriter;
        locked(() -> b.recovered(id));
    }

    /** Closes batches that have waited for others long enough, and breaks streams whose server does not answer. */
    private void tick() {
        locked(() -> {
            long now = System.nanoTime();
            for (BucketQueue[] all : buckets.values()) {
                for (BucketQueue b : all) {
                    if (b != null && now - b.openedAt(now) >= options.linger().toNanos()) {
                        b.close();
                    }
                }
            }
            long before = now - client.config().requestTimeout().toNanos();
            new ArrayList<>(links.values()).forEach(l -> l.expire(before));
        });
    }
}
