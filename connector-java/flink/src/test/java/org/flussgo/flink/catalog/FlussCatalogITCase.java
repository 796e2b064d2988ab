package org.flussgo.flink.catalog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.table.catalog.CatalogBaseTable;
import org.apache.flink.table.catalog.CatalogDatabaseImpl;
import org.apache.flink.table.catalog.CatalogPartitionImpl;
import org.apache.flink.table.catalog.CatalogPartitionSpec;
import org.apache.flink.table.catalog.CatalogTable;
import org.apache.flink.table.catalog.ObjectPath;
import org.apache.flink.table.catalog.ResolvedSchema;
import org.apache.flink.table.catalog.exceptions.CatalogException;
import org.apache.flink.table.catalog.exceptions.DatabaseAlreadyExistException;
import org.apache.flink.table.catalog.exceptions.DatabaseNotEmptyException;
import org.apache.flink.table.catalog.exceptions.DatabaseNotExistException;
import org.apache.flink.table.catalog.exceptions.FunctionNotExistException;
import org.apache.flink.table.catalog.exceptions.PartitionAlreadyExistsException;
import org.apache.flink.table.catalog.exceptions.PartitionNotExistException;
import org.apache.flink.table.catalog.exceptions.PartitionSpecInvalidException;
import org.apache.flink.table.catalog.exceptions.ProcedureNotExistException;
import org.apache.flink.table.catalog.exceptions.TableNotExistException;
import org.apache.flink.table.catalog.exceptions.TableNotPartitionedException;
import org.apache.flink.table.catalog.stats.CatalogTableStatistics;
import org.apache.flink.types.Row;
import org.apache.flink.util.CollectionUtil;
import org.flussgo.client.ClientConfig;
import org.flussgo.client.FlussClient;
import org.flussgo.flink.testing.FlussServer;
import org.flussgo.proto.v1.DropColumn;
import org.flussgo.proto.v1.TableChange;
import org.flussgo.proto.v1.TablePath;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The catalog over a server, through SQL and through its methods; each test in a database of its own. */
class FlussCatalogITCase {
    private final String database = "cat_" + UUID.randomUUID().toString().substring(0, 8);
    private TableEnvironment env;
    private FlussCatalog catalog;

    @BeforeEach
    void open() {
        env = TableEnvironment.create(EnvironmentSettings.inStreamingMode());
        sql("CREATE CATALOG f WITH ('type' = 'fluss', 'bootstrap.servers' = '%s', 'client.request-timeout' = '20 s')",
                FlussServer.shared().bootstrap());
        sql("USE CATALOG f");
        sql("CREATE DATABASE %s", database);
        sql("USE %s", database);
        catalog = (FlussCatalog) env.getCatalog("f").orElseThrow();
    }

    @AfterEach
    void drop() throws Exception {
        catalog.dropDatabase(database, true, true);
        catalog.close();
    }

    private void sql(String text, Object... args) {
        env.executeSql(String.format(text, args));
    }

    private List<String> rows(String text) {
        List<String> out = new ArrayList<>();
        for (Row r : CollectionUtil.iteratorToList(env.executeSql(text).collect())) {
            out.add(r.toString());
        }
        return out;
    }

    private ResolvedSchema columns(String table) {
        return env.from("`" + table + "`").getResolvedSchema();
    }

    private List<String> shape(String table) {
        List<String> out = new ArrayList<>();
        for (Row r : CollectionUtil.iteratorToList(env.executeSql("DESCRIBE `" + table + "`").collect())) {
            out.add(r.getField(0) + " " + r.getField(1) + (Boolean.TRUE.equals(r.getField(2)) ? "" : " NOT NULL")
                    + (r.getField(4) == null ? "" : " " + r.getField(4)) + (r.getField(5) == null ? "" : " WATERMARK " + r.getField(5)));
        }
        return out;
    }

    private ObjectPath path(String table) {
        return new ObjectPath(database, table);
    }

    private Map<String, String> options(String table) throws TableNotExistException {
        return catalog.getTable(path(table)).getOptions();
    }

