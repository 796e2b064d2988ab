package org.flussgo.flink.lookup;

import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.columnar.ColumnarRowData;
import org.apache.flink.table.data.columnar.vector.ColumnVector;
import org.apache.flink.table.data.columnar.vector.VectorizedColumnBatch;
import org.apache.flink.table.runtime.typeutils.RowDataSerializer;
import org.apache.flink.table.types.logical.RowType;
import org.flussgo.client.FlussClient;
import org.flussgo.client.FlussException;
import org.flussgo.client.LookupOptions;
import org.flussgo.client.Lookuper;
import org.flussgo.flink.Connection;
import org.flussgo.flink.ReadFailures;
import org.flussgo.flink.row.ArrowRows;
import org.flussgo.flink.row.FlinkValues;

/**
 * What a look-up join asks for: rows by their primary key, or by a prefix of it, in the columns that the join wants. Conditions on further
 * columns are checked on the rows found. Immutable.
 */
public final class LookupJoin implements Serializable {
    private static final long serialVersionUID = 1L;

    private final Connection connection;
    /** The columns of the rows that the join gets, in their order. */
    private final List<String> outputs;

    private final RowType outputType;
    /** The columns of the condition, in the order of the key row that Flink hands over, and their types. */
    private final List<String> conditions;

    private final RowType conditionType;
    private final boolean prefix;
    private final boolean insertIfAbsent;

    /**
     * A join on a table.
     *
     * @param table what the planner knows of it
     * @param conditions the columns that the condition sets equal to something, in the order of the key rows
     * @throws ValidationException when no look-up answers such a condition
     */
    public LookupJoin(
            Connection connection, KeyColumns table, List<String> outputs, RowType outputType, List<String> conditions, RowType conditionType,
            boolean insertIfAbsent) {
        this.connection = connection;
        this.outputs = new ArrayList<>(outputs);
        this.outputType = outputType;
        this.conditions = new ArrayList<>(conditions);
        this.conditionType = conditionType;
        this.insertIfAbsent = insertIfAbsent;
        if (table.primaryKey.isEmpty()) {
            throw new ValidationException("table " + connection.name() + " has no primary key, so that rows cannot be looked up in it:"
                    + " join it without FOR SYSTEM_TIME AS OF, or give it a primary key");
        }
        boolean whole = conditions.containsAll(table.primaryKey);
        List<String> start = table.prefix();
        this.prefix = !whole;
        if (!whole && (start == null || !conditions.containsAll(start))) {
            throw new ValidationException("a look-up join with table " + connection.name() + " needs a condition on each column of its primary key "
                    + table.primaryKey + (start == null ? "" : ", or of its beginning " + start) + "; this one is on " + conditions
                    + ". A condition counts only if both of its sides have the same type: CAST the other one");
        }
        if (prefix && insertIfAbsent) {
            throw new ValidationException("'lookup.insert-if-not-exists' needs a condition on the whole primary key " + table.primaryKey
                    + " of table " + connection.name() + "; this one is on " + conditions);
        }
    }

    /** What is known of a table's keys when a job is planned. */
    public static final class KeyColumns {
        private final List<String> primaryKey;
        private final List<String> partitionKeys;
        private final List<String> bucketKeys;

        /** The names in their orders; {@code bucketKeys} empty: the primary key without the partition columns. */
        public KeyColumns(List<String> primaryKey, List<String> partitionKeys, List<String> bucketKeys) {
            this.primaryKey = primaryKey;
            this.partitionKeys = partitionKeys;
            this.bucketKeys = bucketKeys;
        }

        /** The columns that look-ups by prefix need, or null when the table has none. */
        private List<String> prefix() {
            List<String> physical = new ArrayList<>(primaryKey);
            physical.removeAll(partitionKeys);
            if (bucketKeys.isEmpty() || bucketKeys.size() >= physical.size()) {
                return null;
            }
            if (!new LinkedHashSet<>(physical.subList(0, bucketKeys.size())).equals(new LinkedHashSet<>(bucketKeys))) {
                return null;
            }
            List<String> out = new ArrayList<>(partitionKeys);
            out.addAll(bucketKeys);
            return out;
        }
    }

    /** A function that waits for each key. */
    public SyncLookup sync() {
        return new SyncLookup(this);
    }

    /** A function that looks up many keys at once. */
    public AsyncLookup async() {
        return new AsyncLookup(this);
    }

