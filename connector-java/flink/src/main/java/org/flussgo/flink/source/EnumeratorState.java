package org.flussgo.flink.source;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.apache.flink.core.io.SimpleVersionedSerializer;

/** What an enumerator remembers: which partitions it has made splits of, and the splits that no reader has. */
public final class EnumeratorState {
    final long tableId;
    final int schemaId;
    /** Whether the splits of the table as it was at the start were made. */
    final boolean started;

    final Set<Long> partitions;
    final List<FlussSplit> unassigned;

    EnumeratorState(long tableId, int schemaId, boolean started, Collection<Long> partitions, Collection<FlussSplit> unassigned) {
        this.tableId = tableId;
        this.schemaId = schemaId;
        this.started = started;
        this.partitions = new TreeSet<>(partitions);
        this.unassigned = new ArrayList<>(unassigned);
    }

    /** Writes the state to checkpoints; see {@link SplitSerializer} for versions. */
    static final class Serializer implements SimpleVersionedSerializer<EnumeratorState> {
        @Override
        public int getVersion() {
            return SplitSerializer.VERSION;
        }

        @Override
        public byte[] serialize(EnumeratorState s) throws IOException {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            DataOutputStream out = new DataOutputStream(bytes);
            out.writeLong(s.tableId);
            out.writeInt(s.schemaId);
            out.writeBoolean(s.started);
            out.writeInt(s.partitions.size());
            for (long p : s.partitions) {
                out.writeLong(p);
            }
            out.writeInt(s.unassigned.size());
            for (FlussSplit split : s.unassigned) {
                SplitSerializer.write(out, split);
            }
            return bytes.toByteArray();
        }

        @Override
        public EnumeratorState deserialize(int version, byte[] bytes) throws IOException {
            SplitSerializer.check(version);
            DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes));
            long tableId = in.readLong();
            int schemaId = in.readInt();
            boolean started = in.readBoolean();
            List<Long> partitions = new ArrayList<>();
            for (int n = in.readInt(); n > 0; n--) {
                partitions.add(in.readLong());
            }
            List<FlussSplit> unassigned = new ArrayList<>();
            for (int n = in.readInt(); n > 0; n--) {
                unassigned.add(SplitSerializer.read(version, in));
            }
            return new EnumeratorState(tableId, schemaId, started, partitions, unassigned);
        }
    }
}
