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

// dispose ends a chart. What of a long drawing is left for the frames to come would else
// be drawn onto layers that are gone: with nothing to paint there is none.
export function dispose(chart) {
  chart.clear();
  chart.getZr().flush();
  chart.dispose();
}

export {init};
