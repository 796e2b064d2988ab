package org.flussgo.flink.source;

import java.math.BigDecimal;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.apache.flink.table.expressions.CallExpression;
import org.apache.flink.table.expressions.FieldReferenceExpression;
import org.apache.flink.table.expressions.ResolvedExpression;
import org.apache.flink.table.expressions.ValueLiteralExpression;
import org.apache.flink.table.functions.BuiltInFunctionDefinitions;
import org.apache.flink.table.functions.FunctionDefinition;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.LogicalTypeRoot;

/**
 * Flink's filters as the text that scans of the server take: comparisons of a column with a constant of its own kind, IN, IS NULL, LIKE, AND, OR
 * and NOT of these. Others are left to Flink, which checks all of them again anyway.
 */
final class FilterText {
    private static final DateTimeFormatter TIMESTAMP = DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm:ss.SSSSSSSSS");
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("HH:mm:ss.SSSSSSSSS");

    private static final Set<LogicalTypeRoot> EXACT = EnumSet.of(
            LogicalTypeRoot.TINYINT, LogicalTypeRoot.SMALLINT, LogicalTypeRoot.INTEGER, LogicalTypeRoot.BIGINT, LogicalTypeRoot.DECIMAL);

    private final Set<String> columns;

    /** Filters of rows with the columns. */
    FilterText(List<String> columns) {
        this.columns = new TreeSet<>(columns);
    }

    /** The text of a filter; empty when it has none. */
    Optional<String> of(ResolvedExpression e) {
        if (e instanceof FieldReferenceExpression) {
            return root(e) == LogicalTypeRoot.BOOLEAN ? column(e) : Optional.empty();
        }
        if (!(e instanceof CallExpression)) {
            return Optional.empty();
        }
        FunctionDefinition f = ((CallExpression) e).getFunctionDefinition();
        List<ResolvedExpression> args = e.getResolvedChildren();
        if (f == BuiltInFunctionDefinitions.AND) {
            return joined(args, " AND ");
        }
        if (f == BuiltInFunctionDefinitions.OR) {
            return joined(args, " OR ");
        }
        if (f == BuiltInFunctionDefinitions.NOT) {
            return of(args.get(0)).map(t -> "NOT (" + t + ")");
        }
        if (f == BuiltInFunctionDefinitions.IS_NULL) {
            return column(args.get(0)).map(t -> t + " IS NULL");
        }
        if (f == BuiltInFunctionDefinitions.IS_NOT_NULL) {
            return column(args.get(0)).map(t -> t + " IS NOT NULL");
        }
        if (f == BuiltInFunctionDefinitions.IN) {
            return in(args);
        }
        if (f == BuiltInFunctionDefinitions.LIKE && args.size() == 2) {
            return like(args);
        }
        return comparison(f, args);
    }

    private Optional<String> joined(List<ResolvedExpression> args, String with) {
        List<String> out = new ArrayList<>();
        for (ResolvedExpression a : args) {
            Optional<String> t = of(a);
            if (!t.isPresent()) {
                return Optional.empty();
            }
            out.add("(" + t.get() + ")");
        }
        return Optional.of(String.join(with, out));
    }

    private Optional<String> in(List<ResolvedExpression> args) {
        Optional<String> column = column(args.get(0));
        List<String> values = new ArrayList<>();
        for (ResolvedExpression a : args.subList(1, args.size())) {
            Optional<String> v = literal(a, args.get(0));
            if (!v.isPresent()) {
                return Optional.empty();
            }
            values.add(v.get());
        }
        return column.map(c -> c + " IN (" + String.join(", ", values) + ")");
    }

    private Optional<String> like(List<ResolvedExpression> args) {
        Optional<String> pattern = literal(args.get(1), args.get(0)).filter(p -> p.indexOf('\\') < 0);
        return column(args.get(0)).flatMap(c -> pattern.map(p -> c + " LIKE " + p));
    }

    private Optional<String> comparison(FunctionDefinition f, List<ResolvedExpression> args) {
        String op = operator(f);
        if (op == null || args.size() != 2) {
            return Optional.empty();
        }
        ResolvedExpression left = args.get(0);
        ResolvedExpression right = args.get(1);
        if (left instanceof FieldReferenceExpression) {
            return column(left).flatMap(c -> literal(right, left).map(v -> c + " " + op + " " + v));
        }
        return column(right).flatMap(c -> literal(left, right).map(v -> v + " " + op + " " + c));
    }

    private static String operator(FunctionDefinition f) {
        if (f == BuiltInFunctionDefinitions.EQUALS) {
            return "=";
        }
        if (f == BuiltInFunctionDefinitions.NOT_EQUALS) {
            return "<>";
        }
        if (f == BuiltInFunctionDefinitions.GREATER_THAN) {
            return ">";
        }
        if (f == BuiltInFunctionDefinitions.GREATER_THAN_OR_EQUAL) {
            return ">=";
        }
        if (f == BuiltInFunctionDefinitions.LESS_THAN) {
            return "<";
        }
        return f == BuiltInFunctionDefinitions.LESS_THAN_OR_EQUAL ? "<=" : null;
    }

    private Optional<String> column(ResolvedExpression e) {
        if (!(e instanceof FieldReferenceExpression)) {
            return Optional.empty();
        }
        String name = ((FieldReferenceExpression) e).getName();
        if (!columns.contains(name) || root(e) == LogicalTypeRoot.CHAR) { // Flink may pad a CHAR where the server does not
            return Optional.empty();
        }
        return Optional.of('"' + name.replace("\"", "\"\"") + '"');
    }

