package org.flussgo.proto.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Metadata tells clients what they need to write and read: schemas, and where
 * the buckets of a table are led. Any server answers.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class MetadataGrpc {

  private MetadataGrpc() {}

  public static final java.lang.String SERVICE_NAME = "fluss.v1.Metadata";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<org.flussgo.proto.v1.HelloRequest,
      org.flussgo.proto.v1.HelloResponse> getHelloMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Hello",
      requestType = org.flussgo.proto.v1.HelloRequest.class,
      responseType = org.flussgo.proto.v1.HelloResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<org.flussgo.proto.v1.HelloRequest,
      org.flussgo.proto.v1.HelloResponse> getHelloMethod() {
    io.grpc.MethodDescriptor<org.flussgo.proto.v1.HelloRequest, org.flussgo.proto.v1.HelloResponse> getHelloMethod;
    if ((getHelloMethod = MetadataGrpc.getHelloMethod) == null) {
      synchronized (MetadataGrpc.class) {
        if ((getHelloMethod = MetadataGrpc.getHelloMethod) == null) {
          MetadataGrpc.getHelloMethod = getHelloMethod =
              io.grpc.MethodDescriptor.<org.flussgo.proto.v1.HelloRequest, org.flussgo.proto.v1.HelloResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Hello"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.lite.ProtoLiteUtils.marshaller(
                  org.flussgo.proto.v1.HelloRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.lite.ProtoLiteUtils.marshaller(
                  org.flussgo.proto.v1.HelloResponse.getDefaultInstance()))
              .build();
        }
      }
    }
    return getHelloMethod;
  }

  private static volatile io.grpc.MethodDescriptor<org.flussgo.proto.v1.GetTableMetadataRequest,
      org.flussgo.proto.v1.GetTableMetadataResponse> getGetTableMetadataMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetTableMetadata",
      requestType = org.flussgo.proto.v1.GetTableMetadataRequest.class,
      responseType = org.flussgo.proto.v1.GetTableMetadataResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<org.flussgo.proto.v1.GetTableMetadataRequest,
      org.flussgo.proto.v1.GetTableMetadataResponse> getGetTableMetadataMethod() {
    io.grpc.MethodDescriptor<org.flussgo.proto.v1.GetTableMetadataRequest, org.flussgo.proto.v1.GetTableMetadataResponse> getGetTableMetadataMethod;
    if ((getGetTableMetadataMethod = MetadataGrpc.getGetTableMetadataMethod) == null) {
      synchronized (MetadataGrpc.class) {
        if ((getGetTableMetadataMethod = MetadataGrpc.getGetTableMetadataMethod) == null) {
          MetadataGrpc.getGetTableMetadataMethod = getGetTableMetadataMethod =
              io.grpc.MethodDescriptor.<org.flussgo.proto.v1.GetTableMetadataRequest, org.flussgo.proto.v1.GetTableMetadataResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetTableMetadata"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.lite.ProtoLiteUtils.marshaller(
                  org.flussgo.proto.v1.GetTableMetadataRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.lite.ProtoLiteUtils.marshaller(
                  org.flussgo.proto.v1.GetTableMetadataResponse.getDefaultInstance()))
              .build();
        }
      }
    }
    return getGetTableMetadataMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static MetadataStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<MetadataStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<MetadataStub>() {
        @java.lang.Override
        public MetadataStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new MetadataStub(channel, callOptions);
        }
      };
    return MetadataStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static MetadataBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<MetadataBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<MetadataBlockingV2Stub>() {
        @java.lang.Override
        public MetadataBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new MetadataBlockingV2Stub(channel, callOptions);
        }
      };
    return MetadataBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static MetadataBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<MetadataBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<MetadataBlockingStub>() {
        @java.lang.Override
        public MetadataBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new MetadataBlockingStub(channel, callOptions);
        }
      };
    return MetadataBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static MetadataFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<MetadataFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<MetadataFutureStub>() {
        @java.lang.Override
        public MetadataFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new MetadataFutureStub(channel, callOptions);
        }
      };
    return MetadataFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Metadata tells clients what they need to write and read: schemas, and where
   * the buckets of a table are led. Any server answers.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Hello is the handshake: versions and feature bits of both sides.
     * </pre>
     */
    default void hello(org.flussgo.proto.v1.HelloRequest request,
        io.grpc.stub.StreamObserver<org.flussgo.proto.v1.HelloResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getHelloMethod(), responseObserver);
    }

    /**
     * <pre>
     * GetTableMetadata tells a table's schemas, partitions and bucket placement.
     * </pre>
     */
    default void getTableMetadata(org.flussgo.proto.v1.GetTableMetadataRequest request,
        io.grpc.stub.StreamObserver<org.flussgo.proto.v1.GetTableMetadataResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetTableMetadataMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service Metadata.
   * <pre>
   * Metadata tells clients what they need to write and read: schemas, and where
   * the buckets of a table are led. Any server answers.
   * </pre>
   */
  public static abstract class MetadataImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return MetadataGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service Metadata.
   * <pre>
   * Metadata tells clients what they need to write and read: schemas, and where
   * the buckets of a table are led. Any server answers.
   * </pre>
   */
  public static final class MetadataStub
      extends io.grpc.stub.AbstractAsyncStub<MetadataStub> {
    private MetadataStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected MetadataStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new MetadataStub(channel, callOptions);
    }

    /**
     * <pre>
     * Hello is the handshake: versions and feature bits of both sides.
     * </pre>
     */
    public void hello(org.flussgo.proto.v1.HelloRequest request,
        io.grpc.stub.StreamObserver<org.flussgo.proto.v1.HelloResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getHelloMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * GetTableMetadata tells a table's schemas, partitions and bucket placement.
     * </pre>
     */
    public void getTableMetadata(org.flussgo.proto.v1.GetTableMetadataRequest request,
        io.grpc.stub.StreamObserver<org.flussgo.proto.v1.GetTableMetadataResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetTableMetadataMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service Metadata.
   * <pre>
   * Metadata tells clients what they need to write and read: schemas, and where
   * the buckets of a table are led. Any server answers.
   * </pre>
   */
  public static final class MetadataBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<MetadataBlockingV2Stub> {
    private MetadataBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected MetadataBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new MetadataBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Hello is the handshake: versions and feature bits of both sides.
     * </pre>
     */
    public org.flussgo.proto.v1.HelloResponse hello(org.flussgo.proto.v1.HelloRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getHelloMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * GetTableMetadata tells a table's schemas, partitions and bucket placement.
     * </pre>
     */
    public org.flussgo.proto.v1.GetTableMetadataResponse getTableMetadata(org.flussgo.proto.v1.GetTableMetadataRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetTableMetadataMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service Metadata.
   * <pre>
   * Metadata tells clients what they need to write and read: schemas, and where
   * the buckets of a table are led. Any server answers.
   * </pre>
   */
  public static final class MetadataBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<MetadataBlockingStub> {
    private MetadataBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected MetadataBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new MetadataBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Hello is the handshake: versions and feature bits of both sides.
     * </pre>
     */
    public org.flussgo.proto.v1.HelloResponse hello(org.flussgo.proto.v1.HelloRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getHelloMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * GetTableMetadata tells a table's schemas, partitions and bucket placement.
     * </pre>
     */
    public org.flussgo.proto.v1.GetTableMetadataResponse getTableMetadata(org.flussgo.proto.v1.GetTableMetadataRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetTableMetadataMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service Metadata.
   * <pre>
   * Metadata tells clients what they need to write and read: schemas, and where
   * the buckets of a table are led. Any server answers.
   * </pre>
   */
  public static final class MetadataFutureStub
      extends io.grpc.stub.AbstractFutureStub<MetadataFutureStub> {
    private MetadataFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected MetadataFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new MetadataFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Hello is the handshake: versions and feature bits of both sides.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<org.flussgo.proto.v1.HelloResponse> hello(
        org.flussgo.proto.v1.HelloRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getHelloMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * GetTableMetadata tells a table's schemas, partitions and bucket placement.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<org.flussgo.proto.v1.GetTableMetadataResponse> getTableMetadata(
        org.flussgo.proto.v1.GetTableMetadataRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetTableMetadataMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_HELLO = 0;
  private static final int METHODID_GET_TABLE_METADATA = 1;

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
        case METHODID_HELLO:
          serviceImpl.hello((org.flussgo.proto.v1.HelloRequest) request,
              (io.grpc.stub.StreamObserver<org.flussgo.proto.v1.HelloResponse>) responseObserver);
          break;
        case METHODID_GET_TABLE_METADATA:
          serviceImpl.getTableMetadata((org.flussgo.proto.v1.GetTableMetadataRequest) request,
              (io.grpc.stub.StreamObserver<org.flussgo.proto.v1.GetTableMetadataResponse>) responseObserver);
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
        default:
          throw new AssertionError();
      }
    }
  }

  public static final io.grpc.ServerServiceDefinition bindService(AsyncService service) {
    return io.grpc.ServerServiceDefinition.builder(getServiceDescriptor())
        .addMethod(
          getHelloMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              org.flussgo.proto.v1.HelloRequest,
              org.flussgo.proto.v1.HelloResponse>(
                service, METHODID_HELLO)))
        .addMethod(
          getGetTableMetadataMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              org.flussgo.proto.v1.GetTableMetadataRequest,
              org.flussgo.proto.v1.GetTableMetadataResponse>(
                service, METHODID_GET_TABLE_METADATA)))
        .build();
  }

  private static volatile io.grpc.ServiceDescriptor serviceDescriptor;

  public static io.grpc.ServiceDescriptor getServiceDescriptor() {
    io.grpc.ServiceDescriptor result = serviceDescriptor;
    if (result == null) {
      synchronized (MetadataGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .addMethod(getHelloMethod())
              .addMethod(getGetTableMetadataMethod())
              .build();
        }
      }
    }
    return result;
  }
}
