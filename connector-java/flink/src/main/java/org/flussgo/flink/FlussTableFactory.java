package org.flussgo.flink;

import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.ExecutionOptions;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.api.config.TableConfigOptions;
import org.apache.flink.table.catalog.ResolvedSchema;
import org.apache.flink.table.catalog.UniqueConstraint;
import org.apache.flink.table.connector.sink.DynamicTableSink;
import org.apache.flink.table.connector.source.DynamicTableSource;
import org.apache.flink.table.factories.DynamicTableSinkFactory;
import org.apache.flink.table.factories.DynamicTableSourceFactory;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.logical.RowType;
import org.flussgo.flink.FlussOptions.StartupMode;
import org.flussgo.flink.catalog.TableOptions;
import org.flussgo.flink.catalog.VirtualTables;
import org.flussgo.flink.sink.FlussTableSink;
import org.flussgo.flink.sink.SinkSpec;
import org.flussgo.flink.source.FlussTableSource;
import org.flussgo.flink.source.Output;
import org.flussgo.flink.source.ScanSpec;
import org.flussgo.flink.source.TableFacts;

/** Makes the sources and sinks of tables of the catalog, which alone knows it. Nothing is asked of a server. */
public final class FlussTableFactory implements DynamicTableSourceFactory, DynamicTableSinkFactory {
    private static final DateTimeFormatter TIMESTAMP = DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm:ss");

    @Override
    public String factoryIdentifier() {
        return "fluss";
    }

    @Override
    public Set<ConfigOption<?>> requiredOptions() {
        return Set.of(FlussOptions.BOOTSTRAP_SERVERS);
    }

    @Override
    public Set<ConfigOption<?>> optionalOptions() {
        return Set.of();
    }

    @Override
    public DynamicTableSource createDynamicTableSource(Context context) {
        Facts f = new Facts(context);
        boolean bounded = context.getConfiguration().get(ExecutionOptions.RUNTIME_MODE) == RuntimeExecutionMode.BATCH;
        DataType type = context.getPhysicalRowDataType();
        ScanSpec spec = new ScanSpec(f.connection, !f.primaryKey.isEmpty(), bounded, outputs(f), (RowType) type.getLogicalType())
                .withDiscovery(f.options.get(FlussOptions.SCAN_PARTITION_DISCOVERY_INTERVAL).toMillis());
        if (f.suffix.equals(VirtualTables.CHANGELOG)) {
            spec = spec.withWhat(ScanSpec.What.CHANGELOG);
        } else if (f.suffix.equals(VirtualTables.BINLOG)) {
            spec = spec.withWhat(ScanSpec.What.BINLOG);
        }
        StartupMode mode = f.options.get(FlussOptions.SCAN_STARTUP_MODE);
        spec = spec.withStartup(mode, mode == StartupMode.TIMESTAMP ? startupMillis(f.options, context.getConfiguration()) : 0);
        TableFacts facts = new TableFacts(f.dataColumns, f.primaryKey, f.partitionKeys, f.givenBucketKeys, f.all);
        return new FlussTableSource(facts, f.options, spec, type);
    }

    private static List<Output> outputs(Facts f) {
        List<Output> out = new ArrayList<>();
        for (String c : f.columns) {
            out.add(f.suffix.isEmpty() ? Output.data(c) : virtual(c, f.suffix));
        }
        return out;
    }

    private static Output virtual(String column, String suffix) {
        switch (column) {
            case VirtualTables.CHANGE_TYPE:
                return Output.of(Output.Kind.CHANGE_NAME);
            case VirtualTables.LOG_OFFSET:
                return Output.of(Output.Kind.OFFSET);
            case VirtualTables.COMMIT_TIMESTAMP:
                return Output.of(Output.Kind.TIMESTAMP);
            default:
                if (suffix.equals(VirtualTables.BINLOG)) {
                    return Output.of(column.equals(VirtualTables.BEFORE) ? Output.Kind.BEFORE : Output.Kind.AFTER);
                }
                return Output.data(column);
        }
    }

