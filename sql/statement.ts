export interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** Makes an SQL expression of a value, by its type in SQL. */
export type Parameter = (value: unknown, type: string) => string;

/** A statement whose text is made along with the list of its values. */
export function statement(build: (parameter: Parameter) => string): Statement {
  const values: unknown[] = [];
  const text = build((value, type) => {
    values.push(value);
    return `$${values.length}::${type}`;
  });
  return { text, values };
}
