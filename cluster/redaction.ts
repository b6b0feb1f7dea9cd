import { type Config, secretsIn } from '../config.ts';

/**
 * Returns a function that takes the secrets of the settings out of a text, in each form in which they may be written. Servers repeat
 * what they were sent: a Redis that knows no AUTH answers with its arguments.
 */
export function redaction(config: Config): (text: string) => string {
  const forms = secretsIn(config).flatMap((secret) => [
    secret,
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
  ]);
  // The longest first, as one may be within another.
  const found = [...new Set(forms)].sort((a, b) => b.length - a.length);
  return (text) => found.reduce((rest, form) => rest.replaceAll(form, '[secret]'), text);
}
