package org.flussgo.client;

import com.google.protobuf.InvalidProtocolBufferException;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.flussgo.client.wire.AnyDetail;
import org.flussgo.client.wire.ErrorInfo;
import org.flussgo.client.wire.RpcStatus;

/**
 * An error of the server, or of the way to it, with its code. Act on the {@link #code() code}, never on the text, which is for people: it
 * tells what was wrong, where, and what to do next.
 */
public final class FlussException extends RuntimeException {
    private static final String DOMAIN = "fluss";
    private static final Metadata.Key<byte[]> DETAILS = Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER);

    /** What gRPC says of a server of something else, an HTTP server above all. */
    private static final Pattern NO_GRPC = Pattern.compile("First received frame was not SETTINGS|HTTP status code|invalid content-type|missing content-type");

    private final ErrorCode code;
    private final String plain;
    private final Map<String, String> facts;

    /** An error of the client's own making, without facts. */
    public FlussException(ErrorCode code, String message) {
        this(code, message, Map.of(), null);
    }

    /**
     * An error with the facts that go with its code, and what it came from, or null. That is kept suppressed and not as the cause: Flink
     * shows people the innermost cause, and this message says more than gRPC's.
     */
    public FlussException(ErrorCode code, String message, Map<String, String> facts, Throwable from) {
        super(code + ": " + message);
        if (from != null) {
            addSuppressed(from);
        }
        this.code = code;
        this.plain = message;
        this.facts = Collections.unmodifiableMap(new TreeMap<>(facts));
    }

    /** What kind of error it is. */
    public ErrorCode code() {
        return code;
    }

    /** The message without the code in front. */
    public String plainMessage() {
        return plain;
    }

    /** What the code says more of, by name: column, limit, retry_after_ms and so on. */
    public Map<String, String> facts() {
        return facts;
    }

    /** The error in the causes of {@code t}: one of ours, else what its gRPC status says, else INTERNAL. */
    public static FlussException from(Throwable t) {
        for (Throwable at = t; at != null; at = at.getCause()) {
            if (at instanceof FlussException) {
                return (FlussException) at;
            }
            if (at instanceof StatusRuntimeException) {
                return ofStatus(((StatusRuntimeException) at).getStatus(), ((StatusRuntimeException) at).getTrailers(), t);
            }
            if (at instanceof StatusException) {
                return ofStatus(((StatusException) at).getStatus(), ((StatusException) at).getTrailers(), t);
            }
        }
        return new FlussException(ErrorCode.INTERNAL, "the client failed: " + t, Map.of(), t);
    }

    private static FlussException ofStatus(Status status, Metadata trailers, Throwable cause) {
        byte[] details = trailers == null ? null : trailers.get(DETAILS);
        if (details != null) {
            FlussException e = ofDetails(details, status, cause);
            if (e != null) {
                return e;
            }
        }
        String text = status.getDescription() == null ? status.getCode().toString() : status.getDescription();
        if (NO_GRPC.matcher(text).find()) {
            return new FlussException(ErrorCode.UNAVAILABLE, "what answers there speaks no gRPC (" + text + ")", Map.of(), cause);
        }
        switch (status.getCode()) {
            case CANCELLED:
                return new FlussException(ErrorCode.CANCELED, "the call was canceled", Map.of(), cause);
            case DEADLINE_EXCEEDED:
                return new FlussException(ErrorCode.DEADLINE_EXCEEDED, "the deadline passed before the call ended", Map.of(), cause);
            case UNAVAILABLE:
                return new FlussException(ErrorCode.UNAVAILABLE, "the server cannot be reached: " + text + because(status), Map.of(), cause);
            case UNIMPLEMENTED:
                return new FlussException(ErrorCode.UNSUPPORTED, text, Map.of(), cause);
            case RESOURCE_EXHAUSTED:
                return new FlussException(ErrorCode.RECORD_TOO_LARGE, text, Map.of(), cause);
            case INVALID_ARGUMENT:
                return new FlussException(ErrorCode.INVALID_ARGUMENT, text, Map.of(), cause);
            default:
                return new FlussException(ErrorCode.INTERNAL, text + because(status), Map.of(), cause);
        }
    }

    private static String because(Status status) {
        Throwable t = status.getCause();
        while (t != null && t.getCause() != null) {
            t = t.getCause();
        }
        return t == null || t.getMessage() == null ? "" : " (" + t.getMessage() + ")";
    }

    private static FlussException ofDetails(byte[] details, Status status, Throwable cause) {
        try {
            for (AnyDetail d : RpcStatus.parseFrom(details).getDetailsList()) {
                if (!d.getTypeUrl().endsWith("/google.rpc.ErrorInfo")) {
                    continue;
                }
                ErrorInfo info = ErrorInfo.parseFrom(d.getValue());
                if (DOMAIN.equals(info.getDomain())) {
                    String text = status.getDescription() == null ? info.getReason() : status.getDescription();
                    return new FlussException(ErrorCode.of(info.getReason()), text, info.getMetadataMap(), cause);
                }
            }
        } catch (InvalidProtocolBufferException e) {
            return null; // not of our server
        }
        return null;
    }
}
