/** The style sheet of the page: light and dark by the reader's preference, and two sheets of paper for a bundle of five. */
export const style: string = `
:root { color-scheme: light dark; --page: #fff; --ink: #1c2127; --soft: #59626d; --line: #d9dee4; --wash: #f4f6f8; --accent: #1f5fa8; --up: #1f7a4d; --down: #b04a16; --warn: #a3262a;
 --c1: #2f6db3; --c2: #4fa3a5; --c3: #2c7a62; --c4: #8a6fc0; --c5: #b5862b; --c6: #7d8894; --c7: #6a9a3a; --c8: #c26a9b; --c9: #d9843b; --c10: #b0393d; }
@media (prefers-color-scheme: dark) { :root { --page: #14181d; --ink: #e6eaee; --soft: #a3adb8; --line: #323a43; --wash: #1c2228; --accent: #7db3f0; --up: #6cc596; --down: #eb9a66; --warn: #f08a8d;
 --c1: #6aa3e4; --c2: #6cc3c4; --c3: #58ad90; --c4: #ae97e0; --c5: #d6ac56; --c6: #939eaa; --c7: #95c367; --c8: #e296bf; --c9: #eda668; --c10: #e2777b; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 72rem; margin: 0 auto; padding: 2.5rem 1.5rem 4rem; }
h1 { font-size: 1.8rem; line-height: 1.2; font-weight: 600; margin: .2rem 0 .5rem; text-wrap: balance; }
h2 { font-size: 1.05rem; font-weight: 600; margin: 0 0 .7rem; padding-bottom: .35rem; border-bottom: 1px solid var(--line); }
h3 { font-size: .9rem; font-weight: 600; margin: .9rem 0 .3rem; }
p { margin: .4rem 0; }
section { margin-top: 2.2rem; min-width: 0; }
.kicker { margin: 0; color: var(--soft); font-size: .8rem; letter-spacing: .06em; text-transform: uppercase; }
.lead { color: var(--soft); max-width: 60rem; }
.note, figcaption { color: var(--soft); font-size: .85rem; }
#status { display: inline-block; margin: .8rem 0 0; padding: .5rem .9rem; border-left: 4px solid var(--soft); background: var(--wash); border-radius: 2px; }
#status.valid { border-color: var(--up); color: var(--up); font-weight: 600; }
#status.not-valid { border-color: var(--warn); color: var(--warn); font-weight: 600; }
#status.intact { border-color: var(--accent); }
.script-only { display: none; }
.script .script-only { display: block; }
.script span.script-only { display: inline; }
[data-facts] { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); column-gap: 2.5rem; }
[data-facts] > *, header [data-facts] > * { grid-column: 1 / -1; }
[data-facts] > .half { grid-column: auto; }
table { border-collapse: collapse; font-size: .9rem; }
table.wide, table.terms, table.figures, table.digests { width: 100%; }
th { text-align: left; font-weight: 500; }
thead th { color: var(--soft); font-size: .8rem; vertical-align: bottom; white-space: nowrap; }
th, td { padding: .4rem .9rem .4rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th:last-child, td:last-child { padding-right: 0; }
td.figure, .rank { font-variant-numeric: tabular-nums; white-space: nowrap; }
td.figure, th.figure { text-align: right; }
.rank, td.sum { font-weight: 600; }
.wide td.document { width: 100%; }
.left-out { align-self: start; } .left-out td { vertical-align: baseline; } .left-out td.why-not { width: 60%; }
.id, code { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace; font-size: .86em; overflow-wrap: anywhere; }
.text { margin: .15rem 0; color: var(--soft); overflow-wrap: anywhere; }
.why { margin: .15rem 0 0; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
.terms th, .terms td { padding-right: .7rem; }
.terms thead th { white-space: normal; } .terms .swatch { display: block; margin: 0 0 .25em auto; }
.terms th[scope=row] { min-width: 8rem; }
.terms td, .terms th { vertical-align: middle; }
.terms thead th { vertical-align: bottom; }
.figures td { font-variant-numeric: tabular-nums; white-space: nowrap; }
.swatch { display: inline-block; width: .7em; height: .7em; margin-right: .4em; border-radius: 2px; background: currentColor; }
.bar { display: block; width: 100%; min-width: 9rem; height: 1.1rem; }
.terms td.stack { width: 30%; } .figures .bar { min-width: 0; } .energy td, .energy thead th + th { width: 27%; }
.bar rect { fill: currentColor; }
.bar .zero { stroke: var(--soft); stroke-width: 1; }
.bar .sum { stroke: var(--ink); stroke-width: 2.5; }
${[1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((i) => `.c${i} { color: var(--c${i}); }`).join(" ")}
figure { margin: 0; }
.slope { display: block; width: 100%; }
.slope text { fill: var(--ink); font-size: 11px; }
.slope .head { fill: var(--soft); }
.slope .strong { font-weight: 600; }
.move { color: var(--soft); }
.move line { stroke: currentColor; stroke-width: 1.6; }
.move circle { fill: currentColor; }
.up { color: var(--up); } .down { color: var(--down); } .same { color: var(--accent); } .out { color: var(--soft); }
.move.out line { stroke-dasharray: 3 3; }
.key { display: inline-block; width: 1.1em; height: .2em; margin: 0 .3em 0 1em; vertical-align: .25em; background: currentColor; }
#lattice svg { display: block; width: 100%; background: var(--wash); border-radius: 4px; touch-action: none; user-select: none; }
#lattice line { stroke: var(--soft); }
#lattice line.null-point { stroke: var(--warn); stroke-opacity: 1; stroke-dasharray: 5 3; }
#lattice line.link { stroke: var(--accent); stroke-width: 1.3; stroke-opacity: .8; marker-end: url(#arrow-link); }
#lattice line.step { stroke: var(--c4); stroke-width: 3; marker-end: url(#arrow-step); }
#lattice line.lit { stroke: var(--ink); stroke-opacity: 1; }
#arrow-link path { fill: var(--accent); } #arrow-step path { fill: var(--c4); }
.node circle { fill: var(--soft); stroke: var(--wash); stroke-width: 1.5; }
.node.chosen circle { fill: var(--accent); }
.node.out circle { fill: var(--wash); stroke: var(--down); stroke-width: 2.5; }
.tag .number { fill: var(--page); font-size: 11px; font-weight: 600; pointer-events: none; }
.tag .label { fill: var(--ink); font-size: 12px; paint-order: stroke; stroke: var(--wash); stroke-width: 3px; pointer-events: none; }
.script .node { cursor: grab; }
.node:focus { outline: none; }
.node[aria-selected=true] circle { stroke: var(--ink); stroke-width: 3; }
.node:focus-visible circle { stroke: var(--ink); stroke-width: 4; }
.dot, .stroke { display: inline-block; margin: 0 .3em 0 1em; }
.dot { width: .8em; height: .8em; border-radius: 50%; background: var(--soft); vertical-align: -.05em; }
.dot.chosen { background: var(--accent); margin-left: 0; } .dot.out { background: none; border: .18em solid var(--down); }
.stroke { width: 1.3em; border-top: 2px solid var(--soft); vertical-align: .25em; }
.stroke.null-point { border-top: 2px dashed var(--warn); } .stroke.link { border-color: var(--accent); } .stroke.step { border-top: 3px solid var(--c4); }
#node-told { min-height: 3em; }
.digests code { overflow-wrap: anywhere; }
span.agrees, span.differs { margin-left: .8em; font-size: .85em; }
.agrees { color: var(--up); } .differs { color: var(--warn); font-weight: 600; }
.params { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: .1rem 2rem; margin: .5rem 0 0; font-size: .86rem; }
.params div { display: flex; justify-content: space-between; gap: 1rem; border-bottom: 1px solid var(--line); padding: .15rem 0; }
.params dt { color: var(--soft); } .params dd { margin: 0; text-align: right; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
label { display: block; font-size: .9rem; }
textarea, select, button { font: inherit; color: inherit; background: var(--page); border: 1px solid var(--soft); border-radius: 4px; padding: .4rem .6rem; max-width: 100%; }
textarea { width: 100%; font-family: ui-monospace, Menlo, Consolas, monospace; font-size: .82rem; }
button { background: var(--accent); border-color: var(--accent); color: var(--page); padding: .45rem 1.3rem; cursor: pointer; }
summary { cursor: pointer; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
@media screen and (max-width: 50rem) { [data-facts] { grid-template-columns: minmax(0, 1fr); } main { padding: 1.5rem 1rem 3rem; } thead th, td.figure, .figures td { white-space: normal; } th, td { padding-right: .5rem; } span.differs, span.agrees { display: block; margin: 0; } }
@page { size: A4; margin: 11mm 12mm; }
@media print {
 :root { color-scheme: light; --page: #fff; --ink: #000; --soft: #48505a; --line: #c9ced4; --wash: #fff; --accent: #1f5fa8; --up: #1f7a4d; --down: #b04a16; --warn: #a3262a;
  --c1: #2f6db3; --c2: #4fa3a5; --c3: #2c7a62; --c4: #8a6fc0; --c5: #b5862b; --c6: #7d8894; --c7: #6a9a3a; --c8: #c26a9b; --c9: #d9843b; --c10: #b0393d; }
 * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
 body { font-size: 7.6pt; line-height: 1.27; }
 main { max-width: none; padding: 0; }
 section { margin-top: 6pt; }
 h1 { font-size: 14pt; } h2 { font-size: 9.5pt; margin-bottom: 3pt; padding-bottom: 1pt; break-after: avoid; } h3 { font-size: 8pt; margin: 3pt 0 1pt; }
 p { margin: 1.5pt 0; }
 .script .script-only, .script span.script-only, #node-told { display: none; }
 table { font-size: 7.3pt; } thead th { font-size: 7pt; } th, td { padding: 1pt 6pt 1pt 0; }
 .note, figcaption { font-size: 7pt; }
 #status { margin-top: 2pt; padding: 2pt 6pt; } .kicker { font-size: 7pt; }
 .text { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; overflow: hidden; }
 .scroll { overflow: visible; }
 .terms th[scope=row], .bar { min-width: 0; } .bar { height: 9pt; } .terms th, .terms td { padding-right: 3pt; }
 tr, figure { break-inside: avoid; } .lattice { break-before: page; } details, form { display: none; }
 #lattice { display: grid; grid-template-columns: 92mm 1fr; grid-template-rows: auto 1fr; column-gap: 6mm; } #lattice svg { grid-row: 1 / 3; border: 1px solid var(--line); }
 [data-facts] { column-gap: 7mm; }
 .params { grid-template-columns: repeat(5, auto); font-size: 6.2pt; gap: 0 3mm; margin: 2pt 0 0; } .params div { padding: .2pt 0; gap: 2mm; } .params dd { overflow-wrap: normal; white-space: nowrap; }
 .digests { font-size: 6.8pt; } .digests th, .digests td { padding-top: .2pt; padding-bottom: .2pt; }
}
`;
