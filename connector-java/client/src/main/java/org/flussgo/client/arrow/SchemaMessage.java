package org.flussgo.client.arrow;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.arrow.flatbuf.DateUnit;
import org.apache.arrow.flatbuf.Decimal;
import org.apache.arrow.flatbuf.Endianness;
import org.apache.arrow.flatbuf.FixedSizeBinary;
import org.apache.arrow.flatbuf.FloatingPoint;
import org.apache.arrow.flatbuf.Int;
import org.apache.arrow.flatbuf.KeyValue;
import org.apache.arrow.flatbuf.Message;
import org.apache.arrow.flatbuf.MessageHeader;
import org.apache.arrow.flatbuf.MetadataVersion;
import org.apache.arrow.flatbuf.Precision;
import org.apache.arrow.flatbuf.Schema;
import org.apache.arrow.flatbuf.Time;
import org.apache.arrow.flatbuf.TimeUnit;
import org.apache.arrow.flatbuf.Timestamp;
import org.apache.arrow.flatbuf.Type;
import org.flussgo.proto.v1.DataType;
import org.flussgo.proto.v1.Field;
import org.flussgo.proto.v1.TypeKind;

/** Reads an Arrow schema as columns, the inverse of the mapping in proto/schema (FromArrow there). */
public final class SchemaMessage {
    private static final ByteBuffer FIELD_ID = ByteBuffer.wrap("PARQUET:field_id".getBytes(StandardCharsets.UTF_8));
    private static final int MAX_DEPTH = 32; // that of proto/schema
    /** The least that a field, or an entry of its metadata, takes in the flatbuffer: where it is, where its vtable is, two offsets. */
    private static final int MIN_TABLE_BYTES = 16;
    private static final int MILLI_DIGITS = 3;
    private static final int MICRO_DIGITS = 6;
    private static final int NANO_DIGITS = 9;

    // What may still come. Parts of a flatbuffer may be the same bytes, so that a short one could tell of more than memory can hold.
    private int tablesLeft; // fields, and entries of their metadata
    private int textLeft; // bytes of names and ids

    private SchemaMessage(int messageBytes) {
        tablesLeft = messageBytes / MIN_TABLE_BYTES;
        textLeft = messageBytes;
    }

    /**
     * The columns that a Schema message tells, with their field ids, 0 where it has none. Nothing of an Arrow schema is kept that columns
     * have not: a time has the largest precision of its unit, a text is a STRING, any time zone makes a TIMESTAMP_LTZ.
     *
     * @param message the flatbuffer of the message, as in FlightData.data_header
     * @throws CorruptBatchException for bytes that are none, and for types that no column of a table has
     */
    public static List<Field> parse(byte[] message) {
        try {
            Message m = Message.getRootAsMessage(ByteBuffer.wrap(message).order(ByteOrder.LITTLE_ENDIAN));
            if (m.headerType() != MessageHeader.Schema) {
                throw new CorruptBatchException("an Arrow message has the type " + m.headerType() + " where a schema was to come");
            }
            if (m.version() != MetadataVersion.V5) {
                throw new CorruptBatchException("an Arrow schema has metadata version V" + (m.version() + 1) + ", only V5 is read");
            }
            Schema s = (Schema) m.header(new Schema());
            if (s.endianness() != Endianness.Little) {
                throw new CorruptBatchException("an Arrow schema is big-endian, which is not read");
            }
            SchemaMessage p = new SchemaMessage(message.length);
            List<Field> out = new ArrayList<>();
            for (int i = 0; i < s.fieldsLength(); i++) {
                out.add(p.field(s.fields(i), 1));
            }
            return out;
        } catch (IndexOutOfBoundsException | IllegalArgumentException | NullPointerException | AssertionError e) {
            throw new CorruptBatchException("the bytes are no Arrow schema", e);
        }
    }

    private Field field(org.apache.arrow.flatbuf.Field f, int depth) {
        if (depth > MAX_DEPTH) {
            throw new CorruptBatchException("a column is nested more than " + MAX_DEPTH + " types deep");
        }
        takeTable();
        if (f.dictionary() != null) {
            throw unsupported(f, "dictionary-encoded");
        }
        DataType.Builder t = type(f).setNullable(f.nullable());
        if (f.typeType() == Type.Map) {
            org.apache.arrow.flatbuf.Field entries = children(f, 1).children(0);
            children(entries, 2);
            Field key = field(entries.children(0), depth + 1);
            t.addFields(key.toBuilder().setName("key").setType(key.getType().toBuilder().setNullable(false)));
            t.addFields(field(entries.children(1), depth + 1).toBuilder().setName("value"));
        } else if (f.typeType() == Type.List) {
            t.addFields(field(children(f, 1).children(0), depth + 1).toBuilder().setName("element"));
        } else if (f.typeType() == Type.Struct_) {
            for (int i = 0; i < f.childrenLength(); i++) {
                t.addFields(field(f.children(i), depth + 1));
            }
        }
        DataType type = t.build();
        String fault = Layout.fault(type);
        if (fault != null) {
            throw new CorruptBatchException("column \"" + f.name() + "\" " + fault);
        }
        takeText(f.nameAsByteBuffer());
        String name = f.name();
        return Field.newBuilder().setId(id(f)).setName(name == null ? "" : name).setType(type).build();
    }

    private void takeTable() {
        if (--tablesLeft < 0) {
            throw new CorruptBatchException("an Arrow schema has more fields and metadata than its bytes can hold");
        }
    }

