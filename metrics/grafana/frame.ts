/** What all dashboards share: the choice of servers, the way from one to the other, and what happened when. */
import {
  AnnotationQueryBuilder,
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  type Panel,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { anySeries, series } from './expressions.ts';
import { datasource } from './panels.ts';

/** The dashboards by their names in links. */
export const places = {
  service: { uid: 'frontshelf-service', title: 'Frontshelf: Service' },
  tiers: { uid: 'frontshelf-tiers', title: 'Frontshelf: Tiers' },
  saturation: { uid: 'frontshelf-saturation', title: 'Frontshelf: Saturation' },
  loadTest: { uid: 'frontshelf-load-test', title: 'Frontshelf: Load test' },
} as const;

/** What the provisioned datasource is called, so that dashboards find it without being told. */
const datasourceUid = 'prometheus';

export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

/** A choice among the values of a label; all of them at first. */
export interface Choice {
  readonly name: string;
  readonly label: string;
  /** Such as `label_values(up, job)`. */
  readonly query: string;
  /** The pattern that stands for all. */
  readonly all?: string;
}

const serverChoices: readonly Choice[] = [
  { name: 'job', label: 'Job', query: 'label_values(frontshelf_build_info, job)' },
  {
    name: 'instance',
    label: 'Instance',
    query: 'label_values(frontshelf_build_info{job=~"$job"}, instance)',
  },
];

const everything = { text: ['All'], value: ['$__all'] };

function choiceVariable({ name, label, query, all = '.+' }: Choice): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .label(label)
    .datasource(datasource)
    .query({ query, refId: name })
    .definition(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .allValue(all)
    .current(everything);
}

interface Event {
  readonly name: string;
  readonly color: string;
  readonly expression: string;
  readonly title: string;
  readonly text: string;
  /** The value is the time, in milliseconds; otherwise it lasts as long as the value is 1. */
  readonly valueIsTime: boolean;
  readonly shown?: boolean;
}

const events: readonly Event[] = [
  {
    name: 'Deployments',
    color: 'blue',
    expression: `${series('frontshelf_build_info')} * on (job, instance) group_left () ${series('process_start_time_seconds')} * 1000`,
    title: 'Server started',
    text: '{{instance}}: version {{version}}, Node {{node}}',
    valueIsTime: true,
  },
  {
    name: 'Worker starts',
    color: 'purple',
    expression: `${series('frontshelf_worker_start_time_seconds')} * 1000`,
    title: 'Worker started',
    text: '{{instance}}: worker {{worker}}',
    valueIsTime: true,
    shown: false,
  },
  {
    name: 'Load tests',
    color: 'orange',
    expression: `count by (testid) (${anySeries('k6_vus', {})}) > bool 0`,
    title: 'Load test',
    text: '{{testid}}',
    valueIsTime: false,
  },
  {
    name: 'Alerts',
    color: 'red',
    expression: `count by (alertname, severity) (${anySeries('ALERTS', { alertstate: 'firing', job: '=~|$job' })}) > bool 0`,
    title: '{{alertname}}',
    text: '{{severity}}',
    valueIsTime: false,
  },
];

function annotation({ name, color, expression, title, text, valueIsTime, shown = true }: Event) {
  return new AnnotationQueryBuilder()
    .name(name)
    .datasource(datasource)
    .enable(shown)
    .iconColor(color)
    .expr(expression)
    .step('15s')
    .titleFormat(title)
    .textFormat(text)
    .useValueForTime(valueIsTime);
}

export interface Frame {
  readonly place: { readonly uid: string; readonly title: string };
  readonly description: string;
  readonly rows: readonly Row[];
  /** Beside the choice of servers. */
  readonly choices?: readonly Choice[];
  readonly from?: string;
}

/** A whole dashboard. Panels keep their numbers as long as their order stays, so links to them do too. */
export function dashboard({ place, description, rows, choices = [], from = 'now-1h' }: Frame): Dashboard {
  const builder = new DashboardBuilder(place.title)
    .uid(place.uid)
    .description(description)
    .tags(['frontshelf'])
    .readonly()
    .tooltip(DashboardCursorSync.Crosshair)
    .time({ from, to: 'now' })
    .refresh('30s')
    .timezone('browser')
    .variables([
      new DatasourceVariableBuilder('datasource')
        .label('Data source')
        .type('prometheus')
        .current({ text: 'Prometheus', value: datasourceUid }),
      ...[...serverChoices, ...choices].map(choiceVariable),
    ])
    .annotations(events.map(annotation))
    .link(
      new DashboardLinkBuilder('Frontshelf')
        .type(DashboardLinkType.Dashboards)
        .tags(['frontshelf'])
        .includeVars(true)
        .keepTime(true),
    );
  let id = 0;
  const numbered = (panel: Panel): Panel => {
    id += 1;
    return { ...panel, id };
  };
  for (const { title, panels } of rows) {
    builder.withRow(new RowBuilder(title));
    for (const panel of panels) builder.withPanel({ build: () => numbered(panel) });
  }
  return builder.build();
}
