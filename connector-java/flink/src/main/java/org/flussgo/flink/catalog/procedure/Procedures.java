package org.flussgo.flink.catalog.procedure;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Supplier;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.catalog.exceptions.CatalogException;
import org.apache.flink.table.procedures.Procedure;
import org.flussgo.client.FlussClient;
import org.flussgo.client.FlussException;
import org.flussgo.proto.v1.TablePath;

/** The procedures of a catalog, which are called as if they were in a database named {@code sys}. */
public final class Procedures {
    /** The database in whose name they are called. */
    public static final String DATABASE = "sys";

    private static final String CLUSTER_INFO = "cluster_info";
    private static final String COUNT_ROWS = "count_rows";
    private static final String LIST_OFFSETS = "list_offsets";

    private Procedures() {}

    /** Their names, ascending. */
    public static List<String> names() {
        return List.of(CLUSTER_INFO, COUNT_ROWS, LIST_OFFSETS);
    }

    /**
     * The procedure of a name in any case, if there is one.
     *
     * @param client what it calls
     * @param database that of tables named without one
     */
    public static Optional<Procedure> find(String name, FlussClient client, String database) {
        switch (name.toLowerCase(Locale.ROOT)) {
            case CLUSTER_INFO:
                return Optional.of(new ClusterInfoProcedure(client));
            case COUNT_ROWS:
                return Optional.of(new CountRowsProcedure(client, database));
            case LIST_OFFSETS:
                return Optional.of(new ListOffsetsProcedure(client, database));
            default:
                return Optional.empty();
        }
    }

    /** The answer to a question to the server; its error is one with its sentence alone, which is what people are shown. */
    static <T> T ask(Supplier<T> question) {
        try {
            return question.get();
        } catch (FlussException e) {
            CatalogException error = new CatalogException(e.plainMessage());
            error.addSuppressed(e);
            throw error;
        }
    }

    /** The path of "db.t", or of "t" in {@code database}. */
    static TablePath path(String database, String table) {
        if (table == null || table.isBlank()) {
            throw new ValidationException("the argument table is empty; give it as 'db.t', or 't' for one of " + database);
        }
        int dot = table.indexOf('.');
        return TablePath.newBuilder()
                .setDatabase(dot < 0 ? database : table.substring(0, dot).trim())
                .setTable(table.substring(dot + 1).trim())
                .build();
    }
}