    /** The statement fails, and its innermost cause, which is what the SQL client shows, has all the parts. */
    private void fails(String text, String... parts) {
        assertThatThrownBy(() -> env.executeSql(text)).satisfies(t -> {
            Throwable at = t;
            while (at.getCause() != null) {
                at = at.getCause();
            }
            assertThat(at.getMessage()).contains(parts);
        });
    }

    @Test
    void theTableOfTheQuickstart() throws Exception {
        sql("CREATE TABLE fluss_order (`order_key` BIGINT, `cust_key` INT NOT NULL, `total_price` DECIMAL(15, 2), `order_date` DATE,"
                + " `order_priority` STRING, `clerk` STRING, `ptime` AS PROCTIME(), PRIMARY KEY (`order_key`) NOT ENFORCED)");
        assertThat(shape("fluss_order")).containsExactly(
                "order_key BIGINT NOT NULL",
                "cust_key INT NOT NULL",
                "total_price DECIMAL(15, 2)",
                "order_date DATE",
                "order_priority STRING",
                "clerk STRING",
                "ptime TIMESTAMP_LTZ(3) *PROCTIME* NOT NULL AS PROCTIME()");
        assertThat(env.listTables()).contains("fluss_order");
        assertThat(options("fluss_order"))
                .containsEntry("bootstrap.servers", FlussServer.shared().bootstrap())
                .containsEntry("client.request-timeout", "20 s")
                .containsEntry("bucket.num", "1")
                .containsEntry("bucket.key", "order_key")
                .doesNotContainKey(FlinkSchema.PROPERTY);
    }

    @Test
    void everyTypeComesBackAsItWasDeclared() {
        List<String> types = List.of(
                "BOOLEAN", "TINYINT", "SMALLINT", "INT", "BIGINT", "FLOAT", "DOUBLE", "CHAR(3)", "VARCHAR(10)", "STRING", "BINARY(4)",
                "VARBINARY(7)", "BYTES", "DECIMAL(38, 10)", "DATE", "TIME(0)", "TIMESTAMP(9)", "TIMESTAMP_LTZ(6)", "ARRAY<INT NOT NULL>",
                "ARRAY<VARCHAR(5)>", "MAP<STRING, ROW<`a` INT, `b` VARBINARY(2)>>", "MAP<INT NOT NULL, DATE>",
                "ROW<`x` BIGINT, `y` ARRAY<STRING>>");
        StringBuilder ddl = new StringBuilder("CREATE TABLE types (k INT NOT NULL");
        for (int i = 0; i < types.size(); i++) {
            ddl.append(", c").append(i).append(' ').append(types.get(i));
        }
        sql(ddl + ", PRIMARY KEY (k) NOT ENFORCED)");
        List<String> shape = shape("types");
        for (int i = 0; i < types.size(); i++) {
            assertThat(shape.get(i + 1)).isEqualTo("c" + i + " " + types.get(i));
        }
        fails("CREATE TABLE bad AS SELECT INTERVAL '1' DAY AS span", "\"span\"", "INTERVAL", "BIGINT");
        fails("CREATE TABLE bad (a INT, bag MULTISET<INT>)", "\"bag\"", "MULTISET");
    }

    @Test
    void keysPartitionsBucketsCommentsAndOptions() throws Exception {
        sql("CREATE TABLE t (a INT COMMENT 'first', b STRING, dt STRING, PRIMARY KEY (a, b, dt) NOT ENFORCED) COMMENT 'ours'"
                + " PARTITIONED BY (dt) WITH ('bucket.num' = '3', 'bucket.key' = 'a', 'table.log.ttl' = '1d', 'mine' = 'x',"
                + " 'scan.startup.mode' = 'earliest', 'bootstrap.servers' = 'elsewhere:1')");
        CatalogBaseTable t = catalog.getTable(path("t"));
        assertThat(t.getComment()).isEqualTo("ours");
        assertThat(t.getOptions())
                .containsEntry("bucket.num", "3").containsEntry("bucket.key", "a").containsEntry("table.log.ttl", "1d")
                .containsEntry("mine", "x").containsEntry("scan.startup.mode", "earliest")
                .containsEntry("bootstrap.servers", FlussServer.shared().bootstrap());
        assertThat(columns("t").getPrimaryKey().orElseThrow().getColumns()).containsExactly("a", "b", "dt");
        assertThat(columns("t").getColumn("a").orElseThrow().getComment()).contains("first");
        sql("CREATE TABLE copy LIKE t");
        assertThat(options("copy")).isEqualTo(options("t"));
        sql("CREATE TABLE spread (a INT, b INT) DISTRIBUTED BY HASH(a) INTO 2 BUCKETS");
        assertThat(options("spread")).containsEntry("bucket.num", "2").containsEntry("bucket.key", "a");
    }

