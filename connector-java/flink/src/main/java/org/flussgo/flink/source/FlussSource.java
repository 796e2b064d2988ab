package org.flussgo.flink.source;

import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.connector.source.Boundedness;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.api.java.typeutils.ResultTypeQueryable;
import org.apache.flink.core.io.SimpleVersionedSerializer;

/** Reads a table, bounded or for ever, exactly once: its state is where it is in each bucket. */
public final class FlussSource<T> implements Source<T, FlussSplit, EnumeratorState>, ResultTypeQueryable<T> {
    private static final long serialVersionUID = 1L;

    private final ScanSpec spec;
    private final RowReader<T> reader;

    /** A source of what the spec says, as the reader makes records of it. */
    public FlussSource(ScanSpec spec, RowReader<T> reader) {
        this.spec = spec.copy();
        this.reader = reader;
    }

    /** A source to be set up: of RowData until {@link FlussSourceBuilder#setReader} says otherwise. */
    public static FlussSourceBuilder<org.apache.flink.table.data.RowData> builder() {
        return new FlussSourceBuilder<>(RowReader.rows());
    }

    @Override
    public Boundedness getBoundedness() {
        return spec.bounded ? Boundedness.BOUNDED : Boundedness.CONTINUOUS_UNBOUNDED;
    }

    @Override
    public SourceReader<T, FlussSplit> createReader(SourceReaderContext context) {
        return new FlussSourceReader<>(spec, reader, context);
    }

    @Override
    public SplitEnumerator<FlussSplit, EnumeratorState> createEnumerator(SplitEnumeratorContext<FlussSplit> context) {
        return new FlussEnumerator(context, spec, null);
    }

    @Override
    public SplitEnumerator<FlussSplit, EnumeratorState> restoreEnumerator(
            SplitEnumeratorContext<FlussSplit> context, EnumeratorState state) {
        return new FlussEnumerator(context, spec, state);
    }

    @Override
    public SimpleVersionedSerializer<FlussSplit> getSplitSerializer() {
        return SplitSerializer.INSTANCE;
    }

    @Override
    public SimpleVersionedSerializer<EnumeratorState> getEnumeratorCheckpointSerializer() {
        return new EnumeratorState.Serializer();
    }

    @Override
    public TypeInformation<T> getProducedType() {
        return reader.producedType(spec.type);
    }
}
