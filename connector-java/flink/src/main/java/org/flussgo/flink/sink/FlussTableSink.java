package org.flussgo.flink.sink;

import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.DataStreamSink;
import org.apache.flink.table.api.TableException;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.catalog.Column;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.ProviderContext;
import org.apache.flink.table.connector.RowLevelModificationScanContext;
import org.apache.flink.table.connector.sink.DataStreamSinkProvider;
import org.apache.flink.table.connector.sink.DynamicTableSink;
import org.apache.flink.table.connector.sink.abilities.SupportsDeletePushDown;
import org.apache.flink.table.connector.sink.abilities.SupportsOverwrite;
import org.apache.flink.table.connector.sink.abilities.SupportsPartitioning;
import org.apache.flink.table.connector.sink.abilities.SupportsRowLevelDelete;
import org.apache.flink.table.connector.sink.abilities.SupportsRowLevelUpdate;
import org.apache.flink.table.connector.sink.abilities.SupportsTruncate;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.expressions.ResolvedExpression;
import org.apache.flink.types.RowKind;
import org.flussgo.client.FlussClient;
import org.flussgo.client.FlussException;
import org.flussgo.client.TableWriter;
import org.flussgo.flink.row.FlinkValues;

/** A table as the planner writes it: INSERT, partial updates by a list of columns, UPDATE and DELETE. */
public final class FlussTableSink
        implements DynamicTableSink,
                SupportsPartitioning,
                SupportsOverwrite,
                SupportsTruncate,
                SupportsDeletePushDown,
                SupportsRowLevelDelete,
                SupportsRowLevelUpdate {
    /** All of the table, as statements see it: computed ones and metadata among them. */
    private final List<Column> columns;

    private SinkSpec spec;
    private boolean updates;
    /** The columns that INSERT … PARTITION (…) gives values of. */
    private Set<String> fixed = Set.of();
    private RowData deleted;

    /**
     * A sink of the table.
     *
     * @param columns all that statements see: computed ones and metadata among them
     */
    public FlussTableSink(SinkSpec spec, List<Column> columns) {
        this.columns = columns;
        this.spec = spec;
    }

    @Override
    public DynamicTableSink copy() {
        FlussTableSink s = new FlussTableSink(spec, columns);
        s.updates = updates;
        s.deleted = deleted;
        s.fixed = fixed;
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
        // The target columns of an UPDATE are not those of its rows (FLINK-36736).
        SinkSpec run = updates ? spec : targeted(context.getTargetColumns().orElse(new int[0][]));
        boolean shuffled = BucketShuffle.useful(run);
        return new DataStreamSinkProvider() {
            @Override
            public DataStreamSink<?> consumeDataStream(ProviderContext provider, DataStream<RowData> rows) {
                DataStream<RowData> in = shuffled ? BucketShuffle.of(rows, run) : rows;
                DataStreamSink<RowData> sink = in.sinkTo(new FlussSink<>(run, RowWriter.rows())).name("Fluss " + run.connection.name());
                provider.generateUid("fluss-sink").ifPresent(sink::uid);
                return sink.setParallelism(run.parallelism != null ? run.parallelism : rows.getParallelism());
            }

            @Override
            public Optional<Integer> getParallelism() {
                // The planner keeps the order of a key's changes by a shuffle of its own, which is not needed beside ours.
                return shuffled ? Optional.empty() : Optional.ofNullable(run.parallelism);
            }
        };
    }

    /**
     * The spec for the columns that INSERT names, in whatever order; all of them, and none (FLINK-36000), are none in particular.
     *
     * @param paths positions among the declared columns
     */
    SinkSpec targeted(int[][] paths) {
        Set<String> named = new LinkedHashSet<>();
        Arrays.stream(paths).forEach(path -> named.add(columns.get(path[0]).getName()));
        if (named.contains(spec.autoIncrement)) {
            throw new ValidationException("INSERT INTO " + spec.connection.name() + " names the column " + spec.autoIncrement
                    + ", which the server numbers: leave it out");
        }
        if (named.isEmpty()) {
            return spec;
        }
        named.addAll(fixed); // the values of INSERT … PARTITION (…)
        if (!spec.keyed()) {
            return spec;
        }
        List<String> targets = spec.type.getFieldNames().stream().filter(named::contains).collect(Collectors.toList());
        List<String> left = spec.type.getFieldNames().stream()
                .filter(c -> !named.contains(c) && !c.equals(spec.autoIncrement))
                .collect(Collectors.toList());
        if (left.isEmpty()) {
            return spec;
        }
        List<String> missing = spec.primaryKey.stream().filter(k -> !named.contains(k)).collect(Collectors.toList());
        if (!missing.isEmpty()) {
            throw new ValidationException("INSERT INTO " + spec.connection.name() + " names the columns " + targets + " and not " + missing
                    + " of the primary key " + spec.primaryKey + ": name all of the key, for the server must know which row to write");
        }
        if (spec.wholeRows()) {
            throw new ValidationException("table " + spec.connection.name() + " has the merge engine " + spec.mergeEngine
                    + ", which takes whole rows: name the columns " + left + " too, or no columns");
        }
        return spec.partial(targets);
    }

    @Override
    public void applyStaticPartition(Map<String, String> partition) {
        fixed = partition.keySet(); // the planner has put the values into the rows
    }

    @Override
    public void applyOverwrite(boolean overwrite) {
        if (overwrite) {
            throw new ValidationException("INSERT OVERWRITE is not for tables of Fluss, which others write at the same time: "
                    + (spec.keyed()
                            ? "INSERT INTO replaces the rows of the same keys; DELETE FROM " + spec.connection.name() + " takes the others away first"
                            : "rows of a log stay; drop the partition, or the table, and create it again"));
        }
    }

    @Override
    public void executeTruncation() {
        throw new ValidationException("TRUNCATE TABLE is not for tables of Fluss: "
                + (spec.keyed() ? "DELETE FROM " + spec.connection.name() + " deletes all rows; or " : "")
                + "drop the table, or its partitions, and create it again");
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
            int[] positions = WritePlan.of(spec, writer.table().info()).positions(writer.columns());
            writer.delete(new FlinkValues(spec.type, positions).of(deleted));
            writer.flush();
            return Optional.empty(); // whether there was a row is not known
        } catch (FlussException e) {
            throw new TableException("DELETE FROM " + spec.connection.name() + " failed: " + e.getMessage(), e);
        }
    }

    private void checkChange(String statement) {
        if (!spec.keyed()) {
            throw new ValidationException(statement + " needs a table with a primary key; " + spec.connection.name() + " is a log table, whose rows stay");
        }
        if (spec.wholeRows()) {
            throw new ValidationException(statement + " is not for table " + spec.connection.name() + ": its merge engine " + spec.mergeEngine
                    + " decides which row stays");
        }
    }

    private void checkDelete() {
        checkChange("DELETE");
        if (!spec.deletes()) {
            String option = spec.deleteBehavior.isEmpty()
                    ? "with the merge engine " + spec.mergeEngine + " deletes are ignored unless the table has 'table.delete.behavior' = 'allow'"
                    : "its option 'table.delete.behavior' is '" + spec.deleteBehavior + "'";
            throw new ValidationException("DELETE is not for table " + spec.connection.name() + ": " + option);
        }
    }

    @Override
    public RowLevelDeleteInfo applyRowLevelDelete(RowLevelModificationScanContext scan) {
        checkDelete();
        updates = true;
        Set<String> written = Set.copyOf(spec.primaryKey);
        spec = spec.of(written);
        return new RowLevelDeleteInfo() {
            @Override
            public Optional<List<Column>> requiredColumns() {
                return Optional.of(physical(written));
            }

            @Override
            public RowLevelDeleteMode getRowLevelDeleteMode() {
                return RowLevelDeleteMode.DELETED_ROWS;
            }
        };
    }

    @Override
    public RowLevelUpdateInfo applyRowLevelUpdate(List<Column> updated, RowLevelModificationScanContext scan) {
        checkChange("UPDATE");
        updated.forEach(this::checkUpdate);
        updates = true;
        Set<String> written = updated.stream().map(Column::getName).collect(Collectors.toSet());
        // What an UPDATE does not name stays as others write it meanwhile; the server wants all that is NOT NULL in any case.
        columns.stream()
                .filter(c -> spec.primaryKey.contains(c.getName()) || !c.getDataType().getLogicalType().isNullable())
                .forEach(c -> written.add(c.getName()));
        written.remove(spec.autoIncrement);
        List<Column> required = physical(written);
        // What is updated is not merged with what it was.
        spec = spec.of(written).partial(required.stream().map(Column::getName).collect(Collectors.toList())).overwriting();
        return new RowLevelUpdateInfo() {
            @Override
            public Optional<List<Column>> requiredColumns() {
                // By default these are all columns, computed ones too, which the rows of a sink do not have.
                return Optional.of(required);
            }

            @Override
            public RowLevelUpdateMode getRowLevelUpdateMode() {
                return RowLevelUpdateMode.UPDATED_ROWS;
            }
        };
    }

    private void checkUpdate(Column updated) {
        String column = updated.getName();
        if (!updated.isPhysical()) {
            throw new ValidationException("UPDATE of column " + column + " of table " + spec.connection.name()
                    + ", which is computed and not stored: update the columns that it is computed from");
        }
        if (column.equals(spec.autoIncrement)) {
            throw new ValidationException("UPDATE of column " + column + " of table " + spec.connection.name()
                    + ", which the server numbers: a row keeps its number");
        }
        if (spec.primaryKey.contains(column)) {
            throw new ValidationException("UPDATE of column " + column + ", which is in the primary key " + spec.primaryKey + " of table "
                    + spec.connection.name() + ": a row with another key is another row; INSERT it, and DELETE this one");
        }
    }

    private List<Column> physical(Set<String> names) {
        return columns.stream().filter(c -> c.isPhysical() && names.contains(c.getName())).collect(Collectors.toList());
    }
}