    private static long startupMillis(ReadableConfig options, ReadableConfig session) {
        String text = options.getOptional(FlussOptions.SCAN_STARTUP_TIMESTAMP)
                .orElseThrow(() -> new ValidationException("'scan.startup.mode' = 'timestamp' needs 'scan.startup.timestamp': milliseconds since"
                        + " 1970, or 'yyyy-MM-dd HH:mm:ss'"))
                .trim();
        if (text.matches("-?[0-9]{1,18}")) {
            return Long.parseLong(text);
        }
        String zone = session.get(TableConfigOptions.LOCAL_TIME_ZONE);
        ZoneId at = TableConfigOptions.LOCAL_TIME_ZONE.defaultValue().equals(zone) ? ZoneId.systemDefault() : ZoneId.of(zone);
        try {
            return LocalDateTime.parse(text, TIMESTAMP).atZone(at).toInstant().toEpochMilli();
        } catch (DateTimeParseException e) {
            throw new ValidationException("'scan.startup.timestamp' = '" + text + "' is neither milliseconds since 1970 nor 'yyyy-MM-dd HH:mm:ss'", e);
        }
    }

    @Override
    public DynamicTableSink createDynamicTableSink(Context context) {
        Facts f = new Facts(context);
        if (!f.suffix.isEmpty()) {
            throw new ValidationException("table " + f.connection.name() + f.suffix + " is a view of " + f.connection.name() + ": write to that one");
        }
        RowType type = (RowType) context.getPhysicalRowDataType().getLogicalType();
        SinkSpec spec = new SinkSpec(
                        f.connection, type, f.primaryKey, f.partitionKeys, f.bucketKeys(), f.options.getOptional(FlussOptions.BUCKET_NUM).orElse(1))
                .withAutoIncrement(f.all.get(FlussOptions.AUTO_INCREMENT_FIELDS.key()))
                .withEngine(f.all.getOrDefault("table.merge-engine", ""), f.all.getOrDefault("table.delete.behavior", ""))
                .withOptions(f.options);
        return new FlussTableSink(spec, context.getCatalogTable().getResolvedSchema().getColumns());
    }

    /** What a table's entry in the catalog says. */
    private static final class Facts {
        final Map<String, String> all;
        final Configuration options;
        final String suffix;
        final Connection connection;
        final List<String> columns;
        /** The columns that filters may name. */
        final List<String> dataColumns;

        final List<String> primaryKey;
        final List<String> partitionKeys;
        final List<String> givenBucketKeys;

        Facts(Context context) {
            all = context.getCatalogTable().getOptions();
            TableOptions.check(all);
            options = Configuration.fromMap(all);
            String name = context.getObjectIdentifier().getObjectName();
            suffix = VirtualTables.suffix(name);
            connection = Connection.of(options, context.getObjectIdentifier().getDatabaseName(), VirtualTables.base(name));
            ResolvedSchema schema = context.getCatalogTable().getResolvedSchema();
            columns = ((RowType) context.getPhysicalRowDataType().getLogicalType()).getFieldNames();
            dataColumns = columns.stream().filter(c -> suffix.isEmpty() || !isVirtual(c)).collect(Collectors.toList());
            primaryKey = new ArrayList<>(schema.getPrimaryKey().map(UniqueConstraint::getColumns).orElse(List.of()));
            partitionKeys = new ArrayList<>(context.getCatalogTable().getPartitionKeys());
            givenBucketKeys = Arrays.stream(options.getOptional(FlussOptions.BUCKET_KEY).orElse("").split(","))
                    .map(String::trim)
                    .filter(k -> !k.isEmpty())
                    .collect(Collectors.toList());
        }

        private boolean isVirtual(String column) {
            return !virtual(column, suffix).equals(Output.data(column));
        }

        List<String> bucketKeys() {
            if (!givenBucketKeys.isEmpty()) {
                return givenBucketKeys;
            }
            List<String> out = new ArrayList<>(primaryKey);
            out.removeAll(partitionKeys);
            return out;
        }
    }
}
