/** What was promised, what was found, and whether that keeps the promise. */
export interface Finding {
  readonly promise: string;
  readonly found: string;
  readonly isKept: boolean;
}

export const findingText = ({ promise, found, isKept }: Finding): string =>
  `${isKept ? 'kept  ' : 'BROKEN'}  ${promise}: ${found}`;

export const roundMs = (ms: number): string => `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
