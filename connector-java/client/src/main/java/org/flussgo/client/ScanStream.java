package org.flussgo.client;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.flussgo.client.arrow.ArrowBatch;
import org.flussgo.client.arrow.BatchReader;
import org.flussgo.client.arrow.SchemaMessage;
import org.flussgo.proto.v1.Field;
import org.flussgo.proto.v1.ScanMetadata;
import org.flussgo.proto.v1.ScanRequest;

/**
 * A scan under way: a DoGet of Arrow Flight. Few batches are under way at a time, so that a reader that stops asking stops the server.
 * One thread asks; {@code onReady} tells it when to.
 */
public final class ScanStream implements AutoCloseable {
    private static final byte[] TICKET_MAGIC = "FSR1".getBytes(StandardCharsets.US_ASCII);
    private static final int PREFETCH = 3;
    private static final MethodDescriptor<byte[], Message> DO_GET = MethodDescriptor.<byte[], Message>newBuilder()
            .setType(MethodDescriptor.MethodType.SERVER_STREAMING)
            .setFullMethodName("arrow.flight.protocol.FlightService/DoGet")
            .setRequestMarshaller(new TicketMarshaller())
            .setResponseMarshaller(new MessageMarshaller())
            .build();

    /** What one message of the stream brought. */
    public static final class Batch {
        private final ScanMetadata metadata;
        private final ArrowBatch rows;
        private final int bytes;

        Batch(ScanMetadata metadata, ArrowBatch rows, int bytes) {
            this.metadata = metadata;
            this.rows = rows;
            this.bytes = bytes;
        }

        /** Where the rows are from, and where a reader that has them goes on. */
        public ScanMetadata metadata() {
            return metadata;
        }

        /** The rows, or null when the message tells of a position only. */
        public ArrowBatch rows() {
            return rows;
        }

        /** Bytes of the body as received. */
        public int bytes() {
            return bytes;
        }
    }

    private final ClientCall<byte[], Message> call;
    private final ConcurrentLinkedQueue<Message> messages = new ConcurrentLinkedQueue<>();
    private final Runnable onReady;
    private volatile FlussException failure;
    private volatile boolean done;
    private BatchReader reader;
    private List<Field> fields;

    ScanStream(Channel channel, ScanRequest request, Runnable onReady) {
        this.onReady = onReady;
        call = channel.newCall(DO_GET, CallOptions.DEFAULT);
        call.start(new Listener(), new Metadata());
        call.request(PREFETCH);
        call.sendMessage(ticket(request));
        call.halfClose();
    }

    /**
     * The next batch, or null when there is none yet, or none any more: see {@link #ended}.
     *
     * @throws FlussException why the scan failed, once all that came before was returned; CORRUPT for bytes that are no batch
     */
    public Batch poll() {
        for (Message m; (m = messages.poll()) != null; ) {
            call.request(1);
            if (fields == null) {
                fields = SchemaMessage.parse(m.header);
                reader = new BatchReader(fields);
                continue;
            }
            ScanMetadata md;
            try {
                md = ScanMetadata.parseFrom(m.metadata);
            } catch (InvalidProtocolBufferException e) {
                throw new FlussException(ErrorCode.CORRUPT, "the server sent metadata of a batch that are none", Map.of(), e);
            }
            return new Batch(md, m.header.length == 0 ? null : reader.read(m.header, m.body), m.body.length);
        }
        if (done && failure != null && messages.isEmpty()) {
            throw failure;
        }
        return null;
    }

    /** Whether the server has ended the scan and everything that it sent was polled. */
    public boolean ended() {
        return done && failure == null && messages.isEmpty();
    }

    /** The columns of the batches, once the first was polled; the caller does not change the list. */
    public List<Field> fields() {
        return fields;
    }

    /** Ends the scan. */
    @Override
    public void close() {
        call.cancel("the reader has closed the scan", null);
    }

    private static byte[] ticket(ScanRequest r) {
        byte[] body = r.toByteArray();
        byte[] out = new byte[TICKET_MAGIC.length + body.length];
        System.arraycopy(TICKET_MAGIC, 0, out, 0, TICKET_MAGIC.length);
        System.arraycopy(body, 0, out, TICKET_MAGIC.length, body.length);
        return out;
    }

    private final class Listener extends ClientCall.Listener<Message> {
        @Override
        public void onMessage(Message m) {
            messages.add(m);
            onReady.run();
        }

        @Override
        public void onClose(Status status, Metadata trailers) {
            if (!status.isOk()) {
                failure = FlussException.from(status.asRuntimeException(trailers));
            }
            done = true;
            onReady.run();
        }
    }

    /** FlightData as it is on the wire. */
    private static final class Message {
        byte[] header = new byte[0];
        byte[] metadata = new byte[0];
        byte[] body = new byte[0];
    }

    /** Flight's Ticket message: field 1, the bytes. */
    private static final class TicketMarshaller implements MethodDescriptor.Marshaller<byte[]> {
        @Override
        public InputStream stream(byte[] ticket) {
            com.google.protobuf.ByteString.Output out = com.google.protobuf.ByteString.newOutput();
            try {
                com.google.protobuf.CodedOutputStream coded = com.google.protobuf.CodedOutputStream.newInstance(out);
                coded.writeByteArray(1, ticket);
                coded.flush();
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e); // memory takes it
            }
            return new ByteArrayInputStream(out.toByteString().toByteArray());
        }

        @Override
        public byte[] parse(InputStream in) {
            throw new UnsupportedOperationException("a client sends tickets and gets none");
        }
    }

    /** Reads FlightData by hand, so that the body is copied once, into the array that the vectors read from. */
    private static final class MessageMarshaller implements MethodDescriptor.Marshaller<Message> {
        private static final int HEADER = 2;
        private static final int APP_METADATA = 3;
        private static final int BODY = 1000;
        private static final int LENGTH_DELIMITED = 2;

        @Override
        public InputStream stream(Message m) {
            throw new UnsupportedOperationException("a client gets flight data and sends none");
        }

        @Override
        public Message parse(InputStream in) {
            Message m = new Message();
            try {
                for (int first; (first = in.read()) >= 0; ) {
                    int tag = CodedInputStream.readRawVarint32(first, in);
                    if ((tag & 7) != LENGTH_DELIMITED) {
                        throw new IOException("field " + (tag >>> 3) + " is of a type that flight data have none of");
                    }
                    byte[] value = bytes(in);
                    switch (tag >>> 3) {
                        case HEADER:
                            m.header = value;
                            break;
                        case APP_METADATA:
                            m.metadata = value;
                            break;
                        case BODY:
                            m.body = value;
                            break;
                        default: // of no interest
                    }
                }
            } catch (IOException e) {
                throw Status.INTERNAL.withDescription("the server sent what is no flight data: " + e.getMessage()).withCause(e).asRuntimeException();
            }
            return m;
        }

        private static byte[] bytes(InputStream in) throws IOException {
            int first = in.read();
            if (first < 0) {
                throw new EOFException("a message ends in the middle");
            }
            int n = CodedInputStream.readRawVarint32(first, in);
            if (n < 0 || n > in.available()) {
                throw new EOFException("a field of " + n + " bytes in a message that has " + in.available() + " left");
            }
            byte[] out = new byte[n];
            int at = 0;
            while (at < n) {
                int got = in.read(out, at, n - at);
                if (got < 0) {
                    throw new EOFException("a message ends in the middle");
                }
                at += got;
            }
            return out;
        }
    }
}