    @Test
    void optionsThatThereAreNone() {
        fails("CREATE TABLE t (a INT) WITH ('table.log.tll' = '1d')", "table.log.tll", "table.log.ttl");
        fails("CREATE TABLE t (a INT) WITH ('scan.startup.mod' = 'full')", "did you mean 'scan.startup.mode'");
        fails("CREATE TABLE t (a INT) WITH ('connector' = 'datagen')", "'connector'", "Leave it out");
        fails("CREATE TABLE t (a INT) WITH ('bucket.num' = 'many')", "bucket.num", "whole number");
        fails("CREATE TABLE t (a INT) WITH ('flink.schema' = '[]')", "flink.schema", "ALTER TABLE");
        assertThat(env.listTables()).isEmpty();
    }

    @Test
    void databases() throws Exception {
        String other = database + "_b";
        sql("CREATE DATABASE %s COMMENT 'hello' WITH ('k' = 'v', 'l' = 'w')", other);
        try {
            assertThat(catalog.listDatabases()).contains("fluss", database, other);
            assertThat(catalog.getDatabase(other).getComment()).isEqualTo("hello");
            sql("ALTER DATABASE %s SET ('k' = 'v2', 'm' = 'x')", other);
            assertThat(catalog.getDatabase(other).getProperties()).isEqualTo(Map.of("k", "v2", "l", "w", "m", "x"));
            catalog.alterDatabase(other, new CatalogDatabaseImpl(Map.of("m", "x"), "bye"), false);
            assertThat(catalog.getDatabase(other).getProperties()).isEqualTo(Map.of("m", "x"));
            assertThat(catalog.getDatabase(other).getComment()).isEqualTo("bye");
            sql("CREATE DATABASE IF NOT EXISTS %s", other);
            assertThatThrownBy(() -> catalog.createDatabase(other, new CatalogDatabaseImpl(Map.of(), null), false))
                    .isInstanceOf(DatabaseAlreadyExistException.class);
            sql("CREATE TABLE %s.t (a INT)", other);
            assertThatThrownBy(() -> catalog.dropDatabase(other, false, false)).isInstanceOf(DatabaseNotEmptyException.class);
        } finally {
            catalog.dropDatabase(other, true, true);
        }
        assertThat(catalog.databaseExists(other)).isFalse();
        assertThatThrownBy(() -> catalog.getDatabase(other)).isInstanceOf(DatabaseNotExistException.class);
        assertThatThrownBy(() -> catalog.listTables(other)).isInstanceOf(DatabaseNotExistException.class);
        assertThatThrownBy(() -> catalog.dropDatabase(other, false, false)).isInstanceOf(DatabaseNotExistException.class);
        catalog.alterDatabase(other, new CatalogDatabaseImpl(Map.of(), null), true);
        fails("CREATE TABLE " + other + ".t (a INT)", other);
    }

    @Test
    void tablesThatAreThereAndNot() throws Exception {
        sql("CREATE TABLE t (a INT)");
        sql("CREATE TABLE IF NOT EXISTS t (a INT, b INT)");
        assertThat(shape("t")).containsExactly("a INT");
        fails("CREATE TABLE t (a INT)", "already exist");
        assertThat(catalog.tableExists(path("t"))).isTrue();
        assertThat(catalog.tableExists(path("u"))).isFalse();
        assertThat(catalog.tableExists(path("no such"))).isFalse();
        assertThatThrownBy(() -> catalog.getTable(path("u"))).isInstanceOf(TableNotExistException.class);
        assertThatThrownBy(() -> catalog.dropTable(path("u"), false)).isInstanceOf(TableNotExistException.class);
        sql("DROP TABLE IF EXISTS u");
        fails("ALTER TABLE t RENAME TO u", "cannot be renamed", "INSERT INTO");
        sql("DROP TABLE t");
        sql("CREATE TABLE t (b STRING)");
        assertThat(shape("t")).containsExactly("b STRING");
    }

