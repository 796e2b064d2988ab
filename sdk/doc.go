// Package sdk is what a Go program imports to use Fluss: it connects, creates
// tables, appends rows to them or upserts and deletes rows by key, looks rows up
// and scans them.
//
//	client, err := sdk.Connect(ctx, "localhost:9123")
//	appender, err := client.Appender(ctx, "shop.orders")
//	future, err := appender.Append(ctx, Order{ID: 1, Total: "9.90"})
//	ack, err := future.Wait(ctx)            // or appender.Flush(ctx) after many
//	scanner, err := client.Scanner(ctx, "shop.orders", sdk.ScanOptions{Columns: []string{"id"}})
//	for row, err := range sdk.Rows[Order](ctx, scanner) { ... }
//
// Tables with a primary key:
//
//	upserter, err := client.Upserter(ctx, "shop.customers")
//	future, err := upserter.Upsert(ctx, Customer{ID: 1, Name: "Ann"})
//	future, err = upserter.Delete(ctx, sdk.Key{2})
//	lookuper, err := client.Lookuper(ctx, "shop.customers")
//	customer, found, err := sdk.LookupOne[Customer](ctx, lookuper, sdk.Key{1})
//
// Rows are structs whose fields carry the tag `fluss:"column"`, maps from column
// name to value, or Arrow record batches. Values take these Go forms:
//
//	BOOLEAN                  bool
//	TINYINT ... BIGINT       any integer kind that the value fits in
//	FLOAT, DOUBLE            float32, float64
//	CHAR, STRING             string (valid UTF-8)
//	DECIMAL                  string ("12.34") or decimal128.Num (unscaled, at the column's scale)
//	DATE                     time.Time, of which the calendar date counts
//	TIME                     time.Duration since midnight
//	TIMESTAMP                time.Time, of which date and clock count; read back in UTC
//	TIMESTAMP_LTZ            time.Time, an instant; read back in UTC
//	BINARY, BYTES            []byte, [n]byte
//	ARRAY, MAP, ROW          slice, map, struct or map[string]any
//	NULL                     nil pointer, nil slice or map, nil in an any, or a
//	                         struct like sql.Null[T] whose Valid is false
//
// Digits of a second beyond the column's precision are cut off.
//
// Every error is an *errcode.Error; act on its code. All types are safe for
// concurrent use unless they say otherwise.
package sdk
