/** A pool that the clients ask about: one passage answers, and it comes last but one. */
export const query = "When do the terns nest on the cliffs?";
export const documents = [
  "The ferry to Vell leaves at noon and at six.",
  "The seed bank keeps seeds of 900 wild plants.",
  "Helga Ostrand came every spring, for her survey of the sea kale.",
  "Terns nest on the cliffs from May to August.",
  "The lighthouse was built in 1884, of granite.",
];
export const answering = 3;
