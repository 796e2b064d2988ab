package org.flussgo.flink.catalog;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.flink.table.catalog.AbstractCatalog;
import org.apache.flink.table.catalog.CatalogBaseTable;
import org.apache.flink.table.catalog.CatalogDatabase;
import org.apache.flink.table.catalog.CatalogDatabaseImpl;
import org.apache.flink.table.catalog.CatalogFunction;
import org.apache.flink.table.catalog.CatalogPartition;
import org.apache.flink.table.catalog.CatalogPartitionImpl;
import org.apache.flink.table.catalog.CatalogPartitionSpec;
import org.apache.flink.table.catalog.ObjectPath;
import org.apache.flink.table.catalog.ResolvedCatalogTable;
import org.apache.flink.table.catalog.TableChange;
import org.apache.flink.table.catalog.exceptions.CatalogException;
import org.apache.flink.table.catalog.exceptions.DatabaseAlreadyExistException;
import org.apache.flink.table.catalog.exceptions.DatabaseNotEmptyException;
import org.apache.flink.table.catalog.exceptions.DatabaseNotExistException;
import org.apache.flink.table.catalog.exceptions.FunctionNotExistException;
import org.apache.flink.table.catalog.exceptions.PartitionAlreadyExistsException;
import org.apache.flink.table.catalog.exceptions.PartitionNotExistException;
import org.apache.flink.table.catalog.exceptions.PartitionSpecInvalidException;
import org.apache.flink.table.catalog.exceptions.ProcedureNotExistException;
import org.apache.flink.table.catalog.exceptions.TableAlreadyExistException;
import org.apache.flink.table.catalog.exceptions.TableNotExistException;
import org.apache.flink.table.catalog.exceptions.TableNotPartitionedException;
import org.apache.flink.table.catalog.stats.CatalogColumnStatistics;
import org.apache.flink.table.catalog.stats.CatalogTableStatistics;
import org.apache.flink.table.expressions.Expression;
import org.apache.flink.table.factories.Factory;
import org.apache.flink.table.procedures.Procedure;
import org.flussgo.client.Admin;
import org.flussgo.client.ClientConfig;
import org.flussgo.client.ErrorCode;
import org.flussgo.client.FlussClient;
import org.flussgo.client.FlussException;
import org.flussgo.flink.FlussOptions;
import org.flussgo.flink.FlussTableFactory;
import org.flussgo.flink.catalog.procedure.Procedures;
import org.flussgo.proto.v1.AlterDatabaseRequest;
import org.flussgo.proto.v1.DatabaseInfo;
import org.flussgo.proto.v1.PartitionInfo;
import org.flussgo.proto.v1.PartitionValue;
import org.flussgo.proto.v1.TableInfo;
import org.flussgo.proto.v1.TablePath;

/**
 * The databases, tables and partitions of a server. Nothing is cached: each method asks the server. Errors of the server become Flink's
 * by their codes; those that Flink has no exception for are a {@link CatalogException} with the server's sentence.
 */
public class FlussCatalog extends AbstractCatalog {
    /** For more partitions the planner is told nothing: each would be a call. */
    private static final int MAX_PARTITION_STATISTICS = 100;

    private final ClientConfig config;
    private final Map<String, String> clientOptions;
    private final CatalogErrors errors;
    private final TableConverter converter;
    private FlussClient client;

    /**
     * A catalog that is not open.
     *
     * @param clientOptions the options that reach and tune the client, bootstrap.servers among them: every table gets them
     */
    public FlussCatalog(String name, String defaultDatabase, ClientConfig config, Map<String, String> clientOptions) {
        super(name, defaultDatabase);
        this.config = config;
        this.clientOptions = Map.copyOf(clientOptions);
        this.errors = new CatalogErrors(name);
        this.converter = new TableConverter(this.clientOptions);
    }

    @Override
    public Optional<Factory> getFactory() {
        return Optional.of(new FlussTableFactory());
    }

