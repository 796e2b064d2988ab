package org.flussgo.flink.catalog;

import java.util.ArrayList;
import java.util.List;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.types.logical.ArrayType;
import org.apache.flink.table.types.logical.BigIntType;
import org.apache.flink.table.types.logical.BinaryType;
import org.apache.flink.table.types.logical.BooleanType;
import org.apache.flink.table.types.logical.CharType;
import org.apache.flink.table.types.logical.DateType;
import org.apache.flink.table.types.logical.DecimalType;
import org.apache.flink.table.types.logical.DoubleType;
import org.apache.flink.table.types.logical.FloatType;
import org.apache.flink.table.types.logical.IntType;
import org.apache.flink.table.types.logical.LocalZonedTimestampType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.LogicalTypeRoot;
import org.apache.flink.table.types.logical.MapType;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.table.types.logical.SmallIntType;
import org.apache.flink.table.types.logical.TimeType;
import org.apache.flink.table.types.logical.TimestampType;
import org.apache.flink.table.types.logical.TinyIntType;
import org.apache.flink.table.types.logical.VarBinaryType;
import org.apache.flink.table.types.logical.VarCharType;
import org.apache.flink.table.types.utils.TypeConversions;
import org.flussgo.proto.v1.DataType;
import org.flussgo.proto.v1.Field;
import org.flussgo.proto.v1.TypeKind;

/**
 * The types of the server as those of Flink, and back.
 *
 * <p>Two things differ. VARCHAR(n) and VARBINARY(n) are STRING and BYTES on the server, which keeps no length of them; {@link FlinkSchema}
 * remembers what was declared. The keys of a MAP are NOT NULL on the server and nullable here, as Flink declares them: INSERT would refuse
 * {@code MAP['a', 1]} otherwise.
 */
public final class TypeConverter {
    private static final String ELEMENT = "element";
    private static final String KEY = "key";
    private static final String VALUE = "value";

    private TypeConverter() {}

    /**
     * The type of Flink for one of the server.
     *
     * @throws ValidationException for a kind that this connector is too old to know
     */
    public static LogicalType toFlink(DataType t) {
        boolean nullable = t.getNullable();
        switch (t.getKind()) {
            case TYPE_KIND_BOOLEAN:
                return new BooleanType(nullable);
            case TYPE_KIND_TINYINT:
                return new TinyIntType(nullable);
            case TYPE_KIND_SMALLINT:
                return new SmallIntType(nullable);
            case TYPE_KIND_INT:
                return new IntType(nullable);
            case TYPE_KIND_BIGINT:
                return new BigIntType(nullable);
            case TYPE_KIND_FLOAT:
                return new FloatType(nullable);
            case TYPE_KIND_DOUBLE:
                return new DoubleType(nullable);
            case TYPE_KIND_CHAR:
                return new CharType(nullable, t.getLength());
            case TYPE_KIND_STRING:
                return new VarCharType(nullable, VarCharType.MAX_LENGTH);
            case TYPE_KIND_DECIMAL:
                return new DecimalType(nullable, t.getPrecision(), t.getScale());
            case TYPE_KIND_DATE:
                return new DateType(nullable);
            case TYPE_KIND_TIME:
                return new TimeType(nullable, t.getPrecision());
            case TYPE_KIND_TIMESTAMP:
                return new TimestampType(nullable, t.getPrecision());
            case TYPE_KIND_TIMESTAMP_LTZ:
                return new LocalZonedTimestampType(nullable, t.getPrecision());
            case TYPE_KIND_BINARY:
                return new BinaryType(nullable, t.getLength());
            case TYPE_KIND_BYTES:
                return new VarBinaryType(nullable, VarBinaryType.MAX_LENGTH);
            case TYPE_KIND_ARRAY:
                return new ArrayType(nullable, toFlink(t.getFields(0).getType()));
            case TYPE_KIND_MAP:
                return new MapType(nullable, toFlink(t.getFields(0).getType()).copy(true), toFlink(t.getFields(1).getType()));
            case TYPE_KIND_ROW:
                return rowType(nullable, t.getFieldsList());
            default:
                throw new ValidationException("the server has a type (kind " + t.getKindValue()
                        + ") that this connector does not know; use a newer connector");
        }
    }

    /** {@link #toFlink} with the conversion class that Flink takes by default. */
    public static org.apache.flink.table.types.DataType toFlinkDataType(DataType t) {
        return TypeConversions.fromLogicalToDataType(toFlink(t));
    }

    /** The columns as one NOT NULL row. */
    public static RowType rowType(List<Field> fields) {
        return rowType(false, fields);
    }

    private static RowType rowType(boolean nullable, List<Field> fields) {
        List<RowType.RowField> out = new ArrayList<>();
        for (Field f : fields) {
            String comment = f.getComment().isEmpty() ? null : f.getComment();
            out.add(new RowType.RowField(f.getName(), toFlink(f.getType()), comment));
        }
        return new RowType(nullable, out);
    }

