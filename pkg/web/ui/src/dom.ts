// Building elements without a framework, and without ever parsing text of others as HTML.

export type Child = Node | string | undefined;

interface Options {
  class?: string;
  /** Attributes as written in HTML; true sets an empty one, false and undefined leave it out. */
  attrs?: Record<string, string | boolean | undefined>;
  on?: { [K in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[K]) => void };
}

/** Makes an element: h('p', { class: 'hint' }, 'text'). */
export function h<K extends keyof HTMLElementTagNameMap>(tag: K, options: Options = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (options.class) element.className = options.class;
  for (const [name, value] of Object.entries(options.attrs ?? {})) {
    if (value !== undefined && value !== false) element.setAttribute(name, value === true ? '' : value);
  }
  for (const [name, fn] of Object.entries(options.on ?? {})) element.addEventListener(name, fn as EventListener);
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

/** Sets a text only if it differs, so that screen readers and selections are left in peace. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** A button that shows an icon and says its name to screen readers and in its tooltip. */
export function setLabel(button: HTMLElement, label: string, shortcut?: string): void {
  button.setAttribute('aria-label', label);
  button.title = shortcut ? `${label} (${shortcut})` : label;
}
