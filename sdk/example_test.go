package sdk_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/fluss-go/fluss/sdk"
)

// exampleTB lets an example use what tests use.
type exampleTB struct{ testing.TB }

func (exampleTB) Helper()                   {}
func (exampleTB) Cleanup(func())            {}
func (exampleTB) Errorf(f string, a ...any) { fmt.Printf(f, a...) }
func (exampleTB) FailNow()                  { panic("the example failed") }

// An in-process server stands for a real one, which is reached with
// sdk.Connect(ctx, "localhost:9123").
func Example() {
	f := newFake(exampleTB{})
	defer f.grpc.Stop()
	f.flight.Store(withFlight(f))
	f.create(exampleTB{}, "orders", "a BIGINT NOT NULL, b STRING", 1, nil, nil, nil)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()

	client, err := sdk.Connect(ctx, "passthrough:///fake", sdk.WithDialOptions(f.dial()))
	if err != nil {
		panic(err)
	}
	defer client.Close()

	type order struct {
		ID   int64   `fluss:"a"`
		Note *string `fluss:"b"`
	}
	appender, err := client.Appender(ctx, "orders")
	if err != nil {
		panic(err)
	}
	note := "fragile"
	future, err := appender.Append(ctx, order{ID: 1, Note: &note})
	if err != nil {
		panic(err) // the row does not fit the table
	}
	ack, err := future.Wait(ctx)
	if err != nil {
		panic(err) // the row could not be written
	}
	fmt.Println("written at offset", ack.Base)
	if _, err = appender.Append(ctx, map[string]any{"a": 2}); err != nil {
		panic(err)
	}
	if err = appender.Close(ctx); err != nil { // waits for all acks
		panic(err)
	}

	scanner, err := client.Scanner(ctx, "orders", sdk.ScanOptions{From: sdk.Earliest()})
	if err != nil {
		panic(err)
	}
	defer scanner.Close()
	for o, err := range sdk.Rows[order](ctx, scanner) {
		if err != nil {
			panic(err)
		}
		if o.Note == nil {
			fmt.Println(o.ID, "no note")
		} else {
			fmt.Println(o.ID, *o.Note)
		}
	}
	// Output:
	// written at offset 0
	// 1 fragile
	// 2 no note
}
