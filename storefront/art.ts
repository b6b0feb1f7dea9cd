/**
 * Pictures in the place of a catalogue's media: scenes in SVG, drawn from a slug. The same name gives the same
 * bytes, and all pictures of a product share its hue, so that a page looks like one game.
 */

/** The hues that exist, in degrees on the wheel of oklch: `hueCount` equal steps. */
export const hueCount = 24;
export const hueDegrees = (hue: number): number => (hue * 360) / hueCount;

/** Width and height of each kind of picture, named as the roles of media are. */
export const pictureSizes = {
  card: { width: 600, height: 800 },
  hero: { width: 1600, height: 900 },
  logo: { width: 800, height: 400 },
  trailer: { width: 1600, height: 900 },
  gallery: { width: 1600, height: 900 },
  description: { width: 1600, height: 900 },
  storyboard: { width: 1600, height: 900 },
} as const;
export type PictureRole = keyof typeof pictureSizes;

export const isPictureRole = (role: string): role is PictureRole => Object.hasOwn(pictureSizes, role);

/** The index of a product's hue. */
export const hueOf = (slug: string): number => hashOf(slug) % hueCount;

/** The SVG of a product's picture; `number` counts the pictures of one role, from 1. */
export function drawPicture(slug: string, role: PictureRole, number: number): string {
  const { width, height } = pictureSizes[role];
  const hue = hueDegrees(hueOf(slug));
  // Cover and key art show one scene, and every other picture another.
  const isKeyArt = role === 'card' || role === 'hero';
  const random = randomFrom(isKeyArt ? slug : `${slug} ${role} ${number}`);
  const horizon = height * between(random, 0.52, 0.64);
  // Beside the title in a hero, which stands on the left.
  const focus = width * (role === 'hero' ? between(random, 0.5, 0.63) : between(random, 0.32, 0.68));
  const canvas: Canvas = { random, width, height, horizon, focus };
  if (role === 'logo') return svg(width, height, emblem(canvas, hue));
  const mood = pick(random, moods);
  const palette = paletteOf(mood, hue);
  const scene = pick(random, scenes);
  return svg(width, height, [
    `<defs><linearGradient id="s" x2="0" y2="1"><stop stop-color="${palette.top}"/>`,
    `<stop offset=".62" stop-color="${palette.low}"/></linearGradient>`,
    `<radialGradient id="g"><stop stop-color="${palette.light}" stop-opacity=".75"/>`,
    `<stop offset="1" stop-color="${palette.light}" stop-opacity="0"/></radialGradient>`,
    '<linearGradient id="v" x2="0" y2="1"><stop stop-opacity="0"/><stop offset="1" stop-opacity=".45"/></linearGradient>',
    `</defs><path fill="url(#s)" d="M0 0H${width}V${height}H0z"/>`,
    palette.isDark ? stars(canvas) : '',
    scene(canvas, palette),
    // No larger than it is seen: on a processor each gradient costs its area.
    `<path fill="url(#v)" d="M0 ${round(height * 0.55)}H${width}V${height}H0z"/>`,
  ]);
}

interface Canvas {
  readonly random: Random;
  readonly width: number;
  readonly height: number;
  /** Distance from the top. */
  readonly horizon: number;
  /** Distance from the left of what catches the eye. */
  readonly focus: number;
}

interface Palette {
  readonly isDark: boolean;
  readonly top: string;
  readonly low: string;
  readonly light: string;
  /** The colour of what stands at a distance from 1, far, to 0, near. */
  at(distance: number): string;
}

type Scene = (canvas: Canvas, palette: Palette) => string;
type Random = () => number;

const svg = (width: number, height: number, parts: readonly string[]): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">${parts.join('')}</svg>`;

const round = (value: number): number => Math.round(value * 10) / 10;
const mix = (from: number, to: number, share: number): number => from + (to - from) * share;
const tone = (lightness: number, chroma: number, hue: number): string =>
  `oklch(${lightness.toFixed(3)} ${chroma.toFixed(3)} ${Math.round((hue + 720) % 360)})`;

