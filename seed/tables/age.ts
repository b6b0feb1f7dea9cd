import { chance, integer, sample } from '../random.ts';
import { markets } from './shared.ts';
import type { Table } from './table.ts';

/** Each system has the same four steps, mildest first; a product is on the same step in all. */
export const ageRatings = [
  { system: 'ESRB', step: 0, code: 'E', title: 'Everyone', minAge: 0 },
  { system: 'ESRB', step: 1, code: 'E10+', title: 'Everyone 10+', minAge: 10 },
  { system: 'ESRB', step: 2, code: 'T', title: 'Teen', minAge: 13 },
  { system: 'ESRB', step: 3, code: 'M', title: 'Mature 17+', minAge: 17 },
  { system: 'PEGI', step: 0, code: '3', title: 'PEGI 3', minAge: 3 },
  { system: 'PEGI', step: 1, code: '7', title: 'PEGI 7', minAge: 7 },
  { system: 'PEGI', step: 2, code: '12', title: 'PEGI 12', minAge: 12 },
  { system: 'PEGI', step: 3, code: '18', title: 'PEGI 18', minAge: 18 },
  { system: 'CERO', step: 0, code: 'A', title: '全年齢対象', minAge: 0 },
  { system: 'CERO', step: 1, code: 'B', title: '12才以上対象', minAge: 12 },
  { system: 'CERO', step: 2, code: 'C', title: '15才以上対象', minAge: 15 },
  { system: 'CERO', step: 3, code: 'D', title: '17才以上対象', minAge: 17 },
] as const;

/** A descriptor appears with the steps from `from` to `to`. */
export const ageDescriptors = [
  { system: 'ESRB', name: 'Comic Mischief', from: 0, to: 1 },
  { system: 'ESRB', name: 'Mild Fantasy Violence', from: 0, to: 1 },
  { system: 'ESRB', name: 'Fantasy Violence', from: 1, to: 2 },
  { system: 'ESRB', name: 'Suggestive Themes', from: 2, to: 2 },
  { system: 'ESRB', name: 'Language', from: 2, to: 2 },
  { system: 'ESRB', name: 'Intense Violence', from: 3, to: 3 },
  { system: 'ESRB', name: 'Blood and Gore', from: 3, to: 3 },
  { system: 'ESRB', name: 'Strong Language', from: 3, to: 3 },
  { system: 'PEGI', name: 'In-Game Purchases', from: 0, to: 3 },
  { system: 'PEGI', name: 'Fear', from: 1, to: 2 },
  { system: 'PEGI', name: 'Bad Language', from: 2, to: 3 },
  { system: 'PEGI', name: 'Violence', from: 1, to: 3 },
  { system: 'CERO', name: '恋愛', from: 1, to: 3 },
  { system: 'CERO', name: '暴力', from: 1, to: 3 },
  { system: 'CERO', name: '恐怖', from: 2, to: 3 },
] as const;

const systems = markets.map(({ ageSystem }) => ageSystem);

export const ageTables: readonly Table[] = [
  {
    name: 'age_rating',
    columns: ['id', 'system', 'code', 'title', 'min_age', 'image_url'],
    shared: true,
    rows: () =>
      ageRatings.map(({ system, step, code, title, minAge }, i) => [
        i + 1,
        system,
        code,
        title,
        minAge,
        `https://media.example.com/age/${system.toLowerCase()}-${step}.svg`,
      ]),
  },
  {
    name: 'age_descriptor',
    columns: ['id', 'system', 'name'],
    shared: true,
    rows: () => ageDescriptors.map(({ system, name }, i) => [i + 1, system, name]),
  },
  {
    name: 'product_age_rating',
    columns: ['product_id', 'age_rating_id'],
    *rows({ products }) {
      for (const { id, ageStep } of products)
        for (const [index, { step }] of ageRatings.entries()) if (step === ageStep) yield [id, index + 1];
    },
  },
  {
    name: 'product_age_descriptor',
    columns: ['product_id', 'age_descriptor_id'],
    *rows({ products, random }) {
      for (const { id, ageStep } of products) {
        if (ageStep === undefined) continue;
        const drawn = systems.flatMap((system) => {
          const fitting = ageDescriptors.filter(
            (descriptor) =>
              descriptor.system === system && descriptor.from <= ageStep && ageStep <= descriptor.to,
          );
          return sample(random, fitting, integer(random, chance(random, 0.1) ? 0 : 1, 2));
        });
        for (const index of drawn
          .map((descriptor) => ageDescriptors.indexOf(descriptor))
          .sort((a, b) => a - b))
          yield [id, index + 1];
      }
    },
  },
];