    /** Reaches the server and looks for the default database. */
    @Override
    public void open() throws CatalogException {
        if (client != null) {
            return;
        }
        FlussClient c = FlussClient.connect(config);
        try {
            c.hello();
            c.admin().describeDatabase(getDefaultDatabase());
        } catch (FlussException e) {
            c.close();
            if (CatalogErrors.noDatabase(e)) {
                throw CatalogErrors.because(new CatalogException("catalog " + getName() + ": the default database " + getDefaultDatabase()
                        + " does not exist; create it with another client, or name one that does with '"
                        + FlussOptions.DEFAULT_DATABASE.key() + "'"), e);
            }
            throw errors.other(e, "reach its server");
        }
        client = c;
    }

    @Override
    public void close() throws CatalogException {
        if (client != null) {
            client.close();
            client = null;
        }
    }

    private Admin admin() {
        if (client == null) {
            throw new CatalogException("catalog " + getName() + " is not open");
        }
        return client.admin();
    }

    // Databases.

    @Override
    public List<String> listDatabases() throws CatalogException {
        try {
            List<String> out = new ArrayList<>();
            admin().listDatabases().forEach(d -> out.add(d.getName()));
            return out;
        } catch (FlussException e) {
            throw errors.other(e, "list databases");
        }
    }

    @Override
    public CatalogDatabase getDatabase(String name) throws DatabaseNotExistException, CatalogException {
        try {
            DatabaseInfo d = admin().describeDatabase(name);
            return new CatalogDatabaseImpl(new LinkedHashMap<>(d.getPropertiesMap()), d.getComment());
        } catch (FlussException e) {
            errors.databaseMissing(e, name);
            throw errors.other(e, "describe database " + name);
        }
    }

    @Override
    public boolean databaseExists(String name) throws CatalogException {
        try {
            getDatabase(name);
            return true;
        } catch (DatabaseNotExistException e) {
            return false;
        }
    }

    @Override
    public void createDatabase(String name, CatalogDatabase database, boolean ignoreIfExists)
            throws DatabaseAlreadyExistException, CatalogException {
        try {
            admin().createDatabase(name, text(database.getComment()), properties(database), ignoreIfExists);
        } catch (FlussException e) {
            errors.databaseExists(e, name);
            throw errors.other(e, "create database " + name);
        }
    }

    @Override
    public void dropDatabase(String name, boolean ignoreIfNotExists, boolean cascade)
            throws DatabaseNotExistException, DatabaseNotEmptyException, CatalogException {
        try {
            admin().dropDatabase(name, ignoreIfNotExists, cascade);
        } catch (FlussException e) {
            errors.databaseMissing(e, name);
            errors.databaseNotEmpty(e, name);
            throw errors.other(e, "drop database " + name);
        }
    }

    /** Sends what differs from the database as it is. */
    @Override
    public void alterDatabase(String name, CatalogDatabase database, boolean ignoreIfNotExists)
            throws DatabaseNotExistException, CatalogException {
        try {
            DatabaseInfo before = admin().describeDatabase(name);
            AlterDatabaseRequest.Builder b = AlterDatabaseRequest.newBuilder().setName(name);
            Map<String, String> after = properties(database);
            after.forEach((k, v) -> {
                if (!v.equals(before.getPropertiesMap().get(k))) {
                    b.putSetProperties(k, v);
                }
            });
            before.getPropertiesMap().keySet().stream().filter(k -> !after.containsKey(k)).forEach(b::addResetProperties);
            if (!text(database.getComment()).equals(before.getComment())) {
                b.setComment(text(database.getComment()));
            }
            admin().alterDatabase(b.build());
        } catch (FlussException e) {
            if (ignoreIfNotExists && CatalogErrors.noDatabase(e)) {
                return;
            }
            errors.databaseMissing(e, name);
            throw errors.other(e, "alter database " + name);
        }
    }

    private static Map<String, String> properties(CatalogDatabase d) {
        return d.getProperties() == null ? Map.of() : d.getProperties();
    }

    private static String text(String s) {
        return s == null ? "" : s;
    }

    // Tables.

    @Override
    public List<String> listTables(String database) throws DatabaseNotExistException, CatalogException {
        try {
            return admin().listTables(database);
        } catch (FlussException e) {
            errors.databaseMissing(e, database);
            throw errors.other(e, "list the tables of " + database);
        }
    }

