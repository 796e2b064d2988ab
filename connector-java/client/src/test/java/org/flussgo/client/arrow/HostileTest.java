package org.flussgo.client.arrow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.flatbuffers.FlatBufferBuilder;
import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.zip.CRC32C;
import org.apache.arrow.flatbuf.KeyValue;
import org.apache.arrow.flatbuf.Message;
import org.apache.arrow.flatbuf.MessageHeader;
import org.apache.arrow.flatbuf.MetadataVersion;
import org.apache.arrow.flatbuf.Schema;
import org.apache.arrow.flatbuf.Type;
import org.apache.arrow.flatbuf.Utf8;
import org.flussgo.client.TypeText;
import org.flussgo.proto.v1.Field;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Bytes that nobody should send: only CorruptBatchException comes of them, or a batch whose values can all be read. */
class HostileTest {
    private static final int ROUNDS = Trees.rounds(40);
    private static final int MUTATIONS = 150;
    /** What reading may take besides the buffers that it decompresses, in bytes: the tables of a decompressor, vectors, an exception. */
    private static final long MAX_OVERHEAD = 4 << 20;
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final int[] WORDS = {-1, 0, 1, 2, 4, 8, Integer.MAX_VALUE, Integer.MIN_VALUE, 0x7ffffff8, 1 << 30, 0xffff};

    @ParameterizedTest
    @EnumSource(Codec.class)
    void mutatedPayloads(Codec codec) throws Exception {
        long seed = Trees.seed();
        int refused = 0;
        for (long s = seed; s < seed + ROUNDS; s++) {
            Trees t = new Trees(s);
            List<Field> columns = t.columns();
            byte[] batch = Trees.encode(columns, codec, t.rows(columns, new Random(s).nextInt(40)));
            Oracle.Payload p = DifferentialTest.payload(batch);
            BatchReader reader = new BatchReader(columns);
            for (int m = 0; m < MUTATIONS; m++) {
                Random r = new Random(s * MUTATIONS + m);
                boolean inBody = p.body().length > 0 && r.nextBoolean();
                byte[] header = inBody ? p.header() : mutated(p.header(), r);
                byte[] body = inBody ? mutated(p.body(), r) : p.body();
                refused += refused(() -> reader.read(header, body), "seed " + s + ", mutation " + m);
            }
        }
        assertThat(refused).isBetween(1, ROUNDS * MUTATIONS - 1);
    }

    /** Checksums are of no help against who can compute them. */
    @ParameterizedTest
    @EnumSource(Codec.class)
    void mutatedBatchesWithRightChecksums(Codec codec) {
        long seed = Trees.seed();
        int refused = 0;
        for (long s = seed; s < seed + ROUNDS; s++) {
            Trees t = new Trees(s);
            List<Field> columns = t.columns();
            byte[] batch = Trees.encode(columns, codec, t.rows(columns, new Random(s).nextInt(40)));
            BatchReader reader = new BatchReader(columns);
            for (int m = 0; m < MUTATIONS; m++) {
                byte[] bad = mutated(batch, new Random(s * MUTATIONS + m));
                sum(bad, columns);
                refused += refused(() -> reader.readBatch(bad, 0, bad.length), "seed " + s + ", mutation " + m);
            }
        }
        assertThat(refused).isBetween(1, ROUNDS * MUTATIONS - 1);
    }

    /** Frames with entropy coding in them, which small buffers have not. */
    @ParameterizedTest
    @EnumSource(value = Codec.class, mode = EnumSource.Mode.EXCLUDE, names = "NONE")
    void mutatedFrames(Codec codec) {
        long seed = Trees.seed();
        Compression.Packer packer = new Compression.Packer(codec);
        int refused = 0;
        for (long s = seed; s < seed + ROUNDS; s++) {
            byte[] plain = skewed(new Random(s));
            byte[] good = packer.pack(plain, plain.length);
            for (int m = 0; m < MUTATIONS; m++) {
                byte[] bad = mutated(good, new Random(s * MUTATIONS + m));
                int[] at = {0};
                int[] size = {bad.length};
                try {
                    Compression.decompress(codec, bad, at, size);
                } catch (CorruptBatchException e) {
                    refused++;
                } catch (Throwable e) {
                    throw new AssertionError("seed " + s + ", mutation " + m, e);
                }
            }
        }
        assertThat(refused).isPositive();
    }

