import { parser } from '@prometheus-io/lezer-promql';

/** One place in an expression that reads series. */
export interface Selection {
  readonly metric: string;
  /** As written, such as `job=~"$job"`. */
  readonly matchers: readonly string[];
  /** Such as `5m`, and the function that takes it; undefined for a plain value. */
  readonly range?: { readonly duration: string; readonly function: string | undefined };
}

/** Every selection of series in a PromQL expression, in order. Throws SyntaxError when it is not PromQL. */
export function selections(expression: string): Selection[] {
  const found: Selection[] = [];
  const text = (node: { readonly from: number; readonly to: number } | null) =>
    node ? expression.slice(node.from, node.to) : '';
  parser.parse(expression).iterate({
    enter({ type, node }) {
      if (type.isError)
        throw new SyntaxError(`Not PromQL from character ${node.from} on: ${expression.slice(node.from)}`);
      if (type.name !== 'VectorSelector') return;
      const matrix = node.parent?.name === 'MatrixSelector' ? node.parent : undefined;
      const call = matrix?.parent?.name === 'FunctionCallBody' ? matrix.parent.parent : undefined;
      found.push({
        metric: text(node.getChild('Identifier')),
        matchers: node.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher').map(text) ?? [],
        ...(matrix && {
          range: {
            duration: text(matrix).slice(text(node).length + 1, -1),
            function: text(call?.getChild('FunctionIdentifier') ?? null) || undefined,
          },
        }),
      });
    },
  });
  return found;
}