    /** There are none: views live in other catalogs, or are temporary. */
    @Override
    public List<String> listViews(String database) throws CatalogException {
        return List.of();
    }

    /** The table, or the virtual one ({@link VirtualTables}) of a name with a suffix. */
    @Override
    public CatalogBaseTable getTable(ObjectPath path) throws TableNotExistException, CatalogException {
        String suffix = VirtualTables.suffix(path.getObjectName());
        if (suffix.startsWith(VirtualTables.LAKE)) {
            throw new CatalogException(path.getFullName() + ": reading the lake side of a table is not in this release; read the Iceberg"
                    + " table with Iceberg's own catalog");
        }
        if (!suffix.isEmpty() && !VirtualTables.known(suffix)) {
            throw new TableNotExistException(getName(), path);
        }
        TableInfo info = describe(path);
        if (suffix.equals(VirtualTables.BINLOG) && info.getDescriptor().getSchema().getPrimaryKeyCount() == 0) {
            throw new CatalogException(path.getFullName() + ": only primary-key tables have a binlog, and "
                    + VirtualTables.base(path.getObjectName()) + " is a log table; its rows never change, read it or its "
                    + VirtualTables.CHANGELOG);
        }
        return converter.table(path, info);
    }

    /** Refused: tables are read as they are now. */
    @Override
    public CatalogBaseTable getTable(ObjectPath path, long timestamp) throws CatalogException {
        throw new UnsupportedOperationException("table " + path.getFullName() + " cannot be read as it was at a time: FOR SYSTEM_TIME AS OF"
                + " a constant is not in this release; to read its changes since then use OPTIONS('scan.startup.mode' = 'timestamp')");
    }

    private TableInfo describe(ObjectPath path) throws TableNotExistException {
        try {
            return admin().describeTable(server(path));
        } catch (FlussException e) {
            errors.tableMissing(e, path);
            throw errors.other(e, "describe table " + path.getFullName());
        }
    }

    private static TablePath server(ObjectPath path) {
        return TablePath.newBuilder().setDatabase(path.getDatabaseName()).setTable(VirtualTables.base(path.getObjectName())).build();
    }

    @Override
    public boolean tableExists(ObjectPath path) throws CatalogException {
        String suffix = VirtualTables.suffix(path.getObjectName());
        if (!suffix.isEmpty() && !VirtualTables.known(suffix)) {
            return false;
        }
        try {
            describe(path);
            return true;
        } catch (TableNotExistException e) {
            return false;
        }
    }

    @Override
    public void createTable(ObjectPath path, CatalogBaseTable table, boolean ignoreIfExists)
            throws TableAlreadyExistException, DatabaseNotExistException, CatalogException {
        VirtualTables.refuse(path, "create");
        if (!(table instanceof ResolvedCatalogTable)) {
            throw new UnsupportedOperationException(path.getFullName() + " is a " + table.getTableKind()
                    + "; a catalog of Fluss keeps tables only. Create it in another catalog, or as a temporary one");
        }
        try {
            admin().createTable(server(path), converter.descriptor((ResolvedCatalogTable) table), ignoreIfExists);
        } catch (FlussException e) {
            errors.tableExists(e, path);
            if (e.code() == ErrorCode.UNKNOWN_DATABASE) {
                errors.databaseMissing(e, path.getDatabaseName());
            }
            throw errors.other(e, "create table " + path.getFullName());
        }
    }

    @Override
    public void dropTable(ObjectPath path, boolean ignoreIfNotExists) throws TableNotExistException, CatalogException {
        VirtualTables.refuse(path, "drop");
        try {
            admin().dropTable(server(path), ignoreIfNotExists);
        } catch (FlussException e) {
            errors.tableMissing(e, path);
            throw errors.other(e, "drop table " + path.getFullName());
        }
    }

    /** Refused: the server keeps the names of tables. */
    @Override
    public void renameTable(ObjectPath path, String newName, boolean ignoreIfNotExists) throws CatalogException {
        throw new UnsupportedOperationException("table " + path.getFullName() + " cannot be renamed to " + newName
                + ": tables keep their names. Create the other and copy the rows with INSERT INTO … SELECT");
    }

