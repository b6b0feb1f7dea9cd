/** The kinds of panel, with one look for all dashboards. Each has a title, a description and a unit; there is no other way to make one. */
import {
  BigValueColorMode,
  BigValueGraphMode,
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  ReduceDataOptionsBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  DashboardLinkBuilder,
  FieldColorModeId,
  MappingType,
  type Panel,
  SpecialValueMatch,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from '@grafana/grafana-foundation-sdk/dashboard';
import * as heatmaps from '@grafana/grafana-foundation-sdk/heatmap';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import * as stats from '@grafana/grafana-foundation-sdk/stat';
import * as timeSeriesPanels from '@grafana/grafana-foundation-sdk/timeseries';

/** The datasource that the viewer chose. */
export const datasource = { type: 'prometheus', uid: `\${datasource}` } as const;

/** One meaning, one colour, on every dashboard: by the label whose values are shown, `legend` for fixed legends. */
const colors: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  tier: { memory: 'green', redis: 'blue', postgres: 'orange', stale: 'yellow', negative: 'text' },
  result: { hit: 'green', miss: 'orange', stale: 'yellow', negative: 'text', error: 'red', bypass: 'purple' },
  outcome: { redis: 'blue', postgres: 'orange', absent: 'text', error: 'red' },
  http_route: { '/v1/products/{slug}': 'green', '/v1/products': 'blue', unmatched: 'yellow' },
  class: { '2xx': 'green', '3xx': 'blue', '4xx': 'yellow', '5xx': 'red' },
  state: {
    starting: 'blue',
    ready: 'green',
    stopping: 'yellow',
    waiting: 'red',
    idle: 'green',
    used: 'orange',
  },
  reason: {
    clean: 'green',
    crash: 'red',
    oom: 'purple',
    hang: 'yellow',
    signal: 'orange',
    size: 'orange',
    full: 'red',
    'slow-reader': 'yellow',
    pipelining: 'blue',
  },
  legend: { p50: 'green', p95: 'yellow', p99: 'orange', limit: 'red', client: 'purple', server: 'blue' },
};

function colorsOf(legends: readonly string[]): (readonly [name: string, color: string])[] {
  return Object.entries(colors).flatMap(([label, named]) =>
    Object.entries(named).filter(([name]) => legends.includes(label === 'legend' ? name : `{{${label}}}`)),
  );
}

/** From this value on, this colour. */
type Step = readonly [from: number, color: 'green' | 'yellow' | 'orange' | 'red' | 'blue'];

interface Common {
  readonly title: string;
  /** What it shows, what is good, and what to do when it is bad. */
  readonly description: string;
  /** An id of Grafana's units, such as `s`, `bytes`, `percentunit`. */
  readonly unit: string;
  /** Columns of 24. */
  readonly width?: number;
}

const thresholds = (base: string, steps: readonly Step[]) =>
  new ThresholdsConfigBuilder()
    .mode(ThresholdsMode.Absolute)
    .steps([{ value: null, color: base }, ...steps.map(([value, color]) => ({ value, color }))]);

export interface Stat extends Common {
  readonly expression: string;
  readonly decimals?: number;
  /** Colour below the first step, and the steps. */
  readonly base: Step[1];
  readonly steps?: readonly Step[];
  /** What an empty answer means. */
  readonly empty: string;
  /** Words in place of numbers. */
  readonly words?: Readonly<Record<string, string>>;
  /** Identifier of the dashboard to read next. */
  readonly next?: { readonly uid: string; readonly title: string };
}

/**
 * One number whose colour says whether it is good; a click leads to where the reason is. It is asked for at one
 * instant: the last point of a range would still be green when the server has been dead for minutes.
 */
