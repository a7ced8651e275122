// The menu of a tile: pin it, and choose how much of a simulcast or SVC stream to receive.

import { h } from './dom.ts';
import { icon } from './icons.ts';
import { spatialName, temporalName } from './layers.ts';
import type { Choice } from './layerchoice.ts';

export interface TileMenuModel {
  name: string;
  pinned: boolean;
  onPin: () => void;
  /** Present if the stream has layers. */
  quality?: {
    layers: { spatial: number; temporal: number };
    choice: Choice;
    onChoose: (choice: Choice) => void;
  };
}

/** Opens the menu beside its button; a click elsewhere or Escape closes it. */
export function openTileMenu(anchor: HTMLElement, model: TileMenuModel): void {
  const menu = h('div', { class: 'menu', attrs: { popover: 'auto', role: 'dialog', 'aria-label': `Options for ${model.name}` } });
  menu.append(h('button', {
    class: 'menu-item', attrs: { type: 'button' }, on: { click: () => { menu.hidePopover(); model.onPin(); } },
  }, icon('pin'), model.pinned ? 'Unpin' : 'Pin to the stage'));
  if (model.quality) appendQuality(menu, model.quality);
  menu.addEventListener('toggle', (event) => {
    if ((event as ToggleEvent).newState === 'closed') menu.remove();
  });
  document.body.append(menu);
  menu.showPopover();
  position(menu, anchor);
  menu.querySelector('button')?.focus();
}

function appendQuality(menu: HTMLElement, quality: NonNullable<TileMenuModel['quality']>): void {
  const choice = { ...quality.choice };
  const { spatial, temporal } = quality.layers;
  const change = (part: keyof Choice, value: number | undefined): void => {
    choice[part] = value;
    quality.onChoose({ ...choice });
  };
  if (spatial > 1) {
    const names = Array.from({ length: spatial }, (_, i): [string, number | undefined] => [spatialName(i, spatial), i]);
    menu.append(radios('Picture size', [['Auto', undefined], ...names.reverse()], choice.spatial, (value) => change('spatial', value)));
  }
  if (temporal > 1) {
    const names = Array.from({ length: temporal }, (_, i): [string, number | undefined] => [temporalName(i, temporal), i]);
    const highest = names.pop()!;
    menu.append(radios('Frame rate', [[highest[0], undefined], ...names.reverse()],
      choice.temporal === temporal - 1 ? undefined : choice.temporal, (value) => change('temporal', value)));
  }
}

let groups = 0;

function radios(title: string, options: [string, number | undefined][], chosen: number | undefined,
  onChange: (value: number | undefined) => void): HTMLElement {
  const group = `choice-${++groups}`;
  const row = h('div', { class: 'segments' });
  for (const [label, value] of options) {
    const input = h('input', { attrs: { type: 'radio', name: group, checked: value === chosen }, on: { change: () => onChange(value) } });
    row.append(h('label', { class: 'segment' }, input, h('span', {}, label)));
  }
  return h('div', { class: 'menu-group', attrs: { role: 'radiogroup', 'aria-label': title } }, h('div', { class: 'menu-title', attrs: { 'aria-hidden': 'true' } }, title), row);
}

/** Below the button if there is room, otherwise above, always wholly on the screen. */
function position(menu: HTMLElement, anchor: HTMLElement): void {
  const at = anchor.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = menu;
  const margin = 8;
  const left = Math.min(Math.max(margin, at.right - width), window.innerWidth - width - margin);
  const below = at.bottom + 6;
  const top = below + height + margin <= window.innerHeight ? below : Math.max(margin, at.top - height - 6);
  menu.style.left = `${left}px`;
  menu.style.top = `${top}px`;
}
