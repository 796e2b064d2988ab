package org.flussgo.client.arrow;

import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;
import org.flussgo.client.Values;
import org.flussgo.proto.v1.Field;

/**
 * Collects rows of fixed columns and lays them out as a batch of proto/batch/FORMAT.md, statistics and checksums included. Not
 * thread-safe; {@link #reset} keeps the memory for the next batch.
 */
public final class BatchWriter {
    private static final byte DELETE = 4;
    private static final int MESSAGE_BYTES = 96;
    private static final int META_ENTRY_BYTES = 16;
    private static final int MAX_BATCH_BYTES = Integer.MAX_VALUE - BatchFormat.ALIGN;

    private final ColumnBuilder[] columns;
    private final ColumnBuilder.Tally tally = new ColumnBuilder.Tally();
    private final boolean[] keys;
    private final ColumnBuilder.Fixed changeTypes;
    private final int schemaId;
    private final Codec codec;
    private final Compression.Packer packer;
    /** What a batch takes beside the values: header, metadata, and the zeros behind buffers, half of the most. */
    private final int overhead;
    private int rows;

    /**
     * A writer of batches whose rows all have all columns.
     *
     * @param fields the columns, in the order of the batch
     * @param changeTypes whether a last column holds what each row does
     * @throws IllegalArgumentException for a type that no column can have
     */
    public BatchWriter(List<Field> fields, int schemaId, boolean changeTypes, Codec codec) {
        this(fields, schemaId, changeTypes, codec, null);
    }

    /**
     * A writer of batches.
     *
     * @param fields the columns, in the order of the batch
     * @param changeTypes whether a last column holds what each row does
     * @param keyColumns of rows that delete, only these columns are asked for, the others being null whatever their type says; null: all
     *     are asked for
     * @throws IllegalArgumentException for a type that no column can have
     */
    public BatchWriter(List<Field> fields, int schemaId, boolean changeTypes, Codec codec, boolean[] keyColumns) {
        this.columns = new ColumnBuilder[fields.size()];
        int buffers = changeTypes ? 2 : 0;
        for (int i = 0; i < columns.length; i++) {
            Field f = fields.get(i);
            Layout.check(f.getName(), f.getType());
            columns[i] = ColumnBuilder.of(f.getName(), f.getType(), tally);
            buffers += Layout.buffers(f.getType());
        }
        this.schemaId = schemaId;
        this.codec = codec;
        this.packer = codec == Codec.NONE ? null : new Compression.Packer(codec);
        this.keys = keyColumns;
        this.changeTypes = changeTypes
                ? (ColumnBuilder.Fixed) ColumnBuilder.of(BatchFormat.CHANGE_TYPE.getName(), BatchFormat.CHANGE_TYPE.getType(), tally)
                : null;
        this.overhead = BatchFormat.HEADER_BYTES + MESSAGE_BYTES + buffers * (2 * META_ENTRY_BYTES + BatchFormat.ALIGN / 2);
    }

    /**
     * Adds a row.
     *
     * @param positions where in the row the value of each column is; null: at the position of the column
     * @param changeType 1 (+I), 2 (-U), 3 (+U) or 4 (-D); looked at where batches have change types
     * @throws ValueException for a value that its column cannot hold: null where it is NOT NULL or the key of a MAP, a DECIMAL of more
     *     digits, a BINARY(n) of another length, a CHAR(n) of more characters, a TIME that is not within a day, a MAP of other keys than
     *     values. Nothing of the row is added then, nor when the row itself throws
     */
    public void add(Values row, int[] positions, byte changeType) {
        boolean onlyKeys = changeTypes != null && changeType == DELETE && keys != null;
        long before = tally.bytes;
        boolean done = false;
        try {
            for (int i = 0; i < columns.length; i++) {
                if (onlyKeys && !keys[i]) {
                    columns[i].addNull();
                } else {
                    columns[i].add(row, positions == null ? i : positions[i]);
                }
            }
            if (changeTypes != null) {
                changeTypes.addByte(changeType);
            }
            done = true;
        } finally {
            if (!done) {
                truncate(rows);
                tally.bytes = before;
            }
        }
        rows++;
    }

    private void truncate(int to) {
        for (ColumnBuilder c : columns) {
            c.truncate(to);
        }
        if (changeTypes != null) {
            changeTypes.truncate(to);
        }
    }