    @Test
    void columnsAreAddedMovedRenamedWidenedAndDropped() {
        sql("CREATE TABLE t (id BIGINT, n INT, s VARCHAR(5), total AS n * 2, PRIMARY KEY (id) NOT ENFORCED)");
        sql("ALTER TABLE t ADD extra STRING COMMENT 'more'");
        sql("ALTER TABLE t ADD (early DATE FIRST, mid DOUBLE AFTER total, sum2 AS n + 1 AFTER n)");
        assertThat(shape("t")).containsExactly(
                "early DATE", "id BIGINT NOT NULL", "n INT", "sum2 INT AS `n` + 1", "s VARCHAR(5)", "total INT AS `n` * 2",
                "mid DOUBLE", "extra STRING");
        sql("ALTER TABLE t MODIFY (n BIGINT, s VARCHAR(9) COMMENT 'longer', extra STRING AFTER id)");
        assertThat(shape("t")).containsExactly(
                "early DATE", "id BIGINT NOT NULL", "extra STRING", "n BIGINT", "sum2 BIGINT AS `n` + 1", "s VARCHAR(9)",
                "total BIGINT AS `n` * 2", "mid DOUBLE");
        assertThat(columns("t").getColumn("s").orElseThrow().getComment()).contains("longer");
        sql("ALTER TABLE t RENAME s TO text");
        sql("ALTER TABLE t DROP (mid, sum2)");
        assertThat(shape("t")).containsExactly(
                "early DATE", "id BIGINT NOT NULL", "extra STRING", "n BIGINT", "text VARCHAR(9)", "total BIGINT AS `n` * 2");
        sql("ALTER TABLE t MODIFY total AS n * 3 COMMENT 'thrice' FIRST");
        assertThat(shape("t").get(0)).isEqualTo("total BIGINT AS `n` * 3");
        fails("ALTER TABLE t RENAME n TO m", "n");
        fails("ALTER TABLE t DROP n", "n");
        fails("ALTER TABLE t MODIFY n INT", "cannot change", "BIGINT", "INT");
        fails("ALTER TABLE t MODIFY text VARCHAR(3)", "\"text\"", "may be longer");
        fails("ALTER TABLE t ADD must INT NOT NULL", "NOT NULL");
        fails("ALTER TABLE t MODIFY total INT", "\"total\"", "cannot become");
        fails("ALTER TABLE t DROP PRIMARY KEY", "fixed");
        sql("ALTER TABLE t DROP total");
        assertThat(shape("t")).containsExactly("early DATE", "id BIGINT NOT NULL", "extra STRING", "n BIGINT", "text VARCHAR(9)");
    }

    @Test
    void watermarksAndMetadata() {
        sql("CREATE TABLE t (id INT, ts TIMESTAMP(3), off BIGINT METADATA FROM 'offset' VIRTUAL COMMENT 'where', v INT,"
                + " WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)");
        assertThat(shape("t")).containsExactly(
                "id INT", "ts TIMESTAMP(3) *ROWTIME* WATERMARK `ts` - INTERVAL '5' SECOND", "off BIGINT METADATA FROM 'offset' VIRTUAL",
                "v INT");
        sql("ALTER TABLE t MODIFY WATERMARK FOR ts AS ts");
        assertThat(shape("t").get(1)).isEqualTo("ts TIMESTAMP(3) *ROWTIME* WATERMARK `ts`");
        fails("ALTER TABLE t DROP ts", "ts");
        sql("ALTER TABLE t DROP WATERMARK");
        assertThat(shape("t").get(1)).isEqualTo("ts TIMESTAMP(3)");
        sql("ALTER TABLE t ADD WATERMARK FOR ts AS ts - INTERVAL '1' MINUTE");
        sql("ALTER TABLE t ADD more INT AFTER id");
        assertThat(shape("t")).containsExactly(
                "id INT", "more INT", "ts TIMESTAMP(3) *ROWTIME* WATERMARK `ts` - INTERVAL '1' MINUTE",
                "off BIGINT METADATA FROM 'offset' VIRTUAL", "v INT");
        fails("CREATE TABLE u (id INT, o BIGINT METADATA FROM 'ofset' VIRTUAL)", "ofset", "offset");
    }

