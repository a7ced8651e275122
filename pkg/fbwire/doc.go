// Package fbwire is the second wire format: the FlatBuffers channel of mediasoup's libraries.
//
// The schema is read at run time from the .fbs files of the library that started the worker, since numbers of fields, methods and events change
// between its versions while names do not. Load parses them (lex.go, parse.go, resolve.go); Compile maps tables to the structs of proto by name,
// once, into closures (decode*.go, encode*.go, with what names alone do not say in exceptions.go); a Codec reads and writes whole messages with
// them; a Conn carries messages over two byte streams.
//
// What comes is not trusted: every offset is checked before it is followed, and following one twice is paid for (buffer.go).
package fbwire
