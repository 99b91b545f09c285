// What a file in dashboards/ must be, in Grafana's own types: the board, and the options of each kind of panel.
// Enums become the texts that stand in JSON; what Grafana's data source plug-in reads beyond the schema is named here.
import type { AnnotationQuery, Dashboard, DataQuery } from '@grafana/schema';
import type * as BarGauge from '@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import type * as Heatmap from '@grafana/schema/dist/esm/raw/composable/heatmap/panelcfg/x/HeatmapPanelCfg_types.gen';
import type * as Stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as States from '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import type * as Table from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type * as Lines from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

type Plain<T> = T extends string ? `${T}`
  : T extends (infer U)[] ? Plain<U>[]
  : T extends object ? { [K in keyof T]: Plain<T[K]> }
  : T;
type Loose<T> = T extends (infer U)[] ? Loose<U>[] : T extends object ? { [K in keyof T]?: Loose<T[K]> } : T;

export interface Query extends DataQuery {
  editorMode?: 'code' | 'builder';
  expr: string;
  format?: 'time_series' | 'table' | 'heatmap';
  instant?: boolean;
  interval?: string;
  legendFormat?: string;
  range?: boolean;
}

interface Annotation extends AnnotationQuery<Query> {
  textFormat?: string;
  titleFormat?: string;
}

export type Board = Plain<Omit<Dashboard, 'id' | 'annotations'>> & { id: null; annotations: { list: Plain<Annotation>[] } };

interface Options {
  bargauge: BarGauge.Options;
  heatmap: Heatmap.Options;
  stat: Stat.Options;
  'state-timeline': States.Options;
  table: Table.Options;
  timeseries: Lines.Options;
}
interface Custom {
  bargauge: never;
  heatmap: never;
  stat: never;
  'state-timeline': States.FieldConfig;
  table: Table.FieldConfig;
  timeseries: Lines.FieldConfig;
}

// One panel, apart from the board: its kind says what its options are.
export type Drawn<K extends keyof Options> = { type: K; options: Loose<Plain<Options[K]>>; custom?: Loose<Plain<Custom[K]>> };
