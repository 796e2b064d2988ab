package org.flussgo.client;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalTime;
import java.util.Base64;
import java.util.List;
import org.flussgo.proto.v1.Field;
import org.flussgo.proto.v1.TypeKind;

/** A row of scalar values written as JSON, in the forms that the test vectors use. */
final class JsonRow implements Values {
    private final List<Field> columns;
    private final JsonArray values;

    private JsonRow(List<Field> columns, JsonArray values) {
        this.columns = columns;
        this.values = values;
    }

    static Values of(List<Field> columns, JsonArray values) {
        return new JsonRow(columns, values);
    }

    private JsonElement at(int i) {
        return values.get(i);
    }

    @Override
    public int size() {
        return values.size();
    }

    @Override
    public boolean isNull(int i) {
        return at(i).isJsonNull();
    }

    @Override
    public boolean getBoolean(int i) {
        return at(i).getAsBoolean();
    }

    @Override
    public byte getByte(int i) {
        return at(i).getAsByte();
    }

    @Override
    public short getShort(int i) {
        return at(i).getAsShort();
    }

    @Override
    public int getInt(int i) {
        if (columns.get(i).getType().getKind() == TypeKind.TYPE_KIND_DATE) {
            return (int) LocalDate.parse(at(i).getAsString()).toEpochDay();
        }
        return at(i).getAsInt();
    }

    @Override
    public long getLong(int i) {
        return at(i).getAsLong();
    }

    @Override
    public float getFloat(int i) {
        return (float) getDouble(i);
    }

    @Override
    public double getDouble(int i) {
        String s = at(i).getAsString();
        switch (s) {
            case "+Inf":
            case "Inf":
                return Double.POSITIVE_INFINITY;
            case "-Inf":
                return Double.NEGATIVE_INFINITY;
            default:
                return Double.parseDouble(s);
        }
    }

    @Override
    public long getTime(int i, int precision) {
        String s = at(i).getAsString();
        long unit = Types.unitsPerSecond(precision);
        if (columns.get(i).getType().getKind() == TypeKind.TYPE_KIND_TIME) {
            return LocalTime.parse(s).toNanoOfDay() / (1_000_000_000 / unit);
        }
        Instant t = Instant.parse((s.endsWith("Z") ? s : s + "Z").replace(' ', 'T'));
        return t.getEpochSecond() * unit + t.getNano() / (1_000_000_000 / unit);
    }

    @Override
    public byte[] getBytes(int i) {
        String s = at(i).getAsString();
        switch (columns.get(i).getType().getKind()) {
            case TYPE_KIND_BINARY:
            case TYPE_KIND_BYTES:
                return Base64.getDecoder().decode(s);
            default:
                return s.getBytes(StandardCharsets.UTF_8);
        }
    }

    @Override
    public long getSmallDecimal(int i, int precision, int scale) {
        return getLargeDecimal(i, precision, scale).longValueExact();
    }

    @Override
    public BigInteger getLargeDecimal(int i, int precision, int scale) {
        return new BigDecimal(at(i).getAsString()).setScale(scale).unscaledValue();
    }

    @Override
    public Values getArray(int i) {
        throw new UnsupportedOperationException();
    }

    @Override
    public Values getMapKeys(int i) {
        throw new UnsupportedOperationException();
    }

    @Override
    public Values getMapValues(int i) {
        throw new UnsupportedOperationException();
    }

    @Override
    public Values getRow(int i, int fields) {
        throw new UnsupportedOperationException();
    }
}
