package org.flussgo.flink.source;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.flussgo.client.ErrorCode;
import org.flussgo.client.FlussClient;
import org.flussgo.client.FlussException;
import org.flussgo.client.ScanStream;
import org.flussgo.client.TableMetadata;
import org.flussgo.flink.ReadFailures;
import org.flussgo.proto.v1.BucketStart;
import org.flussgo.proto.v1.Empty;
import org.flussgo.proto.v1.Field;
import org.flussgo.proto.v1.OffsetSpec;
import org.flussgo.proto.v1.Projection;
import org.flussgo.proto.v1.ScanMetadata;
import org.flussgo.proto.v1.ScanRequest;
import org.flussgo.proto.v1.ScanWhat;
import org.flussgo.proto.v1.Schema;
import org.flussgo.proto.v1.SystemColumn;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The reading of one split: its scan of the server, opened again where it broke, from behind what was read. One thread uses it. */
final class BucketScan {
    private static final Logger LOG = LoggerFactory.getLogger(BucketScan.class);
    private static final long FIRST_PAUSE_MS = 50;
    private static final long LAST_PAUSE_MS = 2_000;

    private final FlussClient client;
    private final ScanSpec spec;
    private final Runnable onReady;
    private FlussSplit at;
    private ScanStream stream;
    private boolean paused;
    private boolean gone;
    /** Whether the scan is made in an older schema than the newest one. */
    private boolean older;
    private long failingSince;
    private long pauseMs;
    private long notBefore;

    BucketScan(FlussClient client, ScanSpec spec, FlussSplit split, Runnable onReady) {
        this.client = client;
        this.spec = spec;
        this.at = split;
        this.onReady = onReady;
    }

    String id() {
        return at.splitId();
    }

    /**
     * The next batch, or null when there is none yet.
     *
     * @throws IOException with a sentence, when the scan cannot go on
     */
    ScanBatch poll() throws IOException {
        if (paused || gone || System.nanoTime() - notBefore < 0) {
            return null;
        }
        try {
            if (stream == null) {
                open();
            }
            for (ScanStream.Batch b; (b = stream.poll()) != null; ) {
                failingSince = 0;
                pauseMs = 0;
                ScanMetadata md = b.metadata();
                boolean moves = md.getNextOffset() != at.offset || !md.getResume().isEmpty() || at.resume.length > 0;
                if ((b.rows() == null || b.rows().rows() == 0) && !moves) {
                    continue; // a sign of life
                }
                if (b.rows() == null) {
                    continue;
                }
                at = at.at(md.getNextOffset(), md.getResume().toByteArray());
                return new ScanBatch(b, at);
            }
            if (stream.ended() && !spec.bounded) {
                throw new FlussException(ErrorCode.UNAVAILABLE, "the server ended a scan that follows");
            }
            return null;
        } catch (FlussException e) {
            failed(e);
            return null;
        }
    }

    /** Whether everything was read, or the partition is gone. */
    boolean ended() {
        return gone || !paused && stream != null && spec.bounded && stream.ended();
    }

    /** When to poll again though nothing is ready, in milliseconds; Long.MAX_VALUE when there is no need to. */
    long retryInMs() {
        long left = notBefore - System.nanoTime();
        return stream == null && !paused && !gone ? Math.max(1, left / 1_000_000) : Long.MAX_VALUE;
    }

    /** Stops reading for a while; what was not handed out comes again. */
    void pause() {
        paused = true;
        close();
    }

    void resume() {
        paused = false;
    }

    void close() {
        if (stream != null) {
            stream.close();
            stream = null;
        }
    }

    private void failed(FlussException e) throws IOException {
        close();
        if (e.code() == ErrorCode.UNKNOWN_PARTITION && at.partitionId != 0) {
            gone = true; // dropped; what it had is no more
            return;
        }
        long now = System.nanoTime();
        if (failingSince == 0) {
            failingSince = now;
        }
        boolean passes = e.code().retry() != ErrorCode.Retry.NEVER || e.code() == ErrorCode.DEADLINE_EXCEEDED;
        passes &= !(e.code() == ErrorCode.UNKNOWN_SCHEMA && older);
        if (!passes || now - failingSince > spec.connection.retryTimeout().toNanos()) {
            throw ReadFailures.of("reading " + at + " of " + spec.connection.name(), e, hint(e));
        }
        if (pauseMs == 0) {
            LOG.warn("reading {} of {} is tried again for {}: {}", at, spec.connection.name(), spec.connection.retryTimeout(), e.getMessage());
        }
        pauseMs = pauseMs == 0 ? FIRST_PAUSE_MS : Math.min(2 * pauseMs, LAST_PAUSE_MS);
        notBefore = now + pauseMs * 1_000_000;
    }

    private static String hint(FlussException e) {
        switch (e.code()) {
            case UNKNOWN_TABLE:
            case UNKNOWN_SCHEMA:
                return "; start the job anew, without its old state";
            case OFFSET_OUT_OF_RANGE:
                return "; the rows there have expired: start the job anew, or raise table.log.ttl";
            default:
                return "";
        }
    }

    private void open() {
        TableMetadata table = client.table(spec.connection.path());
        if (at.partitionId != 0 && table.partition(at.partitionId) == null) {
            throw new FlussException(ErrorCode.UNKNOWN_PARTITION, "the partition " + at.partition + " was dropped");
        }
        stream = client.scan(table.endpoint(at.partitionId, at.bucket), request(table), onReady);
    }

