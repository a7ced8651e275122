// How video is sent: which encodings, at which rates.

import type { RtpEncodingParameters } from 'mediasoup-client/types';
import type { Source } from './wire.ts';

/** Frames per second of a shared screen: text needs sharpness, not motion. */
export const screenFrameRate = 15;

/**
 * Encodings for a source and codec. Cameras send three sizes as simulcast (mediasoup-client names them r0, r1, r2), smallest first,
 * so that the server can choose per receiver without transcoding. VP9 and AV1 carry their layers in one SVC stream instead. H264 has no
 * temporal layers here: its RTP payload does not mark them, so no server could drop them. Single encodings name no scalability mode,
 * which makes them plain streams on the server.
 */
export function encodingsFor(source: Source, mimeType: string, simulcast: boolean): RtpEncodingParameters[] {
  if (source === 'mic') return [];
  if (source === 'screen') return [{ maxBitrate: 2_500_000, maxFramerate: screenFrameRate }];
  if (!simulcast) return [{ maxBitrate: 1_500_000 }];
  const codec = mimeType.toLowerCase();
  if (codec === 'video/vp9' || codec === 'video/av1') return [{ maxBitrate: 1_500_000, scalabilityMode: 'L3T3_KEY' }];
  const scalabilityMode = codec === 'video/h264' ? 'L1T1' : 'L1T3';
  return [
    { scaleResolutionDownBy: 4, maxBitrate: 150_000, scalabilityMode },
    { scaleResolutionDownBy: 2, maxBitrate: 500_000, scalabilityMode },
    { scaleResolutionDownBy: 1, maxBitrate: 1_500_000, scalabilityMode },
  ];
}
