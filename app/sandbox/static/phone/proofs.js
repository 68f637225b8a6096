// Stepping up: what the phone does when the API answers 403. Consent, real name, face; then the call is made again.

import { api, once, Refused, state, wx } from "./wire.js";
import { en, h, main, plain, say, sheet } from "./view.js";

const ATTEMPTS = 6;
const POLLS = 40;
const OVER = ["failed", "expired", "revoked"];
const rest = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// Make a call; on a refusal that the citizen can mend, mend it and call again. Gives null when they chose not to.
export async function stepping(call, about = "") {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const mended = error.code === "assurance_too_low" ? await raise(error) : isConsent(error) ? await consent(error.body, about) : false;
      if (mended === false) throw error;
      if (mended === null) return null;
    }
  }
  throw new Error("没有成功，请稍后再试。 It did not work out; try again later.");
}

const isConsent = (error) => ["consent_required", "consent_outdated"].includes(error.code);

async function consent(named, about) {
  const texts = (await api("GET", "/v1/consents")).items;
  const text = texts.find((one) => one.purpose === named.purpose);
  const words = text ? [h("p", {}, text.zh), h("p", {}, en(text.en)), h("p", {}, `接收方：${text.recipient}`)] : [h("p", {}, about)];
  const yes = await sheet("请阅读并同意", (done) => [
    ...words, main("同意", "I agree", () => done(true)), plain("不同意", "No", () => done(null)),
  ]);
  if (!yes) return null;
  await api("POST", "/v1/me/consents", { purpose: named.purpose, text_version: named.text_version });
  return true;
}

// The 403 of a level too low: its sentence and its methods, as offered.
async function raise(error) {
  const ways = error.body.methods || [];
  const chosen = await sheet("需要核验身份", (done) => [
    h("p", {}, error.message),
    h("p", {}, `需要 ${error.body.need.level}，现在 ${error.body.have}`),
    ways.map((way) => (way.start ? main(...(NAMES[way.method] || [way.method, ""]), () => done(way)) : h("p", { class: "card" }, way.text || way.method))),
    plain("先不办", "Not now", () => done(null)),
  ]);
  if (!chosen) return null;
  return chosen.method === "real_name" ? realName() : face();
}

const NAMES = { real_name: ["实名核验", "Name and id number"], face: ["刷脸核验", "Face check"] };

async function realName() {
  const name = h("input", { autocomplete: "off", value: state.name || "" });
  const number = h("input", { autocomplete: "off", inputmode: "text", maxlength: "18", value: state.id_number || "" });
  const given = await sheet("实名核验", (done) => [
    h("label", {}, "姓名 ", en("Name"), name),
    h("label", {}, "身份证号 ", en("Id number"), number),
    main("提交核验", "Check", () => done({ method: "real_name", name: name.value.trim(), id_number: number.value.trim() })),
    plain("取消", "Cancel", () => done(null)),
  ]);
  if (!given) return null;
  const done = await stepping(() => api("POST", "/v1/me/verifications", given, once()));
  if (done) say(`实名核验通过，等级 ${done.level}`, "good");
  return done ? true : null;
}

// wx.requestFacialVerify, played: the flow ends in WeChat's own window and proves nothing here; our server asks WeChat.
async function face() {
  const started = await stepping(() => api("POST", "/v1/me/verifications", { method: "face" }, once()));
  if (!started) return null;
  const outcome = await sheet("微信人脸核身", (done) => [
    h("p", {}, "请正对手机，按提示动作。"), h("p", {}, en("WeChat's own window. Choose how it ends.")),
    main("完成动作（通过）", "Pass", () => done("pass")),
    plain("不是本人", "Not the person", () => done("face_mismatch")),
    plain("退出", "Cancel", () => done("cancel")),
  ], "wechat");
  await wx.face(started.client.verifyId, outcome || "cancel");
  await api("POST", `/v1/me/verifications/${started.verification_id}/finish`);
  return settled(started.verification_id);
}

async function settled(id) {
  for (let poll = 0; poll < POLLS; poll += 1) {
    const now = await api("GET", `/v1/me/verifications/${id}`);
    if (["consumed", "passed"].includes(now.state)) { say(`实人核验通过，等级 ${now.level}`, "good"); return true; }
    if (OVER.includes(now.state)) {
      say(`核验没有通过。${now.can_retry ? "可以再试一次，也可以到窗口办理。" : "请到窗口办理。"}`, "bad");
      return null;
    }
    say("正在等待省平台确认……");
    await rest(1000);
  }
  say("省平台还在确认，请稍后再回来。", "bad");
  return null;
}
