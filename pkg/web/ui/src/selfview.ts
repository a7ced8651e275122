// How one sees oneself.

/** One's own camera is shown as in a mirror, but not the camera at the back of a phone. */
export function isMirrored(track: MediaStreamTrack | undefined): boolean {
  return track !== undefined && track.getSettings().facingMode !== 'environment';
}