    private void takeText(ByteBuffer text) {
        textLeft -= text == null ? 0 : text.remaining();
        if (textLeft < 0) {
            throw new CorruptBatchException("an Arrow schema has longer names and metadata than its bytes can hold");
        }
    }

    /** The field itself, which must have so many children. */
    private static org.apache.arrow.flatbuf.Field children(org.apache.arrow.flatbuf.Field f, int n) {
        if (f.childrenLength() != n) {
            throw new CorruptBatchException("field \"" + f.name() + "\" of an Arrow schema has " + f.childrenLength() + " children, it must have " + n);
        }
        return f;
    }

    /** The field id in the metadata of a field; 0 when there is none, or what is there is no id. */
    private int id(org.apache.arrow.flatbuf.Field f) {
        for (int i = 0; i < f.customMetadataLength(); i++) {
            takeTable();
            KeyValue kv = f.customMetadata(i);
            if (FIELD_ID.equals(kv.keyAsByteBuffer())) {
                takeText(kv.valueAsByteBuffer());
                return id(kv.value());
            }
        }
        return 0;
    }

    private static int id(String text) {
        try {
            return Math.max(0, Integer.parseInt(text));
        } catch (NumberFormatException e) {
            return 0;
        }
    }

    private static DataType.Builder type(org.apache.arrow.flatbuf.Field f) {
        switch (f.typeType()) {
            case Type.Bool:
                return of(TypeKind.TYPE_KIND_BOOLEAN);
            case Type.Int:
                return integer(f, (Int) f.type(new Int()));
            case Type.FloatingPoint:
                short precision = ((FloatingPoint) f.type(new FloatingPoint())).precision();
                if (precision == Precision.HALF) {
                    throw unsupported(f, "a 16-bit float");
                }
                return of(precision == Precision.SINGLE ? TypeKind.TYPE_KIND_FLOAT : TypeKind.TYPE_KIND_DOUBLE);
            case Type.Utf8:
                return of(TypeKind.TYPE_KIND_STRING);
            case Type.Binary:
                return of(TypeKind.TYPE_KIND_BYTES);
            case Type.FixedSizeBinary:
                return of(TypeKind.TYPE_KIND_BINARY).setLength(((FixedSizeBinary) f.type(new FixedSizeBinary())).byteWidth());
            case Type.Decimal:
                Decimal d = (Decimal) f.type(new Decimal());
                if (d.bitWidth() != 8 * Layout.DECIMAL_BYTES) {
                    throw unsupported(f, "a decimal of " + d.bitWidth() + " bits");
                }
                return of(TypeKind.TYPE_KIND_DECIMAL).setPrecision(d.precision()).setScale(d.scale());
            case Type.Date:
                if (((org.apache.arrow.flatbuf.Date) f.type(new org.apache.arrow.flatbuf.Date())).unit() != DateUnit.DAY) {
                    throw unsupported(f, "a date in milliseconds");
                }
                return of(TypeKind.TYPE_KIND_DATE);
            case Type.Time:
                return time(f, (Time) f.type(new Time()));
            case Type.Timestamp:
                Timestamp at = (Timestamp) f.type(new Timestamp());
                ByteBuffer zone = at.timezoneAsByteBuffer();
                boolean zoned = zone != null && zone.hasRemaining();
                return of(zoned ? TypeKind.TYPE_KIND_TIMESTAMP_LTZ : TypeKind.TYPE_KIND_TIMESTAMP).setPrecision(digits(at.unit()));
            case Type.List:
                return of(TypeKind.TYPE_KIND_ARRAY);
            case Type.Map:
                return of(TypeKind.TYPE_KIND_MAP);
            case Type.Struct_:
                return of(TypeKind.TYPE_KIND_ROW);
            default:
                throw unsupported(f, "of the Arrow type " + f.typeType());
        }
    }

    private static DataType.Builder time(org.apache.arrow.flatbuf.Field f, Time t) {
        DataType.Builder b = of(TypeKind.TYPE_KIND_TIME).setPrecision(digits(t.unit()));
        if (t.bitWidth() != 8 * Layout.width(b.build())) {
            throw unsupported(f, "a time of " + t.bitWidth() + " bits");
        }
        return b;
    }

    private static DataType.Builder integer(org.apache.arrow.flatbuf.Field f, Int t) {
        if (!t.isSigned()) {
            throw unsupported(f, "an unsigned integer");
        }
        switch (t.bitWidth()) {
            case 8:
                return of(TypeKind.TYPE_KIND_TINYINT);
            case 16:
                return of(TypeKind.TYPE_KIND_SMALLINT);
            case 32:
                return of(TypeKind.TYPE_KIND_INT);
            case 64:
                return of(TypeKind.TYPE_KIND_BIGINT);
            default:
                throw unsupported(f, "an integer of " + t.bitWidth() + " bits");
        }
    }

    private static int digits(short unit) {
        switch (unit) {
            case TimeUnit.SECOND:
                return 0;
            case TimeUnit.MILLISECOND:
                return MILLI_DIGITS;
            case TimeUnit.MICROSECOND:
                return MICRO_DIGITS;
            default:
                return NANO_DIGITS;
        }
    }

    private static DataType.Builder of(TypeKind kind) {
        return DataType.newBuilder().setKind(kind);
    }

    private static CorruptBatchException unsupported(org.apache.arrow.flatbuf.Field f, String what) {
        return new CorruptBatchException("column \"" + f.name() + "\" is " + what + ", which no column of a table is");
    }
}
