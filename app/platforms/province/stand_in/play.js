"use strict";
// Reads /sim/v1/province/state every second and turns button presses into control calls. Text only, never markup.

const STATES = {
  SUBMITTED: "已提交", PRE_PASSED: "预审通过", PRE_REJECTED: "预审退回", RECEIVED: "已收件", CORRECTION: "待补正",
  ACCEPTED: "已受理", APPROVED: "准予", REJECTED: "不予许可", DONE: "已办结", NOT_ACCEPTED: "不予受理",
  WITHDRAWN: "已撤回", TERMINATED: "已终止",
};
const CALLBACKS = { QUEUED: "待发送", RETRYING: "重试中", DELIVERED: "已送达", DEAD: "已放弃" };
const FACES = { PASS: "通过", FAIL: "不通过", NO_PHOTO: "无底图" };
const CLOSED = ["DONE", "NOT_ACCEPTED", "WITHDRAWN", "TERMINATED", "PRE_REJECTED"];
const MOVES = [["受理 Accept", "ACCEPTED"], ["要求补正 Correction", "CORRECTION"], ["办结（准予） Conclude", "DONE"],
  ["不予许可 Reject", "REJECTED"], ["终止 Terminate", "TERMINATED"]];

const at = (id) => document.getElementById(id);

function say(text, bad) {
  at("said").textContent = text;
  at("said").className = bad ? "bad" : "";
}

async function call(method, path, body) {
  const answer = await fetch(path, {
    method, headers: { "Content-Type": "application/json" }, body: method === "GET" ? undefined : JSON.stringify(body || {}),
  });
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.error || answer.statusText);
  return told;
}

async function act(words, method, path, body) {
  try {
    await call(method, path, body);
    say(words + " ✓");
  } catch (error) {
    say(words + "：" + error.message, true);
  }
  await show();
}

function row(cells, buttons) {
  const line = document.createElement("tr");
  for (const [text, kind] of cells) {
    const cell = line.insertCell();
    cell.textContent = text;
    if (kind) cell.className = kind;
  }
  if (buttons) line.insertCell().append(...buttons.map(([words, go]) => button(words, go)));
  return line;
}

function button(words, go) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = words;
  made.addEventListener("click", go);
  return made;
}

function caseRow(one) {
  const moves = CLOSED.includes(one.state) ? [] : MOVES.filter(([, to]) => to !== one.state);
  const path = `/sim/v1/cases/${encodeURIComponent(one.caseNo)}/advance`;
  return row([[one.caseNo, "code"], [one.name], [`${STATES[one.state] || one.state} ${one.state}`]],
    moves.map(([words, to]) => [words, () => act(words, "POST", path, { to })]));
}

function faceRow(one) {
  const shown = one.done ? `${FACES[one.result]} ${one.result}` : "比对中 PENDING";
  const path = `/sim/v1/province/faces/${encodeURIComponent(one.ref_id)}`;
  return row([[one.ref_id, "code"], [one.name], [shown]], [
    ["通过 Pass", () => act("通过", "POST", path, { result: "PASS" })],
    ["不通过 Fail", () => act("不通过", "POST", path, { result: "FAIL" })],
    ["通过，回调两次且乱序 Pass, twice, out of order", () => act("通过", "POST", path, { result: "PASS", copies: 2, stale: true })],
  ]);
}

function callbackRow(one) {
  const path = `/sim/v1/province/callbacks/${encodeURIComponent(one.event_id)}/send`;
  return row([[one.label.replace("push/province/", ""), "code"], [one.about, "code"],
    [`${CALLBACKS[one.state]} ${one.state}，第 ${one.attempts} 次`]], [["再发一次 Send again", () => act("再发一次", "POST", path)]]);
}

async function show() {
  try {
    const state = await call("GET", "/sim/v1/province/state");
    at("cases").replaceChildren(...state.cases.slice(-30).reverse().map(caseRow));
    at("faces").replaceChildren(...state.faces.slice(-30).reverse().map(faceRow));
    at("callbacks").replaceChildren(...state.callbacks.slice(-30).reverse().map(callbackRow));
    at("people").replaceChildren(...state.people.map((one) => row([[one.name], [one.id_number, "code"], [one.note]])));
    const { faults } = await call("GET", "/sim/v1/faults");
    at("faults").replaceChildren(...faults.map((one) => {
      const line = document.createElement("li");
      line.textContent = `${one.kind} · ${one.path} · ×${one.count}`;
      return line;
    }));
  } catch (error) {
    say("沙箱没有回应 The sandbox does not answer: " + error.message, true);
  }
}

async function refresh() {
  // A table redrawn under somebody's finger or keyboard loses the button they meant.
  if (!document.activeElement || !document.activeElement.closest("td")) await show();
  setTimeout(refresh, 1000);
}

at("break").addEventListener("click", () => act("已安排", "POST", "/sim/v1/faults",
  { kind: at("kind").value, path: at("where").value, delay_s: at("kind").value === "hang" ? 40 : 2 }));
at("mend").addEventListener("click", () => act("已取消", "DELETE", "/sim/v1/faults"));
show().then(refresh);
