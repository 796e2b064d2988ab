package org.flussgo.client.arrow;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.apache.arrow.compression.CommonsCompressionFactory;
import org.apache.arrow.flatbuf.Message;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.BitVector;
import org.apache.arrow.vector.DateDayVector;
import org.apache.arrow.vector.DecimalVector;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.FixedSizeBinaryVector;
import org.apache.arrow.vector.Float4Vector;
import org.apache.arrow.vector.Float8Vector;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.SmallIntVector;
import org.apache.arrow.vector.TimeMicroVector;
import org.apache.arrow.vector.TimeMilliVector;
import org.apache.arrow.vector.TimeNanoVector;
import org.apache.arrow.vector.TimeSecVector;
import org.apache.arrow.vector.TimeStampVector;
import org.apache.arrow.vector.TinyIntVector;
import org.apache.arrow.vector.VarBinaryVector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.VectorLoader;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.VectorUnloader;
import org.apache.arrow.vector.complex.ListVector;
import org.apache.arrow.vector.complex.StructVector;
import org.apache.arrow.vector.compression.CompressionCodec;
import org.apache.arrow.vector.compression.CompressionUtil;
import org.apache.arrow.vector.compression.NoCompressionCodec;
import org.apache.arrow.vector.ipc.WriteChannel;
import org.apache.arrow.vector.ipc.message.ArrowRecordBatch;
import org.apache.arrow.vector.ipc.message.MessageSerializer;
import org.apache.arrow.vector.types.DateUnit;
import org.apache.arrow.vector.types.FloatingPointPrecision;
import org.apache.arrow.vector.types.TimeUnit;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.FieldType;
import org.apache.arrow.vector.types.pojo.Schema;
import org.flussgo.proto.v1.DataType;
import org.flussgo.proto.v1.Field;
import org.flussgo.proto.v1.TypeKind;

/** arrow-java, as what our reader and writer are compared to. */
final class Oracle implements AutoCloseable {
    private static final int PREFIX = 8; // of a message in a stream: a marker, and the length of the metadata

    private final BufferAllocator allocator = new RootAllocator();

    /** A record batch message as Flight carries it. */
    record Payload(byte[] header, byte[] body) {}

    @Override
    public void close() {
        allocator.close(); // and finds what was not released
    }

    static Schema schema(List<Field> columns) {
        return new Schema(columns.stream().map(Oracle::field).toList());
    }

    /** The Schema message of columns. */
    static byte[] schemaMessage(Schema schema) {
        ByteBuffer b = MessageSerializer.serializeMetadata(schema);
        byte[] out = new byte[b.remaining()];
        b.get(out);
        return out;
    }

    static org.apache.arrow.vector.types.pojo.Field field(Field f) {
        DataType t = f.getType();
        List<org.apache.arrow.vector.types.pojo.Field> children = t.getFieldsList().stream().map(Oracle::field).toList();
        if (t.getKind() == TypeKind.TYPE_KIND_MAP) {
            children = List.of(new org.apache.arrow.vector.types.pojo.Field("entries", FieldType.notNullable(new ArrowType.Struct()), children));
        }
        Map<String, String> meta = f.getId() == 0 ? null : Map.of("PARQUET:field_id", String.valueOf(f.getId()));
        return new org.apache.arrow.vector.types.pojo.Field(f.getName(), new FieldType(t.getNullable(), arrow(t), null, meta), children);
    }

    private static ArrowType arrow(DataType t) {
        TimeUnit unit = t.getPrecision() == 0
                ? TimeUnit.SECOND
                : t.getPrecision() <= 3 ? TimeUnit.MILLISECOND : t.getPrecision() <= 6 ? TimeUnit.MICROSECOND : TimeUnit.NANOSECOND;
        return switch (t.getKind()) {
            case TYPE_KIND_BOOLEAN -> new ArrowType.Bool();
            case TYPE_KIND_TINYINT -> new ArrowType.Int(8, true);
            case TYPE_KIND_SMALLINT -> new ArrowType.Int(16, true);
            case TYPE_KIND_INT -> new ArrowType.Int(32, true);
            case TYPE_KIND_BIGINT -> new ArrowType.Int(64, true);
            case TYPE_KIND_FLOAT -> new ArrowType.FloatingPoint(FloatingPointPrecision.SINGLE);
            case TYPE_KIND_DOUBLE -> new ArrowType.FloatingPoint(FloatingPointPrecision.DOUBLE);
            case TYPE_KIND_CHAR, TYPE_KIND_STRING -> new ArrowType.Utf8();
            case TYPE_KIND_DECIMAL -> new ArrowType.Decimal(t.getPrecision(), t.getScale(), 128);
            case TYPE_KIND_DATE -> new ArrowType.Date(DateUnit.DAY);
            case TYPE_KIND_TIME -> new ArrowType.Time(unit, t.getPrecision() <= 3 ? 32 : 64);
            case TYPE_KIND_TIMESTAMP -> new ArrowType.Timestamp(unit, null);
            case TYPE_KIND_TIMESTAMP_LTZ -> new ArrowType.Timestamp(unit, "UTC");
            case TYPE_KIND_BINARY -> new ArrowType.FixedSizeBinary(t.getLength());
            case TYPE_KIND_BYTES -> new ArrowType.Binary();
            case TYPE_KIND_ARRAY -> new ArrowType.List();
            case TYPE_KIND_MAP -> new ArrowType.Map(false);
            default -> new ArrowType.Struct();
        };
    }

