// Package errcode is the one table of errors that cross the wire, and the one
// place where errors become gRPC statuses and back.
//
// A client acts on the code and its Retry class, never on the text. On the wire
// the code is the reason of a google.rpc.ErrorInfo with the domain "fluss", its
// metadata the facts, so that Go, Java, Python and grpcurl users see the same.
// Codes are added, never renamed or reused.
package errcode

import (
	"errors"
	"fmt"
	"maps"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Domain is the domain of the google.rpc.ErrorInfo that carries a code.
const Domain = "fluss"

// Retry says what a client does about an error.
type Retry uint8

// The retry classes.
const (
	// Never: the same call fails again.
	Never Retry = iota
	// AfterBackoff: the same call may succeed later.
	AfterBackoff
	// AfterRefresh: ask for metadata (or a writer id) again, then repeat the call.
	AfterRefresh
)

// Code names an error.
type Code string

// The codes. Facts that go with one are in parentheses.
const (
	InvalidArgument    Code = "INVALID_ARGUMENT"
	InvalidName        Code = "INVALID_NAME"
	InvalidSchema      Code = "INVALID_SCHEMA"
	InvalidOption      Code = "INVALID_OPTION" // (option)
	InvalidProjection  Code = "INVALID_PROJECTION"
	InvalidFilter      Code = "INVALID_FILTER" // (position)
	InvalidTicket      Code = "INVALID_TICKET"
	InvalidBatch       Code = "INVALID_BATCH" // (column)
	InvalidPartition   Code = "INVALID_PARTITION"
	BadChecksum        Code = "BAD_CHECKSUM"
	RecordTooLarge     Code = "RECORD_TOO_LARGE" // (bytes, limit)
	LimitExceeded      Code = "LIMIT_EXCEEDED"   // (limit)
	Unsupported        Code = "UNSUPPORTED"
	UnknownDatabase    Code = "UNKNOWN_DATABASE"
	UnknownTable       Code = "UNKNOWN_TABLE"
	UnknownColumn      Code = "UNKNOWN_COLUMN"
	UnknownPartition   Code = "UNKNOWN_PARTITION"
	UnknownBucket      Code = "UNKNOWN_BUCKET"
	UnknownSchema      Code = "UNKNOWN_SCHEMA"
	UnknownWriter      Code = "UNKNOWN_WRITER"
	DatabaseExists     Code = "DATABASE_EXISTS"
	TableExists        Code = "TABLE_EXISTS"
	PartitionExists    Code = "PARTITION_EXISTS"
	ColumnExists       Code = "COLUMN_EXISTS"
	DatabaseNotEmpty   Code = "DATABASE_NOT_EMPTY"
	Conflict           Code = "CONFLICT" // metadata changed meanwhile
	NotLeader          Code = "NOT_LEADER"
	NoLeader           Code = "NO_LEADER"
	ShuttingDown       Code = "SHUTTING_DOWN"
	StaleTerm          Code = "STALE_TERM"
	OffsetOutOfRange   Code = "OFFSET_OUT_OF_RANGE"   // (start, end)
	OutOfOrderSequence Code = "OUT_OF_ORDER_SEQUENCE" // (expected)
	OutcomeUnknown     Code = "OUTCOME_UNKNOWN"
	StoragePressure    Code = "STORAGE_PRESSURE" // (retry_after_ms)
	DiskFull           Code = "DISK_FULL"
	DeletionDisabled   Code = "DELETION_DISABLED"
	NotPrimaryKeyTable Code = "NOT_PRIMARY_KEY_TABLE"
	NotLogTable        Code = "NOT_LOG_TABLE"
	StaleTieringEpoch  Code = "STALE_TIERING_EPOCH"
	Unauthenticated    Code = "UNAUTHENTICATED"
	PermissionDenied   Code = "PERMISSION_DENIED" // (operation, resource)
	Corrupt            Code = "CORRUPT"           // (segment, position)
	Canceled           Code = "CANCELED"
	DeadlineExceeded   Code = "DEADLINE_EXCEEDED"
	Unavailable        Code = "UNAVAILABLE"
	Internal           Code = "INTERNAL" // (request_id)
)

type property struct {
	status codes.Code
	retry  Retry
}

var properties = map[Code]property{
	InvalidArgument:    {codes.InvalidArgument, Never},
	InvalidName:        {codes.InvalidArgument, Never},
	InvalidSchema:      {codes.InvalidArgument, Never},
	InvalidOption:      {codes.InvalidArgument, Never},
	InvalidProjection:  {codes.InvalidArgument, Never},
	InvalidFilter:      {codes.InvalidArgument, Never},
	InvalidTicket:      {codes.InvalidArgument, Never},
	InvalidBatch:       {codes.InvalidArgument, Never},
	InvalidPartition:   {codes.InvalidArgument, Never},
	BadChecksum:        {codes.DataLoss, AfterBackoff},
	RecordTooLarge:     {codes.InvalidArgument, Never},
	LimitExceeded:      {codes.ResourceExhausted, Never},
	Unsupported:        {codes.Unimplemented, Never},
	UnknownDatabase:    {codes.NotFound, Never},
	UnknownTable:       {codes.NotFound, Never},
	UnknownColumn:      {codes.NotFound, Never},
	UnknownPartition:   {codes.NotFound, AfterRefresh},
	UnknownBucket:      {codes.NotFound, AfterRefresh},
	UnknownSchema:      {codes.FailedPrecondition, AfterRefresh},
	UnknownWriter:      {codes.FailedPrecondition, AfterRefresh},
	DatabaseExists:     {codes.AlreadyExists, Never},
	TableExists:        {codes.AlreadyExists, Never},
	PartitionExists:    {codes.AlreadyExists, Never},
	ColumnExists:       {codes.AlreadyExists, Never},
	DatabaseNotEmpty:   {codes.FailedPrecondition, Never},
	Conflict:           {codes.Aborted, AfterBackoff},
	NotLeader:          {codes.FailedPrecondition, AfterRefresh},
	NoLeader:           {codes.Unavailable, AfterBackoff},
	ShuttingDown:       {codes.Unavailable, AfterBackoff},
	StaleTerm:          {codes.FailedPrecondition, AfterRefresh},
	OffsetOutOfRange:   {codes.OutOfRange, Never},
	OutOfOrderSequence: {codes.FailedPrecondition, Never},
	OutcomeUnknown:     {codes.Unknown, AfterBackoff},
	StoragePressure:    {codes.ResourceExhausted, AfterBackoff},
	DiskFull:           {codes.ResourceExhausted, AfterBackoff},
	DeletionDisabled:   {codes.FailedPrecondition, Never},
	NotPrimaryKeyTable: {codes.FailedPrecondition, Never},
	NotLogTable:        {codes.FailedPrecondition, Never},
	StaleTieringEpoch:  {codes.FailedPrecondition, Never},
	Unauthenticated:    {codes.Unauthenticated, Never},
	PermissionDenied:   {codes.PermissionDenied, Never},
	Corrupt:            {codes.DataLoss, Never},
	Canceled:           {codes.Canceled, Never},
	DeadlineExceeded:   {codes.DeadlineExceeded, Never},
	Unavailable:        {codes.Unavailable, AfterBackoff},
	Internal:           {codes.Internal, Never},
}

// Retry tells what a client does about the code; an unknown code is Never.
func (c Code) Retry() Retry { return properties[c].retry }

// Status is the gRPC status code that carries c; an unknown code is Unknown.
func (c Code) Status() codes.Code {
	if p, ok := properties[c]; ok {
		return p.status
	}
	return codes.Unknown
}

// Error is an error with a code and facts. Make it with New.
type Error struct {
	Code Code
	// Message tells what was wrong, where, and what to do next.
	Message string
	// Facts by name in snake_case; nil when there are none.
	Facts map[string]string
	cause error
}

// New returns an error that users see as message. A cause may be nil; it is
// kept for errors.Is and for the server's log and never sent to clients.
func New(code Code, cause error, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), cause: cause}
}