    @Test
    void optionsAreSetAndReset() throws Exception {
        sql("CREATE TABLE t (a INT) WITH ('mine' = 'x')");
        sql("ALTER TABLE t SET ('table.log.ttl' = '2d', 'mine' = 'y', 'scan.startup.mode' = 'latest')");
        assertThat(options("t")).containsEntry("table.log.ttl", "2d").containsEntry("mine", "y").containsEntry("scan.startup.mode", "latest");
        sql("ALTER TABLE t RESET ('table.log.ttl', 'mine')");
        assertThat(options("t")).doesNotContainKeys("table.log.ttl", "mine");
        fails("ALTER TABLE t SET ('bucket.num' = '5')", "bucket.num", "fixed");
        fails("ALTER TABLE t SET ('bootstrap.servers' = 'x:1')", "bootstrap.servers", "fixed");
        fails("ALTER TABLE t SET ('sink.ignore-deletes' = 'true')", "sink.ignore-delete");
        fails("ALTER TABLE t SET ('table.merge-engine' = 'FIRST_ROW')", "table.merge-engine", "fixed");
        fails("ALTER TABLE t RESET ('flink.schema')", "flink.schema");
    }

    @Test
    void partitions() throws Exception {
        sql("CREATE TABLE t (a INT, dt STRING, r STRING) PARTITIONED BY (dt, r)");
        sql("ALTER TABLE t ADD PARTITION (dt = '2026', r = 'eu') PARTITION (dt = '2026', r = 'us')");
        sql("ALTER TABLE t ADD IF NOT EXISTS PARTITION (dt = '2026', r = 'eu')");
        assertThat(rows("SHOW PARTITIONS t")).containsExactly("+I[dt=2026/r=eu]", "+I[dt=2026/r=us]");
        assertThat(rows("SHOW PARTITIONS t PARTITION (r = 'us')")).containsExactly("+I[dt=2026/r=us]");
        CatalogPartitionSpec eu = new CatalogPartitionSpec(Map.of("dt", "2026", "r", "eu"));
        assertThat(catalog.partitionExists(path("t"), eu)).isTrue();
        assertThat(catalog.getPartition(path("t"), eu)).isNotNull();
        CatalogPartitionSpec half = new CatalogPartitionSpec(Map.of("dt", "2026"));
        assertThat(catalog.partitionExists(path("t"), half)).isFalse();
        CatalogPartitionImpl empty = new CatalogPartitionImpl(Map.of(), null);
        assertThatThrownBy(() -> catalog.createPartition(path("t"), eu, empty, false)).isInstanceOf(PartitionAlreadyExistsException.class);
        assertThatThrownBy(() -> catalog.createPartition(path("t"), half, empty, false)).isInstanceOf(PartitionSpecInvalidException.class);
        assertThatThrownBy(() -> catalog.createPartition(path("u"), eu, empty, false)).isInstanceOf(TableNotExistException.class);
        assertThatThrownBy(() -> catalog.createPartition(
                        path("t"), new CatalogPartitionSpec(Map.of("dt", "a b", "r", "x")), empty, false))
                .isInstanceOf(CatalogException.class).hasMessageContaining("a b");
        assertThatThrownBy(() -> catalog.listPartitions(path("t"), new CatalogPartitionSpec(Map.of("x", "1"))))
                .isInstanceOf(PartitionSpecInvalidException.class);
        assertThat(catalog.listPartitions(path("t$changelog"))).hasSize(2);
        assertThat(catalog.getPartitionStatistics(path("t"), eu).getRowCount()).isZero();
        assertThat(catalog.bulkGetPartitionStatistics(path("t$changelog"), List.of(eu))).containsExactly(CatalogTableStatistics.UNKNOWN);
        sql("ALTER TABLE t DROP PARTITION (dt = '2026', r = 'eu')");
        assertThatThrownBy(() -> catalog.dropPartition(path("t"), eu, false)).isInstanceOf(PartitionNotExistException.class);
        catalog.dropPartition(path("t"), eu, true);
        assertThatThrownBy(() -> catalog.getPartition(path("t"), eu)).isInstanceOf(PartitionNotExistException.class);
        sql("CREATE TABLE whole (a INT)");
        assertThatThrownBy(() -> catalog.listPartitions(path("whole"))).isInstanceOf(TableNotPartitionedException.class);
    }

