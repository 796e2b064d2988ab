package org.flussgo.client;

import io.grpc.Channel;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.flussgo.proto.v1.AdminGrpc;
import org.flussgo.proto.v1.AlterDatabaseRequest;
import org.flussgo.proto.v1.AlterTableRequest;
import org.flussgo.proto.v1.BucketOffset;
import org.flussgo.proto.v1.CountRowsRequest;
import org.flussgo.proto.v1.CreateDatabaseRequest;
import org.flussgo.proto.v1.CreatePartitionRequest;
import org.flussgo.proto.v1.CreateTableRequest;
import org.flussgo.proto.v1.DatabaseInfo;
import org.flussgo.proto.v1.DescribeClusterRequest;
import org.flussgo.proto.v1.DescribeClusterResponse;
import org.flussgo.proto.v1.DescribeDatabaseRequest;
import org.flussgo.proto.v1.DescribeTableRequest;
import org.flussgo.proto.v1.DropDatabaseRequest;
import org.flussgo.proto.v1.DropPartitionRequest;
import org.flussgo.proto.v1.DropTableRequest;
import org.flussgo.proto.v1.ListDatabasesRequest;
import org.flussgo.proto.v1.ListOffsetsRequest;
import org.flussgo.proto.v1.ListPartitionsRequest;
import org.flussgo.proto.v1.ListTablesRequest;
import org.flussgo.proto.v1.OffsetSpec;
import org.flussgo.proto.v1.PartitionInfo;
import org.flussgo.proto.v1.PartitionValue;
import org.flussgo.proto.v1.TableChange;
import org.flussgo.proto.v1.TableDescriptor;
import org.flussgo.proto.v1.TableInfo;
import org.flussgo.proto.v1.TablePath;

/**
 * Creates, changes, lists and drops databases, tables and partitions. Every method makes one call, tries again what may pass, and throws
 * a {@link FlussException} with the server's code. Thread-safe.
 */
public final class Admin {
    private final FlussClient client;

    Admin(FlussClient client) {
        this.client = client;
    }

    private AdminGrpc.AdminBlockingStub stub(Channel ch) {
        return client.deadline(AdminGrpc.newBlockingStub(ch));
    }

    /** All databases, ascending by name. */
    public List<DatabaseInfo> listDatabases() {
        return client.call(true, ch -> stub(ch).listDatabases(ListDatabasesRequest.getDefaultInstance())).getDatabasesList();
    }

    /** Creates a database; throws DATABASE_EXISTS unless {@code ifNotExists}. */
    public void createDatabase(String name, String comment, Map<String, String> properties, boolean ifNotExists) {
        CreateDatabaseRequest r = CreateDatabaseRequest.newBuilder()
                .setName(name).setComment(comment).putAllProperties(properties).setIfNotExists(ifNotExists).build();
        client.call(false, ch -> stub(ch).createDatabase(r));
    }

    /** Changes a database as the request says. */
    public void alterDatabase(AlterDatabaseRequest r) {
        client.call(false, ch -> stub(ch).alterDatabase(r));
    }

    /** Drops a database; with {@code cascade} its tables too, else one with tables is DATABASE_NOT_EMPTY. */
    public void dropDatabase(String name, boolean ifExists, boolean cascade) {
        DropDatabaseRequest r = DropDatabaseRequest.newBuilder().setName(name).setIfExists(ifExists).setCascade(cascade).build();
        client.call(false, ch -> stub(ch).dropDatabase(r));
    }

    /** Throws UNKNOWN_DATABASE. */
    public DatabaseInfo describeDatabase(String name) {
        DescribeDatabaseRequest r = DescribeDatabaseRequest.newBuilder().setName(name).build();
        return client.call(true, ch -> stub(ch).describeDatabase(r)).getDatabase();
    }

    /** Creates a table and returns it as it became; an existing one is TABLE_EXISTS unless {@code ifNotExists}. */
    public TableInfo createTable(TablePath path, TableDescriptor descriptor, boolean ifNotExists) {
        CreateTableRequest r =
                CreateTableRequest.newBuilder().setPath(path).setDescriptor(descriptor).setIfNotExists(ifNotExists).build();
        return client.call(false, ch -> stub(ch).createTable(r)).getTable();
    }