    /** The number of rows. */
    public int rows() {
        return rows;
    }

    /** Whether there are no rows. */
    public boolean isEmpty() {
        return rows == 0;
    }

    /** The bytes that the batch takes without compression, roughly; 0 when there are no rows. */
    public int bytes() {
        return rows == 0 ? 0 : (int) Math.min(Integer.MAX_VALUE, overhead + tally.bytes);
    }

    /** Forgets the rows. */
    public void reset() {
        truncate(0);
        tally.bytes = 0;
        rows = 0;
    }

    /**
     * The batch of the rows, with writer id 0 and sequence 0: see {@link #number}. It is the caller's, and the rows are still there.
     *
     * @throws IllegalStateException when it would have more than 2 GiB
     */
    public byte[] encode() {
        Plan plan = new Plan();
        for (ColumnBuilder c : columns) {
            plan.column(c);
        }
        if (changeTypes != null) {
            plan.column(changeTypes);
        }
        return plan.encode();
    }

    /**
     * Writes who wrote it, and as which of its batches in the bucket, into the header of an encoded batch, and the header's checksum again.
     * It can be done more than once.
     */
    public static void number(byte[] batch, long writerId, int sequence) {
        Le.putLong(batch, BatchFormat.WRITER_ID, writerId);
        Le.putInt(batch, BatchFormat.SEQUENCE, sequence);
        Le.putInt(batch, BatchFormat.HEADER_CRC, crc(batch, BatchFormat.HEAD_CRC, BatchFormat.HEADER_BYTES));
    }

    private static int crc(byte[] b, int from, int to) {
        CRC32C c = new CRC32C();
        c.update(b, from, to - from);
        return (int) c.getValue();
    }

    /** What a batch will hold: nodes, buffers, and of each column its first buffer, nulls and bounds. */
    private final class Plan implements ColumnBuilder.Visitor {
        private final List<int[]> nodes = new ArrayList<>();
        private final List<byte[]> buffers = new ArrayList<>();
        private final List<Integer> sizes = new ArrayList<>();
        private final List<Integer> firstBuffers = new ArrayList<>();
        private final List<Integer> nullCounts = new ArrayList<>();
        private final List<Bounds> bounds = new ArrayList<>();
        private long plain;

        void column(ColumnBuilder c) {
            firstBuffers.add(buffers.size());
            nullCounts.add(c.nulls);
            bounds.add(Bounds.of(c));
            c.visit(this);
        }

        @Override
        public void node(int length, int nulls) {
            nodes.add(new int[] {length, nulls});
        }

        @Override
        public void buffer(byte[] bytes, int n) {
            plain += BatchFormat.pad(n);
            if (packer != null && n > 0) {
                byte[] c = packer.pack(bytes, n);
                buffers.add(c);
                sizes.add(c.length);
            } else {
                buffers.add(bytes);
                sizes.add(n);
            }
        }

        byte[] encode() {
            int meta = MESSAGE_BYTES + META_ENTRY_BYTES * nodes.size() + 8 + META_ENTRY_BYTES * buffers.size();
            int table = BatchFormat.COLUMN_ENTRY_BYTES * firstBuffers.size();
            for (Bounds b : bounds) {
                table += b == null ? 0 : b.min.length + b.max.length;
            }
            int bodyAt = (int) BatchFormat.pad(BatchFormat.HEADER_BYTES + meta + table);
            long body = 0;
            int[] at = new int[buffers.size()];
            for (int i = 0; i < at.length; i++) {
                at[i] = (int) body;
                body += BatchFormat.pad(sizes.get(i));
            }
            if (bodyAt + Math.max(plain, body) > MAX_BATCH_BYTES) {
                throw new IllegalStateException("a batch of more than 2 GiB; send smaller ones");
            }
            byte[] out = new byte[bodyAt + (int) body];
            for (int i = 0; i < at.length; i++) {
                System.arraycopy(buffers.get(i), 0, out, bodyAt + at[i], sizes.get(i));
            }
            message(out, BatchFormat.HEADER_BYTES, (int) body, at);
            table(out, BatchFormat.HEADER_BYTES + meta, bodyAt, at);
            header(out, meta, table, (int) body, bodyAt);
            return out;
        }

