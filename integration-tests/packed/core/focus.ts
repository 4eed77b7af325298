import { QueryFocus } from "@oscillink/core/focus";

const focus = new QueryFocus({ mode: "average" });
focus.next([1, 0]);
const { query, turn, reset } = focus.next([0, 1]);
console.log(turn, reset, query[1]! > query[0]!); // 1 false true
console.log(QueryFocus.fromJSON(focus.toJSON()).turns); // 2