/** Lightness, chroma and turn of the hue: of the sky above, at the horizon, and of what stands far away. */
const moods = [
  { isDark: false, top: [0.36, 0.12, -40], low: [0.82, 0.14, 45], light: [0.95, 0.09, 60], far: 0.58 },
  { isDark: true, top: [0.14, 0.05, -10], low: [0.44, 0.13, 15], light: [0.94, 0.05, 30], far: 0.36 },
  { isDark: false, top: [0.58, 0.13, 0], low: [0.93, 0.06, 40], light: [0.98, 0.04, 60], far: 0.68 },
  { isDark: true, top: [0.2, 0.09, -60], low: [0.62, 0.18, 0], light: [0.9, 0.12, 50], far: 0.42 },
  { isDark: false, top: [0.46, 0.16, -20], low: [0.8, 0.15, 25], light: [0.96, 0.07, 50], far: 0.54 },
] as const;

function paletteOf({ isDark, top, low, light, far }: (typeof moods)[number], hue: number): Palette {
  const turned = ([lightness, chroma, turn]: readonly [number, number, number]) =>
    tone(lightness, chroma, hue + turn);
  return {
    isDark,
    top: turned(top),
    low: turned(low),
    light: turned(light),
    at: (distance) =>
      tone(mix(0.15, far, distance), mix(0.045, 0.12, distance), hue + mix(-25, 15, distance)),
  };
}

const scenes: readonly Scene[] = [peaks, city, planet, sea, forest, dunes, gate, crystals, towers];

function peaks(canvas: Canvas, palette: Palette): string {
  const { width, height, horizon, random } = canvas;
  const layers = [1, 0.72, 0.45, 0.2, 0].map((distance, i) => {
    const base = mix(horizon, height * 0.93, i / 4);
    return `<path fill="${palette.at(distance)}" d="${ridge(random, canvas, base, height * mix(0.26, 0.08, i / 4))}"/>`;
  });
  const x = width * between(random, 0.35, 0.65);
  return (
    sun(canvas, palette, horizon * between(random, 0.5, 0.85)) +
    layers.join('') +
    wanderer(x, height * 0.9, height)
  );
}

function dunes(canvas: Canvas, palette: Palette): string {
  const { width, height, horizon, random } = canvas;
  const layers = [1, 0.75, 0.5, 0.25, 0].map((distance, i) => {
    const base = mix(horizon, height * 0.9, i / 4);
    return `<path fill="${palette.at(distance)}" d="${hill(random, canvas, base, height * mix(0.05, 0.09, i / 4))}"/>`;
  });
  const x = width * between(random, 0.25, 0.75);
  return (
    sun(canvas, palette, horizon * between(random, 0.55, 0.95)) +
    layers.join('') +
    wanderer(x, height * 0.88, height)
  );
}

function city(canvas: Canvas, palette: Palette): string {
  const { width, height, horizon, random } = canvas;
  const unit = Math.min(width, height) / 100;
  const layers = [0.9, 0.5, 0.08].map((distance, i) => {
    const ground = mix(horizon, height, (i + 1) / 3);
    let walls = '';
    let windows = '';
    for (let x = -unit * 4; x < width; ) {
      const wide = unit * between(random, 5, mix(9, 15, i / 2));
      const top = ground - height * between(random, 0.12, mix(0.3, 0.5, i / 2));
      walls += `M${round(x)} ${height}V${round(top)}`;
      if (random() < 0.25)
        walls += `h${round(wide * 0.45)}v${round(-unit * between(random, 3, 9))}h${round(wide * 0.1)}V${round(top)}`;
      walls += `H${round(x + wide)}V${height}z`;
      const columns = Math.floor(wide / (unit * 2.2));
      for (let row = 1; i > 0 && row < 16; row++)
        for (let column = 0; column < columns; column++)
          if (random() < 0.2)
            windows += `M${round(x + unit * (1.3 + column * 2.2))} ${round(top + row * unit * 2.6)}v${round(unit * 1.1)}`;
      x += wide + unit * between(random, 0, 1.5);
    }
    return `<path fill="${palette.at(distance)}" d="${walls}"/><path stroke="${palette.light}" stroke-width="${round(unit * 0.8)}" opacity="${i === 1 ? 0.4 : 0.8}" d="${windows}"/>`;
  });
  return sun(canvas, palette, horizon * between(random, 0.45, 0.8)) + layers.join('');
}