    private static byte[] skewed(Random r) {
        byte[] b = new byte[64 + r.nextInt(5000)];
        int common = 1 + r.nextInt(40);
        for (int i = 0; i < b.length; i++) {
            b[i] = r.nextInt(12) == 0 && i > 80 ? b[i - 1 - r.nextInt(80)] : (byte) Math.abs(r.nextGaussian() * common);
        }
        return b;
    }

    @Test
    void mutatedSchemas() {
        long seed = Trees.seed();
        int refused = 0;
        for (long s = seed; s < seed + ROUNDS; s++) {
            byte[] schema = Oracle.schemaMessage(Oracle.schema(new Trees(s).columns()));
            for (int m = 0; m < MUTATIONS; m++) {
                byte[] bad = mutated(schema, new Random(s * MUTATIONS + m));
                try {
                    SchemaMessage.parse(bad).forEach(f -> Layout.check(f.getName(), f.getType()));
                } catch (CorruptBatchException e) {
                    refused++;
                } catch (Throwable e) {
                    throw new AssertionError("seed " + s + ", mutation " + m, e);
                }
            }
        }
        assertThat(refused).isBetween(1, ROUNDS * MUTATIONS - 1);
    }

    @Test
    void fieldsThatAreTheSameBytes() {
        String deep = "a " + "ROW<x ".repeat(25) + "ROW<x INT, y INT>" + ", y INT>".repeat(25);
        byte[] schema = Oracle.schemaMessage(Oracle.schema(TypeText.columns(deep)));
        assertThat(SchemaMessage.parse(schema)).hasSize(1);
        // Each vector of two fields is made to name the first one twice: twice as many fields with each level.
        int changed = 0;
        for (int i = 0; i + 12 <= schema.length; i += 4) {
            int first = i + 4 + Le.getInt(schema, i + 4);
            int second = i + 8 + Le.getInt(schema, i + 8);
            if (Le.getInt(schema, i) == 2 && isField(schema, first) && isField(schema, second)) {
                for (int at : new int[] {4, 8}) {
                    Le.putInt(schema, i + at, Math.max(first, second) - i - at);
                }
                changed++;
            }
        }
        assertThat(changed).isGreaterThan(20);
        assertThatThrownBy(() -> SchemaMessage.parse(schema))
                .isInstanceOf(CorruptBatchException.class).hasMessageContaining("more fields and metadata than its bytes can hold");
    }

    /** A short message of many fields with one long name, which would be gigabytes of names. */
    @Test
    void namesThatAreTheSameBytes() {
        for (boolean oneField : new boolean[] {true, false}) {
            FlatBufferBuilder b = new FlatBufferBuilder();
            int name = b.createString("n".repeat(100_000));
            int[] fields = new int[1000];
            for (int i = 0; i < fields.length; i++) {
                fields[i] = oneField && i > 0 ? fields[0] : field(b, name, 0);
            }
            assertRefused(schema(b, fields), "longer names and metadata");
        }
    }

    /** The same with metadata: ids of a hundred thousand digits, and as many entries for each field. */
    @Test
    void metadataThatIsTheSameBytes() {
        FlatBufferBuilder b = new FlatBufferBuilder();
        int key = b.createString("PARQUET:field_id");
        int entry = KeyValue.createKeyValue(b, key, b.createString("1".repeat(100_000)));
        int metadata = org.apache.arrow.flatbuf.Field.createCustomMetadataVector(b, new int[] {entry});
        int[] fields = new int[1000];
        for (int i = 0; i < fields.length; i++) {
            fields[i] = field(b, b.createString("n"), metadata);
        }
        assertRefused(schema(b, fields), "longer names and metadata");
        b = new FlatBufferBuilder();
        key = b.createString("k".repeat(16));
        int[] entries = new int[100_000];
        Arrays.fill(entries, KeyValue.createKeyValue(b, key, key));
        metadata = org.apache.arrow.flatbuf.Field.createCustomMetadataVector(b, entries);
        for (int i = 0; i < fields.length; i++) {
            fields[i] = field(b, b.createString("n"), metadata);
        }
        assertRefused(schema(b, fields), "more fields and metadata");
    }

