package org.flussgo.client.arrow;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.zip.CRC32C;
import org.apache.arrow.flatbuf.BodyCompression;
import org.apache.arrow.flatbuf.BodyCompressionMethod;
import org.apache.arrow.flatbuf.CompressionType;
import org.apache.arrow.flatbuf.Message;
import org.apache.arrow.flatbuf.MessageHeader;
import org.apache.arrow.flatbuf.RecordBatch;
import org.flussgo.proto.v1.DataType;
import org.flussgo.proto.v1.Field;
import org.flussgo.proto.v1.TypeKind;

/**
 * Reads record batches of fixed columns. Bytes are not trusted: whatever is wrong with them is a {@link CorruptBatchException}, and what
 * was read without one can be asked for without another. Thread-safe.
 */
public final class BatchReader {
    private static final Field CHANGE_TYPE = Field.newBuilder()
            .setName("_change_type")
            .setType(DataType.newBuilder().setKind(TypeKind.TYPE_KIND_TINYINT))
            .build();

    private final List<Field> fields;
    private final List<Field> withChangeTypes;

    /** A reader of batches of the columns, in their order. */
    public BatchReader(List<Field> fields) {
        this.fields = Collections.unmodifiableList(new ArrayList<>(fields));
        List<Field> with = new ArrayList<>(fields);
        with.add(CHANGE_TYPE);
        withChangeTypes = Collections.unmodifiableList(with);
    }

    /**
     * Reads a batch as Arrow Flight carries it.
     *
     * @param header the RecordBatch message, FlightData.data_header
     * @param body the buffers, which the vectors look into: it must not be changed any more
     */
    public ArrowBatch read(byte[] header, byte[] body) {
        return read(fields, ByteBuffer.wrap(header), body, 0, body.length, null);
    }

    /**
     * Reads a batch as proto/batch/FORMAT.md lays it out, checksums verified. One with change types has their vector last.
     *
     * @param batch where the batch is, which must not be changed any more
     */
    public ArrowBatch readBatch(byte[] batch, int offset, int length) {
        if (offset < 0 || length < BatchFormat.HEADER_BYTES || length > batch.length - offset) {
            throw new CorruptBatchException(length + " bytes are too few for a batch");
        }
        int total = Le.getInt(batch, offset + BatchFormat.TOTAL_BYTES);
        if (Le.getInt(batch, offset) != BatchFormat.MAGIC || batch[offset + BatchFormat.VERSION] != 1) {
            throw new CorruptBatchException("bytes that are no batch of version 1");
        }
        if (crc(batch, offset + BatchFormat.HEAD_CRC, BatchFormat.HEADER_BYTES - BatchFormat.HEAD_CRC)
                != Le.getInt(batch, offset + BatchFormat.HEADER_CRC)) {
            throw new CorruptBatchException("the header of a batch does not match its checksum");
        }
        int meta = Le.getInt(batch, offset + BatchFormat.METADATA_BYTES);
        int table = Le.getInt(batch, offset + BatchFormat.COLUMN_TABLE_BYTES);
        int bodyBytes = Le.getInt(batch, offset + BatchFormat.BODY_BYTES);
        long head = BatchFormat.pad((long) BatchFormat.HEADER_BYTES + Math.max(0, meta) + Math.max(0, table));
        if (meta < 0 || table < 0 || bodyBytes < 0 || total > length || head + bodyBytes != total) {
            throw new CorruptBatchException("the sizes in a batch's header do not add up");
        }
        int bodyAt = offset + (int) head;
        int metaAt = offset + BatchFormat.HEADER_BYTES;
        if (crc(batch, metaAt, bodyAt - metaAt) != Le.getInt(batch, offset + BatchFormat.HEAD_CRC)) {
            throw new CorruptBatchException("the head of a batch does not match its checksum");
        }
        List<Field> of = (batch[offset + BatchFormat.FLAGS] & BatchFormat.FLAG_CHANGE_TYPES) != 0 ? withChangeTypes : fields;
        if (table < BatchFormat.COLUMN_ENTRY_BYTES * of.size()) {
            throw new CorruptBatchException("a batch tells of fewer columns than the " + of.size() + " of its schema");
        }
        ByteBuffer header = ByteBuffer.wrap(batch, metaAt, meta).slice();
        return read(of, header, batch, bodyAt, bodyBytes, (column, from, to) -> {
            int want = Le.getInt(batch, metaAt + meta + BatchFormat.COLUMN_ENTRY_BYTES * column);
            if (crc(batch, bodyAt + from, to - from) != want) {
                throw new CorruptBatchException("column \"" + of.get(column).getName() + "\" of a batch does not match its checksum");
            }
        });
    }