    /**
     * The schema that the scan is made in. The newest, if it has the columns, and those of the filter by the names that the job knows: types may
     * be wider there, and rows written since do not fit the older one. Else the one that the job knows, in which columns since dropped are
     * null; then a column that was made wider too ends the job.
     */
    private int schemaFor(TableMetadata table, Schema known, List<Integer> ids) {
        Set<Integer> now = table.columns().stream().map(Field::getId).collect(Collectors.toSet());
        boolean there = spec.what != ScanSpec.What.BINLOG && now.containsAll(ids);
        for (Field f : known.getColumnsList()) {
            // A filter names its columns as they were called.
            boolean filtered = spec.filter.contains('"' + f.getName().replace("\"", "\"\"") + '"');
            int i = table.indexOf(f.getName());
            there = there && (!filtered || i >= 0 && table.columns().get(i).getId() == f.getId());
        }
        return there ? table.schema().getId() : known.getId();
    }

    /**
     * The schema that the job knows the table by: the one that it began with. A job planned anew that goes on from a savepoint knows columns of
     * newer ones: then it is the oldest that has all of them.
     */
    private Schema known(TableMetadata table) {
        List<String> names = dataColumns(spec);
        for (Schema s : table.info().getSchemasList()) {
            boolean all = s.getColumnsList().stream().map(Field::getName).collect(Collectors.toSet()).containsAll(names);
            if (s.getId() >= at.schemaId && (all || spec.what == ScanSpec.What.BINLOG)) {
                return s;
            }
        }
        throw new FlussException(ErrorCode.UNKNOWN_COLUMN,
                "table " + table.name() + " has not all of the columns " + names + ": it was changed after the job was planned");
    }

    private List<Integer> columnIds(Schema known) {
        Map<String, Integer> ids = known.getColumnsList().stream().collect(Collectors.toMap(Field::getName, Field::getId));
        return dataColumns(spec).stream().map(ids::get).collect(Collectors.toList());
    }

    private ScanRequest request(TableMetadata table) {
        Schema known = known(table);
        List<Integer> ids = spec.what == ScanSpec.What.BINLOG ? List.of() : columnIds(known);
        int schema = schemaFor(table, known, ids);
        older = schema != table.schema().getId();
        ScanRequest.Builder b = ScanRequest.newBuilder()
                .setPath(spec.connection.path())
                .setTableId(at.tableId)
                .setSchemaId(schema)
                .setWhat(what())
                .addBuckets(at.bucket)
                .setFilter(spec.filter)
                .setFollow(!spec.bounded)
                .setLimit(spec.limit);
        if (at.partitionId != 0) {
            b.addPartitions(at.partition);
        }
        if (spec.what != ScanSpec.What.BINLOG) {
            b.setProjection(Projection.newBuilder().addAllIds(ids));
        }
        b.addAllSystemColumns(systemColumns(spec));
        if (at.resume.length > 0 || at.offset >= 0) {
            b.addBucketStarts(BucketStart.newBuilder()
                    .setPartitionId(at.partitionId)
                    .setBucket(at.bucket)
                    .setOffset(Math.max(0, at.offset))
                    .setResume(com.google.protobuf.ByteString.copyFrom(at.resume)));
        } else if (at.offset == FlussSplit.EARLIEST) {
            b.setStart(OffsetSpec.newBuilder().setEarliest(Empty.getDefaultInstance()));
        }
        if (at.stop != FlussSplit.NEVER) {
            b.setStop(OffsetSpec.newBuilder().setOffset(at.stop));
        }
        return b.build();
    }

    private ScanWhat what() {
        switch (spec.what) {
            case CHANGELOG:
                return ScanWhat.SCAN_WHAT_CHANGELOG;
            case BINLOG:
                return ScanWhat.SCAN_WHAT_BINLOG;
            default:
                return ScanWhat.SCAN_WHAT_ROWS;
        }
    }

    /** The table's own columns that are read, in the order in which they come. */
    static List<String> dataColumns(ScanSpec spec) {
        List<String> out = new ArrayList<>();
        for (Output o : spec.outputs) {
            if (o.kind == Output.Kind.DATA && !out.contains(o.column)) {
                out.add(o.column);
            }
        }
        return out;
    }

    /** The columns that the server adds behind them. */
    static List<SystemColumn> systemColumns(ScanSpec spec) {
        List<SystemColumn> out = new ArrayList<>();
        for (Output o : spec.outputs) {
            SystemColumn c = system(o.kind);
            if (c != null && !out.contains(c)) {
                out.add(c);
            }
        }
        if (spec.emitsChanges() && !out.contains(SystemColumn.SYSTEM_COLUMN_CHANGE_TYPE)) {
            out.add(SystemColumn.SYSTEM_COLUMN_CHANGE_TYPE);
        }
        return out;
    }

    static SystemColumn system(Output.Kind kind) {
        switch (kind) {
            case CHANGE_TYPE:
            case CHANGE_NAME:
                return SystemColumn.SYSTEM_COLUMN_CHANGE_TYPE;
            case BUCKET:
                return SystemColumn.SYSTEM_COLUMN_BUCKET;
            case OFFSET:
                return SystemColumn.SYSTEM_COLUMN_OFFSET;
            case TIMESTAMP:
                return SystemColumn.SYSTEM_COLUMN_TIMESTAMP;
            default:
                return null;
        }
    }
}
