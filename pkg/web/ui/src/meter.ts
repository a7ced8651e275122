// The loudness of one's own microphone, for the bar that shows that it works.

export class Meter {
  private context: AudioContext | undefined;
  private frame = 0;

  /** onLevel gets 0 … 1 at the screen's pace. */
  constructor(private readonly onLevel: (level: number) => void) {}

  /** Measures this track; undefined stops. */
  set(track: MediaStreamTrack | undefined): void {
    cancelAnimationFrame(this.frame);
    void this.context?.close();
    this.context = undefined;
    this.onLevel(0);
    if (!track) return;
    const context = new AudioContext();
    this.context = context;
    const analyser = context.createAnalyser();
    analyser.fftSize = 512;
    context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    let shown = 0;
    const measure = (): void => {
      analyser.getFloatTimeDomainData(samples);
      let power = 0;
      for (const sample of samples) power += sample * sample;
      // -60 … -10 dB over the bar's width; falls slowly, as meters do.
      const decibels = 10 * Math.log10(power / samples.length + 1e-9);
      const level = Math.min(1, Math.max(0, (decibels + 60) / 50));
      shown = Math.max(level, shown * 0.92);
      this.onLevel(shown);
      this.frame = requestAnimationFrame(measure);
    };
    measure();
  }
}
