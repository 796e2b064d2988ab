package org.flussgo.flink.catalog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.api.Schema;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.catalog.CatalogTable;
import org.apache.flink.table.catalog.Column;
import org.apache.flink.table.catalog.ResolvedCatalogTable;
import org.apache.flink.table.catalog.ResolvedSchema;
import org.apache.flink.table.catalog.TableChange;
import org.flussgo.proto.v1.TableDescriptor;
import org.junit.jupiter.api.Test;

class TableChangesTest {
    private static final Column A = Column.physical("a", DataTypes.INT());
    private static final Column B = Column.physical("b", DataTypes.VARCHAR(5));
    private static final Column C = Column.computed("c", new Sql("`a` + 1", DataTypes.INT()));
    private static final Column NEW = Column.physical("n", DataTypes.BIGINT());

    private final TableConverter converter = new TableConverter(Map.of("bootstrap.servers", "x:1"));

    private static ResolvedCatalogTable table(String comment, Column... columns) {
        CatalogTable t = CatalogTable.newBuilder()
                .schema(Schema.newBuilder().build()).comment(comment).partitionKeys(List.of()).options(Map.of()).build();
        return new ResolvedCatalogTable(t, ResolvedSchema.of(columns));
    }

    private List<String> changes(List<TableChange> changes, Column[] before, Column... after) {
        TableDescriptor d = converter.descriptor(table("why", before));
        List<String> out = new ArrayList<>();
        for (org.flussgo.proto.v1.TableChange c : TableChanges.of(d, table("why", after), changes)) {
            out.add(String.join(" ", c.toString().replaceAll("# [^\n]*\n", "").split("\\s+")));
        }
        return out;
    }

    private static Column[] columns(Column... columns) {
        return columns;
    }

    @Test
    void aColumnAfterOneThatTheServerDoesNotKnow() {
        List<String> got = changes(List.of(TableChange.add(NEW, TableChange.ColumnPosition.after("c"))), columns(A, C, B), A, C, NEW, B);
        assertThat(got).hasSize(1);
        assertThat(got.get(0)).startsWith("add_column").contains("name: \"n\"").contains("after: \"a\"");
        got = changes(List.of(TableChange.add(NEW, TableChange.ColumnPosition.after("c"))), columns(C, A, B), C, NEW, A, B);
        assertThat(got).as("the property follows nothing that moved").hasSize(1);
        assertThat(got.get(0)).contains("first: true");
    }

    @Test
    void computedColumnsAreThePropertyOnly() {
        List<String> got = changes(List.of(TableChange.add(C)), columns(A, B), A, B, C);
        assertThat(got).hasSize(1);
        assertThat(got.get(0)).startsWith("set_option").contains("flink.schema").contains("`a` + 1");
        got = changes(List.of(TableChange.dropColumn("c")), columns(A, C), A);
        assertThat(got).containsExactly("reset_option { key: \"flink.schema\" }");
    }

    @Test
    void namesAreFollowedThroughSeveralChanges() {
        Column renamed = Column.physical("z", DataTypes.INT());
        List<String> got = changes(
                List.of(TableChange.modifyColumnName(A, "z"), TableChange.add(NEW, TableChange.ColumnPosition.after("z"))),
                columns(A, B), renamed, NEW, B);
        assertThat(got.get(0)).isEqualTo("rename_column { name: \"a\" new_name: \"z\" }");
        assertThat(got.get(1)).contains("after: \"z\"");
    }

    @Test
    void aLongerTextIsNoChangeForTheServer() {
        Column longer = Column.physical("b", DataTypes.VARCHAR(9));
        List<String> got = changes(
                List.of(TableChange.modifyPhysicalColumnType(B, DataTypes.VARCHAR(9))), columns(A, B), A, longer);
        assertThat(got).hasSize(1);
        assertThat(got.get(0)).startsWith("set_option").contains("VARCHAR(9)");
        assertThatThrownBy(() -> changes(
                        List.of(TableChange.modifyPhysicalColumnType(B, DataTypes.VARCHAR(4))),
                        columns(A, B), A, Column.physical("b", DataTypes.VARCHAR(4))))
                .isInstanceOf(ValidationException.class)
                .hasMessageContaining("may be longer");
    }

    @Test
    void aColumnThatAnExpressionUsesStays() {
        Column renamed = Column.physical("z", DataTypes.INT());
        assertThatThrownBy(() -> changes(List.of(TableChange.modifyColumnName(A, "z")), columns(A, C), renamed, C))
                .isInstanceOf(ValidationException.class)
                .hasMessageContaining("column \"a\" is used by the computed column \"c\"");
        Column c = Column.computed("c", new Sql("`z` + 1", DataTypes.INT()));
        assertThat(changes(List.of(TableChange.modifyColumnName(A, "z")), columns(A, C), renamed, c)).hasSize(2);
    }

    @Test
    void commentsOfTables() {
        TableDescriptor d = converter.descriptor(table("old", A));
        assertThat(TableChanges.of(d, table("old", A), List.of())).isEmpty();
        assertThat(TableChanges.of(d, table("new", A), List.of()).get(0).getSetComment().getComment()).isEqualTo("new");
    }

    @Test
    void whatIsFixed() {
        assertThatThrownBy(() -> changes(List.of(TableChange.dropConstraint("pk")), columns(A), A)).hasMessageContaining("fixed");
        assertThatThrownBy(() -> changes(List.of(TableChange.dropDistribution()), columns(A), A)).hasMessageContaining("fixed");
        Column data = Column.physical("c", DataTypes.INT());
        assertThatThrownBy(() -> changes(List.of(TableChange.modify(C, data, null)), columns(A, C), A, data))
                .hasMessageContaining("drop it");
    }
}