    private static int crc(byte[] b, int from, int length) {
        CRC32C c = new CRC32C();
        c.update(b, from, length);
        return (int) c.getValue();
    }

    /** Looks at the range of the body that a column takes. */
    private interface RangeCheck {
        void check(int column, int from, int to);
    }

    private static ArrowBatch read(List<Field> of, ByteBuffer header, byte[] body, int bodyAt, int bodyBytes, RangeCheck check) {
        try {
            Message m = Message.getRootAsMessage(header.order(ByteOrder.LITTLE_ENDIAN));
            if (m.headerType() != MessageHeader.RecordBatch) {
                throw new CorruptBatchException("a message of type " + m.headerType() + " where a record batch was to come");
            }
            RecordBatch rb = (RecordBatch) m.header(new RecordBatch());
            if (rb.length() < 0 || rb.length() > Integer.MAX_VALUE) {
                throw new CorruptBatchException("a batch of " + rb.length() + " rows");
            }
            Cursor c = new Cursor(rb, body, bodyAt, bodyBytes);
            if (check != null) {
                c.ranges(of, check);
            }
            c.decompress(codec(rb.compression()));
            Vector[] columns = new Vector[of.size()];
            for (int i = 0; i < columns.length; i++) {
                columns[i] = c.vector(of.get(i).getType(), (int) rb.length());
            }
            c.end();
            return new ArrowBatch((int) rb.length(), columns, of);
        } catch (IndexOutOfBoundsException | IllegalArgumentException | NullPointerException | ArithmeticException | AssertionError e) {
            throw new CorruptBatchException("bytes that are no record batch", e);
        }
    }

    private static Codec codec(BodyCompression c) {
        if (c == null) {
            return Codec.NONE;
        }
        if (c.method() != BodyCompressionMethod.BUFFER) {
            throw new CorruptBatchException("a batch compressed by the unknown method " + c.method());
        }
        if (c.codec() == CompressionType.LZ4_FRAME) {
            return Codec.LZ4_FRAME;
        }
        if (c.codec() == CompressionType.ZSTD) {
            return Codec.ZSTD;
        }
        throw new CorruptBatchException("a batch compressed with the unknown codec " + c.codec());
    }

    /** Walks the nodes and buffers of a record batch. */
    private static final class Cursor {
        private final RecordBatch rb;
        private byte[] bytes;
        private final int[] at;
        private final int[] size;
        private final int bodyAt;
        private final int bodyEnd;
        private int node;
        private int buffer;

        Cursor(RecordBatch rb, byte[] body, int bodyAt, int bodyBytes) {
            this.rb = rb;
            bytes = body;
            at = new int[rb.buffersLength()];
            size = new int[at.length];
            for (int i = 0; i < at.length; i++) {
                long from = rb.buffers(i).offset();
                long length = rb.buffers(i).length();
                if (from < 0 || length < 0 || from > bodyBytes || length > bodyBytes - from) {
                    throw new CorruptBatchException("a buffer [" + from + ", +" + length + ") outside of a body of " + bodyBytes + " bytes");
                }
                at[i] = bodyAt + (int) from;
                size[i] = (int) length;
            }
            this.bodyAt = bodyAt;
            this.bodyEnd = bodyAt + bodyBytes;
        }

        /** Hands the range of each column to the check: from its first buffer to that of the next column, or to the end. */
        void ranges(List<Field> of, RangeCheck check) {
            int b = 0;
            int from = of.isEmpty() || at.length == 0 ? 0 : at[0];
            for (int i = 0; i < of.size(); i++) {
                b += buffers(of.get(i).getType());
                int to = i + 1 < of.size() ? at[b] : bodyEnd;
                if (to < from) {
                    throw new CorruptBatchException("the columns of a batch are out of order");
                }
                check.check(i, from - bodyAt, to - bodyAt);
                from = to;
            }
        }