    /** The rows [from, to) of rows as arrow-java sends them. */
    Payload write(List<Field> columns, Codec codec, List<List<Object>> rows, int from, int to) throws IOException {
        try (VectorSchemaRoot root = VectorSchemaRoot.create(schema(columns), allocator)) {
            for (int k = 0; k < columns.size(); k++) {
                FieldVector v = root.getVector(k);
                v.setInitialCapacity(Math.max(1, rows.size()));
                v.allocateNew();
                for (int i = 0; i < rows.size(); i++) {
                    set(v, i, rows.get(i).get(k), columns.get(k).getType());
                }
                v.setValueCount(rows.size());
            }
            root.setRowCount(rows.size());
            if (columns.isEmpty() || from == 0 && to == rows.size()) {
                return payload(root, codec);
            }
            try (VectorSchemaRoot part = root.slice(from, to - from)) {
                return payload(part, codec);
            }
        }
    }

    private Payload payload(VectorSchemaRoot root, Codec codec) throws IOException {
        CompressionCodec c = switch (root.getFieldVectors().stream().allMatch(Oracle::compressible) ? codec : Codec.NONE) {
            case NONE -> NoCompressionCodec.INSTANCE;
            case LZ4_FRAME -> CommonsCompressionFactory.INSTANCE.createCodec(CompressionUtil.CodecType.LZ4_FRAME);
            case ZSTD -> CommonsCompressionFactory.INSTANCE.createCodec(CompressionUtil.CodecType.ZSTD);
        };
        try (ArrowRecordBatch batch = new VectorUnloader(root, true, c, true).getRecordBatch()) {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            MessageSerializer.serialize(new WriteChannel(Channels.newChannel(out)), batch);
            byte[] all = out.toByteArray();
            int header = ByteBuffer.wrap(all).order(ByteOrder.LITTLE_ENDIAN).getInt(4);
            return new Payload(Arrays.copyOfRange(all, PREFIX, PREFIX + header), Arrays.copyOfRange(all, PREFIX + header, all.length));
        }
    }

    /** Whether arrow-java can compress the vector: the offsets of a list without values have no memory, and it reads them all the same. */
    private static boolean compressible(FieldVector v) {
        for (ArrowBuf b : v.getFieldBuffers()) {
            if (b.readableBytes() > b.capacity()) {
                return false;
            }
        }
        return v.getChildrenFromFields().stream().allMatch(Oracle::compressible);
    }

    private static void set(FieldVector v, int i, Object o, DataType t) {
        if (o == null) {
            v.setNull(i);
            return;
        }
        switch (t.getKind()) {
            case TYPE_KIND_BOOLEAN -> ((BitVector) v).setSafe(i, (Boolean) o ? 1 : 0);
            case TYPE_KIND_TINYINT -> ((TinyIntVector) v).setSafe(i, (Byte) o);
            case TYPE_KIND_SMALLINT -> ((SmallIntVector) v).setSafe(i, (Short) o);
            case TYPE_KIND_INT -> ((IntVector) v).setSafe(i, (Integer) o);
            case TYPE_KIND_DATE -> ((DateDayVector) v).setSafe(i, (Integer) o);
            case TYPE_KIND_BIGINT -> ((BigIntVector) v).setSafe(i, (Long) o);
            case TYPE_KIND_FLOAT -> ((Float4Vector) v).setSafe(i, (Float) o);
            case TYPE_KIND_DOUBLE -> ((Float8Vector) v).setSafe(i, (Double) o);
            case TYPE_KIND_CHAR, TYPE_KIND_STRING -> ((VarCharVector) v).setSafe(i, ((String) o).getBytes(StandardCharsets.UTF_8));
            case TYPE_KIND_BYTES -> ((VarBinaryVector) v).setSafe(i, ((ByteBuffer) o).array());
            case TYPE_KIND_BINARY -> ((FixedSizeBinaryVector) v).setSafe(i, ((ByteBuffer) o).array());
            case TYPE_KIND_DECIMAL -> ((DecimalVector) v).setSafe(i, new BigDecimal((BigInteger) o, t.getScale()));
            case TYPE_KIND_TIME -> setTime(v, i, (Long) o);
            case TYPE_KIND_TIMESTAMP, TYPE_KIND_TIMESTAMP_LTZ -> ((TimeStampVector) v).setSafe(i, (Long) o);
            case TYPE_KIND_ROW -> {
                StructVector s = (StructVector) v;
                s.setIndexDefined(i);
                setFields(s, i, (List<?>) o, t);
            }
            default -> {
                ListVector list = (ListVector) v;
                List<?> elements = (List<?>) o;
                int at = list.startNewValue(i);
                for (Object e : elements) {
                    if (t.getKind() == TypeKind.TYPE_KIND_MAP) {
                        StructVector entries = (StructVector) list.getDataVector();
                        entries.setIndexDefined(at);
                        setFields(entries, at++, (List<?>) e, t);
                    } else {
                        set(list.getDataVector(), at++, e, t.getFields(0).getType());
                    }
                }
                list.endValue(i, elements.size());
            }
        }
    }

