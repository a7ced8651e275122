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

/** What this tab remembers until it is closed. */
export function readSession(key: string): string {
  try {
    return sessionStorage.getItem(`gazpacho.${key}`) ?? '';
  } catch {
    return '';
  }
}

export function writeSession(key: string, value: string): void {
  try {
    sessionStorage.setItem(`gazpacho.${key}`, value);
  } catch {
    // then a reload needs the link again
  }
}
