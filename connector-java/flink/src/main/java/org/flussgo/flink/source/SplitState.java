package org.flussgo.flink.source;

/** Where a reader is in a split: behind the last batch that was emitted. */
final class SplitState {
    FlussSplit split;

    SplitState(FlussSplit split) {
        this.split = split;
    }
}
