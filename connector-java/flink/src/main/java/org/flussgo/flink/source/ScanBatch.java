package org.flussgo.flink.source;

import org.flussgo.client.ScanStream;

/** What a split reader hands to the emitter: a batch of a bucket and where its reading goes on, or the count of all rows. */
final class ScanBatch {
    /** Null for a count. */
    final ScanStream.Batch batch;
    /** The split behind the batch. */
    final FlussSplit next;

    final long count;

    ScanBatch(ScanStream.Batch batch, FlussSplit next) {
        this.batch = batch;
        this.next = next;
        this.count = 0;
    }

    ScanBatch(long count, FlussSplit next) {
        this.batch = null;
        this.next = next;
        this.count = count;
    }
}
