package org.flussgo.flink.source;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.api.connector.source.SplitsAssignment;
import org.apache.flink.util.FlinkRuntimeException;
import org.flussgo.client.FlussClient;
import org.flussgo.client.TableMetadata;
import org.flussgo.flink.FlussOptions.StartupMode;
import org.flussgo.proto.v1.BucketOffset;
import org.flussgo.proto.v1.Empty;
import org.flussgo.proto.v1.OffsetSpec;
import org.flussgo.proto.v1.PartitionInfo;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes the splits of a table, one for each bucket, and those of partitions that come later. */
final class FlussEnumerator implements SplitEnumerator<FlussSplit, EnumeratorState> {
    private static final Logger LOG = LoggerFactory.getLogger(FlussEnumerator.class);
    private static final byte[] NO_TOKEN = new byte[0];

    private final SplitEnumeratorContext<FlussSplit> context;
    private final ScanSpec spec;
    private final FlussClient client;
    private final Map<Integer, List<FlussSplit>> pending = new HashMap<>();
    private final Set<Long> partitions = new TreeSet<>();
    private final Set<Integer> told = new HashSet<>();
    private long tableId;
    private int schemaId;
    private boolean started;

    FlussEnumerator(SplitEnumeratorContext<FlussSplit> context, ScanSpec spec, EnumeratorState state) {
        this.context = context;
        this.spec = spec;
        this.client = spec.connection.connect();
        if (state != null) {
            tableId = state.tableId;
            schemaId = state.schemaId;
            started = state.started;
            partitions.addAll(state.partitions);
            add(state.unassigned);
        }
    }

    @Override
    public void start() {
        if (!started) {
            context.callAsync(this::begin, this::begun);
        } else {
            discover();
        }
    }

    /** The table's splits; runs in a thread for what takes long. */
    private Found begin() {
        if (spec.what == ScanSpec.What.COUNT) {
            return new Found(0, 0, Collections.emptyList(), List.of(new FlussSplit(0, 0, 0, "", 0, 0, NO_TOKEN, FlussSplit.NEVER)));
        }
        TableMetadata table = table();
        List<PartitionInfo> of = taken(table);
        List<FlussSplit> splits = new ArrayList<>();
        if (!table.partitioned() || !of.isEmpty()) {
            Map<String, Long> starts = starts(table, of);
            Map<String, Long> stops = spec.bounded && !spec.startsWithRows() ? offsets(of, latest()) : Collections.emptyMap();
            for (FlussSplit s : splits(table, of, spec.startsWithRows() ? FlussSplit.FULL : FlussSplit.EARLIEST)) {
                long start = starts.getOrDefault(s.splitId(), s.offset);
                long stop = stops.getOrDefault(s.splitId(), FlussSplit.NEVER);
                splits.add(new FlussSplit(s.tableId, s.schemaId, s.partitionId, s.partition, s.bucket, start, NO_TOKEN, stop));
            }
        }
        return new Found(table.info().getTableId(), table.schema().getId(), of, splits);
    }

    private TableMetadata table() {
        TableMetadata table = client.table(spec.connection.path());
        if (tableId != 0 && table.info().getTableId() != tableId) {
            throw new FlinkRuntimeException("table " + spec.connection.name()
                    + " was dropped and created again since this job started: start the job anew, without its old state");
        }
        return table;
    }

    private List<PartitionInfo> taken(TableMetadata table) {
        List<PartitionInfo> out = new ArrayList<>();
        for (PartitionInfo p : table.partitions().values()) {
            if (spec.takes(p)) {
                out.add(p);
            }
        }
        return out;
    }

    private List<FlussSplit> splits(TableMetadata table, List<PartitionInfo> of, long start) {
        List<FlussSplit> out = new ArrayList<>();
        long id = table.info().getTableId();
        int schema = schemaId != 0 ? schemaId : table.schema().getId();
        for (int b = 0; b < table.buckets(); b++) {
            if (!table.partitioned()) {
                out.add(new FlussSplit(id, schema, 0, "", b, start, NO_TOKEN, FlussSplit.NEVER));
            }
            for (PartitionInfo p : of) {
                out.add(new FlussSplit(id, schema, p.getPartitionId(), p.getName(), b, start, NO_TOKEN, FlussSplit.NEVER));
            }
        }
        return out;
    }

    /** The offsets that buckets start at, where these move with time and must be found once; by split id. */
    private Map<String, Long> starts(TableMetadata table, List<PartitionInfo> of) {
        if (spec.startup == StartupMode.LATEST) {
            return offsets(of, latest());
        }
        if (spec.startup == StartupMode.TIMESTAMP) {
            return offsets(of, OffsetSpec.newBuilder().setTimestampMs(spec.startupMillis).build());
        }
        return Collections.emptyMap();
    }

