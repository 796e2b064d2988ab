package org.flussgo.flink.sink;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.DataStreamSink;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.catalog.Column;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.ProviderContext;
import org.apache.flink.table.connector.RowLevelModificationScanContext;
import org.apache.flink.table.connector.sink.DataStreamSinkProvider;
import org.apache.flink.table.connector.sink.DynamicTableSink;
import org.apache.flink.table.connector.sink.abilities.SupportsDeletePushDown;
import org.apache.flink.table.connector.sink.abilities.SupportsPartitioning;
import org.apache.flink.table.connector.sink.abilities.SupportsRowLevelDelete;
import org.apache.flink.table.connector.sink.abilities.SupportsRowLevelUpdate;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.expressions.ResolvedExpression;
import org.apache.flink.types.RowKind;
import org.flussgo.client.FlussClient;
import org.flussgo.client.FlussException;
import org.flussgo.client.TableWriter;
import org.flussgo.flink.row.FlinkValues;

/** A table as the planner writes it: INSERT, partial updates by a list of columns, UPDATE and DELETE. */
public final class FlussTableSink
        implements DynamicTableSink, SupportsPartitioning, SupportsDeletePushDown, SupportsRowLevelDelete, SupportsRowLevelUpdate {
    private SinkSpec spec;
    private boolean updates;
    private RowData deleted;

    /** A sink of the table that the spec describes. */
    public FlussTableSink(SinkSpec spec) {
        this.spec = spec;
    }

    @Override
    public DynamicTableSink copy() {
        FlussTableSink s = new FlussTableSink(spec);
        s.updates = updates;
        s.deleted = deleted;
        return s;
    }

    @Override
    public String asSummaryString() {
        return "Fluss";
    }

    @Override
    public ChangelogMode getChangelogMode(ChangelogMode requested) {
        if (!spec.keyed() && !spec.ignoreDelete) {
            return ChangelogMode.insertOnly();
        }
        ChangelogMode.Builder b = ChangelogMode.newBuilder();
        for (RowKind k : requested.getContainedKinds()) {
            if (k != RowKind.UPDATE_BEFORE) {
                b.addContainedKind(k);
            }
        }
        return b.build();
    }

    @Override
    public SinkRuntimeProvider getSinkRuntimeProvider(Context context) {
        SinkSpec run = updates ? spec : targeted(context.getTargetColumns().orElse(new int[0][]));
        return new DataStreamSinkProvider() {
            @Override
            public DataStreamSink<?> consumeDataStream(ProviderContext provider, DataStream<RowData> rows) {
                DataStream<RowData> shuffled = BucketShuffle.of(rows, run);
                DataStreamSink<RowData> sink = shuffled.sinkTo(new FlussSink<>(run, RowWriter.rows())).name("Fluss " + run.connection.name());
                provider.generateUid("fluss-sink").ifPresent(sink::uid);
                return sink.setParallelism(run.parallelism != null ? run.parallelism : rows.getParallelism());
            }
        };
    }

    /** The spec for the columns that INSERT names; all of them are none in particular, in whatever order. */
    private SinkSpec targeted(int[][] targets) {
        List<String> all = spec.type.getFieldNames();
        LinkedHashSet<String> names = new LinkedHashSet<>();
        Arrays.stream(targets).forEach(path -> names.add(all.get(path[0])));
        if (names.isEmpty() || names.size() == all.size() || !spec.keyed()) {
            return spec;
        }
        List<String> missing = spec.primaryKey.stream().filter(k -> !names.contains(k)).collect(Collectors.toList());
        if (!missing.isEmpty()) {
            throw new ValidationException("INSERT INTO " + spec.connection.name() + " names the columns " + names + " and not " + missing
                    + " of the primary key " + spec.primaryKey + ": name all of the key, for the server must know which row to write");
        }
        if (wholeRows()) {
            throw new ValidationException("table " + spec.connection.name() + " has the merge engine " + spec.mergeEngine
                    + ", which takes whole rows: name all columns in INSERT, or none");
        }
        return spec.partial(new ArrayList<>(names));
    }

    private boolean wholeRows() {
        return spec.mergeEngine.equalsIgnoreCase("FIRST_ROW") || spec.mergeEngine.equalsIgnoreCase("VERSIONED");
    }

    @Override
    public void applyStaticPartition(Map<String, String> partition) {
        // the planner has put the values into the rows
    }

    @Override
    public boolean applyDeleteFilters(List<ResolvedExpression> filters) {
        checkDelete();
        Optional<RowData> key = KeyLiterals.row(filters, spec.type, spec.primaryKey);
        key.ifPresent(k -> deleted = k);
        return key.isPresent();
    }

    @Override
    public Optional<Long> executeDeletion() {
        try (FlussClient client = spec.connection.connect();
                TableWriter writer = client.writer(spec.connection.path(), 0, spec.options)) {
            int[] at = writer.columns().stream().mapToInt(f -> spec.type.getFieldNames().indexOf(f.getName())).toArray();
            writer.delete(new FlinkValues(spec.type, at).of(deleted));
            writer.flush();
            return Optional.empty();
        } catch (FlussException e) {
            throw new ValidationException("DELETE FROM " + spec.connection.name() + " failed: " + e.getMessage(), e);
        }
    }

    private void checkChange(String statement) {
        if (!spec.keyed()) {
            throw new ValidationException(statement + " needs a table with a primary key; " + spec.connection.name() + " is a log table, whose rows stay");
        }
        if (wholeRows()) {
            throw new ValidationException(statement + " is not for table " + spec.connection.name() + ": its merge engine " + spec.mergeEngine
                    + " decides which row stays");
        }
    }

    private void checkDelete() {
        checkChange("DELETE");
        boolean refused = spec.deleteBehavior.equalsIgnoreCase("IGNORE") || spec.deleteBehavior.equalsIgnoreCase("DISABLE");
        if (refused) {
            throw new ValidationException("DELETE is not for table " + spec.connection.name() + ": its option 'table.delete.behavior' is '"
                    + spec.deleteBehavior + "'");
        }
    }

    @Override
    public RowLevelDeleteInfo applyRowLevelDelete(RowLevelModificationScanContext scan) {
        checkDelete();
        updates = true;
        return new RowLevelDeleteInfo() {
            @Override
            public RowLevelDeleteMode getRowLevelDeleteMode() {
                return RowLevelDeleteMode.DELETED_ROWS;
            }
        };
    }

    @Override
    public RowLevelUpdateInfo applyRowLevelUpdate(List<Column> updated, RowLevelModificationScanContext scan) {
        checkChange("UPDATE");
        for (Column c : updated) {
            if (spec.primaryKey.contains(c.getName())) {
                throw new ValidationException("UPDATE of column " + c.getName() + ", which is in the primary key " + spec.primaryKey + " of table "
                        + spec.connection.name() + ": a row with another key is another row; INSERT it, and DELETE this one");
            }
        }
        updates = true;
        spec = spec.overwriting(); // what is updated is not merged with what it was
        return new RowLevelUpdateInfo() {
            @Override
            public RowLevelUpdateMode getRowLevelUpdateMode() {
                return RowLevelUpdateMode.UPDATED_ROWS;
            }
        };
    }
}