    private static int field(FlatBufferBuilder b, int name, int metadata) {
        Utf8.startUtf8(b);
        int type = Utf8.endUtf8(b);
        org.apache.arrow.flatbuf.Field.startField(b);
        org.apache.arrow.flatbuf.Field.addName(b, name);
        org.apache.arrow.flatbuf.Field.addTypeType(b, Type.Utf8);
        org.apache.arrow.flatbuf.Field.addType(b, type);
        if (metadata != 0) {
            org.apache.arrow.flatbuf.Field.addCustomMetadata(b, metadata);
        }
        return org.apache.arrow.flatbuf.Field.endField(b);
    }

    private static byte[] schema(FlatBufferBuilder b, int[] fields) {
        int vector = Schema.createFieldsVector(b, fields);
        Schema.startSchema(b);
        Schema.addFields(b, vector);
        int schema = Schema.endSchema(b);
        b.finish(Message.createMessage(b, MetadataVersion.V5, MessageHeader.Schema, schema, 0, 0));
        return b.sizedByteArray();
    }

    private static void assertRefused(byte[] schema, String message) {
        long before = THREADS.getCurrentThreadAllocatedBytes();
        assertThatThrownBy(() -> SchemaMessage.parse(schema)).isInstanceOf(CorruptBatchException.class).hasMessageContaining(message);
        assertThat(THREADS.getCurrentThreadAllocatedBytes() - before).isLessThan(MAX_OVERHEAD + 64L * schema.length);
    }

    private static boolean isField(byte[] b, int at) {
        return at > 0 && at < b.length - 4 && at - Le.getInt(b, at) > 0 && at - Le.getInt(b, at) < b.length - 4;
    }

    @Test
    void muchMemoryIsNotTakenOnTrust() {
        List<Field> columns = TypeText.columns("s BYTES NOT NULL");
        byte[] zeros = new byte[1000];
        for (Codec codec : new Codec[] {Codec.LZ4_FRAME, Codec.ZSTD}) {
            for (long claim : new long[] {Long.MAX_VALUE, Integer.MAX_VALUE, 1L << 30, Compression.MAX_PLAIN_BYTES + 8, -2, Long.MIN_VALUE}) {
                Oracle.Payload p = DifferentialTest.payload(Trees.encode(columns, codec, List.of(List.of(java.nio.ByteBuffer.wrap(zeros)))));
                int data = (int) Le.getLong(p.header(), 96 + 16 + 8 + 2 * 16);
                assertThat(Le.getLong(p.body(), data)).isEqualTo(1000);
                Le.putLong(p.body(), data, claim);
                assertThatThrownBy(() -> new BatchReader(columns).read(p.header(), p.body()))
                        .isInstanceOf(CorruptBatchException.class).hasMessageContaining("when decompressed");
            }
        }
    }

    @Test
    void manyNodesAndBuffers() {
        List<Field> columns = TypeText.columns("s INT");
        Oracle.Payload p = DifferentialTest.payload(Trees.encode(columns, Codec.NONE, List.of(List.of(1))));
        for (int at : new int[] {92, 92 + 4 + 16 + 4}) {
            for (int n : new int[] {Integer.MAX_VALUE, -1, 0, 3}) {
                byte[] header = p.header().clone();
                Le.putInt(header, at, n);
                assertThatThrownBy(() -> new BatchReader(columns).read(header, p.body())).isInstanceOf(CorruptBatchException.class);
            }
        }
    }

    @Test
    void cutShort() {
        long seed = Trees.seed();
        Trees t = new Trees(seed);
        List<Field> columns = t.columns();
        byte[] batch = Trees.encode(columns, Codec.NONE, t.rows(columns, 9));
        BatchReader reader = new BatchReader(columns);
        Oracle.Payload p = DifferentialTest.payload(batch);
        for (int n = 0; n < batch.length; n++) {
            int length = n;
            assertThat(refused(() -> reader.readBatch(Arrays.copyOf(batch, length), 0, length), "cut to " + n)).isOne();
            assertThat(refused(() -> reader.readBatch(batch, 0, length), "length " + n)).isOne();
        }
        for (int n = 0; n < p.header().length; n++) {
            int length = n;
            refused(() -> reader.read(Arrays.copyOf(p.header(), length), p.body()), "header cut to " + n);
        }
        assertThat(refused(() -> reader.readBatch(batch, -1, batch.length), "offset")).isOne();
        assertThat(refused(() -> reader.readBatch(batch, 1, batch.length), "offset")).isOne();
        assertThat(refused(() -> reader.readBatch(batch, Integer.MAX_VALUE, 128), "offset")).isOne();
        assertThat(refused(() -> reader.readBatch(batch, 0, -1), "length")).isOne();
    }