    private static OffsetSpec latest() {
        return OffsetSpec.newBuilder().setLatest(Empty.getDefaultInstance()).build();
    }

    private Map<String, Long> offsets(List<PartitionInfo> of, OffsetSpec at) {
        List<String> names = new ArrayList<>();
        of.forEach(p -> names.add(p.getName()));
        Map<String, Long> out = new HashMap<>();
        for (BucketOffset o : client.admin().listOffsets(spec.connection.path(), names, Collections.emptyList(), at)) {
            out.put(o.getBucket().getPartitionId() + "-" + o.getBucket().getBucket(), o.getOffset());
        }
        return out;
    }

    private void begun(Found f, Throwable error) {
        if (error != null) {
            throw new FlinkRuntimeException("the scan of " + spec.connection.name() + " cannot start: " + error.getMessage(), error);
        }
        tableId = f.tableId;
        schemaId = f.schemaId;
        started = true;
        f.partitions.forEach(p -> partitions.add(p.getPartitionId()));
        add(f.splits);
        assign();
        discover();
    }

    /** Looks for partitions from time to time. */
    private void discover() {
        if (!spec.bounded && spec.discoveryMillis > 0 && spec.what != ScanSpec.What.COUNT) {
            context.callAsync(this::table, this::discovered, spec.discoveryMillis, spec.discoveryMillis);
        }
    }

    private void discovered(TableMetadata table, Throwable error) {
        if (error instanceof FlinkRuntimeException) {
            throw (FlinkRuntimeException) error;
        }
        if (error != null) {
            LOG.warn("The partitions of {} could not be asked for; they will be again.", spec.connection.name(), error);
            return;
        }
        if (!table.partitioned()) {
            return;
        }
        partitions.retainAll(ids(table));
        List<PartitionInfo> come = new ArrayList<>();
        for (PartitionInfo p : taken(table)) {
            if (partitions.add(p.getPartitionId())) {
                come.add(p);
            }
        }
        // All of a partition that came later is read, wherever the scan itself began.
        add(splits(table, come, spec.startsWithRows() ? FlussSplit.FULL : FlussSplit.EARLIEST));
        assign();
    }

    private static Set<Long> ids(TableMetadata table) {
        Set<Long> out = new HashSet<>();
        table.partitions().values().forEach(p -> out.add(p.getPartitionId()));
        return out;
    }

    private void add(Collection<FlussSplit> splits) {
        for (FlussSplit s : splits) {
            pending.computeIfAbsent(s.owner(context.currentParallelism()), k -> new ArrayList<>()).add(s);
        }
    }

    private void assign() {
        Map<Integer, List<FlussSplit>> now = new HashMap<>();
        for (int reader : context.registeredReaders().keySet()) {
            List<FlussSplit> of = pending.remove(reader);
            if (of != null) {
                now.put(reader, of);
            }
        }
        if (!now.isEmpty()) {
            context.assignSplits(new SplitsAssignment<>(now));
        }
        if (spec.bounded && started) {
            for (int reader : context.registeredReaders().keySet()) {
                if (told.add(reader)) {
                    context.signalNoMoreSplits(reader);
                }
            }
        }
    }

    @Override
    public void handleSplitRequest(int subtask, String host) {
        // splits are handed out, not asked for
    }

    @Override
    public void addSplitsBack(List<FlussSplit> splits, int subtask) {
        add(splits);
        told.remove(subtask);
        if (context.registeredReaders().containsKey(subtask)) {
            assign();
        }
    }

    @Override
    public void addReader(int subtask) {
        told.remove(subtask);
        assign();
    }

    @Override
    public EnumeratorState snapshotState(long checkpoint) {
        List<FlussSplit> all = new ArrayList<>();
        pending.values().forEach(all::addAll);
        return new EnumeratorState(tableId, schemaId, started, partitions, all);
    }

    @Override
    public void close() throws IOException {
        client.close();
    }

    /** What {@link #begin} found. */
    private static final class Found {
        final long tableId;
        final int schemaId;
        final List<PartitionInfo> partitions;
        final List<FlussSplit> splits;

        Found(long tableId, int schemaId, List<PartitionInfo> partitions, List<FlussSplit> splits) {
            this.tableId = tableId;
            this.schemaId = schemaId;
            this.partitions = partitions;
            this.splits = splits;
        }
    }
}
