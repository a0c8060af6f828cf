// The package `binance-api-node`: every function of its client over HTTP.

import { HOUSE, ONE, ORDER, functions, list, listenKey, load, mine, replace, sweep } from "./house.mjs";

const client = load("binance-api-node").default({
  apiKey: HOUSE.key,
  apiSecret: HOUSE.secret,
  httpBase: HOUSE.http,
  wsBase: `${HOUSE.ws}/ws`,
  httpFutures: HOUSE.http,
  httpDelivery: HOUSE.http,
});
const USUAL = { ...ORDER, asset: "BTC", coin: "BTC", amount: 1 };
const none = () => [];
const GIVEN = {
  getInfo: none,
  ping: none,
  time: none,
  exchangeInfo: none,
  book: ONE,
  aggTrades: ONE,
  candles: ONE,
  trades: ONE,
  tradesHistory: ONE,
  dailyStats: ONE,
  prices: none,
  avgPrice: ONE,
  allBookTickers: none,
  order: ORDER,
  orderTest: ORDER,
  orderOco: { ...ONE, side: "SELL", quantity: "0.001", price: "40000", stopPrice: "20000" },
  updateOrder: replace,
  getOrder: mine,
  getOrderOco: () => list(),
  cancelOrder: mine,
  cancelOrderOco: () => list(ONE),
  cancelOpenOrders: async () => (await mine(), ONE),
  openOrders: ONE,
  allOrders: ONE,
  allOrdersOCO: none,
  accountInfo: none,
  myTrades: ONE,
  tradeFee: none,
  capitalConfigs: none,
  accountCoins: none,
  getDataStream: none,
  keepDataStream: async () => ({ listenKey: await listenKey() }),
  closeDataStream: async () => ({ listenKey: await listenKey() }),
  privateRequest: ["GET", "/api/v3/account", {}],
  publicRequest: ["GET", "/api/v3/time", {}],
  isolatedMarginAllPairs: none,
  apiRestrictions: none,
  withdraw: { coin: "BTC", address: "btc19c9870bd719e6aeed5284e35b16c0a8c93ce", amount: "1" },
  withdrawHistory: none,
  depositHistory: none,
  depositAddress: { coin: "BTC" },
  assetDetail: none,
  futuresIndexPriceCandles: { pair: "BTCUSDT" },
  deliveryIndexPriceCandles: { pair: "BTCUSDT" },
  marginOrderOco: { ...ONE, side: "SELL", quantity: "0.001", price: "40000", stopPrice: "20000" },
};

// papi, the portfolio margin of another house, has its address built in.
const names = functions(client, ["ws"]).filter((name) => Object.hasOwn(client, name) && !name.startsWith("papi"));
await sweep(client, names, GIVEN, USUAL);
