import type { OperatingSystem } from '../catalogue.ts';
import { chance, integer } from '../random.ts';
import type { Table } from './table.ts';

/** What may be asked for, weakest first, so that an index into them is an amount of power. */
export const ladders = {
  windows: {
    os: ['Windows 10 64-bit', 'Windows 10 64-bit 21H1', 'Windows 11 64-bit'],
    processor:
      'Intel Core i3-4340,Intel Core i5-6600K,AMD Ryzen 5 1600,Intel Core i7-8700,AMD Ryzen 5 5600X,Intel Core i5-12600K,AMD Ryzen 7 7800X3D'.split(
        ',',
      ),
    graphics:
      'NVIDIA GeForce GTX 660,NVIDIA GeForce GTX 970,AMD Radeon RX 580,NVIDIA GeForce GTX 1660 SUPER,NVIDIA GeForce RTX 2070,AMD Radeon RX 6700 XT,NVIDIA GeForce RTX 4070'.split(
        ',',
      ),
  },
  macos: {
    os: ['macOS 12', 'macOS 13', 'macOS 14'],
    processor: 'Intel Core i5,Intel Core i7,Apple M1,Apple M1 Pro,Apple M2,Apple M2 Pro,Apple M3 Max'.split(
      ',',
    ),
    graphics:
      'Intel Iris Plus,Radeon Pro 560X,Apple M1,Apple M1 Pro,Apple M2,Apple M2 Pro,Apple M3 Max'.split(','),
  },
  linux: {
    os: ['Ubuntu 20.04', 'Ubuntu 22.04', 'SteamOS 3.0'],
    processor:
      'Intel Core i3-4340,Intel Core i5-6600K,AMD Ryzen 5 1600,Intel Core i7-8700,AMD Ryzen 5 5600X,Intel Core i5-12600K,AMD Ryzen 7 7800X3D'.split(
        ',',
      ),
    graphics:
      'AMD Radeon R9 280,AMD Radeon RX 480,AMD Radeon RX 580,AMD Radeon RX 5600 XT,AMD Radeon RX 6600,AMD Radeon RX 6700 XT,AMD Radeon RX 7800 XT'.split(
        ',',
      ),
  },
} as const satisfies Record<OperatingSystem, unknown>;

export const memoryLadder = ['4 GB RAM', '8 GB RAM', '12 GB RAM', '16 GB RAM', '24 GB RAM', '32 GB RAM'];

export const requirementTables: readonly Table[] = [
  {
    name: 'system_requirement',
    columns: ['product_id', 'os', 'tier', 'position', 'component', 'value'],
    *rows({ products, random }) {
      for (const { id, systems, power } of products) {
        const storage = `${integer(random, 1, 15) * (1 + power)} GB available space`;
        const login = chance(random, 0.2) ? 'Requires an online account' : undefined;
        const more = power + integer(random, 1, 3);
        for (const os of [...systems].sort()) {
          const tiers = { minimum: power, recommended: more };
          for (const [tier, level] of Object.entries(tiers)) {
            const components = [
              ['os', rung(ladders[os].os, level / 2)],
              ['processor', rung(ladders[os].processor, level)],
              ['memory', rung(memoryLadder, level)],
              ['storage', storage],
              ['directx', os === 'windows' ? `Version ${level < 3 ? 11 : 12}` : undefined],
              ['graphics', rung(ladders[os].graphics, level)],
              ['login', login],
            ] as const;
            let position = 1;
            for (const [component, value] of components)
              if (value !== undefined) yield [id, os, tier, position++, component, value];
          }
        }
      }
    },
  },
];

/** The rung of a ladder for a level of power; above the top it is the top. */
const rung = (ladder: readonly string[], level: number) =>
  ladder[Math.min(Math.floor(level), ladder.length - 1)];
