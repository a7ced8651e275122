// Figures as people read them.

/** Bit/s as "850 kbit/s" or "1.4 Mbit/s". */
export function bitrate(bps: number): string {
  if (!Number.isFinite(bps) || bps < 0) return '–';
  if (bps < 1_000_000) return `${Math.round(bps / 1000)} kbit/s`;
  return `${(bps / 1_000_000).toFixed(1)} Mbit/s`;
}

/** A share in [0,1] as "0 %", "0.4 %" or "12 %". */
export function percent(share: number): string {
  if (!Number.isFinite(share) || share < 0) return '–';
  const value = share * 100;
  if (value === 0) return '0 %';
  return value < 10 ? `${Math.max(0.1, value).toFixed(1)} %` : `${Math.round(value)} %`;
}

/** Seconds as "38 ms". */
export function milliseconds(seconds: number | undefined): string {
  return seconds === undefined || !Number.isFinite(seconds) ? '–' : `${Math.round(seconds * 1000)} ms`;
}

/** "1280 × 720", or "–" before the first frame. */
export function resolution(width: number | undefined, height: number | undefined): string {
  return width && height ? `${width} × ${height}` : '–';
}

/** One or two letters for a name; "?" if it has none. */
export function initials(name: string): string {
  const words = name.trim().split(/[\s_.-]+/u).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words[words.length - 1]] : words;
  const text = letters.map((word) => [...(word ?? '')][0] ?? '').join('');
  return text.toUpperCase() || '?';
}

/** A hue in [0,360) that stays the same for the same text. */
export function hue(text: string): number {
  let hash = 2166136261; // FNV-1a
  for (const char of text) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 16777619) >>> 0;
  // Texts that differ in one letter must not look alike: the finalizer of MurmurHash3.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) % 360;
}

/** "14:05" in the visitor's own manner. */
export function clock(at: Date): string {
  return at.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
}
