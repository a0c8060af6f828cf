// The package `node-binance-api`: the functions of its client over HTTP that concern a spot account.

import { HOUSE, OCO, load, mine, sweep } from "./house.mjs";

const Binance = load("node-binance-api");
const client = new Binance({
  APIKEY: HOUSE.key,
  APISECRET: HOUSE.secret,
  urls: {
    base: `${HOUSE.http}/api/`,
    wapi: `${HOUSE.http}/wapi/`,
    sapi: `${HOUSE.http}/sapi/`,
    fapi: `${HOUSE.http}/fapi/`,
    dapi: `${HOUSE.http}/dapi/`,
    stream: `${HOUSE.ws}/ws/`,
    combineStream: `${HOUSE.ws}/stream?streams=`,
  },
});
client.wsApi = `${HOUSE.ws}/ws-api/v3`;
const BTC = "BTCUSDT";
const id = async () => [BTC, (await mine()).orderId];
const none = () => [];
const GIVEN = {
  order: ["LIMIT", "BUY", BTC, 0.001, 25000],
  ocoOrder: ["SELL", BTC, 0.001, { ...OCO }],
  buy: [BTC, 0.001, 25000],
  sell: [BTC, 0.001, 35000],
  limitOrder: ["BUY", BTC, 0.001, 25000],
  marketBuy: [BTC, 0.001],
  marketSell: [BTC, 0.001],
  marketBuyWithCost: [BTC, 30],
  marketSellWithCost: [BTC, 30],
  cancel: id,
  orderStatus: id,
  cancelAll: async () => (await mine(), [BTC]),
  cancelAllOrders: async () => (await mine(), [BTC]),
  openOrders: [BTC],
  allOrders: [BTC],
  account: none,
  balance: none,
  myTrades: [BTC],
  trades: [BTC],
  tradeFee: none,
  depth: [BTC],
  avgPrice: [BTC],
  prices: none,
  tickerPrice: [BTC],
  bookTickers: none,
  prevDay: [BTC],
  ticker24h: [BTC],
  dailyStats: [BTC],
  exchangeInfo: none,
  time: none,
  ping: none,
  useServerTime: none,
  aggTrades: [BTC],
  recentTrades: [BTC],
  historicalTrades: [BTC],
  candlesticks: [BTC, "1m"],
  candles: [BTC, "1m"],
  systemStatus: none,
  accountStatus: none,
  apiPermission: none,
  assetDetail: none,
  dustLog: none,
  dustTransfer: [["BTC"]],
  assetDividendRecord: none,
  withdraw: ["BTC", "btc19c9870bd719e6aeed5284e35b16c0a8c93ce", 1],
  withdrawHistory: none,
  depositHistory: none,
  depositAddress: ["BTC"],
  depositAddressList: ["BTC"],
  universalTransfer: ["MAIN_FUNDING", "BTC", 1],
  lending: none,
  maxTransferable: ["BTC"],
  maxBorrowable: ["BTC"],
  marginOrder: ["LIMIT", "BUY", BTC, 0.001, 25000],
  mgAccount: none,
  mgAllOrders: [BTC],
  transferMainToFutures: ["BTC", 1],
  futuresAccount: none,
  futuresBuy: [BTC, 0.001, 25000],
  spotGetDataStream: none,
};
// The futures, delivery and margin functions are refused like those few that stand for them here.

await sweep(client, Object.keys(GIVEN), GIVEN, [BTC]);