function planet(canvas: Canvas, palette: Palette): string {
  const { width, height, random, focus: x } = canvas;
  const radius = Math.min(width, height) * between(random, 0.24, 0.34);
  const y = height * between(random, 0.32, 0.44);
  const tilt = Math.round(between(random, -28, 28));
  const ring = (half: string) =>
    `<g transform="rotate(${tilt} ${round(x)} ${round(y)})" fill="none" stroke="${palette.light}">${(
      [
        [1.55, 0.12, 0.75],
        [1.75, 0.05, 0.5],
        [1.88, 0.02, 0.4],
      ] as const
    )
      .map(
        ([factor, wide, opacity]) =>
          `<path stroke-width="${round(radius * wide)}" opacity="${opacity}" d="M${round(x - radius * factor)} ${round(y)}a${round(radius * factor)} ${round(radius * factor * 0.3)} 0 0 ${half} ${round(radius * factor * 2)} 0"/>`,
      )
      .join('')}</g>`;
  const moonRadius = radius * 0.2;
  return [
    stars(canvas),
    `<defs><radialGradient id="p" cx=".32" cy=".28" r=".85"><stop stop-color="${palette.light}"/><stop offset=".45" stop-color="${palette.low}"/><stop offset="1" stop-color="${palette.at(0)}"/></radialGradient></defs>`,
    ring('1'),
    `<circle cx="${round(x)}" cy="${round(y)}" r="${round(radius)}" fill="url(#p)"/>`,
    ring('0'),
    `<circle cx="${round(width - x)}" cy="${round(height * 0.16)}" r="${round(moonRadius)}" fill="${palette.light}" opacity=".85"/>`,
    ...[0.45, 0.2, 0].map(
      (distance, i) =>
        `<path fill="${palette.at(distance)}" d="${ridge(random, canvas, height * (0.78 + i * 0.08), height * 0.07)}"/>`,
    ),
    wanderer(width * between(random, 0.3, 0.7), height * 0.93, height),
  ].join('');
}

function sea(canvas: Canvas, palette: Palette): string {
  const { width, height, horizon, random, focus: x } = canvas;
  const radius = Math.min(width, height) * between(random, 0.13, 0.2);
  const glints = Array.from({ length: 26 }, (_, i) => {
    const share = i / 26;
    const reach = radius * mix(1, 2.3, share) * between(random, 0.3, 1);
    const shift = radius * between(random, -0.5, 0.5) * share;
    return `M${round(x - reach + shift)} ${round(mix(horizon + 8, height, share))}h${round(reach * 2)}`;
  });
  const boat = {
    x: width - x + width * between(random, -0.08, 0.08),
    y: horizon + (height - horizon) * 0.3,
    size: height * 0.05,
  };
  return [
    glow(x, horizon, radius * 3.2),
    `<circle cx="${round(x)}" cy="${round(horizon - radius * 0.2)}" r="${round(radius)}" fill="${palette.light}"/>`,
    `<path fill="${palette.at(0.9)}" d="${ridge(random, canvas, horizon + 2, height * 0.06)}"/>`,
    `<path fill="${palette.at(0.55)}" d="M0 ${round(horizon)}H${width}V${height}H0z"/>`,
    `<path stroke="${palette.light}" stroke-width="${round(height / 160)}" stroke-linecap="round" opacity=".7" d="${glints.join('')}"/>`,
    `<path fill="${palette.at(0)}" d="M${round(boat.x - boat.size)} ${round(boat.y)}h${round(boat.size * 2)}l${round(-boat.size * 0.4)} ${round(boat.size * 0.4)}h${round(-boat.size * 1.2)}zm${round(boat.size * 0.9)} ${round(-boat.size * 0.15)}v${round(-boat.size * 1.9)}l${round(boat.size * 0.9)} ${round(boat.size * 1.7)}z"/>`,
    `<path fill="${palette.at(0.1)}" d="${hill(random, canvas, height * 0.94, height * 0.03)}"/>`,
  ].join('');
}

