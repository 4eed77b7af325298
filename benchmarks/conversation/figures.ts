/** Draws the figures of docs/conversation.md from runs of the focus, into docs/figures. */
import { writeFileSync } from "node:fs";
import { QueryFocus } from "@oscillink/core/focus";
import { follow, sequences } from "../../examples/frames/sequences.ts";
import { svgOf } from "./chart.ts";
import { EXAMPLES, joined, readConversations } from "./data.ts";

const [BLUE, ORANGE, GREEN, GREY] = ["#0060a8", "#c05000", "#207040", "#888888"];

/** The last turn of the conversation that is drawn. */
const DRAWN = "c37-5";

/** Focus, question and topic over the turns of one conversation, which changes its topic. */
async function conversation(): Promise<string> {
  const data = await readConversations(EXAMPLES, null, null);
  const last = data.turns.find(({ id }) => id === DRAWN)!;
  const turns = data.turns.filter(({ conversation: name }) => name === last.conversation);
  const questions = [...last.history, last.question];
  const focus = new QueryFocus();
  const rows = turns.map((turn, i) => {
    const question = data.vectorOf(turn.question)!;
    const topic = data.vectorOf(joined(questions.slice(0, i + 1)))!;
    const { query, energy } = focus.next(question, topic);
    const gold = data.documents.flatMap(({ id }, place) => (turn.gold.has(id) ? [data.vectors[place]!] : []));
    const nearest = (vector: Float32Array) => Math.max(...gold.map((passage) => product(vector, passage)));
    return { question: nearest(question), focus: nearest(query), topic: nearest(topic), energy };
  });
  const labels = questions.map((text, at) => ({
    at,
    text: text.length > 25 ? `${text.slice(0, 24)}…` : text,
  }));
  const marks = turns.flatMap(({ newTopic }, at) => (newTopic ? [{ at, text: "another topic" }] : []));
  const column = (name: keyof (typeof rows)[0]) => rows.map((row) => row[name]);
  return svgOf("Focus, question and topic over the turns of one conversation", [
    {
      title: "cosine with the passage that answers the turn",
      lines: [
        { name: "focus", values: column("focus"), color: BLUE! },
        { name: "question alone", values: column("question"), color: ORANGE! },
        { name: "topic: all turns joined", values: column("topic"), color: GREEN!, dash: "5 3" },
      ],
      ...{ labels, marks, least: 0, most: 1 },
    },
    {
      title: "energy: how far the turn moves the topic",
      lines: [{ name: "energy", values: column("energy"), color: BLUE! }],
      ...{ labels, marks, least: 0, most: 0.2 },
    },
  ]);
}

/** The focus over frames that drift, fade and cut. */
function frames(): string {
  const charts = sequences.map((sequence) => {
    const { name, frames: all, fade } = sequence;
    const { turns, steps } = follow(sequence);
    const cuts = turns.flatMap(({ reset }, at) => (reset ? [{ at, text: "cut found" }] : []));
    const [from, to] = fade ?? [0, 0];
    const fades = fade
      ? [
          { at: from, text: "fade" },
          { at: to, text: "" },
        ]
      : [];
    return {
      title: `${name}: ${all.length} frames`,
      lines: [
        { name: "energy", values: turns.map(({ energy }) => energy), color: BLUE! },
        { name: "frame to frame", values: steps, color: GREY! },
        { name: "shift of the focus", values: turns.map(({ shift }) => shift), color: ORANGE! },
      ],
      labels: [0, all.length - 1].map((at) => ({ at, text: `frame ${at}` })),
      marks: [...cuts, ...fades],
      ...{ least: 0, most: 1.2 },
    };
  });
  return svgOf("The focus over frames of image, video and audio", charts);
}

const product = (a: Float32Array, b: Float32Array): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
};

/** Each figure by its file. */
export const figures: Readonly<Record<string, string>> = {
  "conversation.svg": await conversation(),
  "frames.svg": frames(),
};

/** Where the figures are. */
export const FOLDER = new URL("../../docs/figures/", import.meta.url);

if (import.meta.main) {
  for (const [file, svg] of Object.entries(figures)) writeFileSync(new URL(file, FOLDER), svg);
}
