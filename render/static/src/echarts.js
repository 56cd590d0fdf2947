// The part of Apache ECharts that the page uses, and no more.
import {init, use} from 'echarts/core';
import {BarChart, CustomChart, HeatmapChart} from 'echarts/charts';
import {
  AriaComponent, DataZoomComponent, GridComponent, LegendComponent, MarkLineComponent, TooltipComponent, VisualMapContinuousComponent,
} from 'echarts/components';
import {CanvasRenderer} from 'echarts/renderers';

use([
  BarChart, CustomChart, HeatmapChart,
  AriaComponent, DataZoomComponent, GridComponent, LegendComponent, MarkLineComponent, TooltipComponent, VisualMapContinuousComponent,
  CanvasRenderer,
]);

export {init};
