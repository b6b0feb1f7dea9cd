/** All parts of a page in one process, each read from Postgres. */
import { answersOf } from './answers.ts';
import { createApp, jsonRoutes, serve } from './app.ts';
import { createPool } from './pool.ts';
import { allQueries } from './services.ts';

const pool = createPool();
serve(createApp(jsonRoutes(answersOf(pool, allQueries))), () => pool.end());
