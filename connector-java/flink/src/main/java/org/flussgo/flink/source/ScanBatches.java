package org.flussgo.flink.source;

import java.util.Set;
import org.apache.flink.connector.base.source.reader.RecordsWithSplitIds;

/** One batch of one split, and the splits that have ended. */
final class ScanBatches implements RecordsWithSplitIds<ScanBatch> {
    private final Set<String> finished;
    private String split;
    private ScanBatch batch;

    private ScanBatches(String split, ScanBatch batch, Set<String> finished) {
        this.split = split;
        this.batch = batch;
        this.finished = finished;
    }

    /** A batch, and splits that have ended, its own among them when it was the last. */
    static ScanBatches of(ScanBatch b, Set<String> finished) {
        return new ScanBatches(b.next.splitId(), b, finished);
    }

    static ScanBatches finished(Set<String> splits) {
        return new ScanBatches(null, null, splits);
    }

    @Override
    public String nextSplit() {
        String s = split;
        split = null;
        return s;
    }

    @Override
    public ScanBatch nextRecordFromSplit() {
        ScanBatch b = batch;
        batch = null;
        return b;
    }

    @Override
    public Set<String> finishedSplits() {
        return finished;
    }
}