        private static int buffers(DataType t) {
            switch (Layout.form(t)) {
                case TEXT:
                    return 3;
                case LIST:
                    if (t.getKind() == TypeKind.TYPE_KIND_MAP) {
                        return 3 + buffers(t.getFields(0).getType()) + buffers(t.getFields(1).getType());
                    }
                    return 2 + buffers(t.getFields(0).getType());
                case STRUCT:
                    int n = 1;
                    for (Field f : t.getFieldsList()) {
                        n += buffers(f.getType());
                    }
                    return n;
                default:
                    return 2;
            }
        }

        void decompress(Codec codec) {
            if (codec != Codec.NONE) {
                bytes = Compression.decompress(codec, bytes, at, size);
            }
        }

        Vector vector(DataType t, int length) {
            long nodeLength = rb.nodes(node).length();
            long nulls = rb.nodes(node).nullCount();
            node++;
            if (nodeLength != length || nulls < 0 || nulls > length) {
                throw new CorruptBatchException("a column of " + nodeLength + " values, " + nulls + " of them null, among " + length + " rows");
            }
            int validity = validity(length, nulls > 0);
            switch (Layout.form(t)) {
                case BITS:
                    return of(t, length, nulls, validity, -1, take((length + 7L) / 8), 0, null);
                case FIXED:
                    int width = Layout.width(t);
                    return of(t, length, nulls, validity, -1, take((long) width * length), width, null);
                case TEXT:
                    int offsets = offsets(length);
                    int data = take(last(offsets, length));
                    return of(t, length, nulls, validity, offsets, data, 0, null);
                case LIST:
                    return list(t, length, nulls, validity);
                default:
                    Vector[] children = new Vector[t.getFieldsCount()];
                    for (int i = 0; i < children.length; i++) {
                        children[i] = vector(t.getFields(i).getType(), length);
                    }
                    return of(t, length, nulls, validity, -1, -1, 0, children);
            }
        }

        private Vector list(DataType t, int length, long nulls, int validity) {
            int offsets = offsets(length);
            int n = (int) last(offsets, length);
            Vector[] children;
            if (t.getKind() == TypeKind.TYPE_KIND_MAP) {
                long entries = rb.nodes(node++).length();
                if (entries < n || entries > Integer.MAX_VALUE) {
                    throw new CorruptBatchException("a map of " + entries + " entries where " + n + " are told of");
                }
                validity((int) entries, false);
                children = new Vector[] {vector(t.getFields(0).getType(), (int) entries), vector(t.getFields(1).getType(), (int) entries)};
            } else {
                long elements = rb.nodes(node).length();
                if (elements < n || elements > Integer.MAX_VALUE) {
                    throw new CorruptBatchException("an array of " + elements + " elements where " + n + " are told of");
                }
                children = new Vector[] {vector(t.getFields(0).getType(), (int) elements)};
            }
            return of(t, length, nulls, validity, offsets, -1, 0, children);
        }

        private Vector of(DataType t, int length, long nulls, int validity, int offsets, int values, int width, Vector[] children) {
            return new Vector(t, length, (int) nulls, bytes, validity, offsets, values, width, children);
        }

        /** The position of a validity bitmap; -1 when there are no nulls. */
        private int validity(int length, boolean nulls) {
            if (!nulls) {
                buffer++;
                return -1;
            }
            return take((length + 7L) / 8);
        }

        /** The position of the next buffer, which must have so many bytes at least. */
        private int take(long needed) {
            int i = buffer++;
            if (size[i] < needed) {
                throw new CorruptBatchException("a buffer of " + size[i] + " bytes where " + needed + " are needed");
            }
            return at[i];
        }

        /** The position of offsets that start at 0 or above and never go down; -1 when there are no values. */
        private int offsets(int length) {
            if (length == 0) {
                buffer++;
                return -1;
            }
            int from = take(4L * (length + 1L));
            int before = Le.getInt(bytes, from);
            int fault = before;
            for (int i = 1; i <= length; i++) {
                int v = Le.getInt(bytes, from + 4 * i);
                fault |= v - before | v;
                before = v;
            }
            if (fault < 0) {
                throw new CorruptBatchException("offsets that go down");
            }
            return from;
        }

        private long last(int offsets, int length) {
            return length == 0 ? 0 : Le.getInt(bytes, offsets + 4 * length);
        }

        void end() {
            if (node != rb.nodesLength() || buffer != at.length) {
                throw new CorruptBatchException(
                        "a batch of " + rb.nodesLength() + " nodes and " + at.length + " buffers where its columns have " + node + " and " + buffer);
            }
        }
    }
}
