"use strict";
// Reads /sim/v1/wechat every two seconds and turns button presses into control calls. Text only, never markup.

const RETS = [["通过 Pass", "pass"], ["号码不符 Mismatch", "mismatch"], ["人脸不符 Another face", "face_mismatch"],
  ["退出 Cancel", "cancel"], ["进行中 In progress", "pending"]];
const KINDS = [["errcode", "返回错误码"], ["execute-then-reset", "执行后断开"], ["hang", "不返回"], ["half-body", "只返回一半"],
  ["bad-json", "返回乱码"], ["5xx", "系统错误"], ["delay", "延迟"], ["expired-token", "令牌过期"], ["drop", "丢失推送"],
  ["dup-callback", "重复推送"], ["reorder", "推送乱序"], ["delay-callback", "推送延迟"], ["wrong-sign", "推送签名错误"]];
const PLACES = [["/wechat/cgi-bin/message/subscribe/send", "订阅消息 send"], ["/wechat/sns/jscode2session", "登录 code2session"],
  ["/wechat/cgi-bin/stable_token", "令牌 stable_token"], ["/wechat/cityservice/*", "人脸 face"], ["push/wechat/*", "推送 pushes"]];
const SHOWN = 40;

const at = (id) => document.getElementById(id);

function say(text, bad) {
  at("said").textContent = text;
  at("said").className = bad ? "bad" : "";
}

async function call(method, path, body) {
  const answer = await fetch(`/sim/v1/${path}`, {
    method, headers: { "Content-Type": "application/json" }, body: method === "POST" ? JSON.stringify(body || {}) : undefined,
  });
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(told.error || `${answer.status} ${answer.statusText}`);
  return told;
}

async function act(words, method, path, body) {
  try {
    const told = await call(method, path, body);
    say(words(told));
  } catch (error) {
    say(error.message, true);
  }
  await show();
}

const done = (words) => () => `${words} ✓`;

function button(words, go) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = words;
  made.addEventListener("click", go);
  return made;
}

function row(cells, buttons) {
  const line = document.createElement("tr");
  for (const text of cells) line.insertCell().textContent = text;
  if (buttons) line.insertCell().append(...buttons);
  return line;
}

function choices(id, pairs) {
  if (at(id).childElementCount === pairs.length) return;
  at(id).replaceChildren(...pairs.map(([value, words]) => new Option(words, value)));
}

function userRow(user) {
  const mint = () => act((told) => `${user.user} 的登录码 code：${told.code}`, "POST", "wechat/codes", { user: user.user });
  return row([user.user, user.name, user.id_number, user.note], [button("登录码 Mint a code", mint)]);
}

function faceRow(face) {
  const path = `wechat/faces/${face.verify_id}/finish`;
  const buttons = RETS.map(([words, outcome]) => button(words, () => act(done(words), "POST", path, { outcome })));
  return row([face.out_seq_no, face.name, face.verify_ret], buttons);
}

const messageRow = (one) =>
  row([one.msgid, one.touser, Object.values(one.data).map((member) => member.value).join(" | "), one.page || ""]);

const entryRow = (entry) => row([entry.seq, entry.operation, entry.check, JSON.stringify(entry.facts)]);

async function show() {
  const [people, faces, messages, templates, credits, journal, faults] = await Promise.all([
    call("GET", "wechat/users"), call("GET", "wechat/faces"), call("GET", "wechat/messages"), call("GET", "wechat/templates"),
    call("GET", `wechat/credits?user=${encodeURIComponent(at("subscriber").value || "adult")}`),
    call("GET", `journal?platform=wechat&limit=${SHOWN}&last`), call("GET", "faults"),
  ]);
  at("users").replaceChildren(...people.users.map(userRow));
  choices("subscriber", people.users.map((user) => [user.user, user.name || user.user]));
  choices("template", templates.templates.map((one) => [one.template_id, one.title]));
  at("faces").replaceChildren(...faces.faces.toReversed().slice(0, SHOWN).map(faceRow));
  at("messages").replaceChildren(...messages.messages.toReversed().slice(0, SHOWN).map(messageRow));
  at("credits").textContent = `剩余次数 Credits：${JSON.stringify(credits.credits)}`;
  at("journal").replaceChildren(...journal.entries.toReversed().map(entryRow));
  at("waiting").textContent = `等待触发 Waiting：${faults.faults.map((one) => `${one.kind} ${one.path} ×${one.count}`).join("，") || "无 none"}`;
}

const answer = (word) => act(done(word), "POST", "wechat/subscribe", { user: at("subscriber").value, answers: { [at("template").value]: word } });

const PRESSED = {
  "add-user": () => act(done("已添加"), "POST", "wechat/users", { user: at("new-user").value }),
  accept: () => answer("accept"),
  reject: () => answer("reject"),
  "turn-off": () => act(done("已关闭"), "POST", "wechat/unsubscribe", { user: at("subscriber").value, template_id: at("template").value }),
  "set-push": () => act(done("已设置"), "POST", "wechat/push", {
    format: at("format").value, list: at("list").value, ...(at("error-code").value ? { error_code: at("error-code").value } : {}),
  }),
  repeat: () => act(done("已重发"), "POST", "wechat/push/repeat"),
  "check-url": () => act((told) => `校验 ${told.status} ${told.echoed ? "✓" : "✗"}`, "POST", "wechat/url-check"),
  revoke: () => act(done("令牌已失效"), "POST", "wechat/tokens/revoke"),
  script: () => act(done("已安排"), "POST", "faults", {
    kind: at("kind").value, path: at("where").value, count: Number(at("count").value),
    ...(at("kind").value === "errcode" ? { status: Number(at("errcode").value) } : {}),
  }),
  forget: () => act(done("已清除"), "DELETE", "faults"),
};

choices("kind", KINDS.map(([kind, words]) => [kind, `${words} ${kind}`]));
choices("where", PLACES);
for (const [id, go] of Object.entries(PRESSED)) at(id).addEventListener("click", go);
show().catch((error) => say(error.message, true));
setInterval(() => show().catch((error) => say(error.message, true)), 2000);
