import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { parseTyped, type Command } from "./command.ts";
import { parseEnglish } from "./english-command.ts";
import { nearCommand } from "./named-job.ts";
import { shortId } from "./task-reference.ts";

const taskId = "task_01k9m2xq4r8s5t6v7w8x9yzabc";
const short = shortId(taskId);
const byId = { by: "id", id: short } as const;
const last = { by: "last" } as const;
const list: Command = { name: "list" };
const work: Command = { name: "work" };
const auto: Command = { name: "workMode", auto: true };
const manual: Command = { name: "workMode", auto: false };
const overview: Command = { name: "status", task: null };
const enqueue = (text: string): Command => ({ name: "enqueue", text });

const typed: readonly (readonly [string, Command])[] = [
  ["enqueue x", enqueue("x")],
  ["enqueue hello world", enqueue("hello world")],
  ["  Enqueue   hello ", enqueue("hello")],
  ["/enqueue hello", enqueue("hello")],
  ["enqueue: hello", enqueue("hello")],
  ["enqueue 'hello'", enqueue("hello")],
  ["enqueue \"say 'hi' to Ann\"", enqueue("say 'hi' to Ann")],
  ["enqueue 'a' and 'b'", enqueue("'a' and 'b'")],
  ["enqueue 'don't panic'", enqueue("don't panic")],
  ["enqueue “hello”", enqueue("hello")],
  ["enqueue 'hello' to the queue", enqueue("hello")],
  ["enqueue first line\nsecond line", enqueue("first line\nsecond line")],
  ["enqueue list", enqueue("list")],
  ["enqueue", { name: "ask", about: "enqueue" }],
  ["enqueue this job", { name: "enqueueLast" }],
  ["list", list],
  ["LIST", list],
  ["/list", list],
  ["list jobs", list],
  ["work", work],
  ["work auto", auto],
  ["Work  Auto", auto],
  ["work manual", manual],
  ["work stop", manual],
  ["status", overview],
  [`status ${short}`, { name: "status", task: byId }],
  ["status last", { name: "status", task: last }],
  ["cancel last", { name: "cancel", task: last }],
  ["cancel the last one", { name: "cancel", task: last }],
  [`cancel ${taskId}`, { name: "cancel", task: { by: "id", id: taskId } }],
  [`cancel \`${short}\``, { name: "cancel", task: byId }],
  [`cancel ${short.toUpperCase()}`, { name: "cancel", task: byId }],
  ["cancel", { name: "ask", about: "cancel" }],
  ["why", { name: "why", task: null }],
  [`why ${short}`, { name: "why", task: byId }],
  ["help", { name: "help" }],
  [" ? ", { name: "help" }],
  ["todo buy milk", { name: "todoAdd", text: "buy milk" }],
  ["/todo: 'buy milk'", { name: "todoAdd", text: "buy milk" }],
  ["todos", { name: "todoList" }],
  ["todo", { name: "todoList" }],
  ["done 2", { name: "todoDone", which: { by: "number", number: 2 } }],
  ["Done #2", { name: "todoDone", which: { by: "number", number: 2 } }],
  ["done last", { name: "todoDone", which: last }],
  ['done "buy milk"', { name: "todoDone", which: { by: "text", text: "buy milk" } }],
  ["undone 1", { name: "todoReopen", which: { by: "number", number: 1 } }],
  ["drop 3", { name: "todoDrop", which: { by: "number", number: 3 } }],
  ["accept", { name: "todoAccept", which: { by: "all" } }],
  ["undo", { name: "todoUndo" }],
];