    private static void setFields(StructVector s, int i, List<?> values, DataType t) {
        for (int k = 0; k < t.getFieldsCount(); k++) {
            set((FieldVector) s.getChildByOrdinal(k), i, values.get(k), t.getFields(k).getType());
        }
    }

    private static void setTime(FieldVector v, int i, long time) {
        if (v instanceof TimeSecVector s) {
            s.setSafe(i, (int) time);
        } else if (v instanceof TimeMilliVector ms) {
            ms.setSafe(i, (int) time);
        } else if (v instanceof TimeMicroVector us) {
            us.setSafe(i, time);
        } else {
            ((TimeNanoVector) v).setSafe(i, time);
        }
    }

    /** The rows that arrow-java reads. */
    List<List<Object>> read(List<Field> columns, Payload p) throws IOException {
        try (VectorSchemaRoot root = VectorSchemaRoot.create(schema(columns), allocator);
                ArrowBuf body = allocator.buffer(Math.max(1, p.body.length))) {
            body.writeBytes(p.body);
            body.getReferenceManager().retain(); // the batch has one of its own
            try (ArrowRecordBatch batch =
                    MessageSerializer.deserializeRecordBatch(Message.getRootAsMessage(ByteBuffer.wrap(p.header)), body)) {
                new VectorLoader(root, CommonsCompressionFactory.INSTANCE).load(batch);
            }
            List<List<Object>> out = new ArrayList<>();
            for (int i = 0; i < root.getRowCount(); i++) {
                List<Object> row = new ArrayList<>();
                for (int k = 0; k < columns.size(); k++) {
                    row.add(get(root.getVector(k), i, columns.get(k).getType()));
                }
                out.add(row);
            }
            return out;
        }
    }

    private static Object get(FieldVector v, int i, DataType t) {
        if (v.isNull(i)) {
            return null;
        }
        return switch (t.getKind()) {
            case TYPE_KIND_BOOLEAN -> ((BitVector) v).get(i) == 1;
            case TYPE_KIND_TINYINT -> ((TinyIntVector) v).get(i);
            case TYPE_KIND_SMALLINT -> ((SmallIntVector) v).get(i);
            case TYPE_KIND_INT -> ((IntVector) v).get(i);
            case TYPE_KIND_DATE -> ((DateDayVector) v).get(i);
            case TYPE_KIND_BIGINT -> ((BigIntVector) v).get(i);
            case TYPE_KIND_FLOAT -> ((Float4Vector) v).get(i);
            case TYPE_KIND_DOUBLE -> ((Float8Vector) v).get(i);
            case TYPE_KIND_CHAR, TYPE_KIND_STRING -> new String(((VarCharVector) v).get(i), StandardCharsets.UTF_8);
            case TYPE_KIND_BYTES -> ByteBuffer.wrap(((VarBinaryVector) v).get(i));
            case TYPE_KIND_BINARY -> ByteBuffer.wrap(((FixedSizeBinaryVector) v).get(i));
            case TYPE_KIND_DECIMAL -> ((DecimalVector) v).getObject(i).unscaledValue();
            case TYPE_KIND_TIME -> getTime(v, i);
            case TYPE_KIND_TIMESTAMP, TYPE_KIND_TIMESTAMP_LTZ -> ((TimeStampVector) v).get(i);
            case TYPE_KIND_ROW -> getFields((StructVector) v, i, t);
            default -> {
                ListVector list = (ListVector) v;
                List<Object> out = new ArrayList<>();
                for (int e = list.getElementStartIndex(i); e < list.getElementEndIndex(i); e++) {
                    out.add(t.getKind() == TypeKind.TYPE_KIND_MAP
                            ? getFields((StructVector) list.getDataVector(), e, t)
                            : get(list.getDataVector(), e, t.getFields(0).getType()));
                }
                yield out;
            }
        };
    }

    private static List<Object> getFields(StructVector s, int i, DataType t) {
        List<Object> out = new ArrayList<>();
        for (int k = 0; k < t.getFieldsCount(); k++) {
            out.add(get((FieldVector) s.getChildByOrdinal(k), i, t.getFields(k).getType()));
        }
        return out;
    }

    private static long getTime(FieldVector v, int i) {
        if (v instanceof TimeSecVector s) {
            return s.get(i);
        }
        if (v instanceof TimeMilliVector ms) {
            return ms.get(i);
        }
        return v instanceof TimeMicroVector us ? us.get(i) : ((TimeNanoVector) v).get(i);
    }
}
