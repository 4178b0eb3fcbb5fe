// Every word that a learner reads is spelt as in Britain, or stands in lessons/words.txt.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { decodeTrie } from "cspell-trie-lib";

const COURSE = new URL("../../lessons/", import.meta.url);
const english = decodeTrie(gunzipSync(readFileSync(new URL(import.meta.resolve("@cspell/dict-en-gb-mit").replace(/[^/]+$/, "en_GB.trie.gz")))));
const read = (path) => readFileSync(new URL(path, COURSE), "utf8");
const terms = read("words.txt").split("\n").filter((line) => line && !line.startsWith("#"));
const own = new Set(terms.map((term) => term.toLowerCase()));

/** The fields of a lesson's data that are read by learners. */
const READ = ["text", "hint", "ask", "explain", "misconception", "say", "says", "why", "label", "own", "along", "model", "checklist", "title", "summary",
  // Of challenges.
  "story", "told", "bottlenecks", "scale", "caching", "asynchronous", "consistency"];

/** The texts for learners in some data; those of sources are titled by others. */
function texts(data, field = "", inSource = false) {
  if (typeof data === "string") return READ.includes(field) && !(inSource && field === "title") ? [data] : [];
  if (Array.isArray(data)) return data.flatMap((item) => texts(item, field, inSource));
  if (data === null || typeof data !== "object") return [];
  const source = inSource || "url" in data;
  return Object.entries(data).flatMap(([name, value]) => texts(value, name, source));
}

/** The texts of a lesson.md: its prose, and what its data says; no code, no targets of links. */
function prose(markdown) {
  const told = [];
  const rest = markdown.replace(/^```(\S*)([^\n]*)\n([\s\S]*?)^```$/gm, (_, name, more, block) => {
    if (["step", "proof", "debrief", "sources"].includes(name)) told.push(...texts(JSON.parse(block)));
    else told.push(...block.split("\n").flatMap((line) => line.match(/\/\/.*|--.*/g) ?? []));
    return "";
  });
  return [rest.replace(/`[^`\n]*`/g, " ").replace(/\]\([^)]*\)/g, "] "), ...told];
}

/** The words of a text: no parameters, no names with underscores, nothing as short as a unit. */
const words = (text) => text.replace(/\{\w+\}|\w*_\w*/g, " ").replaceAll("’", "'").match(/\p{L}{3,}(?:'\p{L}+)*/gu) ?? [];
const known = (word) => {
  const plain = word.replace(/'s$/, "");
  return [word, word.toLowerCase(), plain, plain.toLowerCase()].some((form) => english.has(form)) || own.has(plain.toLowerCase());
};

test("the check knows right from wrong", () => {
  const spelt = words("The colour of the queue, the shopper's and utilisation: recieve color {param} it's").filter((word) => !known(word));
  assert.deepEqual(spelt, ["recieve", "color"]);
  const lesson = "# Tilte\n\nA [wrod](component:x) `cdoe`.\n\n```step\n{\"id\": \"qqq\", \"task\": {\"text\": \"Brign it\"}}\n```\n\n```js\nfoo(xyzzy); // waht\n```\n";
  assert.deepEqual(prose(lesson).flatMap(words).filter((word) => !known(word)), ["Tilte", "wrod", "Brign", "waht"]);
});

test("every word of the course is spelt rightly", () => {
  const found = [];
  const used = new Set();
  const check = (file, texts) => {
    for (const word of texts.flatMap(words)) {
      if (!known(word)) found.push(`${file}: ${word}`);
      used.add(word.replace(/'s$/, "").toLowerCase());
    }
  };
  check("catalog.json", texts(JSON.parse(read("catalog.json"))));
  for (const { name } of readdirSync(COURSE, { withFileTypes: true }).filter((entry) => entry.isDirectory() && entry.name !== "challenges")) {
    check(`${name}/lesson.md`, prose(read(`${name}/lesson.md`)));
    check(`${name}/quiz.json`, texts(JSON.parse(read(`${name}/quiz.json`))));
    for (const scene of readdirSync(new URL(`${name}/scenes/`, COURSE))) {
      const { title, view } = JSON.parse(read(`${name}/scenes/${scene}`));
      check(`${name}/scenes/${scene}`, [title ?? "", ...texts(view ?? {})]);
    }
  }
  for (const id of JSON.parse(read("challenges/index.json"))) {
    const folder = `challenges/${id}`;
    check(`${folder}/challenge.json`, texts(JSON.parse(read(`${folder}/challenge.json`))));
    const { title, view } = JSON.parse(read(`${folder}/start.json`));
    check(`${folder}/start.json`, [title ?? "", ...texts(view ?? {})]);
    for (const kind of ["solutions", "non-solutions"]) {
      for (const attempt of readdirSync(new URL(`${folder}/${kind}/`, COURSE))) {
        const { title, why } = JSON.parse(read(`${folder}/${kind}/${attempt}`));
        check(`${folder}/${kind}/${attempt}`, [title, why]);
      }
    }
  }
  assert.deepEqual([...new Set(found)], [], "mend these, or add terms to lessons/words.txt");
  assert.deepEqual(terms.filter((term) => !used.has(term.toLowerCase())), [], "lessons/words.txt: no lesson uses these");
});
