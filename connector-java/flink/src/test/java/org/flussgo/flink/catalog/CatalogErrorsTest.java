package org.flussgo.flink.catalog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import org.apache.flink.table.catalog.CatalogPartitionSpec;
import org.apache.flink.table.catalog.ObjectPath;
import org.apache.flink.table.catalog.exceptions.CatalogException;
import org.apache.flink.table.catalog.exceptions.DatabaseAlreadyExistException;
import org.apache.flink.table.catalog.exceptions.DatabaseNotEmptyException;
import org.apache.flink.table.catalog.exceptions.DatabaseNotExistException;
import org.apache.flink.table.catalog.exceptions.PartitionAlreadyExistsException;
import org.apache.flink.table.catalog.exceptions.PartitionNotExistException;
import org.apache.flink.table.catalog.exceptions.TableAlreadyExistException;
import org.apache.flink.table.catalog.exceptions.TableNotExistException;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.flussgo.client.ErrorCode;
import org.flussgo.client.FlussException;
import org.junit.jupiter.api.Test;

/** Every code is one exception of Flink or none, whatever the text says. */
class CatalogErrorsTest {
    private interface Mapping {
        void apply(FlussException e) throws Exception;
    }

    private final CatalogErrors errors = new CatalogErrors("cat");
    private final ObjectPath path = new ObjectPath("db", "t");
    private final CatalogPartitionSpec spec = new CatalogPartitionSpec(Map.of("dt", "2026"));

    private void check(Class<? extends Exception> type, Set<ErrorCode> codes, Mapping mapping) {
        for (ErrorCode code : ErrorCode.values()) {
            FlussException e = new FlussException(code, "table not found, database exists, UNKNOWN_TABLE");
            ThrowingCallable call = () -> mapping.apply(e);
            if (codes.contains(code)) {
                assertThatThrownBy(call).as(code.name()).isInstanceOf(type).hasNoCause().hasSuppressedException(e);
            } else {
                assertThatCode(call).as(code.name()).doesNotThrowAnyException();
            }
        }
    }

    @Test
    void byCode() {
        Set<ErrorCode> noDatabase = EnumSet.of(ErrorCode.UNKNOWN_DATABASE, ErrorCode.INVALID_NAME);
        Set<ErrorCode> noTable = EnumSet.of(ErrorCode.UNKNOWN_DATABASE, ErrorCode.INVALID_NAME, ErrorCode.UNKNOWN_TABLE);
        Set<ErrorCode> noPartition = EnumSet.copyOf(noTable);
        noPartition.add(ErrorCode.UNKNOWN_PARTITION);
        check(DatabaseNotExistException.class, noDatabase, e -> errors.databaseMissing(e, "db"));
        check(DatabaseAlreadyExistException.class, EnumSet.of(ErrorCode.DATABASE_EXISTS), e -> errors.databaseExists(e, "db"));
        check(DatabaseNotEmptyException.class, EnumSet.of(ErrorCode.DATABASE_NOT_EMPTY), e -> errors.databaseNotEmpty(e, "db"));
        check(TableNotExistException.class, noTable, e -> errors.tableMissing(e, path));
        check(TableAlreadyExistException.class, EnumSet.of(ErrorCode.TABLE_EXISTS), e -> errors.tableExists(e, path));
        check(PartitionNotExistException.class, noPartition, e -> errors.partitionMissing(e, path, spec));
        check(PartitionAlreadyExistsException.class, EnumSet.of(ErrorCode.PARTITION_EXISTS), e -> errors.partitionExists(e, path, spec));
    }

    @Test
    void theRestKeepsTheServersSentence() {
        FlussException e = new FlussException(ErrorCode.INVALID_OPTION, "table.log.ttl = -1 is too small");
        CatalogException c = errors.other(e, "create table db.t");
        assertThat(c).hasMessage("catalog cat could not create table db.t: table.log.ttl = -1 is too small").hasNoCause().hasSuppressedException(e);
    }
}
