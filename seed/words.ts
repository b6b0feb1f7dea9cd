/**
 * The words a catalogue is written in. Names of people and companies come from faker, seeded once; sentences
 * are templates whose `{slots}` are filled from the lists here, which is far faster than faker per field.
 */
import { base, en, Faker } from '@faker-js/faker';
import { pick, type Random } from './random.ts';
import { referenceDate } from './reference-date.ts';

const adjectives =
  'Hollow,Crimson,Silent,Last,Fractured,Golden,Sunken,Restless,Iron,Velvet,Forgotten,Burning,Distant,Wandering,Neon,Frozen,Hidden,Broken,Emerald,Sleepless,Wild,Paper,Electric,Lonely,Savage,Gentle,Ashen,Radiant,Crooked,Infinite,Rusted,Midnight,Stolen,Brave,Tiny,Furious,Quiet,Ancient,Borrowed,Glass'.split(
    ',',
  );
const nouns =
  'Crown,Lighthouse,Harbor,Orchard,Kingdom,Voyage,Garden,Engine,Circuit,Empire,Lantern,Valley,Signal,Outpost,Covenant,Frontier,Echo,Horizon,Labyrinth,Reactor,Caravan,Throne,Tide,Station,Forge,Archive,Monastery,Carnival,Railway,Nomad,Satellite,Apprentice,Raven,Wolf,Knight,Detective,Alchemist,Gardener,Pilot,Cartographer'.split(
    ',',
  );
const places =
  'Meridian,Avalon Bay,Old Prague,Café Lumière,東京,Ørland,São Bento,Kepler Station,Northwind,Blackmere,Zürich,Halcyon,Novgorod,Little Havana,the Ninth Gate,Terra Nova,Château Noir,日本橋,Reykjavík,the Salt Flats'.split(
    ',',
  );
const verbs =
  'explore,rebuild,defend,outwit,restore,conquer,decipher,escape,survive,chart,uncover,befriend'.split(',');
const things =
  'weapon loadouts,trading routes,crafting recipes,night-time raids,boss encounters,photo modes,rival factions,weather systems,side quests,co-op missions,stealth routes,puzzle chambers,racing lines,deck builds,base layouts,dialogue choices'.split(
    ',',
  );
const qualities =
  'gorgeous,bold,punishing,heartfelt,tense,clever,relentless,charming,polished,moody,familiar,surprising,brisk,repetitive,generous,memorable'.split(
    ',',
  );

const slots = { adjective: adjectives, noun: nouns, place: places, verb: verbs, things, quality: qualities };

type Template = readonly (string | readonly string[])[];

const isSlot = (name: string): name is keyof typeof slots => Object.hasOwn(slots, name);

/** Splits a template at its slots; one that does not exist is an error at start, not a hole in a text. */
function template(text: string): Template {
  return text.split(/[{}]/).map((part, index) => {
    if (index % 2 === 0) return part;
    if (!isSlot(part)) throw new Error(`There are no words for {${part}}.`);
    return slots[part];
  });
}

const templates = (...texts: string[]) => texts.map(template);

