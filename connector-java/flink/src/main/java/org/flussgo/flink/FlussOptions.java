package org.flussgo.flink;

import java.time.Duration;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.configuration.MemorySize;

/**
 * The options of the catalog, of tables, and of single statements ({@code /*+ OPTIONS(…) *}{@code /}), under the names that users of
 * Fluss know.
 */
public final class FlussOptions {
    public static final ConfigOption<String> BOOTSTRAP_SERVERS = ConfigOptions.key("bootstrap.servers")
            .stringType()
            .noDefaultValue()
            .withDescription("host:port of one or more servers, separated by commas; any of them will do.");

    public static final ConfigOption<String> DEFAULT_DATABASE = ConfigOptions.key("default-database")
            .stringType()
            .defaultValue("fluss")
            .withDescription("The database that USE CATALOG makes the current one.");

    public static final ConfigOption<Integer> BUCKET_NUM = ConfigOptions.key("bucket.num")
            .intType()
            .noDefaultValue()
            .withDescription("Buckets per table, or per partition; the server's default when it is not set.");

    public static final ConfigOption<String> BUCKET_KEY = ConfigOptions.key("bucket.key")
            .stringType()
            .noDefaultValue()
            .withDescription("The columns whose values say which bucket a row is in, separated by commas;"
                    + " by default the primary key without the partition columns, and nothing for a log table.");

    public static final ConfigOption<String> AUTO_INCREMENT_FIELDS = ConfigOptions.key("auto-increment.fields")
            .stringType()
            .noDefaultValue()
            .withDescription("The column that the server numbers.");

    public static final ConfigOption<StartupMode> SCAN_STARTUP_MODE = ConfigOptions.key("scan.startup.mode")
            .enumType(StartupMode.class)
            .defaultValue(StartupMode.FULL)
            .withDescription("Where a scan starts: full (the rows as they are now, then the changes), earliest, latest, timestamp.");

    public static final ConfigOption<String> SCAN_STARTUP_TIMESTAMP = ConfigOptions.key("scan.startup.timestamp")
            .stringType()
            .noDefaultValue()
            .withDescription("For scan.startup.mode = timestamp: milliseconds since 1970, or 'yyyy-MM-dd HH:mm:ss' in the session's time zone.");

    public static final ConfigOption<Duration> SCAN_PARTITION_DISCOVERY_INTERVAL =
            ConfigOptions.key("scan.partition.discovery.interval")
                    .durationType()
                    .defaultValue(Duration.ofMinutes(1))
                    .withDescription("How often a streaming scan looks for partitions that came and went; 0 or less: never.");

    public static final ConfigOption<Boolean> SINK_IGNORE_DELETE = ConfigOptions.key("sink.ignore-delete")
            .booleanType()
            .defaultValue(false)
            .withDescription("Whether deletes, and what updates take back, are dropped instead of written.");

    public static final ConfigOption<Boolean> SINK_BUCKET_SHUFFLE = ConfigOptions.key("sink.bucket-shuffle")
            .booleanType()
            .defaultValue(true)
            .withDescription("Whether rows go to the writer by their bucket, so that each bucket is written by one subtask:"
                    + " for tables with a bucket key.");

    public static final ConfigOption<Integer> SINK_PARALLELISM = ConfigOptions.key("sink.parallelism")
            .intType()
            .noDefaultValue()
            .withDescription("The parallelism of the sink; that of what it is fed by when it is not set.");

    public static final ConfigOption<Boolean> LOOKUP_ASYNC = ConfigOptions.key("lookup.async")
            .booleanType()
            .defaultValue(true)
            .withDescription("Whether look-up joins wait for many keys at once.");

    public static final ConfigOption<Boolean> LOOKUP_INSERT_IF_NOT_EXISTS = ConfigOptions.key("lookup.insert-if-not-exists")
            .booleanType()
            .defaultValue(false)
            .withDescription("Whether a look-up of a key that has no row makes one, with its other columns null or numbered.");

    public static final ConfigOption<Duration> CLIENT_REQUEST_TIMEOUT = ConfigOptions.key("client.request-timeout")
            .durationType()
            .defaultValue(Duration.ofSeconds(10))
            .withDescription("How long one call may take, and how long a server may take to be reached.");

    public static final ConfigOption<Duration> CLIENT_RETRY_TIMEOUT = ConfigOptions.key("client.retry-timeout")
            .durationType()
            .defaultValue(Duration.ofMinutes(2))
            .withDescription("How long what fails for a while is tried again before a job fails.");

    public static final ConfigOption<MemorySize> CLIENT_WRITER_BATCH_SIZE = ConfigOptions.key("client.writer.batch-size")
            .memoryType()
            .defaultValue(MemorySize.parse("1mb"))
            .withDescription("The bytes of rows of one bucket that are sent together.");

    public static final ConfigOption<Duration> CLIENT_WRITER_BATCH_TIMEOUT = ConfigOptions.key("client.writer.batch-timeout")
            .durationType()
            .defaultValue(Duration.ofMillis(100))
            .withDescription("How long rows wait for others to be sent with.");

    public static final ConfigOption<MemorySize> CLIENT_WRITER_BUFFER_MEMORY = ConfigOptions.key("client.writer.buffer.memory-size")
            .memoryType()
            .defaultValue(MemorySize.parse("64mb"))
            .withDescription("The bytes of rows that one sink subtask holds until they are acked.");

    public static final ConfigOption<Integer> CLIENT_WRITER_MAX_INFLIGHT =
            ConfigOptions.key("client.writer.max-inflight-requests-per-bucket")
                    .intType()
                    .defaultValue(5)
                    .withDescription("How many batches of one bucket may wait for their acks; 1 to 5.");

    public static final ConfigOption<Assigner> CLIENT_WRITER_NO_KEY_ASSIGNER = ConfigOptions.key("client.writer.bucket.no-key-assigner")
            .enumType(Assigner.class)
            .defaultValue(Assigner.STICKY)
            .withDescription("Which bucket the rows of a log table without bucket key go to:"
                    + " STICKY (one bucket until its batch is full) or ROUND_ROBIN.");

    public static final ConfigOption<Boolean> CLIENT_WRITER_DYNAMIC_CREATE_PARTITION =
            ConfigOptions.key("client.writer.dynamic-create-partition.enabled")
                    .booleanType()
                    .defaultValue(true)
                    .withDescription("Whether a writer creates the partitions of the rows it gets.");

    /** Where a scan starts. */
    public enum StartupMode {
        FULL,
        EARLIEST,
        LATEST,
        TIMESTAMP;

        @Override
        public String toString() {
            return name().toLowerCase(java.util.Locale.ROOT);
        }
    }

    /** Which bucket the rows of a log table without bucket key go to. */
    public enum Assigner {
        STICKY,
        ROUND_ROBIN
    }

    private FlussOptions() {}
}
