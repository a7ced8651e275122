// Package channel carries requests, responses, events over a Unix socket, both ends.
//
// A frame is a length and one msgpack value; the value is an envelope whose body stays undecoded until the side that
// knows its type calls Decode. Server is the worker's end, Client the controller's. proto/PROTOCOL.md is the normative
// text.
package channel
