package org.flussgo.client;

import java.math.BigInteger;
import java.util.List;
import org.flussgo.proto.v1.DataType;
import org.flussgo.proto.v1.Field;

/**
 * Finds the bucket of a row: Iceberg's bucket transform of the bucket key, as package keys of the server has it; the vectors in
 * proto/keys/testdata hold for both. Immutable.
 */
public final class BucketHash {
    private static final int C1 = 0xcc9e2d51;
    private static final int C2 = 0x1b873593;
    private static final long NAN_BITS = 0x7ff8000000000000L;

    private final int[] positions;
    private final DataType[] types;

    /**
     * @param columns the columns of the rows, in their order
     * @param bucketKeys the columns of the bucket key, one at least, in the order of the key
     * @throws FlussException UNKNOWN_COLUMN when a column of the key is not among the columns
     */
    public BucketHash(List<Field> columns, List<String> bucketKeys) {
        positions = Columns.positions(columns, bucketKeys, "bucket key");
        types = new DataType[positions.length];
        for (int i = 0; i < positions.length; i++) {
            types[i] = columns.get(positions[i]).getType();
        }
    }

    /** The bucket of the row, from 0 to below {@code buckets}. */
    public int bucket(Values row, int buckets) {
        return (hash(row) & Integer.MAX_VALUE) % buckets;
    }

    int hash(Values row) {
        int first = value(row, 0);
        if (positions.length == 1) {
            return first;
        }
        int h = block(0, first);
        for (int i = 1; i < positions.length; i++) {
            h = block(h, value(row, i));
        }
        return end(h, 4 * positions.length);
    }

    private int value(Values row, int k) {
        int i = positions[k];
        if (row.isNull(i)) {
            return 0;
        }
        DataType t = types[k];
        switch (t.getKind()) {
            case TYPE_KIND_BOOLEAN:
                return ofLong(row.getBoolean(i) ? 1 : 0);
            case TYPE_KIND_TINYINT:
                return ofLong(row.getByte(i));
            case TYPE_KIND_SMALLINT:
                return ofLong(row.getShort(i));
            case TYPE_KIND_INT:
            case TYPE_KIND_DATE:
                return ofLong(row.getInt(i));
            case TYPE_KIND_BIGINT:
                return ofLong(row.getLong(i));
            case TYPE_KIND_FLOAT:
                return ofDouble(row.getFloat(i));
            case TYPE_KIND_DOUBLE:
                return ofDouble(row.getDouble(i));
            case TYPE_KIND_TIME:
            case TYPE_KIND_TIMESTAMP:
            case TYPE_KIND_TIMESTAMP_LTZ:
                return ofLong(micros(row.getTime(i, t.getPrecision()), t.getPrecision()));
            case TYPE_KIND_DECIMAL:
                return ofDecimal(row, i, t);
            default:
                return ofBytes(row.getBytes(i));
        }
    }

    private static int ofDecimal(Values row, int i, DataType t) {
        BigInteger v = t.getPrecision() <= Columns.SMALL_DECIMAL_DIGITS
                ? BigInteger.valueOf(row.getSmallDecimal(i, t.getPrecision(), t.getScale()))
                : row.getLargeDecimal(i, t.getPrecision(), t.getScale());
        return ofBytes(v.toByteArray());
    }

    /** A time of the unit of its precision in microseconds, rounded down; what is too large wraps around. */
    private static long micros(long v, int precision) {
        if (precision <= 0) {
            return v * 1_000_000;
        }
        if (precision <= 3) {
            return v * 1_000;
        }
        return precision <= 6 ? v : Math.floorDiv(v, 1_000);
    }

    private static int ofDouble(double v) {
        if (v == 0) {
            return ofLong(0);
        }
        return ofLong(Double.isNaN(v) ? NAN_BITS : Double.doubleToRawLongBits(v));
    }

    static int ofLong(long v) {
        return end(block(block(0, (int) v), (int) (v >>> 32)), 8);
    }

    static int ofBytes(byte[] b) {
        int h = 0;
        int n = b.length & ~3;
        for (int i = 0; i < n; i += 4) {
            h = block(h, b[i] & 0xff | (b[i + 1] & 0xff) << 8 | (b[i + 2] & 0xff) << 16 | b[i + 3] << 24);
        }
        int k = 0;
        for (int i = n; i < b.length; i++) {
            k |= (b[i] & 0xff) << 8 * (i - n);
        }
        if (n < b.length) {
            h ^= Integer.rotateLeft(k * C1, 15) * C2;
        }
        return end(h, b.length);
    }

    private static int block(int h, int k) {
        return Integer.rotateLeft(h ^ Integer.rotateLeft(k * C1, 15) * C2, 13) * 5 + 0xe6546b64;
    }

    private static int end(int hash, int bytes) {
        int h = hash ^ bytes;
        h = (h ^ h >>> 16) * 0x85ebca6b;
        h = (h ^ h >>> 13) * 0xc2b2ae35;
        return h ^ h >>> 16;
    }
}
