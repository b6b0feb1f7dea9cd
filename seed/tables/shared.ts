/** The tables that products refer to, with the lists that rows of products are drawn from. */
import type { Table } from './table.ts';

export const refundTypes = [
  { code: 'refundable', name: 'Refundable', url: 'https://example.com/refunds#refundable' },
  { code: 'self-refundable', name: 'Self-refundable', url: 'https://example.com/refunds#self' },
  { code: 'non-refundable', name: 'Non-refundable', url: 'https://example.com/refunds#none' },
] as const;

export const genres =
  'Action,Adventure,RPG,Strategy,Simulation,Puzzle,Racing,Platformer,Shooter,Survival,Card Game,Horror,Sports,Rogue-Lite,City Builder,Narration'.split(
    ',',
  );
export const features =
  'Single Player,Multiplayer,Co-op,Online Multiplayer,Local Multiplayer,Cross Platform,Controller Support,Cloud Saves,Achievements,Leaderboards,VR,Mod Support'.split(
    ',',
  );
export const platforms = ['Windows', 'macOS', 'Linux', 'PlayStation 5', 'Xbox Series X|S', 'Nintendo Switch'];

const tags = [
  ...genres.map((name) => ({ group: 'genre', name })),
  ...features.map((name) => ({ group: 'feature', name })),
  ...platforms.map((name) => ({ group: 'platform', name })),
];

/** The id of a genre, feature or platform by its name, which is unique among all three. */
export const tagId = (name: string) => tags.findIndex((tag) => tag.name === name) + 1;

/** `rate` turns US cents into the market's currency, before rounding to a price one sees in shops. */
export const markets = [
  { code: 'US', currency: 'USD', ageSystem: 'ESRB', rate: 1 },
  { code: 'GB', currency: 'GBP', ageSystem: 'PEGI', rate: 0.85 },
  { code: 'JP', currency: 'JPY', ageSystem: 'CERO', rate: 1.5 },
] as const;

export const languages = [
  { code: 'en', name: 'English' },
  { code: 'de', name: 'Deutsch' },
  { code: 'fr', name: 'Français' },
  { code: 'es-ES', name: 'Español (España)' },
  { code: 'es-419', name: 'Español (Latinoamérica)' },
  { code: 'it', name: 'Italiano' },
  { code: 'ja', name: '日本語' },
  { code: 'ko', name: '한국어' },
  { code: 'pl', name: 'Polski' },
  { code: 'pt-BR', name: 'Português (Brasil)' },
  { code: 'ru', name: 'Русский' },
  { code: 'tr', name: 'Türkçe' },
  { code: 'zh-Hans', name: '简体中文' },
  { code: 'ar', name: 'العربية' },
] as const;

export const polls = [
  { emoji: '🎭', question: 'This game has amazing characters' },
  { emoji: '📖', question: 'This game has great storytelling' },
  { emoji: '🔥', question: 'This game has great boss battles' },
  { emoji: '🧩', question: 'This game is full of clever puzzles' },
  { emoji: '🎵', question: 'This game’s soundtrack stays with you' },
  { emoji: '😂', question: 'This game makes you laugh' },
  { emoji: '🛋️', question: 'This game is perfect for unwinding' },
  { emoji: '👯', question: 'This game is best with friends' },
  { emoji: '⏱️', question: 'This game is easy to pick up' },
  { emoji: '🏔️', question: 'This game looks breathtaking' },
] as const;

/** What an outlet's best score is; each outlet keeps to its own scale. */
export const scoreScale = (outlet: number) => [10, 100, 5][outlet % 3] ?? 10;

const webName = (name: string) => name.toLowerCase().replace(/[^a-z0-9]+/g, '-');

export const sharedTables: readonly Table[] = [
  {
    name: 'refund_type',
    columns: ['code', 'name', 'policy_url'],
    shared: true,
    rows: () => refundTypes.map(({ code, name, url }) => [code, name, url]),
  },
  {
    name: 'company',
    columns: ['id', 'name', 'url'],
    shared: true,
    rows: ({ catalogue }) =>
      catalogue.names.companies.map((name, i) => [i + 1, name, `https://${webName(name)}.example.com/`]),
  },
  {
    name: 'tag',
    columns: ['id', 'group_name', 'slug', 'name'],
    shared: true,
    rows: () => tags.map(({ group, name }, i) => [i + 1, group, webName(name), name]),
  },
  {
    name: 'market',
    columns: ['code', 'currency', 'age_system'],
    shared: true,
    rows: () => markets.map(({ code, currency, ageSystem }) => [code, currency, ageSystem]),
  },
  {
    name: 'language',
    columns: ['code', 'name'],
    shared: true,
    rows: () => languages.map(({ code, name }) => [code, name]),
  },
  {
    name: 'outlet',
    columns: ['id', 'name', 'url'],
    shared: true,
    rows: ({ catalogue }) =>
      catalogue.names.outlets.map((name, i) => [i + 1, name, `https://${webName(name)}.example.com/`]),
  },
  {
    name: 'poll',
    columns: ['id', 'question', 'emoji'],
    shared: true,
    rows: () => polls.map(({ question, emoji }, i) => [i + 1, question, emoji]),
  },
];
