package org.flussgo.flink.source;

import java.util.Map;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.connector.base.source.reader.SingleThreadMultiplexSourceReaderBase;

/** The reader of a subtask. */
final class FlussSourceReader<T> extends SingleThreadMultiplexSourceReaderBase<ScanBatch, T, FlussSplit, SplitState> {
    FlussSourceReader(ScanSpec spec, RowReader<T> reader, SourceReaderContext context) {
        super(
                () -> new FlussSplitReader(spec),
                new RowEmitter<>(spec, reader, context.metricGroup().getIOMetricGroup().getNumRecordsInCounter()),
                context.getConfiguration(),
                context);
    }

    @Override
    protected void onSplitFinished(Map<String, SplitState> finished) {
        // splits are handed out, not asked for
    }

    @Override
    protected SplitState initializedState(FlussSplit split) {
        return new SplitState(split);
    }

    @Override
    protected FlussSplit toSplitType(String id, SplitState state) {
        return state.split;
    }
}
