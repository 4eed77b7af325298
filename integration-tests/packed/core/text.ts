import { type SmartCorrectOptions, smartCorrect } from "@oscillink/core/text";

const options: SmartCorrectOptions = { preserve: ["Recieve"] };
console.log(smartCorrect("Recieve teh tide", options)); // Recieve the tide
