/**
 * The judge. It knows of each cell of the catalogue (a title, a price, whether a slug exists) every value that it was
 * given, when the COMMIT of it was sent and when that returned, and holds against it what an answer shows.
 *
 * An answer may show a version unless a newer one was committed, for certain, at least the bound before the request
 * began; if two versions have the same value, the newer one is meant. The versions of a cell are in the order in which
 * their COMMITs were sent, which is that of the commits as long as the writers of a cell exclude each other: by the lock on
 * its row, or by taking turns.
 *
 * All times are of one clock. A commit is visible before it has returned, and a request is under way before it
 * arrives, so no doubt is at the server's expense.
 */

export interface Version {
  readonly value: string;
  /** -Infinity for what was there from the beginning. */
  readonly sentAtMs: number;
  /** Infinity until the COMMIT has returned, and for ever when its connection was lost. */
  readonly returnedAtMs: number;
}

/** What a transaction gives to cells. */
export interface Write {
  set(cell: string, value: string): void;
  /** To be called just before COMMIT is sent. */
  sent(atMs: number): void;
  returned(atMs: number): void;
  /** It was rolled back, or has failed before COMMIT was sent. */
  undone(): void;
}

/** A cell and the value that an answer shows of it. */
export type Shown = readonly [cell: string, value: string];

export interface Reading {
  readonly shown: readonly Shown[];
  /** Just before the request was sent. */
  readonly beganAtMs: number;
  readonly endedAtMs: number;
  /** The answer says of itself that it may be older than promised. */
  readonly isLabelledStale: boolean;
}

export interface Lie {
  /** `stale`: too old and not labelled; the others: never the truth. */
  readonly kind: 'stale' | 'not committed' | 'rolled back' | 'unknown value';
  readonly cell: string;
  readonly shown: string;
  /** The version that is shown; undefined where there is none. */
  readonly version?: Version;
  /** The oldest version that should have been seen instead, and how long before the request it was committed. */
  readonly newer?: Version;
  readonly newerAgeMs?: number;
}

export interface Ledger {
  /** What a cell holds before the first write. */
  begin(cell: string, value: string): void;
  open(): Write;
  /** Cells that the ledger does not know are not judged. */
  judge(reading: Reading, boundMs: number): Lie[];
  /** Whether this value of the cell is what a write gave to it, or newer. */
  isAsNew(cell: string, shown: string, value: string): boolean;
  current(cell: string): string | undefined;
}

interface Cell {
  readonly versions: { value: string; sentAtMs: number; returnedAtMs: number }[];
  /** Given by transactions that are open, by how many of them. */
  readonly open: Map<string, number>;
  readonly undone: Set<string>;
}

export function createLedger(): Ledger {
  const cells = new Map<string, Cell>();

  function cellOf(name: string): Cell {
    const known = cells.get(name) ?? { versions: [], open: new Map(), undone: new Set() };
    cells.set(name, known);
    return known;
  }

  function judgeCell([name, shown]: Shown, reading: Reading, boundMs: number): Lie | undefined {
    const cell = cells.get(name);
    if (cell === undefined) return undefined;
    const { versions } = cell;
    const at = versions.findLastIndex(
      ({ value, sentAtMs }) => value === shown && sentAtMs <= reading.endedAtMs,
    );
    const version = versions[at];
    if (version === undefined) {
      const kind = cell.open.has(shown)
        ? 'not committed'
        : cell.undone.has(shown)
          ? 'rolled back'
          : 'unknown value';
      return { kind, cell: name, shown };
    }
    if (reading.isLabelledStale) return undefined;
    const dueAtMs = reading.beganAtMs - boundMs;
    const newer = versions.find(({ returnedAtMs }, index) => index > at && returnedAtMs <= dueAtMs);
    if (newer === undefined) return undefined;
    return {
      kind: 'stale',
      cell: name,
      shown,
      version: { ...version },
      newer: { ...newer },
      newerAgeMs: reading.beganAtMs - newer.returnedAtMs,
    };
  }

  return {
    begin(cell, value) {
      const atMs = Number.NEGATIVE_INFINITY;
      cellOf(cell).versions.push({ value, sentAtMs: atMs, returnedAtMs: atMs });
    },
    open() {
      const given = new Map<string, string>();
      let committing: { returnedAtMs: number }[] = [];
      const close = () => {
        for (const [name, value] of given) {
          const { open } = cellOf(name);
          const others = (open.get(value) ?? 1) - 1;
          if (others === 0) open.delete(value);
          else open.set(value, others);
        }
      };
      return {
        set(name, value) {
          given.set(name, value);
          const { open } = cellOf(name);
          open.set(value, (open.get(value) ?? 0) + 1);
        },
        sent(atMs) {
          close();
          committing = [...given].map(([name, value]) => {
            const version = { value, sentAtMs: atMs, returnedAtMs: Number.POSITIVE_INFINITY };
            cellOf(name).versions.push(version);
            return version;
          });
        },
        returned(atMs) {
          for (const version of committing) version.returnedAtMs = atMs;
        },
        undone() {
          close();
          for (const [name, value] of given) cellOf(name).undone.add(value);
        },
      };
    },
    judge: (reading, boundMs) => reading.shown.flatMap((shown) => judgeCell(shown, reading, boundMs) ?? []),
    isAsNew(name, shown, value) {
      const versions = cells.get(name)?.versions ?? [];
      const wanted = versions.findLastIndex((version) => version.value === value);
      return versions.findLastIndex((version) => version.value === shown) >= wanted;
    },
    current: (name) => cells.get(name)?.versions.at(-1)?.value,
  };
}
