import 'uplot/dist/uPlot.min.css';
import './styles/theme.css';
import './styles/base.css';
import './styles/shell.css';
import './styles/chart.css';
import './styles/fleet.css';
import './styles/fleet-table.css';
import './styles/server.css';
import { render } from 'preact';
import { Page } from './shell/page.tsx';
import { applyTheme, savedTheme } from './shell/theme.ts';
import { Model } from './state/model.ts';

applyTheme(savedTheme());
const model = new Model();
const page = document.querySelector('#page');
if (page !== null) render(<Page model={model} />, page);
model.start();
