package signaling

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"gazpacho/proto"
)

// statusOf is the number clients switch on, in protoo and in HTTP alike.
func statusOf(err error) int {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return http.StatusGatewayTimeout
	}
	var e *proto.Error
	if !errors.As(err, &e) {
		return http.StatusInternalServerError
	}
	switch e.Code {
	case proto.CodeUnauthorized:
		return http.StatusUnauthorized
	case proto.CodeForbidden:
		return http.StatusForbidden
	case proto.CodeDuplicate:
		return http.StatusConflict
	case proto.CodeLimit:
		return http.StatusTooManyRequests
	case proto.CodeClosed, proto.CodeBusy, proto.CodeNoPort:
		return http.StatusServiceUnavailable
	}
	switch e.Name {
	case proto.TypeErrorName:
		return http.StatusBadRequest
	case proto.NotFoundErrorName:
		return http.StatusNotFound
	case proto.InvalidStateErrorName:
		return http.StatusForbidden
	case proto.UnsupportedErrorName:
		return http.StatusNotImplemented
	}
	return http.StatusInternalServerError
}

// maxEcho is how much of a client's text an answer repeats.
const maxEcho = 64

// shortened is a client's text, cut.
func shortened(s string) string {
	if len(s) > maxEcho {
		return strings.ToValidUTF8(s[:maxEcho], "") + "…"
	}
	return s
}
