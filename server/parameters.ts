/**
 * What a parameter may be, as JSON Schema says it: the OpenAPI document shows these schemas and the parser checks by them.
 * It is a subset of which each part has one spelling in a target, so that one value is one key.
 */
import type { ProblemCode } from './problems.ts';

interface StringSchema {
  readonly type: 'string';
  readonly enum?: readonly string[];
  readonly pattern?: string;
  /** In characters (code points). */
  readonly minLength?: number;
  readonly maxLength?: number;
  /** `date`: a day that exists, as 2024-02-29. */
  readonly format?: 'date';
  readonly default?: string;
}
interface IntegerSchema {
  readonly type: 'integer';
  readonly minimum: number;
  readonly maximum: number;
  readonly default?: number;
}
interface BooleanSchema {
  readonly type: 'boolean';
  readonly default?: boolean;
}
/** Written with commas between its items, which hold none. */
interface ListSchema {
  readonly type: 'array';
  readonly items: StringSchema;
  readonly minItems: number;
  readonly maxItems: number;
}
export type ParameterSchema = StringSchema | IntegerSchema | BooleanSchema | ListSchema;

export interface Parameter {
  readonly schema: ParameterSchema;
  readonly description: string;
  readonly example?: string | number | boolean | readonly string[];
  /** For a query parameter without which the resource has no meaning; those of a path always are. */
  readonly required?: true;
  /** What a pattern admits, in words that follow "must be" (in a list: "each"). The rest is said by the schema. */
  readonly form?: string;
  /**
   * Words of people, so percent-decoded as UTF-8, with a plus for a space, as forms write it. White space and control
   * characters come to single spaces between words, and the text to its composed form (NFC).
   */
  readonly isText?: true;
  /** What a value of another form is; `malformed-parameter` if nothing is said. */
  readonly problem?: ProblemCode;
}
export type Parameters = Readonly<Record<string, Parameter>>;

/** The pattern of a text in which there is anything to read. */
export const readable = '[^\\s\\ufeff\\u0000-\\u001f\\u007f-\\u009f]';

/** What a parameter with this schema comes to. */
export type ValueOf<S> = S extends { readonly enum: readonly (infer E)[] }
  ? E
  : S extends { readonly type: 'array'; readonly items: infer I }
    ? readonly ValueOf<I>[]
    : S extends { readonly type: 'integer' }
      ? number
      : S extends { readonly type: 'boolean' }
        ? boolean
        : string;

/** Reads the value of a parameter as it stands in a target; undefined when it is not as the schema says. */
export type ParameterReader = (raw: string) => ValueOf<ParameterSchema> | undefined;

export function parameterReader({ schema, isText }: Parameter): ParameterReader {
  switch (schema.type) {
    case 'string': {
      const isAdmitted = stringCheck(schema);
      if (isText) return (raw) => readText(raw, isAdmitted);
      return (raw) => (isAdmitted(raw) ? raw : undefined);
    }
    case 'integer':
      return (raw) => {
        if (!/^(?:0|-?[1-9]\d{0,14})$/.test(raw)) return undefined;
        const value = Number(raw);
        return value >= schema.minimum && value <= schema.maximum ? value : undefined;
      };
    case 'boolean':
      return (raw) => (raw === 'true' ? true : raw === 'false' ? false : undefined);
    case 'array': {
      const isAdmitted = stringCheck(schema.items);
      return (raw) => {
        // Many clients encode the comma.
        const items = raw.split(/,|%2c/i);
        const isCounted = items.length >= schema.minItems && items.length <= schema.maxItems;
        return isCounted && items.every(isAdmitted) ? items : undefined;
      };
    }
  }
}

function stringCheck(schema: StringSchema): (value: string) => boolean {
  const { enum: values, minLength = 0, maxLength = Number.POSITIVE_INFINITY, format } = schema;
  if (values !== undefined) return (value) => values.includes(value);
  const pattern = schema.pattern === undefined ? undefined : new RegExp(schema.pattern, 'u');
  return (value) => {
    const { length } = [...value];
    if (length < minLength || length > maxLength || pattern?.test(value) === false) return false;
    return format === undefined || isDay(value);
  };
}

function isDay(text: string): boolean {
  if (!/^[1-9]\d{3}-\d\d-\d\d$/.test(text)) return false;
  const day = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text);
}

function readText(raw: string, isAdmitted: (text: string) => boolean): string | undefined {
  let text: string;
  try {
    text = decodeURIComponent(raw.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
  // First, as it makes some texts longer.
  text = text.normalize('NFC');
  if (!isAdmitted(text)) return undefined;
  return text.replace(/[\s\p{Cc}]+/gu, ' ').trim();
}

/** What a parameter must be, in words that follow "must be". */
export function expectation({ schema, form }: Parameter): string {
  switch (schema.type) {
    case 'string':
      return stringExpectation(schema, form);
    case 'integer':
      return `a whole number from ${schema.minimum} to ${schema.maximum}`;
    case 'boolean':
      return 'true or false';
    case 'array':
      return `a list of ${schema.minItems} to ${schema.maxItems} values with commas between them, each ${stringExpectation(schema.items, form)}`;
  }
}

function stringExpectation(schema: StringSchema, form: string | undefined): string {
  if (form !== undefined) return form;
  if (schema.enum !== undefined) return `one of ${enumeration(schema.enum, 'or')}`;
  if (schema.format === 'date') return 'a day that exists, written as 2024-02-29';
  return `a text of ${schema.minLength ?? 0} to ${schema.maxLength} characters in percent-encoded UTF-8`;
}

/** `a, b and c`. */
export const enumeration = (items: readonly string[], conjunction: 'and' | 'or'): string =>
  items.length < 2
    ? items.join('')
    : `${items.slice(0, -1).join(', ')} ${conjunction} ${items[items.length - 1]}`;
