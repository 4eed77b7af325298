import { dampedOscillatorClosedForm, LinOSSError, linossScan, linossStep } from "@oscillink/linoss";

const exact = dampedOscillatorClosedForm([1], [0], 2, 0.3, 1);
console.log(exact.y[0]!.toFixed(5)); // -0.18974
const { Y } = linossScan(new Float64Array(1000), 4, 0.001, { y0: [1], G: 0.6 });
console.log(Math.abs(Y[1000]![0]! - exact.y[0]!) < 0.01); // true

function errorOf(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return error;
  }
}
console.log(errorOf(() => linossStep([1], [0], 4, 0)) instanceof LinOSSError); // true
