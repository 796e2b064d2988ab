package org.flussgo.flink.row;

import java.math.BigDecimal;
import org.apache.flink.table.data.ArrayData;
import org.apache.flink.table.data.DecimalData;
import org.apache.flink.table.data.MapData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.data.columnar.ColumnarArrayData;
import org.apache.flink.table.data.columnar.ColumnarMapData;
import org.apache.flink.table.data.columnar.ColumnarRowData;
import org.apache.flink.table.data.columnar.vector.ArrayColumnVector;
import org.apache.flink.table.data.columnar.vector.BooleanColumnVector;
import org.apache.flink.table.data.columnar.vector.ByteColumnVector;
import org.apache.flink.table.data.columnar.vector.BytesColumnVector;
import org.apache.flink.table.data.columnar.vector.ColumnVector;
import org.apache.flink.table.data.columnar.vector.DecimalColumnVector;
import org.apache.flink.table.data.columnar.vector.DoubleColumnVector;
import org.apache.flink.table.data.columnar.vector.FloatColumnVector;
import org.apache.flink.table.data.columnar.vector.IntColumnVector;
import org.apache.flink.table.data.columnar.vector.LongColumnVector;
import org.apache.flink.table.data.columnar.vector.MapColumnVector;
import org.apache.flink.table.data.columnar.vector.RowColumnVector;
import org.apache.flink.table.data.columnar.vector.ShortColumnVector;
import org.apache.flink.table.data.columnar.vector.TimestampColumnVector;
import org.apache.flink.table.data.columnar.vector.VectorizedColumnBatch;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.LogicalTypeRoot;
import org.flussgo.client.Types;
import org.flussgo.client.arrow.Vector;
import org.flussgo.proto.v1.TypeKind;

/**
 * Vectors of the client as Flink's column vectors, so that rows are Flink's own {@link ColumnarRowData} over the bytes as they were
 * received. Whoever keeps such a row keeps the whole batch.
 */
public final class ArrowRows {
    private static final int SMALL_DECIMAL_DIGITS = 18;

    private ArrowRows() {}

    /** The vector as Flink asks for values of its type. */
    public static ColumnVector vector(Vector v) {
        switch (v.type().getKind()) {
            case TYPE_KIND_BOOLEAN:
                return new Booleans(v);
            case TYPE_KIND_TINYINT:
                return new TinyInts(v);
            case TYPE_KIND_SMALLINT:
                return new Shorts(v);
            case TYPE_KIND_INT:
            case TYPE_KIND_DATE:
                return new Ints(v);
            case TYPE_KIND_TIME:
                return new Times(v);
            case TYPE_KIND_BIGINT:
                return new Longs(v);
            case TYPE_KIND_FLOAT:
                return new Floats(v);
            case TYPE_KIND_DOUBLE:
                return new Doubles(v);
            case TYPE_KIND_DECIMAL:
                return new Decimals(v);
            case TYPE_KIND_TIMESTAMP:
            case TYPE_KIND_TIMESTAMP_LTZ:
                return new Timestamps(v);
            case TYPE_KIND_ARRAY:
                return new Arrays(v);
            case TYPE_KIND_MAP:
                return new Maps(v);
            case TYPE_KIND_ROW:
                return new Rows(v);
            default:
                return new Texts(v);
        }
    }

    /**
     * The vector as a column of a narrower type, which it had when the job was planned: columns are widened while jobs run. A value that
     * does not fit fails the job, which planned anew takes it.
     */
    public static ColumnVector vector(Vector v, LogicalType planned) {
        TypeKind have = v.type().getKind();
        boolean whole = have == TypeKind.TYPE_KIND_SMALLINT || have == TypeKind.TYPE_KIND_INT || have == TypeKind.TYPE_KIND_BIGINT;
        switch (planned.getTypeRoot()) {
            case TINYINT:
            case SMALLINT:
                return whole && have != TypeKind.TYPE_KIND_SMALLINT || have == TypeKind.TYPE_KIND_SMALLINT && planned.is(LogicalTypeRoot.TINYINT)
                        ? new Narrower(v, planned)
                        : vector(v);
            case INTEGER:
                return have == TypeKind.TYPE_KIND_BIGINT ? new Narrower(v, planned) : vector(v);
            case FLOAT:
                return have == TypeKind.TYPE_KIND_DOUBLE ? new Narrower(v, planned) : vector(v);
            default:
                return vector(v);
        }
    }

    /** A time of the day, in the unit of its precision, as Flink has it: in milliseconds. */
    static int millisOfDay(long time, int precision) {
        long unit = Types.unitsPerSecond(precision);
        return (int) (unit >= 1000 ? time / (unit / 1000) : time * 1000);
    }

    /** A moment in the unit of its precision. */
    static TimestampData timestamp(long time, int precision) {
        long unit = Types.unitsPerSecond(precision);
        if (unit <= 1000) {
            return TimestampData.fromEpochMillis(unit == 1 ? Math.multiplyExact(time, 1000L) : time);
        }
        long perMilli = unit / 1000;
        return TimestampData.fromEpochMillis(Math.floorDiv(time, perMilli), (int) (Math.floorMod(time, perMilli) * (1_000_000 / perMilli)));
    }

    private abstract static class Base implements ColumnVector {
        final Vector v;

        Base(Vector v) {
            this.v = v;
        }

        @Override
        public boolean isNullAt(int i) {
            return v.isNull(i);
        }
    }

    private static final class Booleans extends Base implements BooleanColumnVector {
        Booleans(Vector v) {
            super(v);
        }

        @Override
        public boolean getBoolean(int i) {
            return v.getBoolean(i);
        }
    }