export function stat(spec: Stat): Panel {
  const { expression, decimals, base, steps = [], empty, words = {}, next } = spec;
  const query = new DataqueryBuilder().refId('A').datasource(datasource).expr(expression);
  const panel = new stats.PanelBuilder()
    .title(spec.title)
    .description(spec.description)
    .unit(spec.unit)
    .datasource(datasource)
    .span(spec.width ?? 4)
    .height(4)
    .noValue(empty)
    .thresholds(thresholds(base, steps))
    .colorMode(BigValueColorMode.Background)
    .graphMode(BigValueGraphMode.None)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .mappings([
      {
        type: MappingType.ValueToText,
        options: Object.fromEntries(Object.entries(words).map(([value, text]) => [value, { text }])),
      },
      {
        type: MappingType.SpecialValue,
        options: { match: SpecialValueMatch.NullAndNan, result: { text: empty, color: '#5a5e66' } },
      },
    ])
    .withTarget(query.instant());
  if (decimals !== undefined) panel.decimals(decimals);
  if (next)
    panel.dataLinks([
      new DashboardLinkBuilder(`Open ${next.title}`).url(
        `/d/${next.uid}?\${__url_time_range}&\${__all_variables}`,
      ),
    ]);
  return panel.build();
}

export interface TimeSeries extends Common {
  /** Each expression with its legend, such as `worker {{worker}}`. */
  readonly lines: readonly (readonly [expression: string, legend: string])[];
  readonly stack?: 'normal' | 'percent';
  readonly min?: number;
  readonly max?: number;
  /** Lines at which it becomes bad. */
  readonly steps?: readonly Step[];
  /** Legends to be drawn dashed: limits and wishes, not measurements. */
  readonly dashed?: readonly string[];
  /** The least time between two points, for expressions that are costly. */
  readonly step?: string;
}

/** Lines over time; those whose legend has a meaning have its colour. */
export function timeSeries(spec: TimeSeries): Panel {
  const { lines, stack, min = 0, max, steps, dashed = [], step } = spec;
  const panel = new timeSeriesPanels.PanelBuilder()
    .title(spec.title)
    .description(spec.description)
    .unit(spec.unit)
    .datasource(datasource)
    .span(spec.width ?? 8)
    .height(8)
    .min(min)
    .lineWidth(stack ? 0 : 1)
    .fillOpacity(stack ? 70 : 8)
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.Table)
        .showLegend(true)
        .calcs(['lastNotNull', 'max'])
        .sortBy('Max')
        .sortDesc(true),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending))
    .targets(
      lines.map(([expression, legend], i) =>
        new DataqueryBuilder()
          .refId(String.fromCharCode(65 + i))
          .datasource(datasource)
          .expr(expression)
          .legendFormat(legend)
          .range(),
      ),
    );
  if (step) panel.interval(step);
  if (max !== undefined) panel.max(max);
  if (stack)
    panel.stacking(
      new StackingConfigBuilder().mode(stack === 'percent' ? StackingMode.Percent : StackingMode.Normal),
    );
  if (steps)
    panel
      .thresholds(thresholds('transparent', steps))
      .thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed));
  for (const [name, color] of colorsOf(lines.map(([, legend]) => legend)))
    panel.overrideByName(name, [{ id: 'color', value: { mode: FieldColorModeId.Fixed, fixedColor: color } }]);
  for (const name of dashed)
    panel.overrideByName(name, [
      { id: 'custom.lineStyle', value: { fill: 'dash', dash: [8, 8] } },
      { id: 'custom.fillOpacity', value: 0 },
      { id: 'custom.stacking', value: { mode: StackingMode.None } },
      { id: 'custom.lineWidth', value: 2 },
    ]);
  return panel.build();
}

/** A classic histogram over time: how many events fell into which bucket. The expression sums by `le`. */
export function heatmap(spec: Common & { readonly expression: string }): Panel {
  return new heatmaps.PanelBuilder()
    .title(spec.title)
    .description(spec.description)
    .unit(spec.unit)
    .datasource(datasource)
    .span(spec.width ?? 8)
    .height(8)
    .calculate(false)
    .yAxis(new heatmaps.YAxisConfigBuilder().unit(spec.unit))
    .color(
      new heatmaps.HeatmapColorOptionsBuilder()
        .mode(heatmaps.HeatmapColorMode.Scheme)
        .scheme('Oranges')
        .scale(heatmaps.HeatmapColorScale.Exponential)
        .exponent(0.5)
        .steps(64),
    )
    .withTarget(
      new DataqueryBuilder()
        .refId('A')
        .datasource(datasource)
        .expr(spec.expression)
        .legendFormat('{{le}}')
        .format(PromQueryFormat.Heatmap)
        .range(),
    )
    .build();
}