    @Test
    void virtualTables() throws Exception {
        sql("CREATE TABLE t (a INT, dt STRING, v VARCHAR(4), twice AS a * 2, PRIMARY KEY (a, dt) NOT ENFORCED) PARTITIONED BY (dt)");
        sql("CREATE TABLE log (a INT)");
        assertThat(shape("t$changelog")).containsExactly(
                "_change_type STRING NOT NULL", "_log_offset BIGINT NOT NULL", "_commit_timestamp TIMESTAMP_LTZ(3) NOT NULL",
                "a INT NOT NULL", "dt STRING NOT NULL", "v VARCHAR(4)");
        assertThat(columns("t$changelog").getPrimaryKey()).isEmpty();
        assertThat(((CatalogTable) catalog.getTable(path("t$changelog"))).getPartitionKeys())
                .containsExactly("dt");
        assertThat(shape("t$binlog").subList(3, 5)).containsExactly(
                "before ROW<`a` INT, `dt` STRING, `v` VARCHAR(4)>",
                "after ROW<`a` INT, `dt` STRING, `v` VARCHAR(4)>");
        assertThat(catalog.tableExists(path("t$changelog"))).isTrue();
        assertThat(catalog.tableExists(path("t$nothing"))).isFalse();
        assertThat(catalog.tableExists(path("u$changelog"))).isFalse();
        assertThatThrownBy(() -> catalog.getTable(path("log$binlog"))).isInstanceOf(CatalogException.class)
                .hasMessageContaining("only primary-key tables");
        assertThatThrownBy(() -> catalog.getTable(path("t$lake"))).isInstanceOf(CatalogException.class)
                .hasMessageContaining("not in this release");
        assertThatThrownBy(() -> catalog.getTable(path("t$nothing"))).isInstanceOf(TableNotExistException.class);
        fails("DROP TABLE `t$changelog`", "views of the table t");
        fails("ALTER TABLE `t$changelog` SET ('a' = 'b')", "views of the table t");
    }

    @Test
    void aTableFromAQueryAndColumnsThatCameLater() throws Exception {
        TableEnvironment batch = TableEnvironment.create(EnvironmentSettings.inBatchMode());
        batch.registerCatalog("f", catalog);
        batch.useCatalog("f");
        batch.useDatabase(database);
        batch.executeSql("CREATE TABLE made AS SELECT * FROM (VALUES (1, CAST('abc' AS VARCHAR(4)), MAP['k', 1])) AS v (a, s, m)").await();
        env = batch;
        assertThat(shape("made").get(1)).startsWith("s VARCHAR(4)");
        sql("ALTER TABLE made ADD twice AS a * 2");
        sql("ALTER TABLE made ADD late STRING AFTER a");
        batch.executeSql("INSERT INTO made VALUES (2, 'x', 'defg', MAP['l', 2])").await();
        assertThat(rows("SELECT * FROM made")).containsExactlyInAnyOrder("+I[1, null, abc, {k=1}, 2]", "+I[2, x, defg, {l=2}, 4]");
        assertThat(catalog.getTableStatistics(path("made")).getRowCount()).isEqualTo(2);
        assertThat(rows("SELECT _change_type, _log_offset, a, late FROM `made$changelog`"))
                .containsExactlyInAnyOrder("+I[insert, 0, 1, null]", "+I[insert, 1, 2, x]");
    }