const english: readonly (readonly [string, Command])[] = [
  ["Add this job to the queue", { name: "enqueueLast" }],
  ["please add buy milk to my todo list", { name: "todoAdd", text: "buy milk" }],
  ["Can you put 'call Ann' on my todos?", { name: "todoAdd", text: "call Ann" }],
  ["add a todo to call Ann", { name: "todoAdd", text: "call Ann" }],
  ["what is on my todo list?", { name: "todoList" }],
  ["show me my todos", { name: "todoList" }],
  ["mark 2 as done", { name: "todoDone", which: { by: "number", number: 2 } }],
  ["complete todo 3", { name: "todoDone", which: { by: "number", number: 3 } }],
  ["remove todo 1 from my list", { name: "todoDrop", which: { by: "number", number: 1 } }],
  ["add this to my queue, please", { name: "enqueueLast" }],
  ["add this job", { name: "enqueueLast" }],
  ["could you queue that up?", { name: "enqueueLast" }],
  ["put what I said in the queue", { name: "enqueueLast" }],
  ["can you add 'hello' to the queue", enqueue("hello")],
  ["Can you add “Hello, World!” to the queue?", enqueue("Hello, World!")],
  ["please add the job 'don't panic' to my list", enqueue("don't panic")],
  ["add buy milk to the queue", enqueue("buy milk")],
  ["add Write a poem to the end of the queue.", enqueue("Write a poem")],
  ["put water the plants into the job queue thanks", enqueue("water the plants")],
  ["Hey Errand, would you please queue up a summary of my notes", enqueue("a summary of my notes")],
  [
    "add this job to the queue: write a poem. Make it rhyme.",
    enqueue("write a poem. Make it rhyme."),
  ],
  ["Add to the queue: first\nsecond", enqueue("first\nsecond")],
  ["new task: call Ann now", enqueue("call Ann now")],
  ["create a job called tidy up", enqueue("tidy up")],
  ["make a note to call Ann", enqueue("call Ann")],
  ["i'd like to add 'x' to the list", enqueue("x")],
  ["add something to the queue", { name: "ask", about: "enqueue" }],
  ["add a job", { name: "ask", about: "enqueue" }],
  ["What jobs are in the list", list],
  ["what's in the queue?", list],
  ["what is on my list right now?", list],
  ["Which tasks do I have?", list],
  ["show me the queue", list],
  ["please list all my queued and completed jobs", list],
  ["how many jobs are in the queue", list],
  ["is the queue empty?", list],
  ["is there anything in the queue", list],
  ["what did you finish?", list],
  ["put 'feed the cat' on the list", enqueue("feed the cat")],
  ["stop auto", manual],
  ["process a job", work],
  ["Please process a job from the queue now.", work],
  ["can you run the next task?", work],
  ["do the next one", work],
  ["next job please", work],
  ["process all jobs", auto],
  ["work through the queue", auto],
  ["stop working", manual],
  ["pause the queue", manual],
  ["what's the status", overview],
  ["What is the status of my jobs?", overview],
  ["status?", overview],
  ["what are you working on?", overview],
  ["is it done yet?", { name: "status", task: last }],
  [`what's the status of ${short}?`, { name: "status", task: byId }],
  ["did my last job finish?", { name: "status", task: last }],
  ["please cancel the last one", { name: "cancel", task: last }],
  ["please cancel it", { name: "cancel", task: last }],
  [`cancel job ${short}`, { name: "cancel", task: byId }],
  ["remove the last job from the queue", { name: "cancel", task: last }],
  ["cancel everything", { name: "ask", about: "cancel" }],
  ["clear the queue", { name: "ask", about: "cancel" }],
  ["why is it waiting", { name: "why", task: last }],
  ["why isn't my job running yet?", { name: "why", task: last }],
  [`why did ${short} fail?`, { name: "why", task: byId }],
  ["what is it waiting for?", { name: "why", task: last }],
  ["why is nothing happening?", { name: "why", task: null }],
  ["what can you do?", { name: "help" }],
  ["help!", { name: "help" }],
];

