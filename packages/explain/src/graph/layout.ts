/** Where the nodes of the lattice are drawn. Only sums, products and roots: the same vectors give the same places everywhere. */

/** A point of the plane. */
export type Point = readonly [x: number, y: number];

type Vector = ArrayLike<number>;

/** Enough for two axes that differ: where they hardly do, any turn of the plane shows as much. */
const STEPS = 60;

/**
 * The first two principal components of vectors of length 1, by orthogonal iteration on their centred Gram matrix: of n
 * vectors it has n rows, whatever their width. The sign of an axis is such that its largest entry is positive.
 *
 * @returns one point a vector, in no unit.
 */
export function principalPlane(vectors: readonly Vector[]): Point[] {
  const gram = centredGram(vectors.map(unit));
  const n = gram.length;
  // Any start will do that is not orthogonal to the axes; these two are regular in nothing.
  let first = normal(gram.map((_, i) => ((i * 37 + 11) % 101) / 101 - 0.5));
  let second = normal(gram.map((_, i) => ((i * 53 + 29) % 97) / 97 - 0.5));
  for (let step = 0; step < STEPS; step++) {
    first = normal(times(gram, first));
    second = normal(without(times(gram, second), first));
  }
  const axes = [first, without(second, first)].map((axis) => {
    const largest = axis.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a), 0);
    const variance = dot(times(gram, axis), axis);
    return axis.map((entry) => (largest < 0 ? -entry : entry) * Math.sqrt(Math.max(0, variance)));
  });
  return Array.from({ length: n }, (_, i) => [axes[0]![i]!, axes[1]![i]!]);
}

const dot = (a: Vector, b: Vector): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
};
const scaled = (a: Vector, by: number): number[] => Array.from(a, (x) => x * by);
const normal = (a: Vector): number[] => scaled(a, 1 / (Math.sqrt(dot(a, a)) || 1));
const unit = normal;
const times = (rows: readonly Vector[], a: Vector): number[] => rows.map((row) => dot(row, a));
const without = (a: Vector, axis: Vector): number[] => {
  const along = dot(a, axis);
  return Array.from(a, (x, i) => x - along * axis[i]!);
};

function centredGram(vectors: readonly Vector[]): number[][] {
  const gram = vectors.map((a) => vectors.map((b) => dot(a, b)));
  const means = gram.map((row) => row.reduce((sum, x) => sum + x, 0) / row.length);
  const mean = means.reduce((sum, x) => sum + x, 0) / means.length;
  return gram.map((row, i) => row.map((x, j) => x - means[i]! - means[j]! + mean));
}

/** The frame that nodes are placed in. */
interface Frame {
  readonly width: number;
  readonly height: number;
  readonly margin: number;
}

/**
 * Points stretched to a frame, and pushed apart where the discs around them overlap.
 *
 * @param radii of the discs, in the units of the frame.
 */
export function placed(points: readonly Point[], radii: readonly number[], frame: Frame): Point[] {
  const { width, height, margin } = frame;
  const axis = (at: 0 | 1, size: number) => {
    const values = points.map((point) => point[at]);
    const low = values.reduce((a, b) => Math.min(a, b), Infinity);
    const span = values.reduce((a, b) => Math.max(a, b), -Infinity) - low;
    return values.map((value) =>
      span > 0 ? margin + ((value - low) / span) * (size - 2 * margin) : size / 2,
    );
  };
  const [x, y] = [axis(0, width), axis(1, height)];
  const inside = (value: number, size: number) => Math.min(size - margin, Math.max(margin, value));
  for (let round = 0; round < 50; round++) {
    let moved = false;
    for (let i = 0; i < x.length; i++) {
      for (let j = i + 1; j < x.length; j++) {
        const apart = radii[i]! + radii[j]! + 2;
        let [dx, dy] = [x[j]! - x[i]!, y[j]! - y[i]!];
        if (dx * dx + dy * dy >= apart * apart) continue;
        // Two in one place go apart in a direction that their indices choose.
        if (dx === 0 && dy === 0) [dx, dy] = [((i + j) % 7) - 3.5, ((i * 3 + j) % 5) - 2.5];
        const distance = Math.sqrt(dx * dx + dy * dy);
        const by = (apart - distance) / distance / 2;
        x[i] = inside(x[i]! - dx * by, width);
        x[j] = inside(x[j]! + dx * by, width);
        y[i] = inside(y[i]! - dy * by, height);
        y[j] = inside(y[j]! + dy * by, height);
        moved = true;
      }
    }
    if (!moved) break;
  }
  return x.map((value, i) => [value, y[i]!]);
}
