package org.flussgo.flink.source;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.DataStreamSource;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.ProviderContext;
import org.apache.flink.table.connector.RowLevelModificationScanContext;
import org.apache.flink.table.connector.source.DataStreamScanProvider;
import org.apache.flink.table.connector.source.DynamicTableSource;
import org.apache.flink.table.connector.source.LookupTableSource;
import org.apache.flink.table.connector.source.ScanTableSource;
import org.apache.flink.table.connector.source.abilities.SupportsAggregatePushDown;
import org.apache.flink.table.connector.source.abilities.SupportsFilterPushDown;
import org.apache.flink.table.connector.source.abilities.SupportsLimitPushDown;
import org.apache.flink.table.connector.source.abilities.SupportsProjectionPushDown;
import org.apache.flink.table.connector.source.abilities.SupportsReadingMetadata;
import org.apache.flink.table.connector.source.abilities.SupportsRowLevelModificationScan;
import org.apache.flink.table.connector.source.abilities.SupportsWatermarkPushDown;
import org.apache.flink.table.connector.source.lookup.AsyncLookupFunctionProvider;
import org.apache.flink.table.connector.source.lookup.LookupFunctionProvider;
import org.apache.flink.table.connector.source.lookup.LookupOptions;
import org.apache.flink.table.connector.source.lookup.PartialCachingAsyncLookupProvider;
import org.apache.flink.table.connector.source.lookup.PartialCachingLookupProvider;
import org.apache.flink.table.connector.source.lookup.cache.DefaultLookupCache;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.expressions.AggregateExpression;
import org.apache.flink.table.expressions.ResolvedExpression;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.types.RowKind;
import org.flussgo.flink.FlussOptions;
import org.flussgo.flink.FlussOptions.StartupMode;
import org.flussgo.flink.lookup.LookupJoin;

