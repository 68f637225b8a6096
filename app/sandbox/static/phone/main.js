// The mini-program's pages: log in, services, cases, inbox, me. Each function draws one page from the public API.

import { api, forget, keep, once, Refused, REGION, state, wx } from "./wire.js";
import { at, card, en, h, main, plain, say, sheet, show } from "./view.js";
import { stepping } from "./proofs.js";

const when = (text) => new Date(text).toLocaleString("zh-CN", { hour12: false });

// Every tap goes through here: a refusal becomes its own sentence, an ended session leads back to the login page.
const tap = (act) => async (...given) => {
  say("");
  try {
    await act(...given);
  } catch (error) {
    say(error.message, "bad");
    if (error instanceof Refused && error.status === 401 && state.token) { forget(); await welcome(); }
  }
};

async function welcome() {
  at("tabs").hidden = true;
  at("who").textContent = "";
  const { users, app_id } = await wx.users();
  show(
    h("h2", {}, "请选择谁在用手机"), h("p", {}, en("Who holds the phone?")),
    users.map((user) => card(user.name || user.user, [user.note || user.user], tap(() => logIn(user, app_id)))),
  );
}

async function logIn(user, app_id) {
  keep({ user: user.user, name: user.name, id_number: user.id_number, app_id, token: undefined });
  const { code } = await wx.login(user.user);
  const session = await api("POST", "/v1/sessions", { code });
  keep({ token: session.access_token });
  await home();
}

async function mark(tab) {
  at("tabs").hidden = false;
  for (const button of at("tabs").children) {
    if (button.dataset.tab === tab) button.setAttribute("aria-current", "page");
    else button.removeAttribute("aria-current");
  }
  const me = await api("GET", "/v1/me");
  at("who").textContent = `${me.name_masked || state.name || state.user}　${me.level} ${me.level_name}`;
  return me;
}

async function home(words = state.words || "社会保障卡") {
  await mark("home");
  keep({ words });
  const services = (await api("GET", `/v1/services?region=${REGION}`)).items;
  const asked = words ? `&q=${encodeURIComponent(words)}` : "";
  const items = (await api("GET", `/v1/items?region=${REGION}&limit=20${asked}`)).items;
  const search = h("input", { type: "search", value: words, maxlength: "50", enterkeyhint: "search" });
  search.addEventListener("change", tap(() => home(search.value.trim())));
  show(
    h("h2", {}, "服务 ", en("Services")),
    services.map((one) => card(one.name.zh, [one.name.en, `需要 ${one.need.level}`], tap(() => service(one.id)))),
    services.length ? [] : h("p", {}, "还没有上线的服务。 ", en("No service yet.")),
    h("h2", {}, "事项 ", en("Items to file")), h("label", {}, "查找事项 ", en("Find an item"), search),
    items.map((one) => card(one.name, [one.org || "", `需要 ${one.min_level}`], tap(() => item(one.code)))),
    items.length ? [] : h("p", {}, "没有找到，换个词试试。 ", en("Nothing found; try another word.")),
  );
}

async function service(id) {
  const one = await api("GET", `/v1/services/${id}`);
  const given = one.given.map((field) => `${field.name}（${field.purpose}）`).join("、") || "无";
  const about = `为办理“${one.name.zh}”，将向办理部门（${one.owner}）提供：${given}。仅用于本次服务，可以随时撤回。`;
  const result = h("div", { "aria-live": "polite" });
  show(
    h("h2", {}, one.name.zh), h("p", {}, en(one.name.en)),
    h("p", {}, h("span", { class: "badge" }, `需要 ${one.need.level}`)), h("p", {}, `会提供的信息：${given}`),
    one.operations.map((operation) => operationForm(id, operation, about, result)), result,
    plain("返回", "Back", tap(() => home())),
  );
}

function operationForm(id, operation, about, result) {
  const body = h("textarea", { "aria-label": "填写内容 Body" }, '{"reason":"LOST","delivery":"WINDOW"}');
  const query = h("input", { "aria-label": "查询参数 Query", placeholder: operation.query.join("&") });
  const parts = new Map((operation.path.match(/\{[a-z0-9_]+\}/g) || []).map((name) => [name, h("input", { maxlength: "64" })]));
  const go = tap(async () => {
    const filled = operation.path.replace(/\{[a-z0-9_]+\}/g, (name) => encodeURIComponent(parts.get(name).value.trim()));
    const path = `/v1/services/${id}/call${filled}${query.value ? `?${query.value}` : ""}`;
    const key = operation.write ? once() : {};
    const told = await stepping(() => api(operation.method, path, operation.write ? JSON.parse(body.value) : undefined, key), about);
    if (told === null) return;
    await mark("home");
    result.replaceChildren(h("h2", {}, "结果 ", en("Answer")), h("pre", {}, JSON.stringify(told, null, 2)));
    say("办理成功", "good");
  });
  const label = operation.write ? main("提交办理", `${operation.method} ${operation.path}`, go) : main("查询", `${operation.method} ${operation.path}`, go);
  const asked = [...parts].map(([name, box]) => h("label", {}, name.slice(1, -1), box));
  return h("section", { class: "card" }, asked, operation.query.length ? query : null, operation.write ? body : null, label);
}