function forest(canvas: Canvas, palette: Palette): string {
  const { width, height, horizon, random } = canvas;
  const layers = [1, 0.66, 0.33, 0].map((distance, i) => {
    const base = mix(horizon * 1.04, height * 1.02, i / 3);
    const tall = height * mix(0.12, 0.42, i / 3);
    let pines = '';
    for (let x = -tall * 0.1; x < width + tall * 0.1; x += tall * between(random, 0.16, 0.34)) {
      // The nearest leave the middle free to look through.
      if (i === 3 && Math.abs(x / width - 0.5) < 0.26) continue;
      const size = tall * between(random, 0.6, 1.1);
      for (const [from, to, wide] of [
        [1, 0.5, 0.12],
        [0.76, 0.24, 0.17],
        [0.5, -0.1, 0.22],
      ] as const)
        pines += `M${round(x)} ${round(base - size * from)}L${round(x + size * wide)} ${round(base - size * to)}H${round(x - size * wide)}z`;
    }
    return `<path fill="${palette.at(distance)}" d="${pines}${hill(random, canvas, base, height * 0.015)}"/>`;
  });
  return (
    sun(canvas, palette, horizon * between(random, 0.55, 0.8)) +
    `<path fill="${palette.at(1)}" opacity=".6" d="${ridge(random, canvas, horizon, height * 0.2)}"/>` +
    layers.join('') +
    wanderer(width * between(random, 0.46, 0.54), height * 0.96, height)
  );
}

function gate(canvas: Canvas, palette: Palette): string {
  const { width, height, random, focus: x } = canvas;
  const floor = height * 0.86;
  const count = 6;
  const arches = Array.from({ length: count }, (_, i) => {
    const share = i / (count - 1);
    const half = mix(Math.min(width, height) * 0.46, Math.min(width, height) * 0.1, share);
    const top = mix(height * 0.08, height * 0.42, share);
    const foot = mix(height, floor, share);
    const fill = i === count - 1 ? palette.light : palette.at(mix(0.12, 0.95, share));
    return `<path fill="${fill}" d="M${round(x - half)} ${round(foot)}V${round(top + half)}a${round(half)} ${round(half)} 0 0 1 ${round(half * 2)} 0V${round(foot)}z"/>`;
  });
  const rays = Array.from({ length: 7 }, () => {
    const at = x + width * between(random, -0.5, 0.5);
    return `M${round(x)} ${round(height * 0.5)}L${round(at)} ${height}h${round(width * 0.05)}z`;
  });
  return [
    `<path fill="${palette.at(0)}" d="M0 0H${width}V${height}H0z"/>`,
    ...arches,
    glow(x, height * 0.6, height * 0.42),
    `<path fill="${palette.light}" opacity=".12" d="${rays.join('')}"/>`,
    wanderer(x, floor + height * 0.03, height * 1.2),
  ].join('');
}

function crystals(canvas: Canvas, palette: Palette): string {
  const { width, height, horizon, random } = canvas;
  const shards = Array.from({ length: 9 }, (_, i) => {
    const distance = 1 - i / 8;
    const x = width * between(random, 0.08, 0.92);
    const half = Math.min(width, height) * mix(0.03, 0.085, i / 8);
    const tall = half * between(random, 3, 4.6);
    const y = horizon - height * between(random, -0.16, 0.2);
    const waist = y - tall * between(random, 0.05, 0.2);
    return [
      `<path fill="${palette.at(Math.min(1, distance + 0.15))}" d="M${round(x)} ${round(y - tall)}L${round(x - half)} ${round(waist)}L${round(x)} ${round(y + tall * 0.45)}z"/>`,
      `<path fill="${palette.at(distance * 0.7)}" d="M${round(x)} ${round(y - tall)}L${round(x + half)} ${round(waist)}L${round(x)} ${round(y + tall * 0.45)}z"/>`,
      `<path fill="${palette.light}" opacity=".45" d="M${round(x)} ${round(y - tall)}L${round(x - half)} ${round(waist)}l${round(half * 0.7)} ${round(tall * 0.06)}z"/>`,
    ].join('');
  });
  return [
    glow(canvas.focus, horizon, height * 0.6),
    ...shards,
    ...[0.4, 0.15, 0].map(
      (distance, i) =>
        `<path fill="${palette.at(distance)}" d="${ridge(random, canvas, height * (0.8 + i * 0.07), height * 0.06)}"/>`,
    ),
    wanderer(width * between(random, 0.35, 0.65), height * 0.94, height),
  ].join('');
}