    /** Refused: Flink calls the one with the list of changes. */
    @Override
    public void alterTable(ObjectPath path, CatalogBaseTable newTable, boolean ignoreIfNotExists) throws CatalogException {
        throw new UnsupportedOperationException("altering " + path.getFullName() + " needs the list of its changes;"
                + " use ALTER TABLE, or alterTable with TableChanges");
    }

    @Override
    public void alterTable(ObjectPath path, CatalogBaseTable newTable, List<TableChange> changes, boolean ignoreIfNotExists)
            throws TableNotExistException, CatalogException {
        VirtualTables.refuse(path, "alter");
        if (!(newTable instanceof ResolvedCatalogTable)) {
            throw new UnsupportedOperationException(path.getFullName() + " cannot become a " + newTable.getTableKind());
        }
        try {
            TableInfo before = admin().describeTable(server(path));
            List<org.flussgo.proto.v1.TableChange> out =
                    TableChanges.of(before.getDescriptor(), (ResolvedCatalogTable) newTable, changes);
            if (!out.isEmpty()) {
                admin().alterTable(server(path), out, before.getVersion(), ignoreIfNotExists);
            }
        } catch (FlussException e) {
            if (ignoreIfNotExists && CatalogErrors.noTable(e)) {
                return;
            }
            errors.tableMissing(e, path);
            throw errors.other(e, "alter table " + path.getFullName());
        }
    }

    // Partitions.

    @Override
    public List<CatalogPartitionSpec> listPartitions(ObjectPath path)
            throws TableNotExistException, TableNotPartitionedException, CatalogException {
        partitionKeys(path);
        return partitions(path, Map.of());
    }

    @Override
    public List<CatalogPartitionSpec> listPartitions(ObjectPath path, CatalogPartitionSpec spec)
            throws TableNotExistException, TableNotPartitionedException, PartitionSpecInvalidException, CatalogException {
        List<String> keys = partitionKeys(path);
        if (!keys.containsAll(spec.getPartitionSpec().keySet())) {
            throw new PartitionSpecInvalidException(getName(), keys, path, spec);
        }
        return partitions(path, spec.getPartitionSpec());
    }

    /** Refused, so that the planner lists all partitions and filters them itself. */
    @Override
    public List<CatalogPartitionSpec> listPartitionsByFilter(ObjectPath path, List<Expression> filters) throws CatalogException {
        throw new UnsupportedOperationException("partitions are not filtered by expressions; list them all");
    }

    private List<String> partitionKeys(ObjectPath path) throws TableNotExistException, TableNotPartitionedException {
        List<String> keys = describe(path).getDescriptor().getPartitionKeysList();
        if (keys.isEmpty()) {
            throw new TableNotPartitionedException(getName(), path);
        }
        return keys;
    }

    private List<CatalogPartitionSpec> partitions(ObjectPath path, Map<String, String> values) throws TableNotExistException {
        try {
            List<CatalogPartitionSpec> out = new ArrayList<>();
            for (PartitionInfo p : admin().listPartitions(server(path), values)) {
                Map<String, String> spec = new LinkedHashMap<>();
                for (PartitionValue v : p.getValuesList()) {
                    spec.put(v.getColumn(), v.getValue());
                }
                out.add(new CatalogPartitionSpec(spec));
            }
            return out;
        } catch (FlussException e) {
            errors.tableMissing(e, path);
            throw errors.other(e, "list the partitions of " + path.getFullName());
        }
    }

    @Override
    public CatalogPartition getPartition(ObjectPath path, CatalogPartitionSpec spec) throws PartitionNotExistException, CatalogException {
        partition(path, spec);
        return new CatalogPartitionImpl(Map.of(), "");
    }

