// What the page remembers between visits: the name and the chosen devices. Browsers may forbid storage: then nothing is kept.

export type Pref = 'name' | 'mic' | 'camera' | 'speaker';

export function readPref(key: Pref): string {
  try {
    return localStorage.getItem(`gazpacho.${key}`) ?? '';
  } catch {
    return '';
  }
}

export function writePref(key: Pref, value: string): void {
  try {
    localStorage.setItem(`gazpacho.${key}`, value);
  } catch {
    // forgetting is the best that is left
  }
}