        /** The flatbuffer in its one exact form. */
        private void message(byte[] out, int m, int body, int[] at) {
            boolean packed = codec != Codec.NONE;
            Le.putInt(out, m, 16);
            vtable(out, m + 4, 12, 20, 16, 18, 4, 8);
            Le.putInt(out, m + 16, 12);
            Le.putInt(out, m + 20, 28);
            Le.putLong(out, m + 24, body);
            Le.putShort(out, m + 32, 4);
            out[m + 34] = 3;
            vtable(out, m + 36, 12, 24, 8, 4, 16, packed ? 20 : 0);
            Le.putInt(out, m + 48, 12);
            Le.putInt(out, m + 52, 40);
            Le.putLong(out, m + 56, rows);
            Le.putInt(out, m + 64, 36 + META_ENTRY_BYTES * nodes.size());
            if (packed) {
                Le.putInt(out, m + 68, 12);
                vtable(out, m + 72, 8, 8, 4, 5);
                Le.putInt(out, m + 80, 8);
                out[m + 84] = (byte) (codec == Codec.ZSTD ? 1 : 0);
            }
            Le.putInt(out, m + 92, nodes.size());
            int to = m + MESSAGE_BYTES;
            for (int[] n : nodes) {
                Le.putLong(out, to, n[0]);
                Le.putLong(out, to + 8, n[1]);
                to += META_ENTRY_BYTES;
            }
            Le.putInt(out, to + 4, at.length);
            to += 8;
            for (int i = 0; i < at.length; i++) {
                Le.putLong(out, to, at[i]);
                Le.putLong(out, to + 8, sizes.get(i));
                to += META_ENTRY_BYTES;
            }
        }

        private void vtable(byte[] out, int at, int... entries) {
            for (int i = 0; i < entries.length; i++) {
                Le.putShort(out, at + 2 * i, entries[i]);
            }
        }

        private void table(byte[] out, int t, int bodyAt, int[] at) {
            int behind = BatchFormat.COLUMN_ENTRY_BYTES * firstBuffers.size();
            for (int i = 0; i < firstBuffers.size(); i++) {
                int e = t + BatchFormat.COLUMN_ENTRY_BYTES * i;
                int to = i + 1 < firstBuffers.size() ? bodyAt + at[firstBuffers.get(i + 1)] : out.length;
                Le.putInt(out, e, crc(out, bodyAt + at[firstBuffers.get(i)], to));
                Le.putInt(out, e + 4, nullCounts.get(i));
                Bounds b = bounds.get(i);
                if (b == null) {
                    continue;
                }
                out[e + 8] = (byte) (1 | (b.minCut ? 2 : 0) | (b.maxCut ? 4 : 0));
                out[e + 9] = (byte) b.min.length;
                out[e + 10] = (byte) b.max.length;
                Le.putInt(out, e + 12, behind);
                System.arraycopy(b.min, 0, out, t + behind, b.min.length);
                System.arraycopy(b.max, 0, out, t + behind + b.min.length, b.max.length);
                behind += b.min.length + b.max.length;
            }
        }

        private void header(byte[] out, int meta, int table, int body, int bodyAt) {
            Le.putInt(out, 0, BatchFormat.MAGIC);
            Le.putInt(out, BatchFormat.TOTAL_BYTES, out.length);
            Le.putInt(out, BatchFormat.HEAD_CRC, crc(out, BatchFormat.HEADER_BYTES, bodyAt));
            out[BatchFormat.VERSION] = 1;
            out[BatchFormat.FLAGS] = (byte) (changeTypes != null ? BatchFormat.FLAG_CHANGE_TYPES : 0);
            out[BatchFormat.CODEC] = (byte) codec.ordinal();
            Le.putInt(out, BatchFormat.ROW_COUNT, rows);
            Le.putInt(out, BatchFormat.SCHEMA_ID, schemaId);
            Le.putInt(out, BatchFormat.METADATA_BYTES, meta);
            Le.putInt(out, BatchFormat.COLUMN_TABLE_BYTES, table);
            Le.putInt(out, BatchFormat.BODY_BYTES, body);
            Le.putInt(out, BatchFormat.UNCOMPRESSED_BYTES, (int) plain);
            number(out, 0, 0);
        }
    }
}
