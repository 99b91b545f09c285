// Forty questions of four sorts of people, and where each is answered: within two clicks of the first page.
//
// Each is asked of the running demo as that person would: from the first page, by the words of links, or by a name typed
// into the field on top (which counts as a click). docs/questions.md is this list for people; `page()` prints it.
// @ts-check
import { listen } from "./browser.mjs";

export const CLICKS_MAX = 2;

/**
 * @typedef {{ zh: string, en: string, go: (Step | string)[], sees: string, says: RegExp }} Question
 * `go`: what is clicked: the words of a link, or more than that. `sees`: where the answer stands (CSS). `says`: what it is like.
 * @typedef {{ find?: string, at?: string, told: string }} Step
 * `find` is typed into the field on top; `at` is what is clicked (CSS); `told` says so to people.
 */

/** The first link of a table or list, by what it is. */
const at = (css, told) => ({ at: css, told });
const find = (text) => ({ find: text, told: `“${text}”` });

/** @type {{ role: string, zh: string, en: string, as: "guest" | "admin", questions: Question[] }[]} */
export const ROLES = [
  { role: "leader", zh: "领导", en: "A leader", as: "guest", questions: [
    { zh: "全市现在是否正常？", en: "Is the city open?", go: [], sees: "h1", says: /正常|中断|降级|维护/ },
    { zh: "现在什么坏了？从何时起？", en: "What is broken, and since when?", go: [], sees: "section[aria-labelledby=h-open]", says: /自 |没有未关闭/ },
    { zh: "谁在处理？", en: "Who has it?", go: ["事件", at("table a[href*='/incidents/INC-']", "第一个事件 / the first incident")], sees: "main", says: /接手|结束/ },
    { zh: "今晚有哪些维护？", en: "What is planned tonight?", go: [], sees: "section[aria-labelledby=h-tonight]", says: /\d\d:\d\d|没有维护窗口/ },
    { zh: "本月承诺还剩多少？", en: "How much of the promise is left?", go: [], sees: ".figures", says: /预算最紧/ },
    { zh: "哪个单位的预算最紧？", en: "Whose budget is the tightest?", go: ["报告"], sees: "section[aria-labelledby=h-owners]", says: /预算最紧的服务/ },
    { zh: "上个月达标了吗？", en: "Was last month's promise kept?", go: ["报告", at("section:last-of-type tbody tr:nth-child(2) a", "上个月 / the month before")], sees: "main, body", says: /达标|没有观测|无法判定/ },
    { zh: "徐汇区怎么样？", en: "How is Xuhui?", go: ["徐汇"], sees: "h1 + p", says: /项服务/ },
    { zh: "哪些“一件事”受影响？", en: "Which matters are affected?", go: ["事项"], sees: "table", says: /正常|中断|降级/ },
    { zh: "接下来的封网期是哪几天？", en: "When is the next freeze?", go: ["维护"], sees: "section[aria-labelledby=h-allowed]", says: /月\d+日 – / },
  ] },
  { role: "admin", zh: "单位管理员", en: "An owner's administrator", as: "admin", questions: [
    { zh: "我单位的服务都正常吗？", en: "Are all of my services up?", go: [find("大数据中心"), "上海市大数据中心"], sees: "h1 + p", says: /项服务，\d+ 项正常/ },
    { zh: "这个系统现在能变更吗？不能的话何时能？", en: "May I change this now; if not, when?", go: [find("电子档案"), "电子档案"], sees: "section[aria-labelledby=h-policy]", says: /现在(可以|不可)变更/ },
    { zh: "何时允许维护？", en: "When is maintenance allowed?", go: ["维护"], sees: "section[aria-labelledby=h-allowed]", says: /22:00–次日 06:00/ },
    { zh: "我的窗口到哪一步了？", en: "Where does my window stand?", go: ["维护", at("section[aria-labelledby=h-upcoming] table a", "接下来的第一个窗口 / the first window to come")], sees: "h1 + p", says: /待批准|已计划|已公告|待开始|受阻/ },
    { zh: "怎样申请一个窗口？", en: "How do I ask for a window?", go: ["维护", "申请窗口"], sees: "form[action='/maintenance/request']", says: /单位/ },
    { zh: "年度计划里有冲突吗？", en: "Does anything in the annual plan clash?", go: ["维护", "年度计划"], sees: "section[aria-labelledby=h-clashes]", says: /冲突 \d+/ },
    { zh: "申报的服务时间与实际相符吗？", en: "Are the declared hours what is served?", go: ["服务时间", at("table a[href*='/hours/']", "第一个单位 / the first owner")], sees: "main", says: /申报|发现/ },
    { zh: "停掉它会影响谁？", en: "What hangs on it?", go: [find("统一受理平台"), "统一受理平台"], sees: ".graph", says: /被依赖 \d+/ },
    { zh: "本月预算用在了哪里？", en: "What spent this month's budget?", go: [find("统一受理平台"), "统一受理平台"], sees: "section[aria-labelledby=h-promise]", says: /已用预算的原因/ },
    { zh: "谁改过这里的什么？", en: "Who changed what here?", go: ["审计"], sees: "h1", says: /审计日志/ },
  ] },
  { role: "on-call", zh: "值班人员", en: "Somebody on call", as: "admin", questions: [
    { zh: "有哪些未关闭的事件？", en: "Which incidents are open?", go: ["事件"], sees: "main", says: /INC-\d{4}|没有/ },
    { zh: "看到了什么证据？", en: "What was seen?", go: ["事件", at("table a[href*='/incidents/INC-']", "事件 / the incident")], sees: "section[aria-labelledby=h-ev]", says: /./ },
    { zh: "怎样接手？", en: "How do I take it?", go: ["事件", at("table a[href*='/incidents/INC-']", "事件 / the incident")], sees: "section[aria-labelledby=h-say]", says: /添加备注/ },
    { zh: "还有什么一起失败？", en: "What fails with it?", go: ["事件", at("table a[href*='/incidents/INC-']", "事件 / the incident")], sees: "section[aria-labelledby=h-aff]", says: /一并受影响 \d+/ },
    { zh: "最近一次探测的过程？", en: "What did the last attempt do?", go: [find("统一受理平台"), "统一受理平台"], sees: "section[aria-labelledby=h-probes]", says: /过程/ },
    { zh: "它依赖什么，那些好吗？", en: "What does it need, and is that well?", go: [find("统一受理平台"), "统一受理平台"], sees: ".graph .from", says: /依赖/ },
    { zh: "现在有维护在进行吗？", en: "Does maintenance run?", go: ["维护"], sees: "section[aria-labelledby=h-running]", says: /进行中 \d+/ },
    { zh: "现在谁值班，下一班是谁？", en: "Who is on call, and who is next?", go: ["值班"], sees: "main", says: /当前值班/ },
    { zh: "没人确认时会叫谁？", en: "Who is called if nobody answers?", go: ["值班"], sees: "main", says: /无人确认时/ },
    { zh: "告警邮件发出去了吗？", en: "Did the mail leave?", go: ["发件箱"], sees: "h1 + p", says: /条待发/ },
  ] },
  { role: "hotline", zh: "热线坐席", en: "A hotline agent", as: "guest", questions: [
    { zh: "来电说统一受理打不开，是真的吗？", en: "A caller says that unified acceptance fails: does it?", go: [find("统一受理")], sees: "section", says: /(正常|中断|降级|维护|未知).*统一受理平台/s },
    { zh: "从什么时候开始的？", en: "Since when?", go: [find("统一受理"), "统一受理平台"], sees: "h1 + p", says: /自 \d\d:\d\d|自 / },
    { zh: "是计划内的维护吗？", en: "Is it planned maintenance?", go: [find("统一受理"), "统一受理平台"], sees: "section[aria-labelledby=h-windows]", says: /窗口|没有计划中/ },
    { zh: "维护什么时候结束？", en: "When will the maintenance end?", go: ["维护"], sees: "section[aria-labelledby=h-running]", says: /开始 – 结束|没有维护/ },
    { zh: "对市民怎么说？", en: "What do I tell the caller?", go: ["维护", at("section[aria-labelledby=h-upcoming] table a", "窗口 / the window")], sees: "main", says: /公告用语|范围/ },
    { zh: "这个月还有哪些维护？", en: "What else is planned this month?", go: ["维护"], sees: "table.month", says: /周一/ },
    { zh: "医院预约几点到几点开放？", en: "Which hours does the hospital's booking keep?", go: [find("预约挂号"), at("main .links a[href*='/subsystems/']", "服务 / the service")], sees: ".facts", says: /服务时间/ },
    { zh: "昨天是不是也坏过？", en: "Was it down yesterday, too?", go: [find("统一受理"), "统一受理平台"], sees: "section[aria-labelledby=h-timeline]", says: /最近 90 天/ },
    { zh: "只有这个区，还是全市？", en: "Is it this district, or all of them?", go: [], sees: "section[aria-labelledby=h-districts]", says: /16 个区/ },
    { zh: "办“出生一件事”受影响吗？", en: "Does the birth bundle suffer?", go: ["事项"], sees: "table", says: /出生/ },
  ] },
];