    /** The partition that a spec names in full. */
    private PartitionInfo partition(ObjectPath path, CatalogPartitionSpec spec) throws PartitionNotExistException {
        try {
            Set<String> keys = new HashSet<>(admin().describeTable(server(path)).getDescriptor().getPartitionKeysList());
            if (!keys.isEmpty() && keys.equals(spec.getPartitionSpec().keySet())) {
                for (PartitionInfo p : admin().listPartitions(server(path), spec.getPartitionSpec())) {
                    return p;
                }
            }
            throw new PartitionNotExistException(getName(), path, spec);
        } catch (FlussException e) {
            errors.partitionMissing(e, path, spec);
            throw errors.other(e, "describe partition " + spec.getPartitionSpec() + " of " + path.getFullName());
        }
    }

    @Override
    public boolean partitionExists(ObjectPath path, CatalogPartitionSpec spec) throws CatalogException {
        try {
            partition(path, spec);
            return true;
        } catch (PartitionNotExistException e) {
            return false;
        }
    }

    /** Creates it; what {@code partition} says of it is not kept, for partitions have no properties. */
    @Override
    public void createPartition(ObjectPath path, CatalogPartitionSpec spec, CatalogPartition partition, boolean ignoreIfExists)
            throws TableNotExistException, TableNotPartitionedException, PartitionSpecInvalidException, PartitionAlreadyExistsException,
                    CatalogException {
        VirtualTables.refuse(path, "add a partition to");
        List<String> keys = partitionKeys(path);
        if (!new HashSet<>(keys).equals(spec.getPartitionSpec().keySet())) {
            throw new PartitionSpecInvalidException(getName(), keys, path, spec);
        }
        try {
            admin().createPartition(server(path), spec.getPartitionSpec(), ignoreIfExists);
        } catch (FlussException e) {
            errors.tableMissing(e, path);
            errors.partitionExists(e, path, spec);
            throw errors.other(e, "create partition " + spec.getPartitionSpec() + " of " + path.getFullName());
        }
    }

    @Override
    public void dropPartition(ObjectPath path, CatalogPartitionSpec spec, boolean ignoreIfNotExists)
            throws PartitionNotExistException, CatalogException {
        VirtualTables.refuse(path, "drop a partition of");
        try {
            admin().dropPartition(server(path), spec.getPartitionSpec(), ignoreIfNotExists);
        } catch (FlussException e) {
            if (ignoreIfNotExists && CatalogErrors.noTable(e)) {
                return;
            }
            errors.partitionMissing(e, path, spec);
            throw errors.other(e, "drop partition " + spec.getPartitionSpec() + " of " + path.getFullName());
        }
    }

    /** Refused: partitions have values and rows, nothing else. */
    @Override
    public void alterPartition(ObjectPath path, CatalogPartitionSpec spec, CatalogPartition newPartition, boolean ignoreIfNotExists)
            throws CatalogException {
        throw new UnsupportedOperationException("partition " + spec.getPartitionSpec() + " of " + path.getFullName()
                + " cannot be altered: partitions have no properties; drop it and add another");
    }

    // Functions and procedures.

    /** There are none: functions live in other catalogs, or are temporary. */
    @Override
    public List<String> listFunctions(String database) throws CatalogException {
        return List.of();
    }

    @Override
    public CatalogFunction getFunction(ObjectPath path) throws FunctionNotExistException, CatalogException {
        throw new FunctionNotExistException(getName(), path);
    }

    @Override
    public boolean functionExists(ObjectPath path) throws CatalogException {
        return false;
    }

    @Override
    public void createFunction(ObjectPath path, CatalogFunction function, boolean ignoreIfExists) throws CatalogException {
        throw noFunctions(path);
    }

    @Override
    public void alterFunction(ObjectPath path, CatalogFunction function, boolean ignoreIfNotExists) throws CatalogException {
        throw noFunctions(path);
    }

    @Override
    public void dropFunction(ObjectPath path, boolean ignoreIfNotExists) throws FunctionNotExistException, CatalogException {
        if (!ignoreIfNotExists) {
            throw new FunctionNotExistException(getName(), path);
        }
    }

    private UnsupportedOperationException noFunctions(ObjectPath path) {
        return new UnsupportedOperationException("catalog " + getName() + " keeps no functions; create " + path.getObjectName()
                + " with CREATE TEMPORARY FUNCTION, or in default_catalog");
    }

