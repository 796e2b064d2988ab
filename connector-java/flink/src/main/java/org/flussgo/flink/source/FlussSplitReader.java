package org.flussgo.flink.source;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.flink.connector.base.source.reader.RecordsWithSplitIds;
import org.apache.flink.connector.base.source.reader.splitreader.SplitReader;
import org.apache.flink.connector.base.source.reader.splitreader.SplitsChange;
import org.flussgo.client.FlussClient;
import org.flussgo.client.FlussException;
import org.flussgo.proto.v1.PartitionInfo;

/** Reads the splits of a subtask, taking from whichever has something. */
final class FlussSplitReader implements SplitReader<ScanBatch, FlussSplit> {
    /** How many buckets of a bounded scan are read at once. */
    private static final int BOUNDED_SCANS = 8;

    private static final long MAX_WAIT_MS = 10_000;

    private final ScanSpec spec;
    private final FlussClient client;
    private final Map<String, BucketScan> active = new LinkedHashMap<>();
    private final ArrayDeque<FlussSplit> waiting = new ArrayDeque<>();
    private final ArrayDeque<FlussSplit> counts = new ArrayDeque<>();
    /** Active scans, the one looked at next in front: a busy one does not starve the others. */
    private final ArrayDeque<BucketScan> turns = new ArrayDeque<>();

    private final Object signal = new Object();
    private boolean ready; // guarded by signal
    private boolean woken; // guarded by signal

    FlussSplitReader(ScanSpec spec) {
        this.spec = spec;
        this.client = spec.connection.connect();
    }

    @Override
    public RecordsWithSplitIds<ScanBatch> fetch() throws IOException {
        if (!counts.isEmpty()) {
            return count(counts.poll());
        }
        while (true) {
            synchronized (signal) {
                ready = false;
            }
            activate();
            Set<String> ended = new HashSet<>();
            for (int i = turns.size(); i > 0; i--) {
                BucketScan s = turns.poll();
                ScanBatch b = s.poll();
                if (b == null && s.ended()) {
                    s.close();
                    active.remove(s.id());
                    ended.add(s.id());
                    continue;
                }
                turns.add(s);
                if (b != null) {
                    return ScanBatches.of(b, ended);
                }
            }
            if (!ended.isEmpty()) {
                return ScanBatches.finished(ended);
            }
            if (!awaitSignal()) {
                return ScanBatches.finished(Set.of());
            }
        }
    }

    /** Waits until something may be ready; false when the reader was woken to do something else. */
    private boolean awaitSignal() throws IOException {
        long wait = MAX_WAIT_MS;
        for (BucketScan s : turns) {
            wait = Math.min(wait, s.retryInMs());
        }
        long until = System.nanoTime() + wait * 1_000_000;
        synchronized (signal) {
            while (!ready && !woken) {
                long left = (until - System.nanoTime()) / 1_000_000;
                if (left <= 0) {
                    return true;
                }
                try {
                    signal.wait(left);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw new IOException("interrupted while it waited for rows", e);
                }
            }
            boolean stop = woken;
            woken = false;
            return !stop;
        }
    }

    private void signal() {
        synchronized (signal) {
            ready = true;
            signal.notifyAll();
        }
    }

    private void activate() {
        while (!waiting.isEmpty() && (!spec.bounded || active.size() < BOUNDED_SCANS)) {
            BucketScan s = new BucketScan(client, spec, waiting.poll(), this::signal);
            active.put(s.id(), s);
            turns.add(s);
        }
    }

    private RecordsWithSplitIds<ScanBatch> count(FlussSplit split) throws IOException {
        try {
            List<String> partitions = new ArrayList<>();
            if (!spec.partitionFilters.isEmpty()) {
                for (PartitionInfo p : client.table(spec.connection.path()).partitions().values()) {
                    if (spec.takes(p)) {
                        partitions.add(p.getName());
                    }
                }
                if (partitions.isEmpty()) {
                    return ScanBatches.of(new ScanBatch(0, split), Set.of(split.splitId()));
                }
            }
            long rows = client.admin().countRows(spec.connection.path(), partitions);
            return ScanBatches.of(new ScanBatch(rows, split), Set.of(split.splitId()));
        } catch (FlussException e) {
            throw new IOException("the rows of " + spec.connection.name() + " could not be counted: " + e.getMessage(), e);
        }
    }

    @Override
    public void handleSplitsChanges(SplitsChange<FlussSplit> change) {
        if (spec.what == ScanSpec.What.COUNT) {
            counts.addAll(change.splits());
        } else {
            waiting.addAll(change.splits());
        }
    }

    @Override
    public void pauseOrResumeSplits(Collection<FlussSplit> pause, Collection<FlussSplit> resume) {
        for (FlussSplit s : pause) {
            BucketScan scan = active.get(s.splitId());
            if (scan != null) {
                scan.pause();
            }
        }
        for (FlussSplit s : resume) {
            BucketScan scan = active.get(s.splitId());
            if (scan != null) {
                scan.resume();
            }
        }
        signal();
    }

    @Override
    public void wakeUp() {
        synchronized (signal) {
            woken = true;
            signal.notifyAll();
        }
    }

    @Override
    public void close() {
        active.values().forEach(BucketScan::close);
        client.close();
    }
}
