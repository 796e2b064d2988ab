package org.flussgo.flink.catalog;

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
import org.flussgo.client.ErrorCode;
import org.flussgo.client.FlussException;

/**
 * The errors of the server as those that Flink's catalogs throw, by their codes. Each method throws if the error is its own, and returns
 * otherwise; {@link #other} is for the rest.
 */
final class CatalogErrors {
    private final String catalog;

    CatalogErrors(String catalog) {
        this.catalog = catalog;
    }

    /** Whether the error says that there is no such database. A name that no database can have is one that none has. */
    static boolean noDatabase(FlussException e) {
        return e.code() == ErrorCode.UNKNOWN_DATABASE || e.code() == ErrorCode.INVALID_NAME;
    }

    /** Whether the error says that there is no such table, or not even its database. */
    static boolean noTable(FlussException e) {
        return e.code() == ErrorCode.UNKNOWN_TABLE || noDatabase(e);
    }

    void databaseMissing(FlussException e, String database) throws DatabaseNotExistException {
        if (noDatabase(e)) {
            throw because(new DatabaseNotExistException(catalog, database), e);
        }
    }

    void databaseExists(FlussException e, String database) throws DatabaseAlreadyExistException {
        if (e.code() == ErrorCode.DATABASE_EXISTS) {
            throw because(new DatabaseAlreadyExistException(catalog, database), e);
        }
    }

    void databaseNotEmpty(FlussException e, String database) throws DatabaseNotEmptyException {
        if (e.code() == ErrorCode.DATABASE_NOT_EMPTY) {
            throw because(new DatabaseNotEmptyException(catalog, database), e);
        }
    }

    void tableMissing(FlussException e, ObjectPath path) throws TableNotExistException {
        if (noTable(e)) {
            throw because(new TableNotExistException(catalog, path), e);
        }
    }

    void tableExists(FlussException e, ObjectPath path) throws TableAlreadyExistException {
        if (e.code() == ErrorCode.TABLE_EXISTS) {
            throw because(new TableAlreadyExistException(catalog, path), e);
        }
    }

    void partitionExists(FlussException e, ObjectPath path, CatalogPartitionSpec spec) throws PartitionAlreadyExistsException {
        if (e.code() == ErrorCode.PARTITION_EXISTS) {
            throw because(new PartitionAlreadyExistsException(catalog, path, spec), e);
        }
    }

    void partitionMissing(FlussException e, ObjectPath path, CatalogPartitionSpec spec) throws PartitionNotExistException {
        if (e.code() == ErrorCode.UNKNOWN_PARTITION || noTable(e)) {
            throw because(new PartitionNotExistException(catalog, path, spec), e);
        }
    }

    /** Any other error, with the server's sentence after what was tried. */
    CatalogException other(FlussException e, String tried) {
        return because(new CatalogException("catalog " + catalog + " could not " + tried + ": " + e.plainMessage()), e);
    }

    /**
     * The error with what it came from, suppressed and not as its cause: people are shown the innermost cause, and ours says more than
     * "Connection refused".
     */
    static <X extends Throwable> X because(X error, Throwable from) {
        error.addSuppressed(from);
        return error;
    }
}
