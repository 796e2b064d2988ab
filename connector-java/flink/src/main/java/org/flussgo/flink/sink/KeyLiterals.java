package org.flussgo.flink.sink;

import java.math.BigDecimal;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
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

    /** The value of a literal in Flink's own form for a column's type; empty when it would have to be converted. */
    private static Optional<Object> value(ValueLiteralExpression v, LogicalType t) {
        switch (t.getTypeRoot()) {
            case BOOLEAN:
                return v.getValueAs(Boolean.class).map(x -> x);
            case TINYINT:
                return v.getValueAs(Byte.class).map(x -> x);
            case SMALLINT:
                return v.getValueAs(Short.class).map(x -> x);
            case INTEGER:
                return v.getValueAs(Integer.class).map(x -> x);
            case BIGINT:
                return v.getValueAs(Long.class).map(x -> x);
            case FLOAT:
                return v.getValueAs(Float.class).map(x -> x);
            case DOUBLE:
                return v.getValueAs(Double.class).map(x -> x);
            case CHAR:
            case VARCHAR:
                return v.getValueAs(String.class).map(StringData::fromString);
            case BINARY:
            case VARBINARY:
                return v.getValueAs(byte[].class).map(x -> x);
            case DATE:
                return v.getValueAs(LocalDate.class).map(x -> (int) x.toEpochDay());
            case TIME_WITHOUT_TIME_ZONE:
                return v.getValueAs(LocalTime.class).map(x -> (int) (x.toNanoOfDay() / 1_000_000));
            case TIMESTAMP_WITHOUT_TIME_ZONE:
                return v.getValueAs(LocalDateTime.class).map(TimestampData::fromLocalDateTime);
            case TIMESTAMP_WITH_LOCAL_TIME_ZONE:
                return v.getValueAs(Instant.class).map(TimestampData::fromInstant);
            case DECIMAL:
                DecimalType d = (DecimalType) t;
                return v.getValueAs(BigDecimal.class).map(x -> DecimalData.fromBigDecimal(x, d.getPrecision(), d.getScale()));
            default:
                return Optional.empty();
        }
    }
}