/** Returns one of the templates with its slots filled, beginning with a capital. */
export function write(random: Random, from: readonly Template[]): string {
  let text = '';
  for (const part of pick(random, from)) text += typeof part === 'string' ? part : pick(random, part);
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export const titles = templates(
  '{adjective} {noun}',
  'The {adjective} {noun}',
  '{noun} of {place}',
  '{adjective} {noun} II',
  '{noun} & {noun}',
  '{place}: {adjective} {noun}',
  'Last {noun} to {place}',
  '{adjective} {noun}™',
  'Tales of the {adjective} {noun}',
  '{place} 2088',
);

export const editionNames = [
  'Deluxe Edition',
  'Ultimate Edition',
  'Gold Edition',
  'Collector’s Edition',
] as const;

export const addOnNames = templates(
  'The {adjective} {noun} Expansion',
  'Season Pass',
  'Original Soundtrack',
  '{adjective} {noun} Pack',
  'Chapter II: {place}',
  '{noun} Skins',
);

export const shortDescriptions = templates(
  'Explore {place}, {verb} the {adjective} {noun} and decide who may keep it.',
  'A {quality} adventure about one {noun}, three rivals and far too many {things}.',
  'Build, trade and {verb} your way across {place} — alone or with friends.',
  'Every night the {noun} changes. Find out why, and {verb} it before the {adjective} dawn.',
  'The {quality} strategy game in which {things} decide the fate of {place}.',
);

export const paragraphs = templates(
  'Welcome to {place}, where the {adjective} {noun} has stood empty for three hundred years. You arrive with a map, a debt and a single night to {verb} what is left. Nobody told you about the {noun}.',
  'Choose between dozens of {things}, combine them with {things}, and find the way of playing that suits you. Every decision is remembered: allies leave, rivals return, and {place} is never the same twice.',
  'Play alone or with up to three friends. Together you can {verb} the {adjective} {noun}, share {things}, and take on challenges that no one survives alone.',
  'Hand-drawn by a small team over five years, with a score recorded live in {place}, this is a {quality} journey for everyone who ever wanted to {verb} the {noun}.',
  '**Features**\n- More than forty hours of {things}\n- A {quality} story with four endings\n- Full controller support and “cosy” difficulty settings\n- Free updates: the {adjective} {noun} is only the beginning',
  'When the {adjective} {noun} falls silent, the factions of {place} begin to move. Pick a side, recruit a crew of misfits to {verb} what is left, and learn why {things} matter more than gold.',
);

export const achievementNames = templates(
  '{adjective} {noun}',
  'Friend of the {noun}',
  'Postcard from {place}',
  'No More {things}',
  'Master of {things}',
);

export const achievementDescriptions = templates(
  '{verb} the {adjective} {noun}.',
  'Finish a chapter without using {things}.',
  'Reach {place} before sunrise.',
  'Find every secret of the {noun}.',
);

export const criticHeadlines = templates(
  'A {quality} trip to {place}',
  'The {adjective} {noun} deserves better',
  'Come for the {things}, stay for the story',
  '{quality}, and proud of it',
);

export const criticQuotes = templates(
  'At its best it is {quality} and {quality}; at its worst it drowns you in {things}. I could not stop playing.',
  'Few games {verb} their own ideas so thoroughly. The {things} alone are worth the trip to {place}.',
  'A {quality} debut that borrows freely from the classics, yet finds its own voice once the {noun} appears.',
  'The opening hours are {quality}, the ending is {quality}, and in between there are rather many {things}.',
);

export const praiseTitles = templates(
  'Simply {quality}',
  'Better than I expected 👍',
  'My new comfort game',
  'The best {things} in years',
);

export const praise = templates(
  'Bought it on sale and finished it in a weekend. The {things} are superb, the {noun} level is my favourite, and the soundtrack is on repeat.',
  'Runs well on my old machine, {place} looks wonderful, and the writing is naïve in the best way. More {things}, please!',
  'Played with my brother. We tried to {verb} the {adjective} {noun} for two hours and laughed the whole time 😂',
  'Honestly brilliant. Some bugs around {things}, nothing that a reload does not fix. Très bien!',
);

export const complaintTitles = templates(
  'Needs a patch',
  'Great {things}, weak ending',
  '{quality} but short',
  'I wanted to love it',
);

export const complaints = templates(
  'The tutorial takes too long, and after that it is mostly {things}. {place} deserved a better game.',
  'Crashed twice before I could {verb} the {adjective} {noun}. The {things} are fine, the rest is déjà vu.',
  'Pretty, but empty. Two hours of {things}, then the same {noun} again and again. Wait for a sale 🙁',
  'The {things} never explain themselves, and the ending in {place} felt rushed.',
);

/** What faker makes; the same for the same seed. */
export interface Names {
  readonly people: readonly string[];
  readonly players: readonly string[];
  readonly companies: readonly string[];
  readonly outlets: readonly string[];
}

export function makeNames(seed: number): Names {
  const faker = new Faker({ locale: [en, base], seed });
  faker.setDefaultRefDate(referenceDate);
  const distinct = (count: number, make: () => string) => {
    const names = new Set<string>();
    while (names.size < count) names.add(make());
    return [...names];
  };
  const studio = ['Games', 'Interactive', 'Studios', 'Entertainment', 'Works', 'Collective'];
  const press = ['Gamer', 'Post', 'Review', 'Weekly', 'Press', 'Herald'];
  return {
    people: distinct(500, () => faker.person.fullName()),
    players: distinct(500, () => faker.internet.username()),
    companies: distinct(
      400,
      () =>
        `${faker.helpers.arrayElement([...adjectives, faker.person.lastName()])} ${faker.helpers.arrayElement(nouns)} ${faker.helpers.arrayElement(studio)}`,
    ),
    outlets: distinct(40, () => `${faker.location.city()} ${faker.helpers.arrayElement(press)}`),
  };
}
