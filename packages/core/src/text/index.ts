export { type SmartCorrectOptions, smartCorrect } from "./smartCorrect.ts";
