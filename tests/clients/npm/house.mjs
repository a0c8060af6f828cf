// What a driver needs beside the client it drives: the house, orders to act upon, and how a verdict is told.

import { createHmac } from "node:crypto";
import { createRequire } from "node:module";

export const HOUSE = JSON.parse(process.env.HOUSE);
export const load = createRequire(`${process.env.NODE_MODULES}/`);

// What libraries print is no concern of ours; the verdicts are the last line of what we print.
const write = process.stdout.write.bind(process.stdout);
console.log = console.info = console.warn = console.error = () => {};

async function signed(method, path, parameters) {
  const query = new URLSearchParams({ ...parameters, timestamp: Date.now() }).toString();
  const signature = createHmac("sha256", HOUSE.secret).update(query).digest("hex");
  const headers = { "X-MBX-APIKEY": HOUSE.key };
  const reply = await fetch(`${HOUSE.http}${path}?${query}&signature=${signature}`, { method, headers });
  const content = await reply.json();
  if (!reply.ok) throw content;
  return content;
}

let price = 20_000;

export const ONE = { symbol: "BTCUSDT" };
export const ORDER = { ...ONE, side: "BUY", type: "LIMIT", timeInForce: "GTC", quantity: "0.001", price: "25000" };
export const OCO = {
  ...ONE,
  side: "SELL",
  quantity: "0.001",
  aboveType: "LIMIT_MAKER",
  abovePrice: "40000",
  belowType: "STOP_LOSS",
  belowStopPrice: "20000",
};
export const OTO = {
  ...ONE,
  workingType: "LIMIT",
  workingSide: "BUY",
  workingPrice: "20000",
  workingQuantity: "0.001",
  workingTimeInForce: "GTC",
  pendingSide: "SELL",
  pendingQuantity: "0.001",
};
export const PENDING = { pendingType: "LIMIT", pendingPrice: "40000", pendingTimeInForce: "GTC" };
export const PENDING_OCO = {
  pendingAboveType: "LIMIT_MAKER",
  pendingAbovePrice: "40000",
  pendingBelowType: "STOP_LOSS",
  pendingBelowStopPrice: "15000",
};

// Arguments that must be made anew for each call.
export const mine = async (more = {}) => {
  const order = await signed("POST", "/api/v3/order", { ...ORDER, price: String(price++) });
  return { ...ONE, orderId: order.orderId, ...more };
};
export const list = async (more = {}) => {
  const made = await signed("POST", "/api/v3/orderList/oco", OCO);
  return { orderListId: made.orderListId, ...more };
};
export const replace = async () => {
  const { orderId } = await mine();
  return { ...ORDER, cancelReplaceMode: "STOP_ON_FAILURE", cancelOrderId: orderId };
};
export const amend = async () => mine({ newQty: "0.0005" });
export const listenKey = async () => {
  const headers = { "X-MBX-APIKEY": HOUSE.key };
  return (await (await fetch(`${HOUSE.http}/api/v3/userDataStream`, { method: "POST", headers })).json()).listenKey;
};

const SECONDS = 20;

// The verdict on one call: see tests/clients/drivers/sweeping.py.
async function verdict(call) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${SECONDS} s`)), SECONDS * 1000);
  });
  try {
    await Promise.race([call(), late]);
    return "works";
  } catch (error) {
    return told(error);
  } finally {
    clearTimeout(timer);
  }
}

function told(error) {
  const code = error?.error?.code ?? error?.body?.code ?? error?.code;
  if (typeof code === "number" && code < 0) return `refused ${code}`;
  if (error?.code === "ENOTFOUND") return "not asked: the address of another house is built in";
  const text = error?.message ?? JSON.stringify(error);
  const found = /code["']?\s*[=:]\s*["']?(-\d{4})\b/.exec(`${text} ${error?.body ?? ""}`);
  return found ? `refused ${found[1]}` : `FAILED: ${error?.name}: ${String(text).slice(0, 300)}`;
}

// Arguments, made when they are wanted.
export const resolved = async (wanted) => (typeof wanted === "function" ? wanted() : wanted);

// Calls each function with what `given` says, else with `usual`; prints the verdicts and ends the process.
export async function sweep(client, names, given, usual) {
  const verdicts = {};
  for (const name of names) {
    verdicts[name] = await verdict(async () => {
      const made = await resolved(given[name] ?? usual);
      return client[name](...structuredClone(Array.isArray(made) ? made : [made])); // some add to what they are given
    });
  }
  write(`\n${JSON.stringify(verdicts)}\n`, () => process.exit(0));
}

// The functions of an object's class, or of the object itself.
export const functions = (client, skipped = []) =>
  [...new Set([...Object.keys(client), ...Object.getOwnPropertyNames(Object.getPrototypeOf(client))])].filter(
    (name) => typeof client[name] === "function" && name !== "constructor" && !skipped.includes(name),
  );