/** One question; nothing if it is answered, else what is wrong. */
async function asked(reader, base, question) {
  const page = await reader.newPage();
  const heard = listen(page, base);
  try {
    await page.goto("/?lang=zh", { waitUntil: "load" });
    for (const step of question.go) {
      if (typeof step !== "string" && step.find) {
        await page.fill("header input[name=q]", step.find);
        await page.press("header input[name=q]", "Enter");
      } else {
        const link = typeof step === "string" ? page.getByRole("link", { name: step }).first() : page.locator(step.at).first();
        await link.click();
      }
      await page.waitForLoadState("load");
    }
    const answers = (await page.locator(question.sees).allTextContents()).join(" ");
    if (!question.says.test(answers)) return `is not answered at ${page.url()}: ${answers.replace(/\s+/g, " ").slice(0, 160)}`;
    return heard.problems[0] ?? "";
  } catch (error) {
    return `cannot be asked: ${error.message.split("\n")[0]}`;
  } finally {
    heard.end();
    await page.close();
  }
}

/** What nobody answers: it has to be found out. */
const UNANSWERABLE = { zh: "明天下雨吗？", en: "Will it rain tomorrow?", go: ["维护"], sees: "main", says: /下雨/ };

/** Everything that is not answered, or not within two clicks. */
export async function unanswered(base, readers) {
  const problems = [];
  if (!await asked(readers.guest, base, UNANSWERABLE)) problems.push("a question that nobody answers counts as answered");
  for (const { role, as, questions } of ROLES)
    for (const question of questions) {
      const wrong = question.go.length > CLICKS_MAX ? `takes ${question.go.length} clicks` : await asked(readers[as], base, question);
      if (wrong) problems.push(`${role}: ${question.zh} ${wrong}`);
    }
  return problems;
}

/** docs/questions.md. */
export function page() {
  const lines = ["# Questions and where they are answered", "",
    "常见问题与答案所在：从首页起，点击不超过两次。由 `tests/browser/questions.mjs` 打印，并在演示中逐一提问。", "",
    "What people ask at one glance, and where the pages answer it: within two clicks of the first page, where a name typed into the field on top counts as a click. Printed from `tests/browser/questions.mjs`, which asks each of them of the running demo.", ""];
  for (const { zh, en, as, questions } of ROLES) {
    lines.push(`## ${en} · ${zh}`, "", as === "guest" ? "Without an account. 无需登录。" : "Signed in. 登录后。", "", "| question | clicks |", "|---|---|");
    for (const { zh, en, go } of questions) {
      const path = go.map((step) => (typeof step === "string" ? step : step.told)).join(" › ");
      lines.push(`| ${en}<br>${zh} | ${path || "first page 首页"} |`);
    }
    lines.push("");
  }
  return `${lines.join("\n").trimEnd()}\n`;
}
