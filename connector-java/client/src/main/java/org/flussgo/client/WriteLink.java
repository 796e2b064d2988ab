package org.flussgo.client;

import com.google.protobuf.CodedOutputStream;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Drainable;
import io.grpc.KnownLength;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.Map;
import org.flussgo.proto.v1.WriteGrpc;
import org.flussgo.proto.v1.WriteRequest;
import org.flussgo.proto.v1.WriteResponse;

/** One stream of writes to a server. Its state is guarded by the writer's lock. */
final class WriteLink extends ClientCall.Listener<WriteResponse> {
    private static final MethodDescriptor<Frame, WriteResponse> METHOD =
            WriteGrpc.getStreamMethod().toBuilder(new FrameMarshaller(), WriteGrpc.getStreamMethod().getResponseMarshaller()).build();

    private final TableWriter writer;
    final String endpoint;
    private final ClientCall<Frame, WriteResponse> call;
    private final Map<Long, BucketQueue.Batch> pending = new HashMap<>();
    private long lastId;
    private boolean broken;

    WriteLink(TableWriter writer, String endpoint) {
        this.writer = writer;
        this.endpoint = endpoint;
        call = writer.client.channel(endpoint, FlussClient.WRITES).newCall(METHOD, CallOptions.DEFAULT);
        call.start(this, new Metadata());
        call.request(Integer.MAX_VALUE);
    }

    /** Sends a batch; its answer, or the break of the stream, comes to the batch's bucket. */
    void send(BucketQueue.Batch b) {
        long id = ++lastId;
        pending.put(id, b);
        call.sendMessage(new Frame(id, writer.head(b.bucket), b.data));
    }

    /** Breaks the stream when a batch has waited for its answer since before the time. */
    void expire(long before) {
        for (BucketQueue.Batch b : pending.values()) {
            if (b.sentAt - before < 0) {
                writer.unlink(this); // a call that was canceled takes no more messages
                cancel("the server gave no answer in time");
                return;
            }
        }
    }

    void cancel(String why) {
        call.cancel(why, null);
    }

    @Override
    public void onMessage(WriteResponse r) {
        writer.locked(() -> {
            BucketQueue.Batch b = pending.remove(r.getRequestId());
            if (b == null) {
                return;
            }
            if (r.hasError()) {
                FlussException e = new FlussException(
                        ErrorCode.of(r.getError().getCode()), r.getError().getMessage(), r.getError().getMetadataMap(), null);
                b.bucket.refused(b, e, false);
            } else {
                b.bucket.acked(b);
            }
        });
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
        writer.locked(() -> {
            if (broken) {
                return;
            }
            broken = true;
            writer.unlink(this);
            FlussException e = streamError(FlussException.from(status.asRuntimeException(trailers)));
            for (BucketQueue.Batch b : pending.values()) {
                b.bucket.refused(b, e, true);
            }
            pending.clear();
        });
    }

    /** Why a stream ended: what was on it is tried again unless the server does not want this client at all. */
    private static FlussException streamError(FlussException e) {
        switch (e.code()) {
            case UNAUTHENTICATED:
            case PERMISSION_DENIED:
            case UNSUPPORTED:
            case RECORD_TOO_LARGE:
                return e;
            default:
                return e.code().retry() != ErrorCode.Retry.NEVER
                        ? e
                        : new FlussException(ErrorCode.UNAVAILABLE, "the connection to the server broke: " + e.plainMessage(), Map.of(), e);
        }
    }

    /** A WriteRequest as its bytes: what all batches of a bucket have in common, then the batch, which is not copied into a message. */
    static final class Frame {
        private final byte[] front;
        private final byte[] batch;

        Frame(long id, WriteRequest head, byte[] batch) {
            this.batch = batch;
            WriteRequest with = head.toBuilder().setRequestId(id).build();
            front = new byte[with.getSerializedSize()
                    + CodedOutputStream.computeTagSize(WriteRequest.BATCH_FIELD_NUMBER)
                    + CodedOutputStream.computeUInt32SizeNoTag(batch.length)];
            CodedOutputStream out = CodedOutputStream.newInstance(front);
            try {
                with.writeTo(out);
                out.writeTag(WriteRequest.BATCH_FIELD_NUMBER, com.google.protobuf.WireFormat.WIRETYPE_LENGTH_DELIMITED);
                out.writeUInt32NoTag(batch.length);
                out.flush();
            } catch (IOException e) {
                throw new UncheckedIOException(e); // an array takes what it was made for
            }
        }
    }

    private static final class FrameMarshaller implements MethodDescriptor.Marshaller<Frame> {
        @Override
        public InputStream stream(Frame f) {
            return new FrameStream(f);
        }

        @Override
        public Frame parse(InputStream in) {
            throw new UnsupportedOperationException("a client sends write requests and gets none");
        }
    }

    private static final class FrameStream extends InputStream implements Drainable, KnownLength {
        private final Frame f;
        private final ByteArrayInputStream front;
        private final ByteArrayInputStream batch;

        FrameStream(Frame f) {
            this.f = f;
            front = new ByteArrayInputStream(f.front);
            batch = new ByteArrayInputStream(f.batch);
        }

        @Override
        public int drainTo(OutputStream to) throws IOException {
            to.write(f.front);
            to.write(f.batch);
            return f.front.length + f.batch.length;
        }

        @Override
        public int available() {
            return front.available() + batch.available();
        }

        @Override
        public int read() {
            return front.available() > 0 ? front.read() : batch.read();
        }

        @Override
        public int read(byte[] b, int off, int len) {
            return front.available() > 0 ? front.read(b, off, len) : batch.read(b, off, len);
        }
    }
}
