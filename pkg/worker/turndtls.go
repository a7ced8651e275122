package worker

import (
	"errors"

	"gazpacho/pkg/socket"
	"gazpacho/pkg/tuple"
)

func (r *relay) listenDTLS(turnListen, socket.Options) error { return errors.ErrUnsupported }

func (r *relay) authenticateDTLS(tuple.Tuple) {}

func (r *relay) releaseDTLS(tuple.Tuple) {}
