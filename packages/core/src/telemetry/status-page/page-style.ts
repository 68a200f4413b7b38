/** How the page looks, by day and by night. */
export const PAGE_STYLE = `
:root{color-scheme:light dark;--bg:#f4f6f9;--card:#fff;--line:#e2e7ee;--soft:#eef1f6;--text:#17202e;--muted:#5d6a7e;--accent:#2457d6;--good:#0f7a54;--warn:#a05a00;--bad:#c1301c;--good-bg:#e2f5ec;--warn-bg:#fdf0d9;--bad-bg:#fdE7e3;--idle-bg:#e9edf3;--shadow:0 1px 2px rgb(16 24 40/.05),0 1px 6px rgb(16 24 40/.04)}
@media (prefers-color-scheme:dark){:root{--bg:#0d1218;--card:#151c25;--line:#253040;--soft:#1c2531;--text:#e7ecf3;--muted:#93a0b4;--accent:#7ea6ff;--good:#4ecb95;--warn:#f0b44c;--bad:#ff8371;--good-bg:#12332a;--warn-bg:#3a2c10;--bad-bg:#43201c;--idle-bg:#222c39;--shadow:none}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--text);font:14px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums;-webkit-font-smoothing:antialiased}
h1,h2,h3,p,menu,dl,dd,ul{margin:0;padding:0}
.top{position:sticky;top:0;z-index:2;background:color-mix(in srgb,var(--card) 92%,transparent);backdrop-filter:blur(8px);border-bottom:1px solid var(--line)}
.bar{display:flex;flex-wrap:wrap;align-items:center;gap:8px 12px;max-width:1480px;margin:0 auto;padding:12px 24px}
.mark svg{width:26px;height:26px;display:block}
h1{font-size:17px;font-weight:650;letter-spacing:-.01em;overflow-wrap:anywhere}
.space{flex:1}
.pill{display:inline-flex;align-items:center;gap:6px;padding:2px 10px;border-radius:999px;font-size:12px;font-weight:600;white-space:nowrap;background:var(--idle-bg);color:var(--muted)}
.pill.good{background:var(--good-bg);color:var(--good)}.pill.warn{background:var(--warn-bg);color:var(--warn)}.pill.bad{background:var(--bad-bg);color:var(--bad)}
.live{display:inline-flex;align-items:center;gap:7px;color:var(--muted);font-size:12px}
.live i{width:8px;height:8px;border-radius:50%;background:var(--bad)}
.live[data-on=true] i{background:var(--good)}
button{font:inherit;font-size:12px;font-weight:550;color:var(--text);background:var(--card);border:1px solid var(--line);border-radius:7px;padding:4px 10px;cursor:pointer}
button:hover{background:var(--soft)}
button:focus-visible,input:focus-visible{outline:2px solid var(--accent);outline-offset:1px}
button.primary{background:var(--accent);border-color:var(--accent);color:var(--card)}
button.danger{color:var(--bad)}
main{max-width:1480px;margin:0 auto;padding:20px 24px 8px}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(132px,1fr));gap:12px;margin-bottom:20px}
.tile,.card{background:var(--card);border:1px solid var(--line);border-radius:12px;box-shadow:var(--shadow)}
.tile{padding:12px 16px}
.tile b{display:block;font-size:22px;line-height:1.25;font-weight:620;letter-spacing:-.02em}
.tile.bad b{color:var(--bad)}.tile.warn b{color:var(--warn)}
.label{color:var(--muted);font-size:12px}
section>h2{font-size:12px;font-weight:650;letter-spacing:.05em;text-transform:uppercase;color:var(--muted);margin:0 2px 8px}
section{margin-bottom:24px}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,430px),1fr));gap:16px;align-items:start}
.grid.pair{grid-template-columns:repeat(auto-fit,minmax(min(100%,430px),1fr))}
.grid.pair section{margin:0}
.grid.small{grid-template-columns:repeat(auto-fill,minmax(min(100%,280px),1fr))}
.card{overflow:hidden}
.head{display:flex;align-items:center;gap:10px;padding:14px 16px 4px}
.head h3{font-size:15px;font-weight:630;flex:1;min-width:0;overflow-wrap:anywhere}
.figures{display:grid;grid-template-columns:repeat(5,auto);gap:4px 14px;padding:6px 16px 12px;justify-content:space-between}
.figures b{display:block;font-size:16px;font-weight:600;letter-spacing:-.01em;white-space:nowrap}
.plots{display:grid;grid-template-columns:1fr 1fr;border-top:1px solid var(--line)}
.plots>*+*{border-left:1px solid var(--line)}
.plot{padding:8px 0 0;min-width:0;position:relative}
.plot figcaption,.cap{display:flex;justify-content:space-between;gap:8px;padding:0 12px;font-size:11px;color:var(--muted);white-space:nowrap;overflow:hidden}
figure{margin:0}
.plot svg{display:block;width:100%;height:58px}
.key{display:inline-flex;gap:8px}
.key i{display:inline-block;width:8px;height:8px;border-radius:2px;margin-right:4px;background:var(--accent)}
.key .f i{background:var(--bad)}.key .m i{background:var(--accent);opacity:.45}.key .l i{background:var(--muted);opacity:.6}
svg .line{fill:none;stroke:var(--accent);stroke-width:1.6;vector-effect:non-scaling-stroke;stroke-linejoin:round}
svg .mid{opacity:.5}svg .low{stroke:var(--muted);opacity:.6}
svg .area{fill:var(--accent);opacity:.14}
svg .bad{fill:var(--bad);opacity:.75}
svg .ground{stroke:var(--line);stroke-width:1;vector-effect:non-scaling-stroke}
svg .hair{stroke:var(--muted);stroke-width:1;vector-effect:non-scaling-stroke;stroke-dasharray:2 2}
svg .s0{fill:var(--good);opacity:.55}svg .s1{fill:var(--warn)}svg .s2{fill:var(--bad)}svg .s3{fill:var(--bad);opacity:.6}
.policies{list-style:none;border-top:1px solid var(--line);padding:4px 0}
.policies .policies{border-top:0;padding:0 0 0 18px}
.policy{display:grid;grid-template-columns:10px minmax(0,1fr) 84px;gap:2px 10px;align-items:center;padding:6px 16px}
.policy+li .policy,.policies li+li>.policy{border-top:1px solid var(--soft)}
.dot{width:8px;height:8px;border-radius:50%;background:var(--line)}
.dot.good{background:var(--good)}.dot.warn{background:var(--warn)}.dot.bad{background:var(--bad)}
.pname{font-weight:560;overflow-wrap:anywhere}
.pname .pill{margin-left:6px;padding:0 8px;font-size:11px}
.pname small{font-weight:400;color:var(--muted);font-size:12px;margin-left:4px}
.facts{grid-column:2;color:var(--muted);font-size:12px;display:flex;flex-wrap:wrap;gap:0 12px}
.facts b{color:var(--text);font-weight:550}
.mini{grid-column:3;grid-row:1/span 2}
.mini svg{display:block;width:84px;height:26px}
.meter{grid-column:2/-1;display:grid;grid-template-columns:70px 1fr auto;gap:8px;align-items:center;font-size:12px;color:var(--muted);padding:1px 0}
.meter svg{display:block;width:100%;height:6px;border-radius:3px;background:var(--soft)}
.meter rect{fill:var(--accent)}.meter.warn rect{fill:var(--warn)}.meter.bad rect{fill:var(--bad)}
.acts{grid-column:2/-1;display:flex;flex-wrap:wrap;gap:6px;padding:4px 0 2px}
.part{padding:0 16px 12px}
.part .big{display:flex;align-items:baseline;gap:8px;padding-bottom:6px}
.part .big b{font-size:22px;font-weight:620;letter-spacing:-.02em}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:13px}
th{text-align:right;font-weight:550;color:var(--muted);font-size:12px;white-space:nowrap}
td{text-align:right;white-space:nowrap}
th:first-child,td:first-child{text-align:left;white-space:normal;overflow-wrap:anywhere;min-width:116px}
th,td{padding:8px 16px}
tr+tr td,thead+tbody td{border-top:1px solid var(--soft)}
.notices{list-style:none}
.notices li{display:flex;flex-wrap:wrap;align-items:center;gap:4px 10px;padding:9px 16px}
.notices li+li{border-top:1px solid var(--soft)}
.notices b{font-weight:580}
.notices .label{flex:1 1 200px;overflow-wrap:anywhere}
.empty{padding:48px 16px;text-align:center;color:var(--muted)}
footer{max-width:1480px;margin:16px auto 0;padding:0 24px 28px;color:var(--muted);font-size:12px}
code{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
dialog{border:1px solid var(--line);border-radius:14px;background:var(--card);color:var(--text);padding:20px 22px;max-width:420px;width:calc(100% - 32px);box-shadow:0 16px 48px rgb(0 0 0/.3)}
dialog::backdrop{background:rgb(10 14 20/.5)}
dialog h2{font-size:16px;margin-bottom:6px}dialog p{color:var(--muted);margin-bottom:14px}
dialog label span{display:block;font-size:12px;color:var(--muted);margin-bottom:4px}
dialog input{width:100%;font:inherit;color:inherit;background:var(--bg);border:1px solid var(--line);border-radius:8px;padding:8px 10px}
dialog menu{display:flex;justify-content:flex-end;gap:8px;margin-top:18px}dialog menu button{font-size:13px;padding:6px 14px}
#toast{position:fixed;left:50%;bottom:24px;transform:translateX(-50%);background:var(--text);color:var(--bg);border-radius:9px;padding:9px 16px;font-size:13px;opacity:0;pointer-events:none;transition:opacity .2s;max-width:calc(100% - 32px)}
#toast[data-on=true]{opacity:1}
@media (max-width:560px){.bar,main,footer{padding-left:14px;padding-right:14px}.figures{gap:4px 8px}.figures b{font-size:14px}.plots{grid-template-columns:1fr}.plots>*+*{border-left:0;border-top:1px solid var(--soft)}.tile{padding:10px 12px}th,td{padding:8px 10px}th:first-child,td:first-child{padding-left:16px}.tiles{grid-template-columns:repeat(2,1fr)}.live{order:3}}
@media (prefers-reduced-motion:reduce){*{transition:none!important}}
`;
