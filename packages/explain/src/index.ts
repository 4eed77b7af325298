export { type ExplainOptions, explainPage } from "./page.ts";
