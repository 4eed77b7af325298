/**
 * Common misspellings and what was meant, lower case. The table of the reference implementation, word for word; no
 * correction is itself a misspelling, which makes correcting twice the same as correcting once.
 */
export const corrections: ReadonlyMap<string, string> = new Map([
  ["accomodate", "accommodate"],
  ["acheive", "achieve"],
  ["adress", "address"],
  ["becuase", "because"],
  ["comming", "coming"],
  ["definately", "definitely"],
  ["enviroment", "environment"],
  ["goverment", "government"],
  ["independant", "independent"],
  ["occured", "occurred"],
  ["occurence", "occurrence"],
  ["occuring", "occurring"],
  ["publically", "publicly"],
  ["recieve", "receive"],
  ["seperate", "separate"],
  ["seperately", "separately"],
  ["teh", "the"],
  ["wich", "which"],
]);