    /**
     * Changes a table, all changes or none, in their order.
     *
     * @param expectedVersion the version of the table that the changes were worked out from: CONFLICT when it has another by now; 0 for any
     */
    public TableInfo alterTable(TablePath path, List<TableChange> changes, long expectedVersion, boolean ifExists) {
        AlterTableRequest r = AlterTableRequest.newBuilder()
                .setPath(path)
                .addAllChanges(changes)
                .setExpectedVersion(expectedVersion)
                .setIfExists(ifExists)
                .build();
        return client.call(false, ch -> stub(ch).alterTable(r)).getTable();
    }

    /** Drops a table. */
    public void dropTable(TablePath path, boolean ifExists) {
        DropTableRequest r = DropTableRequest.newBuilder().setPath(path).setIfExists(ifExists).build();
        client.call(false, ch -> stub(ch).dropTable(r));
    }

    /** The names of the tables of a database, ascending. */
    public List<String> listTables(String database) {
        ListTablesRequest r = ListTablesRequest.newBuilder().setDatabase(database).build();
        List<String> out = new ArrayList<>();
        for (TablePath p : client.call(true, ch -> stub(ch).listTables(r)).getTablesList()) {
            out.add(p.getTable());
        }
        return out;
    }

    /** Throws UNKNOWN_TABLE, UNKNOWN_DATABASE. */
    public TableInfo describeTable(TablePath path) {
        DescribeTableRequest r = DescribeTableRequest.newBuilder().setPath(path).build();
        return client.call(true, ch -> stub(ch).describeTable(r)).getTable();
    }

    /** Creates the partition with a value for each partition column, as text. */
    public PartitionInfo createPartition(TablePath path, Map<String, String> values, boolean ifNotExists) {
        CreatePartitionRequest r =
                CreatePartitionRequest.newBuilder().setPath(path).addAllValues(values(values)).setIfNotExists(ifNotExists).build();
        return client.call(false, ch -> stub(ch).createPartition(r)).getPartition();
    }

    /** Drops a partition with its rows. */
    public void dropPartition(TablePath path, Map<String, String> values, boolean ifExists) {
        DropPartitionRequest r =
                DropPartitionRequest.newBuilder().setPath(path).addAllValues(values(values)).setIfExists(ifExists).build();
        client.call(false, ch -> stub(ch).dropPartition(r));
    }

    /** The partitions that have the values given, ascending by name. */
    public List<PartitionInfo> listPartitions(TablePath path, Map<String, String> values) {
        ListPartitionsRequest r = ListPartitionsRequest.newBuilder().setPath(path).addAllValues(values(values)).build();
        return client.call(true, ch -> stub(ch).listPartitions(r)).getPartitionsList();
    }

    private static List<PartitionValue> values(Map<String, String> values) {
        List<PartitionValue> out = new ArrayList<>();
        values.forEach((k, v) -> out.add(PartitionValue.newBuilder().setColumn(k).setValue(v).build()));
        return out;
    }

    /** A place in each bucket of a table or of some partitions; empty lists mean all. */
    public List<BucketOffset> listOffsets(TablePath path, List<String> partitions, List<Integer> buckets, OffsetSpec spec) {
        ListOffsetsRequest r = ListOffsetsRequest.newBuilder()
                .setPath(path).addAllPartitions(partitions).addAllBuckets(buckets).setSpec(spec).build();
        return client.call(true, ch -> stub(ch).listOffsets(r)).getOffsetsList();
    }

    /** How many rows a table, or some partitions of it, have now: exact, and without a scan. */
    public long countRows(TablePath path, List<String> partitions) {
        CountRowsRequest r = CountRowsRequest.newBuilder().setPath(path).addAllPartitions(partitions).build();
        return client.call(true, ch -> stub(ch).countRows(r)).getRows();
    }

    /** The servers, tablets and totals. */
    public DescribeClusterResponse describeCluster() {
        return client.call(true, ch -> stub(ch).describeCluster(DescribeClusterRequest.getDefaultInstance()));
    }
}