    /** The open look-ups of a subtask. */
    static final class Open implements AutoCloseable {
        private final FlussClient client;
        private final Lookuper lookuper;
        private final FlinkValues key;
        private final int[] keyPositions;
        private final LookupJoin join;
        private final int[] outputAt;
        /** The columns of the answer that further conditions are on, and their places in key rows. */
        private final int[] furtherAt;

        private final int[] furtherPositions;

        Open(LookupJoin join) {
            this.join = join;
            this.client = join.connection.connect();
            List<String> wanted = new ArrayList<>(new LinkedHashSet<>(join.outputs));
            List<String> further = new ArrayList<>();
            Lookuper probe = null;
            try {
                org.flussgo.client.TableMetadata table = client.table(join.connection.path());
                List<String> key = new ArrayList<>(table.schema().getPrimaryKeyList());
                if (join.prefix) {
                    key.removeIf(k -> !table.info().getDescriptor().getBucketKeysList().contains(k)
                            && !table.info().getDescriptor().getPartitionKeysList().contains(k));
                }
                for (String c : join.conditions) {
                    if (!key.contains(c)) {
                        further.add(c);
                        if (!wanted.contains(c)) {
                            wanted.add(c);
                        }
                    }
                }
                if (wanted.isEmpty()) {
                    wanted.add(key.get(0));
                }
                probe = client.lookuper(
                        join.connection.path(),
                        table.info().getTableId(),
                        LookupOptions.defaults().withColumns(wanted).withPrefix(join.prefix).withInsertIfAbsent(join.insertIfAbsent));
                keyPositions = probe.keyColumns().stream().mapToInt(f -> join.conditions.indexOf(f.getName())).toArray();
            } finally {
                if (probe == null) {
                    client.close();
                }
            }
            lookuper = probe;
            key = new FlinkValues(join.conditionType, keyPositions);
            outputAt = join.outputs.stream().mapToInt(wanted::indexOf).toArray();
            furtherAt = further.stream().mapToInt(wanted::indexOf).toArray();
            furtherPositions = further.stream().mapToInt(join.conditions::indexOf).toArray();
        }

        CompletableFuture<Collection<RowData>> lookup(RowData keyRow) {
            for (int i = 0; i < join.conditions.size(); i++) {
                if (keyRow.isNullAt(i)) {
                    return CompletableFuture.completedFuture(new ArrayList<>()); // nothing equals a null
                }
            }
            RowData further = furtherPositions.length == 0 ? null : new RowDataSerializer(join.conditionType).copy(keyRow);
            return lookuper.lookup(key.of(keyRow)).thenApply(f -> rows(f, further));
        }

        /** What to throw for a look-up that failed; throws it itself when the job is to end. */
        IOException failed(Throwable t) {
            return ReadFailures.of("looking up rows of " + join.connection.name(), FlussException.from(t), "");
        }

        private Collection<RowData> rows(Lookuper.Found f, RowData condition) {
            List<RowData> out = new ArrayList<>(f.to() - f.from());
            if (f.from() == f.to()) {
                return out;
            }
            ColumnVector[] columns = new ColumnVector[outputAt.length];
            for (int i = 0; i < columns.length; i++) {
                columns[i] = ArrowRows.vector(f.batch().column(outputAt[i]), join.outputType.getTypeAt(i));
            }
            VectorizedColumnBatch batch = new VectorizedColumnBatch(columns);
            // Rows are copied: a joined row that is kept would keep the answer to all keys that were asked with it.
            RowDataSerializer copier = new RowDataSerializer(join.outputType);
            for (int i = f.from(); i < f.to(); i++) {
                if (condition == null || matches(f, i, condition)) {
                    out.add(columns.length == 0 ? new GenericRowData(0) : copier.copy(new ColumnarRowData(batch, i)));
                }
            }
            return out;
        }

        private boolean matches(Lookuper.Found f, int row, RowData condition) {
            for (int k = 0; k < furtherAt.length; k++) {
                org.apache.flink.table.types.logical.LogicalType type = join.conditionType.getTypeAt(furtherPositions[k]);
                RowData.FieldGetter want = RowData.createFieldGetter(type, furtherPositions[k]);
                VectorizedColumnBatch one =
                        new VectorizedColumnBatch(new ColumnVector[] {ArrowRows.vector(f.batch().column(furtherAt[k]), type)});
                Object have = RowData.createFieldGetter(type.copy(true), 0).getFieldOrNull(new ColumnarRowData(one, row));
                if (!java.util.Objects.deepEquals(want.getFieldOrNull(condition), have)) {
                    return false;
                }
            }
            return true;
        }

        @Override
        public void close() {
            lookuper.close();
            client.close();
        }
    }
}