    @Test
    void whatAnotherClientChangesIsSeen() throws Exception {
        sql("CREATE TABLE t (a INT, b INT, c AS a + 1, v VARCHAR(3))");
        try (FlussClient other = FlussClient.connect(ClientConfig.of(FlussServer.shared().bootstrap()))) {
            TablePath at = TablePath.newBuilder().setDatabase(database).setTable("t").build();
            other.admin().alterTable(at, List.of(drop("b")), 0, false);
            assertThat(shape("t")).containsExactly("a INT", "v VARCHAR(3)", "c INT AS `a` + 1");
            other.admin().alterTable(at, List.of(drop("a")), 0, false);
            assertThatThrownBy(() -> catalog.getTable(path("t"))).isInstanceOf(CatalogException.class)
                    .hasMessageContaining("\"c\"").hasMessageContaining("[a]");
        }
    }

    private static TableChange drop(String column) {
        return TableChange.newBuilder().setDropColumn(DropColumn.newBuilder().setName(column)).build();
    }

    @Test
    void procedures() {
        sql("CREATE TABLE t (a INT) WITH ('bucket.num' = '2')");
        assertThat(rows("SHOW PROCEDURES IN sys")).containsExactly("+I[cluster_info]", "+I[count_rows]", "+I[list_offsets]");
        assertThat(rows("CALL sys.cluster_info()")).hasSize(1);
        assertThat(rows("CALL sys.count_rows(`table` => '" + database + ".t')")).containsExactly("+I[0]");
        assertThat(rows("CALL SYS.COUNT_ROWS('" + database + ".t')")).containsExactly("+I[0]");
        assertThat(rows("CALL sys.list_offsets(`table` => '" + database + ".t')"))
                .containsExactly("+I[null, 0, 0, 0, 0]", "+I[null, 1, 0, 0, 0]");
        assertThat(rows("CALL sys.list_offsets(`table` => '" + database + ".t', spec => 'earliest')")).hasSize(2);
        fails("CALL sys.list_offsets(`table` => '" + database + ".t', spec => 'soon')", "soon", "earliest");
        fails("CALL sys.count_rows(`table` => '" + database + ".u')", "u");
        assertThatThrownBy(() -> catalog.getProcedure(new ObjectPath("sys", "nothing"))).isInstanceOf(ProcedureNotExistException.class);
        assertThatThrownBy(() -> catalog.listProcedures("nothing")).isInstanceOf(DatabaseNotExistException.class);
    }

    @Test
    void viewsAndFunctionsLiveElsewhere() throws Exception {
        sql("CREATE TABLE t (a INT)");
        assertThat(catalog.listViews(database)).isEmpty();
        assertThat(catalog.listFunctions(database)).isEmpty();
        assertThat(catalog.functionExists(path("f"))).isFalse();
        assertThatThrownBy(() -> catalog.getFunction(path("f"))).isInstanceOf(FunctionNotExistException.class);
        fails("CREATE VIEW v AS SELECT 1 AS a", "tables only");
        assertThat(catalog.getTableStatistics(path("t")).getRowCount()).isZero();
        assertThat(catalog.getTableStatistics(path("t$changelog"))).isEqualTo(CatalogTableStatistics.UNKNOWN);
        assertThatThrownBy(() -> catalog.getTableStatistics(path("u"))).isInstanceOf(TableNotExistException.class);
    }

    @Test
    void catalogsThatCannotOpen() {
        fails("CREATE CATALOG g WITH ('type' = 'fluss', 'bootstrap.servers' = '" + FlussServer.shared().bootstrap()
                + "', 'default-database' = 'nowhere')", "nowhere", "does not exist", "default-database");
        fails("CREATE CATALOG g WITH ('type' = 'fluss', 'bootstrap.servers' = '127.0.0.1:1', 'client.request-timeout' = '1 s')",
                "127.0.0.1:1", "is it running");
        fails("CREATE CATALOG g WITH ('type' = 'fluss', 'bootstrap.servers' = 'x:y')", "x:y", "host:port");
        fails("CREATE CATALOG g WITH ('type' = 'fluss')", "bootstrap.servers");
        fails("CREATE CATALOG g WITH ('type' = 'fluss', 'bootstrap.servers' = 'x', 'bootstrap.server' = 'y')", "bootstrap.server");
        sql("CREATE CATALOG h WITH ('type' = 'fluss-go', 'bootstrap.servers' = '%s')", FlussServer.shared().bootstrap());
        assertThat(env.getCatalog("h").orElseThrow()).isInstanceOf(FlussCatalog.class);
    }
}
