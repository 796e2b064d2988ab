package org.flussgo.flink.sink;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import org.apache.flink.table.data.DecimalData;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.expressions.CallExpression;
import org.apache.flink.table.expressions.FieldReferenceExpression;
import org.apache.flink.table.expressions.ResolvedExpression;
import org.apache.flink.table.expressions.ValueLiteralExpression;
import org.apache.flink.table.functions.BuiltInFunctionDefinitions;
import org.apache.flink.table.types.logical.DecimalType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.table.types.logical.utils.LogicalTypeChecks;

/** Finds the one key that filters name. */
final class KeyLiterals {
    private KeyLiterals() {}

    /** A row with the key's columns set, when the filters are one equality for each of them and nothing else. */
    static Optional<RowData> row(List<ResolvedExpression> filters, RowType type, List<String> key) {
        GenericRowData row = new GenericRowData(type.getFieldCount());
        Set<String> found = new HashSet<>();
        for (ResolvedExpression f : filters) {
            if (!equality(f, type, key, row, found)) {
                return Optional.empty();
            }
        }
        return found.size() == key.size() ? Optional.of(row) : Optional.empty();
    }

    private static boolean equality(ResolvedExpression f, RowType type, List<String> key, GenericRowData row, Set<String> found) {
        if (!(f instanceof CallExpression)) {
            return bare(f, true, type, key, row, found);
        }
        List<ResolvedExpression> args = f.getResolvedChildren();
        if (((CallExpression) f).getFunctionDefinition() == BuiltInFunctionDefinitions.AND) {
            return args.stream().allMatch(a -> equality(a, type, key, row, found));
        }
        if (((CallExpression) f).getFunctionDefinition() == BuiltInFunctionDefinitions.NOT) {
            return bare(args.get(0), false, type, key, row, found);
        }
        if (((CallExpression) f).getFunctionDefinition() != BuiltInFunctionDefinitions.EQUALS || args.size() != 2) {
            return false;
        }
        boolean first = args.get(0) instanceof FieldReferenceExpression;
        ResolvedExpression column = args.get(first ? 0 : 1);
        ResolvedExpression value = args.get(first ? 1 : 0);
        if (!(column instanceof FieldReferenceExpression) || !(value instanceof ValueLiteralExpression)) {
            return false;
        }
        int at = type.getFieldNames().indexOf(((FieldReferenceExpression) column).getName());
        Optional<Object> v = at < 0 ? Optional.empty() : value((ValueLiteralExpression) value, type.getTypeAt(at));
        return v.isPresent() && put(((FieldReferenceExpression) column).getName(), v.get(), type, key, row, found);
    }

    /** A BOOLEAN column that stands for itself: the planner's form of {@code b = TRUE}. */
    private static boolean bare(ResolvedExpression e, boolean value, RowType type, List<String> key, GenericRowData row, Set<String> found) {
        return e instanceof FieldReferenceExpression && put(((FieldReferenceExpression) e).getName(), value, type, key, row, found);
    }

    private static boolean put(String name, Object value, RowType type, List<String> key, GenericRowData row, Set<String> found) {
        if (!key.contains(name) || !found.add(name)) {
            return false;
        }
        row.setField(type.getFieldNames().indexOf(name), value);
        return true;
    }

    /** The value of a literal in Flink's own form for a column's type; empty when the column has no value that is exactly the same. */
    private static Optional<Object> value(ValueLiteralExpression v, LogicalType t) {
        switch (t.getTypeRoot()) {
            case BOOLEAN:
                return v.getValueAs(Boolean.class).map(x -> x);
            case TINYINT:
                return number(v).map(x -> exact(x::byteValueExact));
            case SMALLINT:
                return number(v).map(x -> exact(x::shortValueExact));
            case INTEGER:
                return number(v).map(x -> exact(x::intValueExact));
            case BIGINT:
                return number(v).map(x -> exact(x::longValueExact));
            case DECIMAL:
                DecimalType d = (DecimalType) t;
                return number(v).map(x -> exact(() -> x.setScale(d.getScale(), RoundingMode.UNNECESSARY)))
                        .map(x -> DecimalData.fromBigDecimal(x, d.getPrecision(), d.getScale()));
            case FLOAT:
                // Zeros are equal to zeros of the other sign, which are other keys.
                return v.getValueAs(Float.class).filter(x -> x != 0 && !x.isNaN()).map(x -> x);
            case DOUBLE:
                return v.getValueAs(Double.class).filter(x -> x != 0 && !x.isNaN()).map(x -> x);
            case CHAR:
                return v.getValueAs(String.class).filter(x -> x.codePointCount(0, x.length()) == length(t)).map(StringData::fromString);
            case VARCHAR:
                return v.getValueAs(String.class).map(StringData::fromString);
            case BINARY:
                return v.getValueAs(byte[].class).filter(x -> x.length == length(t)).map(x -> x);
            case VARBINARY:
                return v.getValueAs(byte[].class).map(x -> x);
            default:
                return time(v, t);
        }
    }

    private static Optional<Object> time(ValueLiteralExpression v, LogicalType t) {
        switch (t.getTypeRoot()) {
            case DATE:
                return v.getValueAs(LocalDate.class).map(x -> (int) x.toEpochDay());
            case TIME_WITHOUT_TIME_ZONE:
                // Flink's own form of a TIME has milliseconds.
                int digits = Math.min(3, LogicalTypeChecks.getPrecision(t));
                return v.getValueAs(LocalTime.class).filter(x -> fits(x.getNano(), digits)).map(x -> (int) (x.toNanoOfDay() / 1_000_000));
            case TIMESTAMP_WITHOUT_TIME_ZONE:
                return v.getValueAs(LocalDateTime.class)
                        .filter(x -> fits(x.getNano(), LogicalTypeChecks.getPrecision(t)))
                        .map(TimestampData::fromLocalDateTime);
            case TIMESTAMP_WITH_LOCAL_TIME_ZONE:
                return v.getValueAs(Instant.class)
                        .filter(x -> fits(x.getNano(), LogicalTypeChecks.getPrecision(t)))
                        .map(TimestampData::fromInstant);
            default:
                return Optional.empty();
        }
    }

    /** An exact number; empty for a FLOAT or DOUBLE. */
    private static Optional<BigDecimal> number(ValueLiteralExpression v) {
        return v.getValueAs(Number.class).filter(n -> !(n instanceof Float || n instanceof Double)).map(n -> new BigDecimal(n.toString()));
    }

    /** What is computed, or null when the number does not fit. */
    private static <T> T exact(Supplier<T> f) {
        try {
            return f.get();
        } catch (ArithmeticException e) {
            return null;
        }
    }

    private static int length(LogicalType t) {
        return LogicalTypeChecks.getLength(t);
    }

    /** Whether nanoseconds have no more than so many digits of a second. */
    private static boolean fits(int nanos, int digits) {
        int unit = 1_000_000_000;
        for (int i = 0; i < digits; i++) {
            unit /= 10;
        }
        return nanos % unit == 0;
    }
}
