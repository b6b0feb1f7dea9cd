import type pg from 'pg';
import { ifKnown, type Query, type Requirement, read } from './query.ts';

// Every system that the product has requirements for, also where it has none in this tier.
const requirementsStatement = `
  SELECT s.os, r.component, r.value
  FROM (SELECT DISTINCT os FROM system_requirement WHERE product_id = $1) s
  LEFT JOIN system_requirement r ON r.product_id = $1 AND r.os = s.os AND r.tier = $2
  ORDER BY s.os DESC, r.position`;

interface RequirementRow {
  readonly os: string;
  readonly component: string | null;
  readonly value: string | null;
}

export const minimumSpecs: Query = async (pool, productId) => {
  const byOs = await readRequirements(pool, productId, 'minimum');
  const systemRequirements = [...byOs].map(([os, minimum]) => ({ os, minimum }));
  return ifKnown(pool, productId, byOs.size === 0, { systemRequirements });
};

export const recommendedSpecs: Query = async (pool, productId) => {
  const byOs = await readRequirements(pool, productId, 'recommended');
  const systemRequirements = [...byOs].map(([os, recommended]) => ({ os, recommended }));
  return ifKnown(pool, productId, byOs.size === 0, { systemRequirements });
};

async function readRequirements(pool: pg.Pool, productId: number, tier: 'minimum' | 'recommended') {
  const rows = await read<RequirementRow>(pool, 'requirements', requirementsStatement, [productId, tier]);
  const byOs = new Map<string, Requirement[]>();
  for (const { os, component, value } of rows) {
    const requirements = byOs.get(os) ?? [];
    if (component !== null && value !== null) requirements.push({ component, value });
    byOs.set(os, requirements);
  }
  return byOs;
}

const languagesStatement = `
  SELECT l.code, l.name, pl.audio, pl."text" FROM product_language pl JOIN language l ON l.code = pl.language_code
  WHERE pl.product_id = $1 ORDER BY l.code`;

interface LanguageRow {
  readonly code: string;
  readonly name: string;
  readonly audio: boolean;
  readonly text: boolean;
}

export const languages: Query = async (pool, productId) => {
  const rows = await read<LanguageRow>(pool, 'languages', languagesStatement, [productId]);
  const having = (kind: 'audio' | 'text') =>
    rows.filter((row) => row[kind]).map(({ code, name }) => ({ code, name }));
  return ifKnown(pool, productId, rows.length === 0, {
    languages: rows.length === 0 ? null : { audio: having('audio'), text: having('text') },
  });
};
