package org.flussgo.proto.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Write takes batches of rows.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class WriteGrpc {

  private WriteGrpc() {}

  public static final java.lang.String SERVICE_NAME = "fluss.v1.Write";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<org.flussgo.proto.v1.InitWriterRequest,
      org.flussgo.proto.v1.InitWriterResponse> getInitWriterMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "InitWriter",
      requestType = org.flussgo.proto.v1.InitWriterRequest.class,
      responseType = org.flussgo.proto.v1.InitWriterResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<org.flussgo.proto.v1.InitWriterRequest,
      org.flussgo.proto.v1.InitWriterResponse> getInitWriterMethod() {
    io.grpc.MethodDescriptor<org.flussgo.proto.v1.InitWriterRequest, org.flussgo.proto.v1.InitWriterResponse> getInitWriterMethod;
    if ((getInitWriterMethod = WriteGrpc.getInitWriterMethod) == null) {
      synchronized (WriteGrpc.class) {
        if ((getInitWriterMethod = WriteGrpc.getInitWriterMethod) == null) {
          WriteGrpc.getInitWriterMethod = getInitWriterMethod =
              io.grpc.MethodDescriptor.<org.flussgo.proto.v1.InitWriterRequest, org.flussgo.proto.v1.InitWriterResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "InitWriter"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.lite.ProtoLiteUtils.marshaller(
                  org.flussgo.proto.v1.InitWriterRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.lite.ProtoLiteUtils.marshaller(
                  org.flussgo.proto.v1.InitWriterResponse.getDefaultInstance()))
              .build();
        }
      }
    }
    return getInitWriterMethod;
  }

  private static volatile io.grpc.MethodDescriptor<org.flussgo.proto.v1.WriteRequest,
      org.flussgo.proto.v1.WriteResponse> getStreamMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Stream",
      requestType = org.flussgo.proto.v1.WriteRequest.class,
      responseType = org.flussgo.proto.v1.WriteResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.BIDI_STREAMING)
  public static io.grpc.MethodDescriptor<org.flussgo.proto.v1.WriteRequest,
      org.flussgo.proto.v1.WriteResponse> getStreamMethod() {
    io.grpc.MethodDescriptor<org.flussgo.proto.v1.WriteRequest, org.flussgo.proto.v1.WriteResponse> getStreamMethod;
    if ((getStreamMethod = WriteGrpc.getStreamMethod) == null) {
      synchronized (WriteGrpc.class) {
        if ((getStreamMethod = WriteGrpc.getStreamMethod) == null) {
          WriteGrpc.getStreamMethod = getStreamMethod =
              io.grpc.MethodDescriptor.<org.flussgo.proto.v1.WriteRequest, org.flussgo.proto.v1.WriteResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.BIDI_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Stream"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.lite.ProtoLiteUtils.marshaller(
                  org.flussgo.proto.v1.WriteRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.lite.ProtoLiteUtils.marshaller(
                  org.flussgo.proto.v1.WriteResponse.getDefaultInstance()))
              .build();
        }
      }
    }
    return getStreamMethod;
  }

  private static volatile io.grpc.MethodDescriptor<org.flussgo.proto.v1.WriteRequest,
      org.flussgo.proto.v1.WriteResponse> getAppendMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Append",
      requestType = org.flussgo.proto.v1.WriteRequest.class,
      responseType = org.flussgo.proto.v1.WriteResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<org.flussgo.proto.v1.WriteRequest,
      org.flussgo.proto.v1.WriteResponse> getAppendMethod() {
    io.grpc.MethodDescriptor<org.flussgo.proto.v1.WriteRequest, org.flussgo.proto.v1.WriteResponse> getAppendMethod;
    if ((getAppendMethod = WriteGrpc.getAppendMethod) == null) {
      synchronized (WriteGrpc.class) {
        if ((getAppendMethod = WriteGrpc.getAppendMethod) == null) {
          WriteGrpc.getAppendMethod = getAppendMethod =
              io.grpc.MethodDescriptor.<org.flussgo.proto.v1.WriteRequest, org.flussgo.proto.v1.WriteResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Append"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.lite.ProtoLiteUtils.marshaller(
                  org.flussgo.proto.v1.WriteRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.lite.ProtoLiteUtils.marshaller(
                  org.flussgo.proto.v1.WriteResponse.getDefaultInstance()))
              .build();
        }
      }
    }
    return getAppendMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static WriteStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<WriteStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<WriteStub>() {
        @java.lang.Override
        public WriteStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new WriteStub(channel, callOptions);
        }
      };
    return WriteStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static WriteBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<WriteBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<WriteBlockingV2Stub>() {
        @java.lang.Override
        public WriteBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new WriteBlockingV2Stub(channel, callOptions);
        }
      };
    return WriteBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static WriteBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<WriteBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<WriteBlockingStub>() {
        @java.lang.Override
        public WriteBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new WriteBlockingStub(channel, callOptions);
        }
      };
    return WriteBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static WriteFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<WriteFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<WriteFutureStub>() {
        @java.lang.Override
        public WriteFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new WriteFutureStub(channel, callOptions);
        }
      };
    return WriteFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Write takes batches of rows.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * InitWriter hands out an id for an idempotent writer.
     * </pre>
     */
    default void initWriter(org.flussgo.proto.v1.InitWriterRequest request,
        io.grpc.stub.StreamObserver<org.flussgo.proto.v1.InitWriterResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getInitWriterMethod(), responseObserver);
    }

    /**
     * <pre>
     * Stream carries many batches for many tables and buckets. Answers come out
     * of order between buckets, in order within one. A refused batch is answered
     * with its error; the stream goes on.
     * </pre>
     */
    default io.grpc.stub.StreamObserver<org.flussgo.proto.v1.WriteRequest> stream(
        io.grpc.stub.StreamObserver<org.flussgo.proto.v1.WriteResponse> responseObserver) {
      return io.grpc.stub.ServerCalls.asyncUnimplementedStreamingCall(getStreamMethod(), responseObserver);
    }

    /**
     * <pre>
     * Append is the unary form for tiny clients: one request of the stream.
     * </pre>
     */
    default void append(org.flussgo.proto.v1.WriteRequest request,
        io.grpc.stub.StreamObserver<org.flussgo.proto.v1.WriteResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getAppendMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service Write.
   * <pre>
   * Write takes batches of rows.
   * </pre>
   */
  public static abstract class WriteImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return WriteGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service Write.
   * <pre>
   * Write takes batches of rows.
   * </pre>
   */
  public static final class WriteStub
      extends io.grpc.stub.AbstractAsyncStub<WriteStub> {
    private WriteStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected WriteStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new WriteStub(channel, callOptions);
    }

    /**
     * <pre>
     * InitWriter hands out an id for an idempotent writer.
     * </pre>
     */
    public void initWriter(org.flussgo.proto.v1.InitWriterRequest request,
        io.grpc.stub.StreamObserver<org.flussgo.proto.v1.InitWriterResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getInitWriterMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Stream carries many batches for many tables and buckets. Answers come out
     * of order between buckets, in order within one. A refused batch is answered
     * with its error; the stream goes on.
     * </pre>
     */
    public io.grpc.stub.StreamObserver<org.flussgo.proto.v1.WriteRequest> stream(
        io.grpc.stub.StreamObserver<org.flussgo.proto.v1.WriteResponse> responseObserver) {
      return io.grpc.stub.ClientCalls.asyncBidiStreamingCall(
          getChannel().newCall(getStreamMethod(), getCallOptions()), responseObserver);
    }

    /**
     * <pre>
     * Append is the unary form for tiny clients: one request of the stream.
     * </pre>
     */
    public void append(org.flussgo.proto.v1.WriteRequest request,
        io.grpc.stub.StreamObserver<org.flussgo.proto.v1.WriteResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getAppendMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service Write.
   * <pre>
   * Write takes batches of rows.
   * </pre>
   */
  public static final class WriteBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<WriteBlockingV2Stub> {
    private WriteBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected WriteBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new WriteBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * InitWriter hands out an id for an idempotent writer.
     * </pre>
     */
    public org.flussgo.proto.v1.InitWriterResponse initWriter(org.flussgo.proto.v1.InitWriterRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getInitWriterMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Stream carries many batches for many tables and buckets. Answers come out
     * of order between buckets, in order within one. A refused batch is answered
     * with its error; the stream goes on.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<org.flussgo.proto.v1.WriteRequest, org.flussgo.proto.v1.WriteResponse>
        stream() {
      return io.grpc.stub.ClientCalls.blockingBidiStreamingCall(
          getChannel(), getStreamMethod(), getCallOptions());
    }

    /**
     * <pre>
     * Append is the unary form for tiny clients: one request of the stream.
     * </pre>
     */
    public org.flussgo.proto.v1.WriteResponse append(org.flussgo.proto.v1.WriteRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getAppendMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service Write.
   * <pre>
   * Write takes batches of rows.
   * </pre>
   */
  public static final class WriteBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<WriteBlockingStub> {
    private WriteBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected WriteBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new WriteBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * InitWriter hands out an id for an idempotent writer.
     * </pre>
     */
    public org.flussgo.proto.v1.InitWriterResponse initWriter(org.flussgo.proto.v1.InitWriterRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getInitWriterMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Append is the unary form for tiny clients: one request of the stream.
     * </pre>
     */
    public org.flussgo.proto.v1.WriteResponse append(org.flussgo.proto.v1.WriteRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getAppendMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service Write.
   * <pre>
   * Write takes batches of rows.
   * </pre>
   */
  public static final class WriteFutureStub
      extends io.grpc.stub.AbstractFutureStub<WriteFutureStub> {
    private WriteFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected WriteFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new WriteFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * InitWriter hands out an id for an idempotent writer.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<org.flussgo.proto.v1.InitWriterResponse> initWriter(
        org.flussgo.proto.v1.InitWriterRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getInitWriterMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Append is the unary form for tiny clients: one request of the stream.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<org.flussgo.proto.v1.WriteResponse> append(
        org.flussgo.proto.v1.WriteRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getAppendMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_INIT_WRITER = 0;
  private static final int METHODID_APPEND = 1;
  private static final int METHODID_STREAM = 2;

  private static final class MethodHandlers<Req, Resp> implements
      io.grpc.stub.ServerCalls.UnaryMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ServerStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ClientStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.BidiStreamingMethod<Req, Resp> {
    private final AsyncService serviceImpl;
    private final int methodId;

    MethodHandlers(AsyncService serviceImpl, int methodId) {
      this.serviceImpl = serviceImpl;
      this.methodId = methodId;
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public void invoke(Req request, io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        case METHODID_INIT_WRITER:
          serviceImpl.initWriter((org.flussgo.proto.v1.InitWriterRequest) request,
              (io.grpc.stub.StreamObserver<org.flussgo.proto.v1.InitWriterResponse>) responseObserver);
          break;
        case METHODID_APPEND:
          serviceImpl.append((org.flussgo.proto.v1.WriteRequest) request,
              (io.grpc.stub.StreamObserver<org.flussgo.proto.v1.WriteResponse>) responseObserver);
          break;
        default:
          throw new AssertionError();
      }
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public io.grpc.stub.StreamObserver<Req> invoke(
        io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        case METHODID_STREAM:
          return (io.grpc.stub.StreamObserver<Req>) serviceImpl.stream(
              (io.grpc.stub.StreamObserver<org.flussgo.proto.v1.WriteResponse>) responseObserver);
        default:
          throw new AssertionError();
      }
    }
  }

  public static final io.grpc.ServerServiceDefinition bindService(AsyncService service) {
    return io.grpc.ServerServiceDefinition.builder(getServiceDescriptor())
        .addMethod(
          getInitWriterMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              org.flussgo.proto.v1.InitWriterRequest,
              org.flussgo.proto.v1.InitWriterResponse>(
                service, METHODID_INIT_WRITER)))
        .addMethod(
          getStreamMethod(),
          io.grpc.stub.ServerCalls.asyncBidiStreamingCall(
            new MethodHandlers<
              org.flussgo.proto.v1.WriteRequest,
              org.flussgo.proto.v1.WriteResponse>(
                service, METHODID_STREAM)))
        .addMethod(
          getAppendMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              org.flussgo.proto.v1.WriteRequest,
              org.flussgo.proto.v1.WriteResponse>(
                service, METHODID_APPEND)))
        .build();
  }

  private static volatile io.grpc.ServiceDescriptor serviceDescriptor;

  public static io.grpc.ServiceDescriptor getServiceDescriptor() {
    io.grpc.ServiceDescriptor result = serviceDescriptor;
    if (result == null) {
      synchronized (WriteGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .addMethod(getInitWriterMethod())
              .addMethod(getStreamMethod())
              .addMethod(getAppendMethod())
              .build();
        }
      }
    }
    return result;
  }
}