// With adds a fact and returns e.
func (e *Error) With(name string, value any) *Error {
	if e.Facts == nil {
		e.Facts = map[string]string{}
	}
	e.Facts[name] = fmt.Sprint(value)
	return e
}

// Error returns the code, the message and the cause.
func (e *Error) Error() string {
	if e.cause != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Message, e.cause)
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Message)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.cause }

// Is reports whether target is an *Error of the same code with no message: so
// errors.Is(err, &errcode.Error{Code: c}) asks for the code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code && t.Message == ""
}

// Of returns the code of err: that of the *Error in its chain, else that of the
// gRPC status, else Internal. It returns "" for nil.
func Of(err error) Code {
	if err == nil {
		return ""
	}
	return From(err).Code
}

// From returns err as an *Error: the one in its chain, else one made from the
// gRPC status that it carries, else an Internal one that wraps it. From(nil) is nil.
func From(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	st, ok := status.FromError(err)
	if !ok {
		st = status.FromContextError(err)
	}
	for _, d := range st.Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok && info.GetDomain() == Domain {
			return &Error{Code: Code(info.GetReason()), Message: st.Message(), Facts: info.GetMetadata()}
		}
	}
	switch st.Code() { //nolint:exhaustive // the others have no counterpart
	case codes.Canceled:
		return &Error{Code: Canceled, Message: "the call was canceled", cause: err}
	case codes.DeadlineExceeded:
		return &Error{Code: DeadlineExceeded, Message: "the deadline passed before the call ended", cause: err}
	case codes.Unavailable:
		return &Error{Code: Unavailable, Message: "the server cannot be reached: " + st.Message(), cause: err}
	case codes.Unimplemented:
		return &Error{Code: Unsupported, Message: st.Message(), cause: err}
	case codes.ResourceExhausted:
		return &Error{Code: RecordTooLarge, Message: st.Message(), cause: err}
	case codes.InvalidArgument:
		return &Error{Code: InvalidArgument, Message: st.Message(), cause: err}
	default:
		return &Error{Code: Internal, Message: "internal error", cause: err}
	}
}

// ToStatus turns err into an error that gRPC sends: code, message and facts,
// never the text of a cause. ToStatus(nil) is nil. Only interceptors call it.
func ToStatus(err error) error {
	if err == nil {
		return nil
	}
	e := From(err)
	st := status.New(e.Code.Status(), e.Message)
	info := &errdetails.ErrorInfo{Reason: string(e.Code), Domain: Domain, Metadata: maps.Clone(e.Facts)}
	with, detailErr := st.WithDetails(info)
	if detailErr != nil {
		return st.Err()
	}
	return with.Err()
}

// All returns every code with its gRPC status and retry class; the map is the caller's.
func All() map[Code]struct {
	Status codes.Code
	Retry  Retry
} {
	out := make(map[Code]struct {
		Status codes.Code
		Retry  Retry
	}, len(properties))
	for c, p := range properties {
		out[c] = struct {
			Status codes.Code
			Retry  Retry
		}{p.status, p.retry}
	}
	return out
}
