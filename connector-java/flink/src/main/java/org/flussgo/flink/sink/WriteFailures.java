package org.flussgo.flink.sink;

import java.io.IOException;
import java.util.EnumSet;
import java.util.Set;
import org.apache.flink.runtime.execution.SuppressRestartsException;
import org.flussgo.client.ErrorCode;
import org.flussgo.client.FlussException;
import org.flussgo.client.arrow.ValueException;
import org.flussgo.flink.Connection;

/**
 * What a job fails with when rows cannot be written. What would fail again after a restart, such as a value that no partition can have, ends
 * the job at once, whatever its restart strategy: else it would restart for ever, and nobody would read why.
 */
final class WriteFailures {
    private static final Set<ErrorCode> FINAL = EnumSet.of(
            ErrorCode.INVALID_ARGUMENT,
            ErrorCode.INVALID_NAME,
            ErrorCode.INVALID_SCHEMA,
            ErrorCode.INVALID_OPTION,
            ErrorCode.INVALID_BATCH,
            ErrorCode.INVALID_PARTITION,
            ErrorCode.RECORD_TOO_LARGE,
            ErrorCode.LIMIT_EXCEEDED,
            ErrorCode.UNSUPPORTED,
            ErrorCode.UNKNOWN_DATABASE,
            ErrorCode.UNKNOWN_TABLE,
            ErrorCode.UNKNOWN_COLUMN,
            ErrorCode.DELETION_DISABLED,
            ErrorCode.NOT_PRIMARY_KEY_TABLE,
            ErrorCode.NOT_LOG_TABLE,
            ErrorCode.UNAUTHENTICATED,
            ErrorCode.PERMISSION_DENIED);

    private final Connection connection;
    private final boolean createsPartitions;

    WriteFailures(SinkSpec spec) {
        connection = spec.connection;
        createsPartitions = spec.options.dynamicPartitions();
    }

    /** What to throw for an error of the client; throws it itself when the job is to end. */
    IOException of(FlussException e) {
        // A missing partition is there after a restart only if the job makes it.
        boolean ends = FINAL.contains(e.code()) || e.code() == ErrorCode.UNKNOWN_PARTITION && !createsPartitions;
        String text = "writing to " + connection.name() + " failed: ";
        if (ends) {
            // Without its causes: they may be of classes that cannot be sent to the one who decides about restarts.
            throw new SuppressRestartsException(new FlussException(e.code(), text + e.plainMessage(), e.facts(), null));
        }
        return new IOException(text + e.getMessage(), e);
    }

    /** What to throw for a value that its column does not hold. */
    RuntimeException of(ValueException e) {
        return refused("a row for " + connection.name() + " was refused: " + e.getMessage());
    }

    /** What to throw for a row that cannot be written. */
    RuntimeException refused(String text) {
        return new SuppressRestartsException(new FlussException(ErrorCode.INVALID_BATCH, text));
    }
}
