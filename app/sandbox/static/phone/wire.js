// The two wires: `api` is the public API as a mini-program calls it (through the relay); `wx` is WeChat itself, played
// by the sandbox's controls. Nothing else of the page speaks to anybody.

const KEPT = "tongban-phone";
export const REGION = "990000000000";
export const state = JSON.parse(sessionStorage.getItem(KEPT) || "{}");

export function keep(changes) {
  Object.assign(state, changes);
  sessionStorage.setItem(KEPT, JSON.stringify(state));
}

export function forget() {
  for (const name of Object.keys(state)) delete state[name];
  sessionStorage.removeItem(KEPT);
}

// A refusal by the API: `status`, `code` and the sentence for people, as problem+json says them.
export class Refused extends Error {
  constructor(status, body) {
    super(body.detail || body.code || String(status));
    Object.assign(this, { status, code: body.code || "", body });
  }
}

async function ask(method, path, body, headers) {
  const sends = method !== "GET" && method !== "DELETE";
  const answer = await fetch(path, {
    method,
    headers: sends ? { ...headers, "Content-Type": "application/json" } : headers,
    body: sends && body !== undefined ? JSON.stringify(body) : undefined,
    cache: "no-store",
  });
  const text = await answer.text();
  let told = {};
  try { told = text ? JSON.parse(text) : {}; } catch { told = { detail: text.slice(0, 300) }; }
  if (!answer.ok) throw new Refused(answer.status, told);
  return told;
}

export function api(method, path, body, more = {}) {
  const headers = { "X-App": `wechat/${state.app_id}`, "Accept-Language": "zh-CN", ...more };
  if (state.token) headers.Authorization = `Bearer ${state.token}`;
  return ask(method, `/phone/api${path}`, body, headers);
}

export function once() {
  return { "Idempotency-Key": crypto.randomUUID ? crypto.randomUUID() : `${Date.now()}-${Math.floor(Math.random() * 1e9)}` };
}

export const wx = {
  users: () => ask("GET", "/sim/v1/wechat/users", undefined, {}),
  login: (user) => ask("POST", "/sim/v1/wechat/codes", { user }, {}),
  templates: () => ask("GET", "/sim/v1/wechat/templates", undefined, {}),
  subscribe: (answers) => ask("POST", "/sim/v1/wechat/subscribe", { user: state.user, answers }, {}),
  face: (verifyId, outcome) => ask("POST", `/sim/v1/wechat/faces/${verifyId}/finish`, { outcome }, {}),
  messages: () => ask("GET", `/sim/v1/wechat/messages?user=${encodeURIComponent(state.user)}`, undefined, {}),
};