    private static LogicalTypeRoot root(ResolvedExpression e) {
        return e.getOutputDataType().getLogicalType().getTypeRoot();
    }

    /** A constant to compare the column with. */
    private static Optional<String> literal(ResolvedExpression e, ResolvedExpression column) {
        if (!(e instanceof ValueLiteralExpression) || !alike(root(e), root(column))) {
            return Optional.empty();
        }
        return text((ValueLiteralExpression) e, false);
    }

    private static boolean alike(LogicalTypeRoot literal, LogicalTypeRoot column) {
        boolean texts = literal == LogicalTypeRoot.CHAR && column == LogicalTypeRoot.VARCHAR;
        boolean bytes = literal == LogicalTypeRoot.BINARY && column == LogicalTypeRoot.VARBINARY;
        boolean numbers = EXACT.contains(literal) && EXACT.contains(column); // compared as numbers on both sides, whatever their width
        return literal == column || texts || bytes || numbers;
    }

    /** The text of a constant: as SQL, or plain, as the names of partitions have it. */
    private static Optional<String> text(ValueLiteralExpression v, boolean plain) {
        LogicalType t = v.getOutputDataType().getLogicalType();
        switch (t.getTypeRoot()) {
            case BOOLEAN:
                return v.getValueAs(Boolean.class).map(Object::toString);
            case TINYINT:
            case SMALLINT:
            case INTEGER:
            case BIGINT:
                return v.getValueAs(Number.class).map(Object::toString);
            case CHAR:
            case VARCHAR:
                return v.getValueAs(String.class).map(s -> plain ? s : "'" + s.replace("'", "''") + "'");
            case DATE:
                return v.getValueAs(LocalDate.class).map(d -> plain ? d.toString() : "DATE '" + d + "'");
            default:
                return plain ? Optional.empty() : rare(v, t);
        }
    }

    private static Optional<String> rare(ValueLiteralExpression v, LogicalType t) {
        switch (t.getTypeRoot()) {
            case DECIMAL:
                return v.getValueAs(BigDecimal.class).map(BigDecimal::toPlainString);
            case FLOAT:
                return v.getValueAs(Float.class).filter(f -> !f.isNaN() && !f.isInfinite()).map(Object::toString);
            case DOUBLE:
                return v.getValueAs(Double.class).filter(d -> !d.isNaN() && !d.isInfinite()).map(Object::toString);
            case TIME_WITHOUT_TIME_ZONE:
                return v.getValueAs(LocalTime.class).map(x -> "TIME '" + TIME.format(x) + "'");
            case TIMESTAMP_WITHOUT_TIME_ZONE:
                return v.getValueAs(LocalDateTime.class).filter(FilterText::usual).map(x -> "TIMESTAMP '" + TIMESTAMP.format(x) + "'");
            case TIMESTAMP_WITH_LOCAL_TIME_ZONE:
                return v.getValueAs(Instant.class)
                        .map(x -> LocalDateTime.ofInstant(x, ZoneOffset.UTC))
                        .filter(FilterText::usual)
                        .map(x -> "TIMESTAMP_LTZ '" + TIMESTAMP.format(x) + "Z'");
            case BINARY:
            case VARBINARY:
                return v.getValueAs(byte[].class).map(FilterText::hex);
            default:
                return Optional.empty();
        }
    }

    private static boolean usual(LocalDateTime t) {
        return t.getYear() >= 0 && t.getYear() <= 9999;
    }

    private static String hex(byte[] b) {
        StringBuilder out = new StringBuilder("x'");
        for (byte x : b) {
            out.append(Character.forDigit(x >> 4 & 15, 16)).append(Character.forDigit(x & 15, 16));
        }
        return out.append('\'').toString();
    }

    /** What a filter says of one of the partition columns alone: the values it lets through; empty when that cannot be told. */
    static Optional<PartitionFilter> partitions(ResolvedExpression e, List<String> partitionKeys) {
        Set<String> values = new TreeSet<>();
        Set<String> names = new TreeSet<>();
        if (!collect(e, partitionKeys, names, values) || names.size() != 1) {
            return Optional.empty();
        }
        return Optional.of(new PartitionFilter(names.iterator().next(), values));
    }

    private static boolean collect(ResolvedExpression e, List<String> keys, Set<String> names, Set<String> values) {
        if (!(e instanceof CallExpression)) {
            return false;
        }
        FunctionDefinition f = ((CallExpression) e).getFunctionDefinition();
        List<ResolvedExpression> args = e.getResolvedChildren();
        if (f == BuiltInFunctionDefinitions.OR) {
            for (ResolvedExpression a : args) {
                if (!collect(a, keys, names, values)) {
                    return false;
                }
            }
            return true;
        }
        boolean in = f == BuiltInFunctionDefinitions.IN;
        if (!in && (f != BuiltInFunctionDefinitions.EQUALS || args.size() != 2)) {
            return false;
        }
        ResolvedExpression column = args.get(0) instanceof FieldReferenceExpression ? args.get(0) : args.get(args.size() - 1);
        for (ResolvedExpression a : args) {
            if (a == column) {
                continue;
            }
            Optional<String> v = a instanceof ValueLiteralExpression && alike(root(a), root(column))
                    ? text((ValueLiteralExpression) a, true)
                    : Optional.empty();
            if (!v.isPresent()) {
                return false;
            }
            values.add(v.get());
        }
        if (!(column instanceof FieldReferenceExpression) || !keys.contains(((FieldReferenceExpression) column).getName())) {
            return false;
        }
        names.add(((FieldReferenceExpression) column).getName());
        return true;
    }
}
