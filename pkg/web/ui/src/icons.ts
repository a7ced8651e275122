// Our own icons: strokes on a 24 × 24 grid, coloured by the text around them.

const slash = 'M4 4l16 16';
const mic = 'M12 3a3 3 0 0 1 3 3v5a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3z M5.500 11a6.500 6.500 0 0 0 13 0 M12 17.500V21';
const camera = 'M4.500 7h9A1.500 1.500 0 0 1 15 8.500v7a1.500 1.500 0 0 1-1.500 1.500h-9A1.500 1.500 0 0 1 3 15.500v-7A1.500 1.500 0 0 1 4.500 7z M15 11l6-3.500v9L15 13';

const paths = {
  mic,
  micOff: `${mic} ${slash}`,
  camera,
  cameraOff: `${camera} ${slash}`,
  screen: 'M4.500 4.500h15A1.500 1.500 0 0 1 21 6v9a1.500 1.500 0 0 1-1.500 1.500h-15A1.500 1.500 0 0 1 3 15V6a1.500 1.500 0 0 1 1.500-1.500z M8 20.500h8 M12 13.500v-6 M9.300 10.200L12 7.500l2.700 2.700',
  chat: 'M5 4.500h14A1.500 1.500 0 0 1 20.500 6v9a1.500 1.500 0 0 1-1.500 1.500h-7.500L7 20.500v-4H5A1.500 1.500 0 0 1 3.500 15V6A1.500 1.500 0 0 1 5 4.500z M8 9h8 M8 12.500h5',
  stats: 'M5 20v-7 M12 20V4 M19 20v-10',
  settings: 'M4 8h7 M17 8h3 M4 16h3 M13 16h7 M14 5.500a2.500 2.500 0 1 1 0 5 2.500 2.500 0 0 1 0-5z M10 13.500a2.500 2.500 0 1 1 0 5 2.500 2.500 0 0 1 0-5z',
  leave: 'M10 4H6.500A1.500 1.500 0 0 0 5 5.500v13A1.500 1.500 0 0 0 6.500 20H10 M15.500 8l4 4-4 4 M19 12h-9',
  link: 'M10.500 13.500a4 4 0 0 0 5.700 0l2.900-2.900a4 4 0 0 0-5.700-5.700l-1.200 1.200 M13.500 10.500a4 4 0 0 0-5.700 0l-2.900 2.900a4 4 0 0 0 5.700 5.700l1.200-1.200',
  pin: 'M9 4h6 M10 4v6l-3 3v2h10v-2l-3-3V4 M12 15v5.500',
  more: 'M6 12h.01 M12 12h.01 M18 12h.01',
  close: 'M6 6l12 12 M18 6L6 18',
  send: 'M4 5l16.500 7L4 19l2-7z M6 12h7',
  people: 'M9 5a3.200 3.200 0 1 1 0 6.400A3.200 3.200 0 0 1 9 5z M3 19.500c.4-3.400 2.900-5.200 6-5.200s5.600 1.800 6 5.200 M15.500 5.300a3.200 3.200 0 0 1 0 5.800 M17.500 14.600c2 .7 3.200 2.400 3.500 4.900',
  alert: 'M12 4l9 16H3z M12 10v4.500 M12 17.400h.01',
  sound: 'M4 9.500v5h3.500L12 19V5L7.500 9.500z M15.500 9a4 4 0 0 1 0 6 M18 6.500a7.500 7.500 0 0 1 0 11',
} as const;

export type IconName = keyof typeof paths;

const svgNamespace = 'http://www.w3.org/2000/svg';

/** A decorative icon; whoever shows it gives the name in words. */
export function icon(name: IconName): SVGSVGElement {
  const svg = document.createElementNS(svgNamespace, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  svg.classList.add('icon');
  const path = document.createElementNS(svgNamespace, 'path');
  path.setAttribute('d', paths[name]);
  svg.append(path);
  return svg;
}

/** The mark of the house: a bowl with two leaves. */
export function logo(): SVGSVGElement {
  const svg = document.createElementNS(svgNamespace, 'svg');
  svg.setAttribute('viewBox', '0 0 32 32');
  svg.setAttribute('aria-hidden', 'true');
  svg.classList.add('logo');
  const shapes: [className: string, d: string][] = [
    ['logo-bowl', 'M3 15h26a13 13 0 0 1-8 12.200V29H11v-1.800A13 13 0 0 1 3 15z'],
    ['logo-soup', 'M3 15h26a13 13 0 0 1-.5 3.500h-25A13 13 0 0 1 3 15z'],
    ['logo-leaf', 'M16 12c0-5 3-8.500 8-9 .3 5-2.500 8.600-8 9z'],
    ['logo-stem', 'M15 12c-.2-3.600-2.400-6-6-6.500 0 3.800 2.200 6.300 6 6.500z'],
  ];
  for (const [className, d] of shapes) {
    const path = document.createElementNS(svgNamespace, 'path');
    path.setAttribute('class', className);
    path.setAttribute('d', d);
    svg.append(path);
  }
  return svg;
}