    /** 1 if the batch was refused; if not, all that it holds is read. */
    private static int refused(Callable<ArrowBatch> read, String what) {
        long before = THREADS.getCurrentThreadAllocatedBytes();
        try {
            ArrowBatch b = read.call();
            assertAllocated(before, what);
            if (b.columns() > 0) {
                Trees.of(b);
            }
            return 0;
        } catch (CorruptBatchException e) {
            assertAllocated(before, what);
            assertThat(e.getMessage()).isNotEmpty();
            return 1;
        } catch (Throwable e) {
            throw new AssertionError(what, e);
        }
    }

    private static void assertAllocated(long before, String what) {
        long bytes = THREADS.getCurrentThreadAllocatedBytes() - before;
        assertThat(bytes).as(what).isLessThan(Compression.MAX_PLAIN_BYTES + MAX_OVERHEAD);
    }

    private static byte[] mutated(byte[] good, Random r) {
        byte[] b = good.clone();
        for (int n = 1 + r.nextInt(3); n > 0; n--) {
            int at = r.nextInt(b.length);
            switch (r.nextInt(4)) {
                case 0 -> b[at] ^= (byte) (1 << r.nextInt(8));
                case 1 -> b[at] = (byte) r.nextInt();
                case 2 -> Le.putInt(b, Math.min(at & ~3, b.length - 4), WORDS[r.nextInt(WORDS.length)]);
                default -> {
                    if (r.nextInt(20) == 0) {
                        b = Arrays.copyOf(b, Math.max(8, r.nextInt(b.length)));
                    } else {
                        int from = r.nextInt(b.length);
                        System.arraycopy(b, from, b, at, Math.min(r.nextInt(16), b.length - Math.max(from, at)));
                    }
                }
            }
        }
        return b;
    }

    /** Makes the checksums of a batch right again, as far as its sizes let find what they are of. */
    private static void sum(byte[] b, List<Field> columns) {
        if (b.length < BatchFormat.HEADER_BYTES) {
            return;
        }
        long meta = Le.getInt(b, BatchFormat.METADATA_BYTES);
        long table = Le.getInt(b, BatchFormat.COLUMN_TABLE_BYTES);
        long body = Le.getInt(b, BatchFormat.BODY_BYTES);
        long head = BatchFormat.pad(BatchFormat.HEADER_BYTES + meta + table);
        if (meta >= 0 && table >= 0 && body >= 0 && head + body == b.length) {
            try {
                columnSums(b, columns, BatchFormat.HEADER_BYTES + (int) meta, (int) head);
            } catch (IndexOutOfBoundsException | IllegalArgumentException e) {
                // the numbers that were changed lead out of the batch
            }
            Le.putInt(b, BatchFormat.HEAD_CRC, crc(b, BatchFormat.HEADER_BYTES, (int) head));
        }
        Le.putInt(b, BatchFormat.HEADER_CRC, crc(b, BatchFormat.HEAD_CRC, BatchFormat.HEADER_BYTES));
    }

    private static void columnSums(byte[] b, List<Field> columns, int table, int head) {
        int nodes = Le.getInt(b, BatchFormat.HEADER_BYTES + 92);
        int buffer = BatchFormat.HEADER_BYTES + 96 + 16 * nodes + 8;
        for (int i = 0; i < columns.size(); i++) {
            int from = Le.getInt(b, buffer);
            buffer += 16 * Layout.buffers(columns.get(i).getType());
            int to = i + 1 < columns.size() ? Le.getInt(b, buffer) : b.length - head;
            Le.putInt(b, table + BatchFormat.COLUMN_ENTRY_BYTES * i, crc(b, head + from, head + to));
        }
    }

    private static int crc(byte[] b, int from, int to) {
        CRC32C c = new CRC32C();
        c.update(b, from, to - from);
        return (int) c.getValue();
    }
}