    /**
     * The type of the server for one of Flink.
     *
     * @throws ValidationException for a type that tables do not have
     */
    public static DataType fromFlink(LogicalType t) {
        return convert("a column", t);
    }

    /**
     * {@link #fromFlink(LogicalType)}, with the name of the column for the message.
     *
     * @throws ValidationException for a type that tables do not have
     */
    public static DataType fromFlink(String column, LogicalType t) {
        return convert("column \"" + column + "\"", t);
    }

    private static DataType convert(String where, LogicalType t) {
        DataType.Builder b = DataType.newBuilder().setNullable(t.isNullable());
        switch (t.getTypeRoot()) {
            case CHAR:
                return b.setKind(TypeKind.TYPE_KIND_CHAR).setLength(((CharType) t).getLength()).build();
            case BINARY:
                return b.setKind(TypeKind.TYPE_KIND_BINARY).setLength(((BinaryType) t).getLength()).build();
            case DECIMAL:
                DecimalType d = (DecimalType) t;
                return b.setKind(TypeKind.TYPE_KIND_DECIMAL).setPrecision(d.getPrecision()).setScale(d.getScale()).build();
            case TIME_WITHOUT_TIME_ZONE:
                return b.setKind(TypeKind.TYPE_KIND_TIME).setPrecision(((TimeType) t).getPrecision()).build();
            case TIMESTAMP_WITHOUT_TIME_ZONE:
                return b.setKind(TypeKind.TYPE_KIND_TIMESTAMP).setPrecision(((TimestampType) t).getPrecision()).build();
            case TIMESTAMP_WITH_LOCAL_TIME_ZONE:
                return b.setKind(TypeKind.TYPE_KIND_TIMESTAMP_LTZ).setPrecision(((LocalZonedTimestampType) t).getPrecision()).build();
            case ARRAY:
                return b.setKind(TypeKind.TYPE_KIND_ARRAY).addFields(field(ELEMENT, where, ((ArrayType) t).getElementType())).build();
            case MAP:
                MapType m = (MapType) t;
                return b.setKind(TypeKind.TYPE_KIND_MAP)
                        .addFields(field(KEY, where, m.getKeyType().copy(false)))
                        .addFields(field(VALUE, where, m.getValueType()))
                        .build();
            case ROW:
                b.setKind(TypeKind.TYPE_KIND_ROW);
                for (RowType.RowField f : ((RowType) t).getFields()) {
                    b.addFields(field(f.getName(), where, f.getType()).toBuilder().setComment(f.getDescription().orElse("")));
                }
                return b.build();
            default:
                return b.setKind(plain(where, t)).build();
        }
    }

    private static Field field(String name, String where, LogicalType t) {
        return Field.newBuilder().setName(name).setType(convert(where, t)).build();
    }

    /** The kind of a type without parameters. */
    private static TypeKind plain(String where, LogicalType t) {
        switch (t.getTypeRoot()) {
            case BOOLEAN:
                return TypeKind.TYPE_KIND_BOOLEAN;
            case TINYINT:
                return TypeKind.TYPE_KIND_TINYINT;
            case SMALLINT:
                return TypeKind.TYPE_KIND_SMALLINT;
            case INTEGER:
                return TypeKind.TYPE_KIND_INT;
            case BIGINT:
                return TypeKind.TYPE_KIND_BIGINT;
            case FLOAT:
                return TypeKind.TYPE_KIND_FLOAT;
            case DOUBLE:
                return TypeKind.TYPE_KIND_DOUBLE;
            case VARCHAR:
                return TypeKind.TYPE_KIND_STRING;
            case VARBINARY:
                return TypeKind.TYPE_KIND_BYTES;
            case DATE:
                return TypeKind.TYPE_KIND_DATE;
            default:
                throw new ValidationException(where + " has the type " + t.asSummaryString() + ", which tables of Fluss do not have; "
                        + instead(t.getTypeRoot()));
        }
    }

    private static String instead(LogicalTypeRoot root) {
        switch (root) {
            case TIMESTAMP_WITH_TIME_ZONE:
                return "TIMESTAMP_LTZ keeps the moment without the zone";
            case INTERVAL_DAY_TIME:
            case INTERVAL_YEAR_MONTH:
                return "store the interval as a BIGINT";
            case MULTISET:
                return "MAP<element, INT> says the same";
            case NULL:
                return "give it one: CAST(NULL AS STRING)";
            case STRUCTURED_TYPE:
            case DISTINCT_TYPE:
                return "use ROW<…>";
            default:
                return "cast it to one of those: scalars, ARRAY, MAP, ROW";
        }
    }
}
