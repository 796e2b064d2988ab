package org.flussgo.flink.sink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.catalog.Column;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.sink.DynamicTableSink;
import org.apache.flink.table.connector.sink.abilities.SupportsRowLevelUpdate.RowLevelUpdateInfo;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.types.RowKind;
import org.flussgo.flink.Connection;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FlussTableSinkTest {
    private static final Connection HERE = new Connection("localhost:1", Duration.ofSeconds(1), Duration.ofSeconds(1), "d", "t");
    /** k, a computed one, a, n NOT NULL, id. */
    private static final List<Column> COLUMNS = List.of(
            Column.physical("k", DataTypes.INT().notNull()),
            Column.computed("c", new org.apache.flink.table.expressions.ValueLiteralExpression(1)),
            Column.physical("a", DataTypes.STRING()),
            Column.physical("n", DataTypes.INT().notNull()),
            Column.physical("id", DataTypes.BIGINT()));

    private static final RowType TYPE = (RowType) DataTypes.ROW(
                    DataTypes.FIELD("k", DataTypes.INT().notNull()),
                    DataTypes.FIELD("a", DataTypes.STRING()),
                    DataTypes.FIELD("n", DataTypes.INT().notNull()),
                    DataTypes.FIELD("id", DataTypes.BIGINT()))
            .getLogicalType();

    private static SinkSpec spec(boolean keyed) {
        return new SinkSpec(HERE, TYPE, keyed ? List.of("k") : List.of(), List.of(), keyed ? List.of("k") : List.of(), 4);
    }

    private static SinkSpec ignoring(SinkSpec spec) {
        return spec.withOptions(Configuration.fromMap(Map.of("sink.ignore-delete", "true")));
    }

    private static FlussTableSink sink(SinkSpec spec) {
        return new FlussTableSink(spec, COLUMNS);
    }

    @Test
    void acceptsTheChangesThatItsTableTakes() {
        ChangelogMode insert = ChangelogMode.insertOnly();
        ChangelogMode upsert = ChangelogMode.upsert();
        ChangelogMode all = ChangelogMode.all();
        ChangelogMode noDelete = ChangelogMode.newBuilder()
                .addContainedKind(RowKind.INSERT)
                .addContainedKind(RowKind.UPDATE_BEFORE)
                .addContainedKind(RowKind.UPDATE_AFTER)
                .build();
        FlussTableSink log = sink(spec(false));
        for (ChangelogMode m : List.of(insert, upsert, all, noDelete)) {
            assertThat(log.getChangelogMode(m)).isEqualTo(insert);
        }
        for (SinkSpec s : List.of(spec(true), ignoring(spec(true)), ignoring(spec(false)))) {
            FlussTableSink sink = sink(s);
            assertThat(kinds(sink.getChangelogMode(insert))).containsExactlyInAnyOrder(RowKind.INSERT);
            assertThat(kinds(sink.getChangelogMode(upsert))).containsExactlyInAnyOrder(RowKind.INSERT, RowKind.UPDATE_AFTER, RowKind.DELETE);
            assertThat(kinds(sink.getChangelogMode(all))).containsExactlyInAnyOrder(RowKind.INSERT, RowKind.UPDATE_AFTER, RowKind.DELETE);
            assertThat(kinds(sink.getChangelogMode(noDelete))).containsExactlyInAnyOrder(RowKind.INSERT, RowKind.UPDATE_AFTER);
        }
    }

    private static java.util.Set<RowKind> kinds(ChangelogMode m) {
        return m.getContainedKinds();
    }

    /** The target columns for a list of columns, by position among the declared ones; null: whole rows. */
    private static List<String> targets(FlussTableSink sink, Integer... positions) {
        int[][] paths = new int[positions.length][];
        for (int i = 0; i < paths.length; i++) {
            paths[i] = new int[] {positions[i]};
        }
        return sink.targeted(paths).targets;
    }

    @Test
    void aListOfColumnsIsAPartialUpdate() {
        FlussTableSink sink = sink(spec(true));
        assertThat(targets(sink)).isNull();
        assertThat(targets(sink, 0, 2, 3, 4)).isNull();
        assertThat(targets(sink, 4, 3, 2, 0)).isNull();
        assertThat(targets(sink, 3, 0)).containsExactly("k", "n");
        assertThat(targets(sink, 0, 2, 3)).containsExactly("k", "a", "n");
        assertThatThrownBy(() -> targets(sink, 2, 3)).isInstanceOf(ValidationException.class).hasMessageContaining("[k] of the primary key [k]");
        assertThat(targets(sink(spec(false)), 2)).isNull();
    }

    @Test
    void theColumnThatTheServerNumbersIsLeftOut() {
        FlussTableSink sink = sink(spec(true).withAutoIncrement(" id "));
        assertThat(targets(sink, 0, 2, 3)).isNull();
        assertThat(targets(sink, 0, 3)).containsExactly("k", "n");
        assertThatThrownBy(() -> targets(sink, 0, 2, 3, 4)).hasMessageContaining("id, which the server numbers");
    }

    @Test
    void valuesOfPartitionsCountAsNamed() {
        FlussTableSink sink = sink(spec(true));
        sink.applyStaticPartition(Map.of("k", "1"));
        assertThat(targets((FlussTableSink) sink.copy(), 3)).containsExactly("k", "n");
    }

    @ParameterizedTest
    @CsvSource({"first_row, true", "FIRST_ROW, true", "versioned, true", "aggregation, false", "none, false", "'', false"})
    void someMergeEnginesTakeWholeRowsOnly(String engine, boolean whole) {
        FlussTableSink sink = sink(spec(true).withEngine(engine, ""));
        assertThat(targets(sink, 0, 2, 3, 4)).isNull();
        if (whole) {
            assertThatThrownBy(() -> targets(sink, 0, 3)).hasMessageContaining("whole rows").hasMessageContaining("[a, id]");
        } else {
            assertThat(targets(sink, 0, 3)).hasSize(2);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "'', '', true",
        "none, '', true",
        "'', allow, true",
        "'', IGNORE, false",
        "'', disable, false",
        "aggregation, '', false",
        "aggregation, ALLOW, true",
        "first_row, '', false",
        "versioned, '', false",
    })
    void deletesAreRefusedWhereTheyDoNothing(String engine, String behavior, boolean done) {
        FlussTableSink sink = sink(spec(true).withEngine(engine, behavior));
        if (done) {
            assertThat(sink.applyDeleteFilters(List.of())).isFalse();
            assertThat(sink.applyRowLevelDelete(null).requiredColumns().orElseThrow()).containsExactly(COLUMNS.get(0));
        } else {
            assertThatThrownBy(() -> sink.applyDeleteFilters(List.of())).isInstanceOf(ValidationException.class);
            assertThatThrownBy(() -> sink.applyRowLevelDelete(null)).isInstanceOf(ValidationException.class);
        }
    }

    @Test
    void updatesWriteTheKeyWhatTheySetAndWhatIsNotNull() {
        FlussTableSink sink = sink(spec(true).withAutoIncrement("id"));
        RowLevelUpdateInfo info = sink.applyRowLevelUpdate(List.of(COLUMNS.get(2)), null);
        assertThat(info.requiredColumns()).isEqualTo(Optional.of(List.of(COLUMNS.get(0), COLUMNS.get(2), COLUMNS.get(3))));
        assertThat(info.getRowLevelUpdateMode().name()).isEqualTo("UPDATED_ROWS");

        assertThatThrownBy(() -> sink(spec(true)).applyRowLevelUpdate(List.of(COLUMNS.get(0)), null)).hasMessageContaining("primary key");
        assertThatThrownBy(() -> sink(spec(true).withAutoIncrement("id")).applyRowLevelUpdate(List.of(COLUMNS.get(4)), null))
                .hasMessageContaining("keeps its number");
        assertThatThrownBy(() -> sink(spec(false)).applyRowLevelUpdate(List.of(COLUMNS.get(2)), null)).hasMessageContaining("log table");
        assertThatThrownBy(() -> sink(spec(true).withEngine("versioned", "")).applyRowLevelUpdate(List.of(COLUMNS.get(2)), null))
                .hasMessageContaining("merge engine");
    }

    @Test
    void overwriteAndTruncateAreRefusedInWords() {
        sink(spec(true)).applyOverwrite(false);
        assertThatThrownBy(() -> sink(spec(true)).applyOverwrite(true)).hasMessageContaining("DELETE FROM d.t");
        assertThatThrownBy(() -> sink(spec(false)).applyOverwrite(true)).hasMessageContaining("rows of a log stay");
        assertThatThrownBy(() -> sink(spec(true)).executeTruncation()).hasMessageContaining("DELETE FROM d.t deletes all rows");
    }

    @Test
    void copiesKeepWhatWasApplied() {
        FlussTableSink sink = sink(spec(true));
        sink.applyRowLevelUpdate(List.of(COLUMNS.get(2)), null);
        DynamicTableSink copy = sink.copy();
        assertThat(copy).usingRecursiveComparison().isEqualTo(sink);
    }
}
