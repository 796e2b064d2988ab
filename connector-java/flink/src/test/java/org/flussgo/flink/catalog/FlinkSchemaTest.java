package org.flussgo.flink.catalog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.api.Schema;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.catalog.Column;
import org.apache.flink.table.catalog.ResolvedSchema;
import org.apache.flink.table.catalog.WatermarkSpec;
import org.apache.flink.table.catalog.exceptions.CatalogException;
import org.flussgo.proto.v1.Field;
import org.junit.jupiter.api.Test;

class FlinkSchemaTest {
    private static final Column ID = Column.physical("id", DataTypes.BIGINT().notNull());
    private static final Column TEXT = Column.physical("text", DataTypes.VARCHAR(10).notNull()).withComment("ten at most");
    private static final Column TS = Column.physical("ts", DataTypes.TIMESTAMP(3));
    private static final Column PTIME =
            Column.computed("ptime", new Sql("PROCTIME()", DataTypes.TIMESTAMP_LTZ(3).notNull())).withComment("now");
    private static final Column NEXT = Column.computed("next", new Sql("`id` + 1", DataTypes.BIGINT().notNull()));
    private static final Column OFF = Column.metadata("off", DataTypes.BIGINT(), "offset", true);
    private static final WatermarkSpec MARK = WatermarkSpec.of("ts", new Sql("`ts` - INTERVAL '5' SECOND", DataTypes.TIMESTAMP(3)));

    private static ResolvedSchema resolved(List<WatermarkSpec> marks, Column... columns) {
        return new ResolvedSchema(List.of(columns), marks, null);
    }

    private static List<Field> stored(Column... columns) {
        List<Field> out = new ArrayList<>();
        for (Column c : columns) {
            out.add(TableConverter.field(c));
        }
        return out;
    }

    private static List<String> names(Schema s) {
        List<String> out = new ArrayList<>();
        s.getColumns().forEach(c -> out.add(c.getName()));
        return out;
    }

    @Test
    void theFormatIsFixed() {
        FlinkSchema s = FlinkSchema.of(resolved(List.of(MARK), PTIME, ID, TEXT, NEXT, TS, OFF));
        assertThat(s.toJson()).isEqualTo("["
                + "{\"kind\":\"computed\",\"name\":\"ptime\",\"expr\":\"PROCTIME()\",\"type\":"
                + "\"TIMESTAMP(3) WITH LOCAL TIME ZONE NOT NULL\",\"comment\":\"now\",\"uses\":[]},"
                + "{\"kind\":\"type\",\"name\":\"text\",\"type\":\"VARCHAR(10) NOT NULL\"},"
                + "{\"kind\":\"computed\",\"name\":\"next\",\"expr\":\"`id` + 1\",\"type\":\"BIGINT NOT NULL\",\"after\":\"text\","
                + "\"uses\":[\"id\"]},"
                + "{\"kind\":\"metadata\",\"name\":\"off\",\"type\":\"BIGINT\",\"key\":\"offset\",\"virtual\":true,\"after\":\"ts\"},"
                + "{\"kind\":\"watermark\",\"rowtime\":\"ts\",\"expr\":\"`ts` - INTERVAL '5' SECOND\",\"uses\":[\"ts\"]}]");
        assertThat(FlinkSchema.parse(s.toJson()).toJson()).isEqualTo(s.toJson());
    }

    @Test
    void theWholeSchemaComesBack() {
        FlinkSchema s = FlinkSchema.parse(FlinkSchema.of(resolved(List.of(MARK), PTIME, ID, TEXT, NEXT, TS, OFF)).toJson());
        Schema got = s.schema("db.t", stored(ID, TEXT, TS), List.of("id"));
        assertThat(got).isEqualTo(Schema.newBuilder()
                .columnByExpression("ptime", "PROCTIME()").withComment("now")
                .column("id", DataTypes.BIGINT().notNull())
                .column("text", DataTypes.VARCHAR(10).notNull()).withComment("ten at most")
                .columnByExpression("next", "`id` + 1")
                .column("ts", DataTypes.TIMESTAMP(3))
                .columnByMetadata("off", DataTypes.BIGINT(), "offset", true)
                .watermark("ts", "`ts` - INTERVAL '5' SECOND")
                .primaryKey("id")
                .build());
    }

    @Test
    void nothingToKeepIsEmpty() {
        assertThat(FlinkSchema.of(resolved(List.of(), ID, TS)).isEmpty()).isTrue();
        assertThat(names(FlinkSchema.parse(null).schema("db.t", stored(ID, TS), List.of()))).containsExactly("id", "ts");
    }

