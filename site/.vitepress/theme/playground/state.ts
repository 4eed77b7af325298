/** What one sees in the playground, and the hash of a URL that says the same. */

/** The sliders: an option of core each, with its range and its default. */
export const sliders = [
  { name: "k", label: "k: documents in the bundle", min: 1, max: 20, step: 1, initial: 5 },
  {
    name: "lamC",
    label: "lamC: how strongly documents that are alike agree",
    min: 0,
    max: 4,
    step: 0.1,
    initial: 0.5,
  },
  { name: "textWeight", label: "textWeight: weight of the words", min: 0, max: 3, step: 0.1, initial: 1 },
  {
    name: "linkWeight",
    label: "linkWeight: weight of documents that name others",
    min: 0,
    max: 1,
    step: 0.05,
    initial: 0.4,
  },
] as const;

type SliderName = (typeof sliders)[number]["name"];

export interface State {
  /** The id of a question of the corpus; null where texts of one's own are asked. */
  question: string | null;
  /** The question to one's own texts, and these, apart from one another by blank lines. */
  ask: string;
  texts: string;
  options: Record<SliderName, number>;
  /** Trust of documents by id, where it is another than they came with. */
  trust: Record<string, number>;
}

/** Own texts longer than this are cut: they stand in the URL, and browsers take no endless ones. */
export const MAX_CHARACTERS = 100_000;

export const initialState = (): State => ({
  question: "q12",
  ask: "",
  texts: "",
  options: Object.fromEntries(sliders.map(({ name, initial }) => [name, initial])) as State["options"],
  trust: {},
});

/** The hash that {@link stateOf} reads: what is not as at the beginning alone, so that short links stay short. */
export function hashOf({ question, ask, texts, options, trust }: State): string {
  const fields = new URLSearchParams();
  if (question !== null) fields.set("question", question);
  else {
    fields.set("ask", ask);
    fields.set("texts", texts);
  }
  for (const { name, initial } of sliders)
    if (options[name] !== initial) fields.set(name, String(options[name]));
  for (const [id, value] of Object.entries(trust)) fields.append("trust", `${value} ${id}`);
  return `#${fields}`;
}

/** The state that a hash says. What it does not say, or says out of range, is as at the beginning. */
export function stateOf(hash: string): State {
  const state = initialState();
  const fields = new URLSearchParams(hash.replace(/^#/, ""));
  const texts = fields.get("texts");
  if (texts !== null) {
    state.question = null;
    state.texts = texts.slice(0, MAX_CHARACTERS);
    state.ask = (fields.get("ask") ?? "").slice(0, MAX_CHARACTERS);
  } else state.question = fields.get("question") ?? state.question;
  for (const { name, min, max } of sliders) {
    const value = Number(fields.get(name) ?? Number.NaN);
    const whole = name !== "k" || Number.isInteger(value);
    if (whole && value >= min && value <= max) state.options[name] = value;
  }
  for (const entry of fields.getAll("trust")) {
    const [, value, id] = /^([\d.]+) (.+)$/s.exec(entry) ?? [];
    if (id !== undefined && Number(value) >= 0 && Number(value) <= 1) state.trust[id] = Number(value);
  }
  return state;
}