async function item(code) {
  const one = await api("GET", `/v1/items/${encodeURIComponent(code)}`);
  const why = h("select", {}, ["LOST", "DAMAGED", "EXPIRED"].map((word, n) => h("option", { value: word }, ["丢失", "损坏", "到期"][n])));
  show(
    h("h2", {}, one.name), h("p", {}, one.org || ""),
    h("p", {}, h("span", { class: "badge" }, `需要 ${one.min_level}`), one.promise_limit ? ` 承诺 ${one.promise_limit.n} ${one.promise_limit.unit}` : ""),
    h("label", {}, "申请原因 ", en("Reason"), why),
    main("提交申请", "File", tap(() => file(one.code, why.value))), plain("返回", "Back", tap(() => home())),
  );
}

async function file(code, reason) {
  const body = { item_code: code, accept_region: REGION, form: { reason } };
  const key = once();
  const filed = await stepping(() => api("POST", "/v1/cases", body, key), "为办理本事项，将向省平台提交您的申请。");
  if (!filed) return;
  await subscribe();
  await oneCase(filed.case_id);
  say("申请已提交，进度会通知您。", "good");
}

// wx.requestSubscribeMessage: the pop-up is WeChat's; its result is reported to us as a hint, WeChat tells us too.
async function subscribe() {
  const grants = await api("GET", "/v1/me/grants");
  // The moment decides what to ask for: after filing, the case's progress; one-time and long-term never together.
  const about = grants.items.filter((one) => one.kind === "case_progress" && one.ask).map((one) => one.platform_template_id);
  const ask = about.length ? about : grants.ask;
  if (!ask.length) return;
  const known = new Map((await wx.templates()).templates.map((one) => [one.template_id, one.title]));
  const boxes = ask.map((id) => [id, h("input", { type: "checkbox", checked: true })]);
  const accepted = await sheet("“通办”申请发送以下消息", (done) => [
    boxes.map(([id, box]) => h("label", {}, box, known.get(id) || id)),
    main("允许", "Allow", () => done(true)), plain("取消", "Cancel", () => done(false)),
  ], "wechat");
  const answers = Object.fromEntries(boxes.map(([id, box]) => [id, accepted && box.checked ? "accept" : "reject"]));
  await wx.subscribe(answers);
  await api("POST", "/v1/me/grants", { answers }, once());
}

async function cases() {
  await mark("cases");
  const { items } = await api("GET", "/v1/cases");
  show(
    h("h2", {}, "我的办件 ", en("My cases")),
    items.map((one) => card(one.item_name, [one.state_text, `提交于 ${when(one.filed_at)}`], tap(() => oneCase(one.case_id)))),
    items.length ? [] : h("p", {}, "还没有办件。 ", en("None yet.")),
  );
}

async function oneCase(id) {
  const one = await api("GET", `/v1/cases/${id}`);
  await mark("cases");
  show(
    h("h2", {}, one.item_name), h("p", {}, h("span", { class: "badge" }, one.state_text)),
    h("p", {}, `办件编号：${one.case_no || "正在提交到省平台"}`), one.result ? h("p", {}, `结果：${one.result}`) : [],
    h("ol", { class: "track" }, one.track.map((step) => h("li", {}, `${step.to_text}　${when(step.at)}`))),
    main("刷新", "Refresh", tap(() => oneCase(id))), plain("返回", "Back", tap(cases)),
  );
}

async function inbox() {
  await mark("inbox");
  const { items } = await api("GET", "/v1/me/inbox");
  const { messages } = await wx.messages();
  show(
    h("h2", {}, "站内信 ", en("Inbox")),
    items.map((one) => card(one.title, [one.body, when(one.created_at)], one.read_at ? null : tap(() => read(one.entry_id)))),
    items.length ? [] : h("p", {}, "没有消息。 ", en("Nothing.")),
    h("h2", {}, "微信服务通知 ", en("WeChat messages")),
    messages.toReversed().map((one) => card("服务通知", Object.values(one.data).map((member) => member.value))),
    messages.length ? [] : h("p", {}, "微信里还没有收到通知。 ", en("Nothing in WeChat.")),
  );
}

async function read(id) {
  await api("POST", `/v1/me/inbox/${id}/read`);
  await inbox();
}

async function me() {
  const mine = await mark("me");
  const consents = (await api("GET", "/v1/me/consents")).items.filter((one) => one.given);
  const uses = (await api("GET", "/v1/me/uses")).items;
  show(
    h("h2", {}, "我的 ", en("Me")),
    card(mine.name_masked || "未实名", [mine.id_number_masked || "", `${mine.level} ${mine.level_name}`]),
    h("h2", {}, "我的同意 ", en("Consents")),
    consents.map((one) => h("div", { class: "card" }, h("b", {}, one.purpose), h("p", {}, one.recipient), plain("撤回", "Withdraw", tap(() => withdraw(one.purpose))))),
    h("h2", {}, "谁用过我的信息 ", en("Who used my data")),
    uses.map((one) => card(one.recipient, [`${one.purpose}：${one.fields.join("、")}`, when(one.at)])),
    plain("退出登录", "Log out", tap(leave)),
  );
}

async function withdraw(purpose) {
  await api("DELETE", `/v1/me/consents/${purpose}`);
  await me();
}

async function leave() {
  await api("DELETE", "/v1/sessions/current");
  forget();
  await welcome();
}

const TABS = { home, cases, inbox, me };
for (const button of at("tabs").children) button.addEventListener("click", tap(() => TABS[button.dataset.tab]()));
tap(() => (state.token ? home() : welcome()))();