    @Override
    public List<String> listProcedures(String database) throws DatabaseNotExistException, CatalogException {
        if (database.equalsIgnoreCase(Procedures.DATABASE)) {
            return Procedures.names();
        }
        getDatabase(database);
        return List.of();
    }

    /** A procedure of {@code sys}, by its name in any case. */
    @Override
    public Procedure getProcedure(ObjectPath path) throws ProcedureNotExistException, CatalogException {
        admin(); // must be open
        if (path.getDatabaseName().equalsIgnoreCase(Procedures.DATABASE)) {
            Optional<Procedure> p = Procedures.find(path.getObjectName(), client, getDefaultDatabase());
            if (p.isPresent()) {
                return p.get();
            }
        }
        throw new ProcedureNotExistException(getName(), path);
    }

    // Statistics.

    /** The number of rows; unknown for virtual tables, and when the server does not tell. */
    @Override
    public CatalogTableStatistics getTableStatistics(ObjectPath path) throws TableNotExistException, CatalogException {
        if (!VirtualTables.suffix(path.getObjectName()).isEmpty()) {
            return CatalogTableStatistics.UNKNOWN;
        }
        try {
            return rows(path, List.of());
        } catch (FlussException e) {
            errors.tableMissing(e, path);
            return CatalogTableStatistics.UNKNOWN; // a plan without it is a plan
        }
    }

    private CatalogTableStatistics rows(ObjectPath path, List<String> partitions) {
        return new CatalogTableStatistics(admin().countRows(server(path), partitions), -1, -1, -1);
    }

    @Override
    public CatalogColumnStatistics getTableColumnStatistics(ObjectPath path) throws CatalogException {
        return CatalogColumnStatistics.UNKNOWN;
    }

    /** The number of rows; unknown for virtual tables, and when the server does not tell. */
    @Override
    public CatalogTableStatistics getPartitionStatistics(ObjectPath path, CatalogPartitionSpec spec)
            throws PartitionNotExistException, CatalogException {
        if (!VirtualTables.suffix(path.getObjectName()).isEmpty()) {
            return CatalogTableStatistics.UNKNOWN;
        }
        PartitionInfo p = partition(path, spec);
        try {
            return rows(path, List.of(p.getName()));
        } catch (FlussException e) {
            errors.partitionMissing(e, path, spec);
            return CatalogTableStatistics.UNKNOWN;
        }
    }

    @Override
    public List<CatalogTableStatistics> bulkGetPartitionStatistics(ObjectPath path, List<CatalogPartitionSpec> specs)
            throws PartitionNotExistException, CatalogException {
        List<CatalogTableStatistics> out = new ArrayList<>();
        for (CatalogPartitionSpec spec : specs) {
            out.add(specs.size() > MAX_PARTITION_STATISTICS ? CatalogTableStatistics.UNKNOWN : getPartitionStatistics(path, spec));
        }
        return out;
    }

    @Override
    public CatalogColumnStatistics getPartitionColumnStatistics(ObjectPath path, CatalogPartitionSpec spec) throws CatalogException {
        return CatalogColumnStatistics.UNKNOWN;
    }

    @Override
    public void alterTableStatistics(ObjectPath path, CatalogTableStatistics statistics, boolean ignoreIfNotExists) {
        throw measured(path);
    }

    @Override
    public void alterTableColumnStatistics(ObjectPath path, CatalogColumnStatistics statistics, boolean ignoreIfNotExists) {
        throw measured(path);
    }

    @Override
    public void alterPartitionStatistics(
            ObjectPath path, CatalogPartitionSpec spec, CatalogTableStatistics statistics, boolean ignoreIfNotExists) {
        throw measured(path);
    }

    @Override
    public void alterPartitionColumnStatistics(
            ObjectPath path, CatalogPartitionSpec spec, CatalogColumnStatistics statistics, boolean ignoreIfNotExists) {
        throw measured(path);
    }

    private static UnsupportedOperationException measured(ObjectPath path) {
        return new UnsupportedOperationException("the statistics of " + path.getFullName()
                + " are counted by the server and cannot be set; ANALYZE TABLE is not needed");
    }
}
