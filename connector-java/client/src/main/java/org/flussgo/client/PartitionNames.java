package org.flussgo.client;

import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.flussgo.proto.v1.DataType;
import org.flussgo.proto.v1.Field;

/** Makes the name of a row's partition: the texts of its partition columns with '$' between them, in the server's form. Immutable. */
public final class PartitionNames {
    private static final char SEPARATOR = '$';

    private final Field[] fields;
    private final int[] positions;

    /**
     * @param columns the columns of the rows, in their order
     * @param partitionKeys the partition columns, in their order
     * @throws FlussException UNKNOWN_COLUMN when one of them is not among the columns
     */
    public PartitionNames(List<Field> columns, List<String> partitionKeys) {
        positions = Columns.positions(columns, partitionKeys, "partition key");
        fields = new Field[positions.length];
        for (int i = 0; i < positions.length; i++) {
            fields[i] = columns.get(positions[i]);
        }
    }

    /**
     * The name of the partition that the row is in.
     *
     * @throws FlussException INVALID_PARTITION (column) for a value that no partition can have: a null, an empty text, one with a '$'
     */
    public String of(Values row) {
        if (fields.length == 1) {
            return text(row, 0);
        }
        StringBuilder b = new StringBuilder();
        for (int k = 0; k < fields.length; k++) {
            if (k > 0) {
                b.append(SEPARATOR);
            }
            b.append(text(row, k));
        }
        return b.toString();
    }

    /** The value of each partition column of the row, as text, in the order of the columns. */
    public Map<String, String> values(Values row) {
        Map<String, String> out = new LinkedHashMap<>();
        for (int k = 0; k < fields.length; k++) {
            out.put(fields[k].getName(), text(row, k));
        }
        return out;
    }

    private String text(Values row, int k) {
        int i = positions[k];
        if (row.isNull(i)) {
            throw bad(k, "is null; a partition value cannot be");
        }
        DataType t = fields[k].getType();
        switch (t.getKind()) {
            case TYPE_KIND_CHAR:
            case TYPE_KIND_STRING:
                return checked(new String(row.getBytes(i), java.nio.charset.StandardCharsets.UTF_8), k);
            case TYPE_KIND_BOOLEAN:
                return Boolean.toString(row.getBoolean(i));
            case TYPE_KIND_TINYINT:
                return Byte.toString(row.getByte(i));
            case TYPE_KIND_SMALLINT:
                return Short.toString(row.getShort(i));
            case TYPE_KIND_INT:
                return Integer.toString(row.getInt(i));
            case TYPE_KIND_BIGINT:
                return Long.toString(row.getLong(i));
            case TYPE_KIND_DATE:
                return LocalDate.ofEpochDay(row.getInt(i)).toString();
            case TYPE_KIND_TIME:
            case TYPE_KIND_TIMESTAMP:
            case TYPE_KIND_TIMESTAMP_LTZ:
                return time(row.getTime(i, t.getPrecision()), k);
            case TYPE_KIND_BINARY:
            case TYPE_KIND_BYTES:
                return hex(row.getBytes(i), k);
            default:
                throw bad(k, "is " + Types.sql(t) + ", which this client cannot write the partition name of; use another type");
        }
    }

    private String checked(String s, int k) {
        if (s.isEmpty()) {
            throw bad(k, "is empty; a partition value needs a character");
        }
        if (s.indexOf(SEPARATOR) >= 0) {
            throw bad(k, "has a '$' in it: \"" + s + "\"; a partition value cannot");
        }
        return s;
    }

    private String hex(byte[] b, int k) {
        if (b.length == 0) {
            throw bad(k, "is empty; a partition value needs a byte");
        }
        StringBuilder out = new StringBuilder(2 * b.length);
        for (byte x : b) {
            out.append(Character.forDigit(x >> 4 & 15, 16)).append(Character.forDigit(x & 15, 16));
        }
        return out.toString();
    }

    private String time(long v, int k) {
        DataType t = fields[k].getType();
        long unit = Types.unitsPerSecond(t.getPrecision());
        long fits = unit;
        for (int i = 0; i < t.getPrecision(); i++) {
            fits /= 10;
        }
        if (v % fits != 0) {
            throw bad(k, "has more digits of a second than its type " + Types.sql(t));
        }
        Instant at = Instant.ofEpochSecond(Math.floorDiv(v, unit), Math.floorMod(v, unit) * (1_000_000_000 / unit));
        StringBuilder pattern = new StringBuilder();
        switch (t.getKind()) {
            case TYPE_KIND_TIME:
                pattern.append("HH:mm:ss");
                break;
            default:
                pattern.append("uuuu-MM-dd'T'HH:mm:ss");
        }
        if (t.getPrecision() > 0) {
            pattern.append('.').append("S".repeat(t.getPrecision()));
        }
        String zone = t.getKind() == org.flussgo.proto.v1.TypeKind.TYPE_KIND_TIMESTAMP_LTZ ? "Z" : "";
        return DateTimeFormatter.ofPattern(pattern.toString()).format(at.atOffset(ZoneOffset.UTC)) + zone;
    }

    private FlussException bad(int k, String fault) {
        return new FlussException(
                ErrorCode.INVALID_PARTITION,
                "partition column \"" + fields[k].getName() + "\" " + fault,
                Map.of("column", fields[k].getName()),
                null);
    }
}
