package org.flussgo.proto.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Admin creates, changes, lists and drops what tables are made of. Any server
 * answers. Errors carry google.rpc.ErrorInfo with the code of proto/errcode.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class AdminGrpc {

  private AdminGrpc() {}

  public static final java.lang.String SERVICE_NAME = "fluss.v1.Admin";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<org.flussgo.proto.v1.CreateDatabaseRequest,
      org.flussgo.proto.v1.CreateDatabaseResponse> getCreateDatabaseMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CreateDatabase",
      requestType = org.flussgo.proto.v1.CreateDatabaseRequest.class,
      responseType = org.flussgo.proto.v1.CreateDatabaseResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<org.flussgo.proto.v1.CreateDatabaseRequest,
      org.flussgo.proto.v1.CreateDatabaseResponse> getCreateDatabaseMethod() {
    io.grpc.MethodDescriptor<org.flussgo.proto.v1.CreateDatabaseRequest, org.flussgo.proto.v1.CreateDatabaseResponse> getCreateDatabaseMethod;
    if ((getCreateDatabaseMethod = AdminGrpc.getCreateDatabaseMethod) == null) {
      synchronized (AdminGrpc.class) {
        if ((getCreateDatabaseMethod = AdminGrpc.getCreateDatabaseMethod) == null) {
          AdminGrpc.getCreateDatabaseMethod = getCreateDatabaseMethod =
              io.grpc.MethodDescriptor.<org.flussgo.proto.v1.CreateDatabaseRequest, org.flussgo.proto.v1.CreateDatabaseResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CreateDatabase"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.lite.ProtoLiteUtils.marshaller(
                  org.flussgo.proto.v1.CreateDatabaseRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.lite.ProtoLiteUtils.marshaller(
                  org.flussgo.proto.v1.CreateDatabaseResponse.getDefaultInstance()))
              .build();
        }
      }
    }
    return getCreateDatabaseMethod;
  }

  private static volatile io.grpc.MethodDescriptor<org.flussgo.proto.v1.AlterDatabaseRequest,
      org.flussgo.proto.v1.AlterDatabaseResponse> getAlterDatabaseMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "AlterDatabase",
      requestType = org.flussgo.proto.v1.AlterDatabaseRequest.class,
      responseType = org.flussgo.proto.v1.AlterDatabaseResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<org.flussgo.proto.v1.AlterDatabaseRequest,
      org.flussgo.proto.v1.AlterDatabaseResponse> getAlterDatabaseMethod() {
    io.grpc.MethodDescriptor<org.flussgo.proto.v1.AlterDatabaseRequest, org.flussgo.proto.v1.AlterDatabaseResponse> getAlterDatabaseMethod;
    if ((getAlterDatabaseMethod = AdminGrpc.getAlterDatabaseMethod) == null) {
      synchronized (AdminGrpc.class) {
        if ((getAlterDatabaseMethod = AdminGrpc.getAlterDatabaseMethod) == null) {
          AdminGrpc.getAlterDatabaseMethod = getAlterDatabaseMethod =
              io.grpc.MethodDescriptor.<org.flussgo.proto.v1.AlterDatabaseRequest, org.flussgo.proto.v1.AlterDatabaseResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "AlterDatabase"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.lite.ProtoLiteUtils.marshaller(
                  org.flussgo.proto.v1.AlterDatabaseRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.lite.ProtoLiteUtils.marshaller(
                  org.flussgo.proto.v1.AlterDatabaseResponse.getDefaultInstance()))
              .build();
        }
      }
    }
    return getAlterDatabaseMethod;
  }

  private static volatile io.grpc.MethodDescriptor<org.flussgo.proto.v1.DropDatabaseRequest,
      org.flussgo.proto.v1.DropDatabaseResponse> getDropDatabaseMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "DropDatabase",
      requestType = org.flussgo.proto.v1.DropDatabaseRequest.class,
      responseType = org.flussgo.proto.v1.DropDatabaseResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<org.flussgo.proto.v1.DropDatabaseRequest,
      org.flussgo.proto.v1.DropDatabaseResponse> getDropDatabaseMethod() {
    io.grpc.MethodDescriptor<org.flussgo.proto.v1.DropDatabaseRequest, org.flussgo.proto.v1.DropDatabaseResponse> getDropDatabaseMethod;
    if ((getDropDatabaseMethod = AdminGrpc.getDropDatabaseMethod) == null) {
      synchronized (AdminGrpc.class) {
        if ((getDropDatabaseMethod = AdminGrpc.getDropDatabaseMethod) == null) {
          AdminGrpc.getDropDatabaseMethod = getDropDatabaseMethod =
              io.grpc.MethodDescriptor.<org.flussgo.proto.v1.DropDatabaseRequest, org.flussgo.proto.v1.DropDatabaseResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "DropDatabase"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.lite.ProtoLiteUtils.marshaller(
                  org.flussgo.proto.v1.DropDatabaseRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.lite.ProtoLiteUtils.marshaller(
                  org.flussgo.proto.v1.DropDatabaseResponse.getDefaultInstance()))
              .build();
        }
      }
    }
    return getDropDatabaseMethod;
  }

  private static volatile io.grpc.MethodDescriptor<org.flussgo.proto.v1.ListDatabasesRequest,
      org.flussgo.proto.v1.ListDatabasesResponse> getListDatabasesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListDatabases",
      requestType = org.flussgo.proto.v1.ListDatabasesRequest.class,
      responseType = org.flussgo.proto.v1.ListDatabasesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<org.flussgo.proto.v1.ListDatabasesRequest,
      org.flussgo.proto.v1.ListDatabasesResponse> getListDatabasesMethod() {
    io.grpc.MethodDescriptor<org.flussgo.proto.v1.ListDatabasesRequest, org.flussgo.proto.v1.ListDatabasesResponse> getListDatabasesMethod;
    if ((getListDatabasesMethod = AdminGrpc.getListDatabasesMethod) == null) {
      synchronized (AdminGrpc.class) {
        if ((getListDatabasesMethod = AdminGrpc.getListDatabasesMethod) == null) {
          AdminGrpc.getListDatabasesMethod = getListDatabasesMethod =
              io.grpc.MethodDescriptor.<org.flussgo.proto.v1.ListDatabasesRequest, org.flussgo.proto.v1.ListDatabasesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListDatabases"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.lite.ProtoLiteUtils.marshaller(
                  org.flussgo.proto.v1.ListDatabasesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.lite.ProtoLiteUtils.marshaller(
                  org.flussgo.proto.v1.ListDatabasesResponse.getDefaultInstance()))
              .build();
        }
      }
    }
    return getListDatabasesMethod;
  }

  private static volatile io.grpc.MethodDescriptor<org.flussgo.proto.v1.DescribeDatabaseRequest,
      org.flussgo.proto.v1.DescribeDatabaseResponse> getDescribeDatabaseMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "DescribeDatabase",
      requestType = org.flussgo.proto.v1.DescribeDatabaseRequest.class,
      responseType = org.flussgo.proto.v1.DescribeDatabaseResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<org.flussgo.proto.v1.DescribeDatabaseRequest,
      org.flussgo.proto.v1.DescribeDatabaseResponse> getDescribeDatabaseMethod() {
    io.grpc.MethodDescriptor<org.flussgo.proto.v1.DescribeDatabaseRequest, org.flussgo.proto.v1.DescribeDatabaseResponse> getDescribeDatabaseMethod;
    if ((getDescribeDatabaseMethod = AdminGrpc.getDescribeDatabaseMethod) == null) {
      synchronized (AdminGrpc.class) {
        if ((getDescribeDatabaseMethod = AdminGrpc.getDescribeDatabaseMethod) == null) {
          AdminGrpc.getDescribeDatabaseMethod = getDescribeDatabaseMethod =
              io.grpc.MethodDescriptor.<org.flussgo.proto.v1.DescribeDatabaseRequest, org.flussgo.proto.v1.DescribeDatabaseResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "DescribeDatabase"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.lite.ProtoLiteUtils.marshaller(
                  org.flussgo.proto.v1.DescribeDatabaseRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.lite.ProtoLiteUtils.marshaller(
                  org.flussgo.proto.v1.DescribeDatabaseResponse.getDefaultInstance()))
              .build();
        }
      }
    }
    return getDescribeDatabaseMethod;
  }

  private static volatile io.grpc.MethodDescriptor<org.flussgo.proto.v1.CreateTableRequest,
      org.flussgo.proto.v1.CreateTableResponse> getCreateTableMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CreateTable",
      requestType = org.flussgo.proto.v1.CreateTableRequest.class,
      responseType = org.flussgo.proto.v1.CreateTableResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<org.flussgo.proto.v1.CreateTableRequest,
      org.flussgo.proto.v1.CreateTableResponse> getCreateTableMethod() {
    io.grpc.MethodDescriptor<org.flussgo.proto.v1.CreateTableRequest, org.flussgo.proto.v1.CreateTableResponse> getCreateTableMethod;
    if ((getCreateTableMethod = AdminGrpc.getCreateTableMethod) == null) {
      synchronized (AdminGrpc.class) {
        if ((getCreateTableMethod = AdminGrpc.getCreateTableMethod) == null) {
          AdminGrpc.getCreateTableMethod = getCreateTableMethod =
              io.grpc.MethodDescriptor.<org.flussgo.proto.v1.CreateTableRequest, org.flussgo.proto.v1.CreateTableResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CreateTable"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.lite.ProtoLiteUtils.marshaller(
                  org.flussgo.proto.v1.CreateTableRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.lite.ProtoLiteUtils.marshaller(
                  org.flussgo.proto.v1.CreateTableResponse.getDefaultInstance()))
              .build();
        }
      }
    }
    return getCreateTableMethod;
  }

  private static volatile io.grpc.MethodDescriptor<org.flussgo.proto.v1.AlterTableRequest,
      org.flussgo.proto.v1.AlterTableResponse> getAlterTableMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "AlterTable",
      requestType = org.flussgo.proto.v1.AlterTableRequest.class,
      responseType = org.flussgo.proto.v1.AlterTableResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<org.flussgo.proto.v1.AlterTableRequest,
      org.flussgo.proto.v1.AlterTableResponse> getAlterTableMethod() {
    io.grpc.MethodDescriptor<org.flussgo.proto.v1.AlterTableRequest, org.flussgo.proto.v1.AlterTableResponse> getAlterTableMethod;
    if ((getAlterTableMethod = AdminGrpc.getAlterTableMethod) == null) {
      synchronized (AdminGrpc.class) {
        if ((getAlterTableMethod = AdminGrpc.getAlterTableMethod) == null) {
          AdminGrpc.getAlterTableMethod = getAlterTableMethod =
              io.grpc.MethodDescriptor.<org.flussgo.proto.v1.AlterTableRequest, org.flussgo.proto.v1.AlterTableResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "AlterTable"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.lite.ProtoLiteUtils.marshaller(
                  org.flussgo.proto.v1.AlterTableRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.lite.ProtoLiteUtils.marshaller(
                  org.flussgo.proto.v1.AlterTableResponse.getDefaultInstance()))
              .build();
        }
      }
    }
    return getAlterTableMethod;
  }

  private static volatile io.grpc.MethodDescriptor<org.flussgo.proto.v1.DropTableRequest,
      org.flussgo.proto.v1.DropTableResponse> getDropTableMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "DropTable",
      requestType = org.flussgo.proto.v1.DropTableRequest.class,
      responseType = org.flussgo.proto.v1.DropTableResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<org.flussgo.proto.v1.DropTableRequest,
      org.flussgo.proto.v1.DropTableResponse> getDropTableMethod() {
    io.grpc.MethodDescriptor<org.flussgo.proto.v1.DropTableRequest, org.flussgo.proto.v1.DropTableResponse> getDropTableMethod;
    if ((getDropTableMethod = AdminGrpc.getDropTableMethod) == null) {
      synchronized (AdminGrpc.class) {
        if ((getDropTableMethod = AdminGrpc.getDropTableMethod) == null) {
          AdminGrpc.getDropTableMethod = getDropTableMethod =
              io.grpc.MethodDescriptor.<org.flussgo.proto.v1.DropTableRequest, org.flussgo.proto.v1.DropTableResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "DropTable"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.lite.ProtoLiteUtils.marshaller(
                  org.flussgo.proto.v1.DropTableRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.lite.ProtoLiteUtils.marshaller(
                  org.flussgo.proto.v1.DropTableResponse.getDefaultInstance()))
              .build();
        }
      }
    }
    return getDropTableMethod;
  }

  private static volatile io.grpc.MethodDescriptor<org.flussgo.proto.v1.ListTablesRequest,
      org.flussgo.proto.v1.ListTablesResponse> getListTablesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListTables",
      requestType = org.flussgo.proto.v1.ListTablesRequest.class,
      responseType = org.flussgo.proto.v1.ListTablesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<org.flussgo.proto.v1.ListTablesRequest,
      org.flussgo.proto.v1.ListTablesResponse> getListTablesMethod() {
    io.grpc.MethodDescriptor<org.flussgo.proto.v1.ListTablesRequest, org.flussgo.proto.v1.ListTablesResponse> getListTablesMethod;
    if ((getListTablesMethod = AdminGrpc.getListTablesMethod) == null) {
      synchronized (AdminGrpc.class) {
        if ((getListTablesMethod = AdminGrpc.getListTablesMethod) == null) {
          AdminGrpc.getListTablesMethod = getListTablesMethod =
              io.grpc.MethodDescriptor.<org.flussgo.proto.v1.ListTablesRequest, org.flussgo.proto.v1.ListTablesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListTables"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.lite.ProtoLiteUtils.marshaller(
                  org.flussgo.proto.v1.ListTablesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.lite.ProtoLiteUtils.marshaller(
                  org.flussgo.proto.v1.ListTablesResponse.getDefaultInstance()))
              .build();
        }
      }
    }
    return getListTablesMethod;
  }

  private static volatile io.grpc.MethodDescriptor<org.flussgo.proto.v1.DescribeTableRequest,
      org.flussgo.proto.v1.DescribeTableResponse> getDescribeTableMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "DescribeTable",
      requestType = org.flussgo.proto.v1.DescribeTableRequest.class,
      responseType = org.flussgo.proto.v1.DescribeTableResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<org.flussgo.proto.v1.DescribeTableRequest,
      org.flussgo.proto.v1.DescribeTableResponse> getDescribeTableMethod() {
    io.grpc.MethodDescriptor<org.flussgo.proto.v1.DescribeTableRequest, org.flussgo.proto.v1.DescribeTableResponse> getDescribeTableMethod;
    if ((getDescribeTableMethod = AdminGrpc.getDescribeTableMethod) == null) {
      synchronized (AdminGrpc.class) {
        if ((getDescribeTableMethod = AdminGrpc.getDescribeTableMethod) == null) {
          AdminGrpc.getDescribeTableMethod = getDescribeTableMethod =
              io.grpc.MethodDescriptor.<org.flussgo.proto.v1.DescribeTableRequest, org.flussgo.proto.v1.DescribeTableResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "DescribeTable"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.lite.ProtoLiteUtils.marshaller(
                  org.flussgo.proto.v1.DescribeTableRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.lite.ProtoLiteUtils.marshaller(
                  org.flussgo.proto.v1.DescribeTableResponse.getDefaultInstance()))
              .build();
        }
      }
    }
    return getDescribeTableMethod;
  }

  private static volatile io.grpc.MethodDescriptor<org.flussgo.proto.v1.CreatePartitionRequest,
      org.flussgo.proto.v1.CreatePartitionResponse> getCreatePartitionMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CreatePartition",
      requestType = org.flussgo.proto.v1.CreatePartitionRequest.class,
      responseType = org.flussgo.proto.v1.CreatePartitionResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<org.flussgo.proto.v1.CreatePartitionRequest,
      org.flussgo.proto.v1.CreatePartitionResponse> getCreatePartitionMethod() {
    io.grpc.MethodDescriptor<org.flussgo.proto.v1.CreatePartitionRequest, org.flussgo.proto.v1.CreatePartitionResponse> getCreatePartitionMethod;
    if ((getCreatePartitionMethod = AdminGrpc.getCreatePartitionMethod) == null) {
      synchronized (AdminGrpc.class) {
        if ((getCreatePartitionMethod = AdminGrpc.getCreatePartitionMethod) == null) {
          AdminGrpc.getCreatePartitionMethod = getCreatePartitionMethod =
              io.grpc.MethodDescriptor.<org.flussgo.proto.v1.CreatePartitionRequest, org.flussgo.proto.v1.CreatePartitionResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CreatePartition"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.lite.ProtoLiteUtils.marshaller(
                  org.flussgo.proto.v1.CreatePartitionRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.lite.ProtoLiteUtils.marshaller(
                  org.flussgo.proto.v1.CreatePartitionResponse.getDefaultInstance()))
              .build();
        }
      }
    }
    return getCreatePartitionMethod;
  }

  private static volatile io.grpc.MethodDescriptor<org.flussgo.proto.v1.DropPartitionRequest,
      org.flussgo.proto.v1.DropPartitionResponse> getDropPartitionMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "DropPartition",
      requestType = org.flussgo.proto.v1.DropPartitionRequest.class,
      responseType = org.flussgo.proto.v1.DropPartitionResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<org.flussgo.proto.v1.DropPartitionRequest,
      org.flussgo.proto.v1.DropPartitionResponse> getDropPartitionMethod() {
    io.grpc.MethodDescriptor<org.flussgo.proto.v1.DropPartitionRequest, org.flussgo.proto.v1.DropPartitionResponse> getDropPartitionMethod;
    if ((getDropPartitionMethod = AdminGrpc.getDropPartitionMethod) == null) {
      synchronized (AdminGrpc.class) {
        if ((getDropPartitionMethod = AdminGrpc.getDropPartitionMethod) == null) {
          AdminGrpc.getDropPartitionMethod = getDropPartitionMethod =
              io.grpc.MethodDescriptor.<org.flussgo.proto.v1.DropPartitionRequest, org.flussgo.proto.v1.DropPartitionResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "DropPartition"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.lite.ProtoLiteUtils.marshaller(
                  org.flussgo.proto.v1.DropPartitionRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.lite.ProtoLiteUtils.marshaller(
                  org.flussgo.proto.v1.DropPartitionResponse.getDefaultInstance()))
              .build();
        }
      }
    }
    return getDropPartitionMethod;
  }

  private static volatile io.grpc.MethodDescriptor<org.flussgo.proto.v1.ListPartitionsRequest,
      org.flussgo.proto.v1.ListPartitionsResponse> getListPartitionsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListPartitions",
      requestType = org.flussgo.proto.v1.ListPartitionsRequest.class,
      responseType = org.flussgo.proto.v1.ListPartitionsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<org.flussgo.proto.v1.ListPartitionsRequest,
      org.flussgo.proto.v1.ListPartitionsResponse> getListPartitionsMethod() {
    io.grpc.MethodDescriptor<org.flussgo.proto.v1.ListPartitionsRequest, org.flussgo.proto.v1.ListPartitionsResponse> getListPartitionsMethod;
    if ((getListPartitionsMethod = AdminGrpc.getListPartitionsMethod) == null) {
      synchronized (AdminGrpc.class) {
        if ((getListPartitionsMethod = AdminGrpc.getListPartitionsMethod) == null) {
          AdminGrpc.getListPartitionsMethod = getListPartitionsMethod =
              io.grpc.MethodDescriptor.<org.flussgo.proto.v1.ListPartitionsRequest, org.flussgo.proto.v1.ListPartitionsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListPartitions"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.lite.ProtoLiteUtils.marshaller(
                  org.flussgo.proto.v1.ListPartitionsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.lite.ProtoLiteUtils.marshaller(
                  org.flussgo.proto.v1.ListPartitionsResponse.getDefaultInstance()))
              .build();
        }
      }
    }
    return getListPartitionsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<org.flussgo.proto.v1.ListOffsetsRequest,
      org.flussgo.proto.v1.ListOffsetsResponse> getListOffsetsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListOffsets",
      requestType = org.flussgo.proto.v1.ListOffsetsRequest.class,
      responseType = org.flussgo.proto.v1.ListOffsetsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<org.flussgo.proto.v1.ListOffsetsRequest,
      org.flussgo.proto.v1.ListOffsetsResponse> getListOffsetsMethod() {
    io.grpc.MethodDescriptor<org.flussgo.proto.v1.ListOffsetsRequest, org.flussgo.proto.v1.ListOffsetsResponse> getListOffsetsMethod;
    if ((getListOffsetsMethod = AdminGrpc.getListOffsetsMethod) == null) {
      synchronized (AdminGrpc.class) {
        if ((getListOffsetsMethod = AdminGrpc.getListOffsetsMethod) == null) {
          AdminGrpc.getListOffsetsMethod = getListOffsetsMethod =
              io.grpc.MethodDescriptor.<org.flussgo.proto.v1.ListOffsetsRequest, org.flussgo.proto.v1.ListOffsetsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListOffsets"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.lite.ProtoLiteUtils.marshaller(
                  org.flussgo.proto.v1.ListOffsetsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.lite.ProtoLiteUtils.marshaller(
                  org.flussgo.proto.v1.ListOffsetsResponse.getDefaultInstance()))
              .build();
        }
      }
    }
    return getListOffsetsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<org.flussgo.proto.v1.CountRowsRequest,
      org.flussgo.proto.v1.CountRowsResponse> getCountRowsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CountRows",
      requestType = org.flussgo.proto.v1.CountRowsRequest.class,
      responseType = org.flussgo.proto.v1.CountRowsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<org.flussgo.proto.v1.CountRowsRequest,
      org.flussgo.proto.v1.CountRowsResponse> getCountRowsMethod() {
    io.grpc.MethodDescriptor<org.flussgo.proto.v1.CountRowsRequest, org.flussgo.proto.v1.CountRowsResponse> getCountRowsMethod;
    if ((getCountRowsMethod = AdminGrpc.getCountRowsMethod) == null) {
      synchronized (AdminGrpc.class) {
        if ((getCountRowsMethod = AdminGrpc.getCountRowsMethod) == null) {
          AdminGrpc.getCountRowsMethod = getCountRowsMethod =
              io.grpc.MethodDescriptor.<org.flussgo.proto.v1.CountRowsRequest, org.flussgo.proto.v1.CountRowsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CountRows"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.lite.ProtoLiteUtils.marshaller(
                  org.flussgo.proto.v1.CountRowsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.lite.ProtoLiteUtils.marshaller(
                  org.flussgo.proto.v1.CountRowsResponse.getDefaultInstance()))
              .build();
        }
      }
    }
    return getCountRowsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<org.flussgo.proto.v1.DescribeClusterRequest,
      org.flussgo.proto.v1.DescribeClusterResponse> getDescribeClusterMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "DescribeCluster",
      requestType = org.flussgo.proto.v1.DescribeClusterRequest.class,
      responseType = org.flussgo.proto.v1.DescribeClusterResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<org.flussgo.proto.v1.DescribeClusterRequest,
      org.flussgo.proto.v1.DescribeClusterResponse> getDescribeClusterMethod() {
    io.grpc.MethodDescriptor<org.flussgo.proto.v1.DescribeClusterRequest, org.flussgo.proto.v1.DescribeClusterResponse> getDescribeClusterMethod;
    if ((getDescribeClusterMethod = AdminGrpc.getDescribeClusterMethod) == null) {
      synchronized (AdminGrpc.class) {
        if ((getDescribeClusterMethod = AdminGrpc.getDescribeClusterMethod) == null) {
          AdminGrpc.getDescribeClusterMethod = getDescribeClusterMethod =
              io.grpc.MethodDescriptor.<org.flussgo.proto.v1.DescribeClusterRequest, org.flussgo.proto.v1.DescribeClusterResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "DescribeCluster"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.lite.ProtoLiteUtils.marshaller(
                  org.flussgo.proto.v1.DescribeClusterRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.lite.ProtoLiteUtils.marshaller(
                  org.flussgo.proto.v1.DescribeClusterResponse.getDefaultInstance()))
              .build();
        }
      }
    }
    return getDescribeClusterMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static AdminStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<AdminStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<AdminStub>() {
        @java.lang.Override
        public AdminStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new AdminStub(channel, callOptions);
        }
      };
    return AdminStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static AdminBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<AdminBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<AdminBlockingV2Stub>() {
        @java.lang.Override
        public AdminBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new AdminBlockingV2Stub(channel, callOptions);
        }
      };
    return AdminBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static AdminBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<AdminBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<AdminBlockingStub>() {
        @java.lang.Override
        public AdminBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new AdminBlockingStub(channel, callOptions);
        }
      };
    return AdminBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static AdminFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<AdminFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<AdminFutureStub>() {
        @java.lang.Override
        public AdminFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new AdminFutureStub(channel, callOptions);
        }
      };
    return AdminFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Admin creates, changes, lists and drops what tables are made of. Any server
   * answers. Errors carry google.rpc.ErrorInfo with the code of proto/errcode.
   * </pre>
   */
  public interface AsyncService {

    /**
     */
    default void createDatabase(org.flussgo.proto.v1.CreateDatabaseRequest request,
        io.grpc.stub.StreamObserver<org.flussgo.proto.v1.CreateDatabaseResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCreateDatabaseMethod(), responseObserver);
    }

    /**
     */
    default void alterDatabase(org.flussgo.proto.v1.AlterDatabaseRequest request,
        io.grpc.stub.StreamObserver<org.flussgo.proto.v1.AlterDatabaseResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getAlterDatabaseMethod(), responseObserver);
    }

    /**
     */
    default void dropDatabase(org.flussgo.proto.v1.DropDatabaseRequest request,
        io.grpc.stub.StreamObserver<org.flussgo.proto.v1.DropDatabaseResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDropDatabaseMethod(), responseObserver);
    }

    /**
     */
    default void listDatabases(org.flussgo.proto.v1.ListDatabasesRequest request,
        io.grpc.stub.StreamObserver<org.flussgo.proto.v1.ListDatabasesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListDatabasesMethod(), responseObserver);
    }

    /**
     */
    default void describeDatabase(org.flussgo.proto.v1.DescribeDatabaseRequest request,
        io.grpc.stub.StreamObserver<org.flussgo.proto.v1.DescribeDatabaseResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDescribeDatabaseMethod(), responseObserver);
    }

    /**
     */
    default void createTable(org.flussgo.proto.v1.CreateTableRequest request,
        io.grpc.stub.StreamObserver<org.flussgo.proto.v1.CreateTableResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCreateTableMethod(), responseObserver);
    }

    /**
     */
    default void alterTable(org.flussgo.proto.v1.AlterTableRequest request,
        io.grpc.stub.StreamObserver<org.flussgo.proto.v1.AlterTableResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getAlterTableMethod(), responseObserver);
    }

    /**
     */
    default void dropTable(org.flussgo.proto.v1.DropTableRequest request,
        io.grpc.stub.StreamObserver<org.flussgo.proto.v1.DropTableResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDropTableMethod(), responseObserver);
    }

    /**
     */
    default void listTables(org.flussgo.proto.v1.ListTablesRequest request,
        io.grpc.stub.StreamObserver<org.flussgo.proto.v1.ListTablesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListTablesMethod(), responseObserver);
    }

    /**
     */
    default void describeTable(org.flussgo.proto.v1.DescribeTableRequest request,
        io.grpc.stub.StreamObserver<org.flussgo.proto.v1.DescribeTableResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDescribeTableMethod(), responseObserver);
    }

    /**
     */
    default void createPartition(org.flussgo.proto.v1.CreatePartitionRequest request,
        io.grpc.stub.StreamObserver<org.flussgo.proto.v1.CreatePartitionResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCreatePartitionMethod(), responseObserver);
    }

    /**
     */
    default void dropPartition(org.flussgo.proto.v1.DropPartitionRequest request,
        io.grpc.stub.StreamObserver<org.flussgo.proto.v1.DropPartitionResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDropPartitionMethod(), responseObserver);
    }

    /**
     */
    default void listPartitions(org.flussgo.proto.v1.ListPartitionsRequest request,
        io.grpc.stub.StreamObserver<org.flussgo.proto.v1.ListPartitionsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListPartitionsMethod(), responseObserver);
    }

    /**
     * <pre>
     * ListOffsets tells a place in each bucket of a table or of some partitions.
     * </pre>
     */
    default void listOffsets(org.flussgo.proto.v1.ListOffsetsRequest request,
        io.grpc.stub.StreamObserver<org.flussgo.proto.v1.ListOffsetsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListOffsetsMethod(), responseObserver);
    }

    /**
     * <pre>
     * CountRows tells how many rows a table or some partitions have now, without a scan.
     * </pre>
     */
    default void countRows(org.flussgo.proto.v1.CountRowsRequest request,
        io.grpc.stub.StreamObserver<org.flussgo.proto.v1.CountRowsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCountRowsMethod(), responseObserver);
    }

    /**
     * <pre>
     * DescribeCluster tells the servers, tablets and totals.
     * </pre>
     */
    default void describeCluster(org.flussgo.proto.v1.DescribeClusterRequest request,
        io.grpc.stub.StreamObserver<org.flussgo.proto.v1.DescribeClusterResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDescribeClusterMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service Admin.
   * <pre>
   * Admin creates, changes, lists and drops what tables are made of. Any server
   * answers. Errors carry google.rpc.ErrorInfo with the code of proto/errcode.
   * </pre>
   */
  public static abstract class AdminImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return AdminGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service Admin.
   * <pre>
   * Admin creates, changes, lists and drops what tables are made of. Any server
   * answers. Errors carry google.rpc.ErrorInfo with the code of proto/errcode.
   * </pre>
   */
  public static final class AdminStub
      extends io.grpc.stub.AbstractAsyncStub<AdminStub> {
    private AdminStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected AdminStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new AdminStub(channel, callOptions);
    }

    /**
     */
    public void createDatabase(org.flussgo.proto.v1.CreateDatabaseRequest request,
        io.grpc.stub.StreamObserver<org.flussgo.proto.v1.CreateDatabaseResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCreateDatabaseMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     */
    public void alterDatabase(org.flussgo.proto.v1.AlterDatabaseRequest request,
        io.grpc.stub.StreamObserver<org.flussgo.proto.v1.AlterDatabaseResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getAlterDatabaseMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     */
    public void dropDatabase(org.flussgo.proto.v1.DropDatabaseRequest request,
        io.grpc.stub.StreamObserver<org.flussgo.proto.v1.DropDatabaseResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDropDatabaseMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     */
    public void listDatabases(org.flussgo.proto.v1.ListDatabasesRequest request,
        io.grpc.stub.StreamObserver<org.flussgo.proto.v1.ListDatabasesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListDatabasesMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     */
    public void describeDatabase(org.flussgo.proto.v1.DescribeDatabaseRequest request,
        io.grpc.stub.StreamObserver<org.flussgo.proto.v1.DescribeDatabaseResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDescribeDatabaseMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     */
    public void createTable(org.flussgo.proto.v1.CreateTableRequest request,
        io.grpc.stub.StreamObserver<org.flussgo.proto.v1.CreateTableResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCreateTableMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     */
    public void alterTable(org.flussgo.proto.v1.AlterTableRequest request,
        io.grpc.stub.StreamObserver<org.flussgo.proto.v1.AlterTableResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getAlterTableMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     */
    public void dropTable(org.flussgo.proto.v1.DropTableRequest request,
        io.grpc.stub.StreamObserver<org.flussgo.proto.v1.DropTableResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDropTableMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     */
    public void listTables(org.flussgo.proto.v1.ListTablesRequest request,
        io.grpc.stub.StreamObserver<org.flussgo.proto.v1.ListTablesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListTablesMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     */
    public void describeTable(org.flussgo.proto.v1.DescribeTableRequest request,
        io.grpc.stub.StreamObserver<org.flussgo.proto.v1.DescribeTableResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDescribeTableMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     */
    public void createPartition(org.flussgo.proto.v1.CreatePartitionRequest request,
        io.grpc.stub.StreamObserver<org.flussgo.proto.v1.CreatePartitionResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCreatePartitionMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     */
    public void dropPartition(org.flussgo.proto.v1.DropPartitionRequest request,
        io.grpc.stub.StreamObserver<org.flussgo.proto.v1.DropPartitionResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDropPartitionMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     */
    public void listPartitions(org.flussgo.proto.v1.ListPartitionsRequest request,
        io.grpc.stub.StreamObserver<org.flussgo.proto.v1.ListPartitionsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListPartitionsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * ListOffsets tells a place in each bucket of a table or of some partitions.
     * </pre>
     */
    public void listOffsets(org.flussgo.proto.v1.ListOffsetsRequest request,
        io.grpc.stub.StreamObserver<org.flussgo.proto.v1.ListOffsetsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListOffsetsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * CountRows tells how many rows a table or some partitions have now, without a scan.
     * </pre>
     */
    public void countRows(org.flussgo.proto.v1.CountRowsRequest request,
        io.grpc.stub.StreamObserver<org.flussgo.proto.v1.CountRowsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCountRowsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * DescribeCluster tells the servers, tablets and totals.
     * </pre>
     */
    public void describeCluster(org.flussgo.proto.v1.DescribeClusterRequest request,
        io.grpc.stub.StreamObserver<org.flussgo.proto.v1.DescribeClusterResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDescribeClusterMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service Admin.
   * <pre>
   * Admin creates, changes, lists and drops what tables are made of. Any server
   * answers. Errors carry google.rpc.ErrorInfo with the code of proto/errcode.
   * </pre>
   */
  public static final class AdminBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<AdminBlockingV2Stub> {
    private AdminBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected AdminBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new AdminBlockingV2Stub(channel, callOptions);
    }

    /**
     */
    public org.flussgo.proto.v1.CreateDatabaseResponse createDatabase(org.flussgo.proto.v1.CreateDatabaseRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCreateDatabaseMethod(), getCallOptions(), request);
    }

    /**
     */
    public org.flussgo.proto.v1.AlterDatabaseResponse alterDatabase(org.flussgo.proto.v1.AlterDatabaseRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getAlterDatabaseMethod(), getCallOptions(), request);
    }

    /**
     */
    public org.flussgo.proto.v1.DropDatabaseResponse dropDatabase(org.flussgo.proto.v1.DropDatabaseRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDropDatabaseMethod(), getCallOptions(), request);
    }

    /**
     */
    public org.flussgo.proto.v1.ListDatabasesResponse listDatabases(org.flussgo.proto.v1.ListDatabasesRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListDatabasesMethod(), getCallOptions(), request);
    }

    /**
     */
    public org.flussgo.proto.v1.DescribeDatabaseResponse describeDatabase(org.flussgo.proto.v1.DescribeDatabaseRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDescribeDatabaseMethod(), getCallOptions(), request);
    }

    /**
     */
    public org.flussgo.proto.v1.CreateTableResponse createTable(org.flussgo.proto.v1.CreateTableRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCreateTableMethod(), getCallOptions(), request);
    }

    /**
     */
    public org.flussgo.proto.v1.AlterTableResponse alterTable(org.flussgo.proto.v1.AlterTableRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getAlterTableMethod(), getCallOptions(), request);
    }

    /**
     */
    public org.flussgo.proto.v1.DropTableResponse dropTable(org.flussgo.proto.v1.DropTableRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDropTableMethod(), getCallOptions(), request);
    }

    /**
     */
    public org.flussgo.proto.v1.ListTablesResponse listTables(org.flussgo.proto.v1.ListTablesRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListTablesMethod(), getCallOptions(), request);
    }

    /**
     */
    public org.flussgo.proto.v1.DescribeTableResponse describeTable(org.flussgo.proto.v1.DescribeTableRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDescribeTableMethod(), getCallOptions(), request);
    }

    /**
     */
    public org.flussgo.proto.v1.CreatePartitionResponse createPartition(org.flussgo.proto.v1.CreatePartitionRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCreatePartitionMethod(), getCallOptions(), request);
    }

    /**
     */
    public org.flussgo.proto.v1.DropPartitionResponse dropPartition(org.flussgo.proto.v1.DropPartitionRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDropPartitionMethod(), getCallOptions(), request);
    }

    /**
     */
    public org.flussgo.proto.v1.ListPartitionsResponse listPartitions(org.flussgo.proto.v1.ListPartitionsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListPartitionsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * ListOffsets tells a place in each bucket of a table or of some partitions.
     * </pre>
     */
    public org.flussgo.proto.v1.ListOffsetsResponse listOffsets(org.flussgo.proto.v1.ListOffsetsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListOffsetsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * CountRows tells how many rows a table or some partitions have now, without a scan.
     * </pre>
     */
    public org.flussgo.proto.v1.CountRowsResponse countRows(org.flussgo.proto.v1.CountRowsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCountRowsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * DescribeCluster tells the servers, tablets and totals.
     * </pre>
     */
    public org.flussgo.proto.v1.DescribeClusterResponse describeCluster(org.flussgo.proto.v1.DescribeClusterRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDescribeClusterMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service Admin.
   * <pre>
   * Admin creates, changes, lists and drops what tables are made of. Any server
   * answers. Errors carry google.rpc.ErrorInfo with the code of proto/errcode.
   * </pre>
   */
  public static final class AdminBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<AdminBlockingStub> {
    private AdminBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected AdminBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new AdminBlockingStub(channel, callOptions);
    }

    /**
     */
    public org.flussgo.proto.v1.CreateDatabaseResponse createDatabase(org.flussgo.proto.v1.CreateDatabaseRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCreateDatabaseMethod(), getCallOptions(), request);
    }

    /**
     */
    public org.flussgo.proto.v1.AlterDatabaseResponse alterDatabase(org.flussgo.proto.v1.AlterDatabaseRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getAlterDatabaseMethod(), getCallOptions(), request);
    }

    /**
     */
    public org.flussgo.proto.v1.DropDatabaseResponse dropDatabase(org.flussgo.proto.v1.DropDatabaseRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDropDatabaseMethod(), getCallOptions(), request);
    }

    /**
     */
    public org.flussgo.proto.v1.ListDatabasesResponse listDatabases(org.flussgo.proto.v1.ListDatabasesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListDatabasesMethod(), getCallOptions(), request);
    }

    /**
     */
    public org.flussgo.proto.v1.DescribeDatabaseResponse describeDatabase(org.flussgo.proto.v1.DescribeDatabaseRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDescribeDatabaseMethod(), getCallOptions(), request);
    }

    /**
     */
    public org.flussgo.proto.v1.CreateTableResponse createTable(org.flussgo.proto.v1.CreateTableRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCreateTableMethod(), getCallOptions(), request);
    }

    /**
     */
    public org.flussgo.proto.v1.AlterTableResponse alterTable(org.flussgo.proto.v1.AlterTableRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getAlterTableMethod(), getCallOptions(), request);
    }

    /**
     */
    public org.flussgo.proto.v1.DropTableResponse dropTable(org.flussgo.proto.v1.DropTableRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDropTableMethod(), getCallOptions(), request);
    }

    /**
     */
    public org.flussgo.proto.v1.ListTablesResponse listTables(org.flussgo.proto.v1.ListTablesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListTablesMethod(), getCallOptions(), request);
    }

    /**
     */
    public org.flussgo.proto.v1.DescribeTableResponse describeTable(org.flussgo.proto.v1.DescribeTableRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDescribeTableMethod(), getCallOptions(), request);
    }

    /**
     */
    public org.flussgo.proto.v1.CreatePartitionResponse createPartition(org.flussgo.proto.v1.CreatePartitionRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCreatePartitionMethod(), getCallOptions(), request);
    }

    /**
     */
    public org.flussgo.proto.v1.DropPartitionResponse dropPartition(org.flussgo.proto.v1.DropPartitionRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDropPartitionMethod(), getCallOptions(), request);
    }

    /**
     */
    public org.flussgo.proto.v1.ListPartitionsResponse listPartitions(org.flussgo.proto.v1.ListPartitionsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListPartitionsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * ListOffsets tells a place in each bucket of a table or of some partitions.
     * </pre>
     */
    public org.flussgo.proto.v1.ListOffsetsResponse listOffsets(org.flussgo.proto.v1.ListOffsetsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListOffsetsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * CountRows tells how many rows a table or some partitions have now, without a scan.
     * </pre>
     */
    public org.flussgo.proto.v1.CountRowsResponse countRows(org.flussgo.proto.v1.CountRowsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCountRowsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * DescribeCluster tells the servers, tablets and totals.
     * </pre>
     */
    public org.flussgo.proto.v1.DescribeClusterResponse describeCluster(org.flussgo.proto.v1.DescribeClusterRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDescribeClusterMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service Admin.
   * <pre>
   * Admin creates, changes, lists and drops what tables are made of. Any server
   * answers. Errors carry google.rpc.ErrorInfo with the code of proto/errcode.
   * </pre>
   */
  public static final class AdminFutureStub
      extends io.grpc.stub.AbstractFutureStub<AdminFutureStub> {
    private AdminFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected AdminFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new AdminFutureStub(channel, callOptions);
    }

    /**
     */
    public com.google.common.util.concurrent.ListenableFuture<org.flussgo.proto.v1.CreateDatabaseResponse> createDatabase(
        org.flussgo.proto.v1.CreateDatabaseRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCreateDatabaseMethod(), getCallOptions()), request);
    }

    /**
     */
    public com.google.common.util.concurrent.ListenableFuture<org.flussgo.proto.v1.AlterDatabaseResponse> alterDatabase(
        org.flussgo.proto.v1.AlterDatabaseRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getAlterDatabaseMethod(), getCallOptions()), request);
    }

    /**
     */
    public com.google.common.util.concurrent.ListenableFuture<org.flussgo.proto.v1.DropDatabaseResponse> dropDatabase(
        org.flussgo.proto.v1.DropDatabaseRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDropDatabaseMethod(), getCallOptions()), request);
    }

    /**
     */
    public com.google.common.util.concurrent.ListenableFuture<org.flussgo.proto.v1.ListDatabasesResponse> listDatabases(
        org.flussgo.proto.v1.ListDatabasesRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListDatabasesMethod(), getCallOptions()), request);
    }

    /**
     */
    public com.google.common.util.concurrent.ListenableFuture<org.flussgo.proto.v1.DescribeDatabaseResponse> describeDatabase(
        org.flussgo.proto.v1.DescribeDatabaseRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDescribeDatabaseMethod(), getCallOptions()), request);
    }

    /**
     */
    public com.google.common.util.concurrent.ListenableFuture<org.flussgo.proto.v1.CreateTableResponse> createTable(
        org.flussgo.proto.v1.CreateTableRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCreateTableMethod(), getCallOptions()), request);
    }

    /**
     */
    public com.google.common.util.concurrent.ListenableFuture<org.flussgo.proto.v1.AlterTableResponse> alterTable(
        org.flussgo.proto.v1.AlterTableRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getAlterTableMethod(), getCallOptions()), request);
    }

    /**
     */
    public com.google.common.util.concurrent.ListenableFuture<org.flussgo.proto.v1.DropTableResponse> dropTable(
        org.flussgo.proto.v1.DropTableRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDropTableMethod(), getCallOptions()), request);
    }

    /**
     */
    public com.google.common.util.concurrent.ListenableFuture<org.flussgo.proto.v1.ListTablesResponse> listTables(
        org.flussgo.proto.v1.ListTablesRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListTablesMethod(), getCallOptions()), request);
    }

    /**
     */
    public com.google.common.util.concurrent.ListenableFuture<org.flussgo.proto.v1.DescribeTableResponse> describeTable(
        org.flussgo.proto.v1.DescribeTableRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDescribeTableMethod(), getCallOptions()), request);
    }

    /**
     */
    public com.google.common.util.concurrent.ListenableFuture<org.flussgo.proto.v1.CreatePartitionResponse> createPartition(
        org.flussgo.proto.v1.CreatePartitionRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCreatePartitionMethod(), getCallOptions()), request);
    }

    /**
     */
    public com.google.common.util.concurrent.ListenableFuture<org.flussgo.proto.v1.DropPartitionResponse> dropPartition(
        org.flussgo.proto.v1.DropPartitionRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDropPartitionMethod(), getCallOptions()), request);
    }

    /**
     */
    public com.google.common.util.concurrent.ListenableFuture<org.flussgo.proto.v1.ListPartitionsResponse> listPartitions(
        org.flussgo.proto.v1.ListPartitionsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListPartitionsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * ListOffsets tells a place in each bucket of a table or of some partitions.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<org.flussgo.proto.v1.ListOffsetsResponse> listOffsets(
        org.flussgo.proto.v1.ListOffsetsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListOffsetsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * CountRows tells how many rows a table or some partitions have now, without a scan.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<org.flussgo.proto.v1.CountRowsResponse> countRows(
        org.flussgo.proto.v1.CountRowsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCountRowsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * DescribeCluster tells the servers, tablets and totals.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<org.flussgo.proto.v1.DescribeClusterResponse> describeCluster(
        org.flussgo.proto.v1.DescribeClusterRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDescribeClusterMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_CREATE_DATABASE = 0;
  private static final int METHODID_ALTER_DATABASE = 1;
  private static final int METHODID_DROP_DATABASE = 2;
  private static final int METHODID_LIST_DATABASES = 3;
  private static final int METHODID_DESCRIBE_DATABASE = 4;
  private static final int METHODID_CREATE_TABLE = 5;
  private static final int METHODID_ALTER_TABLE = 6;
  private static final int METHODID_DROP_TABLE = 7;
  private static final int METHODID_LIST_TABLES = 8;
  private static final int METHODID_DESCRIBE_TABLE = 9;
  private static final int METHODID_CREATE_PARTITION = 10;
  private static final int METHODID_DROP_PARTITION = 11;
  private static final int METHODID_LIST_PARTITIONS = 12;
  private static final int METHODID_LIST_OFFSETS = 13;
  private static final int METHODID_COUNT_ROWS = 14;
  private static final int METHODID_DESCRIBE_CLUSTER = 15;

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
        case METHODID_CREATE_DATABASE:
          serviceImpl.createDatabase((org.flussgo.proto.v1.CreateDatabaseRequest) request,
              (io.grpc.stub.StreamObserver<org.flussgo.proto.v1.CreateDatabaseResponse>) responseObserver);
          break;
        case METHODID_ALTER_DATABASE:
          serviceImpl.alterDatabase((org.flussgo.proto.v1.AlterDatabaseRequest) request,
              (io.grpc.stub.StreamObserver<org.flussgo.proto.v1.AlterDatabaseResponse>) responseObserver);
          break;
        case METHODID_DROP_DATABASE:
          serviceImpl.dropDatabase((org.flussgo.proto.v1.DropDatabaseRequest) request,
              (io.grpc.stub.StreamObserver<org.flussgo.proto.v1.DropDatabaseResponse>) responseObserver);
          break;
        case METHODID_LIST_DATABASES:
          serviceImpl.listDatabases((org.flussgo.proto.v1.ListDatabasesRequest) request,
              (io.grpc.stub.StreamObserver<org.flussgo.proto.v1.ListDatabasesResponse>) responseObserver);
          break;
        case METHODID_DESCRIBE_DATABASE:
          serviceImpl.describeDatabase((org.flussgo.proto.v1.DescribeDatabaseRequest) request,
              (io.grpc.stub.StreamObserver<org.flussgo.proto.v1.DescribeDatabaseResponse>) responseObserver);
          break;
        case METHODID_CREATE_TABLE:
          serviceImpl.createTable((org.flussgo.proto.v1.CreateTableRequest) request,
              (io.grpc.stub.StreamObserver<org.flussgo.proto.v1.CreateTableResponse>) responseObserver);
          break;
        case METHODID_ALTER_TABLE:
          serviceImpl.alterTable((org.flussgo.proto.v1.AlterTableRequest) request,
              (io.grpc.stub.StreamObserver<org.flussgo.proto.v1.AlterTableResponse>) responseObserver);
          break;
        case METHODID_DROP_TABLE:
          serviceImpl.dropTable((org.flussgo.proto.v1.DropTableRequest) request,
              (io.grpc.stub.StreamObserver<org.flussgo.proto.v1.DropTableResponse>) responseObserver);
          break;
        case METHODID_LIST_TABLES:
          serviceImpl.listTables((org.flussgo.proto.v1.ListTablesRequest) request,
              (io.grpc.stub.StreamObserver<org.flussgo.proto.v1.ListTablesResponse>) responseObserver);
          break;
        case METHODID_DESCRIBE_TABLE:
          serviceImpl.describeTable((org.flussgo.proto.v1.DescribeTableRequest) request,
              (io.grpc.stub.StreamObserver<org.flussgo.proto.v1.DescribeTableResponse>) responseObserver);
          break;
        case METHODID_CREATE_PARTITION:
          serviceImpl.createPartition((org.flussgo.proto.v1.CreatePartitionRequest) request,
              (io.grpc.stub.StreamObserver<org.flussgo.proto.v1.CreatePartitionResponse>) responseObserver);
          break;
        case METHODID_DROP_PARTITION:
          serviceImpl.dropPartition((org.flussgo.proto.v1.DropPartitionRequest) request,
              (io.grpc.stub.StreamObserver<org.flussgo.proto.v1.DropPartitionResponse>) responseObserver);
          break;
        case METHODID_LIST_PARTITIONS:
          serviceImpl.listPartitions((org.flussgo.proto.v1.ListPartitionsRequest) request,
              (io.grpc.stub.StreamObserver<org.flussgo.proto.v1.ListPartitionsResponse>) responseObserver);
          break;
        case METHODID_LIST_OFFSETS:
          serviceImpl.listOffsets((org.flussgo.proto.v1.ListOffsetsRequest) request,
              (io.grpc.stub.StreamObserver<org.flussgo.proto.v1.ListOffsetsResponse>) responseObserver);
          break;
        case METHODID_COUNT_ROWS:
          serviceImpl.countRows((org.flussgo.proto.v1.CountRowsRequest) request,
              (io.grpc.stub.StreamObserver<org.flussgo.proto.v1.CountRowsResponse>) responseObserver);
          break;
        case METHODID_DESCRIBE_CLUSTER:
          serviceImpl.describeCluster((org.flussgo.proto.v1.DescribeClusterRequest) request,
              (io.grpc.stub.StreamObserver<org.flussgo.proto.v1.DescribeClusterResponse>) responseObserver);
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
          getCreateDatabaseMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              org.flussgo.proto.v1.CreateDatabaseRequest,
              org.flussgo.proto.v1.CreateDatabaseResponse>(
                service, METHODID_CREATE_DATABASE)))
        .addMethod(
          getAlterDatabaseMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              org.flussgo.proto.v1.AlterDatabaseRequest,
              org.flussgo.proto.v1.AlterDatabaseResponse>(
                service, METHODID_ALTER_DATABASE)))
        .addMethod(
          getDropDatabaseMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              org.flussgo.proto.v1.DropDatabaseRequest,
              org.flussgo.proto.v1.DropDatabaseResponse>(
                service, METHODID_DROP_DATABASE)))
        .addMethod(
          getListDatabasesMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              org.flussgo.proto.v1.ListDatabasesRequest,
              org.flussgo.proto.v1.ListDatabasesResponse>(
                service, METHODID_LIST_DATABASES)))
        .addMethod(
          getDescribeDatabaseMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              org.flussgo.proto.v1.DescribeDatabaseRequest,
              org.flussgo.proto.v1.DescribeDatabaseResponse>(
                service, METHODID_DESCRIBE_DATABASE)))
        .addMethod(
          getCreateTableMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              org.flussgo.proto.v1.CreateTableRequest,
              org.flussgo.proto.v1.CreateTableResponse>(
                service, METHODID_CREATE_TABLE)))
        .addMethod(
          getAlterTableMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              org.flussgo.proto.v1.AlterTableRequest,
              org.flussgo.proto.v1.AlterTableResponse>(
                service, METHODID_ALTER_TABLE)))
        .addMethod(
          getDropTableMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              org.flussgo.proto.v1.DropTableRequest,
              org.flussgo.proto.v1.DropTableResponse>(
                service, METHODID_DROP_TABLE)))
        .addMethod(
          getListTablesMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              org.flussgo.proto.v1.ListTablesRequest,
              org.flussgo.proto.v1.ListTablesResponse>(
                service, METHODID_LIST_TABLES)))
        .addMethod(
          getDescribeTableMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              org.flussgo.proto.v1.DescribeTableRequest,
              org.flussgo.proto.v1.DescribeTableResponse>(
                service, METHODID_DESCRIBE_TABLE)))
        .addMethod(
          getCreatePartitionMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              org.flussgo.proto.v1.CreatePartitionRequest,
              org.flussgo.proto.v1.CreatePartitionResponse>(
                service, METHODID_CREATE_PARTITION)))
        .addMethod(
          getDropPartitionMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              org.flussgo.proto.v1.DropPartitionRequest,
              org.flussgo.proto.v1.DropPartitionResponse>(
                service, METHODID_DROP_PARTITION)))
        .addMethod(
          getListPartitionsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              org.flussgo.proto.v1.ListPartitionsRequest,
              org.flussgo.proto.v1.ListPartitionsResponse>(
                service, METHODID_LIST_PARTITIONS)))
        .addMethod(
          getListOffsetsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              org.flussgo.proto.v1.ListOffsetsRequest,
              org.flussgo.proto.v1.ListOffsetsResponse>(
                service, METHODID_LIST_OFFSETS)))
        .addMethod(
          getCountRowsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              org.flussgo.proto.v1.CountRowsRequest,
              org.flussgo.proto.v1.CountRowsResponse>(
                service, METHODID_COUNT_ROWS)))
        .addMethod(
          getDescribeClusterMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              org.flussgo.proto.v1.DescribeClusterRequest,
              org.flussgo.proto.v1.DescribeClusterResponse>(
                service, METHODID_DESCRIBE_CLUSTER)))
        .build();
  }

  private static volatile io.grpc.ServiceDescriptor serviceDescriptor;

  public static io.grpc.ServiceDescriptor getServiceDescriptor() {
    io.grpc.ServiceDescriptor result = serviceDescriptor;
    if (result == null) {
      synchronized (AdminGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .addMethod(getCreateDatabaseMethod())
              .addMethod(getAlterDatabaseMethod())
              .addMethod(getDropDatabaseMethod())
              .addMethod(getListDatabasesMethod())
              .addMethod(getDescribeDatabaseMethod())
              .addMethod(getCreateTableMethod())
              .addMethod(getAlterTableMethod())
              .addMethod(getDropTableMethod())
              .addMethod(getListTablesMethod())
              .addMethod(getDescribeTableMethod())
              .addMethod(getCreatePartitionMethod())
              .addMethod(getDropPartitionMethod())
              .addMethod(getListPartitionsMethod())
              .addMethod(getListOffsetsMethod())
              .addMethod(getCountRowsMethod())
              .addMethod(getDescribeClusterMethod())
              .build();
        }
      }
    }
    return result;
  }
}