function towers(canvas: Canvas, palette: Palette): string {
  const { width, height, horizon, random } = canvas;
  const keep = (x: number, ground: number, size: number): string => {
    const half = size * 0.13;
    const top = ground - size;
    const battlements = Array.from(
      { length: 3 },
      () => `v${round(-half * 0.35)}h${round(half * 0.48)}v${round(half * 0.35)}h${round(half * 0.48)}`,
    );
    return `M${round(x - half)} ${height}V${round(top)}h${round(-half * 0.3)}${battlements.join('')}H${round(x + half)}V${height}zM${round(x - half * 1.1)} ${round(top - half * 0.3)}L${round(x)} ${round(top - size * 0.42)}L${round(x + half * 1.1)} ${round(top - half * 0.3)}z`;
  };
  const castle = [0.62, 0.3].map((distance, i) => {
    const middle = canvas.focus + width * between(random, -0.1, 0.1);
    const parts = Array.from({ length: 5 }, (_, tower) =>
      keep(
        middle + (tower - 2) * height * 0.1,
        height * (0.78 + i * 0.1),
        height * between(random, 0.2, 0.5) * (1 - i * 0.45),
      ),
    );
    return `<path fill="${palette.at(distance)}" d="${parts.join('')}"/>`;
  });
  return [
    sun(canvas, palette, horizon * between(random, 0.5, 0.8)),
    `<path fill="${palette.at(1)}" d="${ridge(random, canvas, horizon, height * 0.2)}"/>`,
    castle[0],
    `<path fill="${palette.at(0.42)}" d="${hill(random, canvas, height * 0.8, height * 0.04)}"/>`,
    castle[1],
    `<path fill="${palette.at(0)}" d="${hill(random, canvas, height * 0.9, height * 0.03)}"/>`,
    wanderer(width * between(random, 0.25, 0.75), height * 0.92, height),
  ].join('');
}

/** A sign on no ground, for a logo. */
function emblem({ random, width, height }: Canvas, hue: number): string[] {
  const x = width / 2;
  const y = height / 2;
  const radius = height * 0.36;
  const points = 3 + Math.floor(random() * 5);
  const polygon = (reach: number, turn: number) =>
    Array.from({ length: points }, (_, i) => {
      const angle = ((i + turn) / points) * 2 * Math.PI - Math.PI / 2;
      return `${round(x + Math.cos(angle) * reach)} ${round(y + Math.sin(angle) * reach)}`;
    }).join('L');
  const bright = tone(0.92, 0.06, hue + 40);
  const strong = tone(0.74, 0.16, hue);
  const bar = `M${round(width * 0.06)} ${y}h${round(x - radius * 1.5 - width * 0.06)}M${round(x + radius * 1.5)} ${y}h${round(x - radius * 1.5 - width * 0.06)}`;
  return [
    `<circle cx="${x}" cy="${y}" r="${round(radius * 1.15)}" fill="none" stroke="${bright}" stroke-width="${round(height * 0.018)}"/>`,
    `<path fill="${strong}" d="M${polygon(radius, 0)}z"/>`,
    `<path fill="${bright}" d="M${polygon(radius * 0.55, 0.5)}z"/>`,
    `<path stroke="${bright}" stroke-width="${round(height * 0.018)}" stroke-linecap="round" d="${bar}"/>`,
  ];
}

