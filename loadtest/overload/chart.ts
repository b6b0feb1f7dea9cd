import type { Result } from './result.ts';
export const chartOf = (result: Result): string => `<svg>${result.capacityPerSecond}</svg>`;
