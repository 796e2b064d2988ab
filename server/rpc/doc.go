// Package rpc answers clients: it is the gRPC services of fluss.v1 and the
// source of the Flight service, on top of the coordinator and the tablets.
//
// It decides nothing about tables or logs. It finds the tablet of a bucket,
// checks what came from outside before it reaches a tablet, and shapes answers.
package rpc
