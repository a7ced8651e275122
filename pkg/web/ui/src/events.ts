// A typed event emitter: the only coupling between the room (no DOM) and what shows it.

type Listener<Args extends unknown[]> = (...args: Args) => void;

export class Emitter<Events extends { [K in keyof Events]: unknown[] }> {
  private readonly listeners = new Map<keyof Events, Set<Listener<never[]>>>();

  /** Calls fn on every emit of name; the returned function ends it. */
  on<K extends keyof Events>(name: K, fn: Listener<Events[K]>): () => void {
    const set = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, set);
    set.add(fn as unknown as Listener<never[]>);
    return () => set.delete(fn as unknown as Listener<never[]>);
  }

  protected emit<K extends keyof Events>(name: K, ...args: Events[K]): void {
    // A copy, so that a listener may remove itself; a listener that throws must not starve the others.
    for (const fn of [...(this.listeners.get(name) ?? [])]) {
      try {
        (fn as unknown as Listener<Events[K]>)(...args);
      } catch (error) {
        console.error(`listener of ${String(name)} failed`, error);
      }
    }
  }
}
