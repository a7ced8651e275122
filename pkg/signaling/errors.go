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

// Outcomes of requests in Stats, beside the codes of errors.
const (
	outcomeOK      = "ok"
	outcomeTimeout = "timeout"
)

// outcomeOf is what an error counts as: one of the codes of package proto.
func outcomeOf(err error) string {
	if statusOf(err) == http.StatusGatewayTimeout {
		return outcomeTimeout
	}
	var e *proto.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return proto.CodeInternal
}

// maxReasonText bounds what an answer says of an error, in which ids and names of the client may be repeated.
const maxReasonText = 512

func reasonText(err error) string {
	text := err.Error()
	if len(text) > maxReasonText {
		return strings.ToValidUTF8(text[:maxReasonText], "") + "…"
	}
	return text
}