    @Test
    void columnsThatOthersAddDropOrMove() {
        FlinkSchema s = FlinkSchema.of(resolved(List.of(), ID, NEXT, OFF, TEXT, PTIME, TS));
        Column more = Column.physical("more", DataTypes.INT());
        assertThat(s.order(stored(ID, more, TEXT, TS))).containsExactly("id", "next", "off", "more", "text", "ptime", "ts");
        assertThat(s.order(stored(TS, ID, TEXT, more))).containsExactly("ts", "id", "next", "off", "text", "ptime", "more");
        assertThat(s.order(stored(ID, TS))).as("what was after text goes last").containsExactly("id", "next", "off", "ts", "ptime");
        assertThat(names(s.schema("db.t", stored(ID, TS), List.of()))).containsExactly("id", "next", "off", "ts", "ptime");
        Column taken = Column.physical("ptime", DataTypes.INT());
        assertThat(s.order(stored(ID, TEXT, taken))).containsExactly("id", "next", "off", "text", "ptime");
    }

    @Test
    void anExpressionWhoseColumnIsGoneIsAnErrorThatSaysSo() {
        FlinkSchema s = FlinkSchema.of(resolved(List.of(MARK), ID, NEXT, TS));
        assertThatThrownBy(() -> s.schema("db.t", stored(TS), List.of()))
                .isInstanceOf(CatalogException.class)
                .hasMessageContaining("computed column \"next\" of table db.t uses [id]")
                .hasMessageContaining("flink.schema");
        assertThatThrownBy(() -> s.schema("db.t", stored(ID), List.of()))
                .isInstanceOf(CatalogException.class)
                .hasMessageContaining("watermark of \"ts\"");
    }

    @Test
    void namesAreFoundInQuotesOnlyAndNotInText() {
        Column tricky = Column.computed("c", new Sql("CONCAT(`a``b`, 'it''s `id`', `f`(`ts`))", DataTypes.STRING()));
        FlinkSchema s = FlinkSchema.of(resolved(List.of(), ID, TS, Column.physical("a`b", DataTypes.STRING()), tricky));
        assertThat(s.toJson()).contains("\"uses\":[\"a`b\",\"ts\"]");
    }

    @Test
    void aDeclaredTypeThatNoLongerFitsIsPassedOver() {
        FlinkSchema s = FlinkSchema.of(resolved(List.of(), TEXT));
        Field text = stored(TEXT).get(0);
        assertThat(s.declared(text)).isEqualTo(DataTypes.VARCHAR(10).notNull().getLogicalType());
        Field nullable = text.toBuilder().setType(text.getType().toBuilder().setNullable(true)).build();
        assertThat(s.declared(nullable)).isEqualTo(DataTypes.VARCHAR(10).getLogicalType());
        Field other = stored(Column.physical("text", DataTypes.INT())).get(0);
        assertThat(s.declared(other)).isEqualTo(DataTypes.INT().getLogicalType());
    }

    @Test
    void whatCannotBeKept() {
        Column none = Column.computed("c", new Sql(null, DataTypes.INT()));
        assertThatThrownBy(() -> FlinkSchema.of(resolved(List.of(), ID, none)))
                .isInstanceOf(ValidationException.class)
                .hasMessageContaining("\"c\"")
                .hasMessageContaining("SQL text");
        Column wrong = Column.metadata("m", DataTypes.INT(), "partition", true);
        assertThatThrownBy(() -> FlinkSchema.of(resolved(List.of(), ID, wrong)))
                .isInstanceOf(ValidationException.class)
                .hasMessageContaining("'partition'")
                .hasMessageContaining("offset");
    }

    @Test
    void aKindFromTheFutureIsPassedOver() {
        FlinkSchema s = FlinkSchema.parse("[{\"kind\":\"index\",\"columns\":[\"id\"]}]");
        assertThat(names(s.schema("db.t", stored(ID), List.of()))).containsExactly("id");
    }

    @Test
    void damage() {
        for (String bad : List.of("{", "[{}]", "[null]", "[{\"kind\":\"computed\"}]", "[{\"kind\":\"type\",\"name\":\"a\"}]", "{\"a\":1}", "")) {
            assertThatThrownBy(() -> FlinkSchema.parse(bad)).as(bad).isInstanceOf(CatalogException.class).hasMessageContaining("damaged");
        }
    }
}
