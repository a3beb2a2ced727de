// A customer's errand, with types that openapi-typescript has made from openapi.json: see `cargo xtask clients`.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

type Order = components["schemas"]["Order"];

const client = createClient<paths>({ baseUrl: setting("HAAT_URL") });

function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
}

/** The answer, or the problem that stands in its place. */
function must<T>(answer: { data?: T; error?: components["schemas"]["Problem"] }): T {
  if (answer.data === undefined) throw new Error(`${answer.error?.code}: ${answer.error?.detail}`);
  return answer.data;
}

const credentials = { username: setting("HAAT_USERNAME"), password: setting("HAAT_PASSWORD") };
const tokens = must(await client.POST("/api/auth/login/", { body: credentials }));
client.use({
  onRequest({ request }) {
    request.headers.set("Authorization", `Bearer ${tokens.access}`);
  },
});
console.log(`typescript: logged in as ${credentials.username}, ${tokens.role}`);

const query = { limit: 10, ordering: "-price", in_stock: true };
const products = must(await client.GET("/api/products/", { params: { query } }));
console.log(`typescript: ${products.length} products, the dearest is ${products[0]?.name}`);
const dearest = products[0];
if (dearest === undefined) throw new Error("no products");

const placed: Order = must(await client.POST("/api/orders/", { body: { product: dearest.id, quantity: 1 } }));
const path = { id: placed.id };
const found: Order = must(await client.GET("/api/orders/{id}/", { params: { path } }));
if (found.total_price !== dearest.price || found.status !== "pending") throw new Error(JSON.stringify(found));
console.log(`typescript: order ${found.number} is ${found.status}, ${found.total_price} ${found.currency}`);

const missing = await client.GET("/api/orders/{id}/", { params: { path: { id: 9007199254740991 } } });
if (missing.error?.code !== "not_found") throw new Error(`not_found was expected: ${missing.response.status}`);
console.log(`typescript: a missing order is ${missing.error.status} ${missing.error.code}`);
