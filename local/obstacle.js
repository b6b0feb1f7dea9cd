/**
 * Something that stands in the way and that the reader can remove: its message says what and how, and is shown
 * without a stack trace.
 *
 * JavaScript, because local/install.js runs on Nodes that cannot read TypeScript.
 */
export class Obstacle extends Error {}
