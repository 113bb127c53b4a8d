// The board: tap two numbers and an operation, and they merge into the result. Gradio runs this file as js_on_load of
// gr.HTML, which provides element, trigger, props and watch. The numbers are BigInt, because products grow. The verdict
// on a finished game comes from the verifier, in Python.
const part = (name) => element.querySelector(`[data-ap="${name}"]`);
const OPS = {
  "+": ["+", "plus", (a, b) => a + b],
  "-": ["\u2212", "minus", (a, b) => a - b],
  "*": ["\u00d7", "times", (a, b) => a * b],
  "/": ["\u00f7", "divided by", (a, b) => (b !== 0n && a % b === 0n ? a / b : null)],
};
const MERGED = 420; // ms, duration of the glow of a new chip

let puzzle, chips, lines, history, first, op, started, clock, done, fresh;

const show = (value) => String(value).replace("-", "\u2212");
const spoken = (value) => String(value).replace("-", "minus ");
const say = (text, kind = "") => {
  part("say").textContent = text;
  part("say").dataset.kind = kind;
};

function button(text, label, pressed, click) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.setAttribute("aria-label", label);
  made.setAttribute("aria-pressed", String(pressed));
  made.addEventListener("click", click);
  return made;
}

function draw(focus = document.activeElement?.dataset?.id) {
  // All chips are rebuilt. The focus returns to the chip that had it, or goes to the merged chip.
  part("target").textContent = show(puzzle.target);
  part("chips").replaceChildren(
    ...chips.map((chip) => {
      const made = button(show(chip.value), spoken(chip.value), chip.id === first, () => pick(chip.id));
      made.className = chip.made ? "ap-chip ap-made" : "ap-chip";
      made.dataset.id = chip.id;
      if (chip.id === fresh) {
        made.classList.add("ap-fresh");
        setTimeout(() => made.classList.remove("ap-fresh"), MERGED);
      }
      if (done) made.classList.add("ap-done");
      return made;
    }),
  );
  part("lines").replaceChildren(
    ...lines.map((line) => {
      const item = document.createElement("li");
      item.textContent = line.replace(/\*/g, "\u00d7").replace(/\//g, "\u00f7").replace(/-/g, "\u2212");
      return item;
    }),
  );
  for (const made of part("ops").children) made.setAttribute("aria-pressed", String(made.dataset.op === op));
  part("undo").disabled = part("again").disabled = history.length === 0;
  if (focus) part("chips").querySelector(`[data-id="${focus}"]`)?.focus();
}

function pick(id) {
  if (done || chips.length === 1) return;
  started ??= Date.now();
  if (first === null || op === null) {
    first = first === id ? null : id;
    const chip = chips.find((each) => each.id === first);
    say(chip ? (op ? `${show(chip.value)} ${OPS[op][0]} \u2026 tap the second number` : `${show(chip.value)}: tap an operation`) : hint());
    return draw(id);
  }
  if (first === id) {
    first = null;
    say(hint());
    return draw(id);
  }
  merge(chips.find((chip) => chip.id === first), chips.find((chip) => chip.id === id));
}

function merge(a, b) {
  const [sign, , value] = OPS[op];
  const result = value(a.value, b.value);
  if (result === null) {
    const why = b.value === 0n ? "division by zero is not possible" : "divisions must be exact";
    say(`${show(a.value)} ${sign} ${show(b.value)}: ${why}. Take another number.`, "bad");
    return draw(b.id);
  }
  history.push({ chips, lines });
  fresh = `m${history.length}`;
  // The new chip takes the place of the second number.
  chips = chips.flatMap((chip) => (chip === a ? [] : chip === b ? [{ id: fresh, value: result, made: true }] : [chip]));
  lines = [...lines, `${a.value}${op}${b.value}=${result}`];
  first = op = null;
  const left = chips.length === 1 ? "" : ` Left: ${chips.map((chip) => show(chip.value)).join(", ")}.`;
  say(`${show(a.value)} ${sign} ${show(b.value)} = ${show(result)}.${left}`);
  // Where numbers may be left out, the target ends the game as soon as no other result is left.
  const over = puzzle.rule === "subset" && result === BigInt(puzzle.target) && chips.every((chip) => !chip.made || chip.id === fresh);
  if (chips.length === 1 || over) finish(result);
  draw(fresh);
}

function finish(result) {
  const reached = result === BigInt(puzzle.target);
  const seconds = Math.round((Date.now() - started) / 1000);
  if (reached) {
    done = true;
    stop();
    say(`Solved in ${minutes(seconds)}!`, "good");
  } else {
    say(`That makes ${show(result)}, not ${show(puzzle.target)}. Undo, or start over.`, "bad");
  }
  trigger("submit", { numbers: puzzle.numbers, target: puzzle.target, answer: lines.join("\n") });
}

function choose(sign) {
  if (done) return;
  op = op === sign ? null : sign;
  const chip = chips.find((each) => each.id === first);
  say(chip && op ? `${show(chip.value)} ${OPS[op][0]} \u2026 tap the second number` : op ? `${OPS[op][1]}: tap two numbers` : hint());
  draw();
}

function undo() {
  const before = history.pop();
  if (!before) return;
  ({ chips, lines } = before);
  first = op = fresh = null;
  if (done) start();
  done = false;
  say(`Undone. Left: ${chips.map((chip) => show(chip.value)).join(", ")}.`);
  draw();
  trigger("change");
}

function reset(given) {
  puzzle = given;
  history = [];
  chips = puzzle.numbers.map((value, place) => ({ id: `g${place}`, value: BigInt(value), made: false }));
  lines = [];
  first = op = fresh = started = null;
  done = false;
  part("facts").textContent = facts();
  part("clock").textContent = "0:00";
  start();
  say(hint());
  draw();
}

function facts() {
  const said = [];
  if (puzzle.num_solutions) said.push(puzzle.num_solutions === 1 ? "1 solution" : `${puzzle.num_solutions} solutions`);
  if (puzzle.one_in) said.push(`random play solves it 1 time in ${puzzle.one_in.toLocaleString("en")}`);
  const source = puzzle.source === "made here" ? "random numbers" : puzzle.source;
  if (source) said.push(source.includes("/") ? `dataset ${source}` : source);
  return said.join(" \u00b7 ");
}

const hint = () => (history.length ? "Tap a number." : "Tap a number, an operation and another number.");
const minutes = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
function stop() {
  clearInterval(clock);
  clock = null;
}
function start() {
  stop();
  clock = setInterval(() => {
    if (!element.isConnected) return stop();
    if (started) part("clock").textContent = minutes(Math.floor((Date.now() - started) / 1000));
  }, 250);
}

async function share() {
  const at = new URL(window.location.href);
  at.search = `?puzzle=${puzzle.numbers.join(",")}:${puzzle.target}`;
  try {
    await navigator.clipboard.writeText(at.href);
    say("The link to this puzzle is copied.");
  } catch {
    say(at.href); // some frames have no clipboard: show the link to copy by hand
  }
}

for (const [sign, [shown, word]] of Object.entries(OPS)) {
  const made = button(shown, word, false, () => choose(sign));
  made.dataset.op = sign;
  part("ops").append(made);
}
part("undo").addEventListener("click", undo);
part("again").addEventListener("click", () => {
  while (history.length > 1) history.pop();
  undo();
});
part("share").addEventListener("click", share);
element.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const key = event.key === "x" ? "*" : event.key === ":" ? "/" : event.key;
  const all = [...part("chips").children];
  const at = all.indexOf(document.activeElement);
  if (key in OPS) choose(key);
  else if (key === "Backspace" || key === "u") undo();
  else if (at >= 0 && (key === "ArrowRight" || key === "ArrowLeft"))
    all[(at + (key === "ArrowRight" ? 1 : all.length - 1)) % all.length].focus();
  else return;
  event.preventDefault();
});
watch("value", () => props.value?.numbers && reset(props.value));
reset(props.value);