function sun(canvas: Canvas, palette: Palette, y: number): string {
  const { random, width, height, focus: x } = canvas;
  const radius = Math.min(width, height) * between(random, 0.08, 0.17);
  return `${glow(x, y, radius * 4)}<circle cx="${round(x)}" cy="${round(y)}" r="${round(radius)}" fill="${palette.light}"/>`;
}

const glow = (x: number, y: number, radius: number): string =>
  `<circle cx="${round(x)}" cy="${round(y)}" r="${round(radius)}" fill="url(#g)"/>`;

/** Dots are lines of no length with round ends, so that one path has them all. */
function stars({ random, width, height }: Canvas): string {
  const dots = Array.from(
    { length: 70 },
    () => `M${round(random() * width)} ${round(random() ** 1.5 * height * 0.7)}h0`,
  );
  const bright = dots.splice(0, 14).join('');
  const unit = Math.min(width, height) / 300;
  return `<g stroke="#fff" stroke-linecap="round"><path stroke-width="${round(unit)}" opacity=".6" d="${dots.join('')}"/><path stroke-width="${round(unit * 2)}" opacity=".9" d="${bright}"/></g>`;
}

/** Somebody who looks into the scene, standing at this point. */
function wanderer(x: number, y: number, height: number): string {
  const unit = height / 100;
  const at = (dx: number, dy: number) => `${round(x + dx * unit)} ${round(y + dy * unit)}`;
  return `<path fill="#08070c" d="M${at(-2.4, 0)}Q${at(-1.6, -6)} ${at(-0.9, -7.2)}H${round(x + 0.9 * unit)}Q${at(1.9, -5)} ${at(2.2, 0)}z"/><circle cx="${round(x)}" cy="${round(y - 8.2 * unit)}" r="${round(1.25 * unit)}" fill="#08070c"/>`;
}

/** A jagged outline around `base`, closed along the bottom: each half of a line is broken by half as much again. */
function ridge(random: Random, { width, height }: Canvas, base: number, amplitude: number): string {
  let heights = [
    between(random, -1, 1),
    between(random, -1, 1),
    between(random, -1, 1),
    between(random, -1, 1),
  ];
  for (let strength = 0.6; heights.length < 90; strength *= 0.52)
    heights = heights.flatMap((value, i) => {
      const next = heights[i + 1];
      return next === undefined
        ? [value]
        : [value, (value + next) / 2 + between(random, -strength, strength)];
    });
  return outline(heights, width, height, base, amplitude);
}

/** The same with a soft outline, of two waves. */
function hill(random: Random, { width, height }: Canvas, base: number, amplitude: number): string {
  const [first, second] = [random() * 7, random() * 7];
  const [slow, fast] = [between(random, 1.5, 3), between(random, 4, 7)];
  const heights = Array.from(
    { length: 49 },
    (_, i) => Math.sin(first + (i / 48) * slow * 2) * 0.7 + Math.sin(second + (i / 48) * fast) * 0.3,
  );
  return outline(heights, width, height, base, amplitude);
}

function outline(
  heights: readonly number[],
  width: number,
  height: number,
  base: number,
  amplitude: number,
): string {
  const step = width / (heights.length - 1);
  const points = heights.map((value, i) => `${round(i * step)} ${round(base - value * amplitude)}`);
  return `M0 ${height}L${points.join('L')}V${height}z`;
}

/** FNV-1a over the characters, 32 bits (Fowler, Noll and Vo). */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** Numbers from 0 to 1 that depend on the text alone: mulberry32 (Ettinger). */
function randomFrom(text: string): Random {
  let state = hashOf(text);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const between = (random: Random, from: number, to: number): number => mix(from, to, random());

function pick<T>(random: Random, [first, ...others]: readonly T[]): T {
  const chosen = others[Math.floor(random() * (others.length + 1)) - 1] ?? first;
  if (chosen === undefined) throw new Error('There is nothing to pick from.');
  return chosen;
}
