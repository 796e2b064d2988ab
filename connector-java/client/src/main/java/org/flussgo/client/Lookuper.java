package org.flussgo.client;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.flussgo.client.arrow.ArrowBatch;
import org.flussgo.client.arrow.BatchReader;
import org.flussgo.proto.v1.Field;
import org.flussgo.proto.v1.LookupRequest;
import org.flussgo.proto.v1.PartitionInfo;
import org.flussgo.proto.v1.TableDescriptor;
import org.flussgo.proto.v1.TablePath;

/**
 * Looks up rows of a primary-key table by key. Keys that are asked for while a request is under way travel together in the next: nothing
 * waits for a timer. A row that was acked before the look-up is found. Thread-safe.
 */
public final class Lookuper implements AutoCloseable {
    private static final long PARTITION_REFRESH_NANOS = 200_000_000;

    /** The rows of a key: [from, to) of a batch that other keys may have rows in, too. */
    public static final class Found {
        private final ArrowBatch batch;
        private final int from;
        private final int to;

        Found(ArrowBatch batch, int from, int to) {
            this.batch = batch;
            this.from = from;
            this.to = to;
        }

        /** The batch; null when there are no rows. Whoever keeps one of its values keeps all of it: copy rows that are to stay. */
        public ArrowBatch batch() {
            return batch;
        }

        /** The position of the first row. */
        public int from() {
            return from;
        }

        /** The position behind the last row. */
        public int to() {
            return to;
        }
    }

    /** How rows are asked for and answered: in a version of the table's schema. */
    static final class Shape {
        final LookupRequest template;
        final BatchReader answers;

        Shape(LookupRequest template, BatchReader answers) {
            this.template = template;
            this.answers = answers;
        }
    }

    final FlussClient client;
    /** The schema that keys are sent in: it stays, for the columns of a key keep their types. */
    final int keySchemaId;
    /** The columns that are sent: a prefix goes without partition columns. */
    final List<Field> sent = new ArrayList<>();

    final int[] sentPositions;
    private volatile Shape shape;
    private final TablePath path;
    private final LookupOptions options;
    private final List<Field> keyColumns = new ArrayList<>();
    private final List<Field> columns;
    private final BucketHash hash;
    private final PartitionNames names;
    private final Map<String, LookupLane> lanes = new HashMap<>(); // guarded by this
    private volatile TableMetadata table;
    private volatile long refreshedAt = System.nanoTime();
    private volatile boolean closed;

    Lookuper(FlussClient client, TablePath path, long expectedTableId, LookupOptions options) {
        this.client = client;
        this.path = path;
        this.options = options;
        table = client.table(path);
        if (expectedTableId != 0 && table.info().getTableId() != expectedTableId) {
            throw replaced();
        }
        if (!table.keyed()) {
            throw new FlussException(ErrorCode.NOT_PRIMARY_KEY_TABLE, table.name() + " has no primary key to look rows up by: scan it");
        }
        if (options.prefix() && options.insertIfAbsent()) {
            throw new FlussException(ErrorCode.INVALID_ARGUMENT, "a prefix names no row that could be inserted");
        }
        TableDescriptor d = table.info().getDescriptor();
        List<Integer> positions = new ArrayList<>();
        LookupRequest.Builder b = LookupRequest.newBuilder()
                .setTableId(table.info().getTableId()).setPrefix(options.prefix())
                .setInsertIfAbsent(options.insertIfAbsent()).setSchemaId(table.schema().getId());
        for (String name : table.schema().getPrimaryKeyList()) {
            boolean ofPartition = d.getPartitionKeysList().contains(name);
            if (options.prefix() && !ofPartition && !d.getBucketKeysList().contains(name)) {
                continue;
            }
            Field f = table.columns().get(table.indexOf(name));
            if (!options.prefix() || !ofPartition) {
                positions.add(keyColumns.size());
                sent.add(f);
                b.addKeyColumns(f.getId());
            }
            keyColumns.add(f);
        }
        sentPositions = positions.stream().mapToInt(Integer::intValue).toArray();
        columns = chosen(options.columns());
        columns.forEach(f -> b.addColumns(f.getId()));
        keySchemaId = table.schema().getId();
        shape = new Shape(b.build(), new BatchReader(columns));
        hash = new BucketHash(keyColumns, d.getBucketKeysList());
        names = table.partitioned() ? new PartitionNames(keyColumns, d.getPartitionKeysList()) : null;
    }

