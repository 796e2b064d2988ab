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
import org.apache.arrow.flatbuf.MetadataVersion;
import org.apache.arrow.flatbuf.RecordBatch;
import org.flussgo.proto.v1.DataType;
import org.flussgo.proto.v1.Field;
import org.flussgo.proto.v1.TypeKind;

/**
 * Reads record batches of fixed columns. Bytes are not trusted: whatever is wrong with them is a {@link CorruptBatchException}, and what
 * was read without one can be asked for without another. Thread-safe.
 */
public final class BatchReader {
    private final Shape shape;
    private final Shape withChangeTypes;

    /**
     * A reader of batches of the columns, in their order.
     *
     * @throws IllegalArgumentException for a type that no column can have
     */
    public BatchReader(List<Field> fields) {
        for (Field f : fields) {
            Layout.check(f.getName(), f.getType());
        }
        shape = new Shape(fields);
        List<Field> with = new ArrayList<>(fields);
        with.add(BatchFormat.CHANGE_TYPE);
        withChangeTypes = new Shape(with);
    }

    /** Columns, and what batches of them have. */
    private static final class Shape {
        final List<Field> fields;
        final int nodes;
        /** The first buffer of each column, and behind them the number of buffers. */
        final int[] buffers;

        Shape(List<Field> of) {
            fields = Collections.unmodifiableList(new ArrayList<>(of));
            buffers = new int[of.size() + 1];
            int n = 0;
            for (int i = 0; i < of.size(); i++) {
                DataType t = of.get(i).getType();
                n += Layout.nodes(t);
                buffers[i + 1] = buffers[i] + Layout.buffers(t);
            }
            nodes = n;
        }
    }

    /**
     * Reads a batch as Arrow Flight carries it.
     *
     * @param header the RecordBatch message, FlightData.data_header
     * @param body the buffers, plain or compressed, which the vectors look into: it must not be changed any more
     * @throws CorruptBatchException for bytes that are no batch of the columns
     */
    public ArrowBatch read(byte[] header, byte[] body) {
        return read(shape, ByteBuffer.wrap(header), body, 0, body.length, null);
    }

    /**
     * Reads a batch as proto/batch/FORMAT.md lays it out, checksums verified. One with change types has their vector last: a TINYINT of 1
     * (+I), 2 (-U), 3 (+U) or 4 (-D).
     *
     * @param batch where the batch is, which must not be changed any more
     * @param offset where it starts
     * @param length the bytes from there on that may be read; those behind the batch are not looked at
     * @throws CorruptBatchException for bytes that are no batch of the columns, and for damaged ones
     */
    public ArrowBatch readBatch(byte[] batch, int offset, int length) {
        if (offset < 0 || length < BatchFormat.HEADER_BYTES || length > batch.length - offset) {
            throw new CorruptBatchException(length + " bytes at " + offset + " of " + batch.length + " are no batch");
        }
        if (Le.getInt(batch, offset) != BatchFormat.MAGIC || batch[offset + BatchFormat.VERSION] != 1) {
            throw new CorruptBatchException("the bytes are no batch of version 1");
        }
        if (crc(batch, offset + BatchFormat.HEAD_CRC, BatchFormat.HEADER_BYTES - BatchFormat.HEAD_CRC)
                != Le.getInt(batch, offset + BatchFormat.HEADER_CRC)) {
            throw new CorruptBatchException("the header of a batch does not match its checksum");
        }
        int total = Le.getInt(batch, offset + BatchFormat.TOTAL_BYTES);
        int meta = Le.getInt(batch, offset + BatchFormat.METADATA_BYTES);
        int table = Le.getInt(batch, offset + BatchFormat.COLUMN_TABLE_BYTES);
        int bodyBytes = Le.getInt(batch, offset + BatchFormat.BODY_BYTES);
        long head = BatchFormat.pad((long) BatchFormat.HEADER_BYTES + Math.max(0, meta) + Math.max(0, table));
        if (meta < 0 || table < 0 || bodyBytes < 0 || total > length || head + bodyBytes != total) {
            throw new CorruptBatchException("the sizes in the header of a batch do not add up to the bytes that are there");
        }
        int metaAt = offset + BatchFormat.HEADER_BYTES;
        int bodyAt = offset + (int) head;
        if (crc(batch, metaAt, bodyAt - metaAt) != Le.getInt(batch, offset + BatchFormat.HEAD_CRC)) {
            throw new CorruptBatchException("the head of a batch does not match its checksum");
        }
        Shape of = shape(batch[offset + BatchFormat.FLAGS]);
        if (table < BatchFormat.COLUMN_ENTRY_BYTES * of.fields.size()) {
            throw new CorruptBatchException("a batch tells of fewer columns than the " + of.fields.size() + " of its schema");
        }
        ByteBuffer header = ByteBuffer.wrap(batch, metaAt, meta).slice();
        ArrowBatch b = read(of, header, batch, bodyAt, bodyBytes, (column, from, to) -> {
            int want = Le.getInt(batch, metaAt + meta + BatchFormat.COLUMN_ENTRY_BYTES * column);
            if (crc(batch, bodyAt + from, to - from) != want) {
                throw new CorruptBatchException("column \"" + of.fields.get(column).getName() + "\" of a batch does not match its checksum");
            }
        });
        if (b.rows() != Le.getInt(batch, offset + BatchFormat.ROW_COUNT)) {
            throw new CorruptBatchException("a batch has another number of rows in its header than in its metadata");
        }
        return b;
    }

