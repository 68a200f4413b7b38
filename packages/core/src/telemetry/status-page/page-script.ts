/**
 * What runs in the browser. It builds elements of what the server tells and never markup of text, so that no name can
 * become part of the page; what stays the same stays in place, so that a button keeps its focus.
 */
export const PAGE_SCRIPT: string = String.raw`
'use strict';
const SVG = 'http://www.w3.org/2000/svg';
const $ = (id) => document.getElementById(id);
const dash = '–';
let view, series = {}, capacity = 150, token = '', hover, intervalMs = 2000;

function h(tag, attributes, ...children) {
  const inSvg = ['svg', 'path', 'rect', 'line', 'title'].includes(tag);
  const element = inSvg ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {}))
    if (value !== undefined && value !== false) element.setAttribute(name, value === true ? '' : String(value));
  for (const child of children.flat()) if (child !== undefined && child !== null && child !== false) element.append(child);
  return element;
}

/** Makes what is shown like what should be, and leaves alone what is so already. */
function patch(from, to) {
  if (from.nodeType !== to.nodeType || from.nodeName !== to.nodeName || from.getAttribute?.('data-key') !== to.getAttribute?.('data-key'))
    return from.replaceWith(to);
  if (from.nodeType === 3) { if (from.data !== to.data) from.data = to.data; return; }
  for (const { name } of [...from.attributes]) if (!to.hasAttribute(name)) from.removeAttribute(name);
  for (const { name, value } of [...to.attributes]) if (from.getAttribute(name) !== value) from.setAttribute(name, value);
  const old = [...from.childNodes], now = [...to.childNodes];
  now.forEach((child, index) => old[index] ? patch(old[index], child) : from.append(child));
  old.slice(now.length).forEach((child) => child.remove());
}

const number = (value) => value >= 1000 ? Math.round(value).toLocaleString('en-US') : String(Number(value.toFixed(value < 10 ? 2 : 1)));
const percent = (ratio) => ratio === null ? dash : number(ratio * 100) + ' %';
const ms = (value) => value === null || value === undefined ? dash : value >= 120000 ? Math.round(value / 60000) + ' min' : value >= 1000 ? number(value / 1000) + ' s' : number(value >= 10 ? Math.round(value) : value) + ' ms';

/** A line through the points; where nothing is known it is interrupted. */
function line(points, most, height) {
  const left = capacity - points.length;
  let path = '', drawing = false;
  points.forEach((value, index) => {
    if (value === null || value === undefined) { drawing = false; return; }
    const y = (height - 2 - (value / most) * (height - 5)).toFixed(1);
    const alone = !drawing && (points[index + 1] === null || points[index + 1] === undefined);
    path += (drawing ? 'L' : 'M') + (left + index) + ' ' + y + (alone ? 'h.6' : '');
    drawing = true;
  });
  return path;
}
function area(points, most, height) {
  if (points.length < 2) return '';
  const left = capacity - points.length;
  return 'M' + left + ' ' + height + line(points.map((value) => value || 0), most, height).replace('M', 'L') + 'L' + (capacity - 1) + ' ' + height + 'Z';
}
const largest = (...lists) => Math.max(0, ...lists.flat().filter((value) => value !== null && value !== undefined));
const ground = (height) => h('line', { class: 'ground', x1: 0, x2: capacity - 1, y1: height - 2, y2: height - 2 });
function hair(id, height) {
  if (!hover || hover.id !== id) return undefined;
  return h('line', { class: 'hair', x1: hover.index, x2: hover.index, y1: 0, y2: height });
}
/** What a plot says of the moment under the pointer, otherwise of now. */
function read(id, points, show) {
  const at = hover && hover.id === id ? hover.index - (capacity - points.length) : points.length - 1;
  const value = points[at];
  return value === null || value === undefined ? dash : show(value);
}
const ago = (id) => hover && hover.id === id ? Math.round((capacity - 1 - hover.index) * intervalMs / 1000) + ' s ago' : undefined;

function callsPlot(name, data) {
  const id = 'calls:' + name, rate = data.rate || [], failures = data.failures || [];
  const most = largest(rate) || 1;
  return h('figure', { class: 'plot' },
    h('figcaption', {}, h('span', { class: 'key' }, h('span', {}, h('i'), 'calls'), h('span', { class: 'f' }, h('i'), 'failing')),
      h('span', {}, ago(id) ? ago(id) + ': ' + read(id, rate, number) + '/s' : 'max ' + number(largest(rate)) + '/s')),
    h('svg', { viewBox: '0 0 ' + (capacity - 1) + ' 58', preserveAspectRatio: 'none', role: 'img', 'data-plot': id, 'aria-label': 'Calls per second: now ' + read(id, rate, number) },
      ground(58), h('path', { class: 'area', d: area(rate, most, 58) }), h('path', { class: 'line', d: line(rate, most, 58) }),
      largest(failures) > 0 && h('path', { class: 'bad', d: area(failures, most, 58) }), hair(id, 58)));
}
function latencyPlot(name, data) {
  const id = 'latency:' + name, p50 = data.p50 || [], p95 = data.p95 || [], p99 = data.p99 || [];
  const most = largest(p50, p95, p99) || 1;
  return h('figure', { class: 'plot' },
    h('figcaption', {}, h('span', { class: 'key' }, h('span', {}, h('i'), 'p50'), h('span', { class: 'm' }, h('i'), 'p95'), h('span', { class: 'l' }, h('i'), 'p99')),
      h('span', {}, ago(id) ? ago(id) + ': ' + read(id, p95, ms) : 'max ' + ms(largest(p50, p95, p99) || null))),
    h('svg', { viewBox: '0 0 ' + (capacity - 1) + ' 58', preserveAspectRatio: 'none', role: 'img', 'data-plot': id, 'aria-label': 'Latency: p95 now ' + read(id, p95, ms) },
      ground(58), h('path', { class: 'line low', d: line(p99, most, 58) }), h('path', { class: 'line mid', d: line(p95, most, 58) }), h('path', { class: 'line', d: line(p50, most, 58) }), hair(id, 58)));
}
function miniPlot(kind, points, label) {
  const box = { viewBox: '0 0 ' + (capacity - 1) + ' 26', preserveAspectRatio: 'none', role: 'img', 'aria-label': label };
  if (kind === 'state') {
    const left = capacity - points.length, bars = [];
    points.forEach((state, index) => {
      const last = bars.at(-1);
      if (last && last.state === state) last.width++;
      else bars.push({ state, x: left + index, width: 1 });
    });
    return h('svg', box, bars.map(({ state, x, width }) => h('rect', { class: 's' + state, x, width: width + .15, y: state === 0 ? 17 : 6, height: state === 0 ? 6 : 17 })));
  }
  const most = largest(points) || 1;
  return h('svg', box, ground(26), h('path', { class: 'area', d: area(points, most, 26) }), h('path', { class: 'line', d: line(points, most, 26) }));
}

const pill = (tone, text) => h('span', { class: 'pill ' + tone }, text);
const figure = (label, value) => h('div', {}, h('b', {}, value), h('span', { class: 'label' }, label));
const facts = (list) => list.length > 0 && h('div', { class: 'facts' }, list.map(({ label, value }) => h('span', {}, label + ' ', h('b', {}, value))));

function meterView({ label, used, of }) {
  const ratio = Math.min(1, used / of), tone = used >= of ? 'bad' : ratio >= .8 ? 'warn' : '';
  return h('div', { class: 'meter ' + tone }, h('span', {}, label), h('svg', { viewBox: '0 0 100 6', preserveAspectRatio: 'none', 'aria-hidden': 'true' }, h('rect', { width: ratio * 100, height: 6 })), h('span', {}, number(used) + ' of ' + number(of)));
}

function policyView(pipeline, policy) {
  const points = (series['policy:' + policy.place + ':' + pipeline] || {}).value || [];
  const command = (name, label, danger) => h('button', { type: 'button', class: danger && 'danger', 'data-command': name, 'data-pipeline': pipeline, 'data-policy': policy.place }, label);
  return h('li', { 'data-key': policy.place + policy.kind },
    h('div', { class: 'policy' },
      h('span', { class: 'dot ' + policy.tone }),
      h('span', { class: 'pname' }, policy.name, policy.name !== policy.kind && h('small', {}, policy.kind), policy.state && pill(policy.tone, policy.state)),
      h('span', { class: 'mini' }, policy.plot && miniPlot(policy.plot, points, policy.name + ' over the last minutes')),
      facts(policy.facts),
      policy.meters.map(meterView),
      token !== '' && policy.isBreaker && h('div', { class: 'acts' }, policy.state === 'isolated' ? command('release', 'Release') : command('isolate', 'Isolate', true), command('reset', 'Reset'))),
    policy.policies && h('ul', { class: 'policies' }, policy.policies.map((inner) => policyView(pipeline, inner))));
}

function pipelineCard(pipeline) {
  const { name, tone, status, busy, calls, policies } = pipeline;
  const data = series['pipeline:' + name] || {};
  return h('article', { class: 'card', 'data-key': 'p' + name },
    h('div', { class: 'head' }, h('h3', {}, name), busy > 0 && h('span', { class: 'label' }, busy + ' running'), pill(tone, status)),
    h('div', { class: 'figures' }, figure('calls/s', number(calls.ratePerSecond)), figure('failing', percent(calls.errorRatio)), figure('p50', ms(calls.p50Ms)), figure('p95', ms(calls.p95Ms)), figure('p99', ms(calls.p99Ms))),
    h('div', { class: 'plots' }, callsPlot(name, data), latencyPlot(name, data)),
    policies.length > 0 && h('ul', { class: 'policies' }, policies.map((policy) => policyView(name, policy))));
}

function partCard(kind, part) {
  const points = (series[kind + ':' + part.name] || {}).value || [];
  return h('article', { class: 'card', 'data-key': kind + part.name },
    h('div', { class: 'head' }, h('span', { class: 'dot ' + part.tone }), h('h3', {}, part.name)),
    h('div', { class: 'part' },
      h('div', { class: 'big' }, h('b', {}, part.headline.value), h('span', { class: 'label' }, part.headline.label), h('span', { class: 'space' }), h('span', { class: 'mini' }, miniPlot('value', points, part.name + ' over the last minutes'))),
      facts(part.facts)));
}

const noticeList = (list) => h('ul', { class: 'card notices' }, list.map(({ name, tone, state, message }) => h('li', { 'data-key': name }, pill(tone, state), h('b', {}, name), h('span', { class: 'label' }, message))));

function operationTable(list, more) {
  const row = (each) => h('tr', { 'data-key': each.name }, h('td', {}, each.name), [number(each.count), percent(each.errorRatio), ms(each.p50Ms), ms(each.p95Ms), ms(each.p99Ms)].map((text) => h('td', {}, text)));
  return h('div', { class: 'card wide' }, h('table', {}, h('thead', {}, h('tr', {}, ['operation', 'count', 'failing', 'p50', 'p95', 'p99'].map((text) => h('th', { scope: 'col' }, text)))),
    h('tbody', {}, list.map(row), more > 0 && h('tr', {}, h('td', { colspan: 6 }, 'and ' + more + ' more')))));
}

const section = (title, body) => h('section', { 'data-key': title }, h('h2', {}, title), body);
const flat = (policies) => policies.flatMap((policy) => [policy, ...flat(policy.policies || [])]);

function tiles() {
  const { pipelines } = view;
  const rate = pipelines.reduce((sum, { calls }) => sum + calls.ratePerSecond, 0);
  const failing = pipelines.reduce((sum, { calls }) => sum + calls.ratePerSecond * (calls.errorRatio || 0), 0);
  const breakers = pipelines.flatMap(({ policies }) => flat(policies)).filter(({ isBreaker }) => isBreaker);
  const open = breakers.filter(({ tone }) => tone === 'bad').length;
  const queued = pipelines.flatMap(({ policies }) => flat(policies)).flatMap(({ meters }) => meters).filter(({ label }) => label === 'queued').reduce((sum, { used }) => sum + used, 0);
  const ratio = rate === 0 ? null : failing / rate;
  const tile = (label, value, tone) => h('div', { class: 'tile ' + (tone || '') }, h('b', {}, value), h('span', { class: 'label' }, label));
  return h('div', { class: 'tiles' }, tile(pipelines.length === 1 ? 'pipeline' : 'pipelines', number(pipelines.length)), tile('calls/s, last minute', number(rate)),
    tile('failing', percent(ratio), ratio >= .25 ? 'bad' : ratio >= .1 ? 'warn' : ''), tile('breakers open of ' + breakers.length, number(open), open > 0 ? 'bad' : ''),
    tile('running', number(pipelines.reduce((sum, { busy }) => sum + busy, 0))), tile('queued', number(queued), queued > 0 ? 'warn' : ''));
}

function render() {
  if (!view) return;
  const alarmed = view.alerts.some(({ tone }) => tone !== 'good');
  const main = h('main', { id: 'main' }, tiles(),
    alarmed && section('Alerts', noticeList(view.alerts)),
    view.pipelines.length > 0 ? section('Pipelines', h('div', { class: 'grid' }, view.pipelines.map(pipelineCard))) : h('p', { class: 'empty' }, 'There are no pipelines yet.'),
    view.caches.length + view.limiters.length > 0 && section('Caches and limiters', h('div', { class: 'grid small' }, view.caches.map((part) => partCard('cache', part)), view.limiters.map((part) => partCard('limiter', part)))),
    view.pools.length + view.batchers.length > 0 && section('Pools and batches', h('div', { class: 'grid small' }, view.pools.map((part) => partCard('pool', part)), view.batchers.map((part) => partCard('batcher', part)))),
    view.operations.length > 0 && section('Operations', operationTable(view.operations, view.moreOperations)),
    h('div', { class: 'grid pair', 'data-key': 'notices' }, view.health.length > 0 && section('Health', noticeList(view.health)), view.alerts.length > 0 && !alarmed && section('Alerts', noticeList(view.alerts))));
  patch($('main'), main);
  $('summary').className = 'pill ' + view.tone;
  $('summary').textContent = view.summary;
  $('updated').textContent = 'live, ' + new Date(view.timestamp).toLocaleTimeString();
  $('unlock').hidden = !view.commands;
  $('unlock').textContent = token === '' ? 'Unlock commands' : 'Lock commands';
  $('reach').textContent = ms(capacity * intervalMs);
}

const events = new EventSource(location.pathname + '?format=events');
events.addEventListener('full', ({ data }) => {
  const full = JSON.parse(data);
  ({ view, series, intervalMs, capacity } = full);
  live(true);
  render();
});
events.addEventListener('tick', ({ data }) => {
  const tick = JSON.parse(data);
  view = tick.view;
  for (const name of Object.keys(series)) if (!tick.points[name]) delete series[name];
  for (const [name, values] of Object.entries(tick.points)) {
    const book = series[name] ||= {};
    for (const [key, value] of Object.entries(values)) {
      const points = book[key] ||= [];
      points.push(value);
      if (points.length > capacity) points.shift();
    }
  }
  live(true);
  render();
});
events.onerror = () => live(false);
function live(on) {
  $('live').dataset.on = String(on);
  if (!on) $('updated').textContent = 'connection lost, trying again';
}

let hiding;
function toast(text) {
  $('toast').textContent = text;
  $('toast').dataset.on = 'true';
  clearTimeout(hiding);
  hiding = setTimeout(() => { $('toast').dataset.on = 'false'; }, 4000);
}
/** Asks for a text; resolves to undefined when the dialog is cancelled. */
function ask({ title, text, name, type, ok }) {
  $('ask-title').textContent = title;
  $('ask-text').textContent = text;
  $('ask-label').hidden = name === undefined;
  $('ask-name').textContent = name || '';
  $('ask-ok').textContent = ok;
  const input = $('ask-input');
  input.type = type || 'text';
  input.value = '';
  const dialog = $('ask');
  dialog.returnValue = 'cancel';
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener('close', () => {
    const { value } = input;
    input.value = '';
    resolve(dialog.returnValue === 'ok' ? value : undefined);
  }, { once: true }));
}
$('ask-input').addEventListener('keydown', (event) => {
  if (event.key !== 'Enter') return;
  event.preventDefault();
  $('ask').close('ok');
});
$('unlock').addEventListener('click', async () => {
  if (token !== '') { token = ''; render(); return; }
  const given = await ask({ title: 'Unlock commands', text: 'The token stays in this tab and is sent with commands only.', name: 'Token', type: 'password', ok: 'Unlock' });
  if (given) { token = given; render(); }
});
addEventListener('click', async (event) => {
  const button = event.target.closest?.('button[data-command]');
  if (!button) return;
  const { command, pipeline, policy } = button.dataset;
  const asked = command === 'isolate'
    ? { title: 'Isolate this breaker of ' + pipeline + '?', text: 'Every call through it is refused until it is released.', name: 'Reason', ok: 'Isolate' }
    : command === 'reset'
      ? { title: 'Reset this breaker of ' + pipeline + '?', text: 'It closes at once, and all isolations of it end.', ok: 'Reset' }
      : { title: 'Release this breaker of ' + pipeline + '?', text: 'The isolation from this page ends.', ok: 'Release' };
  const reason = await ask(asked);
  if (reason === undefined) return;
  try {
    const response = await fetch(location.pathname, { method: 'POST', headers: { 'content-type': 'application/json', authorization: 'Bearer ' + token }, body: JSON.stringify({ command, pipeline, policy, reason }) });
    const { message } = await response.json();
    if (response.status === 401) { token = ''; render(); }
    toast(message);
  } catch {
    toast('The command could not be sent.');
  }
});
addEventListener('pointermove', (event) => {
  const plot = event.target.closest?.('svg[data-plot]');
  const before = hover;
  if (plot) {
    const { left, width } = plot.getBoundingClientRect();
    hover = { id: plot.dataset.plot, index: Math.round(((event.clientX - left) / width) * (capacity - 1)) };
  } else hover = undefined;
  if (before?.id !== hover?.id || before?.index !== hover?.index) render();
});
`;
