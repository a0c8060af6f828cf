// The package `binance` (tiagosiebler): every function of its MainClient, or with --ws of its WebsocketAPIClient.

import { HOUSE, OCO, ONE, ORDER, OTO, PENDING, PENDING_OCO, amend, functions, list, listenKey, load, mine, replace, resolved, sweep } from "./house.mjs";

const { MainClient, WebsocketAPIClient } = load("binance");
const keys = { api_key: HOUSE.key, api_secret: HOUSE.secret };
const KLINES = { ...ONE, interval: "1m" };
const WINDOW = { ...ONE, windowSize: "1h" };
const PREVENTED = { ...ONE, preventedMatchId: 1 };
const USUAL = { ...ONE, asset: "BTC", coin: "BTC", amount: 1, limit: 10 };
const OLD_OCO = { ...ONE, side: "SELL", quantity: "0.001", price: "40000", stopPrice: "20000" };
const none = () => [];
const all = async () => (await mine(), ONE);

const REST = {
  getExchangeInfo: ONE,
  getOrderBook: ONE,
  getRecentTrades: ONE,
  getHistoricalTrades: ONE,
  getAggregateTrades: ONE,
  getKlines: KLINES,
  getUIKlines: KLINES,
  getAvgPrice: ONE,
  get24hrChangeStatistics: ONE,
  getTradingDayTicker: ONE,
  getSymbolPriceTicker: ONE,
  getSymbolOrderBookTicker: ONE,
  getRollingWindowTicker: WINDOW,
  submitNewOrder: ORDER,
  testNewOrder: ORDER,
  replaceOrder: replace,
  getOrder: mine,
  cancelOrder: mine,
  cancelAllSymbolOrders: all,
  amendOrderKeepPriority: amend,
  getOpenOrders: ONE,
  getAllOrders: ONE,
  submitNewOCO: OLD_OCO,
  submitNewOrderList: OCO,
  submitNewOrderListOTO: { ...OTO, ...PENDING },
  submitNewOrderListOTOCO: { ...OTO, ...PENDING_OCO },
  submitNewOrderListOPO: { ...OTO, ...PENDING },
  submitNewOrderListOPOCO: { ...OTO, ...PENDING_OCO },
  cancelOCO: () => list(ONE),
  getOCO: () => list(),
  getAllOCO: none,
  submitNewSOROrder: ORDER,
  testNewSOROrder: ORDER,
  getAccountInformation: none,
  getAccountTradeList: ONE,
  getOrderRateLimit: none,
  getPreventedMatches: PREVENTED,
  getAllocations: ONE,
  getCommissionRates: ONE,
  getTradeFee: ONE,
  getServerTime: none,
  getReferencePrice: ONE,
  getHistoricalBlockTrades: { ...ONE, fromId: 1 },
  getSpotUserDataListenKey: none,
  keepAliveSpotUserDataListenKey: async () => [await listenKey()],
  closeSpotUserDataListenKey: async () => [await listenKey()],
  getAllCrossMarginPairs: none,
  withdraw: { coin: "BTC", address: "btc19c9870bd719e6aeed5284e35b16c0a8c93ce", amount: "1" },
  getWithdrawHistory: {},
  getDepositHistory: {},
  getDepositAddress: { coin: "BTC" },
  getExecutionRules: ONE,
  getReferencePriceCalculation: ONE,
  submitAutoInvestOneTimeTransaction: { details: [] },
  updateAutoInvestmentPlan: { details: [] },
  submitAutoInvestmentPlan: { details: [] },
  getIsolatedMarginAllSymbols: none,
};

const SOCKET = {
  getSpotServerTime: none,
  testSpotConnectivity: none,
  getSpotExchangeInfo: ONE,
  getSpotSessionStatus: none,
  getSpotKlines: KLINES,
  getSpotUIKlines: KLINES,
  getSpotTicker: WINDOW,
  submitNewSpotOrder: ORDER,
  testSpotOrder: ORDER,
  getSpotOrderStatus: mine,
  cancelSpotOrder: mine,
  cancelReplaceSpotOrder: replace,
  amendSpotOrderKeepPriority: amend,
  cancelAllSpotOpenOrders: all,
  placeSpotOrderList: OLD_OCO,
  placeSpotOCOOrderList: OCO,
  placeSpotOTOOrderList: { ...OTO, ...PENDING },
  placeSpotOTOCOOrderList: { ...OTO, ...PENDING_OCO },
  placeSpotOPOOrderList: { ...OTO, ...PENDING },
  placeSpotOPOCOOrderList: { ...OTO, ...PENDING_OCO },
  getSpotOrderListStatus: () => list(),
  cancelSpotOrderList: () => list(ONE),
  getSpotOpenOrderLists: none,
  getSpotAllOrderLists: none,
  placeSpotSOROrder: ORDER,
  testSpotSOROrder: ORDER,
  getSpotAccountInformation: {},
  getSpotOrderRateLimits: {},
  getSpotPreventedMatches: PREVENTED,
  getSpotHistoricalBlockTrades: { ...ONE, fromId: 1 },
  subscribeUserDataStream: ["mainWSAPI"],
};

// Once logged on by itself, this client leaves the time of a private request to its user.
const OPEN = /^(testSpotConnectivity|subscribe.*|getSpot(ServerTime|ExchangeInfo|SessionStatus|OrderBook|AveragePrice|.*Trades?|.*Klines|.*Ticker|ExecutionRules|ReferencePrice.*))$/;
const stamped = (wanted) => async () => ({ ...(await resolved(wanted)), timestamp: Date.now() });

if (process.argv.includes("--ws")) {
  const client = new WebsocketAPIClient({ ...keys, wsUrl: `${HOUSE.ws}/ws-api/v3`, muteLatencyWarning: true });
  const names = functions(client).filter((name) => name.includes("Spot") || name === "subscribeUserDataStream");
  const given = { ...SOCKET };
  for (const name of names)
    if (!OPEN.test(name) || name === "getSpotMyTrades") given[name] = stamped(SOCKET[name] === none ? {} : (SOCKET[name] ?? ONE));
  await sweep(client, names, given, ONE);
} else {
  const client = new MainClient({ ...keys, baseUrl: HOUSE.http, disableTimeSync: true });
  const names = functions(client).filter((name) => !MACHINERY().includes(name));
  await sweep(client, names, REST, USUAL);
}

function MACHINERY() {
  return ["fetchLatencySummary", "generateNewOrderId", "getBaseUrlPrefix", "hasValidParams", "validateOrderId", "getRestClientOptions"];
}
