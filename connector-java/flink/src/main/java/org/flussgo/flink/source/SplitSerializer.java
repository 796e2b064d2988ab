package org.flussgo.flink.source;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInput;
import java.io.DataInputStream;
import java.io.DataOutput;
import java.io.DataOutputStream;
import java.io.IOException;
import org.apache.flink.core.io.SimpleVersionedSerializer;

/** Writes splits to checkpoints. Versions are read for ever: the golden bytes of each are kept in the tests. */
final class SplitSerializer implements SimpleVersionedSerializer<FlussSplit> {
    static final int VERSION = 1;
    static final SplitSerializer INSTANCE = new SplitSerializer();

    @Override
    public int getVersion() {
        return VERSION;
    }

    @Override
    public byte[] serialize(FlussSplit s) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        write(new DataOutputStream(bytes), s);
        return bytes.toByteArray();
    }

    static void write(DataOutput out, FlussSplit s) throws IOException {
        out.writeLong(s.tableId);
        out.writeInt(s.schemaId);
        out.writeLong(s.partitionId);
        out.writeUTF(s.partition);
        out.writeInt(s.bucket);
        out.writeLong(s.offset);
        out.writeInt(s.resume.length);
        out.write(s.resume);
        out.writeLong(s.stop);
    }

    @Override
    public FlussSplit deserialize(int version, byte[] bytes) throws IOException {
        return read(version, new DataInputStream(new ByteArrayInputStream(bytes)));
    }

    static FlussSplit read(int version, DataInput in) throws IOException {
        check(version);
        long tableId = in.readLong();
        int schemaId = in.readInt();
        long partitionId = in.readLong();
        String partition = in.readUTF();
        int bucket = in.readInt();
        long offset = in.readLong();
        byte[] resume = new byte[in.readInt()];
        in.readFully(resume);
        return new FlussSplit(tableId, schemaId, partitionId, partition, bucket, offset, resume, in.readLong());
    }

    static void check(int version) throws IOException {
        if (version != VERSION) {
            throw new IOException("the state is of version " + version + ", and this connector reads version " + VERSION
                    + ": use the connector that wrote it, or a later one");
        }
    }
}
