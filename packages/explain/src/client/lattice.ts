/** The drawing of the lattice as a list that can be walked through, and whose nodes can be dragged. */

interface Shape {
  readonly element: SVGGElement;
  /** What is written on it. */
  readonly tag: SVGGElement | null;
  readonly radius: number;
  readonly home: readonly [x: number, y: number];
  x: number;
  y: number;
  /** The lines that end at it. */
  readonly lines: Line[];
}

interface Line {
  readonly element: SVGLineElement;
  readonly from: Shape;
  readonly to: Shape;
  /** Whether it ends at the rim of its second node, and not under it. */
  readonly arrow: boolean;
}

/** How far a key moves a node. */
const STEP = 12;

export function enliven(figure: HTMLElement): void {
  const svg = figure.querySelector("svg")!;
  const told = figure.querySelector("#node-told")!;
  const { width, height } = svg.viewBox.baseVal;
  const shapes = Array.from(svg.querySelectorAll<SVGGElement>(".node"), (element, i): Shape => {
    const [x = 0, y = 0] = element
      .getAttribute("transform")!
      .match(/-?[\d.]+/g)!
      .map(Number);
    return {
      element,
      tag: svg.querySelector<SVGGElement>(`.tag[data-node="${i}"]`),
      radius: element.querySelector("circle")!.r.baseVal.value,
      home: [x, y],
      x,
      y,
      lines: [],
    };
  });
  for (const element of svg.querySelectorAll<SVGLineElement>(".edges line")) {
    const [from, to] = [shapes[Number(element.dataset.a)]!, shapes[Number(element.dataset.b)]!];
    const line: Line = { element, from, to, arrow: !element.classList.contains("edge") };
    from.lines.push(line);
    to.lines.push(line);
  }
  const nodes = svg.querySelector(".nodes")!;
  svg.setAttribute("role", "group");
  nodes.setAttribute("role", "listbox");
  nodes.setAttribute("aria-label", "Candidates");
  for (const { element } of shapes) {
    element.setAttribute("role", "option");
    element.setAttribute("aria-selected", "false");
    element.setAttribute("tabindex", "-1");
  }
  let chosen = Math.max(
    0,
    shapes.findIndex(({ element }) => element.classList.contains("chosen")),
  );
  shapes[chosen]?.element.setAttribute("tabindex", "0");

  function move(shape: Shape, x: number, y: number): void {
    shape.x = Math.min(width, Math.max(0, x));
    shape.y = Math.min(height, Math.max(0, y));
    for (const part of [shape.element, shape.tag]) {
      part?.setAttribute("transform", `translate(${shape.x} ${shape.y})`);
    }
    for (const line of shape.lines) drawLine(line);
  }

  function choose(index: number): void {
    for (const line of shapes[chosen]!.lines) line.element.classList.remove("lit");
    const before = shapes[chosen]!.element;
    before.setAttribute("aria-selected", "false");
    before.setAttribute("tabindex", "-1");
    chosen = index;
    const { element, lines } = shapes[index]!;
    for (const line of lines) line.element.classList.add("lit");
    element.setAttribute("aria-selected", "true");
    element.setAttribute("tabindex", "0");
    element.focus({ preventScroll: true });
    const { text } = element.dataset;
    told.textContent = `${element.getAttribute("aria-label")}${text ? `. “${text}”` : ""}`;
  }

  const indexOf = (target: EventTarget | null) => {
    const node = (target as Element).closest(".node");
    return shapes.findIndex(({ element }) => element === node);
  };
  const pointOf = ({ clientX, clientY }: PointerEvent) =>
    new DOMPoint(clientX, clientY).matrixTransform(svg.getScreenCTM()!.inverse());

  let held: { readonly shape: Shape; readonly dx: number; readonly dy: number } | null = null;
  svg.addEventListener("pointerdown", (event) => {
    const index = indexOf(event.target);
    if (index < 0 || event.button !== 0) return;
    event.preventDefault();
    choose(index);
    const shape = shapes[index]!;
    const { x, y } = pointOf(event);
    held = { shape, dx: shape.x - x, dy: shape.y - y };
    svg.setPointerCapture(event.pointerId);
  });
  svg.addEventListener("pointermove", (event) => {
    if (held === null) return;
    const { x, y } = pointOf(event);
    move(held.shape, x + held.dx, y + held.dy);
  });
  const release = () => {
    held = null;
  };
  svg.addEventListener("pointerup", release);
  svg.addEventListener("pointercancel", release);

  svg.addEventListener("focusin", ({ target }) => {
    const index = indexOf(target);
    if (index >= 0 && index !== chosen) choose(index);
  });
  svg.addEventListener("keydown", (event) => {
    const { key, shiftKey } = event;
    const ways: Record<string, readonly [number, number]> = {
      ArrowLeft: [-1, 0],
      ArrowRight: [1, 0],
      ArrowUp: [0, -1],
      ArrowDown: [0, 1],
    };
    const way = ways[key];
    if (way !== undefined && shiftKey) {
      const shape = shapes[chosen]!;
      move(shape, shape.x + STEP * way[0], shape.y + STEP * way[1]);
    } else if (way !== undefined) choose((chosen + way[0] + way[1] + shapes.length) % shapes.length);
    else if (key === "Home") choose(0);
    else if (key === "End") choose(shapes.length - 1);
    else if (key === "Enter" || key === " ") choose(chosen);
    else if (key === "Escape") for (const shape of shapes) move(shape, ...shape.home);
    else return;
    event.preventDefault();
  });
}

function drawLine({ element, from, to, arrow }: Line): void {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const short = arrow ? Math.min(1, (to.radius + 1) / (Math.hypot(dx, dy) || 1)) : 0;
  element.setAttribute("x1", `${from.x}`);
  element.setAttribute("y1", `${from.y}`);
  element.setAttribute("x2", `${to.x - dx * short}`);
  element.setAttribute("y2", `${to.y - dy * short}`);
}