    private List<Field> chosen(List<String> wanted) {
        List<Field> out = new ArrayList<>();
        if (wanted == null) {
            table.columns().forEach(f -> out.add(Columns.nullable(f)));
            return out;
        }
        for (int i : Columns.positions(table.columns(), wanted, "list of columns to look up")) {
            out.add(Columns.nullable(table.columns().get(i)));
        }
        return out;
    }

    /** The table as it was when last asked for. */
    public TableMetadata table() {
        return table;
    }

    /** The columns of a key, in its order: that of PRIMARY KEY, of which a prefix has the partition columns and the bucket key. */
    public List<Field> keyColumns() {
        return keyColumns;
    }

    /** The columns of the rows found, all of them nullable. */
    public List<Field> columns() {
        return columns;
    }

    /**
     * Looks up a key: its values in the order of {@link #keyColumns}, none of them null. They are copied before the call returns.
     *
     * @return the rows; it fails with a {@link FlussException}
     */
    public CompletableFuture<Found> lookup(Values key) {
        CompletableFuture<Found> out = new CompletableFuture<>();
        try {
            long partition = 0;
            if (names != null) {
                partition = partition(names.of(key), key);
                if (partition == 0) {
                    out.complete(new Found(null, 0, 0));
                    return out;
                }
            }
            int bucket = hash.bucket(key, table.buckets());
            lane(table.endpoint(partition, bucket)).add(partition, bucket, key, out);
        } catch (RuntimeException e) {
            out.completeExceptionally(e);
        }
        return out;
    }

    /** The id of a partition, 0 when there is none; it is made first when rows are to be inserted. */
    private long partition(String name, Values key) {
        PartitionInfo p = table.partitions().get(name);
        if (p == null && System.nanoTime() - refreshedAt > PARTITION_REFRESH_NANOS) {
            refresh();
            p = table.partitions().get(name);
        }
        if (p == null && options.insertIfAbsent()) {
            p = client.admin().createPartition(path, names.values(key), true);
            refresh();
        }
        return p == null ? 0 : p.getPartitionId();
    }

    /** Takes over the newest metadata. */
    void refresh() {
        TableMetadata m = client.table(path);
        if (m.info().getTableId() != shape.template.getTableId()) {
            throw replaced();
        }
        table = m;
        shape = reshaped(m);
        refreshedAt = System.nanoTime();
    }

    /** The shape in the newest schema, where types may be wider; the old one while a column is missing there. */
    private Shape reshaped(TableMetadata m) {
        Shape s = shape;
        if (s.template.getSchemaId() == m.schema().getId()) {
            return s;
        }
        List<Field> now = new ArrayList<>();
        for (Field f : columns) {
            m.columns().stream().filter(c -> c.getId() == f.getId()).forEach(c -> now.add(Columns.nullable(c)));
        }
        return now.size() < columns.size() ? s : new Shape(s.template.toBuilder().setSchemaId(m.schema().getId()).build(), new BatchReader(now));
    }

    Shape shape() {
        return shape;
    }

    private FlussException replaced() {
        return new FlussException(
                ErrorCode.UNKNOWN_TABLE,
                path.getDatabase() + "." + path.getTable() + " was dropped and created again: start the job anew, without its old state");
    }

    synchronized LookupLane lane(String endpoint) {
        if (closed) {
            throw new FlussException(ErrorCode.CANCELED, "the lookuper is closed");
        }
        return lanes.computeIfAbsent(endpoint, e -> new LookupLane(this, e));
    }

    boolean closed() {
        return closed;
    }

    /** Ends the look-ups under way, which fail with CANCELED. */
    @Override
    public void close() {
        List<LookupLane> all;
        synchronized (this) {
            closed = true;
            all = new ArrayList<>(lanes.values());
        }
        all.forEach(LookupLane::close);
    }
}