/** A table, or a virtual one, as the planner reads it and looks rows up in it. */
public final class FlussTableSource
        implements ScanTableSource,
                LookupTableSource,
                SupportsProjectionPushDown,
                SupportsFilterPushDown,
                SupportsLimitPushDown,
                SupportsAggregatePushDown,
                SupportsReadingMetadata,
                SupportsWatermarkPushDown,
                SupportsRowLevelModificationScan {

    private final TableFacts table;
    private final ReadableConfig options;
    private ScanSpec spec;
    private List<Output> data;
    private DataType dataType;
    private WatermarkStrategy<RowData> watermarks;

    /** A source of the table, which reads as the spec says until the planner pushes more into it. */
    public FlussTableSource(TableFacts table, ReadableConfig options, ScanSpec spec, DataType physicalType) {
        this.table = table;
        this.options = options;
        this.spec = spec;
        this.data = spec.outputs;
        this.dataType = physicalType;
    }

    private FlussTableSource(FlussTableSource other) {
        table = other.table;
        options = other.options;
        spec = other.spec.copy();
        data = other.data;
        dataType = other.dataType;
        watermarks = other.watermarks;
    }

    @Override
    public DynamicTableSource copy() {
        return new FlussTableSource(this);
    }

    @Override
    public String asSummaryString() {
        return "Fluss";
    }

    @Override
    public ChangelogMode getChangelogMode() {
        if (!spec.emitsChanges() || "FIRST_ROW".equalsIgnoreCase(table.option("table.merge-engine", ""))) {
            return ChangelogMode.insertOnly();
        }
        ChangelogMode.Builder b = ChangelogMode.newBuilder().addContainedKind(RowKind.INSERT).addContainedKind(RowKind.UPDATE_AFTER);
        if (!table.walImage()) {
            b.addContainedKind(RowKind.UPDATE_BEFORE);
        }
        if ("ALLOW".equalsIgnoreCase(table.option("table.delete.behavior", "ALLOW"))) {
            b.addContainedKind(RowKind.DELETE);
        }
        return b.build();
    }

    @Override
    public ScanRuntimeProvider getScanRuntimeProvider(ScanContext context) {
        if (spec.bounded && spec.keyed && spec.what == ScanSpec.What.ROWS && spec.startup != StartupMode.FULL) {
            throw new ValidationException("in batch mode a primary-key table is read as it is now: 'scan.startup.mode' = '" + spec.startup
                    + "' would give changes, which batch has none of. Leave it out, or read " + spec.connection.name() + "$changelog.");
        }
        ScanSpec run = spec.copy();
        WatermarkStrategy<RowData> marks = watermarks == null ? WatermarkStrategy.noWatermarks() : watermarks;
        return new DataStreamScanProvider() {
            @Override
            public DataStream<RowData> produceDataStream(ProviderContext provider, StreamExecutionEnvironment env) {
                DataStreamSource<RowData> s = env.fromSource(new FlussSource<>(run, RowReader.rows()), marks, "Fluss " + run.connection.name());
                provider.generateUid("fluss-source").ifPresent(s::uid);
                return s;
            }

            @Override
            public boolean isBounded() {
                return run.bounded;
            }
        };
    }

    @Override
    public boolean supportsNestedProjection() {
        return false;
    }

    @Override
    public void applyProjection(int[][] fields, DataType producedType) {
        List<Output> chosen = new ArrayList<>();
        for (int[] path : fields) {
            chosen.add(data.get(path[0]));
        }
        data = chosen;
        dataType = producedType;
        produce(chosen, producedType);
    }

    private void produce(List<Output> outputs, DataType type) {
        spec = spec.copy();
        spec.outputs = new ArrayList<>(outputs);
        spec.type = (RowType) type.getLogicalType();
    }

    @Override
    public Map<String, DataType> listReadableMetadata() {
        Map<String, DataType> out = new LinkedHashMap<>();
        if (spec.what == ScanSpec.What.ROWS) {
            out.put("offset", DataTypes.BIGINT().notNull());
            out.put("bucket", DataTypes.INT().notNull());
            out.put("timestamp", DataTypes.TIMESTAMP_LTZ(3).notNull());
            out.put("change_type", DataTypes.STRING().notNull());
        }
        return out;
    }

    @Override
    public void applyReadableMetadata(List<String> keys, DataType producedType) {
        List<Output> all = new ArrayList<>(data);
        for (String k : keys) {
            all.add(Output.of(metadata(k)));
        }
        produce(all, producedType);
    }

    private static Output.Kind metadata(String key) {
        switch (key) {
            case "offset":
                return Output.Kind.OFFSET;
            case "bucket":
                return Output.Kind.BUCKET;
            case "timestamp":
                return Output.Kind.TIMESTAMP;
            default:
                return Output.Kind.CHANGE_TYPE;
        }
    }

    @Override
    public Result applyFilters(List<ResolvedExpression> filters) {
        List<ResolvedExpression> accepted = new ArrayList<>();
        List<String> texts = new ArrayList<>();
        List<PartitionFilter> partitions = new ArrayList<>();
        FilterText text = new FilterText(table.columns());
        for (ResolvedExpression f : filters) {
            FilterText.partitions(f, table.partitionKeys()).ifPresent(partitions::add);
            // Of a log of changes without the rows before them, a filter would hide that a row has left it.
            Optional<String> t = spec.what == ScanSpec.What.BINLOG || spec.emitsChanges() && table.walImage() ? Optional.empty() : text.of(f);
            if (t.isPresent()) {
                texts.add("(" + t.get() + ")");
                accepted.add(f);
            }
        }
        spec = spec.copy();
        spec.filter = String.join(" AND ", texts);
        spec.partitionFilters = partitions;
        // Flink checks all of them again: the same source may become that of a look-up join, which knows no filters (FLINK-38635).
        return Result.of(accepted, filters);
    }

    @Override
    public void applyLimit(long limit) {
        spec = spec.copy();
        spec.limit = limit;
    }

    @Override
    public boolean applyAggregates(List<int[]> groups, List<AggregateExpression> aggregates, DataType producedType) {
        boolean countsAll = groups.size() == 1
                && groups.get(0).length == 0
                && aggregates.size() == 1
                && counts(aggregates.get(0));
        boolean plain = spec.bounded
                && spec.what == ScanSpec.What.ROWS
                && spec.startup == StartupMode.FULL
                && spec.filter.isEmpty()
                && spec.partitionFilters.isEmpty()
                && spec.limit == 0;
        if (!countsAll || !plain) {
            return false;
        }
        produce(new ArrayList<>(), producedType);
        spec.what = ScanSpec.What.COUNT;
        return true;
    }

    /** Whether it is COUNT(*), or of a column without nulls; the planner's classes are known by name only, for they are not ours to load. */
    private static boolean counts(AggregateExpression a) {
        String name = a.getFunctionDefinition().getClass().getSimpleName();
        if (a.isDistinct() || a.getFilterExpression().isPresent()) {
            return false;
        }
        if (name.equals("Count1AggFunction")) {
            return true;
        }
        return name.equals("CountAggFunction")
                && a.getArgs().stream().noneMatch(f -> f.getOutputDataType().getLogicalType().isNullable());
    }

    @Override
    public void applyWatermark(WatermarkStrategy<RowData> strategy) {
        watermarks = strategy;
    }

    @Override
    public RowLevelModificationScanContext applyRowLevelModificationScan(
            RowLevelModificationType type, RowLevelModificationScanContext previous) {
        return null; // rows to change are read as all others are
    }

    @Override
    public LookupRuntimeProvider getLookupRuntimeProvider(LookupContext context) {
        if (spec.what != ScanSpec.What.ROWS) {
            throw new ValidationException(spec.connection.name() + " is a log of changes, in which rows cannot be looked up: join the table itself");
        }
        List<String> conditions = new ArrayList<>();
        List<RowType.RowField> types = new ArrayList<>();
        for (int[] path : context.getKeys()) {
            Output o = spec.outputs.get(path[0]);
            if (path.length > 1 || o.kind != Output.Kind.DATA) {
                throw new ValidationException("a look-up join with " + spec.connection.name() + " can only have conditions on its columns");
            }
            conditions.add(o.column);
            types.add(new RowType.RowField(o.column, spec.type.getTypeAt(path[0])));
        }
        if (spec.outputs.stream().anyMatch(o -> o.kind != Output.Kind.DATA)) {
            throw new ValidationException("a look-up in " + spec.connection.name() + " finds rows, which have no offsets and times: leave out its metadata columns");
        }
        LookupJoin join = new LookupJoin(
                spec.connection,
                table.keyColumns(),
                spec.outputs.stream().map(o -> o.column).collect(Collectors.toList()),
                spec.type,
                conditions,
                new RowType(types),
                options.get(FlussOptions.LOOKUP_INSERT_IF_NOT_EXISTS));
        return provider(join);
    }

    private LookupRuntimeProvider provider(LookupJoin join) {
        LookupOptions.LookupCacheType cache = options.get(LookupOptions.CACHE_TYPE);
        if (cache == LookupOptions.LookupCacheType.FULL) {
            throw new ValidationException("'lookup.cache' = 'FULL' is not supported: use 'PARTIAL', or 'NONE'");
        }
        boolean async = options.get(FlussOptions.LOOKUP_ASYNC);
        if (cache == LookupOptions.LookupCacheType.PARTIAL) {
            DefaultLookupCache c = DefaultLookupCache.fromConfig(options);
            return async ? PartialCachingAsyncLookupProvider.of(join.async(), c) : PartialCachingLookupProvider.of(join.sync(), c);
        }
        return async ? AsyncLookupFunctionProvider.of(join.async()) : LookupFunctionProvider.of(join.sync());
    }
}