    private Shape shape(byte flags) {
        if ((flags & ~BatchFormat.FLAG_CHANGE_TYPES) != 0) {
            throw new CorruptBatchException("a batch has flags that this client does not know: " + (flags & 0xff));
        }
        return flags == 0 ? shape : withChangeTypes;
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

    private static ArrowBatch read(Shape of, ByteBuffer header, byte[] body, int bodyAt, int bodyBytes, RangeCheck check) {
        try {
            Message m = Message.getRootAsMessage(header.order(ByteOrder.LITTLE_ENDIAN));
            if (m.headerType() != MessageHeader.RecordBatch) {
                throw new CorruptBatchException("an Arrow message has the type " + m.headerType() + " where a record batch was to come");
            }
            if (m.version() != MetadataVersion.V5) {
                throw new CorruptBatchException("a record batch has metadata version V" + (m.version() + 1) + ", only V5 is read");
            }
            RecordBatch rb = (RecordBatch) m.header(new RecordBatch());
            if (rb.length() < 0 || rb.length() > Integer.MAX_VALUE) {
                throw new CorruptBatchException("a batch says that it has " + rb.length() + " rows");
            }
            int n = of.fields.size();
            if (rb.nodesLength() != of.nodes || rb.buffersLength() != of.buffers[n]) {
                throw new CorruptBatchException("a batch has " + rb.nodesLength() + " nodes and " + rb.buffersLength()
                        + " buffers, its columns have " + of.nodes + " and " + of.buffers[n]);
            }
            Cursor c = new Cursor(rb, body, bodyAt, bodyBytes);
            if (check != null) {
                c.ranges(of, check);
            }
            c.decompress(codec(rb.compression()));
            Vector[] columns = new Vector[n];
            for (int i = 0; i < n; i++) {
                columns[i] = c.vector(of.fields.get(i).getType(), (int) rb.length());
            }
            return new ArrowBatch((int) rb.length(), columns, of.fields);
        } catch (IndexOutOfBoundsException | IllegalArgumentException | NullPointerException | AssertionError e) {
            throw new CorruptBatchException("the bytes are no record batch", e); // a flatbuffer that points outside of itself
        }
    }

    private static Codec codec(BodyCompression c) {
        if (c == null) {
            return Codec.NONE;
        }
        if (c.method() != BodyCompressionMethod.BUFFER) {
            throw new CorruptBatchException("a batch is compressed by the unknown method " + c.method());
        }
        if (c.codec() == CompressionType.LZ4_FRAME) {
            return Codec.LZ4_FRAME;
        }
        if (c.codec() == CompressionType.ZSTD) {
            return Codec.ZSTD;
        }
        throw new CorruptBatchException("a batch is compressed with the unknown codec " + c.codec());
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
                    throw new CorruptBatchException("a buffer of " + length + " bytes at " + from + " is not within the body of " + bodyBytes);
                }
                at[i] = bodyAt + (int) from;
                size[i] = (int) length;
            }
            this.bodyAt = bodyAt;
            this.bodyEnd = bodyAt + bodyBytes;
        }

        /** Hands the range of each column to the check: from its first buffer to that of the next column, or to the end. */
        void ranges(Shape of, RangeCheck check) {
            int n = of.fields.size();
            for (int i = 0; i < n; i++) {
                int from = at[of.buffers[i]];
                int to = i + 1 < n ? at[of.buffers[i + 1]] : bodyEnd;
                if (to < from) {
                    throw new CorruptBatchException("the columns of a batch are out of order");
                }
                check.check(i, from - bodyAt, to - bodyAt);
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
                throw new CorruptBatchException("a column has " + nodeLength + " values, " + nulls + " of them null, where " + length + " were to come");
            }
            int validity = validity(length, (int) nulls);
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
                    throw new CorruptBatchException("a map has " + entries + " entries where its offsets tell of " + n);
                }
                validity((int) entries, 0);
                children = new Vector[] {vector(t.getFields(0).getType(), (int) entries), vector(t.getFields(1).getType(), (int) entries)};
            } else {
                long elements = rb.nodes(node).length();
                if (elements < n || elements > Integer.MAX_VALUE) {
                    throw new CorruptBatchException("an array has " + elements + " elements where its offsets tell of " + n);
                }
                children = new Vector[] {vector(t.getFields(0).getType(), (int) elements)};
            }
            return of(t, length, nulls, validity, offsets, -1, 0, children);
        }

        private Vector of(DataType t, int length, long nulls, int validity, int offsets, int values, int width, Vector[] children) {
            return new Vector(t, length, (int) nulls, bytes, validity, offsets, values, width, children);
        }

        /** The position of a validity bitmap, which must tell of so many nulls; -1 when there are none. */
        private int validity(int length, int nulls) {
            if (nulls == 0) {
                buffer++;
                return -1;
            }
            int from = take((length + 7L) / 8);
            int set = 0;
            int end = from + (length >> 6 << 3);
            int i = from;
            for (; i < end; i += 8) {
                set += Long.bitCount(Le.getLong(bytes, i));
            }
            for (int left = length & 63; left > 0; left -= 8) {
                set += Integer.bitCount(bytes[i++] & (left < 8 ? (1 << left) - 1 : 0xff));
            }
            if (set != length - nulls) {
                throw new CorruptBatchException("a column says that " + nulls + " of its values are null, its bitmap says " + (length - set));
            }
            return from;
        }

        /** The position of the next buffer, which must have so many bytes at least. */
        private int take(long needed) {
            int i = buffer++;
            if (size[i] < needed) {
                throw new CorruptBatchException("a buffer has " + size[i] + " bytes where " + needed + " are needed");
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
                throw new CorruptBatchException("offsets are negative or go down");
            }
            return from;
        }

        private long last(int offsets, int length) {
            return length == 0 ? 0 : Le.getInt(bytes, offsets + 4 * length);
        }
    }
}