    private static final class TinyInts extends Base implements ByteColumnVector {
        TinyInts(Vector v) {
            super(v);
        }

        @Override
        public byte getByte(int i) {
            return v.getByte(i);
        }
    }

    private static final class Shorts extends Base implements ShortColumnVector {
        Shorts(Vector v) {
            super(v);
        }

        @Override
        public short getShort(int i) {
            return v.getShort(i);
        }
    }

    private static final class Ints extends Base implements IntColumnVector {
        Ints(Vector v) {
            super(v);
        }

        @Override
        public int getInt(int i) {
            return v.getInt(i);
        }
    }

    private static final class Times extends Base implements IntColumnVector {
        private final int precision;

        Times(Vector v) {
            super(v);
            precision = v.type().getPrecision();
        }

        @Override
        public int getInt(int i) {
            return millisOfDay(v.getTime(i), precision);
        }
    }

    /** Values of a type that is wider than the planned one. */
    private static final class Narrower extends Base implements ByteColumnVector, ShortColumnVector, IntColumnVector, FloatColumnVector {
        private final LogicalType planned;

        Narrower(Vector v, LogicalType planned) {
            super(v);
            this.planned = planned;
        }

        private long whole(int i, long min, long max) {
            long x;
            switch (v.type().getKind()) {
                case TYPE_KIND_BIGINT:
                    x = v.getLong(i);
                    break;
                case TYPE_KIND_INT:
                    x = v.getInt(i);
                    break;
                default:
                    x = v.getShort(i);
            }
            if (x < min || x > max) {
                throw tooWide(x);
            }
            return x;
        }

        private IllegalStateException tooWide(Object x) {
            return new IllegalStateException("the value " + x + " of a column that was widened to " + Types.sql(v.type()) + " does not fit "
                    + planned.asSummaryString() + ", which it was when the job was planned: plan the job anew");
        }

        @Override
        public byte getByte(int i) {
            return (byte) whole(i, Byte.MIN_VALUE, Byte.MAX_VALUE);
        }

        @Override
        public short getShort(int i) {
            return (short) whole(i, Short.MIN_VALUE, Short.MAX_VALUE);
        }

        @Override
        public int getInt(int i) {
            return (int) whole(i, Integer.MIN_VALUE, Integer.MAX_VALUE);
        }

        @Override
        public float getFloat(int i) {
            double x = v.getDouble(i);
            if ((float) x != x && !Double.isNaN(x)) {
                throw tooWide(x);
            }
            return (float) x;
        }
    }

    private static final class Longs extends Base implements LongColumnVector {
        Longs(Vector v) {
            super(v);
        }

        @Override
        public long getLong(int i) {
            return v.getLong(i);
        }
    }

    private static final class Floats extends Base implements FloatColumnVector {
        Floats(Vector v) {
            super(v);
        }

        @Override
        public float getFloat(int i) {
            return v.getFloat(i);
        }
    }

    private static final class Doubles extends Base implements DoubleColumnVector {
        Doubles(Vector v) {
            super(v);
        }

        @Override
        public double getDouble(int i) {
            return v.getDouble(i);
        }
    }

    private static final class Decimals extends Base implements DecimalColumnVector {
        private final int precision;
        private final int scale;

        Decimals(Vector v) {
            super(v);
            precision = v.type().getPrecision();
            scale = v.type().getScale();
        }

        @Override
        public DecimalData getDecimal(int i, int p, int s) {
            if (precision <= SMALL_DECIMAL_DIGITS) {
                return DecimalData.fromUnscaledLong(v.getSmallDecimal(i), precision, scale);
            }
            return DecimalData.fromBigDecimal(new BigDecimal(v.getLargeDecimal(i), scale), precision, scale);
        }
    }

    private static final class Timestamps extends Base implements TimestampColumnVector {
        private final int precision;

        Timestamps(Vector v) {
            super(v);
            precision = v.type().getPrecision();
        }

        @Override
        public TimestampData getTimestamp(int i, int p) {
            return timestamp(v.getTime(i), precision);
        }
    }

    private static final class Texts extends Base implements BytesColumnVector {
        Texts(Vector v) {
            super(v);
        }

        @Override
        public Bytes getBytes(int i) {
            int start = v.start(i);
            return new Bytes(v.data(), start, v.end(i) - start);
        }
    }

    private static final class Arrays extends Base implements ArrayColumnVector {
        private final ColumnVector elements;

        Arrays(Vector v) {
            super(v);
            elements = vector(v.child(0));
        }

        @Override
        public ArrayData getArray(int i) {
            int start = v.elementStart(i);
            return new ColumnarArrayData(elements, start, v.elementEnd(i) - start);
        }
    }

    private static final class Maps extends Base implements MapColumnVector {
        private final ColumnVector keys;
        private final ColumnVector values;

        Maps(Vector v) {
            super(v);
            keys = vector(v.child(0));
            values = vector(v.child(1));
        }

        @Override
        public MapData getMap(int i) {
            int start = v.elementStart(i);
            return new ColumnarMapData(keys, values, start, v.elementEnd(i) - start);
        }
    }

    private static final class Rows extends Base implements RowColumnVector {
        private final VectorizedColumnBatch fields;

        Rows(Vector v) {
            super(v);
            ColumnVector[] of = new ColumnVector[v.type().getFieldsCount()];
            for (int k = 0; k < of.length; k++) {
                of[k] = vector(v.child(k));
            }
            fields = new VectorizedColumnBatch(of);
        }

        @Override
        public ColumnarRowData getRow(int i) {
            return new ColumnarRowData(fields, i);
        }
    }
}
