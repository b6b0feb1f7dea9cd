/** One of the eight services, which SERVICE names: its parts of a page, and as its `page` all of them. */
import { answersOf } from './answers.ts';
import { createApp, jsonRoutes, serve } from './app.ts';
import { fail, required } from './environment.ts';
import { createPool } from './pool.ts';
import { services } from './services.ts';

const queries = services[required('SERVICE')];
if (queries === undefined) fail(`SERVICE must be one of ${Object.keys(services).join(', ')}.`);
const pool = createPool();
serve(createApp(jsonRoutes(answersOf(pool, queries))), () => pool.end());