/** Sentences that look like commands and are none. */
const prose: readonly string[] = [
  "done with this",
  "done",
  "drop everything and run",
  "accept my apologies",
  "undo the last commit",
  "todos are a pain",
  "add a comment about my todo app to the readme",

  "",
  "hello",
  "what's going on?",
  "how are you?",
  "work on my essay",
  "work harder",
  "list all US presidents",
  "list the files in this folder",
  "listen to me",
  "help me write an essay",
  "status quo bias, explained",
  "status report for the board",
  "cancel culture",
  "cancel my subscription",
  "cancel dinner",
  "why is the sky blue?",
  "why is it raining?",
  "why sadness",
  "don't add hello to the queue",
  "did you add hello to the queue?",
  "how do I add a job to the queue?",
  "what is a queue?",
  "add two and two",
  "add 'chicken' to the shopping list",
  "add milk to the cart",
  "add a task to my calendar",
  "put my name on the list",
  "note: this is important",
  "queue theory is fun",
  "queue length",
  "add hello to the queue and tell me a joke",
  "add hello. Then tell me a joke about a queue",
  "process a refund",
  "run a marathon",
  "do a barrel roll",
  "stop it",
  "is it raining",
  "show me the way",
  "how many tasks can you run at once?",
  "what jobs did Lincoln have?",
  "tell me about job scheduling",
  "remove the stain from my shirt",
  "clear the table",
  `enqueued ${"x".repeat(20)}`,
];

describe("commands", () => {
  test.each(typed)("[ASSIST1] typed: %j", (message, command) => {
    expect(parseTyped(message)).toEqual(command);
  });

  test.each(english)("[ASSIST2] in English: %j", (message, command) => {
    expect(parseEnglish(message)).toEqual(command);
    // A sentence is not a typed command: with a model it is the model's.
    expect(parseTyped(message)).toBeNull();
  });

  test.each(prose)("[ASSIST2] no command: %j", (message) => {
    expect(parseTyped(message)).toBeNull();
    expect(parseEnglish(message)).toBeNull();
  });

  test("[ASSIST1] what is enqueued comes back as it was typed", () => {
    const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 200 });
    const plain = text.map((value) => `note ${value.trim()}`.trim());
    fc.assert(
      fc.property(plain, (value) => {
        expect(parseTyped(`enqueue ${value}`)).toEqual(enqueue(value));
      }),
    );
  });

  test("[ASSIST2] any text is read without an error and quickly", () => {
    const words = fc.constantFrom(
      "add",
      "to",
      "the",
      "queue",
      "job",
      "why",
      "is",
      "it",
      ":",
      "'",
      " ",
    );
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 300 }),
      fc.array(words, { maxLength: 400 }).map((all) => all.join(" ")),
      fc.constantFrom(" ", "a ", "add to ", "'", "please ").map((piece) => piece.repeat(400)),
    );
    fc.assert(
      fc.property(text, (message) => {
        const command = parseTyped(message) ?? parseEnglish(message);
        expect(command === null || typeof command.name === "string").toBe(true);
      }),
    );
  });
});

test.each([
  ["enque milk", "enqueue milk"],
  ["ENQEUE milk", "enqueue milk"],
  ["lst", "list"],
  ["wrok", "work"],
  ["statsu", "status"],
  ["work on my essay", null],
  ["lost my keys", null],
  ["walk", null],
  ["the plan", null],
  ["", null],
])("[ASSIST6] a slip of the finger is asked about: %j", (message, command) => {
  expect(nearCommand(message)).toBe(command);
});

test("[ASSIST3] a short id holds a digit, ends its task's id and is read back", () => {
  const digits = "0123456789abcdefghjkmnpqrstvwxyz".split("");
  const tail = fc.array(fc.constantFrom(...digits), { minLength: 25, maxLength: 25 });
  fc.assert(
    fc.property(tail, (all) => {
      const id = `task_0${all.join("")}`;
      const shown = shortId(id);
      expect(id.endsWith(shown)).toBe(true);
      expect(parseTyped(`status ${shown}`)).toEqual({
        name: "status",
        task: { by: "id", id: shown },
      });
    }),
  );
});
