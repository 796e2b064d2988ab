package org.flussgo.client;

/** The codes of errors, those of the table in proto/errcode, and what a client does about each. */
public enum ErrorCode {
    INVALID_ARGUMENT(Retry.NEVER),
    INVALID_NAME(Retry.NEVER),
    INVALID_SCHEMA(Retry.NEVER),
    INVALID_OPTION(Retry.NEVER),
    INVALID_PROJECTION(Retry.NEVER),
    INVALID_FILTER(Retry.NEVER),
    INVALID_TICKET(Retry.NEVER),
    INVALID_BATCH(Retry.NEVER),
    INVALID_PARTITION(Retry.NEVER),
    BAD_CHECKSUM(Retry.AFTER_BACKOFF),
    RECORD_TOO_LARGE(Retry.NEVER),
    LIMIT_EXCEEDED(Retry.NEVER),
    UNSUPPORTED(Retry.NEVER),
    UNKNOWN_DATABASE(Retry.NEVER),
    UNKNOWN_TABLE(Retry.NEVER),
    UNKNOWN_COLUMN(Retry.NEVER),
    UNKNOWN_PARTITION(Retry.AFTER_REFRESH),
    UNKNOWN_BUCKET(Retry.AFTER_REFRESH),
    UNKNOWN_SCHEMA(Retry.AFTER_REFRESH),
    UNKNOWN_WRITER(Retry.AFTER_REFRESH),
    DATABASE_EXISTS(Retry.NEVER),
    TABLE_EXISTS(Retry.NEVER),
    PARTITION_EXISTS(Retry.NEVER),
    COLUMN_EXISTS(Retry.NEVER),
    DATABASE_NOT_EMPTY(Retry.NEVER),
    CONFLICT(Retry.AFTER_BACKOFF),
    NOT_LEADER(Retry.AFTER_REFRESH),
    NO_LEADER(Retry.AFTER_BACKOFF),
    SHUTTING_DOWN(Retry.AFTER_BACKOFF),
    STALE_TERM(Retry.AFTER_REFRESH),
    OFFSET_OUT_OF_RANGE(Retry.NEVER),
    OUT_OF_ORDER_SEQUENCE(Retry.NEVER),
    OUTCOME_UNKNOWN(Retry.AFTER_BACKOFF),
    STORAGE_PRESSURE(Retry.AFTER_BACKOFF),
    DISK_FULL(Retry.AFTER_BACKOFF),
    DELETION_DISABLED(Retry.NEVER),
    NOT_PRIMARY_KEY_TABLE(Retry.NEVER),
    NOT_LOG_TABLE(Retry.NEVER),
    STALE_TIERING_EPOCH(Retry.NEVER),
    UNAUTHENTICATED(Retry.NEVER),
    PERMISSION_DENIED(Retry.NEVER),
    CORRUPT(Retry.NEVER),
    CANCELED(Retry.NEVER),
    DEADLINE_EXCEEDED(Retry.NEVER),
    UNAVAILABLE(Retry.AFTER_BACKOFF),
    INTERNAL(Retry.NEVER);

    /** What a client does about an error. */
    public enum Retry {
        /** The same call fails again. */
        NEVER,
        /** The same call may succeed later. */
        AFTER_BACKOFF,
        /** Ask for metadata, or a writer id, again, then repeat the call. */
        AFTER_REFRESH
    }

    private final Retry retry;

    ErrorCode(Retry retry) {
        this.retry = retry;
    }

    /** What to do about an error of this code. */
    public Retry retry() {
        return retry;
    }

    /** The code of a name; INTERNAL for one that this client is too old to know. */
    public static ErrorCode of(String name) {
        for (ErrorCode c : values()) {
            if (c.name().equals(name)) {
                return c;
            }
        }
        return INTERNAL;
    }
}
